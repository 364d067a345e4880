use super::*;
use crate::domain::milestone::Deadlines;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) fn at(text: &str) -> UtcTime {
    format!("2026-03-{text}Z").parse().unwrap()
}

pub(super) fn week() -> Period {
    Period { from: at("02T00:00:00"), to: at("09T00:00:00") }
}

/// Records as they would be in a log, one after the other.
#[derive(Default)]
struct Book {
    records: Vec<(String, Map<String, Value>)>,
}

impl Book {
    fn say(&mut self, kind: &str, time: &str, what: Value) -> &mut Self {
        let Value::Object(mut body) = what else { panic!("{what} is no object") };
        body.insert("at".to_owned(), json!(at(time)));
        self.records.push((kind.to_owned(), body));
        self
    }

    /// Accepted and effective at once, with an hour for the login and four for all of it.
    fn open(&mut self, id: &str, time: &str) -> &mut Self {
        self.open_as(id, time, time, "terminated", "hr")
    }

    fn open_as(
        &mut self,
        id: &str,
        time: &str,
        due: &str,
        reason: &str,
        source: &str,
    ) -> &mut Self {
        let effective = at(due);
        let begin = effective.max(at(time));
        let hours = |count: u64| Some(begin.plus(std::time::Duration::from_secs(count * 3_600)));
        let deadlines = Deadlines { login: hours(1), access: hours(4), credentials: None };
        let what = json!({
            "revocation": id, "subject": format!("sub_{id}"), "kind": "full", "reason": reason,
            "triggered_by": source, "received_at": at(time), "effective_at": effective, "deadlines": deadlines,
        });
        self.say("revocation_triggered", time, what)
    }

    fn of(&mut self, id: &str, kind: &str, time: &str, more: Value) -> &mut Self {
        let mut what = more;
        what.as_object_mut().unwrap().insert("revocation".to_owned(), json!(id));
        self.say(kind, time, what)
    }

    fn clean(&mut self, id: &str, first: &str, second: &str) -> &mut Self {
        self.of(id, "access_revoked", first, json!({"as_of": at(first)}));
        let what = json!({"first_clean_at": at(first), "blind_us": 5_000_000});
        self.of(id, "verification_completed", second, what)
    }

    fn attest(&self, period: Period) -> Attestation {
        let mut replay = Replay::new(period);
        for (n, (kind, body)) in self.records.iter().enumerate() {
            replay.push(&Entry { kind, body, seq: n as u64 + 10, stood: None });
        }
        attest(replay, setting())
    }
}

pub(super) fn setting() -> Setting {
    Setting {
        name: Some("weekly".to_owned()),
        made_at: at("09T00:01:00"),
        up_to: 1_000,
        left_out: None,
        open_blind: 0,
        of_another_log: 0,
        log: LogPart {
            begun_at: Some(at("01T00:00:00")),
            oldest: Some(0),
            whole: true,
            first: Some(3),
            last: Some(9),
            lines: 7,
            heartbeat_us: Some(60_000_000),
            ..LogPart::default()
        },
    }
}

pub(super) fn times(made: &Attestation, milestone: Milestone) -> Timeliness {
    made.timeliness.iter().find(|one| one.milestone == milestone).unwrap().clone()
}

fn counts(map: &BTreeMap<String, u64>) -> String {
    let some = map.iter().filter(|(_, count)| **count > 0);
    some.map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_became_of_each_deadline() {
    let mut book = Book::default();
    book.open("in_time", "03T08:00:00")
        .of("in_time", "account_disabled", "03T08:20:00", json!({"as_of": at("03T08:20:00")}))
        .clean("in_time", "03T09:00:00", "03T09:01:00")
        // The agent was away: nobody noted that it was missed, and nobody saw that it was in time.
        .open("unseen", "03T08:00:00")
        .clean("unseen", "03T13:00:00", "03T13:01:00")
        .open("late", "03T08:00:00")
        .of("late", "verification_failed", "03T09:00:00", json!({"milestone": "login"}))
        .clean("late", "03T10:00:00", "03T10:01:00")
        .open("overdue", "03T08:00:00")
        .of("overdue", "verification_failed", "03T09:00:00", json!({"milestone": "login"}))
        .of("overdue", "verification_inconclusive", "03T12:00:00", json!({
            "milestone": "access", "gaps": [{"target": "main", "surface": "session"}, {"target": "main", "surface": "policy"}],
        }))
        // No record says anything of it.
        .open("silent", "03T08:00:00")
        .open("withdrawn", "03T08:00:00")
        .of("withdrawn", "revocation_withdrawn", "03T08:30:00", json!({"erroneous": true}))
        .open("kept", "03T08:00:00")
        .of("kept", "exception_granted", "03T08:30:00", json!({
            "exception": "exc_1", "exception_kind": "temporary", "until": at("20T00:00:00"), "self_approved": true,
            "uncovered": {"from": at("03T08:00:00"), "to": at("03T08:30:00")}, "requested_by": "a",
        }))
        // Its deadlines lie after the end.
        .open("fresh", "08T23:30:00");
    let made = book.attest(week());
    let login = times(&made, Milestone::Login);
    assert_eq!(login.due, 7);
    assert_eq!(
        counts(&login.met),
        "excepted 1, in_time 1, late 2, not_known 1, overdue 1, withdrawn 1"
    );
    assert_eq!((login.median_us, login.worst_us), (Some(7_200_000_000), Some(18_000_000_000)));
    let access = times(&made, Milestone::Access);
    assert_eq!(
        counts(&access.met),
        "excepted 1, in_time 2, late 1, not_known 1, overdue 1, withdrawn 1"
    );
    assert_eq!(counts(&made.outcome.at_end), "excepted 1, open 3, verified 3, withdrawn 1");
    assert_eq!((made.outcome.overdue, made.outcome.erroneous), (1, 1));
    assert_eq!((made.population.opened, made.population.total()), (8, 8));
    assert_eq!(counts(&made.exceptions.granted), "temporary 1");
    assert_eq!((made.exceptions.self_approved, made.exceptions.uncovered), (1, 1));
    assert_eq!((made.exceptions.in_force, made.exceptions.over_limit), (1, 0));
    assert_eq!((made.blindness.deadlines, made.blindness.blind_us), (1, 15_000_000));
    let unseen = &made.blindness.targets["main"];
    assert_eq!((unseen.deadlines, unseen.surfaces.len()), (1, 2));
    assert_eq!(made.not_known, Vec::<String>::new());
}

#[test]
fn a_revocation_is_carried_from_period_to_period_until_it_ends() {
    let mut book = Book::default();
    book.open_as("old", "01T08:00:00", "01T08:00:00", "role_change", "hr")
        .of("old", "verification_failed", "01T12:00:00", json!({"milestone": "access"}))
        .open("done", "01T08:00:00")
        .clean("done", "01T08:10:00", "01T08:20:00")
        .open("back", "01T08:00:00")
        .clean("back", "01T08:10:00", "01T08:20:00")
        .of("back", "access_regressed", "04T08:00:00", json!({}))
        .of("back", "use_after_effective", "04T08:01:00", json!({}))
        .clean("back", "04T09:00:00", "04T09:01:00")
        .open("doubted", "01T08:00:00")
        .clean("doubted", "01T08:10:00", "01T08:20:00")
        .of(
            "doubted",
            "canary_missed",
            "05T08:00:00",
            json!({"target": "main", "state_before": "verified"}),
        )
        .say("canary_missed", "05T08:00:00", json!({"target": "main"}))
        .open_as("planned", "03T08:00:00", "20T08:00:00", "contract_expired", "vendors")
        .clean("old", "06T08:00:00", "06T08:01:00")
        // In the next week.
        .of("doubted", "revocation_withdrawn", "10T08:00:00", json!({"erroneous": false}));
    let made = book.attest(week());
    let all = &made.population;
    assert_eq!((all.opened, all.carried, all.came_back, all.total()), (1, 1, 2, 4));
    assert_eq!(counts(&made.outcome.at_end), "open 1, scheduled 1, verified 2");
    assert_eq!((made.outcome.verified, made.outcome.verified_in_all), (2, 3));
    assert_eq!(counts(&all.by_reason), "contract_expired 1");
    assert_eq!((all.by_source["vendors"].revocations, all.by_source["vendors"].told_late), (1, 0));
    let found = &made.relapses;
    assert_eq!((found.regressions, found.verified_again, found.uses, found.doubted), (1, 1, 1, 1));
    // What was in time in the week before is not late for what came back.
    let access = times(&made, Milestone::Access);
    assert_eq!((access.due, access.overdue_before, access.settled), (0, 1, 1));
    assert!(made.blindness.targets["main"].canary_missing);
    let ids: Vec<_> = made.revocations.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["old", "back", "doubted", "planned"]);
    let before = book.attest(Period { from: at("01T00:00:00"), to: at("02T00:00:00") });
    assert_eq!(before.outcome.overdue, 1);
    assert_eq!(counts(&before.outcome.at_end), "open 1, verified 3");
    let after = book.attest(Period { from: at("09T00:00:00"), to: at("16T00:00:00") });
    assert_eq!(counts(&after.outcome.at_end), "scheduled 1, withdrawn 1");
    assert_eq!((after.population.opened, after.population.carried), (0, 2));
}

#[test]
fn exceptions_end_and_deadlines_count_anew() {
    let mut book = Book::default();
    let later = Deadlines {
        login: Some(at("06T09:00:00")),
        access: Some(at("06T12:00:00")),
        credentials: None,
    };
    book.open("kept", "03T08:00:00")
        .of("kept", "exception_requested", "03T08:10:00", json!({"exception": "exc_1", "asks": "grant"}))
        .of("kept", "exception_granted", "03T08:30:00", json!({
            "exception": "exc_1", "exception_kind": "break_glass", "until": at("06T08:00:00"),
        }))
        .of("kept", "exception_expired", "06T08:00:00", json!({
            "exception": "exc_1", "exception_kind": "break_glass", "ending": "expired", "granted": true,
            "ended_at": at("06T08:00:00"), "review_at": at("07T08:00:00"), "state": "open", "deadlines": later,
        }))
        .clean("kept", "06T08:30:00", "06T08:31:00")
        .of("held", "exception_granted", "03T08:30:00", json!({
            "exception": "exc_2", "exception_kind": "legal_hold", "until": null, "review_at": at("04T00:00:00"),
        }));
    let made = book.attest(week());
    let login = times(&made, Milestone::Login);
    assert_eq!(
        (counts(&login.met), login.median_us),
        ("in_time 1".to_owned(), Some(1_800_000_000))
    );
    let all = &made.exceptions;
    assert_eq!((all.requested, counts(&all.ended)), (1, "expired 1".to_owned()));
    assert_eq!((all.in_force, all.unreviewed), (1, 2));
    book.of(
        "kept",
        "exception_reviewed",
        "07T07:00:00",
        json!({
            "exception": "exc_1", "exception_kind": "break_glass", "review_at": at("07T08:00:00"),
        }),
    );
    let made = book.attest(week());
    assert_eq!((made.exceptions.unreviewed, made.exceptions.reviewed), (1, 1));
}

#[test]
fn what_is_not_known_is_said() {
    let replay = || Replay::new(week());
    let with = |change: &dyn Fn(&mut Setting)| {
        let mut setting = setting();
        change(&mut setting);
        attest(replay(), setting).not_known.join("\n")
    };
    assert_eq!(with(&|_| {}), "");
    for (change, says) in [
        (
            &(|of: &mut Setting| of.log.begun_at = Some(at("04T00:00:00")))
                as &dyn Fn(&mut Setting),
            "The log begins at 2026-03-04T00:00:00.000000Z",
        ),
        (&|of| of.log.whole = false, "Files of the log before line 0 are not here"),
        (&|of| of.of_another_log = 3, "3 revocations were accepted in a log that was given up"),
        (&|of| of.log.heartbeat_us = Some(0), "promises no sign of life"),
        (&|of| of.log.clock_changes = 1, "The clock was set"),
        (&|of| of.log.first = None, "has no line of the period"),
        (&|of| of.log.silent.total_us = 301_000_000, "For 301 s of the period the agent was away"),
    ] {
        let said = with(change);
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn the_log_is_counted_with_its_silences() {
    let mut tally = LinesTally::new(week(), 0);
    let none = Map::new();
    let start = json!({"heartbeat_us": "60000000"});
    let loss = json!({"cause": "disk_full", "unrecorded": 3});
    let key = json!({"key": "orders+1+a"});
    for (seq, kind, time, what) in [
        (3, "stop", "01T20:00:00", None),
        // Away over the begin of the period: two hours of it count.
        (4, "start", "02T02:00:00", Some(&start)),
        (5, "heartbeat", "02T02:01:00", None),
        // Five minutes without a line.
        (6, "heartbeat", "02T02:06:00", None),
        (8, "loss", "02T02:07:00", Some(&loss)),
        (9, "key", "02T02:08:00", Some(&key)),
        (11, "clock", "02T02:09:00", None),
        (12, "stop", "02T02:10:00", None),
        (14, "start", "09T06:00:00", Some(&start)),
    ] {
        let what = what.map_or(&none, |what| what.as_object().unwrap());
        tally.push(&LineFacts { seq, kind, at: at(time), what });
    }
    let part = tally.finish();
    assert_eq!((part.first, part.last, part.lines), (Some(4), Some(12), 9));
    assert_eq!((part.starts, part.stops, part.losses, part.unrecorded), (1, 1, 1, 3));
    assert_eq!((part.clock_changes, part.keys.len()), (1, 1));
    assert_eq!(part.silent, Silence { times: 1, total_us: 300_000_000, longest_us: 300_000_000 });
    let away = at("09T00:00:00").since(at("02T02:10:00")).as_micros();
    let away = u64::try_from(away).unwrap();
    assert_eq!(part.absent, Silence { times: 2, total_us: away + 7_200_000_000, longest_us: away });
}

/// A record of one of a few revocations at a random time.
fn anything() -> impl Strategy<Value = (u8, u8, u32)> {
    (0_u8..5, 0_u8..14, 0_u32..20 * 86_400)
}

fn book_of(mut events: Vec<(u8, u8, u32)>) -> Book {
    events.sort_by_key(|(_, _, second)| *second);
    let mut book = Book::default();
    for (who, what, second) in events {
        let time =
            at("01T00:00:00").plus(std::time::Duration::from_secs(second.into())).to_string();
        let time = &time[8..19];
        let id = format!("rev_{who}");
        let id = id.as_str();
        let milestone = if second % 2 == 0 { "login" } else { "access" };
        match what {
            0..=2 => book.open(id, time),
            3 => book.of(id, "account_disabled", time, json!({})),
            4 => book.of(id, "access_revoked", time, json!({})),
            5 | 6 => book.clean(id, time, time),
            7 => book.of(id, "verification_failed", time, json!({"milestone": milestone})),
            8 => book.of(id, "verification_inconclusive", time, json!({"milestone": milestone})),
            9 => book.of(id, "access_regressed", time, json!({})),
            10 => book.of(id, "revocation_withdrawn", time, json!({})),
            11 => book.of(id, "exception_granted", time, json!({"exception": id, "exception_kind": "temporary"})),
            12 => book.of(id, "exception_expired", time, json!({
                "exception": id, "exception_kind": "temporary", "granted": true, "state": "open", "ending": "expired",
            })),
            _ => book.of(id, "canary_missed", time, json!({"state_before": "verified"})),
        };
    }
    book
}

proptest! {
    /// Whatever happened: states add up to the population, buckets to the deadlines, and each deadline is in one period.
    #[test]
    fn the_numbers_add_up(
        events in prop::collection::vec(anything(), 0..60),
        cut in 1_u32..19,
    ) {
        let book = book_of(events);
        let day = |day: u32| at("01T00:00:00").plus(std::time::Duration::from_secs(u64::from(day) * 86_400));
        let mut due = 0;
        for period in [
            Period { from: day(0), to: day(cut) },
            Period { from: day(cut), to: day(20) },
        ] {
            let made = book.attest(period);
            let all = &made.population;
            prop_assert_eq!(made.outcome.at_end.values().sum::<u64>(), all.total());
            prop_assert_eq!(made.revocations.len() as u64, all.total());
            prop_assert_eq!(all.by_kind.values().sum::<u64>(), all.opened);
            prop_assert_eq!(all.by_reason.values().sum::<u64>(), all.opened);
            prop_assert_eq!(all.by_source.values().map(|one| one.revocations).sum::<u64>(), all.opened);
            for one in &made.timeliness {
                prop_assert_eq!(one.met.values().sum::<u64>(), one.due);
                prop_assert!(one.median_us <= one.worst_us && one.settled <= one.overdue_before);
                due += one.due;
            }
            let overdue = made.revocations.iter().filter(|one| one.overdue).count() as u64;
            prop_assert_eq!(overdue, made.outcome.overdue);
            let text = serde_json::to_string(&made).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Attestation>(&text).unwrap(), &made);
        }
        // The whole has no more deadlines than the parts.
        let whole = book.attest(Period { from: day(0), to: day(20) });
        prop_assert!(whole.timeliness.iter().map(|one| one.due).sum::<u64>() <= due);
    }
}
