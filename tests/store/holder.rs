//! One log and one agent per store.

use crate::common::place::Place;
use crate::common::sample::at;
use revoked::store::StoreError;

on_both!(
    a_store_belongs_to_one_log,
    one_agent_holds_the_store,
    of_two_claims_at_the_same_moment_one_wins,
);

async fn a_store_belongs_to_one_log(place: &Place) {
    let store = place.open().await;
    store.bind_to_log("revoked/a/1").await.unwrap();
    store.bind_to_log("revoked/a/1").await.unwrap();
    store.close().await;
    let store = place.open().await;
    let refused = store.bind_to_log("revoked/b/2").await.unwrap_err();
    assert!(matches!(refused, StoreError::Held(_)));
    let says = refused.to_string();
    for part in ["belongs to the log revoked/a/1", "is revoked/b/2", "Use that log, or a new store"]
    {
        assert!(says.contains(part), "{says}");
    }
    store.bind_to_log("revoked/a/1").await.unwrap();
}

async fn one_agent_holds_the_store(place: &Place) {
    let store = place.open().await;
    store.claim("host:1:1", at(0)).await.unwrap();
    store.claim("host:1:1", at(0)).await.unwrap();
    store.claim("host:1:1", at(30)).await.unwrap();
    for second in [-100, 30, 89] {
        let held = store.claim("host:1:2", at(second)).await.unwrap_err();
        assert!(matches!(held, StoreError::Held(_)), "{second}: {held:?}");
        let says = held.to_string();
        assert!(says.contains("another agent holds it (host:1:1"), "{says}");
        assert!(says.contains("Stop that one first"), "{says}");
    }
    store.claim("host:1:2", at(90)).await.unwrap();
    assert!(store.claim("host:1:1", at(91)).await.is_err(), "it changed hands");

    // Only the holder can give it up.
    store.release("host:1:1", at(92)).await.unwrap();
    assert!(store.claim("host:1:1", at(92)).await.is_err());
    store.release("host:1:2", at(92)).await.unwrap();
    store.claim("host:1:1", at(92)).await.unwrap();
}

async fn of_two_claims_at_the_same_moment_one_wins(place: &Place) {
    let (here, there) = (place.open().await, place.open().await);
    for round in 0..10 {
        let now = at(round * 100);
        let (one, other) = tokio::join!(here.claim("host:1:1", now), there.claim("host:1:2", now));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let refused = one.err().or(other.err()).unwrap();
        assert!(matches!(refused, StoreError::Held(_)), "{refused:?}");
    }
}
