//! What was said of a subject after the revocation came: that the person is back, and which names and roles are
//! somebody else's. Pure.

use super::account::{Account, AccountName};
use super::identity::Unsure;
use super::ids::{RoleOid, SystemIdentifier};
use super::residual::{Residual, SYSTEM_USER};
use super::time::UtcTime;
use super::verdict::{Judgement, SESSIONS};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;
use utoipa::ToSchema;

super::words::words! {
    /// Why a role is not linked.
    Unlinked {
        /// Two people say that it is not the subject's.
        Person = "person",
        /// Its name became somebody else's.
        Recycled = "identifier_recycled",
    }
}

/// What is not to be linked on one cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Barred {
    /// Why.
    pub because: Unlinked,
    /// Name of the role.
    pub role: String,
    /// The cluster.
    pub system_identifier: SystemIdentifier,
    /// The role; `None`: every one that bears the name and is not among `known`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oid: Option<RoleOid>,
    /// Roles that bore the name before it became somebody else's: they stay the subject's.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub known: BTreeSet<RoleOid>,
    /// Who said so.
    pub by: String,
    /// Since when.
    pub since: UtcTime,
    /// When that was said; `None`: at `since`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_at: Option<UtcTime>,
}

impl Barred {
    /// Whether this is about a role called `name`, or may be: one that is barred by its OID may be called otherwise
    /// by now.
    fn concerns(&self, name: &str) -> bool {
        self.oid.is_some() || self.role == name
    }

    pub(super) fn said_at(&self) -> UtcTime {
        self.said_at.unwrap_or(self.since)
    }

    /// Whether the role `oid`, found by the name `name`, is not to be linked.
    #[must_use]
    pub fn bars(&self, cluster: SystemIdentifier, oid: RoleOid, name: &str) -> bool {
        self.system_identifier == cluster
            && match self.oid {
                Some(barred) => barred == oid,
                None => self.role == name && !self.known.contains(&oid),
            }
    }
}

/// A role on one target: target, cluster, OID.
pub type Place = (String, SystemIdentifier, RoleOid);

/// What a look saw so long before a rehire is what was there at the rehire. What an older one saw is not: nobody may have
/// looked for days.
const FRESH: Duration = Duration::from_secs(600);

/// What was there before the person came back, as far as it is there still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// When this was known.
    pub known_at: UtcTime,
    /// Clusters whose roles were known then.
    pub clusters: BTreeSet<SystemIdentifier>,
    /// Accounts of which it speaks. Of others nobody knows what they had.
    pub accounts: BTreeSet<Place>,
    /// What they had, by identity, less what was seen to be gone since.
    pub found: BTreeSet<String>,
    /// Probes, by the identity of what they find, that found nothing then or since: what they find later is new.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub met: BTreeSet<String>,
}

/// The person works here again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehired {
    /// Since when: what is granted from then on is not what this revocation is about.
    pub at: UtcTime,
    /// When the sender made the notice: an end that was made later is a new one.
    pub made_at: UtcTime,
    /// Who said so.
    pub by: String,
    /// What was there before; `None` until a look without gaps tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Earlier>,
}

impl Account {
    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        (self.target.clone(), self.system_identifier, self.oid)
    }
}

impl Earlier {
    /// What `found` says of `accounts`, on clusters of which every role was known at `known_at`.
    #[must_use]
    pub fn of<'a>(
        found: impl Iterator<Item = &'a Residual>,
        accounts: &[Account],
        clusters: BTreeSet<SystemIdentifier>,
        known_at: UtcTime,
    ) -> Self {
        let found = found.map(Residual::identity).collect();
        let accounts = accounts.iter().map(Account::place).collect();
        Self { known_at, clusters, accounts, found, met: BTreeSet::new() }
    }

    /// Accounts that were linked since and are not known here: what they have may have been there before.
    pub fn unknown<'a>(
        &'a self,
        accounts: &'a [Account],
    ) -> impl Iterator<Item = &'a Account> + 'a {
        accounts.iter().filter(|account| !self.accounts.contains(&account.place()))
    }

    /// Whether a role of the cluster that was first seen at `first_seen` was made since.
    #[must_use]
    pub fn precedes(&self, cluster: SystemIdentifier, first_seen: Option<UtcTime>) -> bool {
        self.clusters.contains(&cluster) && first_seen.is_some_and(|first| first > self.known_at)
    }
}

/// What a look after the rehire means for what was there before.
#[derive(Clone, Copy, Debug)]
pub struct Since<'a> {
    /// What the look before it found.
    pub found: &'a BTreeSet<String>,
    /// It covers something that the look before it did not.
    pub wider: bool,
    /// Nothing is open: not even of what does not decide.
    pub whole: bool,
    /// Accounts that were linked since, with whether their role was made since.
    pub linked: &'a [(Place, bool)],
}

/// Kind, target and account of a finding, from its identity. A line about a user of the system is no account's: the role that
/// is called so may be another one by now.
fn sort_of(identity: &str) -> String {
    let parts: Vec<&str> = identity.split('|').collect();
    let kept: &[usize] = if parts.get(5) == Some(&SYSTEM_USER) { &[0, 1, 5] } else { &[0, 1, 2] };
    kept.iter().filter_map(|at| parts.get(*at).copied()).collect::<Vec<_>>().join("|")
}

impl Rehired {
    /// Notes which probes found nothing, with when each was asked: one that was asked long before the rehire tells
    /// nothing about it.
    pub fn meet(&mut self, met: impl Iterator<Item = (String, UtcTime)>) {
        let at = self.at;
        if let Some(before) = &mut self.before {
            let in_time = met.filter(|(_, asked_at)| asked_at.plus(FRESH) >= at);
            before.met.extend(in_time.map(|(identity, _)| identity));
        }
    }

    /// The same told again by the same sender. What is known of the time before the first is not asked anew, since all
    /// that was granted meanwhile would be in it; unless they are back only later than now.
    #[must_use]
    pub fn told_again(&self, later: Self, now: UtcTime) -> Self {
        if later.at > now || self.before.is_none() {
            return later;
        }
        Self { at: self.at.min(later.at), before: self.before.clone(), ..later }
    }

    /// Whether a look begun at `looked_at` tells what was there at the rehire.
    #[must_use]
    pub fn is_told_by(&self, looked_at: Option<UtcTime>) -> bool {
        looked_at.is_some_and(|looked_at| looked_at.plus(FRESH) >= self.at)
    }

    /// What remains of this after a look gave `judged`: what was seen to be gone and comes back was granted anew.
    ///
    /// What appears where the look covers more than the one before, on an account that was there and is linked only
    /// now, or together with something of its kind that went (it may be the same by another name), was there before.
    #[must_use]
    pub fn after(&self, judged: &Judgement, since: Since<'_>) -> Self {
        let mut after = self.clone();
        let Some(before) = &mut after.before else { return after };
        let all: Vec<&Residual> = judged.residual.iter().chain(&judged.kept).collect();
        let found: BTreeSet<String> = all.iter().map(|one| one.identity()).collect();
        let gone: BTreeSet<String> =
            before.found.difference(&found).map(|identity| sort_of(identity)).collect();
        for (place, made_since) in since.linked {
            let of =
                |one: &&&Residual| (&one.account.target, one.account.oid) == (&place.0, place.2);
            if !made_since {
                before.found.extend(all.iter().filter(of).map(|one| one.identity()));
            }
            if *made_since || since.whole {
                before.accounts.insert(place.clone());
            }
        }
        for one in all.iter().filter(|one| !SESSIONS.contains(&one.kind)) {
            let identity = one.identity();
            let appeared = !since.found.contains(&identity);
            if appeared && (since.wider || gone.contains(&sort_of(&identity))) {
                before.found.insert(identity);
            }
        }
        if since.whole {
            before.found.retain(|identity| found.contains(identity));
        }
        after
    }
}

/// The end was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rescinded {
    /// By whom.
    pub by: String,
    /// When the sender made the notice: an end that was made earlier was taken back by it.
    pub made_at: UtcTime,
}

/// A person said whose a role is; or a notice did, after it was said that it is not the subject's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// Name of the role.
    pub role: String,
    /// Where; `None`: on every target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Who said so.
    pub by: String,
    /// When; `None` for what an earlier version noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<UtcTime>,
}

impl Linked {
    /// Whether this is about the role `name` on `target`.
    fn is_of(&self, target: &str, name: &str) -> bool {
        self.role == name && self.target.as_deref().is_none_or(|here| here == target)
    }
}

/// A link that is to be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unlink {
    /// Which.
    pub account: Account,
    /// The role is there, so that it would be linked again: it is somebody else's. Otherwise only a cluster is
    /// forgotten that is not at this target any more.
    pub bar: bool,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// The person is back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehired: Option<Rehired>,
    /// When the newest look began that proved absence before access came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean_until: Option<UtcTime>,
    /// The end was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescinded: Option<Rescinded>,
    /// What is not to be linked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub barred: Vec<Barred>,
    /// Links that a person made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<Linked>,
    /// Names that follow from another user name than the first one, of which nobody said that it is the same person.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub doubtful: BTreeSet<String>,
    /// Names of roles that were the subject's by earlier notices only: somebody else may have them by now.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub former: BTreeSet<String>,
    /// Names of roles that somebody gave and one person took back, since no target had them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub taken_back: BTreeSet<String>,
    /// Notices of which nobody said whether they are about the same person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsure: Vec<Unsure>,
    /// There are more of them, which the store knows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_unsure: bool,
}

impl Lineage {
    /// Nothing was said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A person, `by`, said at `now` that the role is the subject's, whatever was said before.
    pub fn link(&mut self, name: &AccountName, by: &str, now: UtcTime) {
        let same = |known: &Linked| (&known.role, &known.target) == (&name.role, &name.target);
        self.settle(&name.role);
        self.linked.retain(|known| !same(known));
        let (role, target) = (name.role.clone(), name.target.clone());
        self.linked.push(Linked { role, target, by: by.to_owned(), at: Some(now) });
    }

    /// Whether somebody had said that a role called `name` is not the subject's, and nobody the contrary since.
    #[must_use]
    pub fn is_contradicted_by(&self, name: &AccountName) -> bool {
        let open =
            |barred: &Barred| barred.concerns(&name.role) && !self.is_named_since(name, barred);
        !name.suggested() && self.barred.iter().any(open)
    }

    /// Whether somebody said that the role called `name` is the subject's after it was barred by `barred`.
    #[must_use]
    pub fn is_named_since(&self, name: &AccountName, barred: &Barred) -> bool {
        self.linked.iter().any(|known| {
            known.role == name.role
                && (known.target.is_none() || known.target == name.target)
                && known.at.is_some_and(|at| at > barred.said_at())
        })
    }

    /// Two people, of whom `by` asked, said that the role is not the subject's.
    pub fn unlink(&mut self, unlink: &Unlink, by: &str, now: UtcTime) {
        let account = &unlink.account;
        self.linked.retain(|known| !account.called().any(|name| *name == known.role));
        if unlink.bar {
            let same = |barred: &Barred| {
                (barred.system_identifier, barred.oid)
                    == (account.system_identifier, Some(account.oid))
            };
            self.barred.retain(|barred| !same(barred));
            self.barred.push(Barred {
                because: Unlinked::Person,
                role: account.role.clone(),
                system_identifier: account.system_identifier,
                oid: Some(account.oid),
                known: BTreeSet::new(),
                by: by.to_owned(),
                since: now,
                said_at: Some(now),
            });
        }
    }

    /// Who said that the role is the subject's.
    #[must_use]
    pub fn linked_by(&self, account: &Account) -> Option<&str> {
        self.said_of(account).map(|known| known.by.as_str())
    }

    /// What was said of whose the role is.
    #[must_use]
    pub fn said_of(&self, account: &Account) -> Option<&Linked> {
        let here =
            |known: &&Linked| account.called().any(|name| known.is_of(&account.target, name));
        self.linked.iter().find(here)
    }

    /// Whether the role `oid` of `target`, found by the name `name`, is not to be linked. Not so where somebody named it
    /// later.
    #[must_use]
    pub fn bars(&self, target: &str, cluster: SystemIdentifier, oid: RoleOid, name: &str) -> bool {
        let since = |barred: &Barred| {
            self.linked.iter().any(|known| {
                known.is_of(target, name) && known.at.is_some_and(|at| at > barred.said_at())
            })
        };
        self.barred.iter().any(|barred| barred.bars(cluster, oid, name) && !since(barred))
    }
}

#[cfg(test)]
#[path = "lineage_tests.rs"]
mod tests;
