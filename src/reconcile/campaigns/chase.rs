//! One turn of a campaign, in memory: what is listed, seen and due, and the records of it.

use crate::audit::record::{self, AboutCampaign};
use crate::clock;
use crate::config::{Campaign, Chaser};
use crate::domain::campaign::{Consumer, Hand, Kept, Listed, Standing, nudges, tally};
use crate::domain::time::UtcTime;
use crate::store::{CampaignRow, ChangedConsumer, KeptConsumer, NewRecord, Swept};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Who says what a list says.
const LIST: &str = "list";
/// A use that changes nothing else is written at most this often.
const WRITTEN: Duration = Duration::from_secs(60);

/// A turn.
pub(super) struct Chase<'a> {
    chaser: &'a Chaser,
    campaign: &'a Campaign,
    row: &'a CampaignRow,
    now: UtcTime,
    slot: UtcTime,
    swept: Swept,
    consumers: Vec<KeptConsumer>,
    /// Ids of those that have to be written, with the newest record of each.
    changed: BTreeMap<String, Option<String>>,
    notes: Vec<(String, NewRecord)>,
    /// Claims before the turn, by id.
    claims: BTreeMap<String, Option<UtcTime>>,
    /// The sweep of this turn, told once everything else of it is known.
    told: Option<bool>,
}

/// What a turn changes.
pub(super) struct Changes {
    pub(super) swept: Swept,
    pub(super) consumers: Vec<ChangedConsumer>,
    pub(super) notes: Vec<(String, NewRecord)>,
}

/// What comes of a turn.
pub(super) struct Done {
    /// What has to be written, if anything has.
    pub(super) changes: Option<Changes>,
    /// What is known of the consumers now.
    pub(super) known: Vec<KeptConsumer>,
}

impl<'a> Chase<'a> {
    pub(super) fn begin(
        chaser: &'a Chaser,
        campaign: &'a Campaign,
        row: &'a CampaignRow,
        known: &[KeptConsumer],
        now: UtcTime,
    ) -> Self {
        // Who had it in hand is forgotten with that.
        let mut swept = row.swept.clone();
        swept.acknowledged.retain(|_, known| known.rests(now));
        let claims = known.iter().map(|one| (one.kept.id.clone(), one.kept.consumer.claimed_at));
        // One that was asked for has a slot of its own; what was due before is made with it.
        let asked = row.swept.asked.as_ref().map(|asked| asked.at);
        let slots =
            [Some(chaser.schedule.slot(now)), row.swept.slot, asked.filter(|at| *at <= now)];
        Self {
            chaser,
            campaign,
            row,
            now,
            slot: slots.into_iter().flatten().max().unwrap_or(now),
            swept,
            consumers: known.to_vec(),
            changed: BTreeMap::new(),
            notes: Vec::new(),
            claims: claims.collect(),
            told: None,
        }
    }

    /// A sweep is due that was not made.
    pub(super) fn is_due(&self) -> bool {
        self.swept.slot.is_none_or(|last| last < self.slot)
    }

    /// The newest sweep could not read the list.
    pub(super) fn is_unread(&self) -> bool {
        !self.swept.error.is_empty()
    }

    /// Takes the list over, or why there is none. Whoever is left out of it is not done by that.
    pub(super) fn sweep(&mut self, listed: Result<Vec<Listed>, String>) -> anyhow::Result<()> {
        let due = self.is_due();
        match listed {
            Ok(listed) => {
                self.take_over(&listed)?;
                self.swept.read_at = Some(self.now);
                self.swept.error.clear();
            }
            Err(error) => self.swept.error = error,
        }
        if due {
            self.swept.slot = Some(self.slot);
            self.swept.asked = None;
            self.swept.at = Some(self.now);
            self.told = Some(!self.is_unread());
        }
        Ok(())
    }

    fn take_over(&mut self, listed: &[Listed]) -> anyhow::Result<()> {
        let (deadline, now) = (self.campaign.deadline, self.now);
        let mut by_name: BTreeMap<&str, &Listed> =
            listed.iter().map(|one| (one.name.as_str(), one)).collect();
        for one in &mut self.consumers {
            let before = one.kept.consumer.clone();
            match by_name.remove(before.name.as_str()) {
                Some(listed) => one.kept.consumer.list(listed, deadline, now),
                None => one.kept.consumer.listed = false,
            }
            if one.kept.consumer != before {
                self.changed.entry(one.kept.id.clone()).or_default();
            }
        }
        for listed in by_name.into_values() {
            let id = clock::new_id("con", now)?;
            let consumer = Consumer::new(listed, deadline, now);
            self.changed.insert(id.clone(), None);
            self.claims.insert(id.clone(), None);
            self.consumers.push(KeptConsumer { kept: Kept { id, consumer }, landed: true });
        }
        Ok(())
    }

    /// Takes over whose sessions a look that began at `at` saw.
    pub(super) fn see(&mut self, used: &BTreeSet<String>, at: UtcTime) {
        for one in &mut self.consumers {
            let consumer = &mut one.kept.consumer;
            let is = |role: &Option<String>| role.as_ref().is_some_and(|role| used.contains(role));
            let (old, new) = (is(&consumer.old_role), is(&consumer.new_role));
            let stale = |was: Option<UtcTime>| was.is_none_or(|was| at.since(was) >= WRITTEN);
            if (old && stale(consumer.old_used_at)) || (new && stale(consumer.new_used_at)) {
                self.changed.entry(one.kept.id.clone()).or_default();
            }
            consumer.see(old, new, at);
        }
    }

    /// Moves everybody to where they stand, with a record of each move.
    pub(super) fn settle(&mut self) -> anyhow::Result<()> {
        let (name, now) = (self.campaign.name.as_str(), self.now);
        for one in &mut self.consumers {
            let consumer = &mut one.kept.consumer;
            let id = &one.kept.id;
            let moved = consumer.step(now).is_some();
            let before = self.claims.get(id).copied().flatten();
            let claimed = consumer.claimed_at != before;
            let mut note = |kind, body| -> anyhow::Result<()> {
                let record = clock::new_id("cmp", now)?;
                self.changed.insert(id.clone(), Some(record.clone()));
                self.notes.push((record, NewRecord { kind, body }));
                Ok(())
            };
            if claimed {
                note("consumer_claimed", record::consumer_claimed(name, id, LIST, now))?;
            }
            if moved && !(claimed && consumer.standing == Standing::Claimed) {
                note("consumer_observed", record::consumer_observed(name, id, consumer, now))?;
            }
            if claimed || moved {
                one.landed = false;
            }
        }
        if let Some(read) = self.told.take() {
            self.tell(read)?;
        }
        Ok(())
    }

    fn about(&self) -> AboutCampaign<'a> {
        let asked = self.row.swept.asked.as_ref();
        AboutCampaign {
            campaign: &self.campaign.name,
            old: &self.campaign.old,
            new: &self.campaign.new,
            slot: self.slot,
            at: self.now,
            asked_by: asked.filter(|asked| asked.at <= self.slot).map(|asked| asked.by.as_str()),
        }
    }

    fn tell(&mut self, read: bool) -> anyhow::Result<()> {
        let all = self.consumers.iter().map(|one| &one.kept.consumer);
        let tally = tally(all.map(|one| (one, one.standing)), self.chaser.bounds, self.now);
        let body = record::campaign_swept(
            &self.about(),
            self.campaign.deadline,
            self.row.swept.slot,
            (read, self.swept.read_at),
            &tally,
        );
        let id = clock::new_id("swp", self.now)?;
        self.notes.push((id, NewRecord { kind: "campaign_swept", body }));
        Ok(())
    }

    /// What somebody has in hand of a team's consumers.
    fn hand(&self, team: &str) -> Option<Hand> {
        let known = self.swept.acknowledged.get(team)?;
        Some(Hand { at: known.at, asked_in: known.up_to() })
    }

    /// Reminds each team that was not reminded in this sweep and may be disturbed now, but of what somebody has in hand.
    /// Nobody is reminded by a list that could not be read.
    pub(super) fn remind(&mut self) -> anyhow::Result<()> {
        if self.swept.slot != Some(self.slot) || self.is_unread() {
            return Ok(());
        }
        let teams = self.consumers.iter().map(|one| &one.kept.consumer.team);
        let mut due: BTreeSet<String> = teams
            .filter(|team| self.swept.teams.get(*team).is_none_or(|done| *done < self.slot))
            .filter(|team| !self.chaser.is_quiet(team, self.now))
            .cloned()
            .collect();
        if due.is_empty() {
            return Ok(());
        }
        let all: Vec<Kept> = self.consumers.iter().map(|one| one.kept.clone()).collect();
        let is_due = |team: &str| due.contains(team);
        let told = nudges(&all, self.chaser.bounds, self.now, is_due, |team| self.hand(team));
        // Where somebody has all of it in hand and nobody is told, the team is reminded in this sweep still, once that is over.
        due.retain(|team| {
            let is_told = told.iter().any(|nudge| nudge.team == *team);
            is_told || !self.swept.acknowledged.contains_key(team)
        });
        for nudge in told {
            let zone = self.chaser.zone_of(&nudge.team);
            let body = record::nudge_sent(&self.about(), &nudge, zone);
            let id = clock::new_id("nud", self.now)?;
            for one in
                self.consumers.iter_mut().filter(|one| nudge.consumers.contains(&one.kept.id))
            {
                one.kept.consumer.nudges = one.kept.consumer.nudges.saturating_add(1);
                one.kept.consumer.nudged_at = Some(self.now);
                one.landed = false;
                self.changed.insert(one.kept.id.clone(), Some(id.clone()));
            }
            self.notes.push((id, NewRecord { kind: "nudge_sent", body }));
        }
        let slot = self.slot;
        self.swept.teams.extend(due.into_iter().map(|team| (team, slot)));
        Ok(())
    }

    pub(super) fn end(self) -> Done {
        let same = self.swept == self.row.swept && self.changed.is_empty() && self.notes.is_empty();
        let moved = |one: &KeptConsumer| {
            let record = self.changed.get(&one.kept.id)?.clone();
            Some(ChangedConsumer { kept: one.kept.clone(), record })
        };
        let consumers = self.consumers.iter().filter_map(moved).collect();
        let changes =
            (!same).then_some(Changes { consumers, swept: self.swept, notes: self.notes });
        Done { changes, known: self.consumers }
    }
}

#[cfg(test)]
#[path = "chase_tests.rs"]
mod tests;
