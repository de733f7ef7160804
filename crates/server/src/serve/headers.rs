//! The headers of the Streamable HTTP transport, read strictly.

use axum::http::header::{ACCEPT, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use portcullis_transport::http::endpoint::is_of_type;

use super::{hops, trace_context};

pub(crate) const MCP_SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const MCP_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");
pub(crate) const MCP_NAME: HeaderName = HeaderName::from_static("mcp-name");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// SPEC: MCP 2026-07-28, Streamable HTTP: what mirrors an argument begins like this.
pub(crate) const MCP_PARAM_PREFIX: &str = "mcp-param-";
pub(crate) const EVENT_STREAM: &str = "text/event-stream";
pub(crate) const JSON: &str = "application/json";

/// A header that must stand once at most stands there more than once, or is no visible ASCII.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header `{0}` must stand there once, in visible ASCII")]
pub(crate) struct NotOne(pub(crate) HeaderName);

pub(crate) fn single<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'h str>, NotOne> {
    let mut values = headers.get_all(name).iter();
    let not_one = || NotOne(name.clone());
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| not_one()),
        (Some(_), Some(_)) => Err(not_one()),
    }
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    is_of_type(headers, JSON)
}

/// Whether the client says by name that it takes this type of body. A client that takes anything
/// is one that has not thought of streams.
pub(crate) fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    accepts_all(headers, [wanted])
}

/// Whether it takes each of these.
pub(crate) fn accepts_all<const N: usize>(headers: &HeaderMap, wanted: [&str; N]) -> bool {
    let mut accepted = [false; N];
    let ranges = headers.get_all(ACCEPT).iter();
    let ranges = ranges
        .filter(|value| value.to_str().is_ok())
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    for range in ranges {
        let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let is_meant = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        let mut wanted = wanted.iter().zip(&mut accepted);
        let meant = wanted.find(|(wanted, _)| is_meant(wanted));
        if let Some((_, accepted)) = meant
            && !parts.any(is_zero_weight)
        {
            *accepted = true;
        }
    }
    !accepted.contains(&false)
}

/// Of the client's headers, those that a server is to see: the revision, where the message stands
/// in a trace, which gateways it passed, and what the configuration says.
pub(crate) fn passed_on(headers: &HeaderMap, configured: &[HeaderName]) -> HeaderMap {
    let passed = headers
        .iter()
        .filter(|(name, _)| **name == MCP_PROTOCOL_VERSION || configured.contains(name));
    let mut passed: HeaderMap = passed
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    trace_context::pass_on(headers, &mut passed);
    hops::pass_on(headers, &mut passed);
    passed
}

pub(crate) fn value(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_str(text).ok()
}

fn is_zero_weight(parameter: &[u8]) -> bool {
    let weight = parameter
        .strip_prefix(b"q=")
        .or_else(|| parameter.strip_prefix(b"Q="));
    let weight = weight.and_then(|weight| str::from_utf8(weight.trim_ascii()).ok());
    weight.is_some_and(|weight| weight.parse() == Ok(0.0_f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_is_read_as_http_has_it() {
        let check = |accept: &str, expected: (bool, bool)| {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            let found = (accepts(&headers, JSON), accepts(&headers, EVENT_STREAM));
            assert_eq!(found, expected, "{accept}");
        };
        check("application/json, text/event-stream", (true, true));
        check("Application/JSON;q=0.5,TEXT/event-stream", (true, true));
        check("application/json", (true, false));
        check("*/*", (false, false));
        check("text/*", (false, false));
        check("application/json;q=0, text/event-stream", (false, true));
        check("application/jsonx", (false, false));
        check("", (false, false));
        assert!(!accepts(&HeaderMap::new(), JSON));
    }

    #[test]
    fn a_header_that_stands_there_twice_is_none() {
        let one = |values: &[&'static [u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(MCP_SESSION_ID, HeaderValue::from_bytes(value).unwrap());
            }
            single(&headers, &MCP_SESSION_ID).map(|value| value.map(str::to_owned))
        };
        assert_eq!(one(&[]), Ok(None));
        assert_eq!(one(&[b"a"]), Ok(Some("a".to_owned())));
        assert_eq!(one(&[b"a", b"a"]), Err(NotOne(MCP_SESSION_ID)));
        assert_eq!(one(&[b"\xe4"]), Err(NotOne(MCP_SESSION_ID)));
    }
}
