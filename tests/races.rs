//! What lies between what a look reads: logins under way, sessions that come and go, standbys that are behind.

mod common;

#[path = "races/standbys.rs"]
mod standbys;

use common::scenario::{check, start};
use common::{LiveSession, revoked, run, sql, versions};
use revoked::domain::observation::{Gap, Observation};
use revoked::domain::residual::ResidualKind as K;
use revoked::target::{Target, Wanted};
use revoked::throwaway::Cluster;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A psql that was let in and shows it only after `seconds`.
struct HeldUp(Child);

impl HeldUp {
    fn begin(mut psql: Command, options: &str, seconds: u32, script: &str) -> Self {
        let options = format!("{options} -c post_auth_delay={seconds}");
        let child = psql
            .env("PGOPTIONS", options)
            .args(["-A", "-t", "-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Of `user` in database orders.
    fn of(cluster: &Cluster, user: &str, options: &str, seconds: u32, script: &str) -> Self {
        let held_up = Self::begin(cluster.psql(user, "orders"), options, seconds, script);
        let through = Instant::now() + Duration::from_secs(20);
        // It has the lock on the database once the role was found to be allowed in.
        while locks_on_databases(cluster) == 0 {
            assert!(Instant::now() < through, "nobody logs in");
            std::thread::sleep(Duration::from_millis(20));
        }
        held_up
    }

    fn answer(self) -> String {
        let output = self.0.wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

fn locks_on_databases(cluster: &Cluster) -> u32 {
    let script = "SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND pid <> pg_backend_pid() AND granted
                  AND classid = 'pg_database'::regclass";
    sql(cluster, "postgres", "postgres", script).trim().parse().unwrap()
}

/// The gap of a login under way, if the answer has one.
fn under_way(report: &serde_json::Value) -> Option<&serde_json::Value> {
    let gaps = report["gaps"].as_array().unwrap();
    gaps.iter().find(|gap| gap["reason"].as_str().unwrap().contains("under way"))
}

#[test]
fn a_login_under_way_is_a_gap_and_can_be_ended() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let major = cluster.major();
        let held_up = HeldUp::of(&cluster, "x", "", 60, "SELECT 'acts'");
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 3, "PostgreSQL {major}: {report:#}");
        let gap = under_way(&report).unwrap_or_else(|| panic!("PostgreSQL {major}: {report:#}"));
        assert_eq!(gap["surface"], "session");

        let url = cluster.url("agent", "postgres");
        let (_, script, _) = run(revoked().args(["plan", "--target", &url, "x"]));
        let named = |line: &&str| line.starts_with("--") && line.contains("pg_terminate_backend");
        assert!(script.lines().any(|line| named(&line)), "{script}");
        let (code, said, _) = run(revoked().args(["plan", "--simulate", "--target", &url, "x"]));
        assert!(code == 3 && said.contains("under way"), "{said}");
        assert!(
            !said.contains(": nothing would remain") && !said.contains("nothing is there"),
            "{said}"
        );

        let fix = gap["fix"].as_str().unwrap();
        let ended = sql(&cluster, "postgres", "postgres", &fix[fix.find("SELECT").unwrap()..]);
        assert_eq!(ended.trim(), "t", "PostgreSQL {major}");
        assert_eq!(held_up.answer(), "");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 0, "PostgreSQL {major}: {report:#}");
    }
}

#[test]
fn who_was_let_in_is_found_once_it_is_through() {
    for binaries in versions() {
        let cluster = start(&binaries);
        // Within what a look waits for.
        let held_up = HeldUp::of(&cluster, "x", "", 1, "SELECT pg_sleep(8), 'acts'");
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2, "PostgreSQL {}: {report:#}", cluster.major());
        assert!(under_way(&report).is_none(), "{report:#}");
        assert_eq!(held_up.answer(), "|acts");
    }
}

#[test]
fn a_replication_login_under_way_is_a_gap() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x REPLICATION");
        let mut psql = cluster.psql("x", "orders");
        psql.env("PGDATABASE", "orders").args(["-d", "replication=true"]);
        let _held_up = HeldUp::begin(psql, "", 60, "IDENTIFY_SYSTEM");
        let through = Instant::now() + Duration::from_secs(20);
        let logins = "SELECT count(*) FROM pg_locks WHERE locktype = 'virtualxid' AND pid <> pg_backend_pid()";
        while sql(&cluster, "postgres", "postgres", logins).trim() != "1" {
            assert!(Instant::now() < through, "nobody logs in");
        }
        std::thread::sleep(Duration::from_millis(300));
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN NOREPLICATION");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 3, "PostgreSQL {}: {report:#}", cluster.major());
        assert!(under_way(&report).is_some(), "{report:#}");
        end_logins(&cluster);
    }
}

/// So that nobody waits for a minute.
fn end_logins(cluster: &Cluster) {
    let script = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'virtualxid' AND pid <> pg_backend_pid()";
    sql(cluster, "postgres", "postgres", script);
}

/// Ordinary logins are no reason to doubt anything, however many there are.
#[tokio::test]
async fn a_storm_of_logins_leaves_no_gap() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN; ALTER ROLE y LOGIN");
        let (stop, logins) = (AtomicBool::new(false), AtomicU32::new(0));
        let target = target(&cluster);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        sql(&cluster, "y", "orders", "SELECT 1");
                        logins.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let looks = scope.spawn(move || {
                runtime.block_on(async {
                    let mut looks = Vec::new();
                    for _ in 0..15 {
                        looks.push(look(&target, "x").await);
                    }
                    looks
                })
            });
            let looks = looks.join();
            stop.store(true, Ordering::Relaxed);
            for look in looks.unwrap() {
                assert_eq!((&look.gaps, &look.partly), (&Vec::new(), &[].into()));
            }
        });
        assert!(logins.load(Ordering::Relaxed) > 15, "that was no storm: {logins:?}");
    }
}

fn target(cluster: &Cluster) -> Target {
    Target::from_url("main", &cluster.url("agent", "postgres")).unwrap()
}

async fn look(target: &Target, name: &str) -> Observation {
    target.look(&Wanted { names: [name.to_owned()].into(), ..Wanted::default() }).await
}

/// Waits until the agent is past the beginning of its snapshot of the roles.
const WHEN_LOOKED_AT: &str = "
    LOOP
        EXIT WHEN EXISTS (
            SELECT FROM pg_stat_activity AS a
            WHERE a.usename = 'agent'
                AND a.query ~ 'revoked/(role_settings|dependencies|databases|memberships|shared)'
        );
        PERFORM pg_stat_clear_snapshot();
    END LOOP;";

/// A session that waits for the look, acts once its snapshot is taken, and is gone before it ends.
fn in_between(cluster: &Cluster, user: &str, before: &str, acts: &str) -> Child {
    let script = format!(
        "{before}
         DO $$ BEGIN {WHEN_LOOKED_AT} END $$;
         {acts}"
    );
    let mut psql = cluster.psql(user, "orders");
    let child = psql.args(["-A", "-t", "-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::null());
    let mut child = child.stdout(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), script.as_bytes()).unwrap();
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}' AND query LIKE 'DO %' AND state = 'active'"
    );
    let through = Instant::now() + Duration::from_secs(20);
    while sql(cluster, "postgres", "postgres", &waits).trim() != "1" {
        assert!(Instant::now() < through, "it does not wait");
    }
    child
}

/// The answer of the look in which `hidden` acted. A look may be over before it notices; then it is the next one.
fn checked_meanwhile(cluster: &Cluster, hidden: &mut Child) -> (i32, serde_json::Value) {
    for _ in 0..20 {
        let answer = check(cluster, "x");
        let through = Instant::now() + Duration::from_millis(500);
        while Instant::now() < through {
            if hidden.try_wait().unwrap().is_some() {
                return answer;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    hidden.kill().unwrap();
    panic!("no look was noticed by the session");
}

#[test]
fn a_session_cannot_act_and_be_gone_between_snapshot_and_sessions() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let su = "CREATE ROLE su SUPERUSER; GRANT su TO x";
        sql(&cluster, "postgres", "postgres", su);
        let hides = "SET ROLE su; REVOKE su FROM x; ALTER ROLE x NOLOGIN;";
        let mut hidden = in_between(&cluster, "x", hides, "ALTER ROLE x LOGIN;");
        let (code, report) = checked_meanwhile(&cluster, &mut hidden);
        let major = cluster.major();
        assert_eq!(code, 2, "PostgreSQL {major}: {report:#}");
        assert_eq!(report["residual"][0]["kind"], "session", "PostgreSQL {major}: {report:#}");
    }
}

#[test]
fn what_a_session_prepares_while_it_is_looked_for_is_seen() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "orders", "GRANT app TO x; GRANT pg_read_all_stats TO app");
        let revoke = "SET ROLE app; BEGIN; GRANT SELECT ON sales.orders TO x;";
        let mut hidden = in_between(&cluster, "x", revoke, "PREPARE TRANSACTION 'bomb';");
        sql(&cluster, "postgres", "postgres", "REVOKE app FROM x; ALTER ROLE x NOLOGIN");
        let (code, report) = checked_meanwhile(&cluster, &mut hidden);
        let major = cluster.major();
        assert_eq!(code, 2, "PostgreSQL {major}: {report:#}");
        let kinds: Vec<&str> = report["residual"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["kind"].as_str().unwrap())
            .collect();
        assert!(kinds.contains(&"prepared_transaction"), "PostgreSQL {major}: {kinds:?}");
    }
}

/// A role that is taken while logging in is taken for the session.
#[tokio::test]
async fn a_role_taken_while_logging_in_is_not_proved_to_be_gone() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "orders", "GRANT g TO x");
        let mut live = LiveSession::open(&cluster, "postgres", "postgres", "SELECT 1;");
        let acts = "SELECT current_user, pg_sleep(4)";
        let held_up = HeldUp::of(&cluster, "x", "-c role=g", 5, acts);
        live.ask("REVOKE g FROM x;").unwrap();
        let seen = look(&target(&cluster), "x").await;
        let session = |gap: &Gap| gap.surface == K::Session && gap.reason.contains("under way");
        assert!(seen.gaps.iter().any(session), "PostgreSQL {}: {:?}", cluster.major(), seen.gaps);
        assert_eq!(held_up.answer(), "g|", "it acted as a role that it had no more");
    }
}
