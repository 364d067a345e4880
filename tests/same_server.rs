//! That one server answers the whole of a look, on servers that nothing in their control files tells apart.

mod common;

use common::mirror::Mirror;
use common::scenario::start;
use common::{sql, versions};
use revoked::domain::observation::Observation;
use revoked::target::{Depth, Pace, Target, Wanted};
use revoked::throwaway::Cluster;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

const ELSEWHERE: &str = "another server answers than the look began with";

fn wanted(depth: Depth) -> Wanted {
    Wanted { names: ["x".to_owned()].into(), depth, ..Wanted::default() }
}

fn surfaces(look: &Observation) -> Vec<&str> {
    let mut all: Vec<&str> = look
        .gaps
        .iter()
        .filter(|gap| gap.reason.starts_with(ELSEWHERE))
        .map(|gap| gap.surface.as_str())
        .collect();
    all.dedup();
    all
}

fn identity(cluster: &Cluster) -> String {
    let asked =
        "SELECT system_identifier, timeline_id FROM pg_control_system(), pg_control_checkpoint()";
    sql(cluster, "postgres", "postgres", asked)
}

/// `x` is let in by the first server and has nothing on the second, which is a copy: without the check, whatever the
/// second one answers is taken for the first one's.
#[tokio::test]
async fn a_proxy_that_changes_servers_between_transactions_proves_nothing() {
    for binaries in versions() {
        let (first, second) = (start(&binaries), start(&binaries));
        assert_eq!(identity(&first), identity(&second));
        sql(&second, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
        let never = Mirror::start(&first, &second, usize::MAX);
        let seen = Target::from_url("main", &never.url()).unwrap().look(&wanted(Depth::Full)).await;
        assert_eq!(seen.gaps, []);
        assert!(seen.residual.iter().any(|found| found.sentence == "x can log in"), "{seen:?}");
        let transactions = never.transactions.load(SeqCst);
        assert!(transactions > 8, "{transactions}");
        for switch in 2..=transactions {
            let mirror = Mirror::start(&first, &second, switch);
            let target = Target::from_url("main", &mirror.url()).unwrap();
            let seen = target.look(&wanted(Depth::Full)).await;
            let unread = surfaces(&seen);
            let expected = match switch {
                2 => "login",
                3 => "session",
                _ => "privilege",
            };
            assert!(
                unread.contains(&expected),
                "PostgreSQL {}, transaction {switch} of {transactions}: {:?}",
                first.major(),
                seen.gaps
            );
            assert!(seen.gaps.iter().all(|gap| !gap.fix.is_empty()));
        }
        // Answered by the second one from its first transaction on, that one is the look's own.
        let other = Mirror::start(&first, &second, 1);
        let seen = Target::from_url("main", &other.url()).unwrap().look(&wanted(Depth::Full)).await;
        assert_eq!((seen.gaps, seen.residual), (vec![], vec![]));
    }
}

/// What was read of a database holds for the server that it was read of.
#[tokio::test]
async fn what_one_server_showed_is_not_remembered_of_another() {
    let binaries = &versions()[0];
    let (first, second) = (start(binaries), start(binaries));
    // On the second one nothing tells of this but the access list.
    sql(
        &second,
        "postgres",
        "orders",
        "SET allow_system_table_mods = on;
         UPDATE pg_class SET relacl = relacl || 'x=r/app'::aclitem WHERE relname = 'orders';",
    );
    let never = Mirror::start(&first, &second, usize::MAX);
    let look = Target::from_url("main", &never.url()).unwrap().look(&wanted(Depth::Full)).await;
    let per_look = never.transactions.load(SeqCst);
    assert_eq!(look.gaps, []);

    let mirror = Mirror::start(&first, &second, per_look + 1);
    let patient = Pace { deep: Duration::from_secs(600), compare: Duration::from_secs(600) };
    let target = Target::from_url("main", &mirror.url()).unwrap().pace(patient);
    let before = target.look(&wanted(Depth::Full)).await;
    assert!(before.residual.iter().all(|found| !found.tampered), "{before:?}");
    let after = target.look(&wanted(Depth::Due)).await;
    assert_eq!(after.gaps, []);
    assert!(after.residual.iter().any(|found| found.tampered), "{:?}", after.residual);
}

/// The control file has the old timeline until a checkpoint; the standby is another server all the same.
#[tokio::test]
async fn a_promoted_standby_is_another_server() {
    for binaries in versions() {
        let mut primary = start(&binaries);
        let standby = primary.standby().unwrap();
        let caught_up = sql(&primary, "postgres", "postgres", "SELECT pg_current_wal_lsn()");
        let there = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", caught_up.trim());
        while sql(&standby, "postgres", "postgres", &there).trim() != "t" {
            std::thread::sleep(Duration::from_millis(50));
        }
        sql(&standby, "postgres", "postgres", "SELECT pg_promote()");
        for switch in [2, 4, 6] {
            let mirror = Mirror::start(&primary, &standby, switch);
            let target = Target::from_url("main", &mirror.url()).unwrap();
            let seen = target.look(&wanted(Depth::Full)).await;
            assert!(!surfaces(&seen).is_empty(), "PostgreSQL {}: {seen:?}", primary.major());
        }
    }
}
