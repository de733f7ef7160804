//! The crate's own regular expressions, and characters as Python classes them.

use regex::{Regex, RegexBuilder};
use std::ops::Range;
use std::sync::LazyLock;

/// A constant regular expression, compiled at first use.
pub(crate) type Pattern = LazyLock<Regex>;

/// LIMIT: bytes of the states that one search remembers.
const CACHE_BYTES_MAX: usize = 2 << 20;
/// LIMIT: the same for patterns that do not get by with that: another engine would be taken for them,
/// which is fifty times slower.
const LARGE_CACHE_BYTES_MAX: usize = 8 << 20;

pub(crate) fn compile(source: &str) -> Regex {
    build(source, CACHE_BYTES_MAX)
}

/// The same, but `\b` parts ASCII words alone: at a character beyond ASCII, the fast engines give up
/// on the other kind.
pub(crate) fn compile_ascii(source: &str) -> Regex {
    compile(&ascii_bounded(source))
}

/// A large pattern.
pub(crate) fn compile_large(source: &str) -> Regex {
    build(source, LARGE_CACHE_BYTES_MAX)
}

/// The same, with boundaries of ASCII words.
pub(crate) fn compile_large_ascii(source: &str) -> Regex {
    compile_large(&ascii_bounded(source))
}

#[expect(
    clippy::expect_used,
    reason = "patterns are constants, and a test compiles each of them"
)]
fn build(source: &str, cache_bytes: usize) -> Regex {
    #[cfg(test)]
    tests::assert_room(source, cache_bytes);
    RegexBuilder::new(source)
        .dfa_size_limit(cache_bytes)
        .build()
        .expect("a constant pattern compiles")
}

fn ascii_bounded(source: &str) -> String {
    source.replace(r"\b", r"(?-u:\b)")
}

/// The places that `pattern` matches, from left to right and apart from each other.
pub(crate) fn spans(pattern: &Pattern, text: &str) -> impl Iterator<Item = Range<usize>> {
    pattern.find_iter(text).map(|found| found.range())
}

/// Whether Python's `str.strip` and `\s` take the character for white space.
pub(crate) fn is_python_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

#[cfg(test)]
mod tests {
    use regex_automata::hybrid::{dfa, regex};

    /// Every pattern that a test compiles has room for the fast engine.
    pub(super) fn assert_room(source: &str, cache_bytes: usize) {
        let config = dfa::Config::new().cache_capacity(cache_bytes);
        let config = config.unicode_word_boundary(true);
        let engine = regex::Builder::new().dfa(config).build(source);
        assert!(engine.is_ok(), "{source}: {}", engine.unwrap_err());
    }
}
