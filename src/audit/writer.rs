//! The thread that owns the log file. Everybody else sends it records, through the one that builds commits of them, and
//! waits.

use super::ahead::{self, Progress, Ready};
use super::batch::{Answer, Batch};
use super::built::Built;
use super::file::{Entry, Landed, LogError, LogFile, Moment};
use super::read::{LogReader, Sealed};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};

/// How much may wait for the thread: so often somebody sent something.
const QUEUE: usize = 64;

/// The log could not be written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriteError {
    /// The commit was refused now. The same records may be taken later.
    #[error("writing the audit log")]
    Refused(#[source] Arc<LogError>),
    /// The commit failed, and the log is closed.
    #[error("writing the audit log")]
    Failed(#[source] Arc<LogError>),
    /// The thread ended after an earlier failure.
    #[error("the audit log was closed after an earlier failure")]
    Closed,
}

/// Handle of the writer's thread.
#[derive(Debug)]
pub struct LogWriter {
    batches: Option<mpsc::Sender<Batch>>,
    threads: Vec<JoinHandle<()>>,
    failure: Failure,
    vkey: String,
    reader: LogReader,
}

/// Why the thread ended: everybody who comes later is told the same.
#[derive(Clone, Debug, Default)]
struct Failure(Arc<OnceLock<Arc<LogError>>>);

impl Failure {
    fn error(&self) -> WriteError {
        self.0.get().cloned().map_or(WriteError::Closed, WriteError::Failed)
    }
}

impl LogWriter {
    /// Starts the thread. It ends when the handle is dropped, or at the first failure that does not pass: a file
    /// that may have been touched by others is not written again.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(log: LogFile) -> std::io::Result<Self> {
        let vkey = log.vkey();
        let (reader, sealed) = log.reader();
        let (batches, queue) = mpsc::channel(QUEUE);
        let failure = Failure::default();
        let (ready, progress, builder) = ahead::start(log.base(), log.signer.clone(), queue)?;
        let failed = failure.clone();
        let writing = Writing { log, ready, progress, sealed, refused: None, failure: failed };
        let thread = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writing.run())?;
        Ok(Self { batches: Some(batches), threads: vec![thread, builder], failure, vkey, reader })
    }

    /// The public key in use.
    #[must_use]
    pub fn vkey(&self) -> &str {
        &self.vkey
    }

    /// Reads what is durable.
    #[must_use]
    pub fn reader(&self) -> &LogReader {
        &self.reader
    }

    /// Appends `entries` in one commit. When this returns they are durable and signed.
    ///
    /// # Errors
    /// When they are not.
    pub async fn append(
        &self,
        entries: Vec<Entry>,
        now: Moment,
    ) -> Result<Vec<Landed>, WriteError> {
        self.send(entries, now).await?.answer().await
    }

    /// Gives `entries` to the thread, which appends them whether or not anybody waits for its answer. Where others wait
    /// for the disk, too, they may land in the same commit.
    ///
    /// # Errors
    /// When the thread ended; then nothing is appended.
    pub async fn send(&self, entries: Vec<Entry>, now: Moment) -> Result<Sent, WriteError> {
        self.give(entries, now, false).await
    }

    /// As [`send`](Self::send), for entries that may only follow those sent just before: where these are refused, so
    /// are those, whatever became possible meanwhile.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_behind(&self, entries: Vec<Entry>, now: Moment) -> Result<Sent, WriteError> {
        self.give(entries, now, true).await
    }

    async fn give(
        &self,
        entries: Vec<Entry>,
        now: Moment,
        follows: bool,
    ) -> Result<Sent, WriteError> {
        let (batch, answer) = Batch::new(entries, now, follows);
        let batches = self.batches.as_ref().ok_or(WriteError::Closed)?;
        batches.send(batch).await.map_err(|_| self.failure.error())?;
        Ok(Sent { answer, failure: self.failure.clone() })
    }
}

/// What the thread has.
struct Writing {
    log: LogFile,
    ready: Receiver<Ready>,
    progress: Arc<Progress>,
    sealed: watch::Sender<Sealed>,
    /// Why the commit before was refused, if it was.
    refused: Option<Arc<LogError>>,
    failure: Failure,
}

impl Writing {
    fn run(mut self) {
        while let Ok((batch, built)) = self.ready.recv() {
            if !self.write(batch, built) {
                break;
            }
        }
    }

    /// Writes a commit and answers; says whether others may follow.
    fn write(&mut self, batch: Batch, built: Option<Built>) -> bool {
        if let Some(error) = self.refused.clone().filter(|_| batch.follows) {
            self.progress.note(Some(self.log.base()), Vec::new());
            batch.answer(Err(error));
            return true;
        }
        let foreseen = built.as_ref().map_or_else(|| Some(self.log.place()), Built::end);
        let result = self.log.append_built(&batch.entries, &batch.now, built).map_err(Arc::new);
        let is_astray = foreseen != Some(self.log.place());
        let spare = std::mem::take(&mut self.log.spare);
        self.progress.note(is_astray.then(|| self.log.base()), spare);
        self.refused = result.as_ref().err().cloned();
        let over = result.as_ref().is_err_and(|error| !error.passes());
        if let Err(error) = &result
            && over
        {
            let _ = self.failure.0.set(error.clone());
        }
        // A refusal may leave a line that says so.
        if !over {
            self.sealed.send_replace(self.log.sealed());
        }
        batch.answer(result);
        !over
    }
}

impl Drop for Writing {
    /// However it ended: who builds must not wait for what is never written.
    fn drop(&mut self) {
        self.progress.end();
    }
}

/// Records on their way into the log.
#[derive(Debug)]
pub struct Sent {
    answer: oneshot::Receiver<Answer>,
    failure: Failure,
}

impl Sent {
    /// What became of it. May be dropped while waiting, and called again.
    ///
    /// # Errors
    /// When the records are not durable and signed.
    pub async fn answer(&mut self) -> Result<Vec<Landed>, WriteError> {
        let (result, _) = (&mut self.answer).await.map_err(|_| self.failure.error())?;
        result.map_err(|error| {
            if error.passes() { WriteError::Refused(error) } else { WriteError::Failed(error) }
        })
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.batches = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
