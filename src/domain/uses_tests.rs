//! Which sessions are use after the end, which a late notice, and which neither.

use super::*;
use crate::domain::account::LinkRule;
use crate::domain::lineage::{Lineage, Rehired};
use crate::domain::observation::{Instance, Server};
use crate::domain::residual::{AccountRef, ResidualKind, Strength};
use crate::domain::revocation;

fn at(second: i64) -> UtcTime {
    UtcTime::from_micros(second * 1_000_000).unwrap()
}

/// Effective at 100, received at 200.
fn asked(kind: Kind) -> Revocation {
    Revocation { kind, effective_at: at(100), received_at: at(200), ..revocation::sample(at(0)) }
}

fn account(oid: u32) -> Account {
    Account {
        target: "main".into(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(oid),
        role: "john".into(),
        names: vec!["john".into()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    }
}

fn look(skew_us: i64) -> Observation {
    let mut look = Observation::begun("main", at(1_000));
    look.server = Some(Server {
        system_identifier: SystemIdentifier(7),
        version: "15.18".into(),
        version_num: 150_018,
        in_recovery: false,
        timeline: 1,
        clock_skew_us: skew_us,
        agent_role: "revoked".into(),
    });
    look
}

fn session(oid: u32, pid: i32, since: i64) -> Residual {
    let account =
        AccountRef { target: "main".into(), oid: RoleOid(oid), role: Some("john".into()) };
    let mut found = Residual::new(ResidualKind::Session, Strength::ActsNow, account);
    found.since = Some(at(since));
    found.object = Some(format!("pid {pid} since {}", at(since)));
    found
}

fn open() -> Life {
    Life::begin(at(100), at(200))
}

fn classes(asked: &Revocation, life: &Life, found: &[Residual], look: &Observation) -> String {
    let (_, new) = follow(asked, life, &[account(1)], found, &[look]);
    new.iter().map(|one| one.class.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_table() {
    for (kind, since, class) in [
        (Kind::Full, 99, ""),
        (Kind::Full, 100, ""),
        (Kind::Full, 101, "late_notice"),
        (Kind::Full, 200, "late_notice"),
        (Kind::Full, 201, "after_end"),
        (Kind::Suspend, 201, "after_end"),
        (Kind::Partial, 201, ""),
        (Kind::Rotation, 201, ""),
        (Kind::Transfer, 201, ""),
    ] {
        let said = classes(&asked(kind), &open(), &[session(1, 5, since)], &look(0));
        assert_eq!(said, class, "{kind} {since}");
    }
}

#[test]
fn what_is_not_due_is_no_use() {
    for (state, class) in [
        (State::Scheduled, ""),
        (State::Open, "after_end"),
        (State::Verified, "after_end"),
        (State::Regressed, "after_end"),
        (State::Excepted, ""),
        (State::Withdrawn, ""),
    ] {
        let life = Life { state, ..open() };
        let said = classes(&asked(Kind::Full), &life, &[session(1, 5, 300)], &look(0));
        assert_eq!(said, class, "{state}");
    }
}

#[test]
fn what_an_exception_permitted_is_no_use() {
    let life = Life { due_from: Some(at(500)), ..open() };
    let said = |since| classes(&asked(Kind::Full), &life, &[session(1, 5, since)], &look(0));
    assert_eq!((said(150).as_str(), said(500).as_str()), ("late_notice", ""));
    assert_eq!(said(501), "after_end");
}

#[test]
fn who_is_told_later_that_it_ends_sooner_has_used_nothing() {
    let life = Life { told_at: Some(at(400)), ..open() };
    let said = |since| classes(&asked(Kind::Full), &life, &[session(1, 5, since)], &look(0));
    assert_eq!((said(300).as_str(), said(401).as_str()), ("late_notice", "after_end"));
}

#[test]
fn who_is_back_uses_what_they_have() {
    let (made_at, by) = (at(300), "hr".to_owned());
    let rehired = Some(Rehired { at: at(300), made_at, by, before: None });
    let life = Life { lineage: Lineage { rehired, ..Lineage::default() }, ..open() };
    let said = |since| classes(&asked(Kind::Full), &life, &[session(1, 5, since)], &look(0));
    assert_eq!((said(299).as_str(), said(300).as_str()), ("after_end", ""));
}

#[test]
fn the_clock_of_the_target_is_corrected() {
    // It is 60 s ahead: what it calls 250 is 190 here.
    let ahead = look(60_000_000);
    assert_eq!(classes(&asked(Kind::Full), &open(), &[session(1, 5, 250)], &ahead), "late_notice");
    // It is behind: what it calls 150 is 210 here.
    let behind = look(-60_000_000);
    assert_eq!(classes(&asked(Kind::Full), &open(), &[session(1, 5, 150)], &behind), "after_end");
}

#[test]
fn a_session_elsewhere_counts_by_the_clock_there() {
    let mut look = look(0);
    look.instances.push(Instance {
        name: "standby".into(),
        version: "15.18".into(),
        in_recovery: true,
        clock_skew_us: 60_000_000,
    });
    let mut found = session(1, 5, 250);
    found.instance = Some("standby".into());
    assert_eq!(classes(&asked(Kind::Full), &open(), &[found.clone()], &look), "late_notice");
    // The clock of one that told nothing is not known.
    found.instance = Some("other".into());
    assert_eq!(classes(&asked(Kind::Full), &open(), &[found], &look), "");
}

#[test]
fn only_sessions_that_somebody_began_on_the_account_count() {
    let (asked, look) = (asked(Kind::Full), look(0));
    let mut worker = session(1, 5, 300);
    worker.background = true;
    let mut unseen = session(1, 6, 300);
    unseen.since = None;
    let mut prepared = session(1, 7, 300);
    prepared.kind = ResidualKind::PreparedTransaction;
    let all = [worker, unseen, prepared, session(2, 8, 300)];
    assert_eq!(classes(&asked, &open(), &all, &look), "");
    for kind in [ResidualKind::Replication, ResidualKind::VanishedSession] {
        let mut found = session(1, 5, 300);
        found.kind = kind;
        assert_eq!(classes(&asked, &open(), &[found], &look), "after_end", "{kind}");
    }
}

#[test]
fn each_is_told_once_and_a_pid_that_is_used_again_is_another() {
    let (asked, look) = (asked(Kind::Full), look(0));
    let mut life = open();
    let mut told = Vec::new();
    for found in [vec![session(1, 5, 300)], vec![], vec![session(1, 5, 300), session(1, 5, 301)]] {
        let (uses, new) = follow(&asked, &life, &[account(1)], &found, &[&look]);
        told.push(new.len());
        *life.uses = uses;
    }
    assert_eq!((told, life.uses.total), (vec![1, 0, 1], 2));
}

#[test]
fn closed_ones_make_room_and_open_ones_do_not() {
    let (asked, look) = (asked(Kind::Full), look(0));
    let mut life = open();
    let first: Vec<_> = (0..100).map(|pid| session(1, pid, 300)).collect();
    let (uses, new) = follow(&asked, &life, &[account(1)], &first, &[&look]);
    assert_eq!((new.len(), uses.crowded), (100, false));
    *life.uses = uses;
    // The first is closed, and makes room for one of two.
    let mut second = first[1..].to_vec();
    second.extend([session(1, 500, 301), session(1, 501, 301)]);
    let (uses, new) = follow(&asked, &life, &[account(1)], &second, &[&look]);
    assert_eq!((new.len(), uses.listed.len(), uses.total, uses.crowded), (1, 100, 101, true));
    assert!(uses.listed.iter().all(|one| !one.begun.session.starts_with("pid 0 ")));
}
