//! Moves: compare-and-swap, with records and deliveries in the same transaction.

use crate::addressed;
use crate::common::place::{Place, count};
use crate::common::sample::{at, revocation, verified};
use revoked::audit::record::{self, About};
use revoked::domain::acknowledged::{Acknowledged, End, Presser};
use revoked::domain::lifecycle::Life;
use revoked::domain::revocation::State;
use revoked::store::{Evidenced, LandedRecord, Move, NewRecord, Store, StoreError, Stored};
use sqlx::AssertSqlSafe;
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

/// The log takes everything.
async fn land(store: &Store) {
    let queued = store.queued(100).await.unwrap();
    let landed: Vec<_> = (2..)
        .zip(queued)
        .map(|(seq, record)| LandedRecord { record, seq, hash: "x".to_owned() })
        .collect();
    store.land(&landed).await.unwrap();
}

/// Every column of every row, as text.
async fn everything(store: &Store) -> String {
    let Store::Sqlite { write, .. } = store else { panic!("a file is read") };
    let columns = "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
        WHERE t.type = 'table'";
    let columns: Vec<(String, String)> = sqlx::query_as(columns).fetch_all(write).await.unwrap();
    assert!(columns.len() > 50, "{columns:?}");
    let mut all = Vec::new();
    for (table, column) in columns {
        let text = format!(r#"SELECT quote("{column}") FROM "{table}""#);
        let values: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(text)).fetch_all(write).await.unwrap();
        all.extend(values);
    }
    all.join("\n")
}

/// A move that changes nothing but the acknowledgement, with its record.
fn in_hand(
    from: &Stored,
    second: i64,
    acknowledged: Option<Acknowledged>,
    record: NewRecord,
) -> Move {
    let acknowledged = acknowledged.map(Box::new);
    let life = Life { acknowledged, ..from.life.as_ref().clone() };
    Move { life, evidence: None, records: vec![record], ..verified(from, second) }
}

#[tokio::test]
async fn who_pressed_a_button_is_in_no_row_once_that_is_over() {
    const USER: &str = "U0PRESSER1";
    let place = Place::sqlite();
    let store = place.open().await;
    store.set_receivers(&addressed(&[("slack", Duration::ZERO)])).await.unwrap();
    let from = open(&store).await;
    land(&store).await;
    let [user, disclosure, commitment] = [USER, "WyJzYWx0Il0", "commit"].map(str::to_owned);
    let by = Presser { user, disclosure, commitment };
    let known = Acknowledged::taken(by, at(60), at(60), Duration::from_secs(3_600));
    let about = About { revocation: &from.revocation, subject: &from.subject_id, at: at(60) };
    let body = record::acknowledged(&about, &known, &[]);
    let taken = NewRecord { kind: "overdue_acknowledged", body };
    store.advance(&in_hand(&from, 60, Some(known.clone()), taken)).await.unwrap();
    let pressed = store.revocation("rev_1").await.unwrap().unwrap();
    assert_eq!(pressed.in_hand(), None, "the log does not have it");
    land(&store).await;
    let pressed = store.revocation("rev_1").await.unwrap().unwrap();
    assert_eq!(pressed.in_hand(), Some(&known));
    let landed = pressed.landed.as_ref().unwrap().acknowledged.as_deref();
    assert_eq!(landed, Some(&known.unnamed()));
    assert_eq!(everything(&store).await.matches(USER).count(), 1, "as committed, and nowhere else");

    let about = About { at: at(4_000), ..about };
    let body = record::acknowledgement_ended(&about, &known, End::Over, &[]);
    let over = NewRecord { kind: "acknowledgement_ended", body };
    store.advance(&in_hand(&pressed, 4_000, None, over)).await.unwrap();
    assert_eq!(store.revocation("rev_1").await.unwrap().unwrap().in_hand(), None);
    for _ in 0..2 {
        let all = everything(&store).await;
        assert!(!all.contains(USER) && !all.contains(&known.by.disclosure), "{all}");
        land(&store).await;
    }
    let ended = store.revocation("rev_1").await.unwrap().unwrap();
    assert_eq!(ended.landed.as_ref(), Some(&ended.life));
}
