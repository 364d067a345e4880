use super::*;
use crate::deliver::document::{html, storage, text as words};
use crate::domain::attestation::{Entry, LeftOut, LogPart, Replay, Setting, attest};
use crate::domain::effective;
use serde_json::json;

fn at(text: &str) -> UtcTime {
    format!("2026-{text}Z").parse().unwrap()
}

/// An attestation of a week in which most of what there is happened.
fn sample() -> Attestation {
    let period = Period { from: at("03-23T00:00:00"), to: at("03-30T00:00:00") };
    let triggered = |id: &str, reason: &str, source: &str| {
        json!({
            "at": at("03-24T09:00:00"), "revocation": id, "subject": format!("sub_{id}"), "kind": "full",
            "reason": reason, "triggered_by": source, "received_at": at("03-24T09:00:00"),
            "effective_at": at("03-24T08:30:00"),
            "deadlines": {"login": at("03-24T09:15:00"), "access": at("03-24T10:00:00"), "credentials": null},
        })
    };
    let records = [
        ("revocation_triggered", triggered("rev_000193", "terminated", "workday")),
        (
            "revocation_triggered",
            triggered("rev_000194", "vendor_offboarded", "</code><b>=1+1\u{202e}"),
        ),
        (
            "verification_inconclusive",
            json!({
                "at": at("03-24T09:15:04"), "revocation": "rev_000194", "milestone": "login",
                "gaps": [{"target": "orders", "surface": "session"}],
            }),
        ),
        (
            "access_revoked",
            json!({"at": at("03-24T09:10:00"), "as_of": at("03-24T09:09:58"), "revocation": "rev_000193"}),
        ),
        (
            "verification_completed",
            json!({
                "at": at("03-24T09:11:04"), "revocation": "rev_000193", "first_clean_at": at("03-24T09:09:58"),
                "blind_us": 61_000_000,
            }),
        ),
        ("access_regressed", json!({"at": at("03-26T09:11:04"), "revocation": "rev_000193"})),
        ("use_after_effective", json!({"at": at("03-26T09:12:04"), "revocation": "rev_000193"})),
        ("canary_missed", json!({"at": at("03-27T09:12:04"), "target": "orders"})),
    ];
    let mut replay = Replay::new(period);
    for (n, (kind, body)) in records.iter().enumerate() {
        let body = body.as_object().unwrap();
        replay.push(&Entry { kind, body, seq: 117 + n as u64, stood: None });
    }
    let note = "audit.example/orders\n130\nK2Mc8lXWkS+XtbzTqMS1yJhrSmMnJv6tKkvd3YhXqpA=\n\n\
                \u{2014} audit.example/orders A1b2C3d4\n";
    let left_out = LeftOut { periods: 3, from: at("03-02T00:00:00"), to: at("03-23T00:00:00") };
    attest(
        replay,
        Setting {
            name: Some("weekly".to_owned()),
            made_at: at("03-30T00:01:00"),
            up_to: 128,
            left_out: Some(left_out),
            open_blind: 1,
            of_another_log: 0,
            log: LogPart {
                origin: "audit.example/orders".to_owned(),
                key: "audit.example/orders+1b8d7ae2+BHYDkzBYexample".to_owned(),
                begun_at: Some(at("03-24T08:00:00")),
                oldest: Some(0),
                whole: true,
                first: Some(0),
                last: Some(127),
                lines: 128,
                heartbeat_us: Some(600_000_000),
                starts: 1,
                anchors: [("witness".to_owned(), 4)].into(),
                checkpoint: note.to_owned(),
                size: 130,
                ..LogPart::default()
            },
        },
    )
}

fn around(files: &[Attached]) -> Around<'_> {
    Around {
        delivery: Some("atd.weekly.1774828800000000:confluence"),
        files,
        zone: Some(("Europe/Berlin", effective::zone("Europe/Berlin").unwrap())),
        beside: Beside { earlier: Some("7001"), ..Beside::default() },
    }
}

#[test]
fn an_attestation() {
    let made = sample();
    let files = [Attached {
        name: "revocations.csv".to_owned(),
        sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        bytes: 512,
    }];
    let title = title(made.name.as_deref(), &made.period, made.up_to);
    let blocks = attestation(&made, &around(&files));
    insta::assert_snapshot!(words(&title, &blocks));
    let page = html(&title, &blocks);
    assert!(!page.contains("<b>") && !page.contains("<script"), "{page}");
    let body = storage(&blocks);
    assert!(!body.as_str().contains("<b>"), "{}", body.as_str());
}

#[test]
fn a_file_has_no_formulas_and_every_revocation() {
    let mut made = sample();
    made.revocations[1].source = "=1+1".to_owned();
    let csv = String::from_utf8(attested(&made)).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    let columns = |line: &str| line.split(',').count();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| columns(line) == 26), "{csv}");
    assert!(lines[0].starts_with("revocation,subject,kind,reason,source,received_at,"), "{csv}");
    assert!(lines[1].ends_with(",regressed,false,1,1,0,117,123"), "{csv}");
    assert!(
        lines[2].starts_with("rev_000194,sub_rev_000194,full,vendor_offboarded,'=1+1,"),
        "{csv}"
    );
}

#[test]
fn a_short_page_leaves_its_table_to_the_file() {
    let made = sample();
    let beside =
        Beside { earlier: None, short: true, amends: Some("7002"), replaces: Some("7003") };
    let short = Around { beside, ..around(&[]) };
    let said = words("T", &attestation(&made, &short));
    for says in
        ["2 rows: revocations.csv, attached.", "page 7002 before it", "page 7003 was removed"]
    {
        assert!(said.contains(says), "{said}");
    }
    assert!(!said.contains("rev_000193"), "{said}");
}

#[test]
fn the_headline_is_the_worst_that_there_is() {
    let mut made = sample();
    let said = |made: &Attestation| {
        let text = words("T", &attestation(made, &Around::default()));
        text.lines()
            .find(|line| line.starts_with('['))
            .unwrap()
            .split(']')
            .next()
            .unwrap()
            .to_owned()
    };
    assert_eq!(said(&made), "[OVERDUE");
    made.outcome.overdue = 0;
    assert_eq!(said(&made), "[ACCESS CAME BACK");
    made.outcome.at_end.insert("regressed".to_owned(), 0);
    assert_eq!(said(&made), "[NOT ALL IS KNOWN");
    made.not_known.clear();
    made.blindness.deadlines = 0;
    assert_eq!(said(&made), "[NOT ALL IS KNOWN", "what became of a deadline is not");
    for one in &mut made.timeliness {
        one.met.insert("not_known".to_owned(), 0);
    }
    assert_eq!(said(&made), "[NOTHING OVERDUE");
}
