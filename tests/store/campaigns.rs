//! Rotation campaigns: one transaction for what changed, its records and what is told of it.

use crate::addressed;
use crate::common::place::Place;
use crate::common::sample::at;
use revoked::domain::campaign::{Consumer, Kept, Listed, Standing};
use revoked::store::{
    CampaignMove, CampaignRow, ChangedConsumer, LandedRecord, NewRecord, Store, Swept,
};
use serde_json::json;
use std::time::Duration;

on_both!(
    of_two_who_move_a_campaign_from_the_same_state_one_does,
    what_looks_better_is_shown_once_its_record_is_in_the_log,
    a_reminder_has_a_row_for_each_who_is_told,
);

async fn begun(store: &Store) -> CampaignRow {
    store.begin_campaign("app").await.unwrap();
    store.begin_campaign("app").await.unwrap();
    store.campaigns().await.unwrap().remove(0)
}

fn billing() -> Kept {
    let listed = Listed { name: "billing".to_owned(), team: "pay".to_owned(), ..Listed::default() };
    Kept { id: "con_1".to_owned(), consumer: Consumer::new(&listed, at(0), at(0)) }
}

fn note(id: &str, kind: &'static str) -> (String, NewRecord) {
    let body =
        json!({"at": at(5), "campaign": "app", "team": "pay", "tone": "security", "slot": at(5)});
    (id.to_owned(), NewRecord { kind, body: body.as_object().unwrap().clone() })
}

/// Moves the campaign; gives whether that was done.
async fn moved(
    store: &Store,
    from: &CampaignRow,
    consumers: &[ChangedConsumer],
    notes: &[(String, NewRecord)],
) -> bool {
    let swept = Swept { slot: Some(at(5)), ..Swept::default() };
    let step = CampaignMove { from, swept: &swept, consumers, notes, at: at(5) };
    store.move_campaign(&step).await.unwrap()
}

/// The log takes everything.
async fn land(store: &Store) {
    let queued = store.queued(100).await.unwrap();
    let landed: Vec<_> = (7..)
        .zip(queued)
        .map(|(seq, record)| LandedRecord { record, seq, hash: "x".to_owned() })
        .collect();
    store.land(&landed).await.unwrap();
}

async fn of_two_who_move_a_campaign_from_the_same_state_one_does(place: &Place) {
    let store = place.open().await;
    let row = begun(&store).await;
    let consumer = [ChangedConsumer { kept: billing(), record: Some("swp_1".to_owned()) }];
    assert!(moved(&store, &row, &consumer, &[note("swp_1", "campaign_swept")]).await);
    assert!(!moved(&store, &row, &[], &[note("swp_2", "campaign_swept")]).await);
    assert_eq!(store.queued_count().await.unwrap(), 1, "the second left nothing");
    let row = store.campaigns().await.unwrap().remove(0);
    assert_eq!((row.version, row.swept.slot), (2, Some(at(5))));
    assert!(moved(&store, &row, &[], &[]).await);
}

async fn what_looks_better_is_shown_once_its_record_is_in_the_log(place: &Place) {
    let store = place.open().await;
    let row = begun(&store).await;
    let mut kept = billing();
    kept.consumer.claim(at(1));
    kept.consumer.step(at(1));
    let claimed = [ChangedConsumer { kept: kept.clone(), record: Some("cmp_1".to_owned()) }];
    assert!(moved(&store, &row, &claimed, &[note("cmp_1", "consumer_claimed")]).await);
    let shown = || async { store.consumers("app").await.unwrap().remove(0).shown() };
    assert_eq!(shown().await, Standing::Pending);
    land(&store).await;
    assert_eq!(shown().await, Standing::Claimed);

    // A change without a record keeps that of the one before; what looks worse does not wait.
    let row = store.campaigns().await.unwrap().remove(0);
    kept.consumer.see(true, false, at(9));
    kept.consumer.step(at(9));
    let reopened = [ChangedConsumer { kept, record: Some("cmp_2".to_owned()) }];
    assert!(moved(&store, &row, &reopened, &[note("cmp_2", "consumer_observed")]).await);
    assert_eq!(shown().await, Standing::Reopened);
    assert!(store.consumers("other").await.unwrap().is_empty());
}

async fn a_reminder_has_a_row_for_each_who_is_told(place: &Place) {
    let store = place.open().await;
    let told = [("slack", Duration::ZERO)];
    store.set_receivers(&addressed(&told)).await.unwrap();
    let row = begun(&store).await;
    assert!(moved(&store, &row, &[], &[note("nud_1", "nudge_sent")]).await);
    land(&store).await;
    let mut rows = store.deliveries(None, None, 10).await.unwrap();
    rows.sort_by(|a, b| a.id.cmp(&b.id));
    let rows: Vec<_> = rows.iter().map(|row| (row.id.as_str(), row.lane.as_str())).collect();
    assert_eq!(
        rows,
        [
            ("nud_1:slack", "campaign:app/pay"),
            ("nud_1:slack:lead", "campaign:app/pay:lead"),
            ("nud_1:slack:security", "campaign:app/pay:security"),
        ]
    );
}
