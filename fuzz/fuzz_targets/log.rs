//! Any bytes as a log, and edits of a good one: no panic, and only the good log and its beginning up to a checkpoint
//! verify.
#![no_main]

use libfuzzer_sys::fuzz_target;
use revoked::audit::verify::{Options, Outcome, Verifier, Vkey};

/// The log and the key that docs/audit-log.md publishes.
const DOCUMENT: &str = include_str!("../../docs/audit-log.md");

fn block(fence: &str) -> &'static str {
    let (_, rest) = DOCUMENT.split_once(&format!("\n```{fence}\n")).expect("the block");
    rest.split_once("```").expect("its end").0
}

/// Edits a good log as `data` says: three bytes of place and kind, and the rest is put in there.
fn edited(data: &[u8]) -> Vec<u8> {
    let mut bytes = block("jsonl").as_bytes().to_vec();
    if let [high, low, kind, rest @ ..] = data {
        let at = usize::from(u16::from_be_bytes([*high, *low])) % (bytes.len() + 1);
        let cut = usize::from(*kind).min(bytes.len() - at);
        bytes.splice(at..at + cut, rest.iter().copied());
    }
    bytes
}

fuzz_target!(|data: &[u8]| {
    let good = block("jsonl").as_bytes();
    let key = Vkey::parse(block("text").lines().next().expect("a key")).expect("a key");
    let first_commit = good.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1);
    let first_commit = first_commit.expect("two lines").0 + 1;
    for bytes in [data.to_vec(), edited(data)] {
        for key in [Some(key.clone()), None] {
            let has_key = key.is_some();
            let options = Options { key, all_signatures: data.len() % 2 == 0, ..Options::default() };
            let mut verifier = Verifier::with(options);
            verifier.push_bytes(&bytes);
            let report = verifier.finish();
            assert!(!report.to_string().contains(|c: char| c.is_control() && c != '\n'));
            if has_key && report.outcome == Outcome::Verified {
                assert!(bytes == good || bytes == good[..first_commit], "{report}");
            }
        }
    }
});
