//! Sessions that began after access had ended, and why access that came back likely did.

mod common;

use common::agent::Agent;
use common::http::prepared;
use common::{LiveSession, cluster, cluster_of, sql, versions};
use revoked::throwaway::Cluster;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn records(agent: &Agent, kind: &str) -> Vec<Value> {
    let log = agent.log().into_iter();
    log.filter(|line| line["type"] == kind).map(|line| line["what"].clone()).collect()
}

/// Waits until looks that began after now have been judged.
fn looked_again(agent: &Agent, id: &str) {
    let newest = |view: &Value| view["looked_at"].as_str().unwrap_or_default().to_owned();
    for _ in 0..2 {
        let before = newest(&agent.json(&["expect", "show", id, "-o", "json"]));
        agent.until(id, |view| newest(view) > before);
    }
}

/// An agent that sees when sessions began.
fn started(cluster: &Cluster) -> Agent {
    let mut agent = prepared(cluster, "");
    sql(cluster, "postgres", "postgres", "GRANT pg_read_all_stats TO revoked_agent;");
    agent.start();
    agent
}

fn counted(count: u32) -> String {
    format!(
        r#"access_revocation_use_after_effective_total{{because="after_end",target="main"}} {count}"#
    )
}

#[test]
fn a_session_after_the_end_is_told_once_and_an_earlier_one_is_not() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE john LOGIN;");
    let mut agent = started(&cluster);
    agent.until_metrics(&[&counted(0)]);
    let _before = LiveSession::open(&cluster, "john", "postgres", "SELECT 1;");
    let id = agent.expect("EMP-1", &["--account", "john"]);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    looked_again(&agent, &id);
    assert_eq!(view["uses"], json!([]), "it began before: {view:#}");

    let after = LiveSession::open(
        &cluster,
        "john",
        "postgres",
        "SELECT set_config('application_name', 'back', false);",
    );
    let view = agent.until(&id, |view| view["uses"][0].is_object());
    let used = &view["uses"][0];
    assert_eq!((&used["class"], &used["role"]), (&json!("after_end"), &json!("john")));
    assert_eq!((&view["uses_total"], view["uses"].as_array().unwrap().len()), (&json!(1), 1));
    assert!(used["began_at"].as_str() > view["received_at"].as_str(), "{view:#}");
    agent.until_metrics(&[&counted(1)]);
    let (_, out, _) = agent.run(&["expect", "show", &id]);
    assert!(out.contains("used after the end: main/john, pid "), "{out}");
    let (code, out, _) = agent.run(&["status"]);
    assert!(code == 0 && out.contains("USED AFTER THE END: 1 session of EMP-1"), "{code} {out}");

    // The same session, after a crash; and another one.
    agent.kill();
    agent.start();
    looked_again(&agent, &id);
    assert_eq!(agent.json(&["expect", "show", &id, "-o", "json"])["uses_total"], 1);
    drop(after);
    looked_again(&agent, &id);
    let _another = LiveSession::open(&cluster, "john", "postgres", "SELECT 1;");
    agent.until(&id, |view| view["uses_total"] == 2);
    // This process has counted one.
    agent.until_metrics(&[&counted(1)]);
    agent.stop();
    let all = records(&agent, "use_after_effective");
    assert_eq!(all.len(), 2, "{all:#?}");
    let one = &all[0];
    assert_eq!((&one["because"], &one["revocation"]), (&json!("after_end"), &json!(id)));
    assert_eq!((&one["account"]["role"], &one["kind"]), (&json!("john"), &json!("full")));
    assert_ne!(all[0]["session"], all[1]["session"]);
    assert!(agent.stderr().contains("use_after_effective"), "{}", agent.stderr());
    assert_eq!(agent.verify().0, 0);
}

#[test]
fn what_a_parallel_query_starts_is_no_use() {
    let cluster = cluster();
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE john LOGIN; CREATE TABLE t AS SELECT generate_series(1, 200000) AS n; \
         GRANT SELECT ON t TO john; CREATE FUNCTION slow(n int) RETURNS int LANGUAGE plpgsql PARALLEL SAFE \
         AS 'BEGIN PERFORM pg_sleep(0.0005); RETURN n; END';",
    );
    let agent = started(&cluster);
    let mut session = LiveSession::open(
        &cluster,
        "john",
        "postgres",
        "SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; \
         SET min_parallel_table_scan_size = 0;",
    );
    let id = agent.expect("EMP-1", &["--account", "john"]);
    agent.until(&id, |view| view["verdict"] == "residual");
    let view = std::thread::scope(|threads| {
        threads.spawn(|| session.ask("SELECT count(slow(n)) FROM t;"));
        let begun = Instant::now();
        let workers =
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'";
        while sql(&cluster, "postgres", "postgres", workers).trim() == "0" {
            assert!(begun.elapsed() < Duration::from_secs(20), "no worker was started");
            std::thread::sleep(Duration::from_millis(50));
        }
        let view = agent.until(&id, |view| {
            let all = view["residual"].as_array().unwrap();
            all.iter().any(|found| found["background"] == true)
        });
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'john'";
        sql(&cluster, "postgres", "postgres", end);
        view
    });
    assert_eq!(view["uses"], json!([]), "{view:#}");
    assert_eq!(records(&agent, "use_after_effective").len(), 0);
}

#[test]
fn before_a_late_notice_it_is_a_warning() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jane LOGIN;");
    let mut agent = started(&cluster);
    let early = LiveSession::open(&cluster, "jane", "postgres", "SELECT 1;");
    let effective = "2026-01-02T03:04:05Z";
    let id = agent.expect("EMP-2", &["--account", "jane", "--effective", effective]);
    let view = agent.until(&id, |view| view["uses"][0].is_object());
    assert_eq!(view["uses"][0]["class"], "late_notice", "{view:#}");
    assert_eq!(view["uses_total"], 0);
    let late = r#"access_revocation_late_notice_sessions{target="main"}"#;
    agent.until_metrics(&[&format!("{late} 1"), &counted(0)]);
    let (_, out, _) = agent.run(&["status"]);
    assert!(out.contains("late notice: 1 session of EMP-2"), "{out}");
    let _after = LiveSession::open(&cluster, "jane", "postgres", "SELECT 1;");
    agent.until(&id, |view| view["uses_total"] == 1);
    drop(early);
    agent.until_metrics(&[&format!("{late} 0"), &counted(1)]);
    agent.stop();
    assert_eq!(records(&agent, "use_after_effective").len(), 1);
}

#[test]
fn what_came_back_names_its_likely_cause() {
    for binaries in versions() {
        let cluster = cluster_of(&binaries);
        sql(
            &cluster,
            "postgres",
            "postgres",
            "CREATE ROLE admins; CREATE ROLE boss; GRANT admins TO boss WITH ADMIN OPTION; \
             CREATE TABLE t (); CREATE ROLE a NOLOGIN; CREATE ROLE b NOLOGIN; CREATE ROLE c NOLOGIN; \
             CREATE ROLE d NOLOGIN; CREATE ROLE e NOLOGIN; GRANT admins TO c GRANTED BY postgres;",
        );
        let mut agent = started(&cluster);
        let of = |role: &str| agent.expect(role, &["--account", role]);
        let ids = ["a", "b", "c", "d", "e"].map(of);
        let held = |view: &Value| view["residual"][0]["privilege"] == "admins";
        agent.until(&ids[2], held);
        sql(
            &cluster,
            "postgres",
            "postgres",
            "REVOKE admins FROM c GRANTED BY postgres; DROP ROLE d;",
        );
        for id in &ids {
            agent.until_state(id, "verified");
        }
        sql(
            &cluster,
            "postgres",
            "postgres",
            "ALTER ROLE a LOGIN; GRANT SELECT ON t TO b; GRANT admins TO c GRANTED BY boss; \
             CREATE ROLE d LOGIN; CREATE SCHEMA s AUTHORIZATION e;",
        );
        let mut causes = Vec::new();
        for id in &ids {
            let view = agent.until_state(id, "regressed");
            causes.push(view["relapse"]["cause"].as_str().unwrap().to_owned());
            let count = view["relapse"]["sentence"].as_str().unwrap().len();
            assert!(count > 10, "{view:#}");
        }
        let expected = ["login_on", "granted", "other_grantor", "new_role", "unknown"];
        assert_eq!(causes, expected, "PostgreSQL {}", cluster.major());
        let view = agent.json(&["expect", "show", &ids[2], "-o", "json"]);
        assert_eq!(view["relapse"]["grantor"], "boss");
        let mut lines: Vec<String> = expected.iter().map(|cause| regressions(cause, 1)).collect();
        lines.push(regressions("restored", 0));
        agent.until_metrics(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let (_, out, _) = agent.run(&["expect", "show", &ids[2]]);
        assert!(out.contains("boss granted c membership in admins"), "{out}");
        let (_, out, _) = agent.run(&["status"]);
        assert!(out.contains("came back (likely login_on): a ("), "{out}");
        // A restart takes nothing of it away.
        agent.kill();
        agent.start();
        assert_eq!(agent.until_state(&ids[0], "regressed")["relapse"]["cause"], "login_on");
        agent.stop();
        let mut all: Vec<String> = records(&agent, "access_regressed")
            .iter()
            .map(|record| record["cause"].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        let mut sorted = expected.map(str::to_owned);
        sorted.sort();
        assert_eq!(all, sorted);
        assert_eq!(agent.verify().0, 0);
    }
}

fn regressions(cause: &str, count: u32) -> String {
    let name = "access_revocation_regressions_total";
    format!(r#"{name}{{cause="{cause}",reason="terminated"}} {count}"#)
}

#[test]
fn a_changed_timeline_is_the_cause() {
    let mut primary = cluster();
    sql(&primary, "postgres", "postgres", "CREATE ROLE john NOLOGIN;");
    let mut agent = prepared(&primary, "");
    let standby = primary.standby().unwrap();
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let (before, after) = text.split_once("\n  main:\n").unwrap();
    let other = standby.url("revoked_agent", "postgres");
    let text = format!("{before}\n  main:\n    instances: {{other: {{url: '{other}'}}}}\n{after}");
    std::fs::write(agent.config(), text).unwrap();
    agent.start();
    let id = agent.expect("john", &["--account", "john"]);
    agent.until_state(&id, "verified");
    primary.stop();
    sql(&standby, "postgres", "postgres", "SELECT pg_promote();");
    sql(&standby, "postgres", "postgres", "CHECKPOINT;");
    sql(&standby, "postgres", "postgres", "ALTER ROLE john LOGIN;");
    let view = agent.until_state(&id, "regressed");
    assert_eq!(view["relapse"]["cause"], "restored", "{view:#}");
    agent.until_metrics(&[&regressions("restored", 1)]);
}
