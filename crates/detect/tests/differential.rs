//! The detectors against the Python libraries whose answers they promise.
//!
//! Each test is skipped, and says so, where there is no `python3`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "functions of a test, though not marked as one"
)]

use portcullis_detect::{fuzzy, html, links, python, secrets, unicode};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A Python process that answers questions.
struct Reference {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    fn start() -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference.py");
        let spawned = Command::new("python3")
            .args(["-X", "utf8", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = spawned else {
            println!("skipped: there is no `python3`");
            return None;
        };
        let (questions, answers) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Self {
            child,
            questions,
            answers,
        })
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a question is always written in place"
    )]
    fn ask(&mut self, question: Value) -> Value {
        writeln!(self.questions, "{question}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A small generator, so that a failing case comes again.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn text(&mut self, parts: &[&str], length_max: usize) -> String {
        let length = self.below(length_max + 1);
        (0..length)
            .map(|_| parts[self.below(parts.len())])
            .collect()
    }
}

fn python_answer(code: &str) -> Value {
    let found = python::analyze(code);
    if found.syntax_error {
        return Value::Null;
    }
    json!([found.imports, found.builtins, found.function_calls])
}

#[test]
fn python_code_of_the_standard_library() {
    let Some(mut reference) = Reference::start() else {
        return;
    };
    let sources = reference.ask(json!(["stdlib", 7]));
    for source in sources
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
    {
        if source.len() < 200_000 {
            let expected = reference.ask(json!(["python_code", source]));
            assert_eq!(
                python_answer(source),
                expected,
                "{}",
                source.chars().take(300).collect::<String>()
            );
        }
    }
}

#[test]
fn random_expressions_as_callees() {
    const PARTS: &[&str] = &[
        "a",
        "b.c",
        "1",
        "2.5",
        "1e20",
        "1j",
        "'x'",
        "\"it's\"",
        "b'\\x00'",
        "None",
        "f(x)",
        " + ",
        " ** ",
        "-",
        "not ",
        " and ",
        " or ",
        " if a else ",
        " < ",
        " is not ",
        "(",
        ")",
        "[",
        "]",
        ", ",
        ":",
        "lambda x: ",
        "lambda *a, b=1, **c: ",
        "await ",
        "*",
        "{",
        "}",
        "[x for x in y if z]",
        "f'{a!r:>{w}}'",
        "f\"{x['k']}\\n\"",
        "(y := 1)",
        "(yield)",
        " | ",
    ];
    let Some(mut reference) = Reference::start() else {
        return;
    };
    let mut choices = Choices(1);
    let mut parsed = 0;
    for _ in 0..6000 {
        let code = format!("({})()", choices.text(PARTS, 7));
        let expected = reference.ask(json!(["python_code", code]));
        parsed += usize::from(!expected.is_null());
        assert_eq!(python_answer(&code), expected, "{code}");
    }
    assert!(parsed > 500, "only {parsed} of the expressions were Python");
}

#[test]
fn approximate_search() {
    let Some(mut reference) = Reference::start() else {
        return;
    };
    if reference.ask(json!(["has_regex"])) != json!(true) {
        println!("skipped: the Python module `regex` is not installed");
        return;
    }
    let mut choices = Choices(2);
    for _ in 0..5000 {
        let query = choices.text(
            &["a", "b", "c", "a", "b", ".", "[ab]", "(?:ab|c)", "b?", "a+"],
            5,
        );
        let text = choices.text(&["a", "b", "c", "é"], 9);
        let errors_max = u8::try_from(choices.below(4)).unwrap();
        let found = fuzzy::find(&text, &query, errors_max).unwrap().map(|span| {
            [span.start, span.end].map(|byte| text.get(..byte).unwrap().chars().count())
        });
        let expected = reference.ask(json!(["fuzzy", query, text, errors_max]));
        assert_eq!(
            json!(found),
            expected,
            "{query:?} in {text:?} with {errors_max} errors"
        );
    }
}

#[test]
fn links_and_tokens_in_random_text() {
    const PARTS: &[&str] = &[
        "http",
        "s",
        "://",
        "a.example",
        "/",
        "%2f",
        "%",
        "é",
        "\u{301}",
        "²",
        "_",
        " ",
        "\n",
        "\"",
        "?q=1",
        "xoxb-",
        "XOXP-",
        "1",
        "٣",
        "-",
        "ab",
        "İ",
        "ı",
        "ſ",
        "K",
    ];
    let Some(mut reference) = Reference::start() else {
        return;
    };
    let mut choices = Choices(3);
    for _ in 0..3000 {
        let text = choices.text(PARTS, 14);
        let found: Vec<_> = links::find(&text)
            .into_iter()
            .map(|it| text.get(it.span).unwrap())
            .collect();
        assert_eq!(
            json!(found),
            reference.ask(json!(["links", text])),
            "{text:?}"
        );
        let tokens: Vec<_> = secrets::reference(&text)
            .into_iter()
            .map(|it| {
                [it.span.start, it.span.end].map(|byte| text.get(..byte).unwrap().chars().count())
            })
            .collect();
        assert_eq!(
            json!(tokens),
            reference.ask(json!(["slack", text])),
            "{text:?}"
        );
    }
}

#[test]
fn categories_differ_only_where_unicode_has_grown() {
    let Some(mut reference) = Reference::start() else {
        return;
    };
    let expected = reference.ask(json!(["categories"]));
    let changed: Vec<_> = expected
        .as_array()
        .unwrap()
        .iter()
        .zip(0_u32..)
        .filter_map(|(category, code)| Some((category.as_str()?, char::from_u32(code)?)))
        .filter(|(category, character)| {
            *category != "Cn" && *category != unicode::category(*character)
        })
        .collect();
    // Unicode 15 made this vowel sign a spacing mark.
    assert_eq!(changed, [("Mn", '\u{1171e}')]);
}

#[test]
fn random_pages() {
    const PARTS: &[&str] = &[
        "<",
        "<img ",
        "<a ",
        "<script>",
        "</script>",
        "</",
        ">",
        "/>",
        "/",
        " ",
        "\n",
        "\0",
        "=",
        "==",
        "'",
        "\"",
        "alt",
        "href",
        "alt=",
        "href=\"x\"",
        "alt='y&amp'",
        "x",
        "<!--",
        "-->",
        "<!",
        "<?",
        "&lt;",
        "&#x80;",
        "&notin",
        "é",
        "\u{1c}",
        "<b",
        "<![CDATA[",
        "]]>",
        "<style/>",
    ];
    let Some(mut reference) = Reference::start() else {
        return;
    };
    let mut choices = Choices(4);
    for _ in 0..12_000 {
        let mut text = choices.text(PARTS, 12);
        text.push_str(["", ">", "'\"><img alt=z>"][choices.below(3)]);
        let expected = reference.ask(json!(["page", text]));
        if !expected.is_null() {
            let found = html::scan(&text);
            let without_none = expected.to_string().replace("null", "\"\"");
            assert_eq!(
                json!([found.alt_texts, found.links]).to_string(),
                without_none,
                "{text:?}"
            );
        }
    }
}

#[test]
fn character_references() {
    const PARTS: &[&str] = &[
        "&",
        "#",
        "x",
        "1",
        "8",
        "0",
        "f",
        "d",
        ";",
        "amp",
        "not",
        "in",
        "lt",
        "é",
        " ",
        "AElig",
        "&#",
        "&#x",
        "10ffff",
        "fffe",
        "fdd0",
        "NotEqualTilde",
        "acE",
        "&#99999999999",
    ];
    let Some(mut reference) = Reference::start() else {
        return;
    };
    let mut choices = Choices(5);
    for _ in 0..6000 {
        let page = format!("<img alt='{}'>", choices.text(PARTS, 8));
        let found = html::scan(&page);
        let expected = reference.ask(json!(["page", page]));
        assert_eq!(json!([found.alt_texts, found.links]), expected, "{page:?}");
    }
}
