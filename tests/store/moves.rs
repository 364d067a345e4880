//! Moves: compare-and-swap, with records and deliveries in the same transaction.

use crate::addressed;
use crate::common::place::{Place, count};
use crate::common::sample::{at, revocation, verified};
use revoked::domain::revocation::State;
use revoked::store::{Evidenced, StoreError, Stored};
use std::time::Duration;

on_both!(
    a_move_is_read_back,
    the_second_move_from_the_same_row_loses,
    of_two_moves_at_the_same_moment_one_wins,
    records_keep_their_order_when_the_clock_goes_back,
    a_move_that_fails_halfway_leaves_nothing_behind,
    all_of_a_subject_are_read_however_many_there_are,
);

async fn open(store: &revoked::store::Store) -> Evidenced {
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    store.revocation("rev_1").await.unwrap().unwrap()
}

async fn a_move_is_read_back(place: &Place) {
    let store = place.open().await;
    let from = open(&store).await;
    let step = verified(&from, 60);
    assert_eq!(store.advance(&step).await.unwrap().as_deref(), Some("rev_1.5"));
    let Evidenced { stored, evidence } = store.revocation("rev_1").await.unwrap().unwrap();
    assert_eq!((&*stored.life, stored.landed), (&step.life, None));
    assert_eq!((Some(evidence), stored.watch_until), (step.evidence, step.watch_until));
    assert_eq!((stored.version, stored.records, stored.queued_at), (2, 5, at(60)));
}

async fn the_second_move_from_the_same_row_loses(place: &Place) {
    let store = place.open().await;
    store.set_receivers(&addressed(&[("ops", Duration::ZERO)])).await.unwrap();
    let from = open(&store).await;
    store.advance(&verified(&from, 60)).await.unwrap();
    let moved = store.revocation("rev_1").await.unwrap();
    match store.advance(&verified(&from, 61)).await {
        Err(StoreError::Conflict { id, version }) => {
            assert_eq!((id.as_str(), version), ("rev_1", 1));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(store.revocation("rev_1").await.unwrap(), moved);
    assert_eq!(count(&store, "record").await, 5);
    assert_eq!(count(&store, "outbox").await, 3, "one of the beginning, two of the move");
}

async fn of_two_moves_at_the_same_moment_one_wins(place: &Place) {
    let (here, there) = (place.open().await, place.open().await);
    let mut from = open(&here).await;
    for round in 0..10 {
        let (one, other) = (verified(&from, round), verified(&from, round + 100));
        let (one, other) = tokio::join!(here.advance(&one), there.advance(&other));
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        from = here.revocation("rev_1").await.unwrap().unwrap();
        assert_eq!((from.version, from.records), (2 + round, 5 + 2 * round));
    }
    assert_eq!(count(&here, "record").await, 3 + 2 * 10);
}

async fn records_keep_their_order_when_the_clock_goes_back(place: &Place) {
    let store = place.open().await;
    let mut from = open(&store).await;
    for second in [100, -5000, 50] {
        store.advance(&verified(&from, second)).await.unwrap();
        from = store.revocation("rev_1").await.unwrap().unwrap();
        assert_eq!(from.queued_at, at(100), "never back");
    }
    let ids: Vec<_> = store.queued(100).await.unwrap().into_iter().map(|r| r.id).collect();
    let wanted: Vec<_> = (1..=9).map(|ordinal| format!("rev_1.{ordinal}")).collect();
    assert_eq!(ids, wanted);
    let first: Vec<_> = store.queued(4).await.unwrap().into_iter().map(|r| r.id).collect();
    assert_eq!(first, wanted[..4], "a limit cuts at the end");
}

async fn a_move_that_fails_halfway_leaves_nothing_behind(place: &Place) {
    let store = place.open().await;
    store.set_receivers(&addressed(&[("ops", Duration::ZERO)])).await.unwrap();
    let from = open(&store).await;
    // As if records had been miscounted: the second to be inserted is there already.
    let miscounted = Stored { records: from.records - 1, ..from.stored.clone() };
    assert!(matches!(
        store.advance(&verified(&miscounted, 60)).await,
        Err(StoreError::Database(_))
    ));
    let stored = store.revocation("rev_1").await.unwrap().unwrap();
    assert_eq!(stored.life.state, State::Open);
    assert_eq!(stored, from, "the row was updated before, and is as it was");
    assert_eq!(count(&store, "record").await, 3);
    assert_eq!(count(&store, "outbox").await, 1);
    store.advance(&verified(&from, 60)).await.unwrap();
}

/// Else an end of theirs could not be taken back.
async fn all_of_a_subject_are_read_however_many_there_are(place: &Place) {
    let store = place.open().await;
    let all: Vec<_> = (0..2_001)
        .map(|number| {
            let mut new = revocation(&format!("rev_{number:04}"), "john");
            (new.new_subject, new.subject.id) = (number == 0, "s_john".to_owned());
            // Many came at the same instant.
            new.revocation.received_at = at(number / 700);
            new
        })
        .collect();
    for some in all.chunks(500) {
        for accepted in store.accept_all(some).await.unwrap() {
            accepted.unwrap();
        }
    }
    let other = revocation("rev_other", "jane");
    store.accept(&other).await.unwrap();
    let ids = |found: Vec<Evidenced>| -> Vec<String> {
        found.into_iter().map(|one| one.stored.revocation.id).collect()
    };
    let newest_first: Vec<String> = (0..2_001).rev().map(|n| format!("rev_{n:04}")).collect();
    assert_eq!(ids(store.ever_of("john").await.unwrap()), newest_first);
    assert_eq!(ids(store.expected_of("john").await.unwrap()), newest_first);
}
