//! Every role ever seen, in memory as in the store: what a name was, and whose a vanished session may be.

use super::{Reconciler, locked};
use crate::domain::account::{Account, AccountName};
use crate::domain::ids::SystemIdentifier;
use crate::domain::link::{self, Roles};
use crate::domain::observation::{Observation, RosterRole};
use crate::domain::residual::Residual;
use crate::domain::time::UtcTime;
use crate::store::{StoreError, Stored};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The roles of a target, made ready for one look and as much of the past as was known then.
pub(super) struct Ready {
    look: UtcTime,
    past: usize,
    roles: Arc<Roles>,
}

/// What is known of some names of roles.
pub(super) struct Borne {
    /// Every name that the roles bear or bore which were ever called so, with these names.
    pub(super) names: Vec<String>,
    /// Where a role is that ever bore one of them, whatever it is called now.
    pub(super) seen: Vec<(SystemIdentifier, String)>,
}

impl Reconciler {
    /// Roles ever seen on a cluster.
    pub(super) async fn past(
        &self,
        cluster: SystemIdentifier,
    ) -> Result<Arc<BTreeSet<RosterRole>>, StoreError> {
        if let Some(known) = locked(&self.rosters).get(&cluster) {
            return Ok(known.clone());
        }
        let known: BTreeSet<RosterRole> =
            self.journal.store.roster(cluster).await?.into_iter().collect();
        let known = Arc::new(known);
        // Another target of the same cluster may have remembered more meanwhile.
        Ok(locked(&self.rosters).entry(cluster).or_insert(known).clone())
    }

    pub(super) async fn remember(&self, look: &Observation) -> Result<(), StoreError> {
        let Some(server) = &look.server else { return Ok(()) };
        let past = self.past(server.system_identifier).await?;
        let new: Vec<RosterRole> =
            look.roster.iter().filter(|role| !past.contains(role)).cloned().collect();
        if new.is_empty() {
            return Ok(());
        }
        self.journal.store.remember_roles(server.system_identifier, &new, look.started_at).await?;
        let mut rosters = locked(&self.rosters);
        Arc::make_mut(rosters.entry(server.system_identifier).or_default()).extend(new);
        Ok(())
    }

    /// Sessions of roles that are gone and were known under another name are somebody else's: they are the
    /// target's finding. The others may be those of any subject, and stay in the look.
    pub(super) async fn name_the_vanished(&self, look: &mut Observation) -> Result<(), StoreError> {
        let Some(server) = &look.server else { return Ok(()) };
        let past = self.past(server.system_identifier).await?;
        let known = |found: &Residual| past.iter().any(|role| role.oid == found.account.oid);
        let vanished = look.vanished.len();
        look.vanished.retain(|found| !known(found));
        self.metrics.set_vanished(&look.target, i64::try_from(vanished).unwrap_or(i64::MAX));
        self.say_vanished(&look.target, vanished);
        Ok(())
    }

    /// What is known of `roles` on the clusters of `looks`: a role that was renamed is the same role.
    pub(super) async fn known_as(
        &self,
        roles: &[String],
        looks: &[Arc<Observation>],
    ) -> Result<Borne, StoreError> {
        let mut names: BTreeSet<String> = roles.iter().cloned().collect();
        let mut seen = BTreeSet::new();
        for look in looks {
            let Some(server) = look.server.as_ref().filter(|_| !roles.is_empty()) else { continue };
            let cluster = server.system_identifier;
            let past = self.past(cluster).await?;
            let borne = past.iter().filter(|role| roles.contains(&role.name));
            let mut oids = BTreeSet::new();
            for role in borne {
                oids.insert(role.oid);
                // Of one that was dropped before anybody asked nobody can say what took its place.
                if look.role(role.oid).is_some() {
                    seen.insert((cluster, role.name.clone()));
                }
            }
            let theirs = past.iter().filter(|role| oids.contains(&role.oid));
            names.extend(theirs.map(|role| role.name.clone()));
        }
        Ok(Borne { names: names.into_iter().collect(), seen: seen.into_iter().collect() })
    }

    /// Accounts of a revocation after `looks`.
    pub(super) async fn linked(
        &self,
        stored: &Stored,
        names: &[AccountName],
        looks: &[Arc<Observation>],
    ) -> Result<Vec<Account>, StoreError> {
        let mut accounts = stored.accounts.clone();
        for look in looks {
            let Some(server) = &look.server else { continue };
            let past = self.past(server.system_identifier).await?;
            let roles = self.ready(look, &past);
            accounts = link::resolve_among(&accounts, names, look, &roles, &stored.life.lineage);
        }
        Ok(accounts)
    }

    /// Every revocation of a pass is linked by the same roles.
    fn ready(&self, look: &Observation, past: &BTreeSet<RosterRole>) -> Arc<Roles> {
        let mut ready = locked(&self.ready);
        if let Some(made) = ready.get(&look.target)
            && (made.look, made.past) == (look.started_at, past.len())
        {
            return made.roles.clone();
        }
        // One that bore a name that was searched for and whose OID was not is linked all the same: that the look
        // did not search for it is a gap then.
        let tracked = past
            .iter()
            .filter(|role| look.tracked.contains(&role.oid) || look.searched.contains(&role.name));
        let roles = Arc::new(Roles::of(tracked, look));
        let made = Ready { look: look.started_at, past: past.len(), roles: roles.clone() };
        ready.insert(look.target.clone(), made);
        roles
    }
}
