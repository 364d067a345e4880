//! The scripts.

use super::*;

#[test]
fn grace_ends_by_itself_and_the_time_allowed_counts_from_there() {
    insta::assert_snapshot!(play(Reason::ContractExpired, "
        5 09:01 session
        5 09:10 ask grace 8 09:00
        5 09:11 session
        5 09:12 approve grace hr
        5 09:13 approve grace
        5 09:20 session
        5 10:30 session
        6 10:30 blind
        7 10:30 nothing
        7 10:40 session
        8 08:59 session
        8 09:00 session
        8 09:15 session
        8 09:20 nothing
        8 09:22 nothing
        8 09:30 session
    "), @r"
    5 09:01 session                          open Observed(Before)
    5 09:10 ask grace 8 09:00                open grace:requested
    5 09:11 session                          open grace:requested
    5 09:12 approve grace hr                 open grace:requested  REFUSED: hr asked for it, so somebody else has to approve: another token, or another user of this machine
    5 09:13 approve grace                    excepted grace:granted
    5 09:20 session                          excepted grace:granted
    5 10:30 session                          excepted grace:granted
    6 10:30 blind                            excepted grace:granted
    7 10:30 nothing                          excepted grace:granted
    7 10:40 session                          excepted grace:granted Observed(Changed)
    8 08:59 session                          excepted grace:granted
    8 09:00 session                          open
    8 09:15 session                          open overdue:login MilestoneFailed(Login)
    8 09:20 nothing                          open AccountDisabled AccessRevoked
    8 09:22 nothing                          verified Observed(After) Verified
    8 09:30 session                          regressed overdue:login Observed(Changed) Regressed
    ");
}

#[test]
fn what_is_too_long_or_for_another_reason_is_refused() {
    insta::assert_snapshot!(play(Reason::ContractExpired, "
        5 09:10 ask grace 12 09:00:01
        5 09:10 ask grace 5 09:05
        5 09:10 ask grace
        5 09:10 ask break_glass 6 09:10:01
        5 09:10 ask transition 5 13:00
        5 09:10 ask grace 12 09:00
        12 08:59 approve grace it
        12 09:00 tick
    "), @r"
    5 09:10 ask grace 12 09:00:01            open  REFUSED: a grace is over 7 days after the end date: at the latest 2026-03-12T09:00:00.000000Z, not 2026-03-12T09:00:01.000000Z
    5 09:10 ask grace 5 09:05                open  REFUSED: it would end at 2026-03-05T09:05:00.000000Z, which has passed
    5 09:10 ask grace                        open  REFUSED: grace needs an end: say until when, or for how long
    5 09:10 ask break_glass 6 09:10:01       open  REFUSED: a break_glass lasts 24 hours at the most: at the latest 2026-03-06T09:10:00.000000Z, not 2026-03-06T09:10:01.000000Z
    5 09:10 ask transition 5 13:00           open  REFUSED: transition is for role_change; this revocation is for contract_expired
    5 09:10 ask grace 12 09:00               open grace:requested
    12 08:59 approve grace it                 excepted grace:granted
    12 09:00 tick                             open
    ");
    insta::assert_snapshot!(play(Reason::PolicyViolation, "
        5 09:10 ask grace 6 09:00
        5 09:10 ask temporary
        5 09:10 ask break_glass
        5 09:10 ask legal_hold
    "), @r"
    5 09:10 ask grace 6 09:00                open  REFUSED: nothing keeps access after a policy_violation; a legal_hold keeps the data alone
    5 09:10 ask temporary                    open  REFUSED: nothing keeps access after a policy_violation; a legal_hold keeps the data alone
    5 09:10 ask break_glass                  open  REFUSED: nothing keeps access after a policy_violation; a legal_hold keeps the data alone
    5 09:10 ask legal_hold                   open legal_hold:requested
    ");
    insta::assert_snapshot!(play(Reason::RoleChange, "
        5 09:10 ask transition 5 13:00:01
        5 09:10 ask transition
    "), @r"
    5 09:10 ask transition 5 13:00:01        open  REFUSED: old and new access overlap for 4 hours at the most: at the latest 2026-03-05T13:00:00.000000Z, not 2026-03-05T13:00:01.000000Z
    5 09:10 ask transition                   open transition:requested
    ");
}

#[test]
fn an_extension_in_time_and_one_that_came_late() {
    insta::assert_snapshot!(play_from(Reason::ContractExpired, at("1", "09:00"), "
        2 09:00 session
        3 09:00 ask extension 20 09:00
        3 09:10 approve extension
        5 10:00 session
        6 10:00 notice contract_expired
        20 09:00 session
    ").0, @r"
    2 09:00 session                          scheduled Observed(Before)
    3 09:00 ask extension 20 09:00           scheduled extension:requested
    3 09:10 approve extension                excepted extension:granted
    5 10:00 session                          excepted extension:granted
    6 10:00 notice contract_expired          excepted extension:granted  it holds
    20 09:00 session                          open
    ");
    let (_, late) = play_from(
        Reason::ContractExpired,
        at("1", "09:00"),
        "
        5 09:30 session
        6 09:00 ask extension 20 09:00
        6 09:10 approve extension
    ",
    );
    let uncovered = late.life.exceptions[0].uncovered.unwrap();
    assert_eq!((uncovered.from, uncovered.to), (at("5", "09:00"), at("6", "09:10")));
}

#[test]
fn taking_it_back_needs_nobody_else() {
    insta::assert_snapshot!(play(Reason::Terminated, "
        5 09:01 session
        5 09:10 ask temporary 9 09:00
        5 09:11 approve temporary
        6 09:00 revoke temporary
        6 09:10 session
        6 09:16 session
        6 09:17 revoke temporary
    "), @r"
    5 09:01 session                          open Observed(Before)
    5 09:10 ask temporary 9 09:00            open temporary:requested
    5 09:11 approve temporary                excepted temporary:granted
    6 09:00 revoke temporary                 open
    6 09:10 session                          open
    6 09:16 session                          open overdue:login MilestoneFailed(Login)
    6 09:17 revoke temporary                 open overdue:login  REFUSED: it is over
    ");
    insta::assert_snapshot!(play_from(Reason::ContractExpired, at("1", "09:00"), "
        2 09:00 ask extension 20 09:00
        2 09:01 approve extension
        3 09:00 revoke extension
        4 09:00 session
        5 09:00 session
        5 09:16 session
    ").0, @r"
    2 09:00 ask extension 20 09:00           scheduled extension:requested
    2 09:01 approve extension                excepted extension:granted
    3 09:00 revoke extension                 scheduled
    4 09:00 session                          scheduled Observed(Before)
    5 09:00 session                          open
    5 09:16 session                          open overdue:login MilestoneFailed(Login)
    ");
}

#[test]
fn nothing_is_verified_while_data_are_held() {
    insta::assert_snapshot!(play(Reason::Terminated, "
        5 09:01 session
        5 09:02 ask legal_hold
        5 09:03 owned
        5 09:04 approve legal_hold
        5 09:05 owned
        5 09:10 owned
        5 11:00 owned
        6 11:00 session
        6 11:10 owned
        6 11:20 revoke legal_hold
        6 11:21 owned
        6 11:30 approve legal_hold ops
        6 11:30 approve legal_hold it
        6 11:31 owned
        6 12:30 owned
        6 12:40 nothing
        6 12:42 nothing
    "), @r"
    5 09:01 session                          open Observed(Before)
    5 09:02 ask legal_hold                   open legal_hold:requested
    5 09:03 owned                            open legal_hold:requested Observed(Changed) AccountDisabled
    5 09:04 approve legal_hold               open legal_hold:granted
    5 09:05 owned                            open legal_hold:granted AccessRevoked
    5 09:10 owned                            open legal_hold:granted
    5 11:00 owned                            open legal_hold:granted
    6 11:00 session                          open legal_hold:granted overdue:login+access Observed(Changed) MilestoneFailed(Login) MilestoneFailed(Access)
    6 11:10 owned                            open legal_hold:granted AccessRevoked
    6 11:20 revoke legal_hold                open legal_hold:granted
    6 11:21 owned                            open legal_hold:granted
    6 11:30 approve legal_hold ops           open legal_hold:granted  REFUSED: ops asked for it, so somebody else has to approve: another token, or another user of this machine
    6 11:30 approve legal_hold it            open
    6 11:31 owned                            open
    6 12:30 owned                            open overdue:access MilestoneFailed(Access)
    6 12:40 nothing                          open AccessRevoked
    6 12:42 nothing                          verified Observed(After) Verified
    ");
}

#[test]
fn a_hold_on_what_was_verified_takes_that_back() {
    insta::assert_snapshot!(play(Reason::Terminated, "
        5 09:01 nothing
        5 09:03 nothing
        6 09:00 ask legal_hold
        6 09:01 approve legal_hold
        6 09:05 nothing
        6 09:10 session
        6 09:20 nothing
        6 09:30 nothing
    "), @r"
    5 09:01 nothing                          open Observed(Before) AccountDisabled AccessRevoked
    5 09:03 nothing                          verified Observed(After) Verified
    6 09:00 ask legal_hold                   verified legal_hold:requested
    6 09:01 approve legal_hold               open legal_hold:granted
    6 09:05 nothing                          open legal_hold:granted
    6 09:10 session                          open legal_hold:granted overdue:login+access Observed(Changed) MilestoneFailed(Login) MilestoneFailed(Access)
    6 09:20 nothing                          open legal_hold:granted AccessRevoked
    6 09:30 nothing                          open legal_hold:granted
    ");
}

#[test]
fn a_glass_that_is_broken_is_looked_at_afterwards() {
    insta::assert_snapshot!(play(Reason::Other, "
        5 09:01 nothing
        5 09:03 nothing
        6 09:00 ask break_glass 6 13:00
        6 09:01 approve break_glass
        6 09:05 session
        6 13:00 session
        6 13:10 ask break_glass 6 14:00
        6 13:11 approve break_glass it
        6 13:12 approve break_glass boss
        6 13:30 review break_glass
        6 14:00 session
        6 14:01 review break_glass
        6 14:02 review break_glass
    "), @r"
    5 09:01 nothing                          open Observed(Before) AccountDisabled AccessRevoked
    5 09:03 nothing                          verified Observed(After) Verified
    6 09:00 ask break_glass 6 13:00          verified break_glass:requested
    6 09:01 approve break_glass              excepted break_glass:granted
    6 09:05 session                          excepted break_glass:granted Observed(Changed)
    6 13:00 session                          open overdue:login+access MilestoneFailed(Login) MilestoneFailed(Access)
    6 13:10 ask break_glass 6 14:00          open break_glass:requested overdue:login+access
    6 13:11 approve break_glass it           open break_glass:requested overdue:login+access  REFUSED: it approved the break_glass before this one, which ended less than 24 h ago: another person has to approve this one
    6 13:12 approve break_glass boss         excepted break_glass:granted
    6 13:30 review break_glass               excepted break_glass:granted  REFUSED: break_glass has no review: a break_glass that is over and a legal_hold in force have
    6 14:00 session                          open overdue:login+access MilestoneFailed(Login) MilestoneFailed(Access)
    6 14:01 review break_glass               open overdue:login+access
    6 14:02 review break_glass               open overdue:login+access  REFUSED: break_glass has no review: a break_glass that is over and a legal_hold in force have
    ");
}

#[test]
fn a_transition_moves_the_deadline_and_nothing_else() {
    insta::assert_snapshot!(play(Reason::RoleChange, "
        5 09:01 grant
        5 09:02 ask transition
        5 09:03 approve transition
        5 10:30 grant
        5 12:59 grant
        5 13:00 grant
        5 13:10 nothing
        5 13:12 nothing
    "), @r"
    5 09:01 grant                            open Observed(Before)
    5 09:02 ask transition                   open transition:requested
    5 09:03 approve transition               open transition:granted
    5 10:30 grant                            open transition:granted
    5 12:59 grant                            open transition:granted
    5 13:00 grant                            open overdue:access MilestoneFailed(Access)
    5 13:10 nothing                          open AccessRevoked
    5 13:12 nothing                          verified Observed(After) Verified
    ");
    insta::assert_snapshot!(play(Reason::RoleChange, "
        5 09:02 ask transition
        5 09:03 approve transition
        5 09:10 nothing
        5 09:20 nothing
        5 13:00 nothing
    "), @r"
    5 09:02 ask transition                   open transition:requested
    5 09:03 approve transition               open transition:granted
    5 09:10 nothing                          open transition:granted Observed(Before) AccessRevoked
    5 09:20 nothing                          open transition:granted
    5 13:00 nothing                          verified Observed(After) Verified
    ");
}

#[test]
fn a_stricter_notice_overtakes_and_the_same_again_does_not() {
    insta::assert_snapshot!(play(Reason::ContractExpired, "
        5 09:10 ask grace 9 09:00
        5 09:11 approve grace
        6 09:00 notice contract_expired
        6 09:01 session
        6 10:00 notice policy_violation
        6 10:10 session
        6 10:15 session
    "), @r"
    5 09:10 ask grace 9 09:00                open grace:requested
    5 09:11 approve grace                    excepted grace:granted
    6 09:00 notice contract_expired          excepted grace:granted  it holds
    6 09:01 session                          excepted grace:granted Observed(Before)
    6 10:00 notice policy_violation          open
    6 10:10 session                          open
    6 10:15 session                          open overdue:login MilestoneFailed(Login)
    ");
    insta::assert_snapshot!(play(Reason::ContractExpired, "
        5 09:10 ask grace 9 09:00
        6 10:00 notice terminated
        6 10:01 approve grace
    "), @r"
    5 09:10 ask grace 9 09:00                open grace:requested
    6 10:00 notice terminated                open
    6 10:01 approve grace                    open  REFUSED: nothing waits for approval here
    ");
    insta::assert_snapshot!(play(Reason::ContractExpired, "
        5 09:10 ask grace 9 09:00
        5 09:11 approve grace
        6 09:00 notice terminated 7 09:00
        6 09:10 session
        7 09:00 session
        7 09:15 session
    "), @r"
    5 09:10 ask grace 9 09:00                open grace:requested
    5 09:11 approve grace                    excepted grace:granted
    6 09:00 notice terminated 7 09:00        excepted grace:granted
    6 09:10 session                          excepted grace:granted Observed(Before)
    7 09:00 session                          open
    7 09:15 session                          open overdue:login MilestoneFailed(Login)
    ");
    insta::assert_snapshot!(play(Reason::Terminated, "
        5 09:10 ask legal_hold
        5 09:11 approve legal_hold
        6 10:00 notice policy_violation
    "), @r"
    5 09:10 ask legal_hold                   open legal_hold:requested
    5 09:11 approve legal_hold               open legal_hold:granted
    6 10:00 notice policy_violation          open legal_hold:granted  it holds
    ");
}

#[test]
fn a_request_that_nobody_approves_is_void() {
    insta::assert_snapshot!(play(Reason::Terminated, "
        5 09:10 ask temporary 25 09:00
        12 09:10 tick
        12 09:11 approve temporary
        13 09:00 ask temporary 13 10:00
        13 10:00 approve temporary
    "), @r"
    5 09:10 ask temporary 25 09:00           open temporary:requested
    12 09:10 tick                             open
    12 09:11 approve temporary                open  REFUSED: nothing waits for approval here
    13 09:00 ask temporary 13 10:00           open temporary:requested
    13 10:00 approve temporary                open  REFUSED: nothing waits for approval here
    ");
}

#[test]
fn what_is_taken_back_is_over_where_nothing_else_put_the_end_off() {
    let script = |verb: &str| {
        let script = format!(
            "
        2 09:00 {verb} temporary 5 09:00
        2 09:05 approve temporary
        2 10:00 session
        3 12:00 revoke temporary
        3 12:05 session
        3 12:16 session
        3 12:20 nothing
        3 12:22 nothing
    "
        );
        play_from(Reason::Other, at("2", "09:00"), &script)
    };
    let (opened, world) = script("open");
    assert_eq!(world.revocation.effective_at, at("3", "12:00"));
    insta::assert_snapshot!(opened, @r"
    2 09:00 open temporary 5 09:00           scheduled temporary:requested
    2 09:05 approve temporary                excepted temporary:granted
    2 10:00 session                          excepted temporary:granted Observed(Before)
    3 12:00 revoke temporary                 open
    3 12:05 session                          open
    3 12:16 session                          open overdue:login MilestoneFailed(Login)
    3 12:20 nothing                          open AccountDisabled AccessRevoked
    3 12:22 nothing                          verified Observed(After) Verified
    ");
    // Here the person may work until the 5th.
    insta::assert_snapshot!(script("ask").0, @r"
    2 09:00 ask temporary 5 09:00            scheduled temporary:requested
    2 09:05 approve temporary                excepted temporary:granted
    2 10:00 session                          excepted temporary:granted Observed(Before)
    3 12:00 revoke temporary                 scheduled
    3 12:05 session                          scheduled
    3 12:16 session                          scheduled
    3 12:20 nothing                          scheduled
    3 12:22 nothing                          scheduled
    ");
}
