//! Building lines in the one canonical form.

use super::format::{MAX_DEPTH, MAX_INTEGER, MAX_LINE};
use serde_json::{Map, Value};

/// A record that has no canonical form.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
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

/// The bytes of a record line, without line feed: keys sorted and no whitespace, which is the canonical form of what
/// has one (RFC 8785).
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
    let mut line = Vec::with_capacity(1024);
    append(&mut line, (prev.as_bytes(), seq), time, kind, &ending(kind, what)?)?;
    Ok(line)
}

/// How the line of a record ends, from its type on, wherever it is to stand.
///
/// # Errors
/// When `what` has no canonical form.
pub(super) fn ending(kind: &str, what: &Map<String, Value>) -> Result<Vec<u8>, LineError> {
    let mut out = Vec::with_capacity(768);
    out.extend_from_slice(b"\"type\":");
    text(&mut out, kind);
    out.extend_from_slice(b",\"what\":");
    // The line is depth 1 and `what` 2.
    members(&mut out, kind, what, 2)?;
    out.push(b'}');
    Ok(out)
}

/// Writes the record line with this [`ending`] at the end of `out`, as [`record`] has it. After an error it is not
/// whole there.
pub(super) fn append(
    out: &mut Vec<u8>,
    (prev, seq): (&[u8], u64),
    time: &str,
    kind: &str,
    ending: &[u8],
) -> Result<(), LineError> {
    let before = out.len();
    write_begin(out, prev, seq);
    out.extend_from_slice(b"\"time\":");
    text(out, time);
    out.push(b',');
    out.extend_from_slice(ending);
    let bytes = out.len() - before;
    if bytes > MAX_LINE {
        return Err(LineError::Length { kind: kind.to_owned(), bytes });
    }
    Ok(())
}

/// Most bytes of a record's line before its [`ending`], where its time is in the form of this format.
pub(super) const BEGINNING: usize =
    r#"{"prev":"","seq":,"time":"","#.len() + 64 + u64::MAX.ilog10() as usize + 1 + 27;

/// How every line begins, up to what comes after its place.
#[must_use]
pub fn begin(prev: &str, seq: u64) -> String {
    let mut line = Vec::with_capacity(128);
    write_begin(&mut line, prev.as_bytes(), seq);
    String::from_utf8(line).unwrap_or_default()
}

fn write_begin(out: &mut Vec<u8>, prev: &[u8], seq: u64) {
    out.extend_from_slice(b"{\"prev\":\"");
    out.extend_from_slice(prev);
    out.extend_from_slice(b"\",\"seq\":");
    number(out, &seq);
    out.push(b',');
}

fn number(out: &mut Vec<u8>, number: &impl serde::Serialize) {
    // Writing a number into memory cannot fail.
    let _ = serde_json::to_writer(out, number);
}

fn text(out: &mut Vec<u8>, text: &str) {
    let is_special = |byte: u8| byte == b'"' || byte == b'\\' || byte < 0x20;
    // Most texts have nothing to escape. Looking at every byte is quicker than stopping at the first that has to be.
    if text.bytes().fold(false, |any, byte| any | is_special(byte)) {
        // Writing JSON into memory fails for keys that are no strings alone.
        let _ = serde_json::to_writer(out, text);
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// The bytes of a checkpoint line: no time, since no later hash covers the last line of a file.
#[must_use]
pub fn checkpoint(prev: &str, seq: u64, note: &str) -> Vec<u8> {
    let mut line = Vec::with_capacity(512);
    append_checkpoint(&mut line, (prev.as_bytes(), seq), note);
    line
}

/// Writes a checkpoint line at the end of `out`, as [`checkpoint`] has it.
pub(super) fn append_checkpoint(out: &mut Vec<u8>, (prev, seq): (&[u8], u64), note: &str) {
    write_begin(out, prev, seq);
    out.extend_from_slice(b"\"type\":");
    text(out, super::format::CHECKPOINT);
    out.extend_from_slice(b",\"what\":{\"note\":");
    text(out, note);
    out.extend_from_slice(b"}}");
}

fn check_key(kind: &str, key: &str) -> Result<(), LineError> {
    let good = !key.is_empty()
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if good { Ok(()) } else { Err(LineError::Key { kind: kind.to_owned(), key: key.to_owned() }) }
}

/// Writes an object, whose map has its keys in order.
fn members(
    out: &mut Vec<u8>,
    kind: &str,
    members: &Map<String, Value>,
    depth: usize,
) -> Result<(), LineError> {
    out.push(b'{');
    for (number, (key, member)) in members.iter().enumerate() {
        check_key(kind, key)?;
        if number > 0 {
            out.push(b',');
        }
        // A key of this format has nothing to escape.
        out.push(b'"');
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\":");
        value(out, kind, member, depth + 1)?;
    }
    out.push(b'}');
    Ok(())
}

fn value(out: &mut Vec<u8>, kind: &str, value: &Value, depth: usize) -> Result<(), LineError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::String(string) => text(out, string),
        Value::Number(value) => {
            let small = value.as_u64().is_some_and(|n| n <= MAX_INTEGER)
                || value.as_i64().is_some_and(|n| n.unsigned_abs() <= MAX_INTEGER);
            if !small {
                return Err(LineError::Number { kind: kind.to_owned(), value: value.to_string() });
            }
            number(out, value);
        }
        Value::Array(_) | Value::Object(_) if depth > MAX_DEPTH => {
            return Err(LineError::Depth { kind: kind.to_owned() });
        }
        Value::Array(items) => {
            out.push(b'[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                self::value(out, kind, item, depth + 1)?;
            }
            out.push(b']');
        }
        Value::Object(object) => members(out, kind, object, depth)?,
    }
    Ok(())
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

    /// Every kind of value, and every character that is escaped, as the library writes them.
    #[test]
    fn values_are_written_as_the_library_does() {
        let characters: String = (0..0x250).filter_map(char::from_u32).collect();
        let each: Vec<String> = characters.chars().map(String::from).collect();
        let all = what(&json!({
            "all": characters, "each": each, "empty": {}, "list": [[], [1, -2, 0], {"a": [null, true, false]}],
            "no": false, "none": null, "number": MAX_INTEGER, "object": {"b": {"c": "", "a": "é😀"}}, "yes": true,
        }));
        let line = record("00", 3, "t", "start", &all).unwrap();
        let expected = json!({"prev": "00", "seq": 3, "time": "t", "type": "start", "what": all});
        assert_eq!(String::from_utf8(line).unwrap(), expected.to_string());
        let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
        let line = |depth| record("", 0, "t", "start", &what(&json!({"a": nested(depth)})));
        assert!(line(MAX_DEPTH - 2).is_ok());
        assert!(matches!(line(MAX_DEPTH - 1), Err(LineError::Depth { .. })));
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
