//! Use after the end: sessions that began when nothing permitted them any more.

use super::account::Account;
use super::ids::{RoleOid, SystemIdentifier};
use super::lifecycle::Life;
use super::observation::Observation;
use super::residual::Residual;
use super::revocation::{Kind, Revocation, State};
use super::time::UtcTime;
use super::verdict::SESSIONS;
use super::words::words;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most sessions that a revocation keeps. Closed ones make room for new ones.
const KEPT: usize = 100;

words! {
    /// What it means that a session began after the end of access.
    UseClass {
        /// It began after access had ended and we had been told.
        AfterEnd = "after_end",
        /// It began after access should have ended, and before we were told: a warning, and no use.
        LateNotice = "late_notice",
    }
}

/// A session, by what makes it the same one whenever it is seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Begun {
    /// Configured name of the cluster.
    pub target: String,
    /// The cluster.
    pub system_identifier: SystemIdentifier,
    /// The role that it began as.
    pub oid: RoleOid,
    /// The role's name when it was seen.
    pub role: Option<String>,
    /// Process and start, as findings name it.
    pub session: String,
    /// Instance of the cluster, where it is not the primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Its start by the target's clock; `None` where the agent may not see it.
    pub session_since: Option<UtcTime>,
    /// Its start by the agent's clock.
    pub began_at: Option<UtcTime>,
}

/// A session of somebody whose access had ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Use {
    /// Whether it is use, or a late notice.
    pub class: UseClass,
    /// The session.
    #[serde(flatten)]
    pub begun: Begun,
    /// Start of the look that saw it first.
    pub seen_at: UtcTime,
}

/// Sessions of one revocation that began after its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uses {
    /// The newest of them, and those that were open at the newest look; in the order in which they were seen.
    pub listed: Vec<Use>,
    /// How many there were of [`UseClass::AfterEnd`].
    pub total: u64,
    /// There were more at once than are kept: those beyond are residual and have no record of their own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub crowded: bool,
}

impl Uses {
    /// There were none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Begun {
    /// The session that `found` is about, if it is one and somebody began it.
    ///
    /// Its start is by the target's clock, corrected by what that differs from the agent's in this look.
    #[must_use]
    pub fn of(found: &Residual, look: &Observation) -> Option<Self> {
        let server = look.server.as_ref()?;
        if !SESSIONS.contains(&found.kind) || found.background {
            return None;
        }
        let skew = look.clock_skew_of(found)?;
        Some(Self {
            target: look.target.clone(),
            system_identifier: server.system_identifier,
            oid: found.account.oid,
            role: found.account.role.clone(),
            session: found.object.clone()?,
            instance: found.instance.clone(),
            session_since: found.since,
            began_at: found
                .since
                .and_then(|since| UtcTime::from_micros(since.micros().saturating_sub(skew))),
        })
    }

    fn is(&self, other: &Self) -> bool {
        let key = |one: &Self| (one.system_identifier, one.oid, one.session.clone());
        key(self) == key(other)
    }
}

/// The uses after looks that found `residual`, and those that are new.
///
/// `life` is the one after these looks. While somebody permits the access to stay, and before its end, no session is
/// a use; one that began under a permission is none either.
#[must_use]
pub fn follow(
    revocation: &Revocation,
    life: &Life,
    accounts: &[Account],
    residual: &[Residual],
    looks: &[&Observation],
) -> (Uses, Vec<Use>) {
    let mut uses = Uses::clone(&life.uses);
    let due = match life.state {
        State::Open | State::Regressed | State::Verified => true,
        State::Scheduled | State::Excepted | State::Withdrawn => false,
    };
    let judged = matches!(revocation.kind, Kind::Full | Kind::Suspend);
    if !due || !judged {
        return (uses, Vec::new());
    }
    let known = |begun: &Begun| {
        accounts.iter().any(|account| {
            (&account.target, account.system_identifier, account.oid)
                == (&begun.target, begun.system_identifier, begun.oid)
        })
    };
    let open: Vec<(Begun, UtcTime)> = residual
        .iter()
        .filter_map(|found| {
            let look = looks.iter().find(|look| look.target == found.account.target)?;
            Some((Begun::of(found, look)?, look.started_at))
        })
        .filter(|(begun, _)| known(begun))
        .collect();
    let mut new = Vec::new();
    for (begun, seen_at) in &open {
        // One whose start nobody may see is residual access, and there is a gap about it.
        let class = begun.began_at.and_then(|at| class(revocation, life, at));
        let Some(class) = class else { continue };
        if uses.listed.iter().any(|one| one.begun.is(begun)) {
            continue;
        }
        if uses.listed.len() >= KEPT {
            let closed = |one: &Use| !open.iter().any(|(begun, _)| one.begun.is(begun));
            let Some(oldest) = uses.listed.iter().position(closed) else {
                uses.crowded = true;
                continue;
            };
            uses.listed.remove(oldest);
        }
        let one = Use { class, begun: begun.clone(), seen_at: *seen_at };
        uses.total = uses.total.saturating_add(u64::from(class == UseClass::AfterEnd));
        uses.listed.push(one.clone());
        new.push(one);
    }
    (uses, new)
}

/// What a session is that began at `began_at`; `None` if it is residual access and no more.
fn class(revocation: &Revocation, life: &Life, began_at: UtcTime) -> Option<UseClass> {
    if life.lineage.rehired.as_ref().is_some_and(|rehired| began_at >= rehired.at) {
        return None;
    }
    let told = life.told_at.map_or(revocation.received_at, |at| at.max(revocation.received_at));
    if began_at > life.counts_from(revocation).max(told) {
        return Some(UseClass::AfterEnd);
    }
    (began_at > revocation.effective_at && began_at <= told).then_some(UseClass::LateNotice)
}

#[cfg(test)]
#[path = "uses_tests.rs"]
mod tests;
