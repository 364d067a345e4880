//! Where store and log meet: records that were queued with a move land in the log, and only then are shown.

mod check;
mod landing;
mod overflow;
mod proof;
mod run;
mod settle;
mod told;

pub use crate::audit::prove::ProveError;
pub use crate::audit::read::{Checkpoint, Lines, MOST, ReadError};
pub use proof::Asked;
pub use settle::fits;

use crate::audit::file::{Entry, Landed, LogError, LogFile, Moment};
use crate::audit::writer::{LogWriter, WriteError};
use crate::clock;
use crate::domain::hex::hex;
use crate::domain::time::UtcTime;
use crate::metrics::{AuditLevel, Metrics};
use crate::store::{Known, Store, StoreError, Stored};
use landing::Landing;
use overflow::Overflow;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

/// What an installation may choose.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Longest silence of the log while the agent runs; zero for no promise.
    pub heartbeat: Duration,
    /// Records that may wait while the log takes none. Then moves wait too, and are counted.
    pub queue: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { heartbeat: Duration::ZERO, queue: 100_000 }
    }
}

/// Store and log do not fit, or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// One of them was replaced.
    #[error(
        "store and audit log do not fit together: {0}. One of them was restored from a backup or replaced; \
         restore both from the same moment. Without such a backup, `revoked log accept-loss` shows what would be lost"
    )]
    Misfit(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The log, when it is read at the start.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log takes no records now; that passes.
    #[error("the audit log takes no records at the moment")]
    Blocked,
    /// No thread.
    #[error("starting the log writer's thread")]
    Thread(#[source] std::io::Error),
    /// The record did not land in time.
    #[error("the audit log did not take the record within {} s", .0.as_secs())]
    Late(Duration),
}

/// The queue, the log, and those who wait for a record.
pub struct Journal {
    /// The store; public because moves are made there directly.
    pub store: Store,
    /// What is watched, as last read: one copy for all who ask.
    known: Known,
    writer: LogWriter,
    metrics: Arc<Metrics>,
    wake: Notify,
    /// One lands records at a time.
    landing: tokio::sync::Mutex<Landing>,
    waiting: Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>,
    head: AtomicU64,
    queued: AtomicI64,
    blocked: watch::Sender<bool>,
    /// Somebody else holds a history of this log that is not this one.
    contradicted: AtomicBool,
    settings: Settings,
    overflow: Overflow,
    /// When the log took the last commit.
    committed: Mutex<Instant>,
    /// The store took the last thing that was written.
    written: AtomicBool,
    landings: watch::Sender<u64>,
}

impl Journal {
    /// Puts store and log together: they must fit, and records that landed just before a crash are marked.
    ///
    /// # Errors
    /// [`JournalError::Misfit`] when one of them is not the one the other knows.
    pub async fn open(
        store: Store,
        log: LogFile,
        metrics: Arc<Metrics>,
        settings: Settings,
    ) -> Result<Self, JournalError> {
        settle::settle(&store, &log).await?;
        let head = log.head();
        let writer = LogWriter::start(log).map_err(JournalError::Thread)?;
        let journal = Self {
            store,
            known: Known::default(),
            writer,
            metrics,
            wake: Notify::new(),
            landing: tokio::sync::Mutex::default(),
            waiting: Mutex::default(),
            head: AtomicU64::new(head),
            queued: AtomicI64::new(0),
            blocked: watch::Sender::new(false),
            contradicted: AtomicBool::new(false),
            settings,
            overflow: Overflow::default(),
            committed: Mutex::new(Instant::now()),
            written: AtomicBool::new(true),
            landings: watch::Sender::new(0),
        };
        journal.show().await?;
        journal.metrics.set_store_up(true);
        let sealed = journal.checkpoint().await.ok();
        if let Some(at) = sealed.and_then(|sealed| sealed.time.parse::<UtcTime>().ok()) {
            journal.metrics.set_sealed(at.seconds());
        }
        Ok(journal)
    }

    /// The public key that signs.
    #[must_use]
    pub fn vkey(&self) -> &str {
        self.writer.vkey()
    }

    /// The newest signed tree head.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn checkpoint(&self) -> Result<Checkpoint, ReadError> {
        self.writer.reader().checkpoint().await
    }

    /// Up to `limit` lines of the log from line `from` on, never beyond the newest checkpoint.
    ///
    /// # Errors
    /// When the log does not reach that far, or cannot be read.
    pub async fn lines(&self, from: u64, limit: usize) -> Result<Lines, ReadError> {
        self.writer.reader().lines(from, limit).await
    }

    /// The first line whose file is here.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn oldest_line(&self) -> Result<u64, ReadError> {
        self.writer.reader().first().await
    }

    /// Longest silence of the log that is promised while the agent runs, in microseconds; 0: none is.
    #[must_use]
    pub fn promised_us(&self) -> u64 {
        u64::try_from(self.settings.heartbeat.as_micros()).unwrap_or(u64::MAX)
    }

    /// Whether the log refuses records, or is contradicted by a witness: then no notice can be accepted.
    #[must_use]
    pub fn blocked(&self) -> bool {
        self.refuses() || self.contradicted()
    }

    /// Whether the log refuses records.
    fn refuses(&self) -> bool {
        *self.blocked.borrow()
    }

    /// Whether somebody else holds a history of this log that is not this one.
    #[must_use]
    pub fn contradicted(&self) -> bool {
        self.contradicted.load(Ordering::Relaxed)
    }

    /// Says whether somebody else does.
    pub fn set_contradicted(&self, contradicted: bool) {
        self.contradicted.store(contradicted, Ordering::Relaxed);
    }

    /// Whether the store takes what is written, as far as was last seen. One that is locked or full still
    /// answers those who read.
    #[must_use]
    pub fn takes(&self) -> bool {
        self.written.load(Ordering::Relaxed)
    }

    /// Says that the store did not take something: it is asked again within a second, and until it does.
    pub fn refused_by_store(&self) {
        self.written.store(false, Ordering::Relaxed);
    }

    /// Changes whenever records landed: what is shown of revocations may have changed with them.
    #[must_use]
    pub fn landings(&self) -> watch::Receiver<u64> {
        self.landings.subscribe()
    }

    /// Says that something was queued.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Every revocation that is to be looked at, oldest first.
    ///
    /// # Errors
    /// As [`Store::watched`].
    pub async fn watched(&self) -> Result<Vec<Arc<Stored>>, StoreError> {
        self.store.watched_since(&self.known, clock::now()).await
    }

    /// Waits until `record` is in the log.
    ///
    /// # Errors
    /// When that takes longer than `patience`, or the log takes nothing.
    pub async fn landed(&self, record: &str, patience: Duration) -> Result<(), JournalError> {
        let (tell, told) = oneshot::channel();
        self.waiters().entry(record.to_owned()).or_default().push(tell);
        // It may have landed before we began to wait.
        if self.store.landed(record).await? == Some(true) {
            drop(told);
            self.forget_the_gone(record);
            return Ok(());
        }
        self.wake();
        let mut blocked = self.blocked.subscribe();
        let error = tokio::select! {
            biased;
            Ok(()) = told => return Ok(()),
            _ = blocked.wait_for(|blocked| *blocked) => JournalError::Blocked,
            () = tokio::time::sleep(patience) => JournalError::Late(patience),
        };
        self.forget_the_gone(record);
        Err(error)
    }

    fn forget_the_gone(&self, record: &str) {
        let mut waiters = self.waiters();
        if let Some(here) = waiters.get_mut(record) {
            here.retain(|waiter| !waiter.is_closed());
            if here.is_empty() {
                waiters.remove(record);
            }
        }
    }

    fn waiters(&self) -> std::sync::MutexGuard<'_, HashMap<String, Vec<oneshot::Sender<()>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken(&self, answer: Result<Vec<Landed>, WriteError>) -> Result<Vec<Landed>, JournalError> {
        let landed = answer.map_err(|error| self.refused(error))?;
        if !landed.is_empty() {
            self.head.store(self.writer.reader().head(), Ordering::Relaxed);
            *self.committed() = Instant::now();
            self.metrics.set_sealed(clock::now().seconds());
        }
        if self.blocked.send_replace(false) {
            self.metrics.set_audit_blocked(false);
            tracing::info!("the audit log takes records again");
        }
        self.metrics.audit_records.inc_by(landed.len() as u64);
        Ok(landed)
    }

    fn refused(&self, error: WriteError) -> JournalError {
        self.blocked.send_replace(true);
        self.metrics.set_audit_blocked(true);
        self.metrics.audit_append_failures.inc();
        error.into()
    }

    /// Appends a line of the writer's own, such as `start`. The store is told how far the log is, so that the next
    /// start need not read it from the last record on.
    ///
    /// # Errors
    /// When the log refuses.
    pub async fn note(&self, kind: &str, what: &Map<String, Value>) -> Result<(), JournalError> {
        let mut landing = self.landing.lock().await;
        // A mark after records of which the store does not know would hide them.
        let told = self.finish(&mut landing).await.is_ok();
        let entries = vec![Entry::new(kind, what)];
        let lines = self.taken(self.writer.append(entries, moment()).await)?;
        if let Some(line) = lines.last().filter(|_| told) {
            self.store.mark(line.seq, &hex(&line.hash)).await?;
        }
        self.show().await
    }

    fn committed(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn show(&self) -> Result<(), JournalError> {
        let queued = self.store.queued_count().await?;
        self.queued.store(queued, Ordering::Relaxed);
        self.metrics.set_audit(AuditLevel { head: self.head.load(Ordering::Relaxed), queued });
        Ok(())
    }
}

/// Now, by both clocks.
fn moment() -> Moment {
    Moment::new(clock::now(), clock::since_boot())
}
