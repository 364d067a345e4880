//! Values of options that are wrong in themselves: refused as wrong arguments, before anybody is asked.

use crate::domain::effective::{self, NotEffective, Zones};
use crate::domain::revocation::Kind;
use crate::domain::time::{NotADuration, parse_duration};
use std::time::Duration;

/// A length of time.
pub(super) fn duration(text: &str) -> Result<Duration, NotADuration> {
    parse_duration(text)
}

/// The same, for whom it stays a text.
pub(super) fn length(text: &str) -> Result<String, NotADuration> {
    parse_duration(text).map(|_| text.to_owned())
}

/// An instant, a local time or a date. What it means depends on zones that only the agent knows, so it stays a text.
pub(super) fn moment(text: &str) -> Result<String, NotEffective> {
    let zones = Zones { subject: None, source: None, default: None };
    effective::resolve(text, &zones).map(|_| text.to_owned())
}

/// By when: a time, or a length of time after the effect.
pub(super) fn deadline(text: &str) -> Result<String, String> {
    if parse_duration(text).is_ok() || moment(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err("write a time as 2026-03-05T17:00:00+01:00, 2026-03-05T17:00 or 2026-03-05, or a duration as 15m, 4h or 2d"
        .to_owned())
}

/// A time zone.
pub(super) fn zone(text: &str) -> Result<String, NotEffective> {
    effective::zone(text).map(|_| text.to_owned())
}

/// A kind of revocation.
pub(super) fn kind(text: &str) -> Result<String, String> {
    let known = || Kind::ACCEPTED.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    match Kind::from_word(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("it is none of {}", known())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_in_itself() {
        for text in ["15", "5", "", "soon", "-1h"] {
            assert!(duration(text).is_err() && deadline(text).is_err(), "{text}");
        }
        assert!(deadline("15m").is_ok() && deadline("2026-03-05").is_ok());
        assert!(moment("tomorrow").is_err() && moment("15m").is_err());
        assert!(moment("2026-03-05T17:00").is_ok());
        assert!(zone("Europe/Berlin").is_ok() && zone("Berlin").is_err());
        assert_eq!(
            kind("all"),
            Err("it is none of full, suspend, partial, rotation, transfer".to_owned())
        );
        assert!(kind("partial").is_ok());
    }
}
