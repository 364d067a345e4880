//! Levels: set from what is known at each scrape.

use super::{Declare, Known, Levels, TargetLevel, Vocabulary};
use prometheus::{GaugeVec, IntGaugeVec};
use std::collections::BTreeMap;

/// What alone is found in systems that are no targets.
const PROBE: &str = "probe";

/// Every gauge that is set at a scrape.
pub(super) struct Gauges {
    pub(super) in_progress: IntGaugeVec,
    pub(super) oldest_age: GaugeVec,
    pub(super) overdue: IntGaugeVec,
    pub(super) overdue_age: GaugeVec,
    pub(super) regressed: IntGaugeVec,
    pub(super) residual: IntGaugeVec,
    pub(super) late_notices: IntGaugeVec,
    pub(super) success_rate: GaugeVec,
    pub(super) without_account: IntGaugeVec,
    pub(super) pending: IntGaugeVec,
    pub(super) exceptions: IntGaugeVec,
    pub(super) exceptions_pending: IntGaugeVec,
    pub(super) next_expiry: GaugeVec,
    pub(super) reviews_overdue: IntGaugeVec,
    pub(super) emergencies_pending: IntGaugeVec,
    pub(super) emergencies_overdue: IntGaugeVec,
    pub(super) glass: IntGaugeVec,
    pub(super) target_up: IntGaugeVec,
    pub(super) attempt: GaugeVec,
    pub(super) success: GaugeVec,
    pub(super) deep: GaugeVec,
    pub(super) skew: GaugeVec,
    pub(super) verifiable: IntGaugeVec,
    pub(super) excess: IntGaugeVec,
    pub(super) canary_missing: IntGaugeVec,
    pub(super) canary_detected: GaugeVec,
    pub(super) audit_head: IntGaugeVec,
    pub(super) audit_queued: IntGaugeVec,
    pub(super) audit_blocked: IntGaugeVec,
    pub(super) interval: GaugeVec,
    pub(super) reloaded: IntGaugeVec,
    pub(super) reloaded_at: GaugeVec,
}

impl Gauges {
    pub(super) fn declare(declare: &Declare<'_>) -> prometheus::Result<Self> {
        let cell = &["type", "reason", "milestone"];
        Ok(Self {
            in_progress: declare.int_gauge("access_revocations_in_progress", "Revocations open or regressed, overdue ones included.", &["type", "reason"])?,
            oldest_age: declare.gauge("access_revocation_in_progress_oldest_age_seconds", "Age of the oldest revocation that has not met the milestone, 0 if none.", cell)?,
            overdue: declare.int_gauge("access_revocations_overdue", "Revocations past the deadline of a milestone that is not met.", cell)?,
            overdue_age: declare.gauge("access_revocation_overdue_oldest_age_seconds", "Worst lateness of those, 0 if none.", cell)?,
            regressed: declare.int_gauge("access_revocations_regressed", "Revocations whose access came back after verification.", &["reason"])?,
            residual: declare.int_gauge("access_revocation_residual_findings", "What should be gone and is not, by surface.", &["target", "surface"])?,
            late_notices: declare.int_gauge("access_revocation_late_notice_sessions", "Open sessions that began after access should have ended and before the notice came.", &["target"])?,
            success_rate: declare.gauge("access_revocation_verification_success_rate", "Verified revocations as a share of those and of the overdue and regressed ones, 1 when there are none.", &[])?,
            without_account: declare.int_gauge("access_revocations_without_account", "Revocations for which no account was found; they need a confirmation.", &[])?,
            pending: declare.int_gauge("access_revocation_requests_pending", "What would keep access and waits for a second person.", &["asks"])?,
            exceptions: declare.int_gauge("access_revocation_exceptions_active", "Permissions to keep access that are in force.", &["kind"])?,
            exceptions_pending: declare.int_gauge("access_revocation_exceptions_pending", "Permissions to keep access that wait for a second person.", &["kind"])?,
            next_expiry: declare.gauge("access_revocation_exceptions_next_expiry_timestamp_seconds", "When the next permission in force ends; absent while none has an end.", &[])?,
            reviews_overdue: declare.int_gauge("access_revocation_exceptions_review_overdue", "Permissions whose review is due and was not done.", &["kind"])?,
            emergencies_pending: declare.int_gauge("access_revocation_emergency_approvals_pending", "Emergency revocations that no second person has approved.", &[])?,
            emergencies_overdue: declare.int_gauge("access_revocation_emergency_approvals_overdue", "Those of them whose time for it is over.", &[])?,
            glass: declare.int_gauge("access_revocation_break_glass_unpermitted_sessions", "Sessions of break-glass roles for which no break-glass is open.", &["target"])?,
            target_up: declare.int_gauge("access_revocation_target_up", "1 when the last look at the target got an answer.", &["target"])?,
            attempt: declare.gauge("access_revocation_agent_last_reconcile_attempt_timestamp_seconds", "Start of the last look, answered or not.", &["target"])?,
            success: declare.gauge("access_revocation_agent_last_reconcile_success_timestamp_seconds", "End of the last look that got an answer.", &["target"])?,
            deep: declare.gauge("access_revocation_agent_deep_evidence_timestamp_seconds", "Start of the look that read the oldest access list in use.", &["target"])?,
            skew: declare.gauge("access_revocation_target_clock_skew_seconds", "The target's clock less the agent's.", &["target"])?,
            verifiable: declare.int_gauge("access_revocation_surface_verifiable", "1 when the last look could read the surface everywhere.", &["target", "surface"])?,
            excess: declare.int_gauge("access_revocation_agent_excess_privileges", "Rights of the agent's role beyond what it needs.", &["target"])?,
            canary_missing: declare.int_gauge("access_revocation_canary_missing", "1 from when the canary is missed until it is found again: no look at the target proves absence.", &["target"])?,
            canary_detected: declare.gauge("access_revocation_canary_last_detected_timestamp_seconds", "Start of the newest look that found the canary.", &["target"])?,
            audit_head: declare.int_gauge("access_revocation_audit_head_sequence", "Sequence of the newest record in the audit log.", &[])?,
            interval: declare.gauge("access_revocation_agent_reconcile_interval_seconds", "Configured time between looks.", &[])?,
            reloaded: declare.int_gauge("access_revocation_agent_config_last_reload_successful", "1 when the configuration file was taken the last time it was read, 0 when the old one stays in force.", &[])?,
            reloaded_at: declare.gauge("access_revocation_agent_config_last_reload_success_timestamp_seconds", "When the configuration in force was taken.", &[])?,
            audit_blocked: declare.int_gauge("access_revocation_audit_blocked", "1 while the audit log takes no records: no notice is accepted, and nothing new is shown.", &[])?,
            audit_queued: declare.int_gauge("access_revocation_audit_queued_records", "Records that wait for the audit log.", &[])?,
        })
    }

    /// Sets every level; what is not known stays absent.
    pub(super) fn set(&self, known: &Known, words: &Vocabulary, now: f64) {
        if let Some(levels) = &known.levels {
            self.set_levels(levels, &known.configured, words, now);
            for system in &known.systems {
                let cell = (system.clone(), PROBE.to_owned());
                let count = levels.residual.get(&cell).copied().unwrap_or(0);
                self.residual.with_label_values(&[system.as_str(), PROBE]).set(count);
            }
        }
        for (target, count) in &known.vanished {
            let gauge = self.residual.with_label_values(&[target.as_str(), "vanished_session"]);
            gauge.set(gauge.get().max(*count));
        }
        self.glass.reset();
        for (target, count) in &known.glass {
            self.glass.with_label_values(&[target]).set(*count);
        }
        for (target, level) in &known.targets {
            self.set_target(target, level, words);
        }
        // A target may lose its canary and stay.
        self.canary_missing.reset();
        self.canary_detected.reset();
        for (target, canary) in &known.canaries {
            if let Some(missing) = canary.missing {
                self.canary_missing.with_label_values(&[target]).set(i64::from(missing));
            }
            if let Some(detected) = canary.detected {
                self.canary_detected.with_label_values(&[target]).set(detected);
            }
        }
        let none: &[&str] = &[];
        if let Some(audit) = known.audit {
            let head = i64::try_from(audit.head).unwrap_or(i64::MAX);
            self.audit_head.with_label_values(none).set(head);
            self.audit_queued.with_label_values(none).set(audit.queued);
        }
    }

    /// Drops every series of a target; the next scrape sets those that are known.
    pub(super) fn forget_targets(&self) {
        for levels in
            [&self.residual, &self.late_notices, &self.target_up, &self.verifiable, &self.excess]
        {
            levels.reset();
        }
        for levels in [&self.attempt, &self.success, &self.deep, &self.skew] {
            levels.reset();
        }
    }

    fn set_levels(&self, levels: &Levels, targets: &[String], words: &Vocabulary, now: f64) {
        let none: &[&str] = &[];
        for (kind, reason, milestone) in &words.milestones {
            let pair = ((*kind).to_owned(), (*reason).to_owned());
            let open = levels.in_progress.get(&pair).copied().unwrap_or(0);
            self.in_progress.with_label_values(&[*kind, *reason]).set(open);
            let cell = (pair.0, pair.1, (*milestone).to_owned());
            let labels = [*kind, *reason, *milestone];
            let age = |since: Option<&f64>| since.map_or(0.0, |since| (now - since).max(0.0));
            self.oldest_age.with_label_values(&labels).set(age(levels.oldest.get(&cell)));
            self.overdue
                .with_label_values(&labels)
                .set(levels.overdue.get(&cell).copied().unwrap_or(0));
            self.overdue_age.with_label_values(&labels).set(age(levels.overdue_since.get(&cell)));
        }
        for reason in &words.reasons {
            let count = levels.regressed.get(*reason).copied().unwrap_or(0);
            self.regressed.with_label_values(&[reason]).set(count);
        }
        for target in targets {
            let late = levels.late_notices.get(target).copied().unwrap_or(0);
            self.late_notices.with_label_values(&[target]).set(late);
            // No look reads passwords as a surface of its own, but a rotation may find one.
            for surface in words.surfaces.iter().chain(&["credential"]) {
                let cell = (target.clone(), (*surface).to_owned());
                let count = levels.residual.get(&cell).copied().unwrap_or(0);
                self.residual.with_label_values(&[target.as_str(), surface]).set(count);
            }
        }
        self.success_rate.with_label_values(none).set(levels.success_rate);
        self.without_account.with_label_values(none).set(levels.without_account);
        for asks in &words.asks {
            let count = levels.pending.get(asks).copied().unwrap_or(0);
            self.pending.with_label_values(&[asks]).set(count);
        }
        for kind in &words.exceptions {
            let level = |of: &BTreeMap<&'static str, i64>| of.get(kind).copied().unwrap_or(0);
            let kinds: &[&str] = &[kind];
            self.exceptions.with_label_values(kinds).set(level(&levels.exceptions));
            self.exceptions_pending.with_label_values(kinds).set(level(&levels.exceptions_pending));
            self.reviews_overdue.with_label_values(kinds).set(level(&levels.reviews_overdue));
        }
        self.emergencies_pending.with_label_values(none).set(levels.emergencies_pending);
        self.emergencies_overdue.with_label_values(none).set(levels.emergencies_overdue);
        self.next_expiry.reset();
        if let Some(at) = levels.next_expiry {
            self.next_expiry.with_label_values(none).set(at);
        }
    }

    fn set_target(&self, target: &str, level: &TargetLevel, words: &Vocabulary) {
        self.target_up.with_label_values(&[target]).set(i64::from(level.up));
        self.attempt.with_label_values(&[target]).set(level.attempt);
        self.excess.with_label_values(&[target]).set(level.excess);
        self.deep.with_label_values(&[target]).set(level.deep);
        if let Some(success) = level.success {
            self.success.with_label_values(&[target]).set(success);
        }
        if let Some(skew) = level.skew {
            self.skew.with_label_values(&[target]).set(skew);
        }
        for surface in &words.surfaces {
            let seen = !level.unverifiable.iter().any(|unread| unread == surface);
            self.verifiable.with_label_values(&[target, surface]).set(i64::from(seen));
        }
    }
}
