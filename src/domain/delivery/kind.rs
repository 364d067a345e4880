//! The records that wait in the queue, as far as telling depends on them.

use crate::domain::words::words;

words! {
    /// A type of record. The log has the same ones; that each is here is tested where both are known.
    RecordKind {
        /// A revocation is expected.
        Triggered = "revocation_triggered",
        /// What will be looked for.
        Validated = "validation_completed",
        /// What a look saw.
        Observation = "observation",
        /// First clean look.
        Revoked = "access_revoked",
        /// Login off and no session.
        Disabled = "account_disabled",
        /// Somebody says that data were archived.
        Archived = "data_archived",
        /// Somebody's word about an item.
        Attested = "item_attested",
        /// Second clean look.
        Verified = "verification_completed",
        /// A deadline passed, and access is there.
        Failed = "verification_failed",
        /// A deadline passed and nobody can tell; or what was proved is in doubt.
        Inconclusive = "verification_inconclusive",
        /// Access came back.
        Regressed = "access_regressed",
        /// A session began after the end.
        Used = "use_after_effective",
        /// Something that keeps access waits for a second person.
        ApprovalRequested = "approval_requested",
        /// It asks for something else.
        Amended = "revocation_amended",
        /// Nothing is expected any more.
        Withdrawn = "revocation_withdrawn",
        /// Somebody asks to keep access.
        ExceptionRequested = "exception_requested",
        /// It may be kept.
        ExceptionGranted = "exception_granted",
        /// It may be kept no longer.
        ExceptionExpired = "exception_expired",
        /// Somebody looked at what it was used for.
        ExceptionReviewed = "exception_reviewed",
        /// A second person said that an emergency was right.
        EmergencyApproved = "emergency_approved",
        /// Nobody said so in time.
        EmergencyUnapproved = "emergency_unapproved",
        /// Who a subject is: a commitment.
        Subject = "subject",
        /// Which roles are a subject's.
        Linked = "subject_linked",
        /// Who a subject is was deleted.
        Erasure = "erasure",
        /// A notice waits for a person.
        Quarantined = "notice_quarantined",
        /// Somebody was reminded.
        Nudged = "nudge_sent",
        /// Somebody says that they use the new secret.
        Claimed = "consumer_claimed",
        /// Somebody took that back.
        ClaimWithdrawn = "consumer_claim_withdrawn",
        /// A consumer of an old credential stands elsewhere, by what was seen.
        Observed = "consumer_observed",
        /// The consumers of a campaign were gone through.
        Swept = "campaign_swept",
        /// Somebody was told.
        Notified = "notification_sent",
        /// A period ended, and is to be attested.
        PeriodEnded = "attestation_due",
        /// A statement was filed.
        Published = "attestation_published",
        /// What was filed was changed by somebody.
        PageChanged = "attestation_changed",
        /// A message took another way.
        OutboxChanged = "outbox_changed",
        /// Somebody has in hand what is late.
        Acknowledged = "overdue_acknowledged",
        /// That is over.
        AcknowledgementEnded = "acknowledgement_ended",
        /// The canary of a target was found.
        CanaryDetected = "canary_detected",
        /// The canary of a target is missed.
        CanaryMissed = "canary_missed",
        /// What can be seen changed.
        CoverageChanged = "coverage_changed",
        /// Another configuration is in force.
        ConfigChanged = "config_changed",
        /// Somebody else holds a checkpoint.
        Anchored = "anchor",
    }
}
