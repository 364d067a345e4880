//! What people decide, as it is told.

use super::{at, body, seen, stored, told};
use crate::deliver::message::Message;
use crate::domain::delivery::Topic;
use crate::domain::emergency::Emergency;
use crate::domain::exception::{Exception, ExceptionKind, Phase};
use crate::domain::request::{Asked, Request};
use crate::domain::revocation::State;
use crate::store::Evidenced;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn exception(kind: ExceptionKind, phase: Phase) -> Exception {
    Exception {
        id: "exc_1".to_owned(),
        kind,
        phase,
        requested_by: "uid:1".to_owned(),
        requested_at: at("09:05:00"),
        until: Some(at("13:00:00")),
        opened: false,
        why: Some("Erika Mustermann wants to finish it".to_owned()),
        approved_by: None,
        approved_at: None,
        uncovered: None,
        allowed_us: None,
        deadlines: None,
        release: None,
        ended_at: None,
        ended_by: None,
        ending: None,
        review_at: None,
        reviewed_by: None,
        reviewed_at: None,
    }
}

fn with_exception(mut stored: Evidenced, one: Exception) -> Evidenced {
    Arc::make_mut(&mut stored.stored.life).exceptions.push(one);
    stored.stored.landed = Some(stored.life.clone());
    stored
}

/// What the record of an exception has.
fn of_exception(more: Value) -> Value {
    let mut all = body(json!({
        "exception": "exc_1", "exception_kind": "break_glass", "self_approved": false,
        "until": at("13:00:00"),
    }));
    all.extend(body(more));
    Value::Object(all)
}

fn waiting(asks: Asked) -> Evidenced {
    let mut open = stored(State::Open);
    Arc::make_mut(&mut open.stored.life).pending = Some(Request {
        id: "req_1".to_owned(),
        asks,
        requested_by: "uid:1".to_owned(),
        requested_at: at("09:05:00"),
        effective_at: None,
        effective: None,
        deadlines: None,
        erroneous: false,
        unlink: None,
        why: Some("Erika Mustermann stays".to_owned()),
    });
    open.stored.landed = Some(open.life.clone());
    open
}

fn called(waits: bool) -> Evidenced {
    let mut open = stored(State::Open);
    let within = Duration::from_secs(4 * 3_600);
    Arc::make_mut(&mut open.stored.life).emergency = Some(Box::new(Emergency::called(
        "req_2".to_owned(),
        "uid:1",
        at("09:00:00"),
        within,
        !waits,
    )));
    open.stored.landed = Some(open.life.clone());
    open
}

#[test]
fn what_people_decide_as_people_see_it() {
    let mut all = Vec::new();
    let mut add = |name: &str, message: Option<Message>| {
        all.push(format!("===== {name}\n{}\n", seen(&message.expect(name))));
    };
    let open = stored(State::Open);
    add("in an emergency", told(Topic::Opened, json!({}), Some(&called(true))));
    let nobody = json!({"request": "req_2"});
    add("an emergency nobody approved", told(Topic::Unapproved, nobody, Some(&called(true))));
    let later = json!({"asks": "postpone", "request": "req_1", "effective_at": at("18:00:00")});
    add("asked for later", told(Topic::Asked, later, Some(&waiting(Asked::Postpone))));
    let wanted = exception(ExceptionKind::BreakGlass, Phase::Requested);
    let asked = with_exception(stored(State::Open), wanted);
    add("asked to keep", told(Topic::Asked, of_exception(json!({"asks": "grant"})), Some(&asked)));
    let granted = exception(ExceptionKind::BreakGlass, Phase::Granted);
    let excepted = with_exception(stored(State::Excepted), granted);
    let gap = json!({"uncovered": {"from": at("09:00:00"), "to": at("09:40:00")}});
    add("excepted", told(Topic::Excepted, of_exception(gap), Some(&excepted)));
    let shorter = of_exception(json!({"shortened": true, "self_approved": true}));
    add("excepted for less long", told(Topic::Excepted, shorter, Some(&excepted)));
    let legal = exception(ExceptionKind::LegalHold, Phase::Granted);
    let kept = with_exception(stored(State::Open), legal);
    let of_hold = json!({"exception_kind": "legal_hold", "until": null});
    add("a legal hold", told(Topic::Excepted, of_exception(of_hold.clone()), Some(&kept)));
    let mut proved = of_hold;
    proved["state_before"] = json!("verified");
    proved["verified_at"] = json!(at("09:21:00"));
    let was = |topic, of| told(topic, of_exception(proved.clone()), Some(of));
    let mut clean = kept.clone();
    Arc::make_mut(clean.stored.landed.as_mut().unwrap()).first_clean_at = Some(at("09:20:00"));
    add("a legal hold on what was verified", was(Topic::Excepted, &clean));
    add("what the hold takes back", was(Topic::Reopened, &clean));
    add("and something was found since", was(Topic::Reopened, &kept));
    add("the thread's first message", told(Topic::Status, json!({}), Some(&clean)));
    let over = exception(ExceptionKind::BreakGlass, Phase::Over);
    let over = with_exception(stored(State::Open), over);
    let ended =
        of_exception(json!({"ended_at": at("12:00:00"), "ending": "taken_back", "granted": true}));
    add("an exception is over", told(Topic::Resumed, ended, Some(&over)));
    add(
        "tightened",
        told(Topic::Changed, json!({"roles": ["a", "b"], "permissions": ["x"]}), Some(&open)),
    );
    let agreed = json!({"approval": {"self_approved": false}, "asks": "postpone"});
    add("postponed", told(Topic::Changed, agreed, Some(&open)));
    let back = json!({"because": "user_rehired", "rehired_at": at("09:30:00")});
    add("back again", told(Topic::Changed, back, Some(&open)));
    let doubted =
        json!({"target": "main", "state_before": "verified", "verified_at": at("09:21:00")});
    add("in doubt", told(Topic::Reopened, doubted, Some(&open)));
    let named = json!({"because": "another_role_is_named", "verified_at": at("09:21:00")});
    add("another role", told(Topic::Reopened, named, Some(&open)));
    let asked = json!({"because": "a_question_is_open", "verified_at": at("09:21:00")});
    add("whose role it is", told(Topic::Reopened, asked, Some(&open)));
    let more = json!({"state_before": "verified", "verified_at": at("09:21:00")});
    add("more is asked for", told(Topic::Reopened, more, Some(&open)));
    let notice = json!({
        "at": at("09:00:00"), "cause": "unknown_type", "notice": "ntc_1", "triggered_by": "hr <!here>",
    });
    add("a notice that is held", told(Topic::Held, notice, None));
    let text = all.concat();
    assert!(!text.contains("Mustermann") && !text.contains("uid:1"), "no person is named: {text}");
    insta::assert_snapshot!("decisions", text);
}

#[test]
fn under_a_hold_nobody_says_that_nothing_was_found_since_where_something_was() {
    let legal = exception(ExceptionKind::LegalHold, Phase::Granted);
    let mut kept = with_exception(stored(State::Open), legal);
    let record = of_exception(json!({
        "exception_kind": "legal_hold", "state_before": "verified", "verified_at": at("09:21:00"),
    }));
    let mut said = |clean: &str| {
        let life = Arc::make_mut(kept.stored.landed.as_mut().unwrap());
        life.first_clean_at = Some(at(clean));
        told(Topic::Reopened, record.clone(), Some(&kept)).unwrap().notes.concat()
    };
    let as_proved = said("09:20:00");
    assert!(as_proved.contains("no look has found anything since"), "{as_proved}");
    // It came back after the proof, and went again.
    let again = said("11:00:00");
    assert!(again.contains("was found since, and was gone at the newest look"), "{again}");
    assert!(!again.contains("no look has found anything"), "{again}");
}

#[test]
fn what_was_decided_meanwhile_is_not_told() {
    let request = || json!({"asks": "postpone", "request": "req_1"});
    let nothing = |topic, record: Value, stored: &Evidenced| {
        assert_eq!(told(topic, record, Some(stored)), None, "{topic}");
    };
    nothing(Topic::Asked, request(), &stored(State::Open));
    let mut another = waiting(Asked::Postpone);
    Arc::make_mut(another.stored.landed.as_mut().unwrap()).pending.as_mut().unwrap().id =
        "req_9".to_owned();
    nothing(Topic::Asked, request(), &another);
    nothing(Topic::Unapproved, json!({}), &called(false));
    let granted = exception(ExceptionKind::BreakGlass, Phase::Granted);
    let excepted = with_exception(stored(State::Excepted), granted);
    nothing(Topic::Asked, of_exception(json!({"asks": "grant"})), &excepted);
    nothing(Topic::Asked, of_exception(json!({"asks": "release"})), &excepted);
    nothing(Topic::Resumed, of_exception(json!({})), &excepted);
    let over = exception(ExceptionKind::BreakGlass, Phase::Over);
    nothing(Topic::Excepted, of_exception(json!({})), &with_exception(stored(State::Open), over));
    nothing(Topic::Reopened, json!({"target": "main"}), &stored(State::Verified));
    nothing(Topic::Changed, json!({}), &stored(State::Withdrawn));
}
