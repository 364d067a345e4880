//! The agent reads its own log as an outsider would, and says what that gives.

mod common;

use common::agent::PATIENCE;
use common::logbook::{Logbook, metrics};
use revoked::audit::file::{Entry, Limits};
use revoked::audit::format::START;
use revoked::journal::Journal;
use revoked::metrics::Metrics;
use serde_json::Map;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Reads the log once, and gives the metrics after that.
async fn checked(journal: &Arc<Journal>, metrics: &Metrics, wanted: &str) {
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    let (reader, stopped) = (journal.clone(), stop.clone());
    tasks.spawn(async move { reader.run_check(stopped).await });
    let begun = Instant::now();
    loop {
        let page = String::from_utf8(metrics.render(0.0).unwrap()).unwrap();
        if page.lines().any(|line| line == wanted) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{wanted} is not in\n{page}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_log_that_is_changed_under_the_agent_is_told_of() {
    let logbook = Logbook::new();
    let metrics = metrics();
    let journal = Arc::new(logbook.start_with(metrics.clone()).await.unwrap());
    let page = || String::from_utf8(metrics.render(0.0).unwrap()).unwrap();
    for family in ["chain_valid", "verified_sequence", "missing_records"] {
        let family = format!("access_revocation_audit_{family}");
        assert!(!page().contains(&family), "{family} is shown before anything was read");
    }
    journal.note(START, &Map::new()).await.unwrap();
    let newest = page().lines().find_map(|line| {
        line.strip_prefix("access_revocation_audit_head_sequence ").map(str::to_owned)
    });
    let newest = newest.unwrap();
    checked(&journal, &metrics, &format!("access_revocation_audit_verified_sequence {newest}"))
        .await;
    assert!(page().contains("access_revocation_audit_chain_valid 1\n"), "{}", page());
    assert!(page().contains("access_revocation_audit_missing_records 0\n"), "{}", page());

    // One letter of the first line, and nothing becomes longer or shorter.
    let text = std::fs::read_to_string(logbook.log_file()).unwrap();
    let changed = text.replacen("test/journal", "fest/journal", 1);
    assert_ne!(text, changed);
    std::fs::write(logbook.log_file(), &changed).unwrap();
    checked(&journal, &metrics, "access_revocation_audit_chain_valid 0").await;
    std::fs::write(logbook.log_file(), &text).unwrap();
    checked(&journal, &metrics, "access_revocation_audit_chain_valid 1").await;

    // Less than what was sealed.
    std::fs::write(logbook.log_file(), &text[..text.len() / 2]).unwrap();
    checked(&journal, &metrics, "access_revocation_audit_chain_valid 0").await;
}

#[tokio::test]
async fn files_that_were_moved_to_an_archive_are_no_fault_and_one_in_between_is() {
    let logbook = Logbook::new();
    let limits = Limits { bytes: 1, age: Duration::MAX };
    let mut log = logbook.log().unwrap().with_limits(limits);
    for _ in 0..4 {
        let heartbeat = Entry::new("heartbeat", &Map::new());
        log.append(&[heartbeat], revoked::clock::now()).unwrap();
    }
    drop(log);
    let metrics = metrics();
    let journal = Arc::new(logbook.start_with(metrics.clone()).await.unwrap());
    let file = |n: usize| {
        let mut files: Vec<_> = std::fs::read_dir(logbook.log_dir()).unwrap().collect();
        files
            .retain(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == "jsonl"));
        files.sort_by_key(|file| file.as_ref().unwrap().path());
        files[n].as_ref().unwrap().path()
    };
    let archive = |n: usize| {
        let (from, to) = (file(n), logbook.log_dir().join(format!("archived-{n}")));
        std::fs::rename(&from, &to).unwrap();
        (from, to)
    };
    // A line more than it had when the next one was begun.
    let sound = std::fs::read(file(1)).unwrap();
    let set = |bytes: &[u8]| {
        std::fs::remove_file(file(1).with_extension("new")).ok();
        std::fs::write(file(1).with_extension("new"), bytes).unwrap();
        std::fs::rename(file(1).with_extension("new"), file(1)).unwrap();
    };
    set(&[&sound[..], b"{}\n"].concat());
    checked(&journal, &metrics, "access_revocation_audit_chain_valid 0").await;
    set(&sound);
    checked(&journal, &metrics, "access_revocation_audit_chain_valid 1").await;
    archive(0);
    checked(&journal, &metrics, "access_revocation_audit_chain_valid 1").await;
    let (from, to) = archive(1);
    checked(&journal, &metrics, "access_revocation_audit_chain_valid 0").await;
    std::fs::rename(to, from).unwrap();
    checked(&journal, &metrics, "access_revocation_audit_chain_valid 1").await;
}
