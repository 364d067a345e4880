//! Which keys a log has, and the change from one to the next.

use super::commit::{Landed, State};
use super::dir::{Name, segments};
use super::entry::Entry;
use super::error::{LogError, io};
use super::file::LogFile;
use super::format::{GENESIS, KEY};
use super::key::{KeyError, LogKey, commitment, refuse_unsafe_place};
use super::lines::{Lines, Next};
use super::moment::Moment;
use super::open::damaged;
use super::scan::{Tail, scan, tail};
use super::signer::{PublicKey, Signer};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::{Value, json};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the key changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// As planned.
    Scheduled,
    /// Somebody else may have it.
    Compromised,
}

impl Reason {
    /// As the log has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Compromised => "compromised",
        }
    }
}

/// The key that signs a log now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// Name of the log.
    pub origin: String,
    /// The key, as text.
    pub vkey: String,
    /// Hash of the text of the next key.
    pub next: String,
    /// Line that names it.
    pub since: u64,
    /// Lines up to the newest checkpoint, that line included.
    pub lines: u64,
    /// The newest file, and how many of its bytes are sealed.
    pub newest: (PathBuf, u64),
}

/// The key in force in the log at `dir`, which nobody need have stopped writing. Reads the newest file; those before
/// only for the line that named the key.
///
/// # Errors
/// When there is no log, or nothing in its newest files is sealed.
pub fn in_force(dir: &Path) -> Result<InForce, LogError> {
    let mut names = segments(dir).map_err(io(dir, "reading the directory"))?;
    // The newest may have been begun this moment.
    while let Some(Name { first, path }) = names.pop() {
        let file = File::open(&path).map_err(io(&path, "opening"))?;
        let Some((state, key)) = newest_state(&file, &path, first)? else { continue };
        let mut since = newest_key(&file, first, state.length).map_err(io(&path, "reading"))?;
        while since.is_none()
            && let Some(Name { first, path }) = names.pop()
        {
            let file = File::open(&path).map_err(io(&path, "opening"))?;
            since = newest_key(&file, first, u64::MAX).map_err(io(&path, "reading"))?;
        }
        return Ok(InForce {
            origin: key.origin().to_owned(),
            vkey: key.vkey(),
            next: state.next_key,
            since: since.unwrap_or(0),
            lines: state.seq,
            newest: (path, state.length),
        });
    }
    Err(LogError::refused(dir, "there is no log, or none of its files has anything sealed"))
}

/// What is sealed in a file, and the key in force there; `None` if nothing is.
fn newest_state(
    file: &File,
    path: &Path,
    first: u64,
) -> Result<Option<(State, PublicKey)>, LogError> {
    let mut before = None;
    loop {
        let found = scan(file, first).map_err(io(path, "reading"))?;
        let named = found.named.as_deref().and_then(PublicKey::parse);
        let keys: Vec<&PublicKey> = found.key.iter().chain(&named).collect();
        let (length, size) =
            found.sealed.as_ref().map_or((0, first), |state| (state.length, state.seq));
        let rest =
            tail(file, length, &keys, size.saturating_sub(1)).map_err(io(path, "reading"))?;
        // A torn commit is for whoever opens the log to judge, who knows what anybody was told.
        if matches!(rest, Tail::Unsealed | Tail::OneCommit) {
            return Ok(found.sealed.zip(found.key));
        }
        // The agent may have gone on writing in between: then there is more now.
        if before.is_some_and(|before| before >= length) {
            return Err(damaged(path, length));
        }
        before = Some(length);
    }
}

/// The last line within `end` bytes of a file that names a key.
fn newest_key(file: &File, first: u64, end: u64) -> std::io::Result<Option<u64>> {
    let mut newest = None;
    each_line(file, end, |n, line| {
        if is_of(line, KEY) {
            newest = Some(first + n);
        }
    })?;
    Ok(newest)
}

fn each_line(file: &File, end: u64, mut take: impl FnMut(u64, &[u8])) -> std::io::Result<()> {
    let mut lines = Lines::of(file, 0)?;
    let (mut at, mut n) = (0, 0);
    while at < end
        && let Next::Line(line) = lines.next()?
    {
        take(n, line);
        at += line.len() as u64 + 1;
        n += 1;
    }
    Ok(())
}

/// Whether a line has this type: what stands before the type has no text of its own.
fn is_of(line: &[u8], kind: &str) -> bool {
    const BEGIN: &[u8] = b"\"type\":\"";
    let head = line.get(..160.min(line.len())).unwrap_or_default();
    let at = head.windows(BEGIN.len()).position(|window| window == BEGIN);
    let rest = at.and_then(|at| line.get(at + BEGIN.len()..)).unwrap_or_default();
    rest.strip_prefix(kind.as_bytes()).is_some_and(|rest| rest.starts_with(b"\""))
}

/// Every key that the log at `dir` ever named, as text. They are not checked.
///
/// # Errors
/// When a file cannot be read.
pub fn named(dir: &Path) -> Result<Vec<String>, LogError> {
    of_each_key(dir, "/what/key")
}

/// Hash of each key that the log at `dir` ever committed to. They are not checked.
///
/// # Errors
/// When a file cannot be read.
pub fn promised(dir: &Path) -> Result<Vec<String>, LogError> {
    of_each_key(dir, "/what/next")
}

/// What each line that names a key has at `pointer`.
fn of_each_key(dir: &Path, pointer: &str) -> Result<Vec<String>, LogError> {
    let mut found = Vec::new();
    for Name { path, .. } in segments(dir).map_err(io(dir, "reading the directory"))? {
        let file = File::open(&path).map_err(io(&path, "opening"))?;
        let read = each_line(&file, u64::MAX, |_, line| {
            if (is_of(line, KEY) || is_of(line, GENESIS))
                && let Ok(value) = serde_json::from_slice::<Value>(line)
                && let Some(text) = value.pointer(pointer).and_then(Value::as_str)
            {
                found.push(text.to_owned());
            }
        });
        read.map_err(io(&path, "reading"))?;
    }
    Ok(found)
}

/// The configured key does not sign this log now: why that may be, and what to do.
pub(super) fn other_key(
    dir: &Path,
    path: &Path,
    (in_force, next): (&PublicKey, &str),
    configured: &PublicKey,
) -> LogError {
    let (now, ours) = (in_force.vkey(), configured.vkey());
    let why = if commitment(&ours) == next {
        format!(
            "it is signed by the key {now}, but log.key_file holds the next one, {ours}, to which the log has \
             not changed yet. Put the key that signs it back, then run `revoked key rotate`"
        )
    } else if named(dir).is_ok_and(|keys| keys.contains(&ours)) {
        format!(
            "its key was changed to {now}, but log.key_file still holds the one before, {ours}. Run the \
             `revoked key rotate` of that change again: it puts the new key in place"
        )
    } else {
        format!("it was begun with another key ({now}); the configured one is {ours}")
    };
    LogError::refused(path, why)
}

impl LogFile {
    /// Hash of the text of the next key.
    #[must_use]
    pub fn next_key(&self) -> &str {
        &self.state.next_key
    }

    /// Changes the key to `new`, which must be the one that the log committed to, in one commit that both keys sign.
    /// `after` is the key after that.
    ///
    /// # Errors
    /// When it is another key, or the commit fails: as [`append`](Self::append).
    pub fn change_key(
        &mut self,
        new: impl Signer + 'static,
        after: &str,
        reason: Reason,
        now: impl Into<Moment>,
    ) -> Result<Landed, LogError> {
        let (now, vkey, next) = (now.into(), new.public().vkey(), commitment(after));
        if commitment(&vkey) != self.state.next_key {
            let why = format!(
                "{vkey} is not the next key that the log committed to (SHA-256 {}); nothing was changed",
                self.state.next_key
            );
            return Err(LogError::refused(&self.dir.path, why));
        }
        if after == vkey || after == self.vkey() {
            let why = "the key after the next one must be a new one; nothing was changed";
            return Err(LogError::refused(&self.dir.path, why));
        }
        self.resume(&now)?;
        let what = json!({"key": vkey, "next": next, "reason": reason.as_str()});
        self.incoming = Some(Arc::new(new));
        let written = self.commit(&[Entry::of(KEY, what)], &now);
        let incoming = self.incoming.take();
        let landed = written?.pop();
        if let Some(signer) = incoming {
            self.signer = signer;
        }
        self.state.next_key = next;
        landed.ok_or_else(|| LogError::refused(&self.dir.path, "the change of key has no line"))
    }
}

/// The id of a key, from its text.
#[must_use]
pub fn id_of(vkey: &str) -> &str {
    vkey.split('+').nth(1).unwrap_or_default()
}

fn io_of(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> KeyError {
    move |source| KeyError::Io { path: path.to_owned(), doing, source }
}

fn sync_parent(path: &Path) -> Result<(), KeyError> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io_of(path, "syncing its directory"))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{name}{ending}"))
}

/// Writes a new key file: it is there whole, or not at all, and never in place of another.
///
/// # Errors
/// When there is such a file, it would lie in the log's directory or in one where others could replace it, or it cannot
/// be written.
pub fn place(key: &LogKey, path: &Path, log_dir: &Path) -> Result<(), KeyError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new(".")).canonicalize();
    let parent = parent.map_err(io_of(path, "looking for its directory"))?;
    if log_dir.canonicalize().is_ok_and(|log_dir| parent.starts_with(log_dir)) {
        let why =
            "it would lie in the log's directory, where copies of the log would carry it along";
        return Err(KeyError::Unsafe { path: path.to_owned(), why: why.to_owned() });
    }
    // What could not be used from there is not put there.
    refuse_unsafe_place(path)?;
    let part = part_of(key, path)?;
    let renamed = renameat_with(CWD, &part, CWD, path, RenameFlags::NOREPLACE);
    if let Err(error) = renamed {
        // Nobody else knows of the half of it.
        let _ = std::fs::remove_file(&part);
        return Err(io_of(path, "making the file (it must not be there already)")(error.into()));
    }
    sync_parent(path)
}

/// The key in a file beside `path`.
fn part_of(key: &LogKey, path: &Path) -> Result<PathBuf, KeyError> {
    let part = beside(path, ".part");
    match std::fs::remove_file(&part) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(io_of(&part, "removing what an earlier attempt left")(error));
        }
        _ => {}
    }
    key.write(&part)?;
    Ok(part)
}

/// The keys of the log `origin` that [`replace`] kept beside the key file at `path`, as text. One that cannot be read
/// is left out.
#[must_use]
pub fn retired(path: &Path, origin: &str, log_dir: &Path) -> Vec<String> {
    let begin = beside(path, ".retired-");
    let begin = begin.file_name().unwrap_or_default().to_string_lossy();
    let entries = path.parent().and_then(|dir| std::fs::read_dir(dir).ok());
    let names = entries.into_iter().flatten().flatten();
    names
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&*begin))
        .filter_map(|entry| LogKey::read(&entry.path(), origin, log_dir).ok())
        .map(|key| key.vkey())
        .collect()
}

/// Puts `key` in the place of the key file at `path`, at one stroke. The one that is there stays beside it as
/// `….retired-<id>`: gives where.
///
/// # Errors
/// When a file cannot be made.
pub fn replace(path: &Path, retired_id: &str, key: &LogKey) -> Result<Option<PathBuf>, KeyError> {
    let retired = beside(path, &format!(".retired-{retired_id}"));
    let kept = match std::fs::hard_link(path, &retired) {
        Ok(()) => Some(retired),
        // Killed right after this, an earlier attempt left it.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Some(retired),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(io_of(&retired, "keeping the old key")(error)),
    };
    let part = part_of(key, path)?;
    std::fs::rename(&part, path).map_err(io_of(path, "putting the new key in its place"))?;
    sync_parent(path)?;
    Ok(kept)
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
