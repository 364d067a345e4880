//! Standbys: behind, following, unknown, or the same server twice; and logins under way there.

use super::{HeldUp, look, target};
use crate::common::scenario::start;
use crate::common::{psql, sql, versions};
use revoked::domain::observation::Observation;
use revoked::domain::residual::ResidualKind as K;
use revoked::throwaway::{Binaries, Cluster};
use std::time::{Duration, Instant};

/// Waits until the standby has replayed what the primary wrote.
fn caught_up(primary: &Cluster, standby: &Cluster) {
    let written = sql(primary, "postgres", "postgres", "SELECT pg_current_wal_insert_lsn()");
    let there = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", written.trim());
    let through = Instant::now() + Duration::from_secs(20);
    while sql(standby, "postgres", "postgres", &there).trim() != "t" {
        assert!(Instant::now() < through, "the standby does not follow");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test]
async fn a_standby_that_is_behind_still_lets_in() {
    for binaries in versions() {
        let mut primary = start(&binaries);
        let standby = primary.standby().unwrap();
        let target =
            target(&primary).instance("replica", &standby.url("agent", "postgres")).unwrap();
        sql(&primary, "postgres", "postgres", "GRANT g TO x; CHECKPOINT");
        caught_up(&primary, &standby);
        sql(&standby, "postgres", "postgres", "SELECT pg_wal_replay_pause()");

        // What it has not replayed concerns nobody who is looked for.
        sql(&primary, "postgres", "orders", "CREATE TABLE other (a int); CREATE ROLE another");
        let seen = look(&target, "x").await;
        assert_eq!(seen.gaps, [], "PostgreSQL {}", primary.major());
        let asked = seen.coverage.iter().filter(|read| read.statement == "replayed").count();
        assert_eq!(asked, 1, "it was waited for");

        sql(
            &primary,
            "postgres",
            "postgres",
            "REVOKE g FROM x; ALTER ROLE x NOLOGIN PASSWORD NULL",
        );
        assert!(psql(&standby, "x", "orders", "SELECT 'reads'").status.success());
        let seen = look(&target, "x").await;
        let major = primary.major();
        let login: Vec<&str> = seen.residual.iter().map(|found| found.sentence.as_str()).collect();
        assert_eq!(
            login,
            ["x can log in (on instance replica, which has not replayed what the primary did)"],
            "PostgreSQL {major}"
        );
        let gaps: Vec<K> = seen.gaps.iter().map(|gap| gap.surface).collect();
        assert_eq!(
            gaps,
            [K::Login, K::Attribute, K::Membership, K::AdminOption],
            "{:?}",
            seen.gaps
        );

        sql(&standby, "postgres", "postgres", "SELECT pg_wal_replay_resume()");
        let seen = look(&target, "x").await;
        assert_eq!((seen.gaps, seen.residual), (vec![], vec![]), "PostgreSQL {major}");
        assert!(!psql(&standby, "x", "orders", "SELECT 'reads'").status.success());
    }
}

#[tokio::test]
async fn a_standby_that_follows_leaves_no_gap() {
    for binaries in versions() {
        let mut primary = start(&binaries);
        let standby = primary.standby().unwrap();
        let target =
            target(&primary).instance("replica", &standby.url("agent", "postgres")).unwrap();
        sql(&primary, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
        caught_up(&primary, &standby);
        for round in 0..8 {
            let writes = format!(
                "CREATE ROLE r{round}; GRANT g TO r{round}; GRANT r{round} TO x; REVOKE r{round} FROM x"
            );
            sql(&primary, "postgres", "postgres", &writes);
            let seen = look(&target, "x").await;
            assert_eq!(seen.gaps, [], "PostgreSQL {}", primary.major());
        }
    }
}

/// A login on a standby is as invisible there.
#[tokio::test]
async fn a_login_under_way_on_a_standby_is_a_gap() {
    for binaries in versions() {
        let mut primary = start(&binaries);
        let standby = primary.standby().unwrap();
        let target =
            target(&primary).instance("replica", &standby.url("agent", "postgres")).unwrap();
        caught_up(&primary, &standby);
        let _held_up = HeldUp::of(&standby, "x", "", 60, "SELECT 'acts'");
        sql(&primary, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
        let seen = look(&target, "x").await;
        let [gap] = seen.gaps.as_slice() else { panic!("{:?}", seen.gaps) };
        assert!(gap.reason.contains("under way on instance replica"), "{gap:?}");
        let ends = &gap.fix[gap.fix.find("SELECT").unwrap()..];
        assert_eq!(sql(&standby, "postgres", "postgres", ends).trim(), "t");
        assert_eq!(look(&target, "x").await.gaps, [], "PostgreSQL {}", primary.major());
    }
}

#[tokio::test]
async fn a_standby_that_is_not_configured_is_said() {
    for binaries in versions() {
        let mut primary = start(&binaries);
        let strangers = |look: &Observation| {
            let of = "standbys of main that are not configured";
            look.not_covered.iter().any(|text| text.surface == of)
        };
        assert!(!strangers(&look(&target(&primary), "x").await));
        let standby = primary.standby().unwrap();
        caught_up(&primary, &standby);
        assert!(strangers(&look(&target(&primary), "x").await), "PostgreSQL {}", primary.major());
        let known =
            target(&primary).instance("replica", &standby.url("agent", "postgres")).unwrap();
        assert!(!strangers(&look(&known, "x").await), "PostgreSQL {}", primary.major());
    }
}

#[tokio::test]
async fn two_names_of_one_server_are_a_gap() {
    let primary = start(&Binaries::find().unwrap());
    let target = target(&primary).instance("replica", &primary.url("agent", "orders"));
    assert!(target.is_err(), "another database is refused");
    let target =
        self::target(&primary).instance("replica", &primary.url("agent", "postgres")).unwrap();
    let seen = look(&target, "x").await;
    let reasons: Vec<&str> = seen.gaps.iter().map(|gap| gap.reason.as_str()).collect();
    assert_eq!(reasons, ["instance replica leads to the same server as main"; 3]);
}
