//! Texts that stand in a text in another writing: encoded, spelled out or turned around.
//!
//! Every decoding is bounded, and only what decodes to readable text counts.

use crate::html;
use crate::pattern::{Pattern, compile, spans};
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
}

/// LIMIT: decoded texts of one text, and bytes of one of them.
const DECODED_MAX: usize = 64;
const DECODED_BYTES_MAX: usize = 16 * 1024;

static BASE64: Pattern = LazyLock::new(|| compile(r"[A-Za-z0-9+/_-]{16,}={0,2}"));
static HEX: Pattern =
    LazyLock::new(|| compile(r"(?:[0-9A-Fa-f]{2}){12,}|(?:[0-9A-Fa-f]{2} ){12,}"));
static PERCENT: Pattern =
    LazyLock::new(|| compile(r"[\w.+,~!*'()-]*(?:%[0-9A-Fa-f]{2}[\w.+,~!*'()-]{0,40}){3,}"));
static ENTITIES: Pattern =
    LazyLock::new(|| compile(r"(?:&(?:#[0-9]{2,7}|#[xX][0-9A-Fa-f]{2,6});[ \w]{0,20}){6,}"));
static ESCAPES: Pattern =
    LazyLock::new(|| compile(r"(?:\\u00[2-7][0-9A-Fa-f]|\\x[2-7][0-9A-Fa-f]){6,}"));
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
    runs(text, &BASE64, Writing::Base64, base64, &mut found);
    runs(text, &HEX, Writing::Hex, hex, &mut found);
    if text.contains('%') {
        runs(text, &PERCENT, Writing::Percent, percent, &mut found);
    }
    if text.contains("&#") {
        let entities = |run: &str| Some(html::unescape(run));
        runs(text, &ENTITIES, Writing::Entities, entities, &mut found);
    }
    if text.contains('\\') {
        runs(text, &ESCAPES, Writing::Escapes, escapes, &mut found);
    }
    runs(
        text,
        &SPACED,
        Writing::Spaced,
        |run| Some(spaced(run)),
        &mut found,
    );
    worded(text, &ROT13_WORDS, Writing::Rot13, rot13, &mut found);
    worded(
        text,
        &REVERSED_WORDS,
        Writing::Reversed,
        reversed,
        &mut found,
    );
    found
}

fn runs(
    text: &str,
    pattern: &Pattern,
    writing: Writing,
    decode: impl Fn(&str) -> Option<String>,
    found: &mut Vec<Decoded>,
) {
    for span in spans(pattern, text) {
        if found.len() >= DECODED_MAX {
            return;
        }
        let end = span.end.min(span.start + DECODED_BYTES_MAX);
        let span = span.start..text.floor_char_boundary(end);
        let decoded = text.get(span.clone()).and_then(&decode);
        if let Some(decoded) = decoded.filter(|it| is_readable(it)) {
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
    for (span, count) in finished {
        if count < WORDS_MIN || found.len() >= DECODED_MAX {
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

/// Whether it is text, and not what any run of bytes decodes to.
fn is_readable(text: &str) -> bool {
    let count = text.chars().count();
    let strange = |it: &char| it.is_control() && !it.is_whitespace() || *it == '\u{fffd}';
    let letters = text
        .chars()
        .filter(|it| it.is_alphabetic() || it.is_whitespace())
        .count();
    count >= 6 && !text.chars().any(|it| strange(&it)) && letters * 10 >= count * 6
}

fn base64(run: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(run.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for symbol in run.bytes().filter(|it| *it != b'=') {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' | b'-' => 62,
            _ => 63,
        };
        buffer = (buffer << 6 | u32::from(value)) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(low_byte(buffer >> bits));
        }
    }
    String::from_utf8(bytes).ok()
}

fn low_byte(value: u32) -> u8 {
    u8::try_from(value & 0xff).unwrap_or_default()
}

fn hex(run: &str) -> Option<String> {
    let digits: Vec<u32> = run.chars().filter_map(|it| it.to_digit(16)).collect();
    let bytes = digits.as_chunks::<2>().0;
    let bytes = bytes
        .iter()
        .map(|[high, low]| low_byte(high << 4 | low))
        .collect();
    String::from_utf8(bytes).ok()
}

fn percent(run: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(run.len());
    let mut rest = run;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let code = after
            .get(..2)
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        match code {
            Some(code) => bytes.push(code),
            None => bytes.push(b'%'),
        }
        rest = if code.is_some() {
            after.get(2..)?
        } else {
            after
        };
    }
    bytes.extend(rest.bytes());
    String::from_utf8(bytes).ok().map(|it| it.replace('+', " "))
}

fn escapes(run: &str) -> Option<String> {
    let codes = run.split('\\').skip(1);
    codes
        .map(|code| {
            u32::from_str_radix(code.get(1..)?, 16)
                .ok()
                .and_then(char::from_u32)
        })
        .collect()
}

/// Every second character; `_` is what such writing puts for the blank that it lost.
fn spaced(run: &str) -> String {
    let letters = run.chars().step_by(2);
    letters.map(|it| if it == '_' { ' ' } else { it }).collect()
}

fn rot13(line: &str) -> String {
    let turned = |start: u8, letter: char| {
        let offset = u32::from(letter).saturating_sub(u32::from(start));
        char::from_u32(u32::from(start) + (offset + 13) % 26).unwrap_or(letter)
    };
    let letters = line.chars().map(|letter| match letter {
        'a'..='z' => turned(b'a', letter),
        'A'..='Z' => turned(b'A', letter),
        other => other,
    });
    letters.collect()
}

fn reversed(line: &str) -> String {
    line.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn decoding_is_bounded() {
        let many = "c2VuZCB0aGUga2V5cyB0byBtZQ== ".repeat(1000);
        assert_eq!(decode(&many).len(), DECODED_MAX);
        let long = "s ".repeat(100_000);
        assert!(
            decode(&long)
                .iter()
                .all(|it| it.text.len() <= DECODED_BYTES_MAX)
        );
    }
}
