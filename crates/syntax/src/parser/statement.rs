//! Statements and blocks.

use super::{Parser, Read, Scope};
use crate::Span;
use crate::ast::{
    Block, Declaration, Expr, ExprKind, Import, Imported, ImportedName, Name, Parameter, Policy,
    Raise, Statement,
};
use crate::lexer::{LineStart, TokenKind};

/// Names that stand for a value of their own.
pub(super) fn is_literal(name: &str) -> bool {
    matches!(name, "None" | "True" | "False")
}

// === impl Parser ===

impl Parser<'_> {
    pub(super) fn policy(&mut self) -> Policy {
        let mut statements = Vec::new();
        while !self.at(TokenKind::End) {
            let before = self.position;
            match self.statement() {
                Ok(statement) => statements.push(statement),
                Err(_) => self.recover(before, 0),
            }
        }
        Policy { statements }
    }

    /// Skips the line that could not be read, at least one token.
    fn recover(&mut self, before: usize, level: usize) {
        self.filter = None;
        if self.position == before {
            self.bump();
        }
        self.skip_line(level);
    }

    fn statement(&mut self) -> Read<Statement> {
        self.mark_line();
        if !self.kind().is_word() {
            return self.expected_statement();
        }
        if self.at_word("raise") {
            return self.raise().map(Statement::Raise);
        }
        if self.begins_import() {
            return self.import().map(Statement::Import);
        }
        self.declaration().map(Statement::Declaration)
    }

    // Neither word is reserved: what follows tells an import from a use of that name.
    pub(super) fn begins_import(&self) -> bool {
        let next = self.token_ahead(1);
        (self.at_word("import") || self.at_word("from"))
            && !next.starts_line()
            && (next.kind == TokenKind::Name || next.kind == TokenKind::Text)
            && !matches!(self.text(next.span), "if" | "else" | "for")
    }

    pub(super) fn import(&mut self) -> Read<Import> {
        let start = self.bump().span;
        let names = self.text(start) == "from";
        let module = self.dotted()?;
        let what = if names {
            if !self.eat_word("import") {
                return self.fail_invalid_import();
            }
            Imported::Names(self.imported_names()?)
        } else {
            let alias = self.alias(&module)?;
            Imported::Module { alias }
        };
        Ok(Import {
            span: start.to(self.end_of_last()),
            module,
            what,
        })
    }

    fn imported_names(&mut self) -> Read<Vec<ImportedName>> {
        let mut names = Vec::new();
        loop {
            if !self.kind().is_word() {
                return self.fail_invalid_import();
            }
            let name = self.dotted()?;
            let alias = self.alias(&name)?;
            names.push(ImportedName { name, alias });
            if !self.comma_before_line_end() {
                return Ok(names);
            }
        }
    }

    fn dotted(&mut self) -> Read<Name> {
        let mut dotted = self.name("a module's name")?;
        while self.eat(TokenKind::Dot) {
            let part = self.name("a module's name")?;
            dotted.span = dotted.span.to(part.span);
            dotted.text.push('.');
            dotted.text.push_str(&part.text);
        }
        Ok(dotted)
    }

    fn alias(&mut self, name: &Name) -> Read<Option<Name>> {
        if self.eat_word("as") {
            return self.name("a name behind `as`").map(Some);
        }
        if name.text.contains('.') {
            self.report_dotted_import(name);
        }
        Ok(None)
    }

    fn raise(&mut self) -> Read<Raise> {
        let start = self.bump().span;
        if self.line_is_over() {
            return self.expected_expression();
        }
        let error = self.raise_target()?;
        if self.at_word("if") {
            let keyword = self.bump();
            let body = self.rule_body(keyword.span)?;
            return Ok(Raise {
                span: start.to(self.end_of_last()),
                error,
                body,
            });
        }
        self.report_missing_if(error.span);
        if self.kind().is_word() && self.token_ahead(1).kind == TokenKind::Indent {
            self.bump();
        }
        let body = self.rule_body(error.span)?;
        Ok(Raise {
            span: start.to(self.end_of_last()),
            error,
            body,
        })
    }

    fn raise_target(&mut self) -> Read<Expr> {
        let long_text = self.at(TokenKind::LongText);
        let outer = std::mem::replace(&mut self.scope, Scope::RaiseTarget);
        let target = self.measured(Self::expression);
        self.scope = outer;
        let target = target?;
        let raisable = match target.kind {
            ExprKind::Name(_) | ExprKind::Call { .. } => true,
            ExprKind::String(_) => !long_text,
            _ => false,
        };
        if !raisable {
            self.report_invalid_raise(target.span);
        }
        Ok(target)
    }

    /// The conditions of a rule whose header ends with `before`.
    fn rule_body(&mut self, before: Span) -> Read<Block> {
        match self.kind() {
            TokenKind::Indent => {
                self.set_tight(true);
                self.block()
            }
            TokenKind::Colon if !self.token().starts_line() => {
                let colon = self.bump().span;
                if self.line_is_over() {
                    self.report_missing_body(before.to(colon));
                    return Ok(Block {
                        span: colon,
                        lines: Vec::new(),
                    });
                }
                self.inline_body()
            }
            _ => self.fail_missing_colon(before),
        }
    }

    /// Conditions behind the colon, where none can stand.
    fn inline_body(&mut self) -> Read<Block> {
        let line = self.nested(Scope::Lines, Self::expression)?;
        self.report_inline_body(line.span);
        Ok(Block {
            span: line.span,
            lines: vec![line],
        })
    }

    fn declaration(&mut self) -> Read<Declaration> {
        let name = self.name("a name")?;
        if is_literal(&name.text) {
            self.report_assigned_literal(&name);
        }
        let parameters = if self.at(TokenKind::LeftParenthesis) {
            Some(self.parameters()?)
        } else {
            None
        };
        let body = match self.kind() {
            TokenKind::Indent => {
                self.set_tight(false);
                self.block()?
            }
            TokenKind::ColonEqual | TokenKind::Equal => self.value(&name)?,
            _ => return self.expected_declaration(&name),
        };
        Ok(Declaration {
            span: name.span.to(self.end_of_last()),
            name,
            parameters,
            body,
        })
    }

    /// `:= expression`.
    fn value(&mut self, name: &Name) -> Read<Block> {
        if self.at(TokenKind::Equal) {
            self.report_single_equals();
        }
        let assign = self.bump();
        if self.line_is_over() {
            return self.fail_missing_value(assign.span, name);
        }
        let line = self.nested(Scope::Brackets, Self::expression)?;
        Ok(Block {
            span: line.span,
            lines: vec![line],
        })
    }

    fn parameters(&mut self) -> Read<Vec<Parameter>> {
        let opening = self.bump_tight();
        let mut parameters = Vec::new();
        while !self.at(TokenKind::RightParenthesis) {
            let name = self.name("a parameter")?;
            if !self.eat(TokenKind::Colon) {
                return self.fail_missing_kind(&name);
            }
            let kind = self.name("the parameter's kind")?;
            parameters.push(Parameter { name, kind });
            if !self.comma(TokenKind::RightParenthesis) {
                break;
            }
        }
        self.close(opening)?;
        Ok(parameters)
    }

    /// The block that the current `Indent` opens.
    pub(super) fn block(&mut self) -> Read<Block> {
        let opening = self.bump().span;
        let level = self.level;
        let lines = self.nested(Scope::Lines, |parser| Ok(parser.lines(level)))?;
        let span = match (lines.first(), lines.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => opening,
        };
        Ok(Block { span, lines })
    }

    fn lines(&mut self, level: usize) -> Vec<Expr> {
        let mut lines = Vec::new();
        while !matches!(self.kind(), TokenKind::Dedent | TokenKind::End) {
            let before = self.position;
            let start = self.token().span;
            let line = self.measured(Self::line);
            lines.push(line.unwrap_or_else(|_| {
                self.recover(before, level);
                Expr {
                    kind: ExprKind::Error,
                    span: start.to(self.end_of_last()),
                }
            }));
        }
        self.eat(TokenKind::Dedent);
        lines
    }

    fn line(&mut self) -> Read<Expr> {
        self.mark_line();
        let line = self.expression()?;
        let token = self.token();
        let over = token.starts_line() || matches!(token.kind, TokenKind::Dedent | TokenKind::End);
        if over {
            Ok(line)
        } else {
            self.fail_unexpected()
        }
    }

    /// Whether nothing more stands on the current line, or below it for it.
    pub(super) fn line_is_over(&self) -> bool {
        let token = self.token();
        token.line == LineStart::Aligned || matches!(token.kind, TokenKind::Dedent | TokenKind::End)
    }
}
