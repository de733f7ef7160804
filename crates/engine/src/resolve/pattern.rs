//! `tool:name(pattern)`.

use super::{Resolver, code, suggestion};
use crate::facts::Context;
use crate::modules::VALUE_TYPES;
use crate::program::{ArgumentPattern, ArgumentTest, ExprKind, TextPattern, ToolTest};
use crate::python::number::Integer;
use crate::python::re::{Flags, Pattern};
use crate::value::Value;
use portcullis_syntax::Span;
use portcullis_syntax::ast::{
    BinaryOperator, Expr as Tree, ExprKind as TreeKind, Name, UnaryOperator,
};
use std::collections::BTreeSet;

/// The name and the arguments of a pattern of a tool, if it is one.
pub(super) fn tool_parts(tree: &Tree) -> Option<(&Name, &[Tree])> {
    match &tree.kind {
        TreeKind::Tool(name) => Some((name, &[])),
        TreeKind::ToolPattern { tool, arguments } => Some((tool, arguments)),
        _ => None,
    }
}

/// A tool's name with `-` in it, which is read as a subtraction.
pub(super) struct DashedTool<'t> {
    /// The whole name.
    pub(super) name: String,
    /// Whether `not` stands before it.
    pub(super) negated: bool,
    /// Its parts that are read as names of values.
    pub(super) names: Vec<&'t str>,
    pub(super) span: Span,
}

/// What `not` negates, and whether it does.
pub(super) fn without_not(tree: &Tree) -> (bool, &Tree) {
    match &tree.kind {
        TreeKind::Unary {
            operator: UnaryOperator::Not,
            operand,
        } => (true, operand),
        _ => (false, tree),
    }
}

/// `tool:a-b-c` without blanks, which no author means as a subtraction.
pub(super) fn dashed_tool(mut tree: &Tree) -> Option<DashedTool<'_>> {
    let end = tree.span.range().end;
    let mut parts = Vec::new();
    while let TreeKind::Binary {
        operator: BinaryOperator::Subtract,
        left,
        right,
    } = &tree.kind
    {
        if left.span.range().end + 1 != right.span.range().start {
            return None;
        }
        parts.push(part_of_name(right)?);
        tree = left;
    }
    let (negated, tool) = without_not(tree);
    let (name, _) = tool_parts(tool).filter(|_| !parts.is_empty())?;
    parts.reverse();
    let names = parts.iter().filter(|(_, is_name)| *is_name);
    let all = std::iter::once(&*name.text).chain(parts.iter().map(|(part, _)| *part));
    Some(DashedTool {
        name: all.collect::<Vec<_>>().join("-"),
        negated,
        names: names.map(|(part, _)| *part).collect(),
        span: Span::new(name.span.range().start, end),
    })
}

/// The text of a name or a number, and whether it is a name.
fn part_of_name(tree: &Tree) -> Option<(&str, bool)> {
    match &tree.kind {
        TreeKind::Name(name) => Some((name, true)),
        TreeKind::Integer(digits) => Some((digits, false)),
        // The arguments of the tool are read as those of a function.
        TreeKind::Call { function, .. } => part_of_name(function),
        _ => None,
    }
}

impl Resolver {
    pub(super) fn tool(
        &mut self,
        (name, arguments): (&Name, &[Tree]),
        takes_outputs: bool,
    ) -> ExprKind {
        let mut needs = BTreeSet::new();
        let mut patterns: Vec<_> = arguments
            .iter()
            .map(|tree| self.pattern(tree, &mut needs))
            .collect();
        let arguments = match (patterns.pop(), patterns.is_empty()) {
            (None, _) => ArgumentTest::Absent,
            (Some(pattern), true) => ArgumentTest::Pattern(pattern),
            (Some(_), false) => ArgumentTest::Several,
        };
        let name = name.text.as_str().into();
        self.program.tools.push(ToolTest {
            name,
            arguments,
            needs,
            takes_outputs,
        });
        ExprKind::Literal(Value::Tool(self.program.tools.len() - 1))
    }

    fn pattern(&mut self, tree: &Tree, needs: &mut BTreeSet<usize>) -> ArgumentPattern {
        match &tree.kind {
            TreeKind::Wildcard => ArgumentPattern::Wildcard,
            TreeKind::String(text) => ArgumentPattern::Text(TextPattern::new(text)),
            TreeKind::Integer(digits) => match Integer::parse(digits) {
                Ok(value) => ArgumentPattern::Integer(value),
                Err(_) => ArgumentPattern::Unsupported,
            },
            TreeKind::Float(value) => ArgumentPattern::Float(*value),
            TreeKind::Object(entries) => {
                let entry = |entry: &portcullis_syntax::ast::Entry| {
                    (
                        entry.key.text.as_str().into(),
                        self.pattern(&entry.value, needs),
                    )
                };
                ArgumentPattern::Object(entries.iter().map(entry).collect())
            }
            TreeKind::List(items) => {
                ArgumentPattern::List(items.iter().map(|item| self.pattern(item, needs)).collect())
            }
            TreeKind::ValueReference(name) => self.value_reference(name, tree),
            TreeKind::Group(parts) => match parts.first() {
                Some(part) => self.pattern(part, needs),
                None => ArgumentPattern::Unsupported,
            },
            TreeKind::None | TreeKind::Bool(_) | TreeKind::Name(_) | TreeKind::Unary { .. } => {
                let expr = self.expression(tree);
                let context = Context::without_variables(&self.program);
                needs.extend(context.facts(&expr).needs);
                ArgumentPattern::Value(expr)
            }
            _ => {
                self.expression(tree);
                ArgumentPattern::Unsupported
            }
        }
    }

    fn value_reference(&mut self, name: &str, tree: &Tree) -> ArgumentPattern {
        match name {
            "DUMMY" => ArgumentPattern::Dummy,
            "MODERATED" => ArgumentPattern::Moderated,
            name if VALUE_TYPES.contains(&name) => ArgumentPattern::Entity(name.into()),
            name => {
                let known = VALUE_TYPES.join("`, `");
                let message = format!("there is no value type `{name}`; there are `{known}`");
                let help = suggestion(name, VALUE_TYPES.iter().copied(), "write one of these");
                self.report(code::UNKNOWN_VALUE_TYPE, tree.span, message, help);
                ArgumentPattern::Unsupported
            }
        }
    }
}

// === impl TextPattern ===

impl TextPattern {
    pub(crate) fn new(text: &str) -> Self {
        let regex = Pattern::compile(&format!("{text}$"), Flags::DOT_ALL);
        let regex = regex
            .map(Box::new)
            .map_err(|problem| format!("`{text}`: {problem}"));
        Self {
            literal: text.into(),
            regex,
        }
    }
}
