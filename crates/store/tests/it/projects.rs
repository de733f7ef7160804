use portcullis_store::{ProjectChange, ProjectFilter, ProjectId, Store, StoreError};
use portcullis_trace::record::{SessionRecord, Timestamp};

use crate::backend::{on_every_backend, write};
use crate::records::{guardrail, id, json_object, project, session, session_id};

on_every_backend!(
    project_reads_back_and_its_name_is_taken,
    ensured_project_is_the_one_that_was_there,
    session_creates_its_project_and_gets_the_next_place,
    place_that_is_given_is_kept_and_taken_once,
    projects_are_listed_with_what_they_hold,
    change_leaves_alone_what_it_does_not_name,
    deletion_takes_traces_and_guardrails_along,
);

fn filed(n: u64, project: &str) -> SessionRecord {
    SessionRecord {
        project: Some(project.to_owned()),
        ..session(n)
    }
}

fn place(store: &mut dyn Store, n: u64) -> Option<u64> {
    store.session(session_id(n).as_str()).unwrap().session.index
}

fn project_reads_back_and_its_name_is_taken(store: &mut dyn Store) {
    let written = project(1, "payments");
    store.create_project(&written).unwrap();
    let found = store.project(&written.id).unwrap().unwrap();
    assert_eq!(
        (found.project, found.traces, found.latest_trace_at),
        (written, 0, None)
    );
    assert_eq!(
        store.project_named("payments").unwrap().unwrap().project.id,
        id(1)
    );
    assert_eq!(store.project(&id(2)).unwrap(), None);
    assert_eq!(store.project_named("Payments").unwrap(), None);

    let error = store.create_project(&project(2, "payments")).unwrap_err();
    assert!(
        matches!(error, StoreError::ProjectExists { .. }),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "there is a project `payments` already");
}

fn ensured_project_is_the_one_that_was_there(store: &mut dyn Store) {
    let first = store.ensure_project(&project(1, "payments")).unwrap();
    assert_eq!(first, project(1, "payments"));
    assert_eq!(
        store.ensure_project(&project(2, "payments")).unwrap(),
        first
    );
}

fn session_creates_its_project_and_gets_the_next_place(store: &mut dyn Store) {
    write(
        store,
        [
            filed(1, "mail"),
            filed(2, "mail"),
            filed(3, "payments"),
            session(4),
        ],
    );
    let places: Vec<_> = (1..=4).map(|n| place(store, n)).collect();
    assert_eq!(places, [Some(0), Some(1), Some(0), None]);

    let found = store.project_named("mail").unwrap().unwrap();
    assert_eq!(found.traces, 2);
    assert_eq!(found.latest_trace_at, Some(session(2).started_at));
    assert_eq!(found.project.created_at, session(1).started_at);
    assert!(!found.project.is_public);

    // Written again, a session stays where it is.
    write(store, [filed(1, "elsewhere")]);
    let again = store.session(session_id(1).as_str()).unwrap().session;
    assert_eq!(
        (again.project.as_deref(), again.index),
        (Some("mail"), Some(0))
    );
    assert_eq!(store.project_named("elsewhere").unwrap(), None);
}

fn place_that_is_given_is_kept_and_taken_once(store: &mut dyn Store) {
    let at = |n, index| SessionRecord {
        index: Some(index),
        ..filed(n, "mail")
    };
    write(store, [at(1, 7)]);
    write(store, [filed(2, "mail")]);
    write(store, [at(3, 2)]);
    let places: Vec<_> = (1..=3).map(|n| place(store, n)).collect();
    assert_eq!(places, [Some(7), Some(8), Some(2)]);

    let error = store.write(&[at(4, 8).into()]).unwrap_err();
    assert!(
        matches!(error, StoreError::IndexTaken { index: 8, .. }),
        "{error:?}"
    );
    assert!(error.blames_entry());
    assert_eq!(store.project_named("mail").unwrap().unwrap().traces, 3);
}

fn projects_are_listed_with_what_they_hold(store: &mut dyn Store) {
    store.create_project(&project(1, "Payments-EU")).unwrap();
    store.create_project(&project(2, "mail")).unwrap();
    let change = ProjectChange {
        is_public: Some(true),
        metadata: None,
    };
    assert!(store.update_project(&id(2), &change).unwrap());
    write(store, [filed(1, "mail")]);

    let mut check = |filter: ProjectFilter, expected: &[&str]| {
        let found = store.projects(&filter).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|found| found.project.name.as_str())
            .collect();
        assert_eq!(names, expected, "{filter:?}");
    };
    let all = ProjectFilter::newest(10);
    check(all.clone(), &["mail", "Payments-EU"]);
    let contains = |part: &str| ProjectFilter {
        name_contains: Some(part.to_owned()),
        ..all.clone()
    };
    check(contains("pay"), &["Payments-EU"]);
    check(contains("%"), &[]);
    check(contains(""), &[]);
    let public = |is_public| ProjectFilter {
        is_public: Some(is_public),
        ..all.clone()
    };
    check(public(true), &["mail"]);
    check(public(false), &["Payments-EU"]);
    check(
        ProjectFilter {
            limit: 1,
            offset: 1,
            ..all.clone()
        },
        &["Payments-EU"],
    );
    let traces: Vec<_> = store
        .projects(&all)
        .unwrap()
        .iter()
        .map(|found| found.traces)
        .collect();
    assert_eq!(traces, [1, 0]);
}

fn change_leaves_alone_what_it_does_not_name(store: &mut dyn Store) {
    store.create_project(&project(1, "mail")).unwrap();
    let metadata = json_object(r#"{"accuracy":0.5}"#);
    let change = ProjectChange {
        is_public: None,
        metadata: Some(metadata.clone()),
    };
    assert!(store.update_project(&id(1), &change).unwrap());
    assert!(
        store
            .update_project(&id(1), &ProjectChange::default())
            .unwrap()
    );
    let found = store.project(&id(1)).unwrap().unwrap().project;
    assert_eq!((found.is_public, found.metadata), (false, metadata));
    assert!(!store.update_project(&id(2), &change).unwrap());
    assert!(
        !store
            .update_project(&id(2), &ProjectChange::default())
            .unwrap()
    );
}

fn deletion_takes_traces_and_guardrails_along(store: &mut dyn Store) {
    store.create_project(&project(1, "mail")).unwrap();
    write(store, [filed(1, "mail"), filed(2, "payments"), session(3)]);
    let mut of_project = guardrail(1);
    of_project.project = Some(id::<ProjectId>(1));
    store.create_guardrail(&of_project).unwrap();
    store.create_guardrail(&guardrail(2)).unwrap();
    let changed = store.guardrails_changed().unwrap();

    assert!(store.delete_project(&id(1)).unwrap());
    assert!(!store.delete_project(&id(1)).unwrap());
    assert_eq!(store.project_named("mail").unwrap(), None);
    let gone = store.session(session_id(1).as_str()).unwrap_err();
    assert!(matches!(gone, StoreError::Unknown { .. }), "{gone:?}");
    store.session(session_id(2).as_str()).unwrap();
    store.session(session_id(3).as_str()).unwrap();
    assert_eq!(store.guardrail(&id(1)).unwrap(), None);
    assert!(store.guardrail(&id(2)).unwrap().is_some());
    assert!(store.guardrails_changed().unwrap() > changed);
    assert_eq!(store.problems().unwrap(), Vec::<String>::new());
    // The name is free again.
    write(
        store,
        [SessionRecord {
            started_at: Timestamp::from_micros(5),
            ..filed(4, "mail")
        }],
    );
    assert_eq!(place(store, 4), Some(0));
}
