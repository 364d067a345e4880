//! Whom nobody suspends by mistake.

use super::*;
use crate::domain::inactivity::{Activity, Seen};
use crate::domain::observation::{RosterRole, Server};
use std::path::Path;

const CLUSTER: SystemIdentifier = SystemIdentifier(7);

fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(second * 1_000_000).unwrap()
}

fn config(more: &str) -> Config {
    let text = format!(
        "state_dir: s\ntargets: {{main: {{url: 'postgres://x@h/d', canary: {{role: bird}}}}, \
         other: {{url: 'postgres://x@h/d'}}}}\nexceptions: {{break_glass_roles: [sealed]}}\n\
         inactivity: {{after: 90d, exempt: [postgres, other/etl]}}\n{more}\n"
    );
    Config::parse(Path::new("/nowhere/revoked.yaml"), &text).unwrap()
}

/// A look at `target` at which the role 5, called `role`, may log in and is not seen.
fn look(target: &str, role: &str) -> Observation {
    let mut look = Observation::begun(target, at(9));
    look.server = Some(Server {
        system_identifier: CLUSTER,
        version: "15.18".into(),
        version_num: 150_018,
        in_recovery: false,
        timeline: 1,
        clock_skew_us: 0,
        agent_role: "revoked_agent".into(),
    });
    look.roster = vec![RosterRole { oid: RoleOid(5), name: role.into() }];
    let logins = [RoleOid(5)].into();
    look.activity = Some(Activity { logins, whole: true, ..Activity::default() });
    look
}

fn unseen() -> Unseen {
    Unseen {
        cluster: CLUSTER,
        watched_us: 0,
        seen: Seen {
            oid: RoleOid(5),
            role: "as it was".into(),
            known_at: at(1),
            seen_at: None,
            mark_us: 0,
        },
    }
}

fn found(looks: Vec<Observation>) -> Option<String> {
    let (config, looks) = (config(""), looks.into_iter().map(Arc::new).collect::<Vec<_>>());
    let rules = config.inactivity.clone().unwrap();
    let found = still_unseen(&config, &rules, &looks, &unseen());
    found.map(|(target, role)| format!("{target}/{role}"))
}

#[test]
fn who_may_stay_unused_is_never_found() {
    for role in ["postgres", "revoked_agent", "bird", "sealed"] {
        assert_eq!(found(vec![look("main", role)]), None, "{role}");
    }
    assert_eq!(found(vec![look("main", "john")]).as_deref(), Some("main/john"));
    // Named for one target, it may stay unused there; a canary is one where it is planted.
    assert_eq!(found(vec![look("main", "etl")]).as_deref(), Some("main/etl"));
    assert_eq!(found(vec![look("other", "etl")]), None);
    assert_eq!(found(vec![look("other", "bird")]).as_deref(), Some("other/bird"));
    // Two names of one cluster: what may stay unused by one of them may.
    assert_eq!(found(vec![look("main", "etl"), look("other", "etl")]), None);
}

#[test]
fn without_a_look_that_saw_all_nobody_is_found() {
    assert_eq!(found(Vec::new()), None);
    let change = |wrong: fn(&mut Observation)| {
        let mut look = look("main", "john");
        wrong(&mut look);
        found(vec![look])
    };
    assert_eq!(change(|look| look.activity = None), None);
    assert_eq!(change(|look| look.activity.as_mut().unwrap().whole = false), None);
    assert_eq!(change(|look| look.activity.as_mut().unwrap().logins.clear()), None);
    assert_eq!(change(|look| look.activity.as_mut().unwrap().seen = [RoleOid(5)].into()), None);
    assert_eq!(change(|look| look.roster.clear()), None);
    assert_eq!(change(|look| look.server = None), None);
}

#[test]
fn the_same_silence_is_the_same_event() {
    let mut one = unseen();
    let first = event_of(&one);
    one.watched_us = 99;
    assert_eq!(event_of(&one), first);
    one.seen.seen_at = Some(at(3));
    assert_ne!(event_of(&one), first);
}

#[test]
fn the_suspension_says_what_was_seen() {
    let config = config("");
    let notice = notice("main", "john", "e");
    let inactive =
        Inactive { last_seen_at: None, watched_since: at(1), watched_seconds: 90 * 86_400 };
    let asked = suspension(&config, &notice, &inactive, at(9)).unwrap();
    assert_eq!((asked.kind, asked.reason), (Kind::Suspend, Reason::Inactive));
    assert_eq!((asked.subject.as_str(), asked.source.as_str()), ("main/john", SOURCE));
    assert_eq!((asked.accounts.len(), asked.accounts[0].role.as_str()), (1, "john"));
    assert_eq!(asked.accounts[0].target.as_deref(), Some("main"));
    assert_eq!(asked.inactive.as_deref(), Some(&inactive));
    let end = Revocation { kind: Kind::Full, inactive: None, ..asked.clone() };
    let both = crate::intake::merge::tighten(&asked, &end).unwrap();
    assert_eq!(
        (both.kind, both.inactive),
        (Kind::Full, None),
        "the end of everything is no silence"
    );
}
