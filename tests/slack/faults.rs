//! What goes wrong between the agent and Slack, one case at a time.

use crate::common::slack::{CHANNEL, Fault, Message, Slack};
use crate::desk::{Desk, names};
use revoked::domain::delivery::{Standing, Topic};
use revoked::domain::revocation::State;
use serde_json::json;
use std::time::Duration;

const POST: &str = "chat.postMessage";

fn one() -> Vec<String> {
    names(1)
}

async fn moment() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

#[tokio::test]
async fn a_life_is_one_thread_and_each_thing_is_told_once() {
    let desk = Desk::new("").await;
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    desk.slack.until(1).await;
    agent.verify("p0").await;
    desk.slack.until(2).await;
    agent.regress("p0").await;
    desk.slack.until(3).await;
    let rows = agent.settled().await;
    let all = desk.slack.messages();
    let titles: Vec<_> = all.iter().map(Message::title).collect();
    // The first one was edited by now.
    assert_eq!(titles, ["Access is back", "Verified: nothing remains", "Access is back"]);
    let root = Some(all[0].ts.clone());
    assert_eq!((&all[0].thread, &all[1].thread, &all[2].thread), (&None, &root, &root));
    assert_eq!((all[1].broadcast, all[2].broadcast), (false, true), "only what is urgent");
    assert!(all[0].edits >= 1 && all[1].edits == 0, "{all:#?}");
    let sent: Vec<_> = rows.iter().filter(|row| row.row.standing == Standing::Sent).collect();
    assert!(sent.iter().all(|row| row.remote.is_some() && row.error.is_empty()), "{sent:#?}");
    // Everything that was told is cited, and is in the log before.
    for message in &all[1..] {
        assert!(message.text.contains("Log record "), "{}", message.text);
        assert!(message.text.contains(", in the checkpoint of "), "{}", message.text);
    }
    let told = desk.records("notification_sent");
    let topics: Vec<_> = told.iter().map(|one| one["topic"].as_str().unwrap()).collect();
    assert_eq!(topics, ["opened", "verified", "regressed"]);
    for one in &told {
        assert_eq!(one["possible_duplicate"], false, "{one}");
        assert_eq!(one["revocation"], "rev_p0", "{one}");
    }
    assert_eq!(told[0]["remote"], format!("{CHANNEL} {}", all[0].ts));
    let counted = "access_revocation_delivery_attempts_total{answer=\"sent\",receiver=\"slack\"}";
    assert!(agent.metric(counted) >= 4.0);
    agent.stop().await;
}

#[tokio::test]
async fn nobody_is_told_where_nobody_is_configured() {
    let slack = Slack::start().await;
    let desk = Desk::of(slack, String::new());
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    moment().await;
    assert!(agent.rows().await.is_empty());
    assert!(!agent.page().contains("receiver=\"slack\""), "{}", agent.page());
    // Told from the reload on, and no more after the next one.
    desk.reload(&agent, &desk.slack.config(""));
    moment().await;
    agent.expect(&["new".to_owned()], None).await;
    let all = desk.slack.until(1).await;
    assert!(all[0].text.contains("rev_new"), "{all:#?}");
    desk.reload(&agent, "");
    moment().await;
    agent.expect(&["later".to_owned()], None).await;
    moment().await;
    assert_eq!(desk.slack.messages().len(), 1);
    agent.stop().await;
}

#[tokio::test]
async fn a_thread_whose_beginning_is_gone_begins_anew() {
    let desk = Desk::new("").await;
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    let first = desk.slack.until(1).await.remove(0);
    agent.settled().await;
    desk.slack.delete(&first.ts);
    agent.verify("p0").await;
    let all = desk.slack.until(2).await;
    assert_eq!(all[1].thread, None, "a new beginning");
    agent.settled().await;
    agent.regress("p0").await;
    let all = desk.slack.until(3).await;
    assert_eq!(all[2].thread.as_ref(), Some(&all[1].ts), "which the next follows");
    agent.settled().await;
    let changed = desk.records("outbox_changed");
    assert!(!changed.is_empty());
    assert!(changed.iter().all(|one| one["change"] == "new_thread"), "{changed:#?}");
    assert_eq!(desk.records("notification_sent").len(), 3);
    agent.stop().await;
}

#[tokio::test]
async fn a_thread_that_is_locked_goes_on_in_a_new_one() {
    let desk = Desk::new("").await;
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    desk.slack.until(1).await;
    agent.settled().await;
    desk.slack.fail(POST, [Fault::Error("restricted_action_thread_locked")]);
    agent.verify("p0").await;
    let all = desk.slack.until(2).await;
    assert_eq!(all[1].thread, None, "a new beginning");
    agent.settled().await;
    agent.regress("p0").await;
    assert_eq!(desk.slack.until(3).await[2].thread.as_ref(), Some(&all[1].ts));
    agent.stop().await;
}

#[tokio::test]
async fn of_5000_findings_twenty_are_listed_and_all_are_counted() {
    let desk = Desk::new("").await;
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    desk.slack.until(1).await;
    // As many as a line of the log holds.
    let name = "x".repeat(63);
    let residual: Vec<_> = (0..400)
        .map(|n| {
            json!({"kind": "privilege", "target": "main", "database": name, "oid": 16_400,
                "object": format!("TABLE {name}.{name}_{n}"), "privilege": "SELECT", "strength": "latent"})
        })
        .collect();
    let more = json!({"label": "before", "verdict": "residual", "residual": residual, "residual_total": 5_000});
    agent.step("p0", State::Open, "observation", more).await;
    let all = desk.slack.until(2).await;
    assert_eq!(all[1].title(), "What remains: 5000 findings");
    let blocks = all[1].blocks.to_string();
    assert!(blocks.contains("and 4980 more") && blocks.contains("revoked plan rev_p0"), "{blocks}");
    assert!(blocks.len() < 20_000, "{}", blocks.len());
    agent.stop().await;
}

#[tokio::test]
async fn a_form_that_is_refused_goes_plain_once_and_is_dead_then() {
    let desk = Desk::new(", webhook_file: slack.hook").await;
    desk.slack.fail(POST, [Fault::Error("invalid_blocks")]);
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    let all = desk.slack.until(1).await;
    assert!(all[0].blocks.is_null(), "plain: {all:#?}");
    assert!(all[0].text.starts_with("Access has to end\nRevocation: rev_p0\n"), "{}", all[0].text);
    desk.slack.always(POST, Some(Fault::Error("msg_blocks_too_long")));
    agent.expect(&["q".to_owned()], None).await;
    let dead = agent.until_one(Standing::Dead).await;
    assert_eq!(dead.error, "msg_blocks_too_long");
    assert_eq!(desk.slack.requests(POST).len(), 4);
    let state = "access_revocation_outbox_messages{receiver=\"slack\",state=\"dead\"}";
    agent.until("it is shown", |_| (agent.metric(state) - 1.0).abs() < 0.1).await;
    assert_eq!(desk.slack.alarms().len(), 1);
    let changed = desk.records("outbox_changed");
    assert_eq!((&changed[0]["change"], &changed[0]["by"]), (&json!("dead"), &json!(null)));
    // What is dead holds nothing up.
    desk.slack.always(POST, None);
    agent.verify("q").await;
    assert_eq!(desk.slack.until(2).await[1].thread, None, "it begins the thread");
    agent.stop().await;
}

#[tokio::test]
async fn what_is_true_no_more_when_its_turn_comes_is_not_told() {
    let desk = Desk::new("").await;
    desk.slack.close(CHANNEL, Some("not_in_channel"));
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    agent.until("parked", |rows| rows.iter().any(|row| row.error == "not_in_channel")).await;
    let missed = json!({"milestone": "access", "residual": [], "residual_total": 0, "gaps": []});
    agent.step("p0", State::Open, "verification_failed", missed).await;
    agent.verify("p0").await;
    desk.slack.close(CHANNEL, None);
    desk.reload_same(&agent);
    let all = desk.slack.until(2).await;
    let rows = agent.settled().await;
    assert_eq!(all[1].title(), "Verified: nothing remains");
    let overdue = rows.iter().find(|row| row.topic == Topic::Overdue).unwrap();
    assert_eq!(overdue.row.standing, Standing::Superseded);
    assert_eq!(desk.slack.messages().len(), 2);
    agent.stop().await;
}
