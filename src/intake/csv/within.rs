//! What rows of one file say of each other.

use super::{Row, Wrong, canonical};
use crate::domain::revocation::Kind;
use crate::intake::submission::Submission;
use std::collections::HashMap;

/// Refuses a row whose event is that of an earlier row with other content: one of the two has a wrong id, and
/// which of them is sent first must not decide.
pub(in crate::intake) fn refuse_one_event_told_differently(
    rows: &mut [Row],
    wrong: impl Fn(&str) -> Wrong,
) {
    let mut told: HashMap<String, (usize, Vec<u8>)> = HashMap::new();
    for row in rows {
        let Ok(asked) = &row.notice else { continue };
        let (Some(event), Ok(content)) = (asked.event_id.clone(), canonical(asked)) else {
            continue;
        };
        match told.get(&event) {
            None => {
                told.insert(event, (row.line, content));
            }
            Some((_, first)) if *first == content => {}
            Some((line, _)) => {
                let expected = format!(
                    "an id of its own; line {line} has the same id and says something else"
                );
                row.notice = Err(wrong(&expected));
            }
        }
    }
}

/// For each row, what a person should look at before the file is sent. None of it is refused: taking access
/// away never waits.
#[must_use]
pub fn notes(rows: &[Row]) -> Vec<Option<Note>> {
    let mut same: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut by_username: HashMap<&str, (usize, Option<&str>)> = HashMap::new();
    let mut by_employee: HashMap<&str, (usize, &str)> = HashMap::new();
    let mut notes = Vec::with_capacity(rows.len());
    for row in rows {
        let Ok(asked) = &row.notice else {
            notes.push(None);
            continue;
        };
        let (username, employee) = (asked.username.as_str(), asked.employee_id.as_deref());
        let first = *same.entry(canonical(asked).unwrap_or_default()).or_insert(row.line);
        let (user_line, known) = *by_username.entry(username).or_insert((row.line, employee));
        let person =
            employee.map(|employee| *by_employee.entry(employee).or_insert((row.line, username)));
        let note = if first != row.line {
            Some(Note::Same { line: first })
        } else if known != employee {
            Some(Note::OneUsername { line: user_line })
        } else if names_nothing(asked) {
            Some(Note::Nothing)
        } else {
            person.filter(|(_, name)| *name != username).map(|(line, _)| Note::OneEmployee { line })
        };
        notes.push(note);
    }
    notes
}

/// Whether it is a change of role of which nobody said what goes.
fn names_nothing(asked: &Submission) -> bool {
    asked.revocation_type.as_deref() == Some(Kind::Partial.as_str())
        && asked.roles.is_none()
        && asked.permissions.is_none()
}

/// What should be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Note {
    /// It stays inconclusive until somebody says what must be gone.
    #[error(
        "to check: a partial revocation names no roles and no permissions, so that nothing can be proved of it"
    )]
    Nothing,
    /// It says nothing new.
    #[error("the same as line {line}")]
    Same {
        /// The first of them.
        line: usize,
    },
    /// Two people would be expected to lose the same role.
    #[error(
        "to check: line {line} has this username with another employee_id; each is a subject of its own"
    )]
    OneUsername {
        /// The first of them.
        line: usize,
    },
    /// One person would be expected to lose two roles.
    #[error(
        "to check: line {line} has this employee_id with another username; both are one subject"
    )]
    OneEmployee {
        /// The first of them.
        line: usize,
    },
}
