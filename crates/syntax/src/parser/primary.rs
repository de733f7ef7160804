//! Operands: literals, names, binders, brackets.

use super::statement::is_literal;
use super::{Parser, Read, Scope, Stop};
use crate::ast::{Comprehension, Entry, Expr, ExprKind, Name};
use crate::lexer::{Token, TokenKind};
use crate::{Span, literal};

// === impl Parser ===

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Read<Expr> {
        let token = self.token();
        match token.kind {
            TokenKind::Name => self.word(token),
            TokenKind::Integer
            | TokenKind::Float
            | TokenKind::Text
            | TokenKind::LongText
            | TokenKind::Star => Ok(self.literal(token)),
            TokenKind::LeftParenthesis => self.parenthesis(),
            TokenKind::LeftBracket => self.list(),
            TokenKind::LeftBrace => self.object(),
            TokenKind::Less => self.reference(token),
            TokenKind::Indent => {
                let body = self.block()?;
                Ok(Expr {
                    span: body.span,
                    kind: ExprKind::Block(body),
                })
            }
            _ => self.expected_expression(),
        }
    }

    fn literal(&mut self, token: Token) -> Expr {
        let text = self.text(token.span);
        let kind = match token.kind {
            TokenKind::Integer => ExprKind::Integer(text.to_owned()),
            TokenKind::Float => text.parse().map_or(ExprKind::Error, ExprKind::Float),
            TokenKind::LongText => ExprKind::String(literal::long_text(text, self.margin)),
            TokenKind::Star => ExprKind::Wildcard,
            _ => ExprKind::String(literal::text(text)),
        };
        self.bump();
        Expr {
            kind,
            span: token.span,
        }
    }

    fn word(&mut self, token: Token) -> Read<Expr> {
        let text = self.text(token.span);
        let next = self.token_ahead(1);
        if text == "tool" && next.kind == TokenKind::Colon {
            return self.tool(token);
        }
        if next.kind == TokenKind::LeftParenthesis && TokenKind::word_operator(text).is_some() {
            self.report_unspaced();
            return Err(Stop);
        }
        if next.kind == TokenKind::ColonEqual {
            return self.binding(token);
        }
        self.bump();
        let kind = match text {
            "None" => ExprKind::None,
            "True" => ExprKind::Bool(true),
            "False" => ExprKind::Bool(false),
            _ => ExprKind::Name(text.to_owned()),
        };
        Ok(Expr {
            kind,
            span: token.span,
        })
    }

    fn tool(&mut self, token: Token) -> Read<Expr> {
        let name = self.token_ahead(2);
        if !name.kind.is_word() || name.starts_line() {
            return self.fail_missing_tool_name();
        }
        self.bump();
        self.bump_tight();
        let name = self.name("a tool's name")?;
        Ok(Expr {
            span: token.span.to(name.span),
            kind: ExprKind::Tool(name),
        })
    }

    /// `name := value`.
    fn binding(&mut self, token: Token) -> Read<Expr> {
        let name = self.name("a name")?;
        if is_literal(&name.text) {
            self.report_assigned_literal(&name);
        }
        let assign = self.bump();
        if self.line_is_over() {
            return self.fail_missing_value(assign.span, &name);
        }
        let value = self.nested(self.scope, Self::expression)?;
        Ok(Expr {
            span: token.span.to(value.span),
            kind: ExprKind::Let {
                name,
                value: Box::new(value),
            },
        })
    }

    fn parenthesis(&mut self) -> Read<Expr> {
        if self.token_ahead(1).kind.is_word() && self.token_ahead(2).kind == TokenKind::Colon {
            let tool_group = self.text(self.token_ahead(1).span) == "tool"
                && self.token_ahead(4).kind != TokenKind::RightParenthesis;
            if !tool_group {
                return self.binder();
            }
        }
        let opening = self.bump();
        let parts = self.nested(Scope::Brackets, |parser| {
            parser.elements(TokenKind::RightParenthesis)
        })?;
        let closing = self.close(opening)?;
        Ok(Expr {
            kind: ExprKind::Group(parts),
            span: opening.span.to(closing),
        })
    }

    /// `(name: kind)`.
    fn binder(&mut self) -> Read<Expr> {
        let opening = self.bump();
        let name = self.name("a variable's name")?;
        self.bump();
        let kind = self.name("a kind, such as `Message`")?;
        if !self.at(TokenKind::RightParenthesis) {
            return self.fail_invalid_binder(opening.span);
        }
        let closing = self.bump();
        Ok(Expr {
            kind: ExprKind::Binder { name, kind },
            span: opening.span.to(closing.span),
        })
    }

    fn list(&mut self) -> Read<Expr> {
        let opening = self.bump();
        let kind = self.nested(Scope::Brackets, Self::list_inside)?;
        let closing = self.close(opening)?;
        Ok(Expr {
            kind,
            span: opening.span.to(closing),
        })
    }

    fn list_inside(&mut self) -> Read<ExprKind> {
        if self.at(TokenKind::RightBracket) {
            return Ok(ExprKind::List(Vec::new()));
        }
        let first = self.measured(Self::expression)?;
        if self.eat_word("for") {
            return self.comprehension(first);
        }
        let mut elements = vec![first];
        if self.comma(TokenKind::RightBracket) {
            elements.extend(self.elements(TokenKind::RightBracket)?);
        }
        Ok(ExprKind::List(elements))
    }

    /// At least one expression, with commas between them.
    fn elements(&mut self, closing: TokenKind) -> Read<Vec<Expr>> {
        let mut elements = vec![self.measured(Self::expression)?];
        while self.comma(closing) {
            elements.push(self.measured(Self::expression)?);
        }
        Ok(elements)
    }

    fn comprehension(&mut self, element: Expr) -> Read<ExprKind> {
        let variable = self.name("the comprehension's variable")?;
        if !self.eat_word("in") {
            return self.expected("`in`", "write `[element for name in list]`");
        }
        let iterable = self.nested(Scope::Iterable, Self::expression)?;
        let filter = self.filter.take();
        Ok(ExprKind::Comprehension(Box::new(Comprehension {
            element,
            variable,
            iterable,
            filter,
        })))
    }

    fn object(&mut self) -> Read<Expr> {
        let opening = self.bump();
        let entries = self.nested(Scope::Brackets, Self::entries)?;
        let closing = self.close(opening)?;
        Ok(Expr {
            kind: ExprKind::Object(entries),
            span: opening.span.to(closing),
        })
    }

    fn entries(&mut self) -> Read<Vec<Entry>> {
        let mut entries = Vec::new();
        while !self.at(TokenKind::RightBrace) {
            let key = self.key()?;
            if !self.eat(TokenKind::Colon) {
                return self.expected("`:`", "an object's entry is written `key: value`");
            }
            let value = self.measured(Self::expression)?;
            entries.push(Entry { key, value });
            if !self.comma(TokenKind::RightBrace) {
                break;
            }
        }
        Ok(entries)
    }

    fn key(&mut self) -> Read<Name> {
        let token = self.token();
        if token.kind == TokenKind::Text {
            self.bump();
            return Ok(Name {
                text: literal::text(self.text(token.span)),
                span: token.span,
            });
        }
        if !token.kind.is_word() {
            return self.fail_object_key();
        }
        self.name("a key")
    }

    /// `<NAME>`.
    fn reference(&mut self, token: Token) -> Read<Expr> {
        let Some(name) = self.value_reference() else {
            return self.expected_expression();
        };
        let end = token.span.range().end + name.len() + 1;
        self.bump_tight();
        while self.token().span.range().start < end && !self.at(TokenKind::End) {
            self.bump();
        }
        Ok(Expr {
            kind: ExprKind::ValueReference(name.to_owned()),
            span: Span::new(token.span.range().start, end),
        })
    }
}

impl<'s> Parser<'s> {
    /// The name of the value reference that begins at the current `<`, if one does.
    pub(super) fn value_reference(&self) -> Option<&'s str> {
        let behind = self.source.get(self.token().span.range().end..)?;
        let length = behind
            .bytes()
            .take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':'))
            .count();
        let (name, rest) = behind.split_at_checked(length)?;
        (!name.is_empty() && rest.starts_with('>')).then_some(name)
    }
}
