//! What Slack may have kept: looked up before it is sent again.

use crate::common::slack::{Fault, Slack};
use crate::desk::{Desk, names};
use revoked::deliver::Deliverer;
use revoked::domain::delivery::Standing;
use revoked::store::Delivery;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const POST: &str = "chat.postMessage";
const HISTORY: &str = "conversations.history";

fn one() -> Vec<String> {
    names(1)
}

async fn moment() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

#[tokio::test]
async fn what_slack_may_have_kept_is_looked_up_and_never_sent_twice() {
    let page = || Fault::Status(500, Vec::new());
    for (fault, looked) in [
        (Fault::ResetAfter, true),
        (Fault::CutAfter, true),
        (Fault::Reset, true),
        (Fault::Garbage, true),
        (page(), true),
        (Fault::Status(502, Vec::new()), true),
        (Fault::Status(503, vec![("retry-after", "1".to_owned())]), false),
        (Fault::Error("internal_error"), true),
        (Fault::Error("service_unavailable"), false),
        (Fault::Status(302, vec![("location", "https://login.example/".to_owned())]), false),
    ] {
        let what = format!("{fault:?}");
        let desk = Desk::new("").await;
        desk.slack.fail(POST, [fault]);
        let agent = desk.start().await;
        agent.expect(&one(), None).await;
        agent.until_one(Standing::Sent).await;
        agent.verify("p0").await;
        let all = desk.slack.until(2).await;
        agent.settled().await;
        assert_eq!(desk.slack.messages().len(), 2, "{what}");
        assert_eq!(all[1].thread.as_ref(), Some(&all[0].ts), "{what}: what was found is followed");
        assert_eq!(!desk.slack.requests(HISTORY).is_empty(), looked, "{what}");
        let told = desk.records("notification_sent");
        assert_eq!(told.len(), 2, "{what}");
        assert!(told.iter().all(|one| one["possible_duplicate"] == false), "{what}");
        agent.stop().await;
    }
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_sent_again_and_says_so() {
    let desk = Desk::new("").await;
    desk.slack.fail(POST, [Fault::ResetAfter]);
    desk.slack.fail(HISTORY, [Fault::Error("missing_scope")]);
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    desk.slack.until(2).await;
    let rows = agent.settled().await;
    assert!(rows[0].row.doubled, "{rows:#?}");
    let told = desk.records("notification_sent");
    assert_eq!((told.len(), &told[0]["possible_duplicate"]), (1, &json!(true)));
    agent.stop().await;
}

#[tokio::test]
async fn looking_up_may_fail_too() {
    let desk = Desk::new("").await;
    desk.slack.fail(POST, [Fault::ResetAfter]);
    let bad = [Fault::Reset, Fault::Status(500, vec![]), Fault::Garbage, Fault::Error("new_error")];
    desk.slack.fail(HISTORY, bad);
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    agent.settled().await;
    assert_eq!(desk.slack.messages().len(), 1);
    assert_eq!(desk.slack.requests(HISTORY).len(), 5);
    agent.stop().await;
}

#[tokio::test]
async fn a_message_is_found_behind_many_others() {
    let desk = Desk::new("").await;
    desk.slack.fail(POST, [Fault::ResetAfter]);
    desk.slack.fail(HISTORY, [Fault::Reset, Fault::Reset, Fault::Reset]);
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    desk.slack.until(1).await;
    desk.slack.chatter(250);
    agent.settled().await;
    assert_eq!(desk.slack.messages().len(), 251);
    // Three pages after three that failed.
    assert_eq!(desk.slack.requests(HISTORY).len(), 6);
    agent.stop().await;
}

#[tokio::test]
async fn nobody_at_the_other_end_is_no_doubt() {
    let slack = Slack::start().await;
    let (port, section) = (slack.port, slack.config(""));
    drop(slack);
    let desk = Desk::of(Slack::start().await, section);
    let agent = desk.start().await;
    agent.expect(&names(2), None).await;
    let tried = |rows: &[Delivery]| rows.iter().any(|row| row.row.attempts >= 2);
    agent.until("it was tried twice", tried).await;
    for row in agent.rows().await {
        assert_eq!(row.row.standing, Standing::Due, "{row:?}");
        assert!(["", "no_connection"].contains(&row.error.as_str()), "{row:?}");
    }
    let there = Slack::start_at(port).await;
    there.until(2).await;
    agent.settled().await;
    assert_eq!((there.messages().len(), there.requests(HISTORY).len()), (2, 0));
    agent.stop().await;
}

#[tokio::test]
async fn no_encryption_and_no_such_host_are_no_doubt_either() {
    let closing = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closing.local_addr().unwrap().port();
    let mut serving = JoinSet::new();
    serving.spawn(async move { while closing.accept().await.is_ok() {} });
    for base in [format!("https://127.0.0.1:{port}/api"), "https://slack.invalid/api".to_owned()] {
        let slack = Slack::start().await;
        let plain = format!("http://127.0.0.1:{}/api", slack.port);
        let section = slack.config("").replace(&plain, &base);
        let desk = Desk::of(slack, section);
        let agent = desk.start().await;
        agent.expect(&one(), None).await;
        // It may be tried once more just then.
        let waits = |row: &Delivery| row.row.attempts > 0 && row.row.standing == Standing::Due;
        let rows = agent.until("it was tried", |rows| rows.iter().any(waits)).await;
        assert_eq!((rows[0].error.as_str(), rows[0].row.doubled), ("no_connection", false));
        agent.kill().await;
    }
}

#[tokio::test]
async fn an_agent_that_is_killed_while_it_sends_looks_first() {
    let desk = Desk::new("").await;
    desk.slack.fail(POST, [Fault::HangAfter]);
    let agent = desk.start().await;
    agent.expect(&names(2), None).await;
    desk.slack.until(1).await;
    agent.kill().await;
    let agent = desk.start().await;
    agent.settled().await;
    let mut told: Vec<_> = desk.slack.messages().into_iter().map(|one| one.delivery).collect();
    told.sort();
    assert_eq!(told, ["rev_p0.2:slack", "rev_p1.2:slack"]);
    assert_eq!(desk.records("notification_sent").len(), 2);
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_that_stops_waits_for_what_is_on_its_way() {
    let desk = Desk::new("").await;
    desk.slack.fail(POST, [Fault::HangAfter]);
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    desk.slack.until(1).await;
    let begun = Instant::now();
    agent.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let agent = desk.start().await;
    agent.settled().await;
    assert_eq!(desk.slack.messages().len(), 1);
    agent.stop().await;
}

#[tokio::test]
async fn an_answer_that_never_comes_is_looked_up() {
    let desk = Desk::new("").await;
    desk.slack.fail(POST, [Fault::HangAfter]);
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    agent.settled().await;
    assert_eq!(desk.slack.messages().len(), 1);
    assert_eq!(desk.slack.requests(HISTORY).len(), 1);
    agent.stop().await;
}

#[tokio::test]
async fn two_who_send_send_each_message_once() {
    let desk = Desk::new(", digest_over: 1000").await;
    let agent = desk.start().await;
    let (stop, mut second) = (CancellationToken::new(), JoinSet::new());
    let other = Deliverer::new(agent.journal.clone(), agent.live.clone(), agent.metrics.clone());
    let last = stop.clone();
    second.spawn(async move { other.run(last).await.unwrap() });
    // The second one has to have looked for what an agent that is gone was sending.
    moment().await;
    agent.expect(&names(60), None).await;
    desk.slack.until(60).await;
    agent.settled().await;
    moment().await;
    assert_eq!(desk.slack.messages().len(), 60);
    stop.cancel();
    second.join_next().await.unwrap().unwrap();
    agent.stop().await;
}

#[tokio::test]
async fn credentials_never_follow_to_another_host() {
    let elsewhere = Slack::start().await;
    let desk = Desk::new("").await;
    desk.slack.redirect(Some(format!("http://127.0.0.1:{}/api/{POST}", elsewhere.port)));
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    agent.until("tried", |rows| rows.iter().any(|row| row.error == "http_302")).await;
    moment().await;
    assert_eq!(elsewhere.heard(), "");
    desk.slack.redirect(None);
    desk.slack.until(1).await;
    agent.stop().await;
}
