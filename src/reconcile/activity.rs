//! Who uses their accounts: what each look tells of it is kept, and how long somebody really watched.

use super::Reconciler;
use crate::config::Config;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::inactivity::{self, Watch, written_every};
use crate::domain::observation::Observation;
use crate::domain::time::UtcTime;
use crate::store::StoreError;
use crate::target::AskedActivity;
use std::collections::HashMap;
use std::time::Duration;

/// Beside three times the configured interval, so long may pass between two looks in which somebody still watches.
const SLACK: Duration = Duration::from_secs(10);

/// What is remembered between looks.
#[derive(Debug, Default)]
pub(super) struct Activities {
    /// By cluster; the store has it as it was last written.
    clusters: HashMap<SystemIdentifier, Watch>,
    /// When the query of a target last answered.
    answered: HashMap<String, UtcTime>,
}

impl Reconciler {
    /// What a look at `target` is to ask about the use of accounts; `None`: nothing.
    pub(super) async fn activity_wanted(
        &self,
        config: &Config,
        target: &str,
        now: UtcTime,
    ) -> Option<AskedActivity> {
        let Some(rules) = config.inactivity.as_ref() else {
            // Whose sessions there are is asked for campaigns too.
            let mut chaser = config.chaser.iter().flat_map(|chaser| &chaser.campaigns);
            let asked = chaser.any(|one| one.target.as_deref() == Some(target));
            return asked.then_some(AskedActivity { query: None });
        };
        let query = rules.last_seen.get(target);
        let answered = self.activities.lock().await.answered.get(target).copied();
        let due = answered.is_none_or(|at| at > now || now.since(at) >= written_every(rules.after));
        Some(AskedActivity { query: query.filter(|_| due).cloned() })
    }

    /// Keeps what `look` tells of the use of accounts.
    ///
    /// # Errors
    /// When the store does not take it; the next look begins from what it has.
    pub(super) async fn watch_activity(&self, look: &Observation) -> Result<(), StoreError> {
        let config = self.config.current();
        let Some(rules) = &config.inactivity else { return Ok(()) };
        let (Some(server), Some(activity)) = (&look.server, &look.activity) else { return Ok(()) };
        let cluster = server.system_identifier;
        let every = written_every(rules.after);
        let mut activities = self.activities.lock().await;
        match &activity.told {
            Some(Ok(_)) => {
                activities.answered.insert(look.target.clone(), look.started_at);
            }
            Some(Err(_)) => drop(activities.answered.remove(&look.target)),
            None => {}
        }
        // What a query would tell is not known while it tells nothing: then nobody watches.
        let asked = rules.last_seen.contains_key(&look.target);
        let answers = !asked || activities.answered.contains_key(&look.target);
        self.say_activity(look, activity.whole && answers);
        let mut watch = match activities.clusters.remove(&cluster) {
            Some(watch) => watch,
            None => self.journal.store.activity(cluster).await?,
        };
        let seen = inactivity::Look {
            at: look.started_at,
            activity,
            whole: activity.whole && answers,
            most: config.look_interval.saturating_mul(3) + SLACK,
            every,
        };
        let names: HashMap<RoleOid, &String> =
            look.roster.iter().map(|role| (role.oid, &role.name)).collect();
        let changes = watch.follow(&seen, |oid| names.get(&oid).copied().cloned());
        if !changes.is_empty() {
            self.journal.store.keep_activity(cluster, watch.watched_us, &changes).await?;
        }
        activities.clusters.insert(cluster, watch);
        Ok(())
    }

    fn say_activity(&self, look: &Observation, whole: bool) {
        let (target, thing) = (look.target.as_str(), format!("{} is not watched", look.target));
        let told =
            look.activity.as_ref().and_then(|activity| activity.told.as_ref()?.as_ref().err());
        if whole {
            if self.trouble.is_over(&thing) {
                tracing::info!(target, "who uses their accounts is seen again");
            }
        } else {
            let error = told.map_or("not every instance was read", String::as_str);
            if self.trouble.is(&thing, error) {
                tracing::warn!(
                    target,
                    error,
                    "who uses their accounts is not seen: no time counts as inactivity"
                );
            }
        }
    }
}
