//! Signed, expiring permission to keep access: what there is, how long it may be, and for what.
//!
//! An exception belongs to one revocation and is a part of its [`Life`](super::lifecycle::Life), so that it lands
//! with the record that speaks of it. How it moves is in [`moves`].

mod limits;
mod moves;
mod turn;

pub use moves::{
    approve, expire, next_instant, overtake, present, request, review, take_back, withdraw,
};
pub use turn::Turn;

use super::milestone::{Deadlines, PerMilestone};
use super::revocation::Reason;
use super::time::UtcTime;
use super::words::words;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// A grace ends so long after the end date at the latest.
pub const GRACE: Duration = Duration::from_secs(7 * 86_400);
/// An extension moves an end date by so much at the most.
pub const EXTENSION: Duration = Duration::from_secs(366 * 86_400);
/// Temporary access lasts so long when nobody says how long.
pub const TEMPORARY: Duration = Duration::from_secs(7 * 86_400);
/// Temporary access lasts so long at the most.
pub const TEMPORARY_MOST: Duration = Duration::from_secs(30 * 86_400);
/// A break-glass lasts so long at the most. One within so long after another needs another approver.
pub const BREAK_GLASS: Duration = Duration::from_secs(24 * 3_600);
/// A break-glass lasts so long when nobody says how long.
pub const BREAK_GLASS_USUAL: Duration = Duration::from_secs(4 * 3_600);
/// After a role change, old and new access overlap for so long at the most.
pub const TRANSITION: Duration = Duration::from_secs(4 * 3_600);
/// A legal hold is looked at again after so long when nobody says when.
pub const HOLD_REVIEW: Duration = Duration::from_secs(90 * 86_400);
/// A break-glass is reviewed within so long after its end when the configuration does not say.
pub const REVIEW_AFTER: Duration = Duration::from_secs(3 * 86_400);
/// Exceptions that one revocation remembers. The log has them all.
pub const MOST: usize = 32;

words! {
    /// What is kept, and for whom.
    ExceptionKind {
        /// A few days after the end of a contract.
        Grace = "grace",
        /// The contract goes on: its end date moves.
        Extension = "extension",
        /// Access for some days, which ends by itself.
        Temporary = "temporary",
        /// Access in an emergency, reviewed afterwards.
        BreakGlass = "break_glass",
        /// Data and ownership stay; login, sessions and memberships go.
        LegalHold = "legal_hold",
        /// After a role change, old and new access overlap.
        Transition = "transition",
    }
}

words! {
    /// Where an exception stands.
    Phase {
        /// Waits for a second person.
        Requested = "requested",
        /// In force.
        Granted = "granted",
        /// Over, or never granted.
        Over = "over",
    }
}

words! {
    /// How an exception came to its end.
    Ending {
        /// It reached its instant.
        Expired = "expired",
        /// Somebody took it back.
        TakenBack = "taken_back",
        /// A stricter notice came.
        Overtaken = "overtaken",
        /// A newer one of its kind was granted.
        Replaced = "replaced",
        /// Nothing is expected any more of what it was an exception from.
        Withdrawn = "withdrawn",
        /// Nobody approved it in time.
        NotApproved = "not_approved",
    }
}

/// A time in which access that should have been gone was kept without permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Uncovered {
    /// When access had to end, or the exception before ended.
    pub from: UtcTime,
    /// When this one was granted.
    pub to: UtcTime,
}

/// Somebody asks that a legal hold ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    /// Who asks: token or uid, never a typed name.
    pub requested_by: String,
    /// When.
    pub requested_at: UtcTime,
}

/// Permission to keep access, asked for or granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// `exc_…`.
    pub id: String,
    /// What is kept.
    pub kind: ExceptionKind,
    /// Where it stands.
    pub phase: Phase,
    /// Who asked: token or uid, never a typed name.
    pub requested_by: String,
    /// When.
    pub requested_at: UtcTime,
    /// When it ends by itself; only a legal hold may have no end.
    pub until: Option<UtcTime>,
    /// Nothing was expected before: the revocation was opened for its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opened: bool,
    /// Why, in the asker's words. Stays in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Who approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// When it was granted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<UtcTime>,
    /// Time before it that no permission covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncovered: Option<Uncovered>,
    /// Time allowed for each milestone, in microseconds, when it was granted: it counts anew from its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_us: Option<PerMilestone<Option<u64>>>,
    /// For a transition: the deadlines without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadlines: Option<Deadlines>,
    /// For a legal hold in force: who asks that it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<UtcTime>,
    /// Who ended it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// By when somebody has to look at it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review_at: Option<UtcTime>,
    /// Who looked at it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed_at: Option<UtcTime>,
}

/// What an installation decides about exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// One person is enough.
    pub single: bool,
    /// A break-glass is reviewed within so long after its end.
    pub review_after: Duration,
}

/// Why an exception cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Longer than its kind may be.
    #[error("{what}: at the latest {latest}, not {until}")]
    TooLong {
        /// The rule.
        what: &'static str,
        /// Latest end that it allows.
        latest: UtcTime,
        /// What was asked for.
        until: UtcTime,
    },
    /// Nobody said when it ends.
    #[error("{0} needs an end: say until when, or for how long")]
    NoEnd(ExceptionKind),
    /// It would be over already.
    #[error("it would end at {0}, which has passed")]
    Past(UtcTime),
    /// It would keep nothing.
    #[error("it would end at {0}, before access has to end anyway")]
    KeepsNothing(UtcTime),
    /// The reason of the revocation does not go with it.
    #[error("{kind} is for {wanted}; this revocation is for {reason}")]
    Reason {
        /// What was asked for.
        kind: ExceptionKind,
        /// What it is for.
        wanted: &'static str,
        /// What the revocation is for.
        reason: Reason,
    },
    /// Who broke a policy keeps nothing.
    #[error("nothing keeps access after a policy_violation; a legal_hold keeps the data alone")]
    Violation,
    /// One break-glass after another.
    #[error(
        "{0} approved the break_glass before this one, which ended less than 24 h ago: another person has to \
         approve this one"
    )]
    SameApprover(String),
    /// Too many to remember.
    #[error("this revocation has {MOST} exceptions that are in force or wait for a review")]
    Crowded,
    /// Nothing is to be reviewed.
    #[error("{0} has no review: a break_glass that is over and a legal_hold in force have")]
    NoReview(ExceptionKind),
    /// It is over.
    #[error("it is over")]
    Over,
    /// Who asked for it cannot be who reviews it.
    #[error("{0} asked for it, so somebody else has to review it")]
    OwnReview(String),
    /// An event ends no legal hold that somebody else asks for.
    #[error(
        "{0} asked for it, and it waits for approval: a person has to take it back (revoked exception revoke)"
    )]
    Asked(String),
    /// Withdrawing would give up what is held.
    #[error("{0} is in force: it has to be released first")]
    Held(String),
}

impl ExceptionKind {
    /// Whether everything stays as it is while it is in force. A legal hold keeps data alone, and a transition moves
    /// the deadline.
    #[must_use]
    pub fn keeps_access(self) -> bool {
        match self {
            Self::Grace | Self::Extension | Self::Temporary | Self::BreakGlass => true,
            Self::LegalHold | Self::Transition => false,
        }
    }
}

impl Exception {
    /// Whether it is in force, as far as is on record.
    #[must_use]
    pub fn in_force(&self) -> bool {
        self.phase == Phase::Granted
    }

    /// Whether it is in force at `now`, whether or not anybody has noted its end.
    #[must_use]
    pub fn in_force_at(&self, now: UtcTime) -> bool {
        self.in_force() && self.until.is_none_or(|until| until > now)
    }

    /// Whether one person did both.
    #[must_use]
    pub fn self_approved(&self) -> bool {
        self.approved_by.as_ref() == Some(&self.requested_by)
    }

    /// Whether somebody has to look at it, now or later.
    #[must_use]
    pub fn wants_review(&self) -> bool {
        match (self.kind, self.phase) {
            (ExceptionKind::BreakGlass, Phase::Over) => {
                self.review_at.is_some() && self.reviewed_at.is_none()
            }
            (ExceptionKind::LegalHold, Phase::Granted) => self.review_at.is_some(),
            (
                ExceptionKind::Grace
                | ExceptionKind::Extension
                | ExceptionKind::Temporary
                | ExceptionKind::Transition
                | ExceptionKind::BreakGlass
                | ExceptionKind::LegalHold,
                Phase::Requested | Phase::Granted | Phase::Over,
            ) => false,
        }
    }

    /// Whether somebody should have looked at it by `now`, and nobody did.
    #[must_use]
    pub fn review_overdue(&self, now: UtcTime) -> bool {
        self.wants_review() && self.review_at.is_some_and(|at| at <= now)
    }

    /// Whether anything is to come of it: an answer, its end, or a review.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.phase != Phase::Over || self.wants_review()
    }

    /// Whether what it asks to preserve may not be destroyed: from the request on, since nobody brings back what was
    /// destroyed while it waited.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.kind == ExceptionKind::LegalHold && self.phase != Phase::Over
    }
}

#[cfg(test)]
#[path = "exception/scripts.rs"]
mod scripts;
#[cfg(test)]
#[path = "exception/tests.rs"]
mod tests;
