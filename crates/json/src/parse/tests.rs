use proptest::prelude::*;

use super::parse;
use crate::{Error, ErrorKind, Limits, Number, Value, write};

/// Reads `text` and writes it back, or says what is wrong and at which byte.
fn outcome(text: &str, limits: &Limits) -> String {
    match parse(text, limits) {
        Ok(value) => write(&value),
        Err(error) => format!("{}: {error}", error.offset()),
    }
}

fn check(limits: &Limits, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(outcome(text, limits), *expected, "reading {text:?}");
    }
}

#[test]
fn strict_accepts_the_grammar_and_nothing_else() {
    check(
        &Limits::strict(),
        &[
            (
                " { \"a\" : [ 1 , -2.50 , true , null ] } ",
                r#"{"a":[1,-2.5,true,null]}"#,
            ),
            ("[]", "[]"),
            ("{}", "{}"),
            (r#""\u00e9\ud83d\ude00\n\/""#, r#""é😀\n/""#),
            ("", "0: expected a value"),
            ("nul", "0: expected a value"),
            ("'a'", "0: expected a value"),
            ("\u{feff}{}", "0: expected a value"),
            ("// x", "0: expected a value"),
            ("[1,]", "3: expected a value"),
            ("[1 2]", "3: expected `,` or `]`"),
            ("[", "1: expected a value or `]`"),
            ("{", "1: expected a member name in double quotes or `}`"),
            (r#"{"a":1,}"#, "7: expected a member name in double quotes"),
            (r#"{"a" 1}"#, "5: expected `:` after the member name"),
            (r#"{"a":1]"#, "6: expected `,` or `}`"),
            ("{} {}", "3: expected nothing more after the value"),
            ("1]", "1: expected nothing more after the value"),
            ("\"a", "2: expected `\"` at the end of the string"),
            (
                "\"a\nb\"",
                "2: control character in a string, write it as an escape",
            ),
            (r#""a\x""#, "2: invalid escape in a string"),
            (r#""\u12g4""#, "1: invalid escape in a string"),
            (r#""\u00"#, "1: invalid escape in a string"),
        ],
    );
}

#[test]
fn numbers_are_exact_or_refused() {
    check(
        &Limits::strict(),
        &[
            ("-0", "0"),
            ("1.0", "1.0"),
            ("1e2", "100.0"),
            ("9223372036854775807", "9223372036854775807"),
            ("9223372036854775808", "9223372036854775808"),
            (
                "-123456789012345678901234567890",
                "-123456789012345678901234567890",
            ),
            ("01", "1: expected nothing more after the value"),
            ("-", "1: expected a digit"),
            ("+1", "0: expected a value"),
            (".5", "0: expected a value"),
            ("1.", "2: expected a digit after the decimal point"),
            ("1e", "2: expected a digit of the exponent"),
            ("1e+-1", "3: expected a digit of the exponent"),
            ("[1e400]", "1: number is not finite"),
            ("NaN", "0: number is not finite"),
            ("-Infinity", "0: number is not finite"),
        ],
    );
    let big = parse("9223372036854775808", &Limits::strict());
    assert_eq!(
        big,
        Ok(Value::Number(Number::BigInteger(
            "9223372036854775808".into()
        )))
    );
}

#[test]
fn strict_rejects_what_two_readers_could_read_differently() {
    check(
        &Limits::strict(),
        &[
            (
                r#"{"a":1,"a":2}"#,
                "7: member name occurs twice in one object",
            ),
            (
                r#"{"name":1,"\u006eame":2}"#,
                "10: member name occurs twice in one object",
            ),
            (
                r#"[{"a":{"b":1,"b":1}}]"#,
                "13: member name occurs twice in one object",
            ),
            (
                r#"{"a":{"b":1},"b":{"a":1}}"#,
                r#"{"a":{"b":1},"b":{"a":1}}"#,
            ),
            (r#""\ud800""#, "1: escape of one half of a surrogate pair"),
            (
                r#""\ud800\u0041""#,
                "1: escape of one half of a surrogate pair",
            ),
            (
                r#""\udc00\ud800""#,
                "1: escape of one half of a surrogate pair",
            ),
        ],
    );
}

#[test]
fn lenient_reads_as_python_does() {
    check(
        &Limits::lenient(),
        &[
            (r#"{"a":1,"b":2,"a":[3]}"#, r#"{"a":[3],"b":2}"#),
            (
                "[NaN,Infinity,-Infinity,1e400]",
                "[NaN,Infinity,-Infinity,Infinity]",
            ),
            (r#""\ud800x""#, "\"\u{fffd}x\""),
            (r#""\ud800\ud83d\ude00""#, "\"\u{fffd}😀\""),
            ("-NaN", "1: expected a digit"),
            ("nan", "0: expected a value"),
            ("[1,]", "3: expected a value"),
        ],
    );
}

#[test]
fn names_that_repeat_are_found_among_many() {
    let mut members: Vec<String> = (0..100).map(|n| format!("\"m{n}\":{n}")).collect();
    members.push("\"m3\":\"last\"".to_owned());
    members.push("\"m99\":\"last\"".to_owned());
    let text = format!("{{{}}}", members.join(","));
    let strict = parse(&text, &Limits::strict()).map_err(|error| error.kind());
    assert_eq!(strict, Err(ErrorKind::DuplicateName));
    let value = parse(&text, &Limits::lenient()).unwrap();
    let object = value.as_object().unwrap();
    assert_eq!(object.len(), 100);
    let at = |place: usize| {
        object
            .iter()
            .nth(place)
            .map(|(name, value)| format!("{name}={value}"))
    };
    assert_eq!(at(3).as_deref(), Some("m3=\"last\""));
    assert_eq!(at(17).as_deref(), Some("m17=17"));
    assert_eq!(at(99).as_deref(), Some("m99=\"last\""));
}

#[test]
fn every_limit_holds_at_its_edge() {
    let limits = Limits {
        depth: 2,
        nodes: 4,
        string_bytes: 3,
        number_bytes: 3,
        ..Limits::strict()
    };
    check(
        &limits,
        &[
            ("[[1]]", "[[1]]"),
            ("[[[]]]", "2: nested deeper than 2"),
            ("[1,2,3]", "[1,2,3]"),
            ("[1,2,3,4]", "7: more than 4 values"),
            ("\"abc\"", "\"abc\""),
            ("\"abcd\"", "0: string is longer than 3 bytes"),
            (r#""ab\n""#, "0: string is longer than 3 bytes"),
            ("123", "123"),
            ("1234", "0: number is longer than 3 bytes"),
        ],
    );
}

#[test]
fn nesting_does_not_use_the_stack() {
    let deep = "[".repeat(1_000_000);
    let error = parse(&deep, &Limits::strict()).map_err(|error| error.kind());
    assert_eq!(error, Err(ErrorKind::TooDeep { limit: 128 }));
}

#[test]
fn error_is_found_by_line_and_column() {
    let text = "{\n  \"é\": x\n}";
    let at = parse(text, &Limits::strict()).map_err(|error| error.line_column(text));
    assert_eq!(at, Err((2, 8)));
    let at_end = parse("[1,\n", &Limits::strict()).map_err(|error| error.line_column("[1,\n"));
    assert_eq!(at_end, Err((2, 1)));
}

/// Text that is often JSON and often nearly so.
fn almost_json() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"a\"",
        "\"b\"",
        "\"\\u0041\"",
        "\"\\ud83d\\ude00\"",
        "1",
        "-0",
        "1.5",
        "1e5",
        "01",
        "null",
        "true",
        " ",
        "\n",
        "\\",
        "\"",
        "é",
    ]);
    prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>()
            .prop_filter("JSON has no others", |value| value.is_finite())
            .prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    scalar.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The judgements are equal but for one rule: `serde_json` keeps the last of two equal names.
fn agrees_with_serde_json(text: &str) -> bool {
    let theirs = serde_json::from_str::<serde_json::Value>(text);
    match parse(text, &Limits::strict()).map_err(|error: Error| error.kind()) {
        Ok(_) => theirs.is_ok(),
        Err(ErrorKind::DuplicateName) => true,
        Err(_) => theirs.is_err(),
    }
}

proptest! {
    #[test]
    fn agrees_with_serde_json_on_what_json_is(text in almost_json()) {
        prop_assert!(agrees_with_serde_json(&text));
    }

    #[test]
    fn reads_what_serde_json_writes(value in json()) {
        let text = value.to_string();
        let ours = parse(&text, &Limits::strict());
        let written = ours.as_ref().map(write).map(|text| {
            serde_json::from_str::<serde_json::Value>(&text).ok()
        });
        prop_assert_eq!(written, Ok(Some(value)));
    }

    #[test]
    fn written_values_read_back_the_same(value in json()) {
        let value = parse(&value.to_string(), &Limits::strict()).unwrap();
        prop_assert_eq!(parse(&write(&value), &Limits::strict()), Ok(value.clone()));
        prop_assert_eq!(parse(&crate::write_pretty(&value), &Limits::strict()), Ok(value));
    }

    #[test]
    fn random_text_never_panics(text in any::<String>(), limits in any::<bool>()) {
        let limits = if limits { Limits::strict() } else { Limits::lenient() };
        let accepted = parse(&text, &limits).is_ok();
        prop_assert_eq!(accepted, crate::scan(&text, &limits).is_ok());
    }
}
