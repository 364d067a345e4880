//! What makes an event the same event as another, and what is listed of it.

use super::IntakeError;
use super::door::Door;
use super::event::{Action, Event};
use super::webhook::Delivery;
use crate::clock;
use crate::domain::hex::hex;
use crate::domain::time::UtcTime;
use crate::store::{Facts, NoticeKey};
use sha2::{Digest as _, Sha256};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The notice that `event` is.
pub(super) fn notice_of(
    delivery: &Delivery<'_>,
    event: &Event,
    now: UtcTime,
) -> Result<NoticeKey, IntakeError> {
    let digest = hex(&Sha256::digest(delivery.bytes));
    let named = event.id.clone().or_else(|| delivery.id.map(str::to_owned));
    let event_id = named.unwrap_or_else(|| match event.at {
        Some(_) => format!("sha256:{digest}"),
        None => of_day(&digest, now),
    });
    Ok(NoticeKey {
        source: delivery.sender.to_owned(),
        event_id,
        digest,
        // No database takes a NUL, and no JSON has one.
        body: String::from_utf8_lossy(delivery.bytes).replace('\0', "\u{fffd}"),
        facts: facts_of(delivery.door, event, now)?,
    })
}

/// An event without an id is known by its bytes. If these say no time either, somebody may leave once more with the same:
/// then they are the same event on one day and the next.
fn of_day(digest: &str, day: UtcTime) -> String {
    let day = day.to_string();
    format!("sha256:{digest}/{}", day.get(..10).unwrap_or(&day))
}

/// Whether an event is known by its bytes, for want of an id.
pub(super) fn has_no_id(event_id: &str) -> bool {
    event_id.starts_with("sha256:")
}

/// What an event is known by that came again after what the first one had expected was over.
pub(super) fn again_after(event_id: &str, now: UtcTime) -> String {
    format!("{event_id}#{now}")
}

/// The same event, had it come the day before; `None` where the day makes no difference.
pub(super) fn day_before(notice: &NoticeKey, now: UtcTime) -> Option<NoticeKey> {
    let NoticeKey { event_id, digest, .. } = notice;
    let yesterday = UtcTime::from_micros(now.micros() - DAY)?;
    let event_id = Some(of_day(digest, yesterday)).filter(|_| *event_id == of_day(digest, now))?;
    Some(NoticeKey { event_id, ..notice.clone() })
}

/// What is listed of an event.
pub(super) fn facts_of(door: Door<'_>, event: &Event, now: UtcTime) -> Result<Facts, IntakeError> {
    let who = &event.who;
    let vendor = match &event.asks {
        Ok(Action::Offboard(asked)) => asked.vendor.clone(),
        Ok(_) | Err(_) => String::new(),
    };
    Ok(Facts {
        id: clock::new_id("ntc", now).map_err(|e| IntakeError::Unavailable(e.into()))?,
        door: door.name().to_owned(),
        event_type: event.kind.clone(),
        event_at: event.at,
        subject: who.subject().unwrap_or_default().to_owned(),
        username: who.employee_id.as_ref().and(who.username.clone()).unwrap_or_default(),
        email: who.employee_id.as_ref().and(who.email.clone()).unwrap_or_default(),
        vendor,
        ..Facts::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn known_as(body: &serde_json::Value, header: Option<&str>, now: &str) -> NoticeKey {
        let (bytes, now) = (body.to_string(), now.parse().unwrap());
        let event = Event::read(body, now);
        let (door, bytes) = (Door::HrEvents, bytes.as_bytes());
        notice_of(&Delivery { door, sender: "hr", bytes, id: header }, &event, now).unwrap()
    }

    #[test]
    fn bytes_without_an_id_and_a_time_are_the_same_event_for_two_days() {
        let left = json!({"event_type": "user_terminated", "user": {"username": "jd"}});
        let first = known_as(&left, None, "2026-03-05T23:59:00Z");
        let next = known_as(&left, None, "2026-03-06T23:59:00Z");
        assert_ne!(first.event_id, next.event_id);
        let before = day_before(&next, "2026-03-06T23:59:00Z".parse().unwrap()).unwrap();
        assert_eq!((before.event_id, before.digest), (first.event_id, first.digest));

        let mut dated = left.clone();
        dated["timestamp"] = "2026-03-05T09:00:00Z".into();
        for (body, header) in [(&dated, None), (&left, Some("e1"))] {
            let first = known_as(body, header, "2026-03-05T23:59:00Z");
            let now = "2027-03-05T23:59:00Z";
            let later = known_as(body, header, now);
            assert_eq!(first.event_id, later.event_id, "for good");
            assert_eq!(day_before(&later, now.parse().unwrap()), None);
        }
    }
}
