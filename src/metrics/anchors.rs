//! Levels of the anchors: when each gave its newest receipt, and what witnesses hold.

use super::Known;
use super::declare::{Declare, family};
use prometheus::{GaugeVec, IntGaugeVec};
use std::collections::BTreeMap;

/// What is known of an anchor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AnchorLevel {
    /// When its newest receipt came, or since when the first is waited for, Unix seconds.
    pub since: f64,
    /// Lines that the newest receipt covers; 0 before the first.
    pub size: u64,
    /// It holds what the log does not.
    pub ahead: bool,
}

/// Every configured anchor, by kind and name.
pub type AnchorLevels = BTreeMap<(String, String), AnchorLevel>;

/// The gauges.
pub(super) struct AnchorGauges {
    age: GaugeVec,
    interval: GaugeVec,
    lag: IntGaugeVec,
    ahead: IntGaugeVec,
}

impl AnchorGauges {
    #[rustfmt::skip]
    pub(super) fn declare(declare: &Declare<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            age: declare.gauge(family("access_revocation_audit_anchor_age_seconds", &["kind", "anchor"], "Age of the newest receipt for a checkpoint; before the first, how long it has been waited for.").more("Over restarts. See [anchors.md](anchors.md).").absent("without that anchor"))?,
            interval: declare.gauge(family("access_revocation_audit_anchor_interval_seconds", &[], "Configured time between two checkpoints that are given away.").more("It is `log.anchor_interval`."))?,
            lag: declare.int_gauge(family("access_revocation_audit_witness_lag_records", &["anchor"], "Lines of the log that the witness has not cosigned yet.").more("As of its newest receipt.").absent("without a witness"))?,
            ahead: declare.int_gauge(family("access_revocation_audit_witness_ahead", &["anchor"], "1 while the witness holds a history that is not that of the log.").more("While it does not answer, what it said last.").flag().absent("without a witness"))?,
        })
    }

    pub(super) fn set(&self, known: &Known, now: f64) {
        // One may be taken out of the configuration.
        self.age.reset();
        self.lag.reset();
        self.ahead.reset();
        let none: &[&str] = &[];
        if let Some(interval) = known.anchor_interval {
            self.interval.with_label_values(none).set(interval);
        }
        let head = known.audit.map(|audit| audit.head);
        for ((kind, name), level) in &known.anchors {
            let age = (now - level.since).max(0.0);
            self.age.with_label_values(&[kind.as_str(), name.as_str()]).set(age);
            if kind != "witness" {
                continue;
            }
            self.ahead.with_label_values(&[name]).set(i64::from(level.ahead));
            if let Some(head) = head {
                let lag = i64::try_from(head.saturating_sub(level.size)).unwrap_or(i64::MAX);
                self.lag.with_label_values(&[name]).set(lag);
            }
        }
    }
}
