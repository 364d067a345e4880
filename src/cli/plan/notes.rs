//! What stands against running a plan: the first lines of the script.

use super::Planned;
use crate::cli::exception::shown::sentence;
use crate::cli::look::{Answered, Looked};
use crate::domain::plan::bootstrap::BOOTSTRAP;
use crate::domain::plan::quote::comment;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use std::io::IsTerminal as _;

/// One sentence each.
pub(super) fn notes(looked: &Looked, planned: &[Planned<'_>]) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for one in &looked.subjects {
        notes.extend(of(one, looked.as_of));
    }
    for one in planned {
        notes.extend(dangerous(looked, one));
    }
    let mut told = std::collections::BTreeSet::new();
    notes.retain(|note| told.insert(note.clone()));
    notes
}

fn of(one: &Answered, now: UtcTime) -> Vec<String> {
    let asked = &one.asked;
    let id = asked.revocation.as_ref().map_or(String::new(), |id| format!(" ({id})"));
    let who = format!("{}{id}", asked.subject);
    let mut notes = Vec::new();
    let state = asked.expected.as_ref().map(|stored| stored.life.state);
    if state == Some(State::Withdrawn) {
        notes.push(format!("WITHDRAWN: {who}: nothing is expected of it any more"));
    }
    if let Some(at) = asked.begins(now) {
        notes.push(format!("NOT YET: {who} begins at {at}: until then nothing has to be gone"));
    }
    for exception in &asked.exceptions {
        let text = format!("{}: {}", exception.subject, sentence(exception));
        if exception.kind.keeps_access() && exception.in_force_at(now) {
            notes.push(format!("EXCEPTED: {text}"));
        } else if exception.holds() {
            notes.push(format!("LEGAL HOLD: {text}"));
        }
    }
    if let Some(at) = asked.rehired() {
        notes.push(format!(
            "HIRED AGAIN: {who} works here again since {at}: what was granted since is left as it is"
        ));
    }
    for gap in &one.open {
        notes.push(format!("OPEN QUESTION: {who}: {}; {}", gap.reason, gap.fix));
    }
    let why = if asked.unread.is_some() {
        "nobody could be asked whose role it is"
    } else {
        "it may have been granted since"
    };
    for found in &one.spared {
        notes.push(format!("LEFT ALONE: {}: {}: {why}", found.account.target, found.sentence));
    }
    notes
}

/// Roles without which the cluster, or the agent, is not what it was.
fn dangerous(looked: &Looked, one: &Planned<'_>) -> Vec<String> {
    let agent = one.look.observation.server.as_ref().map(|server| server.agent_role.as_str());
    let accounts = one.residual.iter().map(|found| &found.account);
    let notes = accounts.filter_map(|account| {
        let role = account.role.as_deref().unwrap_or_default();
        if account.oid == BOOTSTRAP {
            let text = format!(
                "BOOTSTRAP SUPERUSER: {role} (OID {BOOTSTRAP}) is no person's role: is there another superuser who can \
                 log in?"
            );
            Some(looked.of_target(one.look, &text))
        } else if agent == Some(role) {
            let text = format!(
                "THE AGENT'S OWN ROLE: {role} is the role that looks here: without it nothing is seen and nothing is \
                 proved"
            );
            Some(looked.of_target(one.look, &text))
        } else {
            None
        }
    });
    notes.collect()
}

/// The notes as lines of a script.
pub(super) fn head(notes: &[String]) -> String {
    notes.iter().flat_map(|note| ["-- ".to_owned(), comment(note), "\n".to_owned()]).collect()
}

/// A pipe to psql swallows comments.
pub(super) fn warn(notes: &[String]) {
    if !std::io::stdout().is_terminal() {
        for note in notes {
            eprintln!("revoked: {}", crate::cli::output::shown(note));
        }
    }
}
