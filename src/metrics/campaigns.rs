//! Levels of rotation campaigns: who stands where, how late they are, and when they were last gone through.

use super::Known;
use super::declare::{Declare, family};
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec};
use std::collections::BTreeMap;

/// Every configured campaign together: no name of one is in a label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CampaignLevel {
    /// Consumers by where they stand.
    standing: BTreeMap<&'static str, u64>,
    /// Late ones by bucket.
    late: BTreeMap<&'static str, u64>,
    /// The oldest of the newest sweeps that read their list, Unix seconds; 0 where one never did.
    swept: Option<f64>,
    /// Configured time between two sweeps, in seconds.
    interval: f64,
}

impl CampaignLevel {
    /// None of them yet.
    #[must_use]
    pub fn of(interval: f64) -> Self {
        Self { interval, ..Self::default() }
    }

    /// One more, whose list was last read by a sweep at `swept`.
    pub fn add(
        &mut self,
        swept: f64,
        standing: &BTreeMap<&'static str, u64>,
        late: &BTreeMap<&'static str, u64>,
    ) {
        self.swept = Some(self.swept.map_or(swept, |known| known.min(swept)));
        for (word, count) in standing {
            *self.standing.entry(word).or_default() += count;
        }
        for (word, count) in late {
            *self.late.entry(word).or_default() += count;
        }
    }
}

/// The families.
pub(super) struct CampaignMetrics {
    pub(super) nudges: IntCounterVec,
    consumers: IntGaugeVec,
    overdue: IntGaugeVec,
    swept: GaugeVec,
    interval: GaugeVec,
}

impl CampaignMetrics {
    #[rustfmt::skip]
    pub(super) fn declare(declare: &Declare<'_>) -> prometheus::Result<Self> {
        let none = "before the first turn; without a campaign always";
        let nudges = declare.counter(family("access_revocation_nudges_total", &["bucket"], "Reminders to teams whose consumers still use an old credential, by their tone.").more("One for all consumers of a team, however many it was told to."))?;
        Ok(Self {
            nudges,
            consumers: declare.int_gauge(family("access_revocation_campaign_consumers", &["state"], "Consumers of old credentials, by where they stand.").more("Of all campaigns. `pending` `reopened` `claimed` `closed` `unlisted`; see [campaigns.md](campaigns.md).").absent(none))?,
            overdue: declare.int_gauge(family("access_revocation_consumers_overdue", &["bucket"], "Pending and reopened consumers whose deadline is over, by how late they are.").more("`polite` `firm` `lead` `security`: 0–1, 1–3, 3–7 and more than 7 days, unless `chaser.buckets` says otherwise.").absent(none))?,
            swept: declare.gauge(family("access_revocation_campaign_last_sweep_timestamp_seconds", &[], "When the consumers of the campaign that waits for longest were last gone through, with a list that could be read.").more("0 where that never happened.").absent(none))?,
            interval: declare.gauge(family("access_revocation_campaign_sweep_interval_seconds", &[], "Configured time between two sweeps.").more("It is `chaser.every`.").absent(none))?,
        })
    }

    pub(super) fn set(&self, known: &Known) {
        // Campaigns may be taken out of the configuration.
        self.consumers.reset();
        self.overdue.reset();
        self.swept.reset();
        self.interval.reset();
        let Some(level) = &known.campaigns else { return };
        let Some(swept) = level.swept else { return };
        let none: &[&str] = &[];
        let count = |count: &u64| i64::try_from(*count).unwrap_or(i64::MAX);
        for (word, all) in &level.standing {
            self.consumers.with_label_values(&[word]).set(count(all));
        }
        for (word, all) in &level.late {
            self.overdue.with_label_values(&[word]).set(count(all));
        }
        self.swept.with_label_values(none).set(swept);
        self.interval.with_label_values(none).set(level.interval);
    }
}
