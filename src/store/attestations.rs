//! Periodic attestations: up to where each is queued, and the records that they are worked out from.

use super::many::many;
use super::notices::instant;
use super::outbox::{fresh, insert_fresh, insert_note, noted};
use super::{NewRecord, Store, StoreError, ToldRecord, from_json, reading, statement, writing};
use crate::domain::attestation::Stood;
use crate::domain::time::UtcTime;
use serde_json::{Map, Value, json};

/// A record that moves something, and how its revocation stands after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The record. Of an observation only whose it is, and when.
    pub record: ToldRecord,
    /// How its revocation stands: at the last record of a move, unless the person was erased since.
    pub stood: Option<Stood>,
}

type Row = (String, Option<String>, i64, Option<String>, Option<String>, i64);

/// How an attestation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AttestationStanding {
    /// When one was last filed.
    pub filed_at: Option<UtcTime>,
    /// How many are neither filed nor given up by somebody.
    pub waiting: i64,
}

impl Store {
    /// Where the newest queued period of an attestation ended; `None`: there is none of this name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn attested_up_to(&self, name: &str) -> Result<Option<UtcTime>, StoreError> {
        let upto: Option<i64> = reading!(self, pool =>
            sqlx::query_scalar(statement!("attestation_get")).bind(name).fetch_optional(pool).await?
        );
        Ok(upto.and_then(UtcTime::from_micros))
    }

    /// Begins an attestation of this name, unless there is one: its first period begins at `upto`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn begin_attestation(&self, name: &str, upto: UtcTime) -> Result<(), StoreError> {
        writing!(self, tx => {
            sqlx::query(statement!("attestation_begin"))
                .bind(name).bind(upto.micros()).execute(&mut *tx).await?;
        })
    }

    /// Notes that a period ended, with the record that says so and what is filed of it, in one transaction. `from` is where
    /// the newest one ended so far. False: somebody else has done so.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn end_period(
        &self,
        name: &str,
        from: UtcTime,
        to: UtcTime,
        (id, note): (&str, &NewRecord),
        now: UtcTime,
    ) -> Result<bool, StoreError> {
        let told = fresh(id, id, note.kind, &note.body, now.micros());
        let note = noted(Some((id, note)))?;
        let done: Result<u64, StoreError> = writing!(self, tx => {
            let done = sqlx::query(statement!("attestation_end"))
                .bind(name).bind(from.micros()).bind(to.micros())
                .execute(&mut *tx).await?.rows_affected();
            if done == 1 {
                insert_note!(tx, note, now);
                insert_fresh!(tx, told);
            }
            done
        });
        Ok(done? == 1)
    }

    /// How the attestation of this lane of the outbox stands.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn attestation_standing(
        &self,
        receiver: &str,
        lane: &str,
    ) -> Result<AttestationStanding, StoreError> {
        let (filed, waiting): (Option<i64>, i64) = reading!(self, pool =>
            sqlx::query_as(statement!("attestation_standing"))
                .bind(receiver).bind(lane).fetch_one(pool).await?
        );
        Ok(AttestationStanding { filed_at: filed.and_then(UtcTime::from_micros), waiting })
    }

    /// Up to `limit` landed records that move something, after line `after` and before line `below` of the log.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn replayed(
        &self,
        after: Option<u64>,
        below: u64,
        limit: i64,
    ) -> Result<Vec<Replayed>, StoreError> {
        let line = |seq: u64| i64::try_from(seq).unwrap_or(i64::MAX);
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("records_replay"))
                .bind(after.map_or(-1, line)).bind(line(below)).bind(limit)
                .fetch_all(pool).await?
        );
        rows.into_iter()
            .map(|(kind, body, seq, life, revocation, queued_at)| {
                let seq = u64::try_from(seq).unwrap_or(0);
                let stood = life.as_deref().map(|life| from_json(life, "a record's life"));
                let body = match body {
                    Some(body) => from_json(&body, "a record")?,
                    None => looked(revocation.as_deref(), instant(queued_at)),
                };
                Ok(Replayed { record: ToldRecord { kind, body, seq }, stood: stood.transpose()? })
            })
            .collect()
    }

    /// How many revocations were accepted in a log that was given up.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn of_another_log(&self) -> Result<u64, StoreError> {
        let count: i64 = reading!(self, pool =>
            sqlx::query_scalar(statement!("records_unplaced")).fetch_one(pool).await?
        );
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// What an observation tells beside what was seen.
fn looked(revocation: Option<&str>, at: UtcTime) -> Map<String, Value> {
    Map::from_iter([("at".to_owned(), json!(at)), ("revocation".to_owned(), json!(revocation))])
}
