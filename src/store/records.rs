//! The queue of records: what is true and not yet in the log.

use super::many::{many, pieces};
use super::outbox::{fresh, insert_fresh};
use super::{NewRecord, Store, StoreError, from_json, reading, statement, to_json, writing};
use crate::domain::lifecycle::Life;
use crate::domain::time::UtcTime;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A record that waits for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRecord {
    /// Its id, which stands in its line.
    pub id: String,
    /// Revocation it is about, if it is about one.
    pub revocation_id: Option<String>,
    /// Record type.
    pub kind: String,
    /// Content.
    pub body: Map<String, Value>,
    /// Life of the revocation after it; `None` for all but the last record of a move.
    pub life: Option<Life>,
    /// The request after it, as the store keeps it, if the move changed it.
    pub request: Option<String>,
}

/// A record that is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LandedRecord {
    /// The record.
    pub record: QueuedRecord,
    /// Its line.
    pub seq: u64,
    /// Hash of its line.
    pub hash: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    revocation_id: Option<String>,
    kind: String,
    body: String,
    life: Option<String>,
    request: Option<String>,
}

impl Row {
    fn read(self) -> Result<QueuedRecord, StoreError> {
        Ok(QueuedRecord {
            body: from_json(&self.body, "a queued record")?,
            life: self
                .life
                .as_deref()
                .map(|text| from_json(text, "a record's life"))
                .transpose()?,
            id: self.id,
            revocation_id: self.revocation_id,
            kind: self.kind,
            request: self.request,
        })
    }
}

impl Store {
    /// Records that wait, in the order in which they were queued.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn queued(&self, limit: i64) -> Result<Vec<QueuedRecord>, StoreError> {
        self.queued_beside(&BTreeSet::new(), limit).await
    }

    /// The same without those of `known`, which are on their way. What was queued late may stand before them.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn queued_beside(
        &self,
        known: &BTreeSet<String>,
        limit: i64,
    ) -> Result<Vec<QueuedRecord>, StoreError> {
        let most = limit.saturating_add(i64::try_from(known.len()).unwrap_or(i64::MAX));
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("records_queued")).bind(most).fetch_all(pool).await?
        );
        let rows = rows.into_iter().filter(|row| !known.contains(&row.id));
        rows.take(usize::try_from(limit).unwrap_or(0)).map(Row::read).collect()
    }

    /// Queues a record that is not about one revocation.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn queue_note(
        &self,
        id: &str,
        note: &NewRecord,
        at: UtcTime,
    ) -> Result<(), StoreError> {
        let mut body = note.body.clone();
        body.insert("id".to_owned(), Value::String(id.to_owned()));
        let body = to_json(&body, "a record")?;
        let told = fresh(id, id, note.kind, &note.body, at.micros());
        writing!(self, tx => {
            sqlx::query(many(statement!("record_insert"), 1))
                .bind(id).bind(None::<&str>).bind(0_i64).bind(note.kind).bind(&body)
                .bind(None::<&str>).bind(None::<&str>).bind(at.micros())
                .execute(&mut *tx).await?;
            insert_fresh!(tx, told);
        })
    }

    /// How many wait.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn queued_count(&self) -> Result<i64, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_scalar(statement!("records_count_queued")).fetch_one(pool).await?
        ))
    }

    /// How many of one revocation wait.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn queued_of(&self, revocation: &str) -> Result<i64, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_scalar(statement!("records_queued_of"))
                .bind(revocation).fetch_one(pool).await?
        ))
    }

    /// One record, queued or landed.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn record(&self, id: &str) -> Result<Option<QueuedRecord>, StoreError> {
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("record_get")).bind(id).fetch_optional(pool).await?
        );
        row.map(Row::read).transpose()
    }

    /// Whether a record is in the log: `None` when there is no such record.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn landed(&self, id: &str) -> Result<Option<bool>, StoreError> {
        let state: Option<String> = reading!(self, pool =>
            sqlx::query_scalar(statement!("record_state")).bind(id).fetch_optional(pool).await?
        );
        Ok(state.map(|state| state == "landed"))
    }

    /// Notes that records are in the log, shows their moves, and releases what waits for them.
    ///
    /// # Errors
    /// When the database is away. Then they are found again in the log at the next start.
    pub async fn land(&self, landed: &[LandedRecord]) -> Result<(), StoreError> {
        let Some(last) = landed.last() else { return Ok(()) };
        let mut lives = BTreeMap::new();
        for one in landed {
            if let (Some(id), Some(life)) = (&one.record.revocation_id, &one.record.life) {
                let before: Option<(_, _, Option<&String>)> = lives.remove(id);
                let request = one.record.request.as_ref().or(before.and_then(|b| b.2));
                lives.insert(id, (life.state, to_json(life, "a life")?, request));
            }
        }
        writing!(self, tx => {
            for piece in pieces(landed) {
                let mut query = sqlx::query(many(statement!("record_land"), piece.len()));
                for one in piece {
                    let seq = i64::try_from(one.seq).unwrap_or(i64::MAX);
                    query = query.bind(&one.record.id).bind(seq);
                }
                query.execute(&mut *tx).await?;
            }
            // The last life of each is the one that counts. In the order in which moves lock the rows.
            for (id, (state, life, request)) in &lives {
                sqlx::query(statement!("revocation_land"))
                    .bind(*id).bind(state.as_str()).bind(life).bind(*request)
                    .execute(&mut *tx).await?;
            }
            sqlx::query(statement!("outbox_release")).execute(&mut *tx).await?;
            sqlx::query(statement!("meta_put"))
                .bind("landed").bind(format!("{} {}", last.seq, last.hash))
                .execute(&mut *tx).await?;
        })
    }

    /// Notes how far the log is known: every record before line `seq`, whose hash is `hash`, is marked.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn mark(&self, seq: u64, hash: &str) -> Result<(), StoreError> {
        writing!(self, tx => {
            sqlx::query(statement!("meta_put"))
                .bind("landed").bind(format!("{seq} {hash}"))
                .execute(&mut *tx).await?;
        })
    }

    /// The last line known to be in the log: its line and that line's hash.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn landed_mark(&self) -> Result<Option<(u64, String)>, StoreError> {
        let mark = self.meta("landed").await?;
        Ok(mark.and_then(|text| {
            let (seq, hash) = text.split_once(' ')?;
            Some((seq.parse().ok()?, hash.to_owned()))
        }))
    }
}
