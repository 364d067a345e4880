//! The canonical form of a line, checked byte by byte.
//!
//! The form is a subset of RFC 8785 (JCS) in which every value has exactly one spelling that all
//! JSON readers agree on: no floats, no integers beyond 2^53−1, keys of `[a-z0-9_]+`, unique and
//! ascending. Hash and signature bind the bytes; the form makes sure that the bytes mean one thing
//! only, so it is checked for every line, signed or not.

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

/// Takes key and value of a member.
type Visit<'v, 'a> = &'v mut dyn FnMut(&'a str, Member<'a>);

/// Checks that `text` is one canonical object, and calls `visit` with key and value of each of its
/// members (not of nested ones), in order.
pub(super) fn object<'a>(text: &'a str, visit: Visit<'_, 'a>) -> Result<(), FormError> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
    if scanner.peek() != Some(b'{') {
        return Err(scanner.error("one object, beginning with {"));
    }
    scanner.object(1, Some(visit))?;
    if scanner.peek().is_some() {
        return Err(scanner.error("the line feed right after the object"));
    }
    Ok(())
}

/// Checks that from byte `at` of `text` on there is one canonical object, nested in one other, and gives the byte
/// after it.
pub(super) fn nested_object(text: &str, at: usize) -> Option<usize> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at };
    (scanner.peek() == Some(b'{') && scanner.object(2, None).is_ok()).then_some(scanner.at)
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

/// Bytes of a string that is not long.
const SHORT: usize = 32;
/// Bytes that the processor compares at once, or in two or four steps.
const BLOCK: usize = 64;

/// The number of bytes before the first that cannot stand for itself in a string: `"`, `\`, and what is below
/// 0x20. Many at a time, since most of a log is inside strings: first those of a short one, then those of long ones.
fn plain_length(bytes: &[u8]) -> usize {
    let (start, rest) = bytes.split_at_checked(SHORT).unwrap_or((bytes, &[]));
    let found = plain_words(start);
    if found < start.len() {
        return found;
    }
    let (blocks, _) = rest.as_chunks::<BLOCK>();
    let plain = blocks
        .iter()
        .take_while(|block| !block.iter().fold(false, |any, byte| any | is_special(*byte)));
    let plain = start.len() + plain.count() * BLOCK;
    plain + plain_words(bytes.get(plain..).unwrap_or_default())
}

/// Whether a byte cannot stand for itself in a string.
fn is_special(byte: u8) -> bool {
    (byte == b'"') || (byte == b'\\') || (byte < 0x20)
}

/// The same as [`plain_length`], eight bytes at a time.
fn plain_words(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (words, tail) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // The high bit of each byte that is less than `limit`, of the first such byte for certain.
        let below = |value: u64, limit: u64| value.wrapping_sub(ONES * limit) & !value & HIGH;
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = quote | backslash | below(word, 0x20);
        if found != 0 {
            return at * 8 + (found.trailing_zeros() / 8) as usize;
        }
    }
    words.len() * 8 + tail.iter().position(|byte| is_special(*byte)).unwrap_or(tail.len())
}

/// Whether a byte may stand in a key, or in the type of a record.
pub(super) fn is_of_name(byte: u8) -> bool {
    byte.wrapping_sub(b'a') < 26 || byte.wrapping_sub(b'0') < 10 || byte == b'_'
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
            Some(b'{') => self.object(depth + 1, None),
            Some(b'[') => self.array(depth + 1),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => Err(self.error("a value, without space before it")),
        }
    }

    fn object(&mut self, depth: usize, mut visit: Option<Visit<'_, 'a>>) -> Result<(), FormError> {
        self.open(depth)?;
        if self.eat(b'}') {
            return Ok(());
        }
        let mut last_key = "";
        loop {
            let key_at = self.at;
            let key = self.key()?;
            // The first key is never empty, so it is greater than "". Mostly the first letters tell.
            let begin = |key: &str| key.as_bytes().first().copied();
            if begin(key) <= begin(last_key) && key <= last_key {
                return Err(FormError {
                    at: key_at,
                    expected: "keys in ascending order, each once",
                });
            }
            last_key = key;
            let at = self.at;
            self.value(depth)?;
            if let Some(visit) = &mut visit {
                visit(key, Member { text: self.since(at), at });
            }
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
        let rest = self.bytes.get(start..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !is_of_name(*byte)).unwrap_or(rest.len());
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
            self.at += plain_length(self.bytes.get(self.at..).unwrap_or_default());
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

    /// The one spelling left to characters that must be escaped (RFC 8785 section 3.2.2.2).
    fn escape(&mut self) -> Result<(), FormError> {
        let rest = self.bytes.get(self.at + 1..).unwrap_or_default();
        let length = match rest {
            [b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..]
            | [b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 6,
            _ => return Err(self.error("the shortest escape, and only where one is needed")),
        };
        self.at += length;
        Ok(())
    }
}
