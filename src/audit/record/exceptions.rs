//! Records of exceptions: who asked, who approved, until when, and how each ended. Why it was asked for is the
//! asker's own text, and stays in the store.

use super::{About, Body, taken_back, with};
use crate::domain::exception::{Exception, Phase};
use crate::domain::lifecycle::Life;
use crate::domain::revocation::State;
use serde_json::json;

/// `exception_requested`: somebody asks to keep access, or that a legal hold ends.
fn requested(about: &About<'_>, exception: &Exception) -> Body {
    let (asks, by) = match &exception.release {
        Some(release) => ("release", &release.requested_by),
        None => ("grant", &exception.requested_by),
    };
    with(
        about.body(),
        json!({
            "asks": asks,
            "exception": exception.id,
            "exception_kind": exception.kind,
            "requested_by": by,
            "review_at": exception.review_at,
            "until": exception.until,
        }),
    )
}

/// `exception_granted`: it is in force, and until when. Said again where a notice made that sooner.
fn granted(about: &About<'_>, exception: &Exception, sooner: bool) -> Body {
    with(
        about.body(),
        json!({
            "approved_at": exception.approved_at,
            "approved_by": exception.approved_by,
            "deadlines": about.revocation.deadlines,
            "effective_at": about.revocation.effective_at,
            "exception": exception.id,
            "exception_kind": exception.kind,
            "requested_at": exception.requested_at,
            "requested_by": exception.requested_by,
            "review_at": exception.review_at,
            "self_approved": exception.self_approved(),
            "shortened": sooner,
            "uncovered": exception.uncovered,
            "until": exception.until,
        }),
    )
}

/// `exception_expired`: it is over, or was never granted.
fn expired(about: &About<'_>, exception: &Exception, life: &Life) -> Body {
    with(
        about.body(),
        json!({
            "deadlines": about.revocation.deadlines,
            "effective_at": about.revocation.effective_at,
            "ended_at": exception.ended_at,
            "ended_by": exception.ended_by,
            "ending": exception.ending,
            "exception": exception.id,
            "exception_kind": exception.kind,
            "granted": exception.approved_at.is_some(),
            "review_at": exception.review_at,
            "state": life.state,
            "until": exception.until,
        }),
    )
}

/// `exception_reviewed`: somebody else looked at what it was used for.
fn reviewed(about: &About<'_>, exception: &Exception) -> Body {
    with(
        about.body(),
        json!({
            "exception": exception.id,
            "exception_kind": exception.kind,
            "requested_by": exception.requested_by,
            "review_at": exception.review_at,
            "reviewed_at": exception.reviewed_at,
            "reviewed_by": exception.reviewed_by,
            "self_reviewed": exception.reviewed_by.as_ref() == Some(&exception.requested_by),
        }),
    )
}

/// The records of what became of the exceptions of one revocation, whose life was `before` and is `after`: what was
/// asked for, what ended, what began, what was reviewed.
#[must_use]
pub fn exceptions(about: &About<'_>, before: &Life, after: &Life) -> Vec<(&'static str, Body)> {
    let mut records: Vec<(u8, &'static str, Body)> = Vec::new();
    for now in &after.exceptions {
        let was = before.exceptions.iter().find(|one| one.id == now.id);
        if was == Some(now) {
            continue;
        }
        let granted_before = was.is_some_and(|was| was.approved_at.is_some());
        let over_before = was.is_some_and(|was| was.phase == Phase::Over);
        let asks_release =
            now.release.is_some() && was.is_some_and(|was| was.release != now.release);
        if was.is_none() || asks_release {
            records.push((0, "exception_requested", requested(about, now)));
        }
        if now.phase == Phase::Over && !over_before {
            records.push((1, "exception_expired", expired(about, now, after)));
        }
        let sooner =
            granted_before && now.in_force() && was.is_some_and(|was| was.until != now.until);
        if (now.approved_at.is_some() && !granted_before) || sooner {
            let body = granted(about, now, sooner);
            // A legal hold keeps what was proved from being verified.
            let takes_back = (before.state, after.state) == (State::Verified, State::Open);
            let body = if takes_back { taken_back(body, before) } else { body };
            records.push((2, "exception_granted", body));
        }
        if now.reviewed_at.is_some() && was.is_some_and(|was| was.reviewed_at != now.reviewed_at) {
            records.push((3, "exception_reviewed", reviewed(about, now)));
        }
    }
    // Stable: what was asked for comes before what that ended, and what that began.
    records.sort_by_key(|(order, _, _)| *order);
    records.into_iter().map(|(_, kind, body)| (kind, body)).collect()
}
