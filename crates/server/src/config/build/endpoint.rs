//! What may name a server over HTTP.

use http::HeaderName;
use url::{ParseError, Url};

/// Headers that say how one connection works or what one request is: the gateway's own.
const OWN_HEADERS: [&str; 17] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-connection",
];

/// What a URL may look like.
pub(super) const URL_HELP: &str = "write it as `https://host/path` or `http://localhost:3000/path`";

/// The URL of a server, or what is wrong with it.
pub(in crate::config) fn server_url(written: &str) -> Result<Url, String> {
    match Url::parse(written) {
        Err(ParseError::RelativeUrlWithoutBase) => {
            Err("it begins with neither `http://` nor `https://`".to_owned())
        }
        Err(error) => Err(error.to_string()),
        Ok(read) if !matches!(read.scheme(), "http" | "https") => {
            Err("the scheme is neither `http` nor `https`".to_owned())
        }
        Ok(read) if !read.username().is_empty() || read.password().is_some() => {
            Err("credentials belong in `headers`".to_owned())
        }
        Ok(read) if read.fragment().is_some() => Err("a fragment is never sent".to_owned()),
        Ok(read) => Ok(read),
    }
}

/// The name of a header that may be configured, or what is wrong with it.
pub(in crate::config) fn header_name(written: &str) -> Result<HeaderName, String> {
    let header: HeaderName = written
        .parse()
        .map_err(|_| format!("`{written}` is no name of a header"))?;
    if OWN_HEADERS.contains(&header.as_str()) {
        return Err(format!("`{header}` is set by the gateway itself"));
    }
    Ok(header)
}
