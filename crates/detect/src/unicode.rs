//! Unicode general categories of the characters of a text.
//!
//! The data are those of Unicode 16. A character assigned after Unicode 14, which a reference
//! implementation on Python 3.11 still reports as `Cn`, has its real category here.

use crate::Match;
use unicode_general_category::{GeneralCategory, get_general_category};

/// Each character whose category is one of `wanted`, or each character if that is `None`.
///
/// The kind is the two-letter abbreviation of the category, `Cn` for an unassigned code point.
pub fn categories(text: &str, wanted: Option<&[&str]>) -> Vec<Match> {
    text.char_indices()
        .map(|(start, character)| Match {
            kind: category(character),
            span: start..start + character.len_utf8(),
        })
        .filter(|found| wanted.is_none_or(|wanted| wanted.contains(&found.kind)))
        .collect()
}

/// The two-letter abbreviation of the character's general category.
pub fn category(character: char) -> &'static str {
    match get_general_category(character) {
        GeneralCategory::ClosePunctuation => "Pe",
        GeneralCategory::ConnectorPunctuation => "Pc",
        GeneralCategory::Control => "Cc",
        GeneralCategory::CurrencySymbol => "Sc",
        GeneralCategory::DashPunctuation => "Pd",
        GeneralCategory::DecimalNumber => "Nd",
        GeneralCategory::EnclosingMark => "Me",
        GeneralCategory::FinalPunctuation => "Pf",
        GeneralCategory::Format => "Cf",
        GeneralCategory::InitialPunctuation => "Pi",
        GeneralCategory::LetterNumber => "Nl",
        GeneralCategory::LineSeparator => "Zl",
        GeneralCategory::LowercaseLetter => "Ll",
        GeneralCategory::MathSymbol => "Sm",
        GeneralCategory::ModifierLetter => "Lm",
        GeneralCategory::ModifierSymbol => "Sk",
        GeneralCategory::NonspacingMark => "Mn",
        GeneralCategory::OpenPunctuation => "Ps",
        GeneralCategory::OtherLetter => "Lo",
        GeneralCategory::OtherNumber => "No",
        GeneralCategory::OtherPunctuation => "Po",
        GeneralCategory::OtherSymbol => "So",
        GeneralCategory::ParagraphSeparator => "Zp",
        GeneralCategory::PrivateUse => "Co",
        GeneralCategory::SpaceSeparator => "Zs",
        GeneralCategory::SpacingMark => "Mc",
        GeneralCategory::Surrogate => "Cs",
        GeneralCategory::TitlecaseLetter => "Lt",
        GeneralCategory::UppercaseLetter => "Lu",
        _ => "Cn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: Option<&[&str]>, expected: &[(&str, std::ops::Range<usize>)]) {
        let found: Vec<_> = categories(text, wanted)
            .into_iter()
            .map(|found| (found.kind, found.span))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn every_character_has_a_category() {
        check("aB1", None, &[("Ll", 0..1), ("Lu", 1..2), ("Nd", 2..3)]);
        check("", None, &[]);
    }

    #[test]
    fn only_wanted_categories_are_reported() {
        check(
            "bad \u{e000} \u{f8ff}",
            Some(&["Co"]),
            &[("Co", 4..7), ("Co", 8..11)],
        );
        check(
            "zero\u{200b}width\u{200d}",
            Some(&["Cf"]),
            &[("Cf", 4..7), ("Cf", 12..15)],
        );
        check(
            "5 € 🙂",
            Some(&["So", "Sc"]),
            &[("Sc", 2..5), ("So", 6..10)],
        );
        check(
            "\u{378}\u{10ffff}",
            Some(&["Cn"]),
            &[("Cn", 0..2), ("Cn", 2..6)],
        );
        check("abc", Some(&[]), &[]);
    }
}
