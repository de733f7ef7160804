//! The policy language as text.
pub mod ast;
mod diagnostic;
mod span;

pub use diagnostic::{Code, Diagnostic, Label, Severity};
pub use span::Span;
