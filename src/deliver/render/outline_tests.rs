//! What is told to who answers for somebody, and that it says nothing of what the access is.

use super::*;
use crate::domain::delivery::Audience;
use crate::domain::revocation::Reason;

/// A revocation every name of which is a canary.
fn canaries(state: State) -> Evidenced {
    let mut one = stored(state);
    one.stored.accounts = vec![account("canary_role", 16_401)];
    one.stored.accounts[0].target = "canary_target".to_owned();
    one.stored.revocation.ticket = Some("SEC-193".to_owned());
    one.stored.revocation.username = Some("canary_user".to_owned());
    one.stored.revocation.roles = vec!["canary_group".to_owned()];
    one.stored.revocation.permissions = vec!["canary_permission".to_owned()];
    one.stored.revocation.source = "canary_source".to_owned();
    one.stored.revocation.reason = Reason::PolicyViolation;
    one
}

fn outlined(topic: Topic, stored: &Evidenced) -> Option<Message> {
    let record = json!({
        "milestone": "access", "deadline": at("10:00:00"), "cause": "canary_cause", "reason": "policy_violation",
        "exception": "canary_exception", "exception_kind": "legal_hold",
        "residual": [{"kind": "privilege", "object": "TABLE canary_object", "privilege": "SELECT",
                      "target": "canary_target", "oid": 16_401, "strength": "can_log_in"}],
        "residual_total": 1, "account": {"role": "canary_role", "target": "canary_target"},
    });
    let record = ToldRecord { kind: String::new(), body: body(record), seq: 127 };
    let cite = Cite { size: 130, root: "0123456789abcdef".to_owned() };
    outline(&Brief {
        topic,
        record: &record,
        stored: Some(stored),
        after: None,
        rests: None,
        cite: &cite,
    })
}

#[test]
fn a_manager_learns_that_access_has_to_end_and_nothing_of_what_it_is() {
    let mut all = Vec::new();
    for topic in Audience::Manager.topics() {
        let at_end = [
            (Topic::Verified, State::Verified),
            (Topic::Regressed, State::Regressed),
            (Topic::Withdrawn, State::Withdrawn),
        ];
        let state = at_end.iter().find(|(known, _)| *known == topic);
        let state = state.map_or(State::Open, |(_, state)| *state);
        let message = outlined(topic, &canaries(state)).unwrap_or_else(|| panic!("{topic}"));
        let text = seen(&message);
        for hidden in ["canary", "policy", "violation", "SELECT", "john", "legal", "revoked "] {
            assert!(!text.contains(hidden), "{topic}: {hidden}: {text}");
        }
        all.push(format!("== {topic}\n{text}"));
    }
    insta::assert_snapshot!("outlines", all.join("\n\n"));
}

#[test]
fn what_is_true_no_more_is_not_told_to_a_manager_either() {
    for (topic, state) in [
        (Topic::Opened, State::Verified),
        (Topic::Overdue, State::Verified),
        (Topic::Verified, State::Regressed),
        (Topic::Regressed, State::Verified),
        (Topic::Reopened, State::Withdrawn),
    ] {
        assert_eq!(outlined(topic, &canaries(state)), None, "{topic} {state}");
    }
    for topic in Topic::ALL.iter().filter(|topic| !Audience::Manager.is_told(**topic)) {
        assert_eq!(outlined(*topic, &canaries(State::Open)), None, "{topic}");
    }
}

#[test]
fn a_digest_for_a_manager_names_no_role_and_no_reason() {
    let one = canaries(State::Open);
    let counts = [(Topic::Overdue, "policy_violation".to_owned(), 12)];
    let samples = [Sample { topic: Topic::Overdue, about: "rev_000193", stored: Some(&one) }];
    let message = digest(&Digested {
        counts: &counts,
        samples: &samples,
        late_since: None,
        checklist: None,
        details: false,
        seq: 127,
        cite: &Cite::default(),
    });
    let text = seen(&message);
    assert!(text.contains("12 deadlines missed") && text.contains("rev_000193"), "{text}");
    for hidden in ["canary", "policy", "role", "revoked "] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
}

#[test]
fn a_digest_for_a_manager_says_of_no_exception() {
    let kept = canaries(State::Excepted);
    let counts = [(Topic::Resumed, String::new(), 3), (Topic::Opened, String::new(), 2)];
    let samples = [Sample { topic: Topic::Resumed, about: "rev_000193", stored: Some(&kept) }];
    let message = digest(&Digested {
        counts: &counts,
        samples: &samples,
        late_since: None,
        checklist: None,
        details: false,
        seq: 127,
        cite: &Cite::default(),
    });
    let text = seen(&message);
    assert!(text.contains("5 revocations opened"), "{text}");
    assert!(text.contains("opened | rev_000193 | open"), "{text}");
    for hidden in ["exception", "excepted", "resumed"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
}
