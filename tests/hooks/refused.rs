//! Endpoints that refuse: the signature, the event, everything.

use crate::common::endpoint::{Endpoint, Event, NEXT, SECRET};
use crate::common::slack::{Fault, Slack};
use crate::desk::names;
use crate::faults::moment;
use crate::office::{Hooked, section};
use revoked::clock;
use revoked::domain::delivery::Standing;
use revoked::domain::time::UtcTime;
use std::time::Duration;

fn status(status: u16) -> Fault {
    Fault::Status(status, Vec::new())
}

const PARKED: &str = "access_revocation_delivery_parked_destinations{receiver=\"webhook:tickets\"}";
const OPEN: &str = "access_revocation_delivery_circuit_open{receiver=\"webhook:tickets\"}";

/// An endpoint beside Slack, whose incoming webhook is told what cannot be told. The retries are `retry` apart.
async fn beside_slack(retry: &str) -> (Hooked, Slack) {
    let slack = Slack::start().await;
    let endpoint = Endpoint::start().await;
    let hook = section(&endpoint, "").replace("retry: 40ms", &format!("retry: {retry}"));
    let both = format!("{}{hook}", slack.config(", webhook_file: slack.hook"));
    let desk = Hooked::of(endpoint, both);
    std::fs::write(desk.home.path().join("slack.token"), crate::common::slack::BOT).unwrap();
    std::fs::write(desk.home.path().join("slack.hook"), slack.hook()).unwrap();
    (desk, slack)
}

#[tokio::test]
async fn who_wants_nothing_any_more_is_left_alone_until_a_reload() {
    let (desk, slack) = beside_slack("1ms").await;
    desk.endpoint.always(Some(status(410)));
    let agent = desk.start().await;
    agent.expect(&names(3), None).await;
    agent.until("refused", |rows| rows.iter().any(|row| row.error == "http_410")).await;
    agent.until_metric(PARKED, 1.0).await;
    // A quarter of an hour, by the pace of this endpoint, would be half a second.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(desk.endpoint.events().len(), 1, "nothing more is sent");
    let alarms = slack.alarms();
    assert_eq!(alarms.len(), 1, "{alarms:?}");
    assert!(
        alarms[0].starts_with("webhook:tickets wants nothing any more (http_410)"),
        "{alarms:?}"
    );
    assert!(!alarms[0].contains("hush7f3a"), "{alarms:?}");
    // Slack goes on.
    assert_eq!(slack.until(3).await.len(), 3);
    desk.endpoint.always(None);
    let again = section(&desk.endpoint, ", per_minute: 50000");
    let again = again.replace("per_minute: 60000, ", "");
    desk.reload(&agent, &format!("{}{again}", slack.config(", webhook_file: slack.hook")));
    assert_eq!(desk.endpoint.until(3).await.len(), 3);
    agent.until_metric(PARKED, 0.0).await;
    agent.settled().await;
    agent.stop().await;
}

#[tokio::test]
async fn nothing_follows_to_another_address() {
    let other = Endpoint::start().await;
    for (code, headers) in [
        (302, vec![("location", other.url())]),
        (307, vec![("location", other.url())]),
        (404, Vec::new()),
        (405, Vec::new()),
    ] {
        let desk = Hooked::new("").await;
        desk.endpoint.always(Some(Fault::Status(code, headers)));
        let agent = desk.start().await;
        agent.expect(&names(2), None).await;
        let word = format!("http_{code}");
        agent.until("refused", |rows| rows.iter().any(|row| row.error == word)).await;
        agent.until_metric(PARKED, 1.0).await;
        moment().await;
        assert_eq!(desk.endpoint.events().len(), 1, "{code}: it is left alone for a while");
        agent.stop().await;
    }
    assert!(other.events().is_empty(), "neither events nor headers");
}

#[tokio::test]
async fn a_refused_signature_holds_everything_back_until_it_is_good() {
    for code in [401, 403] {
        let desk = Hooked::new("").await;
        if code == 401 {
            desk.endpoint.knows(&[NEXT]);
        } else {
            desk.endpoint.always(Some(status(403)));
        }
        let agent = desk.start().await;
        agent.expect(&names(3), None).await;
        let word = format!("http_{code}");
        agent.until("refused", |rows| rows.iter().any(|row| row.error == word)).await;
        agent.until_metric(OPEN, 1.0).await;
        moment().await;
        assert!(desk.endpoint.events().len() < 4, "{code}: one attempt at a time");
        assert!(desk.endpoint.kept().is_empty());
        desk.endpoint.knows(&[SECRET]);
        desk.endpoint.always(None);
        agent.settled().await;
        let kept = desk.endpoint.kept();
        let about: Vec<_> = kept.iter().map(Event::about).collect();
        assert_eq!(about, ["rev_p0", "rev_p1", "rev_p2"], "{code}: in order");
        agent.stop().await;
    }
}

#[tokio::test]
async fn two_secrets_sign_while_one_is_changed() {
    let desk = Hooked::new("").await;
    let agent = desk.start().await;
    let both = section(&desk.endpoint, "").replace("[hook.secret]", "[hook.secret, hook.next]");
    let new = section(&desk.endpoint, "").replace("[hook.secret]", "[hook.next]");
    let one = |name: &str| vec![name.to_owned()];
    agent.expect(&one("old"), None).await;
    assert_eq!(desk.endpoint.until(1).await[0].signatures.len(), 1);
    agent.settled().await;
    desk.reload(&agent, &both);
    moment().await;
    agent.expect(&one("both"), None).await;
    assert_eq!(desk.endpoint.until(2).await[1].signatures.len(), 2);
    desk.endpoint.knows(&[NEXT]);
    agent.expect(&one("theirs"), None).await;
    desk.endpoint.until(3).await;
    // What is on its way while the configuration changes is sent again.
    agent.settled().await;
    desk.reload(&agent, &new);
    moment().await;
    agent.expect(&one("new"), None).await;
    assert_eq!(desk.endpoint.until(4).await[3].signatures.len(), 1);
    assert_eq!(desk.endpoint.events().len(), 4, "none was refused");
    agent.stop().await;
}

#[tokio::test]
async fn what_is_refused_is_dead_and_told_elsewhere() {
    for code in [400, 413, 422] {
        let (desk, slack) = beside_slack("40ms").await;
        desk.endpoint.fail([status(code), status(code)]);
        let agent = desk.start().await;
        agent.expect(&names(1), None).await;
        let dead = agent.until_one(Standing::Dead).await;
        let word = format!("http_{code}");
        assert_eq!((dead.error.as_str(), dead.receiver.as_str()), (&*word, "webhook:tickets"));
        slack.until(1).await;
        let begun = std::time::Instant::now();
        while slack.alarms().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let alarm = &slack.alarms()[0];
        assert!(alarm.starts_with("revoked could not tell webhook:tickets a message"), "{alarm}");
        let row = |rows: &[revoked::store::Delivery]| {
            rows.iter()
                .any(|row| row.receiver == dead.receiver && row.row.standing == Standing::Sent)
        };
        // Nothing after it waits for it, and a person sends it again: the same event.
        agent.verify("p0").await;
        agent.until("the next is sent", row).await;
        let done = revoked::deliver::change(&agent.journal, &dead.id, true, "uid:0").await.unwrap();
        // It may be on its way by now.
        assert_ne!(done.unwrap().row.standing, Standing::Dead);
        agent.settled().await;
        let all = desk.endpoint.events();
        assert_eq!((all.len(), &all[0].id), (4, &all[3].id), "{code}");
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_manager_learns_nothing_of_what_it_is() {
    let desk = Hooked::new(", audience: manager").await;
    let agent = desk.start().await;
    agent.expect_for("canarygirl", "policy_violation", None).await;
    let named = serde_json::json!({
        "milestone": "access", "deadline": "2026-03-05T10:00:00Z", "cause": "canary_cause",
        "residual": [{"object": "canary_object", "privilege": "SELECT", "target": "canary_target"}],
    });
    let open = revoked::domain::revocation::State::Open;
    agent.step("canarygirl", open, "verification_failed", named).await;
    agent.verify("canarygirl").await;
    agent.regress("canarygirl").await;
    agent.settled().await;
    let kept = desk.endpoint.kept();
    let kinds: Vec<_> = kept.iter().map(Event::kind).collect();
    let expected =
        ["opened", "overdue", "verified", "regressed"].map(|one| format!("revocation.{one}"));
    assert_eq!(kinds, expected);
    for event in &kept {
        let text = String::from_utf8(event.raw.clone()).unwrap().replace("rev_canarygirl", "");
        for hidden in [
            "canary",
            "policy_violation",
            "SELECT",
            "roles",
            "findings",
            "reason",
            "kind",
            "targets",
        ] {
            assert!(!text.contains(hidden), "{hidden}: {text}");
        }
        assert_eq!(event.body["data"]["revocation"]["ticket"], "T-1");
    }
    agent.stop().await;
}

#[tokio::test]
async fn who_is_narrowed_gets_nothing_of_what_was_queued_for_more() {
    let desk = Hooked::new("").await;
    desk.endpoint.always(Some(status(408)));
    let agent = desk.start().await;
    agent.expect(&names(1), None).await;
    agent.verify("p0").await;
    agent.regress("p0").await;
    agent.until("refused", |rows| rows.iter().any(|row| row.error == "http_408")).await;
    desk.reload(&agent, &section(&desk.endpoint, ", audience: manager, events: [verified]"));
    moment().await;
    desk.endpoint.always(None);
    let rows = agent.settled().await;
    let left_out = rows.iter().filter(|row| row.row.standing == Standing::Superseded).count();
    let kept = desk.endpoint.kept();
    let kinds: Vec<_> = kept.iter().map(Event::kind).collect();
    assert_eq!((kinds, left_out), (vec!["revocation.verified"], 2), "{rows:?}");
    assert!(kept[0].body["data"]["revocation"]["roles"].is_null(), "{:?}", kept[0]);
    agent.stop().await;
}

#[tokio::test]
async fn what_is_told_late_is_what_the_endpoint_is_told_of_by_now() {
    let desk = Hooked::new("").await;
    desk.endpoint.always(Some(status(408)));
    let agent = desk.start().await;
    let days = 4 * 86_400 * 1_000_000;
    let old = UtcTime::from_micros(clock::now().micros() - days).unwrap();
    agent.expect(&names(3), Some(old)).await;
    agent.until("refused", |rows| rows.iter().any(|row| row.error == "http_408")).await;
    desk.reload(&agent, &section(&desk.endpoint, ", events: [verified]"));
    moment().await;
    desk.endpoint.always(None);
    agent.settled().await;
    assert!(desk.endpoint.kept().is_empty(), "{:?}", desk.endpoint.kept());
    // Of some of it: the log counts what the event lists.
    desk.reload(&agent, &section(&desk.endpoint, ""));
    desk.endpoint.always(Some(status(408)));
    moment().await;
    let names = ["one".to_owned(), "two".to_owned()];
    agent.expect(&names, Some(old)).await;
    let open = revoked::domain::revocation::State::Open;
    let late = serde_json::json!({"milestone": "access"});
    agent.step_at("one", open, "verification_failed", late, old).await;
    agent.until("refused again", |rows| rows.iter().any(|row| row.error == "http_408")).await;
    desk.reload(&agent, &section(&desk.endpoint, ", events: [opened]"));
    moment().await;
    desk.endpoint.always(None);
    agent.settled().await;
    let kept = desk.endpoint.kept();
    assert_eq!((kept.len(), &kept[0].body["data"]["total"]), (1, &2.into()), "{kept:?}");
    let told = desk.records("notification_sent");
    assert_eq!((told.len(), &told[0]["records"]), (1, &2.into()), "{told:?}");
    agent.stop().await;
}

#[tokio::test]
async fn what_is_refused_again_and_again_is_told_elsewhere_once() {
    for code in [401, 500] {
        let (desk, slack) = beside_slack("1ms").await;
        desk.endpoint.always(Some(status(code)));
        let agent = desk.start().await;
        agent.expect(&names(6), None).await;
        let begun = std::time::Instant::now();
        // A question that tells nothing is answered well each time.
        while desk.endpoint.probes() < 4 || desk.endpoint.events().len() < 9 {
            assert!(begun.elapsed() < Duration::from_secs(60), "{code}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for _ in 0..20 {
            assert!(agent.metric(OPEN) > 0.5, "{code}: it stays open until an event is taken");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let alarms = slack.alarms();
        let said = format!("revoked cannot tell webhook:tickets (http_{code})");
        assert!(alarms.len() == 1 && alarms[0].starts_with(&said), "{alarms:?}");
        desk.endpoint.always(None);
        agent.settled().await;
        agent.until_metric(OPEN, 0.0).await;
        assert_eq!(desk.endpoint.kept().len(), 6, "{code}");
        // It was over, so that this is news.
        desk.endpoint.always(Some(status(code)));
        agent.expect(&["again".to_owned()], None).await;
        while slack.alarms().len() < 2 {
            assert!(begun.elapsed() < Duration::from_secs(120), "{code}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        agent.stop().await;
    }
}
