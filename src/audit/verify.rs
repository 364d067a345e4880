//! Offline verification of the audit log (`revlog/1`, described in `docs/audit-log.md`).
//!
//! Pure and total: bytes in, [`Report`] out. No file is opened here, no clock read; any bytes give
//! a report, in bounded memory and in one pass. Nothing but constants is shared with the code that
//! writes the log.

mod chain;
mod checkpoint;
mod findings;
mod genesis;
mod line;
mod note;
mod report;
mod scan;
mod seals;
mod stamp;
mod text;
mod tree;
mod vkey;

#[cfg(test)]
mod forgeries;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod mutants;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use report::{Fault, FaultKind, GoodCheckpoint, Outcome, Report, Warning};
pub use vkey::{Vkey, VkeyError};

use crate::audit::format::MAX_LINE;
use chain::Chain;
use report::{Flaw, Place};
use std::io::BufRead;

/// Reads a log from begin to end and says what it proves.
///
/// Files are given in order with [`begin_file`](Self::begin_file) and
/// [`push_bytes`](Self::push_bytes); how the bytes are cut into pieces makes no difference.
#[derive(Debug)]
pub struct Verifier {
    chain: Chain,
    /// Where the line being read begins.
    start: Place,
    /// Where the next byte stands.
    place: Place,
    partial: Partial,
    fault: Option<Fault>,
}

/// A line whose end was not seen yet.
#[derive(Debug, Default)]
struct Partial {
    /// What there is of it; not kept beyond [`MAX_LINE`].
    bytes: Vec<u8>,
    length: u64,
    /// Whether any byte is not zero.
    has_text: bool,
}

impl Verifier {
    /// A verifier that trusts `pinned`. Without it the key that the log names is used, and the best
    /// answer is [`Outcome::NotProved`].
    #[must_use]
    pub fn new(pinned: Option<Vkey>) -> Self {
        let place = Place { file: "-".into(), line: 1, offset: 0 };
        Self {
            chain: Chain::new(pinned),
            start: place.clone(),
            place,
            partial: Partial::default(),
            fault: None,
        }
    }

    /// Checks the signature of every checkpoint, at about 40 µs each. Adds nothing against
    /// tampering, since the last signature covers all earlier lines; finds mistakes of the writer,
    /// and names the first bad commit where the last signature is bad.
    #[must_use]
    pub fn all_signatures(mut self, yes: bool) -> Self {
        self.chain.check_all_signatures(yes);
        self
    }

    /// Says that the next bytes come from `file`. A line left unfinished before goes on there.
    pub fn begin_file(&mut self, file: &str) {
        self.place = Place { file: file.into(), line: 1, offset: 0 };
        if self.partial.length == 0 {
            self.start = self.place.clone();
        }
    }

    /// Takes the next bytes. After the first fault they are ignored: nothing more can be proved.
    pub fn push_bytes(&mut self, mut bytes: &[u8]) {
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

    /// Whether a fault was found, so that reading on is of no use.
    #[must_use]
    pub fn has_fault(&self) -> bool {
        self.fault.is_some()
    }

    /// Ends the input.
    #[must_use]
    pub fn finish(self) -> Report {
        let torn = if self.fault.is_some() { 0 } else { self.partial.length };
        self.chain.into_report(self.fault, torn)
    }

    /// Takes the last piece of a line.
    fn end_line(&mut self, piece: &[u8]) {
        let accepted = if self.partial.length == 0 && piece.len() <= MAX_LINE {
            self.chain.accept(piece, &self.start)
        } else {
            self.partial.push(piece);
            match self.partial.line() {
                Some(line) => self.chain.accept(line, &self.start),
                None => Err(too_long()),
            }
        };
        self.fault = accepted.err().map(|flaw| flaw.at_place(&self.start));
        self.partial.clear();
        self.start = self.place.clone();
    }

    /// Takes a piece of a line that goes on.
    fn keep(&mut self, piece: &[u8]) {
        self.partial.push(piece);
        // A tail of zeros is what a crash leaves of a file that was being extended, at any length.
        if self.partial.line().is_none() && self.partial.has_text {
            self.fault = Some(too_long().at_place(&self.start));
        }
    }
}

impl Partial {
    fn push(&mut self, piece: &[u8]) {
        self.length += piece.len() as u64;
        self.has_text |= piece.iter().any(|byte| *byte != 0);
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

    fn clear(&mut self) {
        self.bytes.clear();
        self.length = 0;
        self.has_text = false;
    }
}

/// Cuts `bytes` after the first line feed, and says whether there was one. The piece is without it.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8], bool) {
    let mut rest = bytes;
    // The standard library's fast search for a byte; reading from a slice cannot fail.
    let length = rest.skip_until(b'\n').unwrap_or(bytes.len());
    let line = bytes.get(..length).unwrap_or_default();
    match line.strip_suffix(b"\n") {
        Some(piece) => (piece, rest, true),
        None => (line, rest, false),
    }
}

fn too_long() -> Flaw {
    let sentence = "The line is longer than the format allows.";
    let expected = format!("a line feed within {MAX_LINE} bytes");
    Flaw::new(FaultKind::Length, 0, expected, "none", sentence)
}
