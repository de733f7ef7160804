//! Sets of characters as Python's `re` defines them.

use std::sync::{Arc, LazyLock};

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

use super::Flags;

/// An immutable set of characters.
#[derive(Debug, Clone)]
pub(super) struct CharSet {
    class: Arc<ClassUnicode>,
    /// Bit `n` says whether the character `n` is a member; most text is ASCII.
    ascii: u128,
}

/// What `\d`, `\s` and `\w` stand for; the upper case letters are their complements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Digit,
    Space,
    Word,
}

static DIGIT: LazyLock<ClassUnicode> = LazyLock::new(|| class(r"\p{Nd}"));
/// `str.isspace`: Unicode white space and the four information separators.
static SPACE: LazyLock<ClassUnicode> = LazyLock::new(|| class(r"[\s\x1c-\x1f]"));
/// `str.isalnum` or `_`: unlike Unicode's own `\w`, without marks and with all numbers.
static WORD: LazyLock<ClassUnicode> = LazyLock::new(|| class(r"[\p{L}\p{N}_]"));
static ASCII_DIGIT: LazyLock<ClassUnicode> = LazyLock::new(|| class("[0-9]"));
static ASCII_SPACE: LazyLock<ClassUnicode> = LazyLock::new(|| class(r"[\t-\r ]"));
static ASCII_WORD: LazyLock<ClassUnicode> = LazyLock::new(|| class("[0-9A-Za-z_]"));

/// Characters of which Python and the linear engine disagree whether they are part of a word.
static WORD_DISAGREEMENT: LazyLock<CharSet> = LazyLock::new(|| {
    let mut disagreement = class(r"\w");
    disagreement.symmetric_difference(&WORD);
    CharSet::from(disagreement)
});

/// `i` and its dotted and dotless relatives, which Python's case folding does not tell apart.
const DOTTED_AND_DOTLESS_I: [char; 4] = ['i', 'I', '\u{130}', '\u{131}'];

// === impl CharSet ===

impl CharSet {
    /// The set that matches the one character `c` under `flags`.
    pub(super) fn single(c: char, flags: Flags) -> Self {
        let mut class = range(c, c);
        fold(&mut class, flags);
        Self::from(class)
    }

    /// What `.` matches.
    pub(super) fn any(flags: Flags) -> Self {
        let mut class = ClassUnicode::empty();
        if !flags.has(Flags::DOT_ALL) {
            class = range('\n', '\n');
        }
        class.negate();
        Self::from(class)
    }

    pub(super) fn category(category: Category, negated: bool, flags: Flags) -> Self {
        let mut class = category.class(flags).clone();
        if negated {
            class.negate();
        }
        Self::from(class)
    }

    pub(super) fn empty() -> Self {
        Self::from(ClassUnicode::empty())
    }

    pub(super) fn contains(&self, c: char) -> bool {
        if c.is_ascii() {
            return self.ascii >> u32::from(c) & 1 == 1;
        }
        let ranges = self.class.ranges();
        let index = ranges.partition_point(|range| range.end() < c);
        ranges.get(index).is_some_and(|range| range.start() <= c)
    }

    pub(super) fn class(&self) -> &ClassUnicode {
        &self.class
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        let mut class = ClassUnicode::clone(&self.class);
        class.union(&other.class);
        Self::from(class)
    }
}

impl From<ClassUnicode> for CharSet {
    fn from(class: ClassUnicode) -> Self {
        let ascii = class
            .iter()
            .flat_map(|range| range.start()..=range.end().min('\u{7f}'))
            .fold(0_u128, |bits, c| bits | 1 << u32::from(c));
        Self {
            class: Arc::new(class),
            ascii,
        }
    }
}

// === impl Category ===

impl Category {
    pub(super) fn class(self, flags: Flags) -> &'static ClassUnicode {
        match (self, flags.has(Flags::ASCII)) {
            (Self::Digit, false) => &DIGIT,
            (Self::Space, false) => &SPACE,
            (Self::Word, false) => &WORD,
            (Self::Digit, true) => &ASCII_DIGIT,
            (Self::Space, true) => &ASCII_SPACE,
            (Self::Word, true) => &ASCII_WORD,
        }
    }
}

/// Whether Python's idea of a word differs from the linear engine's somewhere in `text`.
pub(super) fn word_is_disputed(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(|c| WORD_DISAGREEMENT.contains(c))
}

pub(super) fn is_word(c: char, flags: Flags) -> bool {
    static WORD_SET: LazyLock<CharSet> = LazyLock::new(|| CharSet::from(WORD.clone()));
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    !flags.has(Flags::ASCII) && WORD_SET.contains(c)
}

/// `str.isspace` for one character.
pub(in crate::python) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// `str.isprintable` for one character.
pub(in crate::python) fn is_printable(c: char) -> bool {
    static UNPRINTABLE: LazyLock<CharSet> =
        LazyLock::new(|| CharSet::from(class(r"[\p{C}\p{Z}--\x20]")));
    !UNPRINTABLE.contains(c)
}

pub(super) fn range(first: char, last: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(first, last)])
}

/// Adds to `class` what equals one of its members when case is ignored.
pub(super) fn fold(class: &mut ClassUnicode, flags: Flags) {
    if !flags.has(Flags::IGNORE_CASE) {
        return;
    }
    if flags.has(Flags::ASCII) {
        let mut letters = range('A', 'Z');
        letters.union(&range('a', 'z'));
        letters.intersect(class);
        for member in letters.iter() {
            let swap = |c: char| {
                if c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                }
            };
            class.push(ClassUnicodeRange::new(
                swap(member.start()),
                swap(member.end()),
            ));
        }
        return;
    }
    class.case_fold_simple();
    let relatives = ClassUnicode::new(DOTTED_AND_DOTLESS_I.map(|c| ClassUnicodeRange::new(c, c)));
    let mut present = relatives.clone();
    present.intersect(class);
    if !present.ranges().is_empty() {
        class.union(&relatives);
    }
}

/// The lower case of `c` as one character, as back references compare it.
pub(super) fn simple_lower(c: char, flags: Flags) -> char {
    if flags.has(Flags::ASCII) {
        return c.to_ascii_lowercase();
    }
    // The full mapping of U+0130 has two characters; the simple one is its first.
    c.to_lowercase().next().unwrap_or(c)
}

/// The set written as `pattern` in the syntax of the `regex` crates.
fn class(pattern: &str) -> ClassUnicode {
    match regex_syntax::parse(pattern).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        _ => ClassUnicode::empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_set_has_its_members() {
        for (class, member, stranger) in [
            (&*DIGIT, '\u{663}', '\u{b2}'),
            (&*SPACE, '\u{1c}', '\u{200b}'),
            (&*WORD, '\u{b2}', '\u{301}'),
            (&*ASCII_DIGIT, '7', '\u{663}'),
            (&*ASCII_SPACE, '\u{b}', '\u{1c}'),
            (&*ASCII_WORD, '_', 'é'),
        ] {
            let set = CharSet::from(class.clone());
            assert!(set.contains(member), "{member:?}");
            assert!(!set.contains(stranger), "{stranger:?}");
        }
    }

    #[test]
    fn words_are_disputed_only_where_a_disputed_character_stands() {
        assert!(!word_is_disputed("naïve straße"));
        assert!(word_is_disputed("e\u{301}"));
        assert!(word_is_disputed("x\u{b2}"));
    }
}
