//! Line 0: which format, which log, which key.

use super::keys::{Held, hash_of};
use super::line::Line;
use super::members::{What, string_of};
use super::note;
use super::report::{Continued, FaultKind, Flaw, excerpt};
use super::vkey::{Vkey, is_origin};
use crate::audit::format::{FORMAT, GENESIS};

/// What a genesis states.
#[derive(Debug)]
pub(super) struct Genesis {
    pub(super) held: Held,
    pub(super) continues: Option<Continued>,
}

/// Checks the `what` of a genesis.
pub(super) fn read(line: &Line<'_>) -> Result<Genesis, Flaw> {
    let sentence = "The genesis does not say which log this is.";
    let what = What::of(line, FaultKind::Genesis, sentence);
    let [(format, at)] = what.strings(["format"])?;
    if format != FORMAT {
        return Err(other_format(&format, at, FaultKind::Genesis));
    }
    let [(origin, origin_at), (next, next_at), (text, key_at)] =
        what.strings(["origin", "next", "key"])?;
    if !is_origin(&origin) {
        return Err(what.unfit(
            origin_at,
            "an origin without space, + and control characters",
            &origin,
        ));
    }
    let next = hash_of(&next)
        .ok_or_else(|| what.unfit(next_at, "next: 64 lower-case hex digits", &next))?;
    let key = Vkey::parse(&text).map_err(|error| {
        let sentence = format!("The key in the genesis cannot be used: {error}.");
        let expected = "the public key of the log";
        Flaw::new(FaultKind::Key, key_at, expected, excerpt(text.as_bytes()), sentence)
    })?;
    if key.origin() != origin {
        return Err(what.unfit(key_at, "a key with the origin of the genesis", key.origin()));
    }
    Ok(Genesis { held: Held { key, next }, continues: continues(line, &what)? })
}

/// The earlier log that this one goes on from.
fn continues(line: &Line<'_>, what: &What<'_>) -> Result<Option<Continued>, Flaw> {
    let [Some(member)] = what.find(["continues"]) else { return Ok(None) };
    let text = string_of(line, "continues").unwrap_or_default();
    let note =
        note::parse(&text).map_err(|expected| what.unfit(member.at, expected, member.text))?;
    Ok(Some(Continued { origin: note.origin.to_owned(), size: note.size, note: text.clone() }))
}

/// The flaw of a log that begins with a line of type `kind`.
pub(super) fn missing(kind: &str) -> Flaw {
    let sentence = "The log does not begin with its genesis.";
    Flaw::new(FaultKind::Genesis, 0, format!("type {GENESIS} in line 0"), kind, sentence)
}

/// The flaw of a genesis anywhere but in line 0.
pub(super) fn repeated() -> Flaw {
    let sentence = "A second log begins inside this one.";
    Flaw::new(FaultKind::Genesis, 0, format!("no {GENESIS} after line 0"), GENESIS, sentence)
}

/// A later format may hash and sign in other ways, so its lines cannot be called wrong.
pub(super) fn other_format(found: &str, at: usize, rule: FaultKind) -> Flaw {
    let version = found.strip_prefix("revlog/").and_then(note::decimal);
    let (kind, sentence) = if version.is_some_and(|version| version > 1) {
        let sentence =
            "This version reads revlog/1 only: use a later one, or the line was changed.";
        (FaultKind::Format, sentence)
    } else {
        (rule, "The line names no format that ever was.")
    };
    Flaw::new(kind, at, FORMAT, excerpt(found.as_bytes()), sentence)
}

/// The flaw of a log all of whose keys are others than the pinned one.
pub(super) fn other_key(pinned: &Vkey, found: &str) -> Flaw {
    let sentence =
        "The log never had the key that you gave: it is another log, or it was made anew.";
    Flaw::new(FaultKind::Key, 0, format!("the pinned key {pinned}"), found, sentence)
}
