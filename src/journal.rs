//! Where store and log meet: records that were queued with a move land in the log, and only then are shown.

mod proof;
mod told;

pub use crate::audit::prove::ProveError;
pub use crate::audit::read::{Checkpoint, Lines, MOST, ReadError};
pub use proof::Asked;

use crate::audit::file::{Entry, Found, Landed, LogFile, own_type};
use crate::audit::writer::{LogWriter, Sent, WriteError};
use crate::clock;
use crate::metrics::{AuditLevel, Metrics};
use crate::store::{LandedRecord, QueuedRecord, Store, StoreError};
use crate::supervise::{Pulse, Trouble};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// Records in one commit of the log.
const BATCH: i64 = 128;
/// The queue is looked at this often even if nobody says that there is something in it.
const PATIENCE: Duration = Duration::from_secs(1);
/// While stopping.
const LAST: Duration = Duration::from_millis(20);
/// The claim on the store is renewed this often.
const RENEW: Duration = Duration::from_secs(15);

/// Store and log do not fit, or cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// One of them was replaced.
    #[error(
        "store and audit log do not fit together: {0}. One of them was restored from a backup or replaced; \
         restore both from the same moment"
    )]
    Misfit(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log.
    #[error(transparent)]
    Write(#[from] WriteError),
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
    writer: LogWriter,
    metrics: Arc<Metrics>,
    wake: Notify,
    /// One lands records at a time.
    landing: tokio::sync::Mutex<Landing>,
    waiting: Mutex<HashMap<String, Vec<oneshot::Sender<()>>>>,
    head: AtomicU64,
    blocked: AtomicBool,
    /// Somebody else holds a history of this log that is not this one.
    contradicted: AtomicBool,
    /// The store took the last thing that was written.
    written: AtomicBool,
    landings: watch::Sender<u64>,
}

/// Records between queue and mark. They are still queued in the store, and must not be sent again.
#[derive(Default)]
struct Landing {
    /// On their way into the log.
    sent: Option<(Vec<QueuedRecord>, Sent)>,
    /// In the log; the store does not know yet.
    untold: Vec<LandedRecord>,
}

impl Journal {
    /// Puts store and log together: they must fit, and records that landed just before a crash are marked.
    ///
    /// # Errors
    /// [`JournalError::Misfit`] when one of them is not the one the other knows.
    pub async fn open(
        store: Store,
        log: LogFile,
        found: &[Found],
        metrics: Arc<Metrics>,
    ) -> Result<Self, JournalError> {
        settle(&store, found).await?;
        let head = log.head();
        let writer = LogWriter::start(log).map_err(JournalError::Thread)?;
        let journal = Self {
            store,
            writer,
            metrics,
            wake: Notify::new(),
            landing: tokio::sync::Mutex::default(),
            waiting: Mutex::default(),
            head: AtomicU64::new(head),
            blocked: AtomicBool::new(false),
            contradicted: AtomicBool::new(false),
            written: AtomicBool::new(true),
            landings: watch::Sender::new(0),
        };
        journal.show().await?;
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

    /// Whether the log refuses records, or is contradicted by a witness: then no notice can be accepted.
    #[must_use]
    pub fn blocked(&self) -> bool {
        self.blocked.load(Ordering::Relaxed) || self.contradicted()
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

    /// Waits until `record` is in the log.
    ///
    /// # Errors
    /// When that takes longer than `patience`.
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
        if let Ok(Ok(())) = tokio::time::timeout(patience, told).await {
            Ok(())
        } else {
            self.forget_the_gone(record);
            Err(JournalError::Late(patience))
        }
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

    /// Lands everything that is queued now. Each record goes to the log once, also when an earlier call was
    /// given up halfway or the store failed after the log took the records.
    ///
    /// # Errors
    /// When the store or the log refuses.
    pub async fn drain(&self) -> Result<(), JournalError> {
        let mut landing = self.landing.lock().await;
        loop {
            self.finish(&mut landing).await?;
            let queued = self.store.queued(BATCH).await?;
            if queued.is_empty() {
                return Ok(());
            }
            let entries = queued
                .iter()
                .map(|record| Entry { kind: record.kind.clone(), what: record.body.clone() })
                .collect();
            let sent = self.writer.send(entries, clock::now().to_string()).await;
            landing.sent = Some((queued, sent.map_err(|error| self.refused(error))?));
        }
    }

    /// Waits for the log's answer, then tells the store and those who wait.
    async fn finish(&self, landing: &mut Landing) -> Result<(), JournalError> {
        if let Some((_, sent)) = &mut landing.sent {
            let answer = sent.answer().await;
            let queued = landing.sent.take().map(|(queued, _)| queued).unwrap_or_default();
            let lines = self.taken(answer)?;
            landing.untold = queued
                .into_iter()
                .zip(lines)
                .map(|(record, line)| LandedRecord { record, seq: line.seq, hash: line.hash })
                .collect();
        }
        if landing.untold.is_empty() {
            return Ok(());
        }
        self.store.land(&landing.untold).await?;
        for one in landing.untold.drain(..) {
            told::count(&self.metrics, &one.record);
            told::say(&one);
            for waiter in self.waiters().remove(&one.record.id).into_iter().flatten() {
                let _ = waiter.send(());
            }
        }
        self.landings.send_modify(|count| *count += 1);
        self.show().await
    }

    fn taken(&self, answer: Result<Vec<Landed>, WriteError>) -> Result<Vec<Landed>, JournalError> {
        let landed = answer.map_err(|error| self.refused(error))?;
        if let Some(last) = landed.last() {
            // The checkpoint follows the last record.
            self.head.store(last.seq + 1, Ordering::Relaxed);
        }
        self.metrics.audit_records.inc_by(landed.len() as u64);
        Ok(landed)
    }

    fn refused(&self, error: WriteError) -> JournalError {
        self.blocked.store(true, Ordering::Relaxed);
        self.metrics.audit_append_failures.inc();
        error.into()
    }

    /// Appends a line of the writer's own, such as `start`.
    ///
    /// # Errors
    /// When the log refuses.
    pub async fn note(&self, kind: &str, what: Map<String, Value>) -> Result<(), JournalError> {
        let entries = vec![Entry { kind: kind.to_owned(), what }];
        self.taken(self.writer.append(entries, clock::now().to_string()).await)?;
        self.show().await
    }

    async fn show(&self) -> Result<(), JournalError> {
        let queued = self.store.queued_count().await?;
        self.metrics.set_audit(AuditLevel { head: self.head.load(Ordering::Relaxed), queued });
        Ok(())
    }

    /// Lands records until stopped and until nobody holds `producers` any more, then lands what is left:
    /// an answer that waits for its record gets it also while the agent stops.
    ///
    /// # Errors
    /// When the log refuses: what may be damaged is not written on. A store that is away is waited for.
    pub async fn run(
        &self,
        instance: &str,
        stop: CancellationToken,
        producers: Weak<()>,
        pulse: &Pulse,
    ) -> anyhow::Result<()> {
        let mut renewed = tokio::time::Instant::now();
        let trouble = Trouble::default();
        loop {
            pulse.beat();
            let stopping = stop.is_cancelled() && producers.strong_count() == 0;
            match pulse.during(self.drain()).await {
                Ok(()) if stopping => return Ok(()),
                Ok(()) => {
                    if trouble.is_over("queue") {
                        tracing::info!("the store takes records again");
                    }
                }
                Err(JournalError::Store(error)) if !stopping => {
                    say(&trouble, "queue", error, "the store does not answer; queued records wait");
                }
                Err(error) => return Err(error.into()),
            }
            if !stopping {
                match self.show().await {
                    Ok(()) => drop(trouble.is_over("count")),
                    Err(error) => say(&trouble, "count", error, "the queue was not counted"),
                }
            }
            if renewed.elapsed() >= RENEW || !self.takes() {
                match self.store.claim(instance, clock::now()).await {
                    Ok(()) => {
                        self.written.store(true, Ordering::Relaxed);
                        renewed = tokio::time::Instant::now();
                        trouble.is_over("claim");
                    }
                    Err(error @ StoreError::Held(_)) => return Err(error.into()),
                    Err(error) => {
                        self.refused_by_store();
                        say(&trouble, "claim", error, "the claim on the store was not renewed");
                    }
                }
            }
            let patience = if stop.is_cancelled() { LAST } else { PATIENCE };
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(patience) => {}
                () = stop.cancelled(), if !stop.is_cancelled() => {}
            }
        }
    }
}

/// Says what goes wrong again and again when it begins and when it changes.
fn say(trouble: &Trouble, thing: &str, error: impl Into<anyhow::Error>, message: &str) {
    let error = format!("{:#}", error.into());
    if trouble.is(thing, error.as_str()) {
        tracing::warn!(error, "{message}");
    }
}

/// Compares store and log, and marks records that landed before a crash could be noted.
async fn settle(store: &Store, found: &[Found]) -> Result<(), JournalError> {
    let misfit = |why: String| Err(JournalError::Misfit(why));
    let mark = store.landed_mark().await?;
    if let Some((seq, hash)) = &mark {
        match found.iter().find(|line| line.landed.seq == *seq) {
            None => {
                return misfit(format!(
                    "the log ends before line {seq}, which the store knows to be in it"
                ));
            }
            Some(line) if line.landed.hash != *hash => {
                return misfit(format!(
                    "line {seq} of the log is not the one that the store knows"
                ));
            }
            Some(_) => {}
        }
    }
    let after = |line: &&Found| mark.as_ref().is_none_or(|(seq, _)| line.landed.seq > *seq);
    let mut landed = Vec::new();
    for line in found.iter().filter(after).filter(|line| !own_type(&line.kind)) {
        let id = line.id.as_deref().unwrap_or_default();
        let Some(record) = store.record(id).await? else {
            return misfit(format!(
                "line {} of the log has record `{id}`, which the store does not know",
                line.landed.seq
            ));
        };
        landed.push(LandedRecord { record, seq: line.landed.seq, hash: line.landed.hash.clone() });
    }
    store.land(&landed).await?;
    Ok(())
}
