//! Levels: set from what is known at each scrape.

use super::declare::{Declare, family};
use super::{Known, Levels, TargetLevel, Vocabulary};
use prometheus::{GaugeVec, IntGaugeVec};
use std::collections::BTreeMap;

/// What alone is found in systems that are no targets.
const PROBE: &str = "probe";

const CELL: &[&str] = &["type", "reason", "milestone"];

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
    pub(super) audit_sealed: GaugeVec,
    pub(super) heartbeat: GaugeVec,
    pub(super) audit_valid: IntGaugeVec,
    pub(super) audit_verified: IntGaugeVec,
    pub(super) audit_missing: IntGaugeVec,
    pub(super) audit_checked: GaugeVec,
    pub(super) store_up: IntGaugeVec,
    pub(super) interval: GaugeVec,
    pub(super) deep_interval: GaugeVec,
    pub(super) reloaded: IntGaugeVec,
    pub(super) reloaded_at: GaugeVec,
}

impl Gauges {
    #[rustfmt::skip]
    pub(super) fn declare(declare: &Declare<'_>) -> prometheus::Result<Self> {
        let about = declare.under("Revocations");
        let looks = declare.under("Looks and targets");
        let log = declare.under("Log and agent");
        Ok(Self {
            in_progress: about.int_gauge(family("access_revocations_in_progress", &["type", "reason"], "Revocations open or regressed, overdue ones included.").more("Scheduled ones are not counted."))?,
            oldest_age: about.gauge(family("access_revocation_in_progress_oldest_age_seconds", CELL, "Age of the oldest revocation that has not met the milestone, 0 if none.").more("From the later of effect and receipt. Without those of which it is known that they have no account."))?,
            overdue: about.int_gauge(family("access_revocations_overdue", CELL, "Revocations past the deadline of a milestone that is not met.").more("Without those of which it is known that they have no account."))?,
            overdue_age: about.gauge(family("access_revocation_overdue_oldest_age_seconds", CELL, "Time since the earliest of those deadlines, 0 if none."))?,
            regressed: about.int_gauge(family("access_revocations_regressed", &["reason"], "Revocations that were verified once, and whose access is back."))?,
            residual: about.int_gauge(family("access_revocation_residual_findings", &["target", "surface"], "What should be gone and is not, by surface.").more("Of open and regressed revocations. While the answer is inconclusive the last known findings stay. `surface=\"vanished_session\"` is at least the number of sessions and prepared transactions of gone roles that were known under another name: the target's own finding, also when nothing is open. What a check of an external system found has its name as `target` and `surface=\"probe\"`."))?,
            late_notices: looks.int_gauge(family("access_revocation_late_notice_sessions", &["target"], "Open sessions that began after access should have ended and before the notice came.").more("They are no use after the end. While the target does not answer the last number stays."))?,
            success_rate: about.gauge(family("access_revocation_verification_success_rate", &[], "Verified revocations as a share of those and of the overdue and regressed ones, 1 when there are none.").more("Of those that are watched.").share())?,
            without_account: about.int_gauge(family("access_revocations_without_account", &[], "Revocations for which no account was found; they need a confirmation.").more("Open or regressed, and every role of every target was read and none is the subject's. While a target is down it is not known, and the deadlines apply."))?,
            pending: about.int_gauge(family("access_revocation_requests_pending", &["asks"], "What would keep access and waits for a second person.").more("One that is older than seven days can be approved no more, and counts until another request takes its place."))?,
            exceptions: about.int_gauge(family("access_revocation_exceptions_active", &["kind"], "Permissions to keep access that are in force.").more("See [exceptions.md](exceptions.md)."))?,
            exceptions_pending: about.int_gauge(family("access_revocation_exceptions_pending", &["kind"], "Permissions to keep access that wait for a second person."))?,
            next_expiry: about.gauge(family("access_revocation_exceptions_next_expiry_timestamp_seconds", &["kind"], "When the next permission of the kind that is in force ends.").absent("while none of the kind has an end"))?,
            reviews_overdue: about.int_gauge(family("access_revocation_exceptions_review_overdue", &["kind"], "Permissions whose review is due and was not done."))?,
            emergencies_pending: about.int_gauge(family("access_revocation_emergency_approvals_pending", &[], "Emergency revocations that no second person has approved.").more("See [commands.md](commands.md#in-an-emergency)."))?,
            emergencies_overdue: about.int_gauge(family("access_revocation_emergency_approvals_overdue", &[], "Those of them whose time for it is over.").more("It is `emergency_approval`."))?,
            glass: looks.int_gauge(family("access_revocation_break_glass_unpermitted_sessions", &["target"], "Sessions of break-glass roles for which no break-glass is open.").more("Of the configured roles.").absent("before the first answer; without such a role always"))?,
            target_up: looks.int_gauge(family("access_revocation_target_up", &["target"], "1 when the last look at the target got an answer.").flag().absent("before the first look"))?,
            attempt: looks.gauge(family("access_revocation_agent_last_reconcile_attempt_timestamp_seconds", &["target"], "Start of the last look, answered or not.").absent("before the first look"))?,
            success: looks.gauge(family("access_revocation_agent_last_reconcile_success_timestamp_seconds", &["target"], "End of the last look that got an answer.").more("With or without gaps.").absent("before the first answer"))?,
            deep: looks.gauge(family("access_revocation_agent_deep_evidence_timestamp_seconds", &["target"], "Start of the look that read the oldest access list in use.").more("At most `deep_interval` and one look ago while the target answers.").absent("before the first answer"))?,
            skew: looks.gauge(family("access_revocation_target_clock_skew_seconds", &["target"], "The target's clock less the agent's, at the last look that got an answer.").absent("before the first answer"))?,
            verifiable: looks.int_gauge(family("access_revocation_surface_verifiable", &["target", "surface"], "1 when the last look could read the surface everywhere.").more("For `probe`: every required probe that was asked told something. 0 also for `hba_rule` and `ident_map` where they are not required and the role may not read them.").flag().absent("before the first look"))?,
            excess: looks.int_gauge(family("access_revocation_agent_excess_privileges", &["target"], "Rights of the agent's role beyond what it needs.").more("Findings: one per role it holds and one per database. While the target does not answer it is what it was.").absent("before the first answer"))?,
            canary_missing: looks.int_gauge(family("access_revocation_canary_missing", &["target"], "1 from when the canary is missed until it is found again: no look at the target proves absence.").more("See [canary.md](canary.md). Rebuilt from the store at start.").flag().absent("before the first answer; without a canary always"))?,
            canary_detected: looks.gauge(family("access_revocation_canary_last_detected_timestamp_seconds", &["target"], "Start of the newest look that found the canary.").absent("before the first answer, and until it was found once"))?,
            audit_head: log.int_gauge(family("access_revocation_audit_head_sequence", &[], "Sequence of the newest line of the audit log, which is a checkpoint."))?,
            audit_sealed: log.gauge(family("access_revocation_audit_checkpoint_timestamp_seconds", &[], "When the newest checkpoint of the audit log was made.").more("While the agent runs and the log takes records, never longer ago than the heartbeat."))?,
            heartbeat: log.gauge(family("access_revocation_audit_heartbeat_interval_seconds", &[], "Configured longest silence of the audit log, 0 if none is promised.").more("It is `log.heartbeat`."))?,
            audit_valid: log.int_gauge(family("access_revocation_audit_chain_valid", &[], "1 when the agent read the whole audit log and every line was what was written.").more("It reads it at the start and then every ten minutes, slower if the log is long, with the [verifier](audit-log.md) and the key that signs now. Files that were moved to an archive are not read. 0 says what `revoked verify` would say: the log was touched.").flag().absent("before the first reading is done"))?,
            audit_verified: log.int_gauge(family("access_revocation_audit_verified_sequence", &[], "Newest line that this reading found good.").absent("before the first reading is done"))?,
            audit_missing: log.int_gauge(family("access_revocation_audit_missing_records", &[], "Records of which the audit log itself says that it lacks them.").more("Lines `loss`; one that does not know how many counts as one.").absent("before the first reading is done"))?,
            audit_checked: log.gauge(family("access_revocation_audit_checked_timestamp_seconds", &[], "When this reading ended.").absent("before the first reading is done"))?,
            store_up: log.int_gauge(family("access_revocation_agent_store_up", &[], "1 when the store answered the last time it was asked, and takes what is written.").more("It is asked every five seconds, and has two to answer. While it is 0 no notice is accepted, and nothing new is shown.").flag())?,
            interval: looks.gauge(family("access_revocation_agent_reconcile_interval_seconds", &[], "Configured time between looks.").more("It is `look_interval`."))?,
            deep_interval: looks.gauge(family("access_revocation_agent_deep_interval_seconds", &[], "Configured longest time between two readings of all access lists of a database.").more("It is `deep_interval`."))?,
            reloaded: log.int_gauge(family("access_revocation_agent_config_last_reload_successful", &[], "1 when the configuration file was taken the last time it was read, 0 when the old one stays in force.").flag())?,
            reloaded_at: log.gauge(family("access_revocation_agent_config_last_reload_success_timestamp_seconds", &[], "When the configuration in force was taken.").more("Or a wrong file was put right again; at first the start of the agent."))?,
            audit_blocked: log.int_gauge(family("access_revocation_audit_blocked", &[], "1 while the audit log takes no records: no notice is accepted, and nothing new is shown.").more("For want of room or of a signature.").flag())?,
            audit_queued: log.int_gauge(family("access_revocation_audit_queued_records", &[], "Records that wait for the audit log.").more("Counted at start and after each commit."))?,
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
        if let Some(at) = known.sealed {
            self.audit_sealed.with_label_values(none).set(at);
        }
        if let Some(check) = known.check {
            let line = i64::try_from(check.verified).unwrap_or(i64::MAX);
            self.audit_valid.with_label_values(none).set(i64::from(check.valid));
            self.audit_verified.with_label_values(none).set(line);
            self.audit_missing.with_label_values(none).set(check.missing);
            self.audit_checked.with_label_values(none).set(check.at);
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
        for (kind, at) in &levels.next_expiry {
            self.next_expiry.with_label_values(&[kind]).set(*at);
        }
    }

    fn set_target(&self, target: &str, level: &TargetLevel, words: &Vocabulary) {
        self.target_up.with_label_values(&[target]).set(i64::from(level.up));
        self.attempt.with_label_values(&[target]).set(level.attempt);
        if let Some(excess) = level.excess {
            self.excess.with_label_values(&[target]).set(excess);
        }
        if let Some(deep) = level.deep {
            self.deep.with_label_values(&[target]).set(deep);
        }
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
