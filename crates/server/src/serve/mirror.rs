//! What of a message stands in its headers too (SPEC: MCP 2026-07-28, Streamable HTTP, Standard
//! Headers and Value Encoding).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portcullis_mcp::Method;

const ENCODED_PREFIX: &str = "=?base64?";
const ENCODED_SUFFIX: &str = "?=";

/// The member of `params` that the header `Mcp-Name` repeats.
pub(crate) fn named_member(method: &Method) -> Option<&'static str> {
    match method {
        Method::ToolsCall | Method::PromptsGet => Some("name"),
        Method::ResourcesRead => Some("uri"),
        Method::TasksGet | Method::TasksUpdate | Method::TasksCancel => Some("taskId"),
        _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;

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
