//! Witnesses: their keys, their signature lines, and what the time of one says about the lines of the log.
//!
//! Source: C2SP tlog-cosignature, version 1 (ed25519 with time).

use super::note::{Foreign, Line};
use super::report::{FaultKind, Flaw, WitnessReport};
use super::stamp::Stamp;
use super::vkey::{Vkey, VkeyError};
use crate::audit::format::TOLERANCE;
use std::fmt;

/// Signature type of a cosignature.
const COSIGNATURE: u8 = 0x04;

/// The public key of a witness: `<name>+<key id>+<base64(0x04 ‖ key)>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness(Vkey);

impl Witness {
    /// Reads the text form.
    ///
    /// # Errors
    /// As [`Vkey::parse`], with 0x04 for the algorithm.
    pub fn parse(text: &str) -> Result<Self, VkeyError> {
        Vkey::parse_as(COSIGNATURE, text).map(Self)
    }

    /// What the witness is called in its signature lines.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.origin()
    }

    /// Whether `line` claims to be of this witness.
    pub(super) fn wrote(&self, line: &Line) -> bool {
        line.name == self.name() && line.key_id == self.0.id()
    }

    /// When this witness signed the three lines `body`, if `line` is its good signature over them.
    pub(super) fn signed(&self, body: &str, line: &Line) -> Option<Stamp> {
        let (time, signature) = line.blob.split_first_chunk::<8>()?;
        let seconds = u64::from_be_bytes(*time);
        let text = format!("cosignature/v1\ntime {seconds}\n{body}");
        // Beyond the years that a line can name, no comparison would mean anything.
        let seconds = i64::try_from(seconds).ok().filter(|seconds| *seconds < 253_402_300_800)?;
        let is_good = self.0.verifies(text.as_bytes(), signature.try_into().ok()?);
        is_good.then_some(Stamp { micros: seconds * 1_000_000 })
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The witnesses that are asked for and are none of `seen`, in the words of what is unmet; `place` is where their
/// signatures would lie.
pub(super) fn silent(witnesses: &[Witness], seen: &[WitnessReport], place: &str) -> Vec<String> {
    // Two witnesses may have one name.
    let has_signed = |witness: &Witness| seen.iter().any(|seen| seen.key == witness.0.as_str());
    let silent = witnesses.iter().filter(|witness| !has_signed(witness));
    silent
        .map(|witness| {
            let (name, id) = (witness.name(), witness.0.id_hex());
            format!("Witness {name} (key {id}) signed nothing: there is no good signature of it in {place}.")
        })
        .collect()
}

/// A witness signed then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    witness: Vkey,
    pub(super) time: Stamp,
}

impl Seen {
    /// What this says where it is about a tree of `size` lines.
    pub(super) fn bound(self, size: u64) -> Bound {
        Bound { size, time: self.time, witness: self.witness }
    }
}

/// Who of `witnesses` signed `note`, and when; or the name of one whose line is there and not good.
pub(super) fn seen_by(note: &Foreign, witnesses: &[Witness]) -> Result<Vec<Seen>, String> {
    let mut seen: Vec<Seen> = Vec::new();
    for line in &note.lines {
        for witness in witnesses.iter().filter(|witness| witness.wrote(line)) {
            let time = witness.signed(note.body(), line);
            let time = time.ok_or_else(|| witness.name().to_owned())?;
            seen.push(Seen { witness: witness.0.clone(), time });
        }
    }
    Ok(seen)
}

/// What a cosignature says of the times in the log: lines before `size` were written before it, all others after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    pub(super) size: u64,
    pub(super) time: Stamp,
    witness: Vkey,
}

impl Bound {
    /// That `witness` signed a tree of `size` lines at `time`.
    pub(super) fn of(witness: &Witness, size: u64, time: Stamp) -> Self {
        Self { size, time, witness: witness.0.clone() }
    }

    /// What the witness is called.
    pub(super) fn name(&self) -> &str {
        self.witness.origin()
    }

    /// The same for the report; the signature was found in `source`.
    pub(super) fn report(&self, source: &str) -> WitnessReport {
        WitnessReport {
            name: self.name().to_owned(),
            key: self.witness.to_string(),
            size: self.size,
            time: self.time.text(),
            source: source.to_owned(),
        }
    }

    /// By how many microseconds a line at `seq` with that `time` lies beyond what is allowed; none or less: it does
    /// not.
    pub(super) fn beyond(&self, seq: u64, time: Stamp) -> i64 {
        if seq < self.size {
            time.micros - self.latest().micros
        } else {
            self.earliest().micros - time.micros
        }
    }

    pub(super) fn latest(&self) -> Stamp {
        Stamp { micros: self.time.micros + TOLERANCE }
    }

    pub(super) fn earliest(&self) -> Stamp {
        Stamp { micros: self.time.micros - TOLERANCE }
    }

    /// The flaw of a line before the size that is younger than it can be.
    pub(super) fn too_late(&self, found: Stamp) -> Flaw {
        let sentence = format!(
            "The line says that it was written after witness {} had signed a tree that holds it.",
            self.name()
        );
        let expected = format!("no time after {}", self.latest().text());
        Flaw::new(FaultKind::Time, 0, expected, found.text(), sentence)
    }

    /// The flaw of a line from the size on that is older than it can be.
    pub(super) fn too_early(&self, found: Stamp) -> Flaw {
        let sentence = format!(
            "The line says that it was written before witness {} signed a tree that does not hold it.",
            self.name()
        );
        let expected = format!("no time before {}", self.earliest().text());
        Flaw::new(FaultKind::Time, 0, expected, found.text(), sentence)
    }

    pub(super) fn flaw(&self, seq: u64, found: Stamp) -> Flaw {
        if seq < self.size { self.too_late(found) } else { self.too_early(found) }
    }
}
