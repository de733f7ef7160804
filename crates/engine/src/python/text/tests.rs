use std::process::Command;

use super::*;

fn unhex(field: &str) -> Option<String> {
    let digits: Vec<char> = field.strip_prefix('h')?.chars().collect();
    let bytes = digits.chunks(2).map(|pair| {
        let pair: String = pair.iter().collect();
        u8::from_str_radix(&pair, 16).unwrap()
    });
    Some(String::from_utf8(bytes.collect()).unwrap())
}

#[test]
fn random_texts_agree_with_python() {
    let script = include_str!("oracle.py");
    let count = std::option_env!("PORTCULLIS_TEXT_CASES").unwrap_or("4000");
    let Ok(python) = Command::new("python3")
        .args(["-c", script, "1", count])
        .output()
    else {
        println!("skipped: there is no python3 to compare with");
        return;
    };
    assert!(
        python.status.success(),
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    for line in String::from_utf8(python.stdout).unwrap().lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let text = unhex(fields[1]).unwrap();
        let argument = unhex(fields[2]);
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
        let expected: Vec<String> = fields[4..]
            .iter()
            .map(|field| unhex(field).unwrap())
            .collect();
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
