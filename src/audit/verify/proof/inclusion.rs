//! Proofs that lines are in the log, one or many, with or without the lines that name its keys.
//!
//! All proofs of a file stand under one note: of two, each could be of another history.

use super::Desk;
use super::chain::Holder;
use super::parse::{Inclusion, Reader};
use super::report::{ProofKind, ProvedLine};
use crate::audit::format::{CHECKPOINT, GENESIS, MAX_LINE};
use crate::audit::verify::line::{Line, SEQ_AT};
use crate::audit::verify::report::{Fault, FaultKind, Flaw};
use crate::audit::verify::stamp::Stamp;
use crate::audit::verify::witness::Bound;
use crate::audit::verify::{checkpoint, genesis, path};

/// Checks a file of proofs of inclusion.
pub(super) fn check(desk: &mut Desk<'_>, text: &str) -> Result<(), Fault> {
    desk.kind = ProofKind::Lines;
    let mut reader = Reader::new(text);
    let mut file = File { holder: Holder::new(desk.options.key.clone()), first: None };
    while !reader.is_at_end() {
        let proof = reader.inclusion().map_err(|wrong| desk.malformed(&wrong))?;
        let place = desk.place(proof.line, proof.offset);
        file.take(desk, proof).map_err(|flaw| flaw.at_place(&place))?;
    }
    let Some(First { proof, seen }) = file.first else { return Ok(()) };
    let place = desk.place(proof.line, proof.offset);
    let signers = file.holder.settle(&proof.note, desk.options.key.as_ref());
    desk.keys = signers.map_err(|flaw| flaw.at_place(&place))?;
    desk.has_pinned = file.holder.has_pinned();
    desk.listed = file.holder.listed();
    desk.keep(proof.note, seen);
    Ok(())
}

/// The line of a proof: in form, and with the number that is proved.
fn numbered<'a>(proof: &'a Inclusion<'_>) -> Result<Line<'a>, Flaw> {
    if proof.bytes.len() > MAX_LINE {
        let expected = format!("a line of at most {MAX_LINE} bytes");
        let found = proof.bytes.len().to_string();
        let sentence = "The line is longer than the format allows.";
        return Err(Flaw::new(FaultKind::Length, 0, expected, found, sentence));
    }
    let line = Line::parse(&proof.bytes)?;
    if line.kind == CHECKPOINT {
        checkpoint::note_of(&line)?;
    }
    if line.parsed.seq != proof.index {
        let (expected, found) = (proof.index.to_string(), line.parsed.seq.to_string());
        let sentence = "The number of the line is not the place that is proved.";
        return Err(Flaw::new(FaultKind::Sequence, SEQ_AT, expected, found, sentence));
    }
    Ok(line)
}

/// Whether the line is a leaf of the tree of the note.
fn included(proof: &Inclusion<'_>, line: &Line<'_>) -> Result<(), Flaw> {
    let note = &proof.note;
    if path::includes(line.parsed.hash, proof.index, &proof.path, note.size, note.root) {
        return Ok(());
    }
    let expected = "hashes that lead from the line to the root in the note";
    let sentence =
        "The line is not in the log of which the note was taken, or the proof was changed.";
    Err(Flaw::new(FaultKind::Proof, 0, expected, "others", sentence))
}

/// A file, as far as it was read.
struct File<'a> {
    holder: Holder,
    /// Its first proof, whose note is that of all others.
    first: Option<First<'a>>,
}

struct First<'a> {
    proof: Inclusion<'a>,
    /// Who of the witnesses signed the note.
    seen: Vec<Bound>,
}

impl<'a> File<'a> {
    fn take(&mut self, desk: &mut Desk<'_>, proof: Inclusion<'a>) -> Result<(), Flaw> {
        let is_first = self.first.is_none();
        let seen = match &self.first {
            Some(first) if first.proof.text == proof.text => first.seen.clone(),
            Some(_) => return Err(another_note()),
            None => desk.witnessed(&proof.note)?,
        };
        let line = numbered(&proof)?;
        match line.kind {
            GENESIS if is_first && proof.index == 0 => {
                self.holder.genesis(&line, desk.options.key.as_ref())?;
            }
            GENESIS => return Err(genesis::repeated()),
            kind if proof.index == 0 => return Err(genesis::missing(kind)),
            _ => {}
        }
        included(&proof, &line)?;
        self.holder.follow(&proof, &line)?;
        desk.times.take(&line, &desk.place(proof.line, proof.offset));
        desk.lines.push(ProvedLine {
            seq: proof.index,
            kind: line.kind.to_owned(),
            time: line.parsed.time.map(Stamp::text),
            size: proof.note.size,
            line: String::from_utf8_lossy(line.bytes).into_owned(),
        });
        if is_first {
            self.first = Some(First { proof, seen });
        }
        Ok(())
    }
}

fn another_note() -> Flaw {
    let expected = "the note under the first proof";
    let sentence =
        "The proofs lie under more than one note, so the lines are not shown to be in one log.";
    Flaw::new(FaultKind::Note, 0, expected, "another", sentence)
}
