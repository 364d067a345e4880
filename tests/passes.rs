//! When a look reads the access lists of a database anew, and when what an earlier look read still holds; and
//! clusters of several instances.

mod common;

use common::agent::Agent;
use common::scenario::start;
use common::{LiveSession, psql, sql, versions};
use revoked::domain::observation::Observation;
use revoked::domain::residual::ResidualKind as K;
use revoked::target::{Depth, Pace, Target, Wanted};
use revoked::throwaway::{Binaries, Cluster, Template};
use std::time::Duration;

fn target(cluster: &Cluster, pace: Pace) -> Target {
    Target::from_url("main", &cluster.url("agent", "postgres")).unwrap().pace(pace)
}

fn wanted(names: &[&str], depth: Depth) -> Wanted {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Wanted { names, depth, ..Wanted::default() }
}

async fn look(target: &Target, names: &[&str], depth: Depth) -> Observation {
    let look = target.look(&wanted(names, depth)).await;
    assert_eq!(look.gaps, [], "{names:?}");
    look
}

/// Sentences of a kind.
fn of(look: &Observation, kind: K) -> Vec<&str> {
    look.residual.iter().filter(|r| r.kind == kind).map(|r| r.sentence.as_str()).collect()
}

/// Whether every access list was read in this look.
fn whole(look: &Observation) -> bool {
    look.deep_at == look.started_at
}

const PATIENT: Pace = Pace { deep: Duration::from_secs(600), compare: Duration::from_secs(600) };

#[tokio::test]
async fn what_pg_shdepend_tells_of_is_read_at_once() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let target = target(&cluster, PATIENT);
        let first = look(&target, &["x"], Depth::Due).await;
        assert!(whole(&first), "the first look has nothing to remember");
        let second = look(&target, &["x"], Depth::Due).await;
        assert_eq!(second.deep_at, first.started_at);
        assert_eq!(second.residual, first.residual);
        assert_eq!(second.ambient, first.ambient);
        assert!(second.coverage.iter().any(|read| read.statement == "acl_scan"));

        sql(&cluster, "postgres", "orders", "GRANT SELECT ON sales.orders TO x");
        let granted = look(&target, &["x"], Depth::Due).await;
        assert_eq!(of(&granted, K::Privilege).len(), 1);
        assert!(!whole(&granted), "the other databases were not read");
        // More on the same object: pg_shdepend has one row for both.
        sql(&cluster, "postgres", "orders", "GRANT INSERT ON sales.orders TO x");
        assert_eq!(of(&look(&target, &["x"], Depth::Due).await, K::Privilege).len(), 1);
        assert_eq!(of(&look(&target, &["x"], Depth::Full).await, K::Privilege).len(), 2);

        sql(&cluster, "postgres", "orders", "REVOKE ALL ON sales.orders FROM x");
        assert_eq!(of(&look(&target, &["x"], Depth::Due).await, K::Privilege).len(), 0);
    }
}

#[tokio::test]
async fn what_all_databases_share_is_read_in_each_look() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let target = target(&cluster, PATIENT);
        let first = look(&target, &["x"], Depth::Full).await;
        sql(&cluster, "postgres", "orders", "GRANT TEMP ON DATABASE billing TO x");
        let seen = look(&target, &["x"], Depth::Due).await;
        assert_eq!(
            of(&seen, K::Privilege),
            ["x has TEMPORARY on database billing; granted by app"],
            "PostgreSQL {}",
            cluster.major()
        );
        assert_eq!(seen.deep_at, first.started_at);
        sql(&cluster, "postgres", "orders", "ALTER DATABASE billing OWNER TO x");
        let seen = look(&target, &["x"], Depth::Due).await;
        assert_eq!(of(&seen, K::Ownership).len(), 1);
    }
}

#[tokio::test]
async fn a_hint_of_the_statistics_is_followed() {
    for binaries in versions() {
        let cluster = start(&binaries);
        let at_once = Pace { deep: Duration::from_secs(600), compare: Duration::ZERO };
        let target = target(&cluster, at_once);
        sql(&cluster, "postgres", "orders", "GRANT SELECT ON sales.orders TO x");
        look(&target, &["x"], Depth::Full).await;
        // What the statistics still had to say of earlier sessions may come a little late.
        std::thread::sleep(Duration::from_secs(1));
        look(&target, &["x"], Depth::Due).await;
        let idle = look(&target, &["x"], Depth::Due).await;
        assert!(!whole(&idle), "nothing changed on {}", cluster.major());
        // Of these pg_shdepend has no more rows than before. PostgreSQL 13 and 14 send their statistics by UDP, and
        // a datagram may be lost: the next change tells again.
        let mut privileges = 0;
        'told: for privilege in ["INSERT", "UPDATE", "DELETE"] {
            let grant = format!("GRANT {privilege} ON sales.orders TO x");
            sql(&cluster, "postgres", "orders", &grant);
            for _ in 0..50 {
                privileges = of(&look(&target, &["x"], Depth::Due).await, K::Privilege).len();
                if privileges >= 2 {
                    break 'told;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
        }
        assert!(privileges >= 2, "PostgreSQL {}", cluster.major());
    }
}

#[tokio::test]
async fn whatever_makes_memory_outdated_makes_it_read_again() {
    let cluster = start(&Binaries::find().unwrap());
    let patient = target(&cluster, PATIENT);
    sql(&cluster, "postgres", "orders", "GRANT SELECT ON sales.orders TO x, y");
    look(&patient, &["x"], Depth::Full).await;

    let more = look(&patient, &["x", "y"], Depth::Due).await;
    assert!(whole(&more), "nobody has looked for y");
    let fewer = look(&patient, &["x"], Depth::Due).await;
    assert!(!whole(&fewer));
    assert!(fewer.residual.iter().all(|found| found.account.role.as_deref() == Some("x")));

    sql(&cluster, "postgres", "orders", "ALTER ROLE app RENAME TO app2");
    let renamed = look(&patient, &["x"], Depth::Due).await;
    assert!(of(&renamed, K::Privilege)[0].ends_with("granted by app2"), "{renamed:?}");
    sql(&cluster, "postgres", "orders", "ALTER DATABASE billing RENAME TO invoices");
    let renamed = look(&patient, &["x"], Depth::Due).await;
    assert!(renamed.coverage.iter().all(|read| read.database != "billing"));
    sql(&cluster, "postgres", "orders", "CREATE DATABASE fresh");
    let fresh = look(&patient, &["x"], Depth::Due).await;
    assert!(fresh.coverage.iter().any(|read| read.database == "fresh"));

    let impatient =
        target(&cluster, Pace { deep: Duration::ZERO, compare: Duration::from_secs(600) });
    look(&impatient, &["x"], Depth::Due).await;
    assert!(whole(&look(&impatient, &["x"], Depth::Due).await), "it was read too long ago");
}

#[tokio::test]
async fn what_could_not_be_read_is_not_remembered() {
    let cluster = start(&Binaries::find().unwrap());
    let target = target(&cluster, PATIENT);
    sql(&cluster, "postgres", "orders", "REVOKE SELECT ON pg_catalog.pg_policy FROM PUBLIC");
    for _ in 0..2 {
        let blind = target.look(&wanted(&["x"], Depth::Due)).await;
        assert!(blind.gaps.iter().any(|gap| gap.database.as_deref() == Some("orders")));
    }
    sql(&cluster, "postgres", "orders", "GRANT SELECT ON pg_catalog.pg_policy TO PUBLIC");
    look(&target, &["x"], Depth::Due).await;
}

#[test]
fn nothing_is_decided_on_what_is_only_remembered() {
    let cluster = start(&Binaries::find().unwrap());
    sql(&cluster, "postgres", "orders", "ALTER ROLE x NOLOGIN; GRANT SELECT ON sales.orders TO x");
    sql(&cluster, "postgres", "billing", "CREATE TABLE bills (a int); GRANT SELECT ON bills TO y");
    let mut agent =
        Agent::init(&[("main", &cluster.url("agent", "postgres"))], "deep_interval: 1d\n");
    agent.start();
    let id = agent.expect("EMP-1", &["--account", "x"]);
    agent.until(&id, |view| view["residual"][0]["database"] == "orders");
    // Neither pg_shdepend nor the statistics tell of this one.
    sql(
        &cluster,
        "postgres",
        "billing",
        "SET allow_system_table_mods = on; SET track_counts = off;
         UPDATE pg_class SET relacl = relacl || 'x=r/postgres'::aclitem WHERE relname = 'bills';",
    );
    sql(&cluster, "postgres", "orders", "REVOKE SELECT ON sales.orders FROM x");
    let view = agent.until(&id, |view| view["residual"][0]["database"] == "billing");
    assert_eq!(view["state"], "open");
    assert_eq!(view["residual"][0]["tampered"], true);
    assert_eq!(view["first_clean_at"], serde_json::Value::Null);

    sql(&cluster, "postgres", "billing", "REVOKE SELECT ON bills FROM x");
    agent.until_state(&id, "verified");
    agent.stop();
    assert_eq!(agent.verify().0, 0);
}

fn with_standby(primary: &mut Cluster) -> (Cluster, Target) {
    let standby = primary.standby().unwrap();
    let target = target(primary, Pace::default());
    (standby, target)
}

/// Waits until the standby has replayed what the primary wrote.
fn caught_up(primary: &Cluster, standby: &Cluster) {
    let written = sql(primary, "postgres", "postgres", "SELECT pg_current_wal_lsn()");
    for _ in 0..200 {
        let there = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", written.trim());
        if sql(standby, "postgres", "postgres", &there).trim() == "t" {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the standby does not follow");
}

#[tokio::test]
async fn a_session_on_a_standby_is_found_there() {
    for binaries in versions() {
        let mut primary = start(&binaries);
        let (standby, target) = with_standby(&mut primary);
        let target = target.instance("replica", &standby.url("agent", "postgres")).unwrap();
        caught_up(&primary, &standby);
        let _session = LiveSession::open(&standby, "x", "orders", "SELECT 1;");
        sql(&primary, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
        let seen = look(&target, &["x"], Depth::Full).await;
        let found = of(&seen, K::Session);
        assert_eq!(found.len(), 1, "{:?}", seen.residual);
        assert!(found[0].contains("on instance replica"), "{found:?}");
        assert!(seen.server.as_ref().is_some_and(|server| !server.in_recovery));
        assert!(seen.instances.iter().any(|i| i.name == "replica" && i.in_recovery));
    }
}

#[tokio::test]
async fn the_primary_is_found_whichever_instance_it_is() {
    for binaries in versions() {
        let mut primary = start(&binaries);
        let (standby, _) = with_standby(&mut primary);
        caught_up(&primary, &standby);
        // The target's own URL leads to the standby, as after a failover.
        let target = target(&standby, Pace::default())
            .instance("other", &primary.url("agent", "postgres"))
            .unwrap();
        let _session = LiveSession::open(&standby, "x", "orders", "SELECT 1;");
        sql(&primary, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
        let seen = look(&target, &["x"], Depth::Full).await;
        assert!(seen.server.as_ref().is_some_and(|server| !server.in_recovery));
        let found = of(&seen, K::Session);
        assert!(found.len() == 1 && found[0].contains("on instance main"), "{found:?}");
        // A role that the standby still has and the primary has dropped.
        psql(&standby, "postgres", "postgres", "SELECT pg_wal_replay_pause()");
        sql(&primary, "postgres", "postgres", "DROP ROLE x");
        let seen = target.look(&wanted(&["x"], Depth::Full)).await;
        assert_eq!(seen.vanished.len(), 1, "PostgreSQL {}: {seen:?}", primary.major());
    }
}

/// Nobody ever saw its OID on the primary.
#[tokio::test]
async fn a_name_that_only_a_standby_still_has_is_a_gap() {
    let mut primary = start(&Binaries::find().unwrap());
    let (standby, target) = with_standby(&mut primary);
    let target = target.instance("replica", &standby.url("agent", "postgres")).unwrap();
    sql(&primary, "postgres", "postgres", "ALTER ROLE x NOLOGIN; CREATE ROLE x_admin LOGIN");
    caught_up(&primary, &standby);
    look(&target, &["x", "x_admin"], Depth::Full).await;
    psql(&standby, "postgres", "postgres", "SELECT pg_wal_replay_pause()");
    sql(&primary, "postgres", "postgres", "DROP ROLE x_admin");
    let behind = |look: &Observation| {
        look.gaps.iter().any(|gap| {
            gap.surface == K::Login && gap.reason.contains("instance replica is behind the primary")
        })
    };
    let seen = target.look(&wanted(&["x"], Depth::Full)).await;
    assert!(!behind(&seen), "of x it has what the primary has: {:?}", seen.gaps);
    let seen = target.look(&wanted(&["x", "x_admin"], Depth::Full)).await;
    assert!(behind(&seen), "{:?}", seen.gaps);
}

#[tokio::test]
async fn two_primaries_prove_nothing() {
    let mut primary = start(&Binaries::find().unwrap());
    let (standby, target) = with_standby(&mut primary);
    sql(&primary, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
    caught_up(&primary, &standby);
    let target = target.instance("replica", &standby.url("agent", "postgres")).unwrap();
    look(&target, &["x"], Depth::Full).await;
    sql(&standby, "postgres", "postgres", "SELECT pg_promote()");
    sql(&standby, "postgres", "postgres", "ALTER ROLE x LOGIN");
    let seen = target.look(&wanted(&["x"], Depth::Full)).await;
    let login = seen.gaps.iter().find(|gap| gap.surface == K::Login).unwrap();
    assert_eq!(login.reason, "instance replica takes writes too: the cluster has two primaries");
}

#[tokio::test]
async fn an_instance_that_is_down_or_a_stranger_leaves_sessions_unread() {
    let mut primary = start(&Binaries::find().unwrap());
    let (mut standby, target) = with_standby(&mut primary);
    sql(&primary, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
    let gone = standby.url("agent", "postgres");
    standby.stop();
    let surfaces = |look: &Observation, reason: &str| {
        assert!(look.gaps.iter().all(|gap| gap.reason.contains(reason)), "{:?}", look.gaps);
        look.gaps.iter().map(|gap| gap.surface).collect::<Vec<_>>()
    };
    let unread = [K::Session, K::VanishedSession, K::Replication];
    let down = target.clone().instance("replica", &gone).unwrap();
    let seen = down.look(&wanted(&["x"], Depth::Full)).await;
    assert_eq!(surfaces(&seen, "instance replica"), unread);

    // Made by an initdb of its own, so with another system identifier.
    let template = Template::create(&Binaries::find().unwrap()).unwrap();
    let stranger = Cluster::start(&template, &[]).unwrap();
    sql(&stranger, "postgres", "postgres", "CREATE ROLE agent LOGIN");
    let seen = target
        .instance("replica", &stranger.url("agent", "postgres"))
        .unwrap()
        .look(&wanted(&["x"], Depth::Full))
        .await;
    assert_eq!(surfaces(&seen, "instance replica is of another cluster"), unread);
    assert!(seen.instances.is_empty());
}
