use super::super::tests::{at, body, stored};
use super::*;
use std::sync::Arc;

fn told(topic: Topic, audience: Audience, more: Value, of: Option<&Evidenced>) -> Value {
    let mut record = body(json!({"at": at("09:00:00"), "id": "rev_000193.2"}));
    record.extend(body(more));
    let record = ToldRecord { kind: "verification_failed".to_owned(), body: record, seq: 127 };
    let about = if of.is_some() { "rev_000193" } else { "target:main" };
    event(&Event {
        delivery: "rev_000193.2:webhook:tickets",
        topic,
        about,
        audience,
        id: "rev_000193.2",
        record: &record,
        sha256: Some("ab12"),
        stored: of,
        offboarding: (Some("acme"), Some("chk_1")),
        cite: &Cite { size: 130, root: "0123456789abcdef".to_owned() },
    })
}

#[test]
fn events_as_programs_read_them() {
    let open = stored(State::Open);
    let verified = stored(State::Verified);
    let overdue = json!({
        "milestone": "access", "deadline": at("10:00:00"), "residual": [{"object": "CANARY"}],
        "why": "CANARY",
    });
    let used = json!({
        "account": {"target": "main", "role": "john_doe", "oid": 16_401}, "began_at": at("11:00:00"),
        "because": "after_end",
    });
    let kept = json!({"exception": "exc_1", "exception_kind": "grace", "until": at("12:00:00")});
    let all = [
        told(Topic::Overdue, Audience::Security, overdue.clone(), Some(&open)),
        told(Topic::Overdue, Audience::Manager, overdue, Some(&open)),
        told(Topic::Verified, Audience::Compliance, json!({}), Some(&verified)),
        told(Topic::Used, Audience::Security, used, Some(&verified)),
        told(Topic::Excepted, Audience::Compliance, kept, Some(&open)),
        told(Topic::Blind, Audience::Security, json!({"target": "main"}), None),
        test(at("09:00:00")),
    ];
    for event in &all {
        let text = event.to_string();
        assert!(!text.contains("CANARY") && !text.contains("Mustermann"), "{text}");
    }
    insta::assert_snapshot!("events", serde_json::to_string_pretty(&all).unwrap());
}

#[test]
fn who_may_not_know_learns_no_role_and_nothing_of_why() {
    let open = stored(State::Open);
    for topic in Audience::Manager.events() {
        let more = json!({
            "account": {"target": "main", "role": "john_doe"}, "milestone": "access",
            "exception": "exc_1", "exception_kind": "grace", "cause": "granted_again",
        });
        let text = told(topic, Audience::Manager, more, Some(&open)).to_string();
        for hidden in ["john_doe", "main", "terminated", "grace", "granted", "acme", "full"] {
            assert!(!text.contains(hidden), "{topic}: {hidden}: {text}");
        }
        assert!(text.contains("rev_000193"), "{topic}: {text}");
    }
    let blind = json!({"target": "main"});
    let of = |audience| told(Topic::Blind, audience, blind.clone(), None)["data"]["target"].take();
    assert_eq!((of(Audience::Manager), of(Audience::Security)), (Value::Null, json!("main")));
}

#[test]
fn that_nothing_is_left_is_said_once_the_log_has_it() {
    let mut open = stored(State::Open);
    let found = |of: &Evidenced| {
        let event = told(Topic::Overdue, Audience::Security, json!({}), Some(of));
        event["data"]["revocation"]["findings"].clone()
    };
    assert_eq!(found(&open), Value::Null, "not looked at");
    open.evidence.verdict = Some(crate::domain::verdict::Verdict::Revoked);
    assert_eq!(found(&open), Value::Null, "a clean look is not told yet");
    Arc::make_mut(open.stored.landed.as_mut().unwrap()).first_clean_at = Some(at("09:20:00"));
    assert_eq!(found(&open), 0);
}

#[test]
fn a_ticket_of_several_words_is_nobodys_business() {
    let mut open = stored(State::Open);
    for (given, shown) in [
        (Some("SEC-193"), json!("SEC-193")),
        (Some("ask Bob why she left"), Value::Null),
        (Some(""), Value::Null),
        (None, Value::Null),
    ] {
        open.stored.revocation.ticket = given.map(str::to_owned);
        let event = told(Topic::Opened, Audience::Security, json!({}), Some(&open));
        assert_eq!(event["data"]["revocation"]["ticket"], shown);
    }
}

#[test]
fn what_is_late_is_listed() {
    let missed = [
        Missed { topic: Topic::Opened, about: "rev_1", record: "rev_1.2", seq: Some(7) },
        Missed { topic: Topic::Blind, about: "target:main", record: "cnr_1", seq: Some(9) },
        Missed { topic: Topic::Held, about: "ntc_1", record: "ntc_1.1", seq: None },
        Missed { topic: Topic::Filed, about: "chk_1", record: "att_1", seq: Some(11) },
        Missed { topic: Topic::Filed, about: "attestation:weekly", record: "att_2", seq: Some(12) },
    ];
    let cite = Cite::default();
    let body = late(&Late {
        delivery: "dig_1",
        audience: Audience::Security,
        missed: &missed,
        total: 5,
        at: at("09:00:00"),
        cite: &cite,
    });
    let kinds: Vec<_> =
        body["data"]["events"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    let expected = [
        "revocation.opened",
        "target.blind",
        "notice.held",
        "checklist.filed",
        "attestation.filed",
    ];
    assert_eq!(kinds, expected);
    assert_eq!((&body["type"], &body["data"]["total"]), (&json!("events.late"), &json!(5)));
}

#[test]
fn a_manager_does_not_learn_that_access_was_permitted() {
    let kept = stored(State::Excepted);
    for (audience, state, kind, record) in [
        (Audience::Manager, "open", "revocation.opened", Value::Null),
        (Audience::Security, "excepted", "revocation.resumed", json!("verification_failed")),
    ] {
        let event = told(Topic::Resumed, audience, json!({}), Some(&kept));
        assert_eq!(event["data"]["revocation"]["state"], state);
        assert_eq!((&event["type"], &event["data"]["record"]["type"]), (&json!(kind), &record));
        let missed =
            [Missed { topic: Topic::Resumed, about: "rev_1", record: "rev_1.2", seq: Some(7) }];
        let body = late(&Late {
            delivery: "dig_1",
            audience,
            missed: &missed,
            total: 1,
            at: at("09:00:00"),
            cite: &Cite::default(),
        });
        assert_eq!(body["data"]["events"][0]["type"], kind);
    }
}
