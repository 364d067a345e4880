//! The rules of a rotation as tables.

use super::*;
use crate::domain::account::LinkRule;
use crate::domain::address::Address;
use crate::domain::credential::tests::{at, play};
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::{Instance, RosterRole, Server};
use crate::domain::revocation::Kind;
use crate::domain::verdict::{Judgement, Verdict, judge as judged};
use std::collections::{BTreeMap, BTreeSet};

fn account() -> Account {
    Account {
        target: "orders".into(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(16402),
        role: "app_rw".into(),
        names: vec!["app_rw".into()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    }
}

fn residual(kind: K, since: Option<i64>) -> Residual {
    let me =
        AccountRef { target: "orders".into(), oid: RoleOid(16402), role: Some("app_rw".into()) };
    let mut found = Residual::new(kind, Strength::Latent, me);
    found.since = since.map(at);
    found.described()
}

fn look(found: Vec<Residual>) -> Observation {
    let mut look = Observation::begun("orders", at(100));
    look.server = Some(Server {
        system_identifier: SystemIdentifier(7),
        version: "15.18".into(),
        version_num: 150_018,
        in_recovery: false,
        timeline: 1,
        clock_skew_us: 0,
        agent_role: "agent".into(),
    });
    look.tracked = [RoleOid(16402)].into();
    look.roster = vec![RosterRole { oid: RoleOid(16402), name: "app_rw".into() }];
    look.residual = found;
    look
}

fn servers() -> BTreeMap<String, Vec<Address>> {
    let address = |host: &str| Address { host: host.to_owned(), port: 5433 };
    [("orders".to_owned(), vec![address("db.example"), address("db2.example")])].into()
}

fn rotation<'a>(
    credentials: &'a [&'a Standing],
    servers: &'a BTreeMap<String, Vec<Address>>,
) -> Rotation<'a> {
    Rotation { revocation: "rev_1", credentials, servers }
}

/// Judges a password with this history by `look`.
fn told(script: &str, look: &Observation) -> Judgement {
    let held = play(script);
    let servers = servers();
    let (accounts, nothing) = ([account()], BTreeSet::new());
    judged(
        &Question {
            kind: Kind::Rotation,
            accounts: &accounts,
            names: &[],
            roles: &[],
            unmapped: &[],
            no_account: false,
            not_required: &nothing,
            known_as: &[],
            seen: &[],
            gone_since: None,
            rotation: Some(rotation(&[&held.standing], &servers)),
        },
        &[look],
    )
}

/// History of the password, verdict, and what it says.
const TABLE: &[(&str, Verdict, &str)] = &[
    (
        "10 a",
        Verdict::Residual,
        "the password of app_rw has not been changed since the first look at it, at 1970",
    ),
    ("10 a\n20 b\n30 a", Verdict::Residual, "has not been changed"),
    ("10 a\n20 dead", Verdict::Inconclusive, "or another secret was tried"),
    ("10 a\n20 b", Verdict::Inconclusive, "it may be the same one set again"),
    (
        "10 a\n20 b\n30 valid",
        Verdict::Residual,
        "the old secret of app_rw is still its password, says uid:0",
    ),
    ("10 a\n20 b\n30 dead", Verdict::Revoked, ""),
    ("10 a\n20 none\n30 dead", Verdict::Revoked, ""),
    ("10 a\n20 b\n30 dead\n40 c", Verdict::Inconclusive, "against an earlier password"),
    ("10 a\n20 b<25\n30 dead", Verdict::Inconclusive, "past its VALID UNTIL"),
    (
        "10 unread",
        Verdict::Inconclusive,
        "agent may not read whether the password of app_rw was changed",
    ),
    ("10 unread\n20 valid", Verdict::Residual, "still its password"),
    ("10 unread\n20 dead", Verdict::Revoked, ""),
    ("10 unread\n20 dead\n30 a", Verdict::Revoked, ""),
    ("10 unread\n20 a", Verdict::Inconclusive, "was changed before 1970-01-01T00:00:20"),
    ("10 unread\n20 a\n30 dead", Verdict::Revoked, ""),
    ("10 unread\n20 a\n30 valid", Verdict::Residual, "still its password"),
    ("10 unread\n20 a\n30 b\n40 a", Verdict::Inconclusive, "could not read it then"),
    ("10 a\n20 b\n30 dead\n40 unread", Verdict::Revoked, ""),
];

#[test]
fn the_table() {
    for (script, verdict, says) in TABLE {
        let judged = told(script, &look(vec![]));
        assert_eq!(judged.verdict, *verdict, "{script}: {judged:#?}");
        let said: Vec<&str> = judged
            .residual
            .iter()
            .map(|found| found.sentence.as_str())
            .chain(judged.gaps.iter().map(|gap| gap.reason.as_str()))
            .collect();
        assert!(said.join("\n").contains(says), "{script}: {said:?}");
    }
}

#[test]
fn a_gap_has_the_command_that_closes_it_and_the_grant() {
    let judged = told("10 unread", &look(vec![]));
    let fix = &judged.gaps[0].fix;
    assert!(fix.contains("revoked probe login --revocation rev_1 --role app_rw"), "{fix}");
    assert!(fix.contains("GRANT SELECT (oid, rolname, rolpassword)"), "{fix}");
    assert_eq!(shell_word("a b'c"), r"'a b'\''c'");
}

#[test]
fn whose_word_it_is_stands_beside_the_answer() {
    let judged = told("10 unread\n20 dead", &look(vec![]));
    let reasons: Vec<&str> = judged.not_covered.iter().map(|n| n.reason.as_str()).collect();
    let all = reasons.join("\n");
    assert!(
        all.contains("db.example port 5432, over TCP, a database that does not exist (uid:0)"),
        "{all}"
    );
    assert!(all.contains("agent may not read whether it was changed again"), "{all}");
    assert!(all.contains("is not followed yet"), "{all}");
}

#[test]
fn a_password_that_was_read_late_is_never_called_unchanged() {
    let judged = told("10 unread\n20 a", &look(vec![residual(K::Session, Some(5))]));
    assert!(!format!("{judged:?}").contains("has not been changed"), "{judged:#?}");
    assert!(judged.kept[0].sentence.ends_with("with which secret it was opened is not known"));
    for script in ["10 unread\n20 a\n30 dead", "10 unread\n20 dead\n30 a"] {
        let judged = told(script, &look(vec![]));
        let all = format!("{:?}", judged.not_covered);
        assert!(all.contains("rests on the attempt with the old secret alone"), "{script}: {all}");
        let old = told(script, &look(vec![residual(K::Session, Some(5))]));
        assert_eq!(old.verdict, Verdict::Inconclusive, "{script}: who knows how it was opened");
        let new = told(script, &look(vec![residual(K::Session, Some(25))]));
        assert_eq!(new.verdict, Verdict::Revoked, "{script}");
    }
}

#[test]
fn a_session_of_a_password_that_is_still_the_old_one_is_no_kept_one() {
    for script in ["10 a", "10 a\n20 b\n30 valid", "10 unread\n20 valid"] {
        let judged = told(script, &look(vec![residual(K::Session, Some(50))]));
        assert_eq!((judged.residual.len(), judged.kept.len()), (2, 0), "{script}: {judged:#?}");
        let session = judged.residual.iter().find(|found| found.kind == K::Session).unwrap();
        assert!(session.sentence.ends_with("while the old secret was valid, which it still is"));
    }
    let judged = told("10 a\n20 dead", &look(vec![residual(K::Session, Some(50))]));
    assert_eq!((judged.verdict, judged.kept.len()), (Verdict::Inconclusive, 1), "that is doubted");
}

#[test]
fn what_the_account_may_do_is_kept() {
    let held = [K::Login, K::Attribute, K::Membership, K::Ownership, K::PreparedTransaction];
    let held = held.map(|kind| residual(kind, None)).to_vec();
    let judged = told("10 a\n20 b\n30 dead", &look(held));
    assert_eq!((judged.verdict, judged.kept.len()), (Verdict::Revoked, 5));
}

#[test]
fn a_session_is_old_unless_it_began_after_the_change_was_seen() {
    let verdict = |script: &str, kind: K, since: Option<i64>| {
        told(script, &look(vec![residual(kind, since)])).verdict
    };
    let changed = "10 a\n20 b\n30 dead";
    for kind in [K::Session, K::Replication] {
        assert_eq!(verdict(changed, kind, Some(19)), Verdict::Residual);
        assert_eq!(verdict(changed, kind, Some(20)), Verdict::Revoked);
        assert_eq!(verdict(changed, kind, None), Verdict::Residual, "nobody knows when it began");
    }
    assert_eq!(verdict(changed, K::VanishedSession, Some(99)), Verdict::Residual);
    let tried_later = "10 a\n20 b\n30 c\n40 dead";
    assert_eq!(verdict(tried_later, K::Session, Some(25)), Verdict::Inconclusive);
    assert_eq!(verdict("10 unread\n30 dead", K::Session, Some(25)), Verdict::Inconclusive);
    assert_eq!(verdict("10 unread\n30 dead", K::Session, Some(35)), Verdict::Revoked);
    let judged = told(changed, &look(vec![residual(K::Session, Some(19))]));
    assert!(judged.residual[0].sentence.ends_with("older than the change of the password"));
}

#[test]
fn the_start_of_a_session_is_by_the_targets_clock() {
    let mut fast = look(vec![residual(K::Session, Some(22))]);
    fast.server.as_mut().unwrap().clock_skew_us = 5_000_000;
    assert_eq!(told("10 a\n20 b\n30 dead", &fast).verdict, Verdict::Residual, "it was 17 here");
}

#[test]
fn a_session_of_a_standby_began_by_its_clock() {
    let mut session = residual(K::Session, Some(22));
    session.instance = Some("standby".into());
    let mut behind = look(vec![session]);
    let verdict = |look: &Observation| told("10 a\n20 b\n30 dead", look).verdict;
    assert_eq!(verdict(&behind), Verdict::Residual, "nobody knows that clock");
    behind.instances.push(Instance {
        name: "standby".into(),
        version: "15.18".into(),
        in_recovery: true,
        clock_skew_us: 5_000_000,
    });
    assert_eq!(verdict(&behind), Verdict::Residual, "it was 17 here");
    behind.instances[0].clock_skew_us = 1_000_000;
    assert_eq!(verdict(&behind), Verdict::Revoked, "it was 21 here");
}

#[test]
fn surfaces_that_a_rotation_does_not_need_may_stay_unread() {
    let unread = |surface| {
        let mut look = look(vec![]);
        look.gaps.push(Gap {
            surface,
            target: "orders".into(),
            database: None,
            reason: "refused".into(),
            fix: "grant".into(),
            cause: Cause::PermissionDenied,
        });
        told("10 a\n20 b\n30 dead", &look).verdict
    };
    for kind in K::ALL {
        let needed = matters(*kind);
        let verdict = if needed { Verdict::Inconclusive } else { Verdict::Revoked };
        assert_eq!(unread(*kind), verdict, "{kind}");
    }
}

#[test]
fn a_role_that_is_gone_has_no_password_and_its_sessions_have_to_go() {
    let mut gone = look(vec![]);
    gone.roster[0].name = "other".into();
    gone.roster[0].oid = RoleOid(1);
    assert_eq!(told("10 a", &gone).verdict, Verdict::Revoked);
    gone.residual = vec![residual(K::VanishedSession, Some(1))];
    assert_eq!(told("10 a", &gone).verdict, Verdict::Residual);
}

/// Whoever copies the command tries the server that is meant.
#[test]
fn what_is_to_be_done_names_the_server() {
    let judged = told("10 a\n20 b", &look(vec![]));
    let fix = &judged.gaps[0].fix;
    assert!(fix.ends_with("--secret-file OLD_SECRET --host db.example --port 5433"), "{fix}");
}

#[test]
fn without_a_look_at_the_password_nothing_is_proved() {
    let accounts = [account()];
    let nothing = BTreeSet::new();
    let servers = servers();
    let mut question = Question {
        kind: Kind::Rotation,
        accounts: &accounts,
        names: &[],
        roles: &[],
        unmapped: &[],
        no_account: false,
        not_required: &nothing,
        known_as: &[],
        seen: &[],
        gone_since: None,
        rotation: Some(rotation(&[], &servers)),
    };
    let seen = look(vec![]);
    assert_eq!(judged(&question, &[&seen]).verdict, Verdict::Inconclusive);
    question.rotation = None;
    assert_eq!(judged(&question, &[&seen]).verdict, Verdict::Inconclusive);
    let off = BTreeSet::from([K::Credential]);
    let held = play("10 a\n20 b\n30 dead");
    let known = [&held.standing];
    question.rotation = Some(rotation(&known, &servers));
    question.not_required = &off;
    assert_eq!(
        judged(&question, &[&seen]).verdict,
        Verdict::Inconclusive,
        "it is about nothing else"
    );
}
