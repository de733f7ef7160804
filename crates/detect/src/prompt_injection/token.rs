//! A text cut into words and signs, each with its class and its place.

use super::lexicon::{self, Class, WordId, Words, class_of, extended};
use crate::fold::{self, Fold};
use std::ops::Range;
use std::sync::LazyLock;

/// A word, a number, an address or a sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Bytes of the text.
    pub span: Range<usize>,
    pub class: Class,
    /// The folded word, or the sign.
    pub word: WordId,
    /// The first letters of the word.
    pub stem: WordId,
    /// What stands in the stream of classes: the class, or the word itself if its job is grammar.
    pub role: WordId,
}

/// How many letters of a word make its stem.
const STEM_LETTERS: u32 = 5;

/// LIMIT: letters of a word. A longer one is no word but data, of which each part counts as a number.
const WORD_LETTERS_MAX: u32 = 40;

/// Words that hold sentences together; they stand for themselves among the classes.
const GRAMMAR: &[&str] = &[
    "a", "an", "the", "to", "of", "is", "are", "be", "was", "were", "been", "and", "or", "but",
    "if", "when", "while", "with", "in", "on", "at", "by", "for", "from", "as", "that", "this",
    "these", "those", "it", "its", "will", "would", "can", "could", "may", "might", "have", "has",
    "had", "do", "does", "did", "what", "which", "who", "how", "why", "where", "there", "here",
    "because", "so", "than", "only", "just", "also", "about", "after", "into", "out", "up", "down",
    "he", "she", "they", "them", "his", "her", "their", "let", "like", "via", "using", "since",
    "between",
];

/// A word that is being read.
#[derive(Debug)]
struct Word {
    start: usize,
    end: usize,
    id: WordId,
    /// As `id`, with digits read as the letters that they look like.
    unleet: WordId,
    stem: WordId,
    letters: u32,
    digits: u32,
    capitals: u32,
    starts_capital: bool,
    /// Whether it goes on what was too long for a word.
    is_rest: bool,
}

/// The tokens of the text, from left to right.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 4);
    let mut word: Option<Word> = None;
    let mut characters = text.char_indices().peekable();
    while let Some((start, character)) = characters.next() {
        let end = start + character.len_utf8();
        let is_capital = character.is_uppercase();
        let folded = match fold::fold(character) {
            Fold::Nothing => continue,
            Fold::One(folded) => folded,
            Fold::Several => {
                let word = word.get_or_insert_with(|| Word::at(start));
                fold::each(character, |folded| {
                    word.push(folded, is_capital, end);
                });
                continue;
            }
        };
        let ideograph = is_ideograph(folded);
        if ideograph {
            flush(&mut word, &mut tokens);
        }
        if folded.is_alphanumeric() {
            if word.as_ref().is_some_and(Word::is_full) {
                flush(&mut word, &mut tokens);
                word = Some(Word {
                    is_rest: true,
                    ..Word::at(start)
                });
            }
            let current = word.get_or_insert_with(|| Word::at(start));
            current.push(folded, is_capital, end);
            if ideograph {
                flush(&mut word, &mut tokens);
            }
            continue;
        }
        let next = characters.peek().map(|(_, next)| *next);
        let joins = folded == '\'' && word.is_some() && next.is_some_and(char::is_alphanumeric);
        if joins {
            continue;
        }
        flush(&mut word, &mut tokens);
        sign(folded, start..end, &mut tokens);
    }
    flush(&mut word, &mut tokens);
    tokens
}

/// Scripts that write no spaces: each character is a word.
fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{e00}'..='\u{e7f}')
}

fn flush(word: &mut Option<Word>, tokens: &mut Vec<Token>) {
    if let Some(word) = word.take() {
        push(word.token(), tokens);
    }
}

/// What repeats the token before, or goes on a pair that repeats, says nothing new.
fn push(token: Token, tokens: &mut Vec<Token>) {
    let repeats = match tokens.as_slice() {
        [.., third, second, last] => {
            last.word == token.word || second.word == token.word && third.word == last.word
        }
        [.., last] => last.word == token.word,
        [] => false,
    };
    match tokens.last_mut() {
        Some(last) if repeats => last.span.end = token.span.end,
        _ => tokens.push(token),
    }
}

/// A sign becomes a token, unless it only sets words apart.
fn sign(character: char, span: Range<usize>, tokens: &mut Vec<Token>) {
    let class = match character {
        '\n' => Class::Newline,
        '.' | '!' | '?' | ';' | '。' | '！' | '？' => Class::Stop,
        '<' | '>' | '[' | ']' | '{' | '}' | '|' | '#' | '`' | '=' => Class::Markup,
        '@' | '/' | '\\' => Class::Address,
        ':' | '"' | '(' | ')' | '*' | '-' | '_' | ',' | '$' | '&' | '%' => Class::Punctuation,
        _ => return,
    };
    let id = extended(SIGN, character);
    let token = Token {
        span,
        class,
        word: id,
        stem: id,
        role: id,
    };
    push(token, tokens);
}

/// Where identities of signs start, apart from those of words.
const SIGN: WordId = 0x51_9a_11_c3;

static GRAMMAR_IDS: LazyLock<Words> =
    LazyLock::new(|| GRAMMAR.iter().map(|word| lexicon::id_of(word)).collect());

// === impl Word ===

impl Word {
    fn at(start: usize) -> Self {
        Self {
            start,
            end: start,
            id: lexicon::EMPTY,
            unleet: lexicon::EMPTY,
            stem: lexicon::EMPTY,
            letters: 0,
            digits: 0,
            capitals: 0,
            starts_capital: false,
            is_rest: false,
        }
    }

    fn is_full(&self) -> bool {
        self.letters >= WORD_LETTERS_MAX
    }

    fn push(&mut self, folded: char, is_capital: bool, end: usize) {
        self.id = extended(self.id, folded);
        self.unleet = extended(self.unleet, letter_like(folded));
        if self.letters < STEM_LETTERS {
            self.stem = self.id;
        }
        self.starts_capital |= is_capital && self.letters == 0;
        self.letters += 1;
        self.digits += u32::from(folded.is_ascii_digit());
        self.capitals += u32::from(is_capital);
        self.end = end;
    }

    fn token(self) -> Token {
        let is_data = self.is_rest || self.is_full();
        let is_number = is_data || self.digits == self.letters;
        let is_mixed = self.digits > 0 && !is_number;
        let plain = class_of(self.id);
        let (word, class) = match plain {
            Some(_) => (self.id, plain),
            None if is_mixed => (self.unleet, class_of(self.unleet)),
            None => (self.id, None),
        };
        let is_grammar = class.is_none() && GRAMMAR_IDS.contains(&word);
        let class = class.unwrap_or(if is_number {
            Class::Number
        } else if self.capitals == self.letters && self.letters > 2 {
            Class::Shout
        } else if self.starts_capital {
            Class::Name
        } else {
            Class::Other
        });
        // Numbers differ without meaning different things.
        let word = if class == Class::Number {
            extended(SIGN, '0')
        } else {
            word
        };
        Token {
            span: self.start..self.end,
            class,
            word,
            stem: if is_mixed || is_number {
                word
            } else {
                self.stem
            },
            role: if is_grammar {
                word
            } else {
                WordId::from(class as u8)
            },
        }
    }
}

/// The letter that a digit stands for in "leet" writing.
fn letter_like(character: char) -> char {
    match character {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        other => other,
    }
}
