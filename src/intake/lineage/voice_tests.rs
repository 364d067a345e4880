use super::*;

fn told(source: &str, event_type: &str, event_id: &str, body: &str) -> Told {
    Told::sample(source, event_type, event_id, body)
}

#[test]
fn a_source_speaks_for_itself_only() {
    for (source, sender, own) in [
        ("hr", "hr", true),
        ("hr/workday", "hr", true),
        ("released:hr", "hr", true),
        ("vendor:hr", "hr", true),
        ("hr2", "hr", false),
        ("security", "hr", false),
        ("released:security", "hr", false),
        ("ssf:hr", "hr", false),
    ] {
        assert_eq!(sent_by(source, sender), own, "{source} {sender}");
    }
}

#[test]
fn a_permission_is_no_expectation_and_another_s_amendment_is() {
    let end = told("hr", "user_terminated", "e1", "{}");
    let wish = told("boss", "", "chg_1", r#"{"kind":"grace","revocation":"rev_1","for":"1d"}"#);
    let extended = told("boss", "contractor_extended", "e2", "{}");
    let rescinded = told("boss", "termination_rescinded", "e4", "{}");
    let voice = Voice::of(&[end.clone(), wish, extended, rescinded], "hr");
    assert!(voice.own && voice.ends);
    for body in [r#"{"account":"main/root"}"#, ""] {
        let more = told("boss", "", "chg_2", body);
        assert!(!Voice::of(&[end.clone(), more], "hr").own, "{body:?}");
    }
    assert!(!Voice::of(&[], "hr").own, "what no notice tells of is nobody's");
    let violated = told("hr", "policy_violation", "e3", "{}");
    let voice = Voice::of(&[end, violated], "hr");
    assert!(voice.own && !voice.ends, "the violation is not taken back with the end");
}
