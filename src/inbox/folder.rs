//! What lies in the folder, and what of it may be read.

use super::place::{self, Place};
use crate::config::{Inbox, Principal};
use anyhow::{Context as _, Result, bail};
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

/// Most files that are looked at in one turn.
const FILES: usize = 10_000;
/// Most names that are read in one turn.
const NAMES: usize = 100_000;

/// What tells a file from another one, and from itself before a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    dev: u64,
    ino: u64,
    size: u64,
    mtime: (i64, i64),
    is_file: bool,
}

impl Stamp {
    /// The stamp of what `meta` describes.
    pub(super) fn of(meta: &Metadata) -> Self {
        let (mtime, is_file) = ((meta.mtime(), meta.mtime_nsec()), meta.is_file());
        Self { dev: meta.dev(), ino: meta.ino(), size: meta.size(), mtime, is_file }
    }

    /// A file in which nothing is yet.
    pub(super) fn is_empty(&self) -> bool {
        self.is_file && self.size == 0
    }
}

/// Something in the folder.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name.
    pub(super) name: OsString,
    /// What it is now.
    pub(super) stamp: Stamp,
}

/// What lies in the folder, by name.
#[derive(Debug)]
pub(super) struct Listing {
    /// What is looked at.
    pub(super) entries: Vec<Entry>,
    /// There is more.
    pub(super) more: bool,
}

/// Whether a name is one of a file that somebody still writes.
fn is_temporary(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    name.starts_with('.') || [".tmp", ".part", ".filepart"].iter().any(|end| name.ends_with(end))
}

/// Makes the folder ready, puts right what a crash left, and lists it.
///
/// # Errors
/// When it is not there, is no folder, or cannot be written.
pub(super) fn open(dir: &Path, mend: bool) -> Result<Listing> {
    let meta = std::fs::metadata(dir).with_context(|| dir.display().to_string())?;
    if !meta.is_dir() {
        bail!("{} is no directory", dir.display());
    }
    for place in [Place::Done, Place::Rejected] {
        place::make(dir, place)?;
        if mend {
            place::mend(dir, place)?;
        }
    }
    list(dir).with_context(|| dir.display().to_string())
}

fn list(dir: &Path) -> std::io::Result<Listing> {
    let mut listing = Listing { entries: Vec::new(), more: false };
    for (number, entry) in std::fs::read_dir(dir)?.enumerate() {
        if number >= NAMES || listing.entries.len() >= FILES {
            listing.more = true;
            break;
        }
        let entry = entry?;
        let name = entry.file_name();
        if is_temporary(&name) || Place::is_name(&name) {
            continue;
        }
        match entry.metadata() {
            Ok(meta) => listing.entries.push(Entry { name, stamp: Stamp::of(&meta) }),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    listing.entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listing)
}

/// Whose files are read.
#[derive(Clone, Debug)]
pub(super) struct Allowed {
    users: BTreeSet<u32>,
    groups: BTreeSet<u32>,
}

impl Allowed {
    /// The agent's user, and those that are configured.
    ///
    /// # Errors
    /// When a name is unknown on this machine.
    pub(super) fn of(inbox: &Inbox) -> Result<Self> {
        let own = std::fs::metadata("/proc/self").context("asking for the agent's user")?.uid();
        let mut users = numbers(&inbox.owners, "/etc/passwd")?;
        users.insert(own);
        Ok(Self { users, groups: numbers(&inbox.groups, "/etc/group")? })
    }

    fn has(&self, meta: &Metadata) -> bool {
        self.users.contains(&meta.uid()) || self.groups.contains(&meta.gid())
    }
}

fn numbers(named: &[Principal], file: &str) -> Result<BTreeSet<u32>> {
    named
        .iter()
        .map(|one| match one {
            Principal::Id(id) => Ok(*id),
            Principal::Name(name) => number(file, name),
        })
        .collect()
}

fn number(file: &str, wanted: &str) -> Result<u32> {
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    let found = text.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(wanted)).then(|| fields.nth(1)?.parse().ok())?
    });
    found.with_context(|| format!("{file} has no {wanted}; write its number"))
}

/// Why a file was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is nothing that is read, and will not become that.
    Refused(String, Stamp),
    /// Not now.
    Later(std::io::Error),
    /// It is not there any more.
    Gone,
}

impl From<std::io::Error> for Unread {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == ErrorKind::NotFound { Self::Gone } else { Self::Later(error) }
    }
}

/// The bytes of the file `name`, and which file they are of.
pub(super) fn read(
    dir: &Path,
    name: &OsStr,
    allowed: &Allowed,
) -> Result<(Vec<u8>, Stamp), Unread> {
    let path = dir.join(name);
    // Before it is opened: opening a device or a FIFO may do something.
    usable(&std::fs::symlink_metadata(&path)?, allowed)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let open = rustix::fs::open(&path, flags, Mode::empty()).map_err(std::io::Error::from)?;
    let mut file = File::from(open);
    let meta = file.metadata()?;
    usable(&meta, allowed)?;
    let stamp = Stamp::of(&meta);
    let most = super::content::largest(name);
    if meta.size() > most {
        let why = format!("a file of this kind has up to {} MiB; split it", most >> 20);
        return Err(Unread::Refused(why, stamp));
    }
    let mut bytes = Vec::new();
    (&mut file).take(most + 1).read_to_end(&mut bytes)?;
    let after = Stamp::of(&file.metadata()?);
    if after != stamp || bytes.len() as u64 != stamp.size {
        return Err(Unread::Later(std::io::Error::other("it changed while it was read")));
    }
    Ok((bytes, stamp))
}

fn usable(meta: &Metadata, allowed: &Allowed) -> Result<(), Unread> {
    let kind = meta.file_type();
    let why = if kind.is_symlink() {
        "a symbolic link is not followed; move the file itself here"
    } else if kind.is_dir() {
        "a directory is not read; put its files here"
    } else if kind.is_fifo() {
        "a FIFO is not read"
    } else if !kind.is_file() {
        "it is no regular file"
    } else if !allowed.has(meta) {
        "it belongs neither to the agent's user nor to one of inbox.owners or inbox.groups"
    } else if meta.nlink() > 1 {
        "it has another name elsewhere (a hard link); copy it here"
    } else {
        return Ok(());
    };
    Err(Unread::Refused(why.to_owned(), Stamp::of(meta)))
}

/// What `doctor` asks of the folder.
#[derive(Debug, Default)]
pub struct Found {
    /// Files that wait.
    pub waiting: usize,
    /// Files in `rejected/` and in `done/`.
    pub rejected: usize,
    /// Files in `done/`.
    pub done: usize,
    /// Everybody on this machine may put files there.
    pub open_to_all: bool,
}

/// Looks at the folder of `inbox` and changes nothing.
///
/// # Errors
/// When it cannot be read, or a configured name is unknown.
pub fn survey(inbox: &Inbox) -> Result<Found> {
    let meta = std::fs::metadata(&inbox.dir).with_context(|| inbox.dir.display().to_string())?;
    if !meta.is_dir() {
        bail!("{} is no directory", inbox.dir.display());
    }
    Allowed::of(inbox)?;
    let listing = list(&inbox.dir).with_context(|| inbox.dir.display().to_string())?;
    let count = |place: Place| {
        let there = std::fs::read_dir(inbox.dir.join(place.as_str()));
        there.map_or(0, |entries| {
            let names = entries.take(NAMES).filter_map(|entry| Some(entry.ok()?.file_name()));
            names.filter(|name| !place::is_result(name)).count()
        })
    };
    Ok(Found {
        waiting: listing.entries.len(),
        rejected: count(Place::Rejected),
        done: count(Place::Done),
        open_to_all: meta.mode() & 0o002 != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn own() -> Allowed {
        let uid = std::fs::metadata("/proc/self").unwrap().uid();
        Allowed { users: [uid].into(), groups: BTreeSet::new() }
    }

    fn refused(dir: &Path, name: &str, allowed: &Allowed) -> String {
        match read(dir, OsStr::new(name), allowed) {
            Err(Unread::Refused(why, _)) => why,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn names_of_files_that_are_still_written() {
        for name in [".users.csv", "users.csv.tmp", "users.PART", "users.csv.filepart", "..."] {
            assert!(is_temporary(OsStr::new(name)), "{name}");
        }
        for name in ["users.csv", "tmp", "part.csv", "users.csv.partial"] {
            assert!(!is_temporary(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn only_plain_files_of_those_who_may_are_read() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        std::fs::write(dir.join("a.csv"), "x").unwrap();
        assert_eq!(read(dir, OsStr::new("a.csv"), &own()).unwrap().0, b"x");
        symlink("/etc/passwd", dir.join("link.csv")).unwrap();
        std::fs::create_dir(dir.join("dir.csv")).unwrap();
        let fifo = std::process::Command::new("mkfifo").arg(dir.join("fifo.csv")).status();
        assert!(fifo.unwrap().success());
        std::fs::write(dir.join("b.csv"), "x").unwrap();
        std::fs::hard_link(dir.join("b.csv"), dir.join("c.csv")).unwrap();
        for (name, says) in [
            ("link.csv", "symbolic link"),
            ("dir.csv", "directory"),
            ("fifo.csv", "FIFO"),
            ("b.csv", "hard link"),
            ("c.csv", "hard link"),
        ] {
            assert!(refused(dir, name, &own()).contains(says), "{name}");
        }
        let nobody = Allowed { users: BTreeSet::new(), groups: BTreeSet::new() };
        assert!(refused(dir, "a.csv", &nobody).contains("inbox.owners"));
        let gid = std::fs::metadata(dir.join("a.csv")).unwrap().gid();
        let group = Allowed { users: BTreeSet::new(), groups: [gid].into() };
        assert!(read(dir, OsStr::new("a.csv"), &group).is_ok());
        assert!(matches!(read(dir, OsStr::new("none.csv"), &own()), Err(Unread::Gone)));
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_unread() {
        let home = tempfile::tempdir().unwrap();
        let file = File::create(home.path().join("a.json")).unwrap();
        file.set_len(1 << 30).unwrap();
        assert!(refused(home.path(), "a.json", &own()).contains("up to 16 MiB"));
    }

    #[test]
    fn the_folder_lists_what_may_be_taken() {
        let home = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.json", ".hidden", "c.csv.tmp"] {
            std::fs::write(home.path().join(name), "x").unwrap();
        }
        let listing = open(home.path(), true).unwrap();
        let names: Vec<_> =
            listing.entries.iter().map(|entry| entry.name.to_str().unwrap()).collect();
        assert_eq!(names, ["a.json", "b.csv"]);
        assert!(home.path().join("done").is_dir() && home.path().join("rejected").is_dir());
        assert!(open(&home.path().join("none"), true).is_err());
        assert!(
            open(&home.path().join("b.csv"), true)
                .unwrap_err()
                .to_string()
                .contains("no directory")
        );
    }

    #[test]
    fn users_are_known_by_name_or_number() {
        let root = [Principal::Name("root".to_owned()), Principal::Id(77)];
        assert_eq!(numbers(&root, "/etc/passwd").unwrap(), [0, 77].into());
        let none = [Principal::Name("nobody-is-called-so".to_owned())];
        assert!(numbers(&none, "/etc/group").unwrap_err().to_string().contains("write its number"));
    }
}
