//! Store and log together: nothing is shown before it landed, each record lands once whatever happens, and
//! what does not fit is refused.

mod common;

use common::logbook::{Logbook, key, metrics};
use common::place::execute;
use common::sample::{revocation, verified};
use revoked::audit::file::LogFile;
use revoked::audit::format::START;
use revoked::audit::key::LogKey;
use revoked::audit::signer::{PublicKey, SignError, Signer};
use revoked::audit::writer::WriteError;
use revoked::journal::{Journal, JournalError, Settings};
use revoked::store::Acceptance;
use revoked::supervise::Pulses;
use serde_json::Map;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const LONG: Duration = Duration::from_secs(60);
const FIRST: [&str; 3] = ["rev_1.1", "rev_1.2", "rev_1.3"];
const BOTH: [&str; 6] = ["rev_1.1", "rev_1.2", "rev_1.3", "rev_2.1", "rev_2.2", "rev_2.3"];

/// Accepts revocation `rev_<n>` and gives the record to wait for.
async fn accept(journal: &Journal, n: u32) -> String {
    let new = revocation(&format!("rev_{n}"), &format!("person {n}"));
    match journal.store.accept(&new).await.unwrap() {
        Acceptance::New { record, .. } => record,
        Acceptance::Repeated { id } => panic!("{id} is there already"),
    }
}

async fn shown(journal: &Journal) -> usize {
    journal.store.list(100).await.unwrap().len()
}

/// Ends without a word to anybody, as a crash does: nothing is drained, released or noted.
async fn crash(journal: Journal) {
    journal.store.close().await;
}

#[tokio::test]
async fn nothing_is_shown_before_it_landed() {
    let logbook = Logbook::new();
    let metrics = metrics();
    let journal = logbook.start_with(metrics.clone()).await.unwrap();
    let page = || String::from_utf8(metrics.render(0.0).unwrap()).unwrap();
    let record = accept(&journal, 1).await;
    assert_eq!(shown(&journal).await, 0);
    assert!(page().contains("access_revocations_total{reason=\"terminated\"} 0\n"));
    let late = journal.landed(&record, Duration::from_millis(10)).await.unwrap_err();
    assert!(matches!(late, JournalError::Late(_)), "{late:?}");

    journal.drain().await.unwrap();
    assert_eq!(shown(&journal).await, 1);
    let page = page();
    for line in [
        "access_revocations_total{reason=\"terminated\"} 1\n",
        "access_revocation_audit_queued_records 0\n",
        // Genesis, checkpoint, three records: the checkpoint after them is line 5.
        "access_revocation_audit_head_sequence 5\n",
        "access_revocation_audit_records_total 3\n",
    ] {
        assert!(page.contains(line), "{line}");
    }
    journal.landed(&record, LONG).await.unwrap();
    logbook.assert_sound(&FIRST);
}

#[tokio::test]
async fn those_who_wait_are_told_when_it_landed() {
    let logbook = Logbook::new();
    let journal = logbook.start().await.unwrap();
    let stop = CancellationToken::new();
    let producer = Arc::new(());
    let pulse = Pulses::default().watch("the journal", LONG);
    let running = journal.run("host:1:1", stop.clone(), Arc::downgrade(&producer), &pulse);
    let working = async {
        let record = accept(&journal, 1).await;
        // Several wait for the same record, one of them not for long.
        let (one, other, _) = tokio::join!(
            journal.landed(&record, LONG),
            journal.landed(&record, LONG),
            journal.landed(&record, Duration::ZERO),
        );
        one.unwrap();
        other.unwrap();
        assert_eq!(shown(&journal).await, 1);
        // While it stops, an answer in flight still gets its record.
        stop.cancel();
        let record = accept(&journal, 2).await;
        journal.landed(&record, LONG).await.unwrap();
        // And what nobody waits for lands as well before it ends.
        accept(&journal, 3).await;
        drop(producer);
    };
    let (ran, ()) = tokio::join!(running, working);
    ran.unwrap();
    assert_eq!(journal.store.queued_count().await.unwrap(), 0);
    let mut ids = BOTH.to_vec();
    ids.extend(["rev_3.1", "rev_3.2", "rev_3.3"]);
    logbook.assert_sound(&ids);
}

#[tokio::test]
async fn two_who_drain_at_once_land_each_record_once() {
    let logbook = Logbook::new();
    let journal = logbook.start().await.unwrap();
    accept(&journal, 1).await;
    accept(&journal, 2).await;
    let (one, other) = tokio::join!(journal.drain(), journal.drain());
    one.unwrap();
    other.unwrap();
    assert_eq!(shown(&journal).await, 2);
    logbook.assert_sound(&BOTH);
}

#[tokio::test]
async fn a_crash_between_log_and_store_lands_nothing_twice() {
    // How many records of two revocations the log took before the crash.
    for taken in 0..=6 {
        let logbook = Logbook::new();
        let journal = logbook.start().await.unwrap();
        accept(&journal, 1).await;
        accept(&journal, 2).await;
        let queued = journal.store.queued(taken).await.unwrap();
        let last = queued.last().map(|record| record.id.clone());
        crash(journal).await;
        for record in &queued {
            logbook.append_untold(std::slice::from_ref(record));
        }

        let journal = logbook.start().await.unwrap();
        assert_eq!(journal.store.queued_count().await.unwrap(), 6 - taken);
        if let Some(last) = last {
            assert_eq!(journal.store.landed(&last).await.unwrap(), Some(true));
            let (mark, _) = journal.store.landed_mark().await.unwrap().unwrap();
            let line = logbook.lines().into_iter().find(|line| line["what"]["id"] == last.as_str());
            assert_eq!(line.unwrap()["seq"], mark, "the mark is at the last record");
        }
        journal.drain().await.unwrap();
        assert_eq!(shown(&journal).await, 2, "{taken} were taken");
        crash(journal).await;
        logbook.start().await.unwrap();
        logbook.assert_sound(&BOTH);
    }
}

#[tokio::test]
async fn a_crash_before_the_log_loses_nothing() {
    let logbook = Logbook::new();
    let journal = logbook.start().await.unwrap();
    accept(&journal, 1).await;
    journal.drain().await.unwrap();
    let from = journal.store.revocation("rev_1").await.unwrap().unwrap();
    journal.store.advance(&verified(&from, 60)).await.unwrap();
    accept(&journal, 2).await;
    crash(journal).await;

    let journal = logbook.start().await.unwrap();
    assert_eq!(shown(&journal).await, 1);
    journal.drain().await.unwrap();
    assert_eq!(shown(&journal).await, 2);
    let mut ids = BOTH.to_vec();
    ids.extend(["rev_1.4", "rev_1.5"]);
    logbook.assert_sound(&ids);
}

#[tokio::test]
async fn a_crash_in_the_middle_of_a_commit_lands_it_again_and_once() {
    let logbook = Logbook::new();
    let journal = logbook.start().await.unwrap();
    accept(&journal, 1).await;
    let queued = journal.store.queued(10).await.unwrap();
    crash(journal).await;
    logbook.append_untold(&queued);
    // The checkpoint did not reach the disk.
    let text = std::fs::read_to_string(logbook.log_file()).unwrap();
    let (records, checkpoint) = text.trim_end().rsplit_once('\n').unwrap();
    assert!(checkpoint.contains("\"type\":\"checkpoint\""), "{checkpoint}");
    std::fs::write(logbook.log_file(), format!("{records}\n")).unwrap();

    let journal = logbook.start().await.unwrap();
    assert_eq!(shown(&journal).await, 0, "what is not sealed did not happen");
    journal.drain().await.unwrap();
    assert_eq!(shown(&journal).await, 1);
    logbook.assert_sound(&FIRST);
}

#[tokio::test]
async fn a_store_that_fails_after_the_log_took_the_records_is_told_later() {
    let logbook = Logbook::new();
    let journal = logbook.start().await.unwrap();
    let record = accept(&journal, 1).await;
    execute(
        &journal.store,
        "CREATE TRIGGER away BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'away'); END",
    )
    .await;
    for _ in 0..3 {
        let error = journal.drain().await.unwrap_err();
        assert!(matches!(error, JournalError::Store(_)), "{error:?}");
        assert_eq!(shown(&journal).await, 0);
    }
    accept(&journal, 2).await;
    execute(&journal.store, "DROP TRIGGER away").await;
    journal.drain().await.unwrap();
    journal.landed(&record, LONG).await.unwrap();
    assert_eq!(shown(&journal).await, 2);
    logbook.assert_sound(&BOTH);
    crash(journal).await;
    logbook.start().await.unwrap();
}

#[tokio::test]
async fn a_drain_that_is_given_up_halfway_lands_nothing_twice() {
    // Given up after each of its first steps.
    for steps in 0..40 {
        let logbook = Logbook::new();
        let journal = logbook.start().await.unwrap();
        accept(&journal, 1).await;
        {
            let mut drain = std::pin::pin!(journal.drain());
            for _ in 0..steps {
                if std::future::poll_fn(|context| Poll::Ready(drain.as_mut().poll(context)))
                    .await
                    .is_ready()
                {
                    break;
                }
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        }
        journal.drain().await.unwrap();
        assert_eq!(shown(&journal).await, 1);
        crash(journal).await;
        logbook.assert_sound(&FIRST);
    }
}

#[tokio::test]
async fn a_log_that_refuses_blocks_and_a_restart_goes_on() {
    let logbook = Logbook::new();
    let journal = logbook.start().await.unwrap();
    accept(&journal, 1).await;
    let mut file = std::fs::File::options().append(true).open(logbook.log_file()).unwrap();
    file.write_all(b"{}\n").unwrap();
    assert!(!journal.blocked());
    for _ in 0..2 {
        let error = journal.drain().await.unwrap_err();
        assert!(matches!(error, JournalError::Write(_)), "{error:?}");
        assert!(journal.blocked(), "no notice can be accepted any more");
    }
    assert_eq!(shown(&journal).await, 0);
    crash(journal).await;

    let journal = logbook.start().await.unwrap();
    journal.drain().await.unwrap();
    assert_eq!(shown(&journal).await, 1);
    logbook.assert_sound(&FIRST);
}

#[tokio::test]
async fn lines_of_the_writers_own_need_no_store() {
    let logbook = Logbook::new();
    for n in 1..=2 {
        let journal = logbook.start().await.unwrap();
        journal.note(START, &Map::new()).await.unwrap();
        accept(&journal, n).await;
        journal.drain().await.unwrap();
        journal.note(START, &Map::new()).await.unwrap();
        crash(journal).await;
    }
    logbook.start().await.unwrap();
    logbook.assert_sound(&BOTH);
}

/// A signer as a key service is one: sometimes away.
struct Service {
    key: LogKey,
    away: Arc<AtomicBool>,
}

impl Signer for Service {
    fn public(&self) -> &PublicKey {
        self.key.public()
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], SignError> {
        if self.away.load(Ordering::Relaxed) {
            return Err(SignError("the key service does not answer".into()));
        }
        self.key.sign(text)
    }
}

#[tokio::test]
async fn a_log_that_takes_nothing_for_a_while_loses_nothing_that_fits_the_queue() {
    let logbook = Logbook::new();
    let away = Arc::new(AtomicBool::new(false));
    let signer = Service { key: key(), away: away.clone() };
    let log = LogFile::open(&logbook.log_dir(), signer, "2026-01-01T00:00:00.000000Z").unwrap();
    let metrics = metrics();
    let settings = Settings { queue: 6, ..Settings::default() };
    let store = logbook.store().await;
    let journal = Journal::open(store, log, metrics.clone(), settings).await.unwrap();
    let page = || String::from_utf8(metrics.render(0.0).unwrap()).unwrap();

    away.store(true, Ordering::Relaxed);
    let record = accept(&journal, 1).await;
    for _ in 0..3 {
        let error = journal.drain().await.unwrap_err();
        assert!(matches!(error, JournalError::Write(WriteError::Refused(_))), "{error:?}");
        assert!(journal.blocked());
    }
    assert!(page().contains("access_revocation_audit_blocked 1\n"));
    // Who waits is told at once, and not after a minute.
    let error = journal.landed(&record, LONG).await.unwrap_err();
    assert!(matches!(error, JournalError::Blocked), "{error:?}");
    assert_eq!(shown(&journal).await, 0);

    let stop = CancellationToken::new();
    let producer = Arc::new(());
    let pulse = Pulses::default().watch("the journal", LONG);
    let running = journal.run("host:1:1", stop.clone(), Arc::downgrade(&producer), &pulse);
    let working = async {
        assert!(journal.has_room());
        accept(&journal, 2).await;
        while journal.has_room() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The same move is passed over by one look after another.
        for _ in 0..3 {
            journal.pass_over(["rev_1 observation".to_owned(), "rev_2 access_revoked".to_owned()]);
        }
        assert!(page().contains("access_revocation_audit_unrecorded_total 2\n"));
        away.store(false, Ordering::Relaxed);
        while journal.blocked() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        journal.landed(&record, LONG).await.unwrap();
        stop.cancel();
        drop(producer);
    };
    let (ran, ()) = tokio::join!(running, working);
    ran.unwrap();
    assert!(journal.has_room());
    assert_eq!(shown(&journal).await, 2);
    assert!(page().contains("access_revocation_audit_blocked 0\n"));
    logbook.assert_sound(&BOTH);
    let lines = logbook.lines();
    let losses: Vec<_> = lines.iter().filter(|line| line["type"] == "loss").collect();
    assert_eq!(losses.len(), 1);
    assert_eq!(losses[0]["what"], serde_json::json!({"cause": "queue_full", "unrecorded": 2}));
}

/// Whoever drains may be stopped at any moment.
#[tokio::test]
async fn what_was_passed_over_is_said_once_however_often_saying_so_is_given_up() {
    let logbook = Logbook::new();
    let log = logbook.log().unwrap();
    let journal =
        Journal::open(logbook.store().await, log, metrics(), Settings::default()).await.unwrap();
    accept(&journal, 1).await;
    journal.pass_over(["rev_1 observation".to_owned()]);
    for _ in 0..50 {
        // As far as the first time that it waits.
        let _ = tokio::time::timeout(Duration::ZERO, journal.drain()).await;
    }
    journal.pass_over(["rev_1 observation".to_owned(), "rev_2 observation".to_owned()]);
    for _ in 0..50 {
        let _ = tokio::time::timeout(Duration::ZERO, journal.drain()).await;
    }
    journal.drain().await.unwrap();
    drop(journal);
    let lines = logbook.lines();
    let told = lines.iter().filter(|line| line["type"] == "loss");
    let told: u64 = told.map(|line| line["what"]["unrecorded"].as_u64().unwrap()).sum();
    assert!((2..=3).contains(&told), "{lines:#?}");
}
