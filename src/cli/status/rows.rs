//! What `revoked status` says of each revocation, and of all of them. Pure: views and an instant in, text out.

use crate::cli::output::{Rows, shown, wrapped};
use crate::domain::milestone::Milestone;
use crate::domain::observation::{Cause, Gap};
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::domain::verdict::Verdict;
use crate::http::view::View;
use std::collections::BTreeSet;
use std::time::Duration;
use unicode_width::UnicodeWidthChar as _;

/// Space between columns.
const GAP: usize = 2;

/// Overdue first, the oldest first; then what came back; then by deadline.
pub(super) fn sort(views: &mut [View], now: UtcTime) {
    views.sort_by_cached_key(|view| {
        let class = match (view.overdue.is_empty(), view.state) {
            (false, _) => 0,
            (true, State::Regressed) => 1,
            (true, State::Excepted) => 3,
            (true, State::Scheduled | State::Open | State::Verified | State::Withdrawn) => 2,
        };
        let first = match class {
            0 => late_since(view),
            3 => kept_until(view, now),
            _ => next_deadline(view, now),
        };
        (class, first.is_none(), first, view.id.clone())
    });
}

/// The deadline that was missed first.
fn late_since(view: &View) -> Option<UtcTime> {
    view.overdue.iter().filter_map(|milestone| view.deadlines.get(*milestone)).min()
}

/// The next deadline, or the last that has passed.
fn next_deadline(view: &View, now: UtcTime) -> Option<UtcTime> {
    let all = || Milestone::ALL.iter().filter_map(|milestone| view.deadlines.get(*milestone));
    all().filter(|at| *at > now).min().or_else(|| all().max())
}

/// Until when access is permitted to stay.
fn kept_until(view: &View, now: UtcTime) -> Option<UtcTime> {
    let kept = view.exceptions.iter().filter(|one| one.kind.keeps_access() && one.in_force_at(now));
    kept.filter_map(|one| one.until).max()
}

/// A length of time in its two largest units.
pub(in crate::cli) fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m"),
        (0, _, 0) => format!("{hours}h"),
        (0, _, _) => format!("{hours}h {minutes}m"),
        (_, 0, _) => format!("{days}d"),
        _ => format!("{days}d {hours}h"),
    }
}

/// How late it is, or by when it is due.
fn when(view: &View, now: UtcTime) -> String {
    if let Some(since) = late_since(view) {
        return format!("{} late", in_words(now.since(since)));
    }
    if view.state == State::Excepted {
        let until = kept_until(view, now).map(|until| in_words(until.since(now)));
        return until.map_or_else(|| "-".to_owned(), |time| format!("ends in {time}"));
    }
    match (view.state, next_deadline(view, now)) {
        (State::Scheduled, _) if view.effective_at > now => {
            format!("begins in {}", in_words(view.effective_at.since(now)))
        }
        (State::Scheduled | State::Open, Some(at)) if at > now => {
            format!("due in {}", in_words(at.since(now)))
        }
        (State::Regressed, _) => "at once".to_owned(),
        (State::Open, _) if view.no_account => "no account".to_owned(),
        _ => "-".to_owned(),
    }
}

/// The worst thing that is left, and how many more.
fn left(view: &View, now: UtcTime) -> String {
    let Some(verdict) = view.verdict else { return "not looked at yet".to_owned() };
    let down = down(view);
    let unseen = match (verdict, down.is_empty()) {
        (Verdict::Inconclusive, false) => {
            format!("down: {}", down.into_iter().collect::<Vec<_>>().join(", "))
        }
        (Verdict::Inconclusive, true) => "cannot tell".to_owned(),
        // What remains is known; what is missing beside it may not be all.
        (Verdict::Residual, _) if view.residual.is_empty() && !view.gaps.is_empty() => {
            "not all seen".to_owned()
        }
        (Verdict::Residual | Verdict::Revoked, _) => String::new(),
    };
    let found = match view.residual.split_first() {
        None => String::new(),
        Some((worst, [])) => worst.kind.to_string(),
        Some((worst, more)) => format!("{} +{}", worst.kind, more.len()),
    };
    let missing = match view.missing.split_first() {
        None => String::new(),
        Some((first, [])) => format!("missing: {}", first.name),
        Some((first, more)) => format!("missing: {} +{}", first.name, more.len()),
    };
    let held = view.exceptions.iter().any(|one| one.holds() && one.in_force_at(now));
    let held = if held { "legal hold".to_owned() } else { String::new() };
    let known = found.is_empty() && missing.is_empty() && unseen.is_empty();
    let nothing = match (known, held.is_empty()) {
        (true, true) => "nothing; to be confirmed".to_owned(),
        (true, false) => "nothing".to_owned(),
        (false, _) => String::new(),
    };
    let parts = [nothing, found, missing, unseen, held];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

/// Letters at the end of an id: those before it are the time.
const END_OF_ID: usize = 6;

/// Whose it is; where a subject has several, with the kind and the end of the id.
fn whose(view: &View, views: &[View]) -> String {
    let several = views.iter().filter(|other| other.subject == view.subject).count() > 1;
    if !several {
        return shown(&view.subject);
    }
    let start = view.id.len().saturating_sub(END_OF_ID);
    format!("{} {} …{}", shown(&view.subject), view.kind, view.id.get(start..).unwrap_or(&view.id))
}

/// Targets that did not answer at all.
fn down(view: &View) -> BTreeSet<&str> {
    let silent = |cause| matches!(cause, Cause::Unreachable | Cause::Timeout);
    view.gaps
        .iter()
        .filter(|gap| gap.database.is_none() && silent(gap.cause))
        .map(|gap| gap.target.as_str())
        .collect()
}

/// Further instances that did not answer.
fn silent_instances(view: &View) -> Vec<String> {
    let silent = view.gaps.iter().filter(|gap| {
        matches!(gap.cause, Cause::Unreachable | Cause::Timeout)
            && gap.reason.starts_with("instance ")
    });
    let name = |gap: &Gap| {
        let (instance, _) = gap.reason.split_once(':')?;
        Some(format!("{instance} of {}", gap.target))
    };
    silent.filter_map(name).collect()
}

/// Targets whose looks do not find their canary.
fn without_canary(views: &[View]) -> BTreeSet<&str> {
    let gaps = views.iter().flat_map(|view| &view.gaps);
    gaps.filter(|gap| gap.cause == Cause::CanaryMissed).map(|gap| gap.target.as_str()).collect()
}

/// The answer before the table.
///
/// `nobody` says that nobody looks: then nothing is known of the targets.
pub(super) fn headline(
    views: &[View],
    nobody: Option<&str>,
    now: UtcTime,
    columns: Option<usize>,
) -> String {
    let columns = columns.unwrap_or(usize::MAX);
    if views.is_empty() {
        let parts: Vec<&str> = nobody.into_iter().chain(["nothing is open"]).collect();
        return wrapped(&parts.join("; "), columns).join("\n");
    }
    let late: Vec<_> = views.iter().filter(|view| !view.overdue.is_empty()).collect();
    let back = views.iter().filter(|view| view.state == State::Regressed).count();
    let mut parts: Vec<String> = nobody.map(str::to_owned).into_iter().collect();
    let excepted = views.iter().filter(|view| view.state == State::Excepted).count();
    let count = views.len() - excepted;
    match late.iter().filter_map(|view| late_since(view)).min() {
        Some(oldest) => {
            let are = if late.len() == 1 { "is" } else { "are" };
            let by = if late.len() == 1 { "" } else { "the oldest " };
            let by = format!("{by}by {}", in_words(now.since(oldest)));
            parts.push(format!("{} of {count} {are} overdue, {by}", late.len()));
        }
        None if count == 0 => parts.push("nothing is open".to_owned()),
        None if count == 1 => parts.push("1 is open, not overdue".to_owned()),
        None => parts.push(format!("{count} are open, none is overdue")),
    }
    if back > 0 {
        parts.push(format!("{back} came back"));
    }
    if excepted > 0 {
        parts.push(format!("{excepted} excepted"));
    }
    let silent: BTreeSet<&str> = views.iter().flat_map(down).collect();
    let targets: BTreeSet<&str> = views
        .iter()
        .flat_map(|view| {
            let accounts = view.accounts.iter().map(|account| account.target.as_str());
            accounts.chain(view.residual.iter().map(|found| found.account.target.as_str()))
        })
        .chain(silent.iter().copied())
        .collect();
    if nobody.is_none() && !targets.is_empty() {
        let answer = targets.len() - silent.len();
        parts.push(format!("their targets: {answer} of {} up", targets.len()));
    }
    for instance in views.iter().flat_map(silent_instances).collect::<BTreeSet<_>>() {
        parts.push(format!("{instance} does not answer, so its sessions are not seen"));
    }
    for target in without_canary(views) {
        parts.push(format!("the canary of {target} is missed, so nothing is proved there"));
    }
    wrapped(&parts.join("; "), columns).join("\n")
}

/// Items of checklists that are past their due and that nobody attested, one line each.
pub(super) fn unattested(views: &[View], now: UtcTime) -> Vec<String> {
    let of = |view: &View| {
        let items = view.unattested(now).map(|item| {
            let late = in_words(now.since(item.due_at));
            format!("not attested, {late} late: {} of {} ({})", item.item, view.subject, view.id)
        });
        items.map(|line| shown(&line)).collect::<Vec<_>>()
    };
    views.iter().flat_map(of).collect()
}

/// What somebody has in hand, one line each.
pub(super) fn in_hand(views: &[View]) -> Vec<String> {
    let line = |view: &View| {
        let known = view.acknowledged.as_ref()?;
        Some(shown(&format!("acknowledged: {} ({}): {}", view.subject, view.id, known.sentence())))
    };
    views.iter().filter_map(line).collect()
}

/// Emergencies that nobody approved in time, one line each.
pub(super) fn unapproved(views: &[View], now: UtcTime) -> Vec<String> {
    let line = |view: &View| {
        let called = view.emergency.as_ref()?;
        let late = in_words(now.since(called.approval_due_at));
        Some(shown(&format!(
            "not approved, {late} late: the emergency of {} ({}), called by {}",
            view.subject, view.id, called.requested_by
        )))
    };
    views.iter().filter_map(line).collect()
}

/// A table that fits so many columns, whatever is in it; `None`: as wide as what is in it.
pub(super) fn table(views: &[View], now: UtcTime, columns: Option<usize>) -> String {
    let mut lines: Vec<[String; 4]> = vec![["WHEN", "STATE", "SUBJECT", "LEFT"].map(str::to_owned)];
    lines.extend(views.iter().map(|view| {
        [when(view, now), view.state.to_string(), whose(view, views), shown(&left(view, now))]
    }));
    let widest = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|text| width(text)).max().unwrap_or(0)
    };
    let fixed = widest(0) + widest(1) + 3 * GAP;
    let (subject, finding) = (widest(2), widest(3));
    let room = columns.map_or(subject + finding, |columns| columns.saturating_sub(fixed));
    // Subject and finding share what is left; neither takes room that the other does not need.
    let half = room / 2;
    let subject = subject.min(half.max(room.saturating_sub(finding)));
    let widths = [widest(0), widest(1), subject, room - subject];
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| fit(cell, width));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn width(text: &str) -> usize {
    text.chars().filter_map(char::width).sum()
}

/// `text` in exactly `columns` columns: filled up, or cut with a sign of it.
fn fit(text: &str, columns: usize) -> String {
    let whole = width(text);
    if whole <= columns {
        return format!("{text}{}", " ".repeat(columns - whole));
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in text.chars() {
        let next = c.width().unwrap_or(0);
        if used + next > columns.saturating_sub(1) {
            break;
        }
        used += next;
        cut.push(c);
    }
    cut.push('…');
    cut.push_str(&" ".repeat(columns.saturating_sub(used + 1)));
    cut
}

/// One row per revocation.
pub(in crate::cli) fn rows(views: &[View], now: UtcTime) -> Rows {
    let time = |at: Option<UtcTime>| at.map_or(String::new(), |at| at.to_string());
    let rows = views.iter().map(|view| {
        let overdue: Vec<_> = view.overdue.iter().map(|milestone| milestone.as_str()).collect();
        let late = late_since(view).map(|since| now.since(since).as_secs().to_string());
        vec![
            view.id.clone(),
            view.subject.clone(),
            view.kind.to_string(),
            view.reason.to_string(),
            view.state.to_string(),
            overdue.join(" "),
            late.unwrap_or_default(),
            time(next_deadline(view, now)),
            view.effective_at.to_string(),
            view.verdict.map_or(String::new(), |verdict| verdict.to_string()),
            time(view.as_of),
            view.residual.len().to_string(),
            view.residual.first().map_or(String::new(), |worst| worst.kind.to_string()),
            view.gaps.len().to_string(),
        ]
    });
    Rows {
        header: &[
            "id",
            "subject",
            "kind",
            "reason",
            "state",
            "overdue",
            "late_seconds",
            "deadline",
            "effective_at",
            "verdict",
            "as_of",
            "residual",
            "worst",
            "gaps",
        ],
        rows: rows.collect(),
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
pub(super) mod tests;
