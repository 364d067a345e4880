//! Permission to keep access: two persons, an end that comes by itself, and what never follows from it.

mod common;

#[path = "exceptions/holds.rs"]
mod holds;

use common::agent::Agent;
use common::http::{Answer, Api, REVOCATIONS, ask, prepared, started};
use common::{cluster, sql};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const EXCEPTIONS: &str = "/api/v1/exceptions";

async fn expect(api: &Api, notice: &Value) -> String {
    let answer = api.post(notice.to_string(), None).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn wish(api: &Api, wish: &Value) -> Answer {
    ask(api.request(Method::POST, EXCEPTIONS).body(wish.to_string())).await
}

async fn doing(api: &Api, id: &str, what: &str) -> Answer {
    ask(api.request(Method::POST, &format!("{EXCEPTIONS}/{id}/{what}"))).await
}

/// Asks as the token, and approves as the user who runs the tests.
async fn granted(agent: &Agent, api: &Api, asked: &Value) -> Value {
    let answer = wish(api, asked).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let (code, out, err) = agent.run(&["exception", "approve", &id, "-o", "json"]);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn records(agent: &Agent, kind: &str) -> Vec<Value> {
    let log = agent.log().into_iter();
    log.filter(|line| line["type"] == kind).map(|line| line["what"].clone()).collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value:#}"))
}

#[tokio::test]
async fn a_grace_is_granted_by_two_and_ends_although_nobody_runs() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let id = expect(&api, &json!({"username": "john", "reason": "contract_expired"})).await;
    agent.until(&id, |view| view["verdict"] == "residual");

    let long = json!({"kind": "grace", "revocation": id, "for": "8d", "why": "x"});
    assert!(wish(&api, &long).await.problem(422).contains("7 days after the end date"));
    let wanted =
        json!({"kind": "grace", "revocation": id, "for": "25s", "why": "hands over to Jane"});
    let begun = Instant::now();
    let asked = wish(&api, &wanted).await;
    assert_eq!((asked.status, &asked.json()["phase"]), (202, &json!("requested")), "{asked:?}");
    let exception = asked.json()["id"].as_str().unwrap().to_owned();
    let own = doing(&api, &exception, "approve").await;
    assert!(own.problem(403).contains("somebody else"), "{own:?}");
    assert_eq!(agent.json(&["expect", "show", &id, "-o", "json"])["state"], "open");
    let (code, out, err) = agent.run(&["exception", "approve", &exception]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("asked for by hr"), "{out}");

    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!((&view["state"], &view["verdict"]), (&json!("excepted"), &json!("residual")));
    assert_eq!(view["overdue"], json!([]));
    let until = text(&view["exceptions"][0], "until").to_owned();
    agent.until_metrics(&[
        r#"access_revocation_exceptions_active{kind="grace"} 1"#,
        r#"access_revocations_in_progress{reason="contract_expired",type="full"} 0"#,
    ]);
    let (_, out, _) = agent.run(&["status"]);
    assert!(out.contains("1 excepted") && out.contains("ends in"), "{out}");
    let (code, out, _) = agent.run(&["check", "john"]);
    assert!(code == 2 && out.contains("grace until"), "what remains is told all the same: {out}");

    agent.kill();
    let (_, out, _) = agent.run(&["exception", "list"]);
    assert!(out.contains("grace"), "{out}");
    std::thread::sleep(Duration::from_secs(26).saturating_sub(begun.elapsed()));
    let alone = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!(alone["state"], "open", "that its end has passed is shown without an agent");
    agent.start();
    let view = agent.until(&id, |view| view["exceptions"][0]["phase"] == "over");
    assert_eq!(
        (&view["state"], text(&view["exceptions"][0], "ended_at")),
        (&json!("open"), &*until)
    );
    let login: jiff::Timestamp = text(&view["deadlines"], "login").parse().unwrap();
    let ended: jiff::Timestamp = until.parse().unwrap();
    assert_eq!(login.as_second() - ended.as_second(), 15 * 60);

    agent.stop();
    for (kind, key) in [
        ("exception_requested", "requested_by"),
        ("exception_granted", "approved_by"),
        ("exception_expired", "ending"),
    ] {
        let all = records(&agent, kind);
        assert_eq!((all.len(), &all[0]["exception"]), (1, &json!(exception)), "{kind}");
        assert!(all[0][key].is_string(), "{:#}", all[0]);
    }
    let written = std::fs::read_to_string(agent.log_file()).unwrap();
    assert!(!written.contains("hands over"), "why stays in the store");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn killed_while_it_is_granted_it_is_granted_once_or_waits() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let mut agent = started(&cluster);
    let mut ids = Vec::new();
    for round in 0..6 {
        let api = Api::of(&agent);
        let subject = format!("p{round}");
        let notice = json!({"username": subject, "account": "john", "reason": "contract_expired"});
        let revocation = expect(&api, &notice).await;
        let wanted = json!({"kind": "grace", "revocation": revocation, "for": "1h", "why": "x"});
        let asked = wish(&api, &wanted).await;
        let id = asked.json()["id"].as_str().unwrap().to_owned();
        let mut approving = agent.command(&["exception", "approve", &id]).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(15 + 9 * round));
        agent.kill();
        let _ = approving.wait();
        agent.start();
        ids.push((id, revocation));
    }
    for (id, revocation) in &ids {
        let shown = agent.json(&["expect", "show", revocation, "-o", "json"]);
        let granted = shown["exceptions"][0]["phase"] == "granted";
        assert_eq!(shown["state"] == "excepted", granted, "{shown:#}");
        let (code, _, err) = agent.run(&["exception", "approve", id]);
        assert_eq!(code, i32::from(granted), "{err}");
    }
    agent.stop();
    let granted = records(&agent, "exception_granted");
    for (id, _) in &ids {
        let times = granted.iter().filter(|record| record["exception"] == json!(id)).count();
        assert_eq!(times, 1, "{id}");
    }
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn temporary_access_is_expected_to_be_gone_at_its_end() {
    let cluster = cluster();
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE app; CREATE ROLE temp LOGIN; GRANT app TO temp;",
    );
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let arguments = [
        "exception",
        "request",
        "temporary",
        "EMP-9",
        "--account",
        "temp",
        "--role",
        "app",
        "--for",
        "8s",
        "--why",
        "covers for a colleague",
        "-o",
        "json",
    ];
    let asked = agent.json(&arguments);
    let (id, revocation) = (text(&asked, "id"), text(&asked, "revocation"));
    let shown = agent.json(&["expect", "show", revocation, "-o", "json"]);
    assert_eq!((&shown["state"], &shown["kind"]), (&json!("scheduled"), &json!("partial")));
    let own = agent.run(&["exception", "approve", id]);
    assert!(own.0 == 1 && own.2.contains("somebody else"), "{own:?}");
    assert_eq!(doing(&api, id, "approve").await.status, 200);
    agent.until_state(revocation, "excepted");
    let view = agent.until_state(revocation, "open");
    let view = if view["verdict"] == "residual" {
        view
    } else {
        agent.until(revocation, |view| view["verdict"] == "residual")
    };
    assert_eq!(view["exceptions"][0]["ending"], "expired");
    sql(&cluster, "postgres", "postgres", "REVOKE app FROM temp;");
    agent.until_state(revocation, "verified");
    let (code, _, err) =
        agent.run(&["exception", "request", "grace", "nobody", "--for", "1d", "--why", "x"]);
    assert!(code == 1 && err.contains("nothing is expected of nobody"), "{err}");
}

#[tokio::test]
async fn a_stricter_notice_ends_what_was_granted_for_less() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let expired = json!({"username": "john", "reason": "contract_expired"});
    let id = expect(&api, &expired).await;
    agent.until(&id, |view| view["verdict"] == "residual");
    let wanted = json!({"kind": "extension", "subject": "john", "for": "90d", "why": "prolonged"});
    let extension = granted(&agent, &api, &wanted).await;
    assert!(extension["uncovered"]["from"].is_string(), "it came late: {extension:#}");
    assert_eq!(expect(&api, &expired).await, id, "the feed says the same every day");
    agent.until_state(&id, "excepted");
    let violation = json!({"username": "john", "reason": "policy_violation"});
    assert_eq!(expect(&api, &violation).await, id);
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!((&view["state"], &view["reason"]), (&json!("open"), &json!("policy_violation")));
    assert_eq!(view["exceptions"][0]["ending"], "overtaken");
    assert_eq!(view["overdue"], json!([]), "the time allowed counts from now");
    let refused = wish(&api, &json!({"kind": "temporary", "subject": "john", "why": "x"})).await;
    assert!(refused.problem(409).contains("policy_violation"), "{refused:?}");
    let held = wish(&api, &json!({"kind": "legal_hold", "subject": "john", "why": "x"})).await;
    assert_eq!(held.status, 202, "{held:?}");
}

#[tokio::test]
async fn access_given_back_with_an_approval_was_never_to_be_gone() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let id = agent.expect("john", &[]);
    agent.until(&id, |view| view["accounts"][0]["role"] == "john");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE john NOLOGIN;");
    agent.until_state(&id, "verified");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE john LOGIN;");
    agent.until_state(&id, "regressed");
    let (code, out, err) = agent.run(&["expect", "withdraw", &id, "--erroneous", "-o", "json"]);
    assert_eq!(code, 0, "{err}");
    let asked: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(agent.json(&["expect", "show", &id, "-o", "json"])["state"], "regressed");
    let this = json!({"request": asked["pending"]["id"]}).to_string();
    let path = format!("{REVOCATIONS}/{id}/approve");
    assert_eq!(ask(api.request(Method::POST, &path).body(this)).await.status, 200);
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!((&view["state"], &view["erroneous"]), (&json!("withdrawn"), &json!(true)));
    agent.until_metrics(&[
        r#"access_revocations_withdrawn_total{cause="erroneous",reason="terminated"} 1"#,
        r#"access_revocations_withdrawn_total{cause="other",reason="terminated"} 0"#,
    ]);
}

#[tokio::test]
async fn lists_go_on_and_filters_are_known() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "approvals: single");
    agent.start();
    let api = Api::of(&agent);
    for n in 0..3 {
        let subject = format!("EMP-{n}");
        let wanted = json!({"kind": "temporary", "subject": subject, "account": "x", "why": "x"});
        let answer = wish(&api, &wanted).await;
        assert_eq!(
            (answer.status, &answer.json()["self_approved"]),
            (200, &json!(true)),
            "{answer:?}"
        );
    }
    let first = api.get(&format!("{EXCEPTIONS}?limit=2&open=true&kind=temporary")).await.json();
    assert_eq!(first["exceptions"].as_array().unwrap().len(), 2);
    let next =
        format!("{EXCEPTIONS}?limit=2&open=true&kind=temporary&cursor={}", text(&first, "next"));
    let second = api.get(&next).await.json();
    assert_eq!(
        (second["exceptions"][0]["subject"].clone(), &second["next"]),
        (json!("EMP-0"), &Value::Null)
    );
    let one = api.get(&format!("{EXCEPTIONS}?subject=EMP-1")).await.json();
    assert_eq!(one["exceptions"].as_array().unwrap().len(), 1);
    for wrong in ["kind=never", "limit=0", "cursor=x", "who=me"] {
        api.get(&format!("{EXCEPTIONS}?{wrong}")).await.problem(400);
    }
    for (wrong, field) in [
        (json!({"kind": "grace", "why": "x"}), "/subject"),
        (json!({"kind": "never", "subject": "a", "why": "x"}), "/kind"),
        (json!({"kind": "temporary", "subject": "a", "why": ""}), "/why"),
        (
            json!({"kind": "temporary", "subject": "a", "until": "2099-01-01", "for": "1d", "why": "x"}),
            "/for",
        ),
    ] {
        assert!(wish(&api, &wrong).await.problem(422).contains(field), "{wrong}");
    }
    let (code, out, _) = agent.run(&["exception", "list", "-o", "yaml"]);
    assert!(code == 0 && out.contains("kind: temporary"), "{out}");
    let (_, out, _) = agent.run(&["exception", "list", "-o", "csv"]);
    assert_eq!(out.lines().count(), 4, "{out}");
    let (_, out, _) = agent.run(&["exception", "list"]);
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
}
