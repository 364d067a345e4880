//! Building a commit: records, each chained to the one before, and the checkpoint that seals them.

use super::entry::Entry;
use super::format::{CLOCK, FORMAT, SEGMENT};
use super::line::{self, LineError};
use super::moment::Moment;
use super::signer::{SignError, Signer, note};
use super::tree::{Frontier, Hash, leaf_hash};
use crate::domain::hex::{digits, hex};
use serde_json::json;

/// The line of a checkpoint has fewer bytes, as long as the key does not change.
pub(super) const SEAL: usize = 1024;

/// Where a line of the log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Its place.
    pub seq: u64,
    /// Its leaf hash; in hex what the next line calls `prev`.
    pub hash: Hash,
}

/// The newest checkpoint: what a segment begins with.
#[derive(Clone, Debug, Default)]
pub(super) struct Sealed {
    pub(super) note: String,
    /// The tree that the note is about: without the line of the checkpoint.
    pub(super) tree: Frontier,
}

/// Where a log stands after a line.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Bytes of the segment.
    pub(super) length: u64,
    pub(super) seq: u64,
    pub(super) prev: Hash,
    pub(super) tree: Frontier,
    pub(super) last_time: String,
    /// Hash of the next key, as it is in force.
    pub(super) next_key: String,
    pub(super) sealed: Sealed,
}

impl State {
    /// Before the first line of a log.
    pub(super) fn begin() -> Self {
        Self {
            length: 0,
            seq: 0,
            prev: [0; 32],
            tree: Frontier::default(),
            last_time: String::new(),
            next_key: String::new(),
            sealed: Sealed::default(),
        }
    }

    /// Goes past a line whose hash is `leaf`, of so many bytes with its line feed.
    pub(super) fn pass(&mut self, leaf: Hash, bytes: usize) {
        self.tree.push(leaf);
        self.prev = leaf;
        self.seq += 1;
        self.length += bytes as u64;
    }
}

/// A record without canonical form, or no signature.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error(transparent)]
    Line(#[from] LineError),
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// A commit in the making. Nothing of the log changes before it is written.
pub(super) struct Commit {
    state: State,
    /// The hash of the last line in hex: what the next one calls `prev`.
    prev: [u8; 64],
    pub(super) bytes: Vec<u8>,
    /// Lines so far.
    pub(super) lines: u64,
}

impl Commit {
    pub(super) fn after(state: &State) -> Self {
        let prev = digits(&state.prev);
        Self { state: state.clone(), prev, bytes: Vec::new(), lines: 0 }
    }

    /// Uses the memory of bytes that nobody needs any more.
    pub(super) fn in_memory_of(mut self, spare: Vec<u8>) -> Self {
        self.bytes = spare;
        self.bytes.clear();
        self
    }

    /// The first commit of a file, which begins with the `segment` line.
    pub(super) fn in_new_segment(
        state: &State,
        signer: &dyn Signer,
        now: &Moment,
    ) -> Result<Self, Unfit> {
        let mut commit = Self::after(&State { length: 0, ..state.clone() });
        let frontier: Vec<String> = state.sealed.tree.peaks().iter().map(|p| hex(p)).collect();
        let entry = Entry::of(
            SEGMENT,
            json!({
                "first_seq": state.seq,
                "format": FORMAT,
                "frontier": frontier,
                "key": signer.public().vkey(),
                "next": state.next_key,
                "note": state.sealed.note,
                "origin": signer.public().origin(),
            }),
        );
        commit.push(&entry, now)?;
        Ok(commit)
    }

    /// Adds what a clock that was set makes necessary, and `entries`; gives where these are.
    pub(super) fn records(
        &mut self,
        entries: &[Entry],
        now: &Moment,
        before: Option<&Moment>,
    ) -> Result<Vec<Landed>, Unfit> {
        self.clock(now, before)?;
        self.all(entries, now)
    }

    /// Adds what a clock that was set makes necessary.
    pub(super) fn clock(&mut self, now: &Moment, before: Option<&Moment>) -> Result<(), Unfit> {
        if let Some(what) = now.step(&self.state.last_time, before) {
            self.push(&Entry::new(CLOCK, &what), now)?;
        }
        Ok(())
    }

    /// Adds `entries`; gives where they are.
    pub(super) fn all(&mut self, entries: &[Entry], now: &Moment) -> Result<Vec<Landed>, Unfit> {
        // Taken once, and no more than it needs: then the memory can be kept for the next one.
        let bytes: usize = entries.iter().filter_map(Entry::bytes).sum();
        self.bytes.reserve_exact(bytes + SEAL);
        let mut landed = Vec::with_capacity(entries.len());
        for entry in entries {
            landed.push(self.push(entry, now)?);
        }
        Ok(landed)
    }

    pub(super) fn push(&mut self, entry: &Entry, now: &Moment) -> Result<Landed, Unfit> {
        let (begin, seq) = (self.bytes.len(), self.state.seq);
        let place = (self.prev.as_slice(), seq);
        line::append(&mut self.bytes, place, &now.time, entry.kind(), entry.ending()?)?;
        now.time.clone_into(&mut self.state.last_time);
        self.end_line(begin);
        Ok(Landed { seq, hash: self.state.prev })
    }

    /// Takes the line that was written from byte `begin` on.
    fn end_line(&mut self, begin: usize) {
        let line = self.bytes.get(begin..).unwrap_or_default();
        let (leaf, length) = (leaf_hash(line), line.len() + 1);
        self.bytes.push(b'\n');
        self.state.pass(leaf, length);
        self.prev = digits(&leaf);
        self.lines += 1;
    }

    /// Ends it with a checkpoint that each of `signers` signs: two where the key changes, else one. Gives the
    /// state after it, and its bytes.
    pub(super) fn seal(mut self, signers: &[&dyn Signer]) -> Result<(State, Vec<u8>), Unfit> {
        let tree = self.state.tree.clone();
        let note = note(signers, tree.size(), &tree.root())?;
        let begin = self.bytes.len();
        line::append_checkpoint(&mut self.bytes, (&self.prev, self.state.seq), &note);
        self.state.sealed = Sealed { note, tree };
        self.end_line(begin);
        Ok((self.state, self.bytes))
    }
}
