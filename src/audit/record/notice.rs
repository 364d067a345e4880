//! Records of notices that are told by no single revocation.

use super::{Body, object};
use crate::domain::notice::{Hold, Outcome};
use crate::domain::time::UtcTime;
use serde_json::json;

/// A notice that was understood, and made no revocation by itself.
#[derive(Clone, Copy, Debug)]
pub struct Noticed<'a> {
    /// When it came.
    pub at: UtcTime,
    /// `ntc_…`.
    pub notice: &'a str,
    /// SHA-256 of its bytes.
    pub digest: &'a str,
    /// Who sent it.
    pub source: &'a str,
    /// What became of it.
    pub outcome: Outcome,
    /// The revocation that makes it void.
    pub revocation: Option<&'a str>,
    /// The checklist that it opened.
    pub checklist: Option<&'a str>,
}

/// `validation_completed` of a notice without a revocation of its own.
#[must_use]
pub fn noticed(about: &Noticed<'_>) -> Body {
    object(json!({
        "at": about.at, "checklist": about.checklist, "notice": about.notice,
        "notice_sha256": about.digest, "outcome": about.outcome, "revocation": about.revocation,
        "triggered_by": about.source,
    }))
}

/// A notice that is held, or was.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// When.
    pub at: UtcTime,
    /// `ntc_…`.
    pub notice: &'a str,
    /// SHA-256 of its bytes.
    pub digest: &'a str,
    /// Who sent it.
    pub source: &'a str,
    /// Why it was held.
    pub cause: Option<Hold>,
    /// That it is held, or what was decided.
    pub outcome: Outcome,
    /// Who decided.
    pub by: Option<&'a str>,
}

/// `notice_quarantined`: a notice waits for a person, or a person decided about it.
#[must_use]
pub fn quarantined(about: &Held<'_>) -> Body {
    object(json!({
        "at": about.at, "by": about.by, "cause": about.cause, "notice": about.notice,
        "notice_sha256": about.digest, "outcome": about.outcome, "triggered_by": about.source,
    }))
}
