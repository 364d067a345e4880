//! Whole lives as scripts: one line a look, and beside it what it did. Review the text.

use super::*;
use crate::domain::milestone::Deadlines;
use crate::domain::revocation::{Kind, Reason};
use std::time::Duration;

/// Plays `script` for a leaver effective at 09:00 with 15 minutes for login and an hour for access.
///
/// A line is `HH:MM seen`, where seen is one of `session` (login, session and grants there), `grant`
/// (a grant only), `other` (another grant only), `nothing`, `moved` (nothing, on another cluster), `held`
/// (nothing but what is under a legal hold), `blind`.
fn play(script: &str) -> String {
    play_as(Kind::Full, "09:00", script)
}

fn play_as(kind: Kind, received: &str, script: &str) -> String {
    let effective_at = at("09:00");
    let received_at = at(received);
    let start = effective_at.max(received_at);
    let terms = Terms {
        kind,
        reason: Reason::Terminated,
        effective_at,
        deadlines: Deadlines {
            login: Some(start.plus(Duration::from_secs(900))),
            access: Some(start.plus(Duration::from_secs(3600))),
            credentials: None,
        },
        verification_delay: Duration::from_secs(60),
    };
    let mut life = Life::begin(effective_at, received_at);
    let mut out = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (time, seen) = line.split_once(' ').unwrap();
        let (verdict, login) = match seen {
            "session" => (Verdict::Residual, Verdict::Residual),
            "grant" | "other" => (Verdict::Residual, Verdict::Revoked),
            "nothing" | "moved" | "hasty" | "held" => (Verdict::Revoked, Verdict::Revoked),
            "blind" => (Verdict::Inconclusive, Verdict::Inconclusive),
            _ => unreachable!("{seen}"),
        };
        let look = Look {
            started_at: at(time),
            verdict,
            login,
            fingerprint: seen.to_owned(),
            kinds: std::collections::BTreeSet::new(),
            lacking: false,
            disabled: login == Verdict::Revoked,
            gone_at: None,
            credentials: Vec::new(),
            clusters: [SystemIdentifier(if seen == "moved" { 8 } else { 7 })].into(),
            held: seen == "held",
            waited: seen != "hasty",
        };
        let (next, effects) = step(&terms, &life, &look);
        life = next;
        let overdue: Vec<_> = life.overdue(&terms).map(Milestone::as_str).collect();
        let overdue = if overdue.is_empty() {
            String::new()
        } else {
            format!(" overdue:{}", overdue.join("+"))
        };
        let effects: Vec<_> = effects.iter().map(|effect| format!("{effect:?}")).collect();
        out.push_str(
            &format!("{time} {seen:<8}{:<10}{} {}\n", life.state, overdue, effects.join(" "))
                .replace("  \n", "\n"),
        );
    }
    out
}

fn at(time: &str) -> UtcTime {
    let time = if time.len() == 5 { format!("{time}:00") } else { time.to_owned() };
    format!("2026-03-05T{time}Z").parse().unwrap()
}

#[test]
fn gone_in_time() {
    insta::assert_snapshot!(play("
        09:00 session
        09:05 grant
        09:10 nothing
        09:10:30 nothing
        09:11 nothing
        09:30 nothing
    "), @r"
    09:00 session open       Observed(Before)
    09:05 grant   open       Observed(Changed) AccountDisabled
    09:10 nothing open       AccessRevoked
    09:10:30 nothing open     
    09:11 nothing verified   Observed(After) Verified
    09:30 nothing verified
    ");
}

/// The wall clock was set forward: by another clock too little time has passed.
#[test]
fn a_clock_set_forward_confirms_nothing() {
    insta::assert_snapshot!(play("
        09:10 nothing
        09:30 hasty
        09:31 nothing
    "), @r"
    09:10 nothing open       Observed(Before) AccountDisabled AccessRevoked
    09:30 hasty   open     
    09:31 nothing verified   Observed(After) Verified
    ");
}

/// What is under a legal hold is there, whoever it was that put it on hold.
#[test]
fn what_was_seen_under_a_hold_confirms_nothing() {
    insta::assert_snapshot!(play("
        09:10 held
        09:12 held
        09:13 nothing
        09:14 nothing
    "), @r"
    09:10 held    open       Observed(Before) AccountDisabled AccessRevoked
    09:12 held    open     
    09:13 nothing open     
    09:14 nothing verified   Observed(After) Verified
    ");
}

#[test]
fn late_then_gone_then_back() {
    insta::assert_snapshot!(play("
        09:01 session
        09:15 session
        09:20 grant
        10:00 grant
        10:05 nothing
        10:07 nothing
        10:10 session
        10:20 nothing
        10:22 nothing
    "), @r"
    09:01 session open       Observed(Before)
    09:15 session open       overdue:login MilestoneFailed(Login)
    09:20 grant   open       Observed(Changed) AccountDisabled
    10:00 grant   open       overdue:access MilestoneFailed(Access)
    10:05 nothing open       AccessRevoked
    10:07 nothing verified   Observed(After) Verified
    10:10 session regressed  overdue:login+access Observed(Changed) Regressed
    10:20 nothing regressed  AccessRevoked
    10:22 nothing verified   Observed(After) Verified
    ");
}

#[test]
fn blindness_is_never_green_and_restarts_confirmation() {
    insta::assert_snapshot!(play("
        09:01 nothing
        09:02 blind
        09:03 nothing
        09:03:30 nothing
        09:04 nothing
        09:05 blind
        09:06 nothing
    "), @r"
    09:01 nothing open       Observed(Before) AccountDisabled AccessRevoked
    09:02 blind   open     
    09:03 nothing open     
    09:03:30 nothing open     
    09:04 nothing verified   Observed(After) Verified
    09:05 blind   verified 
    09:06 nothing verified
    ");
}

#[test]
fn blind_over_both_deadlines() {
    insta::assert_snapshot!(play("
        09:01 blind
        09:15 blind
        10:00 blind
        10:01 grant
        10:02 nothing
        10:04 nothing
    "), @r"
    09:01 blind   open     
    09:15 blind   open       overdue:login MilestoneInconclusive(Login)
    10:00 blind   open       overdue:login+access MilestoneInconclusive(Access)
    10:01 grant   open       overdue:access Observed(Before) AccountDisabled
    10:02 nothing open       AccessRevoked
    10:04 nothing verified   Observed(After) Verified
    ");
}

#[test]
fn residual_between_two_clean_looks_starts_again() {
    insta::assert_snapshot!(play("
        09:01 nothing
        09:01:30 other
        09:02:30 nothing
        09:03:30 nothing
    "), @r"
    09:01 nothing open       Observed(Before) AccountDisabled AccessRevoked
    09:01:30 other   open       Observed(Changed)
    09:02:30 nothing open       AccessRevoked
    09:03:30 nothing verified   Observed(After) Verified
    ");
}

#[test]
fn scheduled_waits_for_its_effect() {
    insta::assert_snapshot!(play_as(Kind::Full, "08:00", "
        08:00 session
        08:30 nothing
        09:00 nothing
        09:01 nothing
    "), @r"
    08:00 session scheduled  Observed(Before)
    08:30 nothing scheduled
    09:00 nothing open       AccountDisabled AccessRevoked
    09:01 nothing verified   Observed(After) Verified
    ");
}

#[test]
fn a_first_clean_look_after_the_deadline_is_not_a_miss_without_proof_of_lateness() {
    insta::assert_snapshot!(play("
        09:14 session
        09:16 nothing
        09:18 nothing
    "), @r"
    09:14 session open       Observed(Before)
    09:16 nothing open       AccountDisabled AccessRevoked
    09:18 nothing verified   Observed(After) Verified
    ");
}

#[test]
fn an_older_look_moves_nothing() {
    insta::assert_snapshot!(play("
        09:10 nothing
        09:05 session
        09:11 nothing
    "), @r"
    09:10 nothing open       Observed(Before) AccountDisabled AccessRevoked
    09:05 session open     
    09:11 nothing verified   Observed(After) Verified
    ");
}

#[test]
fn partial_has_no_login_milestone() {
    insta::assert_snapshot!(play_as(Kind::Partial, "09:00", "
        09:01 session
        09:20 session
        10:00 session
    "), @r"
    09:01 session open       Observed(Before)
    09:20 session open     
    10:00 session open       overdue:access MilestoneFailed(Access)
    ");
}

#[test]
fn another_cluster_confirms_nothing() {
    insta::assert_snapshot!(play("
        09:01 nothing
        09:03 moved
        09:05 nothing
        09:05:30 nothing
        09:07 nothing
    "), @r"
    09:01 nothing open       Observed(Before) AccountDisabled AccessRevoked
    09:03 moved   open     
    09:05 nothing open     
    09:05:30 nothing open     
    09:07 nothing verified   Observed(After) Verified
    ");
}
