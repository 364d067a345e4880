//! One line: its members, in the two shapes that there are.

use super::report::{FaultKind, Flaw, excerpt};
use super::scan::{self, Member, is_of_name};
use super::stamp::Stamp;
use super::tree::{Hash, leaf};
use super::{note, vkey::unhex};
use crate::audit::format::{CHECKPOINT, MAX_INTEGER, MAX_TYPE};
use std::ops::Range;

/// Where the value of `prev` is written: it is the first member of every line.
pub(super) const PREV_AT: usize = 8;
/// Where the value of `seq` is written.
pub(super) const SEQ_AT: usize = 81;

/// What a line in canonical form with the right members holds, apart from its bytes. Nothing is said yet about
/// its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parsed {
    /// Hash of the line itself.
    pub(super) hash: Hash,
    pub(super) prev: Hash,
    pub(super) seq: u64,
    /// Absent in a checkpoint: nothing after the last line of a log would cover it.
    pub(super) time: Option<Stamp>,
    kind: Span,
    what: Span,
}

/// A part of a line, which is never longer than [`crate::audit::format::MAX_LINE`].
#[derive(Debug, Clone, Copy)]
struct Span(u32, u32);

impl Span {
    fn of(range: Range<usize>) -> Self {
        let short = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self(short(range.start), short(range.end))
    }

    fn within(self, bytes: &[u8]) -> &str {
        let part = bytes.get(self.0 as usize..self.1 as usize).unwrap_or_default();
        // It was UTF-8 when it was parsed.
        std::str::from_utf8(part).unwrap_or_default()
    }
}

/// A parsed line with its bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) parsed: Parsed,
    pub(super) kind: &'a str,
}

impl<'a> Line<'a> {
    /// Reads a line, its line feed left out.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Flaw> {
        Parsed::of(bytes).map(|parsed| Self::new(bytes, parsed))
    }

    /// The line of which `parsed` was made.
    pub(super) fn new(bytes: &'a [u8], parsed: Parsed) -> Self {
        Self { bytes, parsed, kind: parsed.kind.within(bytes) }
    }

    /// The object `what`.
    pub(super) fn what(&self) -> Member<'a> {
        Member { text: self.parsed.what.within(self.bytes), at: self.parsed.what.0 as usize }
    }
}

impl Parsed {
    /// Reads a line, its line feed left out.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Flaw> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| not_canonical(bytes, error.valid_up_to(), "UTF-8"))?;
        Self::of_text(text)
    }

    /// Reads a line that is known to be UTF-8.
    pub(super) fn of_text(text: &str) -> Result<Self, Flaw> {
        // The second way gives the same, and tells what is wrong.
        quick(text).map_or_else(|| slow(text), Ok)
    }
}

/// Reads what the head of a good line has at fixed places; `None` for all else.
pub(super) fn quick(text: &str) -> Option<Parsed> {
    let bytes = text.as_bytes();
    let rest = bytes.strip_prefix(b"{\"prev\":\"")?;
    let (prev, rest) = rest.split_first_chunk::<64>()?;
    let prev = unhex(prev)?;
    let rest = rest.strip_prefix(b"\",\"seq\":")?;
    let (seq, rest) = number(rest)?;
    let (time, rest) = match rest.strip_prefix(b",\"time\":\"") {
        None => (None, rest),
        Some(rest) => {
            let (time, rest) = rest.split_first_chunk::<27>()?;
            (Some(Stamp::parse(time)?), rest.strip_prefix(b"\"")?)
        }
    };
    let rest = rest.strip_prefix(b",\"type\":\"")?;
    let length = rest.iter().position(|byte| !is_of_name(*byte)).filter(|end| *end <= MAX_TYPE)?;
    let kind_at = bytes.len() - rest.len();
    let kind = rest.get(..length)?;
    let rest = rest.get(length..)?.strip_prefix(b"\",\"what\":")?;
    let what_at = bytes.len() - rest.len();
    let what_end = scan::nested_object(text, what_at)?;
    let is_checkpoint = kind == CHECKPOINT.as_bytes();
    let fits = bytes.get(what_end..) == Some(b"}") && length > 0 && is_checkpoint == time.is_none();
    fits.then(|| Parsed {
        hash: leaf(bytes),
        prev,
        seq,
        time,
        kind: Span::of(kind_at..kind_at + length),
        what: Span::of(what_at..what_end),
    })
}

/// A number as [`note::decimal`] takes it, and what comes after it.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut length) = (0, 0);
    for digit in bytes.iter().take_while(|byte| byte.is_ascii_digit()) {
        value = value * 10 + u64::from(digit - b'0');
        length += 1;
        // Leaving here keeps `value` far below overflow.
        if value > MAX_INTEGER {
            return None;
        }
    }
    let is_shortest = length == 1 || length > 1 && !bytes.starts_with(b"0");
    is_shortest.then_some((value, bytes.get(length..)?))
}

#[derive(Default)]
struct Slots<'a> {
    prev: Option<Member<'a>>,
    seq: Option<Member<'a>>,
    time: Option<Member<'a>>,
    kind: Option<Member<'a>>,
    what: Option<Member<'a>>,
    stranger: Option<(&'a str, usize)>,
}

impl<'a> Slots<'a> {
    fn put(&mut self, key: &'a str, member: Member<'a>) {
        match key {
            "prev" => self.prev = Some(member),
            "seq" => self.seq = Some(member),
            "time" => self.time = Some(member),
            "type" => self.kind = Some(member),
            "what" => self.what = Some(member),
            _ => self.stranger = self.stranger.or(Some((key, member.at))),
        }
    }
}

/// Reads a line member by member, and says of a bad one what is wrong.
pub(super) fn slow(text: &str) -> Result<Parsed, Flaw> {
    let bytes = text.as_bytes();
    let mut slots = Slots::default();
    scan::object(text, &mut |key, member| slots.put(key, member))
        .map_err(|error| not_canonical(bytes, error.at, error.expected))?;
    if let Some((key, at)) = slots.stranger {
        return Err(wrong_members(at, "prev, seq, time, type and what only", key.as_bytes()));
    }
    let (Some(prev), Some(seq), Some(kind), Some(what)) =
        (slots.prev, slots.seq, slots.kind, slots.what)
    else {
        return Err(wrong_members(0, "each of prev, seq, type and what", bytes));
    };
    let kind_name = kind.string().filter(|name| is_type(name)).ok_or_else(|| {
        wrong_members(kind.at, "type: 1 to 64 of a-z, 0-9 and _", kind.text.as_bytes())
    })?;
    if !what.text.starts_with('{') {
        return Err(wrong_members(what.at, "what: an object", what.text.as_bytes()));
    }
    let digits = prev.string().and_then(|digits| digits.as_bytes().try_into().ok());
    Ok(Parsed {
        hash: leaf(bytes),
        prev: digits.and_then(unhex).ok_or_else(|| {
            wrong_members(prev.at, "prev: 64 lower-case hex digits", prev.text.as_bytes())
        })?,
        seq: note::decimal(seq.text)
            .ok_or_else(|| wrong_members(seq.at, "seq: a number from 0", seq.text.as_bytes()))?,
        time: time_of(slots.time, kind_name, bytes)?,
        kind: Span::of(kind.at + 1..kind.at + 1 + kind_name.len()),
        what: Span::of(what.at..what.at + what.text.len()),
    })
}

fn time_of(time: Option<Member<'_>>, kind: &str, line: &[u8]) -> Result<Option<Stamp>, Flaw> {
    match (time, kind == CHECKPOINT) {
        (None, true) => Ok(None),
        (Some(time), true) => {
            Err(wrong_members(time.at, "no time in a checkpoint", time.text.as_bytes()))
        }
        (None, false) => Err(wrong_members(0, "the member time", line)),
        (Some(time), false) => {
            let stamp = time.string().and_then(|text| Stamp::parse(text.as_bytes()));
            stamp.map(Some).ok_or_else(|| {
                let form = "time: an instant as 2026-11-21T21:00:01.000000Z";
                wrong_members(time.at, form, time.text.as_bytes())
            })
        }
    }
}

fn is_type(name: &str) -> bool {
    (1..=MAX_TYPE).contains(&name.len()) && name.bytes().all(is_of_name)
}

fn not_canonical(line: &[u8], at: usize, expected: &str) -> Flaw {
    let found = match line.get(at..) {
        None | Some([]) => "the end of the line".to_owned(),
        Some(rest) => excerpt(rest),
    };
    let sentence = "The line is not in the form in which it must have been written.";
    Flaw::new(FaultKind::Form, at, expected, found, sentence)
}

fn wrong_members(at: usize, expected: &str, found: &[u8]) -> Flaw {
    let sentence = "The line does not have the members of a record.";
    Flaw::new(FaultKind::Members, at, expected, excerpt(found), sentence)
}
