//! A place in the log's history as people name it: a size, or a note they kept.

use crate::audit::prove::Head;
use crate::audit::signed::{decimal, of_cp1};
use anyhow::{Context as _, Result, bail};
use std::path::Path;

/// A size, or a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// As many lines.
    Size(u64),
    /// A checkpoint, and where it came from.
    Note(Head, String),
}

impl Point {
    /// Reads an argument: a number, `cp1.…`, or a file with a note or a `cp1.` line in it.
    pub(super) fn read(argument: &str) -> Result<Self> {
        if let Some(size) = decimal(argument) {
            return Ok(Self::Size(size));
        }
        if argument.starts_with("cp1.") {
            let note = of_cp1(argument).context("it is not a whole cp1. line")?;
            let head = Head::of(&note).context("what is in the cp1. line is no checkpoint")?;
            return Ok(Self::Note(head, "the note given".to_owned()));
        }
        let path = Path::new(argument);
        if !path.is_file() {
            bail!("{argument} is neither a size, nor cp1.…, nor a file");
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("reading {argument}"))?;
        let line = text.lines().rev().find(|line| line.trim_start().starts_with("cp1."));
        let head = Head::of(&text).or_else(|| Head::of(&line.and_then(of_cp1)?));
        let head =
            head.with_context(|| format!("{argument} is neither a note nor has a cp1. line"))?;
        Ok(Self::Note(head, argument.to_owned()))
    }

    /// Lines it speaks of.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Size(size) => *size,
            Self::Note(head, _) => head.size,
        }
    }
}
