use portcullis_trace::hexadecimal;
use portcullis_trace::record::Timestamp;
use sha2::{Digest, Sha256};

use crate::ApiKeyId;

const KEY_PREFIX: &str = "inv-";
/// How much of a key is kept readable, so that its owner can tell it from others.
const LAST_CHARACTERS: usize = 4;

/// What is kept of an API key. The key itself never reaches the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub hash: ApiKeyHash,
    pub created_at: Timestamp,
    /// From then on it is refused; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked. A revoked key stays listed.
    pub revoked_at: Option<Timestamp>,
}

/// A key as a client sends it: `inv-` and 64 hexadecimal digits. It is shown once and not kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeySecret(String);

/// The hash of a key (SHA-256, hexadecimal) and the key's last four characters.
///
/// The key is 256 random bits, so that nothing is gained by a slow hash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApiKeyHash(String);

// === impl ApiKey ===

impl ApiKey {
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

// === impl ApiKeySecret ===

impl ApiKeySecret {
    /// The key made from 32 bytes of a random source that is fit for secrets.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(format!(
            "{KEY_PREFIX}{}",
            hexadecimal(&Sha256::digest(bytes))
        ))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> ApiKeyHash {
        ApiKeyHash::of(&self.0)
    }
}

/// A key must not get into a log by accident.
impl std::fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKeySecret(..)")
    }
}

// === impl ApiKeyHash ===

impl ApiKeyHash {
    /// The hash under which the key `presented` would be kept, whatever a client presents.
    pub fn of(presented: &str) -> Self {
        let characters = presented.chars().count();
        let last = presented
            .chars()
            .skip(characters.saturating_sub(LAST_CHARACTERS));
        let mut hash = hexadecimal(&Sha256::digest(presented));
        hash.extend(last);
        Self(hash)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What may be shown of the key.
    pub fn last_characters(&self) -> &str {
        self.0.get(2 * 32..).unwrap_or_default()
    }

    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_hash_are_those_of_the_reference() {
        // As Python computes them: hashlib.sha256(bytes(32)).hexdigest(), and of the key itself.
        let key = ApiKeySecret::from_random([0; 32]);
        assert_eq!(
            key.as_str(),
            "inv-66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
        );
        let hash = key.hash();
        assert_eq!(hash.last_characters(), "2925");
        assert_eq!(hash.as_str().len(), 64 + 4);
        assert_eq!(hash, ApiKeyHash::of(key.as_str()));
        assert_eq!(format!("{key:?}"), "ApiKeySecret(..)");
    }

    #[test]
    fn whatever_is_presented_has_a_hash() {
        assert_eq!(ApiKeyHash::of("").last_characters(), "");
        assert_eq!(ApiKeyHash::of("é").last_characters(), "é");
        assert_eq!(ApiKeyHash::of("abcdé€").last_characters(), "cdé€");
    }
}
