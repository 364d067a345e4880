//! Values of options that are wrong in themselves: refused as wrong arguments, before anybody is asked.

use crate::audit::key::LogKey;
use crate::audit::verify::Vkey;
use crate::domain::effective::{self, NotEffective, Zones};
use crate::domain::revocation::Kind;
use crate::domain::time::parse_duration;
use crate::intake::submission::{is_name, unfit};
use std::time::Duration;
use zeroize::Zeroizing;

/// A length of time. What no clock can count is none.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let length = parse_duration(text).map_err(|error| error.to_string())?;
    match i64::try_from(length.as_micros()) {
        Ok(_) => Ok(length),
        Err(_) => Err("no clock counts that far".to_owned()),
    }
}

/// The same, for whom it stays a text.
pub(super) fn length(text: &str) -> Result<String, String> {
    duration(text).map(|_| text.to_owned())
}

/// Words that are kept: a reason, a ticket, who somebody is.
pub(super) fn text(text: &str) -> Result<String, String> {
    unfit(text).map_or_else(|| Ok(text.to_owned()), Err)
}

/// The name of a role, a permission or a target. It may have blanks, as roles of Postgres may.
pub(super) fn name(text: &str) -> Result<String, String> {
    if is_name(text) { Ok(text.to_owned()) } else { Err("a name has 1 to 1000 bytes".to_owned()) }
}

/// The sender's id of an event, as a header can carry it.
pub(super) fn event_id(text: &str) -> Result<String, String> {
    let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| matches!(b, b' '..=b'~'));
    if fits && text.trim() == text {
        return Ok(text.to_owned());
    }
    Err("1 to 255 letters, digits and signs of ASCII, without blanks at its ends".to_owned())
}

/// The name of a log or of a witness, as a public key has it.
pub(super) fn origin(text: &str) -> Result<String, String> {
    match Vkey::parse(&LogKey::from_seed(text, &Zeroizing::new([0; 32])).vkey()) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("1 to 255 bytes, with no space, no + and no control character".to_owned()),
    }
}

/// The id of a revocation.
pub(super) fn revocation(text: &str) -> Result<String, String> {
    id(text, "rev_", "a revocation", "expect list")
}

/// The id of something that waits for a second person.
pub(super) fn request(text: &str) -> Result<String, String> {
    id(text, "req_", "a request", "expect list --pending")
}

/// The id of an exception.
pub(super) fn exception(text: &str) -> Result<String, String> {
    id(text, "exc_", "an exception", "exception list")
}

/// The id of a notice.
pub(super) fn notice(text: &str) -> Result<String, String> {
    id(text, "ntc_", "a notice", "webhook journal")
}

/// The id of a checklist.
pub(super) fn checklist(text: &str) -> Result<String, String> {
    id(text, "chk_", "a checklist", "webhook journal")
}

/// An id of ours, which says by its beginning what it is of. `shown` is the command that shows such ids.
fn id(text: &str, begin: &str, of: &str, shown: &str) -> Result<String, String> {
    let rest = text.strip_prefix(begin).unwrap_or_default();
    if !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(text.to_owned());
    }
    Err(format!("it wants the id of {of}, {begin}…, as `revoked {shown}` shows it"))
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
        assert!(duration("400000000d").is_err());
        assert!(deadline("15m").is_ok() && deadline("2026-03-05").is_ok());
        assert!(moment("tomorrow").is_err() && moment("15m").is_err());
        assert!(moment("2026-03-05T17:00").is_ok());
        assert!(zone("Europe/Berlin").is_ok() && zone("Berlin").is_err());
        assert_eq!(
            kind("all"),
            Err("it is none of full, suspend, partial, rotation, transfer".to_owned())
        );
        assert!(kind("partial").is_ok());
        for bad in ["", " ", " x", "x\n", &"x".repeat(1_001)] {
            assert!(text(bad).is_err(), "{bad:?}");
        }
        assert!(text("a reason").is_ok() && name(" a role ").is_ok() && name("").is_err());
        assert!(origin("revoked/vm/1").is_ok() && origin("a b").is_err() && origin("").is_err());
        assert!(event_id("evt 1").is_ok() && event_id("").is_err() && event_id("é").is_err());
    }

    #[test]
    fn an_id_says_what_it_is_of() {
        assert_eq!(revocation("rev_0660d2").as_deref(), Ok("rev_0660d2"));
        assert_eq!(
            revocation("LATER"),
            Err("it wants the id of a revocation, rev_…, as `revoked expect list` shows it"
                .to_owned())
        );
        for bad in ["rev_", "rev_a b", "exc_1", "rev_é", "REV_1"] {
            assert!(revocation(bad).is_err(), "{bad}");
        }
        assert!(exception("exc_1").is_ok() && request("req_1").is_ok() && notice("ntc_1").is_ok());
        assert!(checklist("rev_1").is_err());
    }
}
