//! Notices that made no revocation: kept with their record, listed, decided about once, and erased.

use crate::common::place::{Place, count};
use crate::common::sample::{at, notice, revocation, verified};
use revoked::audit::record::{self, Held, Noticed};
use revoked::domain::erasure::Basis;
use revoked::domain::notice::{Fault, Hold, Outcome};
use revoked::store::{
    Erasure, Facts, LandedRecord, Move, NewRecord, NoticeKey, Settled, Store, StoreError, Stored,
};

on_both!(
    what_is_held_is_kept_once_and_decided_about_once,
    a_subject_is_known_by_its_names_and_its_end,
    what_is_held_about_a_person_keeps_them,
    another_content_is_counted,
    a_known_name_is_no_question,
    however_many_told_of_it_each_is_heard,
);

/// A notice about `EMP-1` that is held.
fn held(id: &str) -> NoticeKey {
    let facts = Facts {
        id: format!("ntc_{id}"),
        door: "hr-events".to_owned(),
        event_type: "user_left".to_owned(),
        event_at: Some(at(-5)),
        outcome: Outcome::Quarantined,
        cause: Some(Hold::UnknownType),
        faults: vec![Fault::new("/event_type", "no such type")],
        subject: "EMP-1".to_owned(),
        username: "jd".to_owned(),
        email: "jd@example.com".to_owned(),
        record: Some(format!("ntc_{id}.1")),
        ..Facts::default()
    };
    NoticeKey { facts, ..notice(id, "digest") }
}

fn note(outcome: Outcome) -> NewRecord {
    let about = Held {
        at: at(0),
        notice: "ntc",
        digest: "digest",
        source: "hr",
        cause: Some(Hold::UnknownType),
        outcome,
        by: None,
    };
    NewRecord { kind: "notice_quarantined", body: record::quarantined(&about) }
}

/// Lands everything that waits.
pub(super) async fn land(store: &Store) {
    let queued = store.queued(100).await.unwrap();
    let landed: Vec<_> = queued
        .into_iter()
        .zip(1..)
        .map(|(record, seq)| LandedRecord { record, seq, hash: "hash".to_owned() })
        .collect();
    store.land(&landed).await.unwrap();
}

async fn what_is_held_is_kept_once_and_decided_about_once(place: &Place) {
    let store = place.open().await;
    assert!(store.keep_notice(&held("1"), None, &note(Outcome::Quarantined), at(1)).await.unwrap());
    let again = NoticeKey {
        facts: Facts {
            id: "ntc_x".to_owned(),
            record: Some("ntc_x.1".to_owned()),
            ..held("1").facts
        },
        ..held("1")
    };
    let kept = store.keep_notice(&again, None, &note(Outcome::Quarantined), at(2)).await.unwrap();
    assert!(!kept, "the same event at the same moment");
    assert_eq!((count(&store, "notice").await, count(&store, "record").await), (1, 1));
    for n in 2..5 {
        let one = held(&n.to_string());
        assert!(store.keep_notice(&one, None, &note(Outcome::Quarantined), at(n)).await.unwrap());
    }
    let list = |after| {
        let store = store.clone();
        async move { store.notices(Some(Outcome::Quarantined), "hr", after, 3).await.unwrap() }
    };
    assert!(list(None).await.is_empty(), "people are shown what the log holds");
    land(&store).await;
    let first = list(None).await;
    let ids: Vec<_> = first.iter().map(|kept| kept.key.facts.id.as_str()).collect();
    assert_eq!(ids, ["ntc_4", "ntc_3", "ntc_2"]);
    assert!(first.iter().all(|kept| kept.key.body.is_empty()), "what they said is not listed");
    let oldest = first.last().unwrap();
    let place =
        revoked::store::Place { received_at: oldest.received_at, id: oldest.key.facts.id.clone() };
    assert_eq!(list(Some(&place)).await.len(), 1);

    let kept = store.notice("ntc_1").await.unwrap().unwrap();
    assert_eq!((kept.received_at, &kept.key), (at(1), &held("1")));
    assert_eq!(store.notice_called("hr", "1").await.unwrap().unwrap(), kept);
    let settled = Settled {
        outcome: Outcome::Dismissed,
        revocation: None,
        checklist: "",
        by: "uid:1",
        why: "a mistake",
    };
    let record = note(Outcome::Dismissed);
    // What answers its question is done with it, or neither is.
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    let from = store.revocation("rev_1").await.unwrap().unwrap();
    let step = verified(&from, 1);
    let late = Move { from: Stored { version: 7, ..from.stored.clone() }, ..step.clone() };
    let refused = store
        .settle_notice(&kept, &settled, ("ntc_1.2", &record), std::slice::from_ref(&late), at(9))
        .await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(store.notice("ntc_1").await.unwrap().unwrap(), kept);
    let records = count(&store, "record").await;
    let done = store
        .settle_notice(&kept, &settled, ("ntc_1.2", &record), std::slice::from_ref(&step), at(9))
        .await;
    let done = done.unwrap().unwrap();
    let moved = i64::try_from(step.records.len()).unwrap();
    assert!(done.contains(&"ntc_1.2".to_owned()) && done.len() == 2, "{done:?}");
    let late = store
        .settle_notice(&kept, &settled, ("ntc_1.3", &record), std::slice::from_ref(&late), at(9))
        .await;
    assert_eq!(late.unwrap(), None, "somebody decided before");
    let kept = store.notice("ntc_1").await.unwrap().unwrap();
    assert_eq!((kept.key.facts.outcome, kept.settled_by.as_str()), (Outcome::Dismissed, "uid:1"));
    assert!(kept.key.body.is_empty() && kept.key.facts.username.is_empty());
    assert_eq!(store.notices_of(Outcome::Quarantined).await.unwrap(), 3);
    assert_eq!(store.last_heard().await.unwrap()["hr"], at(4));
    assert_eq!(count(&store, "record").await, records + 1 + moved);
}

async fn a_subject_is_known_by_its_names_and_its_end(place: &Place) {
    let store = place.open().await;
    let mut new = revocation("rev_1", "EMP-1");
    new.notice.facts = Facts {
        id: "ntc_1".to_owned(),
        event_type: "user_terminated".to_owned(),
        event_at: Some(at(-60)),
        username: "jd".to_owned(),
        vendor: "ACME".to_owned(),
        checklist: "chk_1".to_owned(),
        ..Facts::default()
    };
    store.accept(&new).await.unwrap();
    assert_eq!(store.names_of("EMP-1").await.unwrap(), [("jd".to_owned(), String::new())]);
    assert!(store.names_of("EMP-2").await.unwrap().is_empty());
    let ended = store.ended("EMP-1").await.unwrap();
    assert_eq!(ended, Some(("rev_1".to_owned(), at(-60))), "by when it was made, not received");
    assert_eq!(store.ended("EMP-2").await.unwrap(), None);
    for (checklist, vendor, found) in [
        ("chk_1", "", 1),
        ("", "ACME", 1),
        ("chk_1", "ACME", 1),
        ("chk_2", "", 0),
        ("chk_1", "X", 0),
    ] {
        let listed = store.listed(checklist, vendor).await.unwrap();
        assert_eq!(listed.len(), found, "{checklist} {vendor}");
    }
    // What the log holds of it is no revocation of its own.
    let of_test = Noticed {
        at: at(0),
        notice: "ntc_2",
        digest: "digest",
        source: "hr",
        outcome: Outcome::Superseded,
        revocation: Some("rev_1"),
        checklist: None,
    };
    let note = NewRecord { kind: "validation_completed", body: record::noticed(&of_test) };
    let mut older = held("2");
    older.facts.outcome = Outcome::Superseded;
    "jane".clone_into(&mut older.facts.username);
    assert!(store.keep_notice(&older, Some("rev_1"), &note, at(1)).await.unwrap());
    assert_eq!(
        store.names_of("EMP-1").await.unwrap(),
        [("jd".to_owned(), String::new())],
        "what a void notice called them was a question"
    );
    let kept = store.notice_called("hr", "2").await.unwrap().unwrap();
    assert_eq!(kept.revocation.as_deref(), Some("rev_1"));
}

async fn what_is_held_about_a_person_keeps_them(place: &Place) {
    let store = place.open().await;
    let new = revocation("rev_1", "EMP-1");
    store.accept(&new).await.unwrap();
    assert!(store.keep_notice(&held("1"), None, &note(Outcome::Quarantined), at(1)).await.unwrap());
    land(&store).await;
    let erasing = NewRecord {
        kind: "erasure",
        body: record::erasure(&new.subject.id, Basis::Retention, "uid:1", at(3)),
    };
    let refused = store.erase(&new.subject, "era_1", &erasing, at(3)).await.unwrap();
    assert_eq!(refused, Erasure::Unfinished("ntc_1".to_owned()), "who it is about is needed still");
    let kept = store.notice("ntc_1").await.unwrap().unwrap();
    let settled = Settled {
        outcome: Outcome::Released,
        revocation: Some("rev_1"),
        checklist: "",
        by: "uid:1",
        why: "",
    };
    let record = note(Outcome::Released);
    let done = store.settle_notice(&kept, &settled, ("ntc_1.2", &record), &[], at(2)).await;
    assert_eq!(done.unwrap(), Some(vec!["ntc_1.2".to_owned()]));
    let from = store.revocation("rev_1").await.unwrap().unwrap();
    store.advance(&crate::common::sample::verified(&from, 2)).await.unwrap();
    land(&store).await;
    let done = store.erase(&new.subject, "era_1", &erasing, at(3)).await.unwrap();
    assert_eq!(done, Erasure::Done(1));
    let kept = store.notice("ntc_1").await.unwrap().unwrap();
    let facts = &kept.key.facts;
    assert!(kept.key.body.is_empty() && facts.subject.is_empty() && facts.email.is_empty());
    assert!(facts.username.is_empty() && facts.faults.is_empty());
}

async fn another_content_is_counted(place: &Place) {
    let store = place.open().await;
    for (event, digest, second) in [("1", "a", 1), ("1", "a", 2), ("1", "b", 3), ("2", "a", 4)] {
        store.conflicted("hr", event, digest, at(second)).await.unwrap();
    }
    let found = store.conflicts("", 10).await.unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|one| (one.event_id.as_str(), one.digest.as_str(), one.times, one.last_at))
        .collect();
    assert_eq!(shown, [("2", "a", 1, at(4)), ("1", "b", 1, at(3)), ("1", "a", 2, at(2))]);
    assert_eq!(found[2].first_at, at(1));
    assert_eq!(store.conflicts("hr", 10).await.unwrap().len(), 3);
    assert_eq!(store.conflicts("other", 10).await.unwrap(), []);
}

async fn a_known_name_is_no_question(place: &Place) {
    let store = place.open().await;
    let mut new = revocation("rev_1", "EMP-1");
    "jd".clone_into(&mut new.notice.facts.username);
    store.accept(&new).await.unwrap();
    for (id, username) in [("1", "JD"), ("2", "other"), ("3", "")] {
        let mut asking = held(id);
        asking.facts.cause = Some(Hold::Identity);
        username.clone_into(&mut asking.facts.username);
        let note = note(Outcome::Quarantined);
        assert!(store.keep_notice(&asking, Some("rev_1"), &note, at(1)).await.unwrap());
    }
    let unsure = store.unsure_of("rev_1", 9).await.unwrap();
    let asked: Vec<_> = unsure.iter().map(|one| (&*one.notice, one.username.as_deref())).collect();
    assert_eq!(asked, [("ntc_1", None), ("ntc_2", Some("other")), ("ntc_3", None)]);
}

/// More than are read at a time, many of them of one moment.
async fn however_many_told_of_it_each_is_heard(place: &Place) {
    let store = place.open().await;
    store.accept(&revocation("rev_1", "EMP-1")).await.unwrap();
    let columns = "digest, body, revocation_id, id, door, event_type, event_at, outcome, cause, faults, subject, \
                   username, email, vendor, checklist, pending, settled_by, settled_why";
    let copies = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500) \
         INSERT INTO notice (source, event_id, received_at, {columns}) \
         SELECT source, CASE WHEN i = 2500 THEN 'chg_' ELSE 'e' END || i, received_at + i / 800, {columns} \
         FROM notice CROSS JOIN n"
    );
    let copies = sqlx::AssertSqlSafe(copies);
    match &store {
        Store::Sqlite { write, .. } => drop(sqlx::query(copies).execute(write).await.unwrap()),
        Store::Postgres(pool) => drop(sqlx::query(copies).execute(pool).await.unwrap()),
    }
    let told = store.told_of("rev_1").await.unwrap();
    let ids: std::collections::BTreeSet<_> = told.iter().map(|one| &one.event_id).collect();
    assert_eq!((told.len(), ids.len()), (2_501, 2_501));
    let read: Vec<_> = told.iter().filter(|one| !one.body.is_empty()).collect();
    assert_eq!(read.iter().map(|one| one.event_id.as_str()).collect::<Vec<_>>(), ["chg_2500"]);
}
