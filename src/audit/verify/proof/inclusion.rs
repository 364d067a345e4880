//! Proofs that lines are in the log, one or many, with or without the lines that name its keys.

use super::Desk;
use super::parse::{Inclusion, Reader};
use super::report::{ProofKind, ProvedLine};
use crate::audit::format::{GENESIS, KEY, MAX_LINE};
use crate::audit::verify::keys::Keys;
use crate::audit::verify::line::{Line, SEQ_AT};
use crate::audit::verify::report::{Fault, FaultKind, Flaw};
use crate::audit::verify::stamp::Stamp;
use crate::audit::verify::vkey::Vkey;
use crate::audit::verify::{genesis, path};

/// Checks a file of proofs of inclusion.
pub(super) fn check(desk: &mut Desk<'_>, text: &str) -> Result<(), Fault> {
    desk.kind = ProofKind::Lines;
    let mut reader = Reader::new(text);
    let mut holder = Holder { keys: Keys::new(desk.options.key.clone()), has_genesis: false };
    while !reader.is_at_end() {
        let proof = reader.inclusion().map_err(|wrong| desk.malformed(&wrong))?;
        let place = desk.place(proof.line, proof.offset);
        holder.take(desk, &proof).map_err(|flaw| flaw.at_place(&place))?;
    }
    desk.has_pinned = holder.keys.has_pinned || !holder.has_genesis && desk.options.key.is_some();
    desk.listed = std::mem::take(&mut holder.keys.listed);
    if let (true, Some(pinned), Some(first)) =
        (holder.has_genesis && holder.keys.lacks_pinned(), &desk.options.key, desk.listed.first())
    {
        return Err(genesis::other_key(pinned, &first.key).at_place(&desk.place(1, 0)));
    }
    Ok(())
}

/// The line of a proof: in form, and with the number that is proved.
fn numbered(proof: &Inclusion) -> Result<Line<'_>, Flaw> {
    if proof.bytes.len() > MAX_LINE {
        let expected = format!("a line of at most {MAX_LINE} bytes");
        let found = proof.bytes.len().to_string();
        let sentence = "The line is longer than the format allows.";
        return Err(Flaw::new(FaultKind::Length, 0, expected, found, sentence));
    }
    let line = Line::parse(&proof.bytes)?;
    if line.parsed.seq != proof.index {
        let (expected, found) = (proof.index.to_string(), line.parsed.seq.to_string());
        let sentence = "The number of the line is not the place that is proved.";
        return Err(Flaw::new(FaultKind::Sequence, SEQ_AT, expected, found, sentence));
    }
    Ok(line)
}

/// Whether the line is a leaf of the tree of the note.
fn included(proof: &Inclusion, line: &Line<'_>) -> Result<(), Flaw> {
    let note = &proof.note;
    if path::includes(line.parsed.hash, proof.index, &proof.path, note.size, note.root) {
        return Ok(());
    }
    let expected = "hashes that lead from the line to the root in the note";
    let sentence =
        "The line is not in the log of which the note was taken, or the proof was changed.";
    Err(Flaw::new(FaultKind::Proof, 0, expected, "others", sentence))
}

fn signed(proof: &Inclusion, key: Option<&Vkey>) -> Result<(), Flaw> {
    let Some(key) = key.filter(|key| !proof.note.is_signed_by(key)) else { return Ok(()) };
    let sentence = "The note was not signed by the key that was in force.";
    let expected = format!("a good signature of key {}", key.id_hex());
    Err(Flaw::new(FaultKind::Signature, 0, expected, "none", sentence))
}

/// The key that has to sign.
struct Holder {
    keys: Keys,
    /// Whether the file has the line that names the first key.
    has_genesis: bool,
}

impl Holder {
    fn take(&mut self, desk: &mut Desk<'_>, proof: &Inclusion) -> Result<(), Flaw> {
        let is_first = desk.lines.is_empty();
        let begins = is_first && proof.index == 0;
        if !begins {
            signed(proof, self.key(desk).as_ref())?;
        }
        let seen = desk.witnessed(&proof.note)?;
        let line = numbered(proof)?;
        match line.kind {
            GENESIS if begins => {
                self.genesis(desk, &line)?;
                signed(proof, self.key(desk).as_ref())?;
            }
            GENESIS => return Err(genesis::repeated()),
            kind if proof.index == 0 => return Err(genesis::missing(kind)),
            _ => {}
        }
        included(proof, &line)?;
        let is_record = !(begins || line.kind == KEY && self.has_genesis);
        desk.one_note(&proof.note, is_record)?;
        if line.kind == KEY && self.has_genesis {
            desk.signed_by(self.key(desk));
            self.change(proof, &line)?;
        }
        desk.signed_by(self.key(desk));
        for bound in &seen {
            if let Some(time) = line.parsed.time.filter(|time| *time > bound.latest()) {
                return Err(bound.too_late(time));
            }
        }
        desk.keep(&proof.note, seen);
        desk.lines.push(ProvedLine {
            seq: proof.index,
            kind: line.kind.to_owned(),
            time: line.parsed.time.map(Stamp::text),
            size: proof.note.size,
            line: String::from_utf8_lossy(line.bytes).into_owned(),
        });
        Ok(())
    }

    /// The key in force: without the line that names the first one, that which the caller trusts.
    fn key(&self, desk: &Desk<'_>) -> Option<Vkey> {
        if self.has_genesis {
            self.keys.current().map(|held| held.key.clone())
        } else {
            desk.options.key.clone()
        }
    }

    fn genesis(&mut self, desk: &Desk<'_>, line: &Line<'_>) -> Result<(), Flaw> {
        let genesis = genesis::read(line)?;
        if let Some(pinned) = &desk.options.key
            && pinned.origin() != genesis.held.key.origin()
        {
            return Err(genesis::other_key(pinned, genesis.held.key.as_str()));
        }
        self.keys.begin(genesis.held, 0);
        self.has_genesis = true;
        Ok(())
    }

    /// Takes a `key` record: the note under it must be the checkpoint right after it, signed by both.
    fn change(&mut self, proof: &Inclusion, line: &Line<'_>) -> Result<(), Flaw> {
        self.keys.announce(line, proof.index)?;
        if proof.note.size != proof.index + 1 {
            let (expected, found) = ((proof.index + 1).to_string(), proof.note.size.to_string());
            let sentence = "A change of key is proved by the checkpoint right after it.";
            return Err(Flaw::new(FaultKind::Key, 0, expected, found, sentence));
        }
        if let Some(new) = self.keys.pending().filter(|new| !proof.note.is_signed_by(new)) {
            let sentence = "The new key did not sign the checkpoint after the change.";
            let expected = format!("a good signature of key {}", new.id_hex());
            return Err(Flaw::new(FaultKind::Key, 0, expected, "none", sentence));
        }
        self.keys.change();
        Ok(())
    }
}
