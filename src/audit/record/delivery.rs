//! Records of telling people: that somebody was told, and that somebody decided what is not told.

use super::{Body, object};
use crate::domain::time::UtcTime;
use serde_json::json;

/// What was told, and to whom.
#[derive(Clone, Copy, Debug)]
pub struct Notification<'a> {
    /// Id of the delivery.
    pub delivery: &'a str,
    /// Who was told, as the configuration calls it.
    pub receiver: &'a str,
    /// What about.
    pub topic: &'a str,
    /// The revocation, if it is about one.
    pub revocation: Option<&'a str>,
    /// The record that was told; of a digest the newest of them.
    pub record: &'a str,
    /// How many records it tells.
    pub records: u64,
    /// Where the receiver has it.
    pub remote: &'a str,
    /// It may be there twice: the receiver did not let it be looked up.
    pub possible_duplicate: bool,
    /// When.
    pub at: UtcTime,
}

/// `notification_sent`: the receiver has the message.
#[must_use]
pub fn notification_sent(told: &Notification<'_>) -> Body {
    object(json!({
        "at": told.at, "delivery": told.delivery, "possible_duplicate": told.possible_duplicate,
        "receiver": told.receiver, "record": told.record, "records": told.records,
        "remote": told.remote, "revocation": told.revocation, "topic": told.topic,
    }))
}

/// `outbox_changed`: a delivery took another way than by itself. `change` is `retry`, `drop`, `dead` or `new_thread`; `by`
/// is the caller, `None` the agent; `why` a word of the receiver.
#[must_use]
pub fn outbox_changed(
    delivery: &str,
    change: &str,
    by: Option<&str>,
    why: &str,
    at: UtcTime,
) -> Body {
    object(json!({"at": at, "by": by, "change": change, "delivery": delivery, "why": why}))
}
