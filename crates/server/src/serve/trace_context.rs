//! W3C Trace Context: where a request stands in what other systems trace.
//!
//! The gateway sends no spans of its own, so that the caller's stay the parents of the server's.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use portcullis_json::Value;
use portcullis_mcp::Message;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// SPEC: Trace Context, sections 3.3.1.5 and 3.3.1.1.
const TRACESTATE_BYTES_MAX: usize = 512;
const TRACESTATE_MEMBERS_MAX: usize = 32;

/// How one version of `traceparent` begins, and all of the first.
const TRACEPARENT_BYTES: usize = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".len();

/// Names a trace: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceId<'h>(&'h str);

// === impl TraceId ===

impl<'h> TraceId<'h> {
    /// Of a `traceparent`; `None` if it is not valid.
    pub(crate) fn of(traceparent: &'h str) -> Option<Self> {
        let (begin, more) = traceparent.split_at_checked(TRACEPARENT_BYTES)?;
        let mut parts = begin.split('-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
            (part.len() == digits && part.bytes().all(is_digit)).then_some(part)
        };
        let (version, trace, parent) = (part(2)?, part(32)?, part(16)?);
        part(2)?;
        let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        let has_known_end = more.is_empty() || (version != "00" && more.starts_with('-'));
        let is_valid = version != "ff" && !is_zero(trace) && !is_zero(parent) && has_known_end;
        is_valid.then_some(Self(trace))
    }

    /// Of the request that these headers are of.
    pub(crate) fn of_headers(headers: &'h HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::of(value.to_str().ok()?),
            _ => None,
        }
    }

    /// Of a message, which may carry it itself (SPEC: MCP 2026-07-28, `_meta`).
    pub(crate) fn of_message(message: &'h Message) -> Option<Self> {
        let meta = message.params()?.get("_meta")?;
        Self::of(meta.get(TRACEPARENT.as_str()).and_then(Value::as_str)?)
    }

    pub(crate) fn as_str(self) -> &'h str {
        self.0
    }
}

/// Passes the context of a request on as it came, if it is valid.
pub(crate) fn pass_on(from: &HeaderMap, to: &mut HeaderMap) {
    let parent = from.get(TRACEPARENT);
    let Some(parent) = parent.filter(|_| TraceId::of_headers(from).is_some()) else {
        return;
    };
    to.insert(TRACEPARENT, parent.clone());
    for state in states(from).unwrap_or_default() {
        to.append(TRACESTATE, state.clone());
    }
}

/// What lasts longer than one request belongs to no trace.
pub(crate) fn remove(headers: &mut HeaderMap) {
    headers.remove(TRACEPARENT);
    headers.remove(TRACESTATE);
}

/// The headers `tracestate`, of which there may be several; `None` if one of them is not valid.
fn states(headers: &HeaderMap) -> Option<Vec<&HeaderValue>> {
    let (mut bytes, mut members) = (0_usize, 0_usize);
    let states: Vec<&HeaderValue> = headers.get_all(TRACESTATE).iter().collect();
    for state in &states {
        bytes = bytes.saturating_add(state.len());
        for member in state.to_str().ok()?.split(',').map(str::trim) {
            members = members.saturating_add(1);
            if !member.is_empty() && !is_member(member) {
                return None;
            }
        }
    }
    (bytes <= TRACESTATE_BYTES_MAX && members <= TRACESTATE_MEMBERS_MAX).then_some(states)
}

fn is_member(member: &str) -> bool {
    let is_key = |byte: u8| {
        byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@')
    };
    let is_value = |byte: u8| byte == b' ' || (byte.is_ascii_graphic() && byte != b'=');
    member.split_once('=').is_some_and(|(key, value)| {
        !key.is_empty()
            && key.bytes().all(is_key)
            && !value.is_empty()
            && value.bytes().all(is_value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_a_valid_traceparent_names_a_trace() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        const SPAN: &str = "00f067aa0ba902b7";
        let check = |written: &str, expected: Option<&str>| {
            let found = TraceId::of(written).map(TraceId::as_str);
            assert_eq!(found, expected, "{written}");
        };
        let (no_trace, no_span) = ("0".repeat(32), "0".repeat(16));
        check(PARENT, Some(TRACE));
        check(&format!("01-{TRACE}-{SPAN}-01"), Some(TRACE));
        check(&format!("01-{TRACE}-{SPAN}-01-more"), Some(TRACE));
        check(&format!("01-{TRACE}-{SPAN}-01more"), None);
        check(&format!("{PARENT}-more"), None);
        check(&format!("{PARENT}-"), None);
        check(&format!("ff-{TRACE}-{SPAN}-01"), None);
        check(&format!("00-{TRACE}-{no_span}-01"), None);
        check(&format!("00-{no_trace}-{SPAN}-01"), None);
        check(&format!("00-{TRACE}-{SPAN}-0"), None);
        check(&format!("00-{TRACE}{SPAN}--01"), None);
        check(&PARENT.to_uppercase(), None);
        check(&"ä".repeat(55), None);
        check("", None);
    }

    #[test]
    fn a_context_is_passed_on_as_it_came_or_not_at_all() {
        let passed = |headers: &[(&HeaderName, &str)]| {
            let mut from = HeaderMap::new();
            for &(name, value) in headers {
                from.append(name.clone(), value.parse().unwrap());
            }
            let mut to = HeaderMap::new();
            pass_on(&from, &mut to);
            (
                to.contains_key(TRACEPARENT),
                to.get_all(TRACESTATE).iter().count(),
            )
        };
        let (traceparent, tracestate) = (&TRACEPARENT, &TRACESTATE);
        let parent = (traceparent, PARENT);
        let state = (tracestate, "a=1, b@c/d=x y,,");
        assert_eq!(passed(&[parent]), (true, 0));
        assert_eq!(passed(&[parent, state, (tracestate, "c=2")]), (true, 2));
        assert_eq!(passed(&[state]), (false, 0));
        assert_eq!(passed(&[parent, parent, state]), (false, 0));
        assert_eq!(passed(&[(traceparent, "x"), state]), (false, 0));
        for wrong in ["a", "A=1", "=1", "a=", "a==", "a=1,b"] {
            assert_eq!(passed(&[parent, (tracestate, wrong)]), (true, 0), "{wrong}");
        }
        let many = vec!["a=1"; TRACESTATE_MEMBERS_MAX + 1].join(",");
        assert_eq!(passed(&[parent, (tracestate, &many)]), (true, 0));
        let long = format!("a={}", "x".repeat(TRACESTATE_BYTES_MAX));
        assert_eq!(passed(&[parent, (tracestate, &long)]), (true, 0));
    }
}
