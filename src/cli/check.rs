//! `revoked check`: what remains, now.

pub(super) mod report;

use super::exception::shown::print_under;
use super::look::{Answered, At, Looked};
use super::output::{self, Output, shown};
use crate::domain::revocation::Kind;
use crate::domain::time::UtcTime;
use anyhow::Result;
use report::Report;

/// Look now: what remains of a role or subject, why, and what could not be seen
///
/// Looks at every configured target, or at the one given by --target, which needs no configuration and no
/// state. All databases of a cluster are looked at; nothing is ever written on a target. For a subject or
/// rev_…, its accounts are those that the agent knows, by their OIDs.
///
/// Exit status: 0 nothing remains; 2 something remains; 3 not everything could be seen, or no such role;
/// 1 the question could not be put (bad URL, no configuration). Over several 2 beats 3 beats 0.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    at: At,

    /// Suspend: only what acts now or can log in must be gone
    #[arg(long)]
    suspend: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let kind = arguments.suspend.then_some(Kind::Suspend);
    let looked = arguments.at.look(kind).await?;
    let report = Report::new(&looked);
    arguments.output.print(&report, || report.rows(), || print(&looked, &report))?;
    Ok(output::exit_code(report.verdict()))
}

fn print(looked: &Looked, report: &Report<'_>) {
    for one in &looked.subjects {
        output::print_line("", &headline(looked, one));
        print_standing(looked, one);
        if looked.several() {
            output::print_residual_of_targets(&one.judged.residual);
        } else {
            output::print_residual(&one.judged.residual);
        }
        output::print_missing(&one.judged.missing);
        output::print_gaps(&one.judged.gaps);
        if !one.judged.kept.is_empty() {
            let text = format!("{} (revoked explain lists them)", findings(one.judged.kept.len()));
            output::print_line(
                &format!(
                    "  kept, {}: ",
                    kept_by(one.asked.kind, one.asked.held, one.asked.rehired())
                ),
                &text,
            );
        }
    }
    let vanished: Vec<_> =
        looked.looks.iter().flat_map(|look| look.observation.vanished.iter().cloned()).collect();
    if !vanished.is_empty() {
        println!("possibly theirs, since its role is gone:");
        output::print_residual_of_targets(&vanished);
    }
    print_scope(looked);
    for text in report.not_covered() {
        output::print_line("not covered: ", &shown(&text));
    }
}

/// Where the revocation stands, as far as that is no matter of a look.
pub(super) fn print_standing(looked: &Looked, one: &Answered) {
    if let Some(at) = one.asked.begins(looked.as_of) {
        let text = format!("at {at}: until then nothing has to be gone");
        output::print_line("  begins       ", &text);
    }
    if let Some(at) = one.asked.rehired() {
        let text = format!("{at}: what was granted since may stay");
        output::print_line("  hired again  ", &text);
    }
    print_under(&one.asked.exceptions);
}

/// Why what is there may stay.
pub(super) fn kept_by(kind: Kind, held: bool, rehired: Option<UtcTime>) -> String {
    match (held, rehired) {
        (true, _) => "under a legal hold".to_owned(),
        (false, Some(at)) => format!("as granted since the rehire of {at}"),
        (false, None) => format!("as a {kind} leaves it"),
    }
}

/// How many, of what.
pub(super) fn findings(count: usize) -> String {
    if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") }
}

/// Verdict, who, and as of when.
pub(super) fn headline(looked: &Looked, one: &Answered) -> String {
    let oids: Vec<String> = one
        .accounts
        .iter()
        .map(|account| {
            let role = if account.role == one.asked.subject { "" } else { account.role.as_str() };
            let place = if looked.several() { account.target.as_str() } else { "" };
            let name = [place, role].into_iter().filter(|part| !part.is_empty());
            let name = name.collect::<Vec<_>>().join("/");
            let space = if name.is_empty() { "" } else { " " };
            format!("{}{space}OID {}", shown(&name), account.oid)
        })
        .collect();
    let oids = if oids.is_empty() { String::new() } else { format!(" ({})", oids.join(", ")) };
    let about = one.asked.revocation.as_ref().map_or(String::new(), |id| format!("  {id}"));
    format!(
        "{}  {}{oids}{about}  as of {}",
        output::headline(one.judged.verdict),
        shown(&one.asked.subject),
        looked.as_of
    )
}

/// What was looked at, and whether the agent's role may do more than look.
pub(super) fn print_scope(looked: &Looked) {
    for look in &looked.looks {
        let seen = &look.observation;
        if !seen.excess.is_empty() {
            let text = looked.of_target(look, &seen.excess.join("; "));
            output::print_line("the agent's role has more than it needs: ", &shown(&text));
        }
    }
    for look in &looked.looks {
        let seen = &look.observation;
        let on = if looked.configured { format!(" on {}", seen.target) } else { String::new() };
        let Some(server) = &seen.server else {
            println!("looked at nothing{on}: no answer from the target");
            continue;
        };
        let databases: std::collections::BTreeSet<_> =
            seen.coverage.iter().map(|covered| covered.database.as_str()).collect();
        let names: Vec<_> = databases.into_iter().map(shown).collect();
        let count =
            if names.len() == 1 { "1 database" } else { &format!("{} databases", names.len()) };
        let text = format!(
            "{count}{on}: {} (PostgreSQL {}, system identifier {})",
            names.join(", "),
            shown(&server.version),
            server.system_identifier
        );
        output::print_line("looked at ", &text);
    }
}
