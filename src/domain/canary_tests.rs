//! The canary as scripts: one line a look, and beside it what it did.

use super::*;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::lifecycle::{self, Effect, Look, Terms};
use crate::domain::milestone::Deadlines;
use crate::domain::observation::{RosterRole, Server};
use crate::domain::residual::{AccountRef, Residual, Strength};
use crate::domain::revocation::{Kind, Reason};
use crate::domain::verdict::Verdict;
use ResidualKind as K;

fn at(minute: i64) -> UtcTime {
    UtcTime::from_micros(minute * 60_000_000).unwrap()
}

fn canary(expect: &[K]) -> Canary {
    Canary {
        role: "revoked_canary".into(),
        every: Duration::from_secs(3_600),
        expect: expect.iter().copied().collect(),
    }
}

/// A look that found `found` of the canary and `theirs` of another role.
fn look(found: &[K], theirs: &[K]) -> Observation {
    let mut look = Observation::begun("orders", at(0));
    look.server = Some(Server {
        system_identifier: SystemIdentifier(7),
        version: "18.1".into(),
        version_num: 180_001,
        in_recovery: false,
        timeline: 1,
        clock_skew_us: 0,
        agent_role: "agent".into(),
    });
    look.searched.insert("revoked_canary".into());
    for (oid, name, kinds) in [(9, "revoked_canary", found), (8, "john", theirs)] {
        look.roster.push(RosterRole { oid: RoleOid(oid), name: name.into() });
        let account =
            AccountRef { target: "orders".into(), oid: RoleOid(oid), role: Some(name.into()) };
        let findings = kinds.iter().map(|k| Residual::new(*k, Strength::Latent, account.clone()));
        look.residual.extend(findings);
    }
    look
}

fn with_gap(mut look: Observation, surface: K) -> Observation {
    look.gaps.push(Gap {
        surface,
        target: "orders".into(),
        database: Some("app".into()),
        reason: "may not".into(),
        fix: "GRANT".into(),
        cause: Cause::PermissionDenied,
    });
    look
}

#[test]
fn a_look_finds_the_canary_only_by_itself_and_whole() {
    let both = canary(&[K::Privilege, K::Membership]);
    let missing = |kinds: &[K]| Sighting::Missing(kinds.iter().copied().collect());
    let not_searched = || {
        let mut look = look(&[K::Privilege, K::Membership], &[]);
        look.searched.clear();
        look
    };
    let down = || {
        let mut look = look(&[], &[]);
        look.server = None;
        look
    };
    let cases = [
        (look(&[K::Privilege, K::Membership], &[]), Sighting::Detected),
        (look(&[K::Privilege], &[]), missing(&[K::Membership])),
        (look(&[], &[]), missing(&[K::Privilege, K::Membership])),
        // Somebody else's residual is no canary.
        (look(&[K::Privilege], &[K::Membership]), missing(&[K::Membership])),
        // What could not be read where it lies says nothing, found or not.
        (with_gap(look(&[], &[]), K::Privilege), Sighting::Unknown),
        (with_gap(look(&[K::Privilege, K::Membership], &[]), K::Membership), Sighting::Unknown),
        (with_gap(look(&[], &[]), K::Login), Sighting::Unknown),
        // Other surfaces do not matter.
        (with_gap(look(&[K::Privilege, K::Membership], &[]), K::Session), Sighting::Detected),
        (with_gap(look(&[], &[]), K::Session), missing(&[K::Privilege, K::Membership])),
        (down(), Sighting::Unknown),
        // The role was configured while the look was on its way.
        (not_searched(), Sighting::Unknown),
    ];
    for (number, (look, expected)) in cases.iter().enumerate() {
        assert_eq!(sight(&both, look), *expected, "case {number}");
    }
}

/// Plays looks, given as minute and what was seen, of a canary that has to be found every hour.
fn play(script: &[(i64, &str)]) -> Vec<String> {
    let canary = canary(&[K::Privilege]);
    let mut watch: Option<Watch> = None;
    let mut said = Vec::new();
    for (minute, seen) in script {
        let sighting = match *seen {
            "found" => Sighting::Detected,
            "absent" => Sighting::Missing([K::Privilege].into()),
            "blind" => Sighting::Unknown,
            _ => unreachable!("{seen}"),
        };
        let before = watch.unwrap_or_else(|| Watch::begun(at(*minute)));
        let (next, news) = before.step(&canary, sighting, at(*minute));
        match news {
            Some(News::Detected { missed_at: None }) => said.push(format!("{minute} detected")),
            Some(News::Detected { missed_at: Some(since) }) => {
                said.push(format!("{minute} detected, missed since {}", since.seconds() / 60.0));
            }
            Some(News::Missed { missing }) => {
                let good = next.vouched_until().seconds() / 60.0;
                said.push(format!("{minute} missed {}, good until {good}", missing.len()));
            }
            None => {}
        }
        assert_eq!(next.missed_at.is_some(), !next.gaps(&canary, "orders").is_empty());
        watch = Some(next);
    }
    said
}

#[test]
fn lives_of_canaries() {
    // Found at each look, it is recorded once in the time allowed.
    assert_eq!(
        play(&[(0, "found"), (30, "found"), (59, "found"), (60, "found"), (90, "found")]),
        ["0 detected", "60 detected"]
    );
    // A complete look that does not find it is a miss at once, and one miss is one record. What counts as good
    // is what is on record.
    assert_eq!(
        play(&[(0, "found"), (30, "found"), (31, "absent"), (32, "absent"), (33, "found")]),
        ["0 detected", "31 missed 1, good until 0", "33 detected, missed since 31"]
    );
    // Never planted.
    assert_eq!(
        play(&[(5, "absent"), (6, "absent"), (7, "found")]),
        ["5 missed 1, good until 5", "7 detected, missed since 5"]
    );
    // Blind looks are no miss until the time is over. It runs from the last look that found it.
    assert_eq!(
        play(&[
            (0, "found"),
            (30, "found"),
            (31, "blind"),
            (90, "blind"),
            (91, "blind"),
            (92, "blind")
        ]),
        ["0 detected", "91 missed 0, good until 0"]
    );
    assert_eq!(play(&[(0, "blind"), (60, "blind"), (61, "blind")]), ["61 missed 0, good until 0"]);
    // Neither a blind look nor a clock set back ends a miss, and a clock set back does not put one off.
    assert_eq!(
        play(&[(500, "found"), (510, "absent"), (20, "blind"), (21, "found")]),
        ["500 detected", "510 missed 1, good until 500", "21 detected, missed since 20"]
    );
    assert_eq!(
        play(&[(500, "found"), (20, "blind"), (80, "blind"), (81, "blind")]),
        ["500 detected", "81 missed 0, good until 20"]
    );
}

#[test]
fn a_whole_look_is_due_long_before_the_time_is_over() {
    let canary = canary(&[K::Privilege]);
    let watch = Watch::begun(at(0));
    assert!(watch.due(&canary, at(0)), "it was never found");
    let (found, _) = watch.step(&canary, Sighting::Detected, at(100));
    assert!(!found.due(&canary, at(107)));
    assert!(found.due(&canary, at(108)), "an eighth of an hour later");
    assert!(found.due(&canary, at(99)), "the clock was set back");
    let (missed, _) = found.step(&canary, Sighting::Missing([K::Privilege].into()), at(101));
    assert!(missed.due(&canary, at(102)), "until it is found again");
}

#[test]
fn the_gap_says_since_when_and_what_to_do() {
    let canary = canary(&[K::Privilege, K::Membership]);
    let (found, _) = Watch::begun(at(0)).step(&canary, Sighting::Detected, at(1));
    assert_eq!(found.gaps(&canary, "orders"), []);
    let (missed, _) = found.step(&canary, Sighting::Missing([K::Membership].into()), at(2));
    let gaps = missed.gaps(&canary, "orders");
    let surfaces: Vec<_> = gaps.iter().map(|gap| gap.surface.as_str()).collect();
    assert_eq!(surfaces, ["membership", "privilege"]);
    assert_eq!(
        gaps[0].reason,
        "the canary of target orders was not found since 1970-01-01T00:01:00.000000Z"
    );
    assert!(gaps[0].fix.contains("revoked_canary"), "{}", gaps[0].fix);
}

fn terms() -> Terms {
    Terms {
        kind: Kind::Full,
        reason: Reason::Terminated,
        effective_at: at(0),
        deadlines: Deadlines { login: Some(at(15)), access: Some(at(60)), credentials: None },
        verification_delay: Duration::from_secs(60),
    }
}

fn seen(minute: i64, verdict: Verdict) -> Look {
    Look {
        started_at: at(minute),
        verdict,
        login: verdict,
        fingerprint: verdict.to_string(),
        kinds: BTreeSet::new(),
        lacking: false,
        disabled: verdict == Verdict::Revoked,
        gone_at: (verdict == Verdict::Revoked).then(|| at(minute)),
        credentials: Vec::new(),
        clusters: BTreeSet::new(),
        held: false,
        waited: true,
    }
}

/// A life through looks with these answers.
fn lived(looks: &[(i64, Verdict)]) -> (Life, Vec<Effect>) {
    live_on(Life::begin(at(0), at(0)), looks)
}

fn live_on(mut life: Life, looks: &[(i64, Verdict)]) -> (Life, Vec<Effect>) {
    let mut effects = Vec::new();
    for (minute, verdict) in looks {
        let (next, more) = lifecycle::step(&terms(), &life, &seen(*minute, *verdict));
        life = next;
        effects.extend(more);
    }
    (life, effects)
}

use Verdict::{Inconclusive, Residual as Found, Revoked};

#[test]
fn only_what_was_proved_since_is_taken_back() {
    let (verified, _) = lived(&[(5, Found), (10, Revoked), (11, Revoked)]);
    assert_eq!(verified.state, State::Verified);
    assert_eq!(doubted(&verified, at(11)), None, "the look that verified it found the canary");
    let half = doubted(&verified, at(10)).unwrap();
    assert_eq!((half.state, half.verified_at, half.confirm_from), (State::Open, None, None));
    assert_eq!(half.first_clean_at, Some(at(10)), "that look is vouched for");
    let all = doubted(&verified, at(9)).unwrap();
    assert_eq!((all.first_clean_at, all.disabled_at, all.gone_since), (None, None, None));
    assert_eq!(all.state, State::Open);
    assert_eq!(doubted(&all, at(9)), None, "once is enough");

    // The clock of an open one was stopped by a look that nothing vouches for.
    let (open, _) = lived(&[(5, Found), (10, Revoked)]);
    let runs = doubted(&open, at(9)).unwrap();
    assert_eq!((runs.state, runs.first_clean_at), (State::Open, None));
    assert_eq!(doubted(&open, at(10)), None);
    let (found, _) = lived(&[(5, Found)]);
    assert_eq!(doubted(&found, at(0)), None, "presence is not doubted");

    for state in [State::Scheduled, State::Excepted, State::Withdrawn] {
        let other = Life { state, ..verified.clone() };
        assert_eq!(doubted(&other, at(0)), None, "{state}");
    }
}

#[test]
fn doubt_misses_no_deadline_and_is_no_regression() {
    let (verified, _) = lived(&[(5, Found), (10, Revoked), (11, Revoked)]);
    let open = doubted(&verified, at(0)).unwrap();
    // Long after both deadlines: nobody is paged for doubt.
    let (blind, effects) = live_on(open.clone(), &[(500, Inconclusive), (501, Inconclusive)]);
    assert_eq!(effects, []);
    assert_eq!(blind.overdue(&terms()).count(), 0);
    // It was so all the time: verified by two new looks, and the clock stopped by the first of them.
    let (again, effects) = live_on(blind.clone(), &[(600, Revoked), (601, Revoked)]);
    assert_eq!((again.state, again.first_clean_at), (State::Verified, Some(at(600))));
    assert_eq!(again.verified_at, Some(at(601)));
    assert!(!effects.contains(&Effect::Regressed), "{effects:?}");
    // It was not: the deadlines are missed by the look that found access, and that is no regression either.
    let (late, effects) = live_on(blind, &[(600, Found)]);
    assert_eq!(late.state, State::Open);
    assert_eq!(late.overdue(&terms()).count(), 2);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::MilestoneFailed(_))));
    assert!(!effects.contains(&Effect::Regressed), "{effects:?}");
}

#[test]
fn a_regressed_one_stays_regressed() {
    let (back, _) = lived(&[(10, Revoked), (11, Revoked), (20, Found), (30, Revoked)]);
    assert_eq!((back.state, back.verified_at), (State::Regressed, Some(at(11))));
    let doubt = doubted(&back, at(25)).unwrap();
    assert_eq!((doubt.state, doubt.first_clean_at), (State::Regressed, None));
    assert_eq!(doubt.verified_at, Some(at(11)), "it was verified once");
}
