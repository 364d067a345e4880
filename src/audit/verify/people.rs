//! Persons in the log: what stands for each of them, against the disclosures that the caller holds.

use super::line::Line;
use super::members::{beginning, string_of};
use super::report::{FaultKind, Flaw, Place, SubjectsReport, excerpt};
use super::tree::Hash;
use super::vkey::hex;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Persons beyond these without a disclosure are counted and not named.
const MAX_MISSING: usize = 10_000;

/// The disclosures in a file.
#[derive(Debug, Clone)]
pub struct Disclosures {
    source: Arc<str>,
    rows: BTreeMap<String, Row>,
}

/// What is said about one subject.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// A `subject` record committed to it, and no `erasure` followed.
    is_held: bool,
    /// SHA-256 of the disclosure: what the log must have committed to.
    hash: Hash,
    line: u64,
    offset: u64,
}

/// A line of a file of disclosures that is none.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {0}: expected {{\"subject\":\"…\",\"disclosure\":\"…\"}}, each subject once")]
pub struct NoDisclosure(u64);

impl Disclosures {
    /// Reads the text of a file, which the caller calls `source`: a JSON object a line.
    ///
    /// # Errors
    /// Names the first line that is not such an object, or about a subject that came before.
    pub fn parse(source: &str, text: &str) -> Result<Self, NoDisclosure> {
        #[derive(serde::Deserialize)]
        struct Given {
            subject: String,
            disclosure: String,
        }
        let mut rows = BTreeMap::new();
        let (mut number, mut offset) = (0, 0);
        for line in text.split_inclusive('\n') {
            number += 1;
            // A list of two texts would be taken for it, too.
            let is_object = line.trim_start().starts_with('{');
            let given: Option<Given> = is_object.then(|| serde_json::from_str(line).ok()).flatten();
            let given = given.ok_or(NoDisclosure(number))?;
            let hash = Sha256::digest(given.disclosure).into();
            if rows
                .insert(named(given.subject), Row { is_held: false, hash, line: number, offset })
                .is_some()
            {
                return Err(NoDisclosure(number));
            }
            offset += line.len() as u64;
        }
        Ok(Self { source: source.into(), rows })
    }
}

/// The id of a person, to be kept: of one that is too long its beginning, and its hash to tell it from others.
fn named(id: String) -> String {
    match beginning(&id) {
        Some(start) => format!("{start}… (SHA-256 {})", hex(&Sha256::digest(&id))),
        None => id,
    }
}

/// How many persons there were up to some line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Whose disclosure fits.
    checked: u64,
    erased: u64,
    missing: u64,
}

/// What was found of the persons so far.
#[derive(Debug, Default)]
pub(super) struct People {
    disclosures: Option<Disclosures>,
    checked: u64,
    erased: u64,
    /// Those without a disclosure whose erasure may still follow.
    missing: BTreeMap<String, Place>,
    omitted: u64,
}

impl People {
    pub(super) fn new(disclosures: Option<Disclosures>) -> Self {
        Self { disclosures, ..Self::default() }
    }

    pub(super) fn are_asked_for(&self) -> bool {
        self.disclosures.is_some()
    }

    /// Takes a `subject` record.
    pub(super) fn subject(&mut self, line: &Line<'_>, place: &Place) -> Result<(), Flaw> {
        let Some(known) = &mut self.disclosures else { return Ok(()) };
        let id = named(string_of(line, "subject").unwrap_or_default());
        let Some(row) = known.rows.get_mut(&id) else {
            if self.missing.len() < MAX_MISSING || self.missing.contains_key(&id) {
                self.missing.insert(id, place.clone());
            } else {
                self.omitted += 1;
            }
            return Ok(());
        };
        let (given, found) =
            (URL_SAFE_NO_PAD.encode(row.hash), string_of(line, "commit").unwrap_or_default());
        if given != found {
            let sentence = format!(
                "The disclosure of {id} does not give what the log committed to: one of the two was changed."
            );
            let found = excerpt(found.as_bytes());
            let flaw = Flaw::new(FaultKind::Subject, 0, found, given, sentence);
            let file = Arc::clone(&known.source);
            return Err(flaw.elsewhere(&Place { file, line: row.line, offset: row.offset }));
        }
        self.checked += u64::from(!std::mem::replace(&mut row.is_held, true));
        Ok(())
    }

    /// Takes an `erasure` record. Gives a warning where the disclosure was given all the same: whoever gave it should
    /// not have it any more.
    pub(super) fn erasure(&mut self, line: &Line<'_>) -> Option<String> {
        let id = named(string_of(line, "subject").unwrap_or_default());
        if self.missing.remove(&id).is_some() {
            self.erased += 1;
            return None;
        }
        let row = self.disclosures.as_mut().and_then(|known| known.rows.get_mut(&id))?;
        if !std::mem::take(&mut row.is_held) {
            return None;
        }
        self.checked -= 1;
        self.erased += 1;
        Some(format!(
            "{id} is erased here, and a disclosure was given all the same: the file is older than the erasure, delete it"
        ))
    }

    /// How many there are so far.
    pub(super) fn counts(&self) -> Counts {
        let missing = self.missing.len() as u64 + self.omitted;
        Counts { checked: self.checked, erased: self.erased, missing }
    }

    /// The persons whose disclosure is missing, and what there is to report of those that were `sealed`.
    pub(super) fn end(self, sealed: Counts) -> (Vec<(String, Place)>, Option<SubjectsReport>) {
        let Counts { checked, erased, missing } = sealed;
        let report =
            self.disclosures.map(|_| SubjectsReport { disclosed: checked, erased, missing });
        (self.missing.into_iter().collect(), report)
    }
}
