use portcullis_store::{
    Annotation, AnnotationChange, AnnotationCount, Replaced, Store, StoreError,
};

use crate::backend::{on_every_backend, write};
use crate::records::{annotation, id, json_object, session, session_id};

on_every_backend!(
    annotations_read_back_in_their_order,
    annotation_of_an_unknown_session_is_refused_with_its_batch,
    change_is_kept_and_deletion_too,
    annotations_of_a_source_are_replaced_unless_a_person_decided,
    annotations_are_counted_by_source,
    annotations_go_with_their_session,
);

fn annotations_read_back_in_their_order(store: &mut dyn Store) {
    write(store, [session(1)]);
    let bare = Annotation {
        metadata: json_object("{}"),
        address: "messages[0].content:L0".to_owned(),
        ..annotation(2, "")
    };
    store
        .annotate(&[bare.clone(), annotation(1, "scanner")])
        .unwrap();
    assert_eq!(
        store.annotations(&session_id(1)).unwrap(),
        [annotation(1, "scanner"), bare]
    );
    assert_eq!(store.annotations(&session_id(2)).unwrap(), []);
}

fn annotation_of_an_unknown_session_is_refused_with_its_batch(store: &mut dyn Store) {
    write(store, [session(1)]);
    let stranger = Annotation {
        session: session_id(2),
        ..annotation(2, "scanner")
    };
    let error = store
        .annotate(&[annotation(1, "scanner"), stranger])
        .unwrap_err();
    assert!(
        matches!(error, StoreError::UnknownSession { .. }),
        "{error:?}"
    );
    assert_eq!(store.annotations(&session_id(1)).unwrap(), []);
}

fn change_is_kept_and_deletion_too(store: &mut dyn Store) {
    write(store, [session(1)]);
    store.annotate(&[annotation(1, "scanner")]).unwrap();
    let change = AnnotationChange {
        content: Some("changed".to_owned()),
        ..AnnotationChange::default()
    };
    let expected = Annotation {
        content: "changed".to_owned(),
        ..annotation(1, "scanner")
    };
    assert_eq!(
        store.update_annotation(&id(1), &change).unwrap(),
        Some(expected.clone())
    );
    assert_eq!(store.annotations(&session_id(1)).unwrap(), [expected]);
    assert_eq!(store.update_annotation(&id(2), &change).unwrap(), None);
    assert!(store.delete_annotation(&id(1)).unwrap());
    assert!(!store.delete_annotation(&id(1)).unwrap());
    assert_eq!(store.annotations(&session_id(1)).unwrap(), []);
}

fn annotations_of_a_source_are_replaced_unless_a_person_decided(store: &mut dyn Store) {
    write(store, [session(1)]);
    let accepted = Annotation {
        metadata: json_object(r#"{"source":"scanner","status":"accepted"}"#),
        ..annotation(1, "")
    };
    let pending = Annotation {
        metadata: json_object(r#"{"source":"scanner","status":"pending"}"#),
        ..annotation(2, "")
    };
    store
        .annotate(&[accepted.clone(), pending, annotation(3, "person")])
        .unwrap();
    let replaced = store
        .replace_annotations(&session_id(1), "scanner", &[annotation(4, "scanner")])
        .unwrap();
    assert_eq!(
        replaced,
        Replaced {
            deleted: 1,
            inserted: 1
        }
    );
    assert_eq!(
        store.annotations(&session_id(1)).unwrap(),
        [accepted, annotation(3, "person"), annotation(4, "scanner")]
    );
    // What a person decides later is spared, too.
    let rejected = AnnotationChange {
        metadata: Some(json_object(r#"{"source":"scanner","status":"rejected"}"#)),
        ..AnnotationChange::default()
    };
    store.update_annotation(&id(4), &rejected).unwrap();
    let replaced = store
        .replace_annotations(&session_id(1), "scanner", &[])
        .unwrap();
    assert_eq!(
        replaced,
        Replaced {
            deleted: 0,
            inserted: 0
        }
    );
}

fn annotations_are_counted_by_source(store: &mut dyn Store) {
    write(store, [session(1), session(2)]);
    let bare = Annotation {
        metadata: json_object("{}"),
        session: session_id(2),
        ..annotation(4, "")
    };
    store
        .annotate(&[
            annotation(1, "a"),
            annotation(2, "b"),
            annotation(3, "a"),
            bare,
        ])
        .unwrap();
    let count = |n, source: Option<&str>, annotations| AnnotationCount {
        session: session_id(n),
        source: source.map(str::to_owned),
        annotations,
    };
    let all = [session_id(1), session_id(2), session_id(3)];
    assert_eq!(
        store.annotation_counts(&all).unwrap(),
        [
            count(1, Some("a"), 2),
            count(1, Some("b"), 1),
            count(2, None, 1)
        ]
    );
    assert_eq!(store.annotation_counts(&[]).unwrap(), []);
}

fn annotations_go_with_their_session(store: &mut dyn Store) {
    write(store, [session(1)]);
    store.annotate(&[annotation(1, "a")]).unwrap();
    assert!(store.delete_session(&session_id(1)).unwrap());
    assert!(!store.delete_session(&session_id(1)).unwrap());
    assert!(!store.delete_annotation(&id(1)).unwrap());
}
