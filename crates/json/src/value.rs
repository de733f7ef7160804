use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;

/// Comparing with a few names is cheaper than hashing them; with many it is quadratic.
pub(crate) const FEW_NAMES: usize = 16;

/// A JSON value whose parts are shared: a clone of any part costs a reference count.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(Arc<str>),
    Array(Arc<[Value]>),
    Object(Arc<Object>),
}

/// A number, as exact as the text it came from.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    Integer(i64),
    /// Decimal digits, with a leading `-` if negative, of an integer outside `i64`.
    BigInteger(Arc<str>),
    /// Written with a fraction or an exponent. Not finite only where the reader allowed it.
    Float(f64),
}

/// The members of an object in the order they were written; names are unique.
#[derive(Clone, Default, PartialEq)]
pub struct Object {
    members: Vec<(Arc<str>, Value)>,
}

// === impl Value ===

impl Value {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a string, to be kept without a copy.
    pub fn as_shared_str(&self) -> Option<&Arc<str>> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Number(Number::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The member `name`, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_object()?.get(name)
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Number(Number::Integer(value))
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Value::Array(items.into())
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Value::Object(Arc::new(object))
    }
}

impl<const N: usize> From<[(&str, Value); N]> for Value {
    fn from(members: [(&str, Value); N]) -> Self {
        Value::from(Object::from(members))
    }
}

// === impl Object ===

impl Object {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members
            .iter()
            .find(|(key, _)| &**key == name)
            .map(|(_, value)| value)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Sets `name`; a member that exists keeps its place.
    pub fn insert(&mut self, name: impl Into<Arc<str>>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.members.iter_mut().find(|(key, _)| *key == name) {
            Some(member) => member.1 = value,
            None => self.members.push((name, value)),
        }
    }

    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let place = self.members.iter().position(|(key, _)| &**key == name)?;
        Some(self.members.remove(place).1)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Value)> {
        self.members.iter().map(|(key, value)| (key, value))
    }

    pub fn len(&self) -> usize {
        self.members.len()
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn members(&self) -> &[(Arc<str>, Value)] {
        &self.members
    }

    /// Builds an object from members whose names the caller knows to be unique.
    pub(crate) fn from_unique(members: Vec<(Arc<str>, Value)>) -> Self {
        Self { members }
    }
}

/// As repeated [`Object::insert`], without its cost per member where there are many.
impl<const N: usize> From<[(&str, Value); N]> for Object {
    fn from(members: [(&str, Value); N]) -> Self {
        let members = members.into_iter();
        members
            .map(|(name, value)| (Arc::from(name), value))
            .collect()
    }
}

impl FromIterator<(Arc<str>, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Value)>>(members: I) -> Self {
        let mut members = members.into_iter();
        let mut object = Object {
            members: Vec::with_capacity(members.size_hint().0),
        };
        while object.members.len() < FEW_NAMES {
            let Some((name, value)) = members.next() else {
                return object;
            };
            object.insert(name, value);
        }
        let known = object.members.iter().enumerate();
        let known = known.map(|(place, (name, _))| (Arc::clone(name), place));
        let mut places: HashMap<_, _> = known.collect();
        for (name, value) in members {
            match places.entry(name) {
                Entry::Vacant(place) => {
                    object.members.push((Arc::clone(place.key()), value));
                    place.insert(object.members.len() - 1);
                }
                Entry::Occupied(place) => {
                    if let Some(member) = object.members.get_mut(*place.get()) {
                        member.1 = value;
                    }
                }
            }
        }
        object
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(object: &Object, expected: &str) {
        assert_eq!(Value::from(object.clone()).to_string(), expected);
    }

    #[test]
    fn members_keep_their_place() {
        let mut object = Object::new();
        for (name, value) in [("b", 1), ("a", 2), ("b", 3)] {
            object.insert(name, value);
        }
        check(&object, r#"{"b":3,"a":2}"#);
        assert_eq!(object.remove("b"), Some(Value::from(3)));
        assert_eq!(object.remove("b"), None);
        check(&object, r#"{"a":2}"#);
    }

    #[test]
    fn collecting_equals_inserting() {
        let collected = |names: &[String]| {
            let members = names.iter().cloned().zip(1_i64..);
            let mut inserted = Object::new();
            for (name, value) in members.clone() {
                inserted.insert(name, value);
            }
            let collected = members
                .map(|(name, value)| (Arc::from(name), value.into()))
                .collect();
            assert_eq!(inserted, collected);
            collected
        };
        let few = ["x", "y", "x", "z", "y"].map(str::to_owned);
        check(&collected(&few), r#"{"x":3,"y":5,"z":4}"#);
        let many: Vec<String> = (0..5 * FEW_NAMES)
            .map(|n| (n % (2 * FEW_NAMES)).to_string())
            .collect();
        assert_eq!(collected(&many).len(), 2 * FEW_NAMES);
    }
}
