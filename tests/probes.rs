//! Configured statements on real servers: what they prove, and that silence is never zero rows.

mod common;

use common::agent::Agent;
use common::{LiveSession, cluster, run, sql, versions};
use revoked::config::Config;
use revoked::domain::observation::{Cause, Observation};
use revoked::domain::probes::{Outcome, Person};
use revoked::domain::residual::Residual;
use revoked::domain::revocation::Kind;
use revoked::target::{Depth, Limits, Pace, Target, Wanted};
use revoked::throwaway::{Binaries, Cluster};
use std::path::Path;
use std::time::Duration;

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

/// The probe `p` of target `main`, in database `postgres`.
fn probed(cluster: &Cluster, probe: &str) -> Target {
    let text = format!(
        "state_dir: /s\ntargets: {{main: {{url: '{}', probes: {{p: {{database: postgres, sentence: s, {probe}}}}}}}}}\n",
        cluster.url("agent", "postgres")
    );
    let config = Config::parse(Path::new("/revoked.yaml"), &text).unwrap();
    let target = Target::from_url("main", &cluster.url("agent", "postgres")).unwrap();
    target.probes(config.targets[0].probes.iter().cloned())
}

fn person() -> Person {
    Person {
        key: "rev_1".into(),
        subject: "EMP-1".into(),
        username: Some("john".into()),
        emails: vec!["John@example.com".into()],
        ticket: Some("12".into()),
        kind: Some(Kind::Full),
        ..Person::default()
    }
}

async fn look(target: &Target, depth: Depth) -> Observation {
    target.look(&Wanted { people: vec![person()], depth, ..Wanted::default() }).await
}

fn outcome(look: &Observation) -> Outcome {
    let declared = &look.probing.declared[0];
    declared.outcome(&person(), look.probing.answer("p", "rev_1"))
}

async fn ask(cluster: &Cluster, probe: &str) -> Outcome {
    outcome(&look(&probed(cluster, probe), Depth::Full).await)
}

fn found(outcome: Outcome) -> Residual {
    let Outcome::Residual(found) = outcome else { panic!("{outcome:?}") };
    *found
}

/// Cause, reason and fix of what nobody knows.
fn silence(outcome: Outcome) -> (Cause, String, String) {
    let Outcome::Unknown(gap) = outcome else { panic!("{outcome:?} proves something") };
    assert_eq!((gap.target.as_str(), gap.database.as_deref()), ("main", Some("postgres")));
    (gap.cause, gap.reason, gap.fix)
}

const TABLES: &str = "
    CREATE ROLE agent LOGIN; CREATE ROLE owner;
    CREATE SCHEMA app AUTHORIZATION owner; GRANT USAGE ON SCHEMA app TO agent;
    SET ROLE owner;
    CREATE TABLE app.keys (owner text, id int, made date, token uuid);
    INSERT INTO app.keys SELECT 'john', n, now(), NULL FROM generate_series(1, 3000) AS n;
    CREATE TABLE app.hidden (owner text); INSERT INTO app.hidden VALUES ('john');
    CREATE TABLE app.guarded (owner text); INSERT INTO app.guarded VALUES ('john');
    ALTER TABLE app.guarded ENABLE ROW LEVEL SECURITY;
    CREATE POLICY mine ON app.guarded USING (owner = current_user);
    CREATE VIEW app.seen AS SELECT * FROM app.guarded;
    CREATE TABLE app.written (id int);
    CREATE FUNCTION app.writes() RETURNS int LANGUAGE sql SECURITY DEFINER
        AS 'INSERT INTO app.written VALUES (1) RETURNING id';
    GRANT SELECT ON app.keys, app.guarded, app.seen, app.written TO agent;
";

fn start(binaries: &Binaries) -> Cluster {
    let cluster = common::cluster_of(binaries);
    sql(&cluster, "postgres", "postgres", TABLES);
    cluster
}

#[tokio::test]
async fn what_the_server_refuses_is_a_gap_with_its_fix() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let by = "parameters: [username], sql:";
        for (probe, cause, reason, fix) in [
            (
                format!("{by} 'SELECT 1 FROM app.hidden WHERE owner = $1'"),
                Cause::PermissionDenied,
                "permission denied",
                "GRANT SELECT on what it names to \"agent\"",
            ),
            (
                format!("{by} 'SELECT 1 FROM app.guarded WHERE owner = $1'"),
                Cause::PermissionDenied,
                "row-level security policy",
                "through a view of the table's owner",
            ),
            (
                format!("{by} 'SELECT 1 FROM app.gone WHERE owner = $1'"),
                Cause::Internal,
                "does not exist",
                "search_path of the probe",
            ),
            (
                format!("{by} 'SELECT 1 FROM keys WHERE owner = $1'"),
                Cause::Internal,
                "does not exist",
                "search_path of the probe",
            ),
            (
                format!("{by} 'SELECT 1 FROM app.keys WHERE made = $1'"),
                Cause::Internal,
                "$1 is of type DATE",
                "$1::text",
            ),
            (
                format!("{by} 'SELECT 1 FROM app.keys WHERE id = $1'"),
                Cause::Internal,
                "is no INT4",
                "$1::text",
            ),
            (
                "sql: 'SELECT app.writes()'".to_owned(),
                Cause::Internal,
                "read-only transaction",
                "a probe only reads",
            ),
            (
                "sql: 'SELECT 1 FROM app.keys FOR UPDATE'".to_owned(),
                Cause::Internal,
                "read-only transaction",
                "a probe only reads",
            ),
            (
                "expect: {count: 0}, sql: 'SELECT id FROM app.keys'".to_owned(),
                Cause::Internal,
                "one row with one number",
                "count(*)",
            ),
            (
                "expect: {count: 0}, sql: \"SELECT 'none'\"".to_owned(),
                Cause::Internal,
                "one row with one number",
                "",
            ),
        ] {
            let (seen, why, mend) = silence(ask(&cluster, &probe).await);
            assert_eq!(seen, cause, "{probe}: {why}");
            assert!(why.contains(reason) && mend.contains(fix), "{probe}: {why}; {mend}");
            assert!(!why.contains("john"), "{why}");
        }
        assert_eq!(
            sql(&cluster, "postgres", "postgres", "SELECT count(*) FROM app.written").trim(),
            "0"
        );
    }
}

#[tokio::test]
async fn what_is_there_is_found_with_its_rows() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let all = "parameters: [username], columns: [id, made], \
                   sql: 'SELECT * FROM app.keys WHERE owner = $1 ORDER BY id'";
        let keys = found(ask(&cluster, all).await);
        // No more rows are read than the limit, and no more are kept than can be read by people.
        assert_eq!((keys.count, keys.rows.len()), (Some(1_000), 20));
        assert!(keys.rows[0].starts_with("id=1 made=2"), "{:?}", keys.rows[0]);
        let one = found(
            ask(&cluster, "parameters: [ticket], sql: 'SELECT 1 FROM app.keys WHERE id = $1'")
                .await,
        );
        assert_eq!((one.count, one.rows.len()), (Some(1), 1));
        let seen = "parameters: [username], sql: 'SELECT 1 FROM app.seen WHERE owner = $1'";
        assert_eq!(found(ask(&cluster, seen).await).count, Some(1), "through the owner's view");
        let path = "parameters: [username], search_path: [app], sql: 'TABLE keys; -- $1 is not used', expect: at_least_one";
        let refused = std::panic::catch_unwind(|| probed(&cluster, path));
        assert!(refused.is_err(), "a parameter that is not used is a mistake");
        let path = "search_path: [app], expect: at_least_one, sql: 'TABLE keys; -- every key'";
        assert_eq!(ask(&cluster, path).await, Outcome::Met);
        let count = "expect: {count: 3000}, sql: 'SELECT count(*) FROM app.keys'";
        assert_eq!(ask(&cluster, count).await, Outcome::Met);
        let none = "parameters: [email], sql: 'SELECT 1 FROM app.keys WHERE owner = $1'";
        assert_eq!(ask(&cluster, none).await, Outcome::Met);
        let text = "parameters: [username], sql: \"SELECT 1 FROM app.keys WHERE owner = $1 || '''; DROP TABLE x'\"";
        assert_eq!(ask(&cluster, text).await, Outcome::Met, "a value is a value");
    }
}

#[tokio::test]
async fn a_statement_has_its_time_and_a_lock_is_not_waited_for() {
    let cluster = start(&Binaries::find().unwrap());
    let limits = Limits { statement: Duration::from_millis(500), ..Limits::default() };
    let slow = probed(&cluster, "sql: 'SELECT pg_catalog.pg_sleep(30)'").limits(limits);
    let (cause, reason, fix) = silence(outcome(&look(&slow, Depth::Full).await));
    assert_eq!(cause, Cause::Timeout, "{reason}");
    assert!(fix.contains("faster"), "{fix}");
    let waits = probed(&cluster, "sql: 'SELECT 1 FROM app.keys'").limits(limits);
    let held = LiveSession::open(&cluster, "postgres", "postgres", "BEGIN; LOCK TABLE app.keys;");
    assert_eq!(silence(outcome(&look(&waits, Depth::Full).await)).0, Cause::Timeout);
    drop(held);
    assert!(matches!(outcome(&look(&waits, Depth::Full).await), Outcome::Residual(_)));
}

#[tokio::test]
async fn what_was_told_is_remembered_and_nothing_is_decided_on_it() {
    let cluster = start(&Binaries::find().unwrap());
    let probe = "parameters: [email], sql: 'SELECT 1 FROM app.keys WHERE owner = $1'";
    let hour = Duration::from_secs(3600);
    let target = probed(&cluster, probe).pace(Pace { deep: hour, compare: hour });
    let first = look(&target, Depth::Full).await;
    assert_eq!(outcome(&first), Outcome::Met);
    sql(&cluster, "postgres", "postgres", "INSERT INTO app.keys VALUES ('John@example.com');");
    let recalled = look(&target, Depth::Due).await;
    assert_eq!(outcome(&recalled), Outcome::Met);
    assert_eq!(recalled.deep_at, first.started_at, "it says how old it is");
    let whole = look(&target, Depth::Full).await;
    assert!(matches!(outcome(&whole), Outcome::Residual(_)));
    sql(&cluster, "postgres", "postgres", "DELETE FROM app.keys;");
    let again = look(&target, Depth::Due).await;
    assert_eq!(outcome(&again), Outcome::Met, "what somebody waits for is asked each time");
    assert!(again.saw(&found(outcome(&whole))));
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
