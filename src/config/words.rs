//! What is wrong with a file, in the words of whoever wrote it: what a deserializer says is about types of ours.
//!
//! The messages of `serde` are not part of its contract. One that is not known here is said as it is.

use serde_json::Value;

/// What is wrong with a file that is no map of keys.
pub(super) fn no_keys(value: &Value) -> Option<&'static str> {
    match value {
        Value::Object(_) => None,
        Value::Null => Some("it is empty; `revoked init` makes one to begin with"),
        Value::Array(_) => {
            Some("it is a list; take the `-` away: keys with values are needed, such as `targets:`")
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Some("it has no keys; keys with values are needed, such as `targets:`")
        }
    }
}

/// What `message`, of the deserializer, means for the place in the file that it is about.
pub(super) fn in_words(message: &str) -> String {
    let parts = message.split_once(", expected ");
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return match rest.split_once(", expected ") {
            Some((key, known)) => {
                format!("there is no key {key} here; there are {}", choices(known))
            }
            None => format!("there is no key {rest} here"),
        };
    }
    if let Some(key) = message.strip_prefix("missing field ") {
        return format!("the key {key} is missing");
    }
    if message.starts_with("data did not match any variant") {
        return "it has none of the forms that can be written here".to_owned();
    }
    let Some((what, want)) = parts else { return message.to_owned() };
    if let Some(got) = what.strip_prefix("invalid type: ") {
        another_type(got, want)
    } else if what.starts_with("invalid value: ") {
        format!("write {}", wanted(want))
    } else if what.starts_with("invalid length ") && want.starts_with("struct ") {
        another_type("sequence", want)
    } else if let Some(word) = what.strip_prefix("unknown variant ") {
        format!("{word} is none of {}", choices(want))
    } else {
        message.to_owned()
    }
}

fn another_type(got: &str, want: &str) -> String {
    let got = got.split_once(' ').map_or(got, |(kind, _)| kind);
    let number = matches!(got, "integer" | "floating");
    let got = match got {
        "null" | "unit" => {
            return format!("nothing is there; write {}, or leave the key out", wanted(want));
        }
        "sequence" => "a list",
        "map" => "keys with values",
        "string" => "a text",
        "boolean" => "true or false",
        "integer" | "floating" => "a number",
        other => other,
    };
    let hint = match want {
        "a string" | "path string" if number => {
            ": a time with its unit, such as 30s, 15m, 4h or 400d; any other number in quotes"
        }
        "a string" | "path string" if got == "true or false" => ": in quotes",
        _ => "",
    };
    format!("write {}, not {got}{hint}", wanted(want))
}

fn wanted(want: &str) -> String {
    match want {
        "a string" | "a borrowed string" => "a text".to_owned(),
        "path string" => "a path".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list, such as [a, b]".to_owned(),
        "a map" => "keys with values, such as {key: value}".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "i64" | "i32" => "a whole number".to_owned(),
        _ if want.starts_with("struct ") => "keys with values, such as {key: value}".to_owned(),
        _ if want.starts_with("enum ") => "one of the words that can stand here".to_owned(),
        _ => match want.strip_prefix('u').and_then(|bits| bits.parse::<u32>().ok()) {
            Some(bits) if bits < 64 => format!("a whole number from 0 to {}", (1_u64 << bits) - 1),
            Some(_) => "a whole number, not below 0".to_owned(),
            None if want == "usize" => "a whole number, not below 0".to_owned(),
            None => want.to_owned(),
        },
    }
}

/// `a`, `b` or `c`, as `serde` lists them, in one form.
fn choices(known: &str) -> String {
    known.strip_prefix("one of ").unwrap_or(known).replace(" or ", ", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_types_become_those_of_the_file() {
        for (message, says) in [
            (
                "invalid type: integer `10`, expected a string",
                "write a text, not a number: a time with its unit, such as 30s, 15m, 4h or 400d; any other number \
                 in quotes",
            ),
            (
                "invalid type: boolean `true`, expected a string",
                "write a text, not true or false: in quotes",
            ),
            (
                "invalid type: string \"…\", expected a sequence",
                "write a list, such as [a, b], not a text",
            ),
            (
                "invalid type: sequence, expected struct ListenFile",
                "write keys with values, such as {key: value}, not a list",
            ),
            (
                "invalid type: null, expected struct ListenFile",
                "nothing is there; write keys with values, such as {key: value}, or leave the key out",
            ),
            (
                "invalid value: integer `70000`, expected u16",
                "write a whole number from 0 to 65535",
            ),
            ("missing field `role`", "the key `role` is missing"),
            (
                "unknown field `often`, expected one of `role`, `every`",
                "there is no key `often` here; there are `role`, `every`",
            ),
            (
                "unknown variant `one`, expected `two` or `single`",
                "`one` is none of `two`, `single`",
            ),
            ("a new message of serde", "a new message of serde"),
        ] {
            assert_eq!(in_words(message), says);
        }
    }
}
