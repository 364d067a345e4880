//! Which lines go into a proof.

use super::keys::Keys;
use super::lines::{Lines, kind};
use super::{Head, ProveError};
use crate::audit::format::KEY;
use serde_json::Value;
use std::path::Path;

/// Most bytes of lines in a bundle.
const MOST: usize = 32 * 1024 * 1024;

/// A line and its place.
pub(super) type Line = (u64, Vec<u8>);

/// Lines that are to be proved.
#[derive(Debug, Default)]
pub(super) struct Picked {
    pub(super) genesis: Line,
    /// Each `key` record, with the checkpoint after it.
    pub(super) changes: Vec<(Line, Head)>,
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
        let changes = self.changes.iter().map(|((seq, _), _)| *seq);
        self.records.iter().map(|(seq, _)| *seq).chain(changes).max().unwrap_or_default()
    }

    fn walk(
        dir: &Path,
        head: &Head,
        wanted: impl Fn(u64, &[u8]) -> bool,
    ) -> Result<Self, ProveError> {
        let (mut lines, mut picked) = (Lines::of(dir)?, Self::default());
        let mut change = None;
        while let Some((seq, line)) = lines.next()? {
            if let Some(key) = change.take() {
                let after = Head::in_line(line).filter(|head| head.size == seq);
                let why =
                    || ProveError::Damaged(format!("no checkpoint follows the key in {}", seq - 1));
                picked.changes.push((key, after.ok_or_else(why)?));
            }
            if seq >= head.size {
                break;
            }
            picked.keys.learn(seq, line);
            if seq == 0 {
                picked.genesis = (seq, line.to_vec());
            }
            if kind(line) == KEY.as_bytes() {
                change = Some((seq, line.to_vec()));
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
