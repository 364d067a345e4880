//! Any text as an anchor: notes are found in bounded time, none that the key did not sign fits, and one that it did sign
//! is found whatever stands around it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use revoked_fuzz::audit::verify::{AnchorReport, AnchorResult, Options, Outcome, Report, Verifier};
use revoked_fuzz::forge;
use revoked_fuzz::good::{ONE, WITNESSES, anchors};
use revoked_fuzz::is_plain;
use std::sync::LazyLock;

/// The note of the last checkpoint.
static NOTE: LazyLock<String> = LazyLock::new(|| {
    let log = String::from_utf8_lossy(&ONE.0);
    let line: serde_json::Value =
        serde_json::from_str(log.lines().last().expect("a line")).expect("JSON");
    line["what"]["note"].as_str().expect("a note").to_owned()
});

fn report(text: &[u8]) -> Report {
    let key = ONE.1.clone();
    let anchors = anchors(text, key.origin());
    assert!(!anchors.is_empty());
    let options =
        Options { key: Some(key), anchors, witnesses: WITNESSES.clone(), ..Options::default() };
    let mut verifier = Verifier::with(options);
    verifier.push_bytes(&ONE.0);
    let report = verifier.finish();
    assert!(is_plain(&report));
    report
}

fuzz_target!(|data: &[u8]| {
    let any = report(data);
    for anchor in &any.anchors {
        let speaks = !matches!(anchor.result, AnchorResult::Unusable | AnchorResult::NotCompared);
        let is_signed = |note: &String| any.keys.iter().any(|key| forge::is_signed(note, &key.key));
        assert!(!speaks || anchor.note.as_ref().is_some_and(is_signed), "{any}");
    }
    let (before, after) = data.split_at(data.len() / 2);
    let around = [before, b"\n\n", NOTE.as_bytes(), b"\n\n", after].concat();
    let found = report(&around);
    let size = NOTE.lines().nth(1).and_then(|size| size.parse().ok());
    let fits =
        |anchor: &AnchorReport| anchor.result == AnchorResult::Matches && anchor.size == size;
    // A bad line of a trusted witness under the note spoils it, and one that contradicts the times spoils all.
    let is_spoilt = found.outcome == Outcome::Tampered
        || found.anchors.iter().any(|anchor| anchor.sentence.contains("line of witness"));
    assert!(is_spoilt || found.anchors.iter().any(fits), "{found}");
});
