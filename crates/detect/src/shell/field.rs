//! From words to fields: what a shell passes to a program.

use super::{Read, Refusal};
use std::fmt::Write;

/// LIMIT: fields that the braces of one word may stand for.
const FIELDS_MAX: usize = 1_024;
/// LIMIT: atoms that expanding the braces of one word may copy.
const COPIES_MAX: usize = 1 << 20;

/// A piece of a word after its quotes are read.
#[derive(Clone, Debug)]
pub(super) enum Atom {
    Character {
        character: char,
        is_quoted: bool,
        /// Whether the character comes from what an expansion before it was found to say.
        is_computed: bool,
    },
    /// An expansion, as it is written, whose value follows as computed characters.
    Origin(String),
    /// An expansion, as it is written, whose value only the run can tell.
    Unknown { written: String, is_quoted: bool },
    /// An expansion that separates fields whatever its value.
    Break,
    /// Quotes around nothing, which make a field all the same.
    Quotes,
}

/// One argument.
#[derive(Clone, Debug)]
pub(super) struct Field(Vec<Atom>);

/// The fields of one word: braces expanded, separated where expansions separate.
pub(super) fn fields(atoms: Vec<Atom>) -> Read<Vec<Field>> {
    let mut words = Vec::new();
    let mut copies = 0;
    let mut left = vec![atoms];
    while let Some(word) = left.pop() {
        let Some(alternatives) = braces(&word) else {
            words.push(word);
            continue;
        };
        copies += alternatives.iter().map(Vec::len).sum::<usize>();
        if copies > COPIES_MAX || words.len() + left.len() + alternatives.len() > FIELDS_MAX {
            return Err(Refusal("braces that stand for too much"));
        }
        left.extend(alternatives.into_iter().rev());
    }
    let mut found = Vec::new();
    for word in words {
        let parts = word.split(|atom| matches!(atom, Atom::Break));
        found.extend(
            parts
                .filter(|part| !part.is_empty())
                .map(|part| Field(part.to_vec())),
        );
    }
    Ok(found)
}

/// The words that the first pair of braces with a comma stands for.
fn braces(word: &[Atom]) -> Option<Vec<Vec<Atom>>> {
    let mut open: Vec<(usize, Vec<usize>)> = Vec::new();
    for (at, atom) in word.iter().enumerate() {
        match sign(atom) {
            Some('{') => open.push((at, Vec::new())),
            Some(',') => {
                if let Some((_, commas)) = open.last_mut() {
                    commas.push(at);
                }
            }
            Some('}') => match open.pop() {
                Some((start, commas)) if !commas.is_empty() => {
                    let (before, after) = (word.get(..start)?, word.get(at + 1..)?);
                    let starts = std::iter::once(start).chain(commas.iter().copied());
                    let ends = commas.iter().copied().chain([at]);
                    let between = starts
                        .zip(ends)
                        .filter_map(|(from, to)| word.get(from + 1..to));
                    return Some(
                        between
                            .map(|middle| [before, middle, after].concat())
                            .collect(),
                    );
                }
                _ => {}
            },
            _ => {}
        }
    }
    None
}

/// A character that nothing quotes.
fn sign(atom: &Atom) -> Option<char> {
    match atom {
        Atom::Character {
            character,
            is_quoted: false,
            ..
        } => Some(*character),
        _ => None,
    }
}

// === impl Field ===

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        let characters = text.chars().map(|character| Atom::Character {
            character,
            is_quoted: true,
            is_computed: true,
        });
        Self(characters.collect())
    }
}

impl Field {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The whole text, if it is known.
    pub(super) fn known(&self) -> Option<String> {
        let mut text = String::new();
        for atom in &self.0 {
            match atom {
                Atom::Character { character, .. } => text.push(*character),
                Atom::Unknown { .. } => return None,
                Atom::Origin(_) | Atom::Break | Atom::Quotes => {}
            }
        }
        Some(text)
    }

    /// As the text of a script: what is known as it is, expansions as they are written.
    pub(super) fn script(&self) -> String {
        let mut text = String::new();
        for atom in &self.0 {
            match atom {
                Atom::Character { character, .. } => text.push(*character),
                Atom::Unknown { written, .. } => text.push_str(written),
                Atom::Origin(_) | Atom::Break | Atom::Quotes => {}
            }
        }
        text
    }

    /// In one form for all ways to write it: quotes only where a blank or an operator needs them.
    pub(super) fn text(&self) -> String {
        let script = self.script();
        let needs_quotes = self.0.iter().any(|atom| match atom {
            Atom::Character { character, .. } => {
                character.is_whitespace() || ";&|<>()'\"`".contains(*character)
            }
            _ => false,
        });
        match (needs_quotes || script.is_empty(), self.known()) {
            (false, _) => script,
            (true, Some(known)) => format!("'{}'", known.replace('\'', r"'\''")),
            (true, None) => format!("\"{}\"", script.replace('"', "\\\"")),
        }
    }

    /// As it was written, without its quotes.
    pub(super) fn written(&self) -> String {
        let mut text = String::new();
        for atom in &self.0 {
            match atom {
                Atom::Character {
                    character,
                    is_computed: false,
                    ..
                } => text.push(*character),
                Atom::Unknown { written, .. } | Atom::Origin(written) => text.push_str(written),
                Atom::Character { .. } | Atom::Break | Atom::Quotes => {}
            }
        }
        text
    }

    /// The name of the program that the field calls, without the folders before it, if that is
    /// known.
    pub(super) fn program(&self) -> Option<String> {
        let name = self.base();
        let has = |wanted: char| name.iter().any(|atom| sign(atom) == Some(wanted));
        if has('*') || has('?') || (has('[') && has(']')) {
            return None;
        }
        Field(name.to_vec()).known()
    }

    /// Whether the name of the program depends on an expansion.
    pub(super) fn is_dynamic(&self) -> bool {
        self.program().is_none()
            || self.base().iter().any(|atom| {
                matches!(
                    atom,
                    Atom::Character {
                        is_computed: true,
                        ..
                    }
                )
            })
    }

    /// What follows the last slash.
    fn base(&self) -> &[Atom] {
        let is_slash =
            |atom: &Atom| matches!(atom, Atom::Character { character, .. } if *character == '/');
        let start = self.0.iter().rposition(is_slash).map_or(0, |at| at + 1);
        self.0.get(start..).unwrap_or_default()
    }

    /// Whether the field may turn out to be no field at all, so that the next one takes its place.
    pub(super) fn may_vanish(&self) -> bool {
        self.0.iter().all(|atom| {
            matches!(
                atom,
                Atom::Unknown {
                    is_quoted: false,
                    ..
                }
            )
        })
    }
}

/// Fields as one line.
pub(super) fn line(name: &str, arguments: &[Field]) -> String {
    let mut line = name.to_owned();
    for argument in arguments {
        // Writing to a text cannot fail.
        let _infallible = write!(line, " {}", argument.text());
    }
    line
}
