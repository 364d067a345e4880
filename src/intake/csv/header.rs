//! The first line: separator and columns.

use super::records::{Quotes, Records, first_line};
use super::{Wrong, quoted, shortened};

crate::domain::words::words! {
    /// What a column can be.
    Column {
        /// Who lost access.
        Username = "username",
        /// Why.
        Reason = "reason",
        /// Kind of revocation.
        RevocationType = "revocation_type",
        /// Keep the subject's data.
        PreserveData = "preserve_data",
        /// Stable id of the person.
        EmployeeId = "employee_id",
        /// Role names, `role` or `target/role`.
        Account = "account",
        /// Roles that must be gone.
        Roles = "roles",
        /// Permissions that must be gone.
        Permissions = "permissions",
        /// Roles that must be held.
        RequiredRoles = "required_roles",
        /// Permissions that must be held.
        RequiredPermissions = "required_permissions",
        /// Who owns the account from now on.
        NewOwner = "new_owner",
        /// E-mail addresses.
        Email = "email",
        /// When access has to end.
        EffectiveAt = "effective_at",
        /// The subject's time zone.
        TimeZone = "time_zone",
        /// By when everything has to be gone.
        Deadline = "deadline",
        /// At once; somebody else approves it afterwards.
        Emergency = "emergency",
        /// Ticket.
        Ticket = "ticket",
        /// The sender's id of the event.
        EventId = "event_id",
    }
}

impl Column {
    /// The column that a header's cell names.
    fn from_header(cell: &str) -> Option<Self> {
        let word = cell.to_lowercase().replace(['-', ' '], "_");
        Self::from_word(match word.as_str() {
            "user" => "username",
            "kind" => "revocation_type",
            "role" => "roles",
            "tz" => "time_zone",
            word => word,
        })
    }
}

/// Why nothing of a file can be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Nothing in it.
    #[error(
        "the file is empty; its first line names the columns, at least username and reason, and each line \
         after it is a row"
    )]
    Empty,
    /// Excel's "Unicode text", or what PowerShell writes.
    #[error("the file is UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)")]
    Utf16,
    /// The header is not text.
    #[error("line {line}: the header is not UTF-8 text; save the file as UTF-8")]
    NotText {
        /// Its line.
        line: usize,
    },
    /// The header has a quote out of place.
    #[error("line {line}: {quotes}")]
    Quotes {
        /// Its line.
        line: usize,
        /// What is wrong.
        quotes: Quotes,
    },
    /// A column without a name.
    #[error("line {line}: column {place} of {of} has no name")]
    NoName {
        /// Its line.
        line: usize,
        /// Counted from 1.
        place: usize,
        /// How many there are.
        of: usize,
    },
    /// A column that means nothing here: it must not be ignored.
    #[error("line {line}: there is no column {name}; the columns are {}", known())]
    Unknown {
        /// Its line.
        line: usize,
        /// As the file has it, quoted.
        name: String,
    },
    /// Two columns for one thing.
    #[error("line {line}: columns {} and {} ({}) are both {}; keep one", .places.0, .places.1, .names, .column)]
    Twice {
        /// Its line.
        line: usize,
        /// Counted from 1.
        places: (usize, usize),
        /// As the file has them.
        names: String,
        /// What both are.
        column: Column,
    },
    /// No row can be used without it.
    #[error("line {line}: the column {column} is missing")]
    Missing {
        /// Its line.
        line: usize,
        /// Which.
        column: Column,
    },
}

fn known() -> String {
    Column::ALL.iter().map(|column| column.as_str()).collect::<Vec<_>>().join(", ")
}

/// The columns of a file, in its order and its words.
#[derive(Debug)]
pub(super) struct Header(Vec<(Column, String)>);

impl Header {
    /// Reads the header; what is left are the rows.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, u8, Records<'_>), FileError> {
        let (line, names, records) = begin(bytes)?;
        let separator = records.separator();
        let mut columns: Vec<(Column, String)> = Vec::new();
        for name in names {
            let place = columns.len() + 1;
            let name = name.as_str();
            let column = Column::from_header(name)
                .ok_or_else(|| FileError::Unknown { line, name: quoted(name) })?;
            if let Some(first) = columns.iter().position(|(known, _)| *known == column) {
                let before = columns.get(first).map(|(_, name)| name.as_str()).unwrap_or_default();
                let names = format!("`{before}`, `{name}`");
                return Err(FileError::Twice { line, places: (first + 1, place), names, column });
            }
            columns.push((column, name.to_owned()));
        }
        let header = Self(columns);
        match [Column::Username, Column::Reason]
            .into_iter()
            .find(|column| header.place(*column).is_none())
        {
            Some(column) => Err(FileError::Missing { line, column }),
            None => Ok((header, separator, records)),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = Column> {
        self.0.iter().map(|(column, _)| *column)
    }

    pub(super) fn place(&self, wanted: Column) -> Option<usize> {
        self.columns().position(|column| column == wanted)
    }

    /// What is wrong in `column`, by the name that the file has for it.
    pub(super) fn wrong(&self, column: Column, expected: &str) -> Wrong {
        let name = self.0.iter().find(|(known, _)| *known == column);
        let name = name.map_or_else(|| column.as_str().to_owned(), |(_, name)| name.clone());
        Wrong { column: Some(name), expected: shortened(expected) }
    }
}

/// No column's name has one of these in it, so the most frequent of them is it.
fn separator(header: &[u8]) -> u8 {
    let count = |wanted: u8| header.split(|byte| *byte == wanted).count();
    // Of equals the last wins: a comma, where there is none of them.
    [b'\t', b';', b','].into_iter().max_by_key(|wanted| count(*wanted)).unwrap_or(b',')
}

/// The names of the columns, at the line where they are; what is left are the rows.
pub(super) fn begin(bytes: &[u8]) -> Result<(usize, Vec<String>, Records<'_>), FileError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(FileError::Utf16);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = bytes.iter().position(|byte| !b" \r\n".contains(byte));
    let first = first_line(bytes.get(start.unwrap_or_default()..).unwrap_or_default());
    if first.contains(&0) {
        return Err(FileError::Utf16);
    }
    let mut records = Records::new(bytes, separator(first));
    let record = records.next().ok_or(FileError::Empty)?;
    let line = record.line;
    let cells = record.fields.map_err(|quotes| FileError::Quotes { line, quotes })?;
    let mut names = Vec::new();
    for cell in &cells {
        let name = std::str::from_utf8(cell).map_err(|_| FileError::NotText { line })?.trim();
        if name.is_empty() {
            return Err(FileError::NoName { line, place: names.len() + 1, of: cells.len() });
        }
        names.push(name.to_owned());
    }
    Ok((line, names, records))
}
