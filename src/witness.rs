//! A witness: keeps the size and the root it saw last of each log, and signs only what continues that.
//!
//! Source: C2SP tlog-witness. It is for another team on another host: whoever holds a log's key and disk must
//! not hold the witness, too.

mod files;
mod serve;

pub use files::{WitnessError, create};
pub use serve::router;

use crate::audit::cosign::cosign;
use crate::audit::key::LogKey;
use crate::audit::prove::continues;
use crate::audit::signed::{Note, Signed, decimal, hash};
use crate::audit::tree::{Frontier, Hash};
use crate::audit::verify::Vkey;
use files::Place;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Most hashes in a request: no tree needs more.
const HASHES: usize = 63;

/// A witness of some logs.
#[derive(Debug)]
pub struct Witness {
    key: LogKey,
    logs: BTreeMap<String, Log>,
}

/// One log, by its origin.
#[derive(Debug)]
struct Log {
    /// More than one while the log changes its key.
    keys: Vec<Vkey>,
    /// Held from before the comparison until the new state is on disk.
    held: Mutex<Option<Held>>,
    place: Place,
}

/// The newest tree that was cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    size: u64,
    root: Hash,
}

/// What a witness answers, as the specification names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: its signature line.
    Cosigned(String),
    /// 400: the request is not in the form.
    Malformed(&'static str),
    /// 403: no key that is trusted for this log signed it.
    NotSigned,
    /// 404: not a log of this witness.
    Unknown,
    /// 409: it holds a tree of this size, and not that one.
    Conflict(u64),
    /// 422: the proof does not show that one continues the other.
    Inconsistent,
    /// 500: it could not be kept, so it was not signed.
    NotKept,
}

/// A request, taken apart.
struct Request<'a> {
    old: u64,
    path: Vec<Hash>,
    text: &'a str,
    note: Note<'a>,
}

impl Witness {
    /// Opens the state in `dir` for these logs.
    ///
    /// # Errors
    /// When there is none, another process has it, it is another witness's, or what it holds of a log cannot be read
    /// back: a witness that forgot is none.
    pub fn open(dir: &Path, key: LogKey, logs: Vec<Vkey>) -> Result<Self, WitnessError> {
        let state = files::State::open(dir, &key)?;
        let mut by_origin: BTreeMap<String, Vec<Vkey>> = BTreeMap::new();
        for key in logs {
            by_origin.entry(key.origin().to_owned()).or_default().push(key);
        }
        let mut known = BTreeMap::new();
        for (origin, keys) in by_origin {
            let place = state.place(&origin);
            let held = place.read(&origin, &keys)?;
            known.insert(origin, Log { keys, held: Mutex::new(held), place });
        }
        Ok(Self { key, logs: known })
    }

    /// Takes a checkpoint at `now` (Unix seconds). What it answers with 200 is on disk.
    #[must_use]
    pub fn add(&self, body: &[u8], now: u64) -> Answer {
        let request = match request(body) {
            Ok(request) => request,
            Err(why) => return Answer::Malformed(why),
        };
        let Some(log) = self.logs.get(request.note.origin) else { return Answer::Unknown };
        if !is_signed(&request.note, &log.keys) {
            return Answer::NotSigned;
        }
        if request.old > request.note.size {
            return Answer::Malformed("the old size is larger than that of the checkpoint");
        }
        // It would say nothing of any line. An old size of 0 is that of a log which was not seen before.
        if request.note.size == 0 {
            return Answer::Malformed("the checkpoint is about no line");
        }
        log.add(&request).unwrap_or_else(|| {
            tracing::info!(origin = request.note.origin, size = request.note.size, "cosigned");
            Answer::Cosigned(cosign(&self.key, request.note.body, now))
        })
    }
}

impl Log {
    /// Compares and keeps; `None` when the checkpoint is kept and may be signed.
    fn add(&self, request: &Request<'_>) -> Option<Answer> {
        let note = &request.note;
        // After a panic the state is what is on disk, or was never promised to anybody.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let (size, root) = held.as_ref().map_or((0, None), |held| (held.size, Some(held.root)));
        // How an agent asks which tree is held. One that holds more was not asked for that: this one was put back.
        let conflict = || {
            if request.old < size {
                tracing::debug!(
                    origin = note.origin,
                    held = size,
                    old = request.old,
                    "the size that is held was told"
                );
                return Some(Answer::Conflict(size));
            }
            tracing::warn!(
                origin = note.origin,
                held = size,
                old = request.old,
                asked = note.size,
                "not cosigned: it does not begin at the tree that is held"
            );
            Some(Answer::Conflict(size))
        };
        if request.old != size {
            return conflict();
        }
        let old_root = root.unwrap_or_else(|| Frontier::default().root());
        if size == note.size && old_root != note.root {
            tracing::error!(
                note = request.text,
                "another history: the same size with another root"
            );
            return Some(Answer::Conflict(size));
        }
        if !continues(size, &old_root, note.size, &note.root, &request.path) {
            tracing::error!(
                note = request.text,
                held = size,
                "not cosigned: the proof does not show that this continues what is held"
            );
            return Some(Answer::Inconsistent);
        }
        let new = Held { size: note.size, root: note.root };
        if held.as_ref() != Some(&new)
            && let Err(error) = self.place.keep(request.text)
        {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::error!(error, "not cosigned: the checkpoint could not be kept");
            return Some(Answer::NotKept);
        }
        *held = Some(new);
        None
    }
}

/// Whether a trusted key signed it, and none of them is misused.
fn is_signed(note: &Note<'_>, keys: &[Vkey]) -> bool {
    let signed = |wanted| keys.iter().any(|key| note.signed_by(key) == wanted);
    signed(Signed::Good) && !signed(Signed::Bad)
}

fn request(body: &[u8]) -> Result<Request<'_>, &'static str> {
    let text = std::str::from_utf8(body).map_err(|_| "it is not UTF-8")?;
    let (head, text) = text.split_once("\n\n").ok_or("no empty line before the checkpoint")?;
    let mut lines = head.split('\n');
    let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
    let old = old.ok_or("the first line is `old` and a size")?;
    let path: Option<Vec<Hash>> = lines.map(hash).collect();
    let path = path.ok_or("a line of the proof is no hash in base64")?;
    if path.len() > HASHES {
        return Err("more than 63 hashes");
    }
    let note = Note::parse(text).ok_or("the checkpoint is not a signed note")?;
    Ok(Request { old, path, text, note })
}

#[cfg(test)]
#[path = "witness/tests.rs"]
mod tests;
