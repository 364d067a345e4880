//! A checkpoint line against the lines before it. Signatures are left to [`super::seals`].

use super::line::Line;
use super::report::{FaultKind, Flaw, excerpt};
use super::tree::{Frontier, Hash};
use super::vkey::{Vkey, hex};
use super::{note, scan};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A note that fits its place in the log.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    pub(super) root: Hash,
    pub(super) note: String,
    body_len: usize,
    pub(super) signature: [u8; 64],
}

impl Checkpoint {
    /// The part of the note that is signed.
    pub(super) fn body(&self) -> &[u8] {
        self.note.as_bytes().get(..self.body_len).unwrap_or_default()
    }
}

/// Compares the note of a checkpoint with the log's key and with the tree over all lines before.
pub(super) fn read(line: &Line<'_>, key: &Vkey, tree: &Frontier) -> Result<Checkpoint, Flaw> {
    let at = line.what.at;
    let text = note_of(line)?;
    let note = note::parse(&text).map_err(|expected| {
        let sentence = "The checkpoint does not hold a signed note.";
        Flaw::new(FaultKind::Note, at, expected, excerpt(text.as_bytes()), sentence)
    })?;
    for name in [note.origin, note.signer] {
        if name != key.origin() {
            let sentence = "The checkpoint is one of another log.";
            return Err(Flaw::new(FaultKind::Note, at, key.origin(), name, sentence));
        }
    }
    if note.size != tree.size() {
        let (expected, found) = (tree.size().to_string(), note.size.to_string());
        let sentence = "The checkpoint was signed for another place in the log.";
        return Err(Flaw::new(FaultKind::Note, at, expected, found, sentence));
    }
    if note.key_id != key.id() {
        let sentence = "The checkpoint names another key than the genesis.";
        let (expected, found) = (key.id_hex(), hex(&note.key_id));
        return Err(Flaw::new(FaultKind::Signature, at, expected, found, sentence));
    }
    let root = tree.root();
    if note.root != root {
        let (expected, found) = (STANDARD.encode(root), STANDARD.encode(note.root));
        let sentence = "Each line fits the one before, but together they are not what this \
                        checkpoint states: lines since the last good checkpoint were changed and \
                        the links made anew, or the checkpoint was changed.";
        return Err(Flaw::new(FaultKind::Root, at, expected, found, sentence));
    }
    let (body_len, signature) = (note.body.len(), note.signature);
    Ok(Checkpoint { root, body_len, signature, note: text })
}

/// The note in `what`, which holds nothing else.
fn note_of(line: &Line<'_>) -> Result<String, Flaw> {
    let (mut note, mut others) = (None, 0_usize);
    let form = scan::object(line.what.text, &mut |key, member| match (key, member.string()) {
        ("note", Some(raw)) => note = Some(scan::unescape(raw)),
        _ => others += 1,
    });
    note.filter(|_| others == 0 && form.is_ok()).ok_or_else(|| {
        let found = excerpt(line.what.text.as_bytes());
        let sentence = "A checkpoint holds its note and nothing else.";
        Flaw::new(FaultKind::Members, line.what.at, "what: {\"note\":\"…\"}", found, sentence)
    })
}
