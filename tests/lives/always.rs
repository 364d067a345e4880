//! What holds whatever is said, asked, approved and seen, in whatever order.

use super::world::{World, at};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use revoked::domain::milestone::Milestone;
use revoked::domain::revocation::{Kind, State};
use revoked::domain::time::UtcTime;
use revoked::domain::verdict::Verdict;
use revoked::store::Stored;
use std::collections::BTreeSet;
use std::time::Duration;

/// What a look finds, misses or is.
const SEEN: &[&str] = &[
    "login",
    "session",
    "grant",
    "owner",
    "app_w",
    "superuser",
    "?privilege",
    "?session",
    "?membership",
    "?login",
    "down",
    "missed",
    "moved",
    "absent",
    "new",
    "as=other",
];

const REASONS: &[&str] =
    &["terminated", "contract_expired", "role_change", "policy_violation", "inactive", "other"];

/// OIDs of the first role and of the one that has its name later.
const OLD: u32 = 16_401;
const NEW: u32 = 17_401;

fn minute(minute: u64) -> UtcTime {
    at("5", "09:00").plus(Duration::from_secs(minute * 60))
}

/// A notice about one subject.
fn notice() -> impl Strategy<Value = String> {
    let kind = prop::sample::select(vec!["full", "full", "suspend", "partial"]);
    let when = prop::sample::select(vec![
        None,
        None,
        Some("2026-03-05"),
        Some("2026-03-05T12:00:00Z"),
        Some("2026-03-06T09:00:00Z"),
    ]);
    let deadline = prop::sample::select(vec![None, None, Some("10m"), Some("3h")]);
    let account = prop::sample::subsequence(vec!["a", "b"], 1..=2);
    (kind, prop::sample::select(REASONS), when, deadline, account, any::<bool>()).prop_map(
        |(kind, reason, when, deadline, account, emergency)| {
            let mut notice = serde_json::json!({
                "username": "a", "account": account, "reason": reason, "revocation_type": kind,
                "emergency": emergency,
            });
            if kind == "partial" {
                notice["roles"] = "app_w".into();
            }
            for (field, value) in [("effective_at", when), ("deadline", deadline)] {
                if let Some(value) = value {
                    notice[field] = value.into();
                }
            }
            format!("notice {notice}")
        },
    )
}

fn events() -> impl Strategy<Value = Vec<(u64, String)>> {
    let some =
        prop::sample::subsequence(SEEN, 1..=3).prop_map(|seen| format!("look {}", seen.join(" ")));
    let kinds = ["grace", "extension", "temporary", "break_glass", "legal_hold", "transition"];
    let of = move |verb: &'static str| {
        prop::sample::select(kinds.to_vec()).prop_map(move |kind| format!("{verb} {kind}"))
    };
    let others = prop::sample::select(vec![
        "withdraw",
        "postpone 07 09:00",
        "approve request",
        "approve request hr",
        "tick",
    ]);
    let event = prop_oneof![
        8 => Just("look nothing".to_owned()),
        6 => some,
        2 => notice(),
        2 => of("ask"),
        2 => of("approve"),
        1 => of("revoke"),
        2 => others.prop_map(str::to_owned),
    ];
    let pause = prop_oneof![1_u64..5, 20_u64..300, 1_440_u64..6_000];
    (notice(), prop::collection::vec((pause, event), 1..50)).prop_map(|(first, mut rest)| {
        rest.insert(0, (0, first));
        rest
    })
}

/// Whether the words find something of a revocation's own accounts that must go.
fn remains(words: &[&str], known: &Stored) -> bool {
    let cluster = if words.contains(&"moved") { 8 } else { 7 };
    let oid = if words.contains(&"new") { NEW } else { OLD };
    let theirs = known
        .accounts
        .iter()
        .any(|account| account.oid.0 == oid && account.system_identifier.0 == cluster);
    let of = |bad: &[&str]| words.iter().any(|word| bad.contains(word));
    let bad = match known.revocation.kind {
        Kind::Full => of(&["login", "session", "grant", "owner", "app_w", "superuser"]),
        Kind::Suspend => of(&["login", "session"]),
        Kind::Partial => of(&["app_w", "superuser"]),
        Kind::Rotation | Kind::Transfer => false,
    };
    theirs && bad && !of(&["down"])
}

/// Whether a look of these words did not see a place that this revocation needs.
fn unseen(words: &[&str], known: &Stored) -> bool {
    let cluster = if words.contains(&"moved") { 8 } else { 7 };
    let foreign = known.accounts.iter().any(|account| account.system_identifier.0 != cluster);
    let of = |bad: &[&str]| words.iter().any(|word| bad.contains(word));
    foreign
        || of(&["down", "missed", "?login"])
        || match known.revocation.kind {
            Kind::Full => of(&["?privilege", "?session", "?membership"]),
            Kind::Suspend => of(&["?session"]),
            Kind::Partial => of(&["?membership", "?session"]),
            Kind::Rotation | Kind::Transfer => true,
        }
}

/// Most random lives would prove nothing if none of them ever came to its end.
#[test]
fn many_of_these_lives_are_verified_and_many_come_back() {
    let mut runner = TestRunner::deterministic();
    let (mut verified, mut regressed) = (0, 0);
    for _ in 0..100 {
        let mut world = World::new("");
        let (mut now, mut states) = (0, Vec::new());
        for (pause, event) in events().new_tree(&mut runner).unwrap().current() {
            now += pause;
            world.event(&event, minute(now));
            states.extend(world.stored.as_ref().map(|stored| stored.life.state));
        }
        verified += usize::from(states.contains(&State::Verified));
        regressed += usize::from(states.contains(&State::Regressed));
    }
    assert!(verified > 20 && regressed > 5, "{verified} {regressed}");
}

fn deadlines_only_move_nearer(was: &Stored, is: &Stored) -> Result<(), TestCaseError> {
    for milestone in Milestone::ALL {
        let (was, is) =
            (was.revocation.deadlines.get(*milestone), is.revocation.deadlines.get(*milestone));
        prop_assert!(was.is_none() || (is.is_some() && is <= was), "{milestone}: {was:?} {is:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_verified_that_is_there_or_was_not_looked_at(events in events()) {
        let mut world = World::new("");
        let (mut now, mut clean_since) = (0, None);
        let mut excepted = false;
        for (pause, event) in events {
            now += pause;
            let before = world.stored.clone();
            world.event(&event, minute(now));
            let stored = world.stored.clone().unwrap();
            let words: Option<Vec<&str>> =
                event.strip_prefix("look ").map(|words| words.split(' ').collect());
            if words.is_some() {
                let clean = world.judged.as_ref().unwrap().verdict == Verdict::Revoked;
                clean_since = clean.then(|| clean_since.unwrap_or(now));
            }
            let was_verified = before.as_ref().is_some_and(|b| b.life.state == State::Verified);
            let is_verified = stored.life.state == State::Verified;
            if is_verified && !was_verified {
                let words = words.clone().unwrap_or_default();
                prop_assert!(!words.is_empty(), "only a look verifies, not {event}");
                prop_assert!(!unseen(&words, &stored), "{event}: {stored:#?}");
                prop_assert!(clean_since.is_some_and(|since| now > since), "two looks, {event}");
                prop_assert!(stored.life.exceptions.iter().all(|one| !one.in_force()));
            }
            if let Some(words) = words.as_ref().filter(|_| is_verified) {
                prop_assert!(!remains(words, &stored), "{event}: {stored:#?}");
            }
            excepted |= stored.life.exceptions.iter().any(|one| one.approved_at.is_some());
            let same = before.as_ref().is_some_and(|b| b.revocation.received_at == stored.revocation.received_at);
            if let Some(before) = before.filter(|_| same && !excepted && !event.starts_with("approve")) {
                deadlines_only_move_nearer(&before, &stored)?;
                prop_assert!(stored.revocation.effective_at <= before.revocation.effective_at, "{event}");
            }
        }
    }

    /// Copies of a notice come again after hours, from another system, or in another order.
    #[test]
    fn what_was_said_may_be_said_again_in_any_order(
        notices in prop::collection::vec(notice(), 1..6),
        again in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
        order in any::<prop::sample::Index>(),
    ) {
        let same: Vec<String> = notices
            .into_iter()
            .map(|one| one.replace("\"suspend\"", "\"full\"").replace("\"partial\"", "\"full\""))
            .map(|one| one.replace(",\"roles\":\"app_w\"", ""))
            .collect();
        let mut world = World::new("");
        for notice in &same {
            world.event(notice, minute(0));
        }
        let said = world.stored.clone().unwrap();
        for (number, index) in again.iter().enumerate() {
            let told = world.event(index.get::<String>(&same), minute(30 + u64::try_from(number).unwrap()));
            prop_assert_eq!(told, "already expected");
            let stored = world.stored.clone().unwrap();
            prop_assert_eq!(&stored.revocation, &said.revocation);
            prop_assert_eq!(&stored.life, &said.life);
        }
        let mut turned = World::new("");
        let first = order.index(same.len());
        for notice in same.iter().cycle().skip(first).take(same.len()) {
            turned.event(notice, minute(0));
        }
        let other = turned.stored.unwrap().revocation;
        let names = |of: &[revoked::domain::account::AccountName]| -> BTreeSet<String> {
            of.iter().map(|name| name.role.clone()).collect()
        };
        prop_assert_eq!(other.effective_at, said.revocation.effective_at);
        prop_assert_eq!(other.deadlines, said.revocation.deadlines);
        prop_assert_eq!(names(&other.accounts), names(&said.revocation.accounts));
    }
}
