//! Rules for single exceptions, and what must hold whatever happens.

use super::scripts::World;
use super::*;
use crate::domain::lifecycle::Life;
use crate::domain::milestone::Milestone;
use crate::domain::request::Refused;
use crate::domain::revocation::State;
use crate::domain::verdict::Verdict;
use proptest::prelude::*;

fn at(minute: i64) -> UtcTime {
    let start: UtcTime = "2026-03-05T09:00:00Z".parse().unwrap();
    start.plus(Duration::from_secs(u64::try_from(minute).unwrap() * 60))
}

/// Events of the scripts, by the minutes that pass before each.
fn events() -> impl Strategy<Value = Vec<(i64, String)>> {
    let kinds = prop::sample::select(ExceptionKind::ALL);
    let word =
        |verb: &'static str| kinds.clone().prop_map(move |kind| format!("{verb} {kind}")).boxed();
    let looks =
        prop::sample::select(vec!["session", "grant", "owned", "nothing", "nothing", "blind"]);
    let notices = prop::sample::select(vec!["contract_expired", "terminated", "policy_violation"]);
    let event = prop_oneof![
        6 => looks.prop_map(str::to_owned),
        2 => word("ask"),
        2 => word("approve"),
        1 => word("revoke"),
        1 => word("review"),
        1 => (word("approve"), prop::sample::select(vec!["hr", "boss"]))
            .prop_map(|(approve, who)| format!("{approve} {who}")),
        1 => notices.prop_map(|reason| format!("notice {reason}")),
        1 => Just("tick".to_owned()),
    ];
    let pause = prop_oneof![Just(0_i64), 1_i64..5, 20_i64..300, 1_440_i64..12_000];
    prop::collection::vec((pause, event), 1..60)
}

fn kept(life: &Life) -> bool {
    life.exceptions.iter().any(|one| one.in_force() && one.kind.keeps_access())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    /// Whatever is asked for, approved, taken back, said and seen, in whatever order.
    #[test]
    fn nothing_excepted_is_ever_verified(
        events in events(),
        reason in prop::sample::select(Reason::ALL),
        early in any::<bool>(),
    ) {
        let received = if early { "2026-03-01T09:00:00Z".parse().unwrap() } else { at(0) };
        let mut world = World::new(reason, received);
        let mut minute = 0;
        for (pause, event) in events {
            minute += pause;
            let (before, asked) = (world.life.clone(), world.revocation.clone());
            world.event(&event, at(minute));
            let life = &world.life;
            let looked = ["session", "grant", "owned", "nothing", "blind"].contains(&event.as_str());
            if life.state == State::Verified {
                prop_assert!(!life.is_excepted(), "{event}: {life:?}");
                if looked {
                    prop_assert_ne!(world.last_verdict, Some(Verdict::Residual));
                }
                if before.state != State::Verified {
                    prop_assert_eq!(event.as_str(), "nothing");
                    prop_assert!(before.confirm_from.is_some());
                }
            }
            prop_assert_eq!(life.state == State::Excepted, kept(life), "{}: {:?}", event, life);
            prop_assert!(life.state != State::Regressed || !before.is_excepted() || before.state == State::Regressed);
            if life.state == State::Excepted {
                prop_assert!(world.overdue().is_empty());
            }
            for one in &before.exceptions {
                let now = life.exceptions.iter().find(|now| now.id == one.id);
                prop_assert!(now.is_none_or(|now| now.phase >= one.phase), "{event}");
                if let (Some(until), Some(Some(now))) = (one.until, now.map(|now| now.until)) {
                    prop_assert!(now <= until, "an end never moves away");
                }
            }
            let transition = before.exceptions.iter().any(|one| one.kind == ExceptionKind::Transition);
            if !event.starts_with("notice") && !transition {
                for milestone in Milestone::ALL {
                    let (was, is) =
                        (asked.deadlines.get(*milestone), world.revocation.deadlines.get(*milestone));
                    prop_assert!(is >= was, "{event}: {was:?} {is:?}");
                }
            }
            for one in life.exceptions.iter().filter(|one| one.in_force()) {
                prop_assert_ne!(one.approved_by.as_ref(), Some(&one.requested_by));
                prop_assert!(one.in_force_at(at(minute)), "what is over is noted");
            }
            let text = serde_json::to_string(life).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Life>(&text).unwrap(), life);
            prop_assert!(life.exceptions.len() <= MOST);
        }
    }
}

#[test]
fn one_person_is_enough_only_where_that_is_said_and_not_for_one_glass_after_another() {
    let mut world = World::new(Reason::Other, at(0));
    world.rules.single = true;
    assert_eq!(world.event("ask break_glass", at(1)), "");
    assert!(world.life.exceptions[0].self_approved());
    assert_eq!(world.event("revoke break_glass", at(10)), "");
    let again = world.event("ask break_glass", at(20));
    assert!(again.contains("another person"), "{again}");
    assert_eq!(world.event("ask break_glass", at(10 + 24 * 60)), "");
}

#[test]
fn a_glass_of_another_revocation_counts() {
    let mut other = World::new(Reason::Other, at(0));
    other.event("ask break_glass", at(1));
    other.event("approve break_glass it", at(2));
    other.life.exceptions[0].id = "exc_other".into();
    let mut world = World::new(Reason::Other, at(0));
    world.event("ask break_glass", at(3));
    let id = world.life.exceptions[0].id.clone();
    let approved = |by: &str| {
        let earlier = &other.life.exceptions;
        approve(&world.revocation, &world.life, (&id, by), earlier, at(4), &world.rules)
    };
    assert_eq!(approved("it"), Err(Refused::Exception(Unfit::SameApprover("it".into()))));
    assert!(approved("boss").is_ok());
}

#[test]
fn only_so_many_are_remembered_and_none_that_is_open_is_forgotten() {
    let mut world = World::new(Reason::Other, at(0));
    for n in 0..40 {
        let n = i64::from(n) * 3;
        assert_eq!(world.event("ask temporary", at(n)), "");
        assert_eq!(world.event("revoke temporary", at(n + 1)), "");
    }
    assert_eq!(world.life.exceptions.len(), MOST);
    assert_eq!(world.event("ask legal_hold", at(200)), "");
    assert!(world.life.exceptions.iter().any(Exception::holds));
}

#[test]
fn withdrawing_ends_them_all() {
    let mut world = World::new(Reason::Terminated, at(0));
    world.event("ask temporary", at(1));
    world.event("approve temporary", at(2));
    let life = withdraw(&world.revocation, &world.life, "hr", at(3));
    let one = &life.exceptions[0];
    assert_eq!(
        (life.state, one.phase, one.ending),
        (State::Withdrawn, Phase::Over, Some(Ending::Withdrawn))
    );
}
