//! The shell around the rules: look, judge, step, commit. One loop per target.

mod activity;
mod canary;
mod counted;
mod emergency;
mod exceptions;
mod external;
mod further;
mod glass;
mod levels;
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

use crate::board::Board;
use crate::clock;
use crate::config::{Config, Live};
use crate::domain::account::Account;
use crate::domain::credential::{self, Standing};
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::lifecycle::Look;
use crate::domain::observation::{Observation, RosterRole};
use crate::domain::time::UtcTime;
use crate::domain::verdict::{Further, Judgement, Question, Rotation, judge_further, under_hold};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::store::{Known, Move, StoreError, Stored};
use crate::supervise::{Pulse, Trouble};
use crate::target::{Depth, Target, Wanted};
use anyhow::Context as _;
use canary::canary_of;
use further::{external_looks, person_of};
use question::{has_no_account, names_of, roles_of};
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
    /// What is watched, as last read.
    known: Known,
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
            known: Known::default(),
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
        self.note_unapproved(&watched).await?;
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
        self.show_target(&look);
        self.board.put(Arc::new(look));
        Box::pin(self.judge_all(target.name())).await?;
        self.board.passed();
        self.show_levels().await
    }

    async fn watched(&self) -> Result<Vec<Arc<Stored>>, StoreError> {
        self.journal.store.watched_since(&self.known, clock::now()).await
    }

    /// What to search for on a target: names, linked OIDs, and OIDs that ever bore one of the names.
    async fn wanted(&self, target: &str, watched: &[Arc<Stored>]) -> Result<Wanted, StoreError> {
        let mut wanted = Wanted::default();
        let config = self.config.current();
        wanted.names.extend(canary_of(&config, target).map(|canary| canary.role.clone()));
        wanted.names.extend(Self::glass_of(&config, target).map(str::to_owned));
        for stored in watched {
            let names = names_of(stored, &config);
            let names = names.into_iter().filter(|name| name.applies_to(target));
            wanted.names.extend(names.map(|name| name.role));
            for account in stored.accounts.iter().filter(|account| account.target == target) {
                wanted.oids.insert(account.oid);
                wanted.names.insert(account.role.clone());
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
        wanted.secrets = self.secrets(target, watched).await?;
        if config.target(target).is_some_and(|target| !target.probes.is_empty()) {
            wanted.people = Self::people(watched, &config);
        }
        Ok(wanted)
    }

    fn refuse_own_store(&self, look: &Observation) -> Result<(), StoreError> {
        let config = self.config.current();
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

    /// When the look was that it was judged by, and the move that follows; `None` while it must wait.
    async fn judge_one(
        &self,
        target: &str,
        stored: &Stored,
        held: bool,
    ) -> Result<Option<(UtcTime, Option<Move>)>, StoreError> {
        let config = self.config.current();
        let Some(looks) = self.looks_for(stored, &config) else { return Ok(None) };
        let external = external_looks(&config, |system| self.board.newest(system));
        // Nobody looks at a target that was taken out, so whoever looks next speaks for it.
        let concerned = |look: &Arc<Observation>| {
            look.target == target || config.target(&look.target).is_none()
        };
        let system = external.iter().any(|look| look.target == target);
        if !system && !looks.iter().any(concerned) {
            return Ok(None);
        }
        let names = names_of(stored, &config);
        let accounts = self.linked(stored, &names, &looks).await?;
        let (roles, unmapped) = roles_of(stored, &config);
        let known_as = self.known_as(&roles, &looks).await?;
        let newest_judged = self.newest_judged(stored, &accounts);
        let borrowed: Vec<&Observation> = looks.iter().map(AsRef::as_ref).collect();
        let credentials = if stored.revocation.kind.is_about_a_secret() {
            credential::follow(&stored.life.credentials, &accounts, &borrowed)
        } else {
            Vec::new()
        };
        let standings: Vec<&Standing> = credentials.iter().map(|held| &held.standing).collect();
        let (revocation, servers) = (&stored.revocation.id, &config.servers());
        let rotation = Rotation { revocation, credentials: &standings, servers };
        let question = Question {
            kind: stored.revocation.kind,
            accounts: &accounts,
            names: &names,
            roles: &roles,
            unmapped: &unmapped,
            no_account: has_no_account(stored, &config),
            not_required: &config.not_required,
            known_as: &known_as,
            gone_since: newest_judged.life.gone_since,
            rotation: Some(rotation),
        };
        let elsewhere: Vec<&Observation> = external.iter().map(AsRef::as_ref).collect();
        let person = person_of(stored, &config);
        let required = self.required(stored, &config, &looks).await?;
        let further = Further {
            person: Some(&person),
            external: &elsewhere,
            required: &required,
            new_owner: stored.revocation.new_owner.as_deref(),
            verified: stored.life.state == crate::domain::revocation::State::Verified,
        };
        let judged = judge_further(&question, &further, &borrowed);
        let judged = if held { under_hold(judged) } else { judged };
        let asked = |look: &&&Observation| {
            look.probing.declared.iter().any(|declared| declared.applies(&person))
        };
        let borrowed: Vec<&Observation> =
            borrowed.iter().chain(elsewhere.iter().filter(asked)).copied().collect();
        if self.rests_on_memory(&newest_judged, &judged, &borrowed, &config, held) {
            return Ok(None);
        }
        if !system {
            self.count(target, stored, &judged, &borrowed, &config);
        }
        let id = &stored.revocation.id;
        let waited = self.steady.waited(id, &newest_judged.life, config.verification_delay);
        let look = Look { credentials, held, waited, ..moves::look_of(&judged, &borrowed) };
        let step =
            moves::plan(&newest_judged, accounts, judged, &look, &borrowed, &config, clock::now());
        if let Some(step) = &step {
            self.steady.follow(id, &step.life);
        }
        Ok(Some((look.started_at, step)))
    }

    /// The revocation as it is before this judgement, without what no longer holds.
    fn newest_judged(&self, stored: &Stored, accounts: &[Account]) -> Stored {
        let mut newest = stored.clone();
        if moves::forget_the_future(&mut newest.life, clock::now()) {
            tracing::warn!(
                revocation = stored.revocation.id,
                "the clock went back: what was known of it lies in the future"
            );
        }
        moves::forget_for_others(&mut newest.life, &stored.accounts, accounts);
        let at = self.board.judged(&stored.revocation.id).filter(|at| *at <= clock::now());
        newest.life.last_look_at = newest.life.last_look_at.max(at);
        newest
    }

    /// Whether the judgement would decide something while it rests on access lists that an earlier look read.
    /// Then those looks are asked for that read everything, and nothing is decided before.
    fn rests_on_memory(
        &self,
        stored: &Stored,
        judged: &Judgement,
        looks: &[&Observation],
        config: &Config,
        held: bool,
    ) -> bool {
        let terms = moves::terms_for(stored, judged, config);
        let remembered = moves::remembered(stored, judged, looks, &terms, held);
        for look in &remembered {
            self.board.ask_whole(&look.target);
        }
        !remembered.is_empty()
    }

    async fn show_levels(&self) -> Result<(), StoreError> {
        let watched = self.watched().await?;
        let mut levels = levels::levels(&watched, &self.config.current());
        self.add_exceptions(&mut levels).await?;
        emergency::count(&mut levels, &watched, clock::now());
        self.metrics.set_levels(levels);
        self.show_canaries().await
    }
}
