//! Trees as text without positions, for tests.

use crate::ast::{
    BinaryOperator, Block, Comprehension, Entry, Expr, ExprKind, Import, Imported, Name, Policy,
    Statement, UnaryOperator,
};
use crate::{Span, parse};

/// The shape of a policy that must be free of problems.
pub(crate) fn shape_of(source: &str) -> String {
    let parsed = parse(source);
    assert_eq!(parsed.diagnostics, [], "{source}");
    policy(&parsed.policy)
}

/// What stands at a place of the source.
pub(crate) fn text_at(source: &str, span: Span) -> &str {
    let text = source.get(span.range());
    text.unwrap_or_else(|| panic!("{span:?} is no part of {source:?}"))
}

pub(crate) fn policy(policy: &Policy) -> String {
    let statements: Vec<String> = policy.statements.iter().map(statement).collect();
    statements.join("\n")
}

fn statement(statement: &Statement) -> String {
    match statement {
        Statement::Import(statement) => import(statement),
        Statement::Raise(raise) => format!("raise {} {}", expr(&raise.error), block(&raise.body)),
        Statement::Declaration(declaration) => {
            let parameters = declaration.parameters.as_ref().map(|parameters| {
                let parameters = parameters.iter();
                joined(parameters.map(|part| format!("{}:{}", part.name.text, part.kind.text)))
            });
            let name = &declaration.name.text;
            format!("declare {name} {parameters:?} {}", block(&declaration.body))
        }
    }
}

fn import(import: &Import) -> String {
    let alias = |alias: &Option<Name>| alias.as_ref().map_or_else(String::new, alias_text);
    let module = &import.module.text;
    match &import.what {
        Imported::Module { alias: name } => format!("import {module}{}", alias(name)),
        Imported::Names(names) => {
            let names = names.iter();
            let names = joined(names.map(|part| part.name.text.clone() + &alias(&part.alias)));
            format!("from {module} import {names}")
        }
    }
}

fn alias_text(alias: &Name) -> String {
    format!(" as {}", alias.text)
}

fn block(block: &Block) -> String {
    format!(
        "[{}]",
        block.lines.iter().map(expr).collect::<Vec<_>>().join(" | ")
    )
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn list(exprs: &[Expr]) -> String {
    joined(exprs.iter().map(expr))
}

pub(crate) fn expr(tree: &Expr) -> String {
    match &tree.kind {
        ExprKind::None => "None".to_owned(),
        ExprKind::Bool(value) => format!("{value}"),
        ExprKind::Integer(digits) => digits.clone(),
        ExprKind::Float(value) => format!("{value:?}f"),
        ExprKind::String(value) => format!("{value:?}"),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Binder { name, kind } => format!("({}: {})", name.text, kind.text),
        ExprKind::Let { name, value } => format!("({} := {})", name.text, expr(value)),
        ExprKind::Import(statement) => format!("({})", import(statement)),
        ExprKind::Unary { operator, operand } => {
            format!("({}{})", unary(*operator), expr(operand))
        }
        ExprKind::Binary {
            operator,
            left,
            right,
        } => {
            format!("({} {} {})", expr(left), binary(*operator), expr(right))
        }
        ExprKind::Member { object, name } => format!("{}.{}", expr(object), name.text),
        ExprKind::Index { object, index } => format!("{}[{}]", expr(object), expr(index)),
        ExprKind::Call {
            function,
            arguments,
            keywords,
        } => {
            let keywords = keywords.iter();
            let keywords =
                joined(keywords.map(|part| format!("{}={}", part.name.text, expr(&part.value))));
            format!("{}({}; {keywords})", expr(function), list(arguments))
        }
        ExprKind::Quantifier { head, body } => format!("{}: {}", expr(head), block(body)),
        ExprKind::Tool(name) => format!("tool:{}", name.text),
        ExprKind::ToolPattern { tool, arguments } => {
            format!("tool:{}({})", tool.text, list(arguments))
        }
        ExprKind::Conditional {
            then,
            condition,
            otherwise,
        } => {
            format!(
                "({} if {} else {})",
                expr(then),
                expr(condition),
                expr(otherwise)
            )
        }
        ExprKind::List(elements) => format!("[{}]", list(elements)),
        ExprKind::Object(entries) => {
            let entries = entries.iter();
            let entry = |part: &Entry| format!("{:?}: {}", part.key.text, expr(&part.value));
            format!("{{{}}}", joined(entries.map(entry)))
        }
        ExprKind::Comprehension(parts) => comprehension(parts),
        ExprKind::Group(parts) => format!("<{}>", list(parts)),
        ExprKind::Wildcard => "*".to_owned(),
        ExprKind::ValueReference(name) => format!("<{name}>"),
        ExprKind::Block(body) => block(body),
        ExprKind::Error => "error".to_owned(),
    }
}

fn comprehension(parts: &Comprehension) -> String {
    let filter = parts.filter.as_ref();
    let filter = filter.map_or_else(String::new, |filter| format!(" if {}", expr(filter)));
    let iterable = expr(&parts.iterable);
    let variable = &parts.variable.text;
    format!(
        "[{} for {variable} in {iterable}{filter}]",
        expr(&parts.element)
    )
}

fn unary(operator: UnaryOperator) -> &'static str {
    match operator {
        UnaryOperator::Not => "not ",
        UnaryOperator::Minus => "-",
        UnaryOperator::Plus => "+",
    }
}

fn binary(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::And => "and",
        BinaryOperator::Or => "or",
        BinaryOperator::Equal => "==",
        BinaryOperator::NotEqual => "!=",
        BinaryOperator::Greater => ">",
        BinaryOperator::Less => "<",
        BinaryOperator::GreaterEqual => ">=",
        BinaryOperator::LessEqual => "<=",
        BinaryOperator::Is => "is",
        BinaryOperator::In => "in",
        BinaryOperator::NotIn => "not in",
        BinaryOperator::ContainsOnly => "contains_only",
        BinaryOperator::Flow => "->",
        BinaryOperator::DirectFlow => "~>",
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Modulo => "%",
        BinaryOperator::Power => "**",
    }
}
