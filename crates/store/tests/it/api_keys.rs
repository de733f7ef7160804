use portcullis_store::{ApiKey, ApiKeyHash, ApiKeySecret, Store};

use crate::backend::on_every_backend;
use crate::records::{id, time};

on_every_backend!(
    key_is_found_by_its_hash_alone,
    revoked_key_stays_listed_and_is_not_valid,
    two_keys_cannot_have_one_hash,
);

fn key(n: u64) -> ApiKey {
    ApiKey {
        id: id(n),
        name: format!("key {n}"),
        hash: ApiKeySecret::from_random([u8::try_from(n).unwrap(); 32]).hash(),
        created_at: time(i64::try_from(n).unwrap()),
        expires_at: (n == 2).then(|| time(100)),
        revoked_at: None,
    }
}

fn key_is_found_by_its_hash_alone(store: &mut dyn Store) {
    store.create_api_key(&key(1)).unwrap();
    store.create_api_key(&key(2)).unwrap();
    assert_eq!(store.api_key(&key(2).hash).unwrap(), Some(key(2)));
    assert_eq!(store.api_key(&ApiKeyHash::of("inv-guess")).unwrap(), None);
    assert_eq!(store.api_keys().unwrap(), [key(1), key(2)]);
    assert!(key(2).is_valid_at(time(99)));
    assert!(!key(2).is_valid_at(time(100)));
    assert!(key(1).is_valid_at(time(i64::MAX)));
}

fn revoked_key_stays_listed_and_is_not_valid(store: &mut dyn Store) {
    store.create_api_key(&key(1)).unwrap();
    assert!(store.revoke_api_key(&id(1), time(7)).unwrap());
    assert!(store.revoke_api_key(&id(1), time(8)).unwrap());
    assert!(!store.revoke_api_key(&id(2), time(8)).unwrap());
    let found = store.api_key(&key(1).hash).unwrap().unwrap();
    assert_eq!(found.revoked_at, Some(time(7)));
    assert!(!found.is_valid_at(time(7)));
    assert_eq!(store.api_keys().unwrap(), [found]);
}

fn two_keys_cannot_have_one_hash(store: &mut dyn Store) {
    store.create_api_key(&key(1)).unwrap();
    let twin = ApiKey {
        id: id(2),
        ..key(1)
    };
    store.create_api_key(&twin).unwrap_err();
    assert_eq!(store.api_keys().unwrap(), [key(1)]);
}
