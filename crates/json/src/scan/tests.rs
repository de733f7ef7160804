use super::{Shape, rescan, scan};
use crate::Limits;

/// The direct parts as they are written, names unescaped.
fn parts(text: &str, shape: Shape<'_>) -> Vec<String> {
    match shape {
        Shape::Object(members) => members
            .into_iter()
            .map(|member| {
                let written = text.get(member.name_range).unwrap();
                format!(
                    "{} {written} {}",
                    member.name,
                    text.get(member.value).unwrap()
                )
            })
            .collect(),
        Shape::Array(items) => items
            .into_iter()
            .map(|item| text.get(item).unwrap().to_owned())
            .collect(),
        Shape::Scalar => vec!["scalar".to_owned()],
    }
}

#[test]
fn direct_parts_are_found_where_they_are_written() {
    let check = |text: &str, expected: &[&str]| {
        let shape = scan(text, &const { Limits::strict() }).unwrap();
        assert_eq!(parts(text, shape), expected, "scanning {text}");
    };
    check(
        r#" { "a" : { "x": [1] } , "\u0062": "]", "c":[{}] } "#,
        &[
            r#"a "a" { "x": [1] }"#,
            r#"b "\u0062" "]""#,
            r#"c "c" [{}]"#,
        ],
    );
    check(
        "[1, [2, 3], {\"a\":4}, \"é\"]",
        &["1", "[2, 3]", "{\"a\":4}", "\"é\""],
    );
    check("{}", &[]);
    check("[[]]", &["[]"]);
    check("17", &["scalar"]);
}

#[test]
fn nested_parts_are_found_in_a_range() {
    let text = r#"{"method":"m","params":{"name":"x","_meta":{}}}"#;
    let limits = Limits::strict();
    let Ok(Shape::Object(members)) = scan(text, &limits) else {
        panic!("an object was written");
    };
    let shape = rescan(text, members[1].value.clone(), &limits).unwrap();
    assert_eq!(
        parts(text, shape),
        [r#"name "name" "x""#, r#"_meta "_meta" {}"#]
    );
}

#[test]
fn the_whole_text_is_validated() {
    for text in [
        r#"{"a":{"b":1,"b":2}}"#,
        r#"{"a":[1e999]}"#,
        r#"{"a":"\ud800"}"#,
        "{\"a\":[}",
    ] {
        let limits = Limits::strict();
        let error = scan(text, &limits).map(drop);
        assert_eq!(
            error,
            crate::parse(text, &limits).map(drop),
            "scanning {text}"
        );
        assert!(error.is_err(), "scanning {text}");
    }
}
