//! Which records are told: those of a state that changed, and each once.

use super::{RecordKind, Topic};
use crate::domain::campaign::Tone;
use serde_json::{Map, Value};

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What it is about.
    pub topic: Topic,
    /// Id of the revocation or of the notice, or `target:NAME`.
    pub about: String,
    /// Reason of the revocation; empty where there is none.
    pub reason: String,
}

/// What is told of the record `kind` with the content `body`.
#[must_use]
pub fn told(kind: &str, body: &Map<String, Value>) -> Vec<Told> {
    let Some(kind) = RecordKind::from_word(kind) else { return Vec::new() };
    if let Some(campaign) = body.get("campaign").and_then(Value::as_str) {
        return of_campaign(topic(kind, body), campaign, body);
    }
    let word = |key: &str| body.get(key).and_then(Value::as_str);
    let account = body.get("account").and_then(|account| account.get("target"));
    if let Some(name) = word("attestation").filter(|_| kind == RecordKind::PeriodEnded) {
        // Where it is filed is the route in `reason`.
        let lane = format!("attestation:{name}");
        return vec![Told { topic: Topic::Attestation, about: lane.clone(), reason: lane }];
    }
    let target = word("target").or_else(|| account.and_then(Value::as_str));
    // A page may be about a revocation, a checklist or a period that is attested.
    let filed = word("about").filter(|_| kind == RecordKind::Published);
    let filed = filed.map(|about| match word("what") {
        Some("attestation") => format!("attestation:{about}"),
        _ => about.to_owned(),
    });
    let about = match (word("revocation").or(filed.as_deref()), target, word("notice")) {
        (Some(revocation), _, _) => revocation.to_owned(),
        (None, Some(target), _) => format!("target:{target}"),
        (None, None, Some(notice)) => notice.to_owned(),
        (None, None, None) => return Vec::new(),
    };
    let edits = word("revocation").is_some() && changes(kind);
    let one = |topic| Told {
        topic,
        about: about.clone(),
        reason: word("reason").unwrap_or_default().to_owned(),
    };
    let filed = (word("revocation").is_some() && closes(kind)).then_some(Topic::Closure);
    let again = takes_back(kind, body).then_some(Topic::Reopened);
    let told = topic(kind, body).into_iter().chain(again).chain(edits.then_some(Topic::Status));
    told.chain(filed).map(one).collect()
}

/// What is told of a campaign: a team of its consumers, from some time on its lead and security too, each in a lane of its
/// own; and how the campaign stands. Where each goes is the route in `reason`.
fn of_campaign(topic: Option<Topic>, campaign: &str, body: &Map<String, Value>) -> Vec<Told> {
    let word = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let team = word("team");
    let one = |topic, about: String, reason: String| Told { topic, about, reason };
    match topic {
        Some(Topic::Nudge) => {
            let about = format!("campaign:{campaign}/{team}");
            let tone = Tone::from_word(word("tone")).unwrap_or(Tone::Polite);
            let mut told = vec![one(Topic::Nudge, about.clone(), format!("team:{team}"))];
            if tone >= Tone::Lead {
                told.push(one(Topic::NudgeLead, format!("{about}:lead"), format!("lead:{team}")));
            }
            if tone >= Tone::Security {
                let lane = format!("{about}:security");
                told.push(one(Topic::NudgeSecurity, lane, "security".to_owned()));
            }
            told
        }
        // Each begins a thread of its own, or nobody would see it.
        Some(Topic::Sweep) => {
            let about = format!("campaign:{campaign}@{}", word("slot"));
            vec![one(Topic::Sweep, about, "security".to_owned())]
        }
        Some(_) | None => Vec::new(),
    }
}

/// Whether a record takes back what was proved: by asking for more, by what was said of whose a role is, or by a legal hold.
fn takes_back(kind: RecordKind, body: &Map<String, Value>) -> bool {
    use RecordKind as K;
    let before = body.get("state_before").and_then(Value::as_str);
    matches!(kind, K::Amended | K::Linked | K::ExceptionGranted) && before == Some("verified")
}

/// What a record is told as, if it is. Each is here, so that nobody is left untold by mistake.
fn topic(kind: RecordKind, body: &Map<String, Value>) -> Option<Topic> {
    use RecordKind as K;
    let word = |key: &str| body.get(key).and_then(Value::as_str);
    let yes = |key: &str| body.get(key).and_then(Value::as_bool) == Some(true);
    let of_one = word("revocation").is_some();
    match kind {
        K::Triggered => Some(Topic::Opened),
        K::Observation => {
            let begins = word("label") == Some("before") || yes("due");
            (begins && word("verdict") == Some("residual")).then_some(Topic::Residual)
        }
        K::Verified => Some(Topic::Verified),
        // Without a milestone a name became known that nobody looked for, or it is a question whose a role is: it is open
        // again, and nothing was missed.
        K::Failed | K::Inconclusive if word("milestone").is_none() => Some(Topic::Reopened),
        K::Failed | K::Inconclusive => Some(Topic::Overdue),
        K::Regressed => Some(Topic::Regressed),
        K::Used => Some(Topic::Used),
        K::ApprovalRequested | K::ExceptionRequested => Some(Topic::Asked),
        K::Amended => Some(Topic::Changed),
        K::Withdrawn => Some(Topic::Withdrawn),
        K::ExceptionGranted => Some(Topic::Excepted),
        // What was never granted ends nothing, and what another one replaces goes on.
        K::ExceptionExpired => {
            let due = matches!(word("state"), Some("open" | "regressed"));
            (yes("granted") && due && word("ending") != Some("replaced")).then_some(Topic::Resumed)
        }
        K::EmergencyUnapproved => Some(Topic::Unapproved),
        // What was decided about it needs nobody any more.
        K::Quarantined => (word("outcome") == Some("quarantined")).then_some(Topic::Held),
        // Of the target; and of each revocation whose proof it takes away.
        K::CanaryMissed if of_one => {
            (word("state_before") == Some("verified")).then_some(Topic::Reopened)
        }
        K::CanaryMissed => Some(Topic::Blind),
        K::CanaryDetected => word("missed_at").map(|_| Topic::Sighted),
        K::Published => Some(Topic::Filed),
        K::Nudged => Some(Topic::Nudge),
        K::Swept => Some(Topic::Sweep),
        // Parts of what is told anyway: of an opening, of a verification, of a message itself, of the next sweep.
        K::Validated
        | K::Subject
        | K::Linked
        | K::Disabled
        | K::Revoked
        | K::Notified
        | K::OutboxChanged
        | K::Claimed
        | K::ClaimWithdrawn
        | K::Observed
        | K::PageChanged
        // A page is filed for it, and nobody is told in words.
        | K::PeriodEnded
        // What somebody says or decided, and nobody has to act upon.
        | K::Archived
        | K::Attested
        | K::ExceptionReviewed
        | K::EmergencyApproved
        | K::Erasure
        // Of the agent itself: these have metrics and alerts.
        | K::CoverageChanged
        | K::ConfigChanged
        | K::Anchored => None,
    }
}

/// Whether the first message of a thread may say something else after such a record.
fn changes(kind: RecordKind) -> bool {
    use RecordKind as K;
    match kind {
        K::Observation
        | K::Disabled
        | K::Revoked
        | K::Failed
        | K::Inconclusive
        | K::Verified
        | K::Regressed
        | K::ExceptionGranted
        | K::ExceptionExpired
        | K::EmergencyApproved
        | K::EmergencyUnapproved
        | K::Withdrawn
        | K::Amended
        | K::Linked
        | K::CanaryMissed => true,
        K::Triggered
        | K::Validated
        | K::Archived
        | K::Attested
        | K::Used
        | K::ApprovalRequested
        | K::ExceptionRequested
        | K::ExceptionReviewed
        | K::Subject
        | K::Erasure
        | K::Quarantined
        | K::Nudged
        | K::Claimed
        | K::ClaimWithdrawn
        | K::Observed
        | K::Swept
        | K::Notified
        | K::PeriodEnded
        | K::Published
        | K::PageChanged
        | K::OutboxChanged
        | K::CanaryDetected
        | K::CoverageChanged
        | K::ConfigChanged
        | K::Anchored => false,
    }
}

/// Whether a revocation, or the last one of a vendor's offboarding, may be at its end with such a record.
fn closes(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Verified | RecordKind::Withdrawn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn topics(kind: &str, body: &Value) -> Vec<(Topic, String)> {
        let told = told(kind, body.as_object().unwrap());
        told.into_iter().map(|one| (one.topic, one.about)).collect()
    }

    #[test]
    fn only_a_state_that_changed_is_told() {
        let of = |more: Value| {
            let mut body = json!({"revocation": "rev_1", "reason": "terminated"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let rev = |topic| (topic, "rev_1".to_owned());
        for (kind, more, expected) in [
            ("revocation_triggered", json!({}), vec![rev(Topic::Opened)]),
            ("validation_completed", json!({}), vec![]),
            (
                "observation",
                json!({"label": "before", "verdict": "residual"}),
                vec![rev(Topic::Residual), rev(Topic::Status)],
            ),
            (
                "observation",
                json!({"label": "before", "verdict": "revoked"}),
                vec![rev(Topic::Status)],
            ),
            (
                "observation",
                json!({"label": "changed", "verdict": "residual"}),
                vec![rev(Topic::Status)],
            ),
            (
                "verification_completed",
                json!({}),
                vec![rev(Topic::Verified), rev(Topic::Status), rev(Topic::Closure)],
            ),
            (
                "verification_inconclusive",
                json!({"milestone": "login"}),
                vec![rev(Topic::Overdue), rev(Topic::Status)],
            ),
            (
                "verification_inconclusive",
                json!({"because": "another_role_is_named"}),
                vec![rev(Topic::Reopened), rev(Topic::Status)],
            ),
            ("access_regressed", json!({}), vec![rev(Topic::Regressed), rev(Topic::Status)]),
            ("use_after_effective", json!({}), vec![rev(Topic::Used)]),
            (
                "canary_missed",
                json!({"target": "main", "state_before": "verified"}),
                vec![rev(Topic::Reopened), rev(Topic::Status)],
            ),
            (
                "canary_missed",
                json!({"target": "main", "state_before": "open"}),
                vec![rev(Topic::Status)],
            ),
            (
                "observation",
                json!({"label": "changed", "verdict": "residual", "due": true}),
                vec![rev(Topic::Residual), rev(Topic::Status)],
            ),
            ("approval_requested", json!({"asks": "postpone"}), vec![rev(Topic::Asked)]),
            ("exception_requested", json!({}), vec![rev(Topic::Asked)]),
            ("revocation_amended", json!({}), vec![rev(Topic::Changed), rev(Topic::Status)]),
            (
                "revocation_withdrawn",
                json!({}),
                vec![rev(Topic::Withdrawn), rev(Topic::Status), rev(Topic::Closure)],
            ),
            (
                "exception_granted",
                json!({"shortened": true}),
                vec![rev(Topic::Excepted), rev(Topic::Status)],
            ),
            (
                "exception_expired",
                json!({"granted": true, "state": "open", "ending": "taken_back"}),
                vec![rev(Topic::Resumed), rev(Topic::Status)],
            ),
            (
                "exception_expired",
                json!({"granted": true, "state": "open", "ending": "replaced"}),
                vec![rev(Topic::Status)],
            ),
            (
                "exception_expired",
                json!({"granted": true, "state": "withdrawn", "ending": "withdrawn"}),
                vec![rev(Topic::Status)],
            ),
            (
                "exception_expired",
                json!({"granted": false, "state": "open", "ending": "not_approved"}),
                vec![rev(Topic::Status)],
            ),
            ("emergency_unapproved", json!({}), vec![rev(Topic::Unapproved), rev(Topic::Status)]),
            ("emergency_approved", json!({}), vec![rev(Topic::Status)]),
            ("subject_linked", json!({}), vec![rev(Topic::Status)]),
            ("exception_reviewed", json!({}), vec![]),
            ("notification_sent", json!({}), vec![]),
            ("attestation_changed", json!({}), vec![]),
            ("outbox_changed", json!({}), vec![]),
            ("subject", json!({}), vec![]),
        ] {
            assert_eq!(topics(kind, &of(more)), expected, "{kind}");
        }
    }

    #[test]
    fn what_is_of_a_target_is_told_of_the_target() {
        let target = |topic| vec![(topic, "target:main".to_owned())];
        assert_eq!(topics("canary_missed", &json!({"target": "main"})), target(Topic::Blind));
        let found = json!({"target": "main", "missed_at": "2026-03-05T09:00:00Z"});
        assert_eq!(topics("canary_detected", &found), target(Topic::Sighted));
        assert_eq!(topics("canary_detected", &json!({"target": "main", "missed_at": null})), []);
        let used = json!({"account": {"target": "main"}});
        assert_eq!(topics("use_after_effective", &used), target(Topic::Used));
        assert_eq!(topics("config_changed", &json!({})), []);
        assert_eq!(topics("something_new", &json!({"revocation": "rev_1"})), []);
    }

    #[test]
    fn a_period_that_ended_is_filed_in_a_lane_of_its_own() {
        let body = json!({"attestation": "weekly", "from": "2026-03-02T00:00:00Z"});
        let told = told("attestation_due", body.as_object().unwrap());
        let one = told.first().unwrap();
        assert_eq!((told.len(), one.topic), (1, Topic::Attestation));
        assert_eq!(
            (one.about.as_str(), one.reason.as_str()),
            ("attestation:weekly", "attestation:weekly")
        );
    }

    #[test]
    fn that_a_page_was_filed_is_told_of_what_it_is_about() {
        for about in ["rev_1", "chk_1"] {
            let body = json!({"about": about, "receiver": "confluence", "remote": "SEC 7"});
            assert_eq!(topics("attestation_published", &body), [(Topic::Filed, about.to_owned())]);
        }
        let body = json!({"about": "weekly", "remote": "SEC 8", "what": "attestation"});
        let told = topics("attestation_published", &body);
        assert_eq!(told, [(Topic::Filed, "attestation:weekly".to_owned())]);
    }

    #[test]
    fn a_reminder_goes_to_the_team_then_its_lead_then_security() {
        let told = |kind: &str, tone: &str| {
            let body = json!({"campaign": "app", "team": "pay", "tone": tone, "slot": "2026-03-05T09:00:00Z"});
            let all = super::told(kind, body.as_object().unwrap());
            all.into_iter()
                .map(|one| format!("{} {} {}", one.topic, one.about, one.reason))
                .collect::<Vec<_>>()
        };
        let team = "nudge campaign:app/pay team:pay";
        let lead = "nudge_lead campaign:app/pay:lead lead:pay";
        let security = "nudge_security campaign:app/pay:security security";
        assert_eq!(told("nudge_sent", "polite"), [team]);
        assert_eq!(told("nudge_sent", "firm"), [team]);
        assert_eq!(told("nudge_sent", "lead"), [team, lead]);
        assert_eq!(told("nudge_sent", "security"), [team, lead, security]);
        assert_eq!(
            told("campaign_swept", ""),
            ["sweep campaign:app@2026-03-05T09:00:00Z security"]
        );
        assert_eq!(told("consumer_claimed", ""), [""; 0]);
        assert_eq!(told("consumer_claim_withdrawn", ""), [""; 0]);
        assert_eq!(told("consumer_observed", ""), [""; 0]);
    }

    #[test]
    fn a_notice_that_waits_for_a_person_is_told_and_what_was_decided_is_not() {
        let of =
            |outcome| topics("notice_quarantined", &json!({"notice": "ntc_1", "outcome": outcome}));
        assert_eq!(of("quarantined"), [(Topic::Held, "ntc_1".to_owned())]);
        assert_eq!(of("released"), []);
        assert_eq!(of("dismissed"), []);
    }
}
