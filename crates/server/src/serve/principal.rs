use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};

/// The key of Invariant Gateway's clients.
const INVARIANT_API_KEY: &str = "invariant-api-key";
/// What follows is a header for the server, which mostly is a credential.
pub(crate) const SERVER_HEADER_PREFIX: &str = "invariant-x-mcp-server-";

/// On whose behalf a client speaks: whoever has the same credentials. A session belongs to the one
/// who opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Principal {
    /// Presented no credential.
    Anonymous,
    /// A digest, as the credential itself need not be kept.
    Credential([u8; 32]),
}

/// A header with a credential stands there more than once.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a credential stands there more than once, send each header once")]
pub(crate) struct Repeated;

// === impl Principal ===

impl Principal {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Repeated> {
        let is_credential = |name: &str| {
            name == AUTHORIZATION.as_str()
                || name == INVARIANT_API_KEY
                || name.starts_with(SERVER_HEADER_PREFIX)
        };
        let mut names: Vec<_> = headers
            .keys()
            .filter(|name| is_credential(name.as_str()))
            .collect();
        if names.is_empty() {
            return Ok(Self::Anonymous);
        }
        names.sort_by_key(|name| name.as_str());
        let mut digest = Sha256::new();
        for name in names {
            let mut values = headers.get_all(name).iter();
            let (Some(value), None) = (values.next(), values.next()) else {
                return Err(Repeated);
            };
            for part in [name.as_str().as_bytes(), value.as_bytes()] {
                digest.update(part.len().to_le_bytes());
                digest.update(part);
            }
        }
        Ok(Self::Credential(digest.finalize().into()))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[test]
    fn every_credential_counts() {
        let principal = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(HeaderName::from_static(name), value.parse().unwrap());
            }
            Principal::of(&headers).ok()
        };
        let one = principal(&[("authorization", "a"), ("invariant-api-key", "k")]);
        assert!(one.is_some());
        for other in [
            principal(&[("authorization", "a")]),
            principal(&[("authorization", "a"), ("invariant-api-key", "l")]),
            principal(&[("authorization", "ai"), ("invariant-api-key", "k")]),
            principal(&[
                ("authorization", "a"),
                ("invariant-api-key", "k"),
                ("invariant-x-mcp-server-authorization", "b"),
            ]),
            principal(&[("accept", "a")]),
        ] {
            assert_ne!(one, other);
        }
        let swapped = principal(&[("invariant-api-key", "k"), ("authorization", "a")]);
        assert_eq!(one, swapped);
        assert_eq!(
            principal(&[("authorization", "a"), ("authorization", "a")]),
            None
        );
        assert_eq!(principal(&[]), Some(Principal::Anonymous));
    }
}
