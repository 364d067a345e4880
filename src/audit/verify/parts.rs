//! Parts of what the verifier found, for programs.

use super::vkey::Vkey;
use serde::Serialize;

/// A key of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyReport {
    /// The key, as text.
    pub key: String,
    /// Its id.
    pub id: String,
    /// Sequence of the line that names it.
    pub from_seq: u64,
    /// Why it came: `scheduled` or `compromised`; null for the first one.
    pub reason: Option<String>,
    /// Whether it is the one that the caller gave.
    pub pinned: bool,
}

impl KeyReport {
    pub(super) fn new(key: &Vkey, from_seq: u64, reason: Option<String>) -> Self {
        Self { key: key.to_string(), id: key.id_hex(), from_seq, reason, pinned: false }
    }
}

/// A part of the log that begins with a genesis or a `segment` record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentReport {
    /// File in which it begins, as the caller named it.
    pub file: String,
    /// Sequence of its first line.
    pub first_seq: u64,
}

/// The earlier log from which this one goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Continued {
    /// Its origin.
    pub origin: String,
    /// Lines that its last good checkpoint seals.
    pub size: u64,
    /// The note of that checkpoint.
    pub note: String,
}

/// A `loss` record: what should be in the log and is not, by the agent's own word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LossReport {
    /// Sequence of the record.
    pub record: u64,
    /// `log_replaced` where the log was begun in place of an earlier one, `disk_full` or `queue_full`.
    pub cause: String,
    /// How many records were lost; null: not known.
    pub unrecorded: Option<u64>,
}

/// What comparing an anchor gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorResult {
    /// The log has its root at its size.
    Matches,
    /// The log has another root at its size.
    Differs,
    /// The log is shorter than it.
    Larger,
    /// It proves nothing about this log.
    Unusable,
    /// The log could not be followed up to its size.
    NotCompared,
}

/// A note that somebody kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnchorReport {
    /// Where it was found, as the caller named it.
    pub source: String,
    /// Whether it is the note from which the caller goes on (`--since`).
    pub since: bool,
    /// What comparing it gave.
    pub result: AnchorResult,
    /// What this means.
    pub sentence: String,
    /// Size of its tree.
    pub size: Option<u64>,
    /// Root of its tree, in base64.
    pub root: Option<String>,
    /// The note itself.
    pub note: Option<String>,
    /// Where it contradicts the log: a signed note of the log.
    pub log_note: Option<String>,
    /// Trusted witnesses that signed it.
    pub witnesses: Vec<WitnessReport>,
}

/// A witness signed a tree of this log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WitnessReport {
    /// Name of the witness.
    pub name: String,
    /// Its key, as text: names need not differ.
    pub key: String,
    /// Size of the tree.
    pub size: u64,
    /// When, by the clock of the witness.
    pub time: String,
    /// Where the signature was found: an anchor, or a record of the log.
    pub source: String,
}

/// What the log says was given to somebody else: what an auditor may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedAnchors {
    /// `witness`, `tsa`, `git`, `slack` or `confluence`.
    pub kind: String,
    /// What the configuration calls it.
    pub name: String,
    /// How many there were.
    pub count: u64,
    /// Size of the tree of the newest.
    pub size: u64,
    /// Sequence of the record of the newest.
    pub record: u64,
}

/// Persons in the log, where disclosures were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SubjectsReport {
    /// Those whose disclosure gives what the log committed to, and who were not erased.
    pub disclosed: u64,
    /// Those that were erased, with a disclosure or without.
    pub erased: u64,
    /// Those without a disclosure otherwise.
    pub missing: u64,
}

/// Who, beside the holder of the key, speaks for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Independence {
    /// Nobody.
    SelfAttested,
    /// Somebody kept a note that fits.
    Anchored,
    /// A trusted witness signed.
    Witnessed,
}

impl Independence {
    /// The grade in words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SelfAttested => "self-attested",
            Self::Anchored => "anchored",
            Self::Witnessed => "witnessed",
        }
    }
}
