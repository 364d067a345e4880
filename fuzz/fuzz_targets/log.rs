//! Any bytes as a log, and edits of a good one: no panic, and what verifies under the key is one of the logs that its
//! holder signed, byte by byte up to one of its checkpoints.
#![no_main]

use libfuzzer_sys::fuzz_target;
use revoked_fuzz::audit::verify::{Options, Outcome, Verifier};
use revoked_fuzz::good::{KNOWN, LOG, WITNESSES, anchors};
use revoked_fuzz::is_plain;

/// Edits the good log as `data` says: two bytes of place, one of length, one of how much is put in, and that.
fn edited(mut data: &[u8]) -> Vec<u8> {
    let mut bytes = LOG.0.clone();
    while let [high, low, cut, put, rest @ ..] = data {
        let at = usize::from(u16::from_be_bytes([*high, *low])) % (bytes.len() + 1);
        let cut = usize::from(*cut).min(bytes.len() - at);
        let (put, rest) = rest.split_at(usize::from(*put).min(rest.len()));
        bytes.splice(at..at + cut, put.iter().copied());
        data = rest;
    }
    bytes
}

fn check(bytes: &[u8], all_signatures: bool, has_anchors: bool) {
    let key = LOG.1.clone();
    let anchors = if has_anchors { anchors(bytes, key.origin()) } else { Vec::new() };
    let witnesses = if has_anchors { WITNESSES.clone() } else { Vec::new() };
    let options =
        Options { key: Some(key), all_signatures, anchors, witnesses, ..Options::default() };
    let mut verifier = Verifier::with(options);
    verifier.push_bytes(bytes);
    let report = verifier.finish();
    assert!(is_plain(&report));
    assert!(report.outcome != Outcome::Verified || KNOWN.contains(bytes), "{report}");
}

fuzz_target!(|data: &[u8]| {
    let asked = data.last().copied().unwrap_or_default();
    for bytes in [data, &edited(data)] {
        check(bytes, asked & 1 == 1, asked & 2 == 2);
    }
});
