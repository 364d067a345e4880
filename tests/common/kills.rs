//! Kills the agent at random moments under a stream of new expectations, and counts what became of them.

use super::agent::{Agent, PATIENCE, TOKEN};
use super::http::{REVOCATIONS, client};
use super::place::Place;
use super::{cluster, sql};
use reqwest::Client;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// Senders at the same time.
const SENDERS: u32 = 4;
/// Notices that are acknowledged in every other round where the log is to grow.
const MANY: usize = 8;

/// What came of it. Whatever should not have come of it was a panic.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) kills: u32,
    /// Starts after a kill: each took over the store, also its claim, and accepted notices again.
    pub(crate) restarts: u32,
    /// Notices that got 202.
    pub(crate) acknowledged: usize,
    /// Kills that left a commit of the log unfinished.
    pub(crate) unsealed: usize,
    /// Lines of the log that are not the writer's own.
    pub(crate) records: usize,
    /// Files of the log.
    pub(crate) files: usize,
    /// First line of the report of `revoked verify` on the whole log, which succeeded.
    pub(crate) verified: String,
}

/// Sends expectations until told to stop; tells of each that was acknowledged: event and revocation.
async fn send(
    client: Client,
    port: u16,
    sender: String,
    stop: CancellationToken,
    acknowledged: UnboundedSender<(String, String)>,
) {
    let url = format!("http://127.0.0.1:{port}{REVOCATIONS}");
    for number in 0.. {
        let event = format!("{sender}-{number}");
        let body = serde_json::json!({"username": event, "account": "x", "reason": "terminated"});
        let request = client.post(&url).bearer_auth(TOKEN).header("idempotency-key", &event);
        let answer = request.body(body.to_string()).send().await;
        if let Ok(answer) = answer
            && answer.status() == reqwest::StatusCode::ACCEPTED
        {
            let location = answer.headers()["location"].to_str().unwrap();
            let id = location.rsplit('/').next().unwrap().to_owned();
            acknowledged.send((event, id)).unwrap();
        }
        if stop.is_cancelled() {
            return;
        }
    }
}

/// Starts the agent, sends, and kills it; gives what was acknowledged before it died: every other time `least` notices
/// or more.
async fn round(
    agent: &mut Agent,
    client: &Client,
    number: u32,
    least: usize,
) -> Vec<(String, String)> {
    agent.start();
    let stop = CancellationToken::new();
    let (tell, mut told) = unbounded_channel();
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        let name = format!("r{number}s{sender}");
        senders.spawn(send(client.clone(), agent.api, name, stop.clone(), tell.clone()));
    }
    drop(tell);
    let mut acknowledged = Vec::new();
    // Every other time it may die before it has acknowledged anything, however slow the machine is.
    while number.is_multiple_of(2) && acknowledged.len() < least {
        let next = tokio::time::timeout(PATIENCE, told.recv()).await;
        acknowledged.push(next.expect("nothing was acknowledged").unwrap());
    }
    let [moment] = revoked::clock::random::<1>().unwrap();
    tokio::time::sleep(Duration::from_millis(u64::from(moment))).await;
    agent.kill();
    stop.cancel();
    while let Some(sent) = senders.join_next().await {
        sent.unwrap();
    }
    while let Some(one) = told.recv().await {
        acknowledged.push(one);
    }
    acknowledged
}

/// Revocations in the log and how often each was triggered.
fn triggered(log: &[serde_json::Value]) -> BTreeMap<&str, u32> {
    let mut counts = BTreeMap::new();
    for line in log.iter().filter(|line| line["type"] == "revocation_triggered") {
        *counts.entry(line["what"]["revocation"].as_str().unwrap()).or_default() += 1;
    }
    counts
}

/// Asserts that every record id stands in the log once; gives how many there are.
pub(crate) fn assert_exactly_once(log: &[serde_json::Value]) -> usize {
    let mut seen = BTreeSet::new();
    for id in log.iter().filter_map(|line| line["what"]["id"].as_str()) {
        assert!(seen.insert(id), "record {id} landed twice");
    }
    seen.len()
}

/// Kills an agent that keeps its state at `place` so many times. Panics if anything acknowledged was lost, if
/// anything landed twice, or if the log does not verify.
pub(crate) async fn kill(place: &Place, kills: u32) -> Figures {
    kill_often(place, (kills, kills), "", |_| true).await
}

/// As [`kill`], with `more` in the agent's configuration, and more often, up to four times so many times, until its log
/// has `files` files: how many lines a round adds depends on the machine.
pub(crate) async fn kill_until(place: &Place, kills: u32, more: &str, files: usize) -> Figures {
    kill_often(place, (kills, 4 * kills), more, |agent| agent.log_files().len() >= files).await
}

/// Kills it `least` times, and then until `enough` or `most` times.
async fn kill_often(
    place: &Place,
    (least, most): (u32, u32),
    more: &str,
    enough: impl Fn(&Agent) -> bool,
) -> Figures {
    let client = client();
    let cluster = cluster();
    sql(&cluster, "postgres", "postgres", "CREATE ROLE agent LOGIN; CREATE ROLE x LOGIN;");
    let mut agent = Agent::init(&[("main", &cluster.url("agent", "postgres"))], more);
    agent.keep_at(&place.url());
    let mut acknowledged = Vec::new();
    let (mut unsealed, mut kills) = (0, 0);
    let notices = if least < most { MANY } else { 1 };
    while kills < least || kills < most && !enough(&agent) {
        acknowledged.extend(round(&mut agent, &client, kills, notices).await);
        // Killed in the middle of a write the log may end unsealed (3); tampered (4) it must never be.
        let (code, report) = agent.verify();
        assert!(code == 0 || code == 3, "round {kills}: {code}\n{report}");
        unsealed += usize::from(code == 3);
        kills += 1;
    }
    agent.start();
    assert!(agent.stop().success(), "{}", agent.stderr());
    let (code, report) = agent.verify();
    assert_eq!(code, 0, "{report}");
    let log = agent.log();
    let records = assert_exactly_once(&log);
    let in_log = triggered(&log);
    let store = place.open().await;
    for (event, id) in &acknowledged {
        assert_eq!(in_log.get(id.as_str()), Some(&1), "{event} was acknowledged as {id}");
        let stored = store.revocation(id).await.unwrap();
        assert_eq!(stored.map(|found| found.stored.revocation.subject).as_ref(), Some(event));
    }
    assert_eq!(store.queued_count().await.unwrap(), 0);
    let verified = report.lines().find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    Figures {
        kills,
        restarts: kills,
        acknowledged: acknowledged.len(),
        unsealed,
        records,
        files: agent.log_files().len(),
        verified,
    }
}
