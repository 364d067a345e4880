//! Many things at once are few messages.

use crate::common::slack::{Fault, Message};
use crate::desk::{Desk, names};
use revoked::clock;
use revoked::domain::delivery::{Standing, Topic};
use revoked::domain::notice::Outcome;
use revoked::domain::time::UtcTime;
use revoked::store::{Facts, NewRecord, NoticeKey};
use serde_json::json;
use std::time::Duration;

fn days_ago(days: i64) -> UtcTime {
    UtcTime::from_micros(clock::now().micros() - days * 86_400_000_000).unwrap()
}

#[tokio::test]
async fn a_layoff_is_one_thread() {
    let desk = Desk::patient("").await;
    let agent = desk.start().await;
    agent.expect(&names(120), None).await;
    let first = desk.slack.until(1).await.remove(0);
    let rows = agent.settled().await;
    let all = desk.slack.messages();
    assert!(
        all.len() <= 9,
        "{} messages: {:#?}",
        all.len(),
        all.iter().map(Message::title).collect::<Vec<_>>()
    );
    assert!(first.title().ends_with(" revocations opened"), "{}", first.title());
    let opened = rows.iter().filter(|row| row.topic == Topic::Opened);
    let carried = opened.filter(|row| row.row.standing == Standing::Carried).count();
    assert!(carried >= 100, "{carried}");
    let told: u64 =
        desk.records("notification_sent").iter().map(|one| one["records"].as_u64().unwrap()).sum();
    assert_eq!(told, 120, "every record is in one message");

    // What follows of them goes on there, and is as few messages.
    let before = all.len();
    for name in names(120) {
        agent.verify(&name).await;
    }
    agent.settled().await;
    let all = desk.slack.messages();
    let more = &all[before..];
    assert!(more.len() <= 20, "{} messages", more.len());
    let followed = more.iter().filter(|one| one.thread.as_ref() == Some(&first.ts)).count();
    assert!(followed >= 1, "{more:#?}");
    let told = desk.records("notification_sent").len();
    assert_eq!(told, all.len());
    agent.stop().await;
}

#[tokio::test]
async fn what_is_urgent_does_not_wait_for_the_next_digest() {
    let desk = Desk::patient(", digest_over: 5").await;
    let section = desk.slack.config(", digest_over: 5");
    let section = section.replace("digest_interval: 1s", "digest_interval: 1h");
    let section = section.replace("gather: 100ms", "gather: 1s");
    let agent = desk.start().await;
    desk.reload(&agent, &section);
    tokio::time::sleep(Duration::from_millis(300)).await;
    agent.expect(&names(40), None).await;
    agent
        .until("the digest is sent", |rows| {
            let mut opened = rows.iter().filter(|row| row.topic == Topic::Opened);
            let sent = |row: &revoked::store::Delivery| row.row.standing == Standing::Sent;
            opened.all(|row| row.row.standing.is_settled())
                && rows.iter().any(|row| row.topic == Topic::Digest && sent(row))
        })
        .await;
    let all = desk.slack.messages();
    let (before, root) = (all.len(), all[0].ts.clone());
    assert!(all[0].title().ends_with(" revocations opened"), "{}", all[0].title());
    agent.verify("p0").await;
    agent.verify("p1").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(desk.slack.messages().len(), before, "that waits for others");
    agent.regress("p1").await;
    let all = desk
        .slack
        .until_that("it is told", |all| all.iter().any(|one| one.title().contains("1 has access")))
        .await;
    let last = all.last().unwrap();
    assert_eq!(last.title(), "1 has access again, 2 verified", "all of it, in one");
    assert!(last.broadcast && last.thread.as_ref() == Some(&root), "{last:#?}");
    agent.stop().await;
}

#[tokio::test]
async fn many_of_a_kind_are_one_message_and_keep_their_threads() {
    let desk = Desk::patient("").await;
    let agent = desk.start().await;
    for batch in 0..4 {
        let some: Vec<_> = (0..8).map(|n| format!("b{batch}x{n}")).collect();
        agent.expect(&some, None).await;
        desk.slack.until((batch + 1) * 8).await;
        agent.settled().await;
    }
    for batch in 0..4 {
        for n in 0..8 {
            agent.regress(&format!("b{batch}x{n}")).await;
        }
    }
    agent.settled().await;
    let all = desk.slack.messages();
    let digests: Vec<_> = all[32..].iter().filter(|one| one.thread.is_none()).collect();
    assert!(
        (1..=3).contains(&digests.len()),
        "{:#?}",
        digests.iter().map(|digest| digest.title()).collect::<Vec<_>>()
    );
    assert!(digests[0].title().contains("have access again"), "{}", digests[0].title());
    agent.verify("b0x0").await;
    agent.settled().await;
    let all = desk.slack.messages();
    let last = all.last().unwrap();
    let root = all.iter().find(|one| one.delivery == "rev_b0x0.2:slack").unwrap();
    assert_eq!(last.thread.as_ref(), Some(&root.ts), "its own thread, as before");
    agent.stop().await;
}

#[tokio::test]
async fn after_days_without_slack_there_is_one_message_that_says_so() {
    let desk = Desk::patient("").await;
    desk.slack.always("chat.postMessage", Some(Fault::Reset));
    let agent = desk.start().await;
    agent.expect(&names(7), Some(days_ago(3))).await;
    agent.expect(&["fresh".to_owned()], None).await;
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    agent.kill().await;
    desk.slack.always("chat.postMessage", None);
    let agent = desk.start().await;
    let rows = agent.settled().await;
    let all = desk.slack.messages();
    let late: Vec<_> = all.iter().filter(|one| one.title().starts_with("Told late: ")).collect();
    assert_eq!((late.len(), all.len()), (1, 2), "{all:#?}");
    assert_eq!(late[0].title(), "Told late: 7 revocations opened");
    let expired = rows.iter().filter(|row| row.row.standing == Standing::Expired);
    assert_eq!(expired.count(), 7);
    // What follows begins a thread of its own.
    agent.verify("p0").await;
    let all = desk.slack.until(3).await;
    assert_eq!(all[2].thread, None);
    agent.stop().await;
}

#[tokio::test]
async fn edits_that_a_newer_one_makes_needless_are_left_out() {
    let desk = Desk::new("").await;
    let agent = desk.start().await;
    agent.expect(&names(1), None).await;
    desk.slack.until(1).await;
    agent.settled().await;
    desk.slack.fail("chat.update", [Fault::Status(429, vec![("retry-after", "1".to_owned())])]);
    for n in 0..20 {
        let more = json!({"label": "changed", "verdict": "residual", "n": n});
        agent.step("p0", revoked::domain::revocation::State::Open, "observation", more).await;
    }
    agent.settled().await;
    let edits = desk.slack.messages()[0].edits;
    assert!((1..=4).contains(&edits), "{edits} edits for 20 changes");
    agent.stop().await;
}

#[tokio::test]
async fn a_target_without_sight_has_a_thread() {
    let desk = Desk::new("").await;
    let agent = desk.start().await;
    let note = |kind: &'static str, body: serde_json::Value| revoked::store::NewRecord {
        kind,
        body: body.as_object().unwrap().clone(),
    };
    let missed = note("canary_missed", json!({"target": "main", "missing": ["privilege"]}));
    agent.journal.store.queue_note("cnr_1", &missed, clock::now()).await.unwrap();
    agent.journal.wake();
    let all = desk.slack.until(1).await;
    assert_eq!(all[0].title(), "Blind on main: the canary is missed");
    let found = note("canary_detected", json!({"target": "main", "missed_at": clock::now()}));
    agent.journal.store.queue_note("cnr_2", &found, clock::now()).await.unwrap();
    agent.journal.wake();
    let all = desk.slack.until(2).await;
    assert_eq!(all[1].title(), "Sight again on main: the canary is found");
    assert_eq!(all[1].thread.as_ref(), Some(&all[0].ts));
    agent.stop().await;
}

#[tokio::test]
async fn a_notice_that_is_held_is_told_and_one_that_was_decided_is_not() {
    let desk = Desk::new("").await;
    let agent = desk.start().await;
    for (id, outcome) in [("ntc_1", Outcome::Quarantined), ("ntc_2", Outcome::Dismissed)] {
        let key = NoticeKey {
            source: "hr".to_owned(),
            event_id: id.to_owned(),
            facts: Facts {
                id: id.to_owned(),
                outcome,
                record: Some(format!("{id}.1")),
                ..Facts::default()
            },
            ..NoticeKey::default()
        };
        let body = json!({"at": clock::now(), "cause": "identity", "notice": id, "outcome": "quarantined",
            "triggered_by": "hr"});
        let note =
            NewRecord { kind: "notice_quarantined", body: body.as_object().unwrap().clone() };
        assert!(agent.journal.store.keep_notice(&key, None, &note, clock::now()).await.unwrap());
    }
    agent.journal.wake();
    let rows = agent.settled().await;
    let all = desk.slack.messages();
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(all[0].title(), "A notice waits for a person");
    assert!(all[0].text.contains("revoked webhook retry ntc_1"), "{}", all[0].text);
    let left: Vec<_> = rows.iter().map(|row| (row.about.as_str(), row.row.standing)).collect();
    assert!(left.contains(&("ntc_2", Standing::Superseded)), "{left:?}");
    agent.stop().await;
}
