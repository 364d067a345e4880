//! What comes back over HTTP, or does not.

use super::receiver::Heard;
use crate::domain::delivery::Answer;
use crate::domain::time::UtcTime;
use reqwest::Response;
use std::time::Duration;

/// Where nobody says how long to wait.
pub(super) const UNSAID: Duration = Duration::from_secs(30);
/// Longest pause that is believed.
pub(super) const LONGEST: Duration = Duration::from_secs(3_600);

/// What it means that nothing came back. Only what failed before a connection stood was certainly not sent.
pub(super) fn unheard(error: &reqwest::Error) -> Heard {
    if error.is_connect() || error.is_builder() {
        Heard::new(Answer::Later(None), "no_connection")
    } else if error.is_timeout() {
        Heard::new(Answer::Doubtful, "timeout")
    } else {
        Heard::new(Answer::Doubtful, "connection_lost")
    }
}

/// The body of an answer, of at most `most` bytes.
pub(super) async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, Heard> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(bytes),
            Ok(Some(chunk)) if bytes.len() + chunk.len() <= most => bytes.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(Heard::new(Answer::Doubtful, "too_long")),
            Err(_) => return Err(Heard::new(Answer::Doubtful, "connection_lost")),
        }
    }
}

/// How long to wait by `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn wait(header: Option<&str>, now: UtcTime) -> Duration {
    let asked = header.map(str::trim).and_then(|text| {
        let seconds = text.parse().ok().map(Duration::from_secs);
        seconds.or_else(|| {
            let date = jiff::fmt::rfc2822::parse(text).ok()?;
            Some(UtcTime::from_timestamp(date.timestamp()).since(now))
        })
    });
    asked.unwrap_or(UNSAID).clamp(Duration::from_secs(1), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_read_as_seconds_or_a_date_and_has_bounds() {
        let now: UtcTime = "2026-11-22T10:00:00Z".parse().unwrap();
        for (header, seconds) in [
            (Some("30"), 30),
            (Some(" 7 "), 7),
            (None, 30),
            (Some("soon"), 30),
            (Some("-4"), 30),
            (Some("0"), 1),
            (Some("86400"), 3600),
            (Some("Sun, 22 Nov 2026 10:01:30 GMT"), 90),
            (Some("Sun, 22 Nov 2026 09:00:00 GMT"), 1),
        ] {
            assert_eq!(wait(header, now).as_secs(), seconds, "{header:?}");
        }
    }
}
