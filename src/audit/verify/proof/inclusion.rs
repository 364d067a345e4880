//! Proofs that lines are in the log, one or many, with or without the lines that name its keys.

use super::parse::{Inclusion, Reader};
use super::report::{ProofKind, ProvedLine};
use super::{Desk, is_spoiled};
use crate::audit::format::{GENESIS, KEY, MAX_LINE};
use crate::audit::verify::keys::Keys;
use crate::audit::verify::line::{Line, SEQ_AT};
use crate::audit::verify::report::{Fault, FaultKind, Flaw};
use crate::audit::verify::vkey::Vkey;
use crate::audit::verify::{genesis, path};

/// Checks a file of proofs of inclusion.
pub(super) fn check(desk: &mut Desk<'_>, text: &str) -> Result<(), Fault> {
    desk.kind = ProofKind::Lines;
    let mut reader = Reader::new(text);
    let mut holder = Holder { keys: Keys::new(desk.options.key.clone()), has_genesis: false };
    let mut is_first = true;
    while !reader.is_at_end() {
        let proof = reader
            .inclusion()
            .map_err(|wrong| desk.malformed(wrong.line, wrong.offset, wrong.expected))?;
        let place = desk.place(proof.line, proof.offset);
        let line = checked_line(&proof).map_err(|flaw| flaw.at_place(&place))?;
        holder.take(desk, &proof, &line, is_first).map_err(|flaw| flaw.at_place(&place))?;
        is_first = false;
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

/// The line of a proof: in form, at its place, and a leaf of the tree of the note.
fn checked_line(proof: &Inclusion) -> Result<Line<'_>, Flaw> {
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
    let note = &proof.note;
    if !path::includes(line.parsed.hash, proof.index, &proof.path, note.size, note.root) {
        let expected = "hashes that lead from the line to the root in the note";
        let sentence =
            "The line is not in the log of which the note was taken, or the proof was changed.";
        return Err(Flaw::new(FaultKind::Proof, 0, expected, "others", sentence));
    }
    Ok(line)
}

/// The key that has to sign.
struct Holder {
    keys: Keys,
    /// Whether the file has the line that names the first key.
    has_genesis: bool,
}

impl Holder {
    fn take(
        &mut self,
        desk: &mut Desk<'_>,
        proof: &Inclusion,
        line: &Line<'_>,
        is_first: bool,
    ) -> Result<(), Flaw> {
        match line.kind {
            GENESIS if is_first && proof.index == 0 => self.genesis(desk, line)?,
            GENESIS => return Err(genesis::repeated()),
            kind if proof.index == 0 => return Err(genesis::missing(kind)),
            KEY if self.has_genesis => {
                self.keys.announce(line, proof.index)?;
                if proof.note.size != proof.index + 1 {
                    let (expected, found) = (proof.index + 1, proof.note.size);
                    let sentence = "A change of key is proved by the checkpoint right after it.";
                    let (expected, found) = (expected.to_string(), found.to_string());
                    return Err(Flaw::new(FaultKind::Key, 0, expected, found, sentence));
                }
            }
            _ => {}
        }
        let pinned = desk.options.key.as_ref().filter(|_| !self.has_genesis);
        let signers = self.keys.signers();
        let signers = if self.has_genesis { signers } else { [pinned, None] };
        let signers: Vec<&Vkey> = signers.into_iter().flatten().collect();
        if let Some(key) = signers.iter().find(|key| !proof.note.is_signed_by(key)) {
            let sentence = "The note was not signed by the key that was in force.";
            let expected = format!("a good signature of key {}", key.id_hex());
            return Err(Flaw::new(FaultKind::Signature, 0, expected, "none", sentence));
        }
        for key in signers {
            if !desk.keys.contains(key) {
                desk.keys.push(key.clone());
            }
        }
        self.keys.change();
        desk.keep(&proof.note);
        if !is_spoiled(&proof.note, &desk.options.witnesses) {
            desk.lines.push(ProvedLine {
                seq: proof.index,
                kind: line.kind.to_owned(),
                time: line.parsed.time.map(|time| time.text()),
                size: proof.note.size,
                line: String::from_utf8_lossy(line.bytes).into_owned(),
            });
        }
        Ok(())
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
}
