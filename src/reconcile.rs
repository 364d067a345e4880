//! The shell around the rules: look, judge, step, commit. One loop per target.

mod levels;
mod moves;
mod pace;
mod roster;
mod together;

use crate::clock;
use crate::config::Config;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::{Cause, Gap, Observation, RosterRole};
use crate::domain::residual::ResidualKind;
use crate::domain::time::UtcTime;
use crate::domain::verdict::{Question, judge};
use crate::journal::Journal;
use crate::metrics::{Metrics, TargetLevel};
use crate::store::{Known, Move, StoreError, Stored};
use crate::target::{Target, Wanted};
use anyhow::Context as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Looks that are asked for by an arrival are at least this far apart, however many arrive.
const BREATH: Duration = Duration::from_millis(500);

/// Looks at every target and moves every revocation.
pub struct Reconciler {
    journal: Arc<Journal>,
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    targets: Vec<Target>,
    /// The store's own cluster, if it is one.
    store_cluster: Option<SystemIdentifier>,
    newest: Mutex<BTreeMap<String, Arc<Observation>>>,
    /// Roles seen, by cluster; the store has them too.
    rosters: Mutex<HashMap<SystemIdentifier, Arc<BTreeSet<RosterRole>>>>,
    ready: Mutex<HashMap<String, roster::Ready>>,
    /// What is watched, as last read.
    known: Known,
    /// Newest look judged of each revocation: a look that changed nothing is not written down.
    judged: Mutex<HashMap<String, UtcTime>>,
    /// One judgement at a time.
    turn: tokio::sync::Mutex<()>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reconciler {
    /// A reconciler that has not looked yet.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn new(
        journal: Arc<Journal>,
        config: Arc<Config>,
        metrics: Arc<Metrics>,
        targets: Vec<Target>,
    ) -> Result<Self, StoreError> {
        let store_cluster = journal.store.system_identifier().await?;
        let store_cluster = store_cluster.and_then(|id| SystemIdentifier::try_from(id).ok());
        let reconciler = Self {
            journal,
            config,
            metrics,
            targets,
            store_cluster,
            newest: Mutex::default(),
            rosters: Mutex::default(),
            ready: Mutex::default(),
            known: Known::default(),
            judged: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
        };
        reconciler.show_levels().await?;
        Ok(reconciler)
    }

    /// Configured targets.
    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Looks at `target` again and again until stopped.
    ///
    /// # Errors
    /// When the store lies on the target: then its evidence could be made by those it speaks about.
    pub async fn run(
        &self,
        target: &Target,
        mut arrived: watch::Receiver<u64>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            let begun = Instant::now();
            tokio::select! {
                // A look in flight is given up: it wrote nothing, and the next start looks anew.
                () = stop.cancelled() => return Ok(()),
                passed = self.pass(target) => match passed {
                    Ok(()) => {}
                    Err(error @ StoreError::Held(_)) => return Err(error.into()),
                    Err(error) => tracing::error!(
                        target = target.name(), "the look could not be judged: {:#}", anyhow::Error::new(error)
                    ),
                },
            }
            let interval = pace::jittered(self.config.look_interval);
            let took = begun.elapsed();
            self.metrics
                .reconcile_duration
                .with_label_values(&[target.name()])
                .observe(took.as_secs_f64());
            let skipped = pace::skipped(took, interval);
            self.metrics.passes_skipped.with_label_values(&[target.name()]).inc_by(skipped);
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep_until(begun + interval) => {}
                _ = arrived.changed() => {
                    tokio::time::sleep_until(begun + pace::breath(took, BREATH, interval)).await;
                }
            }
            arrived.mark_unchanged();
        }
    }

    /// Shows the levels anew after records landed, until stopped.
    ///
    /// # Errors
    /// When the journal is gone. A store that is away is asked again after the next landing or look.
    pub async fn run_levels(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut landings = self.journal.landings();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = landings.changed() => changed.context("the journal is gone")?,
            }
            let begun = Instant::now();
            if let Err(error) = self.show_levels().await {
                tracing::warn!("the levels were not shown: {:#}", anyhow::Error::new(error));
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(BREATH.max(begun.elapsed() * 4)) => {}
            }
        }
    }

    /// One look at `target`, and what follows from it for every revocation.
    ///
    /// # Errors
    /// When the store does not take it. Nothing is lost: the next pass judges anew.
    pub async fn pass(&self, target: &Target) -> Result<(), StoreError> {
        let watched = self.watched().await?;
        let wanted = self.wanted(target.name(), &watched).await?;
        let mut look = target.look(&wanted).await;
        self.refuse_own_store(&look)?;
        self.remember(&look).await?;
        self.name_the_vanished(&mut look).await?;
        self.show_target(&look);
        locked(&self.newest).insert(look.target.clone(), Arc::new(look));
        self.judge_all(target.name()).await?;
        self.show_levels().await
    }

    async fn watched(&self) -> Result<Vec<Arc<Stored>>, StoreError> {
        self.journal.store.watched_since(&self.known, clock::now()).await
    }

    /// What to search for on a target: names, linked OIDs, and OIDs that ever bore one of the names.
    async fn wanted(&self, target: &str, watched: &[Arc<Stored>]) -> Result<Wanted, StoreError> {
        let mut wanted = Wanted::default();
        for stored in watched {
            let names = stored.revocation.accounts.iter().filter(|name| name.applies_to(target));
            wanted.names.extend(names.map(|name| name.role.clone()));
            for account in stored.accounts.iter().filter(|account| account.target == target) {
                wanted.oids.insert(account.oid);
                wanted.names.insert(account.role.clone());
            }
        }
        let cluster = locked(&self.newest)
            .get(target)
            .and_then(|look| look.server.as_ref().map(|s| s.system_identifier));
        if let Some(cluster) = cluster {
            let past = self.past(cluster).await?;
            let bore =
                past.iter().filter(|role| wanted.names.contains(&role.name)).map(|role| role.oid);
            wanted.oids.extend(bore.collect::<BTreeSet<RoleOid>>());
        }
        Ok(wanted)
    }

    fn refuse_own_store(&self, look: &Observation) -> Result<(), StoreError> {
        let allowed = self.config.target(&look.target).is_some_and(|target| target.store_on_target);
        match (&look.server, self.store_cluster) {
            (Some(server), Some(own)) if server.system_identifier == own && !allowed => {
                Err(StoreError::Held(format!(
                    "it lies on the target {}, where those whose access is judged could change it. Use \
                     another database, or accept it with targets.{}.store_on_target: true",
                    look.target, look.target
                )))
            }
            _ => Ok(()),
        }
    }

    fn show_target(&self, look: &Observation) {
        let unverifiable: BTreeSet<String> =
            look.gaps.iter().map(|gap| gap.surface.as_str().to_owned()).collect();
        #[expect(clippy::cast_precision_loss, reason = "a skew in microseconds fits 53 bits")]
        let skew = look.server.as_ref().map(|server| server.clock_skew_us as f64 / 1e6);
        // While nobody answers, the last success and the role's rights are what they were.
        let before = self.metrics.target(&look.target).unwrap_or_default();
        let (success, excess) = if look.server.is_some() {
            (Some(look.ended_at.seconds()), i64::try_from(look.excess.len()).unwrap_or(i64::MAX))
        } else {
            (before.success, before.excess)
        };
        let up = look.server.is_some();
        if up != before.up && before.attempt > 0.0 || !up && before.attempt == 0.0 {
            let why = look.gaps.first().map_or("", |gap| gap.reason.as_str());
            if up {
                tracing::info!(target = look.target, "the target answers again");
            } else {
                tracing::warn!(target = look.target, "the target does not answer: {why}");
            }
        }
        let known = locked(&self.newest).get(&look.target).is_some_and(|l| l.excess == look.excess);
        if !known && !look.excess.is_empty() {
            let excess = look.excess.join("; ");
            tracing::warn!(
                target = look.target,
                "the agent's role has more than it needs: {excess}"
            );
        }
        self.metrics.set_target(
            &look.target,
            TargetLevel {
                up: look.server.is_some(),
                attempt: look.started_at.seconds(),
                success,
                skew,
                unverifiable: unverifiable.into_iter().collect(),
                excess,
            },
        );
    }

    /// When the look was that it was judged by, and the move that follows; `None` while it must wait.
    async fn judge_one(
        &self,
        target: &str,
        stored: &Stored,
    ) -> Result<Option<(UtcTime, Option<Move>)>, StoreError> {
        let Some(looks) = self.looks_for(stored) else { return Ok(None) };
        if !looks.iter().any(|look| look.target == target) {
            return Ok(None);
        }
        let accounts = self.linked(stored, &looks).await?;
        let question = Question {
            kind: stored.revocation.kind,
            accounts: &accounts,
            names: &stored.revocation.accounts,
            roles: &stored.revocation.roles,
            effective_at: stored.revocation.effective_at,
        };
        let borrowed: Vec<&Observation> = looks.iter().map(AsRef::as_ref).collect();
        let judged = judge(&question, &borrowed);
        self.count(target, stored, &judged, &borrowed);
        let mut newest_judged = stored.clone();
        if moves::forget_the_future(&mut newest_judged.life, clock::now()) {
            tracing::warn!(
                revocation = stored.revocation.id,
                "the clock went back: what was known of it lies in the future"
            );
        }
        if let Some(at) = locked(&self.judged).get(&stored.revocation.id) {
            let at = Some(*at).filter(|at| *at <= clock::now());
            newest_judged.life.last_look_at = newest_judged.life.last_look_at.max(at);
        }
        let look = moves::look_of(&judged, &borrowed);
        let step = moves::plan(
            &newest_judged,
            accounts,
            judged,
            &look,
            &borrowed,
            &self.config,
            clock::now(),
        );
        Ok(Some((look.started_at, step)))
    }

    /// The newest look at each target of a revocation; `None` while one of them has not been looked at for
    /// it yet.
    fn looks_for(&self, stored: &Stored) -> Option<Vec<Arc<Observation>>> {
        let newest = locked(&self.newest);
        let names = &stored.revocation.accounts;
        let mut targets: BTreeSet<&str> =
            stored.accounts.iter().map(|account| account.target.as_str()).collect();
        for target in &self.targets {
            if names.iter().any(|name| name.applies_to(target.name())) {
                targets.insert(target.name());
            }
        }
        targets.extend(names.iter().filter_map(|name| name.target.as_deref()));
        targets
            .into_iter()
            .map(|target| {
                if self.config.target(target).is_none() {
                    return Some(Arc::new(removed(target)));
                }
                let look = newest.get(target)?;
                let searched = names
                    .iter()
                    .filter(|name| name.applies_to(target))
                    .all(|name| look.searched.contains(&name.role));
                // A look begun before the notice came says nothing about what was expected then.
                // One that came before the clock was set back must not wait for the clock, though.
                let received = stored.revocation.received_at;
                let after = look.started_at >= received || received > clock::now();
                (searched && after).then(|| Arc::clone(look))
            })
            .collect()
    }

    /// Counts the attempt, and why it failed if it did.
    fn count(
        &self,
        target: &str,
        stored: &Stored,
        judged: &crate::domain::verdict::Judgement,
        looks: &[&Observation],
    ) {
        self.metrics.verifications.with_label_values(&[target]).inc();
        let terms = moves::terms(stored, &self.config);
        let late = stored.life.overdue(&terms).next().is_some()
            || stored.life.state == crate::domain::revocation::State::Regressed;
        let remains = judged.residual.iter().any(|r| r.account.target == target);
        let mut causes: BTreeSet<Cause> = looks
            .iter()
            .filter(|look| look.target == target)
            .flat_map(|look| look.gaps.iter().map(|gap| gap.cause))
            .collect();
        if late && remains {
            causes.insert(Cause::ResidualAccess);
        }
        for cause in causes {
            self.metrics.verification_failed.with_label_values(&[target, cause.as_str()]).inc();
        }
    }

    async fn show_levels(&self) -> Result<(), StoreError> {
        let watched = self.watched().await?;
        self.metrics.set_levels(levels::levels(&watched, &self.config));
        Ok(())
    }
}

/// What is known of a target that the configuration no longer has: nothing.
fn removed(target: &str) -> Observation {
    let mut look = Observation::begun(target, clock::now());
    look.gaps.push(Gap {
        surface: ResidualKind::Login,
        target: target.to_owned(),
        database: None,
        reason: "the configuration no longer has this target".to_owned(),
        fix: format!("put targets.{target} back into the configuration"),
        cause: Cause::Internal,
    });
    look
}
