//! A second notice for the same subject and kind tightens the first, and never loosens it. Pure.

use crate::audit::record;
use crate::domain::account::AccountName;
use crate::domain::lifecycle::Life;
use crate::domain::milestone::Deadlines;
use crate::domain::milestone::Milestone;
use crate::domain::revocation::{Kind, Reason, Revocation, State};
use crate::domain::subject::{Called, Mapping};
use crate::domain::time::UtcTime;
use crate::intake::joining::RELEASED;
use crate::store::{Move, NoticeKey, Stored};

/// What both together ask for, if that is more than `known` asks for already.
#[must_use]
pub fn tighten(known: &Revocation, asked: &Revocation) -> Option<Revocation> {
    let mut both = known.clone();
    for name in &asked.accounts {
        let same = |known: &AccountName| (&known.target, &known.role) == (&name.target, &name.role);
        match both.accounts.iter_mut().find(|known| same(known)) {
            // What was a guess is named now.
            Some(known) => known.rule = known.rule.min(name.rule),
            None => both.accounts.push(name.clone()),
        }
    }
    if known.kind == Kind::Suspend && asked.kind == Kind::Full {
        both.kind = Kind::Full;
        // It is no suspension for silence any more, of which nobody knows whose the account is.
        both.inactive = None;
    }
    // That there is no account was confirmed of what was known then.
    both.no_account = known.no_account && both.accounts.len() == known.accounts.len();
    for role in &asked.roles {
        if !both.roles.contains(role) {
            both.roles.push(role.clone());
        }
    }
    for permission in &asked.permissions {
        if !both.permissions.contains(permission) {
            both.permissions.push(permission.clone());
        }
    }
    for (both, asked) in [
        (&mut both.emails, &asked.emails),
        (&mut both.required_roles, &asked.required_roles),
        (&mut both.required_permissions, &asked.required_permissions),
    ] {
        both.extend(asked.iter().filter(|one| !known_of(both, one)).cloned().collect::<Vec<_>>());
    }
    // What must be gone is not asked to be there by an earlier or a later notice.
    both.required_roles.retain(|role| !both.roles.contains(role));
    both.required_permissions.retain(|name| !both.permissions.contains(name));
    both.new_owner = asked.new_owner.clone().or_else(|| known.new_owner.clone());
    if asked.effective_at < known.effective_at {
        both.effective_at = asked.effective_at;
        both.effective.clone_from(&asked.effective);
    }
    both.username = known.username.clone().or_else(|| asked.username.clone());
    both.also_called.extend(another_name(known, asked));
    both.also_called.retain(|name| both.username.as_ref() != Some(name));
    // Deadlines of a repeated notice run from its own receipt; only an earlier one counts.
    both.deadlines = earlier(&known.deadlines, &asked.deadlines);
    // The stricter reason decides which milestones there are, and whom alerts call.
    let adds_login = known.deadlines.login.is_none() && asked.deadlines.login.is_some();
    let urgent = matches!(asked.reason, Reason::Terminated | Reason::PolicyViolation);
    let weaker = asked.reason.rank() < known.reason.rank();
    let stricter =
        adds_login || both.kind != known.kind || (urgent && both.deadlines != known.deadlines);
    if stricter && !weaker {
        both.reason = asked.reason;
    }
    (both != *known).then_some(both)
}

fn known_of(list: &[String], one: &String) -> bool {
    list.contains(one)
}

fn earlier(a: &Deadlines, b: &Deadlines) -> Deadlines {
    let mut earlier = *a;
    for milestone in Milestone::ALL {
        let first = match (a.get(*milestone), b.get(*milestone)) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        earlier.set(*milestone, first);
    }
    earlier
}

/// The user name of `asked`, where it is none of those that are known.
fn another_name(known: &Revocation, asked: &Revocation) -> Option<String> {
    let folded = |name: &String| name.trim().to_lowercase();
    let (first, name) = (known.username.as_ref()?, asked.username.as_ref()?);
    let same = |known: &String| folded(known) == folded(name);
    let so = same(first) || known.also_called.iter().any(same);
    (!so).then(|| name.clone())
}

/// Names that follow from another user name of `asked` than those that are known, by a convention or since they are
/// declared for it: whether it is the same person nobody said. A notice that a person released was looked at.
#[must_use]
pub fn doubtful(
    known: &Revocation,
    asked: &Revocation,
    notice: &NoticeKey,
    mapping: &Mapping,
) -> Vec<String> {
    let another = another_name(known, asked);
    let Some(name) = another.filter(|_| !notice.source.starts_with(RELEASED)) else {
        return Vec::new();
    };
    let called = Called { subject: &known.subject, username: Some(&name) };
    let before = mapping.names_of(known);
    let names = mapping.names(&called, &asked.accounts).into_iter();
    let follows = |name: &AccountName| name.suggested() || name.rule.declared();
    let new = |name: &AccountName| follows(name) && !before.iter().any(|one| one.role == name.role);
    names.filter(new).map(|name| name.role).collect()
}

/// Names of roles that the user name of `asked` suggests.
#[must_use]
pub fn suggested(asked: &Revocation, mapping: &Mapping) -> Vec<String> {
    let names = mapping.names(&asked.called(), &asked.accounts).into_iter();
    names.filter(AccountName::suggested).map(|name| name.role).collect()
}

/// The life once more is asked for than was proved.
#[must_use]
pub fn begun_anew(mut life: Life) -> Life {
    life.first_clean_at = None;
    life.confirm_from = None;
    // A session may act as what is asked for only now, whenever the rest went.
    life.gone_since = None;
    life.met = crate::domain::milestone::PerMilestone::default();
    // Nobody has looked for what is new.
    if life.state == State::Verified {
        life.state = State::Open;
    }
    life
}

/// The life after an amendment: what was proved of less is not proved of more, and an earlier effect may
/// make it due.
#[must_use]
pub fn reopened(stored: &Stored, revocation: &Revocation) -> Life {
    let mut life = stored.life.clone();
    let more = revocation.kind != stored.revocation.kind
        || revocation.accounts != stored.revocation.accounts
        || revocation.roles != stored.revocation.roles
        || revocation.permissions != stored.revocation.permissions
        || revocation.emails != stored.revocation.emails
        || revocation.also_called != stored.revocation.also_called
        || revocation.required_roles != stored.revocation.required_roles
        || revocation.required_permissions != stored.revocation.required_permissions;
    if more {
        life = begun_anew(life);
    }
    // Whoever says more, or sooner, has not heard of what waits: it was asked for before, and of less.
    if *revocation != stored.revocation {
        life.pending = None;
    }
    let received: UtcTime = stored.revocation.received_at;
    if life.state == State::Scheduled && revocation.effective_at <= received {
        life.state = State::Open;
    }
    life
}

/// The life after an amendment at `now`. Whoever had access until then was told of nothing sooner: a session that
/// began before is no use after the end.
#[must_use]
pub fn told(before: &Revocation, after: &Revocation, life: Life, now: UtcTime) -> Life {
    let sooner = after.effective_at < before.effective_at;
    if sooner || after.kind != before.kind || after.accounts != before.accounts {
        Life { told_at: Some(now), ..life }
    } else {
        life
    }
}

/// Says in a record of `step` that it takes back what was proved, where it does: whoever was told of the proof is told.
pub(super) fn say_what_is_taken_back(step: &mut Move) {
    let before = &step.from.life;
    if before.state != State::Verified || step.life.state != State::Open {
        return;
    }
    let of = |kind: &str| step.records.iter().position(|record| record.kind == kind);
    let Some(place) = of("revocation_amended").or_else(|| of("subject_linked")) else { return };
    if let Some(told) = step.records.get_mut(place) {
        told.body = record::taken_back(std::mem::take(&mut told.body), before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::LinkRule;
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
        let more =
            tighten(&known, &at(LATER, r#"{"username":"a","reason":"inactive","account":"c"}"#))
                .unwrap();
        assert_eq!(more.accounts.len(), 2);
        let sooner =
            tighten(&known, &at(LATER, r#"{"username":"a","reason":"terminated"}"#)).unwrap();
        assert_eq!(sooner.deadlines.login.unwrap().to_string(), "2026-03-05T13:15:00.000000Z");
        assert_eq!(sooner.received_at, known.received_at);
        assert_eq!(sooner.reason, Reason::Terminated);
        let hurry = r#"{"username":"a","reason":"role_change","deadline":"1m"}"#;
        let gone = at(NOON, r#"{"username":"a","reason":"terminated"}"#);
        assert_eq!(tighten(&gone, &at(NOON, hurry)).unwrap().reason, gone.reason);
        let stays = at(NOON, r#"{"username":"a","reason":"role_change"}"#);
        let leaves =
            tighten(&stays, &at(LATER, r#"{"username":"a","reason":"terminated"}"#)).unwrap();
        assert!(leaves.deadlines.login.is_some());
        assert_eq!(leaves.reason, Reason::Terminated);
    }

    fn stored(known: &Revocation, life: Life) -> Stored {
        Stored {
            revocation: known.clone(),
            landed_revocation: None,
            subject_id: "sub".to_owned(),
            accounts: Vec::new(),
            life,
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
    fn a_question_that_grew_forgets_since_when_the_rest_is_gone() {
        let partial = |roles: &str| {
            let json = format!(
                r#"{{"username":"a","reason":"role_change","account":"x","roles":{roles}}}"#
            );
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
        let suspended =
            at(NOON, r#"{"username":"a","reason":"inactive","revocation_type":"suspend"}"#);
        let leaves = at(LATER, r#"{"username":"a","reason":"terminated"}"#);
        let both = tighten(&suspended, &leaves).unwrap();
        assert_eq!((both.kind, both.reason), (Kind::Full, Reason::Terminated));
        assert_eq!(both.effective_at, suspended.effective_at);
        assert!(both.deadlines.access.is_some());
        let again =
            at(LATER, r#"{"username":"a","reason":"inactive","revocation_type":"suspend"}"#);
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
            at(
                NOON,
                &format!(r#"{{"employee_id":"E1","username":"{name}","reason":"terminated"}}"#),
            )
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
        let declared = |role: &str| AccountName {
            target: None,
            role: role.to_owned(),
            rule: LinkRule::Mapping,
        };
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
        let released = NoticeKey { source: format!("{RELEASED}hr"), ..hr };
        assert!(doubtful(&known, &named("bob"), &released, &mapping).is_empty());
    }

    #[test]
    fn an_address_more_asks_for_more_and_a_loss_beats_a_requirement() {
        let known =
            at(NOON, r#"{"username":"a","reason":"role_change","required_roles":["g","h"]}"#);
        let more = r#"{"username":"a","reason":"role_change","email":"a@x","roles":"g"}"#;
        let both = tighten(&known, &at(LATER, more)).unwrap();
        assert_eq!(
            (both.emails, both.required_roles),
            (vec!["a@x".to_owned()], vec!["h".to_owned()])
        );
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
}
