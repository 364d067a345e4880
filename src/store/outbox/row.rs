//! A row of the outbox, as it is read.

use crate::domain::delivery::{Row, Standing, Topic};
use crate::domain::time::UtcTime;
use crate::store::StoreError;

/// A row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, which the receiver keeps beside the message.
    pub id: String,
    /// The record it tells.
    pub record: String,
    /// Who is told.
    pub receiver: String,
    /// What about.
    pub topic: Topic,
    /// Revocation, or `target:NAME`; empty for a digest.
    pub about: String,
    /// Reason of the revocation, if it is of one.
    pub reason: String,
    /// What it is told in order with.
    pub lane: String,
    /// How it stands.
    pub row: Row,
    /// When its record was queued.
    pub created_at: UtcTime,
    /// Line of its record; `None` until it is in the log.
    pub seq: Option<u64>,
    /// When it was sent first.
    pub first_sent_at: Option<UtcTime>,
    /// When it came to its end.
    pub settled_at: Option<UtcTime>,
    /// Where the receiver has it.
    pub remote: Option<String>,
    /// The digest that tells it.
    pub carrier: Option<String>,
    /// Why it is not sent, in a word of the receiver.
    pub error: String,
    /// For compare-and-swap.
    pub version: i64,
}

#[derive(sqlx::FromRow)]
pub(super) struct Line {
    id: String,
    record_id: String,
    receiver: String,
    kind: String,
    about: String,
    reason: String,
    lane: String,
    state: String,
    created_at: i64,
    seq: Option<i64>,
    due_at: i64,
    expires_at: Option<i64>,
    attempts: i64,
    unknown_answers: i64,
    plain: i64,
    doubled: i64,
    first_sent_at: Option<i64>,
    settled_at: Option<i64>,
    remote: Option<String>,
    carrier: Option<String>,
    error: String,
    version: i64,
}

pub(super) fn instant(micros: i64) -> UtcTime {
    UtcTime::from_micros(micros).unwrap_or(UtcTime::EPOCH)
}

fn count(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A word that the store must know.
pub(super) fn word<T>(found: Option<T>, what: &'static str) -> Result<T, StoreError> {
    found.ok_or_else(|| StoreError::Corrupt {
        what,
        source: serde::de::Error::custom("it is none of the known words"),
    })
}

impl Line {
    /// The row, if every word of it is known.
    pub(super) fn read(self) -> Result<Delivery, StoreError> {
        Ok(Delivery {
            topic: word(Topic::from_word(&self.kind), "what a delivery is about")?,
            row: Row {
                standing: word(Standing::from_word(&self.state), "how a delivery stands")?,
                attempts: count(self.attempts),
                unknown: count(self.unknown_answers),
                plain: self.plain != 0,
                doubled: self.doubled != 0,
                due_at: instant(self.due_at),
                expires_at: self.expires_at.map(instant),
            },
            id: self.id,
            record: self.record_id,
            receiver: self.receiver,
            about: self.about,
            reason: self.reason,
            lane: self.lane,
            created_at: instant(self.created_at),
            seq: self.seq.and_then(|seq| u64::try_from(seq).ok()),
            first_sent_at: self.first_sent_at.map(instant),
            settled_at: self.settled_at.map(instant),
            remote: self.remote,
            carrier: self.carrier,
            error: self.error,
            version: self.version,
        })
    }
}

pub(super) fn read(lines: Vec<Line>) -> Result<Vec<Delivery>, StoreError> {
    lines.into_iter().map(Line::read).collect()
}
