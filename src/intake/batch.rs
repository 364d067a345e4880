//! Rows of a file on their way: how they are sent, and what became of each. The command that imports a file and the
//! inbox say the same of the same row.

use super::csv::{Note, Row, Sendable, Wrong, sendable};
use super::submission::Submission;
use super::{Accepted, BODY, Intake, IntakeError};
use crate::clock;
use crate::domain::revocation::State;
use crate::domain::words::words;
use serde::Serialize;
use std::collections::{HashMap, VecDeque};

/// Largest file.
pub const FILE: u64 = 64 << 20;

words! {
    /// What became of a row.
    Status {
        /// A new revocation is expected.
        Expected = "expected",
        /// One that was expected asks for more now.
        Tightened = "tightened",
        /// Nothing new was asked.
        AlreadyExpected = "already_expected",
        /// A dry run found nothing wrong.
        WouldBeExpected = "would_be_expected",
        /// It cannot be used.
        Refused = "refused",
        /// It was not taken now.
        Failed = "failed",
    }
}

impl Status {
    /// What became of a row whose notice was answered so.
    #[must_use]
    pub fn of(known: bool, amended: bool) -> Self {
        match (known, amended) {
            (true, _) => Self::AlreadyExpected,
            (false, true) => Self::Tightened,
            (false, false) => Self::Expected,
        }
    }
}

/// What became of a row.
#[derive(Debug)]
pub enum Outcome {
    /// With the revocation, where there is one already.
    Good(Status, Option<String>),
    /// With the reason.
    Wrong(Status, Wrong),
}

/// One row with its result.
#[derive(Debug, Serialize)]
pub struct RowResult {
    /// Where it begins in the file.
    pub line: usize,
    /// Its username, as far as it can be read.
    pub username: String,
    /// What became of it.
    pub status: Status,
    /// The revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<String>,
    /// The column at fault, as the file calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What was expected, or what should be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl RowResult {
    /// The result of `row`.
    #[must_use]
    pub fn of(row: &Row, outcome: Outcome, note: Option<Note>) -> Self {
        let (status, revocation, wrong) = match outcome {
            Outcome::Good(status, revocation) => (status, revocation, None),
            Outcome::Wrong(status, wrong) => (status, None, Some(wrong)),
        };
        let (column, message) = match wrong {
            Some(wrong) => (wrong.column, Some(wrong.expected)),
            None => (None, note.map(|note| note.to_string())),
        };
        let username = row.username.clone();
        Self { line: row.line, username, status, revocation, column, message }
    }
}

/// The result file, with the separator of the input.
///
/// # Errors
/// None that a row can cause.
pub fn result_file(rows: &[RowResult], separator: u8) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
    writer.write_record(["line", "username", "status", "revocation", "column", "message"])?;
    for row in rows {
        let text = |text: &Option<String>| inert(text.as_deref().unwrap_or_default());
        writer.write_record([
            row.line.to_string(),
            inert(&row.username),
            row.status.as_str().to_owned(),
            text(&row.revocation),
            text(&row.column),
            text(&row.message),
        ])?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection).
fn inert(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

/// A row as it is sent, or why it is not. `wrong` says what is wrong with it in the file's words.
///
/// # Errors
/// None that a row can cause.
pub fn prepared(
    row: &Row,
    batch: &str,
    wrong: impl Fn(&str) -> Wrong,
) -> serde_json::Result<Result<Sendable, Wrong>> {
    let asked = match &row.notice {
        Ok(asked) => asked,
        Err(wrong) => return Ok(Err(wrong.clone())),
    };
    let sendable = sendable(asked, batch)?;
    if sendable.body.len() > BODY {
        return Ok(Err(wrong(&format!("a row has up to {} KiB of text and names", BODY / 1024))));
    }
    Ok(Ok(sendable))
}

/// One row to send.
#[derive(Debug)]
pub struct Job {
    /// Its place among the rows.
    pub place: usize,
    /// Whom it is about.
    pub subject: String,
    /// What is sent.
    pub sendable: Sendable,
    /// The row says which event it is.
    pub own_event: bool,
}

impl Job {
    /// The job of sending `row`, the `place`th.
    #[must_use]
    pub fn of(place: usize, row: &Row, sendable: Sendable) -> Self {
        let subject = row
            .notice
            .as_ref()
            .map(|asked| asked.employee_id.clone().unwrap_or_else(|| asked.username.clone()));
        let own_event = row.notice.as_ref().is_ok_and(|asked| asked.event_id.is_some());
        Self { place, subject: subject.unwrap_or_default(), sendable, own_event }
    }
}

/// Jobs about one subject together and in their order, so that which of them makes the revocation does not depend on
/// luck. The chains may go side by side.
#[must_use]
pub fn by_subject(jobs: Vec<Job>) -> VecDeque<Vec<Job>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut chains: VecDeque<Vec<Job>> = VecDeque::new();
    for job in jobs {
        let place = *places.entry(job.subject.clone()).or_insert(chains.len());
        match chains.get_mut(place) {
            Some(chain) => chain.push(job),
            None => chains.push_back(vec![job]),
        }
    }
    chains
}

/// What came of the revocation that a row was answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is looked at.
    Watched,
    /// It was verified, and is looked at no more.
    Over,
    /// People withdrew it.
    Withdrawn,
}

impl Intake {
    /// What came of the revocation `accepted` speaks of. A row that is known asks for nothing any more where that is
    /// not looked at.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn standing(&self, accepted: &Accepted) -> Result<Standing, IntakeError> {
        if !accepted.known {
            return Ok(Standing::Watched);
        }
        let stored = self.journal.store.revocation(&accepted.id).await?;
        let now = clock::now();
        Ok(stored.map_or(Standing::Watched, |stored| match stored.life.state {
            State::Withdrawn => Standing::Withdrawn,
            State::Verified if stored.watch_until <= now => Standing::Over,
            State::Scheduled
            | State::Open
            | State::Verified
            | State::Regressed
            | State::Excepted => Standing::Watched,
        }))
    }
}

/// The same row as an event of its own, after the revocation `over` that it was answered with before: the same again
/// is the same event.
///
/// # Errors
/// None that a row can cause.
pub fn renewed(sendable: &Sendable, over: &str) -> Result<Sendable, IntakeError> {
    let asked = Submission::parse(&sendable.body)?;
    let renewed = super::csv::sendable(&Submission { event_id: None, ..asked }, over);
    renewed.map_err(|error| IntakeError::Unavailable(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_subject_stay_together_and_in_order() {
        let job = |(place, subject): (usize, &&str)| Job {
            place,
            subject: (*subject).to_owned(),
            sendable: Sendable { body: Vec::new(), event_id: String::new() },
            own_event: false,
        };
        let chains = by_subject(["a", "b", "a", "c", "b"].iter().enumerate().map(job).collect());
        let places: Vec<Vec<usize>> =
            chains.iter().map(|chain| chain.iter().map(|job| job.place).collect()).collect();
        assert_eq!(places, [vec![0, 2], vec![1, 4], vec![3]]);
    }

    #[test]
    fn a_row_that_is_over_is_another_event_and_always_the_same_one() {
        let asked = Submission {
            username: "x".to_owned(),
            reason: "left".to_owned(),
            ..Submission::default()
        };
        let first = sendable(&asked, "").unwrap();
        let second = renewed(&first, "rev_1").unwrap();
        assert_ne!(first.event_id, second.event_id);
        assert_eq!(second, renewed(&first, "rev_1").unwrap());
        assert_eq!(renewed(&second, "rev_2").unwrap(), renewed(&first, "rev_2").unwrap());
        assert_ne!(second, renewed(&first, "rev_2").unwrap());
    }

    #[test]
    fn no_cell_of_the_result_is_a_formula() {
        let bad = RowResult {
            line: 2,
            username: "=cmd|' /C calc'!A0".to_owned(),
            status: Status::Refused,
            revocation: None,
            column: Some("+x".to_owned()),
            message: Some("@a\nb".to_owned()),
        };
        let text = String::from_utf8(result_file(&[bad], b';').unwrap()).unwrap();
        assert_eq!(
            text,
            "line;username;status;revocation;column;message\n\
             2;'=cmd|' /C calc'!A0;refused;;'+x;\"'@a\nb\"\n"
        );
    }
}
