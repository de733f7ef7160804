use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};

use portcullis_store::{Location, Pool, SessionFilter, StoreError};
use tokio::task::JoinSet;

use crate::backend::Place;
use crate::records::{id, project, session};

async fn many_callers_share_few_connections(place: &Place) {
    let pool = Pool::new(place.location.clone());
    let running = Arc::new(AtomicU32::new(0));
    let most = Arc::new(AtomicU32::new(0));
    let mut callers = JoinSet::new();
    for n in 1..=32 {
        let (pool, running, most) = (pool.clone(), Arc::clone(&running), Arc::clone(&most));
        callers.spawn(async move {
            pool.run(move |store| {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let written = store.write(&[session(n).into()]);
                running.fetch_sub(1, Ordering::SeqCst);
                written
            })
            .await
        });
    }
    while let Some(written) = callers.join_next().await {
        written.unwrap().unwrap();
    }
    let sessions = pool
        .run(|store| store.sessions(&SessionFilter::newest(100)))
        .await;
    assert_eq!(sessions.unwrap().len(), 32);
    assert!(most.load(Ordering::SeqCst) <= 4, "{most:?} at a time");
    // Its connections are closed here, on a thread that runs async code.
    drop(pool);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_few_sqlite_connections() {
    many_callers_share_few_connections(&Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_share_few_postgres_connections() {
    // The schema is made and removed with a client that blocks.
    let place = tokio::task::spawn_blocking(Place::postgres).await.unwrap();
    if let Some(place) = place {
        many_callers_share_few_connections(&place).await;
        tokio::task::spawn_blocking(|| drop(place)).await.unwrap();
    }
}

#[tokio::test]
async fn refusal_of_the_store_reaches_the_caller_and_the_next_one_works() {
    let place = Place::sqlite();
    let pool = Pool::new(place.location.clone());
    pool.run(|store| store.create_project(&project(1, "mail")))
        .await
        .unwrap();
    let error = pool
        .run(|store| store.create_project(&project(2, "mail")))
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::ProjectExists { .. }),
        "{error:?}"
    );
    let found = pool.run(|store| store.project(&id(1))).await.unwrap();
    assert_eq!(found.unwrap().project.name, "mail");
}

#[tokio::test]
async fn no_connection_to_a_file_that_was_replaced_is_used_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.db");
    let pool = Pool::new(Location::Sqlite(path.clone()));
    let both_are_open = Arc::new(Barrier::new(2));
    let open = || {
        let both_are_open = Arc::clone(&both_are_open);
        pool.run(move |_| {
            both_are_open.wait();
            Ok(())
        })
    };
    let (one, other) = tokio::join!(open(), open());
    one.and(other).unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = pool.run(|store| store.guardrails(None)).await.unwrap_err();
    assert!(matches!(error, StoreError::Replaced { .. }), "{error:?}");
    pool.run(|store| store.guardrails(None)).await.unwrap();
}

#[tokio::test]
async fn panic_of_the_work_is_told_as_one_and_the_next_caller_is_served() {
    let pool = Pool::new(Place::sqlite().location.clone());
    let error = pool
        .run::<()>(|_| panic!("as the work might"))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Panicked), "{error:?}");
    pool.run(|store| store.guardrails(None)).await.unwrap();
}

#[test]
fn location_shows_no_password() {
    let check = |text: &str, shown: &str| {
        let location: Location = text.parse().unwrap();
        assert_eq!(location.to_string(), shown);
        assert_eq!(format!("{location:?}"), shown);
    };
    check("data/traces.db", "data/traces.db");
    check(
        "postgres://me:p@ss@db.example:5433/traces?sslmode=require",
        "postgres://db.example:5433/traces",
    );
    check("postgresql://db/traces", "postgresql://db/traces");
    let error = "mysql://me:secret@db/x".parse::<Location>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`mysql://db/x` is not the address of a database"
    );
}
