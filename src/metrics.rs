//! Every metric family. Names nothing of ours: callers pass words and numbers.
//!
//! Levels (gauges) are set from one snapshot at each scrape, under one lock, so that a scrape never sees
//! half of one; ages are computed then, so that they grow even if the loop hangs. Levels are absent until
//! the state is loaded, and what needs a look is absent until there was one: 0 would say "none".

mod anchors;
mod gauges;
mod intake;
mod signals;

pub use anchors::{AnchorLevel, AnchorLevels};
pub use intake::IntakeMetrics;
pub use signals::{InboxLevel, Signals};

use anchors::AnchorGauges;
use gauges::Gauges;
use prometheus::{
    Encoder as _, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec,
    Opts, Registry, TextEncoder,
};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Content type of the exposition, whatever a scraper accepts.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const DURATION_BUCKETS: &[f64] = &[
    1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0,
    28_800.0, 86_400.0,
];

/// Words of the closed label sets.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    /// Reasons.
    pub reasons: Vec<&'static str>,
    /// Milestones of each (type, reason).
    pub milestones: Vec<(&'static str, &'static str, &'static str)>,
    /// Causes of a failed verification.
    pub causes: Vec<&'static str>,
    /// Likely causes of access that came back.
    pub relapses: Vec<&'static str>,
    /// Why a session is one that nobody permitted.
    pub uses: Vec<&'static str>,
    /// What requests ask for.
    pub asks: Vec<&'static str>,
    /// Kinds of exceptions.
    pub exceptions: Vec<&'static str>,
    /// Surfaces.
    pub surfaces: Vec<&'static str>,
    /// Configured targets; [`Metrics::set_targets`] replaces them.
    pub targets: Vec<String>,
}

/// State of the revocations, as the store holds it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Levels {
    /// Open and regressed, by (type, reason).
    pub in_progress: BTreeMap<(String, String), i64>,
    /// Start of the oldest one that has not met the milestone, by (type, reason, milestone), Unix seconds.
    pub oldest: BTreeMap<(String, String, String), f64>,
    /// Past the deadline of a milestone and not met, by (type, reason, milestone).
    pub overdue: BTreeMap<(String, String, String), i64>,
    /// Earliest missed deadline of those, Unix seconds.
    pub overdue_since: BTreeMap<(String, String, String), f64>,
    /// Regressed, by reason.
    pub regressed: BTreeMap<String, i64>,
    /// Residual of what is due, by (target, surface).
    pub residual: BTreeMap<(String, String), i64>,
    /// Share of due or completed revocations that the newest looks found clean; 1 when none is due.
    pub success_rate: f64,
    /// No account found for them.
    pub without_account: i64,
    /// Requests that wait for a second person, by what they ask for.
    pub pending: BTreeMap<&'static str, i64>,
    /// Open sessions that began after the end and before the notice, by target.
    pub late_notices: BTreeMap<String, i64>,
    /// Exceptions in force, by kind.
    pub exceptions: BTreeMap<&'static str, i64>,
    /// Exceptions that wait for a second person, by kind.
    pub exceptions_pending: BTreeMap<&'static str, i64>,
    /// When the next of those in force ends, Unix seconds.
    pub next_expiry: Option<f64>,
    /// Exceptions that nobody reviewed in time, by kind.
    pub reviews_overdue: BTreeMap<&'static str, i64>,
    /// Emergencies that nobody has approved.
    pub emergencies_pending: i64,
    /// Those whose time for it is over.
    pub emergencies_overdue: i64,
}

/// What is known of a target since its first look.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TargetLevel {
    /// The last look got an answer.
    pub up: bool,
    /// Start of the last attempt, Unix seconds.
    pub attempt: f64,
    /// Start of the look that read the oldest access list in use, Unix seconds.
    pub deep: f64,
    /// End of the last look that got an answer, Unix seconds.
    pub success: Option<f64>,
    /// The target's clock less ours, seconds.
    pub skew: Option<f64>,
    /// Surfaces that the last look could not read.
    pub unverifiable: Vec<String>,
    /// Rights of the agent's role beyond reading.
    pub excess: i64,
}

/// The canary of a target, as far as the log holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CanaryLevel {
    /// It is missed.
    pub missing: Option<bool>,
    /// Start of the newest look that found it, Unix seconds.
    pub detected: Option<f64>,
}

/// The audit log as this process knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditLevel {
    /// Newest record.
    pub head: u64,
    /// Records that wait for the log.
    pub queued: i64,
}

#[derive(Default)]
struct Known {
    /// Configured targets.
    configured: Vec<String>,
    /// Configured external systems.
    systems: Vec<String>,
    levels: Option<Levels>,
    targets: BTreeMap<String, TargetLevel>,
    vanished: BTreeMap<String, i64>,
    glass: BTreeMap<String, i64>,
    canaries: BTreeMap<String, CanaryLevel>,
    audit: Option<AuditLevel>,
    anchors: AnchorLevels,
    anchor_interval: Option<f64>,
}

/// Every family.
pub struct Metrics {
    registry: Registry,
    vocabulary: Vocabulary,
    known: Mutex<Known>,
    /// `access_revocations_total`.
    pub revocations: IntCounterVec,
    /// `access_revocation_duration_seconds`.
    pub duration: HistogramVec,
    /// `access_revocation_notice_delay_seconds`.
    pub notice_delay: HistogramVec,
    /// `access_revocation_deadline_missed_total`.
    pub deadline_missed: IntCounterVec,
    /// `access_revocation_regressions_total`.
    pub regressions: IntCounterVec,
    /// `access_revocation_use_after_effective_total`.
    pub uses: IntCounterVec,
    /// `access_revocations_withdrawn_total`.
    pub withdrawn: IntCounterVec,
    /// `access_revocation_verifications_total`.
    pub verifications: IntCounterVec,
    /// `access_revocation_verification_failed_total`.
    pub verification_failed: IntCounterVec,
    /// `access_revocation_audit_records_total`.
    pub audit_records: IntCounter,
    /// `access_revocation_audit_append_failures_total`.
    pub audit_append_failures: IntCounter,
    /// `access_revocation_audit_unrecorded_total`.
    pub audit_unrecorded: IntCounter,
    /// `access_revocation_agent_reconcile_duration_seconds`.
    pub reconcile_duration: HistogramVec,
    /// `access_revocation_agent_passes_skipped_total`.
    pub passes_skipped: IntCounterVec,
    /// `access_revocation_canary_missed_total`.
    pub canary_missed: IntCounterVec,
    sla: GaugeVec,
    /// `access_revocation_audit_anchor_failures_total`.
    pub anchor_failures: IntCounterVec,
    anchors: AnchorGauges,
    /// Security event tokens, and files of the inbox.
    pub signals: Signals,
    gauges: Gauges,
    /// Notices.
    pub intake: IntakeMetrics,
}

/// Registers families; the first error is kept, since a bad declaration is a defect found by any test.
struct Declare<'a> {
    registry: &'a Registry,
}

impl Declare<'_> {
    fn add<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        collector: prometheus::Result<C>,
    ) -> prometheus::Result<C> {
        let collector = collector?;
        self.registry.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    fn counter(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
        self.add(GaugeVec::new(Opts::new(name, help), labels))
    }

    fn int_gauge(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntGaugeVec> {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels))
    }

    fn histogram(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> prometheus::Result<HistogramVec> {
        self.add(HistogramVec::new(
            HistogramOpts::new(name, help).buckets(buckets.to_vec()),
            labels,
        ))
    }
}

impl Metrics {
    /// Declares every family and touches every series whose labels are known.
    ///
    /// # Errors
    /// When two families have one name: a defect.
    pub fn new(vocabulary: Vocabulary, build: (&str, &str)) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let declare = Declare { registry: &registry };
        let info = declare.int_gauge(
            "access_revocation_agent_build_info",
            "1, with the version of the agent.",
            &["version", "revision"],
        )?;
        info.with_label_values(&[build.0, build.1]).set(1);
        let metrics = Self {
            revocations: declare.counter("access_revocations_total", "Revocations accepted for verification.", &["reason"])?,
            duration: declare.histogram("access_revocation_duration_seconds", "Time from the later of effect and receipt to the first clean look, counted once when verified.", &["type", "reason"], DURATION_BUCKETS)?,
            notice_delay: declare.histogram("access_revocation_notice_delay_seconds", "How long after its effect a revocation was received: the sender's lateness.", &["reason"], DURATION_BUCKETS)?,
            deadline_missed: declare.counter("access_revocation_deadline_missed_total", "Milestones whose deadline passed without proof, once each.", &["reason", "milestone"])?,
            regressions: declare.counter("access_revocation_regressions_total", "Times that access came back after verification, by its likely cause.", &["reason", "cause"])?,
            uses: declare.counter("access_revocation_use_after_effective_total", "Sessions that began when nothing permitted them, once each.", &["target", "because"])?,
            withdrawn: declare.counter("access_revocations_withdrawn_total", "Revocations of which nothing is expected any more; erroneous ones should never have been expected.", &["reason", "cause"])?,
            verifications: declare.counter("access_revocation_verifications_total", "Attempts to verify a revocation on a target.", &["target"])?,
            verification_failed: declare.counter("access_revocation_verification_failed_total", "Failed attempts: access found after its deadline, or not everything could be seen.", &["target", "cause"])?,
            audit_records: declare.add(IntCounter::new("access_revocation_audit_records_total", "Records that landed in the audit log."))?,
            audit_append_failures: declare.add(IntCounter::new("access_revocation_audit_append_failures_total", "Commits that the audit log refused."))?,
            audit_unrecorded: declare.add(IntCounter::new("access_revocation_audit_unrecorded_total", "Records that were not queued because the audit log took none and the queue was full."))?,
            reconcile_duration: declare.histogram("access_revocation_agent_reconcile_duration_seconds", "Time of one look at a target and of judging it.", &["target"], &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])?,
            passes_skipped: declare.counter("access_revocation_agent_passes_skipped_total", "Looks that were not begun in time because the one before took too long.", &["target"])?,
            canary_missed: declare.counter("access_revocation_canary_missed_total", "Times that the canary of a target was not found although it should have been.", &["target"])?,
            sla: declare.gauge("access_revocation_sla_seconds", "Configured time allowed for a milestone.", &["reason", "milestone"])?,
            anchor_failures: declare.counter("access_revocation_audit_anchor_failures_total", "Checkpoints that could not be given away, or came back without a good receipt.", &["kind"])?,
            anchors: AnchorGauges::declare(&declare)?,
            signals: Signals::declare(&declare)?,
            gauges: Gauges::declare(&declare)?,
            intake: IntakeMetrics::declare(&declare)?,
            registry: registry.clone(),
            known: Mutex::default(),
            vocabulary,
        };
        metrics.touch();
        metrics.set_audit_blocked(false);
        metrics.set_targets(metrics.vocabulary.targets.clone());
        Ok(metrics)
    }

    /// Counters and histograms are there from the first scrape, or the first increase would be missed.
    fn touch(&self) {
        let words = &self.vocabulary;
        for reason in &words.reasons {
            let _ = self.revocations.with_label_values(&[reason]);
            for cause in &words.relapses {
                let _ = self.regressions.with_label_values(&[reason, cause]);
            }
            for cause in ["erroneous", "other"] {
                let _ = self.withdrawn.with_label_values(&[reason, cause]);
            }
            let _ = self.notice_delay.with_label_values(&[reason]);
        }
        for kind in ["witness", "tsa", "git"] {
            let _ = self.anchor_failures.with_label_values(&[kind]);
        }
        for (kind, reason, milestone) in &words.milestones {
            let _ = self.duration.with_label_values(&[kind, reason]);
            let _ = self.deadline_missed.with_label_values(&[reason, milestone]);
        }
    }

    /// Replaces the configured targets. What was known of others is shown no more; their counters stay until
    /// the agent ends.
    pub fn set_targets(&self, targets: Vec<String>) {
        for target in &targets {
            let _ = self.verifications.with_label_values(&[target]);
            let _ = self.passes_skipped.with_label_values(&[target]);
            let _ = self.reconcile_duration.with_label_values(&[target]);
            for because in &self.vocabulary.uses {
                let _ = self.uses.with_label_values(&[target.as_str(), because]);
            }
            for cause in &self.vocabulary.causes {
                let _ = self.verification_failed.with_label_values(&[target.as_str(), cause]);
            }
        }
        let mut known = self.known();
        known.targets.retain(|target, _| targets.contains(target));
        known.vanished.retain(|target, _| targets.contains(target));
        known.glass.retain(|target, _| targets.contains(target));
        known.canaries.retain(|target, _| targets.contains(target));
        known.configured = targets;
        self.gauges.forget_targets();
    }

    /// Configured external systems.
    pub fn set_systems(&self, systems: Vec<String>) {
        self.known().systems = systems;
        self.gauges.forget_targets();
    }

    /// Configured time between looks.
    pub fn set_interval(&self, seconds: f64) {
        let none: &[&str] = &[];
        self.gauges.interval.with_label_values(none).set(seconds);
    }

    /// Time allowed for a milestone.
    pub fn set_sla(&self, reason: &str, milestone: &str, seconds: f64) {
        self.sla.with_label_values(&[reason, milestone]).set(seconds);
    }

    /// Replaces the levels of the revocations.
    pub fn set_levels(&self, levels: Levels) {
        self.known().levels = Some(levels);
    }

    /// Replaces what is known of a target.
    pub fn set_target(&self, target: &str, level: TargetLevel) {
        let mut known = self.known();
        if known.configured.iter().any(|configured| configured == target) {
            known.targets.insert(target.to_owned(), level);
        }
    }

    /// What was last known of a target, if it was ever looked at.
    pub fn target(&self, target: &str) -> Option<TargetLevel> {
        self.known().targets.get(target).cloned()
    }

    /// Replaces how many sessions of roles that exist no more a target has: its own finding, whoever's they
    /// are.
    pub fn set_vanished(&self, target: &str, count: i64) {
        self.known().vanished.insert(target.to_owned(), count);
    }

    /// Replaces how many sessions of break-glass roles nobody permitted; `None` where no such role is configured.
    pub fn set_glass(&self, target: &str, count: Option<i64>) {
        let mut known = self.known();
        match count {
            Some(count) => known.glass.insert(target.to_owned(), count),
            None => known.glass.remove(target),
        };
    }

    /// The configuration in force was taken at `at` (Unix seconds).
    pub fn set_reloaded(&self, at: f64) {
        let none: &[&str] = &[];
        self.gauges.reloaded.with_label_values(none).set(1);
        self.gauges.reloaded_at.with_label_values(none).set(at);
    }

    /// The configuration file is wrong, and the old one stays in force.
    pub fn set_reload_failed(&self) {
        let none: &[&str] = &[];
        self.gauges.reloaded.with_label_values(none).set(0);
    }

    /// `target` has a canary: its misses are counted from 0 on.
    pub fn expect_canary(&self, target: &str) {
        let _ = self.canary_missed.with_label_values(&[target]);
    }

    /// Replaces what is known of the canaries.
    pub fn set_canaries(&self, canaries: BTreeMap<String, CanaryLevel>) {
        self.known().canaries = canaries;
    }

    /// What was last shown of the canary of a target.
    pub fn canary(&self, target: &str) -> Option<CanaryLevel> {
        self.known().canaries.get(target).copied()
    }

    /// Replaces what is known of the log.
    pub fn set_audit(&self, level: AuditLevel) {
        self.known().audit = Some(level);
    }

    /// Whether the log refuses records.
    pub fn set_audit_blocked(&self, blocked: bool) {
        let none: &[&str] = &[];
        self.gauges.audit_blocked.with_label_values(none).set(i64::from(blocked));
    }

    /// Replaces what is known of the anchors; `interval` is the configured time between two rounds, in seconds.
    pub fn set_anchors(&self, anchors: AnchorLevels, interval: f64) {
        let mut known = self.known();
        known.anchors = anchors;
        known.anchor_interval = Some(interval);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The exposition at `now` (Unix seconds), text format 0.0.4.
    ///
    /// # Errors
    /// When a family cannot be encoded: a defect.
    pub fn render(&self, now: f64) -> prometheus::Result<Vec<u8>> {
        let known = self.known();
        self.gauges.set(&known, &self.vocabulary, now);
        self.anchors.set(&known, now);
        self.signals.set(now);
        let mut families = self.registry.gather();
        families.extend(prometheus::gather());
        families.sort_by(|a, b| a.name().cmp(b.name()));
        let mut text = Vec::with_capacity(128 * 1024);
        TextEncoder::new().encode(&families, &mut text)?;
        Ok(text)
    }
}
