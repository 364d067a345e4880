//! When periods end.

use super::{LeftOut, Period};
use crate::domain::effective::zone;
use crate::domain::time::UtcTime;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::{Timestamp, Zoned, tz::TimeZone};

/// Missed periods that are counted at most.
const COUNTED: u64 = 10_000;

/// Words for what is usual. Each is the first instant of a calendar's period.
const WORDS: &[(&str, &str)] =
    &[("weekly", "0 0 * * MON"), ("monthly", "0 0 1 * *"), ("quarterly", "0 0 1 1,4,7,10 *")];

/// When periods end: a cron expression, and the zone that it is meant in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The expression, of five fields, or of six with seconds first.
    pub pattern: String,
    /// IANA name of the zone.
    pub zone: String,
}

/// A text that tells no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no schedule{why}; write weekly, monthly, quarterly, or a cron expression such as 0 6 * * MON (minute, \
     hour, day of month, month, day of week)"
)]
pub struct NotASchedule {
    text: String,
    why: &'static str,
}

fn cron(pattern: &str) -> Option<Cron> {
    CronParser::builder().seconds(Seconds::Optional).build().parse(pattern).ok()
}

fn local(at: UtcTime, zone_name: &str) -> Zoned {
    let instant = Timestamp::from_microsecond(at.micros()).unwrap_or(Timestamp::UNIX_EPOCH);
    // Names are checked where they are read.
    instant.to_zoned(zone(zone_name).unwrap_or(TimeZone::UTC))
}

impl Schedule {
    /// The schedule that `text` tells, in the zone of this name.
    ///
    /// # Errors
    /// Says how to write one.
    pub fn parse(text: &str, zone: &str) -> Result<Self, NotASchedule> {
        let wrong = |why| NotASchedule { text: text.to_owned(), why };
        let known = WORDS.iter().find(|(word, _)| *word == text.trim());
        let pattern = known.map_or(text.trim(), |(_, pattern)| pattern).to_owned();
        if cron(&pattern).is_none() {
            return Err(wrong(""));
        }
        let schedule = Self { pattern, zone: zone.to_owned() };
        // From a day on which nothing else can be the reason.
        let first = schedule.next(UtcTime::EPOCH).ok_or_else(|| wrong(": that day never comes"))?;
        schedule.next(first).ok_or_else(|| wrong(": it comes once"))?;
        Ok(schedule)
    }

    /// The first end of a period after `at`. A local time that the clocks skip is taken after the gap, one that comes twice
    /// the first time.
    #[must_use]
    pub fn next(&self, at: UtcTime) -> Option<UtcTime> {
        let found =
            cron(&self.pattern)?.find_next_occurrence(&local(at, &self.zone), false).ok()?;
        let found = UtcTime::from_timestamp(found.timestamp());
        // A time that comes twice is not another period.
        (found > at).then_some(found)
    }

    /// The last end of a period at `at` or before.
    #[must_use]
    pub fn previous(&self, at: UtcTime) -> Option<UtcTime> {
        let found =
            cron(&self.pattern)?.find_previous_occurrence(&local(at, &self.zone), true).ok()?;
        let found = UtcTime::from_timestamp(found.timestamp());
        (found <= at).then_some(found)
    }
}

/// The periods after `upto` that ended by `now`, oldest first: at most the newest `most`, and those that are left out for
/// that. Each begins where the one before it ended.
#[must_use]
pub fn due_periods(
    schedule: &Schedule,
    upto: UtcTime,
    now: UtcTime,
    most: usize,
) -> (Option<LeftOut>, Vec<Period>) {
    // Backwards, so that a year without the agent costs no more than a day.
    let mut ends = Vec::new();
    let mut end = schedule.previous(now);
    while let Some(at) = end.filter(|at| *at > upto && ends.len() <= most) {
        ends.push(at);
        let before = UtcTime::from_micros(at.micros() - 1);
        end = before.and_then(|before| schedule.previous(before));
    }
    let is_more = ends.len() > most;
    let begin = if is_more { ends.pop() } else { None };
    let begin = begin.unwrap_or(upto);
    let left_out =
        is_more.then(|| LeftOut { periods: between(schedule, upto, begin), from: upto, to: begin });
    let mut from = begin;
    let mut periods = Vec::with_capacity(ends.len());
    for to in ends.into_iter().rev() {
        periods.push(Period { from, to });
        from = to;
    }
    (left_out, periods)
}

/// How many periods ended after `from` and by `to`; not counted beyond ten thousand.
fn between(schedule: &Schedule, from: UtcTime, to: UtcTime) -> u64 {
    let (mut count, mut at) = (0, from);
    while let Some(next) = schedule.next(at).filter(|next| *next <= to && count < COUNTED) {
        count += 1;
        at = next;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> UtcTime {
        text.parse().unwrap()
    }

    fn of(text: &str, zone: &str) -> Schedule {
        Schedule::parse(text, zone).unwrap()
    }

    #[test]
    fn ends_of_periods_whatever_the_clocks_do() {
        for (text, zone, after, ends) in [
            (
                "weekly",
                "Europe/Berlin",
                "2026-03-20T00:00:00Z",
                // Summer time begins on the 29th.
                &["2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z", "2026-04-05T22:00:00Z"][..],
            ),
            (
                "monthly",
                "Europe/Berlin",
                "2026-09-30T22:00:00Z",
                &["2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"],
            ),
            (
                "quarterly",
                "UTC",
                "2026-01-01T00:00:00Z",
                &["2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z"],
            ),
            // The hour is skipped on the 14th of March 2027: the first instant after it.
            (
                "30 2 * * *",
                "America/New_York",
                "2027-03-13T12:00:00Z",
                &["2027-03-14T07:00:00Z", "2027-03-15T06:30:00Z"],
            ),
            // The hour comes twice on the 7th of November 2027: the first time.
            (
                "30 1 * * *",
                "America/New_York",
                "2027-11-06T12:00:00Z",
                &["2027-11-07T05:30:00Z", "2027-11-08T06:30:00Z"],
            ),
            // Midnight does not exist on the 24th of April 2026 there.
            (
                "0 0 * * *",
                "Africa/Cairo",
                "2026-04-23T12:00:00Z",
                &["2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z"],
            ),
        ] {
            let schedule = of(text, zone);
            let mut now = at(after);
            for end in ends {
                let next = schedule.next(now).unwrap();
                assert_eq!(next, at(end), "{text} {zone} after {now}");
                assert_eq!(schedule.previous(next), Some(next), "{text} {zone}");
                now = next;
            }
        }
    }

    #[test]
    fn what_was_missed_is_made_up_for_oldest_first_and_within_bounds() {
        let weekly = of("weekly", "UTC");
        let upto = at("2026-03-02T00:00:00Z");
        let none = due_periods(&weekly, upto, at("2026-03-08T23:59:59Z"), 3);
        assert_eq!(none, (None, Vec::new()));
        let period = |from: &str, to: &str| Period {
            from: at(&format!("{from}T00:00:00Z")),
            to: at(&format!("{to}T00:00:00Z")),
        };
        let two = due_periods(&weekly, upto, at("2026-03-17T00:00:00Z"), 3);
        let first = period("2026-03-02", "2026-03-09");
        assert_eq!(two, (None, vec![first, period("2026-03-09", "2026-03-16")]));
        let (left, kept) = due_periods(&weekly, upto, at("2026-04-14T00:00:00Z"), 3);
        let left = left.unwrap();
        assert_eq!((left.periods, left.from, left.to), (3, upto, at("2026-03-23T00:00:00Z")));
        assert_eq!(kept.first(), Some(&period("2026-03-23", "2026-03-30")));
        assert_eq!((kept.len(), kept.last()), (3, Some(&period("2026-04-06", "2026-04-13"))));
    }

    #[test]
    fn what_tells_no_time_is_refused() {
        for (text, says) in [
            ("", "no schedule;"),
            ("daily", "no schedule;"),
            ("0 0 30 2 *", "that day never comes"),
            ("* * *", "no schedule;"),
        ] {
            let error = Schedule::parse(text, "UTC").unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Periods follow one another without a gap and without an overlap, in every zone, whenever it is asked.
        #[test]
        fn periods_cover_all_time(
            zone in prop::sample::select(vec![
                "UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "Asia/Kathmandu",
            ]),
            text in prop::sample::select(vec![
                "weekly", "monthly", "quarterly", "30 2 * * *", "15 1 * * SUN", "0 */6 * * *", "0 0 L * *",
            ]),
            start in 1_770_000_000_i64..1_830_000_000,
            steps in prop::collection::vec(1_i64..4_000_000, 1..12),
        ) {
            let schedule = of(text, zone);
            let second = |seconds: i64| UtcTime::from_micros(seconds * 1_000_000).unwrap();
            let mut upto = schedule.previous(second(start)).unwrap();
            let mut now = start;
            for step in steps {
                now += step;
                let (left, periods) = due_periods(&schedule, upto, second(now), 5);
                prop_assert!(periods.len() <= 5);
                if let Some(left) = left {
                    prop_assert_eq!(left.from, upto);
                    prop_assert!(left.periods > 0);
                    upto = left.to;
                }
                for period in periods {
                    prop_assert_eq!(period.from, upto);
                    prop_assert!(period.from < period.to && period.to <= second(now));
                    upto = period.to;
                }
                // What ends next has not ended yet.
                let next = schedule.next(upto).unwrap();
                prop_assert!(next > second(now), "{} {} {}", upto, next, second(now));
            }
        }
    }
}
