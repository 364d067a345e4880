//! One result per row: for people, as JSON, and as CSV.

use super::super::super::output::shown;
use crate::intake::batch::{RowResult, Status, result_file};
use anyhow::{Context as _, Result};
use comfy_table::ColumnConstraint;
use std::path::PathBuf;

/// A status in the words of people.
fn for_people(status: Status) -> String {
    status.as_str().replace('_', " ")
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
        let mut table = crate::cli::output::table();
        table.set_header(["LINE", "USERNAME", "STATUS", "REVOCATION"]);
        for row in &self.rows {
            let id = row.revocation.as_deref().unwrap_or("-");
            table.add_row([
                &row.line.to_string(),
                &shown(&row.username),
                &for_people(row.status),
                id,
            ]);
        }
        for column in [0, 2, 3] {
            if let Some(column) = table.column_mut(column) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        crate::cli::output::print_table(&table);
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
        result_file(&self.rows, separator).context("writing the results")
    }

    /// How many rows there were and what became of them; and what to do, if there is something.
    pub(super) fn summary(&self) -> String {
        let counts: Vec<_> = Status::ALL
            .iter()
            .map(|status| (self.count(*status), status))
            .filter(|(count, _)| *count > 0)
            .map(|(count, status)| format!("{count} {}", for_people(*status)))
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
}
