//! A store and a log of their own, to be broken in every way.

use revoked::audit::file::{Entry, LogError, LogFile, create, lock};
use revoked::audit::format::FIRST_SEGMENT;
use revoked::audit::key::LogKey;
use revoked::audit::verify::{Outcome, Verifier, Vkey};
use revoked::journal::{Journal, JournalError, Settings};
use revoked::metrics::{Metrics, Vocabulary};
use revoked::store::{QueuedRecord, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// When the log was made, long before anything in it.
const BEGAN: &str = "2026-01-01T00:00:00.000000Z";

/// A directory with `log/` and `revoked.db`.
pub(crate) struct Logbook {
    dir: PathBuf,
    _home: Option<TempDir>,
}

pub(crate) fn key() -> LogKey {
    LogKey::from_seed("test/journal/0011223344556677", &Zeroizing::new([7; 32]))
}

pub(crate) fn metrics() -> Arc<Metrics> {
    let vocabulary = Vocabulary {
        reasons: vec!["terminated"],
        milestones: vec![("full", "terminated", "login"), ("full", "terminated", "access")],
        causes: vec!["unreachable"],
        relapses: vec!["unknown"],
        uses: vec!["after_end"],
        asks: vec!["withdraw"],
        exceptions: vec!["grace"],
        tones: vec!["polite"],
        surfaces: vec!["login"],
        targets: vec!["main".to_owned()],
    };
    Arc::new(Metrics::new(vocabulary, ["0", "test", "1"]).unwrap())
}

impl Logbook {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("log")).unwrap();
        create(&home.path().join("log"), &key(), "next", BEGAN).unwrap();
        let dir = home.path().to_owned();
        Self { dir, _home: Some(home) }
    }

    /// One that is there already.
    pub(crate) fn at(dir: PathBuf) -> Self {
        Self { dir, _home: None }
    }

    pub(crate) fn log_dir(&self) -> PathBuf {
        self.dir.join("log")
    }

    pub(crate) fn log_file(&self) -> PathBuf {
        self.log_dir().join(FIRST_SEGMENT)
    }

    pub(crate) fn store_file(&self) -> PathBuf {
        self.dir.join("revoked.db")
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open(&format!("sqlite://{}", self.store_file().display())).await.unwrap()
    }

    pub(crate) fn log(&self) -> Result<LogFile, LogError> {
        LogFile::open(&self.log_dir(), key(), BEGAN)
    }

    /// Starts as the agent does.
    pub(crate) async fn start(&self) -> Result<Journal, JournalError> {
        self.start_with(metrics()).await
    }

    pub(crate) async fn start_with(&self, metrics: Arc<Metrics>) -> Result<Journal, JournalError> {
        let store = self.store().await;
        let told = store.landed_mark().await?.map_or(0, |(seq, _)| seq);
        let log = LogFile::open_known(lock(&self.log_dir())?, key(), Some(told), BEGAN)?;
        Journal::open(store, log, metrics, Settings::default()).await
    }

    /// Appends queued records as the agent does, and dies before it can tell the store.
    pub(crate) fn append_untold(&self, queued: &[QueuedRecord]) {
        let entries: Vec<Entry> =
            queued.iter().map(|record| Entry::new(&record.kind, &record.body)).collect();
        let mut log = self.log().unwrap();
        log.append(&entries, BEGAN).unwrap();
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.log_file()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Asserts that the log verifies, and that it has each of the records `ids` exactly once and no others.
    pub(crate) fn assert_sound(&self, ids: &[&str]) {
        let vkey = Vkey::parse(&key().vkey()).unwrap();
        let mut verifier = Verifier::new(Some(vkey)).all_signatures(true);
        verifier.begin_file("log");
        verifier.push_bytes(&std::fs::read(self.log_file()).unwrap());
        let report = verifier.finish();
        assert_eq!(report.outcome, Outcome::Verified, "{report}");
        assert!(report.not_understood.is_empty() && report.warnings.is_empty(), "{report}");
        let mut found: BTreeMap<String, u32> = BTreeMap::new();
        for line in self.lines() {
            if let Some(id) = line["what"]["id"].as_str() {
                *found.entry(id.to_owned()).or_default() += 1;
            }
        }
        let wanted: BTreeMap<String, u32> = ids.iter().map(|id| ((*id).to_owned(), 1)).collect();
        assert_eq!(found, wanted, "how often each record is in the log");
    }
}
