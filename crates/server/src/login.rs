//! Who may ask: the API keys that clients present and the store knows.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};
use portcullis_session::digest;
use portcullis_store::{ApiKey, ApiKeyHash, ApiKeyId, Pool, StoreError};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::clock::now;

/// LIMIT: for how long a key that was valid is taken for valid without asking the store: so long
/// may a key still open something after it was revoked.
pub(crate) const TRUST_MAX: Duration = Duration::from_secs(10);
/// LIMIT: valid keys that are remembered.
const KNOWN_MAX: usize = 4096;
/// LIMIT: keys that are looked up at a time, so that guesses do not keep the store from others.
const LOOKUPS_MAX: usize = 2;
/// LIMIT: how long a request waits until its key is looked up.
const LOOKUP_WAIT_MAX: Duration = Duration::from_secs(5);

/// The key of Invariant Gateway's clients.
pub(crate) const INVARIANT_API_KEY: HeaderName = HeaderName::from_static("invariant-api-key");
/// Where a client may present its key.
pub(crate) const KEY_HEADERS: [HeaderName; 2] = [AUTHORIZATION, INVARIANT_API_KEY];

/// What the header `Authorization` presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearer<'h> {
    Nothing,
    Key(&'h str),
    /// Something that is no key.
    Other,
    /// The header stands there more than once.
    Repeated,
}

/// Keys that were valid a short while ago, before the store that knows.
#[derive(Debug)]
pub(crate) struct Keys {
    pool: Pool,
    /// By the digest of the key: how long it takes to find one says nothing of the key itself.
    known: Mutex<HashMap<[u8; 32], Known>>,
    lookups: Semaphore,
}

#[derive(Clone, Debug)]
struct Known {
    key: ApiKey,
    owner: KeyOwner,
    checked: Instant,
}

/// Whose key it is: as long as a key is not told from its owner, which key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyOwner([u8; 32]);

/// Whether a key is valid cannot be known now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    #[error("too many keys wait to be looked up")]
    Busy,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The key in the store, if it is valid now.
async fn look_up(pool: &Pool, presented: &str) -> Result<Option<ApiKey>, StoreError> {
    let hash = ApiKeyHash::of(presented);
    let found = pool.run(move |store| store.api_key(&hash)).await?;
    Ok(found.filter(|key| key.is_valid_at(now())))
}

// === impl Bearer ===

impl<'h> Bearer<'h> {
    pub(crate) fn of(headers: &'h HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = match (values.next(), values.next()) {
            (None, _) => return Self::Nothing,
            (Some(value), None) => value,
            (Some(_), Some(_)) => return Self::Repeated,
        };
        let written = value.to_str().unwrap_or_default();
        match written.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") && !key.is_empty() => {
                Self::Key(key)
            }
            Some(_) | None => Self::Other,
        }
    }
}

// === impl Keys ===

impl Keys {
    pub(crate) fn new(pool: Pool) -> Self {
        Self {
            pool,
            known: Mutex::default(),
            lookups: Semaphore::new(LOOKUPS_MAX),
        }
    }

    /// Whose key this is; `None` if it is not valid.
    pub(crate) async fn owner(&self, presented: &str) -> Result<Option<KeyOwner>, LookupError> {
        let digest = digest(&[presented.as_bytes()]);
        if let Some(owner) = self.known_owner(&digest) {
            return Ok(Some(owner));
        }
        let turn = timeout(LOOKUP_WAIT_MAX, self.lookups.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(LookupError::Busy);
        };
        // Somebody before may have asked for the same.
        if let Some(owner) = self.known_owner(&digest) {
            return Ok(Some(owner));
        }
        let checked = Instant::now();
        let found = look_up(&self.pool, presented).await?;
        Ok(self.note(digest, found, checked))
    }

    /// The key was revoked through this process.
    pub(crate) fn forget(&self, id: &ApiKeyId) {
        self.known().retain(|_, known| known.key.id != *id);
    }

    fn known_owner(&self, digest: &[u8; 32]) -> Option<KeyOwner> {
        let known = self.known();
        let known = known.get(digest)?;
        let is_trusted = known.is_fresh() && known.key.is_valid_at(now());
        is_trusted.then_some(known.owner)
    }

    fn note(&self, digest: [u8; 32], found: Option<ApiKey>, checked: Instant) -> Option<KeyOwner> {
        let mut known = self.known();
        let Some(key) = found else {
            known.remove(&digest);
            return None;
        };
        if known.len() >= KNOWN_MAX {
            known.retain(|_, known| known.is_fresh());
        }
        let owner = KeyOwner::of(&key);
        // What does not fit is looked up the next time again.
        if known.len() < KNOWN_MAX {
            let entry = Known {
                key,
                owner,
                checked,
            };
            known.insert(digest, entry);
        }
        Some(owner)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<[u8; 32], Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Known ===

impl Known {
    fn is_fresh(&self) -> bool {
        self.checked.elapsed() < TRUST_MAX
    }
}

// === impl KeyOwner ===

impl KeyOwner {
    fn of(key: &ApiKey) -> Self {
        Self(digest(&[b"key", key.id.as_str().as_bytes()]))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use portcullis_store::{ApiKeySecret, Location, Store};

    use super::*;

    fn store(location: &Location) -> Box<dyn Store + Send> {
        location
            .open(portcullis_store::Durability::Relaxed)
            .unwrap()
    }

    #[test]
    fn a_key_is_presented_once_as_a_bearer() {
        let check = |values: &[&'static str], expected: Bearer<'_>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(Bearer::of(&headers), expected, "{values:?}");
        };
        check(&["Bearer inv-1"], Bearer::Key("inv-1"));
        check(&["bearer inv-1"], Bearer::Key("inv-1"));
        check(&["Bearer "], Bearer::Other);
        check(&["Basic inv-1"], Bearer::Other);
        check(&["inv-1"], Bearer::Other);
        check(&["Bearer a", "Bearer b"], Bearer::Repeated);
        check(&[], Bearer::Nothing);
    }

    #[tokio::test]
    async fn a_revoked_key_is_valid_for_a_bounded_time() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(directory.path().join("traces.db"));
        let mut store = store(&location);
        let make = |store: &mut dyn Store, byte: u8, expires_at| {
            let secret = ApiKeySecret::from_random([byte; 32]);
            let key = ApiKey {
                id: format!("00000000-0000-4000-8000-0000000000{byte:02x}")
                    .parse()
                    .unwrap(),
                name: "k".to_owned(),
                hash: secret.hash(),
                created_at: now(),
                expires_at,
                revoked_at: None,
            };
            store.create_api_key(&key).unwrap();
            (secret, key.id)
        };
        let (one, id) = make(store.as_mut(), 1, None);
        let (other, other_id) = make(store.as_mut(), 2, None);
        let (expired, _) = make(store.as_mut(), 3, Some(now()));

        let keys = Keys::new(Pool::new(location));
        let owner = async |secret: &ApiKeySecret| keys.owner(secret.as_str()).await.unwrap();
        let first = owner(&one).await;
        assert!(first.is_some());
        assert_eq!(owner(&one).await, first);
        assert!(
            owner(&other)
                .await
                .is_some_and(|other| Some(other) != first)
        );
        assert_eq!(owner(&expired).await, None);
        assert_eq!(keys.owner("inv-0").await.unwrap(), None);
        assert_eq!(keys.known().len(), 2);

        assert!(store.revoke_api_key(&id, now()).unwrap());
        assert_eq!(owner(&one).await, first);
        let digest = digest(&[one.as_str().as_bytes()]);
        let long_ago = Instant::now().checked_sub(TRUST_MAX).unwrap();
        keys.known().get_mut(&digest).unwrap().checked = long_ago;
        assert_eq!(owner(&one).await, None);
        assert_eq!(keys.known().len(), 1);

        assert!(store.revoke_api_key(&other_id, now()).unwrap());
        assert!(owner(&other).await.is_some());
        keys.forget(&other_id);
        assert_eq!(owner(&other).await, None);
    }
}
