//! What a shell reads in a text, reduced to what can be run.
//!
//! Lists, branches and loops lose their conditions: whatever might be run is run here.

/// A text that was read to its end.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) pipelines: Vec<Pipeline>,
    /// Bodies of here-documents; a redirect names its own by position.
    pub(super) documents: Vec<Word>,
}

/// Commands of which each reads what the one before it writes.
#[derive(Debug)]
pub(super) struct Pipeline(pub(super) Vec<Stage>);

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) command: Command,
    pub(super) redirects: Vec<Redirect>,
}

#[derive(Debug)]
pub(super) enum Command {
    Simple {
        assignments: Vec<Assignment>,
        words: Vec<Word>,
    },
    /// A group, a branch, a loop or a test: the words that it looks at, and all that it may run.
    Compound {
        /// The variable that a loop sets.
        sets: Option<String>,
        words: Vec<Word>,
        body: Vec<Pipeline>,
    },
    Function(Box<Stage>),
}

#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) name: String,
    /// One word, or the elements of an array.
    pub(super) values: Vec<Word>,
    /// Whether the variable has this value afterwards and no other.
    pub(super) is_plain: bool,
}

#[derive(Debug)]
pub(super) struct Redirect {
    pub(super) operator: &'static str,
    pub(super) target: Target,
}

#[derive(Debug)]
pub(super) enum Target {
    Word(Word),
    /// A place in the documents of the tree.
    Document(usize),
}

#[derive(Debug, Default)]
pub(super) struct Word(pub(super) Vec<Part>);

#[derive(Debug)]
pub(super) enum Part {
    Text {
        text: String,
        is_quoted: bool,
    },
    Variable {
        /// With `#` or `!` before it where braces say so.
        name: String,
        /// The word after an operator, as in `${name:-word}`.
        operand: Option<Word>,
        is_quoted: bool,
    },
    Substitution {
        opening: &'static str,
        tree: Tree,
        is_quoted: bool,
    },
    Arithmetic(Word),
}

// === impl Word ===

impl Word {
    /// The word, if it is one run of letters that nothing quotes.
    pub(super) fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [
                Part::Text {
                    text,
                    is_quoted: false,
                },
            ] => Some(text),
            _ => None,
        }
    }

    pub(super) fn push(&mut self, character: char, is_quoted: bool) {
        match self.0.last_mut() {
            Some(Part::Text {
                text,
                is_quoted: before,
            }) if *before == is_quoted => text.push(character),
            _ => self.0.push(Part::Text {
                text: character.to_string(),
                is_quoted,
            }),
        }
    }

    /// Nothing, but quoted: `''` is a word.
    pub(super) fn mark_quoted(&mut self) {
        self.0.push(Part::Text {
            text: String::new(),
            is_quoted: true,
        });
    }
}
