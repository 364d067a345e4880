//! The text of proof files.

use crate::audit::verify::note::{Foreign, decimal};
use crate::audit::verify::report::FaultKind;
use crate::audit::verify::tree::Hash;
use crate::audit::verify::vkey::strict_base64;
use base64::{Engine, engine::general_purpose::STANDARD};

/// First line of each proof of inclusion.
pub(super) const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// What a proof of consistency begins with.
pub(super) const OLD: &str = "old ";
/// A path has a hash for each level of a tree at most.
const MAX_PATH: usize = 64;

/// What is wrong with the text: where the proof begins, and what should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: u64,
    pub(super) offset: usize,
    pub(super) kind: FaultKind,
    pub(super) expected: &'static str,
}

/// A proof of inclusion.
#[derive(Debug, Clone)]
pub(super) struct Inclusion<'a> {
    /// Where it begins in the file.
    pub(super) line: u64,
    pub(super) offset: usize,
    /// The bytes of the line that is proved.
    pub(super) bytes: Vec<u8>,
    pub(super) index: u64,
    pub(super) path: Vec<Hash>,
    pub(super) note: Foreign,
    /// The note as it stands in the file.
    pub(super) text: &'a str,
}

/// A proof of consistency.
#[derive(Debug, Clone)]
pub(super) struct Consistency {
    pub(super) old_size: u64,
    pub(super) path: Vec<Hash>,
    pub(super) note: Foreign,
}

/// Reads a file line by line.
pub(super) struct Reader<'a> {
    rest: &'a str,
    line: u64,
    offset: usize,
    /// Where the present proof begins.
    begin: (u64, usize),
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1, offset: 0, begin: (1, 0) }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn wrong(&self, kind: FaultKind, expected: &'static str) -> Malformed {
        Malformed { line: self.begin.0, offset: self.begin.1, kind, expected }
    }

    /// The next line, if it ends.
    fn peek(&self) -> Option<&'a str> {
        self.rest.split_once('\n').map(|(line, _)| line)
    }

    /// Takes the next line as `read` has it.
    fn take<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, Malformed> {
        let wrong = self.wrong(FaultKind::Proof, expected);
        let line = self.peek().ok_or_else(|| wrong.clone())?;
        let value = read(line).ok_or(wrong)?;
        self.skip(line.len() + 1);
        Ok(value)
    }

    fn skip(&mut self, length: usize) {
        let (passed, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.line += passed.bytes().filter(|byte| *byte == b'\n').count() as u64;
        self.offset += passed.len();
        self.rest = rest;
    }

    pub(super) fn inclusion(&mut self) -> Result<Inclusion<'a>, Malformed> {
        self.begin = (self.line, self.offset);
        let (line, offset) = self.begin;
        self.take(HEADER, |line| (line == HEADER).then_some(()))?;
        let bytes = self.take("extra, and the line in base64", |line| {
            let text = line.strip_prefix("extra ")?;
            STANDARD.decode(text).ok().filter(|bytes| STANDARD.encode(bytes) == text)
        })?;
        let index =
            self.take("index, and a number", |line| decimal(line.strip_prefix("index ")?))?;
        let path = self.path()?;
        let (note, text) = self.note()?;
        Ok(Inclusion { line, offset, bytes, index, path, note, text })
    }

    pub(super) fn consistency(&mut self) -> Result<Consistency, Malformed> {
        let old_size = self.take("old, and a number", |line| decimal(line.strip_prefix(OLD)?))?;
        let path = self.path()?;
        let (note, _) = self.note()?;
        Ok(Consistency { old_size, path, note })
    }

    /// Hashes, and the blank line after them.
    fn path(&mut self) -> Result<Vec<Hash>, Malformed> {
        let mut path = Vec::new();
        while self.peek().is_some_and(|line| !line.is_empty()) {
            if path.len() == MAX_PATH {
                return Err(self.wrong(FaultKind::Proof, "not more than 64 hashes"));
            }
            path.push(self.take("base64 of a hash of 32 bytes", strict_base64)?);
        }
        self.take("a blank line after the hashes", |_| Some(()))?;
        Ok(path)
    }

    /// A note, and its text: up to where the next proof begins.
    fn note(&mut self) -> Result<(Foreign, &'a str), Malformed> {
        let mut length = 0;
        for line in self.rest.split_inclusive('\n') {
            if line.strip_suffix('\n') == Some(HEADER) {
                break;
            }
            length += line.len();
        }
        let text = self.rest.get(..length).unwrap_or_default();
        let note =
            Foreign::parse(text).map_err(|expected| self.wrong(FaultKind::Note, expected))?;
        self.skip(length);
        Ok((note, text))
    }
}
