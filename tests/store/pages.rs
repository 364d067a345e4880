//! Pages: everything is on one of them, once, newest first.

use crate::common::place::{Place, execute};
use crate::common::sample::{at, revocation, verified};
use revoked::board::Board;
use revoked::http::list::{Filter, Page, page};
use revoked::http::paging::PageError;
use revoked::store::{LandedRecord, Store};

on_both!(every_revocation_is_on_one_page, filters_hold_together, what_cannot_be_asked_is_refused,);

/// Lands everything that is queued.
async fn land(store: &Store) {
    let queued = store.queued(100).await.unwrap();
    let mark = store.landed_mark().await.unwrap().map_or(2, |(seq, _)| seq + 1);
    let landed: Vec<LandedRecord> = (mark..)
        .zip(queued)
        .map(|(seq, record)| LandedRecord { record, seq, hash: format!("hash {seq}") })
        .collect();
    store.land(&landed).await.unwrap();
}

/// `rev_0` to `rev_6`, received at seconds 0, 0, 1, 1, 2, 2, 3.
async fn seven(store: &Store) {
    for n in 0..7 {
        let mut new = revocation(&format!("rev_{n}"), &format!("s{n}"));
        new.revocation.received_at = at(n / 2);
        new.revocation.ticket = Some(format!("T-{}", n % 2));
        store.accept(&new).await.unwrap();
    }
    land(store).await;
}

async fn asked(store: &Store, filter: &Filter) -> Page {
    page(store, &Board::default(), filter).await.unwrap()
}

/// Ids on every page, pages separated by `|`.
async fn ids(store: &Store, filter: &Filter) -> String {
    let mut filter = filter.clone();
    let mut pages = Vec::new();
    loop {
        let page = asked(store, &filter).await;
        let ids: Vec<_> =
            page.revocations.iter().map(|v| v.id.trim_start_matches("rev_")).collect();
        pages.push(ids.join(" "));
        filter.cursor = page.next;
        if filter.cursor.is_none() {
            return pages.join("|");
        }
    }
}

async fn every_revocation_is_on_one_page(place: &Place) {
    let store = place.open().await;
    let all = Filter::default();
    assert_eq!(ids(&store, &all).await, "");
    seven(&store).await;
    assert_eq!(ids(&store, &all).await, "6 5 4 3 2 1 0");
    for (limit, pages) in [(1, "6|5|4|3|2|1|0"), (3, "6 5 4|3 2 1|0"), (7, "6 5 4 3 2 1 0")] {
        let filter = Filter { limit: Some(limit), ..Filter::default() };
        assert_eq!(ids(&store, &filter).await, pages);
    }
    // What came in meanwhile does not move what was not shown yet.
    let first = asked(&store, &Filter { limit: Some(3), ..Filter::default() }).await;
    let mut late = revocation("rev_9", "late");
    late.revocation.received_at = at(9);
    store.accept(&late).await.unwrap();
    assert_eq!(ids(&store, &all).await, "6 5 4 3 2 1 0", "it is not in the log yet");
    land(&store).await;
    let rest = Filter { cursor: first.next, ..Filter::default() };
    assert_eq!(ids(&store, &rest).await, "3 2 1 0");
    assert_eq!(ids(&store, &all).await, "9 6 5 4 3 2 1 0");
}

async fn filters_hold_together(place: &Place) {
    let store = place.open().await;
    seven(&store).await;
    let from = store.revocation("rev_2").await.unwrap().unwrap();
    store.advance(&verified(&from, 60)).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let open = Filter { open: Some(true), ..Filter::default() };
    assert_eq!(ids(&store, &open).await, "6 5 4 3 2 1 0", "committed, and not in the log");
    land(&store).await;
    for (filter, pages) in [
        (open.clone(), "6 5 4 3 1 0"),
        (Filter { open: Some(false), ..Filter::default() }, "6 5 4 3 2 1 0"),
        (Filter { state: text("verified"), ..Filter::default() }, "2"),
        (
            Filter { state: text("verified,open"), limit: Some(4), ..Filter::default() },
            "6 5 4 3|2 1 0",
        ),
        (Filter { state: text("verified,open"), ..open.clone() }, "6 5 4 3 1 0"),
        (Filter { state: text("verified"), ..open.clone() }, ""),
        (Filter { kind: text("full"), ..open.clone() }, "6 5 4 3 1 0"),
        (Filter { kind: text("partial"), ..Filter::default() }, ""),
        (Filter { reason: text("terminated"), ..open.clone() }, "6 5 4 3 1 0"),
        (Filter { reason: text("inactive"), ..Filter::default() }, ""),
        (Filter { subject: text("s3"), ..Filter::default() }, "3"),
        (Filter { subject: text("S3"), ..Filter::default() }, ""),
        (Filter { account: text("s4"), ..Filter::default() }, "4"),
        (Filter { account: text("s%"), ..Filter::default() }, ""),
        (Filter { target: text("main"), ..Filter::default() }, ""),
        (Filter { overdue: Some(true), ..Filter::default() }, ""),
        (Filter { overdue: Some(false), limit: Some(6), ..Filter::default() }, "6 5 4 3 2 1|0"),
        (Filter { ticket: text("T-1"), limit: Some(2), ..Filter::default() }, "5 3|1"),
        (Filter { ticket: text("T-1"), subject: text("s4"), ..Filter::default() }, ""),
        (Filter { received_after: Some(at(2)), ..Filter::default() }, "6 5 4"),
        (Filter { received_before: Some(at(2)), ..Filter::default() }, "3 2 1 0"),
        (
            Filter {
                received_after: Some(at(1)),
                received_before: Some(at(2)),
                ..Filter::default()
            },
            "3 2",
        ),
    ] {
        assert_eq!(ids(&store, &filter).await, pages, "{filter:?}");
    }
}

async fn what_cannot_be_asked_is_refused(place: &Place) {
    let store = place.open().await;
    let text = |text: &str| Some(text.to_owned());
    for (filter, says) in [
        (Filter { state: text("done"), ..Filter::default() }, "state: one of scheduled, open,"),
        (Filter { state: text("open,"), ..Filter::default() }, "state: one of"),
        (Filter { kind: text(""), ..Filter::default() }, "kind: one of full, suspend,"),
        (Filter { reason: text("Terminated"), ..Filter::default() }, "reason: one of terminated,"),
        (Filter { subject: text(""), ..Filter::default() }, "subject: 1 to"),
        (Filter { ticket: text("a\0"), ..Filter::default() }, "ticket: 1 to"),
        (Filter { account: Some("x".repeat(1_001)), ..Filter::default() }, "account: 1 to"),
        (Filter { limit: Some(0), ..Filter::default() }, "limit: 1 to 1000"),
        (Filter { limit: Some(1_001), ..Filter::default() }, "limit: 1 to 1000"),
        (Filter { cursor: text("x"), ..Filter::default() }, "cursor: `next` of"),
    ] {
        match page(&store, &Board::default(), &filter).await {
            Err(PageError::Filter(said)) => assert!(said.starts_with(says), "{said}"),
            other => panic!("{filter:?}: {other:?}"),
        }
    }
}

/// However many rows do not fit the question, an answer comes soon, and says where to go on.
#[tokio::test]
async fn a_page_reads_a_bounded_number_of_rows() {
    let place = Place::sqlite();
    let store = place.open().await;
    seven(&store).await;
    execute(
        &store,
        r#"WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000),
         asked AS (
             SELECT 'rev_x' || n AS id, replace(
                 replace(request, '"id":"rev_0"', '"id":"rev_x' || n || '"'),
                 '"received_at":"2026-03-05T09:00:00', '"received_at":"2026-03-05T09:00:09'
             ) AS request
             FROM revocation, n WHERE revocation.id = 'rev_0'
         )
         INSERT INTO revocation SELECT asked.id, subject_id, kind, asked.request, accounts, state, life,
             landed_state, landed_life, version, records, queued_at, received_at + 9000000, watch_until,
             asked.request, landings
         FROM revocation, asked WHERE revocation.id = 'rev_0'"#,
    )
    .await;
    let mut filter = Filter { ticket: Some("T-1".to_owned()), ..Filter::default() };
    let first = asked(&store, &filter).await;
    assert_eq!(first.revocations.len(), 0);
    filter.cursor = first.next;
    assert!(filter.cursor.is_some());
    assert_eq!(ids(&store, &filter).await, "5 3 1");
}
