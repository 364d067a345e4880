//! A new log in the place of one that is damaged or lost. Each step can be repeated, so that a kill in between is
//! finished by doing all of it again.

use super::commit::{Commit, Landed, State};
use super::dir::{Dir, name_of, segments};
use super::entry::Entry;
use super::error::{LogError, io};
use super::file::genesis;
use super::format::{FIRST_SEGMENT, LOSS};
use super::key::LogKey;
use super::moment::Moment;
use super::quarantine::QUARANTINE;
use super::scan::scan;
use super::tree::leaf_hash;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The plan while it is carried out, and afterwards.
const PLAN: &str = "replacing.json";
const DONE: &str = "replaced.json";
/// The directory of the plan while that is being written.
const PART: &str = "replacing.part";
/// What the new log is called until the old one is out of its way.
const NEW: &str = "new-log.jsonl";

/// What is to be done. It is on the disk before anything changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// When it was made.
    pub at: String,
    /// Name of the new log.
    pub origin: String,
    /// Its key, as text.
    pub key: String,
    /// The key after that, as text.
    pub next: String,
    /// Where that was made.
    #[serde(default)]
    pub next_file: Option<String>,
    /// The last good note of the old log.
    pub continues: Option<String>,
    /// How many records that the store knows to be in the old log are not below that note; `None`: not known.
    pub unrecorded: Option<u64>,
    /// The files of the old log.
    pub files: Vec<String>,
}

/// A plan that was not carried out to its end in the log's directory, and where the old log goes.
///
/// # Errors
/// When the directory or the plan cannot be read.
pub fn pending(dir: &Path) -> Result<Option<(PathBuf, Plan)>, LogError> {
    for entry in std::fs::read_dir(dir).map_err(io(dir, "reading the directory"))? {
        let place = entry.map_err(io(dir, "reading the directory"))?.path();
        let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = place.join(PLAN);
        if !name.starts_with("damaged-") || !path.is_file() {
            continue;
        }
        let text = std::fs::read(&path).map_err(io(&path, "reading"))?;
        let plan = serde_json::from_slice(&text).map_err(|error| {
            LogError::refused(&path, format!("it is no plan that this program made: {error}"))
        })?;
        return Ok(Some((place, plan)));
    }
    Ok(None)
}

/// A log's directory, locked, whose log is to be replaced.
pub struct Replacement {
    dir: Dir,
}

impl Replacement {
    /// Takes the lock. The log need not be there, its directory must.
    ///
    /// # Errors
    /// When an agent holds it.
    pub fn lock(dir: &Path) -> Result<Self, LogError> {
        Dir::lock(dir).map(|dir| Self { dir })
    }

    /// Names of the log's files.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn files(&self) -> Result<Vec<String>, LogError> {
        let names = self.dir.segments()?.into_iter();
        Ok(names.map(|name| name_of(name.first)).collect())
    }

    /// Number of the first line in the log's files, if there are any.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn first(&self) -> Result<Option<u64>, LogError> {
        Ok(self.dir.segments()?.first().map(|name| name.first))
    }

    /// Puts the plan on the disk: from here on there is no way back. Gives where the old log goes.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(&self, plan: &Plan) -> Result<PathBuf, LogError> {
        // Whole or not there: what an earlier attempt left of it is written anew.
        let part = self.dir.path.join(PART);
        match std::fs::DirBuilder::new().mode(0o750).create(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(io(&part, "making the directory")(error));
            }
            _ => {}
        }
        let text = serde_json::to_vec_pretty(plan).unwrap_or_default();
        let path = part.join(PLAN);
        write(&path, 0o640, &text).map_err(io(&path, "writing the plan"))?;
        sync(&part)?;
        let time: String = plan.at.chars().take(19).filter(|c| *c != ':').collect();
        let name = |n: u32| {
            if n == 1 { format!("damaged-{time}Z") } else { format!("damaged-{time}Z-{n}") }
        };
        let place = (1..100).map(|n| self.dir.path.join(name(n))).find(|place| !place.exists());
        let place = place.unwrap_or_else(|| self.dir.path.join(name(100)));
        std::fs::rename(&part, &place).map_err(io(&place, "putting the plan in its place"))?;
        self.dir.sync().map_err(io(&self.dir.path, "syncing the directory"))?;
        Ok(place)
    }

    /// Moves the old log away and puts the new one in its place, as far as that is not done. Gives its first line.
    ///
    /// # Errors
    /// When a file cannot be written or moved.
    pub fn carry_out(&self, place: &Path, plan: &Plan, key: &LogKey) -> Result<Landed, LogError> {
        let first = self.dir.path.join(FIRST_SEGMENT);
        let new = place.join(NEW);
        // The old log is moved only once the new one is whole.
        if !new.is_file() && !self.is_new(&first, key)? {
            make(&new, plan, key)?;
            sync(place)?;
        }
        for name in &plan.files {
            let (from, to) = (self.dir.path.join(name), place.join(name));
            if !to.exists() && from.exists() {
                std::fs::rename(&from, &to).map_err(io(&from, "moving it away"))?;
            }
            if to.exists() {
                std::fs::set_permissions(&to, Permissions::from_mode(0o440))
                    .map_err(io(&to, "making it read-only"))?;
            }
        }
        // What was moved away from the old log is no concern of the new one.
        let (from, to) = (self.dir.path.join(QUARANTINE), place.join(QUARANTINE));
        if from.exists() && !to.exists() {
            std::fs::rename(&from, &to).map_err(io(&from, "moving it away"))?;
        }
        sync(place)?;
        if new.is_file() {
            std::fs::rename(&new, &first)
                .map_err(io(&first, "putting the new log in its place"))?;
            sync(place)?;
        }
        self.dir.sync().map_err(io(&self.dir.path, "syncing the directory"))?;
        genesis_of(&first)
    }

    fn is_new(&self, first: &Path, key: &LogKey) -> Result<bool, LogError> {
        if segments(&self.dir.path).map_err(io(&self.dir.path, "reading the directory"))?.is_empty()
        {
            return Ok(false);
        }
        let Ok(file) = File::open(first) else { return Ok(false) };
        let found = scan(&file, 0).map_err(io(first, "reading"))?;
        Ok(found.named == Some(key.vkey()))
    }

    /// Notes that all is done.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn finish(&self, place: &Path) -> Result<(), LogError> {
        std::fs::rename(place.join(PLAN), place.join(DONE))
            .map_err(io(place, "closing the plan"))?;
        sync(place)
    }
}

/// The new log: genesis, what was lost, checkpoint.
fn make(path: &Path, plan: &Plan, key: &LogKey) -> Result<(), LogError> {
    let now = Moment::from(plan.at.as_str());
    let mut commit = Commit::after(&State::begin());
    let begin = genesis(key, &plan.next, plan.continues.as_deref());
    let what = json!({"cause": "log_replaced", "unrecorded": plan.unrecorded});
    for entry in [begin, Entry::of(LOSS, what)] {
        commit.push(&entry, &now)?;
    }
    let (_, bytes) = commit.seal(&[key])?;
    let part = path.with_extension("part");
    write(&part, 0o640, &bytes).map_err(io(&part, "writing the new log"))?;
    std::fs::rename(&part, path).map_err(io(path, "writing the new log"))
}

/// A file with these bytes, durably. What an earlier attempt left of it counts for nothing.
fn write(path: &Path, mode: u32, bytes: &[u8]) -> std::io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(dir: &Path) -> Result<(), LogError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(io(dir, "syncing the directory"))
}

fn genesis_of(path: &Path) -> Result<Landed, LogError> {
    let bytes = std::fs::read(path).map_err(io(path, "reading"))?;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(Landed { seq: 0, hash: leaf_hash(line) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::file::{LogFile, create};
    use crate::audit::verify::{Outcome, Verifier, Vkey};
    use std::collections::BTreeSet;
    use zeroize::Zeroizing;

    const NOW: &str = "2026-11-21T21:00:00.000000Z";

    fn key(origin: &str, seed: u8) -> LogKey {
        LogKey::from_seed(origin, &Zeroizing::new([seed; 32]))
    }

    fn plan(files: Vec<String>) -> Plan {
        let of = |seed| key("test/new", seed).vkey();
        Plan {
            at: NOW.to_owned(),
            origin: "test/new".to_owned(),
            key: of(3),
            next: of(4),
            next_file: None,
            continues: Some("test/old\n3\nroot\n\nsignature\n".to_owned()),
            unrecorded: Some(7),
            files,
        }
    }

    fn names(dir: &Path) -> BTreeSet<String> {
        let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// Undoes the newest steps one after the other, as if the process had been killed before them.
    #[test]
    fn killed_between_any_steps_it_is_finished_by_doing_it_again() {
        for killed in 0..5 {
            let home = tempfile::tempdir().unwrap();
            let dir = home.path();
            create(dir, &key("test/old", 1), &key("test/old", 2).vkey(), NOW).unwrap();
            let old = std::fs::read(dir.join(FIRST_SEGMENT)).unwrap();
            std::fs::write(dir.join("revlog-000000000009.jsonl"), "rubbish").unwrap();
            let lock = Replacement::lock(dir).unwrap();
            assert!(pending(dir).unwrap().is_none());
            let plan = plan(lock.files().unwrap());
            // What earlier attempts left, in the same second, too.
            for name in [PART, "damaged-2026-11-21T210000Z", QUARANTINE] {
                std::fs::create_dir(dir.join(name)).unwrap();
                std::fs::write(dir.join(name).join("plan.part"), "half").unwrap();
            }
            std::fs::write(dir.join(PART).join(PLAN), "half").unwrap();
            let place = lock.begin(&plan).unwrap();
            assert!(!dir.join(PART).exists() && place.ends_with("damaged-2026-11-21T210000Z-2"));
            assert_eq!(pending(dir).unwrap(), Some((place.clone(), plan.clone())));
            let new = key("test/new", 3);
            match killed {
                0 => {}
                1 => std::fs::write(place.join("new-log.part"), "half").unwrap(),
                2 => make(&place.join(NEW), &plan, &new).unwrap(),
                3 => {
                    make(&place.join(NEW), &plan, &new).unwrap();
                    std::fs::rename(dir.join(FIRST_SEGMENT), place.join(FIRST_SEGMENT)).unwrap();
                }
                _ => drop(lock.carry_out(&place, &plan, &new).unwrap()),
            }
            let genesis = lock.carry_out(&place, &plan, &new).unwrap();
            lock.finish(&place).unwrap();
            assert!(pending(dir).unwrap().is_none());
            drop(lock);
            assert_eq!(std::fs::read(place.join(FIRST_SEGMENT)).unwrap(), old, "{killed}");
            assert!(place.join(QUARANTINE).exists() && !dir.join(QUARANTINE).exists());
            assert_eq!(names(dir).iter().filter(|name| name.ends_with("jsonl")).count(), 1);
            let log = LogFile::open(dir, key("test/new", 3), NOW).unwrap();
            let first = log.since(0).unwrap().next(2).unwrap();
            assert_eq!(first.first().unwrap().landed, genesis);
            assert_eq!(first.get(1).unwrap().kind, LOSS);
            drop(log);
            let mut verifier = Verifier::new(Some(Vkey::parse(&plan.key).unwrap()));
            verifier.begin_file("log");
            verifier.push_bytes(&std::fs::read(dir.join(FIRST_SEGMENT)).unwrap());
            let report = verifier.finish();
            // Not a note: only the frame is tested here.
            assert!(matches!(report.outcome, Outcome::Verified | Outcome::Tampered), "{report}");
        }
    }
}
