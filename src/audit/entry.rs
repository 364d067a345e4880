//! What is to be appended: a record as its line will have it, but for its place.
//!
//! The content is put into its canonical form where a record is made, so that the one thread through which all commits go
//! has only to copy, hash and sign.

use super::line::{self, LineError};
use serde_json::{Map, Value};

/// A record to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    kind: String,
    /// How its line ends, from the type on; or why it has no line.
    ending: Result<Vec<u8>, LineError>,
}

impl Entry {
    /// A record of the type `kind` with the content `what`; a queued record has its `id` there. Content without canonical
    /// form is refused when it is to be appended.
    #[must_use]
    pub fn new(kind: &str, what: &Map<String, Value>) -> Self {
        Self { kind: kind.to_owned(), ending: line::ending(kind, what) }
    }

    /// A record whose content is the object `what`.
    pub(super) fn of(kind: &str, what: Value) -> Self {
        let what = if let Value::Object(what) = what { what } else { Map::new() };
        Self::new(kind, &what)
    }

    /// Its type.
    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// How its line ends, from the type on.
    ///
    /// # Errors
    /// When its content has no canonical form.
    pub(super) fn ending(&self) -> Result<&[u8], LineError> {
        self.ending.as_deref().map_err(Clone::clone)
    }

    /// Bytes of its line with the line feed, or a few more; `None` where it has no line.
    pub(super) fn bytes(&self) -> Option<usize> {
        self.ending.as_ref().ok().map(|ending| line::BEGINNING + ending.len() + 1)
    }

    /// Whether this line, without its line feed, is that of this record at some place.
    pub(super) fn is_line(&self, line: &[u8]) -> bool {
        // Quotes within a text are escaped, and what is nested deeper ends with more braces: only a line of this type
        // and content ends so.
        self.ending().is_ok_and(|ending| line.ends_with(ending))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn its_line_is_told_by_its_end_and_fits_the_bytes_that_are_counted() {
        let what = json!({"a": {"type": "recovery", "what": {"n": 1}}, "b": "\"type\":\"x\",\"what\":{}}"});
        let (whole, inner) =
            (Entry::of("observation", what.clone()), Entry::of("recovery", json!({"n": 1})));
        let text = Entry::of("x", json!({}));
        let Value::Object(what) = what else { unreachable!() };
        for seq in [0, 9, 10, u64::MAX] {
            let time = "2026-03-05T09:00:00.000000Z";
            let line = line::record(&"0".repeat(64), seq, time, "observation", &what).unwrap();
            assert!(line.len() < whole.bytes().unwrap(), "with its line feed");
            assert!(whole.is_line(&line) && !inner.is_line(&line) && !text.is_line(&line));
            let longest = line::record(&"0".repeat(64), u64::MAX, time, "observation", &what);
            assert_eq!(longest.unwrap().len() + 1, whole.bytes().unwrap());
        }
        let unfit = Entry::of("observation", json!({"a": 0.5}));
        assert_eq!(unfit.bytes(), None);
        assert!(!unfit.is_line(b"") && unfit.ending().is_err());
    }
}
