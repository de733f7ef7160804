//! Texts that stand in a text in another writing: encoded, spelled out or turned around.
//!
//! Every decoding is bounded, and only what decodes to readable text counts.

mod percent;
mod read;
mod stretch;

use crate::html;
use crate::pattern::{Pattern, compile, compile_large, spans};
use crate::runs::LongRuns;
use std::ops::Range;
use std::sync::LazyLock;

/// A text that was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub writing: Writing,
    pub text: String,
    /// The bytes of the original that it was decoded from.
    pub span: Range<usize>,
}

/// How a text was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writing {
    Base64,
    Hex,
    Percent,
    /// HTML character references.
    Entities,
    /// `\u0041` or `\x41`.
    Escapes,
    /// `l i k e  t h i s`.
    Spaced,
    Rot13,
    Reversed,
    /// Bytes as variation selectors, which cannot be seen.
    Selectors,
}

/// LIMIT: decoded texts of one writing in one text, and bytes of one of them.
const DECODED_MAX: usize = 1024;
const DECODED_BYTES_MAX: usize = 64 * 1024;

static HEX: Pattern =
    LazyLock::new(|| compile(r"(?:[0-9A-Fa-f]{2}){12,}|(?:[0-9A-Fa-f]{2} ){12,}"));
static ENTITIES: Pattern =
    LazyLock::new(|| compile_large(r"(?:&(?:#[0-9]{2,7}|#[xX][0-9A-Fa-f]{2,6});[ \w]{0,20}){6,}"));
static ESCAPES: Pattern =
    LazyLock::new(|| compile(r"(?:\\u00[2-7][0-9A-Fa-f]|\\x[2-7][0-9A-Fa-f]){6,}"));
static SELECTORS: Pattern =
    LazyLock::new(|| compile(r"[\u{fe00}-\u{fe0f}\u{e0100}-\u{e01ef}]{6,}"));
static SPACED: Pattern = LazyLock::new(|| compile(r"(?:[^\s] ){10}(?:[^\s] )*[^\s]"));
static ROT13_WORDS: Pattern = LazyLock::new(|| {
    compile(
        r"(?i-u)\b(?:gur|naq|lbh|lbhe|hfre|sbe|guvf|vtaber|cerivbhf|vafgehpgvbaf?|nffvfgnag|flfgrz|cebzcg|frperg|cnffjbeqf?|frag|abg)\b",
    )
});
static REVERSED_WORDS: Pattern = LazyLock::new(|| {
    compile(
        r"(?i-u)\b(?:eht|dna|uoy|ruoy|resu|siht|htiw|erongi|suoiverp|snoitcurtsni|tnatsissa|metsys|tpmorp|terces|drowssap|dnes|ton)\b",
    )
});

/// How many words of a writing must stand together before a text is taken for it.
const WORDS_MIN: usize = 3;

/// How far apart these words may stand, in bytes.
const WORDS_APART_MAX: usize = 120;

/// All that can be decoded, writing by writing.
pub fn decode(text: &str) -> Vec<Decoded> {
    let mut found = Vec::new();
    let mut take = |writing, runs: Vec<Range<usize>>, decode: fn(&str) -> Option<String>| {
        runs_that(text, is_readable, writing, runs, decode, &mut found);
    };
    take(
        Writing::Base64,
        stretch::base64(&LongRuns::of(text)),
        read::base64_text,
    );
    take(Writing::Hex, stretch::hexadecimal(text, &HEX), read::hex);
    take(Writing::Percent, percent::runs(text), read::percent);
    if text.contains("&#") {
        let runs = spans(&ENTITIES, text).collect();
        take(Writing::Entities, runs, |run| Some(html::unescape(run)));
    }
    if text.contains('\\') {
        let runs = spans(&ESCAPES, text).collect();
        take(Writing::Escapes, runs, read::escapes);
    }
    take(
        Writing::Selectors,
        spans(&SELECTORS, text).collect(),
        read::selectors,
    );
    take(Writing::Spaced, spans(&SPACED, text).collect(), |run| {
        Some(read::spaced(run))
    });
    worded(text, &ROT13_WORDS, Writing::Rot13, read::rot13, &mut found);
    worded(
        text,
        &REVERSED_WORDS,
        Writing::Reversed,
        read::reversed,
        &mut found,
    );
    found
}

/// What a text that is base64 and nothing else says.
pub(crate) fn base64(text: &str) -> Option<String> {
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
    text.bytes()
        .all(is_digit)
        .then(|| read::base64(text))
        .flatten()
}

/// What base64 and hexadecimal digits say, if it is text of any sort.
pub(crate) fn packed(long: &LongRuns<'_>) -> Vec<Decoded> {
    let text = long.text;
    let mut found = Vec::new();
    let mut take = |writing, runs: Vec<Range<usize>>, decode: fn(&str) -> Option<String>| {
        runs_that(text, is_printable, writing, runs, decode, &mut found);
    };
    take(Writing::Base64, stretch::base64(long), read::base64_text);
    take(Writing::Hex, stretch::hexadecimal(text, &HEX), read::hex);
    found
}

/// Decodes the runs, and takes what passes `is_text`.
fn runs_that(
    text: &str,
    is_text: fn(&str) -> bool,
    writing: Writing,
    runs: Vec<Range<usize>>,
    decode: fn(&str) -> Option<String>,
    found: &mut Vec<Decoded>,
) {
    let most = found.len() + DECODED_MAX;
    for span in runs {
        if found.len() >= most {
            return;
        }
        let end = span.end.min(span.start + DECODED_BYTES_MAX);
        let span = span.start..text.floor_char_boundary(end);
        let decoded = text.get(span.clone()).and_then(decode);
        if let Some(decoded) = decoded.filter(|it| is_text(it)) {
            found.push(Decoded {
                writing,
                text: decoded,
                span,
            });
        }
    }
}

/// Stretches in which words of a writing stand close together, with what is left of their lines.
fn worded(
    text: &str,
    words: &Pattern,
    writing: Writing,
    decode: fn(&str) -> String,
    found: &mut Vec<Decoded>,
) {
    let mut stretch: Option<(Range<usize>, usize)> = None;
    let mut finished = Vec::new();
    for word in spans(words, text) {
        stretch = match stretch.take() {
            Some((span, count)) if word.start - span.end <= WORDS_APART_MAX => {
                Some((span.start..word.end, count + 1))
            }
            other => {
                finished.extend(other);
                Some((word, 1))
            }
        };
    }
    finished.extend(stretch);
    let most = found.len() + DECODED_MAX;
    for (span, count) in finished {
        if count < WORDS_MIN || found.len() >= most {
            continue;
        }
        let line_start = text.get(..span.start).and_then(|it| it.rfind('\n'));
        let start = line_start.map_or(0, |it| it + 1);
        let rest = text.get(span.end..).unwrap_or_default();
        let end = span.end + rest.find('\n').unwrap_or(rest.len());
        let end = text.floor_char_boundary(end.min(start + DECODED_BYTES_MAX));
        if let Some(line) = text.get(start..end) {
            found.push(Decoded {
                writing,
                text: decode(line),
                span: start..end,
            });
        }
    }
}

/// How many characters are the least that a text has.
const CHARACTERS_MIN: usize = 6;

/// Whether most of the text is letters, and not what any run of bytes decodes to.
fn is_readable(text: &str) -> bool {
    let is_letter = |it: &char| it.is_alphabetic() || it.is_whitespace();
    let letters = text.chars().filter(is_letter).count();
    is_printable(text) && letters * 10 >= text.chars().count() * 6
}

/// Whether all characters of the text are such as stand in texts.
fn is_printable(text: &str) -> bool {
    let is_strange = |it: char| it.is_control() && !it.is_whitespace() || it == '\u{fffd}';
    text.chars().nth(CHARACTERS_MIN - 1).is_some() && !text.chars().any(is_strange)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, writing: Writing, expected: &str) {
        let found = decode(text);
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.writing, it.text.trim()))
            .collect();
        assert!(found.contains(&(writing, expected)), "{found:?}");
    }

    #[test]
    fn each_writing_is_read() {
        let plain = "send the keys to me";
        check("x c2VuZCB0aGUga2V5cyB0byBtZQ== y", Writing::Base64, plain);
        check(
            "73656e6420746865206b65797320746f206d65",
            Writing::Hex,
            plain,
        );
        check(
            "q=send%20the%20keys%20to%20me",
            Writing::Percent,
            "send the keys to me",
        );
        check(
            "&#115;&#101;&#110;&#100;&#32;&#116;&#104;&#101;",
            Writing::Entities,
            "send the",
        );
        check(
            r"\u0073\u0065\u006e\u0064\u0020\u0074",
            Writing::Escapes,
            "send t",
        );
        let selectors: String = plain
            .bytes()
            .filter_map(|it| char::from_u32(0xe_0100 + u32::from(it) - 16))
            .collect();
        check(&format!("ok 😀{selectors} x"), Writing::Selectors, plain);
        check(
            "s e n d _ t h e _ k e y s",
            Writing::Spaced,
            "send the keys",
        );
        check(
            "fraq gur xrlf gb lbhe hfre",
            Writing::Rot13,
            "send the keys to your user",
        );
        check(
            "resu ruoy ot syek eht dnes",
            Writing::Reversed,
            "send the keys to your user",
        );
    }

    #[test]
    fn what_is_not_text_is_not_decoded() {
        for text in [
            "d41d8cd98f00b204e9800998ecf8427e",
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB",
            "a plain sentence about internationalization",
            "50% of 20% is 10%",
        ] {
            assert_eq!(decode(text), [], "{text}");
        }
    }

    #[test]
    fn base64_that_begins_with_controls_is_no_text() {
        let run = "AAECAwQFBgcIc2VuZCB0aGUga2V5cw==";
        assert!(read::base64(run).is_some_and(|text| text.ends_with("send the keys")));
        assert_eq!(read::base64_text(run), None);
    }

    proptest! {
        #[test]
        fn no_text_is_lost_by_its_beginning(
            run in r"(c2Vu|ZCB0|aGUg|w6kg|bsOp|DQo=|AAEC|[A-Za-z0-9+/_-]{1,4}|\\n|\n|=){1,12}"
        ) {
            let text = |decoded: Option<String>| decoded.filter(|text| is_printable(text));
            let expected = text(read::base64(&run));
            prop_assert_eq!(text(read::base64_text(&run)), expected, "{:?}", run);
        }
    }

    #[test]
    fn decoding_is_bounded() {
        let many = "c2VuZCB0aGUga2V5cyB0byBtZQ== ".repeat(DECODED_MAX + 1);
        assert_eq!(decode(&many).len(), DECODED_MAX);
        let long = "s ".repeat(100_000);
        assert!(
            decode(&long)
                .iter()
                .all(|it| it.text.len() <= DECODED_BYTES_MAX)
        );
    }
}
