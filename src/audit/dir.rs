//! The directory of a log: its lock, its segments, and what may lie in it.

use super::error::{LogError, io};
use rustix::fs::fstatfs;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// File systems that lie on another machine, where a lock or a sync may mean less, by `statfs`. Source: statfs(2)
/// and `linux/magic.h`.
const REMOTE: &[(u32, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x564c, "NCP"),
    (0x5346_414f, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
];

fn remote(kind: u32) -> Option<&'static str> {
    REMOTE.iter().find(|(magic, _)| *magic == kind).map(|(_, name)| *name)
}

/// The directory, locked and held open: whoever loses it loses the lock and is found out.
pub(super) struct Dir {
    pub(super) path: PathBuf,
    /// Holding this open holds the lock: of the directory, since a lock file can be unlinked and made anew.
    handle: File,
    identity: (u64, u64),
}

/// A file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Sequence of its first line.
    pub(super) first: u64,
    pub(super) path: PathBuf,
}

/// What a segment is called that begins with line `first`.
pub(super) fn name_of(first: u64) -> String {
    format!("revlog-{first:012}.jsonl")
}

/// The segments in `dir`, in order.
pub(super) fn segments(dir: &Path) -> std::io::Result<Vec<Name>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let first = name.to_str().and_then(|name| {
            let first = name.strip_prefix("revlog-")?.strip_suffix(".jsonl")?.parse().ok()?;
            (name_of(first) == name).then_some(first)
        });
        if let Some(first) = first {
            found.push(Name { first, path: entry.path() });
        }
    }
    found.sort_by_key(|name| name.first);
    Ok(found)
}

impl Dir {
    /// Takes the lock.
    pub(super) fn lock(path: &Path) -> Result<Self, LogError> {
        let handle = File::open(path).map_err(io(path, "opening the directory"))?;
        let system = fstatfs(&handle)
            .map_err(|error| io(path, "asking for the file system")(error.into()))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the kernel's magic numbers have 32 bits, whatever type holds them"
        )]
        let kind = system.f_type as u32;
        if let Some(name) = remote(kind) {
            return Err(LogError::refused(
                path,
                format!(
                    "it lies on {name}, where locks and syncs cannot be relied upon. Put it on a disk of this \
                     machine (log.dir)"
                ),
            ));
        }
        match handle.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(LogError::Locked { path: path.to_owned() });
            }
            Err(std::fs::TryLockError::Error(source)) => {
                return Err(io(path, "locking the directory")(source));
            }
        }
        let meta = handle.metadata().map_err(io(path, "looking at the directory"))?;
        Ok(Self { path: path.to_owned(), handle, identity: (meta.dev(), meta.ino()) })
    }

    /// Makes what was made or removed in it durable.
    pub(super) fn sync(&self) -> std::io::Result<()> {
        self.handle.sync_all()
    }

    pub(super) fn segments(&self) -> Result<Vec<Name>, LogError> {
        segments(&self.path).map_err(io(&self.path, "reading the directory"))
    }

    /// The path leads to the directory that is held.
    pub(super) fn fence(&self) -> Result<(), LogError> {
        let what = match std::fs::symlink_metadata(&self.path) {
            Ok(there) if (there.dev(), there.ino()) == self.identity => return Ok(()),
            // The configuration may name it through a link.
            Ok(there) if there.is_symlink() => match std::fs::metadata(&self.path) {
                Ok(there) if (there.dev(), there.ino()) == self.identity => return Ok(()),
                _ => "its directory was replaced",
            },
            Ok(_) => "its directory was replaced",
            Err(_) => "its directory was deleted, renamed or moved",
        };
        Err(LogError::fence(&self.path, what))
    }
}

impl std::os::fd::AsFd for Dir {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_are_segments_and_they_are_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["revlog-000000000010.jsonl", "revlog-1000000000000.jsonl", "revlog-9.jsonl"];
        let more = ["revlog-000000000000.jsonl", "revlog-000000000010.jsonl.bak", "reserve"];
        for name in names.iter().chain(&more) {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let found: Vec<u64> = segments(dir.path()).unwrap().iter().map(|n| n.first).collect();
        assert_eq!(found, [0, 10, 1_000_000_000_000]);
    }

    #[test]
    fn other_machines_disks_are_known() {
        for (magic, name) in [(0x6969, Some("NFS")), (0xff53_4d42, Some("CIFS")), (0xef53, None)] {
            assert_eq!(remote(magic), name);
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(Dir::lock(dir.path()).is_ok(), "a disk of this machine");
    }
}
