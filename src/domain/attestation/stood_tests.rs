//! What no record tells, and the store knows: how a revocation stands after each move.

use super::tests::{at, setting, times, week};
use super::{Attestation, Entry, Replay, Stood, attest};
use crate::domain::milestone::{Milestone, PerMilestone};
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use serde_json::json;

fn stood(state: State, missed: Option<UtcTime>, met: Option<UtcTime>) -> Stood {
    let per = |access| PerMilestone { access, ..PerMilestone::default() };
    Stood { state, missed: per(missed), met: per(met), first_clean_at: met }
}

/// An attestation of the week after these moves of one revocation.
fn after(moves: &[(&str, &str, Stood)]) -> Attestation {
    let deadlines = json!({"login": null, "access": at("05T12:00:00"), "credentials": null});
    let mut replay = Replay::new(week());
    let begun = at("05T08:00:00");
    let triggered = json!({
        "at": begun, "deadlines": deadlines, "effective_at": begun, "kind": "full", "reason": "terminated",
        "received_at": begun, "revocation": "rev_1", "subject": "s_1", "triggered_by": "hr",
    });
    let body = triggered.as_object().unwrap();
    replay.push(&Entry { kind: "revocation_triggered", body, seq: 1, stood: None });
    for (seq, (kind, time, stood)) in (2..).zip(moves) {
        let what = json!({"at": at(time), "as_of": at(time), "milestone": "access", "revocation": "rev_1"});
        let body = what.as_object().unwrap();
        replay.push(&Entry { kind, body, seq, stood: Some(stood) });
    }
    attest(replay, setting())
}

#[test]
fn access_that_is_seen_again_before_the_proof_is_overdue() {
    let missed = Some(at("05T12:00:00"));
    let clean = Some(at("05T13:00:00"));
    let made = after(&[
        ("verification_failed", "05T12:00:00", stood(State::Open, missed, None)),
        ("access_revoked", "05T13:00:00", stood(State::Open, missed, clean)),
        ("observation", "05T13:00:40", stood(State::Open, missed, None)),
    ]);
    assert_eq!(made.outcome.overdue, 1);
    assert_eq!(made.revocations[0].first_clean_at, None);
    assert_eq!(times(&made, Milestone::Access).met.get("overdue"), Some(&1), "{made:?}");
}

#[test]
fn a_link_takes_back_what_was_proved() {
    let clean = Some(at("05T10:00:00"));
    let verified = ("verification_completed", "05T10:01:00");
    let made = after(&[
        (verified.0, verified.1, stood(State::Verified, None, clean)),
        ("subject_linked", "06T09:00:00", stood(State::Open, None, None)),
    ]);
    assert_eq!(made.outcome.at_end.get("verified"), Some(&0), "{:?}", made.outcome);
    assert_eq!(made.outcome.at_end.get("open"), Some(&1));
    assert!(!made.revocations[0].overdue);
}
