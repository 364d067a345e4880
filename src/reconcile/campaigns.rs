//! Rotation campaigns: their sweeps, what looks see of their consumers, and who is reminded.
//!
//! What a sweep decides is one transaction: counts and times of reminders, the records of it, and what is told. A sweep that
//! was missed is made once, and one that was made is never made again.

mod chase;
mod list;
mod preview;

use super::Reconciler;
use crate::clock;
use crate::config::{Campaign, Chaser, Config};
use crate::domain::campaign::{Consumer, Tally, tally};
use crate::domain::time::UtcTime;
use crate::external::tracker::{Tracked, track};
use crate::metrics::CampaignLevel;
use crate::store::{CampaignMove, CampaignRow, ChangedConsumer, KeptConsumer, StoreError, Swept};
use anyhow::Context as _;
use chase::Chase;
pub(crate) use list::listed;
pub(crate) use preview::{Preview, preview};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Time between two turns; shorter where sweeps are tried out.
const EVERY: Duration = Duration::from_secs(2);
/// A list that could not be read is asked for again after so long.
const AGAIN: Duration = Duration::from_secs(300);
/// What is known is read anew after so long, whoever changed it.
const FRESH: Duration = Duration::from_secs(10);

/// What is remembered of a campaign between two turns.
#[derive(Debug)]
struct Memory {
    version: i64,
    read: Instant,
    consumers: Vec<KeptConsumer>,
    /// Start of the newest look that was taken into account.
    looked: UtcTime,
    /// The list, or the table of the campaign, is not asked before.
    list_after: Option<Instant>,
    track_after: Option<Instant>,
}

/// What is remembered of all of them.
type Memories = HashMap<String, Memory>;

impl Reconciler {
    /// Sweeps every campaign when it is due, until stopped.
    ///
    /// # Errors
    /// None: what cannot be done now is tried again.
    pub async fn run_campaigns(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut memories = Memories::new();
        let mut forgets = Instant::now();
        loop {
            let config = self.config.current();
            let mut rest = EVERY;
            if forgets <= Instant::now() {
                forgets = Instant::now() + FRESH;
                if let Err(error) = self.forget_pressers(config.chaser.as_ref()).await {
                    tracing::debug!(error = error.to_string(), "who pressed is forgotten later");
                }
            }
            match &config.chaser {
                None => self.metrics.set_campaigns(None),
                Some(chaser) => {
                    rest = EVERY.min(chaser.schedule.every / 10);
                    let done = Box::pin(self.chase_all(&config, chaser, &mut memories)).await;
                    self.say_of("campaigns", "they are not gone through", done.err());
                }
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(rest.max(Duration::from_millis(100))) => {}
            }
        }
    }

    async fn chase_all(
        &self,
        config: &Config,
        chaser: &Chaser,
        memories: &mut Memories,
    ) -> anyhow::Result<()> {
        memories.retain(|name, _| chaser.campaign(name).is_some());
        let mut level = CampaignLevel::of(chaser.schedule.every.as_secs_f64());
        let mut failed = Ok(());
        for campaign in &chaser.campaigns {
            match self.chase_one(config, chaser, campaign, memories).await {
                Ok((row, tally)) => {
                    let at = row.swept.read_at.map_or(0.0, UtcTime::seconds);
                    level.add(at, &tally.standing, &tally.late);
                }
                // What nobody knows is not shown as good.
                Err(error) => {
                    memories.remove(&campaign.name);
                    failed = Err(error);
                }
            }
        }
        if failed.is_ok() {
            self.metrics.set_campaigns(Some(level));
        }
        failed
    }

    /// Forgets who had campaigns in hand that were taken out of the configuration: those have no turns that would.
    async fn forget_pressers(&self, chaser: Option<&Chaser>) -> Result<(), StoreError> {
        let (store, at) = (&self.journal.store, clock::now());
        for row in &store.campaigns().await? {
            let Some(swept) = forgotten(row, chaser, at) else { continue };
            let step = CampaignMove { from: row, swept: &swept, consumers: &[], notes: &[], at };
            // Where somebody else changed it meanwhile, it is done the next time.
            store.move_campaign(&step).await?;
        }
        Ok(())
    }

    /// One turn of a campaign. Gives it, and how its consumers are shown to stand.
    async fn chase_one(
        &self,
        config: &Config,
        chaser: &Chaser,
        campaign: &Campaign,
        memories: &mut Memories,
    ) -> anyhow::Result<(CampaignRow, Tally)> {
        let row = self.campaign_row(&campaign.name).await?;
        self.recall(&row, memories).await?;
        let memory = memories.get_mut(&campaign.name).context("a campaign was just read")?;
        let now = clock::now();
        let mut chase = Chase::begin(chaser, campaign, &row, &memory.consumers, now);
        let tried = memory.list_after.is_none_or(|after| after <= Instant::now());
        // While the log takes nothing, nobody is told: the sweep is made once it does.
        if !self.journal.blocked() {
            if chase.is_due() || (chase.is_unread() && tried) {
                let listed = listed(config, chaser, campaign).await;
                let wrong = listed.as_ref().err().cloned();
                memory.list_after = wrong.as_ref().map(|_| Instant::now() + AGAIN);
                let thing = format!("the list of campaign {}", campaign.name);
                self.say_of(&thing, "it cannot be read", wrong.map(anyhow::Error::msg));
                chase.sweep(listed)?;
            }
            if let Some((at, used)) = self.used_at(campaign, memory.looked) {
                chase.see(&used, at);
                memory.looked = at;
            }
            chase.settle()?;
            // Where nobody is told, nobody is reminded, and nothing counts as that.
            if config.slack.is_some() {
                chase.remind()?;
            }
        }
        let done = chase.end();
        if let Some(done) = done.changes {
            let step = CampaignMove {
                from: &row,
                swept: &done.swept,
                consumers: &done.consumers,
                notes: &done.notes,
                at: now,
            };
            if self.journal.store.move_campaign(&step).await? {
                self.journal.wake();
            }
            // Whether it was done or somebody else was faster: what is so now is read anew.
            let row = self.campaign_row(&campaign.name).await?;
            self.recall(&row, memories).await?;
        } else {
            memory.consumers = done.known;
        }
        let row = self.tracked(campaign, memories).await?;
        let known = memories.get(&campaign.name).map(|memory| memory.consumers.as_slice());
        let shown = known.unwrap_or_default().iter().map(|one| (&one.kept.consumer, one.shown()));
        Ok((row, tally(shown, chaser.bounds, now)))
    }

    async fn campaign_row(&self, name: &str) -> anyhow::Result<CampaignRow> {
        let store = &self.journal.store;
        let find = |rows: Vec<CampaignRow>| rows.into_iter().find(|row| row.name == name);
        if let Some(row) = find(store.campaigns().await?) {
            return Ok(row);
        }
        store.begin_campaign(name).await?;
        find(store.campaigns().await?).context("a campaign that was just begun is not there")
    }

    /// Reads the consumers anew where they may have changed. Uses that were seen and not written yet are not forgotten.
    async fn recall(&self, row: &CampaignRow, memories: &mut Memories) -> anyhow::Result<()> {
        let known = memories.get(&row.name);
        let fresh =
            |memory: &Memory| memory.version == row.version && memory.read.elapsed() < FRESH;
        if known.is_some_and(fresh) {
            return Ok(());
        }
        let mut consumers = self.journal.store.consumers(&row.name).await?;
        let before = memories.remove(&row.name);
        for one in &mut consumers {
            let of = |known: &&KeptConsumer| known.kept.id == one.kept.id;
            let Some(known) = before.iter().flat_map(|memory| &memory.consumers).find(of) else {
                continue;
            };
            let (seen, kept) = (&known.kept.consumer, &mut one.kept.consumer);
            kept.old_used_at = kept.old_used_at.max(seen.old_used_at);
            kept.new_used_at = kept.new_used_at.max(seen.new_used_at);
        }
        let memory = Memory {
            version: row.version,
            read: Instant::now(),
            consumers,
            looked: before.as_ref().map_or(UtcTime::EPOCH, |memory| memory.looked),
            list_after: before.as_ref().and_then(|memory| memory.list_after),
            track_after: before.as_ref().and_then(|memory| memory.track_after),
        };
        memories.insert(row.name.clone(), memory);
        Ok(())
    }

    /// Tells the campaign's own table of reminders that the log holds and it does not know of.
    async fn tracked(
        &self,
        campaign: &Campaign,
        memories: &mut Memories,
    ) -> anyhow::Result<CampaignRow> {
        let row = self.campaign_row(&campaign.name).await?;
        self.recall(&row, memories).await?;
        let (Some(tracker), Some(memory)) = (&campaign.tracker, memories.get_mut(&campaign.name))
        else {
            return Ok(row);
        };
        let unknown = |one: &&KeptConsumer| {
            let consumer = &one.kept.consumer;
            one.landed && consumer.tracked < consumer.nudges
        };
        let due: Vec<&KeptConsumer> = memory.consumers.iter().filter(unknown).collect();
        if due.is_empty() || memory.track_after.is_some_and(|after| after > Instant::now()) {
            // A record that is about to land makes it due.
            let waits = |one: &KeptConsumer| one.kept.consumer.tracked < one.kept.consumer.nudges;
            if due.is_empty() && memory.consumers.iter().any(waits) {
                memory.version = -1;
            }
            return Ok(row);
        }
        let rows: Vec<Tracked> = due.iter().map(|one| told(&one.kept.consumer)).collect();
        let outcome = track(tracker, &rows).await;
        memory.track_after = outcome.is_err().then(|| Instant::now() + AGAIN);
        let thing = format!("the tracker of campaign {}", campaign.name);
        let wrong = outcome.as_ref().err().cloned().map(anyhow::Error::msg);
        self.say_of(&thing, "it is not told of reminders", wrong);
        if outcome.is_err() {
            return Ok(row);
        }
        let known = due.iter().map(|one| (one.kept.id.clone(), one.kept.consumer.nudges)).collect();
        self.note_tracked(&campaign.name, &known).await
    }

    /// Notes how many reminders of each consumer the campaign's own table knows of. Who changes the campaign meanwhile must not
    /// make it be told again.
    async fn note_tracked(
        &self,
        campaign: &str,
        known: &BTreeMap<String, u32>,
    ) -> anyhow::Result<CampaignRow> {
        loop {
            let row = self.campaign_row(campaign).await?;
            let mut consumers = Vec::new();
            for one in self.journal.store.consumers(campaign).await? {
                let Some(nudges) = known.get(&one.kept.id) else { continue };
                let mut kept = one.kept;
                kept.consumer.tracked = kept.consumer.tracked.max(*nudges);
                consumers.push(ChangedConsumer { kept, record: None });
            }
            let (swept, at) = (&row.swept, clock::now());
            let step = CampaignMove { from: &row, swept, consumers: &consumers, notes: &[], at };
            if self.journal.store.move_campaign(&step).await? {
                return Ok(row);
            }
        }
    }

    /// Says once that something is wrong with `thing`, and once that it is over.
    fn say_of(&self, thing: &str, what: &str, error: Option<anyhow::Error>) {
        match error {
            None if self.trouble.is_over(thing) => tracing::info!(thing, "it works again"),
            None => {}
            Some(error) => {
                let error = format!("{error:#}");
                if self.trouble.is(thing, error.as_str()) {
                    tracing::warn!(thing, error, "{what}");
                }
            }
        }
    }
}

/// What is known of a campaign that is not in the configuration any more, without those whose time is over for which they had
/// it in hand; `None`: that changes nothing.
fn forgotten(row: &CampaignRow, chaser: Option<&Chaser>, now: UtcTime) -> Option<Swept> {
    if chaser.is_some_and(|chaser| chaser.campaign(&row.name).is_some()) {
        return None;
    }
    let mut swept = row.swept.clone();
    swept.acknowledged.retain(|_, known| known.rests(now));
    (swept != row.swept).then_some(swept)
}

fn told(consumer: &Consumer) -> Tracked {
    Tracked {
        consumer: consumer.name.clone(),
        nudges: consumer.nudges.to_string(),
        at: consumer.nudged_at.map(|at| at.to_string()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::acknowledged::{Acknowledged, Presser};

    #[test]
    fn who_had_a_campaign_in_hand_that_is_configured_no_more_is_forgotten_in_time() {
        let at = |minute: i64| UtcTime::from_micros(minute * 60_000_000).unwrap();
        let [user, disclosure, commitment] = ["U012", "d", "c"].map(str::to_owned);
        let by = Presser { user, disclosure, commitment };
        let known = Acknowledged::taken(by, at(0), at(0), Duration::from_secs(3_600));
        let mut row = CampaignRow { name: "app".to_owned(), swept: Swept::default(), version: 1 };
        assert_eq!(forgotten(&row, None, at(60)), None);
        row.swept.acknowledged.insert("pay".to_owned(), known);
        assert_eq!(forgotten(&row, None, at(59)), None);
        assert_eq!(forgotten(&row, None, at(60)), Some(Swept::default()));
    }
}
