//! `revoked expect import`: a CSV file of leavers, one result per row.

mod files;
mod results;
mod send;

use super::super::client::{Reach, Where};
use super::super::{exit, output};
use crate::clock;
use crate::config::Config;
use crate::intake;
use crate::intake::batch::{self, Job, Outcome, RowResult, Status};
use crate::intake::csv::{self, Column, Note, Row, Sendable, Sheet, Wrong};
use anyhow::{Context as _, Result};
use results::Table;
use send::Answer;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) use files::read as read_file;

/// Expect the revocations of a CSV file
///
/// The first line names the columns, in any order: username and reason; and, where you have them,
/// revocation_type (full, suspend, partial, rotation, transfer), preserve_data and emergency (true/false, yes/no, 1/0),
/// employee_id, account, roles, permissions, required_roles, required_permissions, new_owner, email, effective_at,
/// time_zone, deadline, ticket, event_id. Also user, kind, role and tz are understood; case does not matter, nor a
/// blank or hyphen for `_`. An empty cell says nothing. An emergency is at once, as with `expect add --emergency`.
///
/// UTF-8. Cells are separated by commas, or by semicolons or tabs if the first line has more of those; a cell
/// with a separator, a quote or a line break is quoted ("", RFC 4180). Several names in a cell of account,
/// roles or permissions are separated by `;`, `,` or `|`.
///
/// Every row has a result, on stdout and in a file beside the input: expected, tightened (it asks for more than
/// was expected), already_expected, refused (with the column and what was expected of it), or failed (not
/// taken now; the same command again sends it). One row does not stop another. The same row again, also in
/// another file, changes nothing, unless its event_id or --batch differs.
///
/// Exit status: 0 all rows are expected now; 1 a row was refused or failed, or the file cannot be used: then
/// nothing is sent.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// The CSV file, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Where the results go [default: FILE with .result.csv for its ending; none for standard input]
    #[arg(long, value_name = "FILE")]
    result: Option<PathBuf>,

    /// Name of this batch: rows that were sent under another name are new notices
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    batch: String,

    /// Only check each row against the configuration and the other rows; nothing is sent
    #[arg(long)]
    dry_run: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// One document.
    Json,
    /// The same bytes as the result file.
    Csv,
}

impl Arguments {
    /// As `expect add --batch` means it.
    pub(super) fn of(at: Where, file: PathBuf, dry_run: bool, output: output::Format) -> Self {
        let output = match output {
            output::Format::Table => Format::Table,
            output::Format::Json => Format::Json,
        };
        Self { at, file, result: None, batch: String::new(), dry_run, output }
    }
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let name = arguments.file.display().to_string();
    let unsent = || format!("{}: nothing was sent", output::shown(&name));
    let bytes = files::read(&arguments.file).with_context(unsent)?;
    let sheet = Sheet::read(&bytes).with_context(unsent)?;
    let place = files::result_place(&arguments.file, arguments.result.as_deref());
    if let Some(place) = &place {
        files::writable(place, &arguments.file).with_context(unsent)?;
    }
    let (outcomes, left) = if arguments.dry_run {
        let config =
            Config::read(&arguments.at.file.config).context("--dry-run needs the configuration")?;
        (dry_run(&sheet, &arguments.batch, &config)?, Ok(()))
    } else {
        let reach = Arc::new(arguments.at.reach().await.with_context(unsent)?);
        let outcomes = import(&sheet, &arguments.batch, &reach).await?;
        // The results are told even if leaving fails.
        let left = match Arc::into_inner(reach) {
            Some(reach) => reach.leave().await,
            None => Ok(()),
        };
        (outcomes, left)
    };
    let notes = csv::notes(&sheet.rows);
    let rows = sheet.rows.iter().zip(outcomes).zip(notes);
    let rows = rows.map(|((row, outcome), note)| RowResult::of(row, outcome, note)).collect();
    let table = Table { file: name, dry_run: arguments.dry_run, result: place, rows };
    let bytes = table.csv(sheet.separator)?;
    match arguments.output {
        Format::Table => table.print(),
        Format::Json => println!("{}", serde_json::to_string_pretty(&table.json())?),
        Format::Csv => print!("{}", String::from_utf8_lossy(&bytes)),
    }
    if let Some(place) = &table.result {
        files::replace(place, &bytes)?;
    }
    let summary = table.summary();
    if arguments.output == Format::Table {
        println!("{summary}");
    } else {
        eprintln!("{summary}");
    }
    let urgent = |row: &&Row| row.notice.as_ref().is_ok_and(|asked| asked.emergency);
    let urgent = sheet.rows.iter().filter(urgent).count();
    if urgent > 0 && !arguments.dry_run {
        eprintln!(
            "revoked: emergencies in {urgent} rows: somebody else has to approve each afterwards; revoked expect show \
             ID says by when, and by which id"
        );
    }
    left?;
    Ok(if table.all_expected() { exit::OK } else { exit::ERROR })
}

/// A row as it is sent, or why it is not.
fn prepared(sheet: &Sheet, row: &Row, batch: &str) -> Result<Result<Sendable, Wrong>> {
    batch::prepared(row, batch, |detail| sheet.wrong(detail)).context("writing a notice")
}

fn dry_run(sheet: &Sheet, batch: &str, config: &Config) -> Result<Vec<Outcome>> {
    let now = clock::now();
    let notes = csv::notes(&sheet.rows);
    let mut outcomes = Vec::with_capacity(sheet.rows.len());
    for (row, note) in sheet.rows.iter().zip(notes) {
        let checked = prepared(sheet, row, batch)?.and_then(|sendable| {
            intake::check(config, &sendable.body, "cli", now)
                .map_err(|error| sheet.wrong(&error.to_string()))
        });
        outcomes.push(match (checked, note) {
            (Err(wrong), _) => Outcome::Wrong(Status::Refused, wrong),
            (Ok(_), Some(Note::Same { .. })) => Outcome::Good(Status::AlreadyExpected, None),
            (Ok(_), _) => Outcome::Good(Status::WouldBeExpected, None),
        });
    }
    Ok(outcomes)
}

async fn import(sheet: &Sheet, batch: &str, reach: &Arc<Reach>) -> Result<Vec<Outcome>> {
    let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(sheet.rows.len());
    let mut jobs = Vec::new();
    for (place, row) in sheet.rows.iter().enumerate() {
        outcomes.push(match prepared(sheet, row, batch)? {
            Err(wrong) => Some(Outcome::Wrong(Status::Refused, wrong)),
            Ok(sendable) => {
                jobs.push(Job::of(place, row, sendable));
                None
            }
        });
    }
    let stopped = send::all(reach, jobs, |place, answer| {
        if let Some(outcome) = outcomes.get_mut(place) {
            *outcome = Some(outcome_of(sheet, place, answer));
        }
    })
    .await;
    let why = stopped.err().map_or_else(|| "not sent".to_owned(), |error| format!("{error:#}"));
    let unsent = || Outcome::Wrong(Status::Failed, Wrong { column: None, expected: why.clone() });
    Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(unsent)).collect())
}

fn outcome_of(sheet: &Sheet, place: usize, answer: Answer) -> Outcome {
    match answer {
        Answer::Taken(taken) => {
            Outcome::Good(Status::of(taken.known, taken.amended), Some(taken.id))
        }
        Answer::Refused(detail) => Outcome::Wrong(Status::Refused, sheet.wrong(&detail)),
        Answer::Differs(detail) => {
            let own = sheet.rows.get(place).and_then(|row| row.notice.as_ref().ok());
            let wrong = match own.and_then(|asked| asked.event_id.as_ref()) {
                Some(_) => sheet.wrong_in(Column::EventId, &detail),
                None => sheet.wrong(&detail),
            };
            Outcome::Wrong(Status::Refused, wrong)
        }
        Answer::Failed(why) => {
            Outcome::Wrong(Status::Failed, Wrong { column: None, expected: why })
        }
    }
}
