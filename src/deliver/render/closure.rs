//! The page of a revocation, or of a vendor's offboarding, that is at its end.

use super::beside::Beside;
use super::history::{local, times};
use super::part::roles;
use crate::audit::prove::Head;
use crate::audit::signed::cp1;
use crate::deliver::confluence::{Closing, Part};
use crate::deliver::storage::{Colour, Inline, Panel, Storage, cell, text};
use crate::domain::revocation::Kind;
use crate::domain::time::UtcTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

/// Rows of a table that are written out; the rest is in what is attached.
pub(super) const ROWS: usize = 200;

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// Its body.
    pub body: Storage,
}

/// A proof that is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The revocation that it is of.
    pub revocation: String,
    /// Name of the file.
    pub name: String,
    /// SHA-256 of it, in hex.
    pub sha256: String,
    /// Its size.
    pub bytes: usize,
}

/// What a page is made from.
#[derive(Clone, Debug)]
pub struct Circumstances<'a> {
    /// What is at its end.
    pub closing: &'a Closing,
    /// The delivery, which is the page's key.
    pub delivery: &'a str,
    /// The newest checkpoint.
    pub head: &'a Head,
    /// The key that signed it.
    pub vkey: &'a str,
    /// What is attached.
    pub proofs: &'a [Proof],
    /// The company's time zone, and its name.
    pub zone: Option<(&'a str, TimeZone)>,
    /// The pages beside it.
    pub beside: Beside<'a>,
}

/// The page.
#[must_use]
pub fn closure(of: &Circumstances<'_>) -> Page {
    let mut body = Storage::default();
    of.begin(&mut body);
    of.record(&mut body);
    let parts = &of.closing.parts;
    if of.closing.is_checklist {
        of.members(&mut body);
        for part in parts.iter().filter(|_| !of.beside.short) {
            let mut inside = Storage::default();
            of.part(&mut inside, part);
            body.expand(part.id(), &inside);
        }
    } else {
        for part in parts {
            of.part(&mut body, part);
        }
    }
    of.log(&mut body);
    of.verify(&mut body);
    Page { title: of.closing.title(), body }
}

impl Circumstances<'_> {
    /// An instant in UTC and in the company's time.
    pub(super) fn at(&self, at: UtcTime) -> String {
        local(at, self.zone.as_ref())
    }

    pub(super) fn at_of(&self, body: &Map<String, Value>, key: &str) -> Option<String> {
        body.get(key)?.as_str()?.parse().ok().map(|at| self.at(at))
    }

    fn begin(&self, body: &mut Storage) {
        let what = self.proved();
        let status = Inline::Status("VERIFIED", Colour::Green);
        body.paragraph(&[
            status,
            text(format!(" on {}. {what} ", self.at(self.closing.at))),
            text("What was looked at, and what was not, is below: nothing is said beyond that."),
        ]);
        let since = self.closing.parts.iter().flat_map(|part| &part.since);
        if since.clone().any(|record| record.kind == "access_regressed") {
            let sentence = "Access came back after this was verified. This page says what was proved before; the log \
                            has what followed.";
            body.panel(Panel::Warning, &cell(sentence));
        }
        for (panel, sentence) in self.beside.said("An earlier closure of the same") {
            body.panel(panel, &cell(sentence));
        }
    }

    /// What was proved, by what was asked for: no more than that.
    fn proved(&self) -> &'static str {
        let parts = &self.closing.parts;
        let asked = |part: &Part| {
            let stored = &part.stored;
            stored.landed_revocation.as_deref().unwrap_or(&stored.revocation).kind
        };
        let whole = parts
            .iter()
            .all(|part| asked(part) == Kind::Full && !part.stored.evidence.held && part.verified);
        match (self.closing.is_checklist, whole) {
            (true, true) => {
                "Nothing remains of the access of this vendor: two looks without gaps, one after the other, found \
                 nothing of any revocation of the checklist."
            }
            (true, false) => {
                "What each revocation of the checklist asked for was verified by two looks without gaps, one after \
                 the other, or was withdrawn."
            }
            (false, true) => {
                "Nothing remains of this access: two looks without gaps, one after the other, found nothing of it."
            }
            (false, false) => match parts.first().map(asked) {
                Some(Kind::Suspend) => {
                    "Nothing is left that acts, or lets anybody log in: two looks without gaps found nothing of that. \
                     What is kept is below."
                }
                Some(Kind::Partial) => {
                    "The roles and permissions that had to go are gone, and those that had to stay are there, by two \
                     looks without gaps. Other access is not spoken of."
                }
                Some(Kind::Rotation | Kind::Transfer) => {
                    "The shared secret is another one, and no session from before is left, by two looks without gaps."
                }
                Some(Kind::Full) | None => {
                    "Two looks without gaps found nothing left of this access but what is owned, which a legal hold \
                     keeps."
                }
            },
        }
    }

    fn record(&self, body: &mut Storage) {
        body.heading("Record");
        let code = |id: &str| vec![Inline::Code(id.to_owned())];
        let mut rows = vec![("Record key", code(self.delivery))];
        if self.closing.is_checklist {
            rows.push(("Checklist", code(&self.closing.about)));
            if let Some(vendor) = &self.closing.vendor {
                rows.push(("Vendor", vec![Inline::Theirs(vendor.clone())]));
            }
            rows.push(("Revocations", cell(self.closing.parts.len().to_string())));
        } else {
            rows.push(("Revocation", code(&self.closing.about)));
        }
        rows.push(("Verified by", cell(concat!("revoked ", env!("CARGO_PKG_VERSION")))));
        rows.push(("Times", cell(times(self.zone.as_ref()))));
        body.facts(&rows);
    }

    fn members(&self, body: &mut Storage) {
        body.heading("Revocations of the checklist");
        let row = |part: &Part| {
            let status = if part.verified {
                Inline::Status("VERIFIED", Colour::Green)
            } else {
                Inline::Status("WITHDRAWN", Colour::Grey)
            };
            let end = part.newest("verification_completed").filter(|_| part.verified);
            let end = end.or_else(|| part.newest("revocation_withdrawn"));
            let clean = end.and_then(|record| self.at_of(&record.body, "first_clean_at"));
            vec![
                vec![Inline::Code(part.id().to_owned())],
                roles(part),
                vec![status],
                cell(clean.unwrap_or_else(|| "–".to_owned())),
                cell(end.map_or_else(|| "–".to_owned(), |record| record.seq.to_string())),
            ]
        };
        let parts = &self.closing.parts;
        let rows: Vec<_> = parts.iter().take(ROWS).map(row).collect();
        body.table(&["revocation", "accounts", "state", "first clean look", "log record"], &rows);
        if parts.len() > ROWS {
            let more = parts.len() - ROWS;
            body.paragraph(&cell(format!("And {more} more: revocations.csv, attached.")));
        }
    }

    fn log(&self, body: &mut Storage) {
        body.heading("In the log");
        let head = self.head;
        body.facts(&[
            ("Log", vec![Inline::Code(head.origin.clone())]),
            ("Records", cell(format!("{} to {}", self.closing.first_seq(), self.closing.seq))),
            ("Closed by record", cell(self.closing.seq.to_string())),
            ("Checkpoint", cell(format!("of {} lines, signed", head.size))),
            ("Key that signed it", vec![Inline::Code(self.vkey.to_owned())]),
        ]);
        body.paragraph(&cell("The checkpoint, as it was signed:"));
        body.code(&head.note);
        body.paragraph(&cell("The same in one line, which survives being copied:"));
        body.code(&cp1(&head.note));
    }

    fn verify(&self, body: &mut Storage) {
        body.heading("How to check it, without us");
        let rows: Vec<_> = self
            .proofs
            .iter()
            .map(|proof| {
                vec![
                    vec![Inline::Code(proof.name.clone())],
                    cell(proof.bytes.to_string()),
                    vec![Inline::Code(proof.sha256.clone())],
                ]
            })
            .collect();
        body.table(&["proof, attached", "bytes", "SHA-256"], &rows);
        let left = self.closing.parts.iter().filter(|part| part.verified).count();
        if left > self.proofs.len() {
            let more = left - self.proofs.len();
            body.paragraph(&cell(format!(
                "Of {more} more revocations the proofs are not attached: revoked log prove ID gives them."
            )));
        }
        let name = self.proofs.first().map_or("FILE", |proof| proof.name.as_str());
        body.paragraph(&cell(
            "A proof shows that these records are in the log, under a checkpoint that its key signed. With the program \
             and the public key, which you should have from somebody else than this page, and without a network:",
        ));
        body.code(&format!(
            "revoked verify --proof {name} --key LOG.vkey\nrevoked verify LOG-DIRECTORY --key LOG.vkey --anchor '{}'",
            cp1(&self.head.note)
        ));
        body.paragraph(&cell(
            "The second line holds the whole log against the checkpoint on this page: a log that was cut or written \
             anew does not fit it. This page is a copy for people. Who edits it changes nothing of the log, and is \
             found out.",
        ));
    }
}

#[cfg(test)]
#[path = "closure_tests.rs"]
mod tests;
