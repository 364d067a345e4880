//! What people are to be told: queued with the record that made it true, due once that is in the log, and moved by
//! compare-and-swap, so that two who send never send the same.

mod addressee;
mod digest;
mod row;
mod thread;

pub use addressee::Addressee;
pub use digest::Group;
pub use row::Delivery;
pub use thread::Thread;

use super::many::many;
use super::{NewRecord, Place, Store, StoreError, from_json, reading, statement, to_json, writing};
use crate::domain::delivery::{Row, Standing, Topic, told};
use crate::domain::time::UtcTime;
use row::{Line, instant, read, word};
use serde_json::{Map, Value};

/// A row to insert, for everybody who is told.
pub(super) struct Fresh {
    pub(super) record: String,
    /// The last record of its move: once that is in the log, all of the move is shown.
    pub(super) awaits: String,
    /// What tells it from the other row of the same record.
    pub(super) suffix: &'static str,
    pub(super) kind: &'static str,
    pub(super) about: String,
    pub(super) reason: String,
    pub(super) urgency: i64,
    pub(super) at: i64,
    pub(super) lifetime: Option<i64>,
}

/// What tells a row from the others of the same record.
fn suffix(topic: Topic) -> &'static str {
    match topic {
        Topic::Status => ":status",
        Topic::NudgeLead => ":lead",
        Topic::NudgeSecurity => ":security",
        // Beside what is asked for now, which the same record says.
        Topic::Reopened => ":reopened",
        Topic::Used
        | Topic::Regressed
        | Topic::Blind
        | Topic::Unapproved
        | Topic::Overdue
        | Topic::Reminder
        | Topic::Acknowledged
        | Topic::Nudge
        | Topic::Residual
        | Topic::Resumed
        | Topic::Held
        | Topic::Asked
        | Topic::Opened
        | Topic::Changed
        | Topic::Digest
        | Topic::Sweep
        | Topic::Verified
        | Topic::Excepted
        | Topic::Withdrawn
        | Topic::Sighted
        | Topic::Closure
        | Topic::Filed
        | Topic::Attestation => "",
    }
}

/// What is to be told of a record.
pub(super) fn fresh(
    record: &str,
    awaits: &str,
    kind: &str,
    body: &Map<String, Value>,
    at: i64,
) -> Vec<Fresh> {
    let lifetime = |topic: Topic| {
        topic.lifetime().map(|time| i64::try_from(time.as_micros()).unwrap_or(i64::MAX))
    };
    let one = |one: crate::domain::delivery::Told| Fresh {
        record: record.to_owned(),
        awaits: awaits.to_owned(),
        suffix: suffix(one.topic),
        kind: one.topic.as_str(),
        urgency: one.topic.rank(),
        lifetime: lifetime(one.topic),
        about: one.about,
        reason: one.reason,
        at,
    };
    told(kind, body).into_iter().map(one).collect()
}

/// Inserts what is to be told, in the transaction of its record.
macro_rules! insert_fresh {
    ($tx:ident, $rows:expr) => {
        for piece in $crate::store::many::pieces(&$rows) {
            let mut query =
                sqlx::query($crate::store::many::many(statement!("outbox_insert"), piece.len()));
            for row in piece {
                query = query.bind(&row.record).bind(row.suffix).bind(row.kind).bind(&row.about);
                query = query.bind(&row.reason).bind(row.urgency).bind(row.at).bind(row.lifetime);
                query = query.bind(&row.awaits);
            }
            query.execute(&mut *$tx).await?;
        }
    };
}
pub(super) use insert_fresh;

/// A record that is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldRecord {
    /// Its type.
    pub kind: String,
    /// What it says.
    pub body: Map<String, Value>,
    /// Its line.
    pub seq: u64,
}

/// How much is not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxLevel {
    /// Who is told.
    pub receiver: String,
    /// How it stands.
    pub standing: Standing,
    /// How many.
    pub count: i64,
    /// When the oldest of them was queued.
    pub oldest: UtcTime,
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Settling<'a> {
    /// How it stands now.
    pub row: Row,
    /// Where the receiver has it, if that is known.
    pub remote: Option<&'a str>,
    /// Why it is not sent, in a word.
    pub error: &'a str,
    /// The record that says so: id and content.
    pub note: Option<(&'a str, &'a NewRecord)>,
}

fn with_id(id: &str, note: &NewRecord) -> Result<String, StoreError> {
    let mut body = note.body.clone();
    body.insert("id".to_owned(), Value::String(id.to_owned()));
    to_json(&body, "a record")
}

/// Queues a record that is not about one revocation, and of which nobody is told.
macro_rules! insert_note {
    ($tx:ident, $note:expr, $at:expr) => {
        if let Some((id, kind, body)) = &$note {
            sqlx::query(many(statement!("record_insert"), 1))
                .bind(id)
                .bind(None::<&str>)
                .bind(0_i64)
                .bind(kind)
                .bind(body)
                .bind(None::<&str>)
                .bind(None::<&str>)
                .bind($at.micros())
                .execute(&mut *$tx)
                .await?;
        }
    };
}

pub(super) use insert_note;

type Note = Option<(String, &'static str, String)>;

pub(super) fn noted(note: Option<(&str, &NewRecord)>) -> Result<Note, StoreError> {
    note.map(|(id, note)| Ok((id.to_owned(), note.kind, with_id(id, note)?))).transpose()
}

impl Store {
    /// What was being sent by somebody whose time for that ended before `lease`, or by anybody where it is `None`, may
    /// have been sent.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_recover(
        &self,
        receiver: &str,
        lease: Option<UtcTime>,
        now: UtcTime,
    ) -> Result<u64, StoreError> {
        let lease = lease.map_or(i64::MAX, UtcTime::micros);
        writing!(self, tx =>
            sqlx::query(statement!("outbox_recover"))
                .bind(receiver).bind(lease).bind(now.micros())
                .execute(&mut *tx).await?.rows_affected()
        )
    }

    /// The first of each lane, if its time has come: what may be sent or looked up now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_heads(
        &self,
        receiver: &str,
        now: UtcTime,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        read(reading!(self, pool =>
            sqlx::query_as(statement!("outbox_heads"))
                .bind(receiver).bind(now.micros()).bind(limit).fetch_all(pool).await?
        ))
    }

    /// What is due in a lane, in its order.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_lane(
        &self,
        receiver: &str,
        lane: &str,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        read(reading!(self, pool =>
            sqlx::query_as(statement!("outbox_lane"))
                .bind(receiver).bind(lane).bind(limit).fetch_all(pool).await?
        ))
    }

    /// When the next thing is due.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_next(&self, receiver: &str) -> Result<Option<UtcTime>, StoreError> {
        let next: Option<i64> = reading!(self, pool =>
            sqlx::query_scalar(statement!("outbox_next")).bind(receiver).fetch_one(pool).await?
        );
        Ok(next.map(instant))
    }

    /// Takes a row to send it until `lease`. False: somebody else did, or it changed.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_claim(
        &self,
        one: &Delivery,
        now: UtcTime,
        lease: UtcTime,
    ) -> Result<bool, StoreError> {
        let claimed: Result<u64, StoreError> = writing!(self, tx =>
            sqlx::query(statement!("outbox_claim"))
                .bind(&one.id).bind(one.version).bind(lease.micros()).bind(now.micros())
                .execute(&mut *tx).await?.rows_affected()
        );
        Ok(claimed? == 1)
    }

    /// Notes what came of an attempt, with the record that says so, in one transaction. `version` is the row's. False:
    /// it was changed meanwhile, and nothing was noted.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_settle(
        &self,
        one: &Delivery,
        version: i64,
        settling: &Settling<'_>,
        now: UtcTime,
    ) -> Result<bool, StoreError> {
        let note = noted(settling.note)?;
        let row = &settling.row;
        let settled = row.standing.is_settled().then(|| now.micros());
        let done: Result<u64, StoreError> = writing!(self, tx => {
            let done = sqlx::query(statement!("outbox_settle"))
                .bind(&one.id).bind(version).bind(row.standing.as_str()).bind(row.due_at.micros())
                .bind(i64::from(row.attempts)).bind(i64::from(row.unknown))
                .bind(i64::from(row.plain)).bind(i64::from(row.doubled))
                .bind(settling.remote).bind(settling.error).bind(settled)
                .execute(&mut *tx).await?.rows_affected();
            if done == 1 {
                insert_note!(tx, note, now);
            }
            done
        });
        Ok(done? == 1)
    }

    /// Sends a row again, or never, because a person says so; with the record of that. False: it was changed meanwhile.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_change(
        &self,
        one: &Delivery,
        to: Standing,
        note: (&str, &NewRecord),
        now: UtcTime,
    ) -> Result<bool, StoreError> {
        let note = noted(Some(note))?;
        let done: Result<u64, StoreError> = writing!(self, tx => {
            let done = sqlx::query(statement!("outbox_change"))
                .bind(&one.id).bind(one.version).bind(to.as_str()).bind(now.micros())
                .execute(&mut *tx).await?.rows_affected();
            if done == 1 {
                insert_note!(tx, note, now);
            }
            done
        });
        Ok(done? == 1)
    }

    /// One row.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        let line: Option<Line> = reading!(self, pool =>
            sqlx::query_as(statement!("outbox_get")).bind(id).fetch_optional(pool).await?
        );
        line.map(Line::read).transpose()
    }

    /// Up to `limit` rows, newest first, from the one after `after` on: of one standing or all.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn deliveries(
        &self,
        standing: Option<Standing>,
        after: Option<&Place>,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        let (at, id) =
            after.map_or((i64::MAX, ""), |place| (place.received_at.micros(), place.id.as_str()));
        read(reading!(self, pool =>
            sqlx::query_as(statement!("outbox_page"))
                .bind(standing.map_or("", Standing::as_str)).bind(at).bind(id).bind(limit)
                .fetch_all(pool).await?
        ))
    }

    /// How much is not settled, and how much is dead.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_levels(&self) -> Result<Vec<OutboxLevel>, StoreError> {
        let rows: Vec<(String, String, i64, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("outbox_levels")).fetch_all(pool).await?
        );
        rows.into_iter()
            .map(|(receiver, state, count, oldest)| {
                let standing = word(Standing::from_word(&state), "how a delivery stands")?;
                Ok(OutboxLevel { receiver, standing, count, oldest: instant(oldest) })
            })
            .collect()
    }

    /// A record that is in the log.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn landed_record(&self, id: &str) -> Result<Option<ToldRecord>, StoreError> {
        let row: Option<(String, String, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("record_landed")).bind(id).fetch_optional(pool).await?
        );
        row.map(|(kind, body, seq)| {
            let seq = u64::try_from(seq).unwrap_or(0);
            Ok(ToldRecord { kind, body: from_json(&body, "a record")?, seq })
        })
        .transpose()
    }
}
