//! What Confluence refuses, one case at a time.

use crate::common::confluence::{Confluence, Fault};
use crate::desk::{Desk, finding, read};
use revoked::domain::delivery::Standing;
use std::time::Duration;

const CIRCUIT: &str = "access_revocation_delivery_circuit_open{receiver=\"confluence\"}";
const PARKED: &str = "access_revocation_delivery_parked_destinations{receiver=\"confluence\"}";

async fn moment() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

#[tokio::test]
async fn a_pause_that_is_asked_for_is_kept() {
    for (status, headers, word) in [
        (429, vec![("retry-after", "2".to_owned())], "ratelimited"),
        (
            429,
            vec![
                ("retry-after", "2".to_owned()),
                ("ratelimit-reason", "confluence-burst-based".to_owned()),
            ],
            "ratelimited confluence-burst-based",
        ),
        (503, vec![("retry-after", "2".to_owned())], "http_503"),
    ] {
        let desk = Desk::unwatched().await;
        desk.wiki.fail("create", [Fault::Status(status, headers)]);
        let agent = desk.start().await;
        agent.live("p0", "john").await;
        agent.until_one(Standing::Due, word).await;
        let first = desk.wiki.requests("create")[0];
        agent.live("p1", "jane").await;
        agent.until_sent(2).await;
        let later = desk.wiki.requests("create");
        assert_eq!(later.len(), 3, "{word}");
        assert!(later[1] - first >= Duration::from_secs(2), "{word}: {:?}", later[1] - first);
        // Nothing else went there meanwhile.
        let early = desk.wiki.requests("find").into_iter().filter(|at| *at > first);
        assert!(early.into_iter().all(|at| at - first >= Duration::from_secs(2)), "{word}");
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_refused_token_closes_the_circuit_and_keeps_the_queue() {
    let desk = Desk::unwatched().await;
    desk.wiki.always("space", Some(Fault::Status(401, Vec::new())));
    let agent = desk.start().await;
    agent.live("p0", "john").await;
    agent.live("p1", "jane").await;
    agent.until_one(Standing::Due, "http_401").await;
    agent.until_metric(CIRCUIT, 1.0).await;
    let before = desk.wiki.requests("space").len();
    moment().await;
    assert!(desk.wiki.requests("space").len() <= before + 1, "it is asked once in a while");
    assert!(desk.wiki.pages().is_empty());
    desk.wiki.always("space", None);
    // A reload tries at once.
    desk.reload_same(&agent);
    agent.until_sent(2).await;
    assert_eq!(desk.wiki.pages().len(), 2);
    agent.until_metric(CIRCUIT, 0.0).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_space_that_is_archived_or_not_shown_is_left_alone_and_nothing_is_lost() {
    for own in [false, true] {
        for archived in [true, false] {
            let wiki = if own { Confluence::own().await } else { Confluence::cloud().await };
            let desk = Desk::of(wiki, "");
            let change = |closed| {
                if archived {
                    desk.wiki.archive_space(closed);
                } else {
                    desk.wiki.hide_space(closed);
                }
            };
            change(true);
            let agent = desk.start().await;
            agent.live("p0", "john").await;
            let word = if archived { "space_archived" } else { "space_not_found" };
            agent.until_one(Standing::Due, word).await;
            agent.until_metric(PARKED, 1.0).await;
            moment().await;
            assert_eq!(desk.wiki.writes(), 0, "{word}");
            change(false);
            desk.reload_same(&agent);
            agent.until_sent(1).await;
            assert_eq!(desk.wiki.pages().len(), 1, "{word}");
            agent.stop().await;
        }
    }
}

#[tokio::test]
async fn a_page_that_may_not_be_made_is_told_from_a_space_that_is_gone() {
    for status in [403, 404] {
        let desk = Desk::unwatched().await;
        desk.wiki.always("create", Some(Fault::Error(status, "No permission")));
        let agent = desk.start().await;
        agent.live("p0", "john").await;
        agent.until_one(Standing::Due, &format!("http_{status}")).await;
        agent.until_metric(PARKED, 1.0).await;
        assert!(agent.metric(CIRCUIT) < 0.5, "the token is good");
        desk.wiki.always("create", None);
        desk.reload_same(&agent);
        agent.until_sent(1).await;
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_title_that_is_ours_is_taken_up_and_one_of_others_is_left() {
    // Of others, wherever it lies.
    for status in ["current", "trashed", "archived"] {
        let desk = Desk::unwatched().await;
        desk.wiki.hide_space(true);
        let agent = desk.start().await;
        agent.live("p0", "john").await;
        let row = agent.until_one(Standing::Due, "space_not_found").await;
        // The title is of the day and the line of the log.
        let done = desk.records("verification_completed");
        let day = &done[0]["at"].as_str().unwrap()[..10];
        let line = row.seq.unwrap();
        let title = format!("Revocation closure rev_p0: verified {day} (record {line})");
        desk.wiki.foreign(&title, status);
        desk.wiki.hide_space(false);
        desk.reload_same(&agent);
        agent.until_sent(1).await;
        let ours = desk.wiki.ours();
        assert_eq!(ours.len(), 1, "{status}");
        assert_eq!(ours[0].title, format!("{title} (2)"), "{status}");
        let other = desk.wiki.pages().into_iter().find(|page| page.title == title).unwrap();
        assert_eq!((other.version, other.files.len(), other.properties.len()), (1, 0, 0));
        assert_eq!(desk.records("attestation_published")[0]["title"], ours[0].title);
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_page_that_somebody_made_before_us_is_not_taken_for_ours() {
    let desk = Desk::slow().await;
    let agent = desk.start().await;
    agent.live("p0", "john").await;
    agent.until_sent(1).await;
    agent.live("p1", "jane").await;
    let landed = |row: &revoked::store::Delivery| row.about == "rev_p1" && row.seq.is_some();
    let rows = agent.until("it waits for its turn", |rows| rows.iter().any(landed)).await;
    let row = rows.into_iter().find(landed).unwrap();
    let done = desk.records("verification_completed");
    let day = &done[1]["at"].as_str().unwrap()[..10];
    let title = format!("Revocation closure rev_p1: verified {day} (record {})", row.seq.unwrap());
    desk.wiki.forge(&title, &row.id);
    agent.until_sent(2).await;
    let ours = desk.wiki.ours();
    assert_eq!(ours[1].title, format!("{title} (2)"));
    assert!(read(&ours[1]).contains(&row.id) && ours[1].files.len() == 2);
    agent.stop().await;
}

#[tokio::test]
async fn what_is_refused_in_full_is_filed_short_and_then_given_up() {
    for (fault, word) in [
        (Fault::Error(413, "Too large"), "too_large"),
        (Fault::Error(400, "Error parsing xhtml: Unexpected character"), "invalid_body"),
    ] {
        let desk = Desk::unwatched().await;
        desk.wiki.fail("create", [fault.clone()]);
        let agent = desk.start().await;
        agent.live("p0", "john").await;
        agent.until_sent(1).await;
        let page = desk.wiki.pages().remove(0);
        assert!(read(&page).contains("With all its tables this page would be too long"));
        assert!(read(&page).contains("1 rows: before-after.csv, attached."));
        desk.wiki.always("create", Some(fault));
        agent.live("p1", "jane").await;
        let dead = agent.until_one(Standing::Dead, word).await;
        assert_eq!(dead.row.attempts, 2);
        let changed = desk.records("outbox_changed");
        assert_eq!((changed.len(), &changed[0]["change"]), (1, &"dead".into()));
        let dead = "access_revocation_outbox_messages{receiver=\"confluence\",state=\"dead\"}";
        agent.until_metric(dead, 1.0).await;
        agent.stop().await;
    }
}

#[tokio::test]
async fn an_answer_that_nobody_knows_is_tried_three_times() {
    let desk = Desk::unwatched().await;
    desk.wiki.always("create", Some(Fault::Status(418, Vec::new())));
    let agent = desk.start().await;
    agent.live("p0", "john").await;
    agent.until_one(Standing::Dead, "http_418").await;
    assert_eq!(desk.wiki.requests("create").len(), 3);
    agent.stop().await;
}

#[tokio::test]
async fn nothing_is_filed_before_its_record_or_where_nobody_files() {
    let desk = Desk::unwatched().await;
    let agent = desk.start().await;
    desk.reload(&agent, "");
    moment().await;
    agent.live("p0", "john").await;
    moment().await;
    assert!(agent.rows().await.is_empty() && desk.wiki.pages().is_empty());
    assert!(!agent.page().contains("receiver=\"confluence\"") || desk.wiki.writes() == 0);
    desk.reload_same(&agent);
    moment().await;
    agent.live("p1", "jane").await;
    agent.until_sent(1).await;
    let page = desk.wiki.pages().remove(0);
    assert!(page.title.contains("rev_p1"), "{}", page.title);
    agent.stop().await;
}

#[tokio::test]
async fn a_page_of_many_findings_is_kept_short_and_the_file_has_all() {
    let desk = Desk::unwatched().await;
    let agent = desk.start().await;
    agent.expect("p0", "").await;
    let found: Vec<_> = (0..5_000).map(|n| finding("john", &format!("TABLE t_{n}"))).collect();
    agent.found("p0", "john", &found).await;
    agent.verify("p0").await;
    agent.until_sent(1).await;
    let page = desk.wiki.pages().remove(0);
    assert!(read(&page).contains("And 4800 more: before-after.csv, attached."));
    let csv = String::from_utf8(page.files["before-after.csv"].1.clone()).unwrap();
    assert_eq!(csv.lines().count(), 5_001);
    agent.stop().await;
}
