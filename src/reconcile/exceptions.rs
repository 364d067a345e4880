//! Exceptions end by themselves, at their instants, whether or not anybody looks; and what is under a legal hold.

use super::question::{names_of, targets_of};
use super::together::TOGETHER;
use super::{BREATH, Reconciler, locked};
use crate::audit::record::{self, About};
use crate::clock;
use crate::domain::exception::{self, Exception, ExceptionKind, Phase, Rules, Turn, next_instant};
use crate::domain::lifecycle::Life;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::metrics::Levels;
use crate::store::{Move, NewRecord, StoreError, Stored};
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The clock may be set, so nobody sleeps longer than this without looking at it.
const LONGEST: Duration = Duration::from_secs(5);
/// While a break-glass is open, its targets are looked at so many times as often.
const CLOSER: u32 = 4;
/// But not more often than this.
const CLOSEST: Duration = Duration::from_secs(1);

impl Reconciler {
    /// Ends exceptions at their instants, until stopped.
    ///
    /// # Errors
    /// When the journal is gone. A store that is away is asked again.
    pub async fn run_exceptions(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut landings = self.journal.landings();
        loop {
            let next = match self.expire_all().await {
                Ok(next) => {
                    self.trouble.is_over("exceptions do not end");
                    next
                }
                Err(error) => {
                    let error = format!("{:#}", anyhow::Error::new(error));
                    if self.trouble.is("exceptions do not end", error.as_str()) {
                        tracing::warn!(error, "exceptions could not be ended");
                    }
                    None
                }
            };
            let rest = next.map_or(LONGEST, |at| at.since(clock::now()).min(LONGEST));
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(rest.max(Duration::from_millis(20))) => {}
                changed = landings.changed() => {
                    changed.context("the journal is gone")?;
                    // Records come in crowds.
                    tokio::select! {
                        () = stop.cancelled() => return Ok(()),
                        () = tokio::time::sleep(rest.min(BREATH)) => {}
                    }
                }
            }
        }
    }

    /// Ends what is over; gives the next instant at which something will be.
    pub(super) async fn expire_all(&self) -> Result<Option<UtcTime>, StoreError> {
        let (now, config) = (clock::now(), self.in_force());
        let rules = config.exception_rules();
        let all = self.with_exceptions().await?;
        let moves: Vec<Move> =
            all.iter().filter_map(|stored| expired(stored, now, &rules)).collect();
        for some in moves.chunks(TOGETHER) {
            for answer in self.advance(some).await? {
                match answer {
                    // Somebody moved it first; it is looked at again at once.
                    Ok(_) | Err(StoreError::Conflict { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if !moves.is_empty() {
            self.board.ask();
        }
        let next = all.iter().filter_map(|stored| next_instant(&stored.life)).min();
        Ok(if moves.is_empty() { next } else { Some(now) })
    }

    /// Revocations with an exception of which something is to come: those that are watched, and a few others.
    async fn with_exceptions(&self) -> Result<Vec<Arc<Stored>>, StoreError> {
        let open = self.journal.store.exceptions_open().await?;
        if open.is_empty() {
            return Ok(Vec::new());
        }
        let mut left: BTreeSet<String> = open.into_iter().collect();
        let mut all = self.watched().await?;
        all.retain(|stored| left.remove(&stored.revocation.id));
        for id in left {
            let found = self.journal.store.revocation(&id).await?;
            all.extend(found.map(|found| Arc::new(found.stored)));
        }
        Ok(all)
    }

    /// Adds the exceptions to the levels.
    pub(super) async fn add_exceptions(&self, levels: &mut Levels) -> Result<(), StoreError> {
        let now = clock::now();
        for stored in self.with_exceptions().await? {
            count(levels, &stored, now);
        }
        Ok(())
    }

    /// Notes on which targets a break-glass is open.
    pub(super) fn note_open_glass(&self, watched: &[Arc<Stored>]) {
        let (config, now) = (self.in_force(), clock::now());
        let mut targets = BTreeSet::new();
        for stored in watched.iter().filter(|stored| has_open_glass(&stored.life, now)) {
            let names = names_of(stored, &config);
            targets.extend(targets_of(stored, &names, &config).into_iter().map(str::to_owned));
        }
        *locked(&self.closer) = targets;
    }

    /// Time between two looks at `target`.
    pub(super) fn interval(&self, target: &str) -> Duration {
        let usual = self.in_force().look_interval;
        if locked(&self.closer).contains(target) {
            usual.min(CLOSEST.max(usual / CLOSER))
        } else {
            usual
        }
    }
}

/// The move of a revocation whose exceptions are over by `now`.
fn expired(stored: &Stored, now: UtcTime, rules: &Rules) -> Option<Move> {
    let Turn { revocation, life } =
        exception::expire(&stored.revocation, &stored.life, now, rules)?;
    let about = About { revocation: &revocation, subject: &stored.subject_id, at: now };
    let records = record::exceptions(&about, &stored.life, &life)
        .into_iter()
        .map(|(kind, body)| NewRecord { kind, body })
        .collect();
    Some(Move {
        from: stored.clone(),
        accounts: stored.accounts.clone(),
        evidence: None,
        before: Vec::new(),
        records,
        notice: None,
        at: now,
        watch_until: stored.watch_until,
        revocation,
        life,
    })
}

/// Whether a break-glass is open, as far as was committed.
pub(super) fn has_open_glass(life: &Life, now: UtcTime) -> bool {
    let glass = |one: &Exception| one.kind == ExceptionKind::BreakGlass && one.in_force_at(now);
    life.exceptions.iter().any(glass)
}

/// Subjects whose data are under a legal hold. That looks better, so the log has to have it; and that it ended looks
/// worse, and counts at once.
pub(super) fn held(watched: &[Arc<Stored>]) -> BTreeSet<&str> {
    let on = |life: &Life| life.exceptions.iter().any(|one| one.holds() && one.in_force());
    watched
        .iter()
        .filter(|stored| on(&stored.life) && stored.landed.as_deref().is_some_and(on))
        .map(|stored| stored.subject_id.as_str())
        .collect()
}

/// Whether `stored` is judged under a hold of its subject. What is verified is not: ownership that is back has
/// regressed, and the hold says nothing against that.
pub(super) fn is_held(stored: &Stored, held: &BTreeSet<&str>) -> bool {
    held.contains(stored.subject_id.as_str()) && stored.life.state != State::Verified
}

/// Adds the exceptions of one revocation. That one is in force, or was not reviewed, looks worse than that it is not:
/// it counts if it is so in what was committed or in what the log holds.
fn count(levels: &mut Levels, stored: &Stored, now: UtcTime) {
    let none: &[Exception] = &[];
    let landed = stored.landed.as_deref().map_or(none, |life| &life.exceptions);
    for one in &stored.life.exceptions {
        let was = landed.iter().find(|was| was.id == one.id);
        let kind = one.kind.as_str();
        let either = |so: &dyn Fn(&Exception) -> bool| so(one) || was.is_some_and(so);
        if either(&Exception::in_force) {
            *levels.exceptions.entry(kind).or_default() += 1;
            let ends = was.filter(|was| was.in_force()).unwrap_or(one).until;
            if let Some(at) = ends.map(UtcTime::seconds) {
                let next = levels.next_expiry.entry(kind).or_insert(at);
                *next = next.min(at);
            }
        }
        if either(&|one| one.phase == Phase::Requested) {
            *levels.exceptions_pending.entry(kind).or_default() += 1;
        }
        if either(&|one| one.review_overdue(now)) {
            *levels.reviews_overdue.entry(kind).or_default() += 1;
        }
    }
}

#[cfg(test)]
#[path = "exceptions_tests.rs"]
mod tests;
