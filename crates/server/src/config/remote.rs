//! A server as a command line names it.

use std::env;

use http::{HeaderName, HeaderValue};

use super::build::{ExpandError, expand, header_name, server_url};
use super::gateway::{HttpServer, HttpTransport};

/// What is wrong with how the server is named. Values of headers and passwords are not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    #[error("{} is no URL of a server: {wrong}", quoted(written))]
    Url { written: String, wrong: String },
    #[error("a header has a name and a value: write it as `Name: value`")]
    NoName,
    #[error("{0}")]
    Name(String),
    #[error("the header `{name}`: {reason}")]
    Variable {
        name: HeaderName,
        reason: ExpandError,
    },
    #[error("the value of the header `{0}` has characters that no header may have")]
    Value(HeaderName),
}

/// What stands before an `@` may be a password.
fn quoted(url: &str) -> String {
    if url.contains('@') {
        "this".to_owned()
    } else {
        format!("`{url}`")
    }
}

// === impl HttpServer ===

impl HttpServer {
    /// Headers are written as `Name: value`; in values, `${NAME}` is a variable of the environment.
    pub fn remote(
        url: &str,
        transport: HttpTransport,
        headers: &[String],
    ) -> Result<Self, RemoteError> {
        let environment = |name: &str| env::var_os(name)?.into_string().ok();
        let headers = headers.iter().map(|text| header(text, &environment));
        Ok(Self {
            url: server_url(url).map_err(|wrong| RemoteError::Url {
                written: url.to_owned(),
                wrong,
            })?,
            transport,
            headers: headers.collect::<Result<_, _>>()?,
            forward_headers: Vec::new(),
        })
    }
}

fn header(
    written: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(HeaderName, HeaderValue), RemoteError> {
    let (name, text) = written.split_once(':').ok_or(RemoteError::NoName)?;
    let name = header_name(name.trim()).map_err(RemoteError::Name)?;
    let text = match expand(text.trim(), environment) {
        Ok(text) => text,
        Err(reason) => return Err(RemoteError::Variable { name, reason }),
    };
    match HeaderValue::from_str(&text) {
        Ok(mut value) => {
            value.set_sensitive(true);
            Ok((name, value))
        }
        Err(_) => Err(RemoteError::Value(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_names_and_values() {
        let environment = |name: &str| (name == "KEY").then(|| "s3cret".to_owned());
        let check = |written: &str, expected: Result<(&str, &str), &str>| {
            let read = header(written, &environment);
            let read = read.map(|(name, value)| {
                assert!(value.is_sensitive());
                (name.to_string(), value.to_str().unwrap().to_owned())
            });
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(
                read.map_err(|error| error.to_string()),
                expected.map_err(str::to_owned),
                "{written}"
            );
        };
        check("X-Key: a:b", Ok(("x-key", "a:b")));
        check(
            "Authorization:Bearer ${KEY}",
            Ok(("authorization", "Bearer s3cret")),
        );
        check(
            "Authorization",
            Err("a header has a name and a value: write it as `Name: value`"),
        );
        check(
            "X-Key: ${OTHER}",
            Err("the header `x-key`: the environment has no variable `OTHER`"),
        );
        check(
            "X-Key: a\nb",
            Err("the value of the header `x-key` has characters that no header may have"),
        );
        check("a b: c", Err("`a b` is no name of a header"));
        check("Host: c", Err("`host` is set by the gateway itself"));
    }

    #[test]
    fn a_server_has_a_url_of_http() {
        let remote = |url| HttpServer::remote(url, HttpTransport::Sse, &[]);
        assert!(remote("https://host.example/mcp").is_ok());
        let check = |url, expected: &str| {
            let error = remote(url).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        check(
            "",
            "`` is no URL of a server: it begins with neither `http://` nor `https://`",
        );
        check(
            "host.example",
            "`host.example` is no URL of a server: it begins with neither `http://` nor `https://`",
        );
        check(
            "file:///mcp",
            "`file:///mcp` is no URL of a server: the scheme is neither `http` nor `https`",
        );
        check(
            "https://a:s3cret@host.example",
            "this is no URL of a server: credentials belong in `headers`",
        );
    }
}
