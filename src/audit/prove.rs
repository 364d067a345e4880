//! Proofs over a log's files: that a line is in the tree of a checkpoint, that a later tree continues an earlier
//! one. Read-only: each proof is one or a few walks over the files, in bounded memory, never beyond the newest
//! checkpoint, and nothing is taken from a cache: what the lines hash to must be what was signed.

mod check;
mod cosigned;
mod keys;
mod lines;
mod nodes;
mod pick;

pub use check::{continues, inclusion_root};
pub use keys::Keys;

use super::format::CHECKPOINT;
use super::signed::Note;
use super::tree::{Frontier, Hash, leaf_hash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lines::{Lines, kind};
use nodes::{Growing, Wanted, consistency, inclusion};
use pick::{Line, Picked};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// First line of a proof, as C2SP tlog-proof has it.
pub const PROOF: &str = "c2sp.org/tlog-proof@v1";

/// Bytes of lines given at once.
const PAGE: usize = 4 * 1024 * 1024;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The file system refused.
    #[error("reading the audit log {path}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There are no files of a log.
    #[error("{0} holds no revlog-*.jsonl")]
    NoLog(PathBuf),
    /// The files are not what was signed.
    #[error("the audit log is not what was signed: {0}. `revoked verify` names the first bad line")]
    Damaged(String),
    /// Nothing is signed yet, or nothing that far.
    #[error("the newest checkpoint has size {size}, and lines are counted from 0")]
    Beyond {
        /// Lines that it covers.
        size: u64,
    },
    /// No signed note is about that many lines.
    #[error("the log has no checkpoint of size {size}; the next larger one has size {next}")]
    NoCheckpoint {
        /// What was asked for.
        size: u64,
        /// What there is.
        next: u64,
    },
    /// No record is about it.
    #[error("no record under the newest checkpoint is about {0}")]
    NoRecord(String),
    /// More than a bundle holds.
    #[error("its records are more than {} MiB; prove single lines", .0 / (1024 * 1024))]
    TooMuch(usize),
    /// The thread that read is gone.
    #[error("reading the audit log was given up")]
    Gone,
}

/// A checkpoint of the log, with its note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Name of the log.
    pub origin: String,
    /// Lines it covers.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// The signed note.
    pub note: String,
}

impl Head {
    /// Reads a note; `None` when it is none.
    #[must_use]
    pub fn of(note: &str) -> Option<Self> {
        let parsed = Note::parse(note)?;
        Some(Self {
            origin: parsed.origin.to_owned(),
            size: parsed.size,
            root: parsed.root,
            note: note.to_owned(),
        })
    }

    /// The note in a checkpoint line.
    fn in_line(line: &[u8]) -> Option<Self> {
        let line: Value = serde_json::from_slice(line).ok()?;
        Self::of(line.pointer("/what/note")?.as_str()?)
    }
}

/// That a later tree continues an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// Size of the earlier tree.
    pub old: u64,
    /// Its root.
    pub old_root: Hash,
    /// The proof.
    pub path: Vec<Hash>,
    /// The later tree.
    pub new: Head,
}

impl std::fmt::Display for Consistency {
    /// The form in which witnesses are asked.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.path {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.new.note)
    }
}

/// The files of a log.
#[derive(Clone, Debug)]
pub struct Prover {
    dir: PathBuf,
}

impl Prover {
    /// Of the log in `dir`. Nothing is locked, and nothing is read yet.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn dir(&self) -> &Path {
        &self.dir
    }

    /// The newest checkpoint that this log's key signed for the lines before it. What comes after it proves
    /// nothing, whatever it looks like.
    ///
    /// # Errors
    /// When the files cannot be read, or no line is signed.
    pub fn head(&self) -> Result<Head, ProveError> {
        // Checking one signature is enough, unless somebody put lines after the newest checkpoint.
        match self.newest(false)? {
            Some(head) => Ok(head),
            None => self.newest(true)?.ok_or(ProveError::Beyond { size: 0 }),
        }
    }

    /// The last checkpoint whose root is that of the lines before it; with `each`, the last of those that are
    /// signed, else `None` if the last is not.
    fn newest(&self, each: bool) -> Result<Option<Head>, ProveError> {
        let (mut lines, mut tree) = (Lines::of(&self.dir)?, Frontier::default());
        let (mut keys, mut newest) = (Keys::default(), None);
        let mut unfit: Option<Head> = None;
        while let Some((seq, line)) = lines.next()? {
            if kind(line) == CHECKPOINT.as_bytes()
                && let Some(head) = Head::in_line(line)
            {
                if head.size != seq || head.root != tree.root() {
                    unfit = Some(head).filter(|head| size(unfit.as_ref()) < head.size).or(unfit);
                } else if !each || keys.signed(&head.note) {
                    newest = Some(head);
                }
            }
            keys.learn(seq, line);
            tree.push(leaf_hash(line));
        }
        // Lines that nobody signed may follow the newest checkpoint. A later one that was signed says that there were
        // others once: an older head would be taken for the newest.
        match unfit.filter(|head| size(newest.as_ref()) < head.size && keys.signed(&head.note)) {
            Some(head) => Err(not_signed(&head)),
            None => Ok(newest.filter(|head| keys.signed(&head.note))),
        }
    }

    /// The checkpoint over `size` lines, and the keys of the log.
    ///
    /// # Errors
    /// When there is none.
    pub fn checkpoint(&self, size: u64) -> Result<Head, ProveError> {
        let mut lines = Lines::of(&self.dir)?;
        while let Some((seq, line)) = lines.next()? {
            if seq >= size && kind(line) == CHECKPOINT.as_bytes() {
                let head = Head::in_line(line);
                let next = head.as_ref().map_or(seq, |head| head.size);
                return head
                    .filter(|head| head.size == size)
                    .ok_or(ProveError::NoCheckpoint { size, next });
            }
        }
        Err(ProveError::Beyond { size: self.head()?.size })
    }

    /// The keys that the lines under `head` name.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn keys(&self, head: &Head) -> Result<Keys, ProveError> {
        let (mut lines, mut keys) = (Lines::of(&self.dir)?, Keys::default());
        while let Some((seq, line)) = lines.next()?.filter(|(seq, _)| *seq < head.size) {
            keys.learn(seq, line);
        }
        Ok(keys)
    }

    /// The proof of line `seq` under `head`, or under an earlier checkpoint that has the line and that witnesses signed:
    /// C2SP tlog-proof, with the line as its extra data. Where a wrong clock wrote it, proofs of the `clock` records
    /// follow.
    ///
    /// # Errors
    /// When the checkpoint does not cover that line, or the files are not what was signed.
    pub fn line(&self, head: &Head, seq: u64) -> Result<String, ProveError> {
        if seq >= head.size {
            return Err(ProveError::Beyond { size: head.size });
        }
        let mut picked = Picked::line(&self.dir, head, seq)?;
        if picked.records.is_empty() {
            return Err(ProveError::Damaged(format!("it ends before line {seq}")));
        }
        // Line 0 names a key, which is that of the note only where no other came after it.
        let has_chain = seq == 0;
        let head = self.under(head, &mut picked, has_chain)?;
        self.prove(&picked.keys, &picked.lines(head.size, has_chain), &head)
    }

    /// The bundle of a revocation under `head`, or under an earlier checkpoint that has all of it and that witnesses
    /// signed: proofs of line 0, of every change of key with the checkpoint after it, and of each record about the
    /// revocation and its subject; where a wrong clock wrote some of these, also of every `clock` record.
    ///
    /// # Errors
    /// When there is no such record, or the files are not what was signed.
    pub fn bundle(&self, head: &Head, revocation: &str) -> Result<String, ProveError> {
        let mut picked = Picked::revocation(&self.dir, head, revocation)?;
        let head = self.under(head, &mut picked, true)?;
        self.prove(&picked.keys, &picked.lines(head.size, true), &head)
    }

    /// Up to `limit` lines from line `from` on, each with its line feed, as many as fit a page. It does not ask which
    /// of them are signed.
    ///
    /// # Errors
    /// When the files cannot be read.
    pub fn lines(&self, from: u64, limit: u64) -> Result<Vec<u8>, ProveError> {
        let (mut lines, mut bytes) = (Lines::of(&self.dir)?, Vec::new());
        let mut left = limit;
        while let Some((seq, line)) = lines.next()? {
            if seq < from {
                continue;
            }
            if left == 0 || bytes.len() > PAGE {
                break;
            }
            left -= 1;
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    /// That the tree of `new` continues that of its first `old` lines.
    ///
    /// # Errors
    /// When `new` does not cover that many, or the files are not what was signed.
    pub fn consistency(&self, old: u64, new: &Head) -> Result<Consistency, ProveError> {
        if old > new.size {
            return Err(ProveError::Beyond { size: new.size });
        }
        let runs = consistency(old, new.size);
        let mut wanted = Wanted::default();
        wanted.add(&runs);
        wanted.add(&[(0, old), (0, new.size)]);
        let keys = self.grow(new.size, &mut wanted)?;
        let path = hashes(&wanted, &runs)?;
        let root = |size| wanted.root((0, size)).unwrap_or_else(|| Frontier::default().root());
        let old_root = root(old);
        if root(new.size) != new.root || !keys.signed(&new.note) {
            return Err(not_signed(new));
        }
        if !continues(old, &old_root, new.size, &new.root, &path) {
            return Err(ProveError::Damaged("the proof does not lead to the root".to_owned()));
        }
        Ok(Consistency { old, old_root, path, new: new.clone() })
    }

    /// The proofs of lines under one checkpoint, one after the other. Every one was checked.
    fn prove(&self, keys: &Keys, lines: &[&Line], head: &Head) -> Result<String, ProveError> {
        let mut wanted = Wanted::default();
        for (seq, _) in lines {
            wanted.add(&inclusion(*seq, head.size));
        }
        self.grow(head.size, &mut wanted)?;
        let mut text = String::new();
        for (seq, line) in lines {
            let path = hashes(&wanted, &inclusion(*seq, head.size))?;
            let root = inclusion_root(leaf_hash(line), *seq, head.size, &path);
            if root != Some(head.root) || !keys.signed(&head.note) {
                return Err(not_signed(head));
            }
            // Writing into a String does not fail.
            let _ = writeln!(text, "{PROOF}\nextra {}\nindex {seq}", STANDARD.encode(line));
            for hash in path {
                let _ = writeln!(text, "{}", STANDARD.encode(hash));
            }
            let _ = write!(text, "\n{}", head.note);
        }
        Ok(text)
    }

    /// Walks over the first `size` lines for the hashes that are wanted.
    fn grow(&self, size: u64, wanted: &mut Wanted) -> Result<Keys, ProveError> {
        let (mut lines, mut tree) = (Lines::of(&self.dir)?, Growing::new(wanted));
        let mut keys = Keys::default();
        for seq in 0..size {
            let Some((_, line)) = lines.next()? else {
                return Err(ProveError::Damaged(format!("it ends before line {seq}")));
            };
            keys.learn(seq, line);
            tree.push(leaf_hash(line));
        }
        Ok(keys)
    }
}

fn hashes(wanted: &Wanted, runs: &[nodes::Run]) -> Result<Vec<Hash>, ProveError> {
    let known: Option<Vec<Hash>> = runs.iter().map(|run| wanted.root(*run)).collect();
    known.ok_or_else(|| ProveError::Damaged("a hash of the tree is missing".to_owned()))
}

fn size(head: Option<&Head>) -> u64 {
    head.map_or(0, |head| head.size)
}

fn not_signed(head: &Head) -> ProveError {
    ProveError::Damaged(format!(
        "its first {} lines do not have the root that was signed",
        head.size
    ))
}

#[cfg(test)]
#[path = "prove_tests.rs"]
mod tests;
