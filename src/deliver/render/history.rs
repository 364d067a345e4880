//! Times and looks on a page, and its tables as files.

use super::closure::ROWS;
use super::part::changes;
use super::words::{items, number, spaced, text as word, when};
use crate::deliver::confluence::{Closing, Part};
use crate::deliver::storage::{Storage, cell};
use crate::domain::time::UtcTime;
use crate::store::ToldRecord;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// An instant in UTC, and in the company's time.
pub(super) fn local(at: UtcTime, zone: Option<&(&str, TimeZone)>) -> String {
    let utc = when(at);
    let Some((_, zone)) = zone else { return utc };
    match Timestamp::from_microsecond(at.micros()) {
        Ok(instant) => {
            let there = instant.to_zoned(zone.clone());
            let same_day = utc.starts_with(&there.date().to_string());
            let form = if same_day { "%H:%M:%S %Z" } else { "%Y-%m-%d %H:%M:%S %Z" };
            format!("{utc} ({})", there.strftime(form))
        }
        Err(_) => utc,
    }
}

/// In which times a page tells when things were.
pub(super) fn times(zone: Option<&(&str, TimeZone)>) -> String {
    match zone {
        Some((name, _)) => format!("in UTC, and in {name} in brackets; by the agent's clock"),
        None => "in UTC; by the agent's clock".to_owned(),
    }
}

/// Every record of a revocation, in the order of the log.
pub(super) fn checks(body: &mut Storage, part: &Part, at: impl Fn(UtcTime) -> String) {
    let row = |record: &ToldRecord| {
        let time = record.body.get("at").and_then(|at| at.as_str()?.parse().ok());
        let time = time.map_or_else(|| "–".to_owned(), &at);
        vec![cell(record.seq.to_string()), cell(time), cell(said(record))]
    };
    let all = &part.records;
    // The end matters more than the middle.
    let (first, last) = if all.len() > ROWS {
        all.split_at_checked(ROWS / 2).unwrap_or((all, &[]))
    } else {
        (all.as_slice(), &[][..])
    };
    let skipped = last.len().saturating_sub(ROWS / 2);
    let shown = first.iter().chain(last.iter().skip(skipped));
    let rows: Vec<_> = shown.map(row).collect();
    body.table(&["log record", "at", "what"], &rows);
    if skipped > 0 {
        body.paragraph(&cell(format!(
            "{skipped} records between the first {} are left out here: they are in the proof, attached.",
            ROWS / 2
        )));
    }
}

/// What a record says, in words of ours.
fn said(record: &ToldRecord) -> String {
    let body = &record.body;
    let missed = |how: &str| match word(body, "milestone") {
        Some(milestone) => format!("Deadline missed ({}): {how}", spaced(milestone)),
        None => format!("Open again: {how}"),
    };
    match record.kind.as_str() {
        "revocation_triggered" => "The notice was accepted".to_owned(),
        "validation_completed" => "What is looked for was settled".to_owned(),
        "subject" => "The subject was given its id in the log".to_owned(),
        "subject_linked" => "Roles were found to be the subject's".to_owned(),
        "observation" => match (word(body, "verdict"), number(body, "residual_total")) {
            (Some("revoked"), _) => "Look: nothing found, nothing left unseen".to_owned(),
            (Some("residual"), 1) => "Look: 1 finding".to_owned(),
            (Some("residual"), count) => format!("Look: {count} findings"),
            _ => format!("Look: inconclusive, {} things unseen", items(body, "gaps").len()),
        },
        "account_disabled" => "Login off, and no session".to_owned(),
        "access_revoked" => "Nothing found any more: the clock stops".to_owned(),
        "verification_completed" => "Verified by another clean look".to_owned(),
        "verification_failed" => missed("access was there"),
        "verification_inconclusive" => missed("nobody could tell"),
        "access_regressed" => "Access came back".to_owned(),
        "use_after_effective" => "A session began after the end of access".to_owned(),
        "revocation_amended" => "What is expected was amended".to_owned(),
        "revocation_withdrawn" => "Withdrawn".to_owned(),
        "overdue_acknowledged" => "No reminders for a while: somebody had it in hand".to_owned(),
        "acknowledgement_ended" => "That was over".to_owned(),
        other => {
            let words = spaced(other);
            let mut chars = words.chars();
            chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
        }
    }
}

/// What a spreadsheet would take for a formula begins with a quote.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

pub(super) fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing into a Vec does not fail.
    let _ = writer.write_record(header);
    for row in rows {
        let _ = writer.write_record(row.iter().map(|cell| plain(cell)));
    }
    writer.into_inner().unwrap_or_default()
}

/// What was there before and after, of everything, as CSV.
#[must_use]
pub fn differences(closing: &Closing) -> Vec<u8> {
    let rows = closing.parts.iter().flat_map(|part| {
        changes(part).into_iter().map(|change| {
            let (found, account) = (change.found, &change.found.account);
            let text = |one: &Option<String>| one.clone().unwrap_or_default();
            vec![
                part.id().to_owned(),
                account.target.clone(),
                account.oid.to_string(),
                text(&account.role),
                found.kind.to_string(),
                text(&found.privilege),
                text(&found.database),
                text(&found.object),
                text(&found.grantor),
                found.strength.to_string(),
                change.before.to_owned(),
                change.after.to_owned(),
            ]
        })
    });
    let header = [
        "revocation",
        "target",
        "oid",
        "role",
        "kind",
        "privilege",
        "database",
        "object",
        "grantor",
        "strength",
        "before",
        "after",
    ];
    table(&header, rows)
}

/// The revocations of a checklist, as CSV.
#[must_use]
pub fn members(closing: &Closing) -> Vec<u8> {
    let rows = closing.parts.iter().map(|part| {
        let end = part.newest("verification_completed").filter(|_| part.verified);
        let end = end.or_else(|| part.newest("revocation_withdrawn"));
        let of = |key| end.and_then(|record| word(&record.body, key)).unwrap_or_default();
        let accounts: Vec<String> = part
            .stored
            .accounts
            .iter()
            .map(|account| format!("{}/{}", account.target, account.role))
            .collect();
        vec![
            part.id().to_owned(),
            accounts.join(" "),
            if part.verified { "verified" } else { "withdrawn" }.to_owned(),
            of("first_clean_at").to_owned(),
            end.map(|record| record.seq.to_string()).unwrap_or_default(),
        ]
    });
    table(&["revocation", "accounts", "state", "first_clean_at", "seq"], rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::effective;

    #[test]
    fn a_day_is_written_once_unless_it_is_another_one_there() {
        let zone = |name| Some((name, effective::zone(name).unwrap()));
        for (at, zone, says) in [
            ("2026-03-05T09:15:00Z", None, "2026-03-05 09:15:00 UTC"),
            (
                "2026-03-05T09:15:00Z",
                zone("Europe/Berlin"),
                "2026-03-05 09:15:00 UTC (10:15:00 CET)",
            ),
            (
                "2026-07-05T23:15:00Z",
                zone("Europe/Berlin"),
                "2026-07-05 23:15:00 UTC (2026-07-06 01:15:00 CEST)",
            ),
            // The hour that comes twice is told apart by the name of the time.
            (
                "2027-11-07T05:30:00Z",
                zone("America/New_York"),
                "2027-11-07 05:30:00 UTC (01:30:00 EDT)",
            ),
            (
                "2027-11-07T06:30:00Z",
                zone("America/New_York"),
                "2027-11-07 06:30:00 UTC (01:30:00 EST)",
            ),
        ] {
            assert_eq!(local(at.parse().unwrap(), zone.as_ref()), says);
        }
    }

    #[test]
    fn nothing_in_a_file_is_a_formula() {
        for (text, kept) in
            [("=1+1", "'=1+1"), ("@x", "'@x"), ("-1", "'-1"), ("a=b", "a=b"), ("", "")]
        {
            assert_eq!(plain(text), kept);
        }
        let csv = table(&["a", "b"], std::iter::once(vec!["x,y".to_owned(), "=z".to_owned()]));
        assert_eq!(String::from_utf8(csv).unwrap(), "a,b\n\"x,y\",'=z\n");
    }
}
