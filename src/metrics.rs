//! Every metric family. Names nothing of ours: callers pass words and numbers.
//!
//! Levels (gauges) are set from one snapshot at each scrape, under one lock, so that a scrape never sees
//! half of one; ages are computed then, so that they grow even if the loop hangs. Levels are absent until
//! the state is loaded, and what needs a look is absent until there was one: 0 would say "none".

mod anchors;
mod campaigns;
mod declare;
mod delivery;
mod gauges;
mod intake;
mod levels;
mod process;
mod signals;

pub use anchors::{AnchorLevel, AnchorLevels};
pub use campaigns::CampaignLevel;
pub use declare::{Declared, Family};
pub use delivery::{
    AttestationLevel, AttestationLevels, DeliveryLevel, DeliveryLevels, DeliveryMetrics, PageLevels,
};
pub use intake::IntakeMetrics;
pub use levels::{AuditLevel, CanaryLevel, CheckLevel, Levels, TargetLevel, Vocabulary};
pub use signals::{InboxLevel, Signals};

use anchors::AnchorGauges;
use campaigns::CampaignMetrics;
use declare::{Declare, family};
use gauges::Gauges;
use levels::Known;
use process::ProcessMetrics;
use prometheus::{
    Encoder as _, GaugeVec, HistogramVec, IntCounter, IntCounterVec, Registry, TextEncoder,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Content type of the exposition, whatever a scraper accepts.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const DURATION_BUCKETS: &[f64] = &[
    1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0,
    28_800.0, 86_400.0,
];

/// Every family.
pub struct Metrics {
    registry: Registry,
    declared: Vec<Declared>,
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
    campaigns: CampaignMetrics,
    /// Telling people.
    pub delivery: DeliveryMetrics,
    process: ProcessMetrics,
    /// Security event tokens, and files of the inbox.
    pub signals: Signals,
    gauges: Gauges,
    /// Notices.
    pub intake: IntakeMetrics,
}

impl Metrics {
    /// Declares every family and touches every series whose labels are known. `build`: version, revision and
    /// compiler.
    ///
    /// # Errors
    /// When two families have one name: a defect.
    #[rustfmt::skip]
    pub fn new(vocabulary: Vocabulary, build: [&str; 3]) -> prometheus::Result<Self> {
        let (registry, declared) = (Registry::new(), RefCell::default());
        let declare = Declare::new(&registry, &declared);
        let about = declare.under("Revocations");
        let looks = declare.under("Looks and targets");
        let log = declare.under("Log and agent");
        let info = log.int_gauge(family("access_revocation_agent_build_info", &["version", "revision", "rustversion"], "1, with what runs."))?;
        info.with_label_values(&build).set(1);
        let metrics = Self {
            gauges: Gauges::declare(&declare)?,
            revocations: about.counter(family("access_revocations_total", &["reason"], "Revocations accepted for verification.").more("A notice that joins one that is there does not count."))?,
            duration: about.histogram(family("access_revocation_duration_seconds", &["type", "reason"], "Time from the later of effect, receipt and end of the last exception to the first clean look.").more("Counted once in a life, when first verified."), DURATION_BUCKETS)?,
            notice_delay: about.histogram(family("access_revocation_notice_delay_seconds", &["reason"], "How long after its effect a revocation was received: the sender's lateness.").more("0 for what was announced before."), DURATION_BUCKETS)?,
            deadline_missed: about.counter(family("access_revocation_deadline_missed_total", &["reason", "milestone"], "Milestones whose deadline passed without proof, once each.").more("Access was there, or nobody could tell."))?,
            regressions: about.counter(family("access_revocation_regressions_total", &["reason", "cause"], "Times that access came back after verification, by its likely cause.").more("`restored`: the cluster is another one or on another timeline, restored or failed over. `new_role`: made anew under the same name. `login_on`; `other_grantor`: a membership that was taken away, granted by another role; `granted`; `unknown`."))?,
            uses: looks.counter(family("access_revocation_use_after_effective_total", &["target", "because"], "Sessions that began when nothing permitted them, once each.").more("Also over restarts. `after_end`: after access had ended and we had been told; `no_open_break_glass`."))?,
            withdrawn: about.counter(family("access_revocations_withdrawn_total", &["reason", "cause"], "Revocations of which nothing is expected any more.").more("`erroneous`: they should never have been expected; all else is `other`. The erroneous ones, as a share of `access_revocations_total`, are the false revocations."))?,
            verifications: looks.counter(family("access_revocation_verifications_total", &["target"], "Attempts to verify a revocation on a target.").more("One per watched revocation and look at the target."))?,
            verification_failed: looks.counter(family("access_revocation_verification_failed_total", &["target", "cause"], "Failed attempts: access found after its deadline, or not everything could be seen.").more("`residual_access`: access on this target of a revocation that is overdue or regressed. Other causes: the look had a gap of that class, once per class and attempt. Gaps of the question, such as a name that nobody bears or a session of nobody known, do not count."))?,
            audit_records: log.plain_counter(family("access_revocation_audit_records_total", &[], "Records that this process wrote into the audit log.").more("Its own `start` and `stop` included, checkpoints not."))?,
            audit_append_failures: log.plain_counter(family("access_revocation_audit_append_failures_total", &[], "Commits that the audit log refused.").more("Tried again where there is no room, else the last."))?,
            audit_unrecorded: log.plain_counter(family("access_revocation_audit_unrecorded_total", &[], "Records that were not queued because the audit log took none and the queue was full."))?,
            reconcile_duration: looks.histogram(family("access_revocation_agent_reconcile_duration_seconds", &["target"], "Time of one look at a target and of judging it.").more("Buckets 5 ms to 30 s."), &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])?,
            passes_skipped: looks.counter(family("access_revocation_agent_passes_skipped_total", &["target"], "Looks that were not begun in time because the one before took too long."))?,
            canary_missed: looks.counter(family("access_revocation_canary_missed_total", &["target"], "Times that the canary of a target was not found although it should have been.").more("Once each until it is found again.").absent("without a canary"))?,
            sla: about.gauge(family("access_revocation_sla_seconds", &["reason", "milestone"], "Configured time allowed for a milestone."))?,
            anchor_failures: log.counter(family("access_revocation_audit_anchor_failures_total", &["kind"], "Checkpoints that could not be given away, or came back without a good receipt."))?,
            anchors: AnchorGauges::declare(&log)?,
            process: ProcessMetrics::declare(&declare.under("Process"))?,
            intake: IntakeMetrics::declare(&declare.under("Notices"))?,
            delivery: DeliveryMetrics::declare(&declare.under("Telling people"))?,
            campaigns: CampaignMetrics::declare(&declare.under("Rotation campaigns"))?,
            signals: Signals::declare(&declare.under("Security event tokens, and the inbox"))?,
            declared: declared.take(),
            registry: registry.clone(),
            known: Mutex::default(),
            vocabulary,
        };
        metrics.touch();
        metrics.set_audit_blocked(false);
        metrics.set_targets(metrics.vocabulary.targets.clone());
        Ok(metrics)
    }

    /// A team was reminded in this tone.
    pub fn nudged(&self, tone: &str) {
        self.campaigns.nudges.with_label_values(&[tone]).inc();
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
        for tone in &words.tones {
            let _ = self.campaigns.nudges.with_label_values(&[tone]);
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

    /// Every family that there is, in the order of the documentation.
    #[must_use]
    pub fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// Configured time between looks, and longest time between two readings of all access lists.
    pub fn set_intervals(&self, look: f64, deep: f64) {
        let none: &[&str] = &[];
        self.gauges.interval.with_label_values(none).set(look);
        self.gauges.deep_interval.with_label_values(none).set(deep);
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

    /// Configured longest silence of the log; 0 where none is promised.
    pub fn set_heartbeat(&self, seconds: f64) {
        let none: &[&str] = &[];
        self.gauges.heartbeat.with_label_values(none).set(seconds);
    }

    /// The newest checkpoint was made at `at` (Unix seconds).
    pub fn set_sealed(&self, at: f64) {
        self.known().sealed = Some(at);
    }

    /// Replaces what reading the whole log gave.
    pub fn set_check(&self, level: CheckLevel) {
        self.known().check = Some(level);
    }

    /// Whether the store takes and gives what it is asked for.
    pub fn set_store_up(&self, up: bool) {
        let none: &[&str] = &[];
        self.gauges.store_up.with_label_values(none).set(i64::from(up));
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

    /// What waits for a receiver.
    pub fn set_delivery(&self, receiver: &str, level: DeliveryLevel) {
        self.known().deliveries.insert(receiver.to_owned(), level);
    }

    /// Only these receivers are configured.
    pub fn keep_deliveries(&self, told: impl Fn(&str) -> bool) {
        self.known().deliveries.retain(|receiver, _| told(receiver));
    }

    /// How many filed pages stand how, by the last look at each; `None`: none are filed.
    pub fn set_pages(&self, pages: Option<PageLevels>) {
        self.known().pages = pages;
    }

    /// Replaces what is known of the periodic attestations.
    pub fn set_attestations(&self, levels: AttestationLevels) {
        self.known().attestations = levels;
    }

    /// Replaces what is known of the rotation campaigns; `None`: there are none.
    pub fn set_campaigns(&self, level: Option<CampaignLevel>) {
        self.known().campaigns = level;
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
        self.delivery.set(&known, now);
        self.campaigns.set(&known);
        self.signals.set(now);
        self.process.set();
        let mut text = Vec::with_capacity(128 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
