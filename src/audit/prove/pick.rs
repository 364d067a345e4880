//! Which lines go into a proof.

use super::keys::Keys;
use super::lines::{Lines, kind};
use super::{Head, ProveError};
use crate::audit::format::{CLOCK, KEY};
use serde_json::Value;
use std::path::Path;

/// Most bytes of lines in a bundle.
const MOST: usize = 32 * 1024 * 1024;

/// A line and its place.
pub(super) type Line = (u64, Vec<u8>);

/// Lines that are to be proved.
#[derive(Debug, Default)]
pub(super) struct Picked {
    genesis: Line,
    /// Each `key` record and the checkpoint after it.
    changes: Vec<Line>,
    /// Place of the newest `key` record.
    changed_at: Option<u64>,
    pub(super) records: Vec<Line>,
    pub(super) keys: Keys,
    bytes: usize,
}

impl Picked {
    /// One line under `head`.
    pub(super) fn line(dir: &Path, head: &Head, seq: u64) -> Result<Self, ProveError> {
        Self::walk(dir, head, |at, _| at == seq)
    }

    /// Every record about a revocation under `head`, and that of its subject.
    pub(super) fn revocation(dir: &Path, head: &Head, id: &str) -> Result<Self, ProveError> {
        let mut picked = Self::walk(dir, head, |_, line| says(line, "revocation", id))?;
        let subject = picked.records.iter().find_map(|(_, line)| {
            let line: Value = serde_json::from_slice(line).ok()?;
            line.pointer("/what/subject")?.as_str().map(str::to_owned)
        });
        if picked.records.is_empty() {
            return Err(ProveError::NoRecord(id.to_owned()));
        }
        if let Some(subject) = subject {
            let is_subject =
                |line: &[u8]| kind(line) == b"subject" && says(line, "subject", &subject);
            let of_subject = Self::walk(dir, head, |_, line| is_subject(line))?;
            picked.records.extend(of_subject.records);
        }
        Ok(picked)
    }

    /// The last line that the checkpoint has to have. A change of key counts: what comes before it is not signed by
    /// the key in force.
    pub(super) fn last(&self) -> u64 {
        self.records.iter().map(|(seq, _)| *seq).chain(self.changed_at).max().unwrap_or_default()
    }

    /// Adds every `clock` record under `head` that is not there yet: by them a verifier sees by how much the
    /// clock was wrong.
    pub(super) fn add_clocks(&mut self, dir: &Path, head: &Head) -> Result<(), ProveError> {
        let clocks = Self::walk(dir, head, |_, line| kind(line) == CLOCK.as_bytes())?;
        let is_new = |line: &Line| !self.records.contains(line);
        let new: Vec<Line> = clocks.records.into_iter().filter(is_new).collect();
        self.records.extend(new);
        Ok(())
    }

    /// The lines for a note of `size`, in the order of the file. If `has_chain`, first what shows which key has to sign
    /// it: line 0 and the changes of key. Where the note is that of the newest change itself, its line comes after it.
    pub(super) fn lines(&self, size: u64, has_chain: bool) -> Vec<&Line> {
        let chain = std::iter::once(&self.genesis).chain(&self.changes);
        let chain = chain.filter(|(seq, _)| has_chain && *seq < size);
        chain.chain(self.records.iter().filter(|(seq, _)| *seq > 0)).collect()
    }

    fn walk(
        dir: &Path,
        head: &Head,
        wanted: impl Fn(u64, &[u8]) -> bool,
    ) -> Result<Self, ProveError> {
        let (mut lines, mut picked) = (Lines::of(dir)?, Self::default());
        while let Some((seq, line)) = lines.next()? {
            let after_change = picked.changed_at.filter(|key| key + 1 == seq);
            if let Some(key) = after_change
                && Head::in_line(line).is_none_or(|head| head.size != seq)
            {
                return Err(ProveError::Damaged(format!("no checkpoint follows the key in {key}")));
            }
            if seq >= head.size {
                break;
            }
            picked.keys.learn(seq, line);
            if seq == 0 {
                picked.genesis = (seq, line.to_vec());
            }
            if kind(line) == KEY.as_bytes() {
                picked.changed_at = Some(seq);
            }
            if after_change.is_some() || picked.changed_at == Some(seq) {
                picked.changes.push((seq, line.to_vec()));
            }
            if wanted(seq, line) {
                picked.bytes += line.len();
                if picked.bytes > MOST {
                    return Err(ProveError::TooMuch(MOST));
                }
                picked.records.push((seq, line.to_vec()));
            }
        }
        Ok(picked)
    }
}

/// Whether `what` of a line has `member` with that value. Most lines do not even have the text.
fn says(line: &[u8], member: &str, value: &str) -> bool {
    let (text, first) = (value.as_bytes(), value.as_bytes().first());
    let Some(first) = first else { return false };
    let has = line.iter().enumerate().filter(|(_, byte)| *byte == first);
    if !has.into_iter().any(|(at, _)| line.get(at..).is_some_and(|rest| rest.starts_with(text))) {
        return false;
    }
    serde_json::from_slice::<Value>(line).is_ok_and(|line| {
        line.pointer("/what").and_then(|what| what.get(member)?.as_str()) == Some(value)
    })
}
