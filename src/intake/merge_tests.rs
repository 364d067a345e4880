use super::*;
use crate::domain::account::LinkRule;
use crate::domain::acknowledged::{Acknowledged, Presser};
use crate::domain::effective::Zones;
use crate::domain::profile::Profiles;
use crate::intake::amend::unchanged;
use crate::intake::submission::{Submission, Terms};
use crate::store::NewRecord;

fn at(now: &str, json: &str) -> Revocation {
    let profiles = Profiles::default();
    let terms = Terms {
        profiles: &profiles,
        zones: Zones::default(),
        longest_deadline: std::time::Duration::from_secs(90 * 86_400),
    };
    Submission::parse(json.as_bytes())
        .unwrap()
        .revocation("hr", now.parse().unwrap(), &terms)
        .unwrap()
}

const NOON: &str = "2026-03-05T12:00:00Z";
const LATER: &str = "2026-03-05T13:00:00Z";

#[test]
fn the_same_again_or_less_changes_nothing() {
    let known = at(NOON, r#"{"username":"a","reason":"terminated","account":["a","b"]}"#);
    for json in [
        r#"{"username":"a","reason":"terminated","account":["a","b"]}"#,
        r#"{"username":"a","reason":"terminated","account":["a"],"deadline":"9h"}"#,
        r#"{"username":"a","reason":"inactive","account":"b","effective_at":"2026-04-01T00:00:00Z"}"#,
    ] {
        assert_eq!(tighten(&known, &at(LATER, json)), None, "{json}");
    }
}

#[test]
fn more_accounts_an_earlier_time_or_a_shorter_profile_tighten() {
    let known = at(NOON, r#"{"username":"a","reason":"inactive"}"#);
    let more = tighten(&known, &at(LATER, r#"{"username":"a","reason":"inactive","account":"c"}"#))
        .unwrap();
    assert_eq!(more.accounts.len(), 2);
    let sooner = tighten(&known, &at(LATER, r#"{"username":"a","reason":"terminated"}"#)).unwrap();
    assert_eq!(sooner.deadlines.login.unwrap().to_string(), "2026-03-05T13:15:00.000000Z");
    assert_eq!(sooner.received_at, known.received_at);
    assert_eq!(sooner.reason, Reason::Terminated);
    let hurry = r#"{"username":"a","reason":"role_change","deadline":"1m"}"#;
    let gone = at(NOON, r#"{"username":"a","reason":"terminated"}"#);
    assert_eq!(tighten(&gone, &at(NOON, hurry)).unwrap().reason, gone.reason);
    let stays = at(NOON, r#"{"username":"a","reason":"role_change"}"#);
    let leaves = tighten(&stays, &at(LATER, r#"{"username":"a","reason":"terminated"}"#)).unwrap();
    assert!(leaves.deadlines.login.is_some());
    assert_eq!(leaves.reason, Reason::Terminated);
}

fn stored(known: &Revocation, life: Life) -> Stored {
    Stored {
        revocation: known.clone(),
        landed_revocation: None,
        subject_id: "sub".to_owned(),
        accounts: Vec::new(),
        life: std::sync::Arc::new(life),
        landed: None,
        gist: crate::store::Gist::default(),
        version: 1,
        records: 0,
        queued_at: known.received_at,
        watch_until: known.received_at,
    }
}

#[test]
fn one_record_says_that_it_takes_back_what_was_proved() {
    let known = at(NOON, r#"{"username":"a","reason":"terminated"}"#);
    let record = |kind| NewRecord { kind, body: serde_json::Map::new() };
    let said = |from, to, kinds: &[&'static str]| {
        let life = |state| Life {
            state,
            verified_at: Some(known.received_at),
            ..Life::begin(known.effective_at, known.received_at)
        };
        let mut step = unchanged(&stored(&known, life(from)), known.received_at);
        step.life = life(to);
        step.records = kinds.iter().copied().map(record).collect();
        say_what_is_taken_back(&mut step);
        let says = |one: &NewRecord| {
            one.body.get("state_before").is_some_and(|state| state == "verified")
                && one.body.contains_key("verified_at")
        };
        step.records.iter().map(says).collect::<Vec<_>>()
    };
    let both = ["subject_linked", "revocation_amended"];
    assert_eq!(said(State::Verified, State::Open, &both), [false, true]);
    assert_eq!(said(State::Verified, State::Open, &both[..1]), [true]);
    assert_eq!(said(State::Verified, State::Verified, &both), [false, false]);
    assert_eq!(said(State::Open, State::Open, &both), [false, false]);
}

#[test]
fn what_is_asked_for_anew_nobody_has_in_hand() {
    let known = at(NOON, r#"{"username":"a","reason":"role_change"}"#);
    let [user, disclosure, commitment] = ["U012", "d", "c"].map(str::to_owned);
    let (by, pressed) = (Presser { user, disclosure, commitment }, known.received_at);
    let week = std::time::Duration::from_secs(7 * 86_400);
    let taken = Acknowledged::taken(by, pressed, pressed, week);
    let mut life = Life::begin(known.effective_at, known.received_at);
    life.acknowledged = Some(Box::new(taken.clone()));
    let stored = stored(&known, life);
    let later: UtcTime = LATER.parse().unwrap();
    let until = |change: &dyn Fn(&mut Move)| {
        let mut step = unchanged(&stored, later);
        change(&mut step);
        remind_anew(&mut step);
        step.life.acknowledged.unwrap().until
    };
    let ended = at(LATER, r#"{"username":"a","reason":"terminated"}"#);
    let more = tighten(&known, &ended).unwrap();
    assert_eq!(until(&|step: &mut Move| step.revocation = more.clone()), later);
    let doubtful = |step: &mut Move| {
        step.life.lineage.doubtful.insert("b".to_owned());
    };
    assert_eq!(until(&doubtful), later, "a name more is asked about");
    let ticket = |step: &mut Move| step.revocation.ticket = Some("T-2".to_owned());
    assert_eq!(until(&ticket), taken.until);
    assert_eq!(until(&|_: &mut Move| {}), taken.until);
}

#[test]
fn a_question_that_grew_forgets_since_when_the_rest_is_gone() {
    let partial = |roles: &str| {
        let json =
            format!(r#"{{"username":"a","reason":"role_change","account":"x","roles":{roles}}}"#);
        at(NOON, &json)
    };
    let (known, more) = (partial(r#"["g"]"#), partial(r#"["g","h"]"#));
    let mut life = Life::begin(known.effective_at, known.received_at);
    life.gone_since = Some(known.received_at);
    let stored = stored(&known, life);
    assert!(reopened(&stored, &known).gone_since.is_some());
    assert_eq!(reopened(&stored, &more).gone_since, None);
}

#[test]
fn who_was_suspended_and_leaves_is_expected_to_lose_everything() {
    let suspended = at(NOON, r#"{"username":"a","reason":"inactive","revocation_type":"suspend"}"#);
    let leaves = at(LATER, r#"{"username":"a","reason":"terminated"}"#);
    let both = tighten(&suspended, &leaves).unwrap();
    assert_eq!((both.kind, both.reason), (Kind::Full, Reason::Terminated));
    assert_eq!(both.effective_at, suspended.effective_at);
    assert!(both.deadlines.access.is_some());
    let again = at(LATER, r#"{"username":"a","reason":"inactive","revocation_type":"suspend"}"#);
    assert_eq!(tighten(&leaves, &again), None, "and never the other way");
    let violated =
        at(NOON, r#"{"username":"a","reason":"policy_violation","revocation_type":"suspend"}"#);
    let expired = at(LATER, r#"{"username":"a","reason":"contract_expired"}"#);
    let both = tighten(&violated, &expired).unwrap();
    assert_eq!((both.kind, both.reason), (Kind::Full, Reason::PolicyViolation));
}

#[test]
fn every_user_name_is_kept() {
    let named = |name: &str| {
        at(NOON, &format!(r#"{{"employee_id":"E1","username":"{name}","reason":"terminated"}}"#))
    };
    let both = tighten(&named("jd"), &named("jsmith")).unwrap();
    assert_eq!(both.usernames().collect::<Vec<_>>(), ["jd", "jsmith"]);
    let again = tighten(&both, &named("JSmith")).unwrap();
    assert_eq!(again.also_called, ["jsmith"], "capitals make no other name");
}

#[test]
fn what_only_another_name_reaches_is_doubtful_also_where_it_is_declared() {
    let named = |name: &str| {
        let json = format!(
            r#"{{"employee_id":"E1","username":"{name}","reason":"terminated","account":"main/own"}}"#
        );
        at(NOON, &json)
    };
    let declared =
        |role: &str| AccountName { target: None, role: role.to_owned(), rule: LinkRule::Mapping };
    let mut mapping = Mapping::default();
    for (subject, roles) in
        [("jd", &["jd_app"][..]), ("bob", &["jd_app", "bob_adm"]), ("E1", &["own_adm"])]
    {
        let roles = roles.iter().copied().map(declared).collect();
        mapping.accounts.insert(subject.to_owned(), roles);
    }
    let hr = NoticeKey { source: "hr".into(), ..NoticeKey::default() };
    let known = named("jd");
    assert_eq!(doubtful(&known, &named("bob"), &hr, &mapping), ["bob_adm"]);
    assert!(doubtful(&known, &named("JD"), &hr, &mapping).is_empty());
    // Whoever was told of by the id alone may have a name from before.
    let before = Revocation { username: None, also_called: vec!["jd".into()], ..known.clone() };
    assert_eq!(doubtful(&before, &named("bob"), &hr, &mapping), ["bob_adm"]);
    let released = NoticeKey { source: format!("{RELEASED}hr"), ..hr };
    assert!(doubtful(&known, &named("bob"), &released, &mapping).is_empty());
}

#[test]
fn an_address_more_asks_for_more_and_a_loss_beats_a_requirement() {
    let known = at(NOON, r#"{"username":"a","reason":"role_change","required_roles":["g","h"]}"#);
    let more = r#"{"username":"a","reason":"role_change","email":"a@x","roles":"g"}"#;
    let both = tighten(&known, &at(LATER, more)).unwrap();
    assert_eq!((both.emails, both.required_roles), (vec!["a@x".to_owned()], vec!["h".to_owned()]));
}

#[test]
fn another_account_takes_back_that_there_is_none() {
    let mut known = at(NOON, r#"{"username":"a","reason":"terminated"}"#);
    known.no_account = true;
    let same = at(LATER, r#"{"username":"a","reason":"terminated"}"#);
    assert_eq!(tighten(&known, &same), None);
    let more = at(LATER, r#"{"username":"a","reason":"terminated","account":"jd"}"#);
    assert!(!tighten(&known, &more).unwrap().no_account);
}
