//! What is told of access that was used after its end, or came back after it was proved gone. Pure.

use crate::domain::revocation::State;
use crate::domain::uses::{Use, UseClass};
use crate::http::view::View;

/// Sessions told one by one; more are counted.
const TOLD: usize = 5;

/// One line each, the newest first: why access is back, and sessions that began after the end.
pub(in crate::cli) fn told(view: &View) -> Vec<String> {
    let back = view.relapse.as_ref().map(|relapse| {
        let (at, cause, sentence) = (relapse.at, relapse.cause, &relapse.sentence);
        format!("it came back, as seen at {at} (likely {cause}): {sentence}")
    });
    let used = view.uses.iter().rev().take(TOLD).map(session);
    let more = view.uses.len().saturating_sub(TOLD);
    let more = (more > 0).then(|| format!("{more} sessions more, in -o json"));
    back.into_iter().chain(used).chain(more).collect()
}

fn session(one: &Use) -> String {
    let begun = &one.begun;
    let role = begun.role.clone().unwrap_or_else(|| format!("OID {}", begun.oid));
    let since = begun.began_at.map_or_else(|| "at no known time".to_owned(), |at| at.to_string());
    let what = match one.class {
        UseClass::AfterEnd => "used after the end",
        UseClass::LateNotice => "late notice, used before it came",
    };
    format!("{what}: {}/{role}, {}, began {since}", begun.target, begun.session)
}

/// One line for each revocation in `views` that has any of it: what `revoked status` says below its table.
pub(super) fn lines(views: &[View]) -> Vec<String> {
    views.iter().flat_map(of).collect()
}

fn of(view: &View) -> Vec<String> {
    let whose = format!("{} ({})", view.subject, view.id);
    let late = view.uses.iter().filter(|one| one.class == UseClass::LateNotice).count();
    let newest = view.uses.iter().rev().find(|one| one.class == UseClass::AfterEnd);
    let mut lines = Vec::new();
    if let Some(newest) = newest.and_then(|one| one.begun.began_at) {
        let total = counted(usize::try_from(view.uses_total).unwrap_or(usize::MAX));
        lines.push(format!("USED AFTER THE END: {total} of {whose}, the newest began {newest}"));
    }
    if late > 0 {
        let total = counted(late);
        lines.push(format!("late notice: {total} of {whose} began before we were told"));
    }
    if let (State::Regressed, Some(relapse)) = (view.state, &view.relapse) {
        let (cause, sentence) = (relapse.cause, &relapse.sentence);
        lines.push(format!("came back (likely {cause}): {whose}: {sentence}"));
    }
    lines
}

fn counted(sessions: usize) -> String {
    if sessions == 1 { "1 session".to_owned() } else { format!("{sessions} sessions") }
}

#[cfg(test)]
#[path = "after_tests.rs"]
mod tests;
