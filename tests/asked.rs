//! A look by hand knows what the agent knows: whose a role is, who else fits it, and who works here again.

mod common;

use common::agent::Agent;
use common::http::{Answer, Api, ask, prepared, started};
use common::{cluster, psql, sql};
use reqwest::Method;
use serde_json::{Value, json};

async fn expect(api: &Api, notice: &Value) -> String {
    let answer = api.post(notice.to_string(), None).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn tell(agent: &Agent, kind: &str, id: &str, more: &Value) -> Answer {
    let mut value = json!({
        "event_type": kind, "event_id": id,
        "user": {"username": "john", "employee_id": "EMP-1"},
    });
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let api = Api::of(agent);
    let answer = ask(api
        .request(Method::POST, "/api/v1/webhooks/hr-events")
        .header("connection", "close")
        .body(value.to_string()))
    .await;
    assert_eq!(answer.status, 202, "{answer:?}");
    answer
}

/// Approves, as the token, what somebody else asked for.
async fn approved(agent: &Agent, id: &str) {
    let api = Api::of(agent);
    let view = agent.json(&["expect", "show", id, "-o", "json"]);
    let request = view["pending"]["id"].as_str().unwrap_or_else(|| panic!("{view:#}")).to_owned();
    let path = format!("/api/v1/revocations/{id}/approve");
    let body = json!({"request": request}).to_string();
    let answer = ask(api.request(Method::POST, &path).body(body)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Statements of a script: what is no comment and no command of psql.
fn statements(script: &str) -> Vec<&str> {
    let doing = |line: &&str| {
        line.contains("ALTER ROLE") || line.contains("REVOKE") || line.contains("terminate")
    };
    script.lines().filter(|line| !line.trim_start().starts_with("--")).filter(doing).collect()
}

fn plan(agent: &Agent, who: &str) -> String {
    let (_, script, err) = agent.run(&["plan", who]);
    assert!(!script.is_empty(), "{err}");
    script
}

fn done(agent: &Agent, arguments: &[&str]) -> String {
    let (code, out, err) = agent.run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    out
}

#[tokio::test]
async fn a_role_that_two_people_fit_is_a_question_here_too_and_one_that_is_unlinked_is_nobodys() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jsmith LOGIN;");
    let agent = started(&cluster);
    let api = Api::of(&agent);
    let of = |id: &str| json!({"username": "jsmith", "employee_id": id, "reason": "terminated"});
    let jane = expect(&api, &of("EMP-1")).await;
    let john = expect(&api, &of("EMP-2")).await;
    for id in [&jane, &john] {
        agent.until(id, |view| view["verdict"] == "inconclusive");
    }
    for (who, other) in [("EMP-1", &john), (jane.as_str(), &john), ("EMP-2", &jane)] {
        let (code, out, _) = agent.run(&["check", who]);
        assert!(code == 3 && out.contains("INCONCLUSIVE"), "{out}");
        let report = agent.json(&["check", who, "-o", "json"]);
        assert!(report["gaps"].to_string().contains(other.as_str()), "{report:#}");
        assert_eq!(report["residual"], json!([]));
        let script = plan(&agent, who);
        assert_eq!(statements(&script), [""; 0], "{script}");
        assert!(script.starts_with("-- OPEN QUESTION: "), "{script}");
        assert_eq!(agent.run(&["explain", &jane, "--now"]).0, 3);
    }
    // Of the role as such anybody may ask.
    assert_eq!(agent.run(&["check", "main/jsmith"]).0, 2);

    done(&agent, &["expect", "link", &jane, "main/jsmith"]);
    done(&agent, &["expect", "unlink", &john, "main/jsmith"]);
    approved(&agent, &john).await;
    agent.until(&jane, |view| view["verdict"] == "residual");
    let view = agent.until(&john, |view| view["accounts"] == json!([]));
    assert_eq!(view["lineage"]["barred"][0]["role"], "jsmith", "{view:#}");
    assert!(plan(&agent, "EMP-1").contains("ALTER ROLE \"jsmith\" NOLOGIN"));
    for who in ["EMP-2", john.as_str()] {
        let (code, out, _) = agent.run(&["check", who]);
        assert!(code == 3 && !out.contains("login  "), "{out}");
        let script = plan(&agent, who);
        assert_eq!(statements(&script), [""; 0], "{script}");
    }
}

#[tokio::test]
async fn a_second_user_name_is_searched_for_and_is_a_question() {
    let cluster = cluster();
    let roles = "CREATE ROLE quinn_doe NOLOGIN; CREATE ROLE quinn_smith LOGIN;";
    sql(&cluster, "postgres", "postgres", roles);
    let more = "subjects: {templates: ['{username|lower|underscore}']}";
    let mut agent = prepared(&cluster, more);
    agent.start();
    let api = Api::of(&agent);
    let of = |name: &str| json!({"username": name, "employee_id": "EMP-1", "reason": "terminated"});
    let id = expect(&api, &of("Quinn.Doe")).await;
    assert_eq!(expect(&api, &of("Quinn.Smith")).await, id);
    agent.until(&id, |view| view["gaps"].to_string().contains("another user name"));
    for who in ["EMP-1", "Quinn.Smith", id.as_str()] {
        let (code, out, _) = agent.run(&["check", who]);
        assert!(code == 3 && out.contains("another user name"), "{out}");
        let script = plan(&agent, who);
        assert_eq!(statements(&script), [""; 0], "{script}");
    }
    done(&agent, &["expect", "link", &id, "quinn_smith"]);
    assert_eq!(agent.run(&["check", "EMP-1"]).0, 2);
    assert!(plan(&agent, &id).contains("ALTER ROLE \"quinn_smith\" NOLOGIN"));
}

#[tokio::test]
async fn what_was_granted_since_a_rehire_is_left_alone() {
    let cluster = cluster();
    let roles = "CREATE ROLE john LOGIN; CREATE ROLE app; CREATE ROLE old; GRANT old TO john;";
    sql(&cluster, "postgres", "postgres", roles);
    let agent = started(&cluster);
    let id = tell(&agent, "user_terminated", "e1", &json!({})).await;
    let id = id.json()["revocations"][0].as_str().unwrap().to_owned();
    agent.until(&id, |view| view["verdict"] == "residual");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE john NOLOGIN;");
    agent.until(&id, |view| view["residual"].as_array().is_some_and(|found| found.len() == 1));
    tell(&agent, "user_rehired", "h1", &json!({})).await;
    sql(&cluster, "postgres", "postgres", "ALTER ROLE john LOGIN; GRANT app TO john;");
    agent.until(&id, |view| view["kept"].as_array().is_some_and(|kept| kept.len() >= 2));
    for who in ["EMP-1", "john", id.as_str()] {
        let script = plan(&agent, who);
        assert!(script.starts_with("-- HIRED AGAIN: EMP-1"), "{script}");
        let doing = statements(&script);
        assert!(doing.len() == 1 && doing[0].contains("\"old\""), "{script}");
        let report = agent.json(&["check", who, "-o", "json"]);
        assert_eq!(report["residual"].as_array().unwrap().len(), 1, "{report:#}");
        assert!(report["subjects"][0]["rehired_at"].is_string(), "{report:#}");
    }
    let (_, said, _) = agent.run(&["explain", &id, "--now"]);
    assert!(said.contains("kept, as granted since the rehire of "), "{said}");
    let script = plan(&agent, &id);
    assert!(psql(&cluster, "postgres", "postgres", &script).status.success());
    agent.until_state(&id, "verified");
    assert_eq!(agent.run(&["check", "EMP-1"]).0, 0);
    assert_eq!(statements(&plan(&agent, "EMP-1")), [""; 0]);
}

#[tokio::test]
async fn a_recycled_name_is_the_new_owner_s() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john NOLOGIN;");
    let agent = started(&cluster);
    let id = tell(&agent, "user_terminated", "e1", &json!({})).await;
    let id = id.json()["revocations"][0].as_str().unwrap().to_owned();
    agent.until_state(&id, "verified");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let recycled = json!({"effective_at": revoked::clock::now().to_string()});
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    sql(&cluster, "postgres", "postgres", "DROP ROLE john; CREATE ROLE john LOGIN;");
    agent.until_state(&id, "regressed");
    tell(&agent, "identifier_recycled", "i1", &recycled).await;
    // It takes a finding away, so somebody else agrees.
    let view = agent.until(&id, |view| view["pending"]["asks"] == "unlink");
    let request = view["pending"]["id"].as_str().unwrap();
    assert_eq!(agent.run(&["expect", "approve", &id, "--request", request]).0, 0);
    agent.until_state(&id, "verified");
    for who in ["EMP-1", "john", id.as_str()] {
        let (code, out, _) = agent.run(&["check", who]);
        assert!(code == 0 && out.starts_with("REVOKED"), "{out}");
        let script = plan(&agent, who);
        assert_eq!(statements(&script), [""; 0], "{script}");
    }
}

#[tokio::test]
async fn what_stands_against_a_plan_stands_at_its_head() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let agent = started(&cluster);
    let id = agent.expect("john", &["--effective", "2099-01-31T12:00:00Z", "--ticket", "CHG-7"]);
    agent.until(&id, |view| view["verdict"] == "residual");
    let (code, out, _) = agent.run(&["check", "john"]);
    assert!(code == 2 && out.contains("begins       at 2099-01-31T12:00:00"), "{out}");
    let (_, script, err) = agent.run(&["plan", "john"]);
    assert!(script.starts_with("-- NOT YET: john"), "{script}");
    assert!(err.contains("NOT YET: john"), "also where a pipe swallows comments: {err}");
    let answer = agent.json(&["plan", "john", "-o", "json"]);
    assert!(answer["notes"][0].as_str().unwrap().starts_with("NOT YET"), "{answer:#}");
    assert!(answer["targets"][0]["script"].as_str().unwrap().starts_with("-- NOT YET"));

    for (role, why) in
        [("main/postgres", "bootstrap superuser"), ("revoked_agent", "role that looks")]
    {
        let (code, _, err) = agent.run(&["expect", "link", &id, role]);
        assert!(code == 1 && err.contains(why), "{role}: {err}");
        let script = plan(&agent, role);
        assert!(script.lines().next().unwrap().to_lowercase().contains(why), "{script}");
    }
}

#[tokio::test]
async fn what_waits_is_listed_and_what_is_shown_is_whole() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let agent = started(&cluster);
    let subject = "somebody.with.a.name.that.is.long.enough@example.org";
    let more =
        ["--effective", "2099-01-31T12:00", "--time-zone", "Europe/Berlin", "--ticket", "CHG-7"];
    let id = agent.expect(subject, &more);
    let api = Api::of(&agent);
    let again = json!({
        "username": subject, "reason": "terminated", "effective_at": "2099-01-31T11:00:00Z",
    });
    assert_eq!(expect(&api, &again).await, id);
    let (_, shown, _) = agent.run(&["expect", "show", subject]);
    for text in
        ["2099-01-31T12:00, taken in Europe/Berlin", "ticket       CHG-7", "and by       hr"]
    {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    assert!(!done(&agent, &["expect", "list", "--pending"]).contains(&id));

    let out = done(&agent, &["expect", "withdraw", &id, "--erroneous", "--why", "wrong one"]);
    assert!(out.contains("waits for a second person"), "{out}");
    let listed = done(&agent, &["expect", "list", "--pending"]);
    assert!(listed.contains(subject), "no word is broken in a pipe: {listed}");
    let approve = format!("revoked expect approve {id} --request req_");
    for text in [approve.as_str(), "as one that should never have been expected"] {
        assert!(listed.contains(text), "{text}: {listed}");
        let (_, status, _) = agent.run(&["status"]);
        assert!(status.contains(text) && status.contains(subject), "{text}: {status}");
    }
    approved(&agent, &id).await;
    assert!(!done(&agent, &["expect", "list", "--pending"]).contains(&id));
    let view = agent.json(&["expect", "show", &id, "-o", "json"]);
    assert_eq!(
        (&view["withdrawn"]["approved_by"], &view["erroneous"]),
        (&json!("hr"), &json!(true))
    );
    let (_, shown, _) = agent.run(&["expect", "show", &id]);
    assert!(shown.contains("approved by hr, at 2"), "{shown}");
    assert!(shown.contains("it should never have been expected"), "{shown}");
    let (_, script, _) = agent.run(&["plan", &id]);
    assert!(script.starts_with("-- WITHDRAWN: "), "{script}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let cluster = cluster();
    let agent = started(&cluster);
    for number in 0..40 {
        agent.expect(&format!("somebody-{number}"), &[]);
    }
    let mut child = agent
        .command(&["log", "subjects"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !said.contains("Broken pipe"), "{said}");
}
