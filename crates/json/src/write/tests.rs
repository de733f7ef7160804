use crate::{Limits, Number, Value, parse, write, write_pretty};

#[test]
fn escapes_only_what_json_requires() {
    let check = |text: &str, expected: &str| assert_eq!(write(&text.into()), expected);
    check("a\"b\\c/é\u{7f}\u{2028}", "\"a\\\"b\\\\c/é\u{7f}\u{2028}\"");
    check("\u{0}\u{8}\t\n\u{c}\r\u{1f}", r#""\u0000\b\t\n\f\r\u001f""#);
    check("", "\"\"");
}

#[test]
fn floats_stay_floats() {
    let check = |value: f64, expected: &str| {
        assert_eq!(write(&Value::Number(Number::Float(value))), expected);
    };
    check(1.0, "1.0");
    check(-0.0, "-0.0");
    check(0.1, "0.1");
    check(1e300, "1e300");
    check(5e-324, "5e-324");
    check(f64::NAN, "NaN");
    check(f64::NEG_INFINITY, "-Infinity");
}

#[test]
fn pretty_text_puts_each_part_on_a_line() {
    let value = parse(r#"{"a":[1,{}],"b":[],"c":{"d":null}}"#, &Limits::strict()).unwrap();
    let expected = r#"{
  "a": [
    1,
    {}
  ],
  "b": [],
  "c": {
    "d": null
  }
}"#;
    assert_eq!(write_pretty(&value), expected);
}
