//! Pauses, refused tokens and channels that cannot be written to.

use crate::common::slack::{CHANNEL, Fault, OTHER, Slack};
use crate::desk::{Desk, names};
use revoked::clock;
use revoked::domain::delivery::Standing;
use revoked::domain::time::UtcTime;
use revoked::store::Delivery;
use std::time::Duration;

const POST: &str = "chat.postMessage";

fn one() -> Vec<String> {
    names(1)
}

async fn moment() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

#[tokio::test]
async fn a_pause_that_slack_asks_for_holds_the_whole_channel() {
    let desk = Desk::new("").await;
    let headers = vec![("retry-after", "2".to_owned())];
    desk.slack.fail(POST, [Fault::Status(429, headers)]);
    let agent = desk.start().await;
    agent.expect(&names(3), None).await;
    let all = desk.slack.until(3).await;
    let asked = desk.slack.requests(POST);
    assert_eq!(asked.len(), 4, "one refused, three taken");
    assert!(asked[1] - asked[0] >= Duration::from_secs(2), "{:?}", asked[1] - asked[0]);
    assert_eq!(all.len(), 3);
    agent.stop().await;
}

#[tokio::test]
async fn a_pause_without_a_time_is_half_a_minute_and_a_full_channel_waits_for_an_hour() {
    for (error, least, most) in [("rate_limited", 29, 40), ("message_limit_exceeded", 3_599, 4_400)]
    {
        let desk = Desk::new("").await;
        desk.slack.fail(POST, [Fault::Error(error)]);
        let agent = desk.start().await;
        agent.expect(&names(2), None).await;
        let tried =
            |rows: &[revoked::store::Delivery]| rows.iter().any(|row| row.row.attempts == 1);
        let rows = agent.until(error, tried).await;
        let row = rows.iter().find(|row| row.row.attempts == 1).unwrap();
        let wait = row.row.due_at.since(revoked::clock::now()).as_secs();
        assert!((least - 2..=most).contains(&wait), "{error}: {wait} s");
        assert_eq!(row.error, error);
        moment().await;
        assert_eq!(desk.slack.requests(POST).len(), 1, "{error}: nothing else is sent there");
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_pause_is_believed_within_bounds() {
    let soon = clock::now().plus(Duration::from_secs(90));
    let date = jiff::Timestamp::from_second(soon.micros() / 1_000_000).unwrap();
    let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    for (header, least, most) in [
        (None, 28, 37),
        (Some("soon".to_owned()), 28, 37),
        (Some(date), 80, 110),
        (Some("86400".to_owned()), 3_590, 4_330),
    ] {
        let desk = Desk::new("").await;
        let headers = header.iter().map(|text| ("retry-after", text.clone())).collect();
        desk.slack.fail(POST, [Fault::Status(429, headers)]);
        let agent = desk.start().await;
        agent.expect(&one(), None).await;
        let tried = |rows: &[Delivery]| rows.iter().any(|row| row.row.attempts == 1);
        let row = agent.until("it was tried", tried).await.remove(0);
        let wait = row.row.due_at.since(clock::now()).as_secs();
        assert!((least..=most).contains(&wait), "{header:?}: {wait} s");
        agent.stop().await;
    }
}

#[tokio::test]
async fn what_would_be_too_late_after_a_pause_is_given_up_at_once() {
    let desk = Desk::new("").await;
    desk.slack.fail(POST, [Fault::Status(429, vec![("retry-after", "60".to_owned())])]);
    let agent = desk.start().await;
    let almost = clock::now().micros() - (86_400 - 20) * 1_000_000;
    agent.expect(&one(), Some(UtcTime::from_micros(almost).unwrap())).await;
    agent.until_one(Standing::Expired).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_refused_token_keeps_everything_and_is_told_elsewhere_once() {
    for error in ["invalid_auth", "token_expired"] {
        refused_with(error).await;
    }
}

async fn refused_with(error: &'static str) {
    let desk = Desk::new(", webhook_file: slack.hook").await;
    desk.slack.always(POST, Some(Fault::Error(error)));
    desk.slack.always("auth.test", Some(Fault::Error(error)));
    let agent = desk.start().await;
    agent.expect(&names(3), None).await;
    agent.until("an error", |rows| rows.iter().any(|row| row.error == error)).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let open = "access_revocation_delivery_circuit_open{receiver=\"slack\"}";
    assert!((agent.metric(open) - 1.0).abs() < 0.1);
    assert_eq!(desk.slack.requests(POST).len(), 1, "nothing else is tried with it");
    assert!(desk.slack.requests("auth.test").len() >= 2, "it is asked about");
    let alarms = desk.slack.alarms();
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert!(alarms[0].contains(error) && alarms[0].contains("Nothing is lost"), "{alarms:?}");
    // Good again, without anybody's doing.
    desk.slack.always(POST, None);
    desk.slack.always("auth.test", None);
    let all = desk.slack.until(3).await;
    let told: Vec<_> = all.iter().map(|one| one.delivery.as_str()).collect();
    assert_eq!(told, ["rev_p0.2:slack", "rev_p1.2:slack", "rev_p2.2:slack"], "in order");
    agent.settled().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_missing_scope_is_named_and_a_reload_tries_at_once() {
    let slack = Slack::start().await;
    let slow = slack.config(", webhook_file: slack.hook").replace("retry: 40ms", "retry: 30s");
    let desk = Desk::of(slack, slow);
    desk.slack.fail(POST, [Fault::Error("missing_scope")]);
    let agent = desk.start().await;
    agent.expect(&names(2), None).await;
    agent.until("an error", |rows| rows.iter().any(|row| !row.error.is_empty())).await;
    moment().await;
    let alarms = desk.slack.alarms();
    assert!(alarms[0].contains("missing_scope chat:write"), "{alarms:?}");
    assert!(desk.slack.messages().is_empty(), "for a quarter of an hour");
    desk.reload_same(&agent);
    let all = desk.slack.until(2).await;
    assert_eq!(all[0].delivery, "rev_p0.2:slack", "in order");
    agent.stop().await;
}

#[tokio::test]
async fn a_channel_that_is_closed_holds_nothing_else_up() {
    for error in ["not_in_channel", "is_archived", "channel_not_found"] {
        closed_by(error).await;
    }
}

async fn closed_by(error: &'static str) {
    let more = format!(", webhook_file: slack.hook, channels: {{contract_expired: {OTHER}}}");
    let desk = Desk::new(&more).await;
    desk.slack.close(CHANNEL, Some(error));
    let agent = desk.start().await;
    agent.expect(&names(3), None).await;
    agent.expect_for("q", "contract_expired", None).await;
    let all = desk.slack.until(1).await;
    assert_eq!((all[0].channel.as_str(), all[0].delivery.as_str()), (OTHER, "rev_q.2:slack"));
    agent.until("parked", |rows| rows.iter().any(|row| row.error == error)).await;
    moment().await;
    let alarms = desk.slack.alarms();
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert!(alarms[0].contains(CHANNEL) && alarms[0].contains(error), "{alarms:?}");
    let parked = "access_revocation_delivery_parked_destinations{receiver=\"slack\"}";
    assert!((agent.metric(parked) - 1.0).abs() < 0.1);
    assert_eq!(desk.slack.messages().len(), 1);
    // Mended, and the configuration read anew.
    desk.slack.close(CHANNEL, None);
    desk.reload_same(&agent);
    desk.slack.until(4).await;
    agent.settled().await;
    agent.stop().await;
}

#[tokio::test]
async fn a_fallback_that_fails_too_is_counted_and_nothing_follows() {
    let desk = Desk::new(", webhook_file: slack.hook").await;
    desk.slack.close(CHANNEL, Some("is_archived"));
    desk.slack.always("hook", Some(Fault::Status(404, Vec::new())));
    let agent = desk.start().await;
    agent.expect(&one(), None).await;
    agent.until("parked", |rows| rows.iter().any(|row| row.error == "is_archived")).await;
    moment().await;
    let failed = "access_revocation_delivery_fallback_total{receiver=\"slack\",result=\"failed\"}";
    assert!((agent.metric(failed) - 1.0).abs() < 0.1);
    assert!(desk.slack.alarms().is_empty());
    assert_eq!(agent.rows().await.len(), 1, "no message about a message");
    agent.stop().await;
}
