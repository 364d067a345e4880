//! What becomes of pages after they were filed.

use crate::common::confluence::{Act, Confluence, Fault};
use crate::desk::{Desk, read};
use revoked::domain::delivery::Standing;
use serde_json::json;
use std::time::Duration;

fn gauge(finding: &str) -> String {
    format!("access_revocation_filed_pages{{finding=\"{finding}\"}}")
}

#[tokio::test]
async fn who_changes_a_page_is_found_out_once() {
    for (own, acts) in [
        (
            false,
            &[
                (Act::Edit, "edited"),
                (Act::Touch, "touched"),
                (Act::Revert, "touched"),
                (Act::Rename, "moved"),
                (Act::Detach, "stripped"),
                (Act::Strip, "stripped"),
            ][..],
        ),
        (true, &[(Act::Edit, "edited"), (Act::Strip, "stripped")]),
    ] {
        for (act, finding) in acts {
            let wiki = if own { Confluence::own().await } else { Confluence::cloud().await };
            let desk = Desk::of(wiki, "");
            let agent = desk.start().await;
            agent.live("p0", "john").await;
            agent.until_sent(1).await;
            agent.until_metric(&gauge("filed"), 1.0).await;
            let before = desk.wiki.pages().remove(0);
            desk.wiki.act(&before.id, act);
            let changed = desk.until_records("attestation_changed", 1).await;
            assert_eq!(changed[0]["finding"], *finding, "{act:?}");
            assert_eq!(changed[0]["delivery"], "rev_p0.7:confluence");
            assert_eq!(changed[0]["filed_version"], 1);
            agent.until_metric(&gauge(finding), 1.0).await;
            agent.until_metric(&gauge("filed"), 0.0).await;
            // Looked at again, it is no news; and nothing is written over.
            let looked = desk.wiki.requests("page").len();
            while desk.wiki.requests("page").len() < looked + 2 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            assert_eq!(desk.records("attestation_changed").len(), 1, "{act:?}");
            assert_eq!(desk.wiki.requests("update").len(), 0, "{act:?}");
            assert_eq!(desk.wiki.pages().len(), 1, "{act:?}");
            agent.stop().await;
            desk.assert_sound();
        }
    }
}

#[tokio::test]
async fn a_page_that_was_removed_is_filed_again_and_stays_removed() {
    for (own, act) in [(false, Act::Trash), (false, Act::Archive), (true, Act::Trash)] {
        let wiki = if own { Confluence::own().await } else { Confluence::cloud().await };
        let desk = Desk::of(wiki, "");
        let agent = desk.start().await;
        agent.live("p0", "john").await;
        agent.until_sent(1).await;
        let first = desk.wiki.pages().remove(0);
        desk.wiki.act(&first.id, &act);
        let pages = desk.wiki.until("there are two", |pages| pages.len() == 2).await;
        agent.until_sent(1).await;
        let changed = desk.until_records("attestation_changed", 1).await;
        assert_eq!(changed[0]["finding"], "removed");
        assert_ne!(pages[0].status, "current", "it is not brought back");
        assert_eq!(pages[1].title, format!("{} (2)", first.title));
        let said = format!("This page was filed again, since page {} was removed.", first.id);
        let second = desk.wiki.pages().remove(1);
        assert!(read(&second).contains(&said), "{}", read(&second));
        let filed = desk.until_records("attestation_published", 2).await;
        assert_eq!(filed[1]["replaces"], json!(first.id));
        let again = desk.records("outbox_changed");
        assert_eq!((&again[0]["change"], &again[0]["by"]), (&json!("file_again"), &json!(null)));
        agent.until_metric(&gauge("filed"), 1.0).await;
        agent.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_looked_at_says_nothing() {
    let desk = Desk::new().await;
    let agent = desk.start().await;
    agent.live("p0", "john").await;
    agent.until_sent(1).await;
    // Pages of a space that is not shown answer as if they were gone.
    desk.wiki.hide_space(true);
    tokio::time::sleep(Duration::from_secs(3)).await;
    desk.wiki.hide_space(false);
    desk.wiki.fail("page", [Fault::Status(500, vec![]), Fault::Login, Fault::Reset]);
    let looked = desk.wiki.requests("page").len();
    while desk.wiki.requests("page").len() < looked + 5 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(desk.records("attestation_changed").is_empty());
    assert_eq!(desk.wiki.pages().len(), 1);
    agent.until_metric(&gauge("filed"), 1.0).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_page_that_is_as_it_was_again_is_told_too() {
    let desk = Desk::new().await;
    let agent = desk.start().await;
    agent.live("p0", "john").await;
    agent.until_sent(1).await;
    let id = desk.wiki.pages()[0].id.clone();
    desk.wiki.act(&id, &Act::Edit);
    desk.until_records("attestation_changed", 1).await;
    let rows = agent.rows().await;
    assert!(rows.iter().all(|row| row.row.standing == Standing::Sent), "{rows:#?}");
    desk.wiki.act(&id, &Act::Trash);
    let all = desk.until_records("attestation_changed", 2).await;
    let found: Vec<_> = all.iter().map(|one| one["finding"].as_str().unwrap()).collect();
    assert_eq!(found, ["edited", "removed"]);
    agent.stop().await;
}
