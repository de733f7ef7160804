//! Expected ranges were taken from the Python module `regex`.

use super::*;

#[track_caller]
fn check(query: &str, text: &str, errors_max: u8, expected: Option<Range<usize>>) {
    assert_eq!(
        find(text, query, errors_max),
        Ok(expected),
        "{query:?} in {text:?}"
    );
}

#[test]
fn literals_match_with_errors_in_the_order_of_the_reference() {
    check("abc", "xxabc", 1, Some(1..5));
    check("abc", "xabxc", 1, Some(1..4));
    check("abc", "zab", 1, Some(1..3));
    check("abc", "abc", 1, Some(0..3));
    check("abc", "bc", 1, Some(0..2));
    check("abc", "abd abc", 1, Some(0..3));
    check("abc", "xxabd", 2, Some(1..5));
    check("abc", "xxbc", 1, Some(1..4));
    check("bbaa", "aabbaa", 1, Some(1..6));
    check("dbaab", "baddaabc", 2, Some(1..7));
    check("aad", "cccccaadc", 2, Some(3..8));
    check("a b", "a  b", 1, Some(0..3));
}

#[test]
fn an_empty_match_is_a_match() {
    check("ab", "", 2, Some(0..0));
    check("ab", "", 1, None);
    check("", "abc", 0, Some(0..0));
}

#[test]
fn patterns_match_with_errors() {
    check("a.c", "xxabxc", 1, Some(2..5));
    check("a+b", "caab", 1, Some(0..4));
    check("(?:ab|cd)e", "xcde", 1, Some(1..4));
    check("ab*", "aabbb", 1, Some(0..5));
    check("[ab]c", "xxbc", 1, Some(1..4));
    check("a{2}", "xaya", 1, Some(0..2));
    check("a|b", "ccb", 1, Some(0..1));
    check("a|b", "ccb", 0, Some(2..3));
    check("x*", "aaa", 1, Some(0..1));
    check("^ab", "xab", 1, None);
    check("ab$", "abx", 1, Some(0..3));
    check(r"\bab\b", "xab cd", 1, None);
}

#[test]
fn ranges_are_in_bytes() {
    check("pässword", "mein pasword", 2, Some(5..12));
    check("word", "päß wörd", 1, Some(6..11));
}

#[test]
fn tolerance_follows_from_length_and_threshold() {
    let password = |text, threshold| contains(text, "password", threshold);
    assert_eq!(password("my pasword is x", 0.8), Ok(Some(3..10)));
    assert_eq!(password("my psswrd is", 0.8), Ok(None));
    assert_eq!(contains("please delete it", "delete", 1.0), Ok(Some(7..13)));
    assert_eq!(contains("please delet it", "delete", 1.0), Ok(None));
    assert_eq!(
        contains("trnsfr mony now", "transfer money", 0.5),
        Ok(Some(0..11))
    );
    for threshold in [-0.1, 1.1, f64::NAN] {
        assert_eq!(password("x", threshold), Err(FuzzyError::Threshold));
    }
}

#[test]
fn a_query_outside_the_subset_is_refused_with_its_place() {
    for (query, offset) in [
        ("a)", 1),
        ("(a", 2),
        ("*a", 1),
        ("a**", 3),
        ("[a", 2),
        (r"\1", 2),
        ("(?=a)", 2),
    ] {
        let error = find("text", query, 0).unwrap_err();
        assert!(
            matches!(error, FuzzyError::Query { offset: at, .. } if at == offset),
            "{query}: {error:?}"
        );
    }
    for query in [
        "a{2,1}",
        "a{9999}",
        "(a{4000}){2}",
        "a{e<=1}",
        "a++",
        "[b-a]",
        "[[:alpha:]]",
    ] {
        assert!(
            matches!(find("text", query, 0), Err(FuzzyError::Query { .. })),
            "{query}"
        );
    }
    let deep = "(".repeat(DEPTH_OVER) + &")".repeat(DEPTH_OVER);
    assert!(matches!(
        find("text", &deep, 0),
        Err(FuzzyError::Query { .. })
    ));
}

const DEPTH_OVER: usize = 100;

#[test]
fn a_costly_search_ends_with_an_error() {
    let text = "ab".repeat(1 << 21);
    assert_eq!(find(&text, "(?:.*x){10}y", 9), Err(FuzzyError::TooCostly));
}
