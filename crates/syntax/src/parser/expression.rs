//! Expressions: binary and prefix operators.

use super::{Parser, Read, Scope};
use crate::ast::{BinaryOperator, Expr, ExprKind, UnaryOperator};
use crate::lexer::TokenKind;

/// How tightly a binary operator binds. All of them associate to the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Logic,
    Comparison,
    Sum,
    Product,
    Power,
    /// Tighter than every binary operator.
    Operand,
}

#[derive(Clone, Copy, Debug)]
struct Operator {
    operator: BinaryOperator,
    binding: Binding,
}

// === impl Parser ===

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Read<Expr> {
        if self.begins_import() {
            let import = self.import()?;
            let span = import.span;
            return Ok(Expr {
                kind: ExprKind::Import(Box::new(import)),
                span,
            });
        }
        self.binary(Binding::Logic)
    }

    fn binary(&mut self, loosest: Binding) -> Read<Expr> {
        if loosest == Binding::Operand {
            return self.unary();
        }
        let mut left = self.unary()?;
        while let Some(found) = self.operator().filter(|found| found.binding >= loosest) {
            self.take_operator(found.operator);
            let right = self.measured(|parser| parser.binary(found.binding.tighter()))?;
            self.grow()?;
            left = Expr {
                span: left.span.to(right.span),
                kind: ExprKind::Binary {
                    operator: found.operator,
                    left: Box::new(left),
                    right: Box::new(right),
                },
            };
        }
        Ok(left)
    }

    /// The binary operator at the current token.
    fn operator(&self) -> Option<Operator> {
        if self.filter.is_some() || self.line_ends_here() {
            return None;
        }
        let token = self.token();
        let kind = match token.kind {
            TokenKind::Name => self.unspaced_operator()?,
            TokenKind::Not => {
                return self.at_not_in().then_some(Operator {
                    operator: BinaryOperator::NotIn,
                    binding: Binding::Comparison,
                });
            }
            kind => kind,
        };
        binary_operator(kind)
    }

    fn at_not_in(&self) -> bool {
        self.at(TokenKind::Not) && self.token_ahead(1).kind == TokenKind::In
    }

    fn take_operator(&mut self, operator: BinaryOperator) {
        match self.kind() {
            TokenKind::Name => self.report_unspaced(),
            TokenKind::Equal => self.report_single_equals(),
            _ => {}
        }
        self.bump();
        if operator == BinaryOperator::NotIn {
            self.bump();
        }
    }

    /// A word operator that lacks its blank, as in `a in[b]`. Such words are names for the lexer,
    /// and where this is asked no name can stand.
    fn unspaced_operator(&self) -> Option<TokenKind> {
        let token = self.token();
        let name = token.kind == TokenKind::Name && !token.starts_line();
        name.then(|| TokenKind::word_operator(self.text(token.span)))
            .flatten()
    }

    fn unary(&mut self) -> Read<Expr> {
        self.prefixed(Self::postfix)
    }

    /// What stands behind `else`: neither a postfix nor another conditional belongs to it.
    pub(super) fn otherwise(&mut self) -> Read<Expr> {
        self.prefixed(Self::primary)
    }

    fn prefixed(&mut self, operand: impl FnOnce(&mut Self) -> Read<Expr>) -> Read<Expr> {
        let mut prefixes = Vec::new();
        while let Some(operator) = self.prefix() {
            if self.at(TokenKind::Name) {
                self.report_unspaced();
            }
            let sign = operator != UnaryOperator::Not;
            let token = if sign { self.bump_tight() } else { self.bump() };
            prefixes.push((operator, token.span));
        }
        let mut operand = operand(self)?;
        for (operator, span) in prefixes.into_iter().rev() {
            self.grow()?;
            operand = Expr {
                span: span.to(operand.span),
                kind: ExprKind::Unary {
                    operator,
                    operand: Box::new(operand),
                },
            };
        }
        Ok(operand)
    }

    fn prefix(&self) -> Option<UnaryOperator> {
        match self.kind() {
            TokenKind::Not => Some(UnaryOperator::Not),
            TokenKind::Minus => Some(UnaryOperator::Minus),
            TokenKind::Plus => Some(UnaryOperator::Plus),
            TokenKind::Name if self.at_word("not") && self.begins_operand(1) => {
                Some(UnaryOperator::Not)
            }
            _ => None,
        }
    }

    /// Whether the token at that distance is certainly the beginning of an operand.
    fn begins_operand(&self, distance: usize) -> bool {
        let kind = self.token_ahead(distance).kind;
        kind.opens_bracket() || matches!(kind, TokenKind::Text | TokenKind::LongText)
    }

    /// Whether the expression ends before the current token because that begins a new line. An
    /// expression goes on in the next line if that line could not stand on its own.
    pub(super) fn line_ends_here(&self) -> bool {
        let token = self.token();
        if self.scope != Scope::Lines || !token.starts_line() {
            return false;
        }
        match token.kind {
            TokenKind::Text
            | TokenKind::LongText
            | TokenKind::Integer
            | TokenKind::Float
            | TokenKind::LeftParenthesis
            | TokenKind::LeftBracket
            | TokenKind::LeftBrace
            | TokenKind::Minus
            | TokenKind::Plus => true,
            TokenKind::Not => !self.at_not_in(),
            TokenKind::Name => !matches!(self.text(token.span), "if" | "else" | "for"),
            TokenKind::Less => self.value_reference().is_some(),
            _ => false,
        }
    }
}

// === impl Binding ===

impl Binding {
    fn tighter(self) -> Binding {
        match self {
            Binding::Logic => Binding::Comparison,
            Binding::Comparison => Binding::Sum,
            Binding::Sum => Binding::Product,
            Binding::Product => Binding::Power,
            Binding::Power | Binding::Operand => Binding::Operand,
        }
    }
}

fn binary_operator(kind: TokenKind) -> Option<Operator> {
    use BinaryOperator as B;
    let (operator, binding) = match kind {
        TokenKind::And => (B::And, Binding::Logic),
        TokenKind::Or => (B::Or, Binding::Logic),
        // A lone `=` is reported and read as what was most likely meant.
        TokenKind::EqualEqual | TokenKind::Equal => (B::Equal, Binding::Comparison),
        TokenKind::NotEqual => (B::NotEqual, Binding::Comparison),
        TokenKind::Greater => (B::Greater, Binding::Comparison),
        TokenKind::Less => (B::Less, Binding::Comparison),
        TokenKind::GreaterEqual => (B::GreaterEqual, Binding::Comparison),
        TokenKind::LessEqual => (B::LessEqual, Binding::Comparison),
        TokenKind::Is => (B::Is, Binding::Comparison),
        TokenKind::In => (B::In, Binding::Comparison),
        TokenKind::ContainsOnly => (B::ContainsOnly, Binding::Comparison),
        TokenKind::Arrow => (B::Flow, Binding::Comparison),
        TokenKind::TildeArrow => (B::DirectFlow, Binding::Comparison),
        TokenKind::Plus => (B::Add, Binding::Sum),
        TokenKind::Minus => (B::Subtract, Binding::Sum),
        TokenKind::Star => (B::Multiply, Binding::Product),
        TokenKind::Slash => (B::Divide, Binding::Product),
        TokenKind::Percent => (B::Modulo, Binding::Product),
        TokenKind::StarStar => (B::Power, Binding::Power),
        _ => return None,
    };
    Some(Operator { operator, binding })
}
