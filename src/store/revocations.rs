//! Reading revocations.

use super::model::{NoticeKey, Stored, SubjectRow};
use super::{Store, StoreError, from_json, reading, statement};
use crate::domain::revocation::{Kind, Revocation};
use crate::domain::time::UtcTime;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// Most revocations watched at once. More is an error, never silence.
const WATCHED: i64 = 200_000;
/// Rows made into revocations before others have their turn.
const TURN: usize = 64;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: String,
    subject_id: String,
    subject: String,
    request: String,
    accounts: String,
    life: String,
    landed_life: Option<String>,
    landed_request: Option<String>,
    evidence: String,
    version: i64,
    records: i64,
    queued_at: i64,
    watch_until: i64,
}

/// Revocations as they were last read. Most do not change between two looks, and making them from their
/// row is most of what reading costs.
#[derive(Debug, Default)]
pub struct Known(tokio::sync::Mutex<HashMap<String, (Fingerprint, Arc<Stored>)>>);

/// SHA-256 of all that a revocation is made from.
type Fingerprint = [u8; 32];

impl Row {
    fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        let texts = [
            &self.subject_id,
            &self.subject,
            &self.request,
            &self.accounts,
            &self.life,
            &self.evidence,
            self.landed_life.as_ref().unwrap_or(&self.id),
            self.landed_request.as_ref().unwrap_or(&self.id),
        ];
        for text in texts {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
        for number in [self.version, self.records, self.queued_at, self.watch_until] {
            hash.update(number.to_le_bytes());
        }
        hash.finalize().into()
    }

    pub(super) fn read(self) -> Result<Stored, StoreError> {
        let read = |text: &str| -> Result<Revocation, StoreError> {
            let request: Revocation = from_json(text, "a revocation's request")?;
            Ok(Revocation { subject: self.subject.clone(), ..request })
        };
        let revocation = read(&self.request)?;
        let instant = |micros| UtcTime::from_micros(micros).unwrap_or(revocation.received_at);
        Ok(Stored {
            landed_revocation: self.landed_request.as_deref().map(read).transpose()?,
            subject_id: self.subject_id,
            accounts: from_json(&self.accounts, "a revocation's accounts")?,
            life: from_json(&self.life, "a revocation's life")?,
            landed: self
                .landed_life
                .as_deref()
                .map(|text| from_json(text, "a revocation's landed life"))
                .transpose()?,
            evidence: from_json(&self.evidence, "a revocation's evidence")?,
            version: self.version,
            records: self.records,
            queued_at: instant(self.queued_at),
            watch_until: instant(self.watch_until),
            revocation,
        })
    }
}

impl Store {
    /// What became of an earlier notice with this key.
    ///
    /// # Errors
    /// [`StoreError::NoticeDiffers`] when its content was another.
    pub async fn repeated(&self, notice: &NoticeKey) -> Result<Option<String>, StoreError> {
        let row: Option<(String, String)> = reading!(self, pool =>
            sqlx::query_as(statement!("notice_get"))
                .bind(&notice.source).bind(&notice.event_id).fetch_optional(pool).await?
        );
        match row {
            Some((digest, id)) if digest == notice.digest => Ok(Some(id)),
            Some(_) => Err(StoreError::NoticeDiffers {
                source_name: notice.source.clone(),
                event_id: notice.event_id.clone(),
            }),
            None => Ok(None),
        }
    }

    /// The subject called `name`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn subject(&self, name: &str) -> Result<Option<SubjectRow>, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_as(statement!("subject_by_name")).bind(name).fetch_optional(pool).await?
        ))
    }

    /// One revocation.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn revocation(&self, id: &str) -> Result<Option<Stored>, StoreError> {
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocation_get")).bind(id).fetch_optional(pool).await?
        );
        row.map(Row::read).transpose()
    }

    /// The revocation of this subject and kind that is not finished.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unfinished(
        &self,
        subject: &str,
        kind: Kind,
    ) -> Result<Option<Stored>, StoreError> {
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_unfinished"))
                .bind(subject).bind(kind.as_str()).fetch_optional(pool).await?
        );
        row.map(Row::read).transpose()
    }

    /// Every revocation that is to be looked at, oldest first.
    ///
    /// # Errors
    /// When the database is away, or there are more than can be watched.
    pub async fn watched(&self, now: UtcTime) -> Result<Vec<Stored>, StoreError> {
        self.watched_rows(now).await?.into_iter().map(Row::read).collect()
    }

    /// The same; those that are as they were when they were last read for `known` are not made anew.
    ///
    /// # Errors
    /// As [`Store::watched`].
    pub async fn watched_since(
        &self,
        known: &Known,
        now: UtcTime,
    ) -> Result<Vec<Arc<Stored>>, StoreError> {
        let rows = self.watched_rows(now).await?;
        let mut before = known.0.lock().await;
        let mut after = HashMap::with_capacity(rows.len());
        let mut watched = Vec::with_capacity(rows.len());
        for (n, row) in rows.into_iter().enumerate() {
            if n % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            let (id, fingerprint) = (row.id.clone(), row.fingerprint());
            let stored = match before.remove(&id) {
                Some((same, stored)) if same == fingerprint => stored,
                _ => Arc::new(row.read()?),
            };
            watched.push(stored.clone());
            after.insert(id, (fingerprint, stored));
        }
        *before = after;
        Ok(watched)
    }

    async fn watched_rows(&self, now: UtcTime) -> Result<Vec<Row>, StoreError> {
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_watched"))
                .bind(now.micros()).bind(WATCHED + 1).fetch_all(pool).await?
        );
        if i64::try_from(rows.len()).is_ok_and(|count| count > WATCHED) {
            return Err(StoreError::Held(format!("more than {WATCHED} revocations are watched")));
        }
        Ok(rows)
    }

    /// The newest revocations that people may be shown.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list(&self, limit: i64) -> Result<Vec<Stored>, StoreError> {
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_list")).bind(limit).fetch_all(pool).await?
        );
        rows.into_iter().map(Row::read).collect()
    }

    /// Revocations that people may be shown and that are scheduled, open or regressed, oldest first; what
    /// the log does not hold as finished is not finished.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list_open(&self, limit: i64) -> Result<Vec<Stored>, StoreError> {
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_open")).bind(limit).fetch_all(pool).await?
        );
        rows.into_iter().map(Row::read).collect()
    }
}
