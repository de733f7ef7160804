//! The crate's own regular expressions, and characters as Python classes them.

use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// A constant regular expression, compiled at first use.
pub(crate) type Pattern = LazyLock<Regex>;

#[expect(
    clippy::expect_used,
    reason = "patterns are constants, and a test compiles each of them"
)]
pub(crate) fn compile(source: &str) -> Regex {
    Regex::new(source).expect("a constant pattern compiles")
}

/// The same, but `\b` parts ASCII words alone: at a character beyond ASCII, the fast engines give up
/// on the other kind.
pub(crate) fn compile_ascii(source: &str) -> Regex {
    compile(&source.replace(r"\b", r"(?-u:\b)"))
}

/// The places that `pattern` matches, from left to right and apart from each other.
pub(crate) fn spans(pattern: &Pattern, text: &str) -> impl Iterator<Item = Range<usize>> {
    pattern.find_iter(text).map(|found| found.range())
}

/// Whether Python's `str.strip` and `\s` take the character for white space.
pub(crate) fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}
