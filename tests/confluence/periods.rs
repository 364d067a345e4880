//! Attestations of periods: each once, oldest first, and never over a person's words.

use crate::common::confluence::{Act, Confluence, Fault, Page};
use crate::desk::{Desk, read};
use revoked::clock;
use revoked::domain::delivery::{Standing, Topic};
use revoked::domain::time::UtcTime;
use revoked::http::attestation::{Filter, made};
use serde_json::Value;
use std::time::Duration;

const OVERDUE: &str = "access_revocation_attestations_overdue{attestation=\"audit\"}";
const FILED: &str =
    "access_revocation_attestation_last_filed_timestamp_seconds{attestation=\"audit\"}";
const DAY: i64 = 86_400_000_000;

/// Midnight so many days ago.
fn midnight(days: i64) -> UtcTime {
    let now = clock::now().micros();
    UtcTime::from_micros(now - now.rem_euclid(DAY) - days * DAY).unwrap()
}

/// Attests each day, and has one day to attest.
async fn daily(desk: Desk) -> Desk {
    desk.attesting("0 0 * * *", Some(midnight(1))).await
}

fn numbers(page: &Page) -> Value {
    serde_json::from_slice(&page.files["attestation.json"].1).unwrap()
}

/// There is one page, with all that belongs to it, and one record of it.
fn assert_whole(desk: &Desk, what: &str) -> Page {
    let pages = desk.wiki.pages();
    assert_eq!(pages.len(), 1, "{what}: {pages:#?}");
    let page = pages.into_iter().next().unwrap();
    assert_eq!(page.files.len(), 2, "{what}");
    assert_eq!((page.labels.len(), page.properties.len()), (2, 1), "{what}");
    let filed = desk.records("attestation_published");
    assert_eq!(filed.len(), 1, "{what}");
    assert_eq!((&filed[0]["what"], &filed[0]["about"]), (&"attestation".into(), &"audit".into()));
    assert_eq!(desk.records("attestation_due").len(), 1, "{what}");
    for (_, bytes) in page.files.values() {
        let digest = revoked::domain::hex::hex(&<sha2::Sha256 as sha2::Digest>::digest(bytes));
        assert!(read(&page).contains(&digest), "{what}");
    }
    page
}

#[tokio::test]
async fn each_period_begins_where_the_last_one_ended_and_has_what_happened_in_it() {
    for own in [false, true] {
        let wiki = if own { Confluence::own().await } else { Confluence::cloud().await };
        let desk = Desk::of(wiki, "").attesting("*/3 * * * * *", None).await;
        let agent = desk.start().await;
        agent.live("p0", "john_doe").await;
        let verified = |pages: &[Page]| {
            let of = |page: &Page| numbers(page)["outcome"]["verified"].as_u64().unwrap();
            let whole = pages
                .iter()
                .filter(|page| page.files.len() == 2 && page.title.contains("attestation"));
            whole.map(of).sum::<u64>() == 1
        };
        desk.wiki.until("it was attested", verified).await;
        desk.reload_without(&agent);
        agent
            .until("all is filed", |rows| rows.iter().all(|row| row.row.standing.is_settled()))
            .await;
        let due = desk.records("attestation_due");
        for pair in due.windows(2) {
            assert_eq!(pair[0]["to"], pair[1]["from"], "{due:#?}");
        }
        let pages = desk.wiki.pages();
        let pages: Vec<&Page> =
            pages.iter().filter(|page| page.title.contains("attestation")).collect();
        assert_eq!(pages.len(), due.len());
        for (page, due) in pages.iter().zip(&due) {
            assert_eq!(numbers(page)["period"]["to"], due["to"]);
            assert!(!read(page).contains("john"), "{}", read(page));
        }
        for pair in pages.windows(2) {
            let said = format!("The attestation before this one is on page {}.", pair[0].id);
            assert!(read(pair[1]).contains(&said), "{}", read(pair[1]));
        }
        let page = pages.iter().find(|page| verified(&[(**page).clone()])).unwrap();
        let csv = String::from_utf8(page.files["revocations.csv"].1.clone()).unwrap();
        assert!(csv.lines().nth(1).unwrap().starts_with("rev_p0,"), "{csv}");
        assert!(read(page).contains("rev_p0") && read(page).contains("VERIFIED"), "{}", read(page));
        assert!(agent.rows().await.iter().any(|row| row.topic == Topic::Attestation));
        assert!(!desk.records("anchor").is_empty(), "it bears a checkpoint");
        agent.stop().await;
        desk.assert_sound();
    }
}

#[tokio::test]
async fn an_attestation_is_one_page_whatever_is_lost_on_the_way() {
    for step in ["create", "attach", "label", "set_property"] {
        for fault in [Fault::ResetAfter, Fault::Reset, Fault::Status(502, Vec::new())] {
            let what = format!("{step} {fault:?}");
            let desk = daily(Desk::unwatched().await).await;
            desk.wiki.fail(step, [fault]);
            let agent = desk.start().await;
            agent.until_sent(1).await;
            let page = assert_whole(&desk, &what);
            assert!(read(&page).contains("The log has no line of the period"), "{}", read(&page));
            agent.stop().await;
        }
    }
    // Made, and then told that another version is there, which is ours.
    let desk = daily(Desk::unwatched().await).await;
    desk.wiki.fail("create", [Fault::ResetAfter]);
    desk.wiki.fail("update", [Fault::ConflictAfter]);
    let agent = desk.start().await;
    agent.until_sent(1).await;
    assert_eq!(assert_whole(&desk, "409").version, 2);
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_that_is_killed_goes_on_with_the_same_attestation() {
    for step in ["attach", "label", "set_property"] {
        let desk = daily(Desk::unwatched().await).await;
        desk.wiki.always(step, Some(Fault::Reset));
        let agent = desk.start().await;
        desk.wiki.until("it is made", |pages| pages.len() == 1).await;
        agent.kill().await;
        desk.wiki.always(step, None);
        let agent = desk.start().await;
        agent.until_sent(1).await;
        assert_whole(&desk, step);
        agent.stop().await;
        desk.assert_sound();
    }
}

#[tokio::test]
async fn an_attestation_on_which_a_person_wrote_is_left_and_amended() {
    for kind in ["property", "update"] {
        let desk = daily(Desk::unwatched().await).await;
        desk.wiki.fail("create", [Fault::ResetAfter]);
        desk.wiki.before(kind, Act::Edit);
        let agent = desk.start().await;
        agent.until_sent(1).await;
        let pages = desk.wiki.pages();
        assert_eq!(pages.len(), 2, "{kind}: {pages:#?}");
        assert!(pages[0].body.ends_with("<p>somebody says otherwise</p>"), "{kind}");
        assert_eq!(pages[1].title, format!("{}, amendment", pages[0].title));
        let said = format!("Somebody edited page {} before it was complete", pages[0].id);
        assert!(read(&pages[1]).contains(&said), "{}", read(&pages[1]));
        let filed = desk.records("attestation_published");
        assert_eq!((filed.len(), &filed[0]["amends"]), (1, &pages[0].id.clone().into()));
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_filed_attestation_is_watched_like_other_pages() {
    let desk = daily(Desk::new().await).await;
    let agent = desk.start().await;
    agent.until_sent(1).await;
    let page = assert_whole(&desk, "first");
    desk.wiki.act(&page.id, &Act::Edit);
    let changed = desk.until_records("attestation_changed", 1).await;
    assert_eq!(changed[0]["finding"], "edited");
    assert!(changed[0]["delivery"].as_str().unwrap().starts_with("atd.audit."), "{changed:?}");
    desk.wiki.act(&page.id, &Act::Trash);
    let pages = desk.wiki.until("it is filed again", |pages| pages.len() == 2).await;
    assert_eq!(pages[1].title, format!("{} (2)", page.title));
    agent.until_sent(1).await;
    assert_eq!(
        desk.until_records("attestation_published", 2).await[1]["replaces"],
        page.id.as_str()
    );
    agent.stop().await;
}

#[tokio::test]
async fn periods_that_were_missed_are_made_up_for_and_too_many_are_named() {
    let desk = Desk::unwatched().await.attesting("0 0 * * *", Some(midnight(30))).await;
    let agent = desk.start().await;
    agent.until_sent(12).await;
    let pages = desk.wiki.pages();
    assert_eq!(pages.len(), 12);
    let first = numbers(&pages[0]);
    assert_eq!(first["left_out"]["periods"], 18);
    assert_eq!(first["left_out"]["from"], midnight(30).to_string());
    assert_eq!(first["period"]["from"], midnight(12).to_string());
    assert!(read(&pages[0]).contains("18 periods before this one"), "{}", read(&pages[0]));
    for (n, page) in (0_i64..).zip(&pages) {
        assert_eq!(numbers(page)["period"]["to"], midnight(11 - n).to_string());
        assert!(n == 0 || numbers(page)["left_out"].is_null());
    }
    // Another start files none of them again.
    agent.stop().await;
    let agent = desk.start().await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert_eq!((agent.rows().await.len(), desk.wiki.pages().len()), (12, 12));
    agent.stop().await;
}

#[tokio::test]
async fn what_is_not_filed_yet_is_overdue_and_says_where_it_would_be() {
    let desk = daily(Desk::unwatched().await).await;
    desk.wiki.hide_space(true);
    let agent = desk.start().await;
    let row = agent.until_one(Standing::Due, "space_not_found").await;
    agent.until_metric(OVERDUE, 1.0).await;
    assert!(agent.metric(FILED) < 1.0, "never");
    let preview = |config| {
        let (journal, id) = (agent.journal.clone(), row.id.clone());
        async move { revoked::deliver::preview(&journal, &config, &id).await.unwrap().unwrap() }
    };
    let shown = preview(desk.config(str::to_owned)).await;
    assert_eq!(shown["space"], "SEC");
    let names: Vec<_> =
        shown["attachments"].as_array().unwrap().iter().map(|file| file["name"].clone()).collect();
    assert_eq!(names, ["revocations.csv", "attestation.json"]);
    // Another place counts from the next period on: something of this one may be there already.
    let elsewhere = |text: &str| text.replace("time_zone: UTC}", "space: AUD, parent: '99'}");
    let shown = preview(desk.config(elsewhere)).await;
    assert_eq!((&shown["space"], &shown["parent"]), (&"SEC".into(), &"1000".into()));
    desk.wiki.hide_space(false);
    desk.reload(&agent, &elsewhere(&desk.section()));
    let sent = agent.until_sent(1).await;
    assert!(sent[0].remote.as_deref().unwrap().starts_with("SEC "), "{sent:?}");
    assert_eq!(desk.wiki.pages().len(), 1);
    // The next turn of what ends periods is up to twenty seconds away.
    agent.until_metric(OVERDUE, 0.0).await;
    assert!(agent.metric(FILED) > midnight(0).seconds());
    agent.stop().await;
}

#[tokio::test]
async fn what_is_taken_out_of_the_configuration_is_filed_where_it_was_to_be() {
    let desk = daily(Desk::unwatched().await).await;
    desk.wiki.hide_space(true);
    let agent = desk.start().await;
    let row = agent.until_one(Standing::Due, "space_not_found").await;
    let due = desk.records("attestation_due");
    assert_eq!((&due[0]["space"], &due[0]["parent"]), (&"SEC".into(), &"1000".into()), "{due:?}");
    // The usual place is another one by now, and nobody attests.
    let elsewhere = |text: &str| {
        let text = text.split("attestations:").next().unwrap();
        text.replace("space: SEC, parent: '1000'", "space: AUD, parent: '99'")
    };
    let config = desk.config(elsewhere);
    let shown = revoked::deliver::preview(&agent.journal, &config, &row.id).await.unwrap().unwrap();
    assert_eq!((&shown["space"], &shown["parent"]), (&"SEC".into(), &"1000".into()));
    desk.wiki.hide_space(false);
    desk.reload(&agent, &elsewhere(&desk.section()));
    let sent = agent.until_sent(1).await;
    assert!(sent[0].remote.as_deref().unwrap().starts_with("SEC "), "{sent:?}");
    assert_eq!(assert_whole(&desk, "taken out").parent.as_deref(), Some("1000"));
    agent.stop().await;
}

#[tokio::test]
async fn what_is_asked_for_by_name_is_the_period_that_is_filed_or_due() {
    let hour = 3_600_000_000;
    let begin = UtcTime::from_micros(midnight(1).micros() + hour).unwrap();
    let desk = Desk::unwatched().await.attesting("0 0 * * *", Some(begin)).await;
    desk.wiki.hide_space(true);
    let ask = async |agent: &crate::desk::Running, config: &revoked::config::Config| {
        let filter = Filter { name: Some("audit".to_owned()), from: None, to: None };
        made(&agent.journal, config, &filter, clock::now()).await
    };
    let agent = desk.start().await;
    let due = desk.until_records("attestation_due", 1).await;
    assert_eq!(due[0]["from"], begin.to_string());
    let config = desk.config(str::to_owned);
    let one = ask(&agent, &config).await.unwrap();
    assert_eq!((one.period.from, one.period.to), (begin, midnight(0)));
    let line = |record: &str| {
        let lines = desk.logbook.lines();
        lines.iter().position(|line| line["type"] == record).unwrap() as u64
    };
    assert_eq!(one.up_to, line("attestation_due"), "as it is filed");
    // Another schedule: what ended already stays what it was, and what ends next begins there.
    let hourly = desk.config(|text| text.replace("0 0 * * *", "0 0 1 1 *"));
    let same = ask(&agent, &hourly).await.unwrap();
    assert_eq!(same.period, one.period);
    // It ended, and nobody has said so yet: it is due from where the last one ended.
    let each_second = desk.config(|text| text.replace("0 0 * * *", "* * * * * *"));
    let next = ask(&agent, &each_second).await.unwrap();
    assert!(next.period.from > one.period.to && next.period.to <= clock::now());
    agent.stop().await;
    // None of it has ended.
    let desk = Desk::unwatched().await.attesting("0 0 1 1 *", Some(clock::now())).await;
    let agent = desk.start().await;
    let refused = ask(&agent, &desk.config(str::to_owned)).await.unwrap_err().to_string();
    assert!(refused.contains("no period of it has ended") && refused.contains("from"), "{refused}");
    agent.stop().await;
}
