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
    let view =
        agent.until(&id, |view| view["verdict"] == "residual" && !gaps(view).contains("ntc_"));
    assert_eq!(view["also_called"], json!(["john.smith"]), "{view:#}");
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

/// The id stands for the name, and goes on doing so while an address is asked about.
#[tokio::test]
async fn another_address_takes_no_name_away() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE ro_zoe LOGIN; CREATE ROLE ro_zed LOGIN;");
    let agent = started(&cluster, "");
    let api = Api::of(&agent);
    let told = async |event: &str, kind: &str, user: Value| {
        let mut told = ended(event, &user);
        told["event_type"] = json!(kind);
        told.as_object_mut().unwrap().remove("timestamp");
        self::event(&api, &told).await.json()
    };
    // What was searched for then is over; how the person was called is known.
    let zed = json!({"username": "zed", "employee_id": "zoe", "email": "zoe@example.com"});
    let over = told("e1", "user_terminated", zed.clone()).await["revocation_id"].clone();
    assert_eq!(told("r1", "termination_rescinded", zed).await["revocation_id"], over);
    agent.until_state(over.as_str().unwrap(), "withdrawn");
    let zoe = json!({"employee_id": "zoe", "email": "z@example.com"});
    let held = told("e2", "user_terminated", zoe).await;
    assert_eq!(held["outcome"], "quarantined", "{held:#}");
    assert_eq!(held["errors"][0]["pointer"], "/user/email", "{held:#}");
    let id = text(&held["revocation_id"]);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    let residual = view["residual"].to_string();
    assert!(residual.contains("ro_zoe") && !residual.contains("ro_zed"), "{view:#}");
    assert!(gaps(&view).contains("ntc_") && gaps(&view).contains("main/ro_zed"), "{view:#}");
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

/// A wish that lies far ahead, and by which a user name is known of the person.
async fn known_as(api: &Api, id: &str, username: &str) {
    let known = json!({"username": username, "employee_id": id, "reason": "role_change",
        "revocation_type": "partial", "roles": "oldgrp", "effective_at": "2099-11-01"});
    let answer = ask(api.request(Method::POST, REVOCATIONS).body(known.to_string())).await;
    assert_eq!(answer.status, 202, "{answer:?}");
}

async fn end_of(api: &Api, event: &str, id: &str, username: &str) -> Value {
    let mut end = ended(event, &json!({"username": username, "employee_id": id}));
    // At once, so that it is no end of which everything is known.
    end.as_object_mut().unwrap().remove("timestamp");
    let answer = self::event(api, &end).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The person is not gone because nobody of the new name is there.
#[tokio::test]
async fn what_begins_anew_is_about_every_name_that_was_known() {
    let cluster = cluster();
    let roles =
        "CREATE ROLE oldgrp; CREATE ROLE zzz LOGIN; CREATE ROLE ro_yyy LOGIN; CREATE ROLE jd;";
    sql(&cluster, "postgres", "postgres", roles);
    let agent = started(&cluster, "");
    let api = Api::of(&agent);
    known_as(&api, "EMP-1", "zzz").await;
    known_as(&api, "EMP-2", "yyy").await;
    let held = end_of(&api, "e1", "EMP-1", "pia").await;
    let id = text(&held["revocation_id"]);
    let residual = |view: &Value, role: &str| view["residual"].to_string().contains(role);
    let view = agent.until(&id, |view| residual(view, "zzz"));
    assert_eq!((&view["state"], &view["also_called"]), (&json!("open"), &json!([])), "{view:#}");
    agent.json(&["webhook", "retry", &text(&held["notice"]), "--same-person", "-o", "json"]);
    let view = agent.until(&id, |view| residual(view, "zzz") && !gaps(view).contains("ntc_"));
    assert_eq!(view["state"], "open", "{view:#}");
    let (code, _, err) = agent.run(&["expect", "link", &id, "main/jd"]);
    assert_eq!(code, 0, "{err}");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE zzz NOLOGIN;");
    agent.until_state(&id, "verified");
    // Nor by a later end, which speaks of the last name only. What a person linked is theirs still.
    let anew = text(&end_of(&api, "e2", "EMP-1", "pia").await["revocation_id"]);
    assert_ne!(anew, id);
    let view = agent.until_state(&anew, "verified");
    let accounts = view["accounts"].to_string();
    assert!(accounts.contains("zzz") && accounts.contains("jd"), "{view:#}");
    sql(&cluster, "postgres", "postgres", "DROP ROLE zzz; CREATE ROLE zzz LOGIN;");
    agent.until_state(&anew, "regressed");

    // Also where it is said that the other name is somebody else's.
    let held = end_of(&api, "e3", "EMP-2", "una").await;
    let id = text(&held["revocation_id"]);
    let (code, _, err) =
        agent.run(&["webhook", "dismiss", &text(&held["notice"]), "--reason", "no"]);
    assert_eq!(code, 0, "{err}");
    let view = agent.until(&id, |view| residual(view, "ro_yyy") && !gaps(view).contains("ntc_"));
    assert_eq!(view["state"], "open", "{view:#}");
    assert_eq!(agent.verify().0, 0);
}

/// A name that only something over bore may be somebody else's by now: nobody is blamed for it, and nothing is proved.
#[tokio::test]
async fn a_name_of_a_time_that_is_over_is_asked_about() {
    let cluster = cluster();
    let roles = "CREATE ROLE xen LOGIN; CREATE ROLE vic NOLOGIN; CREATE ROLE other LOGIN;";
    sql(&cluster, "postgres", "postgres", roles);
    let agent = started(&cluster, "");
    let api = Api::of(&agent);
    let over = end_of(&api, "e1", "EMP-3", "xen").await["revocation_id"].clone();
    let mut back = ended("r1", &json!({"username": "xen", "employee_id": "EMP-3"}));
    back["event_type"] = json!("termination_rescinded");
    back.as_object_mut().unwrap().remove("timestamp");
    assert_eq!(event(&api, &back).await.json()["revocation_id"], over);
    agent.until_state(over.as_str().unwrap(), "withdrawn");
    let held = end_of(&api, "e2", "EMP-3", "vic").await;
    let id = text(&held["revocation_id"]);
    agent.json(&["webhook", "retry", &text(&held["notice"]), "--same-person", "-o", "json"]);
    let view =
        agent.until(&id, |view| gaps(view).contains("main/xen") && !gaps(view).contains("ntc_"));
    assert!(gaps(&view).contains("earlier notices"), "{view:#}");
    assert_eq!((&view["verdict"], &view["residual"]), (&json!("inconclusive"), &json!([])));
    // A role that got the name by being renamed is asked about, and one that bears the new name is not.
    sql(
        &cluster,
        "postgres",
        "postgres",
        "ALTER ROLE xen RENAME TO xen_old; ALTER ROLE other RENAME TO vic2;",
    );
    agent.until(&id, |view| gaps(view).contains("main/xen_old"));
    let (code, _, err) = agent.run(&["expect", "link", &id, "main/xen_old"]);
    assert_eq!(code, 0, "{err}");
    agent.until(&id, |view| view["verdict"] == "residual");
    assert_eq!(agent.verify().0, 0);
}

/// A suspension with a question that became the end of everything.
#[tokio::test]
async fn a_question_is_answered_where_it_was_asked() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE oldgrp; CREATE ROLE ro_neu NOLOGIN;");
    let agent = started(&cluster, "");
    let api = Api::of(&agent);
    known_as(&api, "EMP-4", "alt").await;
    let mut suspended = ended("s1", &json!({"username": "neu", "employee_id": "EMP-4"}));
    suspended["event_type"] = json!("user_suspended");
    let held = event(&api, &suspended).await.json();
    let id = text(&held["revocation_id"]);
    assert_eq!(end_of(&api, "e1", "EMP-4", "alt").await["revocation_id"], json!(id));
    let view = agent.until(&id, |view| view["kind"] == "full" && gaps(view).contains("ntc_"));
    assert_eq!(view["verdict"], "inconclusive", "{view:#}");
    let released =
        agent.json(&["webhook", "retry", &text(&held["notice"]), "--same-person", "-o", "json"]);
    assert_eq!(released["revocation_id"], json!(id), "{released:#}");
    agent.until_state(&id, "verified");
    assert_eq!(agent.verify().0, 0);
}

/// What an end made void says nothing of how the person is called, while that is a question.
#[tokio::test]
async fn a_doubtful_name_of_a_void_notice_is_not_known_by_it() {
    let cluster = cluster();
    let agent = started(&cluster, "");
    let api = Api::of(&agent);
    let id = event(&api, &john("e1", "john.doe", "john.doe@example.com")).await.json();
    let id = text(&id["revocation_id"]);
    let mut change = john("c1", "jane.doe", "jane.doe@example.com");
    change["event_type"] = json!("user_role_changed");
    change["timestamp"] = json!("2026-02-03T14:00:00Z");
    change["revoke"] = json!({"roles": ["grp"]});
    let void = event(&api, &change).await.json();
    assert_eq!(void["outcome"], "superseded", "{void:#}");
    let again = event(&api, &john("e2", "jane.doe", "john.doe@example.com")).await.json();
    assert_eq!((&again["outcome"], &again["revocation_id"]), (&json!("quarantined"), &json!(id)));
}

/// The name may be theirs again, or the list is one that nobody put right.
#[tokio::test]
async fn a_recycled_name_by_which_the_person_is_named_again_is_a_question() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jo NOLOGIN;");
    let agent = started(&cluster, "");
    let api = Api::of(&agent);
    let id = text(&end_of(&api, "e1", "EMP-5", "jo").await["revocation_id"]);
    agent.until_state(&id, "verified");
    let mut recycled = ended("i1", &json!({"username": "jo", "employee_id": "EMP-5"}));
    recycled["event_type"] = json!("identifier_recycled");
    recycled.as_object_mut().unwrap().remove("timestamp");
    assert_eq!(event(&api, &recycled).await.json()["outcome"], "accepted");
    sql(&cluster, "postgres", "postgres", "DROP ROLE jo; CREATE ROLE jo LOGIN;");
    let anew = text(&end_of(&api, "e2", "EMP-5", "jo").await["revocation_id"]);
    assert_ne!(anew, id);
    let view = agent.until(&anew, |view| gaps(view).contains("somebody else's since"));
    assert_eq!((&view["state"], &view["residual"]), (&json!("open"), &json!([])), "{view:#}");
    let fix = gaps(&view);
    let oid = fix.split("--oid ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let (code, out, err) = agent.run(&["expect", "unlink", &anew, "main/jo", "--oid", oid]);
    assert!(code == 0 && out.contains("waits"), "{out}{err}");
    let view = agent.json(&["expect", "show", &anew, "-o", "json"]);
    let body = json!({"request": view["pending"]["id"]}).to_string();
    let path = format!("/api/v1/revocations/{anew}/approve");
    let approved = ask(Api::of(&agent).request(Method::POST, &path).body(body)).await;
    assert_eq!(approved.status, 200, "{approved:?}");
    agent.until_state(&anew, "verified");
    assert_eq!(agent.verify().0, 0);
}
