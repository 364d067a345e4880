//! What takes a word back: an end that is rescinded, a person who is hired again, a name that is somebody else's.

mod common;

use common::agent::Agent;
use common::http::{Answer, Api, ask, prepared};
use common::{cluster, sql};
use reqwest::Method;
use serde_json::{Value, json};

const EVENTS: &str = "/api/v1/webhooks/hr-events";
const SECURITY: &str = "abcdef0123456789abcdef0123456789";

/// An agent with a second sender.
fn started(cluster: &revoked::throwaway::Cluster) -> Agent {
    started_with(cluster, "", "")
}

/// The same with more settings, of all and of the target.
fn started_with(cluster: &revoked::throwaway::Cluster, more: &str, target: &str) -> Agent {
    let mut agent = prepared(cluster, more);
    std::fs::write(agent.dir().join("security.token"), SECURITY).unwrap();
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let one = "tokens: {hr: {token_file: hr.token}}";
    let both = "tokens: {hr: {token_file: hr.token}, security: {token_file: security.token}}";
    assert!(text.contains(one), "{text}");
    let text = text.replace(one, both).replace("\n  main:\n", &format!("\n  main:\n{target}"));
    std::fs::write(agent.config(), text).unwrap();
    agent.start();
    agent
}

async fn tell_as(api: &Api, token: &str, kind: &str, id: &str, more: Value) -> Answer {
    let mut value = json!({
        "event_type": kind, "event_id": id,
        "user": {"username": "john", "employee_id": "EMP-1"},
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    // The agent closes what was idle for long.
    let request =
        api.anonymous(Method::POST, EVENTS).bearer_auth(token).header("connection", "close");
    ask(request.header("content-type", "application/json").body(value.to_string())).await
}

async fn tell(api: &Api, kind: &str, id: &str, more: Value) -> Answer {
    tell_as(api, common::agent::TOKEN, kind, id, more).await
}

async fn taken(api: &Api, kind: &str, id: &str, more: Value) -> String {
    let answer = tell(api, kind, id, more).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["revocations"][0].as_str().unwrap().to_owned()
}

fn made(second: u32) -> Value {
    json!({"timestamp": format!("2026-02-03T14:30:{second:02}Z")})
}

fn of(view: &Value, list: &str) -> Vec<String> {
    let found = view[list].as_array().unwrap().iter();
    found.map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
}

/// Approves what waits as the second sender.
async fn approved(agent: &Agent, id: &str) {
    let view = agent.json(&["expect", "show", id, "-o", "json"]);
    let request = view["pending"]["id"].as_str().unwrap_or_else(|| panic!("{view:#}"));
    let body = json!({"request": request}).to_string();
    let path = format!("/api/v1/revocations/{id}/approve");
    let asked = Api::of(agent).anonymous(Method::POST, &path).bearer_auth(SECURITY);
    let answer = ask(asked.header("content-type", "application/json").body(body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn passed(seconds: u64) {
    std::thread::sleep(std::time::Duration::from_secs(seconds));
}

fn records(agent: &Agent, kind: &str) -> Vec<Value> {
    let log = agent.log().into_iter();
    log.filter(|line| line["type"] == kind).map(|line| line["what"].clone()).collect()
}

#[tokio::test]
async fn a_source_takes_its_own_word_back_and_no_other_s() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let early = tell(&api, "termination_rescinded", "r0", made(5)).await;
    assert_eq!(early.status, 422, "nothing is expected yet: {early:?}");
    assert!(early.text.contains("nothing is expected"), "{early:?}");

    // A grace counts from the end.
    let mut end = made(10);
    end["effective_at"] = json!(revoked::clock::now().to_string());
    let id = taken(&api, "contractor_expired", "e1", end).await;
    agent.until(&id, |view| view["verdict"] == "residual");
    let grace = json!({"kind": "grace", "revocation": id, "for": "1d", "why": "hands over"});
    let asked = ask(api.request(Method::POST, "/api/v1/exceptions").body(grace.to_string())).await;
    assert_eq!(asked.status, 202, "{asked:?}");

    let older = tell(&api, "termination_rescinded", "r1", made(1)).await;
    assert_eq!(older.json()["outcome"], "superseded", "made before the end: {older:?}");
    let foreign = tell_as(&api, SECURITY, "termination_rescinded", "r1", made(20)).await;
    assert_eq!(foreign.status, 202, "{foreign:?}");
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!((&view["state"], &view["pending"]["asks"]), (&json!("open"), &json!("withdraw")));
    assert_eq!(view["pending"]["requested_by"], "security");

    assert_eq!(taken(&api, "termination_rescinded", "r2", made(21)).await, id);
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!((&view["state"], &view["pending"]), (&json!("withdrawn"), &Value::Null));
    assert_eq!(view["exceptions"][0]["phase"], "over");
    let withdrawn = records(&agent, "revocation_withdrawn");
    assert_eq!(withdrawn.len(), 1);
    assert_eq!(
        (&withdrawn[0]["because"], &withdrawn[0]["by"]),
        (&json!("termination_rescinded"), &json!("hr"))
    );

    // Again by another id, the same again, and the end that it took back once more: nothing changes.
    assert_eq!(taken(&api, "termination_rescinded", "r3", made(22)).await, id);
    let again = tell(&api, "termination_rescinded", "r2", made(21)).await;
    assert_eq!(again.json()["duplicate"], true, "{again:?}");
    let late = tell(&api, "contractor_expired", "e2", made(12)).await;
    assert_eq!(late.status, 422, "{late:?}");
    // A new end is a new one.
    let anew = taken(&api, "user_terminated", "e3", made(40)).await;
    assert_ne!(anew, id);

    // With another's word beside it, a second person decides.
    let violated = tell_as(&api, SECURITY, "user_terminated", "s1", made(41)).await;
    assert_eq!(violated.json()["revocations"][0], json!(anew), "{violated:?}");
    assert_eq!(taken(&api, "termination_rescinded", "r4", made(50)).await, anew);
    let view = agent.json(&["expect", "show", &anew, "-o", "json"]);
    assert_eq!((&view["state"], &view["pending"]["asks"]), (&json!("open"), &json!("withdraw")));
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn what_is_granted_after_a_rehire_is_not_the_old_access() {
    let cluster = cluster();
    let owned = "CREATE ROLE john LOGIN; CREATE ROLE app; CREATE TABLE kept (id int);
                 ALTER TABLE kept OWNER TO john;";
    sql(&cluster, "postgres", "postgres", owned);
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let id = taken(&api, "user_terminated", "e1", json!({})).await;
    agent.until(&id, |view| view["verdict"] == "residual");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE john NOLOGIN;");
    agent.until(&id, |view| of(view, "residual") == ["ownership"]);

    let foreign = tell_as(&api, SECURITY, "user_rehired", "h0", json!({})).await;
    assert_eq!(foreign.status, 422, "{foreign:?}");
    assert!(foreign.text.contains("somebody else said it"), "{foreign:?}");
    assert_eq!(taken(&api, "user_rehired", "h1", json!({})).await, id);
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert!(view["rehired_at"].is_string(), "{view:#}");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE john LOGIN; GRANT app TO john;");
    let view = agent.until(&id, |view| of(view, "kept").len() >= 2);
    assert_eq!(of(&view, "residual"), ["ownership"], "{view:#}");
    sql(&cluster, "postgres", "postgres", "ALTER TABLE kept OWNER TO postgres;");
    agent.until_state(&id, "verified");
    // Given anew, after it was seen to be gone.
    sql(&cluster, "postgres", "postgres", "ALTER TABLE kept OWNER TO john;");
    let view = agent.until(&id, |view| of(view, "kept").contains(&"ownership".to_owned()));
    assert_eq!(view["state"], "verified", "{view:#}");
    let told = records(&agent, "revocation_amended");
    let told = told.iter().find(|one| one["because"] == "user_rehired").unwrap();
    assert_eq!((&told["by"], &told["residual_before"]), (&json!("hr"), &json!(1)));

    // Told again: what was granted since the first time is no older by it.
    assert_eq!(taken(&api, "user_rehired", "h1b", json!({})).await, id);
    passed(3);
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!((&view["state"], &view["residual"]), (&json!("verified"), &json!([])), "{view:#}");
    let (_, shown, _) = agent.run(&["expect", "show", &id]);
    assert!(shown.contains("kept, as granted since the rehire of "), "{shown}");

    // A new end is a revocation of its own, and of everything.
    let anew = taken(&api, "user_terminated", "e2", json!({})).await;
    assert_ne!(anew, id);
    let view = agent.until(&anew, |view| view["verdict"] == "residual");
    assert!(of(&view, "residual").contains(&"login".to_owned()), "{view:#}");
    // Also where the old one is not finished.
    taken(&api, "user_rehired", "h2", json!({})).await;
    assert_eq!(taken(&api, "user_terminated", "e3", json!({})).await, anew);
    let view = agent.json(&["expect", "show", &anew, "-o", "json"]);
    assert_eq!(view["rehired_at"], Value::Null, "{view:#}");
    assert_eq!(agent.verify().0, 0);
}

#[tokio::test]
async fn a_rehire_hides_nothing_that_was_there_before() {
    let cluster = cluster();
    let roles = "CREATE ROLE john NOLOGIN; CREATE ROLE jd LOGIN; CREATE TABLE t (id int);
                 GRANT SELECT ON t TO john;";
    sql(&cluster, "postgres", "postgres", roles);
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let id = taken(&api, "user_terminated", "e1", json!({})).await;
    let names = |view: &Value, what: &str| view["residual"].to_string().contains(what);
    agent.until(&id, |view| names(view, "public.t"));
    taken(&api, "user_rehired", "h1", json!({})).await;
    // The same right by another name.
    sql(&cluster, "postgres", "postgres", "ALTER TABLE t RENAME TO renamed;");
    agent.until(&id, |view| names(view, "public.renamed"));
    sql(&cluster, "postgres", "postgres", "REVOKE SELECT ON renamed FROM john;");
    agent.until_state(&id, "verified");
    // A role that was there before, and is known to be theirs only now.
    let path = format!("/api/v1/revocations/{id}");
    let more = json!({"account": "main/jd"}).to_string();
    let answer = ask(api.request(Method::PATCH, &path).body(more)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    agent.until(&id, |view| view["verdict"] == "residual" && names(view, "login"));
    // One that was made since is the new employment's.
    sql(&cluster, "postgres", "postgres", "DROP ROLE jd; CREATE ROLE jd LOGIN;");
    let view = agent.until(&id, |view| view["kept"].to_string().contains("login"));
    assert_eq!(view["residual"], json!([]), "{view:#}");
}

#[tokio::test]
async fn a_rehire_that_is_told_late_ends_the_regression() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john NOLOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let id = taken(&api, "user_terminated", "e1", json!({})).await;
    agent.until_state(&id, "verified");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let back = revoked::clock::now();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    sql(&cluster, "postgres", "postgres", "ALTER ROLE john LOGIN;");
    agent.until_state(&id, "regressed");
    taken(&api, "user_rehired", "h1", json!({"effective_at": back.to_string()})).await;
    let view = agent.until_state(&id, "verified");
    assert_eq!(view["kept"][0]["kind"], "login", "{view:#}");
}

#[tokio::test]
async fn an_end_from_before_the_rehire_that_comes_after_it_opens_nothing_new() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john NOLOGIN; CREATE ROLE jd LOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let id = taken(&api, "user_terminated", "e1", made(10)).await;
    agent.until_state(&id, "verified");
    taken(&api, "user_rehired", "h1", made(30)).await;
    sql(&cluster, "postgres", "postgres", "ALTER ROLE john LOGIN;");
    agent.until(&id, |view| of(view, "kept") == ["login"]);
    assert_eq!(taken(&api, "contractor_expired", "e2", made(20)).await, id);
    passed(2);
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!((&view["state"], of(&view, "kept")), (&json!("verified"), vec!["login".into()]));
    // What it names beside that was the old employment's as well.
    let mut more = made(25);
    more["user"] = json!({"username": "john", "employee_id": "EMP-1", "accounts": ["main/jd"]});
    assert_eq!(taken(&api, "user_terminated", "e3", more).await, id);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert!(view["residual"].to_string().contains("jd"), "{view:#}");
    // A change of role from before an end that is over for them is none of it.
    let mut change = made(5);
    change["revoke"] = json!({"roles": ["jd"]});
    let part = taken(&api, "user_role_changed", "r1", change).await;
    assert_ne!(part, id);
    // One that was made since asks for everything: many systems stamp the day, so that it may be of the same instant.
    assert_eq!(taken(&api, "user_terminated", "e4", made(30)).await, id);
    let view = agent.until(&id, |view| view["residual"].to_string().contains("john"));
    assert_eq!(view["rehired_at"], Value::Null, "{view:#}");
}

#[tokio::test]
async fn what_a_suspension_left_was_there_before_the_rehire() {
    let cluster = cluster();
    let roles = "CREATE ROLE app; CREATE ROLE john NOLOGIN IN ROLE app;";
    sql(&cluster, "postgres", "postgres", roles);
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let id = taken(&api, "user_suspended", "s1", made(10)).await;
    agent.until_state(&id, "verified");
    passed(2);
    let back = revoked::clock::now();
    passed(2);
    sql(&cluster, "postgres", "postgres", "ALTER ROLE john LOGIN;");
    agent.until_state(&id, "regressed");
    taken(&api, "user_rehired", "h1", json!({"effective_at": back.to_string()})).await;
    agent.until_state(&id, "verified");
    // The end that was on its way all the time.
    assert_eq!(taken(&api, "user_terminated", "e1", made(20)).await, id);
    let view = agent.until(&id, |view| view["kind"] == "full" && view["verdict"] == "residual");
    assert_eq!(
        (of(&view, "residual"), of(&view, "kept")),
        (vec!["membership".into()], vec!["login".into()])
    );
}

#[tokio::test]
async fn what_a_probe_found_nothing_of_is_new_when_it_comes_back() {
    let cluster = cluster();
    let probe = "    probes: {members: {database: postgres, search_path: [public], parameters: [username], \
                 sentence: 'is a member', sql: 'SELECT who FROM members WHERE who = $1'}}\n";
    let table = "CREATE ROLE john NOLOGIN; CREATE TABLE members (who text);";
    sql(&cluster, "postgres", "postgres", table);
    let agent = started_with(&cluster, "deep_interval: 10s", probe);
    sql(&cluster, "postgres", "postgres", "GRANT SELECT ON members TO revoked_agent;");
    let api = Api::of(&agent);
    let id = taken(&api, "user_terminated", "e1", json!({})).await;
    agent.until_state(&id, "verified");
    taken(&api, "user_rehired", "h1", json!({})).await;
    passed(4);
    sql(&cluster, "postgres", "postgres", "INSERT INTO members VALUES ('john');");
    let view = agent.until(&id, |view| of(view, "kept") == ["probe"]);
    assert_eq!(view["state"], "verified", "{view:#}");
}

#[tokio::test]
async fn a_recycled_name_of_a_time_before_anybody_looked_is_no_silent_yes() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let hour = std::time::Duration::from_secs(3_600);
    let back = |by: std::time::Duration| {
        let now = revoked::clock::now().micros() - i64::try_from(by.as_micros()).unwrap();
        json!({"effective_at": revoked::domain::time::UtcTime::from_micros(now).unwrap().to_string()})
    };
    let id = taken(&api, "user_terminated", "e1", back(hour * 2)).await;
    agent.until(&id, |view| view["verdict"] == "residual");
    let answer = tell(&api, "identifier_recycled", "i1", back(hour)).await;
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(
        answer.text.contains("nobody can tell") && answer.text.contains("main/john"),
        "{answer:?}"
    );
    let older = tell(&api, "identifier_recycled", "i2", made(1)).await;
    assert_eq!(older.json()["outcome"], "superseded", "made before the end: {older:?}");
    // From now on it is the new owner's all the same.
    sql(&cluster, "postgres", "postgres", "DROP ROLE john; CREATE ROLE john LOGIN;");
    let view = agent.until_state(&id, "verified");
    assert_eq!(view["accounts"].as_array().unwrap().len(), 1, "{view:#}");
}

#[tokio::test]
async fn a_recycled_name_links_no_role_of_the_new_owner() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john NOLOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let id = taken(&api, "user_terminated", "e1", json!({})).await;
    let view = agent.until_state(&id, "verified");
    let old = view["accounts"][0]["oid"].clone();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let recycled = revoked::clock::now();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    sql(&cluster, "postgres", "postgres", "DROP ROLE john; CREATE ROLE john LOGIN;");
    let view = agent.until_state(&id, "regressed");
    assert_eq!(view["accounts"].as_array().unwrap().len(), 2, "linked by the same name");
    let body = json!({"effective_at": recycled.to_string()});
    let foreign = tell_as(&api, SECURITY, "identifier_recycled", "i0", body.clone()).await;
    assert_eq!(foreign.status, 422, "{foreign:?}");
    taken(&api, "identifier_recycled", "i1", body).await;
    // It can log in, so a second person says whose it is.
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!((&view["state"], &view["pending"]["asks"]), (&json!("regressed"), &json!("unlink")));
    let asked = records(&agent, "approval_requested");
    assert_eq!(asked.last().unwrap()["unlink"]["role"], "john", "{asked:#?}");
    approved(&agent, &id).await;
    let view = agent.until_state(&id, "verified");
    assert_eq!(view["accounts"].as_array().unwrap().len(), 1, "{view:#}");
    assert_eq!(view["accounts"][0]["oid"], old);
    let linked = records(&agent, "subject_linked");
    let last = linked.last().unwrap();
    assert_eq!((&last["because"], &last["by"]), (&json!("person"), &json!("hr")));
    assert_eq!(last["approval"]["approved_by"], "security");
    let barred = linked.iter().any(|one| one["because"] == "identifier_recycled");
    assert!(barred, "{linked:#?}");
    assert_eq!(last["unlinked"].as_array().unwrap().len(), 1, "{last:#}");
    // A third role of that name is not linked either; the old one, under any name, still is.
    sql(&cluster, "postgres", "postgres", "DROP ROLE john; CREATE ROLE john LOGIN;");
    std::thread::sleep(std::time::Duration::from_secs(3));
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!(
        (&view["state"], view["accounts"].as_array().unwrap().len()),
        (&json!("verified"), 1)
    );
    // Unless somebody says later that it is theirs.
    let path = format!("/api/v1/revocations/{id}");
    let named = json!({"account": "main/john"}).to_string();
    let answer = ask(Api::of(&agent).request(Method::PATCH, &path).body(named)).await;
    assert_eq!(answer.json()["amended"], true, "{answer:?}");
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert!(view["accounts"].as_array().unwrap().len() > 1, "{view:#}");
    assert_eq!(agent.verify().0, 0);
}
