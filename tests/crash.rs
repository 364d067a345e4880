//! Killed at random moments under a stream of new expectations: what was acknowledged is in the store and
//! in the log, exactly once, and the log verifies each time.

mod common;

use common::agent::{Agent, TOKEN};
use common::{cluster, sql};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How often it is killed.
const KILLS: u32 = 30;
/// Senders at the same time.
const SENDERS: u32 = 4;

/// Sends expectations until told to stop; gives what was acknowledged: event and revocation.
async fn send(port: u16, sender: String, stop: Arc<AtomicBool>) -> Vec<(String, String)> {
    let client =
        reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy().build().unwrap();
    let url = format!("http://127.0.0.1:{port}/api/v1/revocations");
    let mut acknowledged = Vec::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let event = format!("{sender}-{number}");
        let body = serde_json::json!({"username": event, "account": "x", "reason": "terminated"});
        let answer = client
            .post(&url)
            .bearer_auth(TOKEN)
            .header("idempotency-key", &event)
            .body(body.to_string())
            .send()
            .await;
        let Ok(answer) = answer else { continue };
        if answer.status() != reqwest::StatusCode::ACCEPTED {
            continue;
        }
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        acknowledged.push((event, location.rsplit('/').next().unwrap().to_owned()));
    }
    acknowledged
}

/// Revocations in the log and how often each was triggered.
fn triggered(agent: &Agent) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for line in agent.log() {
        if line["type"] == "revocation_triggered" {
            *counts.entry(line["what"]["revocation"].as_str().unwrap().to_owned()).or_default() +=
                1;
        }
    }
    counts
}

/// Every record id stands in the log once.
fn assert_exactly_once(agent: &Agent) {
    let mut seen = std::collections::BTreeSet::new();
    for line in agent.log() {
        if let Some(id) = line["what"]["id"].as_str() {
            assert!(seen.insert(id.to_owned()), "record {id} landed twice");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_lands_twice() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE agent LOGIN; CREATE ROLE x LOGIN;");
    let mut agent = Agent::init(&[("main", &cluster.url("agent", "postgres"))], "");
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        agent.start();
        let stop = Arc::new(AtomicBool::new(false));
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..SENDERS {
            senders.spawn(send(agent.api, format!("r{round}s{sender}"), stop.clone()));
        }
        let [moment] = revoked::clock::random::<1>().unwrap();
        tokio::time::sleep(Duration::from_millis(50 + u64::from(moment))).await;
        agent.kill();
        stop.store(true, Ordering::Relaxed);
        while let Some(sent) = senders.join_next().await {
            acknowledged.extend(sent.unwrap());
        }
        // Killed in the middle of a write the log may end unsealed (3); tampered (4) it must never be.
        let (code, report) = agent.verify();
        assert!(code == 0 || code == 3, "round {round}: {code}\n{report}");
    }
    agent.start();
    assert!(agent.stop().success(), "{}", agent.stderr());
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    assert_exactly_once(&agent);
    let in_log = triggered(&agent);
    // Else the kills came too early to tell anything.
    assert!(acknowledged.len() > KILLS as usize, "only {} were acknowledged", acknowledged.len());
    for (event, id) in &acknowledged {
        assert_eq!(in_log.get(id), Some(&1), "{event} was acknowledged as {id}");
    }
    let store = revoked::store::Store::open(&format!(
        "sqlite://{}",
        agent.dir().join("state/revoked.db").display()
    ))
    .await
    .unwrap();
    for (event, id) in &acknowledged {
        let stored = store.revocation(id).await.unwrap();
        assert_eq!(stored.map(|stored| stored.revocation.subject).as_ref(), Some(event));
    }
    assert_eq!(store.queued_count().await.unwrap(), 0);
}
