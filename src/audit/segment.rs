//! One file of the log: made, written, and fenced against everybody else.

use super::commit::State;
use super::dir::{Dir, name_of};
use super::error::{LogError, io};
use super::scan::scan;
use rustix::fs::{AtFlags, statat};
use rustix::io::Errno;
use std::cell::Cell;
use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `O_NOFOLLOW` of Linux.
pub(super) const O_NOFOLLOW: i32 = 0o400_000;
/// Mode of the file that is written, and of those that are finished.
const OPEN: u32 = 0o640;
const FINISHED: u32 = 0o440;

/// A write that failed.
#[derive(Debug)]
pub(super) enum Fault {
    /// No room. The file is as it was before.
    Full(std::io::Error),
    /// The file may not become larger; a new one may. It is as it was before.
    TooLarge(std::io::Error),
    /// Nobody knows what is on the disk. The file must not be written again.
    Failed(std::io::Error),
}

impl Fault {
    fn of(error: std::io::Error) -> Self {
        match Errno::from_io_error(&error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::Full(error),
            Some(Errno::FBIG) => Self::TooLarge(error),
            _ => Self::Failed(error),
        }
    }
}

/// The file that is written.
pub(super) struct Segment {
    /// Sequence of its first line.
    pub(super) first: u64,
    pub(super) path: PathBuf,
    /// Shared with those who read it: another file of this name is not the log.
    pub(super) file: Arc<File>,
    identity: (u64, u64),
    /// When it was last changed, as far as we did that.
    changed: Cell<Changed>,
}

/// When a file and what is known of it were last changed, by its file system's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Changed([(i64, i64); 2]);

impl Changed {
    fn of(meta: &Metadata) -> Self {
        // The second cannot be set by whoever changes the file.
        Self([(meta.mtime(), meta.mtime_nsec()), (meta.ctime(), meta.ctime_nsec())])
    }
}

impl Segment {
    /// A new file, empty. Its directory is not synced.
    pub(super) fn create(dir: &Path, first: u64) -> Result<Self, Fault> {
        let path = dir.join(name_of(first));
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(OPEN)
            .custom_flags(O_NOFOLLOW)
            .open(&path)
            .map_err(Fault::of)?;
        let meta = file.metadata().map_err(Fault::of)?;
        let (identity, changed) = ((meta.dev(), meta.ino()), Cell::new(Changed::of(&meta)));
        Ok(Self { first, path, identity, changed, file: Arc::new(file) })
    }

    /// A file that is there, to write on.
    pub(super) fn open(first: u64, path: &Path) -> Result<Self, LogError> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .custom_flags(O_NOFOLLOW)
            .open(path)
            .map_err(io(path, "opening"))?;
        let meta = file.metadata().map_err(io(path, "looking at the file"))?;
        if !meta.is_file() {
            return Err(LogError::refused(path, "it is not a regular file"));
        }
        Ok(Self {
            first,
            path: path.to_owned(),
            identity: (meta.dev(), meta.ino()),
            changed: Cell::new(Changed::of(&meta)),
            file: Arc::new(file),
        })
    }

    /// Appends a commit and makes it durable. `begun` is the length before.
    pub(super) fn write(&self, begun: u64, bytes: &[u8]) -> Result<(), Fault> {
        if let Err(error) = (&*self.file).write_all(bytes) {
            // A short write is a normal event on a full disk. What is there of it was never acknowledged.
            let cut = self.cut(begun);
            return Err(match (Fault::of(error), cut) {
                (fault, Ok(())) | (fault @ Fault::Failed(_), Err(_)) => fault,
                (Fault::Full(_) | Fault::TooLarge(_), Err(error)) => Fault::Failed(error),
            });
        }
        self.file.sync_data().map_err(|error| {
            // After a sync that failed the kernel may call the same pages clean, so it is not tried again.
            let _ = self.cut(begun);
            Fault::Failed(error)
        })
    }

    /// Cuts the file at `length`, durably.
    pub(super) fn cut(&self, length: u64) -> std::io::Result<()> {
        self.file.set_len(length)?;
        self.file.sync_all()
    }

    /// Nobody else may have touched the file: same inode at the path, still linked, with the content that we left
    /// in it, after which the log stands at `state`.
    pub(super) fn fence(&self, dir: &Dir, state: &State) -> Result<(), LogError> {
        dir.fence()?;
        let length = state.length;
        let what = match (self.file.metadata(), self.there(dir)) {
            (Ok(held), _) if held.nlink() == 0 => "the file was deleted".to_owned(),
            (Ok(held), _) if held.len() != length => {
                format!("the file has {} bytes, but {length} were written", held.len())
            }
            (Ok(_), Ok(there)) if there != self.identity => {
                "another file was put in its place".to_owned()
            }
            (Ok(_), Err(_)) => "the file was renamed or moved".to_owned(),
            (Err(error), _) => format!("the file cannot be looked at: {error}"),
            (Ok(held), Ok(_)) => return self.compare(Changed::of(&held), state),
        };
        Err(LogError::fence(&self.path, what))
    }

    /// Where somebody else touched the file, it is read: a backup that makes a link, or a new mode, changes no byte
    /// of it.
    fn compare(&self, changed: Changed, state: &State) -> Result<(), LogError> {
        if changed == self.changed.get() {
            return Ok(());
        }
        let found = scan(&self.file, self.first).map_err(io(&self.path, "reading"))?;
        let is_same = found.sealed.is_some_and(|found| {
            (found.length, found.seq, found.prev) == (state.length, state.seq, state.prev)
                && found.tree.root() == state.tree.root()
        });
        if !is_same {
            let what = "bytes of the file were changed in place";
            return Err(LogError::fence(&self.path, what));
        }
        self.changed.set(changed);
        tracing::debug!(
            file = self.path.display().to_string(),
            "the audit log was touched; its content is as it was written"
        );
        Ok(())
    }

    /// The file of this name in the directory that is held.
    fn there(&self, dir: &Dir) -> rustix::io::Result<(u64, u64)> {
        let stat = statat(dir, name_of(self.first), AtFlags::SYMLINK_NOFOLLOW)?;
        Ok((stat.st_dev, stat.st_ino))
    }

    /// The file ends where we left it: a second writer would have moved our bytes.
    pub(super) fn ends_at(&self, length: u64) -> Result<(), LogError> {
        match self.file.metadata() {
            Ok(meta) if meta.len() == length => {
                self.changed.set(Changed::of(&meta));
                Ok(())
            }
            _ => Err(LogError::fence(
                &self.path,
                format!("somebody else wrote to the file; it should end at byte {length}"),
            )),
        }
    }

    /// Nothing more is written to it, and it has `length` bytes. What a commit that failed left after them could not
    /// be cut off then; it is tried once more, by another way to the file.
    pub(super) fn leave(self, length: u64) {
        if self.file.metadata().is_ok_and(|meta| meta.len() != length) {
            let cut = Self::open(self.first, &self.path)
                .map_err(|error| error.to_string())
                .and_then(|file| file.cut(length).map_err(|error| error.to_string()));
            if let Err(error) = cut {
                let file = self.path.display().to_string();
                tracing::error!(
                    error,
                    file,
                    "what a failed commit left in the audit log stays until the next start"
                );
            }
        }
        self.finish();
    }

    /// Nothing more is written to it. That its mode cannot be changed harms nothing that was proved.
    pub(super) fn finish(&self) {
        if let Err(error) = self.file.set_permissions(Permissions::from_mode(FINISHED)) {
            let (error, file) = (error.to_string(), self.path.display().to_string());
            tracing::warn!(error, file, "a finished file of the audit log stays writable");
        }
    }

    /// Whether the file at `path` was finished.
    pub(super) fn is_finished(path: &Path) -> std::io::Result<bool> {
        Ok(std::fs::symlink_metadata(path)?.mode() & 0o222 == 0)
    }

    /// Lets the file at `path` be written once more.
    pub(super) fn reopen(path: &Path) -> std::io::Result<()> {
        let file = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open(path)?;
        file.set_permissions(Permissions::from_mode(OPEN))
    }

    /// Takes the file away again, durably if the directory can be synced.
    pub(super) fn discard(self, dir: &Dir) -> std::io::Result<()> {
        std::fs::remove_file(&self.path)?;
        dir.sync()
    }
}
