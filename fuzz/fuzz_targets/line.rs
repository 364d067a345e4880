//! Any bytes as lines: the verdict does not depend on how they are cut, and a line that the scanner takes reads back
//! through another JSON library as the same bytes. And any record: what the writer writes the verifier takes, and what
//! the writer refuses the verifier does not take either.
#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use revoked_fuzz::audit::line;
use revoked_fuzz::audit::verify::{Chunk, FaultKind, Report, Verifier};
use revoked_fuzz::forge::{Log, join};
use revoked_fuzz::good::verified;
use revoked_fuzz::is_plain;
use serde_json::{Map, Value};

/// Whether the line with this number is in the form that a line has.
fn is_in_form(report: &Report, line: u64) -> bool {
    use FaultKind as K;
    report.fault.as_ref().is_none_or(|fault| {
        fault.line != line || !matches!(fault.kind, K::Form | K::Length | K::Members)
    })
}

fn bytes(data: &[u8]) {
    let mut bytes = data.to_vec();
    bytes.push(b'\n');
    let plain = verified(&bytes, None);
    assert!(is_plain(&plain));
    let mut chunked = Verifier::new(None);
    chunked.push_chunk(&Chunk::read(bytes.clone()));
    assert_eq!(chunked.finish(), plain);
    let (left, right) = bytes.split_at(bytes.len() / 2);
    let mut halves = Verifier::new(None);
    halves.push_chunk(&Chunk::read(left.to_vec()));
    halves.push_bytes(right);
    assert_eq!(halves.finish(), plain);
    let first = data.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if is_in_form(&plain, 1) {
        let value: Value = serde_json::from_slice(first).expect("JSON");
        assert_eq!(serde_json::to_vec(&value).expect("JSON"), first);
    }
}

fn key(u: &mut Unstructured<'_>) -> Result<String> {
    const KEYS: &[&str] = &["a", "b_1", "note", "size", "0", "_", "z9", "A", "", "a b"];
    if u.ratio(1, 8)? { String::arbitrary(u) } else { Ok((*u.choose(KEYS)?).to_owned()) }
}

fn object(u: &mut Unstructured<'_>, depth: usize) -> Result<Map<String, Value>> {
    (0..u.int_in_range(0..=4)?).map(|_| Ok((key(u)?, value(u, depth)?))).collect()
}

fn value(u: &mut Unstructured<'_>, depth: usize) -> Result<Value> {
    Ok(match u.int_in_range(0..=9)? {
        0 => Value::Null,
        1 => bool::arbitrary(u)?.into(),
        2 => i64::arbitrary(u)?.into(),
        3 => u64::arbitrary(u)?.into(),
        4 => f64::arbitrary(u)?.into(),
        // Around the largest that every reader holds.
        5 => ((1_i64 << 53) - 2 + u.int_in_range(0..=3)?).into(),
        6 if depth > 0 => (0..u.int_in_range(0..=4)?)
            .map(|_| value(u, depth - 1))
            .collect::<Result<Vec<_>>>()?
            .into(),
        7 if depth > 0 => object(u, depth - 1)?.into(),
        8 => {
            let nested = u.int_in_range(1..=33)?;
            (0..nested).fold(Value::Null, |inner, _| Value::Array(vec![inner]))
        }
        _ => String::arbitrary(u)?.into(),
    })
}

fn record(data: &[u8]) -> Result<()> {
    let what = object(&mut Unstructured::new(data), 3)?;
    let mut log = Log::default();
    let (prev, time) = (log.prev(), log.time());
    let written = line::record(&prev, 1, &time, "start", &what);
    let is_written = written.is_ok();
    match written {
        Ok(line) => log.push(line),
        Err(_) => log.record("start", &Value::Object(what)),
    }
    let report = verified(&join(&log.lines), None);
    assert_eq!(is_in_form(&report, 2), is_written, "{report}");
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    bytes(data);
    // What the bytes do not suffice for is no record.
    let _ = record(data);
});
