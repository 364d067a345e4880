//! Reading the whole log again and again, as an outsider would: whether it still is what was written. And asking
//! the store whether it is there.

use super::Journal;
use crate::audit::format::SEGMENT;
use crate::audit::read::{MOST, ReadError};
use crate::audit::verify::{Anchor, Options, Outcome, Report, Verifier, Vkey};
use crate::clock;
use crate::metrics::CheckLevel;
use crate::supervise::Trouble;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Time between two readings; longer where a reading takes longer.
const PAUSE: Duration = Duration::from_secs(600);
/// After each page it rests so many times as long as the page took: others have more urgent work.
const REST: u32 = 4;

/// A store that takes longer than this to answer is away.
const PATIENCE: Duration = Duration::from_secs(2);
/// It is asked so often.
const ASK: Duration = Duration::from_secs(5);

impl Journal {
    /// Whether the store answers now, and took what was written last.
    pub async fn store_is_up(&self) -> bool {
        let answer = tokio::time::timeout(PATIENCE, self.store.queued_count()).await;
        matches!(answer, Ok(Ok(_))) && self.takes()
    }

    /// Shows whether the store is there, until stopped.
    ///
    /// # Errors
    /// Never.
    pub async fn run_store_watch(&self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                up = self.store_is_up() => self.metrics.set_store_up(up),
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(ASK) => {}
            }
        }
    }

    /// Reads the log now and again and again until stopped, and shows what that gave.
    ///
    /// # Errors
    /// Never: a log that is bad is told of, and judged by people.
    pub async fn run_check(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let trouble = Trouble::default();
        let mut level = CheckLevel::default();
        loop {
            let begun = Instant::now();
            tokio::select! {
                // What was read so far is given up.
                () = stop.cancelled() => return Ok(()),
                read = self.read_whole() => self.show_check(&read, &mut level, &trouble),
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(PAUSE.max(begun.elapsed())) => {}
            }
        }
    }

    /// Reads from the first line that is here to the newest checkpoint, with the key that signs now.
    async fn read_whole(&self) -> Result<Report, ReadError> {
        loop {
            let first = self.writer.reader().first().await?;
            let read = self.read_from(first).await;
            // What was being read may have been moved to an archive.
            if read.is_ok() || self.writer.reader().first().await? == first {
                return read;
            }
        }
    }

    async fn read_from(&self, first: u64) -> Result<Report, ReadError> {
        let key = Vkey::parse(self.vkey()).ok();
        let mut lines = self.lines(first, MOST).await?;
        let since = key.as_ref().and_then(|key| goes_on_from(&lines.bytes, key.origin()));
        let mut verifier = Verifier::with(Options { key, since, ..Options::default() });
        verifier.begin_file("log");
        loop {
            let begun = Instant::now();
            if lines.surplus {
                return Err(ReadError::Damaged("a file has more bytes than its lines"));
            }
            let bytes = lines.bytes;
            let read = tokio::task::spawn_blocking(move || {
                verifier.push_bytes(&bytes);
                verifier
            });
            verifier = read.await.map_err(|_| ReadError::Gone)?;
            let Some(from) = lines.next.filter(|_| !verifier.has_fault()) else {
                return Ok(verifier.finish());
            };
            tokio::time::sleep(begun.elapsed() * REST).await;
            lines = self.lines(from, MOST).await?;
        }
    }

    fn show_check(
        &self,
        read: &Result<Report, ReadError>,
        level: &mut CheckLevel,
        trouble: &Trouble,
    ) {
        let why = match read {
            Ok(report) => {
                level.verified = report.last_seq.unwrap_or(0);
                level.missing = missing(report);
                fault_of(report)
            }
            Err(error @ (ReadError::Damaged(_) | ReadError::Beyond { .. })) => {
                Some(error.to_string())
            }
            // Nothing is known of the log: what was known before stays.
            Err(error @ (ReadError::Io(_) | ReadError::Gone)) => {
                let error = error.to_string();
                if trouble.is("read", error.as_str()) {
                    tracing::warn!(error, "the audit log could not be checked");
                }
                return;
            }
        };
        trouble.is_over("read");
        level.valid = why.is_none();
        level.at = clock::now().seconds();
        self.metrics.set_check(*level);
        match why {
            Some(error) if trouble.is("check", error.as_str()) => {
                tracing::error!(error, "the audit log is not what was written");
            }
            Some(_) => {}
            None => drop(trouble.is_over("check")),
        }
    }
}

/// Where a log goes on whose older files are not here: the note in the first line of each later file.
fn goes_on_from(lines: &[u8], origin: &str) -> Option<Anchor> {
    let line = lines.split(|byte| *byte == b'\n').next()?;
    let line: Value = serde_json::from_slice(line).ok()?;
    let note = line.pointer("/what/note").and_then(Value::as_str);
    let note = note.filter(|_| line.get("type").is_some_and(|kind| kind == SEGMENT))?;
    Anchor::find("the first line", note.as_bytes(), origin).pop()
}

/// What is wrong with the log; `None` if nothing is.
fn fault_of(report: &Report) -> Option<String> {
    if report.outcome == Outcome::Verified {
        return None;
    }
    let fault = report.fault.as_ref().map(|fault| {
        let line = fault.line;
        format!("line {line}, counted from 1: {}", fault.sentence)
    });
    Some(fault.unwrap_or_else(|| report.outcome.word().to_owned()))
}

/// Records of which the log says that it lacks them. One that does not know how many is worth one.
fn missing(report: &Report) -> i64 {
    let told = report.losses.iter().map(|loss| loss.unrecorded.unwrap_or(1));
    let sum = told.fold(report.losses_omitted, u64::saturating_add);
    i64::try_from(sum).unwrap_or(i64::MAX)
}
