//! Every role ever seen, in memory as in the store: what a name was, and whose a vanished session may be.

use super::{Reconciler, locked};
use crate::domain::ids::SystemIdentifier;
use crate::domain::observation::{Observation, RosterRole};
use crate::domain::residual::Residual;
use crate::store::StoreError;
use std::collections::BTreeSet;

impl Reconciler {
    /// Roles ever seen on a cluster.
    pub(super) async fn past(
        &self,
        cluster: SystemIdentifier,
    ) -> Result<BTreeSet<RosterRole>, StoreError> {
        if let Some(known) = locked(&self.rosters).get(&cluster) {
            return Ok(known.clone());
        }
        let known: BTreeSet<RosterRole> =
            self.journal.store.roster(cluster).await?.into_iter().collect();
        locked(&self.rosters).insert(cluster, known.clone());
        Ok(known)
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
        locked(&self.rosters).entry(server.system_identifier).or_default().extend(new);
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
}
