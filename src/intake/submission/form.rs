//! The form of what is sent: one JSON object, and texts and names that can be kept.

use super::OneOrMany;
use crate::domain::notice::Fault;
use serde_path_to_error::Segment;

/// Longest text of a field.
pub(in crate::intake) const TEXT: usize = 1_000;
/// Most accounts or roles in one notice.
pub(in crate::intake) const LISTED: usize = 1_000;

/// What is wrong with a notice.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionError {
    /// Not JSON, or not an object of known fields.
    #[error("{}", Fault::new(pointer.as_str(), reason.as_str()))]
    Form {
        /// Where, as a JSON Pointer (RFC 6901); empty for the whole.
        pointer: String,
        /// What was expected.
        reason: String,
    },
    /// A field has a value that cannot be used.
    #[error("{field}: {reason}")]
    Field {
        /// Field, as a JSON Pointer (RFC 6901).
        field: &'static str,
        /// What was expected.
        reason: String,
    },
    /// No randomness for an id.
    #[error("making an id")]
    Id(#[source] std::io::Error),
}

/// Reads one JSON object, whose unknown fields are refused by its type.
///
/// # Errors
/// When it is none, or a field of it is unknown, missing or of another type.
pub fn object<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, SubmissionError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let parsed: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        SubmissionError::Form { pointer, reason: error.into_inner().to_string() }
    })?;
    let whole = |error: serde_json::Error| SubmissionError::Form {
        pointer: String::new(),
        reason: error.to_string(),
    };
    reader.end().map_err(whole)?;
    Ok(parsed)
}

/// A path as a JSON Pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let part = |segment: &Segment| match segment {
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Seq { index } => format!("/{index}"),
        // They stand in no document.
        Segment::Enum { .. } | Segment::Unknown => String::new(),
    };
    path.iter().map(part).collect()
}

pub(in crate::intake) fn names_fit(
    field: &'static str,
    list: Option<&OneOrMany>,
) -> Result<(), SubmissionError> {
    let list = OneOrMany::list(list);
    if list.len() > LISTED || !list.iter().all(|name| is_name(name)) {
        let why =
            format!("up to {LISTED} names, none empty, each of up to {TEXT} bytes without NUL");
        return Err(wrong(field, why));
    }
    Ok(())
}

pub(in crate::intake) fn text_fits(
    field: &'static str,
    text: Option<&String>,
) -> Result<(), SubmissionError> {
    text.and_then(|text| unfit(text)).map_or(Ok(()), |why| Err(wrong(field, why)))
}

/// Why `text` cannot be kept, if it cannot.
#[must_use]
pub fn unfit(text: &str) -> Option<String> {
    if text.trim().is_empty() || text.len() > TEXT {
        let blank = if text.is_empty() || text.len() > TEXT { "" } else { " blanks" };
        return Some(format!("1 to {TEXT} bytes of text, not {}{blank}", text.len()));
    }
    if text.contains('\0') {
        return Some("no text has a NUL character".to_owned());
    }
    (text.trim() != text).then(|| "no blanks at its beginning or end".to_owned())
}

/// Whether `text` can be the name of a role, a permission or a target.
#[must_use]
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= TEXT && !text.contains('\0')
}

pub(in crate::intake) fn without_control(
    field: &'static str,
    text: Option<&String>,
) -> Result<(), SubmissionError> {
    if text.is_some_and(|text| text.chars().any(char::is_control)) {
        return Err(wrong(field, "text without control characters, such as tabs and line breaks"));
    }
    Ok(())
}

pub(in crate::intake) fn wrong(field: &'static str, reason: impl Into<String>) -> SubmissionError {
    SubmissionError::Field { field, reason: reason.into() }
}
