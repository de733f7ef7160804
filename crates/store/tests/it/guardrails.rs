use std::slice;

use portcullis_store::{
    GuardrailChange, GuardrailId, GuardrailPage, GuardrailRecord, GuardrailScope, GuardrailVersion,
    ProjectId, Store, StoreError,
};

use crate::backend::on_every_backend;
use crate::records::{guardrail, id, json_object, project, time};

on_every_backend!(
    guardrail_reads_back_as_version_one,
    change_makes_the_next_version_and_keeps_the_last,
    deleted_guardrail_keeps_its_history,
    beginning_of_an_id_finds_a_guardrail_that_is_or_was,
    guardrails_belong_to_a_project_or_to_all_sessions,
    every_change_is_counted,
    what_changes_nothing_is_not_counted,
    lists_come_in_pages_bounded_in_bytes,
);

fn history(store: &mut dyn Store, n: u64) -> Vec<GuardrailVersion> {
    let found = store.guardrail_history(&id(n), GuardrailPage::first());
    let found = found.unwrap();
    assert!(!found.more);
    found.items
}

fn beginning_of_an_id_finds_a_guardrail_that_is_or_was(store: &mut dyn Store) {
    store.create_guardrail(&guardrail(1)).unwrap();
    store.delete_guardrail(&id(1), time(2)).unwrap();
    assert_eq!(store.guardrail_id("3752").unwrap(), id(1));
    store.create_guardrail(&guardrail(2)).unwrap();
    let several = store.guardrail_id("3752").unwrap_err();
    assert!(
        matches!(&several, StoreError::AmbiguousPrefix { candidates, are_more: false, .. } if candidates.len() == 2),
        "{several:?}"
    );
}

fn guardrail_reads_back_as_version_one(store: &mut dyn Store) {
    let written = GuardrailRecord {
        scope: GuardrailScope {
            client: Some("editor".to_owned()),
            server: Some("mail".to_owned()),
        },
        metadata: json_object(r#"{"team":"blue"}"#),
        action: "paused".to_owned(),
        enabled: false,
        version: 9,
        ..guardrail(1)
    };
    store.create_guardrail(&written).unwrap();
    let first = GuardrailRecord {
        version: 1,
        ..written
    };
    assert_eq!(store.guardrail(&id(1)).unwrap(), Some(first.clone()));
    assert_eq!(
        store.guardrails(None).unwrap().as_slice(),
        slice::from_ref(&first)
    );
    let version = GuardrailVersion {
        record: first,
        deleted: false,
    };
    assert_eq!(history(store, 1), [version]);
    assert_eq!(store.guardrail(&id(2)).unwrap(), None);
}

fn change_makes_the_next_version_and_keeps_the_last(store: &mut dyn Store) {
    store.create_guardrail(&guardrail(1)).unwrap();
    let change = GuardrailChange {
        content: Some("raise \"yes\" if: ...".to_owned()),
        ..GuardrailChange::default()
    };
    let next = store
        .update_guardrail(&id(1), &change, time(50))
        .unwrap()
        .unwrap();
    let expected = GuardrailRecord {
        content: "raise \"yes\" if: ...".to_owned(),
        version: 2,
        updated_at: time(50),
        ..guardrail(1)
    };
    assert_eq!(next, expected);
    // The same once more changes nothing.
    let again = store.update_guardrail(&id(1), &change, time(51)).unwrap();
    assert_eq!(again, Some(expected.clone()));
    assert_eq!(store.guardrail(&id(1)).unwrap(), Some(expected.clone()));
    let history = history(store, 1);
    let records: Vec<_> = history.into_iter().map(|version| version.record).collect();
    assert_eq!(records, [expected, guardrail(1)]);
    assert_eq!(
        store.update_guardrail(&id(2), &change, time(51)).unwrap(),
        None
    );
}

fn deleted_guardrail_keeps_its_history(store: &mut dyn Store) {
    store.create_guardrail(&guardrail(1)).unwrap();
    assert!(store.delete_guardrail(&id(1), time(60)).unwrap());
    assert!(!store.delete_guardrail(&id(1), time(61)).unwrap());
    assert_eq!(store.guardrails(None).unwrap(), []);
    let history = history(store, 1);
    let told: Vec<_> = history
        .iter()
        .map(|version| {
            (
                version.record.version,
                version.deleted,
                version.record.updated_at,
            )
        })
        .collect();
    assert_eq!(told, [(2, true, time(60)), (1, false, time(1))]);
}

fn guardrails_belong_to_a_project_or_to_all_sessions(store: &mut dyn Store) {
    store.create_project(&project(1, "mail")).unwrap();
    let of_project = |n| GuardrailRecord {
        project: Some(id::<ProjectId>(1)),
        ..guardrail(n)
    };
    for record in [of_project(3), guardrail(1), of_project(2)] {
        store.create_guardrail(&record).unwrap();
    }
    assert_eq!(store.guardrails(None).unwrap(), [guardrail(1)]);
    assert_eq!(
        store.guardrails(Some(&id(1))).unwrap(),
        [of_project(2), of_project(3)]
    );
    assert_eq!(store.guardrails(Some(&id(2))).unwrap(), []);
    let stranger = GuardrailRecord {
        project: Some(id::<ProjectId>(2)),
        ..guardrail(4)
    };
    store.create_guardrail(&stranger).unwrap_err();
    assert_eq!(store.guardrail(&id(4)).unwrap(), None);
}

fn every_change_is_counted(store: &mut dyn Store) {
    let mut last = store.guardrails_changed().unwrap();
    let mut is_counted = |store: &mut dyn Store| {
        let now = store.guardrails_changed().unwrap();
        assert!(now > last, "{now} after {last}");
        last = now;
    };
    store.create_guardrail(&guardrail(1)).unwrap();
    is_counted(store);
    let change = GuardrailChange {
        enabled: Some(false),
        ..GuardrailChange::default()
    };
    store.update_guardrail(&id(1), &change, time(5)).unwrap();
    is_counted(store);
    store.delete_guardrail(&id(1), time(6)).unwrap();
    is_counted(store);
}

fn what_changes_nothing_is_not_counted(store: &mut dyn Store) {
    store.create_guardrail(&guardrail(1)).unwrap();
    let counted = store.guardrails_changed().unwrap();
    let same = GuardrailChange {
        name: Some(guardrail(1).name),
        ..GuardrailChange::default()
    };
    store.update_guardrail(&id(1), &same, time(5)).unwrap();
    store.update_guardrail(&id(2), &same, time(5)).unwrap();
    assert!(!store.delete_guardrail(&id(2), time(5)).unwrap());
    store.create_guardrail(&guardrail(1)).unwrap_err();
    assert_eq!(store.guardrails_changed().unwrap(), counted);
}

fn lists_come_in_pages_bounded_in_bytes(store: &mut dyn Store) {
    for n in 1..=6 {
        store.create_guardrail(&guardrail(n)).unwrap();
    }
    let mut page = |limit, offset| {
        let found = store.guardrail_page(None, GuardrailPage { limit, offset });
        let found = found.unwrap();
        let ids = found.items.into_iter().map(|found| found.id);
        (ids.collect::<Vec<GuardrailId>>(), found.more)
    };
    let ids = |numbers: &[u64]| numbers.iter().map(|n| id(*n)).collect::<Vec<_>>();
    assert_eq!(page(2, 1), (ids(&[2, 3]), true));
    assert_eq!(page(5, 1), (ids(&[2, 3, 4, 5, 6]), true));
    assert_eq!(page(6, 1), (ids(&[2, 3, 4, 5, 6]), false));
    assert_eq!(page(5, 6), (ids(&[]), false));

    for n in 1..=9 {
        let change = GuardrailChange {
            content: Some("x".repeat((1 << 20) + n)),
            ..GuardrailChange::default()
        };
        store.update_guardrail(&id(1), &change, time(9)).unwrap();
    }
    let mut places = Vec::new();
    let mut page = GuardrailPage::first();
    loop {
        let found = store.guardrail_history(&id(1), page).unwrap();
        page = page.after(found.items.len());
        places.push(found.items.len());
        if !found.more {
            break;
        }
    }
    assert_eq!(places, [4, 4, 2]);
}
