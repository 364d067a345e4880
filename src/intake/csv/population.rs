//! A CSV file of everybody whom HR knows. Pure.

use super::header::{FileError, begin};
use super::quoted;
use super::records::Records;
use crate::domain::effective::{self, Zones};
use crate::domain::population::Person;
use crate::domain::time::UtcTime;

/// Most rows that are told of one by one when they cannot be used.
const TOLD: usize = 10;

/// Words of HR systems for somebody who works there.
const HERE: &[&str] = &["active", "employed", "on_leave", "leave", "suspended"];
/// And for somebody who does no more.
const LEFT: &[&str] =
    &["left", "terminated", "inactive", "departed", "former", "ended", "resigned", "retired"];

/// Why nothing of a file can be used.
#[derive(Debug, thiserror::Error)]
pub enum PopulationError {
    /// It is no CSV file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A column is missing, or is there twice.
    #[error(
        "line {line}: {what}; the columns are employee_id, username, status, end_date and time_zone, others are not read"
    )]
    Columns {
        /// Line of the header.
        line: usize,
        /// Which.
        what: String,
    },
    /// Rows that cannot be used: without them, nothing that is said of the others would be true.
    #[error("{}", .0.join("\n"))]
    Rows(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Id,
    Username,
    Status,
    End,
    Zone,
}

impl Column {
    fn of(cell: &str) -> Option<Self> {
        let word = cell.trim().to_lowercase().replace(['-', ' '], "_");
        Some(match word.as_str() {
            "employee_id" | "id" => Self::Id,
            "username" | "user" => Self::Username,
            "status" => Self::Status,
            "end_date" | "effective_at" | "termination_date" | "last_working_day" => Self::End,
            "time_zone" | "tz" => Self::Zone,
            _ => return None,
        })
    }
}

/// Reads everybody. `zone` is that of dates without one of their own, `now` tells who has left.
///
/// # Errors
/// When the file cannot be read whole: nobody may be left out of a comparison unsaid.
pub fn population(
    bytes: &[u8],
    zone: Option<&str>,
    now: UtcTime,
) -> Result<Vec<Person>, PopulationError> {
    let (line, names, records) = begin(bytes)?;
    let columns: Vec<Option<Column>> = names.iter().map(|name| Column::of(name)).collect();
    for column in [Column::Id, Column::Username, Column::Status, Column::Zone] {
        if columns.iter().filter(|one| **one == Some(column)).count() > 1 {
            return Err(PopulationError::Columns {
                line,
                what: format!("{column:?} is there twice"),
            });
        }
    }
    let has = |column| columns.contains(&Some(column));
    if !has(Column::Id) && !has(Column::Username) {
        let what = "neither employee_id nor username is there".to_owned();
        return Err(PopulationError::Columns { line, what });
    }
    if !has(Column::Status) && !has(Column::End) {
        let what =
            "neither status nor end_date is there, so nobody can tell who has left".to_owned();
        return Err(PopulationError::Columns { line, what });
    }
    rows(records, &columns, zone, now)
}

fn rows(
    records: Records<'_>,
    columns: &[Option<Column>],
    zone: Option<&str>,
    now: UtcTime,
) -> Result<Vec<Person>, PopulationError> {
    let (mut people, mut wrong, mut more) = (Vec::new(), Vec::new(), 0_usize);
    for record in records {
        let line = record.line;
        let read = match record.fields {
            Ok(fields) if fields.len() == columns.len() => {
                person(line, &fields, columns, zone, now)
            }
            Ok(fields) => Err(format!(
                "{} cells, as many as the header has columns, not {}",
                columns.len(),
                fields.len()
            )),
            Err(quotes) => Err(quotes.to_string()),
        };
        match read {
            Ok(person) => people.push(person),
            Err(why) if wrong.len() < TOLD => wrong.push(format!("line {line}: {why}")),
            Err(_) => more += 1,
        }
    }
    if more > 0 {
        wrong.push(format!("and {more} lines more"));
    }
    if wrong.is_empty() { Ok(people) } else { Err(PopulationError::Rows(wrong)) }
}

fn person(
    line: usize,
    fields: &[Vec<u8>],
    columns: &[Option<Column>],
    zone: Option<&str>,
    now: UtcTime,
) -> Result<Person, String> {
    let mut cells: Vec<(Column, &str)> = Vec::new();
    for (column, field) in columns.iter().zip(fields) {
        let Some(column) = column else { continue };
        let text = std::str::from_utf8(field).map_err(|_| "no text in UTF-8".to_owned())?.trim();
        if !text.is_empty() {
            cells.push((*column, text));
        }
    }
    let all =
        |wanted: Column| cells.iter().filter(move |(c, _)| *c == wanted).map(|(_, text)| *text);
    let one = |wanted: Column| all(wanted).next();
    let (id, username) = (one(Column::Id), one(Column::Username));
    if id.is_none() && username.is_none() {
        return Err("neither an id nor a user name".to_owned());
    }
    let zones = Zones { subject: one(Column::Zone), source: None, default: zone };
    let mut end: Option<UtcTime> = None;
    for text in all(Column::End) {
        let (at, _) = effective::resolve(text, &zones).map_err(|error| error.to_string())?;
        end = Some(end.map_or(at, |end| end.min(at)));
    }
    let said = one(Column::Status).map(status).transpose()?;
    let over = end.is_some_and(|end| end <= now);
    // Who is announced to leave is still there until then.
    let left = over || (said == Some(false) && end.is_none());
    Ok(Person {
        line,
        id: id.map(str::to_owned),
        username: username.map(str::to_owned),
        left: left.then_some(end),
    })
}

/// Whether the word says that somebody works there.
fn status(text: &str) -> Result<bool, String> {
    let word = text.to_lowercase().replace(['-', ' '], "_");
    match (HERE.contains(&word.as_str()), LEFT.contains(&word.as_str())) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(format!(
            "status {} is none that is known: {}, or {}",
            quoted(text),
            HERE.join(", "),
            LEFT.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Person>, PopulationError> {
        population(text.as_bytes(), Some("Europe/Berlin"), "2026-03-05T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn who_has_left_is_told_by_status_and_by_date() {
        let text = "Employee-ID;Department;User;Status;End Date;Last Working Day\r\n\
                    1;IT;anna;Active;;\r\n2;IT;ben;Terminated;;\r\n3;IT;carl;active;2026-03-04;\r\n\
                    4;IT;dora;active;2026-03-05;\r\n5;IT;eve;terminated;2026-03-31;\r\n\
                    6;IT;;active;2026-04-30;2026-03-01\r\n";
        let left: Vec<bool> = read(text).unwrap().iter().map(|one| one.left.is_some()).collect();
        assert_eq!(left, [false, true, true, false, false, true]);
    }

    #[test]
    fn nobody_is_left_out_unsaid() {
        for (text, says) in [
            ("id,status\n1,gone fishing\n", "line 2: status `gone fishing` is none that is known"),
            ("id,status\n1\n", "line 2: 2 cells"),
            ("id,username,status\n,,active\n", "line 2: neither an id nor a user name"),
            ("id,end_date\n1,soon\n", "line 2: `soon`"),
            ("name,status\nx,active\n", "neither employee_id nor username"),
            ("id,name\n1,x\n", "neither status nor end_date"),
            ("id,employee_id,status\n1,1,active\n", "twice"),
            ("", "the file is empty"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
