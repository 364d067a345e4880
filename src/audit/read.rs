//! Reading the log while it is written: whole lines, up to the newest checkpoint and never beyond it.

use super::file::LogFile;
use super::format::MAX_LINE;
use serde_json::Value;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, watch};

/// Most lines in one page.
pub const MOST: usize = 1_000;
/// Most bytes in one page.
const PAGE: usize = 4 * 1024 * 1024;
/// Read at once.
const CHUNK: usize = 64 * 1024;
/// Lines between two places that are remembered.
const APART: u64 = 256;
/// Pages read at the same time: each takes memory and a thread.
const READERS: usize = 4;
/// More than a checkpoint line ever has.
const CHECKPOINT: u64 = 8 * 1024;

/// How much of the log is durable under a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Lines, the checkpoint included.
    pub lines: u64,
    /// Bytes.
    pub length: u64,
    /// Time of the newest line that has one.
    pub time: String,
}

/// The newest signed tree head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Lines it covers.
    pub size: u64,
    /// Root of the Merkle tree over them, in base64.
    pub root: String,
    /// The C2SP signed note, byte for byte as the log has it.
    pub note: String,
    /// Time of the newest line it covers.
    pub time: String,
}

/// Whole lines of the log, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The lines, each with its line feed.
    pub bytes: Vec<u8>,
    /// The line to go on with; `None` when these end with the newest checkpoint.
    pub next: Option<u64>,
}

/// Nothing could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log does not reach that far.
    #[error("the log has {lines} lines so far, counted from 0")]
    Beyond {
        /// What it has.
        lines: u64,
    },
    /// The file system refused.
    #[error("reading the audit log")]
    Io(#[from] std::io::Error),
    /// The file is not what was written.
    #[error("the audit log is not what was written: {0}")]
    Damaged(&'static str),
    /// The thread that read is gone.
    #[error("reading the audit log was given up")]
    Gone,
}

/// Reads the log. Clones read the same one.
#[derive(Clone, Debug)]
pub struct LogReader {
    file: Arc<File>,
    sealed: watch::Receiver<Sealed>,
    /// Where some lines begin, by number; the first line begins the file.
    places: Arc<Mutex<Vec<(u64, u64)>>>,
    turns: Arc<Semaphore>,
}

impl LogFile {
    /// What is durable.
    pub(super) fn sealed(&self) -> Sealed {
        Sealed {
            lines: self.state.seq,
            length: self.state.length,
            time: self.state.last_time.clone(),
        }
    }

    /// A reader of this file, and who tells it what is durable.
    pub(super) fn reader(&self) -> std::io::Result<(LogReader, watch::Sender<Sealed>)> {
        let (tell, sealed) = watch::channel(self.sealed());
        let reader = LogReader {
            // The same open file: another one put in its place is not the log.
            file: Arc::new(self.file.try_clone()?),
            sealed,
            places: Arc::default(),
            turns: Arc::new(Semaphore::new(READERS)),
        };
        Ok((reader, tell))
    }
}

impl LogReader {
    /// The newest checkpoint.
    ///
    /// # Errors
    /// When the file cannot be read, or does not end with one.
    pub async fn checkpoint(&self) -> Result<Checkpoint, ReadError> {
        self.aside(Self::read_checkpoint).await
    }

    /// Up to `limit` lines from line `from` on, as many as fit a page.
    ///
    /// # Errors
    /// When the log does not reach that far, or the file cannot be read.
    pub async fn lines(&self, from: u64, limit: usize) -> Result<Lines, ReadError> {
        self.aside(move |reader, sealed| reader.read_lines(sealed, from, limit)).await
    }

    /// Runs `read` on a thread that may wait for the disk.
    async fn aside<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self, &Sealed) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| ReadError::Gone)?;
        let reader = self.clone();
        let work = move || {
            // Held until the work is done, also when nobody waits for it any more.
            let _turn = turn;
            let sealed = reader.sealed.borrow().clone();
            read(&reader, &sealed)
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| ReadError::Gone)?
    }

    fn read_checkpoint(&self, sealed: &Sealed) -> Result<Checkpoint, ReadError> {
        let length = sealed.length.min(CHECKPOINT);
        let tail = self.read(sealed.length - length, length, sealed)?;
        let bad = || ReadError::Damaged("it does not end with a checkpoint");
        let tail = tail.strip_suffix(b"\n").ok_or_else(bad)?;
        let line = tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let line: Value = serde_json::from_slice(line).map_err(|_| bad())?;
        let note = line.pointer("/what/note").and_then(Value::as_str).ok_or_else(bad)?;
        let mut head = note.lines();
        let (Some(origin), Some(size), Some(root)) = (head.next(), head.next(), head.next()) else {
            return Err(bad());
        };
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| bad())?,
            root: root.to_owned(),
            note: note.to_owned(),
            time: sealed.time.clone(),
        })
    }

    fn read_lines(&self, sealed: &Sealed, from: u64, limit: usize) -> Result<Lines, ReadError> {
        if from > sealed.lines {
            return Err(ReadError::Beyond { lines: sealed.lines });
        }
        let mut bytes = Vec::new();
        let (mut whole, mut count) = (0, 0);
        let mut at = self.place_of(from, sealed)?;
        while at < sealed.length && count < limit && bytes.len() < PAGE {
            let begun = bytes.len();
            let chunk = self.read(at, sealed.length - at, sealed)?;
            at += chunk.len() as u64;
            for (n, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                let end = begun + n + 1;
                if count == limit || end > PAGE {
                    break;
                }
                (whole, count) = (end, count + 1);
            }
            bytes.extend(chunk);
        }
        bytes.truncate(whole);
        let next = from + count as u64;
        if count == 0 && next < sealed.lines {
            return Err(ReadError::Damaged("a line is too long"));
        }
        Ok(Lines { bytes, next: (next < sealed.lines).then_some(next) })
    }

    /// Up to a chunk of what is durable, of at most `length` bytes from `at` on.
    fn read(&self, at: u64, length: u64, sealed: &Sealed) -> Result<Vec<u8>, ReadError> {
        let length = length.min(sealed.length.saturating_sub(at));
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(CHUNK).min(CHUNK)];
        self.file.read_exact_at(&mut bytes, at).map_err(|error| {
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                return ReadError::Damaged("it is shorter");
            }
            ReadError::Io(error)
        })?;
        Ok(bytes)
    }

    /// Where line `from` begins: from the nearest place known, lines are counted, and some remembered, so
    /// that the file is read for this only once.
    fn place_of(&self, from: u64, sealed: &Sealed) -> Result<u64, ReadError> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let known = places.partition_point(|(line, _)| *line <= from);
        let before = known.checked_sub(1).and_then(|n| places.get(n));
        let (mut line, mut at) = before.copied().unwrap_or_default();
        let mut read = at;
        let mut unfinished = 0;
        while line < from {
            if read >= sealed.length || unfinished > MAX_LINE {
                return Err(ReadError::Damaged("lines are missing"));
            }
            let chunk = self.read(read, sealed.length - read, sealed)?;
            for (n, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                line += 1;
                at = read + n as u64 + 1;
                if line % APART == 0 && places.last().is_none_or(|(last, _)| *last < line) {
                    places.push((line, at));
                }
                if line == from {
                    return Ok(at);
                }
            }
            read += chunk.len() as u64;
            unfinished = usize::try_from(read - at).unwrap_or(usize::MAX);
        }
        Ok(at)
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
