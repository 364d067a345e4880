//! What the configuration says of a notice: terms of its source, and what it may name.

use super::kinds;
use super::submission::{Submission, SubmissionError, Terms};
use crate::config::Config;
use crate::domain::effective::Zones;
use crate::domain::revocation::Revocation;
use crate::domain::time::UtcTime;

/// A ticket that somebody typed has the form that the configuration asks for. Events are not refused for theirs:
/// nobody waits for a ticket to be right while access is there.
pub(super) fn ticket_fits(config: &Config, ticket: Option<&str>) -> Result<(), SubmissionError> {
    match (&config.ticket_pattern, ticket) {
        (Some(pattern), Some(ticket)) if !pattern.fits(ticket) => Err(SubmissionError::Field {
            field: "/ticket",
            reason: format!(
                "`{ticket}` is not like the tickets here: the configuration asks for {pattern} (ticket_pattern)"
            ),
        }),
        _ => Ok(()),
    }
}

/// The revocation that `bytes` ask for, by the configuration alone: what a dry run can tell.
///
/// # Errors
/// As [`Intake::submit`](super::Intake::submit) would refuse it.
pub fn check(
    config: &Config,
    bytes: &[u8],
    sender: &str,
    now: UtcTime,
) -> Result<Revocation, SubmissionError> {
    let terms = terms_of(config, sender, sender);
    let submission = Submission::parse(bytes)?;
    ticket_fits(config, submission.ticket.as_deref())?;
    let asked = submission.revocation(sender, now, &terms)?;
    known_targets(config, &asked)?;
    Ok(kinds::with_checklist(asked, config))
}

/// A target that nobody looks at would never be proved, nor missed.
pub(super) fn known_targets(config: &Config, asked: &Revocation) -> Result<(), SubmissionError> {
    let unknown = asked
        .accounts
        .iter()
        .filter_map(|name| name.target.as_deref())
        .find(|target| config.target(target).is_none());
    let Some(unknown) = unknown else { return Ok(()) };
    let known: Vec<_> = config.targets.iter().map(|target| target.name.as_str()).collect();
    Err(SubmissionError::Field {
        field: "/account",
        reason: format!(
            "there is no target `{unknown}`; the targets are {}. A role name with a slash in it needs its \
             target before it",
            known.join(", ")
        ),
    })
}

/// What the configuration says about notices of `source`, else of `sender`.
#[must_use]
pub fn terms_of<'a>(config: &'a Config, source: &str, sender: &str) -> Terms<'a> {
    let zone = |name: &str| config.sources.get(name).and_then(|s| s.time_zone.as_deref());
    let zones = Zones {
        subject: None,
        source: zone(source).or_else(|| zone(sender)),
        default: config.time_zone.as_deref(),
    };
    Terms { profiles: &config.profiles, zones, longest_deadline: config.longest_deadline }
}
