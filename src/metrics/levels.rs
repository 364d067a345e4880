//! What callers tell of the state of things: plain words and numbers.

use super::{AnchorLevels, AttestationLevels, CampaignLevel, DeliveryLevels, PageLevels};
use std::collections::BTreeMap;

/// Words of the closed label sets.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// Reasons.
    pub reasons: Vec<&'static str>,
    /// Milestones of each (type, reason).
    pub milestones: Vec<(&'static str, &'static str, &'static str)>,
    /// Causes of a failed verification.
    pub causes: Vec<&'static str>,
    /// Likely causes of access that came back.
    pub relapses: Vec<&'static str>,
    /// Why a session is one that nobody permitted.
    pub uses: Vec<&'static str>,
    /// What requests ask for.
    pub asks: Vec<&'static str>,
    /// Kinds of exceptions.
    pub exceptions: Vec<&'static str>,
    /// Tones of reminders.
    pub tones: Vec<&'static str>,
    /// Surfaces.
    pub surfaces: Vec<&'static str>,
    /// Configured targets; [`super::Metrics::set_targets`] replaces them.
    pub targets: Vec<String>,
}

/// State of the revocations, as the store holds it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Levels {
    /// Open and regressed, by (type, reason).
    pub in_progress: BTreeMap<(String, String), i64>,
    /// Start of the oldest one that has not met the milestone, by (type, reason, milestone), Unix seconds.
    pub oldest: BTreeMap<(String, String, String), f64>,
    /// Past the deadline of a milestone and not met, by (type, reason, milestone).
    pub overdue: BTreeMap<(String, String, String), i64>,
    /// Earliest missed deadline of those, Unix seconds.
    pub overdue_since: BTreeMap<(String, String, String), f64>,
    /// Regressed, by reason.
    pub regressed: BTreeMap<String, i64>,
    /// Residual of what is due, by (target, surface).
    pub residual: BTreeMap<(String, String), i64>,
    /// Share of due or completed revocations that the newest looks found clean; 1 when none is due.
    pub success_rate: f64,
    /// No account found for them.
    pub without_account: i64,
    /// Requests that wait for a second person, by what they ask for.
    pub pending: BTreeMap<&'static str, i64>,
    /// Open sessions that began after the end and before the notice, by target.
    pub late_notices: BTreeMap<String, i64>,
    /// Exceptions in force, by kind.
    pub exceptions: BTreeMap<&'static str, i64>,
    /// Exceptions that wait for a second person, by kind.
    pub exceptions_pending: BTreeMap<&'static str, i64>,
    /// When the next of those in force ends, by kind, Unix seconds.
    pub next_expiry: BTreeMap<&'static str, f64>,
    /// Exceptions that nobody reviewed in time, by kind.
    pub reviews_overdue: BTreeMap<&'static str, i64>,
    /// Emergencies that nobody has approved.
    pub emergencies_pending: i64,
    /// Those whose time for it is over.
    pub emergencies_overdue: i64,
}

/// What is known of a target since its first look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetLevel {
    /// The last look got an answer.
    pub up: bool,
    /// Start of the last attempt, Unix seconds.
    pub attempt: f64,
    /// Start of the look that read the oldest access list in use, Unix seconds.
    pub deep: Option<f64>,
    /// End of the last look that got an answer, Unix seconds.
    pub success: Option<f64>,
    /// The target's clock less ours, seconds.
    pub skew: Option<f64>,
    /// Surfaces that the last look could not read.
    pub unverifiable: Vec<String>,
    /// Rights of the agent's role beyond reading, at the last look that got an answer.
    pub excess: Option<i64>,
}

/// The canary of a target, as far as the log holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CanaryLevel {
    /// It is missed.
    pub missing: Option<bool>,
    /// Start of the newest look that found it, Unix seconds.
    pub detected: Option<f64>,
}

/// The audit log as this process knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditLevel {
    /// Newest record.
    pub head: u64,
    /// Records that wait for the log.
    pub queued: i64,
}

/// What reading the whole audit log gave.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CheckLevel {
    /// Every line is what was written, under a good signature.
    pub valid: bool,
    /// Newest line that was found good.
    pub verified: u64,
    /// Records of which the log itself says that it lacks them.
    pub missing: i64,
    /// When the reading ended, Unix seconds.
    pub at: f64,
}

/// What is shown at the next scrape.
#[derive(Default)]
pub(super) struct Known {
    /// Configured targets.
    pub(super) configured: Vec<String>,
    /// Configured external systems.
    pub(super) systems: Vec<String>,
    pub(super) levels: Option<Levels>,
    pub(super) targets: BTreeMap<String, TargetLevel>,
    pub(super) vanished: BTreeMap<String, i64>,
    pub(super) glass: BTreeMap<String, i64>,
    pub(super) canaries: BTreeMap<String, CanaryLevel>,
    pub(super) audit: Option<AuditLevel>,
    /// When the newest checkpoint was made, Unix seconds.
    pub(super) sealed: Option<f64>,
    pub(super) check: Option<CheckLevel>,
    pub(super) anchors: AnchorLevels,
    pub(super) anchor_interval: Option<f64>,
    pub(super) deliveries: DeliveryLevels,
    /// Filed pages; `None` where none are filed.
    pub(super) pages: Option<PageLevels>,
    /// Periodic attestations.
    pub(super) attestations: AttestationLevels,
    /// Rotation campaigns; `None` where there are none.
    pub(super) campaigns: Option<CampaignLevel>,
}
