//! The reader: one pass over the text, and the only place that decides what is accepted.
mod cursor;
mod names;
mod number;
mod string;

use std::borrow::Cow;
use std::mem;
use std::ops::Range;
use std::sync::Arc;

use crate::{Duplicates, Error, ErrorKind, Limits, Object, Spellings, Value};
use cursor::Cursor;
pub(crate) use names::Names;

/// Reads one JSON text, value by value.
///
/// Nesting is kept on a stack of its own, so that no text can exhaust the thread's.
pub(crate) struct Reader<'t> {
    cursor: Cursor<'t>,
    nodes: usize,
    depth: usize,
    /// Those around the innermost one, while a value is put together.
    around: Vec<Container>,
}

/// What begins, of which nothing more was read.
pub(crate) enum Begun {
    Array,
    Object,
    Scalar(Value),
}

/// The name of a member.
pub(crate) struct Name<'t> {
    pub(crate) text: Cow<'t, str>,
    /// Where it is written, with its quotes.
    pub(crate) range: Range<usize>,
}

/// What has been read of an array or object.
enum Container {
    Array(Vec<Value>),
    Object(Unfinished),
}

#[derive(Default)]
struct Unfinished {
    members: Vec<(Arc<str>, Value)>,
    names: Names<Arc<str>>,
    /// Which of them the value that is read next is of.
    current: usize,
}

// === impl Reader ===

impl<'t> Reader<'t> {
    /// For the value that takes all of `range`. Offsets count from the start of `text`.
    pub(crate) fn new(text: &'t str, range: Range<usize>, limits: &'t Limits) -> Self {
        let mut cursor = Cursor::new(text, range, limits);
        cursor.skip_whitespace();
        Self {
            cursor,
            nodes: 0,
            depth: 0,
            around: Vec::new(),
        }
    }

    pub(crate) fn offset(&self) -> usize {
        self.cursor.offset
    }

    /// Reads the value that is next.
    pub(crate) fn value(&mut self, expected: &'static str) -> Result<Value, Error> {
        let mut innermost = match self.begin(expected)? {
            Begun::Scalar(value) => return Ok(value),
            Begun::Array => Container::Array(Vec::new()),
            Begun::Object => Container::Object(Unfinished::default()),
        };
        loop {
            let inner = match self.part(&mut innermost)? {
                Some(Begun::Scalar(value)) => {
                    innermost.put(value);
                    continue;
                }
                Some(Begun::Array) => Container::Array(Vec::new()),
                Some(Begun::Object) => Container::Object(Unfinished::default()),
                None => {
                    let value = innermost.into_value();
                    let Some(around) = self.around.pop() else {
                        return Ok(value);
                    };
                    innermost = around;
                    innermost.put(value);
                    continue;
                }
            };
            self.around.push(mem::replace(&mut innermost, inner));
        }
    }

    /// Reads the beginning of the value that is next, which is all of it if it is no container.
    pub(crate) fn begin(&mut self, expected: &'static str) -> Result<Begun, Error> {
        self.nodes += 1;
        let limit = self.cursor.limits.nodes;
        if self.nodes > limit {
            return Err(self.cursor.error(ErrorKind::TooManyValues { limit }));
        }
        let begun = match self.cursor.peek() {
            Some(b'{') => Begun::Object,
            Some(b'[') => Begun::Array,
            _ => return self.cursor.scalar(expected).map(Begun::Scalar),
        };
        let limit = self.cursor.limits.depth;
        if self.depth >= limit {
            return Err(self.cursor.error(ErrorKind::TooDeep { limit }));
        }
        self.depth += 1;
        self.cursor.skip_byte();
        Ok(begun)
    }

    /// Goes to the next item of the innermost array, and says how it is called in an error; or ends
    /// the array.
    pub(crate) fn item(&mut self, is_first: bool) -> Result<Option<&'static str>, Error> {
        self.cursor.skip_whitespace();
        match self.cursor.peek() {
            Some(b']') => {
                self.close();
                Ok(None)
            }
            _ if is_first => Ok(Some("a value or `]`")),
            Some(b',') => {
                self.cursor.skip_comma();
                Ok(Some("a value"))
            }
            _ => Err(self.cursor.expected("`,` or `]`")),
        }
    }

    /// Reads the next name in the innermost object, or ends the object.
    pub(crate) fn name(&mut self, is_first: bool) -> Result<Option<Name<'t>>, Error> {
        self.cursor.skip_whitespace();
        let expected = match self.cursor.peek() {
            Some(b'}') => {
                self.close();
                return Ok(None);
            }
            _ if is_first => "a member name in double quotes or `}`",
            Some(b',') => {
                self.cursor.skip_comma();
                "a member name in double quotes"
            }
            _ => return Err(self.cursor.expected("`,` or `}`")),
        };
        if self.cursor.peek() != Some(b'"') {
            return Err(self.cursor.expected(expected));
        }
        let start = self.cursor.offset;
        let unescaped = |text: &str| Cow::Owned(text.to_owned());
        let text = self.cursor.string(Cow::Borrowed, unescaped)?;
        let range = start..self.cursor.offset;
        Ok(Some(Name { text, range }))
    }

    /// Judges that the object had a name before.
    pub(crate) fn repeated(&self, name: &Range<usize>) -> Result<(), Error> {
        match self.cursor.limits.duplicates {
            Duplicates::Reject => Err(Error::new(ErrorKind::DuplicateName, name.start)),
            Duplicates::LastWins => Ok(()),
        }
    }

    /// Goes to the value behind a name.
    pub(crate) fn colon(&mut self) -> Result<(), Error> {
        self.cursor.skip_whitespace();
        if !self.cursor.eat(b':') {
            return Err(self.cursor.expected("`:` after the member name"));
        }
        self.cursor.skip_whitespace();
        Ok(())
    }

    /// Makes sure that nothing follows.
    pub(crate) fn end(&mut self) -> Result<(), Error> {
        self.cursor.end()
    }

    /// Those of everything that was read.
    pub(crate) fn into_spellings(self) -> Spellings {
        Spellings::new(self.cursor.spelled)
    }

    fn close(&mut self) {
        self.cursor.skip_byte();
        self.depth -= 1;
    }

    /// Goes on in the innermost container, which ends if it has no further part.
    fn part(&mut self, innermost: &mut Container) -> Result<Option<Begun>, Error> {
        let expected = match innermost {
            Container::Array(items) => self.item(items.is_empty())?,
            Container::Object(object) => self.member(object)?,
        };
        expected.map(|expected| self.begin(expected)).transpose()
    }

    fn member(&mut self, object: &mut Unfinished) -> Result<Option<&'static str>, Error> {
        let Some(name) = self.name(object.members.is_empty())? else {
            return Ok(None);
        };
        let text = Arc::from(name.text);
        let known = object.members.iter().map(|(name, _)| name);
        if let Some(place) = object.names.place_or_add(&text, known) {
            self.repeated(&name.range)?;
            object.current = place;
        } else {
            object.current = object.members.len();
            object.members.push((text, Value::Null));
        }
        self.colon()?;
        Ok(Some("a value"))
    }
}

// === impl Container ===

impl Container {
    /// Takes in the value of a part.
    fn put(&mut self, value: Value) {
        match self {
            Self::Array(items) => items.push(value),
            Self::Object(object) => {
                if let Some(member) = object.members.get_mut(object.current) {
                    member.1 = value;
                }
            }
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Array(items) => items.into(),
            Self::Object(object) => Object::from_unique(object.members).into(),
        }
    }
}
