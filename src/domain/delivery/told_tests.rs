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
        ("observation", json!({"label": "before", "verdict": "revoked"}), vec![rev(Topic::Status)]),
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
fn that_somebody_has_it_in_hand_is_told_and_that_it_is_late_still() {
    let told = |kind, ended| {
        let all = topics(kind, &json!({"revocation": "rev_1", "ended": ended}));
        all.into_iter().map(|(topic, _)| topic).collect::<Vec<_>>()
    };
    assert_eq!(told("overdue_acknowledged", ""), [Topic::Acknowledged, Topic::Status]);
    assert_eq!(told("acknowledgement_ended", "over"), [Topic::Reminder, Topic::Status]);
    assert_eq!(told("acknowledgement_ended", "settled"), [Topic::Status]);
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
        let body =
            json!({"campaign": "app", "team": "pay", "tone": tone, "slot": "2026-03-05T09:00:00Z"});
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
    assert_eq!(told("campaign_swept", ""), ["sweep campaign:app@2026-03-05T09:00:00Z security"]);
    assert_eq!(told("consumer_claimed", ""), [""; 0]);
    assert_eq!(told("overdue_acknowledged", ""), ["acknowledged campaign:app/pay team:pay"]);
    let in_hand = |tone: &str, who: &str| {
        let body = json!({"campaign": "app", "team": "pay", "tone": tone, "in_hand": who});
        let all = super::told("nudge_sent", body.as_object().unwrap());
        all.into_iter().map(|one| one.topic).collect::<Vec<_>>()
    };
    assert_eq!(in_hand("lead", "team"), [Topic::NudgeLead]);
    assert_eq!(in_hand("security", "team"), [Topic::NudgeLead, Topic::NudgeSecurity]);
    assert_eq!(in_hand("security", "lead"), [Topic::NudgeSecurity]);
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
