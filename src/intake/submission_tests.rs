//! Notices that can be used, and what is said of those that cannot.

use super::*;
use crate::domain::revocation::Kind;

fn terms() -> Terms<'static> {
    static PROFILES: std::sync::LazyLock<Profiles> = std::sync::LazyLock::new(Profiles::default);
    Terms {
        profiles: &PROFILES,
        zones: Zones::default(),
        longest_deadline: std::time::Duration::from_secs(90 * 86_400),
    }
}

fn now() -> UtcTime {
    "2026-03-05T09:00:00Z".parse().unwrap()
}

fn read(json: &str) -> Result<Revocation, SubmissionError> {
    Submission::parse(json.as_bytes())?.revocation("hr", now(), &terms())
}

#[test]
fn the_least_there_is() {
    let revocation = read(r#"{"username":"john.doe","reason":"User terminated"}"#).unwrap();
    assert_eq!(revocation.subject, "john.doe");
    assert_eq!((revocation.kind, revocation.reason), (Kind::Full, Reason::Terminated));
    assert_eq!(revocation.effective_at, now());
    assert_eq!(revocation.deadlines.login.unwrap().to_string(), "2026-03-05T09:15:00.000000Z");
}

#[test]
fn all_there_is() {
    let revocation = read(
        r#"{"username":"john.doe","employee_id":"EMP-1","account":["jd","orders/john"],
            "reason":"Role Change","roles":"admin","effective_at":"2026-03-06T10:00:00+01:00",
            "deadline":"2h","preserve_data":true,"ticket":"T-1","source":"hr","event_id":"e1"}"#,
    )
    .unwrap();
    assert_eq!(revocation.subject, "EMP-1");
    assert_eq!(revocation.kind, Kind::Partial);
    assert_eq!(revocation.accounts[1].target.as_deref(), Some("orders"));
    assert_eq!(revocation.deadlines.access.unwrap().to_string(), "2026-03-06T11:00:00.000000Z");
}

#[test]
fn a_transfer_has_an_account_and_an_owner_and_a_part_may_be_required() {
    let transfer = read(
        r#"{"username":"a","reason":"x","revocation_type":"transfer","account":"svc","new_owner":"b"}"#,
    )
    .unwrap();
    assert_eq!((transfer.kind, transfer.new_owner.as_deref()), (Kind::Transfer, Some("b")));
    assert!(transfer.deadlines.credentials.is_some() && transfer.deadlines.login.is_none());
    let partial = read(
        r#"{"username":"a","reason":"Role Change","required_roles":"g","email":["a@x","b@x"]}"#,
    )
    .unwrap();
    assert_eq!((partial.kind, partial.required_roles.len()), (Kind::Partial, 1));
    assert_eq!(partial.emails, ["a@x", "b@x"]);
}

#[test]
fn what_is_wrong_is_named() {
    for (json, says) in [
        ("[]", "expected struct"),
        (r#"{"username":"a","reason":"x"} {}"#, "trailing"),
        (r#"{"username":"a","reason":"x","usr":1}"#, "/usr: unknown field"),
        (r#"{"username":" ","reason":"x"}"#, "/username: 1 to"),
        (r#"{"username":"a","reason":"x","effective_at":"tomorrow"}"#, "/effective_at: `tomorrow`"),
        (r#"{"username":"a","reason":"x","deadline":"soon"}"#, "/deadline: a time, or"),
        (
            r#"{"username":"a","reason":"x","revocation_type":"transfer"}"#,
            "/account: a transfer names",
        ),
        (
            r#"{"username":"a","reason":"x","revocation_type":"transfer","account":"s","new_owner":"a"}"#,
            "/new_owner: somebody else",
        ),
        (
            r#"{"username":"a","reason":"x","new_owner":"b"}"#,
            "/new_owner: a full revocation has no new owner",
        ),
        (
            r#"{"username":"a","reason":"x","roles":["r"],"required_roles":["r"]}"#,
            "/required_roles: r cannot be gone and be there",
        ),
        (
            r#"{"username":"a","reason":"x","revocation_type":"full","required_permissions":"p"}"#,
            "/required_permissions: a full",
        ),
        (
            r#"{"username":"a","reason":"x","revocation_type":"full","roles":["r"]}"#,
            "/roles: a full",
        ),
        (
            r#"{"username":"a","reason":"x","revocation_type":"rotation","permissions":["r"]}"#,
            "/permissions: a rotation",
        ),
    ] {
        let error = read(json).unwrap_err().to_string();
        assert!(error.contains(says), "{json}: {error}");
    }
}

/// A good notice in which one field at a time is broken: the answer names that field.
#[test]
fn of_a_notice_with_one_fault_the_field_is_named() {
    let good = serde_json::json!({
        "username": "jd", "employee_id": "EMP-1", "account": "main/jd", "reason": "role_change",
        "revocation_type": "partial", "roles": "a", "permissions": "b", "required_roles": "c",
        "required_permissions": "d", "email": "jd@example.com", "effective_at": "2026-03-06T10:00",
        "termination_date": "2026-03-06", "last_working_day": "2026-03-06", "time_zone": "Europe/Berlin",
        "deadline": "2h", "preserve_data": true, "emergency": false, "ticket": "T-1", "source": "hr",
        "event_id": "e1",
    });
    assert!(read(&good.to_string()).is_ok());
    let (long, control) = ("x".repeat(TEXT + 1), "a\u{1b}[2Jb");
    let lists =
        ["account", "roles", "permissions", "required_roles", "required_permissions", "email"];
    let times = ["effective_at", "termination_date", "last_working_day", "deadline"];
    let mut cases: Vec<(&str, serde_json::Value)> = Vec::new();
    for field in good.as_object().unwrap().keys() {
        // `true` is a word of no field of text, and a number of no field at all.
        cases.push((field, 7.into()));
        cases.push((field, serde_json::json!({"a": 1})));
        if !["preserve_data", "emergency"].contains(&field.as_str()) {
            cases.push((field, true.into()));
            cases.push((field, "".into()));
            cases.push((field, long.as_str().into()));
            cases.push((field, "a\0b".into()));
        }
        if lists.contains(&field.as_str()) {
            cases.push((field, serde_json::json!(["a", 7])));
            cases.push((field, serde_json::json!(["a", ""])));
            cases.push((field, serde_json::json!(vec!["a"; LISTED + 1])));
        } else if !["reason", "preserve_data", "emergency"].contains(&field.as_str()) {
            cases.push((field, control.into()));
        }
    }
    cases.extend(times.map(|field| (field, "2026-02-30".into())));
    cases.extend(times.map(|field| (field, "2026-03-06T10:00[Mars/Phobos]".into())));
    for (field, value) in [
        ("username", serde_json::Value::Null),
        ("reason", serde_json::Value::Null),
        ("time_zone", "Mars/Phobos".into()),
        ("time_zone", "+25:00".into()),
        ("revocation_type", "entire".into()),
        ("email", control.into()),
        ("deadline", "-2h".into()),
    ] {
        cases.push((field, value));
    }
    for (field, value) in cases {
        let mut broken = good.clone();
        broken[field] = value.clone();
        let said = match read(&broken.to_string()) {
            Ok(_) => panic!("{field}: {value} is taken"),
            Err(error) => error.to_string(),
        };
        let named = said.starts_with(&format!("/{field}: "));
        assert!(named, "{field}: {value}: {said}");
        assert!(!said.contains("untagged") && !said.contains('\u{1b}'), "{field}: {value}: {said}");
    }
    for field in ["username", "reason"] {
        let mut broken = good.clone();
        broken.as_object_mut().unwrap().remove(field);
        let said = read(&broken.to_string()).unwrap_err().to_string();
        assert!(said.starts_with(&format!("missing field `{field}`")), "{said}");
    }
}

#[test]
fn a_violation_takes_effect_at_once() {
    let revocation = read(
        r#"{"username":"a","reason":"policy_violation","effective_at":"2026-04-01T00:00:00Z"}"#,
    )
    .unwrap();
    assert_eq!(revocation.effective_at, now());
}

#[test]
fn nobody_allows_years_alone() {
    let deadline = |text: &str| {
        let json = format!(r#"{{"username":"a","reason":"terminated","deadline":"{text}"}}"#);
        let asked = Submission::parse(json.as_bytes()).unwrap();
        asked.revocation("hr", "2026-03-05T12:00:00Z".parse().unwrap(), &terms())
    };
    for text in ["9999d", "91d", "2026-07-01"] {
        let refused = deadline(text).unwrap_err().to_string();
        assert!(refused.contains("/deadline: at the latest 2026-06-03T12:00:00"), "{refused}");
    }
    assert!(deadline("90d").is_ok() && deadline("2026-03-01").is_ok());
}

#[test]
fn what_means_no_date_is_none() {
    for (text, says) in [
        ("0001-01-01", "leave it out"),
        ("9999-12-31", "leave it out"),
        ("1899-12-30T00:00:00Z", "leave it out"),
    ] {
        let json =
            format!(r#"{{"username":"a","reason":"terminated","termination_date":"{text}"}}"#);
        let asked = Submission::parse(json.as_bytes()).unwrap();
        let refused = asked.revocation("hr", "2026-03-05T12:00:00Z".parse().unwrap(), &terms());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(says), "{text}: {refused}");
    }
}
