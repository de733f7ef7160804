use std::sync::Arc;

use crate::reader::{Reader, TokenKind};
use crate::{Error, Limits, Object, Value};

#[cfg(test)]
mod tests;

/// Reads `text` as one JSON value.
pub fn parse(text: &str, limits: &Limits) -> Result<Value, Error> {
    let mut reader = Reader::new(text, limits);
    let mut builder = Builder::default();
    while let Some(token) = reader.read()? {
        builder.push(token.kind);
    }
    Ok(builder.take())
}

/// Puts tokens together to a value. The reader has made sure that they fit.
pub(crate) struct Builder {
    open: Vec<Unfinished>,
    done: Value,
}

enum Unfinished {
    Array(Vec<Value>),
    Object {
        members: Vec<(Arc<str>, Value)>,
        repeats: Option<usize>,
    },
}

// === impl Builder ===

impl Default for Builder {
    fn default() -> Self {
        Self {
            open: Vec::new(),
            done: Value::Null,
        }
    }
}

impl Builder {
    pub(crate) fn push(&mut self, token: TokenKind<'_>) {
        match token {
            TokenKind::ArrayStart => self.open.push(Unfinished::Array(Vec::new())),
            TokenKind::ObjectStart => {
                self.open.push(Unfinished::Object {
                    members: Vec::new(),
                    repeats: None,
                });
            }
            TokenKind::ArrayEnd | TokenKind::ObjectEnd => self.close(),
            TokenKind::Name { name, repeats } => self.name(name.into(), repeats),
            TokenKind::Null => self.value(Value::Null),
            TokenKind::Bool(value) => self.value(Value::Bool(value)),
            TokenKind::Number(number) => self.value(Value::Number(number)),
            TokenKind::String(text) => self.value(Value::String(text.into())),
        }
    }

    /// The value that is complete.
    pub(crate) fn take(&mut self) -> Value {
        std::mem::replace(&mut self.done, Value::Null)
    }

    fn name(&mut self, name: Arc<str>, repeats_at: Option<usize>) {
        if let Some(Unfinished::Object { members, repeats }) = self.open.last_mut() {
            *repeats = repeats_at;
            if repeats_at.is_none() {
                members.push((name, Value::Null));
            }
        }
    }

    fn value(&mut self, value: Value) {
        match self.open.last_mut() {
            None => self.done = value,
            Some(Unfinished::Array(items)) => items.push(value),
            Some(Unfinished::Object { members, repeats }) => {
                let member = match *repeats {
                    Some(place) => members.get_mut(place),
                    None => members.last_mut(),
                };
                if let Some(member) = member {
                    member.1 = value;
                }
            }
        }
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Unfinished::Array(items)) => self.value(items.into()),
            Some(Unfinished::Object { members, .. }) => {
                self.value(Object::from_unique(members).into());
            }
            None => {}
        }
    }
}
