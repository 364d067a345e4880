//! `revoked plan`: SQL that removes what was found, for a person to read and run.

use super::exit;
use super::look::{At, Look, Looked};
use super::output::shown;
use crate::domain::plan::quote::{comment, literal};
use crate::domain::plan::{Setting, plan};
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::verdict::Verdict;
use anyhow::{Result, bail};

/// Print the SQL that removes what remains of a role or subject, for psql
///
/// Nothing is run: read it, then pipe it to psql as a superuser. Objects are given to the owner of their
/// database (or to --reassign-to), never dropped, and never to a superuser unless you name one. For configured
/// targets there is one part per cluster; run the script on each, and the parts for others are skipped.
///
/// Exit status: 0 a plan, or nothing to remove; 3 not everything could be seen, so the plan may not be
/// whole (a note says so); 1 the question could not be put.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    at: At,

    /// New owner of what the role owns, in every database
    #[arg(long, value_name = "ROLE")]
    reassign_to: Option<String>,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let looked = arguments.at.look(None).await?;
    if let Some(heir) = &arguments.reassign_to {
        check_heir(heir, &looked)?;
    }
    for look in &looked.looks {
        print!("{}", script(look, &looked, arguments.reassign_to.as_deref()));
    }
    let mut gaps: Vec<_> = looked.subjects.iter().flat_map(|one| &one.judged.gaps).collect();
    gaps.sort();
    gaps.dedup();
    if !gaps.is_empty() {
        // A pipe to psql swallows comments and this program's exit status.
        eprintln!("revoked: not everything could be seen, so the plan may not be whole");
        for gap in &gaps {
            let note = format!("NOT SEEN: {} of {}: {}", gap.surface, gap.target, gap.reason);
            println!("-- {}", comment(&note));
        }
    }
    let inconclusive =
        looked.subjects.iter().any(|one| one.judged.verdict == Verdict::Inconclusive);
    Ok(if inconclusive || !gaps.is_empty() { exit::INCONCLUSIVE } else { exit::OK })
}

/// What must go on one target.
fn residual_on(look: &Look, looked: &Looked) -> Vec<Residual> {
    let all = looked.subjects.iter().flat_map(|one| &one.judged.residual);
    let mut here: Vec<Residual> =
        all.filter(|found| found.account.target == look.observation.target).cloned().collect();
    here.sort();
    here.dedup();
    here
}

/// What a plan has to know of the target.
pub(super) fn setting(look: &Look, reassign_to: Option<&str>) -> Setting {
    Setting {
        version_num: look.observation.server.as_ref().map_or(0, |server| server.version_num),
        database_owner: look.facts.database_owner.clone(),
        superusers: look.facts.superusers.clone(),
        reassign_to: reassign_to.map(str::to_owned),
    }
}

fn script(look: &Look, looked: &Looked, reassign_to: Option<&str>) -> String {
    let subjects: Vec<_> = looked.subjects.iter().map(|one| one.asked.subject.as_str()).collect();
    let target = &look.observation.target;
    let place = if looked.configured { format!(" on {target}") } else { String::new() };
    let title = format!(
        "revoked plan for {}{place} as of {}",
        subjects.join(", "),
        look.observation.started_at
    );
    if looked.configured && look.observation.server.is_none() {
        return format!("-- {}: the target did not answer\n", comment(&title));
    }
    let plan = plan(&residual_on(look, looked), &setting(look, reassign_to));
    let text = plan.render(&title);
    match &look.observation.server {
        Some(server) if looked.configured && !plan.is_empty() => {
            only_there(&text, target, &server.system_identifier.to_string())
        }
        _ => text,
    }
}

/// A script that does nothing on another cluster: several may be run in one file, or on the wrong one.
fn only_there(script: &str, target: &str, system_identifier: &str) -> String {
    let elsewhere =
        format!("skipped: this part is for target {target}, system identifier {system_identifier}");
    format!(
        "SELECT system_identifier::text = {} AS here FROM pg_catalog.pg_control_system() \\gset revoked_\n\
         \\if :revoked_here\n{script}\\else\n\\warn {}\n\\endif\n",
        literal(system_identifier),
        literal(&elsewhere),
    )
}

/// A new owner that does not exist would stop the script half-way, with the login off and objects left.
fn check_heir(heir: &str, looked: &Looked) -> Result<()> {
    let leaves = |look: &Look| {
        looked.subjects.iter().flat_map(|one| &one.accounts).any(|account| {
            account.target == look.observation.target
                && look.observation.role(account.oid).is_some_and(|role| role.name == heir)
        })
    };
    for look in &looked.looks {
        let seen = &look.observation;
        let owns = residual_on(look, looked).iter().any(|found| {
            matches!(found.kind, ResidualKind::Ownership | ResidualKind::Subscription)
        });
        let needed = owns || !looked.several();
        let exists = seen.roster.iter().any(|role| role.name == heir);
        if needed && !seen.roster.is_empty() && !exists {
            bail!("--reassign-to: no role is called {} on {}", shown(heir), seen.target);
        }
        if leaves(look) {
            bail!("--reassign-to: {} is one of those who leave", shown(heir));
        }
    }
    Ok(())
}
