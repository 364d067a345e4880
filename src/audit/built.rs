//! A commit that is built and signed, and not yet written.
//!
//! It may be built while the commit before it is on its way to the disk. Nothing of it is written before that one is
//! durable; where that one fails, or is written otherwise than was foreseen, this one does not fit, and is built again.

use super::commit::{Commit, Landed, State, Unfit};
use super::entry::Entry;
use super::error::LogError;
use super::file::LogFile;
use super::moment::Moment;
use super::signer::{Signer, note};
use super::tree::Hash;

/// Most bytes of memory that are kept from one commit to the next: those of what is joined, with its checkpoint.
const SPARE: usize = super::batch::MOST + super::commit::SEAL;

/// Where a commit begins.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) state: State,
    /// The commit before it, if that is of this run.
    pub(super) before: Option<Moment>,
}

/// Where a line of the log ends. The hash of the last line has all lines before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    length: u64,
    seq: u64,
    prev: Hash,
}

impl Place {
    fn of(state: &State) -> Self {
        Self { length: state.length, seq: state.seq, prev: state.prev }
    }
}

/// Lines and checkpoint of a commit.
pub(super) struct Sealed {
    /// Where the log stands after it.
    pub(super) state: State,
    pub(super) bytes: Vec<u8>,
    /// Where its records are.
    pub(super) landed: Vec<Landed>,
}

/// A commit for one place of the log.
pub(super) struct Built {
    base: Base,
    now: Moment,
    sealed: Result<Sealed, Unfit>,
}

impl Built {
    /// Builds it in the memory of `spare`.
    pub(super) fn new(
        base: Base,
        spare: Vec<u8>,
        signers: &[&dyn Signer],
        entries: &[Entry],
        now: &Moment,
    ) -> Self {
        let seal = || {
            let mut commit = Commit::after(&base.state).in_memory_of(spare);
            let landed = commit.records(entries, now, base.before.as_ref())?;
            let (state, bytes) = commit.seal(signers)?;
            Ok(Sealed { state, bytes, landed })
        };
        let sealed = seal();
        Self { base, now: now.clone(), sealed }
    }

    /// Whether it goes on from here.
    pub(super) fn fits(&self, state: &State, before: Option<&Moment>) -> bool {
        Place::of(&self.base.state) == Place::of(state) && self.base.before.as_ref() == before
    }

    /// Where the next one begins, if this one is written as it is.
    pub(super) fn next(&self) -> Option<Base> {
        let sealed = self.sealed.as_ref().ok()?;
        Some(Base { state: sealed.state.clone(), before: Some(self.now.clone()) })
    }

    /// Where the log stands once this is written as it is.
    pub(super) fn end(&self) -> Option<Place> {
        self.sealed.as_ref().ok().map(|sealed| Place::of(&sealed.state))
    }

    pub(super) fn sealed(self) -> Result<Sealed, Unfit> {
        self.sealed
    }
}

impl LogFile {
    /// Where the next commit begins.
    pub(super) fn base(&self) -> Base {
        Base { state: self.state.clone(), before: self.before.clone() }
    }

    /// Where it stands.
    pub(super) fn place(&self) -> Place {
        Place::of(&self.state)
    }

    /// Keeps the memory of bytes that are written for the commits to come.
    pub(super) fn keep(&mut self, bytes: Vec<u8>) {
        if bytes.capacity() <= SPARE {
            self.spare = bytes;
        }
    }

    /// As [`append`](Self::append), with what was built of it, if that fits where the log stands.
    pub(super) fn append_built(
        &mut self,
        entries: &[Entry],
        now: &Moment,
        built: Option<Built>,
    ) -> Result<Vec<Landed>, LogError> {
        self.resume(now)?;
        if entries.is_empty() {
            // The signature of the tree that is there already tells nobody anything new.
            let tree = &self.state.sealed.tree;
            note(&[self.signer.as_ref()], tree.size(), &tree.root())?;
            return Ok(Vec::new());
        }
        let written = self.commit_built(entries, now, built);
        if matches!(written, Err(LogError::Full { .. })) {
            self.say_full(now);
        }
        written
    }

    pub(super) fn commit(
        &mut self,
        entries: &[Entry],
        now: &Moment,
    ) -> Result<Vec<Landed>, LogError> {
        self.commit_built(entries, now, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::file::{Limits, create};
    use crate::audit::key::LogKey;
    use crate::audit::verify::{Outcome, Verifier, Vkey};
    use crate::audit::writer::LogWriter;
    use serde_json::json;
    use std::path::Path;
    use std::time::Duration;
    use zeroize::Zeroizing;

    const NOW: &str = "2026-03-05T09:00:00.000000Z";

    fn key() -> LogKey {
        LogKey::from_seed("test/log", &Zeroizing::new([7; 32]))
    }

    fn entries(n: u32) -> Vec<Entry> {
        let entry = |part| Entry::of("observation", json!({"id": format!("rev_{n}.{part}")}));
        vec![entry(1), entry(2)]
    }

    fn open(dir: &Path) -> LogFile {
        create(dir, &key(), "next", NOW).unwrap();
        LogFile::open(dir, key(), NOW).unwrap()
    }

    /// The bytes of all files, and what they prove.
    fn read(dir: &Path) -> (Vec<u8>, Outcome) {
        let mut verifier =
            Verifier::new(Some(Vkey::parse(&key().vkey()).unwrap())).all_signatures(true);
        let mut all = Vec::new();
        for name in super::super::dir::segments(dir).unwrap() {
            let bytes = std::fs::read(&name.path).unwrap();
            verifier.begin_file(&name.path.display().to_string());
            verifier.push_bytes(&bytes);
            all.extend(bytes);
        }
        (all, verifier.finish().outcome)
    }

    /// Two commits, of which the second is built before the first is written.
    fn ahead(log: &mut LogFile, now: &Moment) -> [Option<Built>; 2] {
        let first = Built::new(log.base(), Vec::new(), &log.signers(), &entries(1), now);
        let second =
            Built::new(first.next().unwrap(), Vec::new(), &log.signers(), &entries(2), now);
        [Some(first), Some(second)]
    }

    #[test]
    fn what_is_built_ahead_is_what_is_built_in_its_time() {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [mut one, mut other] = dirs.each_ref().map(|dir| open(dir.path()));
        let now = Moment::from(NOW);
        let [first, second] = ahead(&mut one, &now);
        let mut landed = one.append_built(&entries(1), &now, first).unwrap();
        assert!(second.as_ref().unwrap().fits(&one.state, one.before.as_ref()));
        landed.extend(one.append_built(&entries(2), &now, second).unwrap());
        let mut expected = other.append(&entries(1), NOW).unwrap();
        expected.extend(other.append(&entries(2), NOW).unwrap());
        assert_eq!(landed, expected);
        assert_eq!(read(dirs[0].path()), read(dirs[1].path()));
    }

    #[test]
    fn what_was_built_for_another_place_is_built_again() {
        let now = Moment::from(NOW);
        // The commit before it was never written; or it came into a new file.
        for is_written in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let mut log = open(dir.path()).with_limits(Limits { bytes: 1, age: Duration::MAX });
            let [first, second] = ahead(&mut log, &now);
            if is_written {
                log.append_built(&entries(1), &now, first).unwrap();
            }
            assert!(!second.as_ref().unwrap().fits(&log.state, log.before.as_ref()));
            log = log.with_limits(Limits::default());
            log.append_built(&entries(2), &now, second).unwrap();
            let (bytes, outcome) = read(dir.path());
            assert_eq!(outcome, Outcome::Verified);
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!((text.contains("rev_1.1"), text.contains("rev_2.2")), (is_written, true));
        }
    }

    /// Some commits find that a new file was begun since they were built.
    #[test]
    fn commits_that_wait_land_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path()).with_limits(Limits { bytes: 4_000, age: Duration::MAX });
        let writer = LogWriter::start(log).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let landed: Vec<u64> = runtime.block_on(async {
            let mut sent = Vec::new();
            for n in 0..40 {
                // Without records there is nothing to build.
                let entries = if n % 7 == 3 { Vec::new() } else { entries(n) };
                sent.push(writer.send(entries, Moment::from(NOW)).await.unwrap());
            }
            let mut landed = Vec::new();
            for mut sent in sent {
                landed.extend(sent.answer().await.unwrap().into_iter().map(|line| line.seq));
            }
            landed
        });
        drop(writer);
        assert_eq!(landed.len(), 68);
        assert!(landed.is_sorted());
        let (bytes, outcome) = read(dir.path());
        assert_eq!(outcome, Outcome::Verified);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("\"id\":\"rev_").count(), 68);
        assert!(text.matches("\"type\":\"segment\"").count() > 1);
    }
}
