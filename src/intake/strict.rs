//! JSON in which no key stands twice. Readers differ in which of two they take (RFC 8259 section 4), so an event that
//! says two things would be taken for one of them.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Reads `bytes`.
///
/// # Errors
/// Says what is wrong and where, without the text: it may name people.
pub(super) fn read(bytes: &[u8]) -> Result<Value, String> {
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(format!("it is no UTF-8 text from byte {} on", error.valid_up_to() + 1));
    }
    match serde_json::from_slice(bytes) {
        Ok(Strict(value)) => Ok(value),
        Err(error) if error.is_data() => Err(format!("a key stands twice{}", at(&error))),
        Err(error) if error.is_eof() => Err(format!("no JSON: it ends too early{}", at(&error))),
        Err(error) => Err(format!("no JSON{}", at(&error))),
    }
}

fn at(error: &serde_json::Error) -> String {
    format!(": line {} column {}", error.line(), error.column())
}

/// A value in which no key stands twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON in which no key stands twice")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((key, Strict(value))) = members.next_entry::<String, _>()? {
            if all.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_reads_what_json_is() {
        let text = r#"{"a": [1, -2, 2.5, null, true, "ü\n"], "b": {"a": {}}, "big": 18446744073709551615}"#;
        let plain: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text.as_bytes()), Ok(plain));
        assert_eq!(read(b" 3 "), Ok(json!(3)));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_wherever_it_stands() {
        for text in [
            r#"{"event_type": "user_terminated", "event_type": "test"}"#,
            r#"{"event_type": "test", "event\u005ftype": "test"}"#,
            r#"{"user": [{"a": 1, "b": 2, "a": 1}]}"#,
        ] {
            let why = read(text.as_bytes()).unwrap_err();
            assert!(why.starts_with("a key stands twice: line 1 column "), "{why}");
        }
    }

    #[test]
    fn what_is_no_json_says_why_and_quotes_nothing() {
        let cases: [(&[u8], &str); 4] = [
            (b"{\"name\": \"m\xfcller\"}", "it is no UTF-8 text from byte 12 on"),
            (b"", "no JSON: it ends too early: line 1 column 0"),
            (b"{\"a\": ", "no JSON: it ends too early: line 1 column 6"),
            (b"{secret}", "no JSON: line 1 column 2"),
        ];
        for (bytes, why) in cases {
            assert_eq!(read(bytes).unwrap_err(), why);
        }
    }
}
