//! Any text as an anchor: notes are found in bounded time, and none that this log did not sign fits it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use revoked::audit::verify::{Anchor, AnchorResult, Options, Verifier, Vkey};

/// The log and the key that docs/audit-log.md publishes.
const DOCUMENT: &str = include_str!("../../docs/audit-log.md");

fn block(fence: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n```{fence}\n")).expect("the block");
    rest.split_once("```").expect("its end").0
}

fuzz_target!(|data: &[u8]| {
    let key = Vkey::parse(block("text").lines().next().expect("a key")).expect("a key");
    let anchors = Anchor::find("fuzz", data, key.origin());
    assert!(!anchors.is_empty());
    let mut verifier =
        Verifier::with(Options { key: Some(key), anchors, ..Options::default() });
    verifier.push_bytes(block("jsonl").as_bytes());
    let report = verifier.finish();
    for anchor in &report.anchors {
        // Only the two notes of the log itself are signed by its key.
        let signed = block("jsonl").replace("\\n", "\n");
        let is_known = |note: &String| {
            note.split_once("\n\n").is_some_and(|(body, _)| signed.contains(body))
        };
        let fits = !matches!(anchor.result, AnchorResult::Unusable);
        assert!(!fits || anchor.note.as_ref().is_some_and(is_known), "{report}");
    }
    assert!(!report.to_string().contains(|c: char| c.is_control() && c != '\n'));
});
