use portcullis_store::{ApiKey, ApiKeyHash, ApiKeySecret, Store, StoreError};

use crate::backend::on_every_backend;
use crate::records::{id, time};

on_every_backend!(
    key_is_found_by_its_hash_alone,
    revoked_key_stays_listed_and_is_not_valid,
    two_keys_cannot_have_one_hash,
    beginning_of_an_id_finds_one_key_or_says_why_not,
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

fn beginning_of_an_id_finds_one_key_or_says_why_not(store: &mut dyn Store) {
    for n in 1..=10 {
        store.create_api_key(&key(n)).unwrap();
    }
    let mut found = |prefix: &str| store.api_key_id(prefix);
    assert_eq!(
        found("3752ff38-da1a-4fa5-84a2-00000000000a").unwrap(),
        id(10)
    );
    let several = found("3752").unwrap_err().to_string();
    assert!(
        several.starts_with(
            "several keys' ids begin with `3752`: 3752ff38-da1a-4fa5-84a2-000000000001, "
        ) && several.ends_with("-000000000008 and others"),
        "{several}"
    );
    let missing = found("ffff").unwrap_err();
    assert!(matches!(missing, StoreError::Unknown { .. }), "{missing:?}");
    for invalid in ["", "375", "%752", "375_", "3752FF"] {
        let error = found(invalid).unwrap_err();
        assert!(
            matches!(error, StoreError::InvalidPrefix { .. }),
            "{invalid:?}: {error:?}"
        );
    }
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
