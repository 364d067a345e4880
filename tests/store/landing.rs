//! Landing: only what the log holds is shown to people, and only then they are told.

use crate::addressed;
use crate::common::place::{Place, count, execute};
use crate::common::sample::{at, revocation, verified};
use revoked::domain::revocation::State;
use revoked::store::{LandedRecord, Store};
use std::time::Duration;

on_both!(
    a_revocation_is_shown_once_its_last_record_landed,
    a_move_is_shown_once_its_last_record_landed,
    deliveries_are_due_once_their_record_landed,
    landing_twice_changes_nothing,
    a_landing_that_fails_halfway_leaves_nothing_behind,
);

/// The next `count` queued records, as if the log had taken them from line `seq` on.
async fn next(store: &Store, count: i64, seq: u64) -> Vec<LandedRecord> {
    let queued = store.queued(count).await.unwrap();
    (seq..)
        .zip(queued)
        .map(|(seq, record)| LandedRecord { record, seq, hash: format!("hash {seq}") })
        .collect()
}

async fn shown(store: &Store) -> Vec<State> {
    let listed = store.list(10).await.unwrap();
    listed.into_iter().map(|found| found.stored.landed.unwrap().state).collect()
}

async fn a_revocation_is_shown_once_its_last_record_landed(place: &Place) {
    let store = place.open().await;
    let new = revocation("rev_1", "john");
    store.accept(&new).await.unwrap();
    assert_eq!(store.landed_mark().await.unwrap(), None);
    assert_eq!(store.landed("rev_1.1").await.unwrap(), Some(false));
    assert_eq!(store.landed("rev_1.9").await.unwrap(), None);

    store.land(&next(&store, 1, 2).await).await.unwrap();
    assert_eq!(store.landed_mark().await.unwrap(), Some((2, "hash 2".to_owned())));
    assert_eq!(store.landed("rev_1.1").await.unwrap(), Some(true));
    assert_eq!(store.queued_count().await.unwrap(), 2);
    assert_eq!(shown(&store).await, [], "two of its records are not in the log");

    store.land(&next(&store, 10, 3).await).await.unwrap();
    assert_eq!(store.landed_mark().await.unwrap(), Some((4, "hash 4".to_owned())));
    assert_eq!(store.queued_count().await.unwrap(), 0);
    assert_eq!(shown(&store).await, [State::Open]);
    assert_eq!(
        store.revocation("rev_1").await.unwrap().unwrap().landed.as_deref(),
        Some(&new.life)
    );
}

async fn a_move_is_shown_once_its_last_record_landed(place: &Place) {
    let store = place.open().await;
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    store.land(&next(&store, 10, 2).await).await.unwrap();
    let from = store.revocation("rev_1").await.unwrap().unwrap();
    store.advance(&verified(&from, 60)).await.unwrap();
    assert_eq!(shown(&store).await, [State::Open], "committed, and not in the log");
    store.land(&next(&store, 1, 6).await).await.unwrap();
    assert_eq!(shown(&store).await, [State::Open], "the record that proves it is not in the log");
    store.land(&next(&store, 1, 8).await).await.unwrap();
    assert_eq!(shown(&store).await, [State::Verified]);
}

async fn deliveries_are_due_once_their_record_landed(place: &Place) {
    let store = place.open().await;
    store.set_receivers(&addressed(&[("ops", ZERO), ("hr", ZERO)])).await.unwrap();
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    let from = store.revocation("rev_1").await.unwrap().unwrap();
    store.advance(&verified(&from, 60)).await.unwrap();
    assert_eq!(due(&store).await, "");

    // All but the last record of the first transaction, the one that is told among them.
    store.land(&next(&store, 2, 2).await).await.unwrap();
    assert_eq!(due(&store).await, "");

    store.land(&next(&store, 1, 4).await).await.unwrap();
    assert_eq!(due(&store).await, "hr rev_1.2:hr opened 3, ops rev_1.2:ops opened 3");

    store.land(&next(&store, 10, 7).await).await.unwrap();
    let first = store.outbox_heads("ops", at(100), 10).await.unwrap();
    assert_eq!(first.len(), 1, "order is kept: {first:?}");
    assert_eq!(count(&store, "outbox WHERE state = 'due'").await, 6);
}

const ZERO: Duration = Duration::ZERO;

/// What may be sent to each.
async fn due(store: &Store) -> String {
    let mut all = Vec::new();
    for receiver in ["hr", "ops"] {
        for one in store.outbox_heads(receiver, at(100), 10).await.unwrap() {
            all.push(format!("{receiver} {} {} {}", one.id, one.topic, one.seq.unwrap()));
        }
    }
    all.join(", ")
}

async fn landing_twice_changes_nothing(place: &Place) {
    let store = place.open().await;
    store.set_receivers(&addressed(&[("ops", ZERO)])).await.unwrap();
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    let landed = next(&store, 10, 2).await;
    store.land(&landed).await.unwrap();
    let before = store.revocation("rev_1").await.unwrap();
    execute(&store, "UPDATE outbox SET state = 'sent'").await;
    store.land(&landed).await.unwrap();
    assert_eq!(store.revocation("rev_1").await.unwrap(), before);
    assert_eq!(store.landed_mark().await.unwrap(), Some((4, "hash 4".to_owned())));
    assert_eq!(due(&store).await, "", "what was sent is not sent again");
    store.land(&[]).await.unwrap();
    assert_eq!(store.landed_mark().await.unwrap(), Some((4, "hash 4".to_owned())));
}

async fn a_landing_that_fails_halfway_leaves_nothing_behind(place: &Place) {
    let store = place.open().await;
    store.set_receivers(&addressed(&[("ops", ZERO)])).await.unwrap();
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    // The mark comes last; without its table the whole landing is undone.
    execute(&store, "ALTER TABLE agent_meta RENAME TO hidden").await;
    assert!(store.land(&next(&store, 10, 2).await).await.is_err());
    execute(&store, "ALTER TABLE hidden RENAME TO agent_meta").await;
    assert_eq!(store.queued_count().await.unwrap(), 3);
    assert_eq!(shown(&store).await, []);
    assert_eq!(due(&store).await, "");
    assert_eq!(store.landed_mark().await.unwrap(), None);
    store.land(&next(&store, 10, 2).await).await.unwrap();
    assert_eq!(shown(&store).await, [State::Open]);
}
