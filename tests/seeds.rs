//! The examples of a revocation script's manual, as they stand in it: what its users send and type works here.
//!
//! The queries of a runbook for departing employees are `the_runbook` of `tests/probes.rs`.

mod common;

use common::agent::Agent;
use common::http::{Api, ask, prepared};
use common::{cluster, sql};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const PERMISSIONS: &str =
    "permissions: {db.write: [app_writer], api.admin: [api_admins]}\nemergency_approval: 1h";
const ROLES: &str = "CREATE ROLE admin; CREATE ROLE app_writer; CREATE ROLE api_admins;
    CREATE ROLE \"john.doe\" LOGIN IN ROLE admin, app_writer, api_admins;";

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(example(name)).unwrap()
}

fn agent() -> (revoked::throwaway::Cluster, Agent) {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", ROLES);
    let mut agent = prepared(&cluster, PERMISSIONS);
    agent.start();
    (cluster, agent)
}

#[tokio::test]
async fn the_hr_event_is_taken_at_both_addresses_and_once() {
    let (_cluster, mut agent) = agent();
    let api = Api::of(&agent);
    let send = |path: &'static str, body: String| {
        let request = api.request(Method::POST, path).header("content-type", "application/json");
        ask(request.body(body))
    };
    let first = send("/api/v1/webhooks/hr-events", text("hr-event.json")).await;
    assert_eq!(first.status, 202, "{first:?}");
    let again = send("/webhooks/hr-events", text("hr-event.json")).await;
    assert_eq!((again.status, again.header("location")), (202, first.header("location")));
    let view = api.get(first.header("location")).await.json();
    assert_eq!(
        (&view["subject"], &view["username"], &view["kind"], &view["reason"]),
        (&json!("EMP-12345"), &json!("john.doe"), &json!("full"), &json!("terminated"))
    );
    assert_eq!(view["effective_at"], "2026-02-03T17:00:00.000000Z", "a date is 17:00");
    agent.until(view["id"].as_str().unwrap(), |view| view["verdict"] == "residual");
    let test = send("/webhooks/hr-events", r#"{"event_type": "test"}"#.to_owned()).await;
    assert!((200..300).contains(&test.status), "{test:?}");
    let all = agent.json(&["expect", "list", "-o", "json"]);
    assert_eq!(all.as_array().unwrap().len(), 1, "a test opens nothing");
    agent.stop();
    let written = std::fs::read_to_string(agent.log_file()).unwrap();
    assert!(!written.contains("Resignation") && !written.contains("example.com"));
}

#[tokio::test]
async fn the_csv_is_imported_row_by_row() {
    let (_cluster, agent) = agent();
    let copy = agent.dir().join("users.csv");
    std::fs::copy(example("users.csv"), &copy).unwrap();
    let told = agent.json(&["expect", "import", copy.to_str().unwrap(), "-o", "json"]);
    assert_eq!(told["counts"]["expected"], 3, "{told:#}");
    let shown = |place: usize| -> Value {
        let id = told["results"][place]["revocation"].as_str().unwrap();
        agent.json(&["expect", "show", id, "-o", "json"])
    };
    let is = |view: &Value| {
        ["subject", "kind", "reason"].map(|key| view[key].as_str().unwrap().to_owned())
    };
    assert_eq!(is(&shown(0)), ["john.doe", "full", "terminated"]);
    assert_eq!(is(&shown(1)), ["jane.smith", "partial", "role_change"]);
    assert_eq!(is(&shown(2)), ["bob.jones", "full", "contract_expired"]);
    assert_eq!(shown(1)["preserve_data"], true);
    let question =
        agent.until(shown(1)["id"].as_str().unwrap(), |view| view["verdict"].is_string());
    assert_eq!(question["verdict"], "inconclusive", "nobody said what has to be gone");
}

/// The arguments of a line, quotes removed.
fn arguments(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// What a line of the manual comes to: exit status, and what is printed.
const COMES_TO: &[(&str, i32, &str)] = &[
    ("--user <username>", 64, "--reason"),
    ("--user <username> --reason \"User terminated\"", 0, "expected: rev_"),
    ("--batch users.csv", 0, "3 rows: 2 expected, 1 already expected"),
    ("--user <username> --role admin", 64, "--reason"),
    ("--user <username> --dry-run", 64, "--reason"),
    ("--user <username> --emergency", 64, "--reason"),
    ("--user <username> --permissions \"db.write,api.admin\"", 64, "--reason"),
    (
        "--user <username> --extend 30d --reason \"Contract extension approved\"",
        1,
        "extension is for contract_expired",
    ),
    ("--user test.user --dry-run", 64, "--reason"),
    ("--check-db", 0, "main"),
    ("--check-permissions", 0, "main"),
    ("--user <username> --force", 64, "revoked plan john.doe"),
];

#[test]
fn each_line_of_the_manual_works_or_says_what_it_wants() {
    let (_cluster, agent) = agent();
    std::fs::copy(example("users.csv"), agent.dir().join("users.csv")).unwrap();
    let usage = text("usage.sh");
    let lines: Vec<&str> = usage
        .lines()
        .filter_map(|line| line.strip_prefix("./scripts/operations/revoke-access.sh "))
        .collect();
    assert_eq!(lines, COMES_TO.iter().map(|(line, _, _)| *line).collect::<Vec<_>>());
    let run = |line: &str, more: &[&str]| {
        let words = arguments(&line.replace("<username>", "john.doe"));
        let mut all = vec!["expect", "add"];
        all.extend(words.iter().map(String::as_str).chain(more.iter().copied()));
        let mut command = agent.command(&all);
        common::run(command.current_dir(agent.dir()))
    };
    for (line, status, says) in COMES_TO {
        let (code, out, err) = run(line, &[]);
        let told = format!("{out}{err}").replace('\n', " ");
        assert!(code == *status && told.contains(says), "{line}: {code}: {told}");
    }
    // A reason is asked for always: the manual says itself that it is required. With one, each of them does it.
    let urgent = ["--reason", "Role Change"];
    for (line, says) in [
        ("--user <username> --dry-run", "would expect: full"),
        ("--user <username> --role admin", "expected: rev_"),
        ("--user <username> --permissions \"db.write,api.admin\"", "tightened: rev_"),
        ("--user <username> --emergency", "already expected: rev_"),
    ] {
        let (code, out, err) = run(line, &urgent);
        assert!(code == 0 && out.contains(says), "{line}: {code}: {out}{err}");
    }
    let partial = agent.json(&["expect", "list", "-o", "json"]);
    let partial = partial.as_array().unwrap().iter().find(|view| view["roles"] == json!(["admin"]));
    assert_eq!(partial.unwrap()["permissions"], json!(["db.write", "api.admin"]));
    let view = agent.until(partial.unwrap()["id"].as_str().unwrap(), |view| {
        view["residual"].as_array().unwrap().len() == 3
    });
    assert_eq!(view["verdict"], "residual", "permissions are the roles that give them");
}

#[test]
fn the_configuration_of_the_manual_is_understood() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("revoked.yaml");
    let own = "state_dir: s\ntargets: {main: {url: 'postgres://x@h/d'}}\n";
    std::fs::write(&path, format!("{own}{}", text("rights-revocation.yaml"))).unwrap();
    let config = revoked::config::Config::read(&path).unwrap();
    assert_eq!(config.verification_delay.as_secs(), 60);
    assert!(config.not_required.is_empty());
}
