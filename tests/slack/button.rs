//! The button below what is overdue: who presses it has it in hand, and that is all.

use crate::common::agent::{Agent, TOKEN};
use crate::common::cluster;
use crate::common::http::{Api, ask, prepared};
use crate::common::slack::press::{SIGNING, USER};
use crate::common::slack::{BOT, Message, Slack};
use crate::common::sql;
use crate::common::telling::ran;
use crate::desk::Desk;
use reqwest::Method;
use revoked::board::Board;
use revoked::clock;
use revoked::domain::revocation::State;
use revoked::intake::acknowledge::Press;
use revoked::intake::{Intake, IntakeError};
use revoked::store::{Move, NewRecord};
use revoked::throwaway::Cluster;
use serde_json::{Value, json};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

const BUTTON: &str = ", acknowledge: {signing_secret_file: slack.signing, pause: 1m, app: A0123456789, team: T0123456789}";
const IN_HAND: &str = "Somebody has it in hand";

/// An agent that expects what it expects at once, and more of it after a while.
fn agent_of(cluster: &Cluster, slack: &Slack, more: &str) -> Agent {
    let profiles = "profiles: {terminated: {login: 1s, access: 10s}}\n";
    let agent = prepared(cluster, &(slack.config(more) + profiles));
    std::fs::write(agent.dir().join("slack.token"), BOT).unwrap();
    std::fs::write(agent.dir().join("slack.signing"), SIGNING).unwrap();
    sql(cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    agent
}

fn records(agent: &Agent, kind: &str) -> Vec<Value> {
    let lines = agent.log().into_iter().filter(|line| line["type"] == kind);
    lines.map(|mut line| line["what"].take()).collect()
}

async fn shown(agent: &Agent, id: &str) -> Value {
    let (_, out, err) = ran(agent, &["expect", "show", id, "-o", "json"]).await;
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"))
}

async fn metric(agent: &Agent, line: &str) -> bool {
    let api = Api::of(agent);
    let page = ask(api.telemetry(Method::GET, "/metrics")).await;
    page.text.lines().any(|one| one == line)
}

fn begins<'a>(all: &'a [Message], with: &str) -> Vec<&'a Message> {
    all.iter().filter(|one| one.title().starts_with(with)).collect()
}

async fn until_told(slack: &Slack, title: &str) -> Message {
    let all = slack.until_that(title, |all| !begins(all, title).is_empty()).await;
    begins(&all, title)[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_press_lets_reminders_rest_and_proves_nothing() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let mut agent = agent_of(&cluster, &slack, BUTTON);
    agent.start();
    let id = agent.expect("john.example", &["--account", "john"]);
    let overdue = until_told(&slack, "Overdue: ").await;
    assert_eq!(overdue.button().as_deref(), Some(id.as_str()));
    let has = |all: &[Message]| all[0].button().is_some();
    let before = slack.until_that("the first message has the button", has).await;

    // Forty seconds ago by Slack's clock, so that it is over in twenty.
    let press = overdue.pressed().earlier(40);
    let answer = press.send(agent.api).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{answer:?}");
    // It was in the log before it was answered.
    let taken = records(&agent, "overdue_acknowledged");
    assert_eq!(taken.len(), 1, "{taken:#?}");
    assert_eq!((&taken[0]["by"], &taken[0]["revocation"]), (&json!("slack"), &json!(id)));
    assert_eq!(taken[0]["overdue"], json!(["login"]));

    // By the same request once more, by another person, below another message: nothing more.
    assert_eq!(press.send(agent.api).await.status, 200);
    assert_eq!(before[0].pressed().by("U0SOMEBODY").send(agent.api).await.status, 200);
    assert_eq!(records(&agent, "overdue_acknowledged").len(), 1);

    let told = until_told(&slack, IN_HAND).await;
    assert!(!told.broadcast && told.blocks.to_string().contains(USER), "{told:#?}");
    assert!(!told.text.contains(USER), "a notification names nobody: {}", told.text);
    slack
        .until_that("the first message says so", |all| {
            all[0].button().is_none() && all[0].blocks.to_string().contains(USER)
        })
        .await;
    // Nothing else is another than before.
    let view = shown(&agent, &id).await;
    assert_eq!((&view["state"], &view["overdue"][0]), (&json!("open"), &json!("login")));
    assert_eq!(view["acknowledged"]["slack_user"], USER);
    let (code, out, _) = ran(&agent, &["status"]).await;
    assert!(code == 2 && out.contains("acknowledged: john.example"), "{code} {out}");
    let (_, out, _) = ran(&agent, &["expect", "show", &id]).await;
    assert!(out.contains("that proves nothing"), "{out}");
    let series =
        r#"access_revocations_overdue{milestone="login",reason="terminated",type="full"} 1"#;
    assert!(metric(&agent, series).await);
    assert!(metric(&agent, "access_revocation_acknowledgements_total{outcome=\"taken\"} 1").await);
    assert!(metric(&agent, "access_revocation_acknowledgements_total{outcome=\"known\"} 2").await);

    // What is missed meanwhile is on record and told once the time is over.
    let still = until_told(&slack, "Overdue still: ").await;
    assert!(still.title().ends_with("login off and no session, everything gone"), "{still:#?}");
    assert_eq!(begins(&slack.messages(), "Overdue: ").len(), 1);
    assert_eq!(records(&agent, "verification_failed").len(), 2);
    let ended = records(&agent, "acknowledgement_ended");
    assert_eq!((ended.len(), &ended[0]["ended"]), (1, &json!("over")));
    assert_eq!(shown(&agent, &id).await["acknowledged"], Value::Null);

    // Once more, and then access ends: that is told at once.
    assert_eq!(still.pressed().send(agent.api).await.status, 200);
    sql(&cluster, "postgres", "postgres", "DROP ROLE john;");
    until_told(&slack, "Verified: nothing remains").await;
    let late = overdue.pressed().send(agent.api).await;
    assert!(late.problem(409).contains("nothing of it is late"), "{late:?}");
    assert!(
        metric(&agent, "access_revocation_acknowledgements_total{outcome=\"nothing_late\"} 1")
            .await
    );
    let over = |view: &Value| {
        view["acknowledged"].is_null() && records(&agent, "acknowledgement_ended").len() == 2
    };
    agent.until(&id, over);
    agent.stop();
    let ended = records(&agent, "acknowledgement_ended");
    assert_eq!((ended.len(), &ended[1]["ended"]), (2, &json!("settled")));
    let log: String = agent.log().iter().map(ToString::to_string).collect();
    assert!(!log.contains(USER) && !log.contains("ann.example"), "who pressed is in the log");
    let (code, said) = agent.verify();
    assert_eq!(code, 0, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slack_did_not_sign_is_refused() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let more = BUTTON.replace("pause: 1m", "users: [U0PRESSER1]");
    let mut agent = agent_of(&cluster, &slack, &more);
    agent.start();
    let id = agent.expect("john.example", &["--account", "john"]);
    let overdue = until_told(&slack, "Overdue: ").await;
    let press = overdue.pressed();
    let port = agent.api;
    let other = crate::common::slack::press::Press {
        secret: "8f742231b10e8888abcd99yyyzzz85a5",
        ..press.clone()
    };
    other.send(port).await.problem(401);
    press.send_signed(port, "v0=00").await.problem(401);
    press.clone().earlier(301).send(port).await.problem(401);
    let mut ahead = press.clone();
    ahead.time += 310;
    ahead.send(port).await.problem(401);
    // A signature is of these bytes.
    let signature = press.signature();
    press.clone().by("U0SOMEBODY").send_signed(port, &signature).await.problem(401);
    // A token is no signature.
    let path = "/api/v1/slack/interactions";
    let form = ("content-type", "application/x-www-form-urlencoded");
    let api = Api::of(&agent);
    let tokened = api.request(Method::POST, path).header(form.0, form.1).body(press.form());
    ask(tokened).await.problem(401);
    // Signed, and not allowed.
    press.clone().by("U0SOMEBODY").send(port).await.problem(403);
    for (at, value, status) in [
        ("/api_app_id", "A0999999999", 403),
        ("/team/id", "T0999999999", 403),
        ("/type", "shortcut", 400),
        ("/actions/0/value", "rev_0", 404),
        ("/actions/0/value", "campaign:app/pay", 404),
        ("/actions/0/value", "; DROP TABLE revocation", 404),
        ("/message/text", &"x".repeat(300_000), 413),
    ] {
        let mut changed = press.clone();
        *changed.payload.pointer_mut(at).unwrap() = value.into();
        changed.send(port).await.problem(status);
    }
    // Slack sends the whole message along, which is long.
    let mut long = press.clone();
    long.payload["message"]["text"] = "x".repeat(200_000).into();
    long.payload["actions"][0]["value"] = "rev_0".into();
    long.send(port).await.problem(404);
    assert_eq!(records(&agent, "overdue_acknowledged"), [Value::Null; 0]);
    assert_eq!(shown(&agent, &id).await["acknowledged"], Value::Null);
    assert!(
        metric(&agent, "access_revocation_acknowledgements_total{outcome=\"refused\"} 9").await
    );
    assert_eq!(press.send(port).await.status, 200);
    agent.stop();
    let said = agent.stderr();
    for secret in [SIGNING, "hush7f3a", BOT, TOKEN, "ann.example", signature.as_str()] {
        assert!(!said.contains(secret), "{secret} is in\n{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_signing_secret_there_is_no_button() {
    let (cluster, slack) = (cluster(), Slack::start().await);
    let mut agent = agent_of(&cluster, &slack, "");
    agent.start();
    agent.expect("john.example", &["--account", "john"]);
    let overdue = until_told(&slack, "Overdue: ").await;
    assert_eq!(overdue.button(), None);
    let mut with = overdue;
    let button = json!({"type": "button", "action_id": "revoked_acknowledge", "value": "rev_1"});
    with.blocks = json!([{"type": "actions", "elements": [button]}]);
    let answer = with.pressed().send(agent.api).await;
    assert!(answer.problem(404).contains("slack.acknowledge"), "{answer:?}");
    assert!(!metric(&agent, "access_revocation_acknowledgements_total{outcome=\"taken\"} 0").await);
}

#[tokio::test]
async fn what_the_log_does_not_take_is_not_acknowledged() {
    let desk = Desk::with_button().await;
    let agent = desk.start().await;
    agent.expect(&["p0".to_owned()], None).await;
    let from = agent.journal.store.revocation("rev_p0").await.unwrap().unwrap().stored;
    let mut life = from.life.as_ref().clone();
    life.state = State::Open;
    life.missed.access = Some(clock::now());
    let body = json!({
        "at": clock::now(), "reason": "terminated", "revocation": "rev_p0", "milestone": "access",
        "residual": [], "residual_total": 0, "gaps": [],
    });
    let record = NewRecord { kind: "verification_failed", body: body.as_object().unwrap().clone() };
    let step = Move {
        revocation: from.revocation.clone(),
        accounts: Vec::new(),
        life,
        evidence: None,
        before: Vec::new(),
        records: vec![record],
        notice: None,
        at: clock::now(),
        watch_until: from.watch_until,
        from,
    };
    agent.journal.store.advance(&step).await.unwrap();
    agent.journal.wake();
    let overdue = until_told(&desk.slack, "Overdue: ").await;
    assert_eq!(overdue.button().as_deref(), Some("rev_p0"));
    agent.settled().await;

    let intake = Intake::new(agent.journal.clone(), agent.live.clone(), Arc::new(Board::default()));
    let pause = Duration::from_secs(3_600);
    let press = Press { about: "rev_p0", user: USER, at: clock::now(), pause };
    let mut file = std::fs::File::options().append(true).open(desk.logbook.log_file()).unwrap();
    file.write_all(b"{}\n").unwrap();
    for _ in 0..2 {
        let refused = intake.acknowledge(&press).await.unwrap_err();
        assert!(matches!(refused, IntakeError::Unavailable(_)), "{refused:?}");
    }
    let stored = agent.journal.store.revocation("rev_p0").await.unwrap().unwrap();
    assert_eq!(stored.landed.as_ref().unwrap().acknowledged, None);
    agent.kill().await;
    assert!(begins(&desk.slack.messages(), IN_HAND).is_empty());

    // What was committed lands at the next start, and is told then.
    let agent = desk.start().await;
    until_told(&desk.slack, IN_HAND).await;
    agent.settled().await;
    assert_eq!(desk.records("overdue_acknowledged").len(), 1);
    agent.stop().await;
    desk.assert_sound();
}

#[tokio::test]
async fn of_a_campaign_that_is_configured_no_more_nothing_is_late() {
    let desk = Desk::with_button().await;
    let agent = desk.start().await;
    agent.journal.store.begin_campaign("app").await.unwrap();
    let intake = Intake::new(agent.journal.clone(), agent.live.clone(), Arc::new(Board::default()));
    let pause = Duration::from_secs(3_600);
    let press = Press { about: "campaign:app/pay", user: USER, at: clock::now(), pause };
    assert_eq!(intake.acknowledge(&press).await.unwrap(), None);
    agent.stop().await;
}
