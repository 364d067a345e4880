//! When a sweep is due, and when nobody is to be disturbed.

use crate::domain::effective::zone;
use crate::domain::time::UtcTime;
use jiff::civil::{Date, Time, Weekday, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use std::collections::BTreeSet;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// When sweeps are due: every so many days at a time of day, or at a shorter distance counted from that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Time between two.
    pub every: Duration,
    /// Time of day.
    pub at: Time,
    /// IANA name of the zone that it is meant in.
    pub zone: String,
}

/// When nobody is to be disturbed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// From when to when each day, also over midnight; `None`: no hours are quiet.
    pub hours: Option<(Time, Time)>,
    /// Days that are quiet from midnight to midnight.
    pub days: BTreeSet<Day>,
}

/// A day of the week; Monday is 1.
pub type Day = i8;

/// The zone of this name. Names are checked where they are read; UTC where one is not known all the same.
fn known(name: &str) -> TimeZone {
    zone(name).unwrap_or(TimeZone::UTC)
}

fn instant(at: UtcTime) -> Timestamp {
    Timestamp::from_microsecond(at.micros()).unwrap_or(Timestamp::UNIX_EPOCH)
}

impl Schedule {
    /// The newest time at which a sweep was due: one that was not made is made once, however many were missed.
    #[must_use]
    pub fn slot(&self, now: UtcTime) -> UtcTime {
        let zone = known(&self.zone);
        let first = date(1970, 1, 5);
        let begin = |day: Date| {
            let at = zone.to_ambiguous_timestamp(day.to_datetime(self.at)).compatible();
            at.map_or(UtcTime::EPOCH, UtcTime::from_timestamp)
        };
        if self.every < DAY {
            let every = i64::try_from(self.every.as_micros()).unwrap_or(i64::MAX).max(1);
            let passed = now.micros() - begin(first).micros();
            return UtcTime::from_micros(now.micros() - passed.rem_euclid(every)).unwrap_or(now);
        }
        // Days by the calendar: where clocks change, one of them is not 24 hours.
        let step = i64::try_from(self.every.as_secs() / DAY.as_secs()).unwrap_or(1).max(1);
        let today = instant(now).to_zoned(zone.clone()).date();
        let days = today.since(first).map_or(0, |span| i64::from(span.get_days()));
        let day = today.saturating_sub(days.rem_euclid(step).days());
        let slot = begin(day);
        if slot <= now { slot } else { begin(day.saturating_sub(step.days())) }
    }
}

impl Quiet {
    /// Whether somebody in `zone` is not to be disturbed now.
    #[must_use]
    pub fn holds(&self, zone: &str, now: UtcTime) -> bool {
        let local = instant(now).to_zoned(known(zone)).datetime();
        let day: Weekday = local.date().weekday();
        let hour = self.hours.is_some_and(|(from, to)| {
            let time = local.time();
            if from <= to { from <= time && time < to } else { from <= time || time < to }
        });
        hour || self.days.contains(&day.to_monday_one_offset())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcTime {
        text.parse().unwrap()
    }

    fn schedule(every: u64) -> Schedule {
        let at = "09:00".parse().unwrap();
        Schedule { every: Duration::from_secs(every), at, zone: "Europe/Berlin".to_owned() }
    }

    #[test]
    fn the_newest_slot_whatever_the_clocks_do() {
        for (every, now, slot) in [
            (86_400, "2026-03-05T09:30:00Z", "2026-03-05T08:00:00Z"),
            (86_400, "2026-03-05T07:59:59Z", "2026-03-04T08:00:00Z"),
            (86_400, "2026-03-05T08:00:00Z", "2026-03-05T08:00:00Z"),
            // Summer time began the night before.
            (86_400, "2026-03-29T07:00:00Z", "2026-03-29T07:00:00Z"),
            (86_400, "2026-10-25T07:30:00Z", "2026-10-24T07:00:00Z"),
            // The first day was a Monday: so is each seventh.
            (7 * 86_400, "2026-03-05T09:30:00Z", "2026-03-02T08:00:00Z"),
            (7 * 86_400, "2026-03-02T07:30:00Z", "2026-02-23T08:00:00Z"),
            (4 * 3_600, "2026-03-05T13:30:00Z", "2026-03-05T12:00:00Z"),
            (3, "2026-03-05T13:30:02Z", "2026-03-05T13:30:00Z"),
        ] {
            assert_eq!(schedule(every).slot(at(now)), at(slot), "{every} {now}");
        }
    }

    #[test]
    fn a_slot_is_never_ahead_and_the_next_is_one_distance_away() {
        for every in [3, 600, 3_600, 86_400, 3 * 86_400] {
            let schedule = schedule(every);
            let mut now = at("2026-03-20T00:00:00Z");
            let mut last = schedule.slot(now);
            for _ in 0..400 {
                now = now.plus(Duration::from_secs(every / 2 + 1));
                let slot = schedule.slot(now);
                let apart = slot.since(last).as_secs();
                assert!(last <= slot && slot <= now, "{every}: {slot} at {now}");
                assert!(apart == 0 || apart.abs_diff(every) <= 3_600, "{every}: {last} {slot}");
                last = slot;
            }
        }
    }

    #[test]
    fn quiet_hours_are_those_of_the_team() {
        let quiet = |from: &str, to: &str, days: &[Day]| Quiet {
            hours: Some((from.parse().unwrap(), to.parse().unwrap())),
            days: days.iter().copied().collect(),
        };
        let night = quiet("18:00", "08:00", &[6, 7]);
        for (zone, now, holds) in [
            ("Europe/Berlin", "2026-03-05T06:59:59Z", true),
            ("Europe/Berlin", "2026-03-05T07:00:00Z", false),
            ("Europe/Berlin", "2026-03-05T17:00:00Z", true),
            ("America/New_York", "2026-03-05T17:00:00Z", false),
            ("America/New_York", "2026-03-05T12:59:59Z", true),
            // Saturday there, Friday elsewhere.
            ("Asia/Tokyo", "2026-03-06T16:00:00Z", true),
            ("UTC", "2026-03-06T16:00:00Z", false),
            ("UTC", "2026-03-07T12:00:00Z", true),
        ] {
            assert_eq!(night.holds(zone, at(now)), holds, "{zone} {now}");
        }
        let noon = quiet("12:00", "13:00", &[]);
        assert!(noon.holds("UTC", at("2026-03-07T12:30:00Z")));
        assert!(!noon.holds("UTC", at("2026-03-07T13:00:00Z")));
        assert!(!Quiet::default().holds("UTC", at("2026-03-07T03:00:00Z")));
    }
}
