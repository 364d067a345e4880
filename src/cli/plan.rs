//! `revoked plan`: SQL that removes what was found, for a person to read and run.

use super::check::At;
use super::exit;
use crate::domain::plan::{Setting, plan};
use crate::domain::residual::Residual;
use crate::domain::revocation::Kind;
use crate::domain::verdict::Verdict;
use anyhow::Result;

/// Print the SQL that removes what remains of a role, for psql
///
/// Nothing is run: read it, then pipe it to psql as a superuser. Objects are given to the owner of their
/// database (or to --reassign-to), never dropped, and never to a superuser unless you name one.
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
    let looked = arguments.at.look(Kind::Full).await?;
    let setting = Setting {
        version_num: looked.observation.server.as_ref().map_or(0, |server| server.version_num),
        database_owner: looked.facts.database_owner.clone(),
        superusers: looked.facts.superusers.clone(),
        reassign_to: arguments.reassign_to,
    };
    let residual: Vec<Residual> =
        looked.subjects.iter().flat_map(|(_, _, judged)| judged.residual.iter().cloned()).collect();
    let title = format!(
        "revoked plan for {} as of {}",
        arguments.at.roles.join(", "),
        looked.observation.started_at
    );
    print!("{}", plan(&residual, &setting).render(&title));
    let blind = looked.subjects.iter().any(|(_, _, judged)| !judged.gaps.is_empty());
    if blind {
        // A pipe to psql swallows comments and this program's exit status.
        eprintln!("revoked: not everything could be seen, so the plan may not be whole");
        for (_, _, judged) in &looked.subjects {
            for gap in &judged.gaps {
                let note = format!("NOT SEEN: {} of {}: {}", gap.surface, gap.target, gap.reason);
                println!("-- {}", crate::domain::plan::quote::comment(&note));
            }
        }
    }
    let inconclusive = blind
        || looked.subjects.iter().any(|(_, _, judged)| judged.verdict == Verdict::Inconclusive);
    Ok(if inconclusive { exit::INCONCLUSIVE } else { exit::OK })
}
