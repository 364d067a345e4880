//! Reading a log from its beginning, before it is written on: what is sealed, and what comes after it.

use super::format::CHECKPOINT;
use super::key::LogKey;
use super::line;
use super::tree::{Frontier, Hash, leaf_hash};
use crate::domain::hex::hex;
use serde_json::Value;

/// Where a line of the log is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Its place.
    pub seq: u64,
    /// Its leaf hash in hex: what the next line calls `prev`.
    pub hash: String,
}

/// A record found when the log was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub landed: Landed,
    /// `what.id`, if it has one.
    pub id: Option<String>,
    /// Record type.
    pub kind: String,
}

/// Where a log stands after a line.
#[derive(Clone)]
pub(super) struct State {
    pub(super) length: u64,
    pub(super) seq: u64,
    pub(super) prev: Hash,
    pub(super) tree: Frontier,
    pub(super) last_time: String,
}

/// What reading a log from its beginning gives.
pub(super) struct Scan {
    pub(super) sealed: State,
    pub(super) found: Vec<Found>,
    pub(super) genesis_key: Option<String>,
}

/// Reads complete lines as long as they chain; `sealed` is the state after the last checkpoint that is byte
/// for byte what this key would write there.
pub(super) fn scan(bytes: &[u8], key: &LogKey) -> Scan {
    let mut state = State {
        length: 0,
        seq: 0,
        prev: [0; 32],
        tree: Frontier::default(),
        last_time: String::new(),
    };
    let mut scan = Scan { sealed: state.clone(), found: Vec::new(), genesis_key: None };
    let mut unsealed = Vec::new();
    for full in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = full.strip_suffix(b"\n") else { break };
        let Ok(value) = serde_json::from_slice::<Value>(line) else { break };
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
        let chained = text("/prev") == Some(&hex(&state.prev))
            && value.get("seq").and_then(Value::as_u64) == Some(state.seq);
        if !chained {
            break;
        }
        let kind = text("/type").unwrap_or_default().to_owned();
        let leaf = leaf_hash(line);
        if kind == CHECKPOINT {
            let note = key.note(state.tree.size(), &state.tree.root());
            if line != line::checkpoint(&hex(&state.prev), state.seq, &note) {
                break;
            }
        } else {
            if state.seq == 0 {
                scan.genesis_key = text("/what/key").map(str::to_owned);
            }
            text("/time").unwrap_or_default().clone_into(&mut state.last_time);
            unsealed.push(Found {
                landed: Landed { seq: state.seq, hash: hex(&leaf) },
                id: text("/what/id").map(str::to_owned),
                kind: kind.clone(),
            });
        }
        state.tree.push(leaf);
        state.prev = leaf;
        state.seq += 1;
        state.length += full.len() as u64;
        if kind == CHECKPOINT {
            scan.sealed = state.clone();
            scan.found.append(&mut unsealed);
        }
    }
    scan
}

/// Whether `tail` has a checkpoint line that this key signed for a larger tree: then what lies before it was
/// acknowledged, and has been damaged since.
pub(super) fn seals_more(tail: &[u8], key: &LogKey, size: u64) -> bool {
    tail.split_inclusive(|byte| *byte == b'\n').filter(|l| l.ends_with(b"\n")).any(|line| {
        let Ok(value) = serde_json::from_slice::<Value>(line) else { return false };
        let Some(note) = value.pointer("/what/note").and_then(Value::as_str) else { return false };
        let mut lines = note.lines().skip(1);
        let (Some(signed_size), Some(root)) = (lines.next(), lines.next()) else { return false };
        let (Ok(signed_size), Some(root)) = (signed_size.parse::<u64>(), decode_root(root)) else {
            return false;
        };
        // Ed25519 is deterministic: what we signed once we sign the same way again.
        signed_size > size && key.note(signed_size, &root) == note
    })
}

fn decode_root(text: &str) -> Option<Hash> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok()?.try_into().ok()
}
