//! One id with two names: a question, never a guess, and no reason to wait with what removes access.

mod common;

use common::agent::Agent;
use common::http::{Answer, Api, REVOCATIONS, ask, prepared};
use common::{cluster, sql};
use reqwest::Method;
use serde_json::{Value, json};

const EVENTS: &str = "/api/v1/webhooks/hr-events";

async fn event(api: &Api, value: &Value) -> Answer {
    let request = api.request(Method::POST, EVENTS).header("content-type", "application/json");
    ask(request.body(value.to_string())).await
}

fn ended(id: &str, user: &Value) -> Value {
    json!({
        "event_type": "user_terminated", "event_id": id, "timestamp": "2026-02-03T14:30:00Z",
        "user": user,
    })
}

fn john(id: &str, username: &str, email: &str) -> Value {
    let (employee_id, day) = ("EMP-1", "2026-02-03");
    ended(
        id,
        &json!({"username": username, "employee_id": employee_id, "email": email, "termination_date": day}),
    )
}

fn gaps(view: &Value) -> String {
    view["gaps"].to_string()
}

fn started(cluster: &revoked::throwaway::Cluster, more: &str) -> Agent {
    let templates = "subjects: {templates: ['ro_{username|underscore}']}\n";
    let mut agent = prepared(cluster, &format!("{templates}{more}"));
    agent.start();
    agent
}

#[tokio::test]
async fn another_name_is_a_question_and_not_a_guess() {
    let cluster = cluster();
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE ro_john_doe; CREATE ROLE ro_john_smith LOGIN;",
    );
    let agent = started(&cluster, "");
    let api = Api::of(&agent);
    let first = event(&api, &john("e1", "john.doe", "john.doe@example.com")).await;
    let id = first.json()["revocation_id"].as_str().unwrap().to_owned();
    let renamed = john("n1", "john.smith", "john.doe@example.com");
    let answer = event(&api, &renamed).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let taken = answer.json();
    assert_eq!((&taken["outcome"], &taken["revocation_id"]), (&json!("quarantined"), &json!(id)));
    assert_eq!(taken["errors"][0]["pointer"], "/user/username", "{taken:#}");
    let moved = event(&api, &john("n2", "john.doe", "other@example.com")).await.json();
    assert_eq!(moved["errors"][0]["pointer"], "/user/email", "{moved:#}");
    let same = event(&api, &john("n3", "john.doe", "John.Doe@example.com")).await.json();
    assert_eq!(same["outcome"], "accepted", "capitals make nobody another person");
    let again = event(&api, &renamed).await.json();
    assert_eq!((&again["duplicate"], &again["notice"]), (&json!(true), &taken["notice"]));

    // Nothing of the subject is there, and nothing is proved while it is asked who is meant.
    let (notice, other) = (taken["notice"].as_str().unwrap(), moved["notice"].as_str().unwrap());
    let view = agent.until(&id, |view| gaps(view).contains(notice) && gaps(view).contains(other));
    assert_eq!(view["verdict"], "inconclusive", "{view:#}");
    assert!(!view["emails"].to_string().contains("other@example.com"), "{view:#}");
    assert!(gaps(&view).contains("webhook retry ntc_"), "{view:#}");
    let listed = agent.json(&["webhook", "journal", "--quarantined", "-o", "json"]);
    assert_eq!(listed["notices"].as_array().unwrap().len(), 2, "{listed:#}");

    assert_eq!(agent.run(&["webhook", "retry", notice]).0, 1, "the question is still open");
    let released = agent.json(&["webhook", "retry", notice, "--same-person", "-o", "json"]);
    assert_eq!(released["revocation_id"], json!(id), "{released:#}");
    let (code, _, err) = agent.run(&["webhook", "dismiss", other, "--reason", "a slip"]);
    assert_eq!(code, 0, "{err}");
    // The other name is the person's, and its role too.
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert_eq!(view["also_called"], json!(["john.smith"]), "{view:#}");
    assert!(!gaps(&view).contains("ntc_"), "{view:#}");
    assert!(view["residual"].to_string().contains("ro_john_smith"), "{view:#}");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE ro_john_smith NOLOGIN;");
    agent.until_state(&id, "verified");
    let known = event(&api, &john("n4", "john.smith", "john.doe@example.com")).await.json();
    assert_eq!(known["outcome"], "accepted", "that name is known now: {known:#}");
    assert_eq!(agent.verify().0, 0);
}

/// Whoever may tell of one thing that is nobody's business yet could otherwise put somebody's end off.
#[tokio::test]
async fn another_name_delays_nobody_s_end() {
    let cluster = cluster();
    let roles = "CREATE ROLE oldgrp; CREATE ROLE ro_pia LOGIN; CREATE ROLE e30 LOGIN;";
    sql(&cluster, "postgres", "postgres", roles);
    let agent = started(&cluster, "");
    let api = Api::of(&agent);
    let other = json!({"username": "zzz", "employee_id": "E30", "reason": "role_change",
        "revocation_type": "partial", "roles": "oldgrp", "effective_at": "2099-11-01"});
    assert_eq!(
        ask(api.request(Method::POST, REVOCATIONS).body(other.to_string())).await.status,
        202
    );
    let user = json!({"username": "pia", "employee_id": "E30", "accounts": ["main/e30"]});
    let answer = event(&api, &ended("e1", &user)).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let id = answer.json()["revocation_id"].as_str().unwrap().to_owned();
    // What the event names is expected at once.
    let view = agent.until(&id, |view| view["residual"].to_string().contains("e30"));
    assert_eq!((&view["kind"], &view["verdict"]), (&json!("full"), &json!("residual")));
    sql(&cluster, "postgres", "postgres", "DROP ROLE e30;");
    let view = agent.until(&id, |view| view["verdict"] == "inconclusive");
    assert_eq!(view["state"], "open", "{view:#}");
    // What only follows from the name is a question.
    assert!(gaps(&view).contains("ntc_") && gaps(&view).contains("ro_pia"), "{view:#}");
    let notice = answer.json()["notice"].as_str().unwrap().to_owned();
    agent.json(&["webhook", "retry", &notice, "--same-person", "-o", "json"]);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert!(view["residual"].to_string().contains("ro_pia"), "{view:#}");
    assert_eq!(agent.verify().0, 0);
}

/// What keeps access, or takes an end back, waits for the answer.
#[tokio::test]
async fn what_takes_back_waits_until_somebody_says_who_is_meant() {
    let cluster = cluster();
    let agent = started(&cluster, "");
    let api = Api::of(&agent);
    let id =
        event(&api, &john("e1", "john.doe", "john.doe@example.com")).await.json()["revocation_id"]
            .clone();
    let mut back = john("r1", "jane.doe", "john.doe@example.com");
    back["event_type"] = json!("termination_rescinded");
    let answer = event(&api, &back).await;
    assert!(answer.problem(422).contains("same person?"), "{answer:?}");
    let view = agent.json(&["expect", "show", id.as_str().unwrap(), "-o", "json"]);
    assert_eq!(view["state"], "open", "{view:#}");
}
