//! The codes of this crate's diagnostics, and the page that explains each.

mod pages;

pub use pages::pages;

use crate::Code;

/// What `portcullis explain CODE` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodePage {
    pub code: Code,
    pub title: &'static str,
    /// A policy that is answered with the code; empty where none fits on a page.
    pub wrong: &'static str,
    /// The same policy, mended.
    pub right: &'static str,
    pub text: &'static str,
}

pub const ASSIGNED_LITERAL: Code = Code("assigned-literal");
pub const CHAIN_TOO_LONG: Code = Code("chain-too-long");
pub const DEF_STATEMENT: Code = Code("def-statement");
pub const DOTTED_IMPORT: Code = Code("dotted-import");
pub const EXPECTED_EXPRESSION: Code = Code("expected-expression");
pub const EXPECTED_NAME: Code = Code("expected-name");
pub const EXPECTED_STATEMENT: Code = Code("expected-statement");
pub const FOREIGN_OPERATOR: Code = Code("foreign-operator");
pub const INCONSISTENT_INDENTATION: Code = Code("inconsistent-indentation");
pub const INLINE_BODY: Code = Code("inline-body");
pub const INVALID_BINDER: Code = Code("invalid-binder");
pub const INVALID_IMPORT: Code = Code("invalid-import");
pub const INVALID_OBJECT_KEY: Code = Code("invalid-object-key");
pub const INVALID_RAISE: Code = Code("invalid-raise");
pub const KEYWORD_IN_PATTERN: Code = Code("keyword-in-pattern");
pub const MISMATCHED_BRACKET: Code = Code("mismatched-bracket");
pub const MISPLACED_BLOCK: Code = Code("misplaced-block");
pub const MISSING_BODY: Code = Code("missing-body");
pub const MISSING_COLON: Code = Code("missing-colon");
pub const MISSING_ELSE: Code = Code("missing-else");
pub const MISSING_IF: Code = Code("missing-if");
pub const MISSING_OPERAND: Code = Code("missing-operand");
pub const MISSING_PARAMETER_KIND: Code = Code("missing-parameter-kind");
pub const MISSING_TOOL_NAME: Code = Code("missing-tool-name");
pub const NESTING_TOO_DEEP: Code = Code("nesting-too-deep");
pub const NUMBER_TOO_LONG: Code = Code("number-too-long");
pub const OPERATOR_WITHOUT_BLANK: Code = Code("operator-without-blank");
pub const POSITIONAL_AFTER_KEYWORD: Code = Code("positional-after-keyword");
pub const SINGLE_EQUALS: Code = Code("single-equals");
pub const SLICE: Code = Code("slice");
pub const SOURCE_TOO_LONG: Code = Code("source-too-long");
pub const TRAILING_COMMA: Code = Code("trailing-comma");
pub const UNCLOSED_BRACKET: Code = Code("unclosed-bracket");
pub const UNEXPECTED_TOKEN: Code = Code("unexpected-token");
pub const UNKNOWN_CHARACTER: Code = Code("unknown-character");
pub const UNMATCHED_BRACKET: Code = Code("unmatched-bracket");
pub const UNTERMINATED_STRING: Code = Code("unterminated-string");
pub const VALUE_ON_NEXT_LINE: Code = Code("value-on-next-line");

#[cfg(test)]
mod tests;
