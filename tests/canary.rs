//! The positive control: a real agent, a role planted on a real server, and what happens when it is not found.

mod common;

use common::agent::{Agent, PATIENCE};
use common::http::prepared;
use common::{cluster, cluster_of, sql, versions};
use revoked::throwaway::Cluster;
use serde_json::Value;
use std::time::{Duration, Instant};

const PLANTED: &str = "CREATE ROLE revoked_canary NOLOGIN; CREATE SCHEMA revoked_canary;
    CREATE TABLE revoked_canary.planted (); GRANT SELECT ON revoked_canary.planted TO revoked_canary;";
const HIDE: &str = "REVOKE SELECT ON revoked_canary.planted FROM revoked_canary;";
const AGAIN: &str = "GRANT SELECT ON revoked_canary.planted TO revoked_canary;";

const MISSING: &str = r#"access_revocation_canary_missing{target="main"} 1"#;
const FOUND: &str = r#"access_revocation_canary_missing{target="main"} 0"#;

/// A cluster with a canary in its database, and an agent that expects it; not started.
fn planted(more: &str) -> (Cluster, Agent) {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", PLANTED);
    let agent = prepared(&cluster, more);
    agent.plant("revoked_canary");
    (cluster, agent)
}

fn records(agent: &Agent, kind: &str) -> Vec<Value> {
    let lines = agent.log().into_iter().filter(|line| line["type"] == kind);
    lines.map(|mut line| line["what"].take()).collect()
}

fn until(what: &str, agent: &Agent, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "not yet: {what}\n{}", agent.stderr());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn missed_total(agent: &Agent) -> String {
    let page = agent.get("/metrics").unwrap();
    let line = page.lines().find(|line| line.starts_with("access_revocation_canary_missed_total"));
    line.expect("it is there from the first scrape on").rsplit_once(' ').unwrap().1.to_owned()
}

/// A subject without anything left, verified.
fn verified(cluster: &Cluster, agent: &Agent, subject: &str) -> String {
    sql(cluster, "postgres", "postgres", &format!("CREATE ROLE {subject} NOLOGIN;"));
    let id = agent.expect(subject, &["--account", subject]);
    agent.until_state(&id, "verified");
    id
}

#[test]
fn a_canary_that_is_not_found_takes_back_what_was_proved_since() {
    let (cluster, mut agent) = planted("");
    agent.start();
    assert_eq!(missed_total(&agent), "0");
    agent.until_metrics(&[FOUND]);
    let id = verified(&cluster, &agent, "john");
    let detected = records(&agent, "canary_detected");
    let [first] = &detected[..] else { panic!("once in the time allowed: {detected:#?}") };
    assert_eq!((&first["target"], &first["role"]), (&"main".into(), &"revoked_canary".into()));
    assert_eq!((&first["expect"], &first["missed_at"]), (&["privilege"].into(), &Value::Null));

    // As if a proxy left out what the looks should see.
    sql(&cluster, "postgres", "postgres", HIDE);
    let view = agent.until_state(&id, "open");
    assert_eq!((&view["verified_at"], &view["overdue"]), (&Value::Null, &Value::Array(vec![])));
    let view = agent.until(&id, |view| view["verdict"] == "inconclusive");
    let gap = &view["gaps"][0];
    assert_eq!((&gap["cause"], &gap["surface"]), (&"canary_missed".into(), &"privilege".into()));
    let reason = gap["reason"].as_str().unwrap();
    assert!(reason.starts_with("the canary of target main was not found since 20"), "{reason}");
    agent.until_metrics(&[
        MISSING,
        r#"access_revocation_canary_missed_total{target="main"} 1"#,
        r#"access_revocations_in_progress{reason="terminated",type="full"} 1"#,
    ]);
    let (code, status, _) = agent.run(&["status"]);
    assert_eq!(code, 0, "it is nobody's delay: {status}");
    assert!(status.contains("canary of main is missed"), "{status}");

    let (code, check, _) = agent.run(&["check", "john"]);
    assert_eq!(code, 3, "whoever looks by hand is as blind: {check}");
    assert!(check.contains("the canary of target main was not found by this look"), "{check}");

    // Everything that was there stays so, and nothing is told twice.
    let missed = records(&agent, "canary_missed");
    let [target, revocation] = &missed[..] else { panic!("{missed:#?}") };
    assert_eq!((&target["target"], &target["missing"]), (&"main".into(), &["privilege"].into()));
    assert_eq!(target["last_good_at"], first["as_of"]);
    assert!(target["last_detected_at"].as_str() >= first["as_of"].as_str(), "{target}");
    assert!(target.get("revocation").is_none(), "{target}");
    assert_eq!(
        (&revocation["revocation"], &revocation["canary"]),
        (&id.as_str().into(), &target["id"])
    );
    assert_eq!(revocation["state_before"], "verified");
    // A new one is not proved either.
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jane NOLOGIN;");
    let jane = agent.expect("jane", &["--account", "jane"]);
    agent.until(&jane, |view| view["verdict"] == "inconclusive" && view["accounts"][0].is_object());
    // And what is there is found all the same.
    sql(&cluster, "postgres", "postgres", "ALTER ROLE jane LOGIN;");
    agent.until(&jane, |view| view["verdict"] == "residual");
    sql(&cluster, "postgres", "postgres", "ALTER ROLE jane NOLOGIN;");

    agent.stop();
    agent.start();
    agent.until_metrics(&[MISSING]);
    agent.until(&jane, |view| view["verdict"] == "inconclusive");
    sql(&cluster, "postgres", "postgres", AGAIN);
    let view = agent.until_state(&id, "verified");
    assert_eq!(view["gaps"], Value::Array(vec![]));
    agent.until_state(&jane, "verified");
    agent.until_metrics(&[FOUND]);
    let (code, check, _) = agent.run(&["check", "john"]);
    assert_eq!((code, check.contains("canary")), (0, false), "{check}");
    let detected = records(&agent, "canary_detected");
    assert_eq!(detected.len(), 2, "{detected:#?}");
    assert_eq!(detected[1]["missed_at"], target["as_of"]);
    assert!(view["verified_at"].as_str() > detected[1]["as_of"].as_str(), "two looks: {view:#}");
    assert_eq!(records(&agent, "canary_missed").len(), 2, "the restart added none");
    assert_eq!(records(&agent, "access_regressed").len(), 0);
    let page = agent.get("/metrics").unwrap();
    let regressions = page.lines().filter(|l| l.starts_with("access_revocation_regressions_total"));
    assert!(regressions.clone().count() > 0 && regressions.clone().all(|l| l.ends_with(" 0")));
    assert!(!page.contains("revoked_canary"), "the canary is nobody's residual");
    agent.stop();
    assert_eq!(agent.verify().0, 0);
}

/// The SQL that docs/canary.md has.
fn documented() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/canary.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once("```sql\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[tokio::test]
async fn what_the_document_plants_is_found_and_has_no_power_on_every_version() {
    use revoked::domain::canary::{Canary, PLANTABLE, Sighting, sight};
    use revoked::domain::residual::ResidualKind;
    use revoked::target::{Target, Wanted};
    for binaries in versions() {
        let cluster = cluster_of(&binaries);
        sql(&cluster, "postgres", "postgres", "CREATE ROLE agent LOGIN; CREATE DATABASE orders;");
        sql(&cluster, "postgres", "orders", &documented());
        let target = Target::from_url("main", &cluster.url("agent", "postgres")).unwrap();
        let canary = Canary {
            role: "revoked_canary".to_owned(),
            every: Duration::from_secs(3600),
            expect: [ResidualKind::Privilege, ResidualKind::Membership].into(),
        };
        let wanted = Wanted { names: [canary.role.clone()].into(), ..Wanted::default() };
        let look = target.look(&wanted).await;
        assert_eq!(
            sight(&canary, &look),
            Sighting::Detected,
            "{}: {:#?}",
            cluster.major(),
            look.gaps
        );
        let powers: Vec<_> =
            look.residual.iter().filter(|found| !PLANTABLE.contains(&found.kind)).collect();
        assert!(powers.is_empty(), "{}: {powers:#?}", cluster.major());
        sql(&cluster, "postgres", "orders", "REVOKE revoked_canary_group FROM revoked_canary;");
        let look = target.look(&wanted).await;
        let missing = Sighting::Missing([ResidualKind::Membership].into());
        assert_eq!(sight(&canary, &look), missing, "{}", cluster.major());
    }
}

/// Puts the times of the canary in the agent's store back, while it does not run.
async fn age(agent: &Agent, minutes: i64) {
    let url = format!("sqlite://{}", agent.dir().join("state/revoked.db").display());
    let store = revoked::store::Store::open(&url).await.unwrap();
    let kept = store.canaries().await.unwrap().remove(0);
    let back = |time: revoked::domain::time::UtcTime| {
        let micros = time.micros() - minutes * 60_000_000;
        revoked::domain::time::UtcTime::from_micros(micros).unwrap()
    };
    let watch = revoked::domain::canary::Watch {
        since: back(kept.watch.since),
        seen_at: kept.watch.seen_at.map(back),
        good_at: kept.watch.good_at.map(back),
        missed_at: kept.watch.missed_at,
    };
    store.keep_canary("main", &watch, None, kept.watch.since).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_target_that_is_down_is_no_miss_until_the_time_is_over() {
    let (mut cluster, mut agent) = planted("");
    agent.start();
    agent.until_metrics(&[FOUND]);
    let id = verified(&cluster, &agent, "john");
    cluster.stop();
    agent.until_metrics(&[r#"access_revocation_target_up{target="main"} 0"#, FOUND]);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!((missed_total(&agent).as_str(), records(&agent, "canary_missed").len()), ("0", 0));
    agent.stop();
    // Six hours are allowed.
    age(&agent, 359).await;
    agent.start();
    agent.until_metrics(&[r#"access_revocation_target_up{target="main"} 0"#]);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(records(&agent, "canary_missed").len(), 0, "the time is not over");
    agent.stop();
    age(&agent, 2).await;
    agent.start();
    agent.until_metrics(&[MISSING]);
    agent.until_state(&id, "open");
    let missed = records(&agent, "canary_missed");
    assert_eq!(missed[0]["missing"], Value::Array(vec![]), "no look could tell");
    assert_eq!(missed[0]["system_identifier"], Value::Null);
    cluster.restart().unwrap();
    agent.until_state(&id, "verified");
    agent.until_metrics(&[FOUND]);
    assert_eq!(records(&agent, "canary_missed").len(), 2);
    agent.stop();
    assert_eq!(agent.verify().0, 0);
}

#[test]
fn killed_at_any_moment_it_is_consistent() {
    let (cluster, mut agent) = planted("");
    agent.start();
    agent.until_metrics(&[FOUND]);
    let ids: Vec<_> = (0..8)
        .map(|n| {
            sql(&cluster, "postgres", "postgres", &format!("CREATE ROLE leaver_{n} NOLOGIN;"));
            agent.expect(&format!("leaver_{n}"), &["--account", &format!("leaver_{n}")])
        })
        .collect();
    for id in &ids {
        agent.until_state(id, "verified");
    }
    let misses = |agent: &Agent| {
        let log = std::fs::read_to_string(agent.log_file()).unwrap();
        log.matches(r#""type":"canary_missed""#).count()
    };
    for (round, moment) in [0, 3, 15, 40].into_iter().enumerate() {
        let before = round * (ids.len() + 1);
        sql(&cluster, "postgres", "postgres", HIDE);
        until("a miss in the log", &agent, || misses(&agent) > before);
        std::thread::sleep(Duration::from_millis(moment));
        agent.kill();
        // Found again before the agent is back: what was left to do is done first.
        sql(&cluster, "postgres", "postgres", AGAIN);
        agent.start();
        until("what was proved is taken back", &agent, || misses(&agent) == before + ids.len() + 1);
        for id in &ids {
            agent.until_state(id, "verified");
        }
        agent.until_metrics(&[FOUND]);
    }
    agent.stop();
    let about = |kind: &str| -> Vec<String> {
        let lines = agent
            .log()
            .into_iter()
            .filter(|line| line["type"] == kind && line["what"]["revocation"] == Value::Null);
        lines.map(|line| line["seq"].to_string()).collect()
    };
    assert_eq!((about("canary_missed").len(), about("canary_detected").len()), (4, 5));
    let order: Vec<_> = agent.log().into_iter().map(|line| line["type"].clone()).collect();
    let last = |kind: &str| order.iter().rposition(|one| one == kind).unwrap();
    assert!(last("canary_missed") < last("canary_detected"), "taken back before it is well again");
    let completed = records(&agent, "verification_completed");
    assert_eq!(completed.len(), 5 * ids.len(), "each as often as it was taken back, and once");
    let counted = completed.iter().filter(|record| !record["duration_us"].is_null());
    assert_eq!(counted.count(), ids.len(), "a duration is counted once in a life");
    assert_eq!(agent.verify().0, 0);
}

#[test]
fn a_canary_comes_and_goes_with_the_configuration() {
    let cluster = cluster();
    let mut agent = prepared(&cluster, "");
    agent.start();
    let id = verified(&cluster, &agent, "john");
    let without = std::fs::read_to_string(agent.config()).unwrap();
    assert!(!agent.get("/metrics").unwrap().contains("access_revocation_canary"));

    // Configured and not planted: missed, but what was verified before was never in its care.
    agent.plant("revoked_canary");
    agent.until_metrics(&[MISSING, r#"access_revocation_canary_missed_total{target="main"} 1"#]);
    assert!(!agent.get("/metrics").unwrap().contains("canary_last_detected_timestamp_seconds{"));
    sql(&cluster, "postgres", "postgres", "CREATE ROLE jane NOLOGIN;");
    let jane = agent.expect("jane", &["--account", "jane"]);
    let view = agent.until(&jane, |view| view["verdict"] == "inconclusive");
    let reason = &view["gaps"][0]["reason"];
    assert_eq!(reason, "the canary of target main was never found");
    assert_eq!(agent.json(&["expect", "show", &id, "-o", "json"])["state"], "verified");
    sql(&cluster, "postgres", "postgres", PLANTED);
    agent.until_state(&jane, "verified");
    agent.until_metrics(&[FOUND]);
    assert!(agent.get("/metrics").unwrap().contains("canary_last_detected_timestamp_seconds{"));

    // Taken out while it is missed: nobody expects it any more.
    sql(&cluster, "postgres", "postgres", HIDE);
    agent.until_state(&jane, "open");
    std::fs::write(agent.config(), &without).unwrap();
    agent.until_state(&jane, "verified");
    until("no level of it", &agent, || {
        !agent.get("/metrics").unwrap().contains("access_revocation_canary_missing{")
    });
    // Back again, it begins anew: what was verified meanwhile was not in its care.
    agent.plant("revoked_canary");
    agent.until_metrics(&[MISSING]);
    agent.until_metrics(&[r#"access_revocation_canary_missed_total{target="main"} 3"#]);
    let view = agent.until(&jane, |view| !view["gaps"].as_array().unwrap().is_empty());
    assert_eq!(view["state"], "verified");
    agent.stop();
    assert_eq!(agent.verify().0, 0);
}
