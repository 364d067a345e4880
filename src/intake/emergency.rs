//! Revocations that somebody wants at once: who calls one, and who approves it afterwards.

use super::IntakeError;
use super::amend::unchanged;
use super::submission::Submission;
use crate::audit::record::{self, About};
use crate::clock;
use crate::config::{Approvals, Config};
use crate::domain::emergency::Emergency;
use crate::domain::lifecycle::Life;
use crate::domain::request::Refused;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::store::{Move, NewRecord, Stored};

type Body = serde_json::Map<String, serde_json::Value>;

/// The emergency that `submission` calls on behalf of `by`, if it does.
pub(super) fn called(
    submission: &Submission,
    by: &str,
    config: &Config,
    now: UtcTime,
) -> Result<Option<Box<Emergency>>, IntakeError> {
    if !submission.emergency {
        return Ok(None);
    }
    let id = clock::new_id("req", now).map_err(|e| IntakeError::Unavailable(e.into()))?;
    let single = config.approvals == Approvals::Single;
    let called = Emergency::called(id, by, now, config.emergency_approval, single);
    Ok(Some(Box::new(called)))
}

/// The record's `body`, with the emergency where it was one.
pub(super) fn told(body: Body, called: Option<&Emergency>) -> Body {
    match called {
        Some(called) => record::emergency(body, called),
        None => body,
    }
}

/// What a revocation has of emergencies once one joined it: of several, the one that waits longest for approval.
pub(super) fn joined(
    known: Option<&Emergency>,
    called: Option<Box<Emergency>>,
) -> Option<Box<Emergency>> {
    let kept = |known: &Emergency| Box::new(known.clone());
    let waits = known.filter(|known| known.waits()).map(kept);
    waits.or(called).or_else(|| known.map(kept))
}

/// The move by which `by` approves the emergency `request`; `None`: that is none.
///
/// # Errors
/// When `by` called it, somebody approved before, or nothing is expected any more.
pub(super) fn approve(
    stored: &Stored,
    request: &str,
    by: &str,
    config: &Config,
    now: UtcTime,
) -> Result<Option<Move>, Refused> {
    let Some(called) = stored.life.emergency.as_ref().filter(|called| called.id == request) else {
        return Ok(None);
    };
    if stored.life.state == State::Withdrawn {
        return Err(Refused::State(State::Withdrawn));
    }
    let approved = called.approved(by, now, config.approvals == Approvals::Single)?;
    let mut step = unchanged(stored, now);
    let about = About { revocation: &stored.revocation, subject: &stored.subject_id, at: now };
    let body = record::emergency_approved(&about, &approved);
    step.records.push(NewRecord { kind: "emergency_approved", body });
    step.life = Life { emergency: Some(Box::new(approved)), ..Life::clone(&stored.life) };
    Ok(Some(step))
}

/// What waits at `stored`, where something does: a request, else the approval of an emergency.
pub(super) fn waiting(stored: &Stored) -> Option<String> {
    let request = stored.life.pending.as_ref().map(|request| request.id.clone());
    let called = || stored.life.emergency.as_ref().filter(|called| called.waits());
    request.or_else(|| called().map(|called| called.id.clone()))
}
