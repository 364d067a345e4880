//! One line: its members, in the two shapes that there are.

use super::report::{FaultKind, Flaw, excerpt};
use super::scan::{self, Member};
use super::stamp::Stamp;
use super::{note, vkey::is_lower_hex};
use crate::audit::format::{CHECKPOINT, MAX_TYPE};

/// A line in canonical form with the right members. Nothing is said yet about its place.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// `prev`, 64 lower-case hex digits.
    pub(super) prev: &'a str,
    /// Where `prev` is written.
    pub(super) prev_at: usize,
    pub(super) seq: u64,
    pub(super) seq_at: usize,
    /// Absent in a checkpoint: nothing after the last line of a log would cover it.
    pub(super) time: Option<Stamp>,
    pub(super) kind: &'a str,
    /// The object `what`.
    pub(super) what: Member<'a>,
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

impl<'a> Line<'a> {
    /// Reads a line, its line feed left out.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Flaw> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| not_canonical(bytes, error.valid_up_to(), "UTF-8"))?;
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
        Ok(Self {
            prev: prev.string().filter(|hash| hash.len() == 64 && is_lower_hex(hash)).ok_or_else(
                || wrong_members(prev.at, "prev: 64 lower-case hex digits", prev.text.as_bytes()),
            )?,
            prev_at: prev.at,
            seq: note::decimal(seq.text).ok_or_else(|| {
                wrong_members(seq.at, "seq: a number from 0", seq.text.as_bytes())
            })?,
            seq_at: seq.at,
            time: time_of(slots.time, kind_name, bytes)?,
            kind: kind_name,
            what,
        })
    }
}

fn time_of(time: Option<Member<'_>>, kind: &str, line: &[u8]) -> Result<Option<Stamp>, Flaw> {
    match (time, kind == CHECKPOINT) {
        (None, true) => Ok(None),
        (Some(time), true) => {
            Err(wrong_members(time.at, "no time in a checkpoint", time.text.as_bytes()))
        }
        (None, false) => Err(wrong_members(0, "the member time", line)),
        (Some(time), false) => time.string().and_then(Stamp::parse).map(Some).ok_or_else(|| {
            let form = "time: an instant as 2026-11-21T21:00:01.000000Z";
            wrong_members(time.at, form, time.text.as_bytes())
        }),
    }
}

fn is_type(name: &str) -> bool {
    let fits = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    (1..=MAX_TYPE).contains(&name.len()) && name.bytes().all(fits)
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
