//! Proofs that a later checkpoint continues an earlier one.

use super::Desk;
use super::parse::Reader;
use super::report::ProofKind;
use crate::audit::verify::note::Foreign;
use crate::audit::verify::path;
use crate::audit::verify::report::{Fault, FaultKind, Flaw, KeyReport};

/// Checks a proof of consistency against the earlier notes among the anchors.
pub(super) fn check(desk: &mut Desk<'_>, text: &str) -> Result<(), Fault> {
    desk.kind = ProofKind::Consistency;
    let proof = Reader::new(text).consistency().map_err(|wrong| desk.malformed(&wrong))?;
    desk.old_size = Some(proof.old_size);
    let Some(key) = desk.options.key.clone() else { return Ok(()) };
    let place = desk.place(1, 0);
    if proof.note.origin != key.origin() || !proof.note.is_signed_by(&key) {
        let sentence = "The later note was not signed by the key that you gave.";
        let expected = format!("a good signature of key {}", key.id_hex());
        let flaw = Flaw::new(FaultKind::Signature, 0, expected, "none", sentence);
        return Err(flaw.at_place(&place));
    }
    let seen = desk.witnessed(&proof.note).map_err(|flaw| flaw.at_place(&place))?;
    let mut report = KeyReport::new(&key, 0, None);
    report.pinned = true;
    desk.listed.push(report);
    desk.has_pinned = true;
    desk.keys.push(key.clone());
    desk.keep(proof.note.clone(), seen);
    let notes = desk.options.anchors.iter().filter_map(|anchor| anchor.note.as_ref().ok());
    // A note of no line says nothing of those that follow.
    let is_earlier =
        |note: &&Foreign| note.size > 0 && note.size == proof.old_size && note.is_signed_by(&key);
    let earlier: Vec<&Foreign> = notes.filter(is_earlier).collect();
    for old in &earlier {
        let (size, root) = (proof.note.size, proof.note.root);
        if !path::continues(old.size, old.root, size, root, &proof.path) {
            let expected = "hashes that lead from both roots to each other";
            let sentence =
                "The proof does not show that the later checkpoint continues the earlier one.";
            let flaw = Flaw::new(FaultKind::Proof, 0, expected, "others", sentence);
            return Err(flaw.at_place(&place));
        }
    }
    if earlier.is_empty() {
        desk.unmet.push(format!(
            "The earlier note, of size {}, is needed: give it with --anchor.",
            proof.old_size
        ));
    }
    Ok(())
}
