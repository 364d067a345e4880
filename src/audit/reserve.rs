//! Room that is kept for the line which says that there is no room.

use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Its size in bytes.
const SIZE: u64 = 1024 * 1024;
/// Room for some commits.
const SOME: u64 = 128 * 1024;
/// What `st_blocks` counts in (stat(2)).
const BLOCK: u64 = 512;

/// A file in the log's directory that holds room, as long as there is some.
pub(super) struct Reserve {
    path: PathBuf,
    held: bool,
}

impl Reserve {
    /// Takes over the one in `dir`, or makes it if it fits there.
    pub(super) fn keep(dir: &Path) -> Self {
        let mut reserve = Self { path: dir.join("reserve"), held: false };
        if let Err(error) = reserve.make() {
            let (error, file) = (error.to_string(), reserve.path.display().to_string());
            tracing::warn!(error, file, "no room could be set aside for the audit log");
        }
        reserve
    }

    pub(super) fn is_held(&self) -> bool {
        self.held
    }

    /// Sets the room aside.
    pub(super) fn make(&mut self) -> std::io::Result<()> {
        self.held = false;
        let whole = |meta: &std::fs::Metadata| {
            meta.is_file() && meta.len() == SIZE && meta.blocks() * BLOCK >= SIZE
        };
        if !std::fs::symlink_metadata(&self.path).is_ok_and(|meta| whole(&meta)) {
            self.fill(SIZE)?;
        }
        self.held = true;
        Ok(())
    }

    /// Sets the room aside again, if there is clearly more than that: else the next commit would use it up. Where it
    /// never fitted, room for some commits is enough.
    pub(super) fn make_again(&mut self, fitted: bool) -> std::io::Result<()> {
        match self.fill(2 * SIZE) {
            Ok(()) => {
                let file = OpenOptions::new().write(true).open(&self.path)?;
                file.set_len(SIZE)?;
                file.sync_all()?;
                self.held = true;
                Ok(())
            }
            Err(error) if fitted => Err(error),
            Err(_) => self.fill(SOME).and_then(|()| self.remove()),
        }
    }

    /// Makes the file anew, of so many bytes, or leaves none.
    fn fill(&self, bytes: u64) -> std::io::Result<()> {
        let made = self.remove().and_then(|()| self.take(bytes));
        if made.is_err() {
            let _ = self.remove();
        }
        made
    }

    fn take(&self, bytes: u64) -> std::io::Result<()> {
        let mut file: File =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path)?;
        match fallocate(&file, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => {}
            Err(rustix::io::Errno::OPNOTSUPP) => {
                let zeros = vec![0; 64 * 1024];
                for _ in 0..bytes / zeros.len() as u64 {
                    file.write_all(&zeros)?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        file.sync_all()
    }

    /// Gives the room to whoever needs it now.
    pub(super) fn free(&mut self) {
        self.held = false;
        if let Err(error) = self.remove() {
            let (error, file) = (error.to_string(), self.path.display().to_string());
            tracing::warn!(error, file, "the room set aside for the audit log was not freed");
        }
    }

    fn remove(&self) -> std::io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_room_and_gives_it_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("reserve");
        // What somebody left there holds no room.
        File::create(&path).unwrap().set_len(SIZE).unwrap();
        let mut reserve = Reserve::keep(dir.path());
        assert!(reserve.is_held());
        let meta = std::fs::metadata(&path).unwrap();
        assert!(meta.blocks() * BLOCK >= SIZE, "{} blocks", meta.blocks());
        let inode = meta.ino();
        assert!(Reserve::keep(dir.path()).is_held());
        assert_eq!(std::fs::metadata(&path).unwrap().ino(), inode, "taken over");
        reserve.free();
        assert!(!path.exists() && !reserve.is_held());
        reserve.free();
        reserve.make_again(true).unwrap();
        assert!(path.exists() && reserve.is_held());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), SIZE);
    }
}
