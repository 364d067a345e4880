//! A checkpoint line against its place. Roots and signatures are left to [`super::seals`].

use super::keys::Keys;
use super::line::Line;
use super::note::{self, Note, Signed};
use super::report::{FaultKind, Flaw, excerpt};
use super::vkey::{Vkey, hex};
use super::{genesis, scan};
use crate::audit::format::CHECKPOINT;

/// The note in `what`, which holds nothing else.
pub(super) fn note_of(line: &Line<'_>) -> Result<String, Flaw> {
    let what = line.what();
    let (mut note, mut others) = (None, 0_usize);
    let form = scan::object(what.text, &mut |key, member| match (key, member.string()) {
        ("note", Some(raw)) => note = Some(scan::unescape(raw)),
        _ => others += 1,
    });
    note.filter(|_| others == 0 && form.is_ok()).ok_or_else(|| {
        let found = excerpt(what.text.as_bytes());
        let sentence = "A checkpoint holds its note and nothing else.";
        Flaw::new(FaultKind::Members, what.at, "what: {\"note\":\"…\"}", found, sentence)
    })
}

/// Takes the note `text` of a checkpoint at `size` apart. It must name the keys that have to sign it.
pub(super) fn read<'a>(
    line: &Line<'_>,
    text: &'a str,
    keys: &Keys,
    size: u64,
) -> Result<Note<'a>, Flaw> {
    let at = line.what().at;
    let note = note::parse(text).map_err(|expected| {
        let sentence = "The checkpoint does not hold a signed note.";
        Flaw::new(FaultKind::Note, at, expected, excerpt(text.as_bytes()), sentence)
    })?;
    let Some(current) = keys.current() else { return Err(genesis::missing(CHECKPOINT)) };
    let origin = current.key.origin();
    let signers = [Some(note.first), note.second].into_iter().flatten().map(|line| line.signer);
    if let Some(name) = signers.chain([note.origin]).find(|name| *name != origin) {
        let sentence = "The checkpoint is one of another log.";
        return Err(Flaw::new(FaultKind::Note, at, origin, name, sentence));
    }
    if note.size != size {
        let (expected, found) = (size.to_string(), note.size.to_string());
        let sentence = "The checkpoint was signed for another place in the log.";
        return Err(Flaw::new(FaultKind::Note, at, expected, found, sentence));
    }
    let (expected, found, sentence) = match (note.second, keys.pending()) {
        (None, None) => {
            names_key(note.first, &current.key, at)?;
            return Ok(note);
        }
        (Some(second), Some(new)) => {
            names_key(note.first, &current.key, at)?;
            names_key(second, new, at)?;
            return Ok(note);
        }
        (Some(_), None) => {
            ("one signature line", "two", "Two keys sign only where the key changes.")
        }
        (None, Some(_)) => (
            "two signature lines",
            "one",
            "Where the key changes, both the old and the new one sign.",
        ),
    };
    Err(Flaw::new(FaultKind::Note, at, expected, found, sentence))
}

fn names_key(line: Signed<'_>, key: &Vkey, at: usize) -> Result<(), Flaw> {
    if line.key_id == key.id() {
        return Ok(());
    }
    let sentence = "The checkpoint names another key than the one in force.";
    let (expected, found) = (key.id_hex(), hex(&line.key_id));
    Err(Flaw::new(FaultKind::Signature, at, expected, found, sentence))
}
