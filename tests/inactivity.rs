//! Accounts that nobody uses: whom a suspension is expected of, when, and whom never.

mod common;

use common::agent::Agent;
use common::http::prepared;
use common::place::Place;
use common::{LiveSession, cluster, sql};
use revoked::domain::ids::{RoleOid, SystemIdentifier};
use revoked::domain::inactivity::{Changes, Seen};
use revoked::domain::time::UtcTime;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn inactive(agent: &Agent) -> Vec<Value> {
    let all = agent.json(&["expect", "list", "-o", "json"]);
    let all = all.as_array().unwrap().iter();
    all.filter(|view| view["reason"] == "inactive").cloned().collect()
}

/// Waits until there are suspensions of `subjects`, and gives them in this order.
fn until_inactive(agent: &Agent, subjects: &[&str]) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let all = inactive(agent);
        let of = |subject: &&str| all.iter().find(|view| view["subject"] == **subject).cloned();
        let found: Vec<Value> = subjects.iter().filter_map(of).collect();
        if found.len() == subjects.len() {
            assert_eq!(all.len(), found.len(), "others too: {all:#?}");
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{all:#?}\n{}", agent.stderr());
        std::thread::sleep(Duration::from_millis(200));
    }
}

const ROLES: &str = "CREATE ROLE unused LOGIN; CREATE ROLE used LOGIN; CREATE ROLE grp; CREATE ROLE sealed LOGIN; \
     CREATE ROLE bird LOGIN; CREATE ROLE etl LOGIN; CREATE ROLE gone LOGIN;";

#[test]
fn who_is_unseen_for_long_is_to_be_suspended_once_and_nobody_else() {
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", ROLES);
    let mut agent = prepared(
        &cluster,
        "exceptions: {break_glass_roles: [sealed]}\napprovals: single\n\
         inactivity: {after: 12s, exempt: [postgres, main/etl]}",
    );
    agent.plant("bird");
    agent.start();
    let _used = LiveSession::open(&cluster, "used", "postgres", "SELECT 1;");
    let expected = agent.expect("EMP-9", &["--account", "gone"]);
    agent.until(&expected, |view| view["accounts"][0].is_object());
    let found = until_inactive(&agent, &["main/unused"]);
    let view = &found[0];
    assert_eq!((&view["kind"], &view["source"]), (&json!("suspend"), &json!("revoked:inactivity")));
    assert_eq!(view["inactive"]["last_seen_at"], Value::Null, "{view:#}");
    assert!(view["inactive"]["watched_seconds"].as_u64().unwrap() >= 12, "{view:#}");
    let id = view["id"].as_str().unwrap().to_owned();
    agent.until(&id, |view| view["verdict"] == "residual");
    let (_, out, _) = agent.run(&["expect", "show", &id]);
    assert!(out.contains("never seen in use since watching began at"), "{out}");

    // Whose it is when a person of that name leaves is no question because of it.
    let leaver = agent.expect("unused", &[]);
    let view = agent.until(&leaver, |view| view["verdict"] == "residual");
    assert!(!view["gaps"].to_string().contains("fits"), "{view:#}");
    assert_eq!(agent.run(&["expect", "withdraw", &leaver, "--why", "a trial"]).0, 0);

    // What somebody withdrew is not expected anew by the same silence, also after a crash.
    let (code, _, err) = agent.run(&["expect", "withdraw", &id, "--erroneous"]);
    assert_eq!(code, 0, "{err}");
    agent.until_state(&id, "withdrawn");
    agent.kill();
    agent.start();
    std::thread::sleep(Duration::from_secs(4));
    let mut one = LiveSession::open(&cluster, "unused", "postgres", "SELECT 1;");
    assert_eq!(until_inactive(&agent, &["main/unused"])[0]["id"], *id);
    // Used once more, and unused again: that is another silence.
    std::thread::sleep(Duration::from_secs(3));
    assert!(one.ask("SELECT 1;").is_some());
    drop(one);
    let begun = Instant::now();
    let again = loop {
        let all = inactive(&agent);
        if let Some(view) = all.iter().find(|view| view["id"] != *id) {
            break view.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{}", agent.stderr());
        std::thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(again["subject"], "main/unused");
    assert!(again["inactive"]["last_seen_at"].is_string(), "{again:#}");
    assert!(begun.elapsed() > Duration::from_secs(9), "not before its time: {:?}", begun.elapsed());
    agent.stop();
    let triggered = agent.log().into_iter().filter(|line| line["type"] == "revocation_triggered");
    let inactive: Vec<Value> =
        triggered.filter(|line| line["what"]["reason"] == "inactive").collect();
    assert_eq!(inactive.len(), 2, "{inactive:#?}");
    assert!(inactive[0]["what"]["inactive"]["watched_since"].is_string());
    assert_eq!(agent.verify().0, 0);
}

#[test]
fn a_query_tells_who_was_seen_and_while_it_tells_nothing_nobody_is_inactive() {
    let cluster = cluster();
    sql(
        &cluster,
        "postgres",
        "postgres",
        "CREATE ROLE a LOGIN; CREATE ROLE b LOGIN; CREATE SCHEMA audit; \
         CREATE TABLE audit.logins (role text, at timestamptz); INSERT INTO audit.logins VALUES ('a', now());",
    );
    let mut agent = prepared(
        &cluster,
        "inactivity: {after: 10s, exempt: [postgres], last_seen: {main: {database: postgres, \
         sql: 'SELECT role, max(at) FROM logins GROUP BY role', search_path: [audit]}}}",
    );
    agent.start();
    // The agent may not read it: no time counts.
    let begun = Instant::now();
    while !agent.stderr().contains("no time counts as inactivity") {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", agent.stderr());
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(14));
    assert_eq!(inactive(&agent).len(), 0);
    sql(
        &cluster,
        "postgres",
        "postgres",
        "GRANT USAGE ON SCHEMA audit TO revoked_agent; GRANT SELECT ON audit.logins TO revoked_agent;",
    );
    let begun = Instant::now();
    loop {
        sql(&cluster, "postgres", "postgres", "UPDATE audit.logins SET at = now()");
        if !inactive(&agent).is_empty() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", agent.stderr());
        std::thread::sleep(Duration::from_millis(300));
    }
    assert!(begun.elapsed() > Duration::from_secs(9), "not before its time: {:?}", begun.elapsed());
    until_inactive(&agent, &["main/b"]);
}

#[tokio::test]
async fn both_kinds_of_store_keep_what_was_seen() {
    for place in [Place::sqlite(), Place::postgres()] {
        let store = place.open().await;
        let (cluster, other) = (SystemIdentifier(u64::MAX), SystemIdentifier(2));
        let at = |second: i64| UtcTime::from_micros(second * 1_000_000).unwrap();
        let seen = |oid: u32, mark_us: u64, seen_at: Option<i64>| Seen {
            oid: RoleOid(oid),
            role: format!("r{oid}"),
            known_at: at(1),
            seen_at: seen_at.map(at),
            mark_us,
        };
        assert_eq!(store.activity(cluster).await.unwrap().accounts.len(), 0);
        let put: Vec<Seen> = (1..=100).map(|oid| seen(oid, u64::from(oid), None)).collect();
        let changes = Changes { put, gone: Vec::new(), time: true };
        store.keep_activity(cluster, 1_000, &changes).await.unwrap();
        store.keep_activity(other, 5, &changes).await.unwrap();
        let put = vec![seen(7, 900, Some(5)), seen(u32::MAX, 3, None)];
        let changes = Changes { put, gone: vec![RoleOid(9)], time: true };
        store.keep_activity(cluster, 2_000, &changes).await.unwrap();
        let watch = store.activity(cluster).await.unwrap();
        assert_eq!((watch.watched_us, watch.written_us, watch.accounts.len()), (2_000, 2_000, 100));
        assert_eq!(watch.accounts[&RoleOid(7)], seen(7, 900, Some(5)));
        assert!(!watch.accounts.contains_key(&RoleOid(9)));
        let unseen = store.unseen(1_997, 10).await.unwrap();
        let found: Vec<u32> = unseen.iter().map(|one| one.seen.oid.0).collect();
        assert_eq!(found, [1, 2, 3, u32::MAX]);
        assert_eq!((unseen[0].cluster, unseen[0].watched_us), (cluster, 2_000));
        store.close().await;
    }
}
