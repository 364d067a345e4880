//! The report in sentences: what is proved, and what is not.
//!
//! Every sentence must be true of the log at hand, and none may claim more than the bytes and the
//! key bear. In particular this version compares no checkpoint kept elsewhere, so it never says
//! that a log is complete or that its key holder could not have changed it.

use super::report::{Outcome, Report};
use std::fmt::{self, Write as _};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.outcome.word(), headline(self))?;
        for (name, value) in details(self) {
            writeln!(f, "  {name:<10}  {}", printable(&value))?;
        }
        paragraph(f, "PROVED", &proved(self))?;
        paragraph(f, "NOT PROVED", &not_proved(self))
    }
}

fn paragraph(f: &mut fmt::Formatter<'_>, title: &str, sentences: &[String]) -> fmt::Result {
    for (at, sentence) in sentences.iter().enumerate() {
        writeln!(f, "{:<10}  {}", if at == 0 { title } else { "" }, printable(sentence))?;
    }
    Ok(())
}

/// The input is not trusted, so nothing of it reaches a terminal but characters that print.
fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut plain, c| {
        match c {
            '"' | '\'' | '\\' => plain.push(c),
            other => plain.extend(other.escape_debug()),
        }
        plain
    })
}

fn headline(report: &Report) -> String {
    match (report.outcome, &report.fault, report.last_seq) {
        (_, Some(fault), _) => {
            let (file, line, offset) = (&fault.file, fault.line, fault.offset);
            printable(&format!("{file} line {line}, byte {offset}: {}", fault.sentence))
        }
        (Outcome::Incomplete, None, None) if report.unsealed_bytes == 0 => {
            "the log is empty".to_owned()
        }
        (Outcome::Incomplete, None, None) => "the log has no checkpoint".to_owned(),
        (Outcome::Incomplete, None, Some(_)) => {
            format!("{}, and a tail that is not sealed", extent(report))
        }
        (Outcome::NotProved, None, _) => {
            format!("{}, SELF-CONSISTENT, key not pinned", extent(report))
        }
        _ => extent(report),
    }
}

fn extent(report: &Report) -> String {
    let time = |time: &Option<String>| time.clone().unwrap_or_default();
    let (first, last) = (time(&report.first_time), time(&report.last_time));
    let last_seq = report.last_seq.unwrap_or_default();
    format!("{} records, seq 0..{last_seq}, {first} .. {last}", report.records)
}

fn details(report: &Report) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(fault) = &report.fault {
        lines.push(("expected", fault.expected.clone()));
        lines.push(("found", fault.found.clone()));
    }
    if let (Some(origin), Some(id)) = (&report.origin, &report.key_id) {
        let pinned = if report.key_pinned { "pinned" } else { "named by the log itself" };
        lines.push(("log", origin.clone()));
        lines.push(("key", format!("{id}, {pinned}")));
    }
    match &report.last_checkpoint {
        Some(last) => {
            let (file, line, size, root) = (&last.file, last.line, last.size, &last.root);
            lines.push(("sealed", format!("by {file} line {line}: tree size {size}, root {root}")));
            lines.push((
                "checked",
                format!(
                    "form, link and tree of every line; root of {} checkpoints; signature of {}",
                    report.checkpoints, report.signatures_checked
                ),
            ));
        }
        None => lines.push(("sealed", "nothing: no good checkpoint".to_owned())),
    }
    for warning in &report.warnings {
        let (file, line, sentence) = (&warning.file, warning.line, &warning.sentence);
        lines.push(("warning", format!("{file} line {line}: {sentence}")));
    }
    if report.warnings_omitted > 0 {
        lines.push(("warning", format!("and {} more", report.warnings_omitted)));
    }
    lines
}

fn proved(report: &Report) -> Vec<String> {
    let (Some(last), Some(id)) = (report.last_seq, &report.key_id) else {
        return vec!["Nothing.".to_owned()];
    };
    if report.key_pinned {
        vec![
            format!(
                "Records 0 to {last} are, byte for byte and in this order, what key {id} signed."
            ),
            "Nobody without that key's secret changed, removed, added or moved any of them."
                .to_owned(),
        ]
    } else {
        vec![format!(
            "Records 0 to {last} fit together, under key {id}, which the log itself names."
        )]
    }
}

fn not_proved(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if let (false, Some(id)) = (report.key_pinned, &report.key_id) {
        sentences.push(format!(
            "Whose key {id} is: anyone can make such a log with a key of their own. \
             Get the key from a source you trust and give it with --key."
        ));
    }
    let Some(last) = report.last_seq else {
        sentences.push("Anything about the records: no good checkpoint covers them.".to_owned());
        return sentences;
    };
    if report.fault.is_some() {
        sentences.push(format!("Anything after record {last}: no good checkpoint follows it."));
    } else if report.unsealed_bytes > 0 {
        sentences.push(unsealed(report, last));
    }
    sentences.push(format!(
        "That records 0 to {last} were always so: they rest on the agent's key alone, whose holder \
         can write them anew. No checkpoint kept elsewhere was compared."
    ));
    sentences.push(format!(
        "That record {last} is the last one: records after it may have been cut off."
    ));
    sentences.push(
        "That the times are right, and that what the agent saw in Postgres was the truth."
            .to_owned(),
    );
    if !report.not_understood.is_empty() {
        sentences.push(not_understood(report));
    }
    sentences
}

fn unsealed(report: &Report, last: u64) -> String {
    let (lines, bytes) = (report.unsealed_lines, report.unsealed_bytes);
    let torn = u8::from(report.torn_tail);
    format!(
        "The {bytes} bytes after record {last} (whole lines: {lines}, torn: {torn}): no checkpoint \
         seals them, so anyone may have written them."
    )
}

fn not_understood(report: &Report) -> String {
    let mut sentence =
        "What these records say, of types this version does not understand:".to_owned();
    for (at, (kind, count)) in report.not_understood.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(sentence, "{comma} {kind} ({count})");
    }
    if report.not_understood_omitted > 0 {
        let _ = write!(sentence, ", others ({})", report.not_understood_omitted);
    }
    sentence + "."
}
