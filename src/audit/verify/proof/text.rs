//! The report on a proof file in sentences.

use super::report::{ProofKind, ProofReport};
use super::states::states;
use crate::audit::verify::page::{count, labelled, list, note, paragraph, printable};
use crate::audit::verify::report::{AnchorReport, AnchorResult, Outcome};
use std::fmt;

/// Lines that are shown; the JSON has all of them.
const SHOWN: usize = 40;

impl fmt::Display for ProofReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.outcome.word(), headline(self))?;
        for (name, value) in details(self) {
            labelled(f, &format!("  {name}"), &value)?;
        }
        for anchor in &self.anchors {
            if anchor.result == AnchorResult::Differs {
                let kept = anchor.note.as_deref().unwrap_or_default();
                note(f, &format!("the note in {}:", anchor.source), kept)?;
                note(f, "the note of the proof:", anchor.log_note.as_deref().unwrap_or_default())?;
            }
        }
        paragraph(f, "PROVED", &proved(self))?;
        paragraph(f, "NOT PROVED", &not_proved(self))
    }
}

fn headline(report: &ProofReport) -> String {
    if let Some(fault) = &report.fault {
        let (file, line) = (&fault.file, fault.line);
        return printable(&format!("{file} line {line}: {}", fault.sentence));
    }
    match (report.proof, report.old_size, report.size) {
        (ProofKind::Lines, _, Some(size)) => {
            let lines = count(report.lines.len() as u64, "record", "records");
            format!("{lines} of a log of {size}")
        }
        (ProofKind::Consistency, Some(old), Some(size)) => {
            format!("a log of {size} records, and its first {old}")
        }
        (ProofKind::Consistency, Some(old), None) => format!("a log that began with {old} records"),
        _ => "the file proves nothing".to_owned(),
    }
}

fn details(report: &ProofReport) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(fault) = &report.fault {
        lines.push(("expected", fault.expected.clone()));
        lines.push(("found", fault.found.clone()));
    }
    if let Some(origin) = &report.origin {
        lines.push(("log", origin.clone()));
    }
    if !report.keys.is_empty() {
        let one = |key: &crate::audit::verify::KeyReport| {
            format!("{}{}", key.id, if key.pinned { ", the one you gave" } else { "" })
        };
        lines.push(("keys", report.keys.iter().map(one).collect::<Vec<_>>().join("; ")));
    }
    if report.fault.is_none() {
        for line in report.lines.iter().take(SHOWN) {
            let time = line.time.as_deref().unwrap_or_default();
            let states = states(&line.line);
            let colon = if states.is_empty() { "" } else { ": " };
            let said = format!("{} {} {time}{colon}{states}", line.seq, line.kind);
            lines.push(("record", said));
        }
        if report.lines.len() > SHOWN {
            lines.push(("record", format!("and {} more", report.lines.len() - SHOWN)));
        }
    }
    if let Some(independence) = report.independence {
        lines.push(("proof", independence.word().to_owned()));
    }
    for warning in &report.warnings {
        let (file, line, sentence) = (&warning.file, warning.line, &warning.sentence);
        lines.push(("warning", format!("{file} line {line}: {sentence}")));
    }
    for anchor in &report.anchors {
        let size = anchor.size.map_or_else(String::new, |size| format!(", {size} records"));
        lines.push(("anchor", format!("{}{size}: {}", anchor.source, anchor.sentence)));
    }
    for seen in &report.witnesses {
        let (name, size, time, source) = (&seen.name, seen.size, &seen.time, &seen.source);
        lines.push(("witness", format!("{name} signed {size} records at {time} ({source})")));
    }
    lines
}

/// Of several records.
const THESE: &str = "These records are, byte for byte and at these places,";

fn proved(report: &ProofReport) -> Vec<String> {
    let ids: Vec<String> = report.keys.iter().map(|key| key.id.clone()).collect();
    let is_sound = report.fault.is_none();
    let (Some(size), true, true) = (report.size, is_sound, report.key_pinned) else {
        return vec!["Nothing.".to_owned()];
    };
    // A proof of one line has no genesis that would name its keys.
    let key = match ids.split_last() {
        None => "the key that you gave".to_owned(),
        Some((only, [])) => format!("key {only}"),
        Some((newest, before)) => format!("key {newest} (after {})", list(before)),
    };
    match report.proof {
        ProofKind::Lines => {
            let one = report.lines.len() == 1;
            let (these, them) = if one {
                ("This record is, byte for byte and at this place,", "it")
            } else {
                (THESE, "them")
            };
            let log = count(size, "record", "records");
            let mut sentences =
                vec![format!("{these} in the log of {log} whose root the holder of {key} signed.")];
            let fits = |anchor: &&AnchorReport| anchor.result == AnchorResult::Matches;
            sentences.extend(report.anchors.iter().filter(fits).map(|anchor| {
                let source = &anchor.source;
                format!(
                    "Not even the holder of the key changed {them} since: {source} has the note of that log, kept elsewhere."
                )
            }));
            sentences.extend(report.witnesses.iter().map(|seen| {
                let (name, time) = (&seen.name, &seen.time);
                format!(
                    "Not even the holder of the key changed {them} since {time}: witness {name} signed that log then."
                )
            }));
            sentences
        }
        ProofKind::Consistency if report.outcome == Outcome::Verified => vec![format!(
            "The log of {size} records that the holder of {key} signed begins with the {} of \
             the earlier note, unchanged.",
            report.old_size.unwrap_or_default()
        )],
        ProofKind::Consistency => {
            vec![format!("The holder of {key} signed the later note.")]
        }
    }
}

fn not_proved(report: &ProofReport) -> Vec<String> {
    let mut sentences: Vec<String> =
        report.unmet.iter().map(|unmet| format!("What was asked for: {unmet}")).collect();
    if report.fault.is_some() || report.lines.is_empty() && report.proof == ProofKind::Lines {
        sentences.push("Anything about the log.".to_owned());
        return sentences;
    }
    if report.proof == ProofKind::Lines {
        sentences.push(
            "That there are no other records about the same: only the whole log shows that."
                .to_owned(),
        );
    }
    if !report.warnings.is_empty() {
        sentences.push(
            "When the records were written that are later than a witness allows: that a clock was wrong is only \
             the word of the holder of the key."
                .to_owned(),
        );
    }
    sentences.push(
        "That the times are right, and that what the agent saw in Postgres was the truth."
            .to_owned(),
    );
    sentences
}
