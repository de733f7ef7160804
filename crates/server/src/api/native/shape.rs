//! What is sent and answered, declared once.

use portcullis_json::{Object, Value};

use crate::api::answer::{count, object};

/// Something that the document describes.
pub(super) trait Shape {
    /// Whether it may be absent.
    const IS_OPTIONAL: bool = false;

    /// Its JSON Schema. What has a name is defined in `definitions` and referred to.
    fn schema(definitions: &mut Object) -> Value;
}

/// A shape that answers are made of.
pub(super) trait Answer: Shape {
    fn value(self) -> Value;
}

/// A shape that requests are made of.
pub(super) trait Asked: Shape + Sized {
    /// The error says what it must be.
    fn read(value: &Value) -> Result<Self, String>;

    /// What it is where it is absent: what null would be, unless the shape tells them apart.
    fn absent() -> Result<Self, String> {
        Self::read(&Value::Null)
    }
}

/// What to do about something that need not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change<T> {
    /// It is absent.
    Stays,
    /// It is null.
    Lifted,
    To(T),
}

/// Declares shapes: `answer` or `request`, its fields with their descriptions. A field whose name
/// Rust cannot have is given it by `as`.
macro_rules! shapes {
    ($($(#[doc = $doc:literal])+ $role:ident $name:ident {
        $($(#[doc = $field_doc:literal])* $field:ident $(as $written:literal)?: $type:ty),+ $(,)?
    })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Debug)]
            pub(super) struct $name {
                $($(#[doc = $field_doc])* pub(super) $field: $type,)+
            }

            impl $crate::api::native::shape::Shape for $name {
                fn schema(definitions: &mut portcullis_json::Object) -> portcullis_json::Value {
                    let description = concat!($($doc),+).trim();
                    $crate::api::native::shape::definition(
                        definitions,
                        stringify!($name),
                        description,
                        |definitions| vec![$((
                            shapes!(@written $field $($written)?),
                            concat!("", $($field_doc),*).trim(),
                            <$type as $crate::api::native::shape::Shape>::schema(definitions),
                            <$type as $crate::api::native::shape::Shape>::IS_OPTIONAL,
                        )),+],
                    )
                }
            }

            shapes!(@$role $name { $($field $($written)?: $type,)+ });
        )+
    };
    (@written $field:ident) => { stringify!($field) };
    (@written $field:ident $written:literal) => { $written };
    (@answer $name:ident { $($field:ident $($written:literal)?: $type:ty,)+ }) => {
        impl $crate::api::native::shape::Answer for $name {
            fn value(self) -> portcullis_json::Value {
                let mut object = portcullis_json::Object::new();
                $(object.insert(
                    shapes!(@written $field $($written)?),
                    $crate::api::native::shape::Answer::value(self.$field),
                );)+
                object.into()
            }
        }
    };
    (@request $name:ident { $($field:ident $($written:literal)?: $type:ty,)+ }) => {
        impl $crate::api::native::shape::Asked for $name {
            fn read(value: &portcullis_json::Value) -> Result<Self, String> {
                let members = value.as_object().ok_or("an object")?;
                $crate::api::native::shape::check_names(
                    members,
                    &[$(shapes!(@written $field $($written)?)),+],
                )?;
                Ok(Self {
                    $($field: $crate::api::native::shape::member(
                        members,
                        shapes!(@written $field $($written)?),
                    )?,)+
                })
            }
        }
    };
}

pub(super) use shapes;

/// Defines `name` unless it is defined, and refers to it.
pub(super) fn definition(
    definitions: &mut Object,
    name: &str,
    description: &str,
    fields: impl FnOnce(&mut Object) -> Vec<(&'static str, &'static str, Value, bool)>,
) -> Value {
    if !definitions.contains(name) {
        let (mut properties, mut required) = (Object::new(), Vec::new());
        for (field, description, schema, is_optional) in fields(definitions) {
            let mut property = schema.as_object().cloned().unwrap_or_default();
            if !description.is_empty() {
                property.insert("description", description);
            }
            properties.insert(field, property);
            if !is_optional {
                required.push(field.into());
            }
        }
        let defined = object([
            ("type", "object".into()),
            ("description", description.into()),
            ("properties", properties.into()),
            ("required", required.into()),
        ]);
        definitions.insert(name, defined);
    }
    object([("$ref", format!("#/components/schemas/{name}").into())])
}

pub(super) fn check_names(members: &Object, known: &[&str]) -> Result<(), String> {
    let mut unknown = members
        .iter()
        .filter(|(name, _)| !known.contains(&&***name));
    match unknown.next() {
        Some((name, _)) => Err(format!(
            "an object without `{name}`, of {}",
            known.join(", ")
        )),
        None => Ok(()),
    }
}

pub(super) fn member<T: Asked>(members: &Object, name: &str) -> Result<T, String> {
    let read = members.get(name).map_or_else(T::absent, T::read);
    read.map_err(|what| format!("`{name}`: {what}"))
}

/// A shape that is one type of JSON.
macro_rules! plain {
    ($($type:ty: $name:literal),+) => {
        $(impl Shape for $type {
            fn schema(_: &mut Object) -> Value {
                object([("type", $name.into())])
            }
        })+
    };
}

plain!(String: "string", bool: "boolean", u64: "integer", Object: "object");

// === impl Answer ===

impl Answer for String {
    fn value(self) -> Value {
        self.into()
    }
}

impl Answer for bool {
    fn value(self) -> Value {
        self.into()
    }
}

impl Answer for u64 {
    fn value(self) -> Value {
        count(self)
    }
}

impl Answer for Object {
    fn value(self) -> Value {
        self.into()
    }
}

/// Any JSON.
impl Shape for Value {
    fn schema(_: &mut Object) -> Value {
        Object::new().into()
    }
}

impl Answer for Value {
    fn value(self) -> Value {
        self
    }
}

impl<T: Shape> Shape for Vec<T> {
    fn schema(definitions: &mut Object) -> Value {
        object([("type", "array".into()), ("items", T::schema(definitions))])
    }
}

impl<T: Answer> Answer for Vec<T> {
    fn value(self) -> Value {
        self.into_iter().map(T::value).collect::<Vec<_>>().into()
    }
}

impl<T: Shape> Shape for Option<T> {
    const IS_OPTIONAL: bool = true;

    fn schema(definitions: &mut Object) -> Value {
        let null = object([("type", "null".into())]);
        object([("anyOf", vec![T::schema(definitions), null].into())])
    }
}

impl<T: Answer> Answer for Option<T> {
    fn value(self) -> Value {
        self.map_or(Value::Null, T::value)
    }
}

// === impl Change ===

impl<T> Change<T> {
    /// What there is then, where there was `found`.
    pub(super) fn of(self, found: Option<T>) -> Option<T> {
        match self {
            Self::Stays => found,
            Self::Lifted => None,
            Self::To(new) => Some(new),
        }
    }

    /// What is new.
    pub(super) fn new_value(&self) -> Option<&T> {
        match self {
            Self::To(new) => Some(new),
            Self::Stays | Self::Lifted => None,
        }
    }
}

impl<T: Shape> Shape for Change<T> {
    const IS_OPTIONAL: bool = true;

    fn schema(definitions: &mut Object) -> Value {
        Option::<T>::schema(definitions)
    }
}

impl<T: Asked> Asked for Change<T> {
    fn read(value: &Value) -> Result<Self, String> {
        if value.is_null() {
            return Ok(Self::Lifted);
        }
        T::read(value).map(Self::To)
    }

    fn absent() -> Result<Self, String> {
        Ok(Self::Stays)
    }
}

// === impl Asked ===

impl Asked for String {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_str().map(str::to_owned).ok_or("a text".to_owned())
    }
}

impl Asked for bool {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_bool().ok_or("true or false".to_owned())
    }
}

impl Asked for Object {
    fn read(value: &Value) -> Result<Self, String> {
        value.as_object().cloned().ok_or("an object".to_owned())
    }
}

impl Asked for Value {
    fn read(value: &Value) -> Result<Self, String> {
        Ok(value.clone())
    }
}

impl<T: Asked> Asked for Vec<T> {
    fn read(value: &Value) -> Result<Self, String> {
        let items = value.as_array().ok_or("a list")?;
        items.iter().map(T::read).collect()
    }
}

impl<T: Asked> Asked for Option<T> {
    fn read(value: &Value) -> Result<Self, String> {
        if value.is_null() {
            return Ok(None);
        }
        T::read(value).map(Some)
    }
}
