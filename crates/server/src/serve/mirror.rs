//! What of a message stands in its headers too (SPEC: MCP 2026-07-28, Streamable HTTP, Standard
//! Headers and Value Encoding).

use std::cmp::Ordering;

use axum::http::header::HeaderName;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portcullis_json::{Limits, Number, Value, parse};
use portcullis_mcp::{Message, Method, Revision, view};
use portcullis_session::ArgumentHeaders;

use super::headers::{MCP_METHOD, MCP_NAME, MCP_PARAM_PREFIX, MCP_PROTOCOL_VERSION, single, value};

const ENCODED_PREFIX: &str = "=?base64?";
const ENCODED_SUFFIX: &str = "?=";

/// Whether it is a message of a revision without sessions, in a conversation that may still be one of
/// them.
pub(crate) fn is_stateless(message: &Message, negotiated: Option<Revision>) -> bool {
    let named = named_revision(message).and_then(|named| Revision::parse(named.as_str()?));
    named.is_some_and(Revision::is_stateless)
        && negotiated.is_none_or(Revision::is_stateless)
        && message.method() != Some(&Method::Initialize)
}

/// The revision that a message names for itself, as those without sessions do.
pub(crate) fn named_revision(message: &Message) -> Option<&Value> {
    view::named_revision(message.params()?)
}

/// The tool that a message calls.
pub(crate) fn called_tool(message: &Message) -> Option<&str> {
    let is_call = message.method() == Some(&Method::ToolsCall);
    let params = message.params().filter(|_| is_call)?;
    params.get("name")?.as_str()
}

/// The member of `params` that the header `Mcp-Name` repeats.
pub(crate) fn named_member(method: &Method) -> Option<&'static str> {
    match method {
        Method::ToolsCall | Method::PromptsGet => Some("name"),
        Method::ResourcesRead => Some("uri"),
        Method::TasksGet | Method::TasksUpdate | Method::TasksCancel => Some("taskId"),
        _ => None,
    }
}

/// The headers that a message of a client has over HTTP where it names its revision.
///
/// Of the arguments, those of tools whose headers are `known`.
pub(crate) fn of(message: &Message, known: Option<&ArgumentHeaders>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let revision = named_revision(message).and_then(Value::as_str);
    let (Some(revision), Some(method), Some(params)) =
        (revision, message.method(), message.params())
    else {
        return headers;
    };
    let mut say = |name: HeaderName, text: &str| {
        // What is encoded can be said by any header.
        if let Some(value) = encode(text) {
            headers.insert(name, value);
        }
    };
    say(MCP_PROTOCOL_VERSION, revision);
    say(MCP_METHOD, method.as_str());
    let named = named_member(method).and_then(|member| params.get(member)?.as_str());
    if let Some(named) = named {
        say(MCP_NAME, named);
    }
    let arguments = params.get("arguments");
    for (name, argument) in known.into_iter().flat_map(|known| known.of(arguments)) {
        let text = match argument {
            Some(Value::String(text)) => text.to_string(),
            Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
            // No header says them.
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => continue,
        };
        if let Ok(name) = of_argument(name).parse() {
            say(name, &text);
        }
    }
    headers
}

/// Passes on what has been held against the message.
pub(crate) fn pass_on(headers: &HeaderMap, passed: &mut HeaderMap) {
    let mirrors = |name: &HeaderName| {
        [MCP_METHOD, MCP_NAME].contains(name) || name.as_str().starts_with(MCP_PARAM_PREFIX)
    };
    let mirroring = headers.iter().filter(|(name, _)| mirrors(name));
    for (name, value) in mirroring {
        // It may be there already, as one that is passed on in any case.
        passed.insert(name.clone(), value.clone());
    }
}

/// The header that stands for a text.
fn encode(text: &str) -> Option<HeaderValue> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && text.trim_matches(' ') == text
        && !(text.starts_with(ENCODED_PREFIX) && text.ends_with(ENCODED_SUFFIX));
    if is_plain {
        value(text)
    } else {
        let encoded = STANDARD.encode(text);
        value(&format!("{ENCODED_PREFIX}{encoded}{ENCODED_SUFFIX}"))
    }
}

/// The text that a header stands for; `None` if it is encoded and the encoding is broken.
pub(crate) fn decode(header: &str) -> Option<String> {
    let header = header.trim();
    let encoded = header
        .strip_prefix(ENCODED_PREFIX)
        .and_then(|rest| rest.strip_suffix(ENCODED_SUFFIX));
    match encoded {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
        None => Some(header.to_owned()),
    }
}

/// What of a call's headers differs from its arguments, where it is known which they are.
pub(crate) fn difference(
    headers: &HeaderMap,
    known: &ArgumentHeaders,
    arguments: Option<&Value>,
) -> Option<String> {
    let mut both = known.of(arguments);
    both.find_map(|(name, argument)| {
        let name = of_argument(name);
        let found = match name.parse::<HeaderName>() {
            Ok(name) => match single(headers, &name) {
                Ok(found) => found,
                Err(error) => return Some(error.to_string()),
            },
            Err(_) => None,
        };
        match (found, argument) {
            (None, None) => None,
            (Some(header), Some(argument)) if says(header, argument) => None,
            (None, Some(argument)) if may_be_left_out(argument) => None,
            (_, Some(_)) => Some(format!(
                "the header {name} must be there and equal its argument"
            )),
            (Some(_), None) => Some(format!(
                "the header {name} must not be there without its argument"
            )),
        }
    })
}

/// The header that says an argument. A longer one than there can be is not there.
fn of_argument(name: &str) -> String {
    format!("{MCP_PARAM_PREFIX}{}", name.to_ascii_lowercase())
}

/// Whether clients leave out a header that would say this: what is not of the type that has one, and
/// integers that not all of them hold. What becomes of such a call is for the server to say.
fn may_be_left_out(argument: &Value) -> bool {
    const EXACT_MAX: i64 = (1 << 53) - 1;
    match argument {
        Value::Number(Number::Integer(value)) => !(-EXACT_MAX..=EXACT_MAX).contains(value),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Whether a header says the same as an argument.
fn says(header: &str, argument: &Value) -> bool {
    let Some(said) = decode(header) else {
        return false;
    };
    match argument {
        Value::String(text) => *said == **text,
        Value::Bool(value) => said == value.to_string(),
        Value::Number(number) => match parse(&said, &Limits::strict()) {
            Ok(Value::Number(said)) => said.compare(number) == Some(Ordering::Equal),
            Ok(_) | Err(_) => false,
        },
        Value::Null | Value::Array(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_what_arguments_say() {
        let check = |header: &str, argument: &str, expected: bool| {
            let argument = parse(argument, &Limits::strict()).unwrap();
            assert_eq!(says(header, &argument), expected, "{header} {argument}");
        };
        check("eu", r#""eu""#, true);
        check("EU", r#""eu""#, false);
        check("=?base64?w6TDtsO8?=", r#""äöü""#, true);
        check("=?base64?!?=", r#""=?base64?!?=""#, false);
        check("true", "true", true);
        check("True", "true", false);
        check("true", r#""true""#, true);
        check("42", "42", true);
        check("42.0", "42", true);
        check("42", "4.2e1", true);
        check("42", r#""42""#, true);
        check("42", r#""42.0""#, false);
        check("18446744073709551616", "18446744073709551617", false);
        check("NaN", "42", false);
        check("", "42", false);
        check("[1]", "[1]", false);
    }

    #[test]
    fn what_is_encoded_says_what_it_was() {
        let check = |text: &str, expected: &str| {
            let header = encode(text).unwrap();
            let header = header.to_str().unwrap();
            assert_eq!(header, expected, "{text:?}");
            assert_eq!(decode(header).as_deref(), Some(text));
        };
        check("search", "search");
        check("a b", "a b");
        check("", "");
        check(" a", "=?base64?IGE=?=");
        check("a ", "=?base64?YSA=?=");
        check("a\tb", "=?base64?YQli?=");
        check("a\r\nHost: b", "=?base64?YQ0KSG9zdDogYg==?=");
        check("äöü", "=?base64?w6TDtsO8?=");
        check("=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?=");
    }

    #[test]
    fn headers_are_decoded_as_they_are_encoded() {
        let check = |header: &str, expected: Option<&str>| {
            assert_eq!(decode(header).as_deref(), expected, "{header}");
        };
        check("search", Some("search"));
        check(" search ", Some("search"));
        check("=?base64?w6TDtsO8?=", Some("äöü"));
        check("=?base64?not base64?=", None);
        check("=?base64?/w==?=", None);
        check("=?BASE64?YQ==?=", Some("=?BASE64?YQ==?="));
    }
}
