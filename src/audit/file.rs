//! The log's file: opened once, appended to, fenced against everybody else.

use super::format::{FIRST_SEGMENT, GENESIS, OWN_TYPES, RECOVERY, ZERO_PREV};
use super::key::{LogKey, commitment};
use super::line::{self, LineError};
pub use super::scan::{Found, Landed};
use super::scan::{State, scan, seals_more};
use super::tree::{Frontier, Hash, leaf_hash};
use crate::domain::hex::hex;
use serde_json::{Map, Value, json};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// `O_NOFOLLOW` of Linux.
const O_NOFOLLOW: i32 = 0o400_000;

/// What keeps a log from being opened or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system refused.
    #[error("audit log {path}: {doing}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// Another process has it.
    #[error(
        "audit log {path}: another process holds it. If the agent runs, let the command talk to it \
         (revoked.sock or REVOKED_URL)"
    )]
    Locked {
        /// Directory.
        path: PathBuf,
    },
    /// There is no log, or there is one where none should be.
    #[error("audit log {path}: {why}")]
    Refused {
        /// Where.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// Somebody else changed the file while it was in use.
    #[error(
        "audit log {path}: {what}. Nothing more is written. Find out who did this; then restart"
    )]
    Fence {
        /// Where.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A record has no canonical form: a defect of the agent.
    #[error(transparent)]
    Line(#[from] LineError),
}

/// A record to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Record type.
    pub kind: String,
    /// Its content. A queued record has its `id` here.
    pub what: Map<String, Value>,
}

/// The log, locked and open for appending.
pub struct LogFile {
    path: PathBuf,
    /// Holding this open holds the lock: of the directory, since a lock file can be unlinked and made anew.
    _lock: File,
    pub(super) file: File,
    identity: (u64, u64),
    key: LogKey,
    pub(super) state: State,
}

/// Takes the lock of a log directory.
///
/// # Errors
/// When another process has it, or the directory cannot be opened.
pub fn lock(dir: &Path) -> Result<File, LogError> {
    let io = |doing| move |source| LogError::Io { path: dir.to_owned(), doing, source };
    let handle = File::open(dir).map_err(io("opening the directory"))?;
    match handle.try_lock() {
        Ok(()) => Ok(handle),
        Err(std::fs::TryLockError::WouldBlock) => Err(LogError::Locked { path: dir.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => {
            Err(LogError::Io { path: dir.to_owned(), doing: "locking the directory", source })
        }
    }
}

/// Makes a log: the directory's first file with the genesis line and its checkpoint.
///
/// # Errors
/// When a log is there already, or it cannot be written.
pub fn create(dir: &Path, key: &LogKey, next_vkey: &str, now: &str) -> Result<(), LogError> {
    let _lock = lock(dir)?;
    let path = dir.join(FIRST_SEGMENT);
    let io = |doing| {
        let path = path.clone();
        move |source| LogError::Io { path, doing, source }
    };
    let mut file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(0o640)
        .custom_flags(O_NOFOLLOW)
        .open(&path)
        .map_err(io("making the first file"))?;
    let genesis = json!({
        "agent": concat!("revoked ", env!("CARGO_PKG_VERSION")),
        "format": super::format::FORMAT,
        "key": key.vkey(),
        "next": commitment(next_vkey),
        "origin": key.origin(),
    });
    let Value::Object(what) = genesis else { return Ok(()) };
    let first = line::record(ZERO_PREV, 0, now, GENESIS, &what)?;
    let leaf = leaf_hash(&first);
    let mut tree = Frontier::default();
    tree.push(leaf);
    let mut bytes = first;
    bytes.push(b'\n');
    bytes.extend(line::checkpoint(&hex(&leaf), 1, &key.note(1, &tree.root())));
    bytes.push(b'\n');
    file.write_all(&bytes).map_err(io("writing the genesis"))?;
    file.sync_all().map_err(io("syncing the genesis"))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io("syncing the directory"))
}

/// The origin in the genesis line of a log, read without the key.
///
/// # Errors
/// When there is no log or its first line is not a genesis.
pub fn origin(dir: &Path) -> Result<String, LogError> {
    let path = dir.join(FIRST_SEGMENT);
    let refused = |why: &str| LogError::Refused { path: path.clone(), why: why.to_owned() };
    let file = File::open(&path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            return refused("there is no log; make one with `revoked init`");
        }
        LogError::Io { path: path.clone(), doing: "opening", source }
    })?;
    let mut first = Vec::new();
    file.take(64 * 1024).read_to_end(&mut first).map_err(|source| LogError::Io {
        path: path.clone(),
        doing: "reading",
        source,
    })?;
    let first = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let value: Value = serde_json::from_slice(first)
        .map_err(|_| refused("its first line is damaged; restore the log from a backup"))?;
    value
        .pointer("/what/origin")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| refused("its first line is not a genesis; restore the log from a backup"))
}

impl LogFile {
    /// Opens an existing log: takes the lock, reads it from the beginning, and moves unsealed bytes at its
    /// end into quarantine. Gives also every sealed record, for the store to compare.
    ///
    /// # Errors
    /// When there is no log, another process has it, it belongs to another key, or it is damaged before its
    /// last checkpoint.
    pub fn open(dir: &Path, key: LogKey, now: &str) -> Result<(Self, Vec<Found>), LogError> {
        let lock = lock(dir)?;
        let path = dir.join(FIRST_SEGMENT);
        let io = |doing| {
            let path = path.clone();
            move |source| LogError::Io { path, doing, source }
        };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .custom_flags(O_NOFOLLOW)
            .open(&path)
            .map_err(io("opening"))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io("reading"))?;
        let scan = scan(&bytes, &key);
        let refused = |why: String| Err(LogError::Refused { path: path.clone(), why });
        if let Some(other) = scan.genesis_key.as_ref().filter(|vkey| **vkey != key.vkey()) {
            return refused(format!(
                "it was begun with another key ({other}); the configured one is {}",
                key.vkey()
            ));
        }
        let sealed = usize::try_from(scan.sealed.length).unwrap_or(usize::MAX);
        let tail = bytes.get(sealed..).unwrap_or_default().to_vec();
        if scan.sealed.seq == 0 || seals_more(&tail, &key, scan.sealed.tree.size()) {
            return refused(format!(
                "it is damaged at byte {sealed}, in what was already signed. Keep the file as evidence and \
                 restore the log from a backup; `revoked verify` names the first bad line"
            ));
        }
        let meta = file.metadata().map_err(io("looking at the file"))?;
        let mut log = Self {
            path: path.clone(),
            _lock: lock,
            file,
            identity: (meta.dev(), meta.ino()),
            key,
            state: scan.sealed,
        };
        if !tail.is_empty() {
            log.quarantine(dir, &tail, now)?;
        }
        Ok((log, scan.found))
    }

    /// Moves the unsealed tail away and says so in the log. It was never acknowledged, so no promise is
    /// lost; and it is not signed after the fact, because anybody could have put it there.
    fn quarantine(&mut self, dir: &Path, tail: &[u8], now: &str) -> Result<(), LogError> {
        use sha2::{Digest as _, Sha256};
        let offset = self.state.length;
        let place = dir.join("quarantine");
        let io = |doing| {
            let path = place.clone();
            move |source| LogError::Io { path, doing, source }
        };
        std::fs::create_dir_all(&place).map_err(io("making the directory"))?;
        // Twice at one offset means killed between keeping and truncating; more is not to be expected.
        let name = (0..1_000)
            .map(|n: u32| place.join(format!("{FIRST_SEGMENT}.{offset}.{n}.bin")))
            .find(|name| !name.exists())
            .unwrap_or_else(|| place.join("tail.bin"));
        let mut copy = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o640)
            .open(&name)
            .map_err(io("keeping the unsealed bytes"))?;
        copy.write_all(tail).map_err(io("keeping the unsealed bytes"))?;
        copy.sync_all().map_err(io("keeping the unsealed bytes"))?;
        File::open(&place).and_then(|d| d.sync_all()).map_err(io("syncing the directory"))?;
        self.truncate(offset)?;
        let hash: Hash = Sha256::digest(tail).into();
        let lines = tail.split(|byte| *byte == b'\n').count() - 1;
        tracing::warn!(
            offset,
            bytes = tail.len(),
            file = name.display().to_string(),
            "unsealed bytes at the end of the audit log were moved away"
        );
        let Value::Object(what) = json!({
            "bytes": tail.len(), "complete_lines": lines, "offset": offset, "sha256": hex(&hash),
        }) else {
            return Ok(());
        };
        self.append(&[Entry { kind: RECOVERY.to_owned(), what }], now).map(|_| ())
    }

    fn truncate(&self, length: u64) -> Result<(), LogError> {
        self.file
            .set_len(length)
            .and_then(|()| self.file.sync_all())
            .map_err(|source| LogError::Io { path: self.path.clone(), doing: "truncating", source })
    }

    /// The public key in use.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.key.vkey()
    }

    /// Sequence of the newest line, which is a checkpoint.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.state.seq.saturating_sub(1)
    }

    /// Appends `entries` and a checkpoint as one commit: one write, one `fdatasync`. When this returns, the
    /// records are durable under a signature.
    ///
    /// # Errors
    /// After an error nothing of the commit is acknowledged. The fence and a failed sync are final: the log
    /// must be opened anew.
    pub fn append(&mut self, entries: &[Entry], now: &str) -> Result<Vec<Landed>, LogError> {
        self.fence()?;
        let mut next = self.state.clone();
        let mut bytes = Vec::new();
        let mut landed = Vec::with_capacity(entries.len());
        if stepped_back(&next.last_time, now) {
            let Value::Object(what) = json!({"new": now, "old": next.last_time}) else {
                return Ok(landed);
            };
            push(&mut next, &mut bytes, super::format::CLOCK, &what, now)?;
        }
        for entry in entries {
            landed.push(push(&mut next, &mut bytes, &entry.kind, &entry.what, now)?);
        }
        let note = self.key.note(next.tree.size(), &next.tree.root());
        let line = line::checkpoint(&hex(&next.prev), next.seq, &note);
        seal(&mut next, &mut bytes, line);
        let begun = self.state.length;
        let written = (&self.file).write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(source) = written {
            // A short write is a normal event on a full disk. What is there of it was never acknowledged.
            let _ = self.truncate(begun);
            return Err(LogError::Io {
                path: self.path.clone(),
                doing: "writing a commit",
                source,
            });
        }
        self.read_back(begun, &bytes)?;
        next.length = begun + bytes.len() as u64;
        self.state = next;
        Ok(landed)
    }

    /// Nobody else may have touched the file: same inode at the path, still linked, as long as we left it.
    fn fence(&self) -> Result<(), LogError> {
        let what = match (self.file.metadata(), std::fs::symlink_metadata(&self.path)) {
            (Ok(held), _) if held.nlink() == 0 => "the file was deleted".to_owned(),
            (Ok(held), _) if held.len() != self.state.length => {
                format!("the file has {} bytes, but {} were written", held.len(), self.state.length)
            }
            (Ok(_), Ok(there)) if (there.dev(), there.ino()) != self.identity => {
                "another file was put in its place".to_owned()
            }
            (Ok(_), Err(_)) => "the file was renamed or moved".to_owned(),
            (Err(error), _) => format!("the file cannot be looked at: {error}"),
            (Ok(_), Ok(_)) => return Ok(()),
        };
        Err(LogError::Fence { path: self.path.clone(), what })
    }

    /// What was written is what is there: a second writer would have moved our bytes.
    fn read_back(&self, begun: u64, bytes: &[u8]) -> Result<(), LogError> {
        let mut there = vec![0; bytes.len()];
        let read = self.file.read_exact_at(&mut there, begun);
        if read.is_ok() && there == bytes {
            return Ok(());
        }
        let what = format!("the bytes after {begun} are not those that were written");
        Err(LogError::Fence { path: self.path.clone(), what })
    }
}

fn push(
    state: &mut State,
    bytes: &mut Vec<u8>,
    kind: &str,
    what: &Map<String, Value>,
    now: &str,
) -> Result<Landed, LogError> {
    let line = line::record(&hex(&state.prev), state.seq, now, kind, what)?;
    let seq = state.seq;
    now.clone_into(&mut state.last_time);
    Ok(Landed { seq, hash: hex(&seal(state, bytes, line)) })
}

fn seal(state: &mut State, bytes: &mut Vec<u8>, line: Vec<u8>) -> Hash {
    let leaf = leaf_hash(&line);
    state.tree.push(leaf);
    state.prev = leaf;
    state.seq += 1;
    bytes.extend(line);
    bytes.push(b'\n');
    leaf
}

/// The clock went back by more than a second: order is by sequence, but a reader should be told.
fn stepped_back(last: &str, now: &str) -> bool {
    let (Ok(last), Ok(now)) = (last.parse::<jiff::Timestamp>(), now.parse::<jiff::Timestamp>())
    else {
        return false;
    };
    last.as_microsecond() - now.as_microsecond() > 1_000_000
}

/// Whether records of this type are the writer's own and bypass the queue.
#[must_use]
pub fn own_type(kind: &str) -> bool {
    OWN_TYPES.contains(&kind)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
