//! Checkpoints in form, and which of them are checked: root and signatures.
//!
//! Every checkpoint line is a leaf under all later roots, so one good signature at the end vouches for those before
//! it. Checked are the first and the last of the log, of each key, and of each segment.

use super::note::{Note, Signed};
use super::people::Counts;
use super::report::{FaultKind, Flaw, GoodCheckpoint, Place};
use super::stamp::Stamp;
use super::tree::Frontier;
use super::vkey::Vkey;
use base64::{Engine, engine::general_purpose::STANDARD};

/// A checkpoint, with what was read up to its end.
#[derive(Debug, Clone)]
pub(super) struct Seal {
    pub(super) place: Place,
    /// Where its note begins in the line.
    pub(super) note_at: usize,
    pub(super) end_offset: u64,
    /// The tree over the lines before.
    pub(super) tree: Frontier,
    pub(super) note: String,
    body_len: usize,
    root: [u8; 32],
    signatures: [Option<[u8; 64]>; 2],
    /// The keys that have to sign.
    keys: [Option<Vkey>; 2],
    /// How many checkpoints there were, this one included.
    pub(super) ordinal: u64,
    /// Bytes of the input up to the end of this line, over all files.
    pub(super) bytes_read: u64,
    pub(super) last_time: Option<Stamp>,
    /// The persons in the lines before.
    pub(super) people: Counts,
}

impl Seal {
    pub(super) fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Puts in what the note says, and who has to have signed it.
    pub(super) fn fill(&mut self, note: &Note<'_>, keys: [Option<&Vkey>; 2]) {
        let signature = |line: Signed<'_>| line.signature;
        self.body_len = note.body.len();
        self.root = note.root;
        self.signatures = [Some(note.first.signature), note.second.map(signature)];
        // Most checkpoints have the keys of the one before.
        for (own, key) in self.keys.iter_mut().zip(keys) {
            if own.as_ref() != key {
                *own = key.cloned();
            }
        }
    }

    /// An empty one, to be filled.
    pub(super) fn at(place: Place) -> Self {
        Self {
            place,
            note_at: 0,
            end_offset: 0,
            tree: Frontier::default(),
            note: String::new(),
            body_len: 0,
            root: [0; 32],
            signatures: [None, None],
            keys: [None, None],
            ordinal: 0,
            bytes_read: 0,
            last_time: None,
            people: Counts::default(),
        }
    }

    pub(super) fn to_good_checkpoint(&self) -> GoodCheckpoint {
        GoodCheckpoint {
            file: self.place.file.to_string(),
            line: self.place.line,
            offset: self.place.offset,
            end_offset: self.end_offset,
            size: self.size(),
            root: STANDARD.encode(self.root),
            note: self.note.clone(),
        }
    }

    /// Computes the root and checks the signatures; counts the latter.
    fn check(&self, checked: &mut u64) -> Result<(), Flaw> {
        let root = self.tree.root();
        if self.root != root {
            let (expected, found) = (STANDARD.encode(root), STANDARD.encode(self.root));
            let sentence = "Each line fits the one before, but together they are not what this \
                            checkpoint states: lines since the last good checkpoint were changed and \
                            the links made anew, or the checkpoint was changed.";
            return Err(Flaw::new(FaultKind::Root, self.note_at, expected, found, sentence));
        }
        let body = self.note.as_bytes().get(..self.body_len).unwrap_or_default();
        for (key, signature) in self.keys.iter().zip(&self.signatures) {
            let (Some(key), Some(signature)) = (key, signature) else { continue };
            *checked += 1;
            if !key.verifies(body, signature) {
                return Err(bad_signature(key, self.note_at));
            }
        }
        Ok(())
    }
}

/// The checkpoints worth remembering.
#[derive(Debug, Default)]
pub(super) struct Seals {
    /// Whether to check all roots and signatures, not only those that prove the rest.
    pub(super) all: bool,
    /// The newest one, and whether it was checked.
    newest: Option<(Seal, bool)>,
    /// The newest one that was found good.
    pub(super) good: Option<Seal>,
    /// Whether the next one is the first of a segment.
    begins: bool,
    /// Roots and signatures checked so far.
    pub(super) roots: u64,
    pub(super) signatures: u64,
}

impl Seals {
    pub(super) fn new(all: bool) -> Self {
        Self { all, ..Self::default() }
    }

    pub(super) fn newest(&self) -> Option<&Seal> {
        self.newest.as_ref().map(|(seal, _)| seal)
    }

    /// Whether the newest one is good; one that was not checked is, and nothing is said of it.
    pub(super) fn is_newest_good(&self) -> bool {
        // What was checked and found bad has ended the reading.
        self.newest.as_ref().is_some_and(|(seal, checked)| *checked || seal.check(&mut 0).is_ok())
    }

    /// Says that the next checkpoint is the first of a segment.
    pub(super) fn begin_segment(&mut self) {
        self.begins = true;
    }

    /// The next checkpoint, to be filled: the memory of the one before.
    pub(super) fn next(&mut self, place: &Place) -> Seal {
        let mut seal = self.newest.take().map_or_else(|| Seal::at(place.clone()), |(seal, _)| seal);
        seal.place.clone_from(place);
        seal.ordinal += 1;
        seal
    }

    /// Adds the next checkpoint, or says what is wrong with it.
    pub(super) fn add(&mut self, seal: Seal) -> Result<(), Flaw> {
        let is_change = seal.keys.iter().flatten().count() > 1;
        let is_boundary = std::mem::take(&mut self.begins) || seal.ordinal == 1 || is_change;
        self.newest = Some((seal, false));
        if is_boundary || self.all { self.check_newest() } else { Ok(()) }
    }

    /// Checks the newest one, unless that was done. The flaw is at its place.
    pub(super) fn check_newest(&mut self) -> Result<(), Flaw> {
        let Some((seal, is_checked)) = &mut self.newest else { return Ok(()) };
        if *is_checked {
            return Ok(());
        }
        *is_checked = true;
        self.roots += 1;
        let checked = seal.check(&mut self.signatures);
        match checked {
            Ok(()) => {
                match &mut self.good {
                    Some(good) => good.clone_from(seal),
                    good @ None => *good = Some(seal.clone()),
                }
                Ok(())
            }
            Err(flaw) => Err(flaw.elsewhere(&seal.place)),
        }
    }
}

/// The flaw of a checkpoint with a right root and a wrong signature.
fn bad_signature(key: &Vkey, at: usize) -> Flaw {
    Flaw::new(
        FaultKind::Signature,
        at,
        format!("a signature by key {} over the note", key.id_hex()),
        "a signature that is not that key's",
        "The checkpoint fits the lines before it, but the holder of the key did not sign it.",
    )
}
