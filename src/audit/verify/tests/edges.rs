//! What stands at the edge of what counts: notes of no line, keys that did not sign yet, receipts from long before, and
//! texts as long as a line may be.

use super::samples::{Log, ORIGIN, anchored, asked, cosigned, leaf, witness_key};
use crate::audit::verify::{Anchor, AnchorResult, Disclosures, Options, Report, Witness, proof};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const WITNESS: &str = "witness.example/w1";
/// 2026-11-21T21:00:01Z, the time of the lines of a sample.
const TIME: u64 = 1_795_294_801;

fn witness() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

fn witnessed(log: &Log) -> Options {
    let witnesses = vec![Witness::parse(&witness_key(WITNESS, &witness())).unwrap()];
    Options { witnesses, ..anchored(log, &[]) }
}

/// A note of the tree without lines, signed by the log.
fn empty_note(log: &Log) -> String {
    let root = STANDARD.encode(Sha256::digest(b""));
    log.sign(&format!("{}\n0\n{root}\n", log.origin))
}

fn receipt(line: &str, size: &Value) -> Value {
    json!({ "kind": "witness", "name": "w", "receipt": line, "size": size })
}

fn results(report: &Report) -> (u8, Vec<AnchorResult>) {
    (report.exit_code, report.anchors.iter().map(|anchor| anchor.result).collect())
}

#[test]
fn a_note_of_no_line_says_nothing() {
    use AnchorResult::Unusable;
    let log = Log::sample();
    let note = empty_note(&log);
    let report = asked(&log.bytes(), &anchored(&log, &[&note]));
    assert_eq!(results(&report), (6, vec![Unusable]), "{report}");
    let report = asked(b"", &anchored(&log, &[&note]));
    assert_eq!(results(&report), (3, vec![Unusable]), "{report}");
    let since = Some(Anchor::find("since", note.as_bytes(), ORIGIN).remove(0));
    let report = asked(&log.bytes(), &Options { since, ..anchored(&log, &[]) });
    assert_eq!(results(&report), (6, vec![Unusable]), "{report}");
    let text = format!("old 0\n\n{note}");
    let report = proof::check(text.as_bytes(), "proof", &anchored(&log, &[&note]));
    assert_eq!(report.exit_code, 6, "{report}");

    let line = cosigned(&note, WITNESS, &witness(), TIME);
    for what in [receipt(&line, &json!(0)), receipt(&line, &json!(null))] {
        let mut told = log.clone();
        told.record("anchor", &what);
        told.checkpoint();
        let report = asked(&told.bytes(), &witnessed(&told));
        assert_eq!((report.exit_code, report.witnesses.len()), (6, 0), "{report}");
    }
}

/// A key counts once it signed: the checkpoint after its record is by both.
#[test]
fn a_key_that_did_not_sign_yet_signs_no_note() {
    use AnchorResult::{Larger, Matches, Unusable};
    let mut log = Log::sample();
    let old = log.clone();
    log.announce_key("scheduled");
    let by_old = Log { key: old.key.clone(), ..log.clone() };
    let mut larger = log.clone();
    larger.record("stop", &json!({}));
    let by_old_larger = Log { key: old.key.clone(), ..larger.clone() };
    for (case, note, exit, result) in [
        ("by the new key", log.note(), 3, Unusable),
        ("by the old key", by_old.note(), 3, Matches),
        ("larger, by the new key", larger.note(), 3, Unusable),
        ("larger, by the old key", by_old_larger.note(), 5, Larger),
    ] {
        let report = asked(&log.bytes(), &anchored(&old, &[&note]));
        assert_eq!(results(&report), (exit, vec![result]), "{case}: {report}");
    }
    // Once the checkpoint is there, both may sign at its size.
    let mut changed = old.clone();
    changed.change_key();
    for note in [log.note(), by_old.note()] {
        let report = asked(&changed.bytes(), &anchored(&old, &[&note]));
        assert_eq!(results(&report), (0, vec![Matches]), "{report}");
    }
}

/// A receipt that stands 65,536 lines after its tree is looked at, and no other that is further from it.
#[test]
fn receipts_from_long_before() {
    for (lines, exit) in [(65_536, 0), (65_537, 6)] {
        let mut log = Log::sample();
        let line = cosigned(&log.note(), WITNESS, &witness(), TIME);
        let mut prev = log.prev();
        for seq in 7..7 + lines {
            let record = json!({
                "prev": prev, "seq": seq, "time": "2026-11-21T21:00:01.000000Z", "type": "heartbeat", "what": {},
            })
            .to_string();
            prev = leaf(&record).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            log.lines.push(record);
        }
        log.record("anchor", &receipt(&line, &json!(7)));
        log.checkpoint();
        let report = asked(&log.bytes(), &witnessed(&log));
        assert_eq!(report.exit_code, exit, "{lines} lines: {report}");
    }
}

#[test]
fn no_text_of_a_record_is_kept_whole_if_it_is_long() {
    let wordy = "\u{e9}".repeat(100_000);
    let mut log = Log::sample();
    log.record("anchor", &json!({ "kind": wordy, "name": wordy, "receipt": "x", "size": 6 }));
    log.record("loss", &json!({ "cause": wordy, "unrecorded": 1 }));
    for end in ["a", "b"] {
        log.record("subject", &json!({ "subject": format!("{wordy}{end}"), "commit": "x" }));
    }
    log.record("erasure", &json!({ "subject": format!("{wordy}a") }));
    log.checkpoint();
    let disclosures = Some(Disclosures::parse("people", "").unwrap());
    let report = asked(&log.bytes(), &Options { disclosures, ..anchored(&log, &[]) });
    assert_eq!((report.exit_code, report.warnings.len()), (0, 1), "{report}");
    let subjects = report.subjects.as_ref().unwrap();
    assert_eq!((subjects.erased, subjects.missing), (1, 1), "two ids that begin alike");
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.len() < 10_000, "{} bytes", text.len());
}

#[test]
fn an_origin_that_no_log_has_is_not_looked_for() {
    let text = Log::sample().note().repeat(20_000);
    for origin in ["", " ", "a+b"] {
        let found = Anchor::find("x", text.as_bytes(), origin);
        assert!(found.len() == 1 && found[0].text().is_none(), "{origin:?}");
    }
}
