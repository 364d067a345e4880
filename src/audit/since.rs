//! Reading back what is sealed from a line on, across files, as far as somebody needs it.

use super::commit::Landed;
use super::dir::{Name, segments};
use super::error::{LogError, io};
use super::file::LogFile;
use super::format::CHECKPOINT;
use super::lines::{Lines, Next};
use super::tree::leaf_hash;
use crate::domain::hex::hex;
use serde_json::Value;
use std::fs::File;
use std::path::Path;

/// A record that is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub landed: Landed,
    /// `what.id`, if it has one.
    pub id: Option<String>,
    /// Record type.
    pub kind: String,
}

/// Sealed records from a line on.
pub struct Since {
    /// Files to be read yet, the next one last.
    files: Vec<Name>,
    open: Option<(Name, Lines)>,
    /// The next line.
    seq: u64,
    /// The line before it, if that was read.
    before: Option<String>,
    from: u64,
    end: u64,
}

impl LogFile {
    /// Sealed records from line `from` on, checkpoints left out. Files before that line are not read.
    ///
    /// # Errors
    /// When the file that has the line is not there.
    pub fn since(&self, from: u64) -> Result<Since, LogError> {
        since(&self.dir.path, from, self.state.seq)
    }
}

/// The same of a log in `dir` that is not open, whose newest checkpoint is line `end` − 1.
///
/// # Errors
/// When the file that has the line is not there.
pub fn since(dir: &Path, from: u64, end: u64) -> Result<Since, LogError> {
    let mut files = segments(dir).map_err(io(dir, "reading the directory"))?;
    files.reverse();
    let Some(oldest) = files.iter().position(|name| name.first <= from) else {
        let why = format!("the file that has line {from} is not there; put it back");
        return Err(LogError::refused(dir, why));
    };
    files.truncate(oldest + 1);
    let seq = files.last().map_or(0, |name| name.first);
    Ok(Since { files, open: None, seq, before: None, from, end })
}

impl Since {
    /// The next records, at most `limit`; none when there are no more.
    ///
    /// # Errors
    /// When a file cannot be read, or is not the one that was written.
    pub fn next(&mut self, limit: usize) -> Result<Vec<Found>, LogError> {
        let mut found = Vec::new();
        while found.len() < limit && self.seq < self.end {
            let Some((name, lines)) = &mut self.open else {
                let Some(name) = self.files.pop() else { return Ok(found) };
                let file = File::open(&name.path).map_err(io(&name.path, "opening"))?;
                let lines = Lines::of(&file, 0).map_err(io(&name.path, "reading"))?;
                self.open = Some((name, lines));
                continue;
            };
            let damaged = || {
                let why = format!(
                    "line {} is not the one that was written. Keep the file as evidence and restore the log \
                     from a backup; `revoked verify` names the first bad line",
                    self.seq
                );
                LogError::refused(&name.path, why)
            };
            let line = match lines.next().map_err(io(&name.path, "reading"))? {
                Next::Line(line) => line,
                // What a later file continues is told by its name.
                Next::End if self.files.last().is_some_and(|next| next.first == self.seq) => {
                    self.open = None;
                    continue;
                }
                Next::End | Next::Torn(_) => return Err(damaged()),
            };
            if self.seq >= self.from {
                let hash = leaf_hash(line);
                let value: Value = serde_json::from_slice(line).map_err(|_| damaged())?;
                let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str);
                if self.before.as_deref().is_some_and(|before| text("/prev") != Some(before)) {
                    return Err(damaged());
                }
                let kind = text("/type").unwrap_or_default();
                if kind != CHECKPOINT {
                    found.push(Found {
                        landed: Landed { seq: self.seq, hash },
                        id: text("/what/id").map(str::to_owned),
                        kind: kind.to_owned(),
                    });
                }
                self.before = Some(hex(&hash));
            }
            self.seq += 1;
        }
        Ok(found)
    }
}
