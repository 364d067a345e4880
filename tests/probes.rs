//! Configured statements on real servers: what they prove, and that silence is never zero rows.

mod common;

#[path = "probes/statements.rs"]
mod statements;

use common::agent::Agent;
use common::{cluster, run, sql, versions};
use revoked::throwaway::Binaries;
use statements::start;

/// A console with operators, their groups and sessions, and the runs of an archive.
const CONSOLE: &str = "
    CREATE ROLE agent LOGIN; CREATE ROLE jsmith;
    CREATE DATABASE console; CREATE DATABASE raptor;
    \\connect raptor
    CREATE TABLE audit_archival_runs (
        run_type text, operator_email text, freescout_ticket_id text, notes text, completed_at timestamptz
    );
    GRANT SELECT ON audit_archival_runs TO agent;
    \\connect console
    CREATE TABLE admins (id bigint PRIMARY KEY, email text);
    CREATE TABLE rbac_groups (id bigint PRIMARY KEY, name text);
    CREATE TABLE rbac_user_groups (user_id bigint, group_id bigint, granted_at timestamptz, granted_by text);
    CREATE TABLE admin_sessions (
        id bigint, admin_id bigint, started_at timestamptz, last_seen_at timestamptz, user_agent text,
        revoked_at timestamptz
    );
    INSERT INTO admins VALUES (7, 'jsmith@example.com'), (8, 'other@example.com');
    INSERT INTO rbac_groups VALUES (1, 'operators'), (2, 'superadmin');
    INSERT INTO rbac_user_groups VALUES (7, 1, now(), 'boss'), (7, 2, now(), 'boss'), (8, 1, now(), 'boss');
    INSERT INTO admin_sessions VALUES (71, 7, now(), now(), 'curl', NULL), (81, 8, now(), now(), 'curl', NULL);
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO agent;
";

/// A runbook's checks as they stand in it. Only its places to fill in are parameters: the address is `$1`, and the id
/// is what the runbook itself looks up by it.
const RUNBOOK: &str = "
      groups:
        database: console
        search_path: [public]
        parameters: [email]
        columns: [name, granted_by]
        sentence: 'is still in the console groups {name}'
        sql: |
          -- Review current group memberships
          SELECT g.name, gm.granted_at, gm.granted_by
          FROM rbac_user_groups gm
          JOIN rbac_groups g ON g.id = gm.group_id
          WHERE gm.user_id = (SELECT id FROM admins WHERE email = $1);
      memberships:
        database: console
        search_path: [public]
        parameters: [email]
        expect: {count: 0}
        sentence: 'has {count} console group memberships'
        sql: |
          -- Verify removal
          SELECT COUNT(*) FROM rbac_user_groups WHERE user_id = (SELECT id FROM admins WHERE email = $1);
          -- Expected: 0
      sessions:
        database: console
        search_path: [public]
        parameters: [email]
        strength: acts_now
        columns: [id, user_agent]
        sentence: 'has active console sessions'
        sql: |
          SELECT id, started_at, last_seen_at, user_agent
          FROM admin_sessions
          WHERE admin_id = (SELECT id FROM admins WHERE email = $1)
          AND revoked_at IS NULL
          ORDER BY last_seen_at DESC;
      active_sessions:
        database: console
        search_path: [public]
        parameters: [email]
        expect: {count: 0}
        sentence: '{count} active console sessions'
        sql: |
          SELECT COUNT(*) AS active_sessions
          FROM admin_sessions
          WHERE admin_id = (SELECT id FROM admins WHERE email = $1)
          AND revoked_at IS NULL;
      closed:
        database: raptor
        search_path: [public]
        parameters: [ticket]
        expect: at_least_one
        sentence: 'the deprovisioning was not logged in audit_archival_runs'
        sql: |
          SELECT operator_email FROM audit_archival_runs
          WHERE run_type IN ('deprovisioning', 'manual_deprovisioning') AND freescout_ticket_id = $1
";

/// Puts `yaml` under the target `main` of the configuration.
fn configure(agent: &Agent, yaml: &str) {
    let text = std::fs::read_to_string(agent.config()).unwrap();
    assert!(text.contains("\n  main:\n"), "{text}");
    let text = text.replace("\n  main:\n", &format!("\n  main:\n    probes:\n{yaml}\n"));
    std::fs::write(agent.config(), text).unwrap();
}

fn objects(view: &serde_json::Value) -> Vec<&str> {
    let found = view["residual"].as_array().unwrap();
    found.iter().map(|one| one["object"].as_str().unwrap_or_default()).collect()
}

fn the_runbook(binaries: &Binaries) {
    let cluster = common::cluster_of(binaries);
    sql(&cluster, "postgres", "postgres", CONSOLE);
    let url = cluster.url("agent", "postgres");
    let mut agent = Agent::init(&[("main", &url)], "deep_interval: 10s");
    configure(&agent, RUNBOOK);
    let (code, out, err) = agent.run(&["doctor", "--check-db"]);
    assert_eq!(code, 0, "{out}{err}");
    agent.start();
    let ticket = "DEPROV-2026-05-19-jsmith";
    let more = ["--account", "jsmith", "--email", "jsmith@example.com", "--ticket", ticket];
    let id = agent.expect("EMP-7", &more);
    let view = agent.until(&id, |view| view["verdict"] == "residual");
    assert_eq!(objects(&view), ["sessions", "active_sessions", "groups", "memberships"]);
    let groups = &view["residual"][2];
    assert_eq!(groups["sentence"], "is still in the console groups operators, superadmin");
    assert_eq!(groups["rows"][0], "name=operators granted_by=boss");
    assert_eq!(view["residual"][1]["sentence"], "1 active console sessions");
    assert_eq!(view["missing"][0]["name"], "closed");

    sql(&cluster, "postgres", "console", "DELETE FROM rbac_user_groups WHERE user_id = 7;");
    let revoke =
        "UPDATE admin_sessions SET revoked_at = NOW() WHERE admin_id = 7 AND revoked_at IS NULL;";
    sql(&cluster, "postgres", "console", revoke);
    let view = agent.until(&id, |view| objects(view).is_empty());
    assert_eq!(view["verdict"], "residual", "what is missing is residual too: {view:#}");
    let (code, out, _) = agent.run(&["expect", "show", &id]);
    assert_eq!(code, 0);
    assert!(out.contains("missing") && out.contains("was not logged in"), "{out}");
    let insert = format!(
        "INSERT INTO audit_archival_runs (run_type, operator_email, freescout_ticket_id, notes, completed_at)
         VALUES ('deprovisioning', 'op@example.com', '{ticket}', 'done', NOW());"
    );
    sql(&cluster, "postgres", "raptor", &insert);
    agent.until_state(&id, "verified");

    let log = std::fs::read_to_string(agent.log_file()).unwrap();
    assert!(log.contains("\"object\":\"groups\"") && log.contains("\"missing\""), "{log}");
    for secret in ["jsmith@example.com", "superadmin", "op@example.com", "console groups"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert_eq!(agent.verify().0, 0);
    // A new session is access that came back; a row that is deleted is not.
    sql(&cluster, "postgres", "raptor", "DELETE FROM audit_archival_runs;");
    agent
        .until(&id, |view| view["missing"] != serde_json::json!([]) && view["state"] == "verified");
    let again = "INSERT INTO admin_sessions VALUES (72, 7, now(), now(), 'curl', NULL);";
    sql(&cluster, "postgres", "console", again);
    agent.until_state(&id, "regressed");
}

#[test]
fn the_runbooks_checks_on_every_version() {
    for binaries in versions() {
        the_runbook(&binaries);
    }
}

#[test]
fn what_is_not_known_of_a_subject_is_a_question() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", CONSOLE);
    let mut agent = Agent::init(&[("main", &cluster.url("agent", "postgres"))], "");
    configure(&agent, RUNBOOK);
    agent.start();
    let id = agent.expect("EMP-7", &["--account", "jsmith"]);
    let view = agent.until(&id, |view| view["verdict"] == "inconclusive");
    let gaps = view["gaps"].to_string();
    assert!(gaps.contains("no e-mail address") && gaps.contains("--email"), "{gaps}");
    assert!(gaps.contains("no ticket"), "{gaps}");
    let again = agent.expect("EMP-7", &["--account", "jsmith", "--email", "jsmith@example.com"]);
    assert_eq!(again, id);
    agent.until(&id, |view| view["verdict"] == "residual");
    // Without the agent, the same.
    let (code, out, err) = agent.run(&["check", "-o", "json", "EMP-7"]);
    assert_eq!(code, 2, "{out}{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["residual"][0]["kind"], "probe");
    // A role that is asked for as such is nobody in particular.
    let (code, out, _) = agent.run(&["check", "main/jsmith"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("probes are about subjects"), "{out}");
}

/// Where no role is searched for, probes are asked all the same.
#[test]
fn a_probe_is_asked_where_the_subject_has_no_account() {
    let (main, console) = (cluster(), cluster());
    sql(&main, "postgres", "postgres", "CREATE ROLE agent LOGIN; CREATE ROLE jsmith LOGIN;");
    sql(&console, "postgres", "postgres", CONSOLE);
    let targets =
        [("main", &*main.url("agent", "postgres")), ("second", &*console.url("agent", "postgres"))];
    let mut agent = Agent::init(&targets, "");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let probes = "\n  second:\n    probes:\n      sessions: {database: console, search_path: [public], parameters: \
                  [email], permissions: [console.use], sentence: has sessions, sql: \"SELECT 1 FROM admin_sessions s JOIN \
                  admins a ON a.id = s.admin_id WHERE a.email = $1 AND revoked_at IS NULL\"}\n      \
                  roles: {database: console, parameters: [account], sentence: s, sql: \"SELECT 1 WHERE $1 = 'zz'\"}\n";
    std::fs::write(agent.config(), text.replace("\n  second:\n", probes)).unwrap();
    agent.start();
    let more = ["--account", "main/jsmith", "--email", "jsmith@example.com"];
    let id = agent.expect("EMP-7", &more);
    let part = [&more[..], &["--kind", "partial", "--permissions", "console.use"]].concat();
    let part = agent.expect("EMP-7", &part);
    sql(&main, "postgres", "postgres", "ALTER ROLE jsmith NOLOGIN;");
    for id in [&id, &part] {
        let view = agent
            .until(id, |view| view["residual"].as_array().is_some_and(|found| found.len() == 1));
        assert_eq!(objects(&view), ["sessions"], "{view:#}");
        assert_eq!(view["gaps"], serde_json::json!([]), "{view:#}");
        assert_eq!(agent.run(&["check", id]).0, 2);
    }
    sql(&console, "postgres", "console", "REVOKE SELECT ON admin_sessions FROM agent;");
    for id in [&id, &part] {
        let view = agent.until(id, |view| view["verdict"] == "inconclusive");
        assert!(view["gaps"].to_string().contains("probe sessions"), "{view:#}");
        assert_eq!(agent.run(&["check", id]).0, 3);
    }
    sql(
        &console,
        "postgres",
        "console",
        "GRANT SELECT ON admin_sessions TO agent; UPDATE admin_sessions SET revoked_at = now();",
    );
    for id in [&id, &part] {
        agent.until_state(id, "verified");
        assert_eq!(agent.run(&["check", id]).0, 0);
    }
}

#[test]
fn doctor_tries_each_probe_and_says_what_is_missing() {
    let cluster = start(&Binaries::find().unwrap());
    let agent = Agent::init(&[("main", &cluster.url("agent", "postgres"))], "");
    configure(
        &agent,
        "      hidden:\n        database: postgres\n        parameters: [username]\n        sentence: s\n        \
         sql: SELECT 1 FROM app.hidden WHERE owner = $1\n      keys:\n        database: postgres\n        \
         sentence: s\n        sql: SELECT 1 FROM app.keys",
    );
    let (code, out, _) = agent.run(&["doctor", "--check-db"]);
    assert_eq!(code, 3, "{out}");
    assert!(
        out.contains("probe hidden: permission denied") && out.contains("GRANT SELECT"),
        "{out}"
    );
    assert!(!out.contains("probe keys"), "{out}");
    sql(&cluster, "postgres", "postgres", "GRANT SELECT ON app.hidden TO agent;");
    assert_eq!(agent.run(&["doctor", "--check-db"]).0, 0);
    let check = run(&mut agent.command(&["config", "check"]));
    assert_eq!(check.0, 0, "{check:?}");
}
