//! Proof files: what they prove, and case 61: what they must not.

use super::samples::{Log, ORIGIN, cosigned, leaf, root, said, witness_key};
use crate::audit::verify::proof::{ProofReport, check};
use crate::audit::verify::{Anchor, AnchorResult, FaultKind, Independence, Options, Vkey, Witness};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use serde_json::json;

type Hash = [u8; 32];

/// PATH(m, D[n]) of RFC 6962 section 2.1.1.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, other) = if index < left.len() {
        (path(index, left), right)
    } else {
        (path(index - left.len(), right), left)
    };
    path.push(root(other));
    path
}

/// SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2.
fn subproof(old: usize, leaves: &[Hash], is_whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if is_whole { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, other) = if old <= left.len() {
        (subproof(old, left, is_whole), right)
    } else {
        (subproof(old - left.len(), right, false), left)
    };
    path.push(root(other));
    path
}

fn leaves(log: &Log, size: usize) -> Vec<Hash> {
    log.lines[..size].iter().map(|line| leaf(line)).collect()
}

fn hashes(path: &[Hash]) -> String {
    path.iter().map(|hash| STANDARD.encode(hash) + "\n").collect()
}

/// A proof of line `index` under the tree of `size` lines, with that `note`.
fn proof_with(log: &Log, index: usize, size: usize, note: &str) -> String {
    let (line, path) = (&log.lines[index], path(index, &leaves(log, size)));
    let (line, path) = (STANDARD.encode(line), hashes(&path));
    format!("c2sp.org/tlog-proof@v1\nextra {line}\nindex {index}\n{path}\n{note}")
}

fn proof(log: &Log, index: usize, size: usize) -> String {
    proof_with(log, index, size, &log.note_at(size))
}

fn with_key(key: &str, anchors: &[&str]) -> Options {
    let find = |text: &&str| Anchor::find("page", text.as_bytes(), ORIGIN);
    Options {
        key: Some(Vkey::parse(key).unwrap()),
        anchors: anchors.iter().flat_map(find).collect(),
        ..Options::default()
    }
}

fn checked(text: &str, key: &str) -> ProofReport {
    check(text.as_bytes(), "x.proof", &with_key(key, &[]))
}

#[track_caller]
fn refused(case: &str, text: &str, kind: FaultKind) {
    let report = checked(text, &Log::sample().vkey());
    assert_eq!(report.fault.as_ref().map(|fault| fault.kind), Some(kind), "{case}: {report}");
    assert_eq!(report.exit_code, 4, "{case}");
    assert!(said(&report).contains("PROVED Nothing."), "{case}: {report}");
}

#[test]
fn single_lines() {
    let log = Log::sample();
    for size in 1..=7 {
        for index in 0..size {
            let report = checked(&proof(&log, index, size), &log.vkey());
            assert_eq!(
                (report.exit_code, report.lines.len()),
                (0, 1),
                "{index} of {size}: {report}"
            );
            assert_eq!(report.lines[0].line, log.lines[index]);
            assert!(report.key_pinned);
        }
    }
    let report = checked(&proof(&log, 3, 6), &log.vkey());
    let text = said(&report);
    assert!(text.starts_with("VERIFIED 1 record of a log of 6"), "{text}");
    assert!(text.contains("3 access_revoked 2026-11-21T21:00:01.000000Z"), "{text}");
    assert!(text.contains("no other records about the same"), "{text}");
    assert!(text.contains("the holder of the key that you gave signed"), "{text}");
    assert!(
        text.contains("This record is, byte for byte and at this place, in the log of"),
        "{text}"
    );
    assert_eq!(checked(&proof(&log, 3, 6), &Log::new(ORIGIN, 99).vkey()).exit_code, 4);
    let report = check(proof(&log, 3, 6).as_bytes(), "x", &Options::default());
    assert_eq!(report.exit_code, 6, "nobody vouches for a key: {report}");
    assert_eq!(checked("", &log.vkey()).exit_code, 3);
}

/// Case 61.
#[test]
fn proofs_that_lead_elsewhere() {
    let log = Log::sample();
    let good = proof(&log, 3, 6);
    let hash = |at: usize| hashes(&path(3, &leaves(&log, 6))[at..=at]);
    let other = proof(&log, 2, 6);
    refused("61, index", &good.replacen("index 3", "index 2", 1), FaultKind::Sequence);
    let extra = |text: &str| text.lines().nth(1).unwrap().to_owned();
    refused("61, another line", &good.replace(&extra(&good), &extra(&other)), FaultKind::Sequence);
    refused("61, hash missing", &good.replacen(&hash(1), "", 1), FaultKind::Proof);
    refused("61, hash twice", &good.replacen(&hash(1), &hash(1).repeat(2), 1), FaultKind::Proof);
    refused("61, hash changed", &good.replacen(&hash(0), &hash(1), 1), FaultKind::Proof);
    refused(
        "61, a note of another size",
        &proof_with(&log, 3, 6, &log.note_at(7)),
        FaultKind::Proof,
    );
    let mut forged = Log::sample();
    forged.lines[3] = forged.lines[3].replace("revoked", "present");
    refused("61, line changed", &proof_with(&forged, 3, 6, &log.note_at(6)), FaultKind::Proof);
    refused(
        "61, signed by nobody",
        &proof(&Log { key: SigningKey::from_bytes(&[9; 32]), ..forged }, 3, 6),
        FaultKind::Signature,
    );
    let spaced = STANDARD.encode(log.lines[3].replace(',', ", "));
    let spaced = good.replace(&extra(&good), &format!("extra {spaced}"));
    refused("61, not in form", &spaced, FaultKind::Form);
    refused("61, line without proof", &good.replace("index 3", "index 03"), FaultKind::Proof);
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] ^= 1;
        let report = check(&bytes, "x", &with_key(&log.vkey(), &[]));
        assert!(matches!(report.exit_code, 1 | 4), "byte {at}: {report}");
        let report = check(&good.as_bytes()[..at], "x", &with_key(&log.vkey(), &[]));
        assert!(matches!(report.exit_code, 3 | 4), "cut at {at}: {report}");
    }
}

/// A bundle: line 0, the changes of key, the records.
#[test]
fn bundles() {
    let mut log = Log::sample();
    let first = log.clone();
    log.change_key();
    let second = log.clone();
    log.record("verification_completed", &json!({ "verdict": "revoked" }));
    log.checkpoint();
    let last = log.lines.len() - 1;
    let change: serde_json::Value = serde_json::from_str(&second.lines[8]).unwrap();
    let change = change["what"]["note"].as_str().unwrap().to_owned();
    let parts = [0, 7, 8, 3, last - 1].map(|index| proof(&log, index, last));
    let bundle = parts.concat();
    for key in [first.vkey(), log.vkey()] {
        let report = checked(&bundle, &key);
        assert_eq!((report.exit_code, report.lines.len()), (0, 5), "{report}");
        assert_eq!((report.keys.len(), report.size), (2, Some(last as u64)));
    }
    // The checkpoint of the change is the newest.
    let at_change = [0, 7, 3].map(|index| proof_with(&log, index, 8, &change)).concat();
    for key in [first.vkey(), log.vkey()] {
        let report = checked(&at_change, &key);
        assert_eq!((report.exit_code, report.lines.len()), (0, 3), "{report}");
    }
    let report = checked(&bundle, &Log::new(ORIGIN, 99).vkey());
    assert_eq!(report.fault.as_ref().unwrap().kind, FaultKind::Key, "{report}");
    let of = |parts: &[&String]| parts.iter().map(|part| part.as_str()).collect::<String>();
    let [line0, key, checkpoint, record, _] = &parts;
    refused("the change left out", &of(&[line0, record]), FaultKind::Signature);
    refused("its checkpoint left out", &of(&[line0, key, record]), FaultKind::Key);
    refused("and nothing after it", &of(&[line0, key]), FaultKind::Key);
    refused("after a record", &of(&[line0, record, key, checkpoint]), FaultKind::Key);
    let early = proof_with(&log, 7, 8, &change);
    refused("another note", &of(&[line0, &early]), FaultKind::Note);
    let half = [0, 7, 3].map(|index| proof_with(&log, index, 8, &first_of_two(&change)));
    refused("one signature", &half.concat(), FaultKind::Signature);
    refused("line 0 twice", &of(&[line0, line0]), FaultKind::Genesis);
}

fn first_of_two(note: &str) -> String {
    let mut lines: Vec<&str> = note.lines().collect();
    lines.pop();
    lines.join("\n") + "\n"
}

#[test]
fn consistency() {
    let log = Log::sample();
    let file = |old: usize, size: usize| {
        let path = hashes(&subproof(old, &leaves(&log, size), true));
        format!("old {old}\n{path}\n{}", log.note_at(size))
    };
    let check_with =
        |text: &str, anchors: &[&str]| check(text.as_bytes(), "x", &with_key(&log.vkey(), anchors));
    let mut other = Log::sample();
    other.lines.truncate(2);
    (0..5).for_each(|_| other.record("stop", &json!({})));
    for size in 1..=7 {
        for old in 1..=size {
            let report = check_with(&file(old, size), &[&log.note_at(old)]);
            assert_eq!(report.exit_code, 0, "{old} of {size}: {report}");
            assert_eq!(report.anchors[0].result, AnchorResult::Matches);
            assert_eq!(check_with(&file(old, size), &[]).exit_code, 6, "no earlier note");
            if old > 2 {
                let report = check_with(&file(old, size), &[&other.note_at(old)]);
                assert_eq!(report.fault.as_ref().unwrap().kind, FaultKind::Proof, "{report}");
            }
        }
    }
    let report = check_with(&file(4, 6), &[&log.note_at(4)]);
    assert!(said(&report).contains("begins with the 4 of the earlier note, unchanged"), "{report}");
    let stranger = Log { key: SigningKey::from_bytes(&[9; 32]), ..log.clone() };
    let report =
        check_with(&file(4, 6).replace(&log.note_at(6), &stranger.note_at(6)), &[&log.note_at(4)]);
    assert_eq!(report.fault.unwrap().kind, FaultKind::Signature);
    assert_eq!(check_with(&(file(4, 6) + "x"), &[&log.note_at(4)]).exit_code, 4);
}

#[test]
fn anchors_and_witnesses_of_proofs() {
    let log = Log::sample();
    let key = SigningKey::from_bytes(&[42; 32]);
    let mut other = Log::sample();
    other.lines.truncate(3);
    (0..4).for_each(|_| other.record("stop", &json!({})));
    let run = |anchors: &[&str], text: &str| {
        let witnesses = vec![Witness::parse(&witness_key("w1", &key)).unwrap()];
        check(text.as_bytes(), "x", &Options { witnesses, ..with_key(&log.vkey(), anchors) })
    };
    let good = proof(&log, 3, 6);
    let report = run(&[&log.note_at(6)], &good);
    assert_eq!((report.exit_code, report.independence), (6, Some(Independence::Anchored)));
    assert!(said(&report).contains("Witness w1 (key "), "it was asked for: {report}");
    let anchored = with_key(&log.vkey(), &[&log.note_at(6)]);
    let report = check(good.as_bytes(), "x", &anchored);
    assert_eq!((report.exit_code, report.independence), (0, Some(Independence::Anchored)));
    let text = said(&report);
    assert!(
        text.contains("Not even the holder of the key changed it since: page has the note"),
        "{text}"
    );
    let report = run(&[&log.note_at(5)], &good);
    assert_eq!((report.exit_code, report.anchors[0].result), (6, AnchorResult::Unusable));
    let report = run(&[&other.note_at(6)], &good);
    assert_eq!(report.exit_code, 5, "{report}");
    assert!(report.to_string().contains(other.note_at(6).lines().nth(2).unwrap()), "{report}");
    let seen = cosigned(&log.note_at(6), "w1", &key, 1_795_294_801);
    let report = run(&[], &(good.clone() + &seen));
    assert_eq!((report.exit_code, report.independence), (0, Some(Independence::Witnessed)));
    let text = said(&report);
    assert!(text.contains("Not even the holder of the key changed it since 2026-11-21T"), "{text}");
    let bad = cosigned(&log.note_at(5), "w1", &key, 1_795_294_801);
    assert_eq!(run(&[], &(good + &bad)).exit_code, 4);
}
