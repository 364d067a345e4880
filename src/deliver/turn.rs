//! One turn: what became old, what becomes a digest, and what is sent now.

use super::group::{self, LATE, crowds, is_shared, is_spaced};
use super::{Receiver, Worker};
use crate::clock;
use crate::domain::delivery::{Gate, Standing, Topic};
use crate::domain::time::UtcTime;
use crate::store::{Delivery, Group, StoreError};
use std::collections::BTreeMap;
use std::time::Duration;

/// Rows that are read at once.
const READ: i64 = 1_000;
/// Rows that are sent in a turn, before it is looked what else is due.
const SENT: usize = 20;
/// Wait where something is due and cannot be sent now.
const BLOCKED: Duration = Duration::from_secs(1);
/// Openings go on in the same thread for so many intervals.
const OPENINGS: u32 = 4;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It was sent, looked up or settled.
    Done,
    /// It became part of a digest.
    Grouped,
    /// Its time has not come.
    Blocked,
}

impl<R: Receiver> Worker<R> {
    /// Sends what may be sent. Gives how long there is nothing to do. `orphans`: what somebody was sending was this
    /// agent's, before it ended.
    pub(super) async fn turn(&mut self, orphans: bool) -> Result<Duration, StoreError> {
        let now = clock::now();
        let (store, name) = (self.journal.store.clone(), self.receiver.name().to_owned());
        store.outbox_recover(&name, (!orphans).then_some(now), now).await?;
        store.outbox_tidy(&name, now).await?;
        self.give_up_the_old(now).await?;
        self.held.retain(|_, until| *until > now);
        self.parked.retain(|_, until| *until > now);
        match self.circuit.gate(now) {
            Gate::Shut(until) => return Ok(until.since(now)),
            Gate::Probe => {
                if !self.probed(now).await {
                    return Ok(BLOCKED);
                }
            }
            Gate::Open => {}
        }
        while self.crowd_together(now).await? {}
        let heads = store.outbox_heads(&name, clock::now(), READ).await?;
        let (mut done, mut blocked) = (0, false);
        for head in &heads {
            if done == SENT || self.stop.is_cancelled() {
                return Ok(Duration::ZERO);
            }
            if self.circuit.gate(clock::now()) != Gate::Open {
                return Ok(BLOCKED.min(self.manner.open_for()));
            }
            match self.step(head).await? {
                Step::Blocked => blocked = true,
                Step::Done | Step::Grouped => done += 1,
            }
        }
        if done > 0 {
            return Ok(Duration::ZERO);
        }
        if blocked {
            return Ok(self.blocked_for(clock::now()));
        }
        let next = store.outbox_next(&name).await?;
        Ok(next.map_or(Duration::MAX, |at| at.since(clock::now()).max(Duration::from_millis(20))))
    }

    /// What was not sent while it was worth sending one by one is told of in a digest.
    async fn give_up_the_old(&mut self, now: UtcTime) -> Result<(), StoreError> {
        let (store, name) = (&self.journal.store, self.receiver.name());
        // What becomes old while the log is caught up with is told together, also to whom nothing else is gathered for.
        let wait = self.manner.gather.max(self.manner.pace.0.saturating_mul(5));
        loop {
            let old = store.outbox_expired(name, now, READ).await?;
            if old.is_empty() {
                return Ok(());
            }
            let id = new_digest(now);
            let group = Group {
                id: &id,
                lane: LATE,
                reason: "",
                rows: &old,
                standing: Standing::Expired,
                joins: false,
                due_at: now.plus(wait),
            };
            if !store.outbox_group(name, group, now).await? {
                return Ok(());
            }
            tracing::warn!(messages = old.len(), receiver = name, "messages are told late");
        }
    }

    /// Makes digests of what is too much to be told one by one. True: there may be more of it.
    async fn crowd_together(&mut self, now: UtcTime) -> Result<bool, StoreError> {
        if self.receiver.takes_each() {
            return Ok(false);
        }
        let (store, name) = (self.journal.store.clone(), self.receiver.name());
        let heads = store.outbox_heads(name, now.plus(self.manner.gather), READ).await?;
        let mut places = BTreeMap::new();
        for head in &heads {
            let to = self.receiver.destination(&self.journal, head).await?;
            places.insert(head.id.as_str(), to);
        }
        let to = |one: &Delivery| places.get(one.id.as_str()).cloned().unwrap_or_default();
        // Whoever comes while a crowd is still coming belongs to it.
        let soon = self.manner.gather.saturating_mul(2) + Duration::from_secs(1);
        let coming = |to: &str| self.openings.get(to).is_some_and(|(_, at)| now.since(*at) < soon);
        let over = |topic: Topic, to: &str| {
            if topic == Topic::Opened && coming(to) { 0 } else { self.manner.digest_over }
        };
        let all = crowds(&heads, now, over, to);
        let mut any = false;
        for crowd in all {
            let id = new_digest(now);
            let joins = crowd.topic == Topic::Opened;
            let going = self.openings.get(&crowd.destination);
            let fresh = self.manner.digest_interval.saturating_mul(OPENINGS);
            let going = going.filter(|(_, at)| joins && now.since(*at) < fresh);
            let lane = going.map_or_else(|| id.clone(), |(lane, _)| lane.clone());
            let reason = crowd.rows.first().map_or("", |row| row.reason.as_str());
            let rows = &crowd.rows;
            let group = Group {
                id: &id,
                lane: &lane,
                reason,
                rows,
                standing: Standing::Carried,
                joins,
                due_at: now,
            };
            if !store.outbox_group(name, group, now).await? {
                return Ok(false);
            }
            if joins {
                self.openings.insert(crowd.destination, (lane, now));
            }
            any = true;
        }
        Ok(any && i64::try_from(heads.len()).unwrap_or(0) == READ)
    }

    /// Sends a row, looks it up, or makes it part of a digest.
    async fn step(&mut self, head: &Delivery) -> Result<Step, StoreError> {
        let now = clock::now();
        let (store, name) = (self.journal.store.clone(), self.receiver.name().to_owned());
        let name = name.as_str();
        // Where each goes by itself its thread does not say where, and is not read for a thousand that cannot be sent.
        if self.receiver.takes_each() && self.is_shut(&self.place(head, None).await?) {
            return Ok(Step::Blocked);
        }
        let thread = store.thread(name, &head.lane).await?;
        if self.is_shut(&self.place(head, thread.remote.as_deref()).await?) {
            return Ok(Step::Blocked);
        }
        let fresh = head.row.standing == Standing::Due && head.row.attempts == 0;
        if fresh && is_shared(&head.lane) && !self.receiver.takes_each() {
            let due = store.outbox_lane(name, &head.lane, READ).await?;
            let due: Vec<Delivery> = due
                .into_iter()
                .take_while(|row| row.row.attempts == 0 && row.row.due_at <= now)
                .collect();
            let urgent = due.iter().any(|row| row.topic.is_urgent()) || self.tells(head).await?;
            let quiet = thread.told_at.filter(|_| is_spaced(&head.lane) && !urgent);
            if quiet.is_some_and(|at| now.since(at) < self.manner.digest_interval) {
                return Ok(Step::Blocked);
            }
            // What comes after a digest that is not sent yet may follow from what that tells.
            let rows: Vec<Delivery> =
                due.into_iter().take_while(|row| row.topic != Topic::Digest).collect();
            if rows.len() > 1 {
                let id = new_digest(now);
                let group = Group {
                    id: &id,
                    lane: &head.lane,
                    reason: &head.reason,
                    rows: &rows,
                    standing: Standing::Carried,
                    joins: false,
                    due_at: now,
                };
                store.outbox_group(name, group, now).await?;
                return Ok(Step::Grouped);
            }
        }
        self.deliver(head, &thread).await?;
        Ok(Step::Done)
    }
}

impl<R: Receiver> Worker<R> {
    /// Where a row goes, whose thread begins at `remote`.
    pub(super) async fn place(
        &self,
        row: &Delivery,
        remote: Option<&str>,
    ) -> Result<String, StoreError> {
        match remote.filter(|_| !self.receiver.takes_each()) {
            Some(remote) => Ok(self.receiver.destination_of(remote).to_owned()),
            None => self.receiver.destination(&self.journal, row).await,
        }
    }

    /// Nothing goes there now.
    fn is_shut(&self, to: &str) -> bool {
        self.held.contains_key(to) || self.parked.contains_key(to)
    }

    /// How long nothing can be sent of what is due.
    fn blocked_for(&self, now: UtcTime) -> Duration {
        let usual = BLOCKED.min(self.manner.pace.0.max(Duration::from_millis(50)));
        // There, nothing is due but what is shut: whatever lands meanwhile ends the wait.
        let ends = self.held.values().chain(self.parked.values()).min();
        let end = ends.filter(|_| self.receiver.takes_each());
        end.map_or(usual, |at| at.since(now).max(usual))
    }

    /// Whether a digest tells anything urgent.
    async fn tells(&self, head: &Delivery) -> Result<bool, StoreError> {
        if head.topic != Topic::Digest {
            return Ok(false);
        }
        let counts = self.journal.store.outbox_counts(&head.id).await?;
        let topics = counts.iter().filter_map(|(topic, _, _, _)| Topic::from_word(topic));
        Ok(topics.into_iter().any(Topic::is_urgent))
    }
}

/// An id of a digest, which is the name of the thread that it begins too.
fn new_digest(now: UtcTime) -> String {
    clock::new_id(group::LATE.trim_end_matches("_late"), now)
        .unwrap_or_else(|_| format!("dig_{:014x}", now.micros()))
}
