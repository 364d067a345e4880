//! The page of a periodic attestation.

mod sections;

use super::beside::Beside;
use super::history::{local, table, times};
use super::words::counted;
use crate::audit::signed::cp1;
use crate::deliver::document::Block;
use crate::deliver::storage::{Colour, Inline, Panel, cell, text};
use crate::domain::attestation::{Attestation, Period, Timeliness};
use crate::domain::milestone::Milestone;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use jiff::tz::TimeZone;
use sections::of;

/// A file that is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// SHA-256 of it, in hex.
    pub sha256: String,
    /// Its size.
    pub bytes: usize,
}

/// What a page is made from, beside the attestation.
#[derive(Clone, Debug, Default)]
pub struct Around<'a> {
    /// The delivery, which is the page's key; `None`: it is only shown.
    pub delivery: Option<&'a str>,
    /// What is attached.
    pub files: &'a [Attached],
    /// The company's time zone, and its name.
    pub zone: Option<(&'a str, TimeZone)>,
    /// The pages beside it.
    pub beside: Beside<'a>,
}

/// The title of a page: of a name of the configuration, days, and the line of the log before which all is counted.
#[must_use]
pub fn title(name: Option<&str>, period: &Period, up_to: u64) -> String {
    let day = |at: UtcTime| at.to_string().get(..10).unwrap_or_default().to_owned();
    let (from, to) = (day(period.from), day(period.to));
    let name = name.map_or_else(String::new, |name| format!(" {name}"));
    format!("Access revocation attestation{name}: {from} to {to} (record {up_to})")
}

/// The page.
#[must_use]
pub fn attestation(made: &Attestation, around: &Around<'_>) -> Vec<Block> {
    let mut page = Writing { made, around, blocks: Vec::new() };
    page.begin();
    page.record();
    page.population();
    page.timeliness();
    page.outcome();
    page.relapses();
    page.exceptions();
    page.blindness();
    page.log();
    page.listed();
    page.controls();
    page.verify();
    page.blocks
}

struct Writing<'a> {
    made: &'a Attestation,
    around: &'a Around<'a>,
    blocks: Vec<Block>,
}

fn number(count: u64) -> Vec<Inline> {
    cell(count.to_string())
}

impl Writing<'_> {
    fn at(&self, at: UtcTime) -> String {
        local(at, self.around.zone.as_ref())
    }

    fn heading(&mut self, words: &str) {
        self.blocks.push(Block::Heading(words.to_owned()));
    }

    fn say(&mut self, words: impl Into<String>) {
        self.blocks.push(Block::Paragraph(cell(words.into())));
    }

    fn panel(&mut self, panel: Panel, words: String) {
        self.blocks.push(Block::Panel(panel, cell(words)));
    }

    fn facts(&mut self, rows: Vec<(&str, Vec<Inline>)>) {
        let rows = rows.into_iter().map(|(label, line)| (label.to_owned(), line)).collect();
        self.blocks.push(Block::Facts(rows));
    }

    fn table(&mut self, columns: &[&str], rows: Vec<Vec<Vec<Inline>>>) {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        self.blocks.push(Block::Table(columns, rows));
    }

    /// The worst that there is to say of the end of the period.
    fn headline(&self) -> Inline {
        let made = self.made;
        if made.outcome.overdue > 0 {
            Inline::Status("OVERDUE", Colour::Red)
        } else if of(&made.outcome.at_end, State::Regressed.as_str()) > 0 {
            Inline::Status("ACCESS CAME BACK", Colour::Red)
        } else if !made.not_known.is_empty()
            || made.blindness.deadlines > 0
            || made.timeliness.iter().any(Timeliness::is_not_all_known)
        {
            Inline::Status("NOT ALL IS KNOWN", Colour::Yellow)
        } else {
            Inline::Status("NOTHING OVERDUE", Colour::Green)
        }
    }

    fn begin(&mut self) {
        let made = self.made;
        let headline = self.headline();
        self.blocks.push(Block::Paragraph(vec![
            headline,
            text(" at the end of the period. What follows is counted from the audit log, and says no more than it holds."),
        ]));
        if let Some(left) = &made.left_out {
            let words = format!(
                "{} before this one, from {} to {}, are not attested one by one, since too many were missed.",
                counted(left.periods, "period", "periods"),
                self.at(left.from),
                self.at(left.to)
            );
            self.panel(Panel::Warning, words);
        }
        for (panel, words) in self.around.beside.said("The attestation before this one") {
            self.panel(panel, words);
        }
    }

    fn record(&mut self) {
        let (made, period) = (self.made, self.made.period);
        self.heading("Record");
        let code = |id: &str| vec![Inline::Code(id.to_owned())];
        let mut rows = Vec::new();
        rows.extend(self.around.delivery.map(|id| ("Record key", code(id))));
        rows.extend(made.name.as_ref().map(|name| ("Attestation", code(name))));
        rows.push(("From", cell(self.at(period.from))));
        rows.push(("To, not in it", cell(self.at(period.to))));
        rows.push(("Made", cell(self.at(made.made_at))));
        rows.push(("Counted", cell(format!("what the log holds before line {}", made.up_to))));
        rows.push(("Made by", cell(concat!("revoked ", env!("CARGO_PKG_VERSION")))));
        rows.push(("Times", cell(times(self.around.zone.as_ref()))));
        self.facts(rows);
        self.heading("What is not known");
        if made.not_known.is_empty() {
            self.say("The log covers the whole period.");
        } else {
            self.blocks
                .push(Block::List(made.not_known.iter().map(|one| cell(one.as_str())).collect()));
        }
    }

    fn controls(&mut self) {
        self.heading("What this is evidence for");
        let rows = self.made.controls.iter().map(|one| {
            vec![
                cell(one.framework.as_str()),
                cell(one.control.as_str()),
                cell(one.sections.join("; ")),
                cell(one.part.as_str()),
            ]
        });
        let rows = rows.collect();
        self.table(&["framework", "control", "sections", "for this part of it"], rows);
        self.say(
            "Each is evidence for a part of the control and of none for the whole: it speaks of the databases that the \
             agent looks at, and of what it was told. Whether a control is met is for who assesses it.",
        );
    }

    fn verify(&mut self) {
        self.heading("How to check it, without us");
        let rows: Vec<_> = self
            .around
            .files
            .iter()
            .map(|file| {
                vec![
                    vec![Inline::Code(file.name.clone())],
                    cell(file.bytes.to_string()),
                    vec![Inline::Code(file.sha256.clone())],
                ]
            })
            .collect();
        if !rows.is_empty() {
            self.table(&["file, attached", "bytes", "SHA-256"], rows);
        }
        self.say(
            "The log is what counts. With the program and the public key, which you should have from somebody else than \
             this page, and without a network: the log is whole and fits the checkpoint on this page, and any of its \
             revocations can be proved by itself.",
        );
        self.blocks.push(Block::Code(format!(
            "revoked verify LOG-DIRECTORY --key LOG.vkey --anchor '{}'\nrevoked log prove rev_ID -o case.tlog-proof\n\
             revoked verify --proof case.tlog-proof --key LOG.vkey",
            cp1(&self.made.log.checkpoint)
        )));
        self.say("This page is a copy for people. Who edits it changes nothing of the log, and is found out.");
    }
}

/// Every revocation of the period, as CSV.
#[must_use]
pub fn attested(made: &Attestation) -> Vec<u8> {
    let time = |at: Option<UtcTime>| at.map(|at| at.to_string()).unwrap_or_default();
    let rows = made.revocations.iter().map(|one| {
        let goal = |milestone: Milestone| one.goals.iter().find(|goal| goal.milestone == milestone);
        let mut row = vec![one.id.clone(), one.subject.clone()];
        row.extend([one.kind.to_string(), one.reason.to_string(), one.source.clone()]);
        row.extend([one.received_at.to_string(), one.effective_at.to_string()]);
        row.push(if one.opened { "opened" } else { "before" }.to_owned());
        for milestone in Milestone::ALL {
            let goal = goal(*milestone);
            row.push(time(goal.map(|goal| goal.deadline)));
            row.push(time(goal.and_then(|goal| goal.met_at)));
            row.push(goal.map(|goal| goal.met.to_string()).unwrap_or_default());
        }
        row.extend([time(one.first_clean_at), time(one.verified_at)]);
        row.extend([one.state.to_string(), one.overdue.to_string()]);
        let counts = [one.regressions, one.uses, one.exceptions, one.first_seq, one.last_seq];
        row.extend(counts.map(|count| count.to_string()));
        row
    });
    let header = [
        "revocation",
        "subject",
        "kind",
        "reason",
        "source",
        "received_at",
        "effective_at",
        "population",
        "login_by",
        "login_met_at",
        "login",
        "access_by",
        "access_met_at",
        "access",
        "credentials_by",
        "credentials_met_at",
        "credentials",
        "first_clean_at",
        "verified_at",
        "state",
        "overdue",
        "regressions",
        "uses",
        "exceptions",
        "first_seq",
        "last_seq",
    ];
    table(&header, rows)
}

#[cfg(test)]
#[path = "attestation_tests.rs"]
mod tests;
