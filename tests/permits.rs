//! Events about exceptions: what they ask for waits for another person, is known for good, and is held if impossible.

mod common;

use common::agent::Agent;
use common::cluster;
use common::http::{Answer, Api, REVOCATIONS, ask, started};
use reqwest::Method;
use serde_json::{Value, json};

const EVENTS: &str = "/api/v1/webhooks/hr-events";

fn about(kind: &str, id: &str, more: &Value) -> Value {
    let mut value = json!({
        "event_type": kind, "event_id": id,
        "user": {"username": "john", "employee_id": "EMP-1"},
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

async fn event(api: &Api, value: &Value) -> Answer {
    let sent = api.request(Method::POST, EVENTS).header("content-type", "application/json");
    ask(sent.body(value.to_string())).await
}

async fn accepted(api: &Api, value: &Value) -> Value {
    let answer = event(api, value).await;
    assert_eq!(answer.status, 202, "{value}: {answer:?}");
    answer.json()
}

fn revocation(taken: &Value) -> String {
    taken["revocation_id"].as_str().unwrap_or_else(|| panic!("{taken}")).to_owned()
}

/// The exceptions of one kind, newest first.
fn exceptions(agent: &Agent, kind: &str) -> Vec<Value> {
    let listed = agent.json(&["exception", "list", "--all", "-o", "json"]);
    let all = listed.as_array().unwrap();
    all.iter().filter(|one| one["kind"] == kind).cloned().collect()
}

fn approve(agent: &Agent, exception: &Value) -> Value {
    agent.json(&["exception", "approve", exception["id"].as_str().unwrap(), "-o", "json"])
}

#[tokio::test]
async fn a_longer_contract_waits_for_another_person() {
    let cluster = cluster();
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let soon = json!({"effective_at": "2099-01-31"});
    let id = revocation(&accepted(&api, &about("contractor_expired", "c1", &soon)).await);
    let longer = about(
        "contractor_extended",
        "c2",
        &json!({"until": "2099-02-15", "reason": "the project goes on", "ticket": "HR-9"}),
    );
    let taken = accepted(&api, &longer).await;
    assert_eq!((revocation(&taken), &taken["duplicate"]), (id.clone(), &json!(false)));
    let [asked] = exceptions(&agent, "extension").try_into().unwrap();
    assert_eq!((&asked["phase"], &asked["requested_by"]), (&json!("requested"), &json!("hr")));
    assert_eq!(asked["why"], "the project goes on (HR-9)");
    let view = api.get(&format!("{REVOCATIONS}/{id}")).await.json();
    assert_eq!(view["effective_at"], "2099-01-31T17:00:00.000000Z", "nothing is granted yet");

    for time in ["at once", "after a restart"] {
        let again = accepted(&Api::of(&agent), &longer).await;
        assert_eq!((&again["duplicate"], revocation(&again)), (&json!(true), id.clone()), "{time}");
        assert_eq!(again["notice"], taken["notice"]);
        assert!(agent.stop().success());
        agent.start();
    }
    assert_eq!(exceptions(&agent, "extension").len(), 1, "asked for once");
    let api = Api::of(&agent);
    let mut other = longer.clone();
    other["until"] = json!("2099-03-31");
    assert_eq!(event(&api, &other).await.status, 409);
    // The sender cannot approve what it asked for.
    let address = format!("/api/v1/exceptions/{}/approve", asked["id"].as_str().unwrap());
    ask(api.request(Method::POST, &address)).await.problem(403);
    let granted = approve(&agent, &asked);
    assert_eq!(
        (&granted["phase"], &granted["until"]),
        (&json!("granted"), &json!("2099-02-15T17:00:00.000000Z"))
    );

    // The same wish under another id is one, and that event is known for good as well.
    let mut twice = longer.clone();
    twice["event_id"] = json!("c3");
    let first = event(&api, &twice).await;
    let second = event(&api, &twice).await;
    assert_eq!(first.status, second.status);
    assert_eq!(first.json()["notice"], second.json()["notice"]);
    let log = std::fs::read_to_string(agent.log_file()).unwrap();
    for secret in ["john", "EMP-1", "project", "HR-9"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_broken_glass_opens_what_is_expected_afterwards() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let more = json!({"duration": "2h", "reason": "outage", "revoke": {"roles": ["ops"]}});
    let id = revocation(&accepted(&api, &about("break_glass_opened", "b1", &more)).await);
    let view = api.get(&format!("{REVOCATIONS}/{id}")).await.json();
    assert_eq!((&view["subject"], &view["username"]), (&json!("EMP-1"), &json!("john")));
    assert_eq!((&view["kind"], &view["roles"]), (&json!("partial"), &json!(["ops"])));
    let [asked] = exceptions(&agent, "break_glass").try_into().unwrap();
    assert_eq!(approve(&agent, &asked)["phase"], "granted");
    let closed = accepted(&api, &about("break_glass_closed", "b2", &json!({}))).await;
    assert_eq!(revocation(&closed), id);
    let [over] = exceptions(&agent, "break_glass").try_into().unwrap();
    assert_eq!((&over["phase"], &over["ending"]), (&json!("over"), &json!("taken_back")));
    // Closing it once more is what is so already.
    let again = accepted(&api, &about("break_glass_closed", "b3", &json!({}))).await;
    assert_eq!(revocation(&again), id);

    let long =
        about("break_glass_opened", "b4", &json!({"duration": "3d", "revoke": {"roles": ["ops"]}}));
    let answer = event(&api, &long).await;
    assert!(answer.problem(422).contains("24 h"), "{answer:?}");
    let notice = answer.json()["notice"].as_str().unwrap().to_owned();
    let kept = api.get(&format!("/api/v1/notices/{notice}")).await.json();
    assert_eq!(kept["cause"], "not_possible");
    assert_eq!(agent.run(&["webhook", "retry", &notice]).0, 1, "it is as long as before");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_legal_hold_is_set_and_released_by_two() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let early = event(&api, &about("legal_hold_set", "h0", &json!({"reason": "case 7"}))).await;
    assert!(early.problem(422).contains("nothing is expected"), "{early:?}");
    let held = early.json()["notice"].as_str().unwrap().to_owned();
    let id = revocation(&accepted(&api, &about("user_terminated", "h1", &json!({}))).await);
    // What was held can be had as soon as somebody is expected to be gone.
    let released = agent.json(&["webhook", "retry", &held, "-o", "json"]);
    assert_eq!(
        (&released["outcome"], &released["revocation_id"]),
        (&json!("released"), &json!(id))
    );
    let [asked] = exceptions(&agent, "legal_hold").try_into().unwrap();
    assert_eq!(asked["requested_by"], "hr", "who sent it asks, not who released it");
    approve(&agent, &asked);
    // A hold that a person asked for does not go by an event of somebody else.
    let other = json!({"employee_id": "EMP-8", "username": "kim", "reason": "terminated"});
    assert_eq!(api.post(other.to_string(), None).await.status, 202);
    let wish = ["exception", "request", "legal_hold", "EMP-8", "--why", "case 8"];
    assert_eq!(agent.run(&wish).0, 0);
    let mut end = about("legal_hold_released", "h3", &json!({}));
    end["user"] = json!({"employee_id": "EMP-8"});
    let refused = event(&api, &end).await;
    assert!(refused.problem(422).contains("uid:"), "{refused:?}");
    let waits = exceptions(&agent, "legal_hold");
    let kim = waits.iter().find(|one| one["subject"] == "EMP-8").unwrap();
    assert_eq!(kim["phase"], "requested", "{kim}");
    let end = about("legal_hold_released", "h2", &json!({}));
    assert_eq!(revocation(&accepted(&api, &end).await), id);
    let theirs = |agent: &Agent| {
        let all = exceptions(agent, "legal_hold").into_iter();
        all.filter(|one| one["subject"] != "EMP-8").collect::<Vec<_>>()
    };
    let [waits] = theirs(&agent).try_into().unwrap();
    assert_eq!(waits["phase"], "granted", "it holds until somebody else agrees: {waits}");
    approve(&agent, &waits);
    let [over] = theirs(&agent).try_into().unwrap();
    assert_eq!(over["phase"], "over", "{over}");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn what_was_given_back_is_withdrawn_by_two() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let id = revocation(&accepted(&api, &about("user_terminated", "r1", &json!({}))).await);
    let back = about("access_restored", "r2", &json!({"reason": "another John"}));
    assert_eq!(revocation(&accepted(&api, &back).await), id);
    let view = api.get(&format!("{REVOCATIONS}/{id}")).await.json();
    assert_eq!(view["pending"]["asks"], "withdraw", "{view}");
    assert_ne!(view["state"], "withdrawn");
    let request = view["pending"]["id"].as_str().unwrap();
    assert_eq!(agent.run(&["expect", "approve", &id, "--request", request]).0, 0);
    let view = api.get(&format!("{REVOCATIONS}/{id}")).await.json();
    assert_eq!((&view["state"], &view["erroneous"]), (&json!("withdrawn"), &json!(true)), "{view}");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn an_event_about_an_exception_is_tried_offline() {
    let cluster = cluster();
    let agent = started(&cluster);
    let tried = |value: &Value| {
        let file = agent.dir().join("sample.json");
        std::fs::write(&file, value.to_string()).unwrap();
        let file = file.to_str().unwrap().to_owned();
        agent.run(&["webhook", "test", "--source", "hr", &file])
    };
    let (code, out, _) =
        tried(&about("contractor_extended", "t1", &json!({"until": "2099-02-15"})));
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("extension for EMP-1; somebody else has to approve it"), "{out}");
    let (code, out, _) = tried(&about("contractor_extended", "t2", &json!({"until": "soon"})));
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("/until"), "{out}");
    let (code, out, _) = tried(&about("break_glass_opened", "t3", &json!({"duration": "5d"})));
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("24 hours at the most"), "{out}");
    let (code, out, _) = tried(&about("break_glass_opened", "t4", &json!({})));
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("would be pending") && out.contains("until      20"), "{out}");
    let (code, out, _) = tried(&about("user_role_changed", "t5", &json!({})));
    assert!(code == 0 && out.contains("it stays inconclusive"), "{out}");
    let (_, out, _) = tried(&about("user_rehired", "t6", &json!({"effective_at": "2026-03-01"})));
    assert!(out.contains("of EMP-1") && out.contains("as of 2026-03-01"), "{out}");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let narrow = text.replace("{token_file: hr.token}", "{token_file: hr.token, scopes: [read]}");
    std::fs::write(agent.config(), narrow).unwrap();
    let (code, out, _) = tried(&about("user_terminated", "t7", &json!({})));
    assert!(code == 1 && out.contains("would be refused") && out.contains("scope hr"), "{out}");
}
