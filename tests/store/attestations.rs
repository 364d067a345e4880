//! Periods that end: each once, with its record; and what attestations are worked out from.

use crate::addressed;
use crate::common::place::{Place, count};
use crate::common::sample::{at, revocation};
use revoked::domain::delivery::{Standing, Topic};
use revoked::domain::time::UtcTime;
use revoked::store::{LandedRecord, NewRecord, Store};
use serde_json::{Map, json};
use std::time::Duration;

on_both!(
    a_period_ends_once_with_its_record_and_what_is_filed_of_it,
    records_are_replayed_in_the_order_of_the_log_and_looks_are_left_out,
);

fn due(name: &str) -> NewRecord {
    let body = json!({"at": at(0), "attestation": name, "from": at(0), "to": at(9)});
    NewRecord { kind: "attestation_due", body: body.as_object().unwrap().clone() }
}

async fn land(store: &Store, first: u64) -> u64 {
    let queued = store.queued(100).await.unwrap();
    let landed: Vec<LandedRecord> = (first..)
        .zip(queued)
        .map(|(seq, record)| LandedRecord { record, seq, hash: "00".to_owned() })
        .collect();
    store.land(&landed).await.unwrap();
    first + landed.len() as u64
}

async fn a_period_ends_once_with_its_record_and_what_is_filed_of_it(place: &Place) {
    let store = place.open().await;
    let told = [("slack", Duration::ZERO), ("confluence", Duration::ZERO)];
    store.set_receivers(&addressed(&told)).await.unwrap();
    assert_eq!(store.attested_up_to("weekly").await.unwrap(), None);
    store.begin_attestation("weekly", at(0)).await.unwrap();
    store.begin_attestation("weekly", at(5)).await.unwrap();
    assert_eq!(store.attested_up_to("weekly").await.unwrap(), Some(at(0)));
    let note = due("weekly");
    let end = |id: &'static str, from: UtcTime, to: UtcTime| {
        let (store, note) = (&store, &note);
        async move { store.end_period("weekly", from, to, (id, note), at(10)).await.unwrap() }
    };
    assert!(end("atd.1", at(0), at(9)).await);
    // Somebody else was faster.
    assert!(!end("atd.2", at(0), at(9)).await);
    assert_eq!(store.attested_up_to("weekly").await.unwrap(), Some(at(9)));
    assert_eq!((count(&store, "record").await, count(&store, "outbox").await), (1, 1));
    let lane = "attestation:weekly";
    let standing = store.attestation_standing("confluence", lane).await.unwrap();
    assert_eq!((standing.filed_at, standing.waiting), (None, 1));
    land(&store, 5).await;
    let row = store.deliveries(None, None, 9).await.unwrap().remove(0);
    assert_eq!(
        (row.receiver.as_str(), row.topic, row.lane.as_str()),
        ("confluence", Topic::Attestation, lane)
    );
    assert_eq!((row.row.standing, row.row.expires_at), (Standing::Due, None));
    let gone = NewRecord { kind: "outbox_changed", body: Map::new() };
    store.outbox_change(&row, Standing::Sent, ("obx.1", &gone), at(11)).await.unwrap();
    let standing = store.attestation_standing("confluence", lane).await.unwrap();
    assert_eq!(standing.waiting, 0);
    let other = store.attestation_standing("confluence", "attestation:other").await.unwrap();
    assert_eq!((other.filed_at, other.waiting), (None, 0));
}

async fn records_are_replayed_in_the_order_of_the_log_and_looks_are_left_out(place: &Place) {
    let store = place.open().await;
    for id in ["rev_1", "rev_2"] {
        let mut new = revocation(id, id);
        new.records =
            ["revocation_triggered", "observation", "validation_completed", "revocation_amended"]
                .map(|kind| NewRecord { kind, body: Map::new() })
                .to_vec();
        store.accept(&new).await.unwrap();
    }
    assert_eq!(store.replayed(None, 100, 9).await.unwrap(), [], "nothing has landed");
    let end = land(&store, 3).await;
    let all = store.replayed(None, end, 9).await.unwrap();
    let kinds: Vec<_> = all.iter().map(|one| one.record.kind.as_str()).collect();
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert!(all.windows(2).all(|pair| pair[0].record.seq < pair[1].record.seq));
    // How a revocation stands after a move is with the last record of it.
    for one in &all {
        assert_eq!(one.stood.is_some(), one.record.kind == "revocation_amended", "{one:?}");
    }
    let (first, last) = (all[0].record.seq, all[3].record.seq);
    assert_eq!(store.replayed(Some(first), last, 9).await.unwrap().len(), 2);
    assert_eq!(store.replayed(None, end, 1).await.unwrap().len(), 1);
    assert_eq!(store.of_another_log().await.unwrap(), 0);
}
