//! Exceptions for people, and in rows.

use crate::cli::output::{self, Rows, shown};
use crate::cli::status::in_words;
use crate::domain::exception::{Ending, ExceptionKind, Phase};
use crate::domain::time::UtcTime;
use crate::http::exceptions::ExceptionView;
use comfy_table::ColumnConstraint;
use std::fmt::Write as _;

/// What one is, as a sentence without its subject.
pub(in crate::cli) fn sentence(view: &ExceptionView) -> String {
    let (article, kind) = named(view.kind);
    let until = view.until.map_or_else(|| "without an end".to_owned(), |at| format!("until {at}"));
    let mut said = match view.phase {
        Phase::Requested => {
            format!(
                "{} asked for {article}{kind} {until}; it waits for a second person",
                view.requested_by
            )
        }
        Phase::Granted => {
            let approver = view.approved_by.as_deref().unwrap_or_default();
            let by = if view.self_approved {
                format!("self-approved by {approver}")
            } else {
                format!("approved by {approver}, asked for by {}", view.requested_by)
            };
            format!("{kind} {until}, {by}")
        }
        Phase::Over => format!("{kind}, {}", ended(view)),
    };
    if let Some(gap) = view.uncovered {
        let _ = write!(said, "; nothing covered the time from {} to {}", gap.from, gap.to);
    }
    if let Some(release) = &view.release {
        let by = &release.requested_by;
        let _ = write!(said, "; {by} asks that it ends, which waits for a second person");
    }
    if view.review_overdue {
        said.push_str("; its review is overdue");
    } else if let Some(at) =
        view.review_at.filter(|_| view.phase != Phase::Over || view.reviewed_at.is_none())
    {
        let again = if view.reviewed_at.is_some() { " again" } else { "" };
        let _ = write!(said, "; to be reviewed{again} by {at}");
    }
    if let (Some(by), Some(at)) = (&view.reviewed_by, view.reviewed_at) {
        let _ = write!(said, "; reviewed by {by} at {at}");
    }
    said
}

/// What people call it, and the article before that.
fn named(kind: ExceptionKind) -> (&'static str, &'static str) {
    match kind {
        ExceptionKind::Grace => ("a ", "grace"),
        ExceptionKind::Extension => ("an ", "extension"),
        ExceptionKind::Temporary => ("", "temporary access"),
        ExceptionKind::BreakGlass => ("a ", "break-glass"),
        ExceptionKind::LegalHold => ("a ", "legal hold"),
        ExceptionKind::Transition => ("a ", "transition"),
    }
}

fn ended(view: &ExceptionView) -> String {
    let at = view.ended_at.map_or(String::new(), |at| format!(" at {at}"));
    let by = view.ended_by.as_ref().map_or(String::new(), |by| format!(" by {by}"));
    match view.ending {
        Some(Ending::TakenBack) => format!("taken back{by}{at}"),
        Some(Ending::Overtaken) => format!("overtaken by a stricter notice{at}"),
        Some(Ending::Replaced) => format!("replaced{at}"),
        Some(Ending::Withdrawn) => format!("over with the revocation{at}"),
        Some(Ending::NotApproved) => format!("void{at}: nobody approved it in time"),
        Some(Ending::Expired) | None => format!("over{at}"),
    }
}

/// What was done with one, and what is to be done next.
pub(super) fn print_one(view: &ExceptionView) {
    println!("{}  {}  {}", view.id, shown(&view.subject), view.revocation);
    output::print_line("  ", &shown(&sentence(view)));
    if view.waits() {
        println!("  somebody else runs: revoked exception approve {}", view.id);
    }
}

/// Those of one revocation, under its heading.
pub(in crate::cli) fn print_under(views: &[ExceptionView]) {
    for view in views {
        let text = format!("{} ({})", sentence(view), view.id);
        output::print_line("  exception    ", &shown(&text));
    }
}

/// When something is to happen.
fn when(view: &ExceptionView, now: UtcTime) -> String {
    match (view.phase, view.until) {
        (Phase::Requested, _) => "waits".to_owned(),
        (Phase::Granted, Some(until)) if until > now => {
            format!("ends in {}", in_words(until.since(now)))
        }
        (Phase::Granted, Some(_)) => "over now".to_owned(),
        (Phase::Granted, None) => "no end".to_owned(),
        (Phase::Over, _) if view.review_overdue => "review overdue".to_owned(),
        (Phase::Over, _)
            if view.kind == ExceptionKind::BreakGlass && view.reviewed_at.is_none() =>
        {
            view.review_at.map_or_else(
                || "over".to_owned(),
                |at| format!("review in {}", in_words(at.since(now))),
            )
        }
        (Phase::Over, _) => "over".to_owned(),
    }
}

/// A table as wide as the terminal.
pub(super) fn print_list(views: &[ExceptionView], now: UtcTime) {
    if views.is_empty() {
        println!("there are no exceptions");
        return;
    }
    let mut table = output::table();
    table.set_header(["ID", "KIND", "SUBJECT", "WHEN", "BY"]);
    for view in views {
        let by = match &view.approved_by {
            Some(approver) if view.self_approved => format!("{approver} alone"),
            Some(approver) => format!("{}, {approver}", view.requested_by),
            None => view.requested_by.clone(),
        };
        table.add_row([
            view.id.clone(),
            view.kind.to_string(),
            shown(&view.subject),
            when(view, now),
            shown(&by),
        ]);
    }
    if let Some(id) = table.column_mut(0) {
        id.set_constraint(ColumnConstraint::ContentWidth);
    }
    output::print_table(&table);
}

/// One row per exception.
pub(super) fn rows(views: &[ExceptionView]) -> Rows {
    let time = |at: Option<UtcTime>| at.map_or(String::new(), |at| at.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let rows = views.iter().map(|view| {
        vec![
            view.id.clone(),
            view.kind.to_string(),
            view.phase.to_string(),
            view.revocation.clone(),
            view.subject.clone(),
            time(view.until),
            view.requested_by.clone(),
            view.requested_at.to_string(),
            text(&view.approved_by),
            time(view.approved_at),
            view.self_approved.to_string(),
            time(view.uncovered.map(|gap| gap.from)),
            time(view.uncovered.map(|gap| gap.to)),
            time(view.ended_at),
            text(&view.ended_by),
            view.ending.map_or(String::new(), |ending| ending.to_string()),
            time(view.review_at),
            view.review_overdue.to_string(),
            text(&view.reviewed_by),
            time(view.reviewed_at),
            text(&view.why),
        ]
    });
    Rows {
        header: &[
            "id",
            "kind",
            "phase",
            "revocation",
            "subject",
            "until",
            "requested_by",
            "requested_at",
            "approved_by",
            "approved_at",
            "self_approved",
            "uncovered_from",
            "uncovered_to",
            "ended_at",
            "ended_by",
            "ending",
            "review_at",
            "review_overdue",
            "reviewed_by",
            "reviewed_at",
            "why",
        ],
        rows: rows.collect(),
    }
}
