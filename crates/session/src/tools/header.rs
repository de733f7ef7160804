//! Which arguments of a tool stand in headers of a call too.
//!
//! SPEC: MCP 2026-07-28, Streamable HTTP, Custom Headers from Tool Parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use portcullis_json::{Object, Value};

use super::Listed;

const ANNOTATION: &str = "x-mcp-header";
/// LIMIT: tools whose headers are known.
const TOOLS_MAX: usize = 2000;
/// LIMIT: bytes of what is known of one tool's headers.
const BYTES_MAX: usize = 16 << 10;

/// The headers in which a call of a tool says some of its arguments again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArgumentHeaders(Vec<ArgumentHeader>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct ArgumentHeader {
    /// What follows `Mcp-Param-`.
    name: Arc<str>,
    /// The properties that lead to the argument, from the outermost.
    path: Vec<Arc<str>>,
}

/// Why nobody can say which headers a call of a tool has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderFault {
    NoName,
    Repeated,
    NotPrimitive,
    OutOfReach,
}

/// Of the tools that a client was shown.
#[derive(Debug, Default)]
pub(super) struct KnownHeaders(BTreeMap<Arc<str>, Arc<ArgumentHeaders>>);

/// What was found in a schema so far.
#[derive(Default)]
struct Search {
    found: Vec<ArgumentHeader>,
    names: BTreeSet<String>,
}

// === impl ArgumentHeaders ===

impl ArgumentHeaders {
    pub(super) fn read(input_schema: &Value) -> Result<Self, HeaderFault> {
        let mut search = Search::default();
        search.at(input_schema, Some(&[]))?;
        Ok(Self(search.found))
    }

    /// What follows `Mcp-Param-` in each header, and the argument that it says again; `None` if the
    /// call does not have it, and so must not have the header either.
    pub fn of<'a>(
        &'a self,
        arguments: Option<&'a Value>,
    ) -> impl Iterator<Item = (&'a str, Option<&'a Value>)> {
        self.0.iter().map(move |header| {
            let mut path = header.path.iter();
            let argument = path.try_fold(arguments, |value, name| Some(value?.get(name)));
            let argument = argument.flatten().filter(|value| !value.is_null());
            (&*header.name, argument)
        })
    }

    /// What it takes in memory, texts included, which it may share.
    fn bytes(&self) -> usize {
        let headers = self.0.iter();
        let texts = headers.flat_map(|header| header.path.iter().chain([&header.name]));
        let texts: usize = texts.map(|text| size_of_val(text) + text.len()).sum();
        texts + size_of_val(self.0.as_slice())
    }
}

// === impl HeaderFault ===

impl fmt::Display for HeaderFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoName => "is no name of a header",
            Self::Repeated => "names a header twice",
            Self::NotPrimitive => "is not of a string, an integer or a boolean",
            Self::OutOfReach => "is not of a property that only properties lead to",
        })
    }
}

// === impl KnownHeaders ===

impl KnownHeaders {
    /// Takes note of tools that the client is shown. Of two by one name nobody can say which is
    /// called.
    pub(super) fn note(&mut self, tools: &[Value]) {
        let mut names = BTreeSet::new();
        for tool in tools {
            let listed = Listed::read(tool);
            self.0.remove(&listed.key);
            let is_first = names.insert(Arc::clone(&listed.key));
            let headers = ArgumentHeaders::read(listed.input_schema()).unwrap_or_default();
            let is_kept = !headers.0.is_empty() && headers.bytes() <= BYTES_MAX;
            if is_first && is_kept && self.0.len() < TOOLS_MAX {
                self.0.insert(listed.key, Arc::new(headers));
            }
        }
    }

    pub(super) fn find(&self, key: &str) -> Option<Arc<ArgumentHeaders>> {
        self.0.get(key).cloned()
    }
}

// === impl Search ===

impl Search {
    /// Looks at a schema to which this path of properties leads, or something else. How deep it is
    /// was bounded when it was read.
    fn at(&mut self, schema: &Value, path: Option<&[Arc<str>]>) -> Result<(), HeaderFault> {
        match schema {
            Value::Array(schemas) => schemas.iter().try_for_each(|schema| self.at(schema, None)),
            Value::Object(members) => {
                if let Some(name) = members.get(ANNOTATION) {
                    self.found(name, members, path)?;
                }
                let mut members = members.iter();
                members.try_for_each(|(keyword, value)| self.below(keyword, value, path))
            }
            _ => Ok(()),
        }
    }

    fn below(
        &mut self,
        keyword: &str,
        value: &Value,
        path: Option<&[Arc<str>]>,
    ) -> Result<(), HeaderFault> {
        match (keyword, value) {
            ("properties", Value::Object(properties)) => {
                properties.iter().try_for_each(|(name, property)| {
                    let path = path.map(|path| [path, &[Arc::clone(name)]].concat());
                    self.at(property, path.as_deref())
                })
            }
            // Names that somebody chose, which are no keywords.
            (
                "patternProperties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies",
                Value::Object(schemas),
            ) => schemas
                .iter()
                .try_for_each(|(_, schema)| self.at(schema, None)),
            (
                "additionalItems"
                | "additionalProperties"
                | "allOf"
                | "anyOf"
                | "contains"
                | "else"
                | "if"
                | "items"
                | "not"
                | "oneOf"
                | "prefixItems"
                | "propertyNames"
                | "then"
                | "unevaluatedItems"
                | "unevaluatedProperties",
                _,
            ) => self.at(value, None),
            // Values, which are no schemas whatever they look like, and what nobody knows.
            _ => Ok(()),
        }
    }

    fn found(
        &mut self,
        name: &Value,
        property: &Object,
        path: Option<&[Arc<str>]>,
    ) -> Result<(), HeaderFault> {
        let name = name.as_shared_str().filter(|name| is_token(name));
        let name = name.ok_or(HeaderFault::NoName)?;
        let path = path.filter(|path| !path.is_empty());
        let path = path.ok_or(HeaderFault::OutOfReach)?;
        let kind = property.get("type").and_then(Value::as_str);
        if !matches!(kind, Some("string" | "integer" | "boolean")) {
            return Err(HeaderFault::NotPrimitive);
        }
        if !self.names.insert(name.to_ascii_lowercase()) {
            return Err(HeaderFault::Repeated);
        }
        self.found.push(ArgumentHeader {
            name: Arc::clone(name),
            path: path.to_vec(),
        });
        Ok(())
    }
}

/// SPEC: RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    let is_allowed = |it: u8| it.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&it);
    !name.is_empty() && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use portcullis_json::{Limits, parse};

    use super::*;

    fn json(text: &str) -> Value {
        parse(text, &Limits::strict()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// A property with an annotation, as it is written.
    fn property(kind: &str, name: &str) -> String {
        format!(r#"{{"type":"{kind}","x-mcp-header":{name}}}"#)
    }

    fn schema(properties: &str) -> Value {
        json(&format!(r#"{{"properties":{{{properties}}}}}"#))
    }

    #[test]
    fn headers_say_what_properties_lead_to() {
        let region = property("string", r#""Region""#);
        let dry = property("boolean", r#""Dry-Run""#);
        let count = property("integer", r#""Count""#);
        let read = ArgumentHeaders::read(&schema(&format!(
            r#""region":{region},"how":{{"type":"object","properties":{{"dry":{dry}}}}},"count":{count}"#
        )));
        let headers = read.unwrap();
        let check = |arguments: &str, expected: [Option<&str>; 3]| {
            let arguments = json(arguments);
            let found: Vec<_> = headers.of(Some(&arguments)).collect();
            let expected = expected.map(|value| value.map(json));
            let names = ["Region", "Dry-Run", "Count"];
            let expected: Vec<_> = names
                .into_iter()
                .zip(expected.iter().map(Option::as_ref))
                .collect();
            assert_eq!(found, expected, "{arguments}");
        };
        check(
            r#"{"region":"eu","how":{"dry":true},"count":7}"#,
            [Some(r#""eu""#), Some("true"), Some("7")],
        );
        check(r#"{"region":null,"how":7}"#, [None, None, None]);
        check(r#"{"dry":true,"count":[1]}"#, [None, None, Some("[1]")]);
        assert!(headers.of(None).all(|(_, argument)| argument.is_none()));
    }

    #[test]
    fn annotations_that_break_the_rules_are_faults() {
        let check = |schema: &str, fault: HeaderFault| {
            assert_eq!(ArgumentHeaders::read(&json(schema)), Err(fault), "{schema}");
        };
        let of = |property: &str| format!(r#"{{"properties":{{"a":{property}}}}}"#);
        for name in [
            "\"\"",
            "7",
            "null",
            r#""a b""#,
            r#""a\r\nb""#,
            r#""ä""#,
            r#""a:""#,
        ] {
            check(&of(&property("string", name)), HeaderFault::NoName);
        }
        for kind in ["number", "object", "array", "null"] {
            check(&of(&property(kind, r#""A""#)), HeaderFault::NotPrimitive);
        }
        check(&of(r#"{"x-mcp-header":"A"}"#), HeaderFault::NotPrimitive);
        let list = r#"{"type":["string","null"],"x-mcp-header":"A"}"#;
        check(&of(list), HeaderFault::NotPrimitive);
        let (upper, lower) = (property("string", r#""A""#), property("string", r#""a""#));
        let twice = format!(r#"{{"properties":{{"a":{upper},"b":{lower}}}}}"#);
        check(&twice, HeaderFault::Repeated);
        check(&upper, HeaderFault::OutOfReach);
        for around in [
            r#"{"items":IT}"#,
            r#"{"prefixItems":[IT]}"#,
            r#"{"anyOf":[IT]}"#,
            r#"{"if":IT}"#,
            r#"{"additionalProperties":IT}"#,
            r#"{"patternProperties":{"x":IT}}"#,
        ] {
            check(&of(&around.replace("IT", &upper)), HeaderFault::OutOfReach);
        }
        let below = r#"{"$defs":{"d":{"properties":{"a":IT}}}}"#;
        check(&below.replace("IT", &upper), HeaderFault::OutOfReach);
        let else_below = r#"{"anyOf":[{"properties":{"a":IT}}]}"#;
        check(&else_below.replace("IT", &upper), HeaderFault::OutOfReach);
    }

    #[test]
    fn what_only_looks_like_an_annotation_is_none() {
        for schema in [
            r#"{"properties":{"x-mcp-header":{"type":"object"}}}"#,
            r#"{"$defs":{"x-mcp-header":{"type":"object"}}}"#,
            r#"{"properties":{"a":{"default":{"x-mcp-header":""}}}}"#,
            r#"{"examples":[{"x-mcp-header":""}]}"#,
            r#"{"properties":{"a":{"x-docs":{"x-mcp-header":"about headers"}}}}"#,
            r#"{"dependentRequired":{"x-mcp-header":["a"]}}"#,
            "{}",
            "7",
        ] {
            let read = ArgumentHeaders::read(&json(schema));
            assert_eq!(read, Ok(ArgumentHeaders::default()), "{schema}");
        }
    }

    #[test]
    fn the_last_listing_counts_and_of_two_tools_by_one_name_none() {
        let tool = |name: &str, header: &str| {
            let region = property("string", header);
            json(&format!(
                r#"{{"name":"{name}","inputSchema":{{"properties":{{"r":{region}}}}}}}"#
            ))
        };
        let mut known = KnownHeaders::default();
        known.note(&[tool("a", r#""A""#), tool("b", r#""B""#)]);
        assert!(known.find("a").is_some() && known.find("b").is_some());
        known.note(&[tool("a", r#""""#)]);
        assert!(known.find("a").is_none() && known.find("b").is_some());
        known.note(&[tool("b", r#""B""#), tool("b", r#""B""#)]);
        assert!(known.find("b").is_none());
        let long = format!("{:?}", "x".repeat(BYTES_MAX));
        known.note(&[tool("c", &long)]);
        assert!(known.find("c").is_none());
        // Many short names take room too.
        let many = (0..64).map(|n| format!(r#""{n}":{}"#, property("string", &format!("\"{n}\""))));
        let many = schema(&many.collect::<Vec<_>>().join(",")).to_string();
        let deep = (0..20).fold(many, |deep, _| format!(r#"{{"properties":{{"":{deep}}}}}"#));
        let headers = ArgumentHeaders::read(&json(&deep)).unwrap();
        assert_eq!(headers.0.len(), 64);
        assert!(headers.bytes() > BYTES_MAX);
    }
}
