//! Events that can be used, and what is said of those that cannot.

use super::*;
use serde_json::json;

/// The payload of the specification, to the byte.
const DOCUMENTED: &str = r#"{
"event_type": "user_terminated",
"event_id": "evt_123456",
"timestamp": "2026-02-03T14:30:00Z",
"user": {
"username": "john.doe",
"employee_id": "EMP-12345",
"email": "john.doe@example.com",
"termination_date": "2026-02-03",
"termination_reason": "Resignation"
},
"metadata": {
"department": "Engineering",
"manager": "jane.smith",
"last_working_day": "2026-02-03"
}
}"#;

fn read(value: &Value) -> Event {
    Event::read(value, "2026-02-03T15:00:00Z".parse().unwrap())
}

fn asked(value: &Value) -> Submission {
    match read(value).asks {
        Ok(Action::Revoke(submission)) => *submission,
        other => panic!("{value}: {other:?}"),
    }
}

fn faults(value: &Value) -> (Hold, Vec<String>) {
    let unusable = read(value).asks.unwrap_err();
    (unusable.cause, unusable.faults.into_iter().map(|fault| fault.pointer).collect())
}

#[test]
fn the_documented_payload() {
    let event = read(&serde_json::from_str(DOCUMENTED).unwrap());
    assert_eq!(event.id.as_deref(), Some("evt_123456"));
    assert_eq!(event.at.unwrap().to_string(), "2026-02-03T14:30:00.000000Z");
    assert_eq!(event.who.email.as_deref(), Some("john.doe@example.com"));
    let Ok(Action::Revoke(asked)) = event.asks else { panic!("{event:?}") };
    assert_eq!(asked.employee_id.as_deref(), Some("EMP-12345"));
    assert_eq!((asked.username.as_str(), asked.reason.as_str()), ("john.doe", "terminated"));
    assert_eq!(asked.revocation_type.as_deref(), Some("full"));
    assert_eq!(asked.termination_date.as_deref(), Some("2026-02-03"));
    assert_eq!(asked.last_working_day.as_deref(), Some("2026-02-03"));
    assert_eq!(asked.effective_at, None, "the dates govern, not when it was sent");
}

#[test]
fn each_type_of_event_asks_for_its_kind() {
    for (kind, revocation, reason) in [
        ("user_terminated", "full", "terminated"),
        ("contractor_expired", "full", "contract_expired"),
        ("user_role_changed", "partial", "role_change"),
        ("iam_policy_changed", "partial", "role_change"),
        ("user_suspended", "suspend", "suspended"),
        ("policy_violation", "suspend", "policy_violation"),
        ("inactivity_detected", "suspend", "inactive"),
        ("secret_superseded", "rotation", "credential_rotation"),
        ("secret_revoked", "rotation", "credential_rotation"),
    ] {
        let asked = asked(&json!({"event_type": kind, "user": {"username": "jd"}}));
        assert_eq!(asked.revocation_type.as_deref(), Some(revocation), "{kind}");
        assert_eq!(asked.reason, reason, "{kind}");
    }
    for (kind, wish) in [
        ("contractor_extended", Permit::Extension),
        ("access_restored", Permit::Restored),
        ("temporary_access_granted", Permit::Temporary),
        ("break_glass_opened", Permit::BreakGlassOpened),
        ("break_glass_closed", Permit::BreakGlassClosed),
        ("legal_hold_set", Permit::LegalHoldSet),
        ("legal_hold_released", Permit::LegalHoldReleased),
    ] {
        let value = json!({
            "event_type": kind, "user": {"username": "jd"}, "until": "2026-03-01",
            "duration": "7d", "reason": "x", "ticket": "T-1",
        });
        let Ok(Action::Exception(asked)) = read(&value).asks else { panic!("{value}") };
        assert_eq!(
            (asked.kind, asked.until.as_deref(), asked.duration.as_deref()),
            (wish, Some("2026-03-01"), Some("7d"))
        );
    }
    let simple = |kind: &str| read(&json!({"event_type": kind, "user": {"employee_id": "E"}})).asks;
    assert!(matches!(simple("termination_rescinded"), Ok(Action::Rescind)));
    assert!(matches!(simple("user_rehired"), Ok(Action::Rehire { .. })));
    assert!(matches!(simple("identifier_recycled"), Ok(Action::Recycle { .. })));
    assert!(matches!(simple("ignored"), Ok(Action::Ignore)));
    assert!(matches!(read(&json!({"event_type": "test"})).asks, Ok(Action::Test)));
    let vendor = read(&json!({"event_type": "vendor_offboarded", "vendor_id": "ACME"})).asks;
    assert!(matches!(vendor, Ok(Action::Offboard(_))));
}

#[test]
fn without_a_date_it_is_in_effect_when_it_is_said() {
    let about = |more: Value| {
        let mut value = json!({
            "event_type": "user_terminated", "timestamp": "2025-12-01T08:00:00Z",
            "user": {"username": "jd"},
        });
        value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asked(&value)
    };
    assert_eq!(about(json!({})).effective_at.as_deref(), Some("2025-12-01T08:00:00.000000Z"));
    // A clock that is a little ahead does not put the end off.
    let ahead = about(json!({"timestamp": "2026-02-04T01:00:00Z"}));
    assert_eq!(ahead.effective_at.as_deref(), Some("2026-02-03T15:00:00.000000Z"));
    let stated = about(json!({"effective_at": "2026-02-28"}));
    assert_eq!(stated.effective_at.as_deref(), Some("2026-02-28"));
    let dated = about(json!({"metadata": {"last_working_day": "2026-02-28"}}));
    assert_eq!((dated.effective_at, dated.last_working_day.as_deref()), (None, Some("2026-02-28")));
    // What programs write where there is no date puts off no end that has one.
    let user = json!({"username": "jd", "termination_date": "9999-12-31"});
    let beside = about(json!({"user": user, "metadata": {"last_working_day": "2026-02-28"}}));
    assert_eq!((beside.termination_date, beside.last_working_day), (None, dated.last_working_day));
    let alone = json!({"event_type": "user_terminated", "user": user});
    assert_eq!(faults(&alone).1, ["/user/termination_date"]);
}

#[test]
fn a_change_of_role_names_what_must_be_gone() {
    let value = json!({
        "event_type": "user_role_changed", "user": {"username": "jd", "accounts": "main/jd"},
        "revoke": {"roles": ["admin"], "permissions": "payroll"},
    });
    let changed = asked(&value);
    assert_eq!(names(changed.roles.as_ref()), ["admin"]);
    assert_eq!(names(changed.permissions.as_ref()), ["payroll"]);
    assert_eq!(names(changed.account.as_ref()), ["main/jd"]);
    let mut value = value;
    value["event_type"] = json!("user_terminated");
    assert_eq!(faults(&value), (Hold::Unreadable, vec!["/revoke".to_owned()]));
}

#[test]
fn what_is_wrong_is_named() {
    for (value, cause, pointers) in [
        (json!([]), Hold::Unreadable, vec![""]),
        (json!({}), Hold::Unreadable, vec!["/event_type"]),
        (json!({"event_type": 3}), Hold::Unreadable, vec!["/event_type"]),
        (json!({"event_type": "user_left"}), Hold::UnknownType, vec!["/event_type"]),
        (json!({"event_type": "consumer_claimed"}), Hold::NotYet, vec!["/event_type"]),
        (json!({"event_type": "user_terminated"}), Hold::Unreadable, vec!["/user/employee_id"]),
        (json!({"event_type": "user_rehired"}), Hold::Unreadable, vec!["/user/employee_id"]),
        (
            json!({"event_type": "user_terminated", "user": "jd"}),
            Hold::Unreadable,
            vec!["/user", "/user/employee_id"],
        ),
        (
            json!({"event_type": "test", "timestamp": "2026-02-04T15:00:01Z"}),
            Hold::Future,
            vec!["/timestamp"],
        ),
        (
            json!({"event_type": "test", "event_id": "x".repeat(256), "timestamp": "now"}),
            Hold::Unreadable,
            vec!["/event_id", "/timestamp"],
        ),
    ] {
        let pointers: Vec<String> = pointers.into_iter().map(str::to_owned).collect();
        assert_eq!(faults(&value), (cause, pointers), "{value}");
    }
    let id_only = asked(&json!({"event_type": "user_terminated", "user": {"employee_id": "E-1"}}));
    assert_eq!((id_only.username.as_str(), id_only.employee_id), ("E-1", None));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let event = json!({
        "event_type": "user_terminated", "timestamp": "2026-02-03T14:30:00", "deadline": "soon",
        "user": {"username": "a", "termination_date": "2026-02-30", "time_zone": "Berlin"},
        "metadata": {"last_working_day": "tomorrow"},
    });
    let (cause, mut pointers) = faults(&event);
    pointers.sort();
    let all = [
        "/deadline",
        "/metadata/last_working_day",
        "/timestamp",
        "/user/termination_date",
        "/user/time_zone",
    ];
    assert_eq!((cause, pointers), (Hold::Unreadable, all.map(str::to_owned).to_vec()));
    let event =
        json!({"event_type": "left", "timestamp": "2026-02-03", "user": {"employee_id": 7}});
    let (_, pointers) = faults(&event);
    assert_eq!(pointers, ["/timestamp", "/user/employee_id", "/event_type"], "each once");
    let like = read(&json!({"event_type": "User-Terminated"})).asks.unwrap_err();
    assert_eq!(like.cause, Hold::UnknownType);
    assert!(like.faults[0].detail.contains("user_terminated is one"), "{like:?}");
}
