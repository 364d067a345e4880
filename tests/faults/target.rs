//! Faults of the target.

use crate::common::frozen::{Frozen, processes};
use crate::common::{LiveSession, cluster, sql};
use crate::stage::{Stage, agent_of, until};
use revoked::target::{Limits, Target, Wanted};
use revoked::throwaway::{Binaries, Cluster, Template};
use std::collections::BTreeSet;
use std::time::Duration;

fn begin() -> Stage {
    let cluster = cluster();
    Stage::begin(agent_of(&cluster), cluster)
}

pub(crate) async fn a_restart() {
    let mut stage = begin();
    for round in ["first", "second"] {
        stage.cluster.stop();
        stage.until_up(false);
        let id = stage.open.clone();
        stage.agent.until(&id, |view| view["verdict"] == "inconclusive");
        stage.assert_kept();
        stage.assert_alive();
        // The store is well: notices are taken.
        let id = stage.accepted(round).await;
        stage.cluster.restart().unwrap();
        stage.until_up(true);
        stage.agent.until_state(&id, "verified");
    }
    stage.finish();
}

pub(crate) async fn a_server_that_stands_still() {
    let stage = begin();
    let frozen = Frozen::freeze(&stage.cluster);
    stage.until_up(false);
    stage.assert_kept();
    stage.assert_alive();
    assert!(stage.agent.get("/-/ready").is_some(), "notices can be kept");
    let id = stage.accepted("meanwhile").await;
    assert_eq!(stage.view(&id)["state"], "open");
    drop(frozen);
    stage.until_up(true);
    stage.agent.until_state(&id, "verified");
    stage.finish();
}

pub(crate) async fn a_server_without_room() {
    let template = Template::shared(&Binaries::find().unwrap()).unwrap();
    let cluster = Cluster::start(&template, &["max_connections=10"]).unwrap();
    let stage = Stage::begin(agent_of(&cluster), cluster);
    let mut crowd = Vec::new();
    // The agent keeps its place for a minute; whoever is quicker has it then.
    let end =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'revoked_agent';";
    while stage.metric(r#"access_revocation_target_up{target="main"}"#) != Some(0.0) {
        sql(&stage.cluster, "postgres", "postgres", end);
        crowd.extend(LiveSession::try_open(&stage.cluster, "crowd", "postgres", "SELECT 1;"));
    }
    stage.assert_kept();
    stage.assert_alive();
    let id = stage.accepted("meanwhile").await;
    drop(crowd);
    stage.until_up(true);
    stage.agent.until_state(&id, "verified");
    stage.finish();
}

/// A catalog that only one statement of the look reads is locked in one database.
pub(crate) async fn a_statement_that_hangs() {
    let stage = begin();
    let lock = "BEGIN; LOCK TABLE pg_catalog.pg_policy;";
    let locker = LiveSession::open(&stage.cluster, "postgres", "orders", lock);
    sql(&stage.cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
    let timed_out = |gap: &serde_json::Value| gap["surface"] == "policy";
    let view = stage.agent.until(&stage.open, |view| {
        view["verdict"] == "inconclusive" && view["gaps"].as_array().unwrap().iter().any(timed_out)
    });
    assert_eq!(view["state"], "open", "{view:#}");
    assert_eq!(view["gaps"][0]["database"], "orders", "{view:#}");
    stage.agent.until_metrics(&[
        r#"access_revocation_target_up{target="main"} 1"#,
        r#"access_revocation_surface_verifiable{surface="policy",target="main"} 0"#,
    ]);
    assert_eq!(stage.view(&stage.verified)["state"], "verified");
    assert_eq!(stage.count("access_revoked", &stage.open), 0, "one surface is unread");
    drop(locker);
    stage.finish();
}

/// Every login hangs, and the server's process for it goes on hanging after its client is gone.
pub(crate) async fn logins_that_hang_do_not_pile_up() {
    let stage = begin();
    let lock = "BEGIN; LOCK TABLE pg_catalog.pg_authid;";
    let locker = LiveSession::open(&stage.cluster, "postgres", "orders", lock);
    stage.until_up(false);
    let failed = r#"access_revocation_verification_failed_total{cause="timeout",target="main"}"#;
    let stuck_after_two_looks = || {
        // Two revocations in each.
        let before = stage.metric(failed).unwrap();
        until("two looks", &stage.agent, || stage.metric(failed).filter(|n| *n >= before + 4.0));
        let ours = |title: &String| title.contains("revoked_agent");
        processes(&stage.cluster).into_iter().filter(ours).collect::<Vec<_>>()
    };
    // The look in which it began may have stood before several databases.
    let stuck = stuck_after_two_looks();
    assert!((1..=4).contains(&stuck.len()), "{stuck:?}");
    assert_eq!(stuck_after_two_looks().len(), stuck.len(), "{stuck:?}");
    stage.assert_kept();
    drop(locker);
    stage.finish();
}

/// Many databases that each keep a statement waiting hold up one look only so long.
pub(crate) async fn a_look_waits_in_vain_only_so_long() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE agent LOGIN; CREATE ROLE x LOGIN;");
    let locking = "BEGIN; LOCK TABLE pg_catalog.pg_ts_dict;";
    let mut lockers = Vec::new();
    for number in 0..6 {
        let name = format!("d{number}");
        sql(&cluster, "postgres", "postgres", &format!("CREATE DATABASE {name};"));
        lockers.push(LiveSession::open(&cluster, "postgres", &name, locking));
    }
    let limits = Limits {
        connect: Duration::from_secs(30),
        statement: Duration::from_secs(1),
        vain: Duration::from_secs(2),
    };
    let target = Target::from_url("main", &cluster.url("agent", "postgres")).unwrap();
    let target = target.limits(limits);
    let wanted = Wanted { names: ["x".to_owned()].into(), ..Wanted::default() };
    let look = target.look(&wanted).await;
    let databases = |part: &str| -> BTreeSet<Option<String>> {
        let gaps = look.gaps.iter().filter(|gap| gap.reason.contains(part));
        gaps.map(|gap| gap.database.clone()).collect()
    };
    let (tried, untried) = (databases("57014"), databases("not tried"));
    assert!(tried.len() == 2, "{:#?}", look.gaps);
    assert!(untried.len() >= 4, "{:#?}", look.gaps);
    assert!(look.residual.iter().any(|found| found.kind.as_str() == "login"), "seen all the same");
    drop(lockers);
    let look = target.look(&wanted).await;
    assert!(look.gaps.is_empty(), "{:#?}", look.gaps);
}
