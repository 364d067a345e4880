//! The canonical form of a line, checked byte by byte.
//!
//! The form is a subset of RFC 8785 (JCS) in which every value has exactly one spelling that all JSON
//! readers agree on: no floats, no integers beyond 2^53−1, keys of `[a-z0-9_]+`, unique and ascending.
//! Hash and signature bind the bytes; the form makes sure that the bytes mean one thing only, so it is
//! checked for every line, signed or not.

use crate::audit::format::{MAX_DEPTH, MAX_INTEGER};

/// Where and why text is not canonical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FormError {
    /// Byte offset in the text.
    pub(super) at: usize,
    /// What would have been right there.
    pub(super) expected: &'static str,
}

/// A member of the outermost object: its value as written, and where that begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Member<'a> {
    /// The inside of a string, escapes as written; `None` for any other kind of value.
    pub(super) fn string(self) -> Option<&'a str> {
        self.text.strip_prefix('"')?.strip_suffix('"')
    }
}

/// Checks that `text` is one canonical object, and calls `visit` with key and value of each of its
/// members (not of nested ones), in order.
pub(super) fn object<'a>(
    text: &'a str,
    visit: &mut dyn FnMut(&'a str, Member<'a>),
) -> Result<(), FormError> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
    if scanner.peek() != Some(b'{') {
        return Err(scanner.error("one object, beginning with {"));
    }
    scanner.object(1, visit)?;
    if scanner.peek().is_some() {
        return Err(scanner.error("the line feed right after the object"));
    }
    Ok(())
}

/// Undoes the escapes of a string that [`object`] has accepted.
pub(super) fn unescape(raw: &str) -> String {
    let mut plain = String::with_capacity(raw.len());
    let mut pieces = raw.split('\\');
    plain.push_str(pieces.next().unwrap_or_default());
    while let Some(piece) = pieces.next() {
        let mut rest = piece.chars();
        match rest.next() {
            // `\\` leaves an empty piece; the one that follows has no escape of its own.
            None => {
                plain.push('\\');
                plain.push_str(pieces.next().unwrap_or_default());
            }
            Some('u') => {
                let code = piece.get(1..5).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                plain.extend(code.and_then(char::from_u32));
                plain.push_str(piece.get(5..).unwrap_or_default());
            }
            Some(letter) => {
                plain.push(match letter {
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                });
                plain.push_str(rest.as_str());
            }
        }
    }
    plain
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn error(&self, expected: &'static str) -> FormError {
        FormError { at: self.at, expected }
    }

    /// Steps over `byte` if it is next.
    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn value(&mut self, depth: usize) -> Result<(), FormError> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.integer(),
            Some(b'{') => self.object(depth + 1, &mut |_, _| {}),
            Some(b'[') => self.array(depth + 1),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(self.error("a value, without space before it")),
        }
    }

    fn object(
        &mut self,
        depth: usize,
        visit: &mut dyn FnMut(&'a str, Member<'a>),
    ) -> Result<(), FormError> {
        self.open(depth)?;
        if self.eat(b'}') {
            return Ok(());
        }
        let mut last_key = "";
        loop {
            let key_at = self.at;
            let key = self.key()?;
            // The first key is never empty, so it is greater than "".
            if key <= last_key {
                return Err(FormError {
                    at: key_at,
                    expected: "keys in ascending order, each once",
                });
            }
            last_key = key;
            let at = self.at;
            self.value(depth)?;
            visit(key, Member { text: self.since(at), at });
            if self.eat(b'}') {
                return Ok(());
            }
            if !self.eat(b',') {
                return Err(self.error(", or } right after a value"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), FormError> {
        self.open(depth)?;
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if self.eat(b']') {
                return Ok(());
            }
            if !self.eat(b',') {
                return Err(self.error(", or ] right after a value"));
            }
        }
    }

    /// Steps over the opening bracket, unless it nests too deep. This bounds the recursion.
    fn open(&mut self, depth: usize) -> Result<(), FormError> {
        if depth > MAX_DEPTH {
            return Err(self.error("no more than 32 levels of nesting"));
        }
        self.at += 1;
        Ok(())
    }

    /// A key with its quotes and colon.
    fn key(&mut self) -> Result<&'a str, FormError> {
        if !self.eat(b'"') {
            return Err(self.error("a key in quotes"));
        }
        let start = self.at;
        while matches!(self.peek(), Some(b'a'..=b'z' | b'0'..=b'9' | b'_')) {
            self.at += 1;
        }
        let key = self.since(start);
        if key.is_empty() || !self.eat(b'"') {
            return Err(self.error("a key of a-z, 0-9 and _"));
        }
        if !self.eat(b':') {
            return Err(self.error(": right after a key"));
        }
        Ok(key)
    }

    fn word(&mut self, word: &'static str) -> Result<(), FormError> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.error("true, false or null"));
        }
        self.at += word.len();
        Ok(())
    }

    fn integer(&mut self) -> Result<(), FormError> {
        let start = self.at;
        let wrong = |expected| Err(FormError { at: start, expected });
        let negative = self.eat(b'-');
        let first_digit = self.at;
        let mut value = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            self.at += 1;
            value = value * 10 + u64::from(digit - b'0');
            // Leaving here keeps `value` far below overflow, however many digits follow.
            if value > MAX_INTEGER {
                return wrong("an integer of at most 2^53-1");
            }
        }
        match self.since(first_digit) {
            "" => wrong("an integer"),
            "0" if negative => wrong("0 without a sign"),
            digits if digits.len() > 1 && digits.starts_with('0') => {
                wrong("an integer without leading zeros")
            }
            _ if matches!(self.peek(), Some(b'.' | b'e' | b'E')) => {
                wrong("an integer, without fraction or exponent")
            }
            _ => Ok(()),
        }
    }

    fn string(&mut self) -> Result<(), FormError> {
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            self.at += plain.unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.error("control characters escaped")),
                None => return Err(self.error("the closing quote of a string")),
            }
        }
    }

    /// The one spelling JCS leaves to each character that must be escaped (RFC 8785 section 3.2.2.2).
    fn escape(&mut self) -> Result<(), FormError> {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let length = match rest {
            [b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..]
            | [b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 6,
            _ => return Err(self.error("no escape but \\\" \\\\ \\b \\f \\n \\r \\t and \\u00xx for other control characters")),
        };
        self.at += length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        fn agrees_with_serde_json_on_edited_text(value in value(), at in 0..200_usize, put in "[ ,:\"\\\\a0u1.eE{}\\-\\[\\]A\u{1}é]{0,2}", cut in 0..3_usize) {
            let mut chars: Vec<char> = serde_json::json!({ "a": value }).to_string().chars().collect();
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
}
