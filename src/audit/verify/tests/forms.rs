//! The canonical form against a second opinion, and a list of what it is not.

use crate::audit::format::MAX_INTEGER;
use crate::audit::verify::line::{quick, slow};
use crate::audit::verify::scan::{Member, object, unescape};
use proptest::prelude::*;
use serde_json::Value;

fn is_canonical(text: &str) -> bool {
    object(text, &mut |_, _| {}).is_ok()
}

/// The same question, answered by another's code: a round trip through `serde_json` and a walk
/// over the value for what the round trip lets pass.
fn oracle(text: &str) -> bool {
    fn plain(value: &Value, depth: usize) -> bool {
        let limit = MAX_INTEGER.cast_signed();
        match value {
            Value::Null | Value::Bool(_) | Value::String(_) => true,
            Value::Number(n) => n.as_i64().is_some_and(|n| (-limit..=limit).contains(&n)),
            Value::Array(items) => depth < 32 && items.iter().all(|v| plain(v, depth + 1)),
            Value::Object(members) => {
                let key_fits = |key: &String| {
                    !key.is_empty()
                        && key.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
                };
                depth < 32 && members.iter().all(|(k, v)| key_fits(k) && plain(v, depth + 1))
            }
        }
    }
    serde_json::from_str::<Value>(text).is_ok_and(|value| {
        value.is_object() && plain(&value, 0) && serde_json::to_string(&value).unwrap() == text
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(|n| Value::from(n % (1 << 54))),
        any::<String>().prop_map(Value::from),
        "[\u{0}-\u{7f}]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z0-9_]{1,3}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn agrees_with_serde_json(value in value()) {
        let text = serde_json::json!({ "a": value }).to_string();
        prop_assert_eq!(is_canonical(&text), oracle(&text), "{}", text);
    }

    #[test]
    fn agrees_with_serde_json_on_edited_text(
        value in value(),
        at in 0..200_usize,
        cut in 0..3_usize,
        put in "[ ,:\"\\\\a0u1.eE{}\\-\\[\\]A\u{1}é]{0,2}",
    ) {
        let text = serde_json::json!({ "a": value }).to_string();
        let mut chars: Vec<char> = text.chars().collect();
        let at = at % chars.len();
        chars.splice(at..(at + cut).min(chars.len()), put.chars());
        let text: String = chars.into_iter().collect();
        prop_assert_eq!(is_canonical(&text), oracle(&text), "{}", text);
    }

    #[test]
    fn unescapes_as_serde_json_does(plain in any::<String>()) {
        let text = serde_json::to_string(&plain).unwrap();
        prop_assert_eq!(unescape(Member { text: &text, at: 0 }.string().unwrap()), plain);
    }
}

#[test]
fn one_spelling_each() {
    for good in [
        r"{}",
        r#"{"a":[],"b":{},"c":[1,-2,0,9007199254740991,-9007199254740991]}"#,
        r#"{"a":"\u0000\u001f\b\t\n\f\r\"\\/","b":"é🦀"}"#,
        "{\"a\":\"\u{7f}\"}",
    ] {
        assert!(is_canonical(good), "{good}");
        assert!(oracle(good), "{good}");
    }
    let bad = [
        ("", 0),
        ("[]", 0),
        ("1", 0),
        ("\u{feff}{}", 0),
        ("{} ", 2),
        ("{}{}", 2),
        ("{ }", 1),
        (r#"{"a":1,}"#, 7),
        (r#"{"a":1 }"#, 6),
        (r#"{"a" :1}"#, 4),
        (r#"{"a": 1}"#, 5),
        (r#"{"a":1,"a":1}"#, 7),
        (r#"{"b":1,"a":1}"#, 7),
        (r#"{"A":1}"#, 2),
        (r#"{"":1}"#, 2),
        (r#"{"a":1.0}"#, 5),
        (r#"{"a":1e3}"#, 5),
        (r#"{"a":-0}"#, 5),
        (r#"{"a":01}"#, 5),
        (r#"{"a":-}"#, 5),
        (r#"{"a":+1}"#, 5),
        (r#"{"a":9007199254740992}"#, 5),
        (r#"{"a":NaN}"#, 5),
        (r#"{"a":nul}"#, 5),
        (r#"{"a":"\u0041"}"#, 6),
        (r#"{"a":"\/"}"#, 6),
        (r#"{"a":"\u001F"}"#, 6),
        (r#"{"a":"\u000a"}"#, 6),
        (r#"{"a":"\ud800"}"#, 6),
        (r#"{"a":"\ud83e\udd80"}"#, 6),
        ("{\"a\":\"\t\"}", 6),
        (r#"{"a":"x"#, 7),
        (r#"{"a""#, 4),
        (r#"{"a":[1 ]}"#, 7),
        (r"{", 1),
        (r#"{"a":"\"#, 6),
        (r#"{"a":"\u00"#, 6),
    ];
    for (text, at) in bad {
        let error = object(text, &mut |_, _| {}).expect_err(text);
        assert_eq!(error.at, at, "{text}: {}", error.expected);
        assert!(!oracle(text), "{text}");
    }
}

#[test]
fn depth_and_length_of_numbers_are_bounded() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(is_canonical(&nested(31)));
    assert!(!is_canonical(&nested(32)));
    assert!(!is_canonical(&nested(400_000)));
    assert!(!is_canonical(&format!("{{\"a\":{}}}", "9".repeat(1_000_000))));
}

/// The short way through a line and the long one give the same, and the short one takes every good line.
#[test]
fn both_ways_through_a_line() {
    let log = super::samples::Log::sample();
    let mut mutants = 0;
    for line in &log.lines {
        assert!(quick(line).is_some(), "{line}");
        for at in 0..line.len() {
            for put in
                ["", "\"", "{", "}", ",", ":", "0", "9", "a", "_", "T", " ", "\\", "\"x\":1,"]
            {
                for cut in 0..2 {
                    let mut text = line.clone();
                    if !text.is_char_boundary(at) || !text.is_char_boundary(at + cut) {
                        continue;
                    }
                    text.replace_range(at..at + cut, put);
                    let quickly = quick(&text).map(|parsed| format!("{parsed:?}"));
                    let slowly = slow(&text).ok().map(|parsed| format!("{parsed:?}"));
                    assert_eq!(quickly, slowly, "{text}");
                    mutants += 1;
                }
            }
        }
    }
    assert!(mutants > 20_000, "{mutants}");
}
