//! Canaries: what is remembered, and the record that says so.

use crate::common::place::{Place, count};
use crate::common::sample::at;
use revoked::domain::canary::Watch;
use revoked::store::{LandedRecord, NewRecord, StoreError};

on_both!(a_watch_is_kept_with_its_record, a_record_that_is_there_keeps_the_watch_as_it_was);

fn note() -> NewRecord {
    let body = serde_json::json!({"target": "orders"}).as_object().unwrap().clone();
    NewRecord { kind: "canary_detected", body }
}

async fn a_watch_is_kept_with_its_record(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.canaries().await.unwrap(), []);
    let begun = Watch::begun(at(0));
    store.keep_canary("orders", &begun, None, at(0)).await.unwrap();
    let found = Watch { seen_at: Some(at(1)), good_at: Some(at(1)), ..begun.clone() };
    store.keep_canary("orders", &found, Some(("canary_1", &note())), at(1)).await.unwrap();
    store.keep_canary("billing", &begun, None, at(2)).await.unwrap();
    let kept = store.canaries().await.unwrap();
    let [billing, orders] = &kept[..] else { panic!("{kept:?}") };
    assert_eq!(
        (billing.target.as_str(), &billing.watch, &billing.record),
        ("billing", &begun, &None)
    );
    assert_eq!((orders.record.as_deref(), orders.landed), (Some("canary_1"), false));
    assert_eq!(orders.watch, found);

    let queued = store.queued(10).await.unwrap();
    let [record] = &queued[..] else { panic!("{queued:?}") };
    assert_eq!((record.kind.as_str(), &record.revocation_id), ("canary_detected", &None));
    assert_eq!(
        (&record.body["id"], &record.body["target"]),
        (&"canary_1".into(), &"orders".into())
    );
    let landed = LandedRecord { record: record.clone(), seq: 7, hash: "h".to_owned() };
    store.land(&[landed]).await.unwrap();
    // Seen again without news: the record stays the newest.
    let seen = Watch { seen_at: Some(at(9)), ..found };
    store.keep_canary("orders", &seen, None, at(9)).await.unwrap();
    let kept = store.canaries().await.unwrap();
    assert_eq!((kept[1].record.as_deref(), kept[1].landed), (Some("canary_1"), true));
    assert_eq!(kept[1].watch, seen);

    store.forget_canary("orders").await.unwrap();
    assert_eq!(store.canaries().await.unwrap().len(), 1);
    assert_eq!(count(&store, "record").await, 1, "what was said stays");
}

async fn a_record_that_is_there_keeps_the_watch_as_it_was(place: &Place) {
    let store = place.open().await;
    let begun = Watch::begun(at(0));
    store.keep_canary("orders", &begun, Some(("canary_1", &note())), at(0)).await.unwrap();
    let missed = Watch { missed_at: Some(at(5)), ..begun.clone() };
    let again = store.keep_canary("orders", &missed, Some(("canary_1", &note())), at(5)).await;
    assert!(matches!(again, Err(StoreError::Database(_))), "{again:?}");
    assert_eq!(store.canaries().await.unwrap()[0].watch, begun);
}
