//! What is said again, and what comes to be again when an end is taken back.

mod common;

use common::agent::Agent;
use common::http::{Answer, Api, ask, prepared, started};
use common::{cluster, sql};
use reqwest::Method;
use serde_json::{Value, json};

const EVENTS: &str = "/api/v1/webhooks/hr-events";

async fn tell(api: &Api, kind: &str, id: &str, made: &str, more: Value) -> Answer {
    let mut value = json!({
        "event_type": kind, "event_id": id, "timestamp": format!("2026-02-0{made}T09:00:00Z"),
        "user": {"username": "john", "employee_id": "EMP-1"},
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let request = api.request(Method::POST, EVENTS).header("connection", "close");
    ask(request.header("content-type", "application/json").body(value.to_string())).await
}

async fn taken(api: &Api, kind: &str, id: &str, made: &str, more: Value) -> Value {
    let answer = tell(api, kind, id, made, more).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()
}

fn shown(agent: &Agent, id: &Value) -> Value {
    agent.json(&["expect", "show", id.as_str().unwrap(), "-o", "json"])
}

fn leaves(role: &str) -> Value {
    json!({"revoke": {"roles": [role]}})
}

#[tokio::test]
async fn a_void_change_of_role_counts_again_once_the_end_is_taken_back() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE grp; CREATE ROLE john LOGIN IN ROLE grp;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let end = taken(&api, "user_terminated", "e1", "3", json!({})).await["revocation_id"].clone();
    let void = taken(&api, "user_role_changed", "c1", "2", leaves("grp")).await;
    assert_eq!(void["outcome"], "superseded", "{void:#}");
    taken(&api, "termination_rescinded", "r1", "4", json!({})).await;
    assert_eq!(shown(&agent, &end)["state"], "withdrawn");
    // By itself, soon.
    let notice = void["notice"].as_str().unwrap();
    let begun = std::time::Instant::now();
    let kept = loop {
        let kept = api.get(&format!("/api/v1/notices/{notice}")).await.json();
        if kept["outcome"] == "released" {
            break kept;
        }
        assert!(begun.elapsed().as_secs() < 60, "{kept:#}");
        std::thread::sleep(std::time::Duration::from_millis(300));
    };
    assert_eq!(kept["settled_by"], "revoked:withdrawn-end", "{kept:#}");
    let view =
        agent.until(kept["revocation"].as_str().unwrap(), |view| view["verdict"] == "residual");
    assert_eq!((&view["kind"], &view["roles"]), (&json!("partial"), &json!(["grp"])));
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn an_end_from_before_it_was_taken_back_is_asked_about() {
    let cluster = cluster();
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let end = taken(&api, "user_terminated", "e1", "3", json!({})).await["revocation_id"].clone();
    taken(&api, "termination_rescinded", "r1", "5", json!({})).await;
    // Many systems stamp the day of effect.
    let late = tell(&api, "user_terminated", "e2", "4", json!({})).await;
    assert!(late.problem(422).contains("before the end was taken back"), "{late:?}");
    assert_eq!(shown(&agent, &end)["state"], "withdrawn");
    let notice = late.json()["notice"].as_str().unwrap().to_owned();
    let released = agent.json(&["webhook", "retry", &notice, "-o", "json"]);
    assert_ne!(released["revocation_id"], end, "{released:#}");
    assert_eq!(shown(&agent, &released["revocation_id"])["state"], "open");
}

#[tokio::test]
async fn all_of_an_end_is_taken_back_or_nothing() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john NOLOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let first = taken(&api, "user_terminated", "e1", "3", json!({})).await["revocation_id"].clone();
    agent.until_state(first.as_str().unwrap(), "verified");
    let second =
        taken(&api, "user_terminated", "e2", "4", json!({})).await["revocation_id"].clone();
    assert_ne!(first, second);
    let hold = json!({"kind": "legal_hold", "revocation": first, "why": "a case"}).to_string();
    let asked = ask(api.request(Method::POST, "/api/v1/exceptions").body(hold)).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let back = tell(&api, "termination_rescinded", "r1", "5", json!({})).await;
    assert_eq!(back.status, 422, "{back:?}");
    for id in [&first, &second] {
        assert_ne!(shown(&agent, id)["state"], "withdrawn", "{id}");
    }
}

#[tokio::test]
async fn an_end_that_is_told_again_is_the_one_that_was_verified() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john NOLOGIN; CREATE ROLE j2 NOLOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let on = |day: &str| json!({"effective_at": format!("2026-02-0{day}")});
    let first = taken(&api, "user_terminated", "e1", "3", on("3")).await["revocation_id"].clone();
    agent.until_state(first.as_str().unwrap(), "verified");
    for (id, made) in [("e2", "4"), ("e3", "5")] {
        let again = taken(&api, "user_terminated", id, made, on("3")).await;
        assert_eq!((&again["revocation_id"], &again["outcome"]), (&first, &json!("accepted")));
        assert_eq!(shown(&agent, &first)["state"], "verified");
    }
    // A later end, and one that asks for more, is one of its own.
    let later = taken(&api, "user_terminated", "e4", "6", on("6")).await["revocation_id"].clone();
    assert_ne!(later, first);
    agent.until_state(later.as_str().unwrap(), "verified");
    let mut more = on("3");
    more["user"] = json!({"username": "john", "employee_id": "EMP-1", "accounts": ["main/j2"]});
    let more = taken(&api, "user_terminated", "e5", "6", more).await["revocation_id"].clone();
    assert!(more != first && more != later, "{more}");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_new_end_knows_which_roles_are_somebody_else_s() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john NOLOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let first = taken(&api, "user_terminated", "e1", "3", json!({})).await["revocation_id"].clone();
    agent.until_state(first.as_str().unwrap(), "verified");
    let now = json!({"effective_at": revoked::clock::now().to_string()});
    taken(&api, "identifier_recycled", "i1", "4", now).await;
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    sql(&cluster, "postgres", "postgres", "DROP ROLE john; CREATE ROLE john LOGIN;");
    let again = taken(&api, "user_terminated", "e2", "5", json!({})).await["revocation_id"].clone();
    assert_ne!(again, first);
    let id = again.as_str().unwrap();
    // The old one was theirs, and is gone; the new one was somebody else's before it was said again that they are called so.
    let asks = |view: &Value| view["gaps"].to_string().contains("somebody else's since");
    let view = agent.until(id, asks);
    assert_eq!((&view["verdict"], &view["residual"]), (&json!("inconclusive"), &json!([])));
    assert_eq!(view["accounts"].as_array().unwrap().len(), 1, "{view:#}");
    // Whoever names the role says that it is theirs.
    let mut named = json!({});
    named["user"] = json!({"username": "john", "employee_id": "EMP-1", "accounts": ["main/john"]});
    let third = taken(&api, "user_terminated", "e3", "6", named).await["revocation_id"].clone();
    let view = agent.until(third.as_str().unwrap(), |view| view["verdict"] == "residual");
    assert!(view["residual"].to_string().contains("john"), "{view:#}");
}

#[tokio::test]
async fn what_only_waits_is_not_called_accepted() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let mut agent = prepared(&cluster, "");
    std::fs::write(agent.dir().join("two.token"), "abcdef0123456789abcdef0123456789").unwrap();
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let text = text.replace("tokens: {hr", "tokens: {two: {token_file: two.token}, hr");
    std::fs::write(agent.config(), text).unwrap();
    agent.start();
    let api = Api::of(&agent);
    let id = taken(&api, "user_terminated", "e1", "3", json!({})).await["revocation_id"].clone();
    let held = json!({"reason": "a case"});
    for (kind, more, begins) in
        [("access_restored", json!({}), "req_"), ("legal_hold_set", held, "exc_")]
    {
        let waits = taken(&api, kind, kind, "4", more.clone()).await;
        assert_eq!(
            (&waits["outcome"], &waits["revocation_id"]),
            (&json!("pending"), &id),
            "{kind}"
        );
        let pending = waits["pending"][0].as_str().unwrap();
        assert!(pending.starts_with(begins), "{waits:#}");
        let notice = format!("/api/v1/notices/{}", waits["notice"].as_str().unwrap());
        let kept = api.get(&notice).await.json();
        assert_eq!((&kept["outcome"], &kept["pending"][0]), (&json!("pending"), &json!(pending)));
        let again = taken(&api, kind, kind, "4", more).await;
        assert_eq!((&again["duplicate"], &again["pending"]), (&json!(true), &waits["pending"]));
        let (_, table, _) = agent.run(&["webhook", "journal"]);
        assert!(table.contains("pending"), "{table}");
    }
}

#[tokio::test]
async fn a_change_of_role_back_asks_that_the_earlier_one_is_withdrawn() {
    let cluster = cluster();
    let roles = "CREATE ROLE a; CREATE ROLE b; CREATE ROLE john LOGIN IN ROLE b;";
    sql(&cluster, "postgres", "postgres", roles);
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let away = json!({"revoke": {"roles": ["a"]}, "keep": {"roles": ["b"]}});
    let first = taken(&api, "user_role_changed", "c1", "2", away).await["revocation_id"].clone();
    agent.until_state(first.as_str().unwrap(), "verified");
    let back = json!({"revoke": {"roles": ["b"]}, "keep": {"roles": ["a"]}});
    let second = taken(&api, "user_role_changed", "c2", "3", back.clone()).await;
    let view = shown(&agent, &first);
    assert_eq!(view["pending"]["asks"], "withdraw", "{view:#}");
    assert_eq!(second["pending"], json!([view["pending"]["id"]]), "{second:#}");
    let again = taken(&api, "user_role_changed", "c2", "3", back).await;
    assert_eq!((&again["duplicate"], &again["pending"]), (&json!(true), &second["pending"]));
}

/// Expects what `notice` says, in our own form, and gives its id.
async fn expected(api: &Api, notice: Value) -> Value {
    let answer = api.post(notice.to_string(), None).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["id"].clone()
}

#[tokio::test]
async fn a_role_that_only_a_withdrawn_end_named_is_asked_about() {
    let cluster = cluster();
    let roles = "CREATE ROLE svc_x LOGIN; CREATE ROLE john NOLOGIN;";
    sql(&cluster, "postgres", "postgres", roles);
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let john = json!({"username": "john", "employee_id": "EMP-1", "reason": "terminated"});
    let mut named = john.clone();
    named["account"] = json!("svc_x");
    let first = expected(&api, named).await;
    let (code, _, err) = agent.run(&["expect", "withdraw", first.as_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let waits = json!({"request": shown(&agent, &first)["pending"]["id"]}).to_string();
    let path = format!("/api/v1/revocations/{}/approve", first.as_str().unwrap());
    assert_eq!(ask(api.request(Method::POST, &path).body(waits)).await.status, 200);
    let second = expected(&api, john).await;
    assert_ne!(first, second);
    let view = agent.until(second.as_str().unwrap(), |view| {
        view["gaps"].to_string().contains("main/svc_x bears a name")
    });
    assert_eq!((&view["state"], &view["verdict"]), (&json!("open"), &json!("inconclusive")));
}

#[tokio::test]
async fn a_slip_that_is_named_again_is_no_slip_any_more() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE grp; CREATE ROLE kim NOLOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let change = json!({
        "username": "kim", "account": "kx", "revocation_type": "partial", "roles": ["grp"],
        "reason": "role_change",
    });
    let first = expected(&api, change).await;
    let id = first.as_str().unwrap();
    let lacks = |view: &Value| view["gaps"].to_string().contains("no role is called kx");
    agent.until(id, lacks);
    let path = format!("/api/v1/revocations/{id}");
    let both = json!({"unlink": {"account": "kx"}, "account": "ky"}).to_string();
    let refused = ask(api.request(Method::PATCH, &path).body(both)).await;
    assert!(refused.status >= 400 && refused.text.contains("one by one"), "{refused:?}");
    let alone = json!({"unlink": {"account": "kx"}}).to_string();
    assert_eq!(ask(api.request(Method::PATCH, &path).body(alone)).await.status, 200);
    agent.until(id, |view| !lacks(view));
    // A person says that it is theirs after all, and there it is.
    sql(&cluster, "postgres", "postgres", "CREATE ROLE kx LOGIN;");
    let (code, _, err) = agent.run(&["expect", "amend", id, "--account", "kx"]);
    assert_eq!(code, 0, "{err}");
    let end = expected(&api, json!({"username": "kim", "reason": "terminated"})).await;
    let view = agent.until(end.as_str().unwrap(), |view| view["verdict"] == "residual");
    assert!(view["residual"].to_string().contains("kx"), "{view:#}");
    assert_eq!(agent.verify().0, 0);
}
