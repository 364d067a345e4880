//! Pages that were filed: noted with their records, looked at, and queued for nobody else.

use crate::addressed;
use crate::common::place::{Place, count};
use crate::common::sample::{at, revocation};
use revoked::domain::delivery::{Audience, Topic};
use revoked::domain::lifecycle::Life;
use revoked::domain::page::Finding;
use revoked::domain::revocation::State;
use revoked::store::{Addressee, LandedRecord, Move, NewRecord, Page, Store};
use serde_json::{Map, Value, json};
use std::time::Duration;

on_both!(
    a_page_is_noted_with_its_record_and_again_when_it_is_filed_anew,
    what_a_look_found_is_noted_once,
    pages_are_for_who_files_them_and_messages_for_everybody_else,
    each_is_told_what_it_is_told_of_and_for_as_long,
    what_the_log_holds_of_a_revocation_is_in_its_order,
);

fn page(id: &str, second: i64) -> Page {
    Page {
        delivery: "rev_1.7:confluence".to_owned(),
        page_id: id.to_owned(),
        title: "Revocation closure".to_owned(),
        parent: String::new(),
        version: 3,
        sha256: "00".to_owned(),
        attachments: vec!["a.csv".to_owned(), "b.tlog-proof".to_owned()],
        filed_at: at(second),
        looked_at: at(second),
        finding: Finding::Filed,
        seen_version: 3,
    }
}

fn note(kind: &'static str) -> NewRecord {
    NewRecord { kind, body: Map::new() }
}

async fn file(store: &Store, id: &str, second: i64) -> Page {
    let (page, record) = (page(id, second), format!("att.{id}"));
    let note = note("attestation_published");
    store.page_filed("confluence", &page, (&record, &note)).await.unwrap();
    page
}

async fn a_page_is_noted_with_its_record_and_again_when_it_is_filed_anew(place: &Place) {
    let store = place.open().await;
    let first = file(&store, "1", 0).await;
    assert_eq!(store.filed_page(&first.delivery).await.unwrap(), Some(first.clone()));
    // The same record twice: nothing of it is noted.
    let other = Page { title: "another".to_owned(), ..first.clone() };
    let record = note("attestation_published");
    store.page_filed("confluence", &other, ("att.1", &record)).await.unwrap_err();
    assert_eq!(store.filed_page(&first.delivery).await.unwrap(), Some(first));
    let second = file(&store, "2", 9).await;
    assert_eq!(store.filed_page(&second.delivery).await.unwrap(), Some(second));
    assert_eq!((count(&store, "page").await, store.queued_count().await.unwrap()), (1, 2));
}

async fn what_a_look_found_is_noted_once(place: &Place) {
    let store = place.open().await;
    let page = file(&store, "1", 0).await;
    let due = |before, since| store.pages_due("confluence", at(before), at(since), 10);
    assert!(due(-1, -9).await.unwrap().is_empty(), "looked at a moment ago");
    assert!(due(5, 0).await.unwrap().is_empty(), "filed too long ago");
    assert_eq!(due(5, -9).await.unwrap(), std::slice::from_ref(&page));
    let record = note("attestation_changed");
    let seen = (Finding::Edited, 4);
    assert!(store.page_looked(&page, seen, Some(("atc.1", &record)), at(6)).await.unwrap());
    // Somebody else looked meanwhile.
    assert!(!store.page_looked(&page, seen, Some(("atc.2", &record)), at(7)).await.unwrap());
    assert_eq!(store.queued_count().await.unwrap(), 2);
    let now = store.filed_page(&page.delivery).await.unwrap().unwrap();
    assert_eq!((now.finding, now.seen_version, now.version), (Finding::Edited, 4, 3));
    assert_eq!(store.page_levels("confluence").await.unwrap(), [(Finding::Edited, 1)]);
    assert!(store.page_levels("other").await.unwrap().is_empty());
    // What is removed is looked at no more, until it is filed anew.
    assert!(store.page_looked(&now, (Finding::Removed, 4), None, at(8)).await.unwrap());
    assert!(due(99, -9).await.unwrap().is_empty());
    file(&store, "2", 9).await;
    assert_eq!(due(99, -9).await.unwrap().len(), 1);
}

/// A move with one record.
async fn step(store: &Store, kind: &'static str) {
    let from = store.revocation("rev_1").await.unwrap().unwrap().stored;
    let body = json!({"revocation": "rev_1", "reason": "terminated"});
    let Value::Object(body) = body else { unreachable!() };
    let step = Move {
        revocation: from.revocation.clone(),
        accounts: Vec::new(),
        life: Life { state: State::Verified, ..from.life.as_ref().clone() },
        evidence: None,
        before: Vec::new(),
        records: vec![NewRecord { kind, body }],
        notice: None,
        at: at(1),
        watch_until: from.watch_until,
        from,
    };
    store.advance(&step).await.unwrap();
}

async fn land(store: &Store, first: u64) {
    let queued = store.queued(100).await.unwrap();
    let landed: Vec<_> = (first..)
        .zip(queued)
        .map(|(seq, record)| LandedRecord { record, seq, hash: format!("hash {seq}") })
        .collect();
    store.land(&landed).await.unwrap();
}

async fn pages_are_for_who_files_them_and_messages_for_everybody_else(place: &Place) {
    let store = place.open().await;
    let told = [("slack", Duration::ZERO), ("confluence", Duration::ZERO)];
    store.set_receivers(&addressed(&told)).await.unwrap();
    let mut new = revocation("rev_1", "john");
    "chk_1".clone_into(&mut new.notice.facts.checklist);
    "acme".clone_into(&mut new.notice.facts.vendor);
    store.accept(&new).await.unwrap();
    step(&store, "verification_completed").await;
    land(&store, 10).await;
    let rows = store.deliveries(None, None, 100).await.unwrap();
    let of = |name: &str| {
        let mut topics: Vec<_> =
            rows.iter().filter(|row| row.receiver == name).map(|row| row.topic).collect();
        topics.sort_by_key(|topic| topic.rank());
        topics
    };
    assert_eq!(of("confluence"), [Topic::Closure]);
    assert_eq!(of("slack"), [Topic::Opened, Topic::Verified, Topic::Status]);
    let page = rows.iter().find(|row| row.receiver == "confluence").unwrap();
    assert_eq!((page.lane.as_str(), page.row.expires_at), ("chk_1", None));
    let seq = page.seq.unwrap();
    assert!(!store.files_later("confluence", "chk_1", seq).await.unwrap());
    assert!(store.files_later("confluence", "chk_1", seq - 1).await.unwrap());
    assert!(!store.files_later("slack", "chk_1", seq - 1).await.unwrap());
    assert_eq!(store.vendor_of("chk_1").await.unwrap().as_deref(), Some("acme"));
    assert_eq!(store.vendor_of("chk_2").await.unwrap(), None);
}

async fn each_is_told_what_it_is_told_of_and_for_as_long(place: &Place) {
    let store = place.open().await;
    let of = |name: &str, keep, topics: Vec<Topic>| Addressee {
        name: name.to_owned(),
        gather: Duration::ZERO,
        keep,
        topics,
    };
    let told = [
        of("slack:compliance", None, Audience::Compliance.topics()),
        of("webhook:tickets", Some(Duration::from_secs(7)), vec![Topic::Opened, Topic::Filed]),
    ];
    store.set_receivers(&told).await.unwrap();
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    step(&store, "verification_completed").await;
    land(&store, 10).await;
    let body = json!({"about": "rev_1", "at": at(9), "receiver": "confluence"});
    let record =
        NewRecord { kind: "attestation_published", body: body.as_object().unwrap().clone() };
    store.page_filed("confluence", &page("1", 9), ("att.1", &record)).await.unwrap();
    land(&store, 20).await;
    let rows = store.deliveries(None, None, 100).await.unwrap();
    let of = |name: &str| {
        let own = rows.iter().filter(|row| row.receiver == name);
        let shown = |row: &revoked::store::Delivery| {
            let kept = row.row.expires_at.unwrap().since(row.created_at);
            format!("{} {} {}", row.topic, row.about, kept.as_secs())
        };
        let mut all: Vec<_> = own.map(shown).collect();
        all.sort();
        all
    };
    assert_eq!(of("slack:compliance"), ["filed rev_1 86400", "verified rev_1 86400"]);
    assert_eq!(of("webhook:tickets"), ["filed rev_1 7", "opened rev_1 7"]);
    assert!(rows.iter().all(|row| row.row.standing == revoked::domain::delivery::Standing::Due));
    // Who is told no more is told nothing of what comes then.
    store.set_receivers(&told[..1]).await.unwrap();
    store.accept(&revocation("rev_2", "jane")).await.unwrap();
    assert_eq!(count(&store, "outbox").await, 4);
}

async fn what_the_log_holds_of_a_revocation_is_in_its_order(place: &Place) {
    let store = place.open().await;
    store.accept(&revocation("rev_1", "john")).await.unwrap();
    land(&store, 10).await;
    step(&store, "verification_completed").await;
    let kinds = |all: Vec<revoked::store::ToldRecord>| -> Vec<(String, u64)> {
        all.into_iter().map(|record| (record.kind, record.seq)).collect()
    };
    let named = |all: &[(&str, u64)]| -> Vec<(String, u64)> {
        all.iter().map(|(kind, seq)| ((*kind).to_owned(), *seq)).collect()
    };
    let first =
        named(&[("subject", 10), ("revocation_triggered", 11), ("validation_completed", 12)]);
    assert_eq!(kinds(store.landed_of("rev_1", 100).await.unwrap()), first, "not in the log yet");
    land(&store, 14).await;
    let all = [first.clone(), named(&[("verification_completed", 14)])].concat();
    assert_eq!(kinds(store.landed_of("rev_1", 100).await.unwrap()), all);
    assert_eq!(store.landed_of("rev_1", 2).await.unwrap().len(), 2);
}
