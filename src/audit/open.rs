//! Opening a log: the newest file alone is read, and what a crash left undone is put in order.

use super::commit::State;
use super::dir::{Dir, Name, segments};
use super::entry::Entry;
use super::error::{LogError, io};
use super::keys::other_key;
use super::lines::{Lines, Next};
use super::quarantine;
use super::scan::{Scan, Tail, scan, tail};
use super::segment::Segment;
use super::signer::{PublicKey, Signer};
use super::tree::{Hash, leaf_hash};
use serde_json::Value;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// More than a checkpoint line ever has.
const CHECKPOINT: u64 = 8 * 1024;

/// A log as it was found, and put in order.
pub(super) struct Opened {
    pub(super) segment: Segment,
    pub(super) state: State,
    /// When the file was begun, in microseconds since 1970.
    pub(super) began: i64,
    /// What has to be said about bytes that were moved away.
    pub(super) recovered: Vec<Entry>,
}

/// The origin that the newest file of a log names, read without the key.
///
/// # Errors
/// When there is no log or no file of it begins as one does.
pub fn origin(dir: &Path) -> Result<String, LogError> {
    let mut names = segments(dir).map_err(io(dir, "reading the directory"))?;
    let Some(newest) = names.last().cloned() else { return Err(no_log(dir)) };
    // The newest may have been begun just before a crash; then the one before tells.
    while let Some(name) = names.pop() {
        let file = File::open(&name.path).map_err(io(&name.path, "opening"))?;
        let mut lines = Lines::of(&file, 0).map_err(io(&name.path, "reading"))?;
        if let Next::Line(line) = lines.next().map_err(io(&name.path, "reading"))?
            && let Ok(value) = serde_json::from_slice::<Value>(line)
            && let Some(origin) = value.pointer("/what/origin").and_then(Value::as_str)
        {
            return Ok(origin.to_owned());
        }
    }
    Err(LogError::refused(&newest.path, "its first line is damaged; restore the log from a backup"))
}

fn no_log(dir: &Path) -> LogError {
    LogError::refused(
        dir,
        "there is no log; make one with `revoked init`, or, if it was lost, see `revoked log accept-loss`",
    )
}

/// Opens the log in `dir`, which `signer` has to be the signer of. Of lines after `told` it is known that nobody was
/// told of them.
pub(super) fn open(dir: &Dir, signer: &dyn Signer, told: Option<u64>) -> Result<Opened, LogError> {
    let mut names = dir.segments()?;
    let search = Search { dir, signer: signer.public(), told };
    let (segment, scan) = search.newest(&mut names)?;
    let path = segment.path.clone();
    let Some((state, key)) = scan.sealed.zip(scan.key) else {
        return Err(damaged(&path, 0));
    };
    let length = segment.file.metadata().map_err(io(&path, "looking at the file"))?.len();
    // Before the keys are compared: where the change of key is damaged, so is what comes after it, and the key that was
    // put in its place signed that.
    let keys = [&key, signer.public()];
    if length > state.length && !search.may_go(&segment, state.length, &keys, state.seq)? {
        return Err(damaged(&path, state.length));
    }
    if key != *signer.public() {
        return Err(other_key(&dir.path, &path, (&key, &state.next_key), signer.public()));
    }
    if length > state.length {
        quarantine::keep(dir, &segment.file, &path, state.length)?;
        segment.cut(state.length).map_err(io(&path, "truncating"))?;
    }
    if let Some(before) = names.pop() {
        mend(dir, &before, &scan.before)?;
    }
    // What this start moved away, and what an earlier one did that was killed before it could say so.
    let recovered = quarantine::untold(dir, &dir.segments()?)?;
    Ok(Opened { segment, state, began: scan.began, recovered })
}

pub(super) fn damaged(path: &Path, at: u64) -> LogError {
    let why = format!(
        "it is damaged at byte {at}, in what was already signed. Keep the file as evidence and \
         restore the log from a backup, with the store of the same moment; `revoked verify` names the first bad \
         line. Without a backup, `revoked log accept-loss` shows what would be lost"
    );
    LogError::refused(path, why)
}

/// Looks for the end of what was sealed.
struct Search<'a> {
    dir: &'a Dir,
    signer: &'a PublicKey,
    /// The newest line that somebody may have been told of, if that is known.
    told: Option<u64>,
}

impl Search<'_> {
    /// Whether what the file has from byte `at` on, which would be line `seq`, may be moved away: nobody was told
    /// of it.
    fn may_go(
        &self,
        segment: &Segment,
        at: u64,
        keys: &[&PublicKey],
        seq: u64,
    ) -> Result<bool, LogError> {
        let found = tail(&segment.file, at, keys, seq.saturating_sub(1));
        Ok(match found.map_err(io(&segment.path, "reading"))? {
            // Nobody was told of what no checkpoint has, unless the store knows better: then the checkpoint is damaged.
            Tail::Unsealed => self.told.is_none_or(|told| told < seq),
            // A commit of which parts did not reach the disk when the power went. It was never acknowledged, or
            // the store would know.
            Tail::OneCommit => self.told.is_some_and(|told| told < seq),
            Tail::Sealed => false,
        })
    }

    /// The newest file in which something is sealed. A later one was being begun when the agent died: nobody was told of
    /// anything in it, so it goes away. Leaves the files before in `names`.
    fn newest(&self, names: &mut Vec<Name>) -> Result<(Segment, Scan), LogError> {
        let dir = self.dir;
        let mut dropped = false;
        while let Some(Name { first, path }) = names.pop() {
            if Segment::is_finished(&path).map_err(io(&path, "looking at the file"))? {
                if !dropped {
                    let why = "it is finished (read-only), and the file that follows it is missing. Restore that \
                           from a backup. If there never was one, make this one writable: chmod 640";
                    return Err(LogError::refused(&path, why));
                }
                Segment::reopen(&path).map_err(io(&path, "making it writable"))?;
            }
            let segment = Segment::open(first, &path)?;
            let found = scan(&segment.file, first).map_err(io(&path, "reading"))?;
            if found.sealed.is_some() {
                return Ok((segment, found));
            }
            let there = found.named.as_deref().and_then(PublicKey::parse);
            let keys: Vec<&PublicKey> = std::iter::once(self.signer).chain(&there).collect();
            if names.is_empty() || !self.may_go(&segment, 0, &keys, first)? {
                return Err(damaged(&path, 0));
            }
            let length = segment.file.metadata().map_err(io(&path, "looking at the file"))?.len();
            if length > 0 {
                quarantine::keep(dir, &segment.file, &path, 0)?;
            }
            segment.discard(dir).map_err(io(&path, "removing a file that was being begun"))?;
            dropped = true;
        }
        Err(no_log(&dir.path))
    }
}

/// The file before must end with the line whose hash is `last`. A commit that failed there may have left more: that
/// is moved away.
fn mend(dir: &Dir, before: &Name, last: &Hash) -> Result<(), LogError> {
    let path = &before.path;
    let finished = Segment::is_finished(path).map_err(io(path, "looking at the file"))?;
    let file = File::open(path).map_err(io(path, "opening"))?;
    let mut moved = false;
    if !ends_with(&file, last).map_err(io(path, "reading"))? {
        let Some(end) = end_of(&file, last).map_err(io(path, "reading"))? else {
            let why = "it is not the file that the next one follows. Keep both as evidence and restore the \
                       log from a backup; `revoked verify` names the first bad line";
            return Err(LogError::refused(path, why));
        };
        quarantine::keep(dir, &file, path, end)?;
        moved = true;
        if finished {
            Segment::reopen(path).map_err(io(path, "making it writable"))?;
        }
        Segment::open(before.first, path)?.cut(end).map_err(io(path, "truncating"))?;
    }
    if moved || !finished {
        Segment::open(before.first, path)?.finish();
    }
    Ok(())
}

/// Whether the last line of `file` has the hash `last`.
fn ends_with(file: &File, last: &Hash) -> std::io::Result<bool> {
    let length = file.metadata()?.len();
    let count = length.min(CHECKPOINT);
    let mut tail = vec![0; usize::try_from(count).unwrap_or_default()];
    file.read_exact_at(&mut tail, length - count)?;
    let Some(tail) = tail.strip_suffix(b"\n") else { return Ok(false) };
    let line = tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(leaf_hash(line) == *last)
}

/// Where the line ends whose hash is `last`.
fn end_of(file: &File, last: &Hash) -> std::io::Result<Option<u64>> {
    let mut lines = Lines::of(file, 0)?;
    let mut at = 0;
    while let Next::Line(line) = lines.next()? {
        at += line.len() as u64 + 1;
        if leaf_hash(line) == *last {
            return Ok(Some(at));
        }
    }
    Ok(None)
}
