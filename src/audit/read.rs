//! Reading the log while it is written: whole lines, up to the newest checkpoint and never beyond it.

use super::dir::segments;
use super::file::LogFile;
use super::format::MAX_LINE;
use super::segment::O_NOFOLLOW;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
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
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Lines, the checkpoint included.
    pub lines: u64,
    /// The newest file.
    segment: Part,
    /// Time of the newest line that has one.
    pub time: String,
}

/// The part of the log that lies in one file.
#[derive(Clone, Debug)]
struct Part {
    /// Its first line, and the one after its last.
    lines: (u64, u64),
    /// The open file: another one put in its place is not the log.
    file: Arc<File>,
    /// Bytes that are durable.
    length: u64,
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
    /// A file that ends with one of these has more bytes than its lines: somebody added to it.
    pub surplus: bool,
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
    dir: Arc<Path>,
    sealed: watch::Receiver<Sealed>,
    /// Where some lines begin: number of the line, first line of its file, byte.
    places: Arc<Mutex<BTreeMap<u64, (u64, u64)>>>,
    turns: Arc<Semaphore>,
}

impl LogFile {
    /// What is durable.
    pub(super) fn sealed(&self) -> Sealed {
        let segment = Part {
            lines: (self.segment.first, self.state.seq),
            file: self.segment.file.clone(),
            length: self.state.length,
        };
        Sealed { lines: self.state.seq, segment, time: self.state.last_time.clone() }
    }

    /// A reader of this log, and who tells it what is durable.
    pub(super) fn reader(&self) -> (LogReader, watch::Sender<Sealed>) {
        let (tell, sealed) = watch::channel(self.sealed());
        let reader = LogReader {
            dir: self.dir.path.as_path().into(),
            sealed,
            places: Arc::default(),
            turns: Arc::new(Semaphore::new(READERS)),
        };
        (reader, tell)
    }
}

impl LogReader {
    /// Sequence of the newest line that is durable, which is a checkpoint.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.sealed.borrow().lines.saturating_sub(1)
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// When the file cannot be read, or does not end with one.
    pub async fn checkpoint(&self) -> Result<Checkpoint, ReadError> {
        self.aside(|_, sealed| sealed.checkpoint()).await
    }

    /// Up to `limit` lines from line `from` on, as many as fit a page.
    ///
    /// # Errors
    /// When the log does not reach that far, or the file cannot be read.
    pub async fn lines(&self, from: u64, limit: usize) -> Result<Lines, ReadError> {
        self.aside(move |reader, sealed| reader.read_lines(sealed, from, limit)).await
    }

    /// The first line whose file is here: older ones may have been moved to an archive.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn first(&self) -> Result<u64, ReadError> {
        self.aside(|reader, sealed| {
            let newest = sealed.segment.lines.0;
            Ok(segments(&reader.dir)?.first().map_or(newest, |oldest| oldest.first.min(newest)))
        })
        .await
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

    fn read_lines(&self, sealed: &Sealed, from: u64, limit: usize) -> Result<Lines, ReadError> {
        if from > sealed.lines {
            return Err(ReadError::Beyond { lines: sealed.lines });
        }
        let (mut bytes, mut next, mut surplus) = (Vec::new(), from, false);
        let end = from.saturating_add(limit as u64).min(sealed.lines);
        while next < end {
            let part = self.part_of(next, sealed)?;
            let begun = bytes.len();
            let at = self.place_of(next, &part)?;
            let read = Self::read_part((&part, at), next, end.min(part.lines.1), &mut bytes)?;
            let ends_at = at + (bytes.len() - begun) as u64;
            surplus |= next + read == part.lines.1 && ends_at < part.length;
            if read == 0 {
                break;
            }
            next += read;
        }
        if next == from && next < end {
            return Err(ReadError::Damaged("a line is too long"));
        }
        Ok(Lines { bytes, next: (next < sealed.lines).then_some(next), surplus })
    }

    /// The file that has line `line`.
    fn part_of(&self, line: u64, sealed: &Sealed) -> Result<Part, ReadError> {
        if line >= sealed.segment.lines.0 {
            return Ok(sealed.segment.clone());
        }
        let names = segments(&self.dir)?;
        let after = names.partition_point(|name| name.first <= line);
        let name = after.checked_sub(1).and_then(|n| names.get(n));
        let name = name.ok_or(ReadError::Damaged("a file of it is not there"))?;
        let end = names.get(after).map_or(sealed.segment.lines.0, |next| next.first);
        let file = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open(&name.path)?;
        let length = file.metadata()?.len();
        Ok(Part { lines: (name.first, end), file: Arc::new(file), length })
    }

    /// Adds lines `from`, which begins at byte `at`, to `end` of a file to `bytes`, as many as fit a page; gives how many.
    fn read_part(
        (part, mut at): (&Part, u64),
        from: u64,
        end: u64,
        bytes: &mut Vec<u8>,
    ) -> Result<u64, ReadError> {
        let (mut whole, mut count, mut full) = (bytes.len(), 0, false);
        while at < part.length && from + count < end && !full {
            let begun = bytes.len();
            let chunk = part.read(at)?;
            at += chunk.len() as u64;
            for (n, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                let line_end = begun + n + 1;
                full = line_end > PAGE;
                if from + count == end || full {
                    break;
                }
                (whole, count) = (line_end, count + 1);
            }
            bytes.extend(chunk);
            full |= bytes.len() >= PAGE;
        }
        bytes.truncate(whole);
        if at >= part.length && !full && from + count < end {
            return Err(ReadError::Damaged("lines are missing"));
        }
        Ok(count)
    }

    /// Where line `from` begins: from the nearest place known, lines are counted, and some remembered, so
    /// that a file is read for this only once.
    fn place_of(&self, from: u64, part: &Part) -> Result<u64, ReadError> {
        let first = part.lines.0;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let known = places.range(..=from).next_back();
        let known =
            known.filter(|(_, (file, _))| *file == first).map(|(line, (_, at))| (*line, *at));
        let (mut line, mut at) = known.unwrap_or((first, 0));
        let mut read = at;
        let mut unfinished = 0;
        while line < from {
            if read >= part.length || unfinished > MAX_LINE {
                return Err(ReadError::Damaged("lines are missing"));
            }
            let chunk = part.read(read)?;
            for (n, _) in chunk.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                line += 1;
                at = read + n as u64 + 1;
                if line % APART == 0 {
                    places.insert(line, (first, at));
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

impl Sealed {
    fn checkpoint(&self) -> Result<Checkpoint, ReadError> {
        let part = &self.segment;
        let length = part.length.min(CHECKPOINT);
        let tail = part.read(part.length - length)?;
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
            time: self.time.clone(),
        })
    }
}

impl Part {
    /// Up to a chunk of what is durable, from byte `at` on.
    fn read(&self, at: u64) -> Result<Vec<u8>, ReadError> {
        let length = self.length.saturating_sub(at);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(CHUNK).min(CHUNK)];
        self.file.read_exact_at(&mut bytes, at).map_err(|error| {
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                return ReadError::Damaged("it is shorter");
            }
            ReadError::Io(error)
        })?;
        Ok(bytes)
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
