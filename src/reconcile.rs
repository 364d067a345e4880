//! The shell around the rules: look, judge, step, commit. One loop per target.

mod acknowledged;
mod activity;
mod campaigns;
mod canary;
mod counted;
mod echo;
mod emergency;
mod exceptions;
mod external;
mod further;
mod glass;
mod judging;
mod levels;
mod lineage;
mod links;
mod mapped;
mod moves;
mod pace;
mod question;
mod roster;
mod shown;
mod steady;
mod targets;
mod together;

pub use levels::show_settings;
pub use targets::target_of;

// A look that somebody asks for by hand is judged by the same rules.
pub(crate) use campaigns::{Preview, listed, preview};
pub(crate) use further::{is_asked_beside, person_of, probed_beside};
pub(crate) use lineage::{back, since};
pub(crate) use links::{Certain, certain, claims, with_sources};
pub(crate) use mapped::known_targets;
pub(crate) use question::{has_no_account, names_of, roles_of};

use crate::board::Board;
use crate::clock;
use crate::config::Live;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::{Observation, RosterRole};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::store::{StoreError, Stored};
use crate::supervise::{Pulse, Trouble};
use crate::target::{Depth, Target, Wanted};
use anyhow::Context as _;
use canary::canary_of;
use secrecy::SecretString;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use steady::Steady;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Looks that are asked for by an arrival are at least this far apart, however many arrive.
const BREATH: Duration = Duration::from_millis(500);

/// Looks at every target and moves every revocation.
pub struct Reconciler {
    journal: Arc<Journal>,
    board: Arc<Board>,
    config: Live,
    metrics: Arc<Metrics>,
    /// The store's own cluster, if it is one.
    store_cluster: Option<SystemIdentifier>,
    /// What digests of passwords are salted with, once it was read from the store.
    salt: tokio::sync::OnceCell<SecretString>,
    /// Roles seen, by cluster; the store has them too.
    rosters: Mutex<HashMap<SystemIdentifier, Arc<BTreeSet<RosterRole>>>>,
    ready: Mutex<HashMap<String, roster::Ready>>,
    canaries: canary::Seen,
    steady: Steady,
    activities: tokio::sync::Mutex<activity::Activities>,
    mapped: mapped::Mapped,
    echoes: echo::Echoes,
    /// Targets on which a break-glass is open: they are looked at more often.
    closer: Mutex<BTreeSet<String>>,
    /// One judgement at a time.
    turn: tokio::sync::Mutex<()>,
    /// What was said of a target and is still so.
    trouble: Trouble,
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
        board: Arc<Board>,
        config: Live,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        let store_cluster = journal.store.system_identifier().await?;
        let store_cluster = store_cluster.and_then(|id| SystemIdentifier::try_from(id).ok());
        let reconciler = Self {
            journal,
            board,
            config,
            metrics,
            store_cluster,
            salt: tokio::sync::OnceCell::new(),
            rosters: Mutex::default(),
            ready: Mutex::default(),
            canaries: canary::Seen::default(),
            steady: Steady::default(),
            activities: tokio::sync::Mutex::default(),
            mapped: mapped::Mapped::default(),
            echoes: echo::Echoes::default(),
            closer: Mutex::default(),
            turn: tokio::sync::Mutex::new(()),
            trouble: Trouble::default(),
        };
        reconciler.show_levels().await?;
        Ok(reconciler)
    }

    /// Looks at `target` again and again until stopped.
    ///
    /// # Errors
    /// When the store lies on the target: then its evidence could be made by those it speaks about.
    async fn run(
        &self,
        target: &Target,
        stop: CancellationToken,
        pulse: &Pulse,
    ) -> anyhow::Result<()> {
        let mut asked = self.board.asked();
        loop {
            let begun = Instant::now();
            tokio::select! {
                // A look in flight is given up: it wrote nothing, and the next start looks anew.
                () = stop.cancelled() => return Ok(()),
                passed = pulse.during(self.pass(target)) => match passed {
                    Err(error @ StoreError::Held(_)) => return Err(error.into()),
                    passed => self.say_judged(target.name(), passed),
                },
            }
            let interval = pace::jittered(self.interval(target.name()));
            pulse.rest(interval);
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
                _ = asked.changed() => {
                    tokio::time::sleep_until(begun + pace::breath(took, BREATH, interval)).await;
                }
            }
            asked.mark_unchanged();
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
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::warn!(error, "the levels were not shown");
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(BREATH.max(begun.elapsed() * 8)) => {}
            }
        }
    }

    /// One look at `target`, and what follows from it for every revocation.
    ///
    /// # Errors
    /// When the store does not take it. Nothing is lost: the next pass judges anew.
    pub async fn pass(&self, target: &Target) -> Result<(), StoreError> {
        // A look should not judge by what has just ended. If that cannot be noted now, nothing is verified by it.
        if let Err(error) = self.expire_all().await {
            tracing::debug!(error = error.to_string(), "exceptions are ended later");
        }
        let watched = self.watched().await?;
        self.note_open_glass(&watched);
        self.note_what_is_over(&watched).await;
        let mut wanted = self.wanted(target.name(), &watched).await?;
        let whole = self.board.take_whole(target.name()) | self.canary_due(target.name()).await?;
        wanted.depth = if whole { Depth::Full } else { Depth::Due };
        let mut look = target.look(&wanted).await;
        self.refuse_own_store(&look)?;
        self.remember(&look).await?;
        self.name_the_vanished(&mut look).await?;
        self.watch_canary(&mut look).await?;
        self.watch_glass(&look, &watched).await?;
        self.watch_activity(&look).await?;
        self.watch_mapping(&look);
        // Whoever waits for the turn to judge must not keep alive what others move meanwhile.
        drop(watched);
        self.show_target(&look);
        self.board.put(Arc::new(look));
        Box::pin(self.judge_all(target.name())).await?;
        self.board.passed();
        self.show_levels().await
    }

    async fn watched(&self) -> Result<Vec<Arc<Stored>>, StoreError> {
        self.journal.watched().await
    }

    /// Notes emergencies that nobody approved in time, and acknowledgements that end. No look waits for that: while the log has
    /// no room, it is found out all the same whether access is there, and the next pass says these anew.
    async fn note_what_is_over(&self, watched: &[Arc<Stored>]) {
        if let Err(error) = self.note_unapproved(watched).await {
            tracing::debug!(error = error.to_string(), "unapproved emergencies are noted later");
        }
        if let Err(error) = self.end_acknowledgements(watched).await {
            tracing::debug!(error = error.to_string(), "acknowledgements are ended later");
        }
    }

    /// What to search for on a target: names, linked OIDs, and OIDs that ever bore one of the names.
    async fn wanted(&self, target: &str, watched: &[Arc<Stored>]) -> Result<Wanted, StoreError> {
        let mut wanted = Wanted::default();
        let config = self.in_force();
        wanted.names.extend(canary_of(&config, target).map(|canary| canary.role.clone()));
        wanted.names.extend(Self::glass_of(&config, target).map(str::to_owned));
        for stored in watched {
            let names = names_of(stored, &config);
            let names = names.into_iter().filter(|name| name.applies_to(target));
            wanted.names.extend(names.map(|name| name.role));
            for account in stored.accounts.iter().filter(|account| account.target == target) {
                wanted.oids.insert(account.oid);
                wanted.names.insert(account.role.clone());
                wanted.callers.extend(account.names.iter().cloned());
            }
        }
        let cluster = self
            .board
            .newest(target)
            .and_then(|look| look.server.as_ref().map(|s| s.system_identifier));
        if let Some(cluster) = cluster {
            let past = self.past(cluster).await?;
            let bore =
                past.iter().filter(|role| wanted.names.contains(&role.name)).map(|role| role.oid);
            wanted.oids.extend(bore.collect::<BTreeSet<RoleOid>>());
        }
        wanted.activity = self.activity_wanted(&config, target, clock::now()).await;
        wanted.mapping = self.mapping_wanted(target, watched, clock::now());
        wanted.secrets = self.secrets(target, watched).await?;
        if config.target(target).is_some_and(|target| !target.probes.is_empty()) {
            wanted.people = Self::people(watched, &config);
        }
        Ok(wanted)
    }

    fn refuse_own_store(&self, look: &Observation) -> Result<(), StoreError> {
        let config = self.in_force();
        let allowed = config.target(&look.target).is_some_and(|target| target.store_on_target);
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

    async fn show_levels(&self) -> Result<(), StoreError> {
        let watched = self.watched().await?;
        let mut levels = levels::levels(&watched, &self.in_force());
        self.add_exceptions(&mut levels).await?;
        emergency::count(&mut levels, &watched, clock::now());
        self.metrics.set_levels(levels);
        self.show_canaries().await
    }
}
