//! Line 0: which format, which log, which key.

use super::line::Line;
use super::report::{FaultKind, Flaw, excerpt};
use super::scan;
use super::vkey::{Vkey, VkeyError, is_lower_hex};
use crate::audit::format::{FORMAT, GENESIS};

/// Checks the `what` of a genesis, and gives the key that it names.
pub(super) fn read(line: &Line<'_>, pinned: Option<&Vkey>) -> Result<Vkey, Flaw> {
    let (format, at) = member(line, "format")?;
    if format != FORMAT {
        return Err(other_format(&format, at));
    }
    let (origin, _) = member(line, "origin")?;
    let (next, at) = member(line, "next")?;
    if next.len() != 64 || !is_lower_hex(&next) {
        return Err(unfit(at, "next: 64 lower-case hex digits", &next));
    }
    let (text, at) = member(line, "key")?;
    let key = match pinned {
        // A key has one text only.
        Some(pinned) if pinned.as_str() == text => pinned.clone(),
        Some(pinned) => return Err(other_key(at, pinned, &text)),
        None => Vkey::parse(&text).map_err(|error| unusable_key(at, error, &text))?,
    };
    if key.origin() != origin {
        return Err(unfit(at, "a key with the origin of the genesis", key.origin()));
    }
    Ok(key)
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

/// A member of `what` that is a string, and its place in the line.
fn member(line: &Line<'_>, name: &'static str) -> Result<(String, usize), Flaw> {
    let mut value = None;
    let is_form_good = scan::object(line.what.text, &mut |key, member| {
        if key == name {
            value = member.string().map(|raw| (scan::unescape(raw), line.what.at + member.at));
        }
    });
    value
        .filter(|_| is_form_good.is_ok())
        .ok_or_else(|| unfit(line.what.at, &format!("{name}: a string"), line.what.text))
}

/// A later format may hash and sign in other ways, so its lines cannot be called wrong.
fn other_format(found: &str, at: usize) -> Flaw {
    let version = found.strip_prefix("revlog/").and_then(super::note::decimal);
    let (kind, sentence) = if version.is_some_and(|version| version > 1) {
        let sentence =
            "This version reads revlog/1 only: use a later one, or the line was changed.";
        (FaultKind::Format, sentence)
    } else {
        (FaultKind::Genesis, "The genesis names no format that ever was.")
    };
    Flaw::new(kind, at, FORMAT, excerpt(found.as_bytes()), sentence)
}

fn other_key(at: usize, pinned: &Vkey, found: &str) -> Flaw {
    let sentence =
        "The log names another key than the pinned one: it is another log, or it was made anew.";
    let expected = format!("the pinned key {pinned}");
    Flaw::new(FaultKind::Key, at, expected, excerpt(found.as_bytes()), sentence)
}

fn unusable_key(at: usize, error: VkeyError, found: &str) -> Flaw {
    let sentence = format!("The key in the genesis cannot be used: {error}.");
    let expected = "the public key of the log";
    Flaw::new(FaultKind::Key, at, expected, excerpt(found.as_bytes()), sentence)
}

fn unfit(at: usize, expected: &str, found: &str) -> Flaw {
    let sentence = "The genesis does not say which log this is.";
    Flaw::new(FaultKind::Genesis, at, expected, excerpt(found.as_bytes()), sentence)
}
