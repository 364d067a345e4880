//! What others hold: notes, cosignatures, disclosures. Cases 10, 12, 19, 20, 46 to 48, 52, 59 and 63.

use super::samples::{Log, ORIGIN, anchored, asked, cosigned, said, witness_key};
use crate::audit::verify::{
    Anchor, AnchorResult, Disclosures, FaultKind, Independence, MaxAge, Options, Witness,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use serde_json::json;
use sha2::{Digest, Sha256};

const WITNESS: &str = "witness.example/w1";
/// 2026-11-21T21:00:01Z, the time of the lines of a sample.
const TIME: u64 = 1_795_294_801;

fn witness() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

fn one_line(note: &str) -> String {
    format!("cp1.{}", URL_SAFE_NO_PAD.encode(note))
}

fn results(log: &Log, texts: &[&str]) -> (u8, Vec<AnchorResult>) {
    let report = asked(&log.bytes(), &anchored(log, texts));
    assert!(report.fault.is_none(), "{report}");
    (report.exit_code, report.anchors.iter().map(|anchor| anchor.result).collect())
}

#[test]
fn notes_that_fit() {
    use AnchorResult::Matches;
    let log = Log::sample();
    for size in 1..=7 {
        let note = log.note_at(size);
        assert_eq!(
            results(&log, &[&note, &one_line(&note)]),
            (0, vec![Matches]),
            "48, size {size}"
        );
    }
    let report = asked(&log.bytes(), &anchored(&log, &[&log.note_at(4)]));
    assert_eq!(report.independence, Some(Independence::Anchored));
    let text = said(&report);
    assert!(text.contains("any of the records 0 to 3 since their note came to page."), "{text}");
    assert!(text.contains("That records 4 to 6 were always so"), "{text}");
    let options = Options { require_anchor: true, ..anchored(&log, &[]) };
    let report = asked(&log.bytes(), &options);
    assert_eq!((report.exit_code, report.independence), (6, Some(Independence::SelfAttested)));
}

/// Cases 10, 12, 19 and 20.
#[test]
fn notes_that_contradict() {
    use AnchorResult::{Differs, Larger};
    let log = Log::sample();
    let cut = Log { lines: log.lines[..5].to_vec(), ..log.clone() };
    assert_eq!(results(&cut, &[&log.note_at(6)]), (5, vec![Larger]), "10 and 12");
    let unsealed = Log { lines: log.lines[..6].to_vec(), ..log.clone() };
    assert_eq!(results(&unsealed, &[&log.note_at(7)]), (5, vec![Larger]), "before incomplete");
    assert_eq!(
        results(&unsealed, &[&log.note_at(6)]).0,
        3,
        "what is there fits, and is not sealed"
    );

    let mut other = Log::sample();
    other.lines.truncate(2);
    for _ in 0..6 {
        other.record("heartbeat", &json!({ "n": 1 }));
    }
    other.checkpoint();
    for size in 3..=7 {
        let (ours, theirs) = (log.note_at(size), other.note_at(size));
        assert_eq!(results(&log, &[&theirs]), (5, vec![Differs]), "19, size {size}");
        assert_eq!(results(&other, &[&ours]), (5, vec![Differs]), "20, size {size}");
        let report = asked(&log.bytes(), &anchored(&log, &[&theirs]));
        let text = report.to_string();
        for note in [&theirs, report.anchors[0].log_note.as_ref().unwrap()] {
            assert!(note.lines().all(|line| text.contains(line)), "both notes are shown: {text}");
        }
        assert!(said(&report).contains("The holder of the key signed both notes above"));
    }
    let report = asked(&log.bytes(), &anchored(&log, &[&other.note_at(4)]));
    assert_eq!(report.anchors[0].log_note.as_deref(), Some(log.note_at(4).as_str()), "of one size");

    let mut spoiled = log.clone();
    spoiled.lines[5] = spoiled.lines[5].replace("heartbeat", "heartbeet");
    let report = asked(&spoiled.bytes(), &anchored(&log, &[&other.note_at(4)]));
    assert_eq!(report.exit_code, 4, "tampered comes first");
}

/// Cases 46 and 47.
#[test]
fn notes_that_prove_nothing() {
    use AnchorResult::{Matches, Unusable};
    let log = Log::sample();
    let note = log.note_at(4);
    let root = note.lines().nth(2).unwrap();
    let swapped = format!("{}{}", &root[4..8], &root[4..]);
    let stranger = Log::new("acme/test/00112233445566ff", 9);
    for (case, text) in [
        ("46, root", note.replace(root, &swapped)),
        ("46, size", note.replacen("\n4\n", "\n3\n", 1)),
        ("46, size beyond the log", note.replacen("\n4\n", "\n400\n", 1)),
        ("another key", Log { key: SigningKey::from_bytes(&[9; 32]), ..log.clone() }.note_at(4)),
        ("another log", stranger.note()),
        ("another log in one line", one_line(&stranger.note())),
        ("no note", "nothing to see here".to_owned()),
        ("no note in one line", "cp1.AAAA".to_owned()),
        ("no signature", note.split_once("\n\n").unwrap().0.to_owned()),
    ] {
        assert_eq!(results(&log, &[&text]), (6, vec![Unusable]), "{case}");
        assert_eq!(results(&log, &[&text, &note]).0, 6, "{case}, beside one that fits");
    }
    let by_others = format!(
        "{note}{}\u{2014} sum.example AAAAAAAAAA==\n",
        cosigned(&note, WITNESS, &witness(), 7)
    );
    assert_eq!(results(&log, &[&by_others]), (0, vec![Matches]), "47");
    let edited = asked(&log.bytes(), &anchored(&log, &[&note.replace(root, &swapped)]));
    assert!(said(&edited).contains("not signed by this log"), "46: {edited}");
}

/// Case 48: what pages and chats do to a note.
#[test]
fn notes_in_any_text() {
    use AnchorResult::Matches;
    let log = Log::sample();
    let note = log.note_at(4) + &cosigned(&log.note_at(4), WITNESS, &witness(), TIME);
    let json = serde_json::to_string(&note).unwrap();
    let html = note.replace('&', "&amp;").replace('+', "&#43;").replace('=', "&#61;");
    let escaped = json.replace('\u{2014}', "\\u2014").replace('/', "\\/");
    let in_chat = format!("{{\"text\":\"```{}```\"}}", &escaped[1..escaped.len() - 3]);
    for text in [
        note.clone(),
        note.replace('\n', "\r\n"),
        format!("> {}", note.replace("\n\n", "\n").replace('\n', "\n   ")),
        json.clone(),
        escaped.clone(),
        in_chat,
        format!("<p>{}</p>", note.replace('\n', "<br/>")),
        format!("<pre>{}</pre>", html.replace('\u{2014}', "&mdash;")),
        format!("<td>{}</td>", html.replace('\u{2014}', "&#8212;").replace('\n', "</td><td>")),
        html.replace('\u{2014}', "&#x2014;").replace(' ', "&nbsp;"),
        serde_json::to_string(&format!("<pre>{html}</pre>")).unwrap(),
        format!("<code>{}</code>", escaped.replace('"', "&quot;")),
        format!("size 4: <a href=\"x\">{}</a>, and so on", one_line(&note)),
        format!("{note}{note}{}", one_line(&note)),
    ] {
        let options = Options {
            witnesses: vec![Witness::parse(&witness_key(WITNESS, &witness())).unwrap()],
            ..anchored(&log, &[&text])
        };
        let report = asked(&log.bytes(), &options);
        let results: Vec<_> = report.anchors.iter().map(|anchor| anchor.result).collect();
        assert_eq!((report.exit_code, results), (0, vec![Matches]), "{text}\n{report}");
        assert_eq!(report.anchors[0].witnesses.len(), 1, "{text}");
    }
    for hostile in ["<", "&#", "\\u", "cp1.", "\u{2014} ", ORIGIN, "<a"] {
        let text = hostile.repeat(100_000);
        assert_eq!(Anchor::find("x", text.as_bytes(), ORIGIN).len(), 1);
    }
}

fn witnessed(log: &Log, texts: &[&str]) -> Options {
    Options {
        witnesses: vec![Witness::parse(&witness_key(WITNESS, &witness())).unwrap()],
        ..anchored(log, texts)
    }
}

/// Case 63, and what a good line gives.
#[test]
fn signatures_of_witnesses() {
    let log = Log::sample();
    let note = log.note_at(4);
    let good = cosigned(&note, WITNESS, &witness(), TIME + 5);
    let report = asked(&log.bytes(), &witnessed(&log, &[&(note.clone() + &good)]));
    assert_eq!((report.exit_code, report.independence), (0, Some(Independence::Witnessed)));
    assert_eq!(
        (report.witnesses[0].size, report.witnesses[0].time.as_str()),
        (4, "2026-11-21T21:00:06.000000Z")
    );
    assert!(
        said(&report).contains("since 2026-11-21T21:00:06.000000Z: witness witness.example/w1")
    );

    let of_another = cosigned(&log.note_at(5), WITNESS, &witness(), TIME);
    let report = asked(&log.bytes(), &witnessed(&log, &[&(note.clone() + &of_another)]));
    assert_eq!(report.exit_code, 6, "63: {report}");
    assert!(said(&report).contains("witness witness.example/w1 is not good"));
    let report = asked(&log.bytes(), &anchored(&log, &[&(note.clone() + &of_another)]));
    assert_eq!(report.exit_code, 0, "nobody named the witness: {report}");
    let other_key = cosigned(&note, WITNESS, &SigningKey::from_bytes(&[43; 32]), TIME);
    let report = asked(&log.bytes(), &witnessed(&log, &[&(note + &other_key)]));
    assert_eq!((report.exit_code, report.witnesses.len()), (6, 0), "a key nobody knows");
    assert!(said(&report).contains("Witness witness.example/w1 (key "), "{report}");
    assert!(said(&report).contains("signed nothing: there is no good signature of it in the log"));
    let tampered = log.edited(|lines| lines[3] = lines[3].replace("access", "axxess"));
    let report = asked(&tampered, &witnessed(&log, &[]));
    assert_eq!(report.exit_code, 4, "what is worse comes first: {report}");
}

/// Case 52: the times of lines against those of witnesses, in anchors and in receipts of the log.
#[test]
fn times_that_witnesses_do_not_allow() {
    let log = Log::sample();
    let (tolerated, late) = (600, 601);
    for (case, time, line) in [
        ("good, just late enough", TIME - tolerated, None),
        ("lines before it are younger", TIME - late, Some(1)),
        ("good, just early enough", TIME + tolerated, None),
        ("lines after it are older", TIME + late, Some(6)),
    ] {
        let note = log.note_at(4) + &cosigned(&log.note_at(4), WITNESS, &witness(), time);
        let report = asked(&log.bytes(), &witnessed(&log, &[&note]));
        let fault = report.fault.as_ref().map(|fault| (fault.kind, fault.line));
        assert_eq!(fault, line.map(|line| (FaultKind::Time, line)), "52, {case}: {report}");

        let mut told = log.clone();
        let receipt = cosigned(&log.note_at(6), WITNESS, &witness(), time);
        let hash = "00".repeat(32);
        told.record("anchor", &json!({ "kind": "witness", "name": "w", "note_sha256": hash, "receipt": receipt, "size": 6 }));
        told.checkpoint();
        let report = asked(&told.bytes(), &witnessed(&told, &[]));
        let line = line.map(|line| if line == 6 { 8 } else { line });
        let fault = report.fault.as_ref().map(|fault| (fault.kind, fault.line));
        assert_eq!(
            fault,
            line.map(|line| (FaultKind::Time, line)),
            "52, receipt, {case}: {report}"
        );
        if line.is_none() {
            assert_eq!(report.independence, Some(Independence::Witnessed), "{report}");
            assert_eq!(report.witnesses[0].source, "record 7");
            assert_eq!(report.recorded_anchors[0].size, 6);
        }
    }
    let mut told = log.clone();
    let receipt = cosigned(&log.note_at(4), WITNESS, &witness(), TIME);
    told.record(
        "anchor",
        &json!({ "kind": "witness", "name": "w", "receipt": receipt, "size": 6 }),
    );
    told.checkpoint();
    let report = asked(&told.bytes(), &witnessed(&told, &[]));
    assert_eq!(
        (report.exit_code, report.witnesses.len(), report.warnings.len()),
        (6, 0, 1),
        "{report}"
    );
    let report = asked(&told.bytes(), &anchored(&told, &[]));
    assert!(said(&report).contains("notes were given to witness w (6 records)"), "{report}");
    assert!(said(&report).contains("give it with --witness"), "{report}");
    // What was checked is not asked for once more.
    let mut told = log.clone();
    let receipt = cosigned(&log.note_at(6), WITNESS, &witness(), TIME);
    for (kind, name) in [("witness", "w"), ("git", "git")] {
        let what = json!({ "kind": kind, "name": name, "receipt": receipt, "size": 6 });
        told.record("anchor", &what);
    }
    told.checkpoint();
    let report = asked(&told.bytes(), &witnessed(&told, &[]));
    assert_eq!(report.exit_code, 0, "{report}");
    assert!(!said(&report).contains("What others hold"), "{report}");
    let report = asked(&told.bytes(), &anchored(&told, &[]));
    assert!(
        said(&report).contains("given to git (6 records) and witness w (6 records)"),
        "{report}"
    );
}

/// Case 10 with `--max-age`.
#[test]
fn a_log_that_is_too_old() {
    let log = Log::sample();
    let aged = |seconds: i64| {
        let now = (i64::try_from(TIME).unwrap() + seconds) * 1_000_000;
        let max_age = Some(MaxAge { now, limit: 900 * 1_000_000 });
        asked(&log.bytes(), &Options { max_age, ..anchored(&log, &[]) })
    };
    assert_eq!((aged(900).exit_code, aged(-5).exit_code), (0, 0));
    let report = aged(901);
    assert_eq!(report.exit_code, 6, "10");
    assert!(said(&report).contains("older than 900 s"), "{report}");
}

/// The note that is printed beside one that differs is one that the key signed.
#[test]
fn what_is_shown_beside_a_contradiction_is_good() {
    let mut kept = Log::sample();
    kept.lines.truncate(2);
    kept.record("heartbeat", &json!({ "n": 1 }));
    let note = kept.note();
    let mut log = Log::sample();
    log.lines.truncate(2);
    log.record("heartbeat", &json!({ "n": 2 }));
    // It says what the kept note says.
    log.checkpoint_with(&note);
    log.record("heartbeat", &json!({ "n": 3 }));
    log.checkpoint();
    log.record("heartbeat", &json!({ "n": 4 }));
    log.checkpoint();
    let report = asked(&log.bytes(), &anchored(&log, &[&note]));
    let anchor = &report.anchors[0];
    assert_eq!((report.exit_code, anchor.result), (5, AnchorResult::Differs), "{report}");
    let shown = anchor.log_note.as_deref().unwrap();
    assert_eq!(shown, log.note_at(5), "the first good one after it");
}

/// Text may stand close to a note, and of very many notes those of the largest trees are kept.
#[test]
fn notes_close_to_text_and_very_many() {
    let log = Log::sample();
    let note = log.note_at(4);
    let close = format!("{}Reply to this", note.trim_end());
    assert_eq!(results(&log, &[&close]).1, [AnchorResult::Matches]);
    let mut many = String::new();
    for size in 0..100_001_u64 {
        let root = STANDARD.encode([7; 32]);
        let (number, close) = (1_000_000 + size, "\n\n\u{2014} x AAAAAAA=\n");
        many.extend([ORIGIN, "\n", &number.to_string(), "\n", &root, close]);
    }
    let found = Anchor::find("many", many.as_bytes(), ORIGIN);
    assert_eq!(found.len(), 100_001, "and one that says so");
    assert!(found[0].text().unwrap().contains("\n1000001\n"), "{:?}", found[0]);
}

/// Case 59.
#[test]
fn disclosures() {
    let disclosure = |name: &str| {
        URL_SAFE_NO_PAD.encode(format!("[\"c2FsdHNhbHRzYWx0c2FsdA\",\"user\",\"{name}\"]"))
    };
    let commit = |name: &str| URL_SAFE_NO_PAD.encode(Sha256::digest(disclosure(name)));
    let mut log = Log::sample();
    for (id, name) in [("s-1", "ann"), ("s-2", "bob"), ("s-3", "cid")] {
        log.record("subject", &json!({ "commit": commit(name), "subject": id }));
    }
    log.record("erasure", &json!({ "basis": "request", "subject": "s-3" }));
    log.checkpoint();
    let check = |rows: &[(&str, &str)]| {
        let row = |(id, name): &(&str, &str)| {
            json!({ "subject": id, "disclosure": disclosure(name) }).to_string() + "\n"
        };
        let text: String = rows.iter().map(row).collect();
        let disclosures = Some(Disclosures::parse("people", &text).unwrap());
        asked(&log.bytes(), &Options { disclosures, ..anchored(&log, &[]) })
    };
    let report = check(&[("s-1", "ann"), ("s-2", "bob")]);
    assert_eq!((report.exit_code, report.warnings.len()), (0, 0), "59, erased: {report}");
    let subjects = report.subjects.unwrap();
    assert_eq!((subjects.disclosed, subjects.erased, subjects.missing), (2, 1, 0));
    assert!(said(&report).contains("2 persons in it are those of whom you gave"), "{report}");
    let report = check(&[("s-1", "ann"), ("s-2", "bob"), ("s-3", "cid")]);
    let subjects = report.subjects.unwrap();
    assert_eq!((subjects.disclosed, subjects.erased, subjects.missing), (2, 1, 0), "outlived");
    assert!(report.warnings[0].sentence.contains("s-3 is erased here"), "{report}");
    let report = check(&[("s-1", "ann")]);
    assert!(said(&report).contains("1 person in it is the one of whom you gave"), "{report}");
    assert_eq!((report.exit_code, report.warnings.len()), (0, 1), "59, missing: {report}");
    assert_eq!(report.warnings[0].line, 9);
    // What no good checkpoint has is no person of the log.
    let mut unsealed = log.clone();
    unsealed.record("subject", &json!({ "commit": commit("dee"), "subject": "s-4" }));
    let row = json!({ "subject": "s-4", "disclosure": disclosure("dee") }).to_string();
    let disclosures = Some(Disclosures::parse("people", &row).unwrap());
    let options = Options { disclosures, ..anchored(&log, &[]) };
    let report = asked(&unsealed.bytes(), &options);
    assert_eq!((report.exit_code, report.subjects.as_ref().unwrap().disclosed), (3, 0), "{report}");
    assert!(!said(&report).contains("of whom you gave"), "{report}");
    unsealed.checkpoint();
    assert_eq!(asked(&unsealed.bytes(), &options).subjects.unwrap().disclosed, 1);
    let report = check(&[("s-1", "ann"), ("s-2", "eve")]);
    let fault = report.fault.as_ref().map(|fault| (fault.kind, fault.line));
    assert_eq!(
        fault,
        Some((FaultKind::Subject, 2)),
        "59, forged, in the file of disclosures: {report}"
    );
    for text in [
        "x",
        "{}",
        "\n",
        "[\"a\",\"b\"]",
        "{\"subject\":\"a\",\"disclosure\":\"b\"}\n\n",
        "{\"subject\":\"a\",\"disclosure\":\"b\"}\n{\"subject\":\"a\",\"disclosure\":\"b\"}",
    ] {
        assert!(Disclosures::parse("people", text).is_err(), "{text}");
    }
}
