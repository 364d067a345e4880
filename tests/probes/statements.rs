//! What a look makes of one configured statement: found, refused, silent, slow, remembered.

use crate::common::{self, LiveSession, sql, versions};
use revoked::config::Config;
use revoked::domain::observation::{Cause, Observation};
use revoked::domain::probes::{Outcome, Person};
use revoked::domain::residual::Residual;
use revoked::domain::revocation::Kind;
use revoked::target::{Depth, Limits, Pace, Target, Wanted};
use revoked::throwaway::{Binaries, Cluster};
use std::path::Path;
use std::time::Duration;

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
        usernames: vec!["john".into()],
        nobody: None,
        emails: vec!["John@example.com".into()],
        tickets: vec!["12".into()],
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

pub(crate) fn start(binaries: &Binaries) -> Cluster {
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
