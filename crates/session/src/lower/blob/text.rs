//! What base64 says, if it is text: whichever way it is written that readers take.

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};

/// How many digits are decoded at once; a multiple of four.
const DIGITS: usize = 64 << 10;
const BYTES: usize = DIGITS / 4 * 3;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);
static STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
static URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// What a blob is called, as far as it matters to whether it is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text(Charset),
    /// Pictures and sounds.
    Media,
    Other,
}

/// In which units a text is written, as far as its type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Bytes,
    Utf16,
    Utf32,
}

/// The bytes of a blob, as long as they may be text.
struct Sink {
    kind: Kind,
    bytes: Vec<u8>,
    /// How many of them are known to be UTF-8.
    checked: usize,
    is_text: bool,
    has_binary: bool,
    bytes_max: usize,
}

/// Why digits could not be read.
pub(super) enum Stop {
    NotBase64,
    TooMuchText,
}

/// All that readers may take the digits for, if it is text.
///
/// The alphabet is that of RFC 4648, section 4. Line breaks, digits of the alphabet for URLs and a
/// lack of padding are what SDKs have written (python-sdk 342, langchain4j 6287, anubis-mcp 270).
pub(super) fn texts(written: &str, kind: Kind, bytes_max: usize) -> Result<Vec<String>, Stop> {
    let read = |digits: &str, engine| read(digits, engine, kind, bytes_max);
    match read(written, &STANDARD) {
        Err(Stop::NotBase64) => {}
        known => return known,
    }
    let digits: String = written
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .collect();
    if !digits.contains(['-', '_']) {
        return read(&digits, &STANDARD);
    }
    let mut all = read(&digits, &URL_SAFE)?;
    // Python leaves out what it does not know.
    let known = digits.replace(['-', '_'], "");
    match read(known.trim_end_matches('='), &STANDARD) {
        Ok(texts) => all.extend(texts),
        Err(Stop::NotBase64) => {}
        Err(Stop::TooMuchText) => return Err(Stop::TooMuchText),
    }
    Ok(all)
}

/// What the digits say, if it is text: in one way or two. That they are digits is seen to in any
/// case.
fn read(
    written: &str,
    engine: &GeneralPurpose,
    kind: Kind,
    bytes_max: usize,
) -> Result<Vec<String>, Stop> {
    let digits = written.trim_end_matches('=');
    let padding = written.len() - digits.len();
    if padding > 2 || padding > 0 && !written.len().is_multiple_of(4) {
        return Err(Stop::NotBase64);
    }
    let mut sink = Sink::new(kind, bytes_max);
    let mut decoded = vec![0; BYTES.min(digits.len())];
    for part in digits.as_bytes().chunks(DIGITS) {
        let length = engine.decode_slice(part, &mut decoded);
        let bytes = decoded.get(..length.map_err(|_| Stop::NotBase64)?);
        sink.take(bytes.unwrap_or_default())?;
    }
    Ok(sink.finish())
}

// === impl Kind ===

impl Kind {
    pub(super) fn of(mime_type: &str) -> Self {
        const MEDIA: [&str; 4] = ["image/", "audio/", "video/", "font/"];
        const TEXT: [&str; 5] = ["json", "xml", "html", "yaml", "script"];
        let (name, parameters) = mime_type.split_once(';').unwrap_or((mime_type, ""));
        let name = name.trim().to_ascii_lowercase();
        if name.starts_with("text/") || TEXT.iter().any(|text| name.ends_with(text)) {
            Self::Text(Charset::of(parameters))
        } else if MEDIA.iter().any(|media| name.starts_with(media)) {
            Self::Media
        } else {
            Self::Other
        }
    }
}

// === impl Charset ===

impl Charset {
    fn of(parameters: &str) -> Self {
        let parameters = parameters.to_ascii_lowercase();
        if ["utf-16", "ucs-2"]
            .iter()
            .any(|name| parameters.contains(name))
        {
            Self::Utf16
        } else if parameters.contains("utf-32") {
            Self::Utf32
        } else {
            Self::Bytes
        }
    }
}

// === impl Sink ===

impl Sink {
    fn new(kind: Kind, bytes_max: usize) -> Self {
        Self {
            kind,
            bytes: Vec::new(),
            checked: 0,
            is_text: true,
            has_binary: false,
            bytes_max,
        }
    }

    fn take(&mut self, part: &[u8]) -> Result<(), Stop> {
        if !self.is_text {
            return Ok(());
        }
        let is_marked = self.kind == Kind::Other && is_marked(part);
        if self.bytes.is_empty() && (is_markup(part) || is_marked) {
            self.kind = Kind::Text(Charset::Bytes);
        }
        self.bytes.extend_from_slice(part);
        self.has_binary |= part.iter().copied().any(is_binary);
        self.is_text = match self.kind {
            Kind::Text(_) => true,
            Kind::Media => !self.has_binary && self.is_utf8(),
            // Many readers pass over a byte that is not UTF-8.
            Kind::Other => !self.has_binary || self.is_utf8(),
        };
        if !self.is_text {
            self.bytes = Vec::new();
        }
        if self.bytes.len() > self.bytes_max {
            return Err(Stop::TooMuchText);
        }
        Ok(())
    }

    /// Whether it is UTF-8 so far; a character may be cut at the end.
    fn is_utf8(&mut self) -> bool {
        let rest = self.bytes.get(self.checked..).unwrap_or_default();
        match str::from_utf8(rest) {
            Ok(_) => self.checked = self.bytes.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return false,
        }
        true
    }

    fn finish(self) -> Vec<String> {
        let is_whole = match self.kind {
            Kind::Text(_) => true,
            Kind::Media => self.checked == self.bytes.len(),
            Kind::Other => !self.has_binary || self.checked == self.bytes.len(),
        };
        if !self.is_text || !is_whole || self.bytes.is_empty() {
            return Vec::new();
        }
        let bytes = &self.bytes;
        let is_utf32 =
            bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]);
        if !is_utf32 {
            match bytes.split_first_chunk() {
                Some(([0xff, 0xfe], units)) => return vec![utf16(units, u16::from_le_bytes)],
                Some(([0xfe, 0xff], units)) => return vec![utf16(units, u16::from_be_bytes)],
                _ => {}
            }
        }
        // Who reads it may take it for either order, or pass over what the type says.
        let mut texts = match self.kind {
            _ if is_utf32 => utf32(bytes).into(),
            Kind::Text(Charset::Utf32) => utf32(bytes).into(),
            Kind::Text(Charset::Utf16) => both_orders(bytes),
            _ if has_zeros(bytes) => both_orders(bytes),
            _ => Vec::new(),
        };
        let bytes = String::from_utf8(self.bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        texts.push(bytes);
        texts
    }
}

/// Whether one in eight units is a letter of the Latin alphabet in UTF-16.
fn has_zeros(bytes: &[u8]) -> bool {
    let units = bytes.as_chunks::<2>().0;
    let has_zero = |unit: &[u8; 2]| (unit[0] == 0) != (unit[1] == 0);
    let zeros = units.iter().filter(|unit| has_zero(unit)).count();
    zeros * 8 > units.len()
}

fn both_orders(units: &[u8]) -> Vec<String> {
    let orders: [fn([u8; 2]) -> u16; 2] = [u16::from_le_bytes, u16::from_be_bytes];
    orders.iter().map(|order| utf16(units, *order)).collect()
}

fn utf32(units: &[u8]) -> [String; 2] {
    let orders: [fn([u8; 4]) -> u32; 2] = [u32::from_le_bytes, u32::from_be_bytes];
    orders.map(|order| {
        let units = units.as_chunks().0.iter();
        let letters = units.map(|unit| char::from_u32(order(*unit)).unwrap_or('\u{fffd}'));
        letters.collect()
    })
}

fn utf16(units: &[u8], read: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = units.as_chunks().0.iter().map(|unit| read(*unit)).collect();
    String::from_utf16_lossy(&units)
}

/// Whether it begins like HTML, XML or SVG, whatever it is called.
fn is_markup(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    head.trim_ascii_start().starts_with(b"<")
}

/// Whether it begins with the byte order mark of UTF-16.
fn is_marked(head: &[u8]) -> bool {
    head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff])
}

/// SPEC: WHATWG MIME Sniffing, binary data byte.
fn is_binary(byte: u8) -> bool {
    matches!(byte, 0..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    const BYTES_MAX: usize = 1 << 20;

    #[test]
    fn a_character_may_stand_where_digits_are_cut() {
        for shift in 0..4 {
            let text = "a".repeat(shift) + &"🙂".repeat(BYTES / 2);
            let read = texts(&STANDARD.encode(&text), Kind::Media, BYTES_MAX);
            assert!(read.is_ok_and(|texts| texts == [text]), "{shift}");
        }
        let cut = STANDARD.encode("🙂".as_bytes().split_last().unwrap().1);
        let read = texts(&cut, Kind::Media, BYTES_MAX);
        assert!(read.is_ok_and(|texts| texts.is_empty()));
        let read = texts(&cut, Kind::Other, BYTES_MAX);
        assert!(read.is_ok_and(|texts| texts == ["\u{fffd}"]));
    }
}
