//! What follows an operand: members, indexes, calls, quantifier bodies, conditionals.

use super::{Parser, Read, Scope};
use crate::ast::{Expr, ExprKind, Keyword};
use crate::lexer::TokenKind;

#[derive(Debug, Default)]
struct Arguments {
    positional: Vec<Expr>,
    keywords: Vec<Keyword>,
}

// === impl Parser ===

impl Parser<'_> {
    pub(super) fn postfix(&mut self) -> Read<Expr> {
        let mut expr = self.primary()?;
        while self.begins_postfix(&expr) {
            self.grow()?;
            expr = match self.kind() {
                TokenKind::Dot => self.member(expr)?,
                TokenKind::LeftBracket => self.index(expr)?,
                TokenKind::LeftParenthesis => self.call(expr)?,
                TokenKind::Indent => self.quantifier(expr)?,
                _ => self.conditional(expr)?,
            };
        }
        Ok(expr)
    }

    fn begins_postfix(&self, expr: &Expr) -> bool {
        // INVARIANT: a filter on hand means that the iterable, and all in it, has ended.
        let ended = self.filter.is_some() || self.line_ends_here();
        if ended || matches!(expr.kind, ExprKind::Block(_)) {
            return false;
        }
        match self.kind() {
            TokenKind::Dot | TokenKind::LeftBracket | TokenKind::LeftParenthesis => true,
            TokenKind::Indent => self.scope != Scope::RaiseTarget,
            TokenKind::Name => self.scope != Scope::RaiseTarget && self.at_word("if"),
            _ => false,
        }
    }

    fn member(&mut self, object: Expr) -> Read<Expr> {
        self.bump();
        let name = self.name("a member's name")?;
        Ok(Expr {
            span: object.span.to(name.span),
            kind: ExprKind::Member {
                object: Box::new(object),
                name,
            },
        })
    }

    fn index(&mut self, object: Expr) -> Read<Expr> {
        let opening = self.bump_tight();
        let index = self.nested(Scope::Brackets, Self::expression)?;
        if self.at(TokenKind::Colon) {
            return self.fail_slice(opening.span);
        }
        let closing = self.close(opening)?;
        Ok(Expr {
            span: object.span.to(closing),
            kind: ExprKind::Index {
                object: Box::new(object),
                index: Box::new(index),
            },
        })
    }

    fn call(&mut self, function: Expr) -> Read<Expr> {
        let opening = self.bump_tight();
        let arguments = self.nested(Scope::Brackets, Self::arguments)?;
        let closing = self.close(opening)?;
        let span = function.span.to(closing);
        let kind = match function.kind {
            ExprKind::Tool(tool) => {
                if let Some(keyword) = arguments.keywords.first() {
                    self.report_keyword_in_pattern(keyword);
                }
                ExprKind::ToolPattern {
                    tool,
                    arguments: arguments.positional,
                }
            }
            _ => ExprKind::Call {
                function: Box::new(function),
                arguments: arguments.positional,
                keywords: arguments.keywords,
            },
        };
        Ok(Expr { kind, span })
    }

    fn arguments(&mut self) -> Read<Arguments> {
        let mut arguments = Arguments::default();
        // The language has always let a comma stand before the first keyword argument.
        if self.at(TokenKind::Comma) && self.keyword_follows(1) {
            self.bump();
        }
        while !self.at(TokenKind::RightParenthesis) {
            self.measured(|parser| parser.argument(&mut arguments))?;
            if !self.comma(TokenKind::RightParenthesis) {
                break;
            }
        }
        Ok(arguments)
    }

    fn argument(&mut self, arguments: &mut Arguments) -> Read<()> {
        if self.keyword_follows(0) {
            let name = self.name("an argument's name")?;
            self.bump();
            let value = self.expression()?;
            arguments.keywords.push(Keyword { name, value });
            return Ok(());
        }
        let value = self.expression()?;
        if !arguments.keywords.is_empty() {
            self.report_positional(value.span);
        }
        arguments.positional.push(value);
        Ok(())
    }

    fn keyword_follows(&self, distance: usize) -> bool {
        self.token_ahead(distance).kind.is_word()
            && self.token_ahead(distance + 1).kind == TokenKind::Equal
    }

    fn quantifier(&mut self, head: Expr) -> Read<Expr> {
        if !matches!(head.kind, ExprKind::Name(_) | ExprKind::Call { .. }) {
            return self.fail_misplaced_block();
        }
        if !self.token().tight {
            return self.fail_value_on_next_line();
        }
        let body = self.block()?;
        Ok(Expr {
            span: head.span.to(body.span),
            kind: ExprKind::Quantifier {
                head: Box::new(head),
                body,
            },
        })
    }

    /// `then if condition else otherwise`. In the iterable of a comprehension, an `if` without
    /// `else` is the filter: then `then` comes back alone, and the filter is left on hand.
    fn conditional(&mut self, then: Expr) -> Read<Expr> {
        let keyword = self.bump();
        let within = match self.scope {
            Scope::Iterable => Scope::Brackets,
            scope => scope,
        };
        let condition = self.nested(within, Self::expression)?;
        if !self.eat_word("else") {
            if self.scope == Scope::Iterable {
                self.filter = Some(condition);
                return Ok(then);
            }
            return self.fail_missing_else(keyword.span);
        }
        let otherwise = self.nested(self.scope, Self::otherwise)?;
        Ok(Expr {
            span: then.span.to(otherwise.span),
            kind: ExprKind::Conditional {
                then: Box::new(then),
                condition: Box::new(condition),
                otherwise: Box::new(otherwise),
            },
        })
    }
}
