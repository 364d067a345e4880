//! Which checkpoint a proof is made under: one that witnesses signed says more than one that the log's key alone did.

use super::lines::{Lines, kind};
use super::{Head, ProveError, Prover};
use serde_json::Value;

/// The receipts of witnesses for the tree of one size.
#[derive(Debug, Default)]
struct Receipts {
    size: u64,
    lines: Vec<String>,
}

impl Receipts {
    /// Takes what an `anchor` record says, if it is of a witness and about a tree that has line `last`.
    fn take(&mut self, line: &[u8], last: u64) {
        let Some((size, receipt)) = receipt(line) else { return };
        if size <= last || size < self.size {
            return;
        }
        if size > self.size {
            *self = Self { size, lines: Vec::new() };
        }
        if !self.lines.contains(&receipt) {
            self.lines.push(receipt);
        }
    }
}

/// Size and signature line in an `anchor` record of a witness.
fn receipt(line: &[u8]) -> Option<(u64, String)> {
    let line: Value = serde_json::from_slice(line).ok()?;
    let what = line.get("what")?;
    if what.get("kind")?.as_str()? != "witness" {
        return None;
    }
    let text = what.get("receipt")?.as_str()?.trim_end_matches('\n');
    // A second line would be part of the note's text.
    let is_line = text.starts_with('\u{2014}') && !text.contains('\n');
    is_line.then(|| Some((what.get("size")?.as_u64()?, format!("{text}\n"))))?
}

impl Prover {
    /// The newest checkpoint up to `head` that has line `last` and that witnesses signed, by the receipts in the log,
    /// with their signature lines in its note; `head` where there is none. Whose receipt is good is for those who
    /// know the witness: it stands in the log as it came.
    pub(super) fn cosigned(&self, head: &Head, last: u64) -> Result<Head, ProveError> {
        let (mut lines, mut receipts) = (Lines::of(self.dir())?, Receipts::default());
        while let Some((_, line)) = lines.next()?.filter(|(seq, _)| *seq < head.size) {
            if kind(line) == b"anchor" {
                receipts.take(line, last);
            }
        }
        if receipts.lines.is_empty() || receipts.size > head.size {
            return Ok(head.clone());
        }
        let signed = match self.checkpoint(receipts.size) {
            Ok(signed) => signed,
            // The record is about no checkpoint of this log: it is not what a witness was given.
            Err(ProveError::NoCheckpoint { .. } | ProveError::Beyond { .. }) => {
                return Ok(head.clone());
            }
            Err(error) => return Err(error),
        };
        let note = signed.note + &receipts.lines.concat();
        Ok(Head::of(&note).unwrap_or_else(|| head.clone()))
    }
}
