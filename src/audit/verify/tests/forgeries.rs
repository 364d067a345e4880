//! What one does who wants another history: other keys, other checkpoints, other signatures. The
//! numbers are as in [`super::tests`].

use super::samples::{Log, ORIGIN, said, tampered, verify};
use crate::audit::verify::{FaultKind, Outcome, Verifier, Vkey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

/// Cases 19 to 22: what the key decides.
#[test]
fn keys() {
    let log = Log::sample();
    let mut rewritten = Log::new(ORIGIN, 7);
    rewritten.checkpoint();
    let report = rewritten.verify();
    assert_eq!(report.outcome, Outcome::Verified, "19 and 20");
    assert!(said(&report).contains("whose holder can write them anew"), "19 and 20");
    let forks = [log.bytes(), rewritten.bytes()].concat();
    tampered("20, one after the other", &forks, FaultKind::Chain, 8);

    let mut stolen = Log::new(ORIGIN, 9);
    stolen.checkpoint();
    let report = tampered("21", &stolen.bytes(), FaultKind::Key, 1);
    assert_eq!((report.records, report.key_pinned), (0, false));
    let other = Log::new("acme/test/00112233445566ff", 7);
    tampered("21, other log", &other.bytes(), FaultKind::Key, 1);

    let report = verify(&log.bytes(), None);
    assert_eq!((report.outcome, report.exit_code), (Outcome::NotProved, 6), "22");
    assert!(said(&report).contains("SELF-CONSISTENT, key not pinned"), "22");
    let report = verify(&log.edited(|all| all.truncate(6)), None);
    assert_eq!(report.outcome, Outcome::Incomplete, "22 after 11");
}

/// Cases 39 to 42: the last line, which no later hash covers.
#[test]
fn last_checkpoint() {
    use FaultKind::{Members, Note, Root, Signature};
    let log = Log::sample();
    let last = |edit: &dyn Fn(&str) -> String| log.edited(|all| all[6] = edit(&all[6]));
    let replaced = |from: &'static str, to: &'static str| last(&|line| line.replace(from, to));
    tampered("39", &replaced("\"what\"", "\"what\":{},\"what\""), FaultKind::Form, 7);
    tampered("39, beside the note", &replaced("{\"note\"", "{\"a\":1,\"note\""), Members, 7);
    tampered("39, at the end", &replaced("\"}}", "\"},\"x\":1}"), Members, 7);
    let time = ",\"time\":\"2026-11-21T21:00:02.000000Z\",\"type\"";
    tampered("39, time", &replaced(",\"type\"", time), Members, 7);

    let mut open = log.clone();
    open.lines.truncate(6);
    let (body, good) = (open.body(), open.note());
    let line = good.lines().last().unwrap().to_owned();
    let blob = STANDARD.decode(line.rsplit_once(' ').unwrap().1).unwrap();
    let with_blob = |blob: &[u8]| format!("{body}\n\u{2014} {ORIGIN} {}\n", STANDARD.encode(blob));
    let mut malleated = blob.clone();
    add_group_order(&mut malleated[36..]);
    let mut other_id = blob.clone();
    other_id[0] ^= 1;
    let mut wrong = blob.clone();
    wrong[10] ^= 1;
    let moved = body.replace("prod", "test");
    let root = body.lines().last().unwrap();
    let other_root = body.replace(root, &format!("{}{}", &root[4..8], &root[4..]));
    // The last digit before "=\n" has two spare bits, which decoders may overlook.
    let mut spare_bits = good.clone().into_bytes();
    spare_bits[good.len() - 3] += 1;
    let mut elsewhere = Log::new("acme/test/00112233445566ff", 9);
    (1..6).for_each(|_| elsewhere.record("heartbeat", &json!({})));
    for (case, note, kind) in [
        ("40", with_blob(&malleated), Signature),
        ("41, key id", with_blob(&other_id), Signature),
        ("41, second signature", format!("{good}{line}\n"), Note),
        ("41, spare bits", String::from_utf8(spare_bits).unwrap(), Note),
        ("42, other origin", open.sign(&moved), Note),
        ("42, other signer", good.replace("\u{2014} acme", "\u{2014} acne"), Note),
        ("42, other log", elsewhere.note(), Note),
        ("42, other size", Log::sample().note(), Note),
        ("root", open.sign(&other_root), Root),
        ("signature", with_blob(&wrong), Signature),
    ] {
        let mut log = open.clone();
        log.checkpoint_with(&note);
        let report = tampered(case, &log.bytes(), kind, 7);
        assert_eq!((report.records, report.last_checkpoint.unwrap().line), (5, 5), "{case}");
    }
}

/// S + L for S, little-endian; L is the order of the group (RFC 8032 section 5.1).
fn add_group_order(scalar: &mut [u8]) {
    let order = 27_742_317_777_372_353_535_851_937_790_883_648_493_u128.to_le_bytes();
    let mut carry = 0;
    for (at, byte) in scalar.iter_mut().enumerate() {
        let digit = if at == 31 { 0x10 } else { order.get(at).copied().unwrap_or(0) };
        let sum = u16::from(*byte) + u16::from(digit) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

/// Case 64: from a later version.
#[test]
fn from_the_future() {
    let mut log = Log::sample();
    log.record("made_up", &json!({}));
    log.record("made_up", &json!({}));
    log.checkpoint();
    let report = log.verify();
    assert_eq!(report.outcome, Outcome::Verified);
    let names: Vec<&str> = report.not_understood.keys().map(String::as_str).collect();
    assert_eq!(names, ["made_up"]);
    assert!(said(&report).contains("made_up (2)"));

    let later = Log::sample().edited(|all| all[0] = all[0].replace("revlog/1", "revlog/2"));
    let report = verify(&later, Some(&Log::sample().vkey()));
    assert_eq!((report.outcome, report.exit_code), (Outcome::Error, 1), "{report}");
}

/// A key holder's mistake in the middle, and a forger's signatures from the middle on.
#[test]
fn signatures_in_between() {
    let bad_note = |log: &Log| {
        let note = log.note();
        let (head, blob) = note.trim_end().rsplit_once(' ').unwrap();
        let mut blob = STANDARD.decode(blob).unwrap();
        blob[20] ^= 1;
        format!("{head} {}\n", STANDARD.encode(blob))
    };
    let verify_all = |log: &Log| {
        let key = Vkey::parse(&log.vkey()).unwrap();
        let mut verifier = Verifier::new(Some(key)).all_signatures(true);
        verifier.push_bytes(&log.bytes());
        verifier.finish()
    };
    let verify_once = |log: &Log| {
        let mut verifier = Verifier::new(Some(Vkey::parse(&log.vkey()).unwrap()));
        verifier.push_bytes(&log.bytes());
        verifier.finish()
    };
    let mut log = Log::sample();
    log.checkpoint_with(&bad_note(&log));
    log.checkpoint();
    assert_eq!(log.verify().outcome, Outcome::Verified, "the last signature covers the bad one");
    assert_eq!(verify_all(&log).fault.unwrap().line, 8);

    let mut log = Log::sample();
    for _ in 0..3 {
        log.checkpoint_with(&bad_note(&log));
    }
    let report = tampered("forged", &log.bytes(), FaultKind::Signature, 8);
    assert_eq!(report.records, 7, "those before the first bad one");
    let alone = verify_once(&log);
    assert_eq!(alone.fault.as_ref().unwrap().line, 10, "one reading knows of the last only");
    assert!(alone.again().is_some());
}
