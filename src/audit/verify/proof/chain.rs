//! Who has to sign the one note of a file of proofs: the key of line 0, or one to which changes of key lead from it.
//!
//! The note itself bears the signature of the newest key alone, by which anybody could put any line 0 under it. What
//! ties an older key to that line is the checkpoint after a change, which both keys signed: it is a line under the same
//! note, and the hashes left of its path give the root of the lines before it, which must be the root that was signed.

use super::parse::Inclusion;
use crate::audit::format::KEY;
use crate::audit::verify::checkpoint;
use crate::audit::verify::keys::Keys;
use crate::audit::verify::line::Line;
use crate::audit::verify::note::Foreign;
use crate::audit::verify::report::{FaultKind, Flaw, KeyReport};
use crate::audit::verify::vkey::Vkey;
use crate::audit::verify::{genesis, path};
use base64::{Engine, engine::general_purpose::STANDARD};

/// The keys of a file, line by line.
pub(super) struct Holder {
    keys: Keys,
    /// Whether the file has the line that names the first key.
    has_genesis: bool,
    /// Whether a line was read that is no part of the chain of keys.
    has_records: bool,
    /// Place of the newest `key` record.
    changed_at: u64,
    /// Whether the next line must be the checkpoint after it.
    awaits_checkpoint: bool,
    /// The note itself is that checkpoint: both keys have to sign it.
    ends_with_change: Option<Vkey>,
}

impl Holder {
    pub(super) fn new(pinned: Option<Vkey>) -> Self {
        Self {
            keys: Keys::new(pinned),
            has_genesis: false,
            has_records: false,
            changed_at: 0,
            awaits_checkpoint: false,
            ends_with_change: None,
        }
    }

    /// Takes line 0.
    pub(super) fn genesis(&mut self, line: &Line<'_>, pinned: Option<&Vkey>) -> Result<(), Flaw> {
        let genesis = genesis::read(line)?;
        if let Some(pinned) = pinned.filter(|key| key.origin() != genesis.held.key.origin()) {
            return Err(genesis::other_key(pinned, genesis.held.key.as_str()));
        }
        self.keys.begin(genesis.held, 0);
        self.has_genesis = true;
        Ok(())
    }

    /// Takes a line that was found in the tree of the note: the chain of keys comes first, then all others. Without
    /// line 0 there is no chain, and each line is one among others.
    pub(super) fn follow(&mut self, proof: &Inclusion<'_>, line: &Line<'_>) -> Result<(), Flaw> {
        if !self.has_genesis || proof.index == 0 {
            return Ok(());
        }
        if self.awaits_checkpoint {
            return self.turned(proof, line);
        }
        if line.kind != KEY {
            self.has_records = true;
            return Ok(());
        }
        if self.has_records || proof.index <= self.changed_at {
            let sentence =
                "The changes of key come after line 0, in their order, before all other lines.";
            let expected = "a change of key before the other lines";
            return Err(Flaw::new(FaultKind::Key, 0, expected, "one among them", sentence));
        }
        self.keys.announce(line, proof.index)?;
        self.changed_at = proof.index;
        if proof.note.size == proof.index + 1 {
            self.ends_with_change = self.keys.current().map(|held| held.key.clone());
            self.keys.change();
        } else {
            self.awaits_checkpoint = true;
        }
        Ok(())
    }

    /// Takes the checkpoint after a `key` record.
    fn turned(&mut self, proof: &Inclusion<'_>, line: &Line<'_>) -> Result<(), Flaw> {
        self.keys.check_order(line.kind)?;
        if proof.index != self.changed_at + 1 {
            let expected = format!("line {}", self.changed_at + 1);
            return Err(no_checkpoint(expected, format!("line {}", proof.index)));
        }
        let text = checkpoint::note_of(line)?;
        let note = checkpoint::read(line, &text, &self.keys, proof.index)?;
        let root = path::root_before(proof.index, &proof.path, proof.note.size);
        if root != Some(note.root) {
            let expected = root.map(|root| STANDARD.encode(root)).unwrap_or_default();
            let sentence =
                "The checkpoint after the change of key is not that of the lines before it.";
            let found = STANDARD.encode(note.root);
            return Err(Flaw::new(FaultKind::Root, line.what().at, expected, found, sentence));
        }
        let signatures = [Some(note.first), note.second].into_iter().flatten();
        for (key, signed) in self.keys.signers().into_iter().flatten().zip(signatures) {
            if !key.verifies(note.body.as_bytes(), &signed.signature) {
                let sentence = "The checkpoint after the change of key is not signed by both keys.";
                let expected = format!("a good signature of key {}", key.id_hex());
                let at = line.what().at;
                return Err(Flaw::new(FaultKind::Signature, at, expected, "none", sentence));
            }
        }
        self.keys.change();
        self.awaits_checkpoint = false;
        Ok(())
    }

    /// Ends the file: the key in force, or without line 0 the one that is trusted, must have signed `note`. Gives the
    /// keys that may sign what is held against it.
    pub(super) fn settle(&self, note: &Foreign, pinned: Option<&Vkey>) -> Result<Vec<Vkey>, Flaw> {
        if self.awaits_checkpoint {
            return Err(no_checkpoint(format!("line {}", self.changed_at + 1), "none".to_owned()));
        }
        let in_force = self.keys.current().map(|held| &held.key);
        let newest = if self.has_genesis { in_force } else { pinned };
        let signers: Vec<Vkey> = self.ends_with_change.iter().chain(newest).cloned().collect();
        for key in &signers {
            if note.origin != key.origin() {
                let sentence = "The note is one of another log.";
                return Err(Flaw::new(FaultKind::Note, 0, key.origin(), &note.origin, sentence));
            }
            if !note.is_signed_by(key) {
                let sentence = "The note was not signed by the key that was in force.";
                let expected = format!("a good signature of key {}", key.id_hex());
                return Err(Flaw::new(FaultKind::Signature, 0, expected, "none", sentence));
            }
        }
        let named = self.keys.listed.first().map(|first| first.key.as_str());
        match (pinned, named) {
            (Some(pinned), Some(named)) if self.keys.lacks_pinned() => {
                Err(genesis::other_key(pinned, named))
            }
            _ => Ok(signers),
        }
    }

    /// Whether the trusted key is one of those that signed.
    pub(super) fn has_pinned(&self) -> bool {
        self.keys.has_pinned || !self.has_genesis && self.keys.pinned.is_some()
    }

    pub(super) fn listed(self) -> Vec<KeyReport> {
        self.keys.listed
    }
}

fn no_checkpoint(expected: String, found: String) -> Flaw {
    let sentence = "After a change of key comes the checkpoint that both keys sign.";
    Flaw::new(FaultKind::Key, 0, expected, found, sentence)
}
