//! The options of `expect add` beyond who and why: in an emergency, at a time, longer, by a ticket. And words of an
//! earlier script.

mod common;

use common::agent::Agent;
use common::http::{Answer, Api, REVOCATIONS, ask, prepared};
use common::{cluster, sql};
use reqwest::Method;
use serde_json::{Value, json};

const SOON: &str = "emergency_approval: 4s";

fn john(more: &str) -> (revoked::throwaway::Cluster, Agent) {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let mut agent = prepared(&cluster, more);
    agent.start();
    (cluster, agent)
}

async fn approve(api: &Api, id: &str, request: &Value) -> Answer {
    let body = json!({ "request": request }).to_string();
    ask(api.request(Method::POST, &format!("{REVOCATIONS}/{id}/approve")).body(body)).await
}

fn records(agent: &Agent, kind: &str) -> Vec<Value> {
    let log = agent.log().into_iter();
    log.filter(|line| line["type"] == kind).map(|line| line["what"].clone()).collect()
}

fn add<'a>(user: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["expect", "add", "--user", user], more].concat()
}

#[tokio::test]
async fn an_emergency_acts_at_once_and_wants_somebody_else_afterwards() {
    let (cluster, mut agent) = john(SOON);
    let api = Api::of(&agent);
    let id = agent.expect("john", &["--schedule", "2099-05-04"]);
    assert_eq!(agent.json(&["expect", "show", &id, "-o", "json"])["state"], "scheduled");
    let urgent = add("john", &["--reason", "terminated", "--emergency"]);
    let (code, out, err) = agent.run(&urgent);
    assert_eq!(code, 0, "{err}");
    assert!(out.starts_with("tightened") && err.contains("approve it afterwards"), "{out}{err}");
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    let called = &view["emergency"];
    assert_eq!((&view["reason"], &called["overdue"]), (&json!("terminated"), &json!(false)));
    assert!(called["requested_by"].as_str().unwrap().starts_with("uid:"), "{called}");
    let (_, out, _) = agent.run(&urgent);
    assert!(out.starts_with("already expected"), "it asks for nothing more: {out}");

    agent.until_state(&id, "open");
    // Nothing waits for the approval: access that goes is proved to be gone.
    sql(&cluster, "postgres", "postgres", "DROP ROLE john;");
    agent.until_state(&id, "verified");
    agent.until(&id, |view| view["emergency"]["overdue"] == true);
    agent.until_metrics(&[
        "access_revocation_emergency_approvals_pending 1",
        "access_revocation_emergency_approvals_overdue 1",
    ]);
    let (code, out, _) = agent.run(&["status"]);
    assert!(code == 2 && out.contains("not approved") && out.contains(&id), "{code}: {out}");
    let late = api.get(&format!("{REVOCATIONS}?unapproved=true")).await.json();
    assert_eq!(late["revocations"][0]["id"], id.as_str());
    assert!(agent.stop().success());
    agent.start();
    let api = Api::of(&agent);
    let noted = records(&agent, "emergency_unapproved");
    assert_eq!(
        (noted.len(), &noted[0]["request"]),
        (1, &called["id"]),
        "once, also after a restart"
    );

    let (code, _, err) =
        agent.run(&["expect", "approve", &id, "--request", called["id"].as_str().unwrap()]);
    assert!(code == 1 && err.contains("somebody else"), "{err}");
    assert!(approve(&api, &id, &json!("req_other")).await.problem(409).contains("another request"));
    let approved = approve(&api, &id, &called["id"]).await;
    assert_eq!((approved.status, &approved.json()["amended"]), (200, &json!(true)), "{approved:?}");
    assert!(approve(&api, &id, &called["id"]).await.problem(409).contains("nothing waits"));
    agent.until_metrics(&[
        "access_revocation_emergency_approvals_pending 0",
        "access_revocation_emergency_approvals_overdue 0",
    ]);
    let (code, out, _) = agent.run(&["status"]);
    assert!(code == 0 && !out.contains("not approved"), "{out}");
    let (_, out, _) = agent.run(&["expect", "show", &id]);
    assert!(out.contains("approved by hr") && out.contains("too late"), "{out}");
    let said = &records(&agent, "emergency_approved")[0];
    assert_eq!((&said["approved_by"], &said["in_time"]), (&json!("hr"), &json!(false)));
    agent.stop();
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn an_emergency_that_is_approved_in_time_is_never_reported() {
    let (_cluster, mut agent) = john("");
    let api = Api::of(&agent);
    let asked =
        r#"{"username":"john","reason":"terminated","emergency":true,"effective_at":"2099-01-01"}"#;
    let answer = api.post(asked, None).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert_eq!(view["state"], "open", "at once, whatever time is given");
    let due: jiff::Timestamp =
        view["emergency"]["approval_due_at"].as_str().unwrap().parse().unwrap();
    let from: jiff::Timestamp = view["received_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(due.as_second() - from.as_second(), 4 * 3_600);
    let request = view["emergency"]["id"].as_str().unwrap();
    let (code, _, err) = agent.run(&["expect", "approve", &id, "--request", request]);
    assert_eq!(code, 0, "{err}");
    agent.until_metrics(&["access_revocation_emergency_approvals_pending 0"]);
    assert_eq!(agent.json(&["expect", "show", &id, "-o", "json"])["state"], "open");
    agent.stop();
    assert_eq!(records(&agent, "emergency_approved")[0]["in_time"], true);
    assert!(records(&agent, "emergency_unapproved").is_empty());
    assert_eq!(records(&agent, "revocation_triggered")[0]["emergency"]["request"], request);
}

#[tokio::test]
async fn where_one_person_is_enough_an_emergency_waits_for_nobody() {
    let (_cluster, agent) = john("approvals: single");
    let id = agent.expect("john", &["--emergency"]);
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!(view["emergency"]["approved_by"], view["emergency"]["requested_by"]);
    let (_, out, _) = agent.run(&["expect", "show", &id]);
    assert!(out.contains("self-approved"), "{out}");
}

#[tokio::test]
async fn a_schedule_is_an_effect_in_the_subjects_zone() {
    let (_cluster, agent) = john("time_zone: Asia/Tokyo");
    let zone = ["--schedule", "2099-05-04T18:00", "--time-zone", "Europe/Berlin"];
    let id = agent.expect("john", &zone);
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!(view["effective_at"], "2099-05-04T16:00:00.000000Z");
    assert_eq!(view["state"], "scheduled");
    let date = agent.expect("jane", &["--schedule", "2099-05-04"]);
    let view = agent.json(&["expect", "show", &date, "-o", "json"]);
    assert_eq!(view["effective_at"], "2099-05-04T08:00:00.000000Z", "17:00 in Tokyo");
    let both = add("eve", &["--reason", "left", "--emergency", "--schedule", "2099-05-04"]);
    let (code, _, err) = agent.run(&both);
    assert!(code == 64 && err.contains("--emergency"), "{code}: {err}");
}

#[tokio::test]
async fn an_extension_moves_the_end_once_somebody_else_approves() {
    let (_cluster, agent) = john("");
    let api = Api::of(&agent);
    let contract = ["--reason", "contract_expired", "--schedule", "2099-05-04T12:00:00Z"];
    let (code, out, err) = agent.run(&[&add("john", &contract)[..], &["-o", "json"]].concat());
    assert_eq!(code, 0, "{err}");
    let id = serde_json::from_str::<Value>(&out).unwrap()["id"].as_str().unwrap().to_owned();
    let longer = |by: &str| -> Value {
        let why = ["--extend", by, "--reason", "Contract extension approved", "-o", "json"];
        agent.json(&add("john", &why))
    };
    let asked = longer("30d");
    assert_eq!(
        (&asked["kind"], &asked["phase"], &asked["until"]),
        (&json!("extension"), &json!("requested"), &json!("2099-06-03T12:00:00.000000Z"))
    );
    assert_eq!(agent.json(&["expect", "show", &id, "-o", "json"])["state"], "scheduled");
    let path = format!("/api/v1/exceptions/{}/approve", asked["id"].as_str().unwrap());
    assert_eq!(ask(api.request(Method::POST, &path)).await.status, 200);
    assert_eq!(agent.json(&["expect", "show", &id, "-o", "json"])["state"], "excepted");
    assert_eq!(longer("5d")["until"], "2099-06-08T12:00:00.000000Z", "from where it ends now");

    let (code, _, err) = agent.run(&add("nobody", &["--extend", "30d", "--reason", "x"]));
    assert!(code == 1 && err.contains("no end date to move"), "{code}: {err}");
    agent.expect("jane", &[]);
    let (code, _, err) = agent.run(&add("jane", &["--extend", "30d", "--reason", "x"]));
    assert!(code == 1 && err.contains("extension is for contract_expired"), "{code}: {err}");
    let (code, _, err) = agent.run(&add("john", &["--extend", "soon", "--reason", "x"]));
    assert!(code == 64 && err.contains("--extend"), "{code}: {err}");
}

#[tokio::test]
async fn a_ticket_looks_like_the_tickets_here() {
    let (_cluster, agent) = john("ticket_pattern: 'HR-[0-9]+'");
    let api = Api::of(&agent);
    let with = |ticket: &'static str| add("john", &["--reason", "left", "--ticket", ticket]);
    for more in [&[][..], &["--dry-run"]] {
        let (code, _, err) = agent.run(&[&with("hr 1")[..], more].concat());
        assert!(
            code == 1 && err.contains("--ticket: `hr 1`") && err.contains("HR-[0-9]+"),
            "{err}"
        );
    }
    let sent = r#"{"username":"john","reason":"left","ticket":"XHR-1"}"#;
    assert!(api.post(sent, None).await.problem(422).contains("/ticket"));
    assert_eq!(agent.run(&with("HR-1042")).0, 0);
    let id = agent.json(&["expect", "list", "-o", "json"])[0]["id"].as_str().unwrap().to_owned();
    let (code, _, err) = agent.run(&["expect", "amend", &id, "--ticket", "none"]);
    assert!(code == 1 && err.contains("--ticket"), "{err}");
    let event = json!({
        "event_type": "user_terminated", "event_id": "evt_1", "timestamp": "2026-03-05T09:00:00Z",
        "user": {"username": "jane", "employee_id": "EMP-2"}, "metadata": {"ticket": "whatever"},
    });
    let request = api.request(Method::POST, "/api/v1/webhooks/hr-events").body(event.to_string());
    let answer = ask(request.header("content-type", "application/json")).await;
    assert_eq!(answer.status, 202, "no leaver waits for a ticket to be right: {answer:?}");
}

#[test]
fn words_of_the_script_do_what_they_say_or_say_what_to_do() {
    let (_cluster, agent) = john("");
    for word in ["--check-db", "--check-permissions"] {
        let (code, out, err) = agent.run(&["expect", "add", word]);
        assert!(out.contains("main") && (code == 0 || code == 3), "{word}: {code}: {out}{err}");
    }
    let (code, _, err) = agent.run(&add("john", &["--force"]));
    assert_eq!(code, 64);
    assert!(err.contains("revoked plan john") && err.contains("expect recheck john"), "{err}");
    assert_eq!(agent.json(&["expect", "list", "-o", "json"]), json!([]));
    let duration =
        ["exception", "request", "temporary", "john", "--duration", "7d", "--reason", "x"];
    let (code, out, err) = agent.run(&duration);
    assert!(code == 0 && out.contains("waits for a second person"), "{out}{err}");
}
