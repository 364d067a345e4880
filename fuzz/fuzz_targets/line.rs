//! Any bytes as lines: the verdict does not depend on how they are cut, and a line that the scanner takes reads back
//! through another JSON library as the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use revoked::audit::verify::{Chunk, FaultKind, Verifier};

fuzz_target!(|data: &[u8]| {
    let mut bytes = data.to_vec();
    bytes.push(b'\n');
    let mut plain = Verifier::new(None);
    plain.push_bytes(&bytes);
    let plain = plain.finish();
    let mut chunked = Verifier::new(None);
    chunked.push_chunk(&Chunk::read(bytes.clone()));
    assert_eq!(chunked.finish(), plain);
    let (left, right) = bytes.split_at(bytes.len() / 2);
    let mut halves = Verifier::new(None);
    halves.push_bytes(left);
    halves.push_bytes(right);
    assert_eq!(halves.finish(), plain);

    let is_in_form = plain.fault.as_ref().is_none_or(|fault| {
        let is_first = fault.line == 1;
        !(is_first && matches!(fault.kind, FaultKind::Form | FaultKind::Length))
    });
    let first = data.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if is_in_form {
        let value: serde_json::Value = serde_json::from_slice(first).expect("JSON");
        assert_eq!(serde_json::to_vec(&value).expect("JSON"), first);
    }
});
