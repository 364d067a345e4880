//! What a judgement means, and when it must wait.

use super::*;
use crate::domain::account::LinkRule;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::{Cause, Gap};
use crate::domain::residual::{AccountRef, Strength};
use crate::domain::revocation;

fn at(micros: i64) -> UtcTime {
    UtcTime::from_micros(micros).unwrap()
}

fn stored() -> Stored {
    Stored {
        revocation: revocation::sample(at(0)),
        landed_revocation: None,
        subject_id: "sub".into(),
        accounts: vec![account(1)],
        life: Life::begin(at(0), at(0)),
        landed: None,
        evidence: Evidence::default(),
        version: 1,
        records: 0,
        queued_at: at(0),
        watch_until: at(0),
    }
}

fn account(oid: u32) -> Account {
    Account {
        target: "main".into(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(oid),
        role: "x".into(),
        names: vec!["x".into()],
        rule: LinkRule::Stated,
    }
}

fn judged(verdict: Verdict, residual: Vec<Residual>, gaps: Vec<Gap>) -> Judgement {
    Judgement {
        verdict,
        login: verdict,
        disabled: verdict == Verdict::Revoked,
        residual,
        kept: Vec::new(),
        missing: Vec::new(),
        gaps,
        not_covered: Vec::new(),
        no_account: false,
    }
}

fn terms_of(stored: &Stored) -> Terms {
    Terms {
        kind: stored.revocation.kind,
        reason: stored.revocation.reason,
        effective_at: stored.revocation.effective_at,
        deadlines: Deadlines::default(),
        verification_delay: Duration::ZERO,
    }
}

fn found(kind: ResidualKind) -> Residual {
    let account = AccountRef { target: "main".into(), oid: RoleOid(1), role: Some("x".into()) };
    let mut found = Residual::new(kind, Strength::Latent, account);
    found.database = Some("orders".into());
    found
}

/// A look at 900 that took the access lists of `orders` from one at 100.
fn recalling() -> Observation {
    let mut look = Observation::begun("main", at(900));
    look.ended_at = at(950);
    look.deep_at = at(100);
    look.recalled.insert("orders".into());
    look
}

#[test]
fn a_clock_set_back_does_not_blind_the_agent() {
    let mut life = Life::begin(at(0), at(0));
    life.last_look_at = Some(at(900));
    life.first_clean_at = Some(at(100));
    assert!(forget_the_future(&mut life, at(500)));
    assert_eq!((life.last_look_at, life.first_clean_at), (None, Some(at(100))));
    assert!(!forget_the_future(&mut life, at(500)));
}

#[test]
fn another_account_makes_forget_since_when_the_roles_are_gone() {
    let mut life = Life::begin(at(0), at(0));
    life.gone_since = Some(at(100));
    forget_for_others(&mut life, &[account(1)], &[account(1)]);
    assert_eq!(life.gone_since, Some(at(100)));
    forget_for_others(&mut life, &[account(1)], &[account(1), account(2)]);
    assert_eq!(life.gone_since, None);
}

#[test]
fn gone_counts_from_the_end_of_the_look_whatever_kind_of_session_is_left() {
    let look = recalling();
    for kind in [ResidualKind::Session, ResidualKind::VanishedSession, ResidualKind::Replication] {
        let gap = Gap {
            surface: kind,
            target: "main".into(),
            database: None,
            reason: "it may still act as a revoked role".into(),
            fix: "end it".into(),
            cause: Cause::Internal,
        };
        let left = judged(Verdict::Inconclusive, Vec::new(), vec![gap]);
        assert_eq!(look_of(&left, &[&look]).gone_at, Some(at(950)), "{kind}");
    }
    let there = judged(Verdict::Residual, vec![found(ResidualKind::Membership)], Vec::new());
    assert_eq!(look_of(&there, &[&look]).gone_at, None);
}

#[test]
fn nothing_is_decided_on_what_is_only_remembered_but_what_the_look_saw_is() {
    let mut stored = stored();
    stored.life.state = crate::domain::revocation::State::Verified;
    let (terms, look) = (terms_of(&stored), recalling());
    let waits = |residual: Residual| {
        let judged = judged(Verdict::Residual, vec![residual], Vec::new());
        remembered(&stored, &judged, &[&look], &terms, false).len() == 1
    };
    // Access lists of that database come from memory.
    assert!(waits(found(ResidualKind::Privilege)));
    // Its roles and sessions, and other databases, were read by the look itself.
    assert!(!waits(found(ResidualKind::Login)));
    let mut elsewhere = found(ResidualKind::Privilege);
    elsewhere.database = Some("billing".into());
    assert!(!waits(elsewhere));
    let mut whole = recalling();
    whole.deep_at = whole.started_at;
    let clean = judged(Verdict::Revoked, Vec::new(), Vec::new());
    let open = Stored { life: Life::begin(at(0), at(0)), ..stored.clone() };
    assert_eq!(remembered(&open, &clean, &[&whole], &terms, false), Vec::<&Observation>::new());
    assert_eq!(remembered(&open, &clean, &[&look], &terms, false).len(), 1);
}
