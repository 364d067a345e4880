//! Is the list of what should be gone complete: HR's population beside it, and the roles that can log in.

mod common;

use common::agent::Agent;
use common::http::{Api, prepared};
use common::{cluster, sql};
use serde_json::{Value, json};
use std::path::PathBuf;

const ROLES: &str = "CREATE ROLE anna LOGIN; CREATE ROLE ben LOGIN; CREATE ROLE carl LOGIN;
    CREATE ROLE dora_db LOGIN; CREATE ROLE svc_app LOGIN; CREATE ROLE ghost LOGIN; CREATE ROLE readers;";

/// As an HR system exports it: more columns than are needed, a separator of its own, dates without a zone.
const HR: &str = "\u{feff}Employee ID;Department;Username;Status;End Date\r\n\
    EMP-1;IT;anna;Active;\r\n\
    EMP-2;IT;ben;Terminated;2026-03-05\r\n\
    EMP-3;IT;carl;Terminated;2026-03-05\r\n\
    EMP-4;IT;dora;Active;2099-12-31\r\n";

fn file(agent: &Agent, text: &str) -> PathBuf {
    let path = agent.dir().join("hr.csv");
    std::fs::write(&path, text).unwrap();
    path
}

fn reconcile(agent: &Agent, more: &[&str]) -> (i32, Value) {
    let path = agent.dir().join("hr.csv");
    let told = ["expect", "reconcile", "--population", path.to_str().unwrap(), "-o", "json"];
    let (code, out, err) = agent.run(&[&told[..], more].concat());
    let report = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (code, report)
}

fn names(report: &Value, of: &str, key: &str) -> Vec<String> {
    let found = report[of].as_array().unwrap_or_else(|| panic!("{of} in {report:#}"));
    found.iter().map(|one| one[key].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_of_one_has_no_counterpart_in_the_others() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", ROLES);
    let mut agent = prepared(&cluster, "subjects: {accounts: {EMP-4: [main/dora_db]}}");
    file(&agent, HR);
    agent.start();
    let gone = agent.expect("EMP-3", &["--account", "carl"]);
    let active = agent.expect("anna", &[]);
    agent.expect("EMP-99", &["--account", "readers"]);
    agent.expect("EMP-4", &["--schedule", "2099-12-31", "--account", "dora_db"]);
    agent.expect("EMP-1", &["--kind", "suspend", "--account", "anna"]);
    agent.until(&gone, |view| view["verdict"] == "residual");

    let (code, told) = reconcile(&agent, &["--known", "svc_app"]);
    assert_eq!(code, 2, "{told:#}");
    assert_eq!(
        (&told["people"], &told["left"], &told["unread"]),
        (&json!(4), &json!(2), &json!([]))
    );
    assert_eq!(names(&told, "not_expected", "id"), ["EMP-2"]);
    assert_eq!(told["not_expected"][0]["left_at"], "2026-03-05T17:00:00.000000Z");
    assert_eq!(names(&told, "active_there", "revocation"), [active.as_str()]);
    assert_eq!(names(&told, "unknown_there", "subject"), ["EMP-99"]);
    assert_eq!(names(&told, "unknown_to_both", "role"), ["postgres", "ghost"]);

    let path = file(&agent, HR);
    let (code, out, _) =
        agent.run(&["expect", "reconcile", "--population", path.to_str().unwrap()]);
    assert_eq!(code, 2);
    for says in
        ["4 people, of whom 2 have left", "EMP-2 ben, left", "main/ghost (OID", "6 differences"]
    {
        assert!(out.contains(says), "{says}: {out}");
    }
    agent.stop();
    let (code, alone) = reconcile(&agent, &["--known", "svc_app"]);
    assert_eq!((code, &alone["unknown_to_both"]), (2, &told["unknown_to_both"]), "{alone:#}");
}

#[tokio::test]
async fn nothing_differs_or_nobody_can_tell() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE anna LOGIN;");
    let dead = "postgres://revoked_agent@127.0.0.1:1/postgres";
    sql(&cluster, "postgres", "postgres", "CREATE ROLE revoked_agent LOGIN;");
    let url = cluster.url("revoked_agent", "postgres");
    let mut agent = Agent::init(&[("main", &url), ("dead", dead)], "");
    file(&agent, "username,status\nanna,active\n");
    agent.start();
    let known = ["--known", "main/postgres"];
    agent.until_metrics(&[
        r#"access_revocation_target_up{target="main"} 1"#,
        r#"access_revocation_target_up{target="dead"} 0"#,
    ]);
    let (code, told) = reconcile(&agent, &known);
    assert_eq!((code, &told["unread"]), (3, &json!(["dead"])), "{told:#}");
    let mut one = Agent::init(&[("main", &url)], "");
    file(&one, "username,status\nanna,active\n");
    one.start();
    one.until_metrics(&[r#"access_revocation_target_up{target="main"} 1"#]);
    let (code, told) = reconcile(&one, &known);
    assert_eq!((code, &told["unknown_to_both"]), (0, &json!([])), "{told:#}");
    file(&one, "username,status\nanna,somewhere\n");
    let path = one.dir().join("hr.csv");
    let (code, _, err) = one.run(&["expect", "reconcile", "--population", path.to_str().unwrap()]);
    assert!(code == 1 && err.contains("line 2: status `somewhere`"), "{code}: {err}");
}

#[tokio::test]
async fn the_roster_is_paged_and_a_name_that_nobody_has_is_noted() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", ROLES);
    let mut agent = prepared(&cluster, "");
    agent.start();
    agent.until_metrics(&[r#"access_revocation_target_up{target="main"} 1"#]);
    let api = Api::of(&agent);
    let (mut all, mut path) = (Vec::new(), "/api/v1/roster?limit=3".to_owned());
    loop {
        let page = api.get(&path).await.json();
        assert_eq!(page["targets"][0]["read"], true, "{page:#}");
        all.extend(page["roles"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/roster?limit=3&cursor={next}");
    }
    let names: Vec<&str> = all.iter().map(|role| role["role"].as_str().unwrap()).collect();
    let logins =
        ["anna", "ben", "carl", "dora_db", "ghost", "postgres", "revoked_agent", "svc_app"];
    assert_eq!(names, logins);
    let readers = api.get("/api/v1/roster?role=readers&all=true").await.json();
    assert_eq!((&readers["roles"][0]["login"], &readers["next"]), (&json!(false), &Value::Null));
    for wrong in ["limit=0", "cursor=x!", "role=", "nobody=1"] {
        assert_eq!(api.get(&format!("/api/v1/roster?{wrong}")).await.status, 400, "{wrong}");
    }

    let add = |role: &'static str| {
        agent.run(&["expect", "add", "--user", "x", "--reason", "left", "--account", role])
    };
    let (code, _, err) = add("main/ana");
    assert!(code == 0 && err.contains("no target has a role `main/ana`"), "{err}");
    let (code, _, err) = add("readers");
    assert!(code == 0 && !err.contains("no target has"), "{err}");
}
