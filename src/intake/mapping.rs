//! Reading another system's payload: its fields are put where the documented payload has them. Pure.

use crate::config::{Field, Origin, PayloadMapping};
use crate::domain::notice::Fault;
use crate::domain::time::UtcTime;
use serde_json::{Map, Value};

/// Later numbers than this are milliseconds: as seconds they would be thousands of years away.
const MILLISECONDS: f64 = 1e11;

/// `value` in the documented form.
#[must_use]
pub fn canonical(mapping: &PayloadMapping, value: &Value) -> Value {
    let mut form = Value::Object(Map::new());
    for (field, origin) in &mapping.fields {
        let found = match origin {
            Origin::Pointer(pointer) => value
                .pointer(pointer)
                .filter(|found| !found.is_null())
                .map(|found| text(*field, found)),
            Origin::Value(constant) => Some(Value::String(constant.clone())),
            // Whoever received it knows its headers.
            Origin::Header(_) => None,
        };
        if let Some(found) = found {
            put(&mut form, field.pointer(), found);
        }
    }
    if let Some(kind) = form.get_mut("event_type")
        && !mapping.events.is_empty()
    {
        let mapped = kind.as_str().and_then(|kind| mapping.events.get(kind)).cloned();
        // What is not mapped is no type of ours, also if it is called like one.
        *kind = Value::String(mapped.unwrap_or_else(|| {
            let theirs = kind.as_str().map_or_else(|| kind.to_string(), str::to_owned);
            format!("{theirs} (not in mapping.events)")
        }));
    }
    form
}

/// Numbers are ids or times with many; the documented form has texts.
fn text(field: Field, found: &Value) -> Value {
    match found {
        Value::Number(number) if field == Field::Timestamp => {
            let seconds = number.as_f64().unwrap_or(f64::MAX);
            let micros = if seconds.abs() < MILLISECONDS { seconds * 1e6 } else { seconds * 1e3 };
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it saturates, and is refused then"
            )]
            let at = UtcTime::from_micros(micros as i64);
            at.map_or_else(|| found.clone(), |at| Value::String(at.to_string()))
        }
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => Value::Array(items.iter().map(|item| text(field, item)).collect()),
        Value::String(words) => Value::String(words.trim().to_owned()),
        Value::Null | Value::Bool(_) | Value::Object(_) => found.clone(),
    }
}

/// Puts `found` at a pointer of the documented form, of one or two parts.
fn put(form: &mut Value, pointer: &str, found: Value) {
    let mut place = form;
    for part in pointer.split('/').skip(1) {
        let Value::Object(members) = place else { return };
        place = members.entry(part).or_insert_with(|| Value::Object(Map::new()));
    }
    *place = found;
}

/// `fault` with the place in the sender's own payload, where the field comes from there.
#[must_use]
pub fn in_theirs(mapping: &PayloadMapping, fault: &Fault) -> Fault {
    let of = |(field, origin): (&Field, &Origin)| {
        let rest = fault.pointer.strip_prefix(field.pointer())?;
        match origin {
            Origin::Pointer(theirs) if rest.is_empty() || rest.starts_with('/') => {
                Some(format!("{theirs}{rest}"))
            }
            Origin::Pointer(_) | Origin::Value(_) | Origin::Header(_) => None,
        }
    };
    let pointer = mapping.fields.iter().find_map(of);
    Fault {
        pointer: pointer.unwrap_or_else(|| fault.pointer.clone()),
        detail: fault.detail.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mapping() -> PayloadMapping {
        let at = |pointer: &str| Origin::Pointer(pointer.to_owned());
        PayloadMapping {
            fields: [
                (Field::EventType, at("/type")),
                (Field::EventId, Origin::Header("x-id".to_owned())),
                (Field::Timestamp, at("/created")),
                (Field::EmployeeId, at("/data/worker~1id")),
                (Field::Username, at("/data/logins/0")),
                (Field::TimeZone, Origin::Value("Europe/Berlin".to_owned())),
                (Field::Accounts, at("/data/db")),
            ]
            .into(),
            events: [("worker.left".to_owned(), "user_terminated".to_owned())].into(),
        }
    }

    #[test]
    fn fields_are_put_where_they_belong() {
        let theirs = json!({
            "type": "worker.left", "created": 1_770_129_000, "data": {
                "worker/id": 4711, "logins": [" jdoe "], "db": ["a", 2], "secret": "x",
            },
        });
        assert_eq!(
            canonical(&mapping(), &theirs),
            json!({
                "event_type": "user_terminated", "timestamp": "2026-02-03T14:30:00.000000Z",
                "user": {
                    "employee_id": "4711", "username": "jdoe", "time_zone": "Europe/Berlin",
                    "accounts": ["a", "2"],
                },
            })
        );
        let millis = json!({"type": "x", "created": 1_770_129_000_000_u64});
        let read = canonical(&mapping(), &millis);
        assert_eq!(read["timestamp"], "2026-02-03T14:30:00.000000Z");
        assert_eq!(read["event_type"], "x (not in mapping.events)");
        assert_eq!(
            canonical(&mapping(), &json!(3)),
            json!({"user": {"time_zone": "Europe/Berlin"}})
        );
    }

    #[test]
    fn what_is_wrong_is_named_in_their_words() {
        let said = |pointer: &str| in_theirs(&mapping(), &Fault::new(pointer, "why")).pointer;
        assert_eq!(said("/user/employee_id"), "/data/worker~1id");
        assert_eq!(said("/user/accounts/1"), "/data/db/1");
        assert_eq!(said("/user/time_zone"), "/user/time_zone", "it is a constant of the file");
        assert_eq!(said("/user/username_2"), "/user/username_2");
    }
}
