//! Any bytes as a proof file: no panic, and nothing is proved that the key did not sign.
#![no_main]

use libfuzzer_sys::fuzz_target;
use revoked::audit::verify::proof;
use revoked::audit::verify::{Options, Outcome, Vkey};

/// The log and the key that docs/audit-log.md publishes.
const DOCUMENT: &str = include_str!("../../docs/audit-log.md");

fn block(fence: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n```{fence}\n")).expect("the block");
    rest.split_once("```").expect("its end").0
}

fuzz_target!(|data: &[u8]| {
    let key = Vkey::parse(block("text").lines().next().expect("a key")).expect("a key");
    for key in [Some(key.clone()), None] {
        let has_key = key.is_some();
        let options = Options { key, ..Options::default() };
        let report = proof::check(data, "fuzz", &options);
        assert!(!report.to_string().contains(|c: char| c.is_control() && c != '\n'));
        if has_key && report.outcome == Outcome::Verified {
            let lines = block("jsonl");
            assert!(report.lines.iter().all(|line| lines.contains(&line.line)), "{report}");
        } else {
            assert_ne!(report.outcome, Outcome::Verified);
        }
    }
});
