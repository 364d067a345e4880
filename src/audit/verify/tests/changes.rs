//! Changes of key, and segments: cases 23 to 26 and 49 to 51, and what else a forger may try there.

use super::samples::{Log, ORIGIN, asked, said, tampered, verify};
use crate::audit::verify::{Anchor, FaultKind, Options, Outcome, Report, Vkey};
use ed25519_dalek::SigningKey;
use serde_json::json;

/// A log whose key changed twice, with a segment after each.
fn changed() -> (Log, [String; 3]) {
    let mut log = Log::sample();
    let mut keys = vec![log.vkey()];
    for _ in 0..2 {
        log.change_key();
        keys.push(log.vkey());
        log.segment();
        log.record("heartbeat", &json!({}));
        log.checkpoint();
    }
    (log, keys.try_into().unwrap())
}

#[track_caller]
fn refused(case: &str, log: &Log, kind: FaultKind, line: u64) -> Report {
    tampered(case, &log.bytes(), kind, line)
}

/// Case 23, and each key of the log pinned.
#[test]
fn every_key_of_a_log_can_be_pinned() {
    let (log, keys) = changed();
    for key in &keys {
        let report = verify(&log.bytes(), Some(key));
        assert_eq!((report.outcome, report.records), (Outcome::Verified, 17), "23: {report}");
        assert_eq!(report.keys.iter().map(|key| key.from_seq).collect::<Vec<_>>(), [0, 7, 12]);
        let pinned: Vec<_> = report.keys.iter().filter(|key| key.pinned).collect();
        assert_eq!((pinned.len(), &pinned[0].key), (1, key));
        let segments: Vec<u64> = report.segments.iter().map(|part| part.first_seq).collect();
        assert_eq!(segments, [0, 9, 14]);
        // First, and both of the first change, the first of the segment, both of the second, the last.
        assert_eq!((report.roots_checked, report.signatures_checked), (5, 7));
        assert!(said(&report).contains("from record 7 on, scheduled"), "{report}");
    }
    let stranger = Log::new(ORIGIN, 99).vkey();
    let report = verify(&log.bytes(), Some(&stranger));
    assert_eq!((report.exit_code, report.records), (4, 0));
    let fault = report.fault.unwrap();
    assert_eq!((fault.kind, fault.line), (FaultKind::Key, 1));
    assert_eq!(verify(&log.bytes(), None).outcome, Outcome::NotProved);
}

/// Cases 24 to 26.
#[test]
fn keys_that_may_not_follow() {
    let mut log = Log::sample();
    let (thief, next) = (Log::new(ORIGIN, 99).vkey(), log.next_hash(99));
    log.record("key", &json!({ "key": thief, "next": next, "reason": "scheduled" }));
    refused("24", &log, FaultKind::Key, 8);

    let mut log = Log::sample();
    let old = log.clone();
    log.change_key();
    let by_old = Log { lines: log.lines.clone(), ..old.clone() }.note();
    log.checkpoint_with(&by_old);
    refused("25", &log, FaultKind::Signature, 10);

    let mut log = Log::sample();
    log.announce_key("scheduled");
    log.checkpoint();
    refused("26", &log, FaultKind::Note, 9);
    let mut log = Log::sample();
    let old = log.clone();
    log.announce_key("compromised");
    let by_old = Log { lines: log.lines.clone(), ..old }.note();
    let mut half = log.clone();
    half.checkpoint_with(&by_old);
    refused("26, the old one alone", &half, FaultKind::Note, 9);
    let line = by_old.lines().last().unwrap().to_owned();
    let mut twice = log.clone();
    twice.checkpoint_with(&format!("{by_old}{line}\n"));
    refused("26, the old one twice", &twice, FaultKind::Signature, 9);
    let mut swapped = log.clone();
    swapped.checkpoint_with(&format!("{}{line}\n", log.note()));
    refused("26, in the wrong order", &swapped, FaultKind::Signature, 9);
    let mut late = log.clone();
    late.record("heartbeat", &json!({}));
    refused("26, another line first", &late, FaultKind::Key, 9);
    let report = verify(&log.bytes(), Some(&Log::sample().vkey()));
    assert_eq!(report.exit_code, 3, "a key that did not sign yet: {report}");
    assert_eq!(log.verify().fault.unwrap().line, 1, "the log does not have it yet");
}

#[test]
fn key_records_that_say_too_little() {
    let log = Log::sample();
    let (key, next) = {
        let mut log = log.clone();
        log.announce_key("scheduled");
        (log.vkey(), log.next_hash(9))
    };
    for what in [
        json!({ "key": key, "next": next }),
        json!({ "key": key, "next": next, "reason": "lost" }),
        json!({ "key": key, "next": "00", "reason": "scheduled" }),
        json!({ "key": 1, "next": next, "reason": "scheduled" }),
    ] {
        let mut log = log.clone();
        log.record("key", &what);
        refused(&what.to_string(), &log, FaultKind::Key, 8);
    }
    let mut two = log.clone();
    let line = two.note().lines().last().unwrap().to_owned();
    two.checkpoint_with(&format!("{}{line}\n", two.note()));
    refused("two signatures without a change", &two, FaultKind::Note, 8);
}

/// Case 51, and all other members of a `segment` record.
#[test]
fn segments_that_do_not_fit() {
    let log = Log::sample();
    let good = log.segment_what();
    let root = "00".repeat(32);
    for (member, value) in [
        ("first_seq", json!(6)),
        ("format", json!("revlog/0")),
        ("origin", json!("acme/other/00112233445566ff")),
        ("key", json!(Log::new(ORIGIN, 9).vkey())),
        ("next", json!(root)),
        ("note", json!(log.note_at(4))),
        ("note", json!("")),
        ("frontier", json!([])),
        ("frontier", json!([good["frontier"][0], root])),
        ("frontier", json!([good["frontier"][1], good["frontier"][0]])),
        ("frontier", json!(vec![root.as_str(); 100])),
        ("frontier", json!("x")),
    ] {
        let mut what = good.clone();
        what[member] = value;
        let mut log = log.clone();
        log.record("segment", &what);
        log.checkpoint();
        refused(&format!("51, {member}"), &log, FaultKind::Segment, 8);
    }
    let mut open = log.clone();
    open.record("heartbeat", &json!({}));
    open.record("segment", &good);
    refused("not after a checkpoint", &open, FaultKind::Segment, 9);
}

/// Case 49: whole files missing, moved, or in another order.
#[test]
fn files_in_another_order() {
    let (log, _) = changed();
    let part = |from: usize, to: usize| log.edited(|all| *all = all[from..to].to_vec());
    let parts = [part(0, 9), part(9, 14), part(14, 17)];
    let joined =
        |order: &[usize]| order.iter().flat_map(|at| parts[*at].clone()).collect::<Vec<_>>();
    assert_eq!(verify(&joined(&[0, 1, 2]), Some(&Log::sample().vkey())).exit_code, 0);
    tampered("49, the second missing", &joined(&[0, 2]), FaultKind::Chain, 10);
    tampered("49, swapped", &joined(&[0, 2, 1]), FaultKind::Chain, 10);
    tampered("49, twice", &joined(&[0, 1, 1, 2]), FaultKind::Chain, 15);
    tampered("49, the first missing", &joined(&[1, 2]), FaultKind::Chain, 1);
    let without_last = verify(&joined(&[0, 1]), Some(&Log::sample().vkey()));
    assert_eq!(without_last.exit_code, 0, "what is there is sound");
    assert!(said(&without_last).contains("records after it may have been cut off"));
}

fn keys_of_nobody() -> String {
    Log::new(ORIGIN, 99).vkey()
}

/// Case 50: the older files are not at hand.
#[test]
fn going_on_from_a_note() {
    let (log, keys) = changed();
    let rest = log.edited(|all| *all = all[9..].to_vec());
    let since = |note: &str, key: &str| Options {
        key: Some(Vkey::parse(key).unwrap()),
        since: Some(Anchor::find("since", note.as_bytes(), ORIGIN).remove(0)),
        ..Options::default()
    };
    let by = |log: &Log, size| log.note_at(size);
    let report = asked(&rest, &since(&by(&log, 16), &keys[2]));
    assert_eq!(
        (report.exit_code, report.records, report.first_seq),
        (0, 8, Some(9)),
        "50: {report}"
    );
    assert!(said(&report).contains("They continue the 16 records that you had verified before."));
    assert!(said(&report).contains("seq 9..16"));
    let mut middle = Log::sample();
    middle.change_key();
    for size in [8, 9] {
        let note = Log { lines: log.lines[..size].to_vec(), ..middle.clone() }.note();
        let report = asked(&rest, &since(&note, &keys[1]));
        assert_eq!(report.exit_code, 0, "size {size}: {report}");
    }
    let report = asked(&rest, &since(&by(&log, 16), &keys[0]));
    let text = said(&report);
    assert_eq!((report.exit_code, report.records), (6, 0), "retired before these files: {report}");
    assert!(
        text.contains("which would show whether it followed from yours, are not here"),
        "{text}"
    );
    assert!(!text.contains("that you gave signed"), "{text}");
    let genesis = asked(&log.bytes(), &Options { since: None, ..since("", &keys_of_nobody()) });
    assert_eq!(genesis.fault.unwrap().kind, FaultKind::Key, "the log never had it");
    let report = asked(&rest, &since(&by(&Log::sample(), 4), &keys[2]));
    assert_eq!(report.exit_code, 6, "lines in between are missing: {report}");

    let mut fork = log.clone();
    fork.lines.truncate(14);
    fork.record("stop", &json!({}));
    fork.record("stop", &json!({}));
    let report = asked(&rest, &since(&fork.note(), &keys[2]));
    assert_eq!(report.exit_code, 5, "{report}");
    fork.record("stop", &json!({}));
    fork.record("stop", &json!({}));
    assert_eq!(asked(&rest, &since(&fork.note(), &keys[2])).exit_code, 5, "larger than the log");

    let report = asked(&rest, &Options { since: None, ..since(&by(&log, 16), &keys[2]) });
    assert_eq!(
        report.fault.as_ref().map(|fault| (fault.kind, fault.line)),
        Some((FaultKind::Chain, 1))
    );
    assert!(said(&report).contains("--since"), "{report}");
    let rest_of = |edit: &dyn Fn(&mut String)| {
        log.edited(|all| {
            *all = all[9..].to_vec();
            edit(&mut all[0]);
        })
    };
    let first = serde_json::from_str::<serde_json::Value>(&log.lines[9]).unwrap();
    let hash = first["what"]["frontier"][0].as_str().unwrap().to_owned();
    let edited = rest_of(&|line| *line = line.replace(&hash, &"ab".repeat(32)));
    let report = asked(&edited, &since(&by(&log, 16), &keys[2]));
    assert_eq!(report.fault.unwrap().kind, FaultKind::Segment, "51, as the first line");
    let unsigned = rest_of(&|line| *line = line.replace(&keys[1], &keys[2]));
    let report = asked(&unsigned, &since(&by(&log, 16), &keys[2]));
    assert_eq!(report.fault.unwrap().kind, FaultKind::Segment, "the note is not of its key");
}

/// A key that was given up signed the note of the change, too: it goes on from nothing.
#[test]
fn going_on_with_a_retired_key() {
    let mut log = Log::sample();
    let (old, seed) = (log.key.clone(), log.seed);
    log.change_key();
    let (note, new, begin) = (log.note_at(8), log.key.clone(), log.lines.len());
    let rest = |key: SigningKey, seed: u8| {
        let mut log = Log { key, seed, ..log.clone() };
        log.segment();
        log.record("heartbeat", &json!({}));
        log.checkpoint();
        log.edited(|all| *all = all[begin..].to_vec())
    };
    let report = |key: SigningKey, seed: u8| {
        let pinned = Log { key: key.clone(), ..log.clone() }.vkey();
        let options = Options {
            key: Some(Vkey::parse(&pinned).unwrap()),
            since: Some(Anchor::find("since", note.as_bytes(), ORIGIN).remove(0)),
            ..Options::default()
        };
        asked(&rest(key, seed), &options)
    };
    let thief = report(old, seed);
    let fault = thief.fault.as_ref().map(|fault| (fault.kind, fault.line));
    assert_eq!(fault, Some((FaultKind::Segment, 1)), "{thief}");
    let honest = report(new, seed + 1);
    assert_eq!(honest.exit_code, 0, "{honest}");
}

/// A log that goes on from a damaged one says so.
#[test]
fn a_log_after_a_damaged_one() {
    let old = Log::sample().note_at(6);
    let begin = |continues: &str, kind: &str| {
        let mut log = Log::new("acme/prod/ffeeddccbbaa0011", 20);
        let line: serde_json::Value = serde_json::from_str(&log.lines.remove(0)).unwrap();
        let mut what = line["what"].clone();
        what["continues"] = json!(continues);
        log.record("genesis", &what);
        log.checkpoint();
        log.record(kind, &json!({ "cause": "log_replaced", "unrecorded": null }));
        log.checkpoint();
        log.verify()
    };
    let report = begin(&old, "loss");
    assert_eq!((report.exit_code, report.warnings.len()), (0, 0), "{report}");
    let continued = report.continues.clone().unwrap();
    assert_eq!((continued.origin.as_str(), continued.size), (ORIGIN, 6));
    assert!(said(&report).contains("of which 6 records were good"));
    let text = said(&report);
    assert!(
        text.contains("What happened before this log: it was begun in place of the log"),
        "{text}"
    );
    assert!(text.contains("nobody knows how many records of it are lost"), "{text}");
    assert_eq!((report.losses.len(), report.losses[0].unrecorded), (1, None));
    let report = begin(&old, "start");
    assert_eq!((report.exit_code, report.warnings.len()), (0, 1), "{report}");
    let fault = begin("whatever", "loss").fault.unwrap();
    assert_eq!((fault.kind, fault.line), (FaultKind::Genesis, 1));
}
