//! What a proof file proves, for programs.

use crate::audit::verify::report::{
    AnchorReport, Fault, Independence, KeyReport, Outcome, Warning, WitnessReport,
};
use serde::Serialize;

/// What a file is to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofKind {
    /// That lines are in the log.
    Lines,
    /// That a later checkpoint continues an earlier one.
    Consistency,
}

/// A line that is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProvedLine {
    /// Its sequence.
    pub seq: u64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was written, by the agent's clock.
    pub time: Option<String>,
    /// Size of the tree in which it was proved.
    pub size: u64,
    /// The line itself.
    pub line: String,
}

/// Everything that can be said about a proof file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProofReport {
    /// The answer.
    pub outcome: Outcome,
    /// The answer as exit code.
    pub exit_code: u8,
    /// What the file is to prove.
    pub proof: ProofKind,
    /// Name of the log.
    pub origin: Option<String>,
    /// Whether the caller gave one of the keys.
    pub key_pinned: bool,
    /// The keys that the file names, in order, up to the one that signed.
    pub keys: Vec<KeyReport>,
    /// Size of the tree of the note: of a proof of consistency, of the later one.
    pub size: Option<u64>,
    /// That note.
    pub note: Option<String>,
    /// Size of the earlier tree, of a proof of consistency.
    pub old_size: Option<u64>,
    /// The lines that are proved, in the order of the file.
    pub lines: Vec<ProvedLine>,
    /// Who, beside the holder of the key, speaks for it.
    pub independence: Option<Independence>,
    /// The notes that were given, and what comparing them gave.
    pub anchors: Vec<AnchorReport>,
    /// Trusted witnesses that signed.
    pub witnesses: Vec<WitnessReport>,
    /// The first fault.
    pub fault: Option<Fault>,
    /// What is odd and proves nothing.
    pub warnings: Vec<Warning>,
    /// What was asked for and is not so.
    pub unmet: Vec<String>,
}
