//! Telling people: what was answered, and what waits.

use super::Known;
use super::declare::{Declare, family};
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec};
use std::collections::BTreeMap;

/// What waits for a receiver.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeliveryLevel {
    /// How many stand how.
    pub standing: BTreeMap<&'static str, i64>,
    /// When the oldest was queued that is neither settled nor dead, Unix seconds.
    pub oldest: Option<f64>,
    /// Nothing is sent: the credential is refused, or nobody answers.
    pub open: bool,
    /// Destinations that cannot be written to.
    pub parked: i64,
}

/// Every configured receiver, by name.
pub type DeliveryLevels = BTreeMap<String, DeliveryLevel>;

/// How a periodic attestation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AttestationLevel {
    /// When one was last filed, Unix seconds; 0: never.
    pub filed: f64,
    /// Periods that ended and whose attestation is not filed.
    pub overdue: u64,
}

/// Every configured attestation, by name.
pub type AttestationLevels = BTreeMap<String, AttestationLevel>;

/// How many filed pages stand how, by the word of what was found.
pub type PageLevels = BTreeMap<&'static str, i64>;

/// The families.
pub struct DeliveryMetrics {
    /// `access_revocation_delivery_attempts_total`.
    pub attempts: IntCounterVec,
    /// `access_revocation_delivery_fallback_total`.
    pub fallback: IntCounterVec,
    presses: IntCounterVec,
    outbox: IntGaugeVec,
    oldest: GaugeVec,
    open: IntGaugeVec,
    parked: IntGaugeVec,
    pages: IntGaugeVec,
    attested: GaugeVec,
    unattested: IntGaugeVec,
}

impl DeliveryMetrics {
    #[rustfmt::skip]
    pub(super) fn declare(declare: &Declare<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            attempts: declare.counter(family("access_revocation_delivery_attempts_total", &["receiver", "answer"], "Messages that were sent or looked up, by what was answered.").more("`sent`: it is there. `retry`: it is certainly not. `ambiguous`: perhaps. `token`, `destination`, `thread`, `payload`: what was refused. `gone`: it wants nothing any more. `unknown`.").absent("without that receiver"))?,
            fallback: declare.counter(family("access_revocation_delivery_fallback_total", &["receiver", "result"], "Times that it was told by Slack's incoming webhook that the usual way is closed.").more("`sent`, `failed`.").absent("without that receiver"))?,
            presses: declare.counter(family("access_revocation_acknowledgements_total", &["outcome"], "Presses of the button in Slack by which somebody has in hand what is overdue.").more("`taken`: it is in the log, and reminders rest. `known`: somebody did before. `nothing_late`; `refused`: by its signature, app, workspace or user; `malformed`; `unavailable`: the log took no record. What is overdue stays so.").absent("without `slack.acknowledge`"))?,
            outbox: declare.int_gauge(family("access_revocation_outbox_messages", &["receiver", "state"], "Messages that are not sent yet, and dead ones.").more("`waiting` `due` `sending` `ambiguous` `dead`.").absent("before the outbox was read; without that receiver always"))?,
            oldest: declare.gauge(family("access_revocation_outbox_oldest_age_seconds", &["receiver"], "Age of the oldest message that is neither sent nor given up; 0 without one.").absent("before the outbox was read; without that receiver always"))?,
            open: declare.int_gauge(family("access_revocation_delivery_circuit_open", &["receiver"], "1 while nothing is sent because the credential is refused or nobody answers.").flag().absent("before the outbox was read; without that receiver always"))?,
            parked: declare.int_gauge(family("access_revocation_delivery_parked_destinations", &["receiver"], "Channels, spaces and endpoints that cannot be written to.").absent("before the outbox was read; without that receiver always"))?,
            pages: declare.int_gauge(family("access_revocation_filed_pages", &["finding"], "Pages that were filed, by what the last look at each found.").more("`filed`: as it was. `touched`: saved again with the same text. `moved`, `stripped`, `edited`, `removed`: somebody changed it.").absent("before the pages are looked at; without the section `confluence` always"))?,
            attested: declare.gauge(family("access_revocation_attestation_last_filed_timestamp_seconds", &["attestation"], "When an attestation was last filed.").more("0 where that never happened. Of each name in `attestations`.").absent("before it was looked whether a period ended; without an attestation of that name"))?,
            unattested: declare.int_gauge(family("access_revocation_attestations_overdue", &["attestation"], "Periods that ended and whose attestation is not filed yet, dead ones too.").more("Of each name in `attestations`. One that somebody dropped is not counted.").absent("before it was looked whether a period ended; without an attestation of that name"))?,
        })
    }

    /// Counters of a receiver are there from the first scrape after it was configured.
    pub fn touch(&self, receiver: &str, answers: &[&str]) {
        for answer in answers {
            let _ = self.attempts.with_label_values(&[receiver, answer]);
        }
        for result in ["sent", "failed"] {
            let _ = self.fallback.with_label_values(&[receiver, result]);
        }
    }

    /// Somebody pressed the button.
    pub fn pressed(&self, outcome: &str) {
        self.presses.with_label_values(&[outcome]).inc();
    }

    /// What can become of that is there from the first scrape on.
    pub fn touch_presses(&self) {
        for outcome in ["taken", "known", "nothing_late", "refused", "malformed", "unavailable"] {
            let _ = self.presses.with_label_values(&[outcome]);
        }
    }

    pub(super) fn set(&self, known: &Known, now: f64) {
        // One may be taken out of the configuration.
        self.outbox.reset();
        self.oldest.reset();
        self.open.reset();
        self.parked.reset();
        self.pages.reset();
        self.attested.reset();
        self.unattested.reset();
        for (name, level) in &known.attestations {
            self.attested.with_label_values(&[name]).set(level.filed);
            let count = i64::try_from(level.overdue).unwrap_or(i64::MAX);
            self.unattested.with_label_values(&[name]).set(count);
        }
        for (finding, count) in known.pages.iter().flatten() {
            self.pages.with_label_values(&[finding]).set(*count);
        }
        for (receiver, level) in &known.deliveries {
            for state in ["waiting", "due", "sending", "ambiguous", "dead"] {
                let count = level.standing.get(state).copied().unwrap_or(0);
                self.outbox.with_label_values(&[receiver, state]).set(count);
            }
            let age = level.oldest.map_or(0.0, |since| (now - since).max(0.0));
            self.oldest.with_label_values(&[receiver]).set(age);
            self.open.with_label_values(&[receiver]).set(i64::from(level.open));
            self.parked.with_label_values(&[receiver]).set(level.parked);
        }
    }
}
