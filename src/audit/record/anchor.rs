//! The record that a checkpoint was given to somebody else.

use super::{Body, object};
use crate::domain::time::UtcTime;
use serde_json::json;

/// What was given away, to whom, and what came back.
#[derive(Clone, Copy, Debug)]
pub struct Anchor<'a> {
    /// `witness`, `tsa` or `git`.
    pub kind: &'a str,
    /// What the configuration calls it.
    pub name: &'a str,
    /// Size of the tree.
    pub size: u64,
    /// SHA-256 of the whole note, in hex.
    pub note_sha256: &'a str,
    /// What came back, as `docs/audit-log.md` has it for each kind.
    pub receipt: &'a str,
    /// When it came.
    pub at: UtcTime,
}

/// `anchor`: a checkpoint lies elsewhere, too.
#[must_use]
pub fn anchor(anchor: &Anchor<'_>) -> Body {
    object(json!({
        "at": anchor.at, "kind": anchor.kind, "name": anchor.name, "note_sha256": anchor.note_sha256,
        "receipt": anchor.receipt, "size": anchor.size,
    }))
}
