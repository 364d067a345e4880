//! Faults of the state store.

use crate::common::frozen::Frozen;
use crate::common::{LiveSession, cluster, sql};
use crate::stage::{Stage, agent_of, until};
use revoked::throwaway::Cluster;
use sqlx::{Connection as _, Executor as _};

/// Waits until the agent says that a look could not be judged, as it must while the store is away.
fn until_unjudged(stage: &Stage) {
    until("a look that is not judged", &stage.agent, || {
        stage.agent.stderr().contains("the look could not be judged").then_some(())
    });
}

/// While the store is away nothing is told of what was taken away meanwhile.
fn assert_nothing_gone(stage: &Stage) {
    assert_eq!(stage.count("access_revoked", &stage.open), 0);
    stage.assert_told(&[]);
    stage.assert_alive();
}

pub(crate) async fn sqlite_locked_by_another_process() {
    let cluster = cluster();
    let stage = Stage::begin(agent_of(&cluster), cluster);
    let file = stage.agent.dir().join("state/revoked.db");
    let url = format!("sqlite://{}", file.display());
    let mut locker = sqlx::SqliteConnection::connect(&url).await.unwrap();
    locker.execute("BEGIN EXCLUSIVE").await.unwrap();
    sql(&stage.cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
    tokio::join!(stage.refused("one"), stage.refused("two"));
    until_unjudged(&stage);
    assert_nothing_gone(&stage);
    // It reads all the same, and shows what it knew.
    assert_eq!(stage.view(&stage.open)["state"], "open");
    locker.execute("ROLLBACK").await.unwrap();
    let one = stage.sent_again("one").await;
    let two = stage.sent_again("two").await;
    assert_ne!(one, two);
    stage.agent.until_state(&two, "verified");
    stage.finish();
}

/// A target, and a store on another server.
fn with_postgres() -> (Stage, Cluster) {
    let (target, store) = (cluster(), cluster());
    sql(
        &store,
        "postgres",
        "postgres",
        "CREATE ROLE keeper LOGIN; CREATE DATABASE state OWNER keeper;",
    );
    let agent = agent_of(&target);
    agent.keep_at(&store.url("keeper", "state"));
    (Stage::begin(agent, target), store)
}

/// The agent has no more connections to its store than its pool may have.
fn assert_few_connections(stage: &Stage, store: &Cluster) {
    let count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'keeper';";
    until("few connections", &stage.agent, || {
        let open: i64 = sql(store, "postgres", "postgres", count).trim().parse().unwrap();
        (open <= 8).then_some(())
    });
    let idle = "SELECT count(*) FROM pg_stat_activity
        WHERE usename = 'keeper' AND state LIKE 'idle in transaction%'
          AND state_change < now() - interval '1 second';";
    until("no forgotten transaction", &stage.agent, || {
        (sql(store, "postgres", "postgres", idle).trim() == "0").then_some(())
    });
}

pub(crate) async fn postgres_with_locked_tables() {
    let (stage, store) = with_postgres();
    let tables = "SELECT string_agg(quote_ident(relname), ', ') FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace;";
    let tables = sql(&store, "postgres", "state", tables);
    let lock = format!("BEGIN; LOCK TABLE {};", tables.trim());
    let locker = LiveSession::open(&store, "postgres", "state", &lock);
    sql(&stage.cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
    assert!(stage.agent.get("/-/ready").is_none(), "notices cannot be kept");
    tokio::join!(stage.refused("one"), stage.refused("two"));
    until_unjudged(&stage);
    assert_nothing_gone(&stage);
    drop(locker);
    let one = stage.sent_again("one").await;
    let two = stage.sent_again("two").await;
    assert_ne!(one, two);
    stage.agent.until_state(&two, "verified");
    until("ready", &stage.agent, || stage.agent.get("/-/ready"));
    assert_few_connections(&stage, &store);
    stage.finish();
}

pub(crate) async fn postgres_that_stands_still_and_is_restarted() {
    let (stage, mut store) = with_postgres();
    let frozen = Frozen::freeze(&store);
    until("not ready", &stage.agent, || stage.agent.get("/-/ready").is_none().then_some(()));
    sql(&stage.cluster, "postgres", "postgres", "ALTER ROLE x NOLOGIN;");
    stage.refused("one").await;
    assert_nothing_gone(&stage);
    stage.agent.until_metrics(&["access_revocation_agent_store_up 0"]);
    drop(frozen);
    stage.agent.until_metrics(&["access_revocation_agent_store_up 1"]);
    let one = stage.sent_again("one").await;
    stage.agent.until_state(&one, "verified");
    store.stop();
    stage.refused("two").await;
    assert_eq!(stage.agent.get("/-/healthy").as_deref(), Some("healthy\n"));
    store.restart().unwrap();
    until("ready", &stage.agent, || stage.agent.get("/-/ready"));
    let two = stage.sent_again("two").await;
    stage.agent.until_state(&two, "verified");
    assert_few_connections(&stage, &store);
    stage.finish();
}
