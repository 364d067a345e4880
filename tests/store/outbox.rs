//! The outbox: queued with its record, released with it, claimed once, in order, and grouped.

use crate::addressed;
use crate::common::place::{Place, count, execute};
use crate::common::sample::{at, revocation, verified};
use revoked::domain::delivery::{Standing, Topic};
use revoked::store::{Delivery, Group, LandedRecord, NewRecord, Settling, Store};
use serde_json::{Value, json};
use std::time::Duration;

on_both!(
    nobody_is_told_where_nobody_is_configured,
    what_cannot_be_told_is_not_accepted,
    what_waits_for_others_is_due_later,
    only_one_claims_a_row,
    what_was_being_sent_is_looked_up,
    the_first_of_a_lane_holds_the_rest_back,
    of_edits_only_the_newest_is_made,
    several_become_one_and_go_on_together,
    a_digest_grows_until_somebody_saw_it,
    a_group_that_somebody_touched_is_not_made,
    what_is_old_is_found_once,
    a_vendor_has_one_lane,
    a_note_of_a_target_is_told,
    settling_writes_its_record_once,
    pages_are_in_order,
);

const OPS: &str = "ops";

async fn told(place: &Place, gather: u64) -> Store {
    let store = place.open().await;
    store.set_receivers(&addressed(&[(OPS, Duration::from_secs(gather))])).await.unwrap();
    store
}

/// Everything that is queued lands.
async fn land(store: &Store, seq: u64) {
    let queued = store.queued(1_000).await.unwrap();
    let landed: Vec<_> = (seq..)
        .zip(queued)
        .map(|(seq, record)| LandedRecord { record, seq, hash: format!("hash {seq}") })
        .collect();
    store.land(&landed).await.unwrap();
}

async fn heads(store: &Store, second: i64) -> Vec<Delivery> {
    store.outbox_heads(OPS, at(second), 100).await.unwrap()
}

fn ids(rows: &[Delivery]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

/// Notes how a row stands now.
async fn settle(store: &Store, row: &Delivery, standing: Standing) -> bool {
    let settling = Settling {
        row: revoked::domain::delivery::Row { standing, ..row.row },
        remote: Some("C1 1.000001"),
        error: "",
        note: None,
    };
    store.outbox_settle(row, row.version, &settling, at(200)).await.unwrap()
}

async fn opened(store: &Store, names: &[&str]) {
    for name in names {
        store.accept(&revocation(&format!("rev_{name}"), name)).await.unwrap();
    }
    land(store, 2).await;
}

async fn nobody_is_told_where_nobody_is_configured(place: &Place) {
    let store = place.open().await;
    opened(&store, &["a"]).await;
    assert_eq!(count(&store, "outbox").await, 0);
    store.set_receivers(&addressed(&[(OPS, Duration::ZERO)])).await.unwrap();
    store.set_receivers(&addressed(&[(OPS, Duration::ZERO)])).await.unwrap();
    opened(&store, &["b"]).await;
    assert_eq!(count(&store, "outbox").await, 1);
    store.set_receivers(&addressed(&[])).await.unwrap();
    opened(&store, &["c"]).await;
    assert_eq!(count(&store, "outbox").await, 1, "what was queued before stays");
}

async fn what_cannot_be_told_is_not_accepted(place: &Place) {
    let store = told(place, 0).await;
    // As a disk that is full, in the midst of the transaction.
    execute(&store, "ALTER TABLE outbox RENAME TO away").await;
    let refused = store.accept(&revocation("rev_a", "a")).await;
    assert!(refused.is_err(), "{refused:?}");
    for table in ["revocation", "record", "notice", "subject"] {
        assert_eq!(count(&store, table).await, 0, "{table}");
    }
    execute(&store, "ALTER TABLE away RENAME TO outbox").await;
    opened(&store, &["a"]).await;
    assert_eq!(count(&store, "outbox").await, 1);
}

async fn what_waits_for_others_is_due_later(place: &Place) {
    let store = told(place, 10).await;
    opened(&store, &["a"]).await;
    assert_eq!(ids(&heads(&store, 9).await), Vec::<&str>::new());
    let due = heads(&store, 10).await;
    assert_eq!(ids(&due), ["rev_a.2:ops"]);
    assert_eq!((due[0].topic, due[0].reason.as_str()), (Topic::Opened, "terminated"));
    assert_eq!(due[0].row.expires_at, Some(at(86_400)));
    assert_eq!(store.outbox_next(OPS).await.unwrap(), Some(at(10)));
}

async fn only_one_claims_a_row(place: &Place) {
    let store = told(place, 0).await;
    opened(&store, &["a"]).await;
    let row = heads(&store, 0).await.remove(0);
    let (one, other) = tokio::join!(
        store.outbox_claim(&row, at(1), at(60)),
        store.outbox_claim(&row, at(1), at(60))
    );
    assert!(one.unwrap() != other.unwrap());
    assert!(heads(&store, 100).await.is_empty(), "somebody is at it");
    assert!(!settle(&store, &row, Standing::Sent).await, "by the version of before");
    let claimed = Delivery { version: row.version + 1, ..row };
    assert!(settle(&store, &claimed, Standing::Sent).await);
    let sent = store.delivery(&claimed.id).await.unwrap().unwrap();
    assert_eq!(sent.row.standing, Standing::Sent);
    assert_eq!((sent.remote.as_deref(), sent.settled_at), (Some("C1 1.000001"), Some(at(200))));
    assert_eq!(sent.first_sent_at, Some(at(1)));
}

async fn what_was_being_sent_is_looked_up(place: &Place) {
    let store = told(place, 0).await;
    opened(&store, &["a", "b"]).await;
    for row in heads(&store, 0).await {
        assert!(store.outbox_claim(&row, at(1), at(60)).await.unwrap());
    }
    assert_eq!(store.outbox_recover(OPS, Some(at(59)), at(59)).await.unwrap(), 0);
    assert_eq!(store.outbox_recover("hr", None, at(59)).await.unwrap(), 0);
    assert_eq!(store.outbox_recover(OPS, Some(at(60)), at(60)).await.unwrap(), 2);
    for row in heads(&store, 60).await {
        assert_eq!(row.row.standing, Standing::Ambiguous);
        assert!(!store.outbox_claim(&row, at(61), at(99)).await.unwrap(), "it is looked up first");
    }
}

async fn the_first_of_a_lane_holds_the_rest_back(place: &Place) {
    let store = told(place, 0).await;
    opened(&store, &["a"]).await;
    let from = store.revocation("rev_a").await.unwrap().unwrap();
    store.advance(&verified(&from, 60)).await.unwrap();
    land(&store, 10).await;
    store.accept(&revocation("rev_b", "b")).await.unwrap();
    land(&store, 50).await;
    let first = heads(&store, 60).await;
    assert_eq!(ids(&first), ["rev_a.2:ops", "rev_b.2:ops"], "by the line of the record");
    for standing in [Standing::Ambiguous, Standing::Due] {
        assert!(settle(&store, &heads(&store, 60).await[0], standing).await);
        assert_eq!(ids(&heads(&store, 60).await)[0], "rev_a.2:ops");
    }
    assert!(settle(&store, &heads(&store, 60).await[0], Standing::Dead).await);
    let next = heads(&store, 60).await;
    assert_eq!(ids(&next), ["rev_b.2:ops", "rev_a.4:ops:status"], "a dead one holds nothing back");
}

async fn of_edits_only_the_newest_is_made(place: &Place) {
    let store = told(place, 0).await;
    opened(&store, &["a"]).await;
    let from = store.revocation("rev_a").await.unwrap().unwrap();
    store.advance(&verified(&from, 60)).await.unwrap();
    land(&store, 10).await;
    store.outbox_tidy(OPS, at(61)).await.unwrap();
    let all = store.deliveries(Some(Standing::Superseded), None, 10).await.unwrap();
    assert_eq!(ids(&all), ["rev_a.4:ops:status"]);
    assert!(settle(&store, &heads(&store, 61).await[0], Standing::Sent).await);
    assert_eq!(ids(&heads(&store, 61).await), ["rev_a.5:ops:status"]);
}

async fn group(store: &Store, id: &str, lane: &str, rows: &[Delivery], joins: bool) -> bool {
    let standing = Standing::Carried;
    let group = Group { id, lane, reason: "terminated", rows, standing, joins, due_at: at(70) };
    store.outbox_group(OPS, group, at(70)).await.unwrap()
}

async fn several_become_one_and_go_on_together(place: &Place) {
    let store = told(place, 0).await;
    opened(&store, &["a", "b", "c"]).await;
    let rows = heads(&store, 0).await;
    assert!(group(&store, "dig_1", "dig_1", &rows[..2], true).await);
    let due = heads(&store, 70).await;
    assert_eq!(ids(&due), ["dig_1", "rev_c.2:ops"]);
    assert_eq!(
        (due[0].topic, due[0].seq, due[0].row.expires_at),
        (Topic::Digest, rows[0].seq, None),
        "before what follows of any of them"
    );
    assert_eq!(
        store.outbox_counts("dig_1").await.unwrap(),
        [("opened".to_owned(), "terminated".to_owned(), 2, 6)]
    );
    assert_eq!(ids(&store.outbox_carried("dig_1", 1).await.unwrap()), ["rev_a.2:ops"]);

    // What follows of a goes where the digest is, and its edits edit nothing.
    let from = store.revocation("rev_a").await.unwrap().unwrap();
    store.advance(&verified(&from, 60)).await.unwrap();
    land(&store, 20).await;
    store.outbox_tidy(OPS, at(71)).await.unwrap();
    assert_eq!(ids(&heads(&store, 71).await), ["dig_1", "rev_c.2:ops"]);
    let left = store.deliveries(Some(Standing::Superseded), None, 10).await.unwrap();
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(left.iter().all(|row| row.lane == "dig_1"), "{left:?}");
    assert_eq!(store.thread(OPS, "rev_a").await.unwrap().joined.as_deref(), Some("dig_1"));
}

async fn a_digest_grows_until_somebody_saw_it(place: &Place) {
    let store = told(place, 0).await;
    opened(&store, &["a", "b", "c"]).await;
    let rows = heads(&store, 0).await;
    assert!(group(&store, "dig_1", "dig_1", &rows[..1], true).await);
    assert!(group(&store, "dig_2", "dig_1", &rows[1..2], true).await);
    assert_eq!(ids(&heads(&store, 70).await), ["dig_1", "rev_c.2:ops"], "the same one");
    assert_eq!(store.outbox_carried("dig_1", 9).await.unwrap().len(), 2);
    let digest = heads(&store, 70).await.remove(0);
    assert!(store.outbox_claim(&digest, at(71), at(99)).await.unwrap());
    assert!(group(&store, "dig_3", "dig_1", &rows[2..], true).await);
    assert_eq!(store.outbox_carried("dig_3", 9).await.unwrap().len(), 1, "another one");
}

async fn a_group_that_somebody_touched_is_not_made(place: &Place) {
    let store = told(place, 0).await;
    opened(&store, &["a", "b"]).await;
    let rows = heads(&store, 0).await;
    assert!(store.outbox_claim(&rows[1], at(1), at(60)).await.unwrap());
    assert!(!group(&store, "dig_1", "dig_1", &rows, true).await);
    assert_eq!(ids(&heads(&store, 70).await), ["rev_a.2:ops"], "nothing was done");
    assert_eq!(count(&store, "outbox_thread").await, 0);
}

async fn what_is_old_is_found_once(place: &Place) {
    let store = told(place, 0).await;
    opened(&store, &["a", "b"]).await;
    let none = store.outbox_expired(OPS, at(86_399), 10).await.unwrap();
    assert_eq!(none, []);
    let rows = heads(&store, 0).await;
    assert!(settle(&store, &rows[0], Standing::Expired).await, "it gave up by itself");
    assert_eq!(store.outbox_expired(OPS, at(1), 10).await.unwrap().len(), 1);
    let old = store.outbox_expired(OPS, at(86_400), 10).await.unwrap();
    assert_eq!(ids(&old), ["rev_a.2:ops", "rev_b.2:ops"]);
    let group = Group {
        id: "dig_1",
        lane: "dig_late",
        reason: "",
        rows: &old,
        standing: Standing::Expired,
        joins: false,
        due_at: at(86_400),
    };
    assert!(store.outbox_group(OPS, group, at(86_400)).await.unwrap());
    assert_eq!(store.outbox_expired(OPS, at(86_400), 10).await.unwrap(), []);
    assert_eq!(ids(&heads(&store, 86_400).await), ["dig_1"]);
}

async fn a_vendor_has_one_lane(place: &Place) {
    let store = told(place, 0).await;
    for name in ["a", "b"] {
        let mut new = revocation(&format!("rev_{name}"), name);
        "chk_1".clone_into(&mut new.notice.facts.checklist);
        new.notice.facts.id = format!("ntc_{name}");
        store.accept(&new).await.unwrap();
    }
    land(&store, 2).await;
    assert_eq!(ids(&heads(&store, 0).await), ["rev_a.2:ops"]);
    let lane = store.outbox_lane(OPS, "chk_1", 10).await.unwrap();
    assert_eq!(ids(&lane), ["rev_a.2:ops", "rev_b.2:ops"]);
}

async fn a_note_of_a_target_is_told(place: &Place) {
    let store = told(place, 0).await;
    let Value::Object(body) = json!({"target": "main", "missing": []}) else { panic!() };
    let note = NewRecord { kind: "canary_missed", body };
    store.queue_note("cnr_1", &note, at(0)).await.unwrap();
    land(&store, 2).await;
    let due = heads(&store, 0).await;
    assert_eq!(ids(&due), ["cnr_1:ops"]);
    assert_eq!((due[0].topic, due[0].lane.as_str()), (Topic::Blind, "target:main"));
}

async fn settling_writes_its_record_once(place: &Place) {
    let store = told(place, 0).await;
    opened(&store, &["a"]).await;
    let row = heads(&store, 0).await.remove(0);
    let note = NewRecord { kind: "notification_sent", body: serde_json::Map::new() };
    let settling = Settling {
        row: revoked::domain::delivery::Row { standing: Standing::Sent, ..row.row },
        remote: None,
        error: "",
        note: Some(("ntf_1", &note)),
    };
    assert!(store.outbox_settle(&row, row.version, &settling, at(1)).await.unwrap());
    assert!(!store.outbox_settle(&row, row.version, &settling, at(1)).await.unwrap());
    assert_eq!(store.queued_count().await.unwrap(), 1);
    assert_eq!(count(&store, "outbox").await, 1, "nobody is told that somebody was told");
}

async fn pages_are_in_order(place: &Place) {
    let store = told(place, 0).await;
    opened(&store, &["a", "b", "c"]).await;
    execute(&store, "UPDATE outbox SET state = 'dead' WHERE about = 'rev_b'").await;
    let first = store.deliveries(None, None, 2).await.unwrap();
    assert_eq!(ids(&first), ["rev_c.2:ops", "rev_b.2:ops"]);
    let last = &first[1];
    let place = revoked::store::Place { received_at: last.created_at, id: last.id.clone() };
    let second = store.deliveries(None, Some(&place), 2).await.unwrap();
    assert_eq!(ids(&second), ["rev_a.2:ops"]);
    assert_eq!(
        ids(&store.deliveries(Some(Standing::Dead), None, 9).await.unwrap()),
        ["rev_b.2:ops"]
    );
    let levels = store.outbox_levels().await.unwrap();
    let mut levels: Vec<_> = levels.iter().map(|one| (one.standing, one.count)).collect();
    levels.sort();
    assert_eq!(levels, [(Standing::Due, 2), (Standing::Dead, 1)]);
}
