//! The constants of the log format `revlog/1`: all that writer and verifier share.
//!
//! The format itself is described in `docs/audit-log.md`. Code is not shared on purpose: a mistake
//! in a shared function would be made by the writer and forgiven by the verifier.

/// Name of the format, as the genesis line carries it.
pub const FORMAT: &str = "revlog/1";

/// First byte of what is hashed for a line: keeps leaves and nodes of the tree apart (RFC 6962
/// section 2.1).
pub const LEAF_PREFIX: u8 = 0x00;

/// First byte of what is hashed for an inner node of the tree (RFC 6962 section 2.1).
pub const NODE_PREFIX: u8 = 0x01;

/// Longest line in bytes, its line feed not counted.
pub const MAX_LINE: usize = 1024 * 1024;

/// Deepest nesting of a line; the object that is the line has depth 1.
pub const MAX_DEPTH: usize = 32;

/// Largest absolute value of an integer: what every JSON reader holds exactly (RFC 8259 section 6).
pub const MAX_INTEGER: u64 = (1 << 53) - 1;

/// `prev` of line 0.
pub const ZERO_PREV: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Algorithm byte of an ed25519 key in a C2SP signed note.
pub const VKEY_ED25519: u8 = 0x01;

/// What begins a signature line of a C2SP signed note: an em dash and a space.
pub const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// How far the clock of the agent and that of another may lie apart, in microseconds.
pub const TOLERANCE: i64 = 600 * 1_000_000;

/// Longest origin in bytes.
pub const MAX_ORIGIN: usize = 255;

/// Longest record type in bytes; its alphabet is `[a-z0-9_]`.
pub const MAX_TYPE: usize = 64;

/// File name of the first segment of a log; later ones carry the sequence of their first line.
pub const FIRST_SEGMENT: &str = "revlog-000000000000.jsonl";

/// Line 0: format, origin, key, hash of the next key.
pub const GENESIS: &str = "genesis";
/// The agent began.
pub const START: &str = "start";
/// The agent ended in order.
pub const STOP: &str = "stop";
/// Nothing happened, and the agent was there to see it.
pub const HEARTBEAT: &str = "heartbeat";
/// The system clock was set; allows the next `time` to lie before the last.
pub const CLOCK: &str = "clock";
/// Bytes after the last checkpoint were moved away.
pub const RECOVERY: &str = "recovery";
/// Records that could not be kept.
pub const LOSS: &str = "loss";
/// The key changes.
pub const KEY: &str = "key";
/// A new file begins.
pub const SEGMENT: &str = "segment";
/// The signed tree head that ends a commit.
pub const CHECKPOINT: &str = "checkpoint";

/// Types of the lines which the writer makes by itself.
pub const OWN_TYPES: &[&str] =
    &[GENESIS, START, STOP, HEARTBEAT, CLOCK, RECOVERY, LOSS, KEY, SEGMENT, CHECKPOINT];

/// Types of the records that come from the queue. Types are added, never renamed.
pub const QUEUED_TYPES: &[&str] = &[
    "revocation_triggered",
    "validation_completed",
    "observation",
    "access_revoked",
    "account_disabled",
    "data_archived",
    "item_attested",
    "verification_completed",
    "verification_failed",
    "verification_inconclusive",
    "access_regressed",
    "use_after_effective",
    "approval_requested",
    "revocation_amended",
    "revocation_withdrawn",
    "exception_requested",
    "exception_granted",
    "exception_expired",
    "exception_reviewed",
    "emergency_approved",
    "emergency_unapproved",
    "subject",
    "subject_linked",
    "erasure",
    "notice_quarantined",
    "nudge_sent",
    "consumer_claimed",
    "consumer_claim_withdrawn",
    "consumer_observed",
    "campaign_swept",
    "notification_sent",
    "attestation_due",
    "attestation_published",
    "attestation_changed",
    "outbox_changed",
    "overdue_acknowledged",
    "acknowledgement_ended",
    "canary_detected",
    "canary_missed",
    "coverage_changed",
    "config_changed",
    "anchor",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery::RecordKind;

    /// A type that is new has to say there whether it is told.
    #[test]
    fn whether_a_record_is_told_is_decided_for_each_type() {
        let known: Vec<_> = RecordKind::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(known, QUEUED_TYPES);
    }
}
