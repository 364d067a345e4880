//! One instant type with one text form.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use utoipa::ToSchema;

/// An instant in UTC with microsecond precision: what Postgres stores and what the audit log signs.
///
/// `Display` and serde give the one RFC 3339 form `2026-03-05T09:00:00.000000Z` (27 bytes), so equal
/// instants have equal bytes and sort as text. Source: RFC 3339 section 5.6.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(into = "String", try_from = "String")]
#[schema(
    value_type = String, format = DateTime,
    description = "An instant in UTC with microseconds, as 2026-03-05T09:00:00.000000Z."
)]
pub struct UtcTime(jiff::Timestamp);

/// A text that is not an instant with an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an instant; write it as 2026-03-05T09:00:00Z or with an offset such as +01:00"
)]
pub struct NotATime(String);

impl UtcTime {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// From microseconds since 1970-01-01T00:00:00Z; `None` outside the years −9999 to 9999.
    #[must_use]
    pub fn from_micros(micros: i64) -> Option<Self> {
        jiff::Timestamp::from_microsecond(micros).ok().map(Self)
    }

    /// Cuts `instant` to whole microseconds.
    #[must_use]
    pub fn from_timestamp(instant: jiff::Timestamp) -> Self {
        Self(jiff::Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// Seconds since 1970-01-01T00:00:00Z, as Prometheus wants them.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "microseconds of this century fit 53 bits")]
    pub fn seconds(self) -> f64 {
        self.micros() as f64 / 1e6
    }

    /// This instant plus `duration`, or the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.micros().saturating_add(micros))
            .unwrap_or(Self(jiff::Timestamp::MAX))
    }

    /// Time from `earlier` to this instant; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.micros() - earlier.micros()).unwrap_or(0))
    }
}

/// A length of time such as `30s`, `15m`, `4h` or `400d` (days of 24 hours).
///
/// # Errors
/// Says how to write one.
pub fn parse_duration(text: &str) -> Result<Duration, NotADuration> {
    let wrong = || NotADuration(text.to_owned());
    let days = || {
        let count: i64 = text.trim().strip_suffix('d')?.trim().parse().ok()?;
        Some(jiff::SignedDuration::from_secs(count.checked_mul(86_400)?))
    };
    let signed = text.parse::<jiff::SignedDuration>().ok().or_else(days).ok_or_else(wrong)?;
    Duration::try_from(signed).map_err(|_| wrong())
}

/// A text that is no length of time, or a negative one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a duration; write it as 30s, 15m, 4h or 400d")]
pub struct NotADuration(String);

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0)
    }
}

impl FromStr for UtcTime {
    type Err = NotATime;
    fn from_str(text: &str) -> Result<Self, NotATime> {
        text.parse::<jiff::Timestamp>()
            .map(Self::from_timestamp)
            .map_err(|_| NotATime(text.to_owned()))
    }
}

impl From<UtcTime> for String {
    fn from(time: UtcTime) -> Self {
        time.to_string()
    }
}

impl TryFrom<String> for UtcTime {
    type Error = NotATime;
    fn try_from(text: String) -> Result<Self, NotATime> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_form_of_27_bytes() {
        for (written, read) in [
            ("2026-03-05T09:00:00Z", "2026-03-05T09:00:00.000000Z"),
            ("2026-03-05T10:00:00+01:00", "2026-03-05T09:00:00.000000Z"),
            ("2026-03-05T09:00:00.1234567Z", "2026-03-05T09:00:00.123456Z"),
        ] {
            let time: UtcTime = written.parse().unwrap();
            assert_eq!(time.to_string(), read);
            assert_eq!(time.to_string().len(), 27);
        }
    }

    #[test]
    fn a_date_without_a_time_is_refused() {
        assert!("2026-03-05".parse::<UtcTime>().is_err());
    }

    #[test]
    fn durations() {
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("2d"), Ok(Duration::from_secs(2 * 86_400)));
        for wrong in ["soon", "-1m", "", "5", "9999999999999999d", "99999999999999999999d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn since_never_goes_below_zero() {
        let early: UtcTime = "2026-03-05T09:00:00Z".parse().unwrap();
        let late = early.plus(Duration::from_secs(90));
        assert_eq!(late.since(early), Duration::from_secs(90));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
