//! Where files go that were read. No name is ever taken twice, and a file and its result have one name.
//!
//! The result is written first under a hidden name that says which file it belongs to; then the file moves; then the
//! result gets its name. Killed after the first step the file is still in the folder, and is read again; after the
//! second the next start gives the result its name.

use super::FileOutcome;
use super::folder::Stamp;
use anyhow::{Context as _, Result, bail};
use rustix::fs::{CWD, RenameFlags};
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;

const RESULT: &str = ".result.csv";
const PENDING: &str = ".pending";
/// A longer name is shortened, or it would have no room for what comes after it.
const NAME: usize = 200;
/// Files of one name.
const TIMES: u32 = 100_000;

/// Where a file goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Done,
    Rejected,
}

impl Place {
    pub(super) fn as_str(self) -> &'static str {
        self.outcome().as_str()
    }

    pub(super) fn outcome(self) -> FileOutcome {
        match self {
            Self::Done => FileOutcome::Done,
            Self::Rejected => FileOutcome::Rejected,
        }
    }

    /// Whether `name` is one of the two.
    pub(super) fn is_name(name: &OsStr) -> bool {
        name == Self::Done.as_str() || name == Self::Rejected.as_str()
    }
}

/// Whether a file there is the result of another one, or not to be looked at.
pub(super) fn is_result(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') || name.ends_with(RESULT)
}

/// Makes the directory, unless it is there.
pub(super) fn make(dir: &Path, place: Place) -> Result<()> {
    let path = dir.join(place.as_str());
    match DirBuilder::new().mode(0o750).create(&path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("making {}", path.display()));
        }
        Ok(()) | Err(_) => {}
    }
    let meta = std::fs::symlink_metadata(&path).with_context(|| path.display().to_string())?;
    if !meta.is_dir() {
        bail!("{} is no directory; move it away", path.display());
    }
    let shared = Shared::of(dir)?;
    shared.with(&File::open(&path)?, 0o750).with_context(|| path.display().to_string())
}

/// With whom results are shared: with the group that may look into the folder, whatever the agent's umask is. They say no
/// secrets, but what became of each row of a file.
struct Shared {
    group: u32,
    reads: bool,
}

impl Shared {
    fn of(dir: &Path) -> Result<Self> {
        let meta = std::fs::metadata(dir).with_context(|| dir.display().to_string())?;
        Ok(Self { group: meta.gid(), reads: meta.mode() & 0o050 == 0o050 })
    }

    /// Lets the group have what `mode` gives it. An agent that is not in the group cannot, and then nobody but its own group
    /// reads it.
    fn with(&self, file: &File, mode: u32) -> std::io::Result<()> {
        let meta = file.metadata()?;
        if !self.reads {
            return Ok(());
        }
        let same = meta.gid() == self.group
            || std::os::unix::fs::fchown(file, None, Some(self.group)).is_ok();
        // Bits that pass the group on stay.
        let wanted = meta.mode() & 0o6000 | mode;
        if same && meta.mode() & 0o7777 != wanted {
            file.set_permissions(std::fs::Permissions::from_mode(wanted))?;
        }
        Ok(())
    }
}

/// Gives results their names whose file had moved, and forgets those whose file had not.
pub(super) fn mend(dir: &Path, place: Place) -> Result<()> {
    let at = dir.join(place.as_str());
    for entry in std::fs::read_dir(&at).with_context(|| at.display().to_string())? {
        let name = entry?.file_name();
        let Some(base) = base_of(&name) else { continue };
        let pending = at.join(&name);
        if exists(&at.join(&base))? && !exists(&at.join(with(&base, RESULT)))? {
            rename(&pending, &at.join(with(&base, RESULT)))?;
        } else {
            std::fs::remove_file(&pending).with_context(|| pending.display().to_string())?;
        }
    }
    Ok(())
}

/// The file to which a hidden result belongs.
fn base_of(name: &OsStr) -> Option<OsString> {
    let bytes = name.as_encoded_bytes().strip_prefix(b".")?;
    let bytes = bytes.strip_suffix(PENDING.as_bytes())?.strip_suffix(RESULT.as_bytes())?;
    Some(OsStr::from_bytes(bytes).to_owned())
}

fn with(base: &OsStr, end: &str) -> OsString {
    let mut name = base.to_owned();
    name.push(end);
    name
}

fn exists(path: &Path) -> Result<bool> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Renames, and never over what is there. Where the file system cannot promise that, nobody but the agent writes
/// there, and it was looked.
fn rename(from: &Path, to: &Path) -> Result<()> {
    let renamed = match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if !exists(to)? => {
            std::fs::rename(from, to)
        }
        renamed => renamed.map_err(std::io::Error::from),
    };
    renamed.with_context(|| format!("moving {} to {}", from.display(), to.display()))
}

/// A name for `name` that neither a file nor a result has at `at`: its own, else with a number before its ending.
fn free(at: &Path, name: &OsStr) -> Result<OsString> {
    let short = shortened(name);
    let path = Path::new(&short);
    let (stem, end) = (path.file_stem().unwrap_or(&short), path.extension());
    for number in 0..TIMES {
        let base = match (number, end) {
            (0, _) => short.clone(),
            (_, None) => with(stem, &format!(".{number}")),
            (_, Some(end)) => {
                let mut base = with(stem, &format!(".{number}."));
                base.push(end);
                base
            }
        };
        if !exists(&at.join(&base))? && !exists(&at.join(with(&base, RESULT)))? {
            return Ok(base);
        }
    }
    bail!("{} has {TIMES} files of this name; move some away", at.display())
}

fn shortened(name: &OsStr) -> OsString {
    if name.len() <= NAME {
        return name.to_owned();
    }
    let end = Path::new(name).extension().map(OsStr::to_string_lossy).unwrap_or_default();
    let digest = crate::domain::hex::hex(&Sha256::digest(name.as_encoded_bytes()));
    let begin: String = name.to_string_lossy().chars().take(NAME / 8).collect();
    let end: String = end.chars().take(8).collect();
    OsString::from(format!("{begin}~{digest:.16}.{end}"))
}

/// Moves the file `name` that `stamp` describes, with `result` beside it. Gives the name that it has there; `None`: it
/// is another file by now, or was changed.
pub(super) fn put(
    dir: &Path,
    place: Place,
    name: &OsStr,
    stamp: Stamp,
    result: &[u8],
) -> Result<Option<OsString>> {
    let (from, at) = (dir.join(name), dir.join(place.as_str()));
    let base = free(&at, name)?;
    let mut hidden = OsString::from(".");
    hidden.push(with(&with(&base, RESULT), PENDING));
    let pending = at.join(hidden);
    let doing = || format!("writing {}", pending.display());
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o640)
        .open(&pending)
        .with_context(doing)?;
    Shared::of(dir)?.with(&file, 0o640).with_context(doing)?;
    file.write_all(result).with_context(doing)?;
    file.sync_all().with_context(doing)?;
    let same =
        |path: &Path| std::fs::symlink_metadata(path).is_ok_and(|meta| Stamp::of(&meta) == stamp);
    let moved = at.join(&base);
    if !same(&from) {
        std::fs::remove_file(&pending).with_context(doing)?;
        return Ok(None);
    }
    rename(&from, &moved)?;
    // Somebody may have changed it, or put another one there, in between: then nobody has read what was moved.
    if !same(&moved) {
        std::fs::remove_file(&pending).with_context(doing)?;
        rename(&moved, &from)?;
        return Ok(None);
    }
    rename(&pending, &at.join(with(&base, RESULT)))?;
    for changed in [at.as_path(), dir] {
        let opened = File::open(changed).and_then(|dir| dir.sync_all());
        opened.with_context(|| format!("syncing {}", changed.display()))?;
    }
    Ok(Some(base))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    struct Home(tempfile::TempDir);

    impl Home {
        fn new() -> Self {
            let home = Self(tempfile::tempdir().unwrap());
            make(home.0.path(), Place::Done).unwrap();
            make(home.0.path(), Place::Rejected).unwrap();
            home
        }

        fn drop(&self, name: &str, text: &str) -> Stamp {
            let path = self.0.path().join(name);
            std::fs::write(&path, text).unwrap();
            Stamp::of(&std::fs::symlink_metadata(path).unwrap())
        }

        fn put(&self, name: &str, stamp: Stamp, result: &str) -> Option<String> {
            let put = put(self.0.path(), Place::Done, OsStr::new(name), stamp, result.as_bytes());
            put.unwrap().map(|name| name.into_string().unwrap())
        }

        fn done(&self) -> BTreeSet<String> {
            let entries = std::fs::read_dir(self.0.path().join("done")).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        }

        fn text(&self, name: &str) -> String {
            std::fs::read_to_string(self.0.path().join("done").join(name)).unwrap()
        }
    }

    #[test]
    fn no_earlier_file_is_overwritten() {
        let home = Home::new();
        for (number, name) in ["users.csv", "users.1.csv", "users.2.csv"].iter().enumerate() {
            let stamp = home.drop("users.csv", &format!("file {number}"));
            assert_eq!(home.put("users.csv", stamp, &format!("result {number}")).unwrap(), *name);
        }
        assert_eq!(
            (home.text("users.csv").as_str(), home.text("users.2.csv").as_str()),
            ("file 0", "file 2")
        );
        assert_eq!(home.text("users.1.csv.result.csv"), "result 1");
        let stamp = home.drop("README", "x");
        assert_eq!(home.put("README", stamp, ""), Some("README".to_owned()));
        let stamp = home.drop("README", "x");
        assert_eq!(home.put("README", stamp, ""), Some("README.1".to_owned()));
        // A result whose file somebody took away keeps its name, too.
        std::fs::remove_file(home.0.path().join("done/users.csv")).unwrap();
        let stamp = home.drop("users.csv", "x");
        assert_eq!(home.put("users.csv", stamp, ""), Some("users.3.csv".to_owned()));
        assert_eq!(home.text("users.csv.result.csv"), "result 0");
    }

    #[test]
    fn a_file_that_changed_is_not_moved() {
        let home = Home::new();
        let stamp = home.drop("users.csv", "one");
        home.drop("users.csv", "one and two");
        assert_eq!(home.put("users.csv", stamp, "r"), None);
        assert!(home.0.path().join("users.csv").exists() && home.done().is_empty());
        std::fs::remove_file(home.0.path().join("users.csv")).unwrap();
        assert_eq!(home.put("users.csv", stamp, "r"), None);
        assert!(home.done().is_empty());
    }

    #[test]
    fn whoever_looks_into_the_folder_reads_what_became_of_the_files() {
        let home = tempfile::tempdir().unwrap();
        let mode =
            |path: &str| std::fs::symlink_metadata(home.path().join(path)).unwrap().mode() & 0o777;
        let open = |bits| std::fs::Permissions::from_mode(bits);
        for (folder, results, file) in [(0o770, 0o750, 0o640), (0o700, 0o700, 0o600)] {
            std::fs::set_permissions(home.path(), open(folder)).unwrap();
            std::fs::create_dir(home.path().join("done")).unwrap();
            // As the umask of a service leaves it.
            std::fs::set_permissions(home.path().join("done"), open(0o700)).unwrap();
            make(home.path(), Place::Done).unwrap();
            std::fs::write(home.path().join("a.csv"), "x").unwrap();
            let stamp = Stamp::of(&std::fs::symlink_metadata(home.path().join("a.csv")).unwrap());
            let pending = home.path().join("done/.a.csv.result.csv.pending");
            std::fs::write(&pending, "").unwrap();
            std::fs::set_permissions(&pending, open(0o600)).unwrap();
            put(home.path(), Place::Done, OsStr::new("a.csv"), stamp, b"r").unwrap();
            assert_eq!(
                (mode("done"), mode("done/a.csv.result.csv")),
                (results, file),
                "{folder:o}"
            );
            std::fs::remove_dir_all(home.path().join("done")).unwrap();
        }
    }

    #[test]
    fn killed_between_the_steps_it_goes_on() {
        let home = Home::new();
        let done = home.0.path().join("done");
        // After the first step: the file is still in the folder, and is read again.
        std::fs::write(done.join(".a.csv.result.csv.pending"), "old").unwrap();
        // After the second: it moved.
        std::fs::write(done.join(".b.csv.result.csv.pending"), "result").unwrap();
        std::fs::write(done.join("b.csv"), "file").unwrap();
        mend(home.0.path(), Place::Done).unwrap();
        let names: BTreeSet<String> = ["b.csv", "b.csv.result.csv"].map(str::to_owned).into();
        assert_eq!(home.done(), names);
        assert_eq!(home.text("b.csv.result.csv"), "result");
    }

    #[test]
    fn what_is_no_directory_is_refused() {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/tmp", home.path().join("done")).unwrap();
        assert!(make(home.path(), Place::Done).unwrap_err().to_string().contains("no directory"));
    }

    #[test]
    fn a_long_name_has_room_for_what_comes_after_it() {
        let home = Home::new();
        let name = format!("{}.csv", "ä".repeat(120));
        let stamp = home.drop(&name, "x");
        let moved = home.put(&name, stamp, "r").unwrap();
        assert_eq!(Path::new(&moved).extension(), Some(OsStr::new("csv")));
        assert!(moved.len() < 100, "{moved}");
        assert_eq!(home.text(&format!("{moved}.result.csv")), "r");
    }
}
