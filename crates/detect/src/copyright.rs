//! Licence headers and copyright marks.

use crate::pattern::is_python_space;
use std::collections::HashSet;

/// Kind and header of each known licence, without the white space around the header.
///
/// The inner white space counts, and `GNU_GPL_V2` does name version 3: policies written for the
/// reference implementation rely on what it answers.
const LICENSES: [(&str, &str); 7] = [
    (
        "GNU_AGPL_V3",
        "GNU AFFERO GENERAL PUBLIC LICENSE\n                       Version 3, 19 November 2007",
    ),
    (
        "GNU_GPL_V2",
        "GNU GENERAL PUBLIC LICENSE\n                       Version 3, 29 June 2007",
    ),
    (
        "GNU_LGPL_V3",
        "GNU LESSER GENERAL PUBLIC LICENSE\n                       Version 3, 29 June 2007",
    ),
    (
        "MOZILLA_PUBLIC_LICENSE_2.0",
        "Mozilla Public License Version 2.0",
    ),
    (
        "APACHE_LICENSE_2.0",
        "Apache License\n                           Version 2.0, January 2004",
    ),
    ("MIT_LICENSE", "MIT License"),
    (
        "BOOST_SOFTWARE_LICENSE",
        "Boost Software License - Version 1.0 - August 17th, 2003",
    ),
];

/// The licence that the text starts with, or else each one of whose header at least half the
/// words occur; then `COPYRIGHT` once for each spelling of the mark that occurs.
pub fn licenses(text: &str) -> Vec<&'static str> {
    let trimmed = text.trim_matches(is_python_space);
    let heading = LICENSES
        .iter()
        .find(|(_, header)| trimmed.starts_with(header));
    let mut found = match heading {
        Some((kind, _)) => vec![*kind],
        None => resembling(trimmed),
    };
    let marks = ["Copyright (C)", "Copyright ©"];
    found.extend(
        marks
            .iter()
            .filter(|mark| text.contains(**mark))
            .map(|_| "COPYRIGHT"),
    );
    found
}

/// Words end at single blanks only: a line break belongs to the word before it.
fn resembling(trimmed: &str) -> Vec<&'static str> {
    let words: HashSet<&str> = trimmed.split(' ').collect();
    let resembles = |header: &str| {
        let header_words = || header.split(' ').filter(|word| !word.is_empty());
        2 * header_words().filter(|word| words.contains(word)).count() >= header_words().count()
    };
    LICENSES
        .iter()
        .filter(|(_, header)| resembles(header))
        .map(|(kind, _)| *kind)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(licenses(text), expected, "{text:?}");
    }

    #[test]
    fn a_text_that_starts_with_a_header_has_that_license_only() {
        check("MIT License\n\nfree for all", &["MIT_LICENSE"]);
        check("\u{1c}\n MIT License", &["MIT_LICENSE"]);
        let apache = "   Apache License\n                           Version 2.0, January 2004\n on";
        check(apache, &["APACHE_LICENSE_2.0"]);
    }

    #[test]
    fn half_of_the_words_of_a_header_are_enough() {
        let text = "released under the Mozilla Public License Version 2.0";
        check(text, &["MOZILLA_PUBLIC_LICENSE_2.0", "MIT_LICENSE"]);
        check("MIT words", &["MIT_LICENSE"]);
        check("GNU PUBLIC 29 June 2007", &["GNU_GPL_V2", "GNU_LGPL_V3"]);
        check("nothing here", &[]);
        check("", &[]);
    }

    #[test]
    fn a_line_break_joins_words() {
        check("License\nMIT", &[]);
        check("a License\n b", &[]);
    }

    #[test]
    fn each_spelling_of_the_mark_counts_once() {
        check(
            "code Copyright (C) 2021 Acme, Copyright (C) 2022",
            &["COPYRIGHT"],
        );
        check(
            "Copyright © A, Copyright (C) B",
            &["COPYRIGHT", "COPYRIGHT"],
        );
        check("copyright (c) lower", &[]);
    }
}
