//! More than one commit under way: the log does not wait for the store, and nothing lands without what was queued
//! before it.

mod common;

use common::logbook::{Logbook, key, metrics};
use common::sample::revocation;
use revoked::audit::file::{Entry, LogFile, Moment};
use revoked::audit::key::LogKey;
use revoked::audit::signer::{PublicKey, SignError, Signer};
use revoked::audit::writer::{LogWriter, Sent, WriteError};
use revoked::clock;
use revoked::journal::{Journal, JournalError, Settings};
use revoked::store::Acceptance;
use serde_json::Value;
use sqlx::{Connection as _, SqliteConnection};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Records of a revocation that was accepted.
const EACH: usize = 3;
/// Revocations whose records fill two commits of the log, and begin a third.
const MANY: u32 = 100;
const BEGAN: &str = "2026-01-01T00:00:00.000000Z";
const PATIENCE: Duration = Duration::from_secs(60);

/// What the signer does at its next signature, and who asked for those so far.
#[derive(Default)]
struct Mood {
    wait: Duration,
    /// It does not sign until this is over.
    holds: bool,
    fails: bool,
    asked: Vec<String>,
}

/// A signer that may take its time, or fail, once.
struct Moody {
    key: LogKey,
    mood: Arc<Mutex<Mood>>,
}

impl Signer for Moody {
    fn public(&self) -> &PublicKey {
        self.key.public()
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], SignError> {
        let (wait, fails) = {
            let mut mood = self.mood.lock().unwrap();
            let thread = std::thread::current().name().unwrap_or_default().to_owned();
            mood.asked.push(thread);
            (std::mem::take(&mut mood.wait), std::mem::take(&mut mood.fails))
        };
        std::thread::sleep(wait);
        until(|| !self.mood.lock().unwrap().holds);
        if fails {
            return Err(SignError("the key service does not answer".into()));
        }
        self.key.sign(text)
    }
}

fn log(logbook: &Logbook) -> (LogFile, Arc<Mutex<Mood>>) {
    let mood = Arc::new(Mutex::new(Mood::default()));
    let signer = Moody { key: key(), mood: mood.clone() };
    (LogFile::open(&logbook.log_dir(), signer, BEGAN).unwrap(), mood)
}

fn until(is_done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_done() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A writer whose signer has been asked for the commit of `first`, and holds until [`go_on`]: what is sent meanwhile is
/// not part of that, and all of it waits.
async fn held(
    logbook: &Logbook,
    first: Vec<Entry>,
    fails: bool,
) -> (LogWriter, Arc<Mutex<Mood>>, Sent) {
    let (file, mood) = log(logbook);
    let writer = LogWriter::start(file).unwrap();
    *mood.lock().unwrap() = Mood { holds: true, fails, ..Mood::default() };
    let sent = writer.send(first, now()).await.unwrap();
    until(|| !mood.lock().unwrap().asked.is_empty());
    (writer, mood, sent)
}

fn go_on(mood: &Mutex<Mood>) {
    mood.lock().unwrap().holds = false;
}

fn now() -> Moment {
    clock::now().into()
}

fn entry(n: u32) -> Vec<Entry> {
    let what = serde_json::json!({"id": format!("rev_1.{n}")});
    vec![Entry::new("observation", what.as_object().unwrap())]
}

async fn start(logbook: &Logbook) -> (Journal, Arc<Mutex<Mood>>) {
    let (log, mood) = log(logbook);
    let store = logbook.store().await;
    (Journal::open(store, log, metrics(), Settings::default()).await.unwrap(), mood)
}

/// Accepts so many revocations from number `first` on.
async fn accept(journal: &Journal, first: u32, count: u32) {
    for n in first..first + count {
        let new = revocation(&format!("rev_{n}"), &format!("person {n}"));
        let accepted = journal.store.accept(&new).await.unwrap();
        assert!(matches!(accepted, Acceptance::New { .. }), "{n}");
    }
}

/// Ids of the records in the log, in its order. A line that is being written does not count.
fn landed(logbook: &Logbook) -> Vec<String> {
    let bytes = std::fs::read(logbook.log_file()).unwrap();
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    whole.filter_map(|line| line["what"]["id"].as_str().map(str::to_owned)).collect()
}

async fn waiting(journal: &Journal) -> Vec<String> {
    let queued = journal.store.queued(10_000).await.unwrap();
    queued.into_iter().map(|record| record.id).collect()
}

fn assert_sound(logbook: &Logbook, ids: &[String]) {
    assert_eq!(landed(logbook), ids, "in the order in which they were queued");
    logbook.assert_sound(&ids.iter().map(String::as_str).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_log_goes_on_while_the_store_is_not_told() {
    let logbook = Logbook::new();
    let (journal, _) = start(&logbook).await;
    accept(&journal, 0, MANY).await;
    let ids = waiting(&journal).await;
    // Somebody else writes to the store: it can be read, and told nothing.
    let url = format!("sqlite://{}", logbook.store_file().display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let letting_go = async {
        let begun = Instant::now();
        // Two commits were answered or are under way, of which the store knows nothing.
        while landed(&logbook).len() < 256 {
            assert!(begun.elapsed() < PATIENCE, "{} landed", landed(&logbook).len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(waiting(&journal).await.len(), MANY as usize * EACH);
        assert!(journal.store.list(10).await.unwrap().is_empty(), "nothing is shown");
        held.rollback().await.unwrap();
    };
    let (_, ()) = tokio::join!(journal.drain(), letting_go);
    // A slow machine may have made the store give up in between.
    journal.drain().await.unwrap();
    assert_eq!(waiting(&journal).await, Vec::<String>::new());
    assert_eq!(journal.store.list(1_000).await.unwrap().len(), MANY as usize);
    assert_sound(&logbook, &ids);
}

/// Signing takes as long as many writes: the thread that writes must never do it, nor anybody twice.
#[tokio::test]
async fn commits_are_built_beside_the_thread_that_writes() {
    let logbook = Logbook::new();
    let (journal, mood) = start(&logbook).await;
    accept(&journal, 0, MANY).await;
    let ids = waiting(&journal).await;
    mood.lock().unwrap().wait = Duration::from_millis(50);
    journal.drain().await.unwrap();
    let asked = std::mem::take(&mut mood.lock().unwrap().asked);
    assert!(asked.iter().all(|thread| thread == "log-builder"), "{asked:?}");
    // Two are under way at once, and may have become one. The first checkpoint is that of the genesis.
    let text = std::fs::read_to_string(logbook.log_file()).unwrap();
    let commits = text.matches("\"type\":\"checkpoint\"").count() - 1;
    assert_eq!(asked.len(), commits, "each commit is signed once");
    assert!((2..=3).contains(&commits), "{commits}");
    assert_sound(&logbook, &ids);
}

#[tokio::test]
async fn what_is_under_way_behind_a_commit_that_fails_waits_with_it() {
    let logbook = Logbook::new();
    let (journal, mood) = start(&logbook).await;
    accept(&journal, 0, MANY).await;
    let ids = waiting(&journal).await;
    for wait in [0, 200, 500].map(Duration::from_millis) {
        *mood.lock().unwrap() = Mood { wait, fails: true, ..Mood::default() };
        let error = journal.drain().await.unwrap_err();
        assert!(matches!(error, JournalError::Write(WriteError::Refused(_))), "{error:?}");
        assert!(journal.blocked(), "no notice can be accepted");
        assert_eq!(landed(&logbook), Vec::<String>::new());
        assert_eq!(waiting(&journal).await, ids);
    }
    journal.drain().await.unwrap();
    assert!(!journal.blocked());
    assert_sound(&logbook, &ids);
}

/// As above, where what comes when is certain: all of them are there before the first one is refused.
#[tokio::test]
async fn what_was_sent_behind_a_refused_commit_is_refused() {
    let logbook = Logbook::new();
    let (writer, mood, mut first) = held(&logbook, entry(1), true).await;
    let mut behind = Vec::new();
    for n in 2..4 {
        behind.push(writer.send_behind(entry(n), now()).await.unwrap());
    }
    let mut other = writer.send(entry(4), now()).await.unwrap();
    let mut last = writer.send_behind(entry(5), now()).await.unwrap();
    go_on(&mood);
    let why = format!("{:?}", first.answer().await.unwrap_err());
    assert!(why.contains("Refused") && why.contains("the key service"), "{why}");
    for mut behind in behind {
        assert_eq!(format!("{:?}", behind.answer().await.unwrap_err()), why);
    }
    assert_eq!(other.answer().await.unwrap()[0].seq, 2);
    assert_eq!(last.answer().await.unwrap()[0].seq, 3, "one commit has both");
    assert_sound(&logbook, &["rev_1.4".to_owned(), "rev_1.5".to_owned()]);
}

/// What waits for the disk shares a sync, and each is told of its own lines.
#[tokio::test]
async fn what_waits_becomes_one_commit() {
    let logbook = Logbook::new();
    let (writer, mood, mut first) = held(&logbook, entry(0), false).await;
    let mut sent = Vec::new();
    for n in 0..20 {
        let both = [entry(2 * n + 1), entry(2 * n + 2)].concat();
        sent.push(writer.send(both, now()).await.unwrap());
    }
    go_on(&mood);
    let mut places = vec![first.answer().await.unwrap()[0].seq];
    for mut sent in sent {
        let lines = sent.answer().await.unwrap();
        assert_eq!(lines.len(), 2);
        places.extend(lines.iter().map(|line| line.seq));
    }
    // After genesis and its checkpoint: the first record, its checkpoint, and the others.
    assert_eq!(places, std::iter::once(2).chain(4..44).collect::<Vec<u64>>());
    assert_eq!(writer.reader().head(), 44);
    assert_eq!(mood.lock().unwrap().asked.len(), 2);
    let ids: Vec<String> = (0..41).map(|n| format!("rev_1.{n}")).collect();
    assert_sound(&logbook, &ids);
}

/// A record without canonical form closes the log, as no commit of it can be made. It takes nobody with it who was before.
#[tokio::test]
async fn what_can_have_no_line_is_a_commit_of_its_own() {
    let logbook = Logbook::new();
    let (writer, mood, mut first) = held(&logbook, entry(1), false).await;
    let mut before = writer.send(entry(2), now()).await.unwrap();
    let unfit = serde_json::json!({"id": "rev_1.3", "ratio": 0.5});
    let unfit = vec![Entry::new("observation", unfit.as_object().unwrap())];
    let mut unfit = writer.send(unfit, now()).await.unwrap();
    let mut behind = writer.send(entry(4), now()).await.unwrap();
    go_on(&mood);
    assert!(first.answer().await.is_ok() && before.answer().await.is_ok());
    let why = format!("{:#}", anyhow::Error::new(unfit.answer().await.unwrap_err()));
    assert!(why.contains("0.5 is not an integer"), "{why}");
    assert!(matches!(behind.answer().await.unwrap_err(), WriteError::Failed(_)));
    assert_sound(&logbook, &["rev_1.1".to_owned(), "rev_1.2".to_owned()]);
}

/// Nobody waits for the answers, and the writer is given up while some of it is not even built.
#[tokio::test]
async fn what_was_sent_lands_though_the_writer_is_dropped() {
    let logbook = Logbook::new();
    let (writer, mood, _) = held(&logbook, entry(0), false).await;
    for n in 1..9 {
        writer.send(entry(n), now()).await.unwrap();
        // Never joined.
        writer.send(Vec::new(), now()).await.unwrap();
    }
    let dropping = tokio::task::spawn_blocking(move || drop(writer));
    tokio::time::sleep(Duration::from_millis(50)).await;
    go_on(&mood);
    dropping.await.unwrap();
    let ids: Vec<String> = (0..9).map(|n| format!("rev_1.{n}")).collect();
    assert_sound(&logbook, &ids);
}
