//! The log as it is written: appended to in commits, fenced against everybody else, cut into segments, and kept right
//! when the disk fails.

pub use super::commit::Landed;
pub use super::entry::Entry;
pub use super::error::LogError;
pub use super::moment::Moment;
pub use super::open::origin;
pub use super::since::{Found, Since, since};

use super::built::{Built, Sealed};
use super::commit::{Commit, State, Unfit};
use super::dir::Dir;
use super::error::io;
use super::format::{GENESIS, LOSS, OWN_TYPES};
use super::key::{LogKey, commitment};
use super::open;
use super::quarantine::{self, recovery};
use super::reserve::Reserve;
use super::segment::{Fault, Segment};
use super::signer::Signer;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// When a new file is begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes from which on a file is finished.
    pub bytes: u64,
    /// Age from which on it is.
    pub age: Duration,
}

impl Default for Limits {
    /// One file.
    fn default() -> Self {
        Self { bytes: u64::MAX, age: Duration::MAX }
    }
}

/// The log, locked and open for appending.
pub struct LogFile {
    pub(super) dir: Dir,
    pub(super) segment: Segment,
    /// When the segment was begun, in microseconds since 1970.
    began: i64,
    pub(super) signer: Arc<dyn Signer>,
    /// The key to which the log changes, while that is being written.
    pub(super) incoming: Option<Arc<dyn Signer>>,
    limits: Limits,
    pub(super) state: State,
    /// The newest commit of this run.
    pub(super) before: Option<Moment>,
    /// Memory of the commit before.
    pub(super) spare: Vec<u8>,
    reserve: Reserve,
    full: Option<Full>,
    /// The segment cannot be trusted with another byte: what the next one says about that.
    broken: Option<Entry>,
}

/// There is no room.
#[derive(Clone, Copy)]
struct Full {
    /// The log says so.
    told: bool,
    /// Room was set aside, and must be again before anything else is written.
    reserved: bool,
}

/// Why a commit was not written.
enum Stop {
    Fault(Fault),
    Log(LogError),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<LogError> for Stop {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl From<Unfit> for Stop {
    fn from(unfit: Unfit) -> Self {
        Self::Log(unfit.into())
    }
}

/// Makes a log: the directory's first file with the genesis line and its checkpoint.
///
/// # Errors
/// When a log is there already, or it cannot be written.
pub fn create(
    dir: &Path,
    key: &LogKey,
    next_vkey: &str,
    now: impl Into<Moment>,
) -> Result<(), LogError> {
    let dir = Dir::lock(dir)?;
    if let Some(there) = dir.segments()?.first() {
        return Err(LogError::refused(&there.path, "there is a log already; nothing was changed"));
    }
    let mut commit = Commit::after(&State::begin());
    let genesis = genesis(key, next_vkey, None);
    commit.push(&genesis, &now.into())?;
    let (_, bytes) = commit.seal(&[key])?;
    let written = Segment::create(&dir.path, 0).and_then(|file| file.write(0, &bytes));
    written.map_err(|fault| match fault {
        Fault::Full(source) | Fault::TooLarge(source) | Fault::Failed(source) => {
            io(&dir.path, "writing the genesis")(source)
        }
    })?;
    dir.sync().map_err(io(&dir.path, "syncing the directory"))
}

/// The first line of a log. `continues` is the newest good note of a log that was damaged.
pub(super) fn genesis(key: &LogKey, next_vkey: &str, continues: Option<&str>) -> Entry {
    let what = [
        ("agent", Some(concat!("revoked ", env!("CARGO_PKG_VERSION")))),
        ("continues", continues),
        ("format", Some(super::format::FORMAT)),
        ("key", Some(&key.vkey())),
        ("next", Some(&commitment(next_vkey))),
        ("origin", Some(key.origin())),
    ];
    let what = what.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
    Entry::new(GENESIS, &what.collect())
}

/// The lock of a log's directory.
pub struct Lock(Dir);

/// Takes the lock of a log.
///
/// # Errors
/// When another process has it, or the directory cannot be opened.
pub fn lock(dir: &Path) -> Result<Lock, LogError> {
    Dir::lock(dir).map(Lock)
}

impl LogFile {
    /// Takes the lock of a log and opens it, as [`open_known`](Self::open_known) does, when nothing is known of what
    /// anybody was told.
    ///
    /// # Errors
    /// As [`lock`] and [`open_known`](Self::open_known).
    pub fn open(
        dir: &Path,
        signer: impl Signer + 'static,
        now: impl Into<Moment>,
    ) -> Result<Self, LogError> {
        Self::open_known(lock(dir)?, signer, None, now)
    }

    /// Opens an existing log: reads the newest file, and moves unsealed bytes at its end into quarantine.
    ///
    /// `told` is the newest line that somebody may have been told of: a commit after it of which parts are missing
    /// was cut by a loss of power, while before it such a thing is damage.
    ///
    /// # Errors
    /// When there is no log, it belongs to another key, or its newest file is damaged before its last checkpoint.
    pub fn open_known(
        Lock(dir): Lock,
        signer: impl Signer + 'static,
        told: Option<u64>,
        now: impl Into<Moment>,
    ) -> Result<Self, LogError> {
        let found = open::open(&dir, &signer, told)?;
        let mut log = Self {
            reserve: Reserve::keep(&dir.path),
            dir,
            segment: found.segment,
            began: found.began,
            signer: Arc::new(signer),
            incoming: None,
            limits: Limits::default(),
            state: found.state,
            before: None,
            spare: Vec::new(),
            full: None,
            broken: None,
        };
        if !found.recovered.is_empty() {
            log.append(&found.recovered, now)?;
        }
        quarantine::told(&log.dir)?;
        Ok(log)
    }

    /// Begins new files as `limits` say. Without that there is one.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The public key in use.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.signer.public().vkey()
    }

    /// Sequence of the newest line, which is a checkpoint.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.state.seq.saturating_sub(1)
    }

    /// Appends `entries` and a checkpoint as one commit: one write, one `fdatasync`. When this returns, the
    /// records are durable under a signature. Without entries it only tries whether there is room, and a signature, again.
    ///
    /// # Errors
    /// After an error nothing of the commit is acknowledged. Where the error [passes](LogError::passes) the same
    /// records can be tried again; after any other the log must be opened anew.
    pub fn append(
        &mut self,
        entries: &[Entry],
        now: impl Into<Moment>,
    ) -> Result<Vec<Landed>, LogError> {
        self.append_built(entries, &now.into(), None)
    }

    /// There is no room: what was set aside is used to say so, and nothing else is written until it is there again.
    pub(super) fn say_full(&mut self, now: &Moment) {
        let reserved = self.reserve.is_held();
        self.reserve.free();
        let told = self.commit(&[full()], now).is_ok();
        self.full = Some(Full { told, reserved });
    }

    /// Who signs the next checkpoint: the key in force, and where that changes the new one too.
    pub(super) fn signers(&self) -> Vec<&dyn Signer> {
        std::iter::once(&self.signer).chain(&self.incoming).map(AsRef::as_ref).collect()
    }

    /// Where there was no room: is there some again?
    pub(super) fn resume(&mut self, now: &Moment) -> Result<(), LogError> {
        let Some(was) = self.full else { return Ok(()) };
        self.reserve
            .make_again(was.reserved)
            .map_err(|source| LogError::Full { path: self.segment.path.clone(), source })?;
        if !was.told {
            self.commit(&[full()], now).inspect_err(|_| self.reserve.free())?;
        }
        self.full = None;
        Ok(())
    }

    /// Writes a commit: to the segment, or to a new one where that is due, or where the segment cannot be written.
    pub(super) fn commit_built(
        &mut self,
        entries: &[Entry],
        now: &Moment,
        mut built: Option<Built>,
    ) -> Result<Vec<Landed>, LogError> {
        match &self.broken {
            None => self.segment.fence(&self.dir, &self.state)?,
            Some(_) => self.dir.fence()?,
        }
        let mut failed = self.broken.is_some();
        let mut anew = failed || self.is_due(now);
        loop {
            let tried = if anew {
                self.write_anew(entries, now)
            } else {
                self.write_on(entries, now, built.take())
            };
            let path = || self.segment.path.clone();
            match tried {
                Ok(landed) => return Ok(landed),
                Err(Stop::Log(error)) => return Err(error),
                // A limit of a file's size: another file has its own.
                Err(Stop::Fault(Fault::TooLarge(_))) if !anew => {}
                Err(Stop::Fault(Fault::Full(source) | Fault::TooLarge(source))) => {
                    return Err(LogError::Full { path: path(), source });
                }
                Err(Stop::Fault(Fault::Failed(source))) if failed => {
                    return Err(LogError::Broken { path: path(), source });
                }
                Err(Stop::Fault(Fault::Failed(source))) => {
                    let (error, file) = (source.to_string(), path().display().to_string());
                    tracing::error!(
                        error,
                        file,
                        "the audit log could not be written; it goes on in a new file"
                    );
                    failed = true;
                }
            }
            anew = true;
        }
    }

    /// Whether the segment is long or old enough.
    fn is_due(&self, now: &Moment) -> bool {
        let age = i64::try_from(self.limits.age.as_micros()).unwrap_or(i64::MAX);
        self.state.length >= self.limits.bytes || now.micros.saturating_sub(self.began) >= age
    }

    fn write_on(
        &mut self,
        entries: &[Entry],
        now: &Moment,
        built: Option<Built>,
    ) -> Result<Vec<Landed>, Stop> {
        let built = built
            .filter(|built| built.fits(&self.state, self.before.as_ref()))
            .unwrap_or_else(|| Built::new(self.base(), Vec::new(), &self.signers(), entries, now));
        let Sealed { state, bytes, landed } = built.sealed()?;
        if let Err(fault) = self.segment.write(self.state.length, &bytes) {
            self.remember(&fault, &self.segment.path.clone(), self.state.length, &bytes);
            return Err(fault.into());
        }
        self.segment.ends_at(state.length)?;
        (self.state, self.before) = (state, Some(now.clone()));
        self.keep(bytes);
        Ok(landed)
    }

    /// The same as the beginning of a new segment.
    fn write_anew(&mut self, entries: &[Entry], now: &Moment) -> Result<Vec<Landed>, Stop> {
        // The first line is of the clock that was in force, if it was set: only what follows can say so.
        let was_set = now.step(&self.state.last_time, self.before.as_ref()).is_some();
        let first = if was_set { &Moment::from(self.state.last_time.as_str()) } else { now };
        let mut commit = Commit::in_new_segment(&self.state, self.signer.as_ref(), first)?;
        commit.clock(now, self.before.as_ref())?;
        if let Some(broken) = &self.broken {
            commit.push(broken, now)?;
        }
        let landed = commit.all(entries, now)?;
        let (state, bytes) = commit.seal(&self.signers())?;
        let new = match Segment::create(&self.dir.path, self.state.seq) {
            Err(Fault::Failed(error)) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let what = format!("somebody else made the file of line {}", self.state.seq);
                return Err(LogError::fence(&self.dir.path, what).into());
            }
            made => made?,
        };
        let synced = || new.file.sync_all().and_then(|()| self.dir.sync()).map_err(Fault::Failed);
        if let Err(fault) = new.write(0, &bytes).and_then(|()| synced()) {
            self.remember(&fault, &new.path.clone(), 0, &bytes);
            if let Err(error) = new.discard(&self.dir) {
                tracing::warn!(error = error.to_string(), "a file just begun was not removed");
            }
            return Err(fault.into());
        }
        new.ends_at(state.length)?;
        std::mem::replace(&mut self.segment, new).leave(self.state.length);
        (self.state, self.before) = (state, Some(now.clone()));
        (self.began, self.broken) = (now.micros, None);
        Ok(landed)
    }

    /// Keeps what is to be said of a commit of which nobody knows how much is on the disk.
    fn remember(&mut self, fault: &Fault, path: &Path, offset: u64, bytes: &[u8]) {
        if !matches!(fault, Fault::Failed(_)) {
            return;
        }
        let hash: [u8; 32] = Sha256::digest(bytes).into();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let lines = bytes.split(|byte| *byte == b'\n').count() as u64 - 1;
        self.broken =
            Some(recovery("write_failed", &name, offset, &hash, (bytes.len() as u64, lines)));
    }
}

/// The record that there is no room. What waits is in the store: nothing is lost.
fn full() -> Entry {
    Entry::of(LOSS, json!({"cause": "disk_full", "unrecorded": 0}))
}

/// Whether records of this type are the writer's own and bypass the queue.
#[must_use]
pub fn own_type(kind: &str) -> bool {
    OWN_TYPES.contains(&kind)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "segment_tests.rs"]
mod segment_tests;
