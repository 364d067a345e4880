//! A store and a log that do not belong together, or to somebody else: refused, with what to do, and left
//! as they are.

mod common;

use common::logbook::Logbook;
use common::sample::revocation;
use revoked::audit::file::LogError;
use revoked::journal::JournalError;
use std::path::Path;

/// Runs an agent that accepts `rev_<n>` and ends in order.
async fn accept(logbook: &Logbook, n: u32) {
    let journal = logbook.start().await.unwrap();
    let new = revocation(&format!("rev_{n}"), &format!("person {n}"));
    journal.store.accept(&new).await.unwrap();
    journal.drain().await.unwrap();
    journal.store.close().await;
}

fn ids(revocations: std::ops::RangeInclusive<u32>) -> Vec<String> {
    revocations.flat_map(|n| (1..=3).map(move |record| format!("rev_{n}.{record}"))).collect()
}

fn assert_sound(logbook: &Logbook, revocations: std::ops::RangeInclusive<u32>) {
    let ids = ids(revocations);
    logbook.assert_sound(&ids.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Asserts that an agent does not start here, says `why` and what to do, and changes nothing.
async fn assert_refused(logbook: &Logbook, why: &str) {
    let content = |path: &Path| std::fs::read(path).unwrap();
    let before = content(&logbook.log_file());
    let store = logbook.store().await;
    let queued = store.queued_count().await.unwrap();
    let mark = store.landed_mark().await.unwrap();
    for _ in 0..2 {
        let error = logbook.start().await.err().expect("it was not refused");
        assert!(matches!(error, JournalError::Misfit(_)), "{error:?}");
        let says = error.to_string();
        assert!(says.contains(why), "{says}");
        assert!(says.contains("restore both from the same moment"), "{says}");
    }
    assert_eq!(content(&logbook.log_file()), before);
    assert_eq!(store.queued_count().await.unwrap(), queued);
    assert_eq!(store.landed_mark().await.unwrap(), mark);
    store.close().await;
}

#[tokio::test]
async fn a_log_cut_back_to_an_earlier_checkpoint() {
    let logbook = Logbook::new();
    accept(&logbook, 1).await;
    let earlier = std::fs::metadata(logbook.log_file()).unwrap().len();
    accept(&logbook, 2).await;
    let whole = std::fs::read(logbook.log_file()).unwrap();
    let cut = std::fs::File::options().write(true).open(logbook.log_file()).unwrap();
    cut.set_len(earlier).unwrap();
    assert_sound(&logbook, 1..=1);
    assert_refused(&logbook, "the log ends before line 8").await;
    // What it asks for helps.
    std::fs::write(logbook.log_file(), whole).unwrap();
    accept(&logbook, 3).await;
    assert_sound(&logbook, 1..=3);
}

#[tokio::test]
async fn another_log_of_the_same_key() {
    let (logbook, other) = (Logbook::new(), Logbook::new());
    accept(&logbook, 1).await;
    for n in 2..=4 {
        accept(&other, n).await;
    }
    std::fs::copy(other.log_file(), logbook.log_file()).unwrap();
    assert_sound(&logbook, 2..=4);
    assert_refused(&logbook, "line 4 of the log is not the one that the store knows").await;
}

#[tokio::test]
async fn another_log_of_the_same_key_that_is_longer_by_records_of_its_own() {
    let (logbook, other) = (Logbook::new(), Logbook::new());
    accept(&logbook, 1).await;
    std::fs::copy(logbook.log_file(), other.log_file()).unwrap();
    std::fs::copy(logbook.store_file(), other.store_file()).unwrap();
    accept(&other, 2).await;
    std::fs::copy(other.log_file(), logbook.log_file()).unwrap();
    assert_sound(&logbook, 1..=2);
    assert_refused(
        &logbook,
        "line 6 of the log has record `rev_2.1`, which the store does not know",
    )
    .await;
}

#[tokio::test]
async fn a_store_restored_from_an_older_copy() {
    let logbook = Logbook::new();
    accept(&logbook, 1).await;
    let copy = std::fs::read(logbook.store_file()).unwrap();
    accept(&logbook, 2).await;
    std::fs::write(logbook.store_file(), copy).unwrap();
    assert_refused(
        &logbook,
        "line 6 of the log has record `rev_2.1`, which the store does not know",
    )
    .await;
    assert_sound(&logbook, 1..=2);
}

#[tokio::test]
async fn a_new_store_beside_an_old_log() {
    let logbook = Logbook::new();
    accept(&logbook, 1).await;
    std::fs::remove_file(logbook.store_file()).unwrap();
    assert_refused(
        &logbook,
        "line 2 of the log has record `rev_1.1`, which the store does not know",
    )
    .await;
    assert_sound(&logbook, 1..=1);
}

#[tokio::test]
async fn a_new_log_beside_an_old_store() {
    let logbook = Logbook::new();
    accept(&logbook, 1).await;
    std::fs::copy(Logbook::new().log_file(), logbook.log_file()).unwrap();
    assert_refused(&logbook, "the log ends before line 4").await;
    logbook.assert_sound(&[]);
}

#[tokio::test]
async fn a_second_process() {
    let logbook = Logbook::new();
    accept(&logbook, 1).await;
    let journal = logbook.start().await.unwrap();
    let refused = logbook.log().err().expect("two held the log");
    assert!(matches!(refused, LogError::Locked { .. }), "{refused:?}");
    let says = refused.to_string();
    assert!(says.contains("another process holds it"), "{says}");
    assert!(says.contains("let the command talk to it"), "{says}");
    journal.store.close().await;
    drop(journal);
    accept(&logbook, 2).await;
    assert_sound(&logbook, 1..=2);
}
