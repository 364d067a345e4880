//! A place in the log's history as people name it: a size, or a note they kept.

use crate::audit::prove::Head;
use crate::audit::signed::decimal;
use crate::audit::verify::Anchor;
use anyhow::{Context as _, Result, bail};
use std::path::Path;

/// A size, or a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// As many lines.
    Size(u64),
    /// A checkpoint, and where it came from.
    Note(Head, String),
    /// A text that has no note of this log.
    Nothing(String),
}

impl Point {
    /// Reads an argument: a number, `cp1.…`, or a file with notes of the log `origin` in any form, of which the largest
    /// is taken.
    pub(super) fn read(argument: &str, origin: &str) -> Result<Self> {
        if let Some(size) = decimal(argument) {
            return Ok(Self::Size(size));
        }
        let path = Path::new(argument);
        if path.is_file() {
            let text = std::fs::read(path).with_context(|| format!("reading {argument}"))?;
            return Ok(Self::largest(argument, &text, origin));
        }
        if !argument.starts_with("cp1.") {
            bail!("{argument} is neither a size, nor cp1.…, nor a file");
        }
        Ok(Self::largest("the note given", argument.as_bytes(), origin))
    }

    fn largest(source: &str, text: &[u8], origin: &str) -> Self {
        let found = Anchor::find(source, text, origin);
        let heads = found.iter().filter_map(|anchor| Head::of(anchor.text()?));
        match heads.max_by_key(|head| head.size) {
            Some(head) => Self::Note(head, source.to_owned()),
            None => Self::Nothing(source.to_owned()),
        }
    }

    /// Lines it speaks of; `None`: of no line of this log.
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::Size(size) => Some(*size),
            Self::Note(head, _) => Some(head.size),
            Self::Nothing(_) => None,
        }
    }
}
