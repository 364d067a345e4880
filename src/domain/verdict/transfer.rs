//! What a transfer leaves open beside its secret: who owns the account from now on.

use super::{Further, Question};
use crate::domain::observation::{Cause, Gap, Observation};
use crate::domain::residual::ResidualKind;

/// The question of the new owner, as long as nobody answered it.
pub(super) fn owner(
    question: &Question<'_>,
    further: &Further<'_>,
    looks: &[&Observation],
) -> Option<Gap> {
    let accounts: Vec<&str> = question.accounts.iter().map(|a| a.role.as_str()).collect();
    let accounts = accounts.join(", ");
    let leaver = |owner: &str| {
        further.person.is_some_and(|person| {
            person.subject == owner || person.usernames.iter().any(|name| name == owner)
        })
    };
    let reason = match further.new_owner {
        None => format!("nobody said who owns {accounts} from now on"),
        Some(owner) if leaver(owner) => {
            format!("the new owner of {accounts} is who gives it away")
        }
        Some(_) => return None,
    };
    let targets: Vec<&str> = looks.iter().map(|look| look.target.as_str()).collect();
    Some(Gap {
        surface: ResidualKind::Credential,
        target: targets.join(", "),
        database: None,
        reason,
        fix: "expect the same transfer again with --new-owner SUBJECT".to_owned(),
        cause: Cause::Internal,
    })
}
