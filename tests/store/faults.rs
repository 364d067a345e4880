//! Databases that break off, lock up or fall silent: an error each time, and nothing left behind.

use crate::common::frozen::Frozen;
use crate::common::place::{Place, count, execute};
use crate::common::sample::revocation;
use crate::common::{LiveSession, cluster, sql};
use revoked::store::{Store, StoreError};
use std::time::Duration;

#[tokio::test]
async fn a_transaction_that_a_full_database_ended_is_not_taken_for_open() {
    let place = Place::sqlite();
    let store = place.open().await;
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    // SQLite then undoes the whole transaction by itself, as it does on a full disk.
    execute(&store, "PRAGMA max_page_count = 1").await;
    let mut large = revocation("rev_2", "jane");
    large.notice.body = "x".repeat(1_000_000);
    store.accept(&large).await.unwrap_err();
    execute(&store, "PRAGMA max_page_count = 1000000").await;

    // One that fails for a reason of its own, such as a lost race, must not stay open ...
    store.accept(&revocation("rev_1", "jack")).await.unwrap_err();
    // ... or what follows would be part of it: called committed, and seen by nobody.
    store.accept(&large).await.unwrap();
    let other = place.open().await;
    assert_eq!(count(&other, "revocation").await, 2);
    assert_eq!(store.queued_count().await.unwrap(), 6);
}

#[tokio::test]
async fn locked_tables_are_an_error_in_time() {
    let place = Place::postgres();
    let store = place.open().await;
    let Place::Postgres(cluster, name) = &place else { unreachable!() };
    let lock = "BEGIN; LOCK TABLE revocation, record;";
    let locker = LiveSession::open(cluster, "postgres", name, lock);
    let refused = store.accept(&revocation("rev_1", "john")).await.unwrap_err();
    let StoreError::Database(sqlx::Error::Database(refused)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(refused.code().as_deref(), Some("55P03"), "{refused}");
    drop(locker);
    store.accept(&revocation("rev_1", "john")).await.unwrap();
}

/// A server that stops in the middle of its work neither does it nor refuses.
#[tokio::test]
async fn a_frozen_server_is_an_error_in_time() {
    let cluster = cluster();
    let store = Store::open(&cluster.url("postgres", "postgres")).await.unwrap();
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    let lock = "BEGIN; LOCK TABLE revocation;";
    let locker = LiveSession::open(&cluster, "postgres", "postgres", lock);
    let new = revocation("rev_2", "jane");
    let freeze = async {
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted;";
        while sql(&cluster, "postgres", "postgres", waiting).trim() != "1" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let frozen = Frozen::freeze(&cluster);
        // From here on timeouts pass at once, since nothing else happens.
        tokio::time::pause();
        frozen
    };
    let (silent, frozen) = tokio::join!(store.accept(&new), freeze);
    assert!(matches!(silent, Err(StoreError::Silent(_))), "{silent:?}");
    // Connections that were given up do not use up the pool.
    for _ in 0..20 {
        let away = store.queued_count().await;
        assert!(matches!(away, Err(StoreError::Database(sqlx::Error::PoolTimedOut))), "{away:?}");
    }
    tokio::time::resume();
    drop((frozen, locker));
    store.accept(&revocation("rev_3", "jack")).await.unwrap();
    assert_eq!(count(&store, "revocation").await, 2, "what was given up was not done");
}
