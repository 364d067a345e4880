//! `revoked status`: what is open, overdue first.

pub(super) mod after;
mod rows;
mod waiting;
mod watch;

pub(super) use rows::{in_words, rows};
pub(super) use waiting::{asks, waiting};

#[cfg(test)]
pub(super) use rows::tests::view as sample;

use super::client::{Reach, Where};
use super::exit;
use super::output::{self, Output, shown};
use crate::clock;
use crate::domain::revocation::State;
use crate::http::view::View;
use anyhow::Result;
use comfy_table::{ColumnConstraint, Width};

/// Characters of the longest id that we make for a subject.
const WHOLE_ID: usize = 24;

/// What is open: overdue first, then what came back, then by deadline
///
/// For each: how late it is or when it is due, where it stands, whose it is, and the worst thing that is left
/// with the number of others. `revoked explain SUBJECT` says more; ids are in -o csv, json and yaml, and where a subject
/// has several its kind and the end of its id stand beside it. Below stand emergencies that nobody approved in time, what
/// somebody has in hand so that nobody is reminded, what waits for a second person, sessions that began after the end, the
/// likely cause of what came back, and items of the checklist that are past their due and that nobody attested; the last five
/// do not change the exit status.
///
/// Exit status: 0 nothing is overdue or has come back; 2 something is or has, or an emergency was not approved; 3 nothing is known to be, but no
/// agent is running, so nobody looks.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let reach = arguments.at.reach().await?;
    let now = clock::now();
    let mut open = reach.list_at(true, now).await?;
    let unattested = reach.unattested().await?;
    let unapproved = reach.unapproved().await?;
    let pending = reach.pending().await?;
    let nobody = match &reach {
        Reach::Alone(_) => Some(watch::nobody_looks(&arguments.at, now)?),
        Reach::Http { .. } => None,
    };
    reach.leave().await?;
    rows::sort(&mut open, now);
    // A control that was not done is told like access that is overdue.
    let late = !unapproved.is_empty();
    let bad =
        late || open.iter().any(|view| view.state == State::Regressed || !view.overdue.is_empty());
    arguments.output.print(
        &open,
        || rows::rows(&open, now),
        || {
            println!("{}", rows::headline(&open, nobody.as_deref(), now, output::columns()));
            if !open.is_empty() {
                print!("\n{}", rows::table(&open, now, output::columns()));
            }
            for line in rows::unapproved(&unapproved, now) {
                output::print_line("", &line);
            }
            for line in rows::in_hand(&open) {
                output::print_line("", &line);
            }
            for line in waiting(&pending, now) {
                output::print_line("", &line);
            }
            for line in after::lines(&open) {
                output::print_line("", &shown(&line));
            }
            for line in rows::unattested(&unattested, now) {
                output::print_line("", &line);
            }
        },
    )?;
    Ok(match (bad, nobody) {
        (true, _) => exit::RESIDUAL,
        (false, Some(_)) => exit::INCONCLUSIVE,
        (false, None) => exit::OK,
    })
}

/// Revocations with their ids.
pub(super) fn print_table(views: &[View]) {
    let mut table = output::table();
    table.set_header(["ID", "SUBJECT", "STATE", "OVERDUE", "LEFT"]);
    for view in views {
        let overdue: Vec<_> = view.overdue.iter().map(|milestone| milestone.as_str()).collect();
        let left = match (view.verdict, view.residual.len(), view.gaps.len()) {
            (None, _, _) => "not looked at yet".to_owned(),
            (_, 0, _) if !view.missing.is_empty() => format!("{} missing", view.missing.len()),
            (_, 0, 0) => "nothing".to_owned(),
            (_, 0, _) => "cannot tell".to_owned(),
            (_, found, _) => format!("{found} found"),
        };
        let overdue = if overdue.is_empty() { "-".to_owned() } else { overdue.join(",") };
        table.add_row([
            view.id.clone(),
            shown(&view.subject),
            view.state.to_string(),
            overdue,
            left,
        ]);
    }
    // An erased person is shown by an id, which nobody can copy from two lines.
    let widest = views.iter().map(|view| shown(&view.subject).chars().count()).max().unwrap_or(0);
    let width = u16::try_from(widest.min(WHOLE_ID)).unwrap_or_default() + 2;
    if let Some(subject) = table.column_mut(1) {
        subject.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
    }
    if let Some(id) = table.column_mut(0) {
        id.set_constraint(ColumnConstraint::ContentWidth);
    }
    output::print_table(&table);
}
