//! What was there before, as a script for psql that gives it back. Evidence first: most people only read it.
//!
//! What its own grants and ownership gave is given back; what was reached through a membership comes with that.
//! Rights come first and the login last, so that nobody uses half of it.

mod give;
mod statements;

use super::quote::{comment, connect, literal};
use super::script::{LOCK_TIMEOUT, Place, only_there};
use crate::domain::before::BeforeState;
use give::{Give, Given, Sort};
use std::collections::BTreeMap;

/// The script that gives back what the accounts of the revocation `id` had.
#[must_use]
pub fn script(id: &str, states: &[BeforeState]) -> String {
    let mut lines = head(id);
    let mut targets: BTreeMap<&str, Vec<&BeforeState>> = BTreeMap::new();
    for state in states {
        targets.entry(&state.target).or_default().push(state);
    }
    for (target, states) in targets {
        lines.extend(of_target(target, &states));
    }
    lines.join("\n") + "\n"
}

fn head(id: &str) -> Vec<String> {
    [
        format!("-- What revoked found before the access of {} was taken away.", comment(id)),
        "-- It is evidence of what was there, and no advice to give it back. Access that is given back without an"
            .to_owned(),
        format!(
            "-- approved withdrawal (revoked expect withdraw {} --erroneous) is a regression, and is reported as one.",
            comment(id)
        ),
        "-- Read it, then run it with psql -X as a superuser. It stops at the first error, and may be run again."
            .to_owned(),
        "-- A WARNING that no privileges were granted: who granted them then may not any more.".to_owned(),
        "\\set ON_ERROR_STOP on".to_owned(),
        "\\set AUTOCOMMIT on".to_owned(),
    ]
    .to_vec()
}

/// The part for one cluster, which does nothing on any other.
fn of_target(target: &str, states: &[&BeforeState]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for state in states {
        let who = state.role().map_or_else(
            || format!("the role with OID {}", state.oid),
            |role| format!("{role} (OID {})", state.oid),
        );
        let text = format!("On {target}, as of {}: {who}", state.seen_at);
        lines.push(format!("-- {}", comment(&text)));
    }
    let given = Given::of(states);
    let identifier = states.iter().find_map(|state| state.system_identifier);
    if let (Some(identifier), false) = (identifier, given.is_empty()) {
        let identifier = identifier.to_string();
        let place = Place { target, system_identifier: &identifier };
        lines.extend(only_there(whose(target, states, parts(&given, place)), place));
    }
    for (found, why) in &given.left {
        let text = format!("NOT GIVEN BACK: {}: {why}", found.sentence);
        lines.push(format!("-- {}", comment(&text)));
    }
    for gap in states.iter().flat_map(|state| &state.gaps) {
        let place = gap.database.as_ref().map_or(String::new(), |name| format!(" in {name}"));
        let text = format!("NOT SEEN THEN: {} of {target}{place}: {}", gap.surface, gap.reason);
        let line = format!("-- {}", comment(&text));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// Does nothing unless the roles are those of then: another of the same name may be somebody else's.
fn whose(target: &str, states: &[&BeforeState], parts: Vec<String>) -> Vec<String> {
    let mut roles: Vec<(u32, &str)> =
        states.iter().filter_map(|state| Some((state.oid.0, state.role()?))).collect();
    roles.sort_unstable();
    let mut lines = vec![
        "-- If a role was dropped since, make it first, and then run this with psql -v anew=on:"
            .to_owned(),
    ];
    lines
        .extend(roles.iter().map(|(_, role)| format!("-- {}", comment(&statements::create(role)))));
    let pairs: Vec<String> =
        roles.iter().map(|(oid, role)| format!("({oid}, {})", literal(role))).collect();
    let named: Vec<String> =
        roles.iter().map(|(oid, role)| format!("{role} with OID {oid}")).collect();
    let others = format!(
        "skipped on {target}: not every role is there as it was then: {}. One of another OID may be somebody else's",
        named.join(", ")
    );
    lines.extend([
        "\\if :{?anew}".to_owned(),
        "\\set revoked_ours on".to_owned(),
        "\\else".to_owned(),
        format!(
            "SELECT pg_catalog.count(*) = {} AS ours FROM pg_catalog.pg_roles AS r WHERE (r.oid, r.rolname) IN \
             ({}) \\gset revoked_",
            pairs.len(),
            pairs.join(", ")
        ),
        "\\endif".to_owned(),
        "\\if :revoked_ours".to_owned(),
    ]);
    lines.extend(parts);
    lines.extend([
        "\\else".to_owned(),
        format!("\\warn {}", literal(&others)),
        "\\endif".to_owned(),
    ]);
    lines
}

/// What all databases share, each database, and the login, each in a transaction of its own.
fn parts(given: &Given<'_>, place: Place<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut databases: BTreeMap<Option<&str>, Vec<&Give>> = BTreeMap::new();
    let mut login = Vec::new();
    for give in &given.gives {
        match give.sort {
            Sort::Login => login.push(give),
            Sort::Attribute
            | Sort::Membership
            | Sort::Owner
            | Sort::Sequence
            | Sort::Privilege
            | Sort::Default
            | Sort::Policy => databases.entry(give.database.as_deref()).or_default().push(give),
        }
    }
    for (database, gives) in databases {
        let body = transaction(&gives);
        match database {
            None => {
                lines.extend([String::new(), "-- What all databases share".to_owned()]);
                lines.extend(body);
            }
            Some(name) => {
                lines.extend([String::new(), format!("-- Database {}", comment(name))]);
                lines.push(connect(name));
                lines.extend(only_there(body, place));
            }
        }
    }
    if !login.is_empty() {
        lines.extend([
            String::new(),
            "-- The login. Its password is not known here, and may have been taken: \\password sets one".to_owned(),
        ]);
        lines.extend(transaction(&login));
    }
    lines
}

fn transaction(gives: &[&Give]) -> Vec<String> {
    let mut lines = vec!["BEGIN;".to_owned(), format!("SET LOCAL {LOCK_TIMEOUT}")];
    lines.extend(statements::body(gives));
    lines.push("COMMIT;".to_owned());
    lines
}

#[cfg(test)]
mod tests;
