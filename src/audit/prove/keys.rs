//! Which key was in force at which size.

use super::kind;
use crate::audit::format::{GENESIS, KEY};
use crate::audit::signed::{Note, Signed};
use crate::audit::verify::Vkey;
use serde_json::Value;

/// The keys of a log, each with the size of the first checkpoint it may sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Vec<(u64, Vkey)>);

impl Keys {
    /// Takes note of a key that a line names.
    pub(super) fn learn(&mut self, seq: u64, line: &[u8]) {
        let kind = kind(line);
        let from = match seq {
            0 if kind == GENESIS.as_bytes() => 0,
            _ if kind == KEY.as_bytes() => seq + 1,
            _ => return,
        };
        let Ok(line) = serde_json::from_slice::<Value>(line) else { return };
        let key = line.pointer("/what/key").and_then(Value::as_str).map(Vkey::parse);
        if let Some(Ok(key)) = key {
            self.0.push((from, key));
        }
    }

    /// Whether the key in force at its size signed `note`: where the key changes, the old and the new one both did.
    #[must_use]
    pub fn signed(&self, note: &str) -> bool {
        let Some(note) = Note::parse(note) else { return false };
        let Some(at) = self.0.iter().rposition(|(from, _)| *from <= note.size) else {
            return false;
        };
        let changes_here = |from: u64| from > 0 && from == note.size;
        let both = self.0.get(at).is_some_and(|(from, _)| changes_here(*from));
        let first = if both { at.saturating_sub(1) } else { at };
        let keys = self.0.get(first..=at).unwrap_or_default();
        keys.iter()
            .all(|(_, key)| key.origin() == note.origin && note.signed_by(key) == Signed::Good)
    }

    /// The texts of the keys, oldest first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, key)| key.as_str())
    }
}
