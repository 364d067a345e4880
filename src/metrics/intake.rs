//! Notices: how many, what became of them, and when each source was last heard.

use super::declare::{Declare, family};
use prometheus::core::Collector as _;
use prometheus::{GaugeVec, IntCounterVec, IntGaugeVec};

/// What becomes of a notice.
const OUTCOMES: &[&str] = &[
    "accepted",
    "conflict",
    "duplicate",
    "forbidden",
    "ignored",
    "limited",
    "malformed",
    "quarantined",
    "superseded",
    "test",
    "unauthorized",
    "unavailable",
];

/// Families of the intake.
pub struct IntakeMetrics {
    events: IntCounterVec,
    heard: GaugeVec,
    tokens: IntCounterVec,
    quarantined: IntGaugeVec,
    every: GaugeVec,
}

impl IntakeMetrics {
    #[rustfmt::skip]
    pub(super) fn declare(declare: &Declare<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            events: declare.counter(family("access_revocation_intake_events_total", &["source", "outcome"], "Notices over HTTP, by what became of them.").more("`source` is a configured source or token, all others are `other`; `outcome` is `accepted` `duplicate` `superseded` `test` `ignored` `quarantined` (held for a person) `conflict` (the id of another one, other content) `malformed` `unauthorized` `forbidden` `limited` `unavailable`."))?,
            heard: declare.gauge(family("access_revocation_intake_last_event_timestamp_seconds", &["source"], "When the newest notice of the source was kept.").more("Be it accepted, a test or held; rebuilt from the store at start.").absent("before the first notice"))?,
            tokens: declare.counter(family("access_revocation_intake_token_uses_total", &["token", "generation"], "Requests by token, and by which of its two texts.").more("`generation` is `current`, or `next`, the one that takes its place."))?,
            every: declare.gauge(family("access_revocation_intake_expected_interval_seconds", &["source"], "Configured time within which the source usually says something.").more("It is `sources.NAME.expect_every`. How long a source has been silent: `time() - access_revocation_intake_last_event_timestamp_seconds`.").absent("for a source without it"))?,
            quarantined: declare.int_gauge(family("access_revocation_intake_quarantined", &[], "Notices that are held and wait for a person.").more("Rebuilt from the store at start."))?,
        })
    }

    /// These senders and tokens are configured: what they send is counted from 0 on.
    pub fn expect<'a>(
        &self,
        senders: impl IntoIterator<Item = &'a str>,
        tokens: impl IntoIterator<Item = &'a str>,
    ) {
        for sender in senders {
            for outcome in OUTCOMES {
                let _ = self.events.with_label_values(&[sender, outcome]);
            }
        }
        for token in tokens {
            for generation in ["current", "next"] {
                let _ = self.tokens.with_label_values(&[token, generation]);
            }
        }
    }

    /// These sources are to be heard within so many seconds, and no others.
    pub fn expect_every<'a>(&self, sources: impl IntoIterator<Item = (&'a str, f64)>) {
        self.every.reset();
        for (source, seconds) in sources {
            self.every.with_label_values(&[source]).set(seconds);
        }
    }

    /// A notice of `source` came to `outcome`.
    pub fn came(&self, source: &str, outcome: &str) {
        self.events.with_label_values(&[source, outcome]).inc();
    }

    /// A notice of `source` was kept at `at` (Unix seconds).
    pub fn heard(&self, source: &str, at: f64) {
        let gauge = self.heard.with_label_values(&[source]);
        gauge.set(gauge.get().max(at));
    }

    /// A token was used; `next`: the text that takes the other one's place.
    pub fn token_used(&self, token: &str, next: bool) {
        self.tokens.with_label_values(&[token, if next { "next" } else { "current" }]).inc();
    }

    /// So many notices are held.
    pub fn set_quarantined(&self, count: i64) {
        let none: &[&str] = &[];
        self.quarantined.with_label_values(none).set(count);
    }

    /// Source, outcome and number of what was counted since the agent started.
    #[must_use]
    pub fn counted(&self) -> Vec<(String, String, u64)> {
        let mut counted = Vec::new();
        for family in self.events.collect() {
            for metric in family.get_metric() {
                let label = |name: &str| {
                    let found = metric.get_label().iter().find(|label| label.name() == name);
                    found.map(|label| label.value().to_owned()).unwrap_or_default()
                };
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a count of integers"
                )]
                let count = metric.get_counter().get_value() as u64;
                counted.push((label("source"), label("outcome"), count));
            }
        }
        counted
    }
}
