//! The keys of a log: the one in force, its successor, and the one that the caller trusts.

use super::line::Line;
use super::members::What;
use super::report::{FaultKind, Flaw, KeyReport, excerpt};
use super::tree::Hash;
use super::vkey::{Vkey, hex, unhex};
use crate::audit::format::CHECKPOINT;
use sha2::{Digest, Sha256};

/// More keys than this are not listed.
const MAX_LISTED: usize = 64;

/// A key, and the hash of the text of the one that may follow it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) key: Vkey,
    pub(super) next: Hash,
}

/// The keys, from the first line on.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) pinned: Option<Vkey>,
    current: Option<Held>,
    /// Of a `key` record, until the checkpoint after it.
    pending: Option<(Held, KeyReport)>,
    /// Whether the pinned key is one of those that signed so far.
    pub(super) has_pinned: bool,
    pub(super) listed: Vec<KeyReport>,
    pub(super) omitted: u64,
}

impl Keys {
    pub(super) fn new(pinned: Option<Vkey>) -> Self {
        Self { pinned, ..Self::default() }
    }

    pub(super) fn current(&self) -> Option<&Held> {
        self.current.as_ref()
    }

    /// The key that must sign beside the one in force.
    pub(super) fn pending(&self) -> Option<&Vkey> {
        self.pending.as_ref().map(|(held, _)| &held.key)
    }

    /// The keys that may sign a note of a tree with all lines so far.
    pub(super) fn signers(&self) -> [Option<&Vkey>; 2] {
        [self.current.as_ref().map(|held| &held.key), self.pending()]
    }

    /// Whether the pinned key is not among those that the lines so far name.
    pub(super) fn lacks_pinned(&self) -> bool {
        self.pinned.is_some() && !self.has_pinned
    }

    /// Begins with the key of the first line.
    pub(super) fn begin(&mut self, held: Held, seq: u64) {
        let report = KeyReport::new(&held.key, seq, None);
        self.put(held, report);
    }

    fn put(&mut self, held: Held, mut report: KeyReport) {
        report.pinned = self.pinned.as_ref() == Some(&held.key);
        self.has_pinned |= report.pinned;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(report);
        } else {
            self.omitted += 1;
        }
        self.current = Some(held);
    }

    /// Takes a `key` record, which stands at `seq`.
    pub(super) fn announce(&mut self, line: &Line<'_>, seq: u64) -> Result<(), Flaw> {
        let sentence = "The record does not fit the key before it.";
        let what = What::of(line, FaultKind::Key, sentence);
        let [(text, at), (next, next_at), (reason, reason_at)] =
            what.strings(["key", "next", "reason"])?;
        let Some(current) = &self.current else {
            return Err(what.unfit(0, "a key before this one", "none"));
        };
        let hash: Hash = Sha256::digest(&text).into();
        if hash != current.next {
            let sentence = "The new key is not the one that was settled when the present one was \
                            named: whoever wrote this did not hold its secret.";
            let expected = format!("a key whose text has the SHA-256 {}", hex(&current.next));
            let found = excerpt(text.as_bytes());
            return Err(Flaw::new(FaultKind::Key, at, expected, found, sentence));
        }
        let key = Vkey::parse(&text)
            .map_err(|error| what.unfit(at, format!("a key that can be used ({error})"), &text))?;
        if key.origin() != current.key.origin() {
            return Err(what.unfit(at, "a key with the origin of the log", key.origin()));
        }
        let next = hash_of(&next)
            .ok_or_else(|| what.unfit(next_at, "next: 64 lower-case hex digits", &next))?;
        if !matches!(reason.as_str(), "scheduled" | "compromised") {
            return Err(what.unfit(reason_at, "reason: scheduled or compromised", &reason));
        }
        let report = KeyReport::new(&key, seq, Some(reason));
        self.pending = Some((Held { key, next }, report));
        Ok(())
    }

    /// The flaw of a line of type `kind` where only the checkpoint with both signatures may stand.
    pub(super) fn check_order(&self, kind: &str) -> Result<(), Flaw> {
        if self.pending.is_none() || kind == CHECKPOINT {
            return Ok(());
        }
        let sentence = "After a change of key comes the checkpoint that both keys sign.";
        Err(Flaw::new(FaultKind::Key, 0, CHECKPOINT, kind, sentence))
    }

    /// Ends the log: a key whose record no checkpoint follows is none of it.
    pub(super) fn end(&mut self) {
        self.pending = None;
    }

    /// Both keys signed: the new one is in force.
    pub(super) fn change(&mut self) {
        if let Some((held, report)) = self.pending.take() {
            self.put(held, report);
        }
    }
}

/// A SHA-256 that is written as 64 lower-case hex digits.
pub(super) fn hash_of(text: &str) -> Option<Hash> {
    unhex(text.as_bytes().try_into().ok()?)
}
