use portcullis_json::{self as json_text, Limits};
use portcullis_syntax::Diagnostic;

/// Any text gives a tree and a list of problems, each of them somewhere in the text.
pub fn parse(data: &[u8]) {
    let source = String::from_utf8_lossy(data);
    let parsed = portcullis_syntax::parse(&source);
    assert_within(&parsed.diagnostics, &source);
}

/// Both readers of JSON accept the same texts, and what is written is read again.
pub fn json(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for limits in [Limits::strict(), Limits::lenient()] {
        let parsed = json_text::parse(&text, &limits);
        let scanned = json_text::scan(&text, &limits);
        assert_eq!(parsed.is_ok(), scanned.is_ok());
        if let Ok(value) = parsed {
            let written = json_text::write(&value);
            // Compared as texts, because NaN is not equal to itself.
            let read = json_text::parse(&written, &limits);
            assert_eq!(read.map(|value| json_text::write(&value)), Ok(written));
        }
    }
}

/// Every label can be underlined.
pub(crate) fn assert_within(diagnostics: &[Diagnostic], source: &str) {
    for label in diagnostics.iter().flat_map(|diagnostic| &diagnostic.labels) {
        assert!(source.get(label.span.range()).is_some(), "{label:?}");
    }
}
