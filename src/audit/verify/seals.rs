//! Checkpoints whose form and root are right, and whose signature may not have been checked yet.

use super::checkpoint::Checkpoint;
use super::report::{FaultKind, Flaw, GoodCheckpoint, Place};
use super::stamp::Stamp;
use super::vkey::Vkey;
use base64::{Engine, engine::general_purpose::STANDARD};

/// A checkpoint, with what was read up to its end.
#[derive(Debug, Clone)]
pub(super) struct Seal {
    pub(super) place: Place,
    pub(super) end_offset: u64,
    pub(super) size: u64,
    pub(super) checkpoint: Checkpoint,
    /// How many checkpoints there were, this one included.
    pub(super) ordinal: u64,
    /// Bytes of the input up to the end of this line, over all files.
    pub(super) bytes_read: u64,
    pub(super) last_time: Option<Stamp>,
    /// Its signature was checked, and is good.
    pub(super) is_signed: bool,
}

impl Seal {
    pub(super) fn to_good_checkpoint(&self) -> GoodCheckpoint {
        GoodCheckpoint {
            file: self.place.file.to_string(),
            line: self.place.line,
            offset: self.place.offset,
            end_offset: self.end_offset,
            size: self.size,
            root: STANDARD.encode(self.checkpoint.root),
            note: self.checkpoint.note.clone(),
        }
    }
}

/// The checkpoints worth remembering.
///
/// Every checkpoint line is a leaf under all later roots, so one good signature at the end vouches
/// for those before it, and only the first and the last are checked. The one before the last is
/// kept to fall back on.
#[derive(Debug, Default)]
pub(super) struct Seals {
    /// Whether to check every signature, not the first and the last only.
    pub(super) all_signatures: bool,
    first: Option<Seal>,
    previous: Option<Seal>,
    newest: Option<Seal>,
    /// Signatures checked so far.
    pub(super) checked: u64,
}

/// The seals at the end of the input, all doubts resolved.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// The last checkpoint with a good signature.
    pub(super) good: Option<Seal>,
    /// The earliest one known to have a bad signature.
    pub(super) bad: Option<Seal>,
}

impl Seals {
    /// Checkpoints so far.
    pub(super) fn count(&self) -> u64 {
        self.newest.as_ref().map_or(0, |seal| seal.ordinal)
    }

    /// Adds the next checkpoint, or says that its signature is bad.
    pub(super) fn add(&mut self, mut seal: Seal, key: &Vkey) -> Result<(), Flaw> {
        let is_first = self.first.is_none();
        if (is_first || self.all_signatures) && !self.check(&mut seal, key) {
            return Err(bad_signature(key));
        }
        if is_first {
            self.first = Some(seal.clone());
        }
        self.previous = self.newest.replace(seal);
        Ok(())
    }

    /// Checks the last signature, and if that is bad, earlier ones.
    pub(super) fn settle(&mut self, key: &Vkey) -> Settled {
        let mut bad = None;
        for candidate in [self.newest.take(), self.previous.take(), self.first.take()] {
            let Some(mut seal) = candidate else { continue };
            if self.check(&mut seal, key) {
                return Settled { good: Some(seal), bad };
            }
            bad = Some(seal);
        }
        Settled { good: None, bad }
    }

    fn check(&mut self, seal: &mut Seal, key: &Vkey) -> bool {
        if !seal.is_signed {
            self.checked += 1;
            seal.is_signed = key.verifies(seal.checkpoint.body(), &seal.checkpoint.signature);
        }
        seal.is_signed
    }
}

/// The flaw of a checkpoint with a right root and a wrong signature.
pub(super) fn bad_signature(key: &Vkey) -> Flaw {
    Flaw::new(
        FaultKind::Signature,
        0,
        format!("a signature by key {} over the note", key.id_hex()),
        "a signature that is not that key's",
        "The checkpoint fits the lines before it, but the holder of the key did not sign it.",
    )
}
