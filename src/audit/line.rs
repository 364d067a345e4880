//! Building lines in the one canonical form.

use super::format::{MAX_DEPTH, MAX_INTEGER, MAX_LINE};
use serde_json::{Map, Value};

/// A record that has no canonical form.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum LineError {
    /// A number that is not an integer of at most 53 bits.
    #[error("record of type {kind}: {value} is not an integer that every reader holds exactly")]
    Number {
        /// Record type.
        kind: String,
        /// The number.
        value: String,
    },
    /// A key outside `[a-z0-9_]+`.
    #[error("record of type {kind}: `{key}` is not a key of this format")]
    Key {
        /// Record type.
        kind: String,
        /// The key.
        key: String,
    },
    /// Nested too deeply.
    #[error("record of type {kind} is nested too deeply")]
    Depth {
        /// Record type.
        kind: String,
    },
    /// Longer than a line may be.
    #[error("record of type {kind} is {bytes} bytes long; a line may have {MAX_LINE}")]
    Length {
        /// Record type.
        kind: String,
        /// Its length.
        bytes: usize,
    },
}

/// The bytes of a record line, without line feed. `serde_json` sorts keys and writes no whitespace, which
/// is the canonical form for what [`check`] lets through (RFC 8785).
///
/// # Errors
/// When `what` has no canonical form or the line would be too long.
pub fn record(
    prev: &str,
    seq: u64,
    time: &str,
    kind: &str,
    what: &Map<String, Value>,
) -> Result<Vec<u8>, LineError> {
    check(kind, what)?;
    let mut line = Vec::with_capacity(1024);
    line.extend_from_slice(begin(prev, seq).as_bytes());
    line.extend_from_slice(b"\"time\":");
    text(&mut line, time);
    line.extend_from_slice(b",\"type\":");
    text(&mut line, kind);
    line.extend_from_slice(b",\"what\":");
    // Writing JSON into memory fails for keys that are no strings alone.
    let _ = serde_json::to_writer(&mut line, what);
    line.push(b'}');
    bounded(kind, line)
}

/// How every line begins, up to what comes after its place.
#[must_use]
pub fn begin(prev: &str, seq: u64) -> String {
    format!("{{\"prev\":\"{prev}\",\"seq\":{seq},")
}

fn text(line: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(line, text);
}

/// The bytes of a checkpoint line: no time, since no later hash covers the last line of a file.
#[must_use]
pub fn checkpoint(prev: &str, seq: u64, note: &str) -> Vec<u8> {
    let mut line = begin(prev, seq).into_bytes();
    line.extend_from_slice(b"\"type\":");
    text(&mut line, super::format::CHECKPOINT);
    line.extend_from_slice(b",\"what\":{\"note\":");
    text(&mut line, note);
    line.extend_from_slice(b"}}");
    line
}

fn bounded(kind: &str, line: Vec<u8>) -> Result<Vec<u8>, LineError> {
    if line.len() > MAX_LINE {
        return Err(LineError::Length { kind: kind.to_owned(), bytes: line.len() });
    }
    Ok(line)
}

/// Whether `what` has a canonical form.
///
/// # Errors
/// Names the first key or number that has none.
pub fn check(kind: &str, what: &Map<String, Value>) -> Result<(), LineError> {
    what.iter().try_for_each(|(key, value)| {
        check_key(kind, key)?;
        // The line is depth 1 and `what` 2.
        check_value(kind, value, 3)
    })
}

fn check_key(kind: &str, key: &str) -> Result<(), LineError> {
    let good = !key.is_empty()
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if good { Ok(()) } else { Err(LineError::Key { kind: kind.to_owned(), key: key.to_owned() }) }
}

fn check_value(kind: &str, value: &Value, depth: usize) -> Result<(), LineError> {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
        Value::Number(number) => {
            let small = number.as_u64().is_some_and(|n| n <= MAX_INTEGER)
                || number.as_i64().is_some_and(|n| n.unsigned_abs() <= MAX_INTEGER);
            if small {
                return Ok(());
            }
            Err(LineError::Number { kind: kind.to_owned(), value: number.to_string() })
        }
        _ if depth > MAX_DEPTH => Err(LineError::Depth { kind: kind.to_owned() }),
        Value::Array(items) => items.iter().try_for_each(|item| check_value(kind, item, depth + 1)),
        Value::Object(members) => members.iter().try_for_each(|(key, member)| {
            check_key(kind, key)?;
            check_value(kind, member, depth + 1)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn what(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn keys_are_sorted_and_nothing_is_between_them() {
        let line =
            record("00", 3, "t", "start", &what(&json!({"b": 1, "a": ["x\u{7}\n"]}))).unwrap();
        assert_eq!(
            String::from_utf8(line).unwrap(),
            r#"{"prev":"00","seq":3,"time":"t","type":"start","what":{"a":["x\u0007\n"],"b":1}}"#
        );
    }

    #[test]
    fn what_has_no_canonical_form_is_refused() {
        for bad in [
            json!({"a": 1.5}),
            json!({"a": 9_007_199_254_740_992_u64}),
            json!({"A": 1}),
            json!({"a": {"é": 1}}),
        ] {
            assert!(record("", 0, "t", "start", &what(&bad)).is_err(), "{bad}");
        }
        let long = json!({"a": "x".repeat(MAX_LINE)});
        assert!(matches!(record("", 0, "t", "start", &what(&long)), Err(LineError::Length { .. })));
    }
}
