//! Web addresses in plain text.

use crate::Match;
use crate::pattern::{Pattern, compile};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Letters and digits are Python's: combining marks are not among them.
static LINK: Pattern = LazyLock::new(|| {
    compile(r#"https?://(?:[-\p{L}\p{N}_.]|(?:%[\p{Nd}a-fA-F]{2}))+(?:/[^ \n"]+)*"#)
});

/// The distinct `http` and `https` addresses, in the order of their text; each with the place
/// where it stands first.
pub fn find(text: &str) -> Vec<Match> {
    let mut first_places = BTreeMap::new();
    for link in LINK.find_iter(text) {
        first_places
            .entry(link.as_str())
            .or_insert_with(|| link.range());
    }
    first_places
        .into_values()
        .map(|span| Match { kind: "LINK", span })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<_> = find(text)
            .into_iter()
            .map(|found| text.get(found.span).unwrap())
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn links_are_distinct_and_sorted() {
        let text = "see https://b.example and http://a.example/x/y?z=1 or https://b.example now";
        check(text, &["http://a.example/x/y?z=1", "https://b.example"]);
        check("www.none.example https:// ftp://x.example", &[]);
    }

    #[test]
    fn a_query_belongs_to_a_link_only_after_a_path() {
        check("https://a.example?q=1", &["https://a.example"]);
        check("https://a.example/?q=1", &["https://a.example/?q=1"]);
        check("https://a.example/x\ty \"", &["https://a.example/x\ty"]);
        check("https://a.example/\"", &["https://a.example"]);
        check("https://user:secret@a.example/", &["https://user"]);
    }

    #[test]
    fn host_characters_are_those_of_python() {
        check(
            "https://bücher.example%2f%zz",
            &["https://bücher.example%2f"],
        );
        check("https://e\u{301}x.example", &["https://e"]);
    }
}
