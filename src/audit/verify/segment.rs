//! The first line of a file that is not the first: what it takes to go on without the files before.

use super::genesis::other_format;
use super::keys::{Held, hash_of};
use super::line::Line;
use super::members::What;
use super::note;
use super::report::{FaultKind, Flaw, excerpt};
use super::tree::{Frontier, Hash};
use super::vkey::Vkey;
use crate::audit::format::FORMAT;

const SENTENCE: &str = "The file does not go on from where the log was.";

/// What a `segment` record states, found to fit together.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) held: Held,
    pub(super) note: String,
    /// The tree of the note.
    pub(super) tree: Frontier,
}

/// Reads a `segment` record, and checks it against itself: its frontier gives the root in its note, whose
/// last signature is that of its key.
pub(super) fn read(line: &Line<'_>) -> Result<Segment, Flaw> {
    let what = What::of(line, FaultKind::Segment, SENTENCE);
    let [(format, format_at)] = what.strings(["format"])?;
    if format != FORMAT {
        return Err(other_format(&format, format_at, FaultKind::Segment));
    }
    let [(text, key_at)] = what.strings(["key"])?;
    let key = Vkey::parse(&text).map_err(|error| {
        let expected = format!("a key that can be used ({error})");
        Flaw::new(FaultKind::Key, key_at, expected, excerpt(text.as_bytes()), SENTENCE)
    })?;
    let [(origin, origin_at), (next, next_at), (note, note_at)] =
        what.strings(["origin", "next", "note"])?;
    let [first_seq, frontier] = what.find(["first_seq", "frontier"]);
    let first_seq_text = first_seq.map_or("nothing", |member| member.text);
    if note::decimal(first_seq_text) != Some(line.parsed.seq) {
        let at = first_seq.map_or(0, |member| member.at);
        return Err(what.unfit(at, format!("first_seq: {}", line.parsed.seq), first_seq_text));
    }
    if key.origin() != origin {
        return Err(what.unfit(origin_at, "the origin of the key", &origin));
    }
    let next = hash_of(&next)
        .ok_or_else(|| what.unfit(next_at, "next: 64 lower-case hex digits", &next))?;
    let parsed = note::parse(&note).map_err(|expected| what.unfit(note_at, expected, &note))?;
    if parsed.size.checked_add(1) != Some(line.parsed.seq) || parsed.origin != origin {
        return Err(what.unfit(note_at, "the note of the checkpoint just before", &note));
    }
    let frontier_text = frontier.map_or("nothing", |member| member.text);
    let tree = hashes(frontier_text).and_then(|peaks| Frontier::of(parsed.size, peaks));
    let tree = tree.filter(|tree| tree.root() == parsed.root).ok_or_else(|| {
        let at = frontier.map_or(0, |member| member.at);
        what.unfit(at, "a frontier that gives the root in the note", frontier_text)
    })?;
    // Where the key changed just before, the first line is that of the key that is no longer in force: a thief of it may
    // not go on from here.
    let last = parsed.second.unwrap_or(parsed.first);
    let names_log = parsed.first.signer == origin && last.signer == origin;
    let is_signed = names_log
        && last.key_id == key.id()
        && key.verifies(parsed.body.as_bytes(), &last.signature);
    if !is_signed {
        return Err(what.unfit(note_at, "a note that the key signed", &note));
    }
    Ok(Segment { held: Held { key, next }, note, tree })
}

/// The flaw of a record that fits itself, and not the lines before it.
pub(super) fn unfit(line: &Line<'_>, expected: &str, found: &str) -> Flaw {
    What::of(line, FaultKind::Segment, SENTENCE).unfit(line.what().at, expected, found)
}

/// The hashes of an array, which is in canonical form.
fn hashes(array: &str) -> Option<Vec<Hash>> {
    /// One for each bit of a size.
    const MOST: usize = 64;
    let inside = array.strip_prefix('[')?.strip_suffix(']')?;
    let items: Vec<&str> = inside.split(',').take(MOST + 1).collect();
    if items.len() > MOST {
        return None;
    }
    items.into_iter().map(|item| hash_of(item.strip_prefix('"')?.strip_suffix('"')?)).collect()
}
