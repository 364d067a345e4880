//! Whole lives of revocations, with the real agent on a real cluster.

mod common;

use common::agent::Agent;
use common::{LiveSession, cluster, psql, run, sql};
use revoked::throwaway::Cluster;
use serde_json::Value;

fn start(cluster: &Cluster) -> Agent {
    sql(
        cluster,
        "postgres",
        "postgres",
        "CREATE ROLE agent LOGIN; CREATE ROLE app; CREATE ROLE g; CREATE ROLE x LOGIN; GRANT g TO x;",
    );
    let mut agent = Agent::init(&[("main", &cluster.url("agent", "postgres"))], "");
    agent.start();
    agent
}

fn kinds(view: &Value) -> Vec<&str> {
    view["residual"].as_array().unwrap().iter().map(|r| r["kind"].as_str().unwrap()).collect()
}

/// Runs the plan that the agent's cluster needs for `role`.
fn remove(cluster: &Cluster, role: &str) {
    let url = cluster.url("agent", "postgres");
    let (code, script, err) = run(common::revoked().args(["plan", "--target", &url, role]));
    assert_eq!(code, 0, "{err}");
    let output = psql(cluster, "postgres", "postgres", &script);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Record types of one revocation, in the order of the log.
fn records(agent: &Agent, id: &str) -> Vec<String> {
    agent
        .log()
        .iter()
        .filter(|line| line["what"]["revocation"] == id)
        .map(|line| line["type"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn found_overdue_removed_verified_and_back() {
    let cluster = cluster();
    let mut agent = start(&cluster);
    let id = agent.expect("EMP-1", &["--account", "x", "--deadline", "2s"]);
    let view = agent.until(&id, |view| view["overdue"] == serde_json::json!(["login", "access"]));
    assert_eq!(kinds(&view), ["login", "membership"]);
    assert_eq!(agent.run(&["status"]).0, 2);
    agent.until_metrics(&[
        r#"access_revocations_total{reason="terminated"} 1"#,
        r#"access_revocations_in_progress{reason="terminated",type="full"} 1"#,
        r#"access_revocations_overdue{milestone="login",reason="terminated",type="full"} 1"#,
        r#"access_revocation_deadline_missed_total{milestone="access",reason="terminated"} 1"#,
        r#"access_revocation_residual_findings{surface="login",target="main"} 1"#,
        r#"access_revocation_target_up{target="main"} 1"#,
        "access_revocation_verification_success_rate 0",
    ]);

    remove(&cluster, "x");
    let view = agent.until_state(&id, "verified");
    assert_eq!(view["overdue"], serde_json::json!([]));
    assert_eq!(agent.run(&["status"]).0, 0);
    agent.until_metrics(&[
        r#"access_revocations_in_progress{reason="terminated",type="full"} 0"#,
        r#"access_revocations_overdue{milestone="login",reason="terminated",type="full"} 0"#,
        r#"access_revocation_duration_seconds_count{reason="terminated",type="full"} 1"#,
        "access_revocation_verification_success_rate 1",
    ]);

    sql(&cluster, "postgres", "postgres", "ALTER ROLE x LOGIN;");
    agent.until_state(&id, "regressed");
    assert_eq!(agent.run(&["status"]).0, 2);
    remove(&cluster, "x");
    agent.until_state(&id, "verified");

    assert!(agent.stop().success());
    assert_eq!(
        records(&agent, &id),
        [
            "revocation_triggered",
            "validation_completed",
            "subject_linked",
            "observation",
            "verification_failed",
            "verification_failed",
            "account_disabled",
            "access_revoked",
            "observation",
            "verification_completed",
            "observation",
            "access_regressed",
            "access_revoked",
            "observation",
            "verification_completed",
        ]
    );
    let text = std::fs::read_to_string(agent.log_file()).unwrap();
    assert!(!text.contains("EMP-1"), "the log has the commitment, never the person's id");
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
}

#[test]
fn the_session_of_a_dropped_role_is_the_subjects_by_its_oid() {
    let cluster = cluster();
    let agent = start(&cluster);
    let session = LiveSession::open(&cluster, "x", "postgres", "SELECT 1;");
    let id = agent.expect("x", &[]);
    agent.until(&id, |view| kinds(view).contains(&"session"));
    sql(&cluster, "postgres", "postgres", "DROP ROLE x;");
    let view = agent.until(&id, |view| kinds(view) == ["vanished_session"]);
    assert_eq!(view["state"], "open");
    drop(session);
    agent.until_state(&id, "verified");
}

#[test]
fn a_role_made_anew_under_the_same_name_is_access_come_back() {
    let cluster = cluster();
    let agent = start(&cluster);
    let id = agent.expect("x", &[]);
    agent.until(&id, |view| !kinds(view).is_empty());
    sql(&cluster, "postgres", "postgres", "DROP ROLE x;");
    agent.until_state(&id, "verified");
    sql(&cluster, "postgres", "postgres", "CREATE ROLE x LOGIN;");
    let view = agent.until_state(&id, "regressed");
    assert_eq!(view["accounts"].as_array().unwrap().len(), 2, "both OIDs stay linked");
}

#[test]
fn a_renamed_role_is_followed() {
    let cluster = cluster();
    let agent = start(&cluster);
    let id = agent.expect("x", &[]);
    agent.until(&id, |view| !kinds(view).is_empty());
    sql(&cluster, "postgres", "postgres", "ALTER ROLE x RENAME TO x_kept;");
    let view = agent.until(&id, |view| view["accounts"][0]["role"] == "x_kept");
    assert_eq!(view["state"], "open");
    remove(&cluster, "x_kept");
    agent.until_state(&id, "verified");
}

#[test]
fn a_role_renamed_before_the_notice_is_found_in_the_roster() {
    let cluster = cluster();
    let agent = start(&cluster);
    // The agent has to have seen it under its old name once.
    let seen = agent.expect("somebody", &["--account", "g"]);
    agent.until(&seen, |view| view["verdict"] != Value::Null);
    sql(&cluster, "postgres", "postgres", "ALTER ROLE x RENAME TO hidden;");
    let id = agent.expect("x", &[]);
    let view = agent.until(&id, |view| !kinds(view).is_empty());
    assert_eq!(view["accounts"][0]["role"], "hidden");
}

#[test]
fn a_target_that_goes_down_proves_nothing_and_is_waited_for() {
    let mut cluster = cluster();
    let agent = start(&cluster);
    let id = agent.expect("x", &[]);
    agent.until(&id, |view| !kinds(view).is_empty());
    remove(&cluster, "x");
    cluster.stop();
    let view = agent.until(&id, |view| view["verdict"] == "inconclusive");
    assert_ne!(view["state"], "verified");
    agent.until_metrics(&[
        r#"access_revocation_target_up{target="main"} 0"#,
        r#"access_revocation_surface_verifiable{surface="session",target="main"} 0"#,
    ]);
    cluster.restart().unwrap();
    agent.until_state(&id, "verified");
}

#[test]
fn a_subject_without_an_account_is_a_question_and_never_overdue() {
    let cluster = cluster();
    let agent = start(&cluster);
    let id = agent.expect("nobody", &["--deadline", "1s"]);
    let view = agent.until(&id, |view| view["verdict"] == "inconclusive");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(agent.run(&["status"]).0, 0);
    assert_eq!(view["overdue"], serde_json::json!([]));
    agent.until_metrics(&["access_revocations_without_account 1"]);
    sql(&cluster, "postgres", "postgres", "CREATE ROLE nobody LOGIN;");
    agent.until(&id, |view| view["overdue"] == serde_json::json!(["login", "access"]));
}

#[test]
fn two_targets_are_both_needed() {
    let (one, mut two) = (cluster(), cluster());
    for cluster in [&one, &two] {
        sql(cluster, "postgres", "postgres", "CREATE ROLE agent LOGIN; CREATE ROLE x LOGIN;");
    }
    let urls = [one.url("agent", "postgres"), two.url("agent", "postgres")];
    let mut agent = Agent::init(&[("one", &urls[0]), ("two", &urls[1])], "");
    agent.start();
    let id = agent.expect("x", &[]);
    agent.until(&id, |view| view["residual"].as_array().unwrap().len() == 2);
    sql(&one, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
    agent.until(&id, |view| view["residual"].as_array().unwrap().len() == 1);
    two.stop();
    agent.until(&id, |view| view["verdict"] == "inconclusive");
    two.restart().unwrap();
    sql(&two, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
    agent.until_state(&id, "verified");
}

#[test]
fn commands_work_alone_when_no_agent_runs() {
    let cluster = cluster();
    let mut agent = start(&cluster);
    assert!(agent.stop().success());
    let id = agent.expect("x", &["--event-id", "e1"]);
    assert_eq!(agent.expect("x", &["--event-id", "e1"]), id, "the same event again");
    let listed = agent.json(&["expect", "list", "-o", "json"]);
    assert_eq!(listed[0]["id"], id.as_str());
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    agent.start();
    agent.until(&id, |view| !kinds(view).is_empty());
}

#[test]
fn a_restart_goes_on_where_it_was() {
    let cluster = cluster();
    let mut agent = start(&cluster);
    let id = agent.expect("x", &["--deadline", "1s"]);
    agent.until(&id, |view| view["overdue"] == serde_json::json!(["login", "access"]));
    agent.kill();
    agent.start();
    let metrics = agent.get("/metrics").unwrap();
    let line = r#"access_revocations_overdue{milestone="login",reason="terminated",type="full"} 1"#;
    assert!(metrics.contains(line), "known before the first look: {metrics}");
    remove(&cluster, "x");
    agent.until_state(&id, "verified");
    assert_eq!(
        records(&agent, &id).iter().filter(|kind| *kind == "verification_failed").count(),
        2
    );
}
