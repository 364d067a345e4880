//! What a witness keeps: one file per log with the note it cosigned last, replaced whole.

use super::{Held, is_signed};
use crate::audit::cosign::cosigner;
use crate::audit::key::LogKey;
use crate::audit::signed::{MAX_NOTE, Note};
use crate::audit::verify::Vkey;
use crate::domain::hex::hex;
use sha2::{Digest as _, Sha256};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Says whose state a directory is. Without it a directory that was not mounted would be a new witness.
const OWNER: &str = "witness.vkey";

/// What keeps a witness from starting, or from keeping a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The file system refused.
    #[error("{path}: {doing}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The state cannot be used.
    #[error("{path}: {why}")]
    Refused {
        /// Where.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
}

fn io(path: &Path, doing: &'static str) -> impl FnOnce(std::io::Error) -> WitnessError {
    let path = path.to_owned();
    move |source| WitnessError::Io { path, doing, source }
}

fn refused(path: &Path, why: impl Into<String>) -> WitnessError {
    WitnessError::Refused { path: path.to_owned(), why: why.into() }
}

/// Makes the directory of a new witness with this key.
///
/// # Errors
/// When it has a state already, or cannot be written.
pub fn create(dir: &Path, key: &LogKey) -> Result<(), WitnessError> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(io(dir, "making the directory")(error));
        }
        Ok(()) | Err(_) => {}
    }
    let handle = File::open(dir).map_err(io(dir, "opening the directory"))?;
    write(&dir.join(OWNER), &format!("{}\n", cosigner(key)), true)?;
    handle.sync_all().map_err(io(dir, "syncing the directory"))
}

fn write(path: &Path, text: &str, new: bool) -> Result<(), WitnessError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(new).mode(0o600);
    let mut file = options.open(path).map_err(io(path, "making the file"))?;
    file.write_all(text.as_bytes()).map_err(io(path, "writing"))?;
    file.sync_all().map_err(io(path, "syncing"))
}

/// The directory of a witness, locked.
pub(super) struct State {
    dir: PathBuf,
    handle: Arc<File>,
}

impl State {
    pub(super) fn open(dir: &Path, key: &LogKey) -> Result<Self, WitnessError> {
        let handle = File::open(dir).map_err(io(dir, "opening (make it with --init)"))?;
        match handle.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(refused(dir, "another witness is running on it"));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(io(dir, "locking")(error)),
        }
        let owner = dir.join(OWNER);
        let text = std::fs::read_to_string(&owner).map_err(io(
            &owner,
            "reading (is the right file system mounted? A new witness is made with --init)",
        ))?;
        if text.trim_end() != cosigner(key) {
            return Err(refused(
                &owner,
                format!(
                    "this state is of {}, and the key and name given are of {}",
                    text.trim_end(),
                    cosigner(key)
                ),
            ));
        }
        Ok(Self { dir: dir.to_owned(), handle: Arc::new(handle) })
    }

    /// Where a log's checkpoint is kept. An origin may have any characters; its hash has none that matter.
    pub(super) fn place(&self, origin: &str) -> Place {
        let name = hex(&Sha256::digest(origin));
        let path = self.dir.join(format!("{name}.checkpoint"));
        let new = self.dir.join(format!("{name}.new"));
        Place { path, new, dir: self.handle.clone() }
    }
}

/// Where a log's checkpoint is kept.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    new: PathBuf,
    /// Holding this open holds the lock.
    dir: Arc<File>,
}

impl Place {
    /// What is held; `None` when nothing ever was.
    pub(super) fn read(&self, origin: &str, keys: &[Vkey]) -> Result<Option<Held>, WitnessError> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(&self.path, "opening")(error)),
        };
        let mut text = String::new();
        let read = file.take(2 * MAX_NOTE as u64).read_to_string(&mut text);
        read.map_err(io(&self.path, "reading"))?;
        let note = Note::parse(&text).filter(|note| note.origin == origin);
        let note = note.ok_or_else(|| refused(&self.path, "it is not what was kept there"))?;
        if !is_signed(&note, keys) {
            return Err(refused(
                &self.path,
                format!("no --log given for {origin} signed it; give the log's earlier key, too"),
            ));
        }
        Ok(Some(Held { size: note.size, root: note.root }))
    }

    /// Replaces what is held. When this returns it is on disk, whatever happens.
    pub(super) fn keep(&self, note: &str) -> Result<(), WitnessError> {
        write(&self.new, note, false)?;
        std::fs::rename(&self.new, &self.path).map_err(io(&self.path, "replacing"))?;
        self.dir.sync_all().map_err(io(&self.path, "syncing the directory"))
    }
}
