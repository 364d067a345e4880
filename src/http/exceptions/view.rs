//! An exception as people and programs are shown it.

use crate::domain::exception::{Ending, Exception, ExceptionKind, Phase, Release, Uncovered};
use crate::domain::time::UtcTime;
use crate::store::Stored;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A permission to keep access, as the log holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Exception)]
pub struct ExceptionView {
    /// `exc_…`.
    pub id: String,
    /// What is kept.
    pub kind: ExceptionKind,
    /// Where it stands.
    pub phase: Phase,
    /// The revocation that it is an exception from.
    pub revocation: String,
    /// Stable id of who it is for.
    pub subject: String,
    /// When it ends by itself; `null`: it does not.
    pub until: Option<UtcTime>,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub requested_at: UtcTime,
    /// Who approved.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<UtcTime>,
    /// One person did both.
    pub self_approved: bool,
    /// Why, in the asker's words.
    pub why: Option<String>,
    /// Time before it that no permission covered.
    pub uncovered: Option<Uncovered>,
    /// Of a legal hold in force: who asks that it ends.
    pub release: Option<Release>,
    /// When it ended.
    pub ended_at: Option<UtcTime>,
    /// Who ended it, if somebody did.
    pub ended_by: Option<String>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// By when somebody has to look at it again.
    pub review_at: Option<UtcTime>,
    /// That has passed, and nobody did.
    pub review_overdue: bool,
    /// Who looked at it last.
    pub reviewed_by: Option<String>,
    /// When.
    pub reviewed_at: Option<UtcTime>,
}

/// A page of exceptions, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ExceptionPage {
    /// Those on this page; there may be none although there is a next page.
    pub exceptions: Vec<ExceptionView>,
    /// `cursor` of the next page; `null` on the last one.
    pub next: Option<String>,
}

impl ExceptionView {
    /// The view of `exception`, which is one of the revocation `stored`, at `now`.
    #[must_use]
    pub fn of(stored: &Stored, exception: &Exception, now: UtcTime) -> Self {
        let asked = stored.landed_revocation.as_deref().unwrap_or(&stored.revocation);
        let one = exception.clone();
        Self {
            revocation: asked.id.clone(),
            subject: asked.subject.clone(),
            self_approved: one.self_approved(),
            review_overdue: one.review_overdue(now),
            id: one.id,
            kind: one.kind,
            phase: one.phase,
            until: one.until,
            requested_by: one.requested_by,
            requested_at: one.requested_at,
            approved_by: one.approved_by,
            approved_at: one.approved_at,
            why: one.why,
            uncovered: one.uncovered,
            release: one.release,
            ended_at: one.ended_at,
            ended_by: one.ended_by,
            ending: one.ending,
            review_at: one.review_at,
            reviewed_by: one.reviewed_by,
            reviewed_at: one.reviewed_at,
        }
    }

    /// Whether it is in force at `now`.
    #[must_use]
    pub fn in_force_at(&self, now: UtcTime) -> bool {
        self.phase == Phase::Granted && self.until.is_none_or(|until| until > now)
    }

    /// Whether it waits for a second person.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.phase == Phase::Requested || self.release.is_some()
    }

    /// Whether what is owned may not be destroyed: in force, or asked for.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.kind == ExceptionKind::LegalHold && self.phase != Phase::Over
    }
}
