//! What keeps access waits for a second person; what removes it never waits.

mod common;

use common::agent::Agent;
use common::http::{Answer, Api, REVOCATIONS, ask, prepared, started};
use common::{LiveSession, cluster, sql};
use reqwest::Method;
use serde_json::{Value, json};

async fn open(api: &Api, notice: &str) -> String {
    let answer = api.post(notice.to_owned(), None).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    format!("{REVOCATIONS}/{}", answer.json()["id"].as_str().unwrap())
}

async fn send(api: &Api, method: Method, path: &str, body: &str) -> Answer {
    ask(api.request(method, path).body(body.to_owned())).await
}

/// Approves, as another person, what the answer says to wait.
fn approve(agent: &Agent, id: &str, asked: &Answer) {
    assert_eq!(asked.status, 202, "{asked:?}");
    let asked = asked.json();
    let request = asked["pending"]["id"].as_str().unwrap();
    let (code, _, err) = agent.run(&["expect", "approve", id, "--request", request]);
    assert_eq!(code, 0, "{err}");
}

/// Types of the records of a revocation that speak of changes.
fn changes(agent: &Agent) -> Vec<Value> {
    let wanted = ["approval_requested", "revocation_amended", "revocation_withdrawn"];
    agent
        .log()
        .into_iter()
        .filter(|line| wanted.contains(&line["type"].as_str().unwrap()))
        .map(|line| line["what"].clone())
        .collect()
}

#[tokio::test]
async fn withdrawing_waits_for_somebody_else() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let path = open(&api, r#"{"username":"john","reason":"terminated"}"#).await;
    let id = path.rsplit('/').next().unwrap();

    let asked = send(&api, Method::DELETE, &path, r#"{"why":"sent by mistake"}"#).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let request = asked.json()["pending"]["id"].as_str().unwrap().to_owned();
    let again = send(&api, Method::DELETE, &path, "").await;
    assert_eq!(again.json()["pending"]["id"], request, "the same wish is the same request");
    let shown = api.get(&path).await.json();
    assert_eq!((&shown["state"], &shown["pending"]["asks"]), (&json!("open"), &json!("withdraw")));

    let this = json!({ "request": request }).to_string();
    let own = send(&api, Method::POST, &format!("{path}/approve"), &this).await;
    assert!(own.problem(403).contains("somebody else"), "{own:?}");
    let (code, _, err) = agent.run(&["expect", "approve", id, "--request", "req_other"]);
    assert_eq!(code, 1);
    assert!(err.contains(&request), "{err}");
    let (code, out, err) = agent.run(&["expect", "approve", id, "--request", &request]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("approved"), "{out}");
    assert_eq!(api.get(&path).await.json()["state"], "withdrawn");

    let late = send(&api, Method::POST, &format!("{path}/approve"), &this).await;
    assert!(late.problem(409).contains("nothing waits"), "{late:?}");
    assert!(send(&api, Method::DELETE, &path, "").await.problem(409).contains("withdrawn"));
    let log = changes(&agent);
    assert_eq!(log[0]["requested_by"], "hr");
    assert_eq!(log[1]["approval"]["request"], request);
    assert_eq!(log[1]["approval"]["self_approved"], false);
    assert!(log[1]["approval"]["approved_by"].as_str().unwrap().starts_with("uid:"));
    assert!(!format!("{log:?}").contains("mistake"), "reasons stay in the store");
    agent.stop();
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn sooner_is_done_at_once_and_later_waits() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN; CREATE ROLE john_ro LOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let notice =
        r#"{"username":"john","reason":"terminated","effective_at":"2099-05-04T12:00:00Z"}"#;
    let path = open(&api, notice).await;
    let id = path.rsplit('/').next().unwrap().to_owned();

    let sooner = r#"{"effective_at":"2099-05-03","time_zone":"Europe/Berlin","account":"john_ro"}"#;
    let amended = send(&api, Method::PATCH, &path, sooner).await;
    assert_eq!((amended.status, &amended.json()["pending"]), (200, &Value::Null), "{amended:?}");
    let shown = api.get(&path).await.json();
    assert_eq!(shown["effective_at"], "2099-05-03T15:00:00.000000Z");
    assert_eq!(shown["deadlines"]["login"], "2099-05-03T15:15:00.000000Z");

    let later = r#"{"effective_at":"2099-06-01T00:00:00Z"}"#;
    let asked = send(&api, Method::PATCH, &path, later).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    assert_eq!(asked.json()["amended"], false);
    assert_eq!(api.get(&path).await.json()["effective_at"], "2099-05-03T15:00:00.000000Z");
    agent.until_metrics(&[r#"access_revocation_requests_pending{asks="postpone"} 1"#]);

    // A sooner word voids what waits, so that an old request cannot undo it.
    let sooner = r#"{"effective_at":"2099-05-02T00:00:00Z"}"#;
    assert_eq!(send(&api, Method::PATCH, &path, sooner).await.status, 200);
    let void = asked.json()["pending"]["id"].as_str().unwrap().to_owned();
    let (code, _, err) = agent.run(&["expect", "approve", &id, "--request", &void]);
    assert_eq!((code, err.contains("nothing waits")), (1, true), "{err}");

    let again = send(&api, Method::PATCH, &path, later).await;
    approve(&agent, &id, &again);
    let shown = api.get(&path).await.json();
    assert_eq!(shown["effective_at"], "2099-06-01T00:00:00.000000Z");
    assert_eq!(shown["deadlines"]["login"], "2099-06-01T00:15:00.000000Z");
    let wrong = send(&api, Method::PATCH, &path, r#"{"effective_at":"soon"}"#).await;
    assert!(wrong.problem(422).contains("/effective_at"), "{wrong:?}");
    let roles = send(&api, Method::PATCH, &path, r#"{"roles":["r"]}"#).await;
    assert!(roles.problem(422).contains("/roles"), "{roles:?}");
}

#[tokio::test]
async fn that_there_is_no_account_is_confirmed_by_two() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let has = open(&api, r#"{"username":"john","reason":"terminated"}"#).await;
    agent.until(has.rsplit('/').next().unwrap(), |view| view["accounts"][0]["role"] == "john");
    let refused = send(&api, Method::PATCH, &has, r#"{"no_account":true}"#).await;
    assert!(refused.problem(409).contains("main/john"), "{refused:?}");

    let path = open(&api, r#"{"username":"jane","reason":"terminated"}"#).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    agent.until(&id, |view| view["verdict"] == "inconclusive");
    let asked = send(&api, Method::PATCH, &path, r#"{"no_account":true}"#).await;
    approve(&agent, &id, &asked);
    let view = agent.until_state(&id, "verified");
    assert_eq!(view["accounts"], json!([]));
    // Whoever gets a role of that name later has access again.
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jane LOGIN;");
    agent.until_state(&id, "regressed");
}

#[tokio::test]
async fn one_person_is_enough_where_the_configuration_says_so() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "approvals: single");
    agent.start();
    let api = Api::of(&agent);
    let path = open(&api, r#"{"username":"john","reason":"terminated"}"#).await;
    let withdrawn = send(&api, Method::DELETE, &path, "").await;
    assert_eq!((withdrawn.status, &withdrawn.json()["pending"]), (200, &Value::Null));
    assert_eq!(api.get(&path).await.json()["state"], "withdrawn");
    assert_eq!(changes(&agent)[0]["approval"]["self_approved"], true);
}

#[test]
fn without_an_agent_the_commands_do_the_same() {
    let cluster = cluster();
    let agent = prepared(&cluster, "");
    let id = agent.expect("john", &[]);
    let (code, out, err) = agent.run(&["expect", "withdraw", &id]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("waits for a second person"), "{out}");
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    let request = view["pending"]["id"].as_str().unwrap();
    let (code, _, err) = agent.run(&["expect", "approve", &id, "--request", request]);
    assert_eq!(code, 1);
    assert!(err.contains("somebody else has to approve"), "{err}");
    assert_eq!(agent.json(&["expect", "show", &id, "-o", "json"])["state"], "open");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn who_says_again_that_access_ends_has_not_heard_of_what_waits() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let notice = r#"{"username":"john","reason":"terminated"}"#;
    let path = open(&api, notice).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    let asked = send(&api, Method::DELETE, &path, "").await.json();
    assert_eq!(open(&api, notice).await, path, "another event about the same");
    let request = asked["pending"]["id"].as_str().unwrap();
    let (code, _, err) = agent.run(&["expect", "approve", &id, "--request", request]);
    assert_eq!((code, err.contains("nothing waits")), (1, true), "{err}");
    assert_eq!(api.get(&path).await.json()["state"], "open");
    assert_eq!(changes(&agent).len(), 2, "that it is void is on record");
}

#[tokio::test]
async fn what_is_verified_is_open_again_for_what_nobody_looked_at() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let path = open(&api, r#"{"username":"john","reason":"terminated"}"#).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    agent.until(&id, |view| view["accounts"][0]["role"] == "john");
    sql(&cluster, "postgres", "postgres", "DROP ROLE john;");
    agent.until_state(&id, "verified");
    assert_eq!(send(&api, Method::PATCH, &path, r#"{"account":"jhon"}"#).await.status, 200);
    assert_eq!(api.get(&path).await.json()["state"], "open", "nobody ever saw that role");
}

#[test]
fn a_role_that_was_renamed_is_still_held_and_a_session_may_still_have_it() {
    let cluster = cluster();
    let script = "CREATE ROLE app_w; CREATE ROLE p LOGIN; GRANT app_w TO p;";
    sql(&cluster, "postgres", "postgres", script);
    let mut agent = prepared(&cluster, "");
    agent.start();
    let id = agent.expect("p", &["--role", "app_w"]);
    agent.until(&id, |view| view["verdict"] == "residual");
    let rename = "ALTER ROLE app_w RENAME TO app_x; CREATE ROLE app_w;";
    sql(&cluster, "postgres", "postgres", rename);
    let live = LiveSession::open(&cluster, "p", "postgres", "SET ROLE app_x;");
    let before = agent.json(&["expect", "recheck", &id, "-o", "json"]);
    assert_eq!(before["verdict"], "residual", "{before:#}");
    sql(&cluster, "postgres", "postgres", "REVOKE app_x FROM p;");
    let view = agent.until(&id, |view| view["verdict"] != "residual");
    assert_eq!(view["verdict"], "inconclusive", "the session began before: {view:#}");
    drop(live);
    agent.until_state(&id, "verified");
    let _new = LiveSession::open(&cluster, "p", "postgres", "SELECT 1;");
    let after = agent.json(&["expect", "recheck", &id, "-o", "json"]);
    assert_eq!(after["state"], "verified", "one begun after has nothing: {after:#}");
}
