//! The text of a YAML file as located values.

mod deserialize;
mod fault;
mod raw;
mod spot;

use std::cell::RefCell;
use std::ops::Range;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_saphyr::from_str_with_options;

pub(super) use spot::{Entries, Json, Spot};

use super::problem::Problem;
use deserialize::NodeDeserializer;
use fault::not_yaml;
use raw::Raw;

/// LIMIT: lists and mappings within each other.
const DEPTH_MAX: usize = 64;
/// LIMIT: values, those counted anew that an alias repeats.
const NODES_MAX: usize = 50_000;

/// A value and where it is written.
struct Node {
    span: Range<usize>,
    kind: NodeKind,
}

enum NodeKind {
    Null,
    Bool(bool),
    Integer(i64),
    /// Decimal digits of an integer outside `i64`.
    BigInteger(String),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    /// Keys are texts.
    Map(Vec<(Node, Node)>),
}

/// Reads the text of a file. What is wrong with its parts is reported, and the rest is read; `None`
/// if there is nothing to keep.
pub(super) fn read<T: DeserializeOwned>(source: &str, problems: &mut Vec<Problem>) -> Option<T> {
    let node = match Node::parse(source) {
        Ok(node) => node,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let found = RefCell::new(Vec::new());
    let read = Option::deserialize(NodeDeserializer::new(&node, &found));
    problems.append(&mut found.into_inner());
    read.ok().flatten()
}

// === impl Node ===

impl Node {
    fn parse(source: &str) -> Result<Self, Problem> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: DEPTH_MAX, max_nodes: NODES_MAX },
            strict_booleans: true,
            with_snippet: false,
        };
        match from_str_with_options::<serde_saphyr::Spanned<Raw>>(source, options) {
            Ok(raw) => Ok(raw::located(raw, source)),
            Err(error) => Err(not_yaml(&error, source)),
        }
    }

    /// What a person would call it.
    fn name(&self) -> &'static str {
        match &self.kind {
            NodeKind::Null => "nothing",
            NodeKind::Bool(_) => "`true` or `false`",
            NodeKind::Integer(number) if *number < 0 => "a negative number",
            NodeKind::Integer(_) => "a number",
            NodeKind::BigInteger(_) => "a number that is too large",
            NodeKind::Float(_) => "a number with a fraction or an exponent",
            NodeKind::Text(_) => "text",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a mapping",
        }
    }

    /// What would be text in quotes.
    fn is_scalar(&self) -> bool {
        matches!(
            self.kind,
            NodeKind::Bool(_) | NodeKind::Integer(_) | NodeKind::BigInteger(_) | NodeKind::Float(_)
        )
    }

    fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }
}

/// The byte at a line and a column of characters, both from one.
fn offset(source: &str, line: u64, column: u64) -> usize {
    let count = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let mut lines = source.split_inclusive('\n');
    let before: usize = lines.by_ref().take(count(line)).map(str::len).sum();
    let within = lines
        .next()
        .and_then(|line| line.char_indices().nth(count(column)))
        .map_or(0, |(place, _)| place);
    before + within
}
