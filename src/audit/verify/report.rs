//! What the verifier found, for programs. [`super::text`] says the same to people.

pub use super::parts::{
    AnchorReport, AnchorResult, Continued, Independence, KeyReport, LossReport, RecordedAnchors,
    SegmentReport, SubjectsReport, WitnessReport,
};
use super::witness::Bound;
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
    /// The log contradicts a note that somebody else kept.
    HistoryDiffers,
    /// What is sealed is sound, but something after it is not sealed, or nothing is sealed at all.
    Incomplete,
    /// Sound in itself, and not all is there that was asked for: a trusted key, an anchor, a recent line.
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
    /// The key of the log is no key, or never the pinned one, or a change of key does not fit.
    Key,
    /// What a `segment` record states does not fit itself or the lines before.
    Segment,
    /// The note of a checkpoint is not in form, or about another log or size.
    Note,
    /// The signed root is not the root of the lines before.
    Root,
    /// The signature is not the key's over this note.
    Signature,
    /// The line is older or younger than a witness allows.
    Time,
    /// A proof of inclusion or consistency does not lead to the root.
    Proof,
    /// A disclosure does not give the commitment in the log.
    Subject,
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
    /// Name of the log.
    pub origin: Option<String>,
    /// The public key in force at the end, as text.
    pub key: Option<String>,
    /// Its id.
    pub key_id: Option<String>,
    /// Whether the caller gave a key of this log.
    pub key_pinned: bool,
    /// The keys, in order.
    pub keys: Vec<KeyReport>,
    /// Keys beyond those listed.
    pub keys_omitted: u64,
    /// The segments, in order.
    pub segments: Vec<SegmentReport>,
    /// Segments beyond those listed.
    pub segments_omitted: u64,
    /// The earlier log from which this one goes on, as it says itself.
    pub continues: Option<Continued>,
    /// What the log says of itself that it lacks.
    pub losses: Vec<LossReport>,
    /// Such records beyond those listed.
    pub losses_omitted: u64,
    /// Lines up to and including the last good checkpoint, from the first one given.
    pub records: u64,
    /// Sequence of the first of them.
    pub first_seq: Option<u64>,
    /// Sequence of the last of them.
    pub last_seq: Option<u64>,
    /// First `time` among them: a claim of the agent.
    pub first_time: Option<String>,
    /// Last `time` among them.
    pub last_time: Option<String>,
    /// Checkpoints among them.
    pub checkpoints: u64,
    /// Roots computed and compared with those of checkpoints, good or bad.
    pub roots_checked: u64,
    /// Signatures of checkpoints checked, good or bad.
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
    /// Who, beside the holder of the key, speaks for the log; null if nothing is proved.
    pub independence: Option<Independence>,
    /// The notes that were given, and what comparing them gave.
    pub anchors: Vec<AnchorReport>,
    /// Trusted witnesses that signed a tree of this log.
    pub witnesses: Vec<WitnessReport>,
    /// What the log says was given to others.
    pub recorded_anchors: Vec<RecordedAnchors>,
    /// Persons, where disclosures were given.
    pub subjects: Option<SubjectsReport>,
    /// What was asked for and is not so: why a sound log is not proved.
    pub unmet: Vec<String>,
    /// Oddities that change no answer.
    pub warnings: Vec<Warning>,
    /// Warnings beyond those listed.
    pub warnings_omitted: u64,
    /// Record types that this version does not understand, and how many of each. Their bytes are
    /// proved like all others; what they say was not looked at.
    pub not_understood: BTreeMap<String, u64>,
    /// Records of further such types beyond those listed.
    pub not_understood_omitted: u64,
    #[serde(skip)]
    pub(super) again: Option<Again>,
}

impl Report {
    /// How a second reading can name the first bad line where this one only knows that there is one.
    #[must_use]
    pub fn again(&self) -> Option<&Again> {
        self.again.as_ref()
    }
}

/// What to check in a second reading, beside all roots and signatures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Again {
    /// What witnesses say that lines contradict.
    pub(super) bounds: Vec<Bound>,
    /// How far the clocks of the log lie apart, in microseconds.
    pub(super) apart: Option<i64>,
}

/// Where a line begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: Arc<str>,
    pub(super) line: u64,
    pub(super) offset: u64,
}

impl Place {
    pub(super) fn nowhere() -> Self {
        Self { file: "-".into(), line: 1, offset: 0 }
    }

    /// Moves on within the file, or to another.
    pub(super) fn go_to(&mut self, other: &Self) {
        if !Arc::ptr_eq(&self.file, &other.file) {
            self.file = Arc::clone(&other.file);
        }
        self.line = other.line;
        self.offset = other.offset;
    }
}

/// A fault whose place mostly only the caller knows.
#[derive(Debug, Clone)]
pub(super) struct Flaw {
    /// Where it is not the line at hand.
    place: Option<Box<Place>>,
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
        Self { place: None, kind, at, expected, found, sentence }
    }

    /// The flaw of something that does not stand in the line at hand.
    pub(super) fn elsewhere(self, place: &Place) -> Self {
        Self { place: Some(Box::new(place.clone())), ..self }
    }

    pub(super) fn at_place(self, place: &Place) -> Fault {
        let place = self.place.as_deref().unwrap_or(place);
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
