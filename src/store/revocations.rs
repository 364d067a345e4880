//! Reading revocations.

use super::evidence::{Evidence, Gist};
use super::known::Mark;
use super::model::{Evidenced, NoticeKey, Stored, SubjectRow};
use super::{Store, StoreError, from_json, reading, statement};
use crate::domain::lifecycle::Life;
use crate::domain::revocation::{Kind, Revocation};
use crate::domain::time::UtcTime;
use std::sync::Arc;

/// Most events that are told of one revocation.
const EVENTS: i64 = 1_000;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: String,
    subject_id: String,
    subject: String,
    request: String,
    accounts: String,
    life: String,
    landed_life: Option<String>,
    landed_request: Option<String>,
    evidence: Option<String>,
    version: i64,
    landings: i64,
    records: i64,
    queued_at: i64,
    watch_until: i64,
}

impl Row {
    pub(super) fn mark(&self) -> Mark {
        Mark { version: self.version, landings: self.landings }
    }

    pub(super) fn read(self) -> Result<Evidenced, StoreError> {
        let evidence = Evidence::read(self.evidence.as_deref())?;
        let read = |text: &str| -> Result<Revocation, StoreError> {
            let request: Revocation = from_json(text, "a revocation's request")?;
            Ok(Revocation { subject: self.subject.clone(), ..request })
        };
        let revocation = read(&self.request)?;
        let instant = |micros| UtcTime::from_micros(micros).unwrap_or(revocation.received_at);
        let life: Arc<Life> = Arc::new(from_json(&self.life, "a revocation's life")?);
        let landed = match self.landed_life.as_deref() {
            Some(text) if text == self.life => Some(Arc::clone(&life)),
            Some(text) => Some(Arc::new(from_json(text, "a revocation's landed life")?)),
            None => None,
        };
        let stored = Stored {
            landed_revocation: self
                .landed_request
                .as_deref()
                .filter(|landed| *landed != self.request)
                .map(|text| read(text).map(Box::new))
                .transpose()?,
            subject_id: self.subject_id,
            accounts: from_json(&self.accounts, "a revocation's accounts")?,
            landed,
            life,
            gist: Gist::of(&evidence),
            version: self.version,
            records: self.records,
            queued_at: instant(self.queued_at),
            watch_until: instant(self.watch_until),
            revocation,
        };
        Ok(Evidenced { stored, evidence })
    }
}

impl Store {
    /// What became of an earlier notice with this key.
    ///
    /// # Errors
    /// [`StoreError::NoticeDiffers`] when its content was another.
    pub async fn repeated(&self, notice: &NoticeKey) -> Result<Option<String>, StoreError> {
        let row: Option<(String, Option<String>)> = reading!(self, pool =>
            sqlx::query_as(statement!("notice_get"))
                .bind(&notice.source).bind(&notice.event_id).fetch_optional(pool).await?
        );
        match row {
            Some((digest, Some(id))) if digest == notice.digest => Ok(Some(id)),
            // With other content, or by another door, where it made no revocation.
            Some(_) => Err(StoreError::NoticeDiffers {
                source_name: notice.source.clone(),
                event_id: notice.event_id.clone(),
            }),
            None => Ok(None),
        }
    }

    /// Events of `source` whose ids begin with `prefix`, and the revocations that they made or joined.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn events_of(
        &self,
        source: &str,
        prefix: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let like = format!("{prefix}%");
        let rows: Vec<(String, String)> = reading!(self, pool =>
            sqlx::query_as(statement!("notices_like"))
                .bind(source).bind(like).bind(EVENTS).fetch_all(pool).await?
        );
        // A `_` in the prefix is like any character.
        Ok(rows.into_iter().filter(|(event, _)| event.starts_with(prefix)).collect())
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
    pub async fn revocation(&self, id: &str) -> Result<Option<Evidenced>, StoreError> {
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
    ) -> Result<Option<Evidenced>, StoreError> {
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_unfinished"))
                .bind(subject).bind(kind.as_str()).fetch_optional(pool).await?
        );
        row.map(Row::read).transpose()
    }

    /// The newest revocations that people may be shown.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list(&self, limit: i64) -> Result<Vec<Evidenced>, StoreError> {
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_list")).bind(limit).fetch_all(pool).await?
        );
        rows.into_iter().map(Row::read).collect()
    }

    /// Revocations that people may be shown and that are scheduled, open, regressed or excepted, oldest first; what
    /// the log does not hold as finished is not finished.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list_open(&self, limit: i64) -> Result<Vec<Evidenced>, StoreError> {
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_open")).bind(limit).fetch_all(pool).await?
        );
        rows.into_iter().map(Row::read).collect()
    }
}
