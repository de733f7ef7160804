//! API keys.

use std::sync::Arc;

use axum::extract::{Path, State};
use portcullis_json::Value;
use portcullis_store::{ApiKey, ApiKeyId, ApiKeySecret};
use portcullis_trace::record::Timestamp;
use uuid::Uuid;

use crate::api::Api;
use crate::api::answer::{Answered, Detail, object, ok};
use crate::api::identity::USER_ID;
use crate::clock::now;
use crate::explorer::time::stamp;

/// What a key is called that was made here; the reference's have no names.
const NAME: &str = "made over HTTP";

pub(super) async fn create(State(api): State<Arc<Api>>) -> Answered {
    let secret = ApiKeySecret::from_random(random());
    let id = Uuid::new_v4().to_string();
    let key = ApiKey {
        id: id.parse().map_err(|_| Detail::busy("no id for a key"))?,
        name: NAME.to_owned(),
        hash: secret.hash(),
        created_at: now(),
        expires_at: None,
        revoked_at: None,
    };
    api.with_store(move |store| Ok(store.create_api_key(&key)?))
        .await?;
    Ok(ok(&object([
        ("id", id.into()),
        ("key", secret.as_str().into()),
    ])))
}

pub(super) async fn list(State(api): State<Arc<Api>>) -> Answered {
    let mut keys = api.with_store(|store| Ok(store.api_keys()?)).await?;
    let now = now();
    keys.sort_by_key(|key| (!key.is_valid_at(now), std::cmp::Reverse(key.created_at)));
    let keys: Vec<Value> = keys.iter().map(|key| shown(key, now)).collect();
    Ok(ok(&object([
        ("userid", USER_ID.into()),
        ("keys", keys.into()),
    ])))
}

pub(super) async fn revoke(State(api): State<Arc<Api>>, Path(id): Path<String>) -> Answered {
    let unknown = || Detail::not_found("API key not found");
    let id: ApiKeyId = id.parse().map_err(|_| unknown())?;
    let revoked = id.clone();
    let is_revoked = api.with_store(move |store| Ok(store.revoke_api_key(&revoked, now())?));
    if is_revoked.await? {
        api.gateway.keys.forget(&id);
        Ok(ok(&object([("success", true.into())])))
    } else {
        Err(unknown())
    }
}

fn shown(key: &ApiKey, now: Timestamp) -> Value {
    object([
        ("id", key.id.as_str().into()),
        ("time_created", stamp(key.created_at).into()),
        ("expired", (!key.is_valid_at(now)).into()),
        ("hashed_key", key.hash.last_characters().into()),
    ])
}

/// 244 bits of the operating system's.
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    let (first, second) = (Uuid::new_v4(), Uuid::new_v4());
    let random = first.as_bytes().iter().chain(second.as_bytes());
    for (byte, random) in bytes.iter_mut().zip(random) {
        *byte = *random;
    }
    bytes
}
