//! What a file says: rows of notices. Pure.

use crate::intake::batch::FILE;
use crate::intake::csv::{Column, FileError, Row, Sheet, Wrong};
use crate::intake::json;
use std::ffi::OsStr;
use std::path::Path;

/// Largest JSON file: it is held in memory more than once.
const JSON: u64 = 16 << 20;

/// Rows of a file, good or bad.
#[derive(Debug)]
pub(super) enum Content {
    /// Of a CSV file.
    Csv(Sheet),
    /// Of a JSON file.
    Json(Vec<Row>),
}

/// Why a file has none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// It ends where no file ends: somebody may still write it.
    Cut(String),
    /// It will not become any better.
    Unusable(String),
}

/// How a file is read.
enum Form {
    Csv,
    Json,
}

fn form(name: &OsStr) -> Option<Form> {
    let ending = Path::new(name).extension()?.to_ascii_lowercase();
    match ending.to_str()? {
        "csv" => Some(Form::Csv),
        "json" => Some(Form::Json),
        _ => None,
    }
}

/// Largest file of this name that is read.
pub(super) fn largest(name: &OsStr) -> u64 {
    match form(name) {
        Some(Form::Json) => JSON,
        Some(Form::Csv) | None => FILE,
    }
}

impl Content {
    /// Reads the bytes of the file `name`.
    pub(super) fn read(name: &OsStr, bytes: &[u8]) -> Result<Self, Bad> {
        match form(name) {
            None => Err(Bad::Unusable("its name ends neither in .csv nor in .json".to_owned())),
            Some(Form::Csv) => Sheet::read(bytes).map(Self::Csv).map_err(|error| match error {
                FileError::Empty => Bad::Cut(error.to_string()),
                FileError::Utf16
                | FileError::NotText { .. }
                | FileError::Quotes { .. }
                | FileError::NoName { .. }
                | FileError::Unknown { .. }
                | FileError::Twice { .. }
                | FileError::Missing { .. } => Bad::Unusable(error.to_string()),
            }),
            Some(Form::Json) => match json::Sheet::read(bytes) {
                json::Sheet::Rows(rows) => Ok(Self::Json(rows)),
                json::Sheet::Cut => Err(Bad::Cut("the file ends in the middle".to_owned())),
                json::Sheet::Unusable(why) => Err(Bad::Unusable(why)),
            },
        }
    }

    pub(super) fn rows(&self) -> &[Row] {
        match self {
            Self::Csv(sheet) => &sheet.rows,
            Self::Json(rows) => rows,
        }
    }

    pub(super) fn separator(&self) -> u8 {
        match self {
            Self::Csv(sheet) => sheet.separator,
            Self::Json(_) => b',',
        }
    }

    /// The refusal of a row in the file's words.
    pub(super) fn wrong(&self, detail: &str) -> Wrong {
        match self {
            Self::Csv(sheet) => sheet.wrong(detail),
            Self::Json(_) => json::wrong(detail),
        }
    }

    /// The refusal of a row because of its event.
    pub(super) fn wrong_event(&self, detail: &str) -> Wrong {
        match self {
            Self::Csv(sheet) => sheet.wrong_in(Column::EventId, detail),
            Self::Json(_) => {
                Wrong { column: Some("event_id".to_owned()), expected: detail.to_owned() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<usize, Bad> {
        Content::read(OsStr::new(name), text.as_bytes()).map(|content| content.rows().len())
    }

    #[test]
    fn the_ending_says_how_a_file_is_read() {
        assert_eq!(read("a.CSV", "username,reason\nx,left\ny,left\n"), Ok(2));
        assert_eq!(read("a.json", r#"{"username":"x","reason":"left"}"#), Ok(1));
        assert!(matches!(read("a.txt", "x"), Err(Bad::Unusable(_))));
        assert!(matches!(read("csv", "x"), Err(Bad::Unusable(_))));
    }

    #[test]
    fn what_may_become_better_is_waited_for() {
        assert!(matches!(read("a.csv", "\n"), Err(Bad::Cut(_))));
        assert!(matches!(read("a.json", "[{"), Err(Bad::Cut(_))));
        assert!(matches!(read("a.csv", "username\nx"), Err(Bad::Unusable(_))));
        assert!(matches!(read("a.json", "7 8"), Err(Bad::Unusable(_))));
    }
}
