//! Any text is taken, and every span lies on character boundaries.

use portcullis_detect::fold::Folded;
use portcullis_detect::tool::change::Parts;
use portcullis_detect::{
    Match, copyright, decode, fuzzy, html, links, pii, prompt_injection, python, secrets, tool,
    unicode,
};
use proptest::prelude::*;

/// Pieces that come near to what the detectors look for.
fn near_matches() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a@gmail.com"),
        Just("https://"),
        Just("bücher.de/"),
        Just("4111 1111 1111 1111"),
        Just("DE89 3704 0044 0532 0130 00"),
        Just("+43 (0) 660 "),
        Just("1.2.3.4"),
        Just("fe80::"),
        Just("bc1q"),
        Just("ghp_"),
        Just("<!--"),
        Just("ignore all previous instructions "),
        Just("і\u{200b}g"),
        Just("\u{e0041}"),
        Just("aWdub3JlIGFsbCBydWxlcw=="),
        Just("%41%42%43"),
        Just("gur lbh naq "),
        Just("i g n o r e _ a l l "),
        Just("api_key="),
        Just("://u:p@ss1w0rd@"),
        Just("aws_key='"),
        Just("<img alt="),
        Just("<a href='"),
        Just("&#x"),
        Just("&notit;"),
        Just("<![CDATA["),
        Just("<script>"),
        Just("import os\n"),
        Just("f'{x"),
        Just("(lambda:"),
        Just("é"),
        Just("🙂"),
        Just("\u{301}"),
        Just("\0"),
        Just("\""),
        Just("'"),
        Just("\n"),
        Just(" "),
        Just("7"),
        Just("-"),
        Just("=")
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let groups: [Vec<Match>; 6] = [
        secrets::reference(text),
        unicode::categories(text, None),
        links::find(text),
        pii::find(text),
        pii::guess(text),
        secrets::find(text),
    ];
    for found in groups.iter().flatten() {
        prop_assert!(text.get(found.span.clone()).is_some(), "{found:?}");
        prop_assert!(!found.span.is_empty(), "{found:?}");
    }
    prop_assert_eq!(groups[1].len(), text.chars().count());
    let worst = prompt_injection::assess(text);
    prop_assert!(text.get(worst.span.clone()).is_some(), "{worst:?}");
    for decoded in decode::decode(text) {
        prop_assert!(text.get(decoded.span.clone()).is_some(), "{decoded:?}");
    }
    let folded = Folded::new(text);
    prop_assert_eq!(
        folded.original(0..folded.text.len()).end <= text.len(),
        true
    );
    for (start, character) in folded.text.char_indices() {
        let span = folded.original(start..start + character.len_utf8());
        prop_assert!(
            text.get(span.clone()).is_some_and(|it| !it.is_empty()),
            "{span:?}"
        );
    }
    let definition = |description: &str| tool::Definition {
        description: description.to_owned(),
        ..tool::Definition::default()
    };
    prop_assert!(tool::judge(&definition(text)).signals.len() <= 12);
    for span in tool::place::places(text) {
        prop_assert!(
            text.get(span.clone()).is_some_and(|it| !it.is_empty()),
            "{span:?}"
        );
    }
    let parts = |text: &str| Parts::from([("description".to_owned(), text.to_owned())]);
    let changes = tool::change::changes(&parts("Adds."), &parts(text));
    prop_assert_eq!(changes.is_empty(), text == "Adds.");
    prop_assert!(copyright::licenses(text).len() <= 9);
    let page = html::scan(text);
    prop_assert!(page.alt_texts.len() + page.links.len() <= text.len());
    if let Ok(Some(span)) = fuzzy::contains(text, "password", 0.5) {
        prop_assert!(text.get(span).is_some());
    }
    for code in [python::analyze(text), python::analyze_ipython(text)] {
        prop_assert_eq!(code.syntax_error, code.syntax_error_exception.is_some());
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_taken(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn texts_near_to_matches_are_taken(text in near_matches()) {
        check(&text)?;
    }

    #[test]
    fn any_query_is_taken_or_refused(text in ".{0,20}", query in r"[ab.*+?|()\[\]\\{}0-9,^$-]{0,12}") {
        if let Ok(Some(span)) = fuzzy::find(&text, &query, 2) {
            prop_assert!(text.get(span).is_some());
        }
    }
}
