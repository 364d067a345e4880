//! The canary of a target: judged by each look before anything else is judged by it.

use super::question::{names_of, targets_of};
use super::together::TOGETHER;
use super::{Reconciler, locked};
use crate::audit::record::{self, About, AboutCanary};
use crate::clock;
use crate::config::Config;
use crate::domain::canary::{Canary, News, Watch, doubted, sight};
use crate::domain::observation::Observation;
use crate::domain::time::UtcTime;
use crate::metrics::CanaryLevel;
use crate::store::{Move, NewRecord, StoreError, Stored, StoredCanary};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The newest look that found the canary of each target. The store learns of it from time to time only.
pub(super) type Seen = Mutex<BTreeMap<String, UtcTime>>;

/// What is planted on `target`, if anything.
pub(super) fn canary_of<'a>(config: &'a Config, target: &str) -> Option<&'a Canary> {
    config.target(target)?.canary.as_ref()
}

impl Reconciler {
    /// What `look` says of its target's canary, and what follows: while the canary is missed, the look proves no
    /// absence, and what was proved since it was last found on record is open again.
    ///
    /// # Errors
    /// When the store does not take it. Nothing is lost: the next look says it anew.
    pub(super) async fn watch_canary(&self, look: &mut Observation) -> Result<(), StoreError> {
        let config = self.in_force();
        let target = look.target.clone();
        let Some(canary) = canary_of(&config, &target) else { return Ok(()) };
        let _turn = self.turn.lock().await;
        let kept = self.kept_canary(&target).await?;
        if let Some(kept) = kept.as_ref().filter(|kept| kept.watch.missed_at.is_some()) {
            // A kill may have come in between, and a canary found again must not hide what was left to do.
            self.doubt(kept, &config).await?;
        }
        let before = self.watch_of(&target, kept.as_ref(), look.started_at);
        let (watch, news) = before.step(canary, sight(canary, look), look.started_at);
        if let Some(seen) = watch.seen_at {
            locked(&self.canaries).insert(target.clone(), seen);
        }
        let stale =
            |kept: &StoredCanary| kept.watch != watch && kept.watch.due(canary, look.started_at);
        if news.is_some() || kept.as_ref().is_none_or(stale) {
            let about = AboutCanary {
                canary,
                target: &target,
                system_identifier: look.server.as_ref().map(|server| server.system_identifier),
                as_of: look.started_at,
                at: clock::now(),
            };
            let record = self.keep(&about, &watch, news.as_ref()).await?;
            if watch.missed_at.is_some() {
                self.doubt(
                    &StoredCanary { target, watch: watch.clone(), record, landed: false },
                    &config,
                )
                .await?;
            }
        }
        look.gaps.extend(watch.gaps(canary, &look.target));
        Ok(())
    }

    /// Whether the next look at `target` has to read everything, so that its canary can be found in it.
    pub(super) async fn canary_due(&self, target: &str) -> Result<bool, StoreError> {
        let config = self.in_force();
        let Some(canary) = canary_of(&config, target) else { return Ok(false) };
        let kept = self.kept_canary(target).await?;
        let now = clock::now();
        Ok(self.watch_of(target, kept.as_ref(), now).due(canary, now))
    }

    async fn kept_canary(&self, target: &str) -> Result<Option<StoredCanary>, StoreError> {
        let all = self.journal.store.canaries().await?;
        Ok(all.into_iter().find(|kept| kept.target == target))
    }

    /// The watch as it is now: as kept, with the newest detection that this process knows of.
    fn watch_of(&self, target: &str, kept: Option<&StoredCanary>, at: UtcTime) -> Watch {
        let Some(kept) = kept else { return Watch::begun(at) };
        let seen = locked(&self.canaries).get(target).copied();
        Watch { seen_at: kept.watch.seen_at.max(seen), ..kept.watch.clone() }
    }

    /// Commits the watch, with its record if there is news. Gives the record's id.
    async fn keep(
        &self,
        about: &AboutCanary<'_>,
        watch: &Watch,
        news: Option<&News>,
    ) -> Result<Option<String>, StoreError> {
        let target = about.target;
        let note = news.map(|news| match news {
            News::Detected { missed_at } => NewRecord {
                kind: "canary_detected",
                body: record::canary_detected(about, *missed_at),
            },
            News::Missed { missing } => NewRecord {
                kind: "canary_missed",
                body: record::canary_missed(about, watch, missing),
            },
        });
        let id = format!("canary_{target}_{:014x}", about.at.micros());
        let note = note.as_ref().map(|note| (id.as_str(), note));
        self.journal.store.keep_canary(target, watch, note, about.at).await?;
        match news {
            Some(News::Missed { .. }) => tracing::warn!(target, "the canary is missed"),
            Some(News::Detected { missed_at: Some(_) }) => {
                tracing::info!(target, "the canary is found again");
            }
            Some(News::Detected { missed_at: None }) | None => {}
        }
        self.journal.wake();
        Ok(news.map(|_| id))
    }

    /// Takes back what was proved on this target since its canary was last found on record. Whoever amends a
    /// revocation at the same time goes first.
    async fn doubt(&self, missed: &StoredCanary, config: &Config) -> Result<(), StoreError> {
        loop {
            let watched = self.watched().await?;
            let moves: Vec<Move> = watched
                .iter()
                .filter(|stored| {
                    let names = names_of(stored, config);
                    targets_of(stored, &names, config).contains(missed.target.as_str())
                })
                .filter_map(|stored| taken_back(stored, missed, clock::now()))
                .collect();
            if moves.is_empty() {
                return Ok(());
            }
            for some in moves.chunks(TOGETHER) {
                for answer in self.advance(some).await? {
                    match answer {
                        Ok(_) | Err(StoreError::Conflict { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
                // There may be many, and others have something to do as well.
                tokio::task::yield_now().await;
            }
        }
    }

    /// Shows the canaries, and forgets those that are configured no more: one that comes back later begins anew.
    pub(super) async fn show_canaries(&self) -> Result<(), StoreError> {
        let config = self.in_force();
        let mut levels = BTreeMap::new();
        for kept in self.journal.store.canaries().await? {
            if canary_of(&config, &kept.target).is_none() {
                locked(&self.canaries).remove(&kept.target);
                self.journal.store.forget_canary(&kept.target).await?;
                continue;
            }
            let before = self.metrics.canary(&kept.target).unwrap_or_default();
            let seen = self.watch_of(&kept.target, Some(&kept), kept.watch.since).seen_at;
            // What looks better waits until its record is in the log.
            let level = CanaryLevel {
                missing: if kept.landed || kept.watch.missed_at.is_some() {
                    Some(kept.watch.missed_at.is_some())
                } else {
                    before.missing
                },
                detected: if kept.landed { seen.map(UtcTime::seconds) } else { before.detected },
            };
            levels.insert(kept.target, level);
        }
        self.metrics.set_canaries(levels);
        Ok(())
    }
}

/// The move of a revocation that rests on looks which nothing on record vouches for.
fn taken_back(stored: &Stored, missed: &StoredCanary, now: UtcTime) -> Option<Move> {
    let life = doubted(&stored.life, missed.watch.vouched_until())?;
    let about = About { revocation: &stored.revocation, subject: &stored.subject_id, at: now };
    let canary = missed.record.as_deref();
    let body = record::doubted(&about, &missed.target, &missed.watch, canary, &stored.life);
    Some(Move {
        from: stored.clone(),
        revocation: stored.revocation.clone(),
        accounts: stored.accounts.clone(),
        life,
        evidence: None,
        before: Vec::new(),
        records: vec![NewRecord { kind: "canary_missed", body }],
        notice: None,
        at: now,
        watch_until: stored.watch_until,
    })
}
