//! Why access is back: the likely cause, from what was known when it was proved gone and what is there now.

use super::account::Account;
use super::ids::SystemIdentifier;
use super::observation::Observation;
use super::residual::{Residual, ResidualKind};
use super::time::UtcTime;
use super::words::words;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use utoipa::ToSchema;

/// Most memberships that are remembered of one revocation. Of what lies beyond, a new grant is told and not that it
/// came from somebody else.
const REMEMBERED: usize = 200;

words! {
    /// What has likely brought access back; also the values of the metric label `cause`.
    RelapseCause {
        /// The cluster is another one, or on another timeline: it was restored, or failed over.
        Restored = "restored",
        /// A role of the same name was made anew.
        NewRole = "new_role",
        /// The login was switched on.
        LoginOn = "login_on",
        /// A membership that was taken away is there, granted by another role.
        OtherGrantor = "other_grantor",
        /// Something was granted.
        Granted = "granted",
        /// Nothing tells.
        Unknown = "unknown",
    }
}

/// Which state of a cluster was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The cluster.
    pub system_identifier: SystemIdentifier,
    /// Timeline of its last checkpoint.
    pub timeline: i32,
}

/// A direct membership that the subject once had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Membership {
    /// Configured name of the cluster.
    pub target: String,
    /// The role held.
    pub role: String,
    /// Who granted it.
    pub grantor: String,
}

/// What is remembered of the time before access came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Before {
    /// What the newest clean look of a verified revocation looked at, by target.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<String, Place>,
    /// Memberships that looks have found.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub memberships: BTreeSet<Membership>,
}

/// Access that came back after verification, and why it likely did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Relapse {
    /// Start of the look that saw it.
    pub at: UtcTime,
    /// The likely cause.
    pub cause: RelapseCause,
    /// Where.
    pub target: Option<String>,
    /// The account's role.
    pub role: Option<String>,
    /// Privilege or role that is there again.
    pub privilege: Option<String>,
    /// Object that it is on.
    pub object: Option<String>,
    /// Who granted it.
    pub grantor: Option<String>,
    /// The cause as one sentence.
    pub sentence: String,
}

impl Before {
    /// There is nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Remembers memberships that a look found. While none is new, it stays the one that others hold, too.
    pub fn remember(self: &mut Arc<Self>, residual: &[Residual]) {
        for held in residual.iter().filter_map(membership) {
            if self.memberships.len() < REMEMBERED && !self.memberships.contains(&held) {
                Arc::make_mut(self).memberships.insert(held);
            }
        }
    }

    /// Remembers which clusters were clean.
    pub fn was_clean_on(self: &mut Arc<Self>, looks: &[&Observation]) {
        let places = looks.iter().filter_map(|look| place(look)).collect();
        if self.places != places {
            Arc::make_mut(self).places = places;
        }
    }
}

fn place(look: &Observation) -> Option<(String, Place)> {
    let server = look.server.as_ref()?;
    let (system_identifier, timeline) = (server.system_identifier, server.timeline);
    Some((look.target.clone(), Place { system_identifier, timeline }))
}

/// A direct membership; what is reached through it follows from it.
fn membership(found: &Residual) -> Option<Membership> {
    let direct = matches!(found.kind, ResidualKind::Membership | ResidualKind::AdminOption)
        && found.via.is_empty();
    let (role, grantor) = (found.privilege.clone()?, found.grantor.clone()?);
    direct.then(|| Membership { target: found.account.target.clone(), role, grantor })
}

/// Why `residual`, worst first, is likely back at `at`. `accounts` are those that were known before. Pure.
#[must_use]
pub fn explain(
    before: &Before,
    accounts: &[Account],
    residual: &[Residual],
    looks: &[&Observation],
    at: UtcTime,
) -> Relapse {
    residual
        .iter()
        .find_map(|found| restored(before, found, looks))
        .or_else(|| residual.iter().find_map(|found| new_role(accounts, found)))
        .or_else(|| residual.iter().find_map(|found| changed(before, found)))
        .map_or_else(
            || Relapse {
                at,
                cause: RelapseCause::Unknown,
                target: None,
                role: None,
                privilege: None,
                object: None,
                grantor: None,
                sentence: "nothing tells what brought it back".to_owned(),
            },
            |relapse| Relapse { at, ..relapse },
        )
}

fn of(found: &Residual, cause: RelapseCause, sentence: String) -> Relapse {
    Relapse {
        at: UtcTime::from_timestamp(jiff::Timestamp::UNIX_EPOCH),
        cause,
        target: Some(found.account.target.clone()),
        role: found.account.role.clone(),
        privilege: None,
        object: None,
        grantor: None,
        sentence,
    }
}

fn restored(before: &Before, found: &Residual, looks: &[&Observation]) -> Option<Relapse> {
    let target = found.account.target.as_str();
    let was = before.places.get(target)?;
    let (_, is) = place(looks.iter().find(|look| look.target == target)?)?;
    let sentence = if is.system_identifier != was.system_identifier {
        format!(
            "{target} is another cluster than the one that was clean: its system_identifier was {}, and is {}",
            was.system_identifier, is.system_identifier
        )
    } else if is.timeline != was.timeline {
        format!(
            "{target} was restored, or failed over: its timeline was {} at the last clean look, and is {}",
            was.timeline, is.timeline
        )
    } else {
        return None;
    };
    Some(of(found, RelapseCause::Restored, sentence))
}

fn new_role(accounts: &[Account], found: &Residual) -> Option<Relapse> {
    let (here, role) = (&found.account, found.account.role.as_ref()?);
    let mut before = accounts.iter().filter(|account| account.target == here.target).peekable();
    if before.peek().is_none() {
        let sentence = format!("role {role} was made; there was none when its absence was proved");
        return Some(of(found, RelapseCause::NewRole, sentence));
    }
    let mut known = before.clone();
    if known.any(|account| account.oid == here.oid) {
        return None;
    }
    let was = before.find(|account| account.names.contains(role))?;
    let sentence = format!(
        "role {role} was made anew: its OID is {}, that of the one that was proved gone is {}",
        here.oid, was.oid
    );
    Some(of(found, RelapseCause::NewRole, sentence))
}

fn changed(before: &Before, found: &Residual) -> Option<Relapse> {
    if found.kind == ResidualKind::Login {
        let sentence = format!("the login of {} was switched on", found.account);
        return Some(of(found, RelapseCause::LoginOn, sentence));
    }
    let grantor = found.grantor.clone()?;
    let privilege = found.privilege.clone()?;
    let what = match &found.object {
        Some(object) => format!("{privilege} on {object}"),
        None => format!("membership in {privilege}"),
    };
    let mut cause = RelapseCause::Granted;
    let mut sentence = format!("{grantor} granted {} {what}", found.account);
    if let Some(held) = membership(found) {
        let earlier: BTreeSet<&str> = before
            .memberships
            .iter()
            .filter(|was| was.target == held.target && was.role == held.role)
            .map(|was| was.grantor.as_str())
            .collect();
        if !earlier.is_empty() && !earlier.contains(held.grantor.as_str()) {
            cause = RelapseCause::OtherGrantor;
            let earlier: Vec<&str> = earlier.into_iter().collect();
            sentence = format!("{sentence}; what was taken away came from {}", earlier.join(", "));
        }
    }
    let object = found.object.clone();
    Some(Relapse {
        privilege: Some(privilege),
        object,
        grantor: Some(grantor),
        ..of(found, cause, sentence)
    })
}

#[cfg(test)]
#[path = "relapse_tests.rs"]
mod tests;
