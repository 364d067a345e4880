//! One result per row: for people, as JSON, and as CSV.

use super::super::super::output::shown;
use crate::intake::csv::{Note, Row, Wrong};
use anyhow::{Context as _, Result};
use comfy_table::{ColumnConstraint, ContentArrangement, presets};
use serde::Serialize;
use std::path::PathBuf;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    /// A new revocation is expected.
    Expected,
    /// One that was expected asks for more now.
    Tightened,
    /// Nothing new was asked.
    AlreadyExpected,
    /// A dry run found nothing wrong.
    WouldBeExpected,
    /// It cannot be used.
    Refused,
    /// It was not taken now.
    Failed,
}

impl Status {
    const ALL: [Self; 6] = [
        Self::Expected,
        Self::Tightened,
        Self::AlreadyExpected,
        Self::WouldBeExpected,
        Self::Refused,
        Self::Failed,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Expected => "expected",
            Self::Tightened => "tightened",
            Self::AlreadyExpected => "already_expected",
            Self::WouldBeExpected => "would_be_expected",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    fn for_people(self) -> String {
        self.as_str().replace('_', " ")
    }
}

/// What became of a row.
pub(super) enum Outcome {
    /// With the revocation, where there is one already.
    Good(Status, Option<String>),
    /// With the reason.
    Wrong(Status, Wrong),
}

/// One row with its result.
#[derive(Debug, Serialize)]
pub(super) struct RowResult {
    line: usize,
    username: String,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    revocation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl RowResult {
    pub(super) fn of(row: &Row, outcome: Outcome, note: Option<Note>) -> Self {
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

/// All results of a file.
pub(super) struct Table {
    /// The input.
    pub(super) file: String,
    /// Nothing was sent.
    pub(super) dry_run: bool,
    /// Where the results are written.
    pub(super) result: Option<PathBuf>,
    /// In the file's order.
    pub(super) rows: Vec<RowResult>,
}

impl Table {
    fn count(&self, status: Status) -> usize {
        self.rows.iter().filter(|row| row.status == status).count()
    }

    /// Whether no row is left to care for.
    pub(super) fn all_expected(&self) -> bool {
        self.count(Status::Refused) + self.count(Status::Failed) == 0
    }

    /// Prints the rows, and below them what is to be said of some.
    pub(super) fn print(&self) {
        if self.rows.is_empty() {
            return;
        }
        let mut table = comfy_table::Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(80)
            .set_header(["LINE", "USERNAME", "STATUS", "REVOCATION"]);
        for row in &self.rows {
            let id = row.revocation.as_deref().unwrap_or("-");
            table.add_row([
                &row.line.to_string(),
                &shown(&row.username),
                &row.status.for_people(),
                id,
            ]);
        }
        for column in [0, 2, 3] {
            if let Some(column) = table.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        println!("{}", table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
        println!();
        for row in &self.rows {
            let Some(message) = &row.message else { continue };
            let column = row.column.as_ref();
            let column =
                column.map_or_else(String::new, |name| format!(", column `{}`", shown(name)));
            println!("line {}{column}: {}", row.line, shown(message));
        }
        if self.rows.iter().any(|row| row.message.is_some()) {
            println!();
        }
    }

    /// The contract.
    pub(super) fn json(&self) -> serde_json::Value {
        let counts: serde_json::Map<_, _> = Status::ALL
            .iter()
            .map(|status| (status.as_str().to_owned(), self.count(*status).into()))
            .collect();
        serde_json::json!({
            "file": self.file,
            "dry_run": self.dry_run,
            "result": self.result,
            "rows": self.rows.len(),
            "counts": counts,
            "results": self.rows,
        })
    }

    /// The result file.
    pub(super) fn csv(&self, separator: u8) -> Result<Vec<u8>> {
        let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
        writer.write_record(["line", "username", "status", "revocation", "column", "message"])?;
        for row in &self.rows {
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
        writer.into_inner().map_err(csv::IntoInnerError::into_error).context("writing the results")
    }

    /// How many rows there were and what became of them; and what to do, if there is something.
    pub(super) fn summary(&self) -> String {
        let counts: Vec<_> = Status::ALL
            .iter()
            .map(|status| (self.count(*status), status))
            .filter(|(count, _)| *count > 0)
            .map(|(count, status)| format!("{count} {}", status.for_people()))
            .collect();
        let rows = if self.rows.len() == 1 { "row" } else { "rows" };
        let mut text = format!("{} {rows}", self.rows.len());
        if !counts.is_empty() {
            text = format!("{text}: {}", counts.join(", "));
        }
        if self.dry_run {
            text.push_str("; nothing was sent");
        }
        if self.count(Status::Failed) > 0 {
            text.push_str(
                "\nRun the same command again for those that failed: what is expected stays as it is.",
            );
        }
        if let Some(result) = &self.result {
            text = format!("{text}\nThe results are in {}", shown(&result.display().to_string()));
        }
        text
    }
}

/// A cell that no spreadsheet takes for a formula (OWASP, CSV injection).
fn inert(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: usize, username: &str, status: Status) -> RowResult {
        let username = username.to_owned();
        RowResult { line, username, status, revocation: None, column: None, message: None }
    }

    fn table(rows: Vec<RowResult>) -> Table {
        Table { file: "users.csv".to_owned(), dry_run: false, result: None, rows }
    }

    #[test]
    fn the_summary_adds_up() {
        assert_eq!(table(Vec::new()).summary(), "0 rows");
        let one = table(vec![row(2, "a", Status::Expected)]);
        assert_eq!((one.summary().as_str(), one.all_expected()), ("1 row: 1 expected", true));
        let three = table(vec![
            row(2, "a", Status::Refused),
            row(3, "b", Status::AlreadyExpected),
            row(4, "c", Status::Refused),
        ]);
        assert_eq!(three.summary(), "3 rows: 1 already expected, 2 refused");
        assert!(!three.all_expected());
        let failed = table(vec![row(2, "a", Status::Failed)]);
        assert!(failed.summary().contains("Run the same command again"));
    }

    #[test]
    fn no_cell_of_the_result_is_a_formula() {
        let mut bad = row(2, "=cmd|' /C calc'!A0", Status::Refused);
        bad.column = Some("+x".to_owned());
        bad.message = Some("@a\nb".to_owned());
        let text = String::from_utf8(table(vec![bad]).csv(b';').unwrap()).unwrap();
        assert_eq!(
            text,
            "line;username;status;revocation;column;message\n\
             2;'=cmd|' /C calc'!A0;refused;;'+x;\"'@a\nb\"\n"
        );
    }
}
