use super::*;
use crate::python::oracle::{self, unhex};

#[test]
fn random_texts_agree_with_python() {
    let script = include_str!("oracle.py");
    let count = std::option_env!("PORTCULLIS_TEXT_CASES").unwrap_or("4000");
    for fields in oracle::answers(script, "1", count) {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let text = unhex(fields[1]);
        let argument = fields[2].starts_with('h').then(|| unhex(fields[2]));
        let actual: Vec<String> = match fields[0] {
            "strip" => vec![strip(&text, argument.as_deref()).to_owned()],
            "split" => {
                let parts = split(&text, argument.as_deref(), fields[3].parse().unwrap());
                parts.unwrap().into_iter().map(str::to_owned).collect()
            }
            "splitlines" => split_lines(&text).into_iter().map(str::to_owned).collect(),
            "lower" => vec![text.to_lowercase()],
            "upper" => vec![text.to_uppercase()],
            "repr" => vec![repr_str(&text)],
            _ => vec![ascii_str(&text)],
        };
        let expected: Vec<String> = fields[4..].iter().map(|field| unhex(field)).collect();
        assert_eq!(actual, expected, "{} of {text:?}, {argument:?}", fields[0]);
    }
}

#[test]
fn an_empty_separator_is_refused() {
    assert_eq!(split("ab", Some(""), -1), Err(EmptySeparator));
}

#[test]
fn a_limit_leaves_the_rest_whole() {
    assert_eq!(split(" a  b c ", None, 1), Ok(vec!["a", "b c "]));
    assert_eq!(split("a,b,c", Some(","), 1), Ok(vec!["a", "b,c"]));
    assert_eq!(split("a,b", Some(","), i64::MAX), Ok(vec!["a", "b"]));
}

#[test]
fn a_trailing_line_end_makes_no_empty_line() {
    assert_eq!(split_lines("a\r\n\nb\n"), ["a", "", "b"]);
    assert!(split_lines("").is_empty());
}

#[test]
fn the_form_of_a_foreign_value_becomes_ascii() {
    assert_eq!(ascii_repr("['é', '日😀']"), r"['\xe9', '\u65e5\U0001f600']");
}
