//! Reading the newest file of a log before it is written on: what is sealed, and what comes after it.

use super::commit::{Sealed, State};
use super::format::{CHECKPOINT, FORMAT, GENESIS, KEY, SEGMENT};
use super::key::commitment;
use super::line;
use super::lines::{Lines, Next};
use super::signer::{PublicKey, claims, is_note, of_tree};
use super::tree::{Frontier, Hash, leaf_hash};
use crate::domain::hex::hex;
use crate::domain::time::UtcTime;
use serde_json::Value;
use std::fs::File;

/// What reading a segment from its beginning gives.
#[derive(Debug)]
pub(super) struct Scan {
    /// The key that its first line names, as text.
    pub(super) named: Option<String>,
    /// Hash of the last line of the file before, by the first line.
    pub(super) before: Hash,
    /// When its first line was written, in microseconds since 1970.
    pub(super) began: i64,
    /// After the last checkpoint that is byte for byte what was written there; `None` without one.
    pub(super) sealed: Option<State>,
    /// The key in force after it.
    pub(super) key: Option<PublicKey>,
}

/// How much is believed of a checkpoint whose text fits the lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signatures {
    /// The newest alone is checked: its root has all lines below it.
    Last,
    /// Each is checked.
    All,
}

/// Reads complete lines as long as they chain and the tree has the roots that the checkpoints say.
pub(super) fn scan(file: &File, first: u64) -> std::io::Result<Scan> {
    let scan = read(file, first, Signatures::Last)?;
    let good = scan.sealed.as_ref().zip(scan.key.as_ref()).is_none_or(|(sealed, key)| {
        let tree = &sealed.sealed.tree;
        let (note, size, root) = (&sealed.sealed.note, tree.size(), tree.root());
        // That of a change of key has two signatures, both checked when it was read.
        is_note(note, &[key], size, &root) || of_tree(note, &[key, key], size, &root).is_some()
    });
    // Somebody wrote a checkpoint of their own at the end: what lies before it counts, it does not.
    if good { Ok(scan) } else { read(file, first, Signatures::All) }
}

struct Reading {
    state: State,
    key: PublicKey,
    /// Named by a `key` record that no checkpoint sealed yet, with the hash of the key after it.
    incoming: Option<(PublicKey, String)>,
    signatures: Signatures,
}

fn read(file: &File, first: u64, signatures: Signatures) -> std::io::Result<Scan> {
    let mut lines = Lines::of(file, 0)?;
    let mut scan = Scan { named: None, before: [0; 32], began: 0, sealed: None, key: None };
    let Next::Line(line) = lines.next()? else { return Ok(scan) };
    let Some(begun) = begin(line, first) else { return Ok(scan) };
    scan.named = Some(begun.named);
    scan.before = begun.before;
    scan.began = begun.began;
    let Some(key) = scan.named.as_deref().and_then(PublicKey::parse) else { return Ok(scan) };
    let mut reading = Reading { state: begun.state, key, incoming: None, signatures };
    while let Next::Line(line) = lines.next()? {
        match reading.pass(line) {
            None => break,
            Some(false) => {}
            Some(true) => {
                scan.sealed = Some(reading.state.clone());
                scan.key = Some(reading.key.clone());
            }
        }
    }
    Ok(scan)
}

impl Reading {
    /// Takes the next line: whether it is a checkpoint, or `None` when it does not belong here.
    fn pass(&mut self, line: &[u8]) -> Option<bool> {
        let rest =
            line.strip_prefix(line::begin(&hex(&self.state.prev), self.state.seq).as_bytes())?;
        let (time, kind) = head(rest)?;
        let sealing = kind == CHECKPOINT;
        if sealing {
            self.checkpoint(line)?;
        } else if self.incoming.is_some() {
            // Nothing comes between a new key and the checkpoint that both keys sign.
            return None;
        } else if kind == KEY {
            self.incoming = Some(self.new_key(line)?);
        }
        if let Some(time) = time {
            time.clone_into(&mut self.state.last_time);
        }
        self.state.pass(leaf_hash(line), line.len() + 1);
        Some(sealing)
    }

    fn checkpoint(&mut self, line: &[u8]) -> Option<()> {
        let value: Value = serde_json::from_slice(line).ok()?;
        let note = value.pointer("/what/note")?.as_str()?;
        if line != line::checkpoint(&hex(&self.state.prev), self.state.seq, note) {
            return None;
        }
        let (size, root) = (self.state.tree.size(), self.state.tree.root());
        let mut keys = vec![&self.key];
        keys.extend(self.incoming.as_ref().map(|(key, _)| key));
        of_tree(note, &keys, size, &root)?;
        let check = self.signatures == Signatures::All || keys.len() > 1;
        if check && !is_note(note, &keys, size, &root) {
            return None;
        }
        if let Some((key, next)) = self.incoming.take() {
            (self.key, self.state.next_key) = (key, next);
        }
        self.state.sealed = Sealed { note: note.to_owned(), tree: self.state.tree.clone() };
        Some(())
    }

    fn new_key(&self, line: &[u8]) -> Option<(PublicKey, String)> {
        let value: Value = serde_json::from_slice(line).ok()?;
        let text = |name: &str| value.get("what")?.get(name)?.as_str();
        let key = PublicKey::parse(text("key")?)?;
        let fits =
            commitment(text("key")?) == self.state.next_key && key.origin() == self.key.origin();
        fits.then_some((key, text("next")?.to_owned()))
    }
}

/// Time and type of a line, from what comes after its place.
fn head(rest: &[u8]) -> Option<(Option<&str>, &str)> {
    let text = std::str::from_utf8(rest.get(..rest.len().min(160)).unwrap_or_default());
    let text = match text {
        Ok(text) => text,
        // Cut within a character, which neither time nor type has.
        Err(error) => std::str::from_utf8(rest.get(..error.valid_up_to())?).ok()?,
    };
    let (time, text) = match text.strip_prefix("\"time\":\"") {
        Some(text) => {
            let (time, text) = text.split_once("\",")?;
            (Some(time), text)
        }
        None => (None, text),
    };
    let (kind, _) = text.strip_prefix("\"type\":\"")?.split_once('"')?;
    (time.is_some() != (kind == CHECKPOINT)).then_some((time, kind))
}

struct Begun {
    named: String,
    before: Hash,
    began: i64,
    /// After the first line.
    state: State,
}

/// The first line of a segment, which says all that is needed of those before.
fn begin(line: &[u8], first: u64) -> Option<Begun> {
    let value: Value = serde_json::from_slice(line).ok()?;
    let at = |pointer: &str| value.pointer(pointer);
    let text = |pointer: &str| at(pointer).and_then(Value::as_str);
    let mut state = State::begin();
    let kind = if first == 0 { GENESIS } else { SEGMENT };
    if text("/type")? != kind || text("/what/format")? != FORMAT {
        return None;
    }
    let named = text("/what/key")?;
    if first > 0 {
        let key =
            PublicKey::parse(named).filter(|key| Some(key.origin()) == text("/what/origin"))?;
        let peaks = at("/what/frontier")?.as_array()?;
        let peaks = peaks.iter().map(|peak| unhex(peak.as_str()?)).collect::<Option<Vec<_>>>()?;
        let tree = Frontier::from_peaks(first - 1, peaks)?;
        let note = text("/what/note")?;
        // The note of a change of key has two signatures; the file begins under the second.
        let (size, root) = claims(note)?;
        let fits = (size, root) == (tree.size(), tree.root())
            && at("/what/first_seq")?.as_u64()? == first
            && (is_note(note, &[&key], size, &root) || is_of_two(note, 1, &key, size, &root));
        if !fits {
            return None;
        }
        state.sealed = Sealed { note: note.to_owned(), tree: tree.clone() };
        state.tree = tree;
        state.tree.push(unhex(text("/prev")?)?);
        state.prev = unhex(text("/prev")?)?;
        state.seq = first;
    }
    let before = state.prev;
    if !line.starts_with(line::begin(&hex(&state.prev), state.seq).as_bytes()) {
        return None;
    }
    text("/what/next")?.clone_into(&mut state.next_key);
    let time = text("/time")?;
    time.clone_into(&mut state.last_time);
    state.pass(leaf_hash(line), line.len() + 1);
    let began = time.parse().map_or(0, UtcTime::micros);
    Some(Begun { named: named.to_owned(), before, began, state })
}

/// Whether the signature number `which` of two of a note is the key's.
fn is_of_two(note: &str, which: usize, key: &PublicKey, size: u64, root: &Hash) -> bool {
    let Some(lines) = of_tree(note, &[key, key], size, root) else { return false };
    let Some(line) = lines.split_inclusive('\n').nth(which) else { return false };
    let text = note.get(..note.len() - lines.len()).unwrap_or_default();
    is_note(&format!("{text}{line}"), &[key], size, root)
}

/// What lies after the last checkpoint that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing there was sealed.
    Unsealed,
    /// One commit whose lines are not what its checkpoint sealed. That checkpoint ends the file.
    OneCommit,
    /// More than that.
    Sealed,
}

/// What `file` has from byte `at` on, beside the checkpoints that `keys` signed for trees larger than `size`: where
/// there is one, what lies before it was whole once, and is damaged.
pub(super) fn tail(file: &File, at: u64, keys: &[&PublicKey], size: u64) -> std::io::Result<Tail> {
    let mut lines = Lines::of(file, at)?;
    let mut tail = Tail::Unsealed;
    loop {
        let line = match lines.next()? {
            Next::Line(line) => line,
            Next::Torn(_) if tail == Tail::Unsealed => continue,
            Next::Torn(_) => return Ok(Tail::Sealed),
            Next::End => return Ok(tail),
        };
        if tail != Tail::Unsealed {
            return Ok(Tail::Sealed);
        }
        if is_signed(line, keys, size) {
            tail = Tail::OneCommit;
        }
    }
}

fn is_signed(line: &[u8], keys: &[&PublicKey], size: u64) -> bool {
    // Where a line was damaged at its beginning, the rest of it still tells.
    let begins = line.iter().position(|byte| *byte == b'{').unwrap_or(line.len());
    let value = serde_json::from_slice::<Value>(line.get(begins..).unwrap_or_default());
    let Ok(value) = value else { return false };
    let note = value.pointer("/what/note").and_then(Value::as_str).unwrap_or_default();
    let Some((signed, root)) = claims(note) else { return false };
    signed > size
        && keys.iter().any(|key| {
            is_note(note, &[key], signed, &root)
                || (0..2).any(|which| is_of_two(note, which, key, signed, &root))
        })
}

pub(super) fn unhex(text: &str) -> Option<Hash> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect::<Option<Vec<u8>>>()?;
    if odd.is_empty() { bytes.try_into().ok() } else { None }
}
