//! Offline verification of the audit log (`revlog/1`, described in `docs/audit-log.md`).
//!
//! Pure and total: bytes in, [`Report`] out. No file is opened here, no clock read; any bytes give
//! a report, in bounded memory and in one pass. Nothing but constants is shared with the code that
//! writes the log.

mod anchors;
mod chain;
mod checkpoint;
mod chunk;
mod clocks;
mod find;
mod findings;
mod genesis;
mod keys;
mod line;
mod losses;
mod members;
mod note;
mod page;
mod parts;
mod path;
mod people;
pub mod proof;

mod receipts;
mod report;
mod scan;
mod seals;
mod segment;
mod settle;
mod stamp;
mod text;
mod tree;
mod vkey;
mod witness;

#[cfg(test)]
mod tests;

pub use chunk::Chunk;
pub use find::Anchor;
pub use people::{Disclosures, NoDisclosure};
pub use report::{
    Again, AnchorReport, AnchorResult, Continued, Fault, FaultKind, GoodCheckpoint, Independence,
    KeyReport, LossReport, Outcome, RecordedAnchors, Report, SegmentReport, SubjectsReport,
    Warning, WitnessReport,
};
pub use vkey::{Vkey, VkeyError};
pub use witness::{Bound, Witness};

use crate::audit::format::MAX_LINE;
use chain::Chain;
use line::Line;
use report::{Flaw, Place};
use settle::End;

/// What is asked of a log, and what to check it with.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// The key that is trusted. Without it the key that the log names is used, and the best answer is
    /// [`Outcome::NotProved`].
    pub key: Option<Vkey>,
    /// Checks root and signature of every checkpoint, at about 40 µs each. Adds nothing against
    /// tampering, since the last signature covers all earlier lines; finds mistakes of the writer,
    /// and names the first bad commit where the last signature is bad.
    pub all_signatures: bool,
    /// Notes that somebody else kept.
    pub anchors: Vec<Anchor>,
    /// A note that was verified before: the log may begin with a segment, and goes on from it.
    pub since: Option<Anchor>,
    /// Witnesses that are trusted, and each of which is to have signed.
    pub witnesses: Vec<Witness>,
    /// Whether an anchor must fit.
    pub require_anchor: bool,
    /// How old the newest line may be.
    pub max_age: Option<MaxAge>,
    /// Who the persons in the log are.
    pub disclosures: Option<Disclosures>,
    /// In a second reading, what the first one found.
    pub again: Option<Again>,
}

/// The longest time since the newest line.
#[derive(Debug, Clone, Copy)]
pub struct MaxAge {
    /// The present instant, in microseconds since 1970.
    pub now: i64,
    /// The limit, in microseconds.
    pub limit: i64,
}

/// What beside soundness is asked for.
#[derive(Debug)]
struct Wanted {
    has_key: bool,
    anchor: bool,
    witnesses: Vec<Witness>,
    max_age: Option<MaxAge>,
}

/// Reads a log from begin to end and says what it proves.
///
/// Files are given in order with [`begin_file`](Self::begin_file), then
/// [`push_bytes`](Self::push_bytes) or [`push_chunk`](Self::push_chunk); how the bytes are cut into pieces makes no
/// difference.
#[derive(Debug)]
pub struct Verifier {
    chain: Chain,
    wanted: Wanted,
    /// Where the line being read begins.
    start: Place,
    /// Where the next byte stands.
    place: Place,
    partial: Partial,
    /// Whether another file began while a line was unfinished.
    is_broken_off: bool,
    fault: Option<Fault>,
}

/// A line whose end was not seen yet.
#[derive(Debug, Default)]
struct Partial {
    /// What there is of it; not kept beyond [`MAX_LINE`].
    bytes: Vec<u8>,
    length: u64,
    /// Its length without the zero bytes at its end.
    text_length: u64,
}

impl Verifier {
    /// A verifier that trusts `pinned`, and has nothing but the log.
    #[must_use]
    pub fn new(pinned: Option<Vkey>) -> Self {
        Self::with(Options { key: pinned, ..Options::default() })
    }

    /// A verifier that answers what `options` ask.
    #[must_use]
    pub fn with(options: Options) -> Self {
        let wanted = Wanted {
            has_key: options.key.is_some(),
            anchor: options.require_anchor,
            witnesses: options.witnesses.clone(),
            max_age: options.max_age,
        };
        Self {
            chain: Chain::new(options),
            wanted,
            start: Place::nowhere(),
            place: Place::nowhere(),
            partial: Partial::default(),
            is_broken_off: false,
            fault: None,
        }
    }

    /// As [`Options::all_signatures`].
    #[must_use]
    pub fn all_signatures(mut self, yes: bool) -> Self {
        self.chain.seals.all = yes;
        self
    }

    /// Says that the next bytes come from `file`. Only the last file with anything in it may end inside a line.
    pub fn begin_file(&mut self, file: &str) {
        self.place = Place { file: file.into(), line: 1, offset: 0 };
        self.is_broken_off = self.is_inside_line();
        if !self.is_broken_off {
            self.start = self.place.clone();
        }
    }

    /// Takes the next bytes. After the first fault they are ignored: nothing more can be proved.
    pub fn push_bytes(&mut self, mut bytes: &[u8]) {
        if self.is_broken_off && !bytes.is_empty() {
            self.is_broken_off = false;
            self.line_ended(Err(broken_off()));
        }
        while self.fault.is_none() && !bytes.is_empty() {
            let (piece, rest, has_end) = split_line(bytes);
            bytes = rest;
            self.place.offset += piece.len() as u64 + u64::from(has_end);
            if !has_end {
                self.keep(piece);
                return;
            }
            self.place.line += 1;
            self.end_line(piece);
        }
    }

    /// Takes the next bytes, whose lines were read by another thread. The same as [`Self::push_bytes`] of them.
    pub fn push_chunk(&mut self, chunk: &Chunk) {
        if self.is_inside_line() {
            self.push_bytes(&chunk.bytes);
            return;
        }
        let begin = self.place.offset;
        let mut done = 0;
        for (from, to, parsed) in &chunk.lines {
            if self.fault.is_some() {
                return;
            }
            let bytes = chunk.bytes.get(*from as usize..*to as usize).unwrap_or_default();
            done = *to as usize + 1;
            self.place.offset = begin + done as u64;
            self.place.line += 1;
            let accepted = self.chain.accept(&Line::new(bytes, *parsed), &self.start);
            self.line_ended(accepted);
        }
        match &chunk.flaw {
            Some(flaw) if self.fault.is_none() => self.line_ended(Err(flaw.clone())),
            _ => self.push_bytes(chunk.bytes.get(done..).unwrap_or_default()),
        }
    }

    /// Whether the bytes so far end inside a line.
    #[must_use]
    pub fn is_inside_line(&self) -> bool {
        self.partial.length > 0
    }

    /// Whether a fault was found, so that reading on is of no use.
    #[must_use]
    pub fn has_fault(&self) -> bool {
        self.fault.is_some()
    }

    /// Ends the input.
    #[must_use]
    pub fn finish(self) -> Report {
        let torn = if self.fault.is_some() { 0 } else { self.partial.length };
        self.chain.into_report(End { fault: self.fault, torn, wanted: self.wanted })
    }

    /// Takes the last piece of a line.
    fn end_line(&mut self, piece: &[u8]) {
        let chain = &mut self.chain;
        let mut accept =
            |bytes| Line::parse(bytes).and_then(|line| chain.accept(&line, &self.start));
        let accepted = if self.partial.length == 0 && piece.len() <= MAX_LINE {
            accept(piece)
        } else {
            self.partial.push(piece);
            match self.partial.line() {
                Some(line) => accept(line),
                None => Err(too_long()),
            }
        };
        self.partial.clear();
        self.line_ended(accepted);
    }

    fn line_ended(&mut self, accepted: Result<(), Flaw>) {
        if let Err(flaw) = accepted {
            self.fault = Some(flaw.at_place(&self.start));
        }
        self.start.go_to(&self.place);
    }

    /// Takes a piece of a line that goes on.
    fn keep(&mut self, piece: &[u8]) {
        self.partial.push(piece);
        // A tail of zeros is what a crash leaves of a file that was being extended, at any length.
        if self.partial.has_too_much_text() {
            self.fault = Some(too_long().at_place(&self.start));
        }
    }
}

impl Partial {
    fn push(&mut self, piece: &[u8]) {
        if let Some(last) = piece.iter().rposition(|byte| *byte != 0) {
            self.text_length = self.length + last as u64 + 1;
        }
        self.length += piece.len() as u64;
        let needed = self.bytes.len() + piece.len();
        if self.length <= MAX_LINE as u64 {
            // By doubling, as a vector does anyway, but never past the limit.
            let wanted = (self.bytes.capacity() * 2).clamp(needed, MAX_LINE);
            self.bytes.reserve_exact(wanted - self.bytes.len());
            self.bytes.extend_from_slice(piece);
        }
    }

    /// The bytes, unless there are more than a line may have.
    fn line(&self) -> Option<&[u8]> {
        (self.length <= MAX_LINE as u64).then_some(&self.bytes)
    }

    /// Whether this can be no line, nor the end that a crash left.
    fn has_too_much_text(&self) -> bool {
        self.text_length > MAX_LINE as u64
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.length = 0;
        self.text_length = 0;
    }
}

/// Cuts `bytes` after the first line feed, and says whether there was one. The piece is without it.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8], bool) {
    let Some(at) = memchr::memchr(b'\n', bytes) else { return (bytes, &[], false) };
    let (line, rest) = bytes.split_at_checked(at + 1).unwrap_or((bytes, &[]));
    (line.get(..at).unwrap_or_default(), rest, true)
}

fn broken_off() -> Flaw {
    let sentence = "The file ends inside a line, and another file follows it.";
    Flaw::new(FaultKind::Form, 0, "a line feed at the end of the file", "none", sentence)
}

fn too_long() -> Flaw {
    let sentence = "The line is longer than the format allows.";
    let expected = format!("a line feed within {MAX_LINE} bytes");
    Flaw::new(FaultKind::Length, 0, expected, "none", sentence)
}
