//! Characters as a reader sees them: what is invisible left out, what looks alike made equal.
//!
//! A detector that compares letters works on the folded form, so that zero-width characters,
//! letters of another script, full-width forms and tag characters do not hide a word from it. Each
//! folded character comes from exactly one character of the text, so a place maps back.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// A folded text and where each of its bytes comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// In lower case.
    pub text: String,
    /// For each byte of `text` the start of its character in the original, then the original's end.
    origins: Vec<usize>,
    /// For each byte of `text` the end of its character in the original.
    ends: Vec<usize>,
}

/// What a single character becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fold {
    /// It cannot be seen and does not part words.
    Nothing,
    /// It is, looks like or stands unseen for this character, in lower case.
    One(char),
    /// It stands for several, such as a ligature.
    Several,
}

// === impl Folded ===

impl Folded {
    pub fn new(text: &str) -> Self {
        let mut folded = Self {
            text: String::with_capacity(text.len()),
            origins: Vec::with_capacity(text.len() + 1),
            ends: Vec::with_capacity(text.len()),
        };
        for (start, character) in text.char_indices() {
            let end = start + character.len_utf8();
            match fold(character) {
                Fold::Nothing => {}
                Fold::One(one) => folded.push(one, start, end),
                Fold::Several => each(character, |one| folded.push(one, start, end)),
            }
        }
        folded.origins.push(text.len());
        folded
    }

    /// The bytes of the original that became these bytes of `text`.
    pub fn original(&self, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
        let start = self.origins.get(span.start).copied().unwrap_or_default();
        let end = span.end.checked_sub(1).and_then(|last| self.ends.get(last));
        start..end.copied().unwrap_or(start).max(start)
    }

    fn push(&mut self, character: char, start: usize, end: usize) {
        self.text.push(character);
        self.origins.resize(self.text.len(), start);
        self.ends.resize(self.text.len(), end);
    }
}

/// What the character becomes on its own.
pub(crate) fn fold(character: char) -> Fold {
    if character.is_ascii() {
        return Fold::One(character.to_ascii_lowercase());
    }
    if is_invisible(character) {
        return Fold::Nothing;
    }
    if let Some(tagged) = tag(character) {
        return Fold::One(tagged.to_ascii_lowercase());
    }
    let mut parts = 0;
    let mut first = character;
    each(character, |part| {
        if parts == 0 {
            first = part;
        }
        parts += 1;
    });
    match parts {
        0 => Fold::Nothing,
        1 => Fold::One(first),
        _ => Fold::Several,
    }
}

/// Calls `take` with each character that this one becomes.
pub(crate) fn each(character: char, mut take: impl FnMut(char)) {
    decompose_compatible(character, |part| {
        if !is_combining_mark(part) {
            let part = part.to_lowercase().next().unwrap_or(part);
            take(look_alike(part));
        }
    });
}

/// As [`each`], but capitals stay capitals and what cannot be seen becomes nothing.
pub(crate) fn each_cased(character: char, mut take: impl FnMut(char)) {
    if character.is_ascii() {
        return take(character);
    }
    if is_invisible(character) {
        return;
    }
    let character = tag(character).unwrap_or(character);
    decompose_compatible(character, |part| {
        let lower = part.to_lowercase().next().unwrap_or(part);
        match look_alike(lower) {
            _ if is_combining_mark(part) => {}
            alike if alike == lower => take(part),
            alike if part == lower => take(alike),
            alike => take(alike.to_ascii_uppercase()),
        }
    });
}

/// The ASCII character that a tag character (U+E0020 to U+E007E) stands for.
pub(crate) fn tag(character: char) -> Option<char> {
    let code = u32::from(character).checked_sub(0xe_0000)?;
    char::from_u32(code).filter(|it| (' '..='~').contains(it))
}

/// The byte that a variation selector stands for, where they are used to hide bytes: the 256 of
/// them in order.
pub(crate) fn selected_byte(character: char) -> Option<u8> {
    match character {
        '\u{fe00}'..='\u{fe0f}' => u8::try_from(u32::from(character) - 0xfe00).ok(),
        '\u{e0100}'..='\u{e01ef}' => u8::try_from(u32::from(character) - 0xe0100 + 16).ok(),
        _ => None,
    }
}

/// Whether the character has no width and parts no words.
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{e0001}' | '\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether a reader does not see the character, or sees others in another order for it. Unlike
/// [`is_invisible`], controls, separators and all tag characters count, also where they part words.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || is_invisible(character)
        || matches!(character,
            '\u{2028}' | '\u{2029}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The Latin letter that a letter in lower case looks like, or the letter itself.
pub(crate) fn look_alike(letter: char) -> char {
    match letter {
        '“' | '”' | '„' | '″' => '"',
        '‐' | '‑' | '‒' | '–' | '—' | '−' => '-',
        '‘' | '’' | '‛' | '′' | 'ʼ' => '\'',
        'а' | 'α' | 'ɑ' | 'ᴀ' => 'a',
        'в' | 'β' | 'ʙ' => 'b',
        'с' | 'ᴄ' => 'c',
        'ԁ' | 'ᴅ' | 'đ' => 'd',
        'е' | 'ҽ' | 'ε' | 'ᴇ' => 'e',
        'ғ' | 'ꜰ' => 'f',
        'ɡ' | 'ɢ' | 'ց' => 'g',
        'һ' | 'н' | 'ʜ' | 'հ' => 'h',
        'і' | 'ї' | 'ӏ' | 'ι' | 'ı' | 'ɩ' | 'ɪ' => 'i',
        'ј' | 'ᴊ' => 'j',
        'к' | 'κ' | 'ᴋ' => 'k',
        'ʟ' | 'ł' => 'l',
        'м' | 'ᴍ' => 'm',
        'η' | 'ɴ' | 'ո' => 'n',
        'о' | 'ο' | 'σ' | 'ᴏ' | 'օ' | 'ø' => 'o',
        'р' | 'ρ' | 'ᴘ' => 'p',
        'ԛ' => 'q',
        'г' | 'ʀ' => 'r',
        'ѕ' | 'ꜱ' | 'ʂ' => 's',
        'т' | 'τ' | 'ᴛ' => 't',
        'ц' | 'џ' | 'υ' | 'ᴜ' | 'ս' | 'ʋ' => 'u',
        'ѵ' | 'ν' | 'ᴠ' => 'v',
        'ѡ' | 'ԝ' | 'ω' | 'ᴡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'ү' | 'γ' | 'ʏ' => 'y',
        'ᴢ' => 'z',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Folded::new(text).text, expected);
    }

    #[test]
    fn what_looks_alike_becomes_equal() {
        check("Ignore", "ignore");
        check("Іgnоrе", "ignore");
        check("ｉｇｎｏｒｅ", "ignore");
        check("𝐢𝐠𝐧𝐨𝐫𝐞", "ignore");
        check("ïgnörê", "ignore");
        check("ig\u{200b}no\u{ad}re", "ignore");
        check("\u{e0069}\u{e0067}", "ig");
        check("ﬁle", "file");
    }

    #[test]
    fn what_nobody_sees_is_hidden() {
        for character in
            "\u{1b}\u{ad}\u{200b}\u{2028}\u{202e}\u{3164}\u{fe01}\u{e0041}\u{e0100}".chars()
        {
            assert!(is_hidden(character), "{character:?}");
        }
        assert!(!"aü中🙂“́".chars().any(is_hidden));
    }

    #[test]
    fn capitals_can_stay() {
        let cased = |text: &str| {
            let mut folded = String::new();
            for character in text.chars() {
                each_cased(character, |part| folded.push(part));
            }
            folded
        };
        assert_eq!(cased("ＡＫia"), "AKia");
        assert_eq!(cased("АКіа\u{200b}\u{e0041}É"), "AKiaAE");
    }

    #[test]
    fn plain_characters_stay_what_they_are() {
        for code in 0..0x80_u8 {
            let character = char::from(code);
            let mut parts = Vec::new();
            each_cased(character, |part| parts.push(part));
            assert_eq!(parts, [character]);
            assert_eq!(look_alike(character), character);
            assert!(!is_invisible(character) && tag(character).is_none());
        }
    }

    #[test]
    fn places_map_back() {
        let text = "x \u{200b}Іgnоrе\u{200b} y";
        let folded = Folded::new(text);
        let start = folded.text.find("ignore").unwrap();
        let span = folded.original(start..start + "ignore".len());
        assert_eq!(text.get(span).unwrap(), "Іgnоrе");
        let ligature = Folded::new("aﬁb");
        assert_eq!(ligature.original(2..3), 1..4);
        assert_eq!(ligature.original(0..4), 0..5);
    }

    #[test]
    fn words_of_another_script_stay_words() {
        assert_eq!(Folded::new("日本語").text, "日本語");
        assert_eq!(Folded::new("").original(0..0), 0..0);
    }
}
