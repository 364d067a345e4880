//! The ways in which a log is damaged, each with the answer it must get. The numbers are those of
//! the list of cases in the design of the format; the modules have the rest.

mod changes;
mod edges;
mod forgeries;
mod forms;
mod kept;
mod mutants;
mod proofs;
mod samples;
mod vectors;

use super::{FaultKind, Outcome, Verifier, Vkey};
use samples::{Log, ORIGIN, incomplete, join, leaf, said, tampered, verify};
use serde_json::json;

#[test]
fn a_good_log() {
    let log = Log::sample();
    let report = log.verify();
    assert_eq!((report.outcome, report.exit_code), (Outcome::Verified, 0), "{report}");
    assert_eq!((report.records, report.first_seq, report.last_seq), (7, Some(0), Some(6)));
    assert_eq!((report.checkpoints, report.signatures_checked), (3, 2));
    assert_eq!((report.origin.as_deref(), report.key), (Some(ORIGIN), Some(log.vkey())));
    assert_eq!(report.first_time.as_deref(), Some("2026-11-21T21:00:01.000000Z"));
    assert_eq!((report.unsealed_bytes, report.torn_tail, report.fault), (0, false, None));
    let last = report.last_checkpoint.unwrap();
    assert_eq!((last.line, last.size), (7, 6));
    assert_eq!(last.end_offset, log.bytes().len() as u64);
    assert!(log.note().is_empty() || last.note.starts_with(ORIGIN));
}

/// Cases 1 and 3 to 9: lines edited, removed, moved, repeated, added, by one who has no key.
#[test]
fn lines_changed() {
    use FaultKind::{Chain, Root};
    let log = Log::sample();
    let revoked = |line: &str| line.replace("\"verdict\":\"revoked\"", "\"verdict\":\"present\"");
    let edit = |edit: fn(&mut Vec<String>)| log.edited(edit);
    let report = tampered("1", &log.edited(|all| all[3] = revoked(&all[3])), Chain, 5);
    assert_eq!(report.last_checkpoint.unwrap().size, 1);
    tampered("3", &edit(|all| drop(all.remove(2))), Chain, 3);
    tampered("4", &edit(|all| drop(all.remove(4))), Chain, 5);
    tampered("5", &edit(|all| drop(all.remove(0))), Chain, 1);
    tampered("6", &edit(|all| all.swap(2, 3)), Chain, 3);
    tampered("7", &edit(|all| all.insert(6, all[5].clone())), Chain, 7);

    let mut inserted = log.clone();
    inserted.lines.truncate(3);
    inserted.record("heartbeat", &json!({}));
    inserted.lines.extend_from_slice(&log.lines[3..]);
    tampered("8", &inserted.bytes(), Chain, 5);

    let mut relinked = log.clone();
    relinked.lines[3] = revoked(&relinked.lines[3]);
    relinked.relink(3);
    let report = tampered("9", &relinked.bytes(), Root, 5);
    assert_eq!((report.records, report.checkpoints), (2, 1));
}

/// Cases 10 to 15 and 17: the tail.
#[test]
fn the_tail() {
    let log = Log::sample();
    let bytes = log.bytes();
    let cut = |lines: usize| log.edited(|all| all.truncate(lines));
    for case in ["10", "12"] {
        let report = verify(&cut(5), Some(&log.vkey()));
        assert_eq!((report.outcome, report.records), (Outcome::Verified, 5), "{case}");
        assert!(said(&report).contains("records after it may have been cut off"), "{case}");
    }
    let report = incomplete("11", &cut(6), 5);
    assert_eq!((report.unsealed_lines, report.torn_tail), (1, false));

    let half = &log.lines[5][..40];
    let report = incomplete("13", &[&bytes, half.as_bytes()].concat(), 7);
    assert_eq!((report.unsealed_lines, report.unsealed_bytes, report.torn_tail), (0, 40, true));
    incomplete("14", &bytes[..bytes.len() - 40], 5);
    incomplete("14, line feed only", &bytes[..bytes.len() - 1], 5);
    for zeros in [512, 3 << 20] {
        let report = incomplete("15", &[&bytes[..], &vec![0; zeros]].concat(), 7);
        assert_eq!((report.unsealed_bytes, report.torn_tail), (zeros as u64, true));
    }

    let mut forged = log.clone();
    forged.record("verification_completed", &json!({ "verdict": "revoked" }));
    forged.record("made_up", &json!({}));
    let report = incomplete("17", &forged.bytes(), 7);
    assert_eq!((report.unsealed_lines, report.not_understood.len()), (2, 0));
}

/// Cases 16 and 18: a page of zeros inside; an old checkpoint once more.
#[test]
fn pages_and_replays() {
    let log = Log::sample();
    let mut zeroed = log.bytes();
    zeroed[700..900].fill(0);
    tampered("16", &zeroed, FaultKind::Form, 2);

    tampered("18", &log.edited(|all| all.push(all[4].clone())), FaultKind::Chain, 8);
    let mut replayed = log.clone();
    let old = log.edited(|all| all.truncate(4));
    let old = Log { lines: lines(&old), ..log.clone() }.note();
    replayed.checkpoint_with(&old);
    tampered("18, linked", &replayed.bytes(), FaultKind::Note, 8);
}

fn lines(bytes: &[u8]) -> Vec<String> {
    std::str::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

/// Case 27: what editors and mail do to a file.
#[test]
fn line_ends_and_marks() {
    let log = Log::sample();
    let text = String::from_utf8(log.bytes()).unwrap();
    tampered("27, CRLF", text.replace('\n', "\r\n").as_bytes(), FaultKind::Form, 1);
    tampered("27, space", text.replacen('\n', " \n", 1).as_bytes(), FaultKind::Form, 1);
    tampered("27, blank line", text.replacen('\n', "\n\n", 3).as_bytes(), FaultKind::Form, 2);
    tampered("27, blank line at the end", format!("{text}\n").as_bytes(), FaultKind::Form, 8);
    tampered("27, BOM", format!("\u{feff}{text}").as_bytes(), FaultKind::Form, 1);
}

/// Cases 28 to 38: signed lines in a form that other readers may understand otherwise.
#[test]
fn signed_lines_in_bad_form() {
    let head =
        r#""prev":"PREV","seq":SEQ,"time":"2026-11-21T21:00:02.000000Z","type":"observation""#;
    for what in [
        r#"{"a":1,"a":2}"#,
        r#"{"a":1.5}"#,
        r#"{"a":1e3}"#,
        r#"{"a":-0}"#,
        r#"{"a":9007199254740993}"#,
        r#"{"a":"\u0061"}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"b":1,"a":2}"#,
        r#"{"a":NaN}"#,
        r#"{"a":01}"#,
        r#"{"a":"\/"}"#,
        r#"{"a": 1}"#,
        r#"{"A":1}"#,
    ] {
        let mut log = Log::sample();
        log.raw(&format!("{{{head},\"what\":{what}}}"));
        log.checkpoint();
        tampered(what, &log.bytes(), FaultKind::Form, 8);
    }
    let members_moved = format!("{{\"what\":{{}},{head}}}");
    for (line, kind) in [
        (members_moved, FaultKind::Form),
        (format!("{{{head},\"what\":{{}},\"zz\":1}}"), FaultKind::Members),
        (format!("{{{head}}}"), FaultKind::Members),
        (format!("{{{head},\"what\":[]}}"), FaultKind::Members),
        (format!("{{{head},\"what\":{{}}}}").replace("02.000000Z", "02Z"), FaultKind::Members),
        (format!("{{{head},\"what\":{{}}}}").replace("SEQ", "\"SEQ\""), FaultKind::Members),
        (format!("{{{head},\"what\":{{}}}}").replace("SEQ", "1SEQ"), FaultKind::Sequence),
        (format!("{{{head},\"what\":{{}}}}").replace("observation", "Obs"), FaultKind::Members),
        (format!("{{{head},\"what\":{{}}}}").replace("observation", "genesis"), FaultKind::Genesis),
    ] {
        let mut log = Log::sample();
        log.raw(&line);
        log.checkpoint();
        tampered(&line, &log.bytes(), kind, 8);
    }
    let mut bytes = Log::sample().bytes();
    let at = bytes.len() - 200;
    bytes[at] = 0xff;
    tampered("bad UTF-8", &bytes, FaultKind::Form, 7);
}

/// Case 43: nothing, or nothing sealed.
#[test]
fn nothing_sealed() {
    let log = Log::new(ORIGIN, 7);
    let report = incomplete("43, empty", b"", 0);
    assert_eq!((report.origin.as_deref(), report.unsealed_bytes), (None, 0));
    let report = incomplete("43, genesis only", &log.bytes(), 0);
    assert_eq!((report.origin.as_deref(), report.unsealed_lines), (Some(ORIGIN), 1));
    assert_eq!(verify(b"", None).outcome, Outcome::Incomplete);
    let text = report.to_string();
    assert!(text.contains("PROVED      Nothing."), "{text}");
}

/// Case 44: the clock.
#[test]
fn clock_steps() {
    let mut log = Log::sample();
    log.record_at("2026-11-21T20:00:00.000000Z", "heartbeat", &json!({}));
    log.checkpoint();
    let report = log.verify();
    assert_eq!((report.outcome, report.warnings.len()), (Outcome::Verified, 1), "44");
    assert_eq!((report.warnings[0].line, report.warnings[0].file.as_str()), (8, "a.jsonl"));

    let mut log = Log::sample();
    log.record_at("2026-11-21T20:00:00.000000Z", "clock", &json!({ "old": 1 }));
    log.record_at("2026-11-21T20:00:00.000000Z", "heartbeat", &json!({}));
    log.checkpoint();
    let report = log.verify();
    assert_eq!((report.outcome, report.warnings.len()), (Outcome::Verified, 0), "44, declared");
}

/// Case 45: two agents on one file, or two files in one.
#[test]
fn two_logs_in_one() {
    let log = Log::sample();
    let mut other = Log::new(ORIGIN, 7);
    other.record("stop", &json!({}));
    other.checkpoint();
    let both = [log.bytes(), other.bytes()].concat();
    tampered("45, one after the other", &both, FaultKind::Chain, 8);
    let mixed: Vec<String> =
        log.lines.iter().zip(&other.lines).flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    tampered("45, interleaved", &join(&mixed), FaultKind::Chain, 2);
}

/// Case 60: input made to exhaust the verifier.
#[test]
fn limits() {
    let sample = Log::sample().bytes();
    let nested = "[".repeat(1_000_000);
    tampered("60, nesting", format!("{{\"a\":{nested}\n").as_bytes(), FaultKind::Form, 1);
    let digits = "9".repeat(1_000_000);
    tampered("60, digits", format!("{{\"a\":{digits}}}\n").as_bytes(), FaultKind::Form, 1);
    let long = vec![b'x'; 1024 * 1024 + 1];
    tampered("60, line", &[&sample, &long[..]].concat(), FaultKind::Length, 8);
    tampered("60, line with end", &[&long[..], b"\n"].concat(), FaultKind::Length, 1);
    tampered("60, zeros", &[&vec![0; 2 << 20][..], b"x"].concat(), FaultKind::Length, 1);

    let mut verifier = Verifier::new(None);
    for _ in 0..100 {
        verifier.push_bytes(&vec![0; 1 << 20]);
        assert!(verifier.partial.bytes.capacity() <= 1 << 20);
    }
    assert_eq!(verifier.finish().unsealed_bytes, 100 << 20);
}

#[test]
fn several_files() {
    let log = Log::sample();
    let bytes = log.bytes();
    let cut = log.edited(|all| all.truncate(5)).len();
    let run = |second: &[u8]| {
        let mut verifier = Verifier::new(Some(Vkey::parse(&log.vkey()).unwrap()));
        verifier.begin_file("a.jsonl");
        verifier.push_bytes(&bytes[..cut]);
        verifier.begin_file("b.jsonl");
        verifier.push_bytes(second);
        verifier.finish()
    };
    let report = run(&bytes[cut..]);
    assert_eq!(report.outcome, Outcome::Verified, "{report}");
    let last = report.last_checkpoint.unwrap();
    assert_eq!((last.file.as_str(), last.line), ("b.jsonl", 2));
    assert_eq!(last.end_offset, (bytes.len() - cut) as u64);

    assert_eq!(run(b"").outcome, Outcome::Verified, "a file that holds nothing says nothing");
    let fault = run(&bytes[cut + 300..]).fault.unwrap();
    assert_eq!((fault.file.as_str(), fault.line, fault.offset), ("b.jsonl", 1, 0));
    let changed = String::from_utf8(bytes[cut..].to_vec()).unwrap().replacen("{}", "{\"a\":1}", 1);
    let fault = run(changed.as_bytes()).fault.unwrap();
    let line_2 = changed.find('\n').unwrap() as u64 + 1;
    assert_eq!((fault.file.as_str(), fault.line, fault.offset), ("b.jsonl", 2, line_2 + 8));
}

/// The log that `docs/audit-log.md` gives to others, made by another program than ours.
#[test]
fn the_published_log() {
    let document = include_str!("../../../../docs/audit-log.md");
    let block = |fence: &str| {
        let (_, rest) = document.split_once(&format!("\n```{fence}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let mut keys = block("text").lines();
    let (key, next) = (keys.next().unwrap(), keys.next().unwrap());
    let report = verify(block("jsonl").as_bytes(), Some(key));
    assert_eq!((report.outcome, report.records), (Outcome::Verified, 5), "{report}");
    assert_eq!(Vkey::parse(next).unwrap().origin(), report.origin.unwrap());
    let last = block("jsonl").lines().last().unwrap();
    let hash = leaf(last).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert!(document.contains(&hash), "{hash}");
}
