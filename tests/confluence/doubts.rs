//! What Confluence may have kept, and what stopped on the way: tried again, it ends in one page.

use crate::common::confluence::{Act, Confluence, Fault, Page};
use crate::desk::{Desk, read};
use revoked::deliver::Deliverer;
use revoked::domain::delivery::Standing;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Kinds of request that write something, in the order in which they come.
const STEPS: &[&str] = &["create", "attach", "label", "set_property"];

/// There is one page, with all that belongs to it, and one record of it.
fn assert_whole(desk: &Desk, what: &str) -> Page {
    let pages = desk.wiki.pages();
    assert_eq!(pages.len(), 1, "{what}: {pages:#?}");
    let page = pages.into_iter().next().unwrap();
    assert_eq!(page.files.len(), 2, "{what}");
    assert_eq!((page.labels.len(), page.properties.len()), (2, 1), "{what}");
    assert_eq!(desk.records("attestation_published").len(), 1, "{what}");
    // What is attached is what the page speaks of.
    let proof = &page.files["rev_p0.tlog-proof"].1;
    let digest = revoked::domain::hex::hex(&<sha2::Sha256 as sha2::Digest>::digest(proof));
    assert!(read(&page).contains(&digest), "{what}");
    page
}

#[tokio::test]
async fn whatever_is_lost_on_the_way_there_is_one_page() {
    let page = || Fault::Status(502, Vec::new());
    for step in STEPS {
        for fault in [
            Fault::ResetAfter,
            Fault::CutAfter,
            Fault::Reset,
            Fault::Login,
            page(),
            Fault::Status(503, vec![("retry-after", "1".to_owned())]),
            Fault::Status(302, vec![("location", "https://login.example/".to_owned())]),
        ] {
            let what = format!("{step} {fault:?}");
            let desk = Desk::unwatched().await;
            desk.wiki.fail(step, [fault]);
            let agent = desk.start().await;
            agent.live("p0", "john").await;
            agent.until_sent(1).await;
            assert_whole(&desk, &what);
            agent.stop().await;
        }
    }
}

#[tokio::test]
async fn data_center_goes_on_where_it_stopped_too() {
    for step in STEPS {
        let desk = Desk::of(Confluence::own().await, "");
        desk.wiki.fail(step, [Fault::ResetAfter, Fault::Reset]);
        let agent = desk.start().await;
        agent.live("p0", "john").await;
        agent.until_sent(1).await;
        assert_whole(&desk, step);
        agent.stop().await;
    }
}

#[tokio::test]
async fn reading_may_fail_too() {
    for kind in ["space", "find", "page", "property", "attached"] {
        let desk = Desk::unwatched().await;
        desk.wiki.fail("create", [Fault::ResetAfter]);
        let bad = [Fault::Reset, Fault::Login, Fault::Status(500, vec![]), Fault::CutAfter];
        desk.wiki.fail(kind, bad);
        let agent = desk.start().await;
        agent.live("p0", "john").await;
        agent.until_sent(1).await;
        assert_whole(&desk, kind);
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_page_that_is_not_shown_yet_is_not_made_again() {
    for reads in [1, 4, 9] {
        let desk = Desk::unwatched().await;
        desk.wiki.slow(reads);
        desk.wiki.fail("create", [Fault::ResetAfter]);
        let agent = desk.start().await;
        agent.live("p0", "john").await;
        agent.until_sent(1).await;
        assert_whole(&desk, &format!("{reads} reads"));
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_version_of_ours_that_came_late_is_no_conflict() {
    let desk = Desk::unwatched().await;
    // Made, and then the answer is lost; written anew, and told that another version is there.
    desk.wiki.fail("create", [Fault::ResetAfter]);
    desk.wiki.fail("update", [Fault::ConflictAfter]);
    let agent = desk.start().await;
    agent.live("p0", "john").await;
    agent.until_sent(1).await;
    let page = assert_whole(&desk, "late");
    assert_eq!(page.version, 2, "found, and not written once more");
    assert_eq!(page.message, "revoked:rev_p0.7:confluence");
    agent.stop().await;
}

#[tokio::test]
async fn what_a_person_wrote_meanwhile_is_never_written_over() {
    // Between making it and looking at it again; and between reading and writing.
    for kind in ["property", "update"] {
        let desk = Desk::unwatched().await;
        desk.wiki.fail("create", [Fault::ResetAfter]);
        desk.wiki.before(kind, Act::Edit);
        let agent = desk.start().await;
        agent.live("p0", "john").await;
        agent.until_sent(1).await;
        let pages = desk.wiki.pages();
        assert_eq!(pages.len(), 2, "{kind}: {pages:#?}");
        assert!(pages[0].body.ends_with("<p>somebody says otherwise</p>"), "{kind}");
        assert_eq!(pages[1].title, format!("{}, amendment", pages[0].title));
        let said = format!("Somebody edited page {} before it was complete", pages[0].id);
        assert!(read(&pages[1]).contains(&said), "{}", read(&pages[1]));
        assert_eq!((pages[1].files.len(), pages[1].properties.len()), (2, 1));
        let filed = desk.records("attestation_published");
        assert_eq!((filed.len(), &filed[0]["amends"]), (1, &pages[0].id.clone().into()));
        agent.stop().await;
    }
}

#[tokio::test]
async fn an_agent_that_is_killed_at_any_step_goes_on_with_the_same_page() {
    for step in STEPS {
        let desk = Desk::unwatched().await;
        desk.wiki.fail(step, [Fault::HangAfter]);
        let agent = desk.start().await;
        agent.live("p0", "john").await;
        let begun = Instant::now();
        while desk.wiki.requests(step).is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        agent.kill().await;
        let agent = desk.start().await;
        agent.until_sent(1).await;
        assert_whole(&desk, step);
        agent.stop().await;
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up_and_looked_up() {
    let desk = Desk::unwatched().await;
    desk.wiki.fail("create", [Fault::HangAfter]);
    let agent = desk.start().await;
    agent.live("p0", "john").await;
    let row = agent.until_one(Standing::Ambiguous, "timeout").await;
    assert_eq!(row.row.attempts, 1);
    agent.until_sent(1).await;
    assert_whole(&desk, "slow");
    agent.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_an_answer_that_does_not_come() {
    let desk = Desk::unwatched().await;
    desk.wiki.fail("attach", [Fault::HangAfter]);
    let agent = desk.start().await;
    agent.live("p0", "john").await;
    let begun = Instant::now();
    while desk.wiki.requests("attach").is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let begun = Instant::now();
    agent.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let agent = desk.start().await;
    agent.until_sent(1).await;
    assert_whole(&desk, "stopped");
    agent.stop().await;
}

#[tokio::test]
async fn two_who_file_make_one_page() {
    let desk = Desk::unwatched().await;
    let agent = desk.start().await;
    let other = Deliverer::new(agent.journal.clone(), agent.live.clone(), agent.metrics.clone());
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    let last = stop.clone();
    tasks.spawn(async move { other.run(last).await.unwrap() });
    for n in 0..10 {
        agent.live(&format!("p{n}"), "john").await;
    }
    agent.until_sent(10).await;
    let titles: std::collections::BTreeSet<_> =
        desk.wiki.pages().into_iter().map(|page| page.title).collect();
    assert_eq!((desk.wiki.pages().len(), titles.len()), (10, 10));
    assert_eq!(desk.records("attestation_published").len(), 10);
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    agent.stop().await;
}

#[tokio::test]
async fn nobody_at_the_other_end_is_waited_for() {
    let wiki = Confluence::cloud().await;
    let (port, section) = (wiki.port, wiki.config(""));
    drop(wiki);
    let desk = Desk::of(Confluence::cloud().await, "");
    let agent = desk.start().await;
    desk.reload(&agent, &section);
    tokio::time::sleep(Duration::from_millis(300)).await;
    agent.live("p0", "john").await;
    agent
        .until("it was tried twice", |rows| {
            rows.iter().any(|row| row.row.attempts >= 2 && row.error == "no_connection")
        })
        .await;
    let there = Confluence::start_at(port, false).await;
    agent.until_sent(1).await;
    assert_eq!(there.pages().len(), 1);
    agent.stop().await;
}

#[tokio::test]
async fn what_was_attached_is_found_behind_hundreds_of_other_files() {
    for own in [false, true] {
        let wiki = if own { Confluence::own().await } else { Confluence::cloud().await };
        let desk = Desk::of(wiki, "");
        desk.wiki.fail("label", [Fault::Reset]);
        desk.wiki.before("attached", Act::Crowd);
        let agent = desk.start().await;
        agent.live("p0", "john_doe").await;
        let rows = agent.until_sent(1).await;
        assert_eq!(rows.len(), 1, "{own}: {rows:#?}");
        let pages = desk.wiki.pages();
        assert_eq!((pages.len(), pages[0].files.len()), (1, 302), "{own}: each of ours once");
        // Nor is any of them missed afterwards.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert!(desk.wiki.requests("attached").len() >= 6, "{own}: two lists each time");
        assert!(desk.records("attestation_changed").is_empty(), "{own}");
        agent.stop().await;
        desk.assert_sound();
    }
}
