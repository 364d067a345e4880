//! Names of people stay in the store, and leave it when they are erased.

mod common;

use common::agent::Agent;
use common::http::{Api, ask, prepared};
use common::{cluster, revoked, run, sql};
use reqwest::Method;
use revoked::domain::hex::hex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// What stands in every personal field.
const MARK: &str = "can4ry";

/// Two leavers; roles may be named, people not.
const CSV: &str = "username,employee_id,account,reason,ticket,event_id\n\
    can4ry.csv,can4ry-E1,role_one,can4ry left for can4ry reasons,CAN4RY-1,can4ry-event-1\n\
    can4ry.other,can4ry-E2,role_two,terminated,CAN4RY-2,can4ry-event-2\n";

const ROLES: &str = "CREATE ROLE role_one NOLOGIN; CREATE ROLE role_two LOGIN; CREATE ROLE role_three LOGIN;
    CREATE ROLE revoked_canary NOLOGIN; CREATE SCHEMA revoked_canary;
    CREATE TABLE revoked_canary.planted (); GRANT SELECT ON revoked_canary.planted TO revoked_canary;";

/// Every place into which the agent writes for others than itself.
fn published(agent: &Agent) -> Vec<(&'static str, String)> {
    let log: String = std::fs::read_to_string(agent.log_file()).unwrap();
    vec![
        ("the log", log),
        ("stderr", agent.stderr()),
        ("the metrics", agent.get("/metrics").unwrap_or_default()),
    ]
}

fn assert_nobody_is_named(agent: &Agent) {
    for (place, text) in published(agent) {
        let named = text.lines().find(|line| line.to_lowercase().contains(MARK));
        assert_eq!(named, None, "{place}");
    }
}

/// What the store's files have, as bytes.
fn store(agent: &Agent) -> String {
    let state = agent.dir().join("state");
    ["revoked.db", "revoked.db-wal"]
        .iter()
        .filter_map(|name| std::fs::read(state.join(name)).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes).to_lowercase())
        .collect()
}

async fn change(api: &Api, method: Method, path: &str, body: Value, status: u16) -> Value {
    let answer = ask(api.request(method, path).body(body.to_string())).await;
    assert_eq!(answer.status, status, "{answer:?}");
    answer.json()
}

fn verify(agent: &Agent, subjects: &Path) -> Value {
    let dir = agent.dir();
    let (code, out, err) = run(revoked()
        .arg("verify")
        .arg(dir.join("state/log"))
        .arg("--key")
        .arg(dir.join("log.vkey"))
        .arg("--subjects")
        .arg(subjects)
        .arg("--json"));
    assert_eq!(code, 0, "{out}{err}");
    serde_json::from_str(&out).unwrap()
}

fn notice() -> String {
    let notice = json!({
        "username": "can4ry.mail@example.org", "employee_id": "can4ry-E3", "account": "role_three",
        "reason": "can4ry violated the can4ry policy", "ticket": "CAN4RY-3", "event_id": "leave:can4ry-E3",
    });
    notice.to_string()
}

/// Who has a disclosure can check a notice about that person; the log alone does not tell whether it fits.
fn assert_notice_is_committed_to(agent: &Agent, disclosures: &str) {
    let hash = |text: String| hex(&Sha256::digest(text));
    let log = agent.log();
    let named = |value: &Value| {
        let about = log.iter().filter(|line| line["type"] == "revocation_triggered");
        about.filter(|line| line["what"]["notice_sha256"] == *value).count()
    };
    assert_eq!(named(&hash(notice()).into()), 0);
    let rows = disclosures.lines().map(|row| serde_json::from_str::<Value>(row).unwrap());
    let with = rows.map(|row| {
        let disclosure = row["disclosure"].as_str().unwrap();
        named(&hash(format!("{disclosure}\n{}", notice())).into())
    });
    assert_eq!(with.sum::<usize>(), 1);
}

/// Everything that people send and do, with a mark in every personal field.
async fn scenario(agent: &Agent, api: &Api) -> (String, String) {
    let csv = agent.dir().join("leavers.csv");
    std::fs::write(&csv, CSV).unwrap();
    let told = agent.json(&["expect", "import", csv.to_str().unwrap(), "-o", "json"]);
    let id = |n: usize| told["results"][n]["revocation"].as_str().unwrap().to_owned();
    let (first, second) = (id(0), id(1));
    let answer = api.post(notice(), None).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    let path = format!("/api/v1/revocations/{}", answer.json()["id"].as_str().unwrap());
    let amended = json!({"ticket": "CAN4RY-4", "effective_at": "2099-01-01T00:00:00Z", "why": "can4ry asked"});
    change(api, Method::PATCH, &path, amended, 202).await;
    let withdrawn = change(api, Method::DELETE, &path, json!({"why": "can4ry stays"}), 202).await;
    let request = withdrawn["pending"]["id"].as_str().unwrap().to_owned();
    let third = path.rsplit('/').next().unwrap().to_owned();
    let (code, out, err) = agent.run(&["expect", "approve", &third, "--request", &request]);
    assert_eq!(code, 0, "{out}{err}");
    // A notice that is refused quotes what it has to its sender only.
    let wrong = json!({"username": "can4ry.wrong", "reason": "can4ry", "effective_at": "can4ry"});
    assert_eq!(api.post(wrong.to_string(), None).await.status, 422);
    let rotation = json!({
        "username": "can4ry.rotates", "account": "role_two", "reason": "can4ry rotates",
        "revocation_type": "rotation",
    });
    let answer = api.post(rotation.to_string(), None).await;
    assert_eq!(answer.status, 202, "{answer:?}");
    agent.until_state(&first, "verified");
    agent.until(&second, |view| view["residual"].as_array().is_some_and(|found| !found.is_empty()));
    (first, second)
}

#[tokio::test]
async fn nobody_is_named_outside_the_store_and_an_erased_person_not_there_either() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", ROLES);
    let mut agent = prepared(&cluster, "");
    agent.plant("revoked_canary");
    let mut command = agent.command(&["serve"]);
    command.env("REVOKED_LOG", "revoked=debug");
    agent.spawn_as(command);
    agent.until_ready();
    let api = Api::of(&agent);
    let (first, second) = scenario(&agent, &api).await;
    assert!(
        agent.log().iter().any(|line| line["type"] == "canary_detected"),
        "all kinds are there"
    );
    assert_nobody_is_named(&agent);
    assert!(store(&agent).contains("can4ry.csv"), "the store has it");

    let all = agent.dir().join("all.jsonl");
    let (code, _, err) = agent.run(&["log", "subjects", "-o", all.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&all).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(verify(&agent, &all)["subjects"]["disclosed"], 4);
    assert_notice_is_committed_to(&agent, &std::fs::read_to_string(&all).unwrap());

    // Refused while it is needed.
    let (code, _, err) = agent.run(&["expect", "erase", "can4ry-E2", "--basis", "retention"]);
    assert_eq!(code, 1);
    assert!(err.contains(&second) && err.contains("not finished"), "{err}");
    let open =
        ask(api.request(Method::DELETE, "/api/v1/subjects/can4ry-E2").body(r#"{"basis":"other"}"#));
    assert!(open.await.problem(409).contains("not finished"));
    let wrong =
        ask(api.request(Method::DELETE, "/api/v1/subjects/can4ry-E1").body(r#"{"basis":"whim"}"#));
    wrong.await.problem(422);
    let nobody =
        ask(api.request(Method::DELETE, "/api/v1/subjects/nobody").body(r#"{"basis":"other"}"#));
    nobody.await.problem(404);

    let (code, out, err) =
        agent.run(&["expect", "erase", "can4ry-E1", "--basis", "gdpr_art_17", "-o", "json"]);
    assert_eq!(code, 0, "{out}{err}");
    let erased: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&erased["erased"], &erased["revocations"]), (&json!(true), &json!(1)));
    let subject = erased["subject"].as_str().unwrap();
    // Over the API, of one who was withdrawn.
    let gone =
        change(&api, Method::DELETE, "/api/v1/subjects/can4ry-E3", json!({"basis": "other"}), 200)
            .await;
    assert_eq!(gone["erased"], true);
    let again = format!("/api/v1/subjects/{subject}");
    let again = change(&api, Method::DELETE, &again, json!({"basis": "other"}), 200).await;
    assert_eq!(again["erased"], false, "it says so, and writes nothing");
    let records: Vec<Value> =
        agent.log().into_iter().filter(|line| line["type"] == "erasure").collect();
    assert_eq!(records.len(), 2);
    assert_eq!(
        (&records[0]["what"]["basis"], &records[1]["what"]["by"]),
        (&"gdpr_art_17".into(), &"hr".into())
    );
    let kept = store(&agent);
    for text in [
        "can4ry.csv",
        "can4ry-e1",
        "can4ry left",
        "can4ry-1",
        "can4ry.mail",
        "can4ry-e3",
        "can4ry asked",
    ] {
        assert!(!kept.contains(text), "{text} is in the store still");
    }
    assert!(kept.contains("can4ry-e2"), "others are as they were");
    let shown = agent.json(&["expect", "show", &first, "-o", "json"]);
    assert_eq!((&shown["subject"], &shown["state"]), (&json!(subject), &json!("verified")));

    let rest = agent.dir().join("rest.jsonl");
    agent.run(&["log", "subjects", "-o", rest.to_str().unwrap()]);
    let report = verify(&agent, &rest);
    assert_eq!(report["subjects"], json!({"disclosed": 2, "erased": 2, "missing": 0}));
    assert_eq!(report["warnings"], json!([]));

    // A message sent once more brings nobody back.
    let csv = agent.dir().join("leavers.csv");
    let told = agent.json(&["expect", "import", csv.to_str().unwrap(), "-o", "json"]);
    assert_eq!(told["results"][0]["revocation"], json!(first), "{told}");
    assert!(!store(&agent).contains("can4ry.csv"));
    // Told anew, the same person is somebody else.
    let notice = r#"{"username":"can4ry.csv","employee_id":"can4ry-E1","account":"role_one","reason":"terminated"}"#;
    let anew = api.post(notice, None).await;
    assert_eq!((anew.status, anew.json()["known"] == false), (202, true), "{anew:?}");
    let subjects: Vec<Value> =
        agent.log().into_iter().filter(|line| line["type"] == "subject").collect();
    assert_eq!(subjects.len(), 5);
    assert_ne!(subjects[4]["what"]["subject"], json!(subject));
    assert_nobody_is_named(&agent);
    agent.stop();
    assert_eq!(agent.verify().0, 0);
}

#[test]
fn without_an_agent_it_is_done_alone() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE leaver NOLOGIN;");
    let mut agent = prepared(&cluster, "");
    agent.start();
    let id = agent.expect("can4ry.alone", &["--account", "leaver"]);
    agent.until_state(&id, "verified");
    agent.stop();
    let (code, out, err) = agent.run(&["expect", "erase", "can4ry.alone", "--basis", "retention"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(!store(&agent).contains("can4ry.alone"));
    let line = agent.log().into_iter().find(|line| line["type"] == "erasure").unwrap();
    assert!(line["what"]["by"].as_str().unwrap().starts_with("uid:"), "{line}");
    assert_eq!(agent.verify().0, 0);
}
