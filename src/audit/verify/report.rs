//! What the verifier found, for programs. [`super::text`] says the same to people.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The answer, worst first: of several that apply, the first is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No answer: the format is newer than this verifier, or a caller cannot read the input.
    Error,
    /// A byte, the order, the form, a root or a signature is wrong.
    Tampered,
    /// The log contradicts a checkpoint kept elsewhere. Reserved: this version compares none.
    HistoryDiffers,
    /// What is sealed is sound, but something after it is not sealed, or nothing is sealed at all.
    Incomplete,
    /// Sound in itself, under a key that nobody vouched for.
    NotProved,
    /// Every byte is accounted for, under the pinned key.
    Verified,
}

impl Outcome {
    /// Exit code of `revoked verify`.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Verified => 0,
            Self::Error => 1,
            Self::Incomplete => 3,
            Self::Tampered => 4,
            Self::HistoryDiffers => 5,
            Self::NotProved => 6,
        }
    }

    /// The word that heads the report.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::Error => "ERROR",
            Self::Incomplete => "INCOMPLETE",
            Self::Tampered => "TAMPERED",
            Self::HistoryDiffers => "HISTORY DIFFERS",
            Self::NotProved => "NOT PROVED",
        }
    }
}

/// Which rule of the format a line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The genesis names a later version of the format: [`Outcome::Error`]. All others are
    /// [`Outcome::Tampered`].
    Format,
    /// Longer than a line may be.
    Length,
    /// Not in canonical form.
    Form,
    /// Members missing, unknown, or of the wrong kind.
    Members,
    /// `prev` is not the hash of the line before.
    Chain,
    /// `seq` is not the place of the line.
    Sequence,
    /// Line 0 is no genesis, another line is, or what it says does not fit together.
    Genesis,
    /// The key of the log is no key, or not the pinned one.
    Key,
    /// The note of a checkpoint is not in form, or about another log or size.
    Note,
    /// The signed root is not the root of the lines before.
    Root,
    /// The signature is not the key's over this note.
    Signature,
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The rule that is broken.
    pub kind: FaultKind,
    /// File, as the caller named it, in which the line begins.
    pub file: String,
    /// Number of the line in that file, from 1.
    pub line: u64,
    /// Byte offset in that file, from 0.
    pub offset: u64,
    /// What should be there.
    pub expected: String,
    /// What is there; bytes that do not print are escaped, long ones cut.
    pub found: String,
    /// What this means.
    pub sentence: String,
}

/// The last checkpoint whose root and signature are right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GoodCheckpoint {
    /// File, as the caller named it.
    pub file: String,
    /// Number of the line in that file, from 1.
    pub line: u64,
    /// Byte offset of the line in that file.
    pub offset: u64,
    /// Byte offset just after the line.
    pub end_offset: u64,
    /// Sequence of the checkpoint line, and size of the tree: it seals the records before it.
    pub size: u64,
    /// Root of that tree, in base64.
    pub root: String,
    /// The signed note itself: what to compare with a copy kept elsewhere.
    pub note: String,
}

/// Something odd that proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// File, as the caller named it.
    pub file: String,
    /// Number of the line in that file, from 1.
    pub line: u64,
    /// What is odd.
    pub sentence: String,
}

/// Everything the verifier can say about a log. Counts and times are of the sealed part only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The answer.
    pub outcome: Outcome,
    /// The answer as exit code.
    pub exit_code: u8,
    /// Name of the log, from its genesis.
    pub origin: Option<String>,
    /// Public key in the genesis, as text.
    pub key: Option<String>,
    /// Its id.
    pub key_id: Option<String>,
    /// Whether the caller gave the key.
    pub key_pinned: bool,
    /// Lines up to and including the last good checkpoint.
    pub records: u64,
    /// Sequence of the first of them.
    pub first_seq: Option<u64>,
    /// Sequence of the last of them.
    pub last_seq: Option<u64>,
    /// First `time` among them: a claim of the agent.
    pub first_time: Option<String>,
    /// Last `time` among them.
    pub last_time: Option<String>,
    /// Checkpoints among them; every root was computed and compared.
    pub checkpoints: u64,
    /// Signatures checked, good or bad.
    pub signatures_checked: u64,
    /// The checkpoint that seals them.
    pub last_checkpoint: Option<GoodCheckpoint>,
    /// Complete lines after it, up to the first fault.
    pub unsealed_lines: u64,
    /// Bytes after it, up to the first fault; a torn tail included.
    pub unsealed_bytes: u64,
    /// Whether the input ends inside a line.
    pub torn_tail: bool,
    /// The first fault.
    pub fault: Option<Fault>,
    /// Oddities that change no answer.
    pub warnings: Vec<Warning>,
    /// Warnings beyond those listed.
    pub warnings_omitted: u64,
    /// Record types that this version does not understand, and how many of each. Their bytes are
    /// proved like all others; what they say was not looked at.
    pub not_understood: BTreeMap<String, u64>,
    /// Records of further such types beyond those listed.
    pub not_understood_omitted: u64,
}

/// Where a line begins.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: Arc<str>,
    pub(super) line: u64,
    pub(super) offset: u64,
}

/// A fault whose place only the caller knows.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) kind: FaultKind,
    /// Byte offset in the line.
    pub(super) at: usize,
    pub(super) expected: String,
    pub(super) found: String,
    pub(super) sentence: String,
}

impl Flaw {
    pub(super) fn new(
        kind: FaultKind,
        at: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
        sentence: impl Into<String>,
    ) -> Self {
        let (expected, found, sentence) = (expected.into(), found.into(), sentence.into());
        Self { kind, at, expected, found, sentence }
    }

    pub(super) fn at_place(self, place: &Place) -> Fault {
        Fault {
            kind: self.kind,
            file: place.file.to_string(),
            line: place.line,
            offset: place.offset + self.at as u64,
            expected: self.expected,
            found: self.found,
            sentence: self.sentence,
        }
    }
}

/// Bytes of the input in a form that is safe to print: escaped, and not longer than a line of text.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 72;
    match bytes.get(..SHOWN) {
        Some(first) if bytes.len() > SHOWN => format!("{}…", first.escape_ascii()),
        _ => bytes.escape_ascii().to_string(),
    }
}
