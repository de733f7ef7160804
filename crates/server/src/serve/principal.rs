use axum::http::{HeaderMap, HeaderName};
use portcullis_session::digest;

use crate::login::{KEY_HEADERS, KeyOwner};

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
    /// Has logged in; the digest is that of the owner and of the credentials for the server.
    Owner(KeyOwner, [u8; 32]),
}

/// A header with a credential stands there more than once.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a credential stands there more than once, send each header once")]
pub(crate) struct Repeated;

// === impl Principal ===

impl Principal {
    /// Differs from that of any other.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Anonymous => &[],
            Self::Credential(digest) | Self::Owner(_, digest) => digest,
        }
    }

    /// Where nobody logs in.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Repeated> {
        let is_credential = |name: &HeaderName| KEY_HEADERS.contains(name) || is_for_server(name);
        let credentials = credentials(headers, is_credential)?;
        Ok(credentials.map_or(Self::Anonymous, Self::Credential))
    }

    /// One who has logged in, and may present credentials for the server as well.
    pub(crate) fn of_owner(owner: KeyOwner, headers: &HeaderMap) -> Result<Self, Repeated> {
        let for_server = credentials(headers, is_for_server)?;
        let for_server = for_server.unwrap_or_default();
        Ok(Self::Owner(owner, digest(&[owner.as_bytes(), &for_server])))
    }

    /// By what tasks and states that a server has given are told from those of others: who has
    /// logged in, or else the credentials that the server does not see. What it sees it can hold
    /// against its tasks itself, and mostly is a token, of which a client has another tomorrow.
    pub(crate) fn identity(self, headers: &HeaderMap, passed: &HeaderMap) -> Vec<u8> {
        let is_unseen =
            |name: &HeaderName| KEY_HEADERS.contains(name) && !passed.contains_key(name);
        match (self, credentials(headers, is_unseen)) {
            (Self::Owner(owner, _), _) => [b"owner ", owner.as_bytes()].concat(),
            (_, Ok(Some(digest))) => [&b"credential "[..], &digest].concat(),
            (_, Ok(None)) => Vec::new(),
            (_, Err(Repeated)) => self.as_bytes().to_vec(),
        }
    }

    /// Whether both count as one for how much one may have: who has logged in does not become
    /// several by presenting other credentials for the server.
    pub(crate) fn shares_limits_with(self, other: Self) -> bool {
        match (self, other) {
            (Self::Owner(one, _), Self::Owner(other, _)) => one == other,
            _ => self == other,
        }
    }
}

fn is_for_server(name: &HeaderName) -> bool {
    name.as_str().starts_with(SERVER_HEADER_PREFIX)
}

/// A digest of these headers; `None` if there are none.
fn credentials(
    headers: &HeaderMap,
    is_wanted: impl Fn(&HeaderName) -> bool,
) -> Result<Option<[u8; 32]>, Repeated> {
    let mut names: Vec<_> = headers.keys().filter(|name| is_wanted(name)).collect();
    if names.is_empty() {
        return Ok(None);
    }
    names.sort_by_key(|name| name.as_str());
    let mut parts = Vec::new();
    for name in names {
        let mut values = headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(Repeated);
        };
        parts.extend([name.as_str().as_bytes(), value.as_bytes()]);
    }
    Ok(Some(digest(&parts)))
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn an_identity_is_what_the_server_does_not_see() {
        let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
            let pairs = pairs.iter();
            let pair = |(name, value): &(&'static str, &str)| {
                (HeaderName::from_static(name), value.parse().unwrap())
            };
            pairs.map(pair).collect()
        };
        let identity = |pairs: &[(&'static str, &str)], passed: &[(&'static str, &str)]| {
            let all = headers(pairs);
            Principal::of(&all)
                .unwrap()
                .identity(&all, &headers(passed))
        };
        let a = [("authorization", "a")];
        let b = [("authorization", "b")];
        assert_ne!(identity(&a, &[]), identity(&b, &[]));
        assert_eq!(identity(&a, &a), identity(&b, &b));
        let with_key = |token| [("authorization", token), ("invariant-api-key", "k")];
        assert_eq!(identity(&with_key("a"), &a), identity(&with_key("b"), &b));
        assert_ne!(identity(&with_key("a"), &a), identity(&a, &a));
        let for_server = [("invariant-x-mcp-server-authorization", "a")];
        assert_eq!(identity(&for_server, &[]), identity(&[], &[]));
    }
}
