//! What goes into a ticket: the text that closes it, and a checklist in Markdown. No person is named in either.

use crate::cli::check::findings;
use crate::cli::client::Reach;
use crate::cli::exit;
use crate::cli::output::shown;
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::revocation::{Kind, State};
use crate::domain::time::UtcTime;
use crate::domain::verdict::Verdict;
use crate::http::view::View;
use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Accounts that are written out.
const ACCOUNTS: usize = 50;

/// A record in a proof, and the log that it is in.
#[derive(Debug, PartialEq, Eq)]
struct Cited {
    seq: u64,
    origin: String,
    /// Lines that the checkpoint covers.
    size: String,
}

/// The newest record of a type in a proof.
fn cited(proof: &str, kind: &str) -> Option<Cited> {
    let of = |line: &str| -> Option<u64> {
        let bytes = STANDARD.decode(line.strip_prefix("extra ")?).ok()?;
        let record: Value = serde_json::from_slice(&bytes).ok()?;
        record.get("type").and_then(Value::as_str).filter(|found| *found == kind)?;
        record.get("seq")?.as_u64()
    };
    let seq = proof.lines().filter_map(of).max()?;
    // After the path of each line there is an empty one, and then the note.
    let mut note = proof.lines().skip_while(|line| !line.is_empty()).skip(1);
    let (origin, size) = (note.next()?.to_owned(), note.next()?.to_owned());
    Some(Cited { seq, origin, size })
}

/// The record by which a revocation is at its end; `None`: it is not.
fn closed_by(view: &View) -> Option<&'static str> {
    match view.state {
        State::Verified => Some("verification_completed"),
        State::Withdrawn => Some("revocation_withdrawn"),
        State::Scheduled | State::Open | State::Regressed | State::Excepted => None,
    }
}

/// Prints the text that closes the ticket of a revocation that is at its end.
pub(super) async fn print_closure(reach: &Reach, view: &View) -> Result<u8> {
    let Some(kind) = closed_by(view) else {
        eprintln!(
            "revoked: {} is {}, so that there is nothing to close; `revoked expect show {0}` says what remains",
            view.id, view.state
        );
        return Ok(exit::RESIDUAL);
    };
    let proof = reach.proof(&view.id).await?;
    let cited = cited(&proof, kind);
    let cited = cited.with_context(|| format!("the log has no {kind} of {}", view.id))?;
    print!("{}", closure(view, &cited));
    Ok(exit::OK)
}

/// Prints a checklist, the oldest revocation first.
pub(super) fn print_checklist(title: &str, mut views: Vec<View>) -> Result<u8> {
    if views.is_empty() {
        bail!("there is no checklist {}", shown(title));
    }
    views.reverse();
    print!("{}", checklist(title, &views));
    Ok(exit::OK)
}

/// What was proved, by what was asked for: no more than that.
fn proved(view: &View) -> &'static str {
    match (view.kind, view.held) {
        (Kind::Full, false) => {
            "nothing remains of this access: two looks without gaps found nothing of it"
        }
        (Kind::Full, true) => {
            "two looks without gaps found nothing of it but what is owned, which a legal hold keeps"
        }
        (Kind::Suspend, _) => {
            "nothing is left that acts, or lets anybody log in: two looks without gaps found nothing of that"
        }
        (Kind::Partial, _) => {
            "the roles and permissions that had to go are gone, and those that had to stay are there, by two looks \
             without gaps; other access is not spoken of"
        }
        (Kind::Rotation | Kind::Transfer, _) => {
            "the shared secret is another one, and no session from before is left, by two looks without gaps"
        }
    }
}

fn line(text: &mut String, label: &str, said: &str) {
    // Writing into a String does not fail.
    let _ = writeln!(text, "{label}: {}", shown(said));
}

fn accounts(view: &View) -> String {
    let mut all: Vec<String> = view
        .accounts
        .iter()
        .take(ACCOUNTS)
        .map(|one| format!("{}/{}", one.target, one.role))
        .collect();
    let more = view.accounts.len().saturating_sub(ACCOUNTS);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    if all.is_empty() { "none was found".to_owned() } else { all.join(", ") }
}

fn not_covered(view: &View) -> Vec<String> {
    let surfaces: BTreeSet<&str> =
        view.not_covered.iter().map(|one| one.surface.as_str()).collect();
    surfaces.into_iter().map(|surface| surface.replace('_', " ")).collect()
}

fn time(at: Option<UtcTime>) -> String {
    at.map_or_else(|| "not known".to_owned(), |at| at.to_string())
}

/// The text that closes a ticket.
fn closure(view: &View, cited: &Cited) -> String {
    let mut text = String::new();
    let id = &view.id;
    let state = if view.state == State::Verified { "is verified" } else { "was withdrawn" };
    let _ = writeln!(text, "Access revocation {id} {state}.\n");
    let earlier = view.earlier_tickets.iter().map(String::as_str);
    let tickets: Vec<&str> = view.ticket.as_deref().into_iter().chain(earlier).collect();
    line(
        &mut text,
        "Ticket",
        &if tickets.is_empty() { "none was named".to_owned() } else { tickets.join(", ") },
    );
    line(
        &mut text,
        "Asked for",
        &format!("{}, reason {}", view.kind, view.reason.as_str().replace('_', " ")),
    );
    line(&mut text, "Told by", &format!("{}, at {}", view.source, view.received_at));
    line(&mut text, "Access had to end", &view.effective_at.to_string());
    line(&mut text, "Accounts", &accounts(view));
    if view.state == State::Verified {
        line(&mut text, "Verified", proved(view));
        line(&mut text, "First clean look", &time(view.first_clean_at));
        line(&mut text, "Confirmed by a second look", &time(view.verified_at));
        if !view.kept.is_empty() {
            line(&mut text, "Kept, as was asked for", &findings(view.kept.len()));
        }
        let skipped = not_covered(view);
        if !skipped.is_empty() {
            line(&mut text, "Not covered, so nothing is said of it", &skipped.join(", "));
        }
    } else {
        line(&mut text, "Verified", "nothing: it is not expected any more that this access ends");
    }
    let record = format!(
        "line {} of the log {}, in its checkpoint of {} lines",
        cited.seq, cited.origin, cited.size
    );
    line(&mut text, "Record", &record);
    let _ = write!(
        text,
        "\nTo check it, with the log's public key and without a network:\n\n    revoked log prove {id} -o {id}.tlog-proof\n    \
         revoked verify --proof {id}.tlog-proof --key LOG.vkey\n"
    );
    text
}

/// What a look finds, in the groups of a checklist.
const GROUPS: &[(&str, &[ResidualKind])] = &[
    ("Login is off", &[ResidualKind::Login]),
    (
        "No line of pg_hba.conf or pg_ident.conf names it",
        &[ResidualKind::HbaRule, ResidualKind::IdentMap],
    ),
    (
        "Nothing acts: sessions, jobs, replication, prepared transactions",
        &[
            ResidualKind::Session,
            ResidualKind::VanishedSession,
            ResidualKind::Job,
            ResidualKind::Replication,
            ResidualKind::Subscription,
            ResidualKind::PreparedTransaction,
        ],
    ),
    (
        "No role is held, and no attribute",
        &[
            ResidualKind::Membership,
            ResidualKind::AdminOption,
            ResidualKind::Attribute,
            ResidualKind::RoleSetting,
        ],
    ),
    ("Nothing is owned", &[ResidualKind::Ownership]),
    (
        "No privilege is left",
        &[
            ResidualKind::Privilege,
            ResidualKind::DefaultPrivilege,
            ResidualKind::Policy,
            ResidualKind::DanglingAcl,
            ResidualKind::Probe,
        ],
    ),
    ("No user mapping is left", &[ResidualKind::UserMapping]),
];

fn item(text: &mut String, done: bool, said: &str) {
    let mark = if done { 'x' } else { ' ' };
    let _ = writeln!(text, "- [{mark}] {}", inert(said));
}

/// What others wrote is no Markdown.
fn inert(said: &str) -> String {
    let mut text = String::with_capacity(said.len());
    for c in shown(said).chars() {
        if "\\`*_[]<>#|!".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// A checklist in Markdown, of one revocation or of all that `title` names.
fn checklist(title: &str, views: &[View]) -> String {
    let done = views.iter().filter(|view| closed_by(view).is_some()).count();
    let mut text = format!("# Access revocation checklist: {}\n\n", inert(title));
    if views.len() > 1 {
        let _ =
            writeln!(text, "{done} of {} revocations are verified or withdrawn.\n", views.len());
    }
    for view in views {
        one(&mut text, view);
    }
    text.push_str(
        "Boxes under \"Seen by looks\" are ticked by what was seen, and by nobody's word. Those under \"Attested by people\" \
         are their word, which nobody verified.\n",
    );
    text
}

fn one(text: &mut String, view: &View) {
    let _ = writeln!(text, "## {}: {}\n", view.id, view.state);
    let said = |text: &mut String, label: &str, words: &str| {
        let _ = writeln!(text, "{label}: {}  ", inert(words));
    };
    said(text, "Accounts", &accounts(view));
    if let Some(ticket) = &view.ticket {
        said(text, "Ticket", ticket);
    }
    let due = [
        ("login by", view.deadlines.login),
        ("all gone by", view.deadlines.access),
        ("rotated by", view.deadlines.credentials),
    ];
    let due = due.into_iter().filter_map(|(label, at)| Some(format!("{label} {}", at?)));
    said(text, "Deadlines", &due.collect::<Vec<_>>().join(", "));
    let overdue: Vec<&str> = view.overdue.iter().map(|one| one.as_str()).collect();
    if !overdue.is_empty() {
        said(text, "Overdue", &overdue.join(", "));
    }
    text.push_str("\n### Seen by looks\n\n");
    looks(text, view);
    if !view.attested.is_empty() {
        text.push_str("\n### Attested by people\n\n");
        for one in &view.attested {
            let said = match &one.attested {
                Some(word) => format!("{}: by {} at {}", one.what, word.by, word.at),
                None => format!("{}: nobody yet; due {}", one.what, one.due_at),
            };
            item(text, one.attested.is_some(), &said);
        }
    }
    let skipped = not_covered(view);
    if !skipped.is_empty() {
        let _ = writeln!(
            text,
            "\nNot covered, so nothing is said of it: {}.",
            inert(&skipped.join(", "))
        );
    }
    text.push('\n');
}

/// What the newest look found. Absence is ticked only where nothing was left unseen.
fn looks(text: &mut String, view: &View) {
    if view.state == State::Withdrawn {
        return item(text, true, "Withdrawn: nothing is expected any more");
    }
    let whole =
        view.gaps.is_empty() && matches!(view.verdict, Some(Verdict::Revoked | Verdict::Residual));
    if view.kind == Kind::Full && view.kept.is_empty() {
        for (what, kinds) in GROUPS {
            group(text, view, what, kinds, whole);
        }
        // No look tells whether a secret still works, so this is never ticked; what the agent knows of one is shown.
        let secret = |found: &Residual| found.kind == ResidualKind::Credential;
        let known = view.residual.iter().filter(|found| secret(found)).count();
        if known > 0 {
            item(text, false, &format!("No shared secret is as it was: {}", findings(known)));
        }
    } else {
        // Something is meant to stay, so that no surface is empty.
        group(text, view, "Nothing is left of what had to end", ResidualKind::ALL, whole);
    }
    for missing in &view.missing {
        item(text, false, &format!("{} has to be there, and is not", missing.name));
    }
    for gap in &view.gaps {
        item(text, false, &format!("Seen: {} on {}", gap.surface, gap.target));
    }
    let verified = view.state == State::Verified;
    let at = if verified { format!(" ({})", time(view.verified_at)) } else { String::new() };
    item(text, verified, &format!("Verified by a second look without gaps{at}"));
}

fn group(text: &mut String, view: &View, what: &str, kinds: &[ResidualKind], whole: bool) {
    let count = view.residual.iter().filter(|found| kinds.contains(&found.kind)).count();
    let skipped = |kind: &&ResidualKind| {
        kinds.len() < ResidualKind::ALL.len()
            && view.not_covered.iter().any(|one| one.surface == kind.as_str())
    };
    let skipped: Vec<String> =
        kinds.iter().filter(skipped).map(|kind| kind.as_str().replace('_', " ")).collect();
    let said = match (count, whole, skipped.is_empty()) {
        (0, true, true) => what.to_owned(),
        (0, true, false) => format!("{what}: not covered: {}", skipped.join(", ")),
        (0, false, _) => format!("{what}: not known yet"),
        (count, _, _) => format!("{what}: {}", findings(count)),
    };
    item(text, count == 0 && whole && skipped.is_empty(), &said);
}

#[cfg(test)]
#[path = "paper_tests.rs"]
mod tests;
