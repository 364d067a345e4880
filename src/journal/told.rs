//! What is told of a record that is in the log: counters, and a line on stderr.

use crate::domain::relapse::RelapseCause;
use crate::metrics::Metrics;
use crate::store::{LandedRecord, QueuedRecord};
use serde_json::Value;

/// Counters show a move once its record is in the log.
#[expect(clippy::cast_precision_loss, reason = "durations in microseconds fit 53 bits")]
pub(super) fn count(metrics: &Metrics, record: &QueuedRecord) {
    let word = |key: &str| record.body.get(key).and_then(Value::as_str).unwrap_or_default();
    let reason = word("reason");
    match record.kind.as_str() {
        "revocation_triggered" => {
            metrics.revocations.with_label_values(&[reason]).inc();
            let instant = |key: &str| word(key).parse::<crate::domain::time::UtcTime>().ok();
            if let (Some(effective), Some(received)) =
                (instant("effective_at"), instant("received_at"))
            {
                let delay = received.since(effective).as_secs_f64();
                metrics.notice_delay.with_label_values(&[reason]).observe(delay);
            }
        }
        "verification_completed" => {
            if let Some(us) = record.body.get("duration_us").and_then(Value::as_u64) {
                let labels = [word("kind"), reason];
                metrics.duration.with_label_values(&labels).observe(us as f64 / 1e6);
            }
        }
        "verification_failed" | "verification_inconclusive" => {
            metrics.deadline_missed.with_label_values(&[reason, word("milestone")]).inc();
        }
        // One for the target; those of its revocations follow from it.
        "canary_missed" if record.revocation_id.is_none() => {
            metrics.canary_missed.with_label_values(&[word("target")]).inc();
        }
        "revocation_withdrawn" => {
            let erroneous = record.body.get("erroneous").and_then(Value::as_bool);
            let cause = if erroneous == Some(true) { "erroneous" } else { "other" };
            metrics.withdrawn.with_label_values(&[reason, cause]).inc();
        }
        "access_regressed" => {
            // What was queued by an earlier version names none.
            let cause = Some(word("cause")).filter(|cause| !cause.is_empty());
            let cause = cause.unwrap_or(RelapseCause::Unknown.as_str());
            metrics.regressions.with_label_values(&[reason, cause]).inc();
        }
        "use_after_effective" => {
            let account = record.body.get("account");
            let target = account.and_then(|account| account.get("target")).and_then(Value::as_str);
            let labels = [target.unwrap_or_default(), word("because")];
            metrics.uses.with_label_values(&labels).inc();
        }
        "nudge_sent" => metrics.nudged(word("tone")),
        _ => {}
    }
}

/// One line for each move of a revocation, once its record is in the log. Names of nobody: who it is about
/// is for those who may ask the API.
pub(super) fn say(landed: &LandedRecord) {
    let record = landed.record.kind.as_str();
    let (revocation, seq) = (landed.record.revocation_id.as_deref(), landed.seq);
    let milestone = landed.record.body.get("milestone").and_then(Value::as_str);
    match record {
        "access_regressed"
        | "verification_failed"
        | "verification_inconclusive"
        | "use_after_effective"
        | "canary_missed" => {
            tracing::warn!(revocation, record, milestone, seq, "a record landed");
        }
        "subject" | "validation_completed" | "subject_linked" | "observation" => {
            tracing::debug!(revocation, record, milestone, seq, "a record landed");
        }
        _ => tracing::info!(revocation, record, milestone, seq, "a record landed"),
    }
}
