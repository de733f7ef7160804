use std::env;

use axum::http::HeaderValue;
use url::Url;

use super::ConfigError;

/// Where the Explorer is; Invariant Gateway and the SDK have one name for it each.
const URL: [&str; 2] = ["INVARIANT_API_URL", "INVARIANT_API_ENDPOINT"];
const API_KEY: &str = "INVARIANT_API_KEY";

/// A remote service that speaks Invariant Explorer's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplorerConfig {
    pub url: Url,
    pub authorization: Option<HeaderValue>,
}

// === impl ExplorerConfig ===

impl ExplorerConfig {
    /// What the environment says; `None` if it names no Explorer.
    pub fn from_environment() -> Result<Option<Self>, ConfigError> {
        Self::read(|name| env::var_os(name)?.into_string().ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let given = |name| variable(name).filter(|value| !value.is_empty());
        let Some((name, written)) = URL.iter().find_map(|name| Some((name, given(name)?))) else {
            return Ok(None);
        };
        let url = Url::parse(&written).ok();
        let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let Some(url) = url.filter(is_http) else {
            return Err(ConfigError::ExplorerUrl { name, written });
        };
        let authorization = given(API_KEY).map(|key| {
            let mut header = HeaderValue::from_str(&format!("Bearer {key}"))
                .map_err(|_| ConfigError::ExplorerKey { name: API_KEY })?;
            header.set_sensitive(true);
            Ok(header)
        });
        Ok(Some(Self {
            url,
            authorization: authorization.transpose()?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_an_explorer_or_none() {
        let read = |variables: &[(&str, &str)]| {
            let variable = |name: &str| {
                let mut variables = variables.iter();
                let found = variables.find(|(given, _)| *given == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let read = ExplorerConfig::read(variable);
            read.map(|config| config.map(|config| (config.url.to_string(), config.authorization)))
        };
        let key = || Some(HeaderValue::from_static("Bearer k"));
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&[("INVARIANT_API_URL", "")]).unwrap(), None);
        let first = [
            ("INVARIANT_API_URL", "http://a:80/x"),
            ("INVARIANT_API_ENDPOINT", "http://b"),
        ];
        let expected = Some(("http://a/x".to_owned(), None));
        assert_eq!(read(&first).unwrap(), expected);
        let second = [
            ("INVARIANT_API_ENDPOINT", "https://b"),
            ("INVARIANT_API_KEY", "k"),
        ];
        let expected = Some(("https://b/".to_owned(), key()));
        assert_eq!(read(&second).unwrap(), expected);
        for wrong in ["explorer.example", "file:///x", "http://"] {
            let error = read(&[("INVARIANT_API_URL", wrong)]).unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
        }
        // As a file has it whose last line ends.
        let wrong = [
            ("INVARIANT_API_URL", "http://a"),
            ("INVARIANT_API_KEY", "k\n"),
        ];
        let error = read(&wrong).unwrap_err();
        assert!(matches!(error, ConfigError::ExplorerKey { .. }), "{error}");
    }
}
