//! The thread that owns the log file. Everybody else sends it records and waits.

use super::file::{Entry, Landed, LogError, LogFile, Moment};
use super::read::LogReader;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// Commits that may wait for the thread.
const QUEUE: usize = 64;

type Reply = oneshot::Sender<Result<Vec<Landed>, Arc<LogError>>>;

struct Commit {
    entries: Vec<Entry>,
    now: Moment,
    reply: Reply,
}

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
    commits: Option<mpsc::Sender<Commit>>,
    thread: Option<JoinHandle<()>>,
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
    pub fn start(mut log: LogFile) -> std::io::Result<Self> {
        let vkey = log.vkey();
        let (reader, sealed) = log.reader();
        let (commits, mut queue) = mpsc::channel::<Commit>(QUEUE);
        let failure = Failure::default();
        let failed = failure.clone();
        let thread =
            std::thread::Builder::new().name("log-writer".to_owned()).spawn(move || {
                while let Some(commit) = queue.blocking_recv() {
                    let result = log.append(&commit.entries, commit.now).map_err(Arc::new);
                    let over = result.as_ref().is_err_and(|error| !error.passes());
                    if let Err(error) = &result
                        && over
                    {
                        let _ = failed.0.set(error.clone());
                    }
                    // A refusal may leave a line that says so.
                    if !over {
                        sealed.send_replace(log.sealed());
                    }
                    let _ = commit.reply.send(result);
                    if over {
                        break;
                    }
                }
            })?;
        Ok(Self { commits: Some(commits), thread: Some(thread), failure, vkey, reader })
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

    /// Appends `entries` as one commit. When this returns they are durable and signed.
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

    /// Gives `entries` to the thread, which appends them whether or not anybody waits for its answer.
    ///
    /// # Errors
    /// When the thread ended; then nothing is appended.
    pub async fn send(&self, entries: Vec<Entry>, now: Moment) -> Result<Sent, WriteError> {
        let (reply, answer) = oneshot::channel();
        let commits = self.commits.as_ref().ok_or(WriteError::Closed)?;
        commits.send(Commit { entries, now, reply }).await.map_err(|_| self.failure.error())?;
        Ok(Sent { answer, failure: self.failure.clone() })
    }
}

/// A commit on its way into the log.
#[derive(Debug)]
pub struct Sent {
    answer: oneshot::Receiver<Result<Vec<Landed>, Arc<LogError>>>,
    failure: Failure,
}

impl Sent {
    /// What became of it. May be dropped while waiting, and called again.
    ///
    /// # Errors
    /// When the records are not durable and signed.
    pub async fn answer(&mut self) -> Result<Vec<Landed>, WriteError> {
        (&mut self.answer).await.map_err(|_| self.failure.error())?.map_err(|error| {
            if error.passes() { WriteError::Refused(error) } else { WriteError::Failed(error) }
        })
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        self.commits = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
