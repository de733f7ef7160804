use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};

/// The key of Invariant Gateway's clients.
const INVARIANT_API_KEY: &str = "invariant-api-key";

/// On whose behalf a client speaks: whoever has the same credential. A session belongs to the one
/// who opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Principal {
    /// Presented no credential.
    Anonymous,
    /// A digest, as the credential itself need not be kept.
    Credential([u8; 32]),
}

/// A request speaks with more than one credential.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ambiguous;

// === impl Principal ===

impl Principal {
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Ambiguous> {
        for name in [AUTHORIZATION.as_str(), INVARIANT_API_KEY] {
            let mut values = headers.get_all(name).iter();
            match (values.next(), values.next()) {
                (Some(credential), None) => {
                    return Ok(Self::Credential(
                        Sha256::digest(credential.as_bytes()).into(),
                    ));
                }
                (Some(_), Some(_)) => return Err(Ambiguous),
                (None, _) => {}
            }
        }
        Ok(Self::Anonymous)
    }
}
