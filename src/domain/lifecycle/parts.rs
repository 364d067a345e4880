//! What a life is moved by, and what a move says.

use crate::domain::credential::Held;
use crate::domain::ids::SystemIdentifier;
use crate::domain::milestone::{Deadlines, Milestone};
use crate::domain::residual::ResidualKind;
use crate::domain::revocation::{Kind, Reason};
use crate::domain::time::UtcTime;
use crate::domain::verdict::Verdict;
use std::collections::BTreeSet;
use std::time::Duration;

/// What a look means for one revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own")]
pub struct Look {
    /// When the oldest of its observations began.
    pub started_at: UtcTime,
    /// Answer for everything.
    pub verdict: Verdict,
    /// Answer for the login milestone.
    pub login: Verdict,
    /// Equal for equal residual.
    pub fingerprint: String,
    /// Kinds of residual found.
    pub kinds: BTreeSet<ResidualKind>,
    /// Nothing is there that should be gone: only what should be there is missing.
    pub lacking: bool,
    /// Login is off and no session is open, whatever is asked for.
    pub disabled: bool,
    /// When the newest of its observations began, if everything is gone but for sessions that may have begun
    /// before.
    pub gone_at: Option<UtcTime>,
    /// For a rotation: what is known of the passwords after it.
    pub credentials: Vec<Held>,
    /// Clusters that were looked at.
    pub clusters: BTreeSet<SystemIdentifier>,
    /// It was judged by less than everything, since the subject's data are under a legal hold.
    pub held: bool,
    /// The time between the clean looks has passed by a clock that nobody can set, too.
    pub waited: bool,
}

/// What an observation is recorded for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// The state in which the revocation found the account.
    Before,
    /// Something changed.
    Changed,
    /// The state that was verified.
    After,
}

/// What a move says to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// What was seen.
    Observed(Label),
    /// Login off and no session, for the first time.
    AccountDisabled,
    /// First clean look.
    AccessRevoked,
    /// Second clean look, far enough from the first.
    Verified,
    /// A deadline passed and access is there.
    MilestoneFailed(Milestone),
    /// A deadline passed and nobody can tell.
    MilestoneInconclusive(Milestone),
    /// Access came back after verification.
    Regressed,
}

/// The parts of an expectation that moves depend on.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// What must be gone.
    pub kind: Kind,
    /// Why.
    pub reason: Reason,
    /// When access has to end.
    pub effective_at: UtcTime,
    /// By when.
    pub deadlines: Deadlines,
    /// Time between the first clean look and the one that confirms it.
    pub verification_delay: Duration,
}
