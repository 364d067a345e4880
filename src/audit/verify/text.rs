//! The report in sentences: what is proved, and what is not.
//!
//! Every sentence must be true of the log at hand, and none may claim more than the bytes, the key, the anchors and the
//! witnesses bear.

use super::losses;
use super::page::{count, labelled, list, note, paragraph, printable};
use super::report::{AnchorReport, AnchorResult, Outcome, Report};
use super::settle::UNKNOWN;
use std::fmt;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  {}", self.outcome.word(), headline(self))?;
        for (name, value) in details(self) {
            labelled(f, &format!("  {name}"), &value)?;
        }
        for anchor in contradicting(self) {
            let kept = anchor.note.as_deref().unwrap_or_default();
            note(f, &format!("the note in {}:", anchor.source), kept)?;
            let own = anchor.log_note.as_deref().unwrap_or("none that is good\n");
            note(f, "the note of this log:", own)?;
        }
        paragraph(f, "PROVED", &proved(self))?;
        paragraph(f, "NOT PROVED", &not_proved(self))
    }
}

fn contradicting(report: &Report) -> impl Iterator<Item = &AnchorReport> {
    let contradicts = |anchor: &&AnchorReport| {
        matches!(anchor.result, AnchorResult::Differs | AnchorResult::Larger)
    };
    report.anchors.iter().filter(contradicts)
}

/// The largest anchor that fits, of a log that has it.
fn newest_match(report: &Report) -> Option<&AnchorReport> {
    let fits = |anchor: &&AnchorReport| anchor.result == AnchorResult::Matches;
    report.anchors.iter().filter(fits).max_by_key(|anchor| anchor.size)
}

fn headline(report: &Report) -> String {
    if let Some(fault) = &report.fault {
        let (file, line, offset) = (&fault.file, fault.line, fault.offset);
        return printable(&format!("{file} line {line}, byte {offset}: {}", fault.sentence));
    }
    match (report.outcome, contradicting(report).next(), report.last_seq) {
        (Outcome::HistoryDiffers, Some(anchor), _) => {
            let size = anchor.size.unwrap_or_default();
            let what = if anchor.result == AnchorResult::Larger {
                "this log is shorter"
            } else {
                "this log has other records"
            };
            printable(&format!("{} has a signed note of {size} records; {what}", anchor.source))
        }
        (Outcome::Incomplete, _, None) if report.unsealed_bytes == 0 => {
            "the log is empty".to_owned()
        }
        (Outcome::Incomplete, _, None) => "the log has no checkpoint".to_owned(),
        (Outcome::Incomplete, _, Some(_)) => {
            format!("{}, and a tail that is not sealed", extent(report))
        }
        (Outcome::NotProved, _, None) if !report.key_pinned => {
            "nothing, under the key that you gave".to_owned()
        }
        (Outcome::NotProved, _, _) if !report.key_pinned => {
            format!("{}, SELF-CONSISTENT, key not pinned", extent(report))
        }
        _ => extent(report),
    }
}

fn extent(report: &Report) -> String {
    let time = |time: &Option<String>| time.clone().unwrap_or_default();
    let (first, last) = (time(&report.first_time), time(&report.last_time));
    let (first_seq, last_seq) =
        (report.first_seq.unwrap_or_default(), report.last_seq.unwrap_or_default());
    let records = count(report.records, "record", "records");
    format!("{records}, seq {first_seq}..{last_seq}, {first} .. {last}")
}

fn details(report: &Report) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(fault) = &report.fault {
        lines.push(("expected", fault.expected.clone()));
        lines.push(("found", fault.found.clone()));
    }
    if let Some(origin) = &report.origin {
        lines.push(("log", origin.clone()));
        lines.push(("keys", keys(report)));
    }
    if let Some(continued) = &report.continues {
        let (origin, size) = (&continued.origin, continued.size);
        lines.push(("continues", format!("the log {origin}, of which {size} records were good")));
    }
    match &report.last_checkpoint {
        Some(last) => {
            let (file, line, size, root) = (&last.file, last.line, last.size, &last.root);
            lines.push(("sealed", format!("by {file} line {line}: tree size {size}, root {root}")));
            lines.push(("checked", checked(report)));
        }
        None => lines.push(("sealed", "nothing: no good checkpoint".to_owned())),
    }
    if let Some(independence) = report.independence {
        lines.push(("proof", independence.word().to_owned()));
    }
    for anchor in &report.anchors {
        lines.push(("anchor", of_anchor(anchor)));
    }
    for seen in &report.witnesses {
        let (name, size, time, source) = (&seen.name, seen.size, &seen.time, &seen.source);
        lines.push(("witness", format!("{name} signed {size} records at {time} ({source})")));
    }
    if let Some(subjects) = report.subjects {
        let (disclosed, erased, missing) = (subjects.disclosed, subjects.erased, subjects.missing);
        lines.push((
            "persons",
            format!("{disclosed} disclosed, {erased} erased, {missing} missing"),
        ));
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

fn keys(report: &Report) -> String {
    let one = |key: &super::KeyReport| {
        let begin = match &key.reason {
            Some(reason) => format!(" from record {} on, {reason}", key.from_seq),
            None => String::new(),
        };
        let pinned = if key.pinned { ", the one you gave" } else { "" };
        format!("{}{begin}{pinned}", key.id)
    };
    let mut words: Vec<String> = report.keys.iter().map(one).collect();
    if report.keys_omitted > 0 {
        words.push(count(report.keys_omitted, "other", "others"));
    }
    words.join("; ")
}

fn of_anchor(anchor: &AnchorReport) -> String {
    let size = anchor.size.map_or_else(String::new, |size| format!(", {size} records"));
    let since = if anchor.since { " (--since)" } else { "" };
    format!("{}{since}{size}: {}", anchor.source, anchor.sentence)
}

fn checked(report: &Report) -> String {
    let segments = report.segments.len() as u64 + report.segments_omitted;
    let (checkpoints, roots) = (report.checkpoints, report.roots_checked);
    format!(
        "form, link and place of every line; {} in {}; {} of {}, {}",
        count(report.records, "record", "records"),
        count(segments, "segment", "segments"),
        count(roots, "root", "roots"),
        count(checkpoints, "checkpoint", "checkpoints"),
        count(report.signatures_checked, "signature", "signatures"),
    )
}

fn signers(report: &Report) -> String {
    let ids: Vec<String> = report.keys.iter().map(|key| key.id.clone()).collect();
    let word = if ids.len() == 1 { "key" } else { "keys" };
    format!("{word} {}", list(&ids))
}

fn proved(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if report.outcome == Outcome::HistoryDiffers {
        sentences.extend(contradicting(report).next().map(contradiction));
    }
    let (Some(first), Some(last)) = (report.first_seq, report.last_seq) else {
        if sentences.is_empty() {
            sentences.push("Nothing.".to_owned());
        }
        return sentences;
    };
    let signers = signers(report);
    if !report.key_pinned {
        sentences.push(format!(
            "Records {first} to {last} fit together, under {signers}, which the log itself names."
        ));
        return sentences;
    }
    sentences.push(format!(
        "Records {first} to {last} are, byte for byte and in this order, what {signers} signed."
    ));
    sentences.push(
        "Nobody without the secret of the key changed, removed, added or moved any of them."
            .to_owned(),
    );
    sentences.extend(independent(report, first));
    if let Some(since) = report.anchors.iter().find(|anchor| anchor.since)
        && since.result == AnchorResult::Matches
    {
        let size = since.size.unwrap_or_default();
        sentences.push(format!("They continue the {size} records that you had verified before."));
    }
    if let Some(subjects) = report.subjects.filter(|subjects| subjects.disclosed > 0) {
        let disclosed = subjects.disclosed;
        let persons = count(disclosed, "person in it is the one", "persons in it are those");
        sentences.push(format!("{persons} of whom you gave the disclosure."));
    }
    sentences
}

/// What the notes shown above prove.
fn contradiction(anchor: &AnchorReport) -> String {
    let size = anchor.size.unwrap_or_default();
    if anchor.result == AnchorResult::Larger {
        return format!(
            "The holder of the key signed a log of {size} records, and this one has fewer: its end was \
             cut off, or an older copy was put in its place."
        );
    }
    // A note of this log over as many records contradicts the other by itself.
    let own_size = anchor.log_note.as_deref().and_then(|note| note.lines().nth(1));
    let with = if own_size == Some(size.to_string().as_str()) { "" } else { ", with this log," };
    format!(
        "The holder of the key signed both notes above, and no one log can have both: to anybody who \
         trusts the key the two together{with} prove that a log was written anew."
    )
}

/// What not even the holder of the key can have changed.
fn independent(report: &Report, first: u64) -> Vec<String> {
    let mut sentences = Vec::new();
    let sealed = |size: u64| (size > first).then(|| size.saturating_sub(1));
    if let Some(anchor) = newest_match(report)
        && let Some(last) = anchor.size.and_then(sealed)
    {
        sentences.push(format!(
            "Not even the holder of the key changed, removed, added or moved any of the records \
             {first} to {last} since their note came to {}.",
            anchor.source
        ));
    }
    for seen in &report.witnesses {
        if let Some(last) = sealed(seen.size) {
            let (name, time) = (&seen.name, &seen.time);
            sentences.push(format!(
                "Nor did the holder of the key change any of the records {first} to {last} since \
                 {time}: witness {name} signed them then."
            ));
        }
    }
    sentences
}

fn not_proved(report: &Report) -> Vec<String> {
    let mut sentences = Vec::new();
    if let (false, Some(id)) = (report.key_pinned, &report.key_id) {
        let is_unknown = report.unmet.first().is_some_and(|unmet| unmet.ends_with(UNKNOWN));
        sentences.push(if is_unknown {
            format!("Whose key {id} is: these files begin {UNKNOWN}")
        } else {
            format!(
                "Whose key {id} is: anyone can make such a log with a key of their own. \
                 Get the key from a source you trust and give it with --key."
            )
        });
    }
    let no_key = usize::from(!report.key_pinned && report.fault.is_none());
    sentences.extend(
        report.unmet.iter().skip(no_key).map(|unmet| format!("What was asked for: {unmet}")),
    );
    let (Some(first), Some(last)) = (report.first_seq, report.last_seq) else {
        sentences.push("Anything about the records: no good checkpoint covers them.".to_owned());
        return sentences;
    };
    if report.fault.is_some() {
        sentences.push(format!("Anything after record {last}: no good checkpoint follows it."));
    } else if report.unsealed_bytes > 0 {
        sentences.push(unsealed(report, last));
    }
    sentences.extend(alone(report, first, last));
    let is_cut = |anchor: &AnchorReport| anchor.result == AnchorResult::Larger;
    // Where that is so, it was said before.
    if report.fault.is_none() && !report.anchors.iter().any(is_cut) {
        sentences.push(format!(
            "That record {last} is the last one: records after it may have been cut off."
        ));
    }
    let (continues, omitted) = (report.continues.as_ref(), report.losses_omitted);
    sentences.extend(losses::sentences(continues, &report.losses, omitted));
    sentences.push(
        "That the times are right, and that what the agent saw in Postgres was the truth."
            .to_owned(),
    );
    sentences.extend(elsewhere(report));
    if !report.not_understood.is_empty() {
        sentences.push(not_understood(report));
    }
    sentences
}

/// The records for which only the key speaks.
fn alone(report: &Report, first: u64, last: u64) -> Option<String> {
    let seen = report.witnesses.iter().map(|seen| seen.size).max();
    let bound = newest_match(report).and_then(|anchor| anchor.size).max(seen).unwrap_or(0);
    let from = bound.max(first);
    if from > last {
        return None;
    }
    let why = if report.anchors.is_empty() && seen.is_none() {
        " No note kept elsewhere was compared."
    } else {
        ""
    };
    let what = if from == last {
        format!(
            "That record {last} was always so: it rests on the agent's key alone, whose holder can write it anew."
        )
    } else {
        format!(
            "That records {from} to {last} were always so: they rest on the agent's key alone, whose \
             holder can write them anew."
        )
    };
    Some(what + why)
}

/// What the log says that others hold.
fn elsewhere(report: &Report) -> Option<String> {
    let seen = report.witnesses.iter().map(|seen| seen.size).max();
    let known = newest_match(report).and_then(|anchor| anchor.size).max(seen).unwrap_or(0);
    let others = report.recorded_anchors.iter().filter(|anchor| anchor.size > known);
    let others: Vec<_> = others.collect();
    let names: Vec<String> = others
        .iter()
        .map(|anchor| {
            let name = Some(&anchor.name).filter(|name| **name != anchor.kind);
            let name = name.map_or_else(String::new, |name| format!(" {name}"));
            format!("{}{name} ({} records)", anchor.kind, anchor.size)
        })
        .collect();
    let how = match others.iter().filter(|anchor| anchor.kind == "witness").count() {
        0 => "ask for them, and give them with --anchor.",
        n if n == others.len() => {
            "the signatures are in the log; ask for the public key, and give it with --witness."
        }
        _ => {
            "ask for them, and give them with --anchor. The signatures of a witness are in the log; ask for its \
             public key, and give it with --witness."
        }
    };
    let names = list(&names);
    (!others.is_empty())
        .then(|| format!("What others hold. The log says that notes were given to {names}: {how}"))
}

fn unsealed(report: &Report, last: u64) -> String {
    let (lines, bytes) = (report.unsealed_lines, report.unsealed_bytes);
    let torn = if report.torn_tail { " and a torn one" } else { "" };
    format!(
        "The {bytes} bytes after record {last} ({}{torn}): no checkpoint seals them, so anyone may \
         have written them.",
        count(lines, "whole line", "whole lines")
    )
}

fn not_understood(report: &Report) -> String {
    let mut kinds: Vec<String> =
        report.not_understood.iter().map(|(kind, count)| format!("{kind} ({count})")).collect();
    if report.not_understood_omitted > 0 {
        kinds.push(format!("others ({})", report.not_understood_omitted));
    }
    let kinds = kinds.join(", ");
    format!("What these records say, of types this version does not understand: {kinds}.")
}
