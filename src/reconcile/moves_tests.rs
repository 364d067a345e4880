//! What a judgement means, and when it must wait.

use super::super::judging::{forget_for_more, forget_for_others, forget_the_future};
use super::*;
use crate::domain::account::LinkRule;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::{Cause, Gap, RosterRole, Server};
use crate::domain::residual::{AccountRef, Strength};
use crate::domain::revocation::{self, Kind, State};
use crate::domain::verdict::{Further, Question, judge_further};
use crate::store::Gist;
use std::collections::BTreeSet;
use std::sync::Arc;

fn at(micros: i64) -> UtcTime {
    UtcTime::from_micros(micros).unwrap()
}

fn stored() -> Stored {
    Stored {
        revocation: revocation::sample(at(0)),
        landed_revocation: None,
        subject_id: "sub".into(),
        accounts: vec![account(1)],
        life: Arc::new(Life::begin(at(0), at(0))),
        landed: None,
        gist: Gist::default(),
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
        source: String::new(),
        linked_at: None,
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
fn another_role_makes_forget_since_when_they_are_gone() {
    let roles = ["a", "b"].map(str::to_owned);
    let mut life = Life::begin(at(0), at(0));
    life.gone_since = Some(at(100));
    // Nobody kept which they were.
    forget_for_more(&mut life, &roles[..1]);
    assert_eq!((life.gone_since, &*life.gone), (Some(at(100)), &roles[..1]));
    forget_for_more(&mut life, &[]);
    forget_for_more(&mut life, &roles[..1]);
    assert_eq!(life.gone_since, Some(at(100)));
    let mut proved = Life { state: State::Verified, ..life.clone() };
    forget_for_more(&mut proved, &roles);
    assert_eq!(proved.gone_since, Some(at(100)), "that was proved of the others");
    forget_for_more(&mut life, &roles);
    assert_eq!((life.gone_since, &*life.gone), (None, &roles[..]));
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
    Arc::make_mut(&mut stored.life).state = crate::domain::revocation::State::Verified;
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
    let open = Stored { life: Arc::new(Life::begin(at(0), at(0))), ..stored.clone() };
    assert_eq!(remembered(&open, &clean, &[&whole], &terms, false), Vec::<&Observation>::new());
    assert_eq!(remembered(&open, &clean, &[&look], &terms, false).len(), 1);
}

/// What a look at a partial revocation of role `g` sees.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sees {
    /// Nothing.
    Nothing,
    /// The membership.
    Member,
    /// A session that began before the first look.
    Old,
    /// A session that began just now.
    New,
    /// A session whose beginning is hidden.
    Hidden,
    /// Not the sessions.
    Blind,
}

impl Sees {
    const ALL: [Self; 6] =
        [Self::Nothing, Self::Member, Self::Old, Self::New, Self::Hidden, Self::Blind];

    /// A look at `minute`.
    fn look(self, minute: i64) -> Observation {
        let mut look = Observation::begun("main", at(minute * 60));
        look.ended_at = at(minute * 60 + 1);
        look.server = Some(Server {
            system_identifier: SystemIdentifier(7),
            version: "15.18".into(),
            version_num: 150_018,
            in_recovery: false,
            timeline: 1,
            clock_skew_us: 0,
            agent_role: "revoked_agent".into(),
        });
        look.tracked = [RoleOid(1)].into();
        look.roster = vec![
            RosterRole { oid: RoleOid(1), name: "x".into() },
            RosterRole { oid: RoleOid(2), name: "g".into() },
        ];
        let session = |since: Option<i64>| {
            let mut session =
                Residual { strength: Strength::ActsNow, ..found(ResidualKind::Session) };
            session.since = since.map(at);
            vec![session]
        };
        look.residual = match self {
            Self::Nothing | Self::Blind => Vec::new(),
            Self::Member => {
                vec![Residual { privilege: Some("g".into()), ..found(ResidualKind::Membership) }]
            }
            Self::Old => session(Some(1)),
            Self::New => session(Some(minute * 60 - 1)),
            Self::Hidden => session(None),
        };
        if self == Self::Blind {
            look.gaps.push(Gap {
                surface: ResidualKind::Session,
                target: "main".into(),
                database: None,
                reason: "unread".into(),
                fix: "read".into(),
                cause: Cause::Internal,
            });
        }
        look
    }
}

/// The state after each of these looks.
fn states(looks: &[Sees]) -> Vec<State> {
    let (accounts, roles) = ([account(1)], ["g".to_owned()]);
    let terms = Terms { kind: Kind::Partial, ..terms_of(&stored()) };
    let mut life = Life::begin(at(0), at(0));
    let mut all = Vec::new();
    for (minute, sees) in (1..).zip(looks) {
        let observation = sees.look(minute);
        let question = Question {
            kind: Kind::Partial,
            accounts: &accounts,
            names: &[],
            roles: &roles,
            unmapped: &[],
            no_account: false,
            not_required: &BTreeSet::new(),
            known_as: &roles,
            seen: &[],
            gone_since: life.gone_since,
            rotation: None,
        };
        let verified = life.state == State::Verified;
        let further = Further { verified, ..Further::default() };
        let judged = judge_further(&question, &further, &[&observation]);
        life = step(&terms, &life, &look_of(&judged, &[&observation])).0;
        all.push(life.state);
    }
    all
}

/// Whatever the looks see, and in whatever order: a session that is seen to have begun before the role went is never
/// passed over.
#[test]
fn no_looks_leave_verified_what_a_session_from_before_may_still_use() {
    let mut some = 0;
    for code in 0..6_usize.pow(5) {
        let letters = (0..5).map(|place| code / 6_usize.pow(place) % 6);
        let looks: Vec<Sees> =
            letters.filter_map(|letter| Sees::ALL.get(letter).copied()).collect();
        for (state, sees) in states(&looks).into_iter().zip(&looks) {
            some += usize::from(state == State::Verified);
            assert!(state != State::Verified || *sees != Sees::Old, "{looks:?}");
        }
    }
    assert!(some > 100, "nothing was ever verified");
}

#[test]
fn what_came_to_light_regresses_and_later_sessions_do_not() {
    use Sees::{Blind, Hidden, New, Nothing, Old};
    use State::{Open, Regressed, Verified};
    // The role went before the first of them.
    assert_eq!(
        states(&[Nothing, Nothing, New, New, Hidden, Blind]),
        [Open, Verified, Verified, Verified, Verified, Verified]
    );
    // It stays so until that session is over; new ones are in nobody's way.
    assert_eq!(
        states(&[Nothing, New, Old, Old, New, New, New]),
        [Open, Verified, Regressed, Regressed, Regressed, Verified, Verified]
    );
}

#[test]
fn when_it_takes_effect_what_is_there_is_on_record_though_nothing_changed() {
    let terms = terms_of(&stored());
    let of = |verdict, effects: &[Effect]| {
        let mut before = stored();
        Arc::make_mut(&mut before.life).state = State::Scheduled;
        let after = Life { state: State::Open, ..Life::clone(&before.life) };
        let residual = vec![found(ResidualKind::Login)];
        let look = look_of(&judged(verdict, residual.clone(), Vec::new()), &[]);
        let told =
            Told { effects, look: &look, looks: &[], verdict, residual: &residual, used: &[] };
        let evidence = Evidence::default();
        let all = records(&before, &before.accounts, &terms, (&after, &evidence), &told, at(9));
        let kinds = all.iter().map(|one| (one.kind, one.body.get("due").is_some()));
        kinds.collect::<Vec<_>>()
    };
    assert_eq!(of(Verdict::Residual, &[]), [("observation", true)]);
    let changed = [Effect::Observed(Label::Changed)];
    assert_eq!(of(Verdict::Residual, &changed), [("observation", true)], "it is one record");
    let late = [Effect::MilestoneFailed(crate::domain::milestone::Milestone::Login)];
    assert_eq!(
        of(Verdict::Residual, &late),
        [("observation", true), ("verification_failed", false)]
    );
    assert_eq!(of(Verdict::Inconclusive, &[]), []);
    assert_eq!(of(Verdict::Revoked, &[Effect::AccessRevoked]), [("access_revoked", false)]);
}
