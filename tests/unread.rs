//! What leaves a suspended account unproved, jobs that nobody reads, and a replication slot that a session uses.

mod common;

use common::scenario::{check, start};
use common::{CRON, LiveSession, has_cron, psql, revoked, run, sql, versions};
use revoked::domain::account::{Account, LinkRule};
use revoked::domain::observation::Observation;
use revoked::domain::residual::{ResidualKind as K, Strength};
use revoked::domain::revocation::Kind;
use revoked::domain::verdict::{Judgement, Question, Verdict, judge};
use revoked::target::{Depth, Pace, Target, Wanted};
use revoked::throwaway::{Cluster, Template};
use std::collections::BTreeSet;
use std::time::Duration;

async fn look(cluster: &Cluster, shdepend_only: &[&str]) -> Observation {
    let names = ["x".to_owned()].into();
    Target::from_url("main", &cluster.url("agent", "postgres"))
        .unwrap()
        .shdepend_only(shdepend_only.iter().map(|name| (*name).to_owned()))
        .look(&Wanted { names, ..Wanted::default() })
        .await
}

fn suspended(look: &Observation) -> Judgement {
    let role = look.roster.iter().find(|role| role.name == "x").unwrap();
    let account = Account {
        target: look.target.clone(),
        system_identifier: look.server.as_ref().unwrap().system_identifier,
        oid: role.oid,
        role: "x".into(),
        names: vec!["x".into()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    };
    let question = Question {
        kind: Kind::Suspend,
        accounts: &[account],
        names: &[],
        roles: &[],
        unmapped: &[],
        no_account: false,
        not_required: &BTreeSet::new(),
        known_as: &[],
        seen: &[],
        gone_since: None,
        rotation: None,
    };
    judge(&question, &[look])
}

const SUBSCRIPTION: &str = "ALTER ROLE x NOLOGIN SUPERUSER;
    CREATE SUBSCRIPTION feed CONNECTION 'dbname=nowhere' PUBLICATION p
        WITH (connect = false, slot_name = NONE, enabled = false);
    ALTER SUBSCRIPTION feed OWNER TO x; ALTER ROLE x NOSUPERUSER;";

/// A database that is not listed is not looked into: its jobs stay unread.
#[tokio::test]
async fn without_the_list_of_databases_a_suspended_account_is_not_proved() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN");
        assert_eq!(suspended(&look(&cluster, &[]).await).verdict, Verdict::Revoked);
        sql(
            &cluster,
            "postgres",
            "postgres",
            "REVOKE SELECT ON pg_catalog.pg_database FROM PUBLIC; GRANT SELECT (oid) ON pg_catalog.pg_database TO agent",
        );
        let judged = suspended(&look(&cluster, &[]).await);
        assert_eq!(judged.verdict, Verdict::Inconclusive, "PostgreSQL {}", cluster.major());
        assert!(judged.gaps.iter().any(|gap| gap.surface == K::Job), "{:?}", judged.gaps);
    }
}

/// What an owned object is, a subscription that runs by itself included, is told by what cannot be read here.
#[tokio::test]
async fn a_subscription_that_cannot_be_named_is_not_kept() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "orders", SUBSCRIPTION);
        let seen = look(&cluster, &[]).await;
        assert!(seen.residual.iter().any(|found| found.kind == K::Subscription), "{seen:?}");
        assert_eq!(suspended(&seen).verdict, Verdict::Revoked, "it is switched off");
        sql(
            &cluster,
            "postgres",
            "postgres",
            "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_identify_object(oid, oid, int) FROM PUBLIC",
        );
        let judged = suspended(&look(&cluster, &[]).await);
        assert_ne!(judged.verdict, Verdict::Revoked, "PostgreSQL {}", cluster.major());
        let about = |gap: &revoked::domain::observation::Gap| gap.surface == K::Subscription;
        assert!(judged.gaps.iter().any(about), "{:?}", judged.gaps);
    }
}

/// Where its second path of evidence cannot be read, `pg_shdepend` tells of it, and it counts as switched on.
#[tokio::test]
async fn an_owned_subscription_by_pg_shdepend_alone() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(&cluster, "postgres", "orders", SUBSCRIPTION);
        sql(
            &cluster,
            "postgres",
            "postgres",
            "REVOKE SELECT ON pg_catalog.pg_tablespace FROM PUBLIC",
        );
        let seen = look(&cluster, &[]).await;
        let running = |found: &&revoked::domain::residual::Residual| {
            found.kind == K::Subscription && found.strength == Strength::ActsNow
        };
        assert_eq!(seen.residual.iter().filter(running).count(), 1, "{:?}", seen.residual);
        assert_eq!(suspended(&seen).verdict, Verdict::Residual, "PostgreSQL {}", cluster.major());
    }
}

#[test]
fn a_slot_in_use_stands_with_the_session_that_uses_it() {
    for binaries in versions() {
        let cluster = start(&binaries);
        sql(
            &cluster,
            "postgres",
            "postgres",
            "ALTER ROLE x REPLICATION; GRANT pg_read_all_stats TO agent",
        );
        let create = "SELECT pg_create_physical_replication_slot('of_x', true, true);";
        let _session = LiveSession::open(&cluster, "x", "orders", create);
        sql(&cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN NOREPLICATION");
        let (code, report) = check(&cluster, "x");
        assert_eq!(code, 2);
        let sentence = report["residual"][0]["sentence"].as_str().unwrap();
        assert!(sentence.contains("uses the physical slot of_x"), "{sentence}");
        assert!(!report["ambient"].to_string().contains("of_x"), "{:#}", report["ambient"]);
    }
}

/// With the real pg_cron, where the system has it.
fn with_cron() -> Option<Cluster> {
    let Some(binaries) = versions().into_iter().find(has_cron) else {
        eprintln!("pg_cron is not installed: its jobs were not looked at");
        return None;
    };
    let cluster = Cluster::start(&Template::shared(&binaries).unwrap(), CRON).unwrap();
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE EXTENSION pg_cron; CREATE ROLE x; CREATE ROLE y; CREATE ROLE agent LOGIN; CREATE DATABASE orders;",
    );
    Some(cluster)
}

#[tokio::test]
async fn jobs_in_a_database_that_nobody_enters_are_unread() {
    let Some(cluster) = with_cron() else { return };
    let jobs = |look: &Observation| -> Vec<(Option<String>, String)> {
        let gaps = look.gaps.iter().filter(|gap| gap.surface == K::Job);
        gaps.map(|gap| (gap.database.clone(), gap.fix.clone())).collect()
    };
    // Nobody tells the agent where pg_cron is: it may be in any of them.
    let hidden = jobs(&look(&cluster, &["postgres", "orders"]).await);
    assert_eq!(hidden.len(), 2, "{hidden:?}");
    assert_eq!(
        hidden[0].1,
        "GRANT pg_read_all_settings TO \"agent\"; or take orders out of shdepend_only"
    );
    sql(&cluster, "postgres", "postgres", "GRANT pg_read_all_settings TO agent");
    let seen = look(&cluster, &["postgres", "orders"]).await;
    let told = (Some("postgres".to_owned()), "take postgres out of shdepend_only".to_owned());
    assert_eq!(jobs(&seen), [told]);
    assert_eq!(suspended(&seen).verdict, Verdict::Inconclusive);
    let elsewhere = look(&cluster, &["orders"]).await;
    assert!(jobs(&elsewhere).iter().all(|(database, _)| database.as_deref() == Some("postgres")));
}

/// Nothing but a row of `cron.job` changes, in a database that is not due for long.
#[tokio::test]
async fn a_new_job_of_the_real_pg_cron_is_seen_between_two_readings_of_everything() {
    let Some(cluster) = with_cron() else { return };
    sql(
        &cluster,
        "postgres",
        "postgres",
        "GRANT USAGE ON SCHEMA cron TO agent, x; GRANT SELECT ON cron.job TO agent;
         CREATE POLICY revoked_reads ON cron.job FOR SELECT TO agent USING (true);
         GRANT pg_read_all_settings TO agent",
    );
    let target = Target::from_url("main", &cluster.url("agent", "postgres"))
        .unwrap()
        .pace(Pace { deep: Duration::from_secs(600), compare: Duration::ZERO });
    let wanted = |depth| Wanted { names: ["x".to_owned()].into(), depth, ..Wanted::default() };
    let jobs =
        |look: &Observation| look.residual.iter().filter(|found| found.kind == K::Job).count();
    target.look(&wanted(Depth::Full)).await;
    // What the statistics still had to say of earlier sessions may come a little late.
    std::thread::sleep(Duration::from_secs(1));
    target.look(&wanted(Depth::Due)).await;
    let idle = target.look(&wanted(Depth::Due)).await;
    assert!(idle.deep_at < idle.started_at, "nothing changed, and everything was read");
    let schedule = "SET SESSION AUTHORIZATION x; SELECT cron.schedule('0 3 * * *', 'SELECT 1')";
    sql(&cluster, "postgres", "postgres", schedule);
    let mut seen = 0;
    for _ in 0..50 {
        seen = jobs(&target.look(&wanted(Depth::Due)).await);
        if seen > 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(seen, 1);
}

#[test]
fn the_plan_removes_jobs_of_the_real_pg_cron() {
    let Some(cluster) = with_cron() else { return };
    sql(
        &cluster,
        "postgres",
        "postgres",
        "GRANT USAGE ON SCHEMA cron TO agent, x, y; GRANT SELECT ON cron.job TO agent;
         CREATE POLICY revoked_reads ON cron.job FOR SELECT TO agent USING (true);
         SET SESSION AUTHORIZATION x;
         SELECT cron.schedule('0 3 * * *', 'SELECT 1'); SELECT cron.schedule('named', '0 4 * * *', 'SELECT 2');
         SET SESSION AUTHORIZATION y; SELECT cron.schedule('hers', '0 5 * * *', 'SELECT 3');
         RESET SESSION AUTHORIZATION;
         REVOKE USAGE ON SCHEMA cron FROM x;",
    );
    let (code, report) = check(&cluster, "x");
    assert_eq!((code, report["residual"].as_array().unwrap().len()), (2, 2), "{report:#}");
    let url = cluster.url("agent", "postgres");
    let (code, script, err) = run(revoked().args(["plan", "--target", &url, "x"]));
    assert_eq!(code, 0, "{err}");
    let output = psql(&cluster, "postgres", "postgres", &script);
    assert!(output.status.success(), "{}\n{script}", String::from_utf8_lossy(&output.stderr));
    let (code, report) = check(&cluster, "x");
    assert_eq!(code, 0, "{:#}\n{script}", report["residual"]);
    let left = sql(&cluster, "postgres", "postgres", "SELECT username, jobname FROM cron.job");
    assert_eq!(left.trim(), "y|hers");
}
