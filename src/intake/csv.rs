//! A CSV file of notices: bytes in, one result per row out. Pure.

mod header;
mod population;
mod records;
mod within;

pub use header::{Column, FileError};
pub use population::{PopulationError, population};
pub(super) use within::refuse_one_event_told_differently;
pub use within::{Note, notes};

use super::submission::{OneOrMany, Submission};
use crate::domain::hex::hex;
use crate::domain::revocation::Kind;
use header::Header;
use records::Record;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// What separates the names of a list within a cell.
const LIST: [char; 3] = [';', ',', '|'];
/// A cell is quoted in a message up to this many characters.
const QUOTED: usize = 200;

/// A file that was read: each record after the header is a row, good or bad.
#[derive(Debug)]
pub struct Sheet {
    /// What separates its cells.
    pub separator: u8,
    /// In the file's order.
    pub rows: Vec<Row>,
    header: Header,
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// Line of the file on which it begins.
    pub line: usize,
    /// Its username, as far as it can be read.
    pub username: String,
    /// What it asks for.
    pub notice: Result<Submission, Wrong>,
}

/// What is wrong with a row, in the file's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Column, as the file calls it, if it is one column's fault.
    pub column: Option<String>,
    /// What was expected, or why it is refused.
    pub expected: String,
}

/// A row as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sendable {
    /// The notice as JSON: equal rows have equal bytes.
    pub body: Vec<u8>,
    /// The id of the event, which is also in the body.
    pub event_id: String,
}

impl Sheet {
    /// Reads a file.
    ///
    /// # Errors
    /// When it has no header that can be used. What is wrong with a row stands in the row.
    pub fn read(bytes: &[u8]) -> Result<Self, FileError> {
        let (header, separator, records) = Header::read(bytes)?;
        let mut rows = records.map(|record| row(&header, record)).collect::<Vec<_>>();
        refuse_one_event_told_differently(&mut rows, |expected| {
            header.wrong(Column::EventId, expected)
        });
        Ok(Self { separator, rows, header })
    }

    /// The refusal of a row in the file's words: `/effective_at: …` is about the column of that name.
    #[must_use]
    pub fn wrong(&self, detail: &str) -> Wrong {
        let about = detail
            .strip_prefix('/')
            .and_then(|rest| rest.split_once(": "))
            .and_then(|(field, reason)| Some((Column::from_word(first_token(field))?, reason)));
        match about {
            Some((column, reason)) => self.header.wrong(column, reason),
            None => Wrong { column: None, expected: shortened(detail) },
        }
    }

    /// The refusal of a row because of `column`.
    #[must_use]
    pub fn wrong_in(&self, column: Column, expected: &str) -> Wrong {
        self.header.wrong(column, expected)
    }
}

/// The first part of a JSON Pointer: `/account/3` is about `account`.
fn first_token(pointer: &str) -> &str {
    pointer.split('/').next().unwrap_or(pointer)
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= 3 * QUOTED {
        return text.to_owned();
    }
    text.chars().take(3 * QUOTED).chain(['…']).collect()
}

fn quoted(cell: &str) -> String {
    let more = if cell.chars().count() > QUOTED { "…" } else { "" };
    format!("`{}{more}`", cell.chars().take(QUOTED).collect::<String>())
}

fn row(header: &Header, record: Record) -> Row {
    let username = record
        .fields
        .as_ref()
        .ok()
        .and_then(|fields| fields.get(header.place(Column::Username)?))
        .map(|cell| String::from_utf8_lossy(cell).trim().to_owned())
        .unwrap_or_default();
    let notice = submission(header, record.fields);
    Row { line: record.line, username, notice }
}

fn submission(
    header: &Header,
    fields: Result<Vec<Vec<u8>>, records::Quotes>,
) -> Result<Submission, Wrong> {
    let whole_row = |expected: String| Wrong { column: None, expected };
    let fields = fields.map_err(|quotes| whole_row(quotes.to_string()))?;
    if fields.len() != header.len() {
        return Err(whole_row(format!(
            "{} cells, as many as the header has columns, not {}",
            header.len(),
            fields.len()
        )));
    }
    let mut asked = Submission::default();
    for (column, cell) in header.columns().zip(fields) {
        let set = text(cell).and_then(|cell| {
            let cell = cell.trim();
            if tells_apart(column) && cell.chars().any(char::is_control) {
                return Err(
                    "text without control characters, such as tabs and line breaks".to_owned()
                );
            }
            set(&mut asked, column, cell)
        });
        set.map_err(|expected| header.wrong(column, &expected))?;
    }
    for (column, value) in [(Column::Username, &asked.username), (Column::Reason, &asked.reason)] {
        if value.is_empty() {
            return Err(header.wrong(column, "a value, not an empty cell"));
        }
    }
    // As `expect add` has it: a time that would be passed over was meant by somebody.
    if asked.emergency && asked.effective_at.is_some() {
        return Err(header.wrong(Column::Emergency, "no time beside it: an emergency is at once"));
    }
    if asked.revocation_type.is_none() {
        let kind = if asked.names_a_part() { Kind::Partial } else { Kind::Full };
        asked.revocation_type = Some(kind.as_str().to_owned());
    }
    Ok(asked)
}

/// Whether what stands in `column` tells people, events or tickets apart and is shown as it is. Why somebody left may have
/// lines, and a role may be called anything.
fn tells_apart(column: Column) -> bool {
    match column {
        Column::Username
        | Column::EmployeeId
        | Column::NewOwner
        | Column::Email
        | Column::TimeZone
        | Column::Ticket
        | Column::EventId => true,
        Column::Reason
        | Column::RevocationType
        | Column::PreserveData
        | Column::Account
        | Column::Roles
        | Column::Permissions
        | Column::RequiredRoles
        | Column::RequiredPermissions
        | Column::EffectiveAt
        | Column::Deadline
        | Column::Emergency => false,
    }
}

fn text(cell: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(cell).map_err(|error| {
        let bad = error.as_bytes().get(error.utf8_error().valid_up_to()).copied().unwrap_or(0);
        format!("text in UTF-8, not the byte 0x{bad:02X}; save the file as UTF-8")
    })?;
    if text.contains('\0') {
        return Err("text without NUL characters".to_owned());
    }
    Ok(text)
}

/// Puts a trimmed cell where it belongs; an empty one says nothing.
fn set(asked: &mut Submission, column: Column, cell: &str) -> Result<(), String> {
    if cell.is_empty() {
        return Ok(());
    }
    let value = || Some(cell.to_owned());
    match column {
        Column::Username => cell.clone_into(&mut asked.username),
        Column::Reason => cell.clone_into(&mut asked.reason),
        Column::EmployeeId => asked.employee_id = value(),
        Column::Account => asked.account = list(cell),
        Column::RevocationType => {
            // A kind is a word, however it is capitalised; what is none is refused as it was written.
            let known = Kind::from_word(&cell.to_lowercase());
            asked.revocation_type =
                Some(known.map_or_else(|| cell.to_owned(), |kind| kind.as_str().to_owned()));
        }
        Column::Roles => asked.roles = list(cell),
        Column::Permissions => asked.permissions = list(cell),
        Column::RequiredRoles => asked.required_roles = list(cell),
        Column::RequiredPermissions => asked.required_permissions = list(cell),
        Column::NewOwner => asked.new_owner = value(),
        Column::Email => asked.email = list(cell),
        Column::EffectiveAt => asked.effective_at = value(),
        Column::TimeZone => asked.time_zone = value(),
        Column::Deadline => asked.deadline = value(),
        Column::PreserveData => asked.preserve_data = boolean(cell)?,
        Column::Emergency => asked.emergency = boolean(cell)?,
        Column::Ticket => asked.ticket = value(),
        Column::EventId => asked.event_id = value(),
    }
    Ok(())
}

fn list(cell: &str) -> Option<OneOrMany> {
    let mut names: Vec<String> = Vec::new();
    for name in cell.split(LIST).map(str::trim).filter(|name| !name.is_empty()) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    (!names.is_empty()).then_some(OneOrMany::Many(names))
}

fn boolean(cell: &str) -> Result<bool, String> {
    match cell.to_lowercase().as_str() {
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        _ => Err(format!("true or false (or yes, no, 1, 0), not {}", quoted(cell))),
    }
}

/// A row's notice as it is sent. Its event is the row's own, else what the row says: the same row in a longer
/// file, in another order of columns, or with defaults spelt out, is the same event, unless `batch` differs.
///
/// # Errors
/// None that a row can cause.
pub fn sendable(asked: &Submission, batch: &str) -> serde_json::Result<Sendable> {
    let canonical = canonical(&Submission { event_id: None, ..asked.clone() })?;
    let event_id = asked.event_id.clone().unwrap_or_else(|| {
        let mut hash = Sha256::new();
        hash.update(batch);
        // Neither an argument nor JSON has a NUL.
        hash.update([0]);
        hash.update(&canonical);
        format!("csv:{}", hex(&hash.finalize()))
    });
    let body = self::canonical(&Submission { event_id: Some(event_id.clone()), ..asked.clone() })?;
    Ok(Sendable { body, event_id })
}

/// JSON with its keys in order: the order of fields in the code may change between versions, and the bytes of
/// a notice that is known must not.
fn canonical(asked: &Submission) -> serde_json::Result<Vec<u8>> {
    let fields: BTreeMap<String, serde_json::Value> =
        serde_json::from_value(serde_json::to_value(asked)?)?;
    serde_json::to_vec(&fields)
}

#[cfg(test)]
mod tests;
