//! The policy language as text: tokens, indentation, tree, diagnostics, formatter.
//!
//! It does not know what a name means: kinds, modules and functions are the engine's.
//! Start at [`parse`]; the tree is [`ast`].

pub mod ast;
pub mod codes;
mod diagnostic;
mod format;
mod lexer;
mod limits;
mod literal;
mod parser;
mod problems;
#[cfg(test)]
mod shape;
mod span;
mod suggest;

pub use codes::CodePage;
pub use diagnostic::{Code, Diagnostic, Label, Severity};
pub use format::format;
pub use lexer::Comment;
pub use limits::{
    MAX_DIAGNOSTICS, MAX_INTEGER_DIGITS, MAX_NESTING, MAX_SOURCE_BYTES, MAX_TREE_HEIGHT,
};
pub use parser::{Parsed, parse};
pub use span::Span;
pub use suggest::nearest;
