//! Notices that came with the id of another one and other content: kept apart, since they changed nothing.

use super::notices::instant;
use super::{Store, StoreError, reading, statement, writing};
use crate::domain::time::UtcTime;

/// Notices of one id with different contents that are kept apart. Beyond that they are counted only.
const CONFLICTS: i64 = 10_000;

/// Notices that came with the id of another one and other content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicted {
    /// Sender.
    pub source: String,
    /// Their id of the event.
    pub event_id: String,
    /// SHA-256 of the bytes.
    pub digest: String,
    /// First time.
    pub first_at: UtcTime,
    /// Last time.
    pub last_at: UtcTime,
    /// How often.
    pub times: i64,
}

impl Store {
    /// Notes that a notice came with the id of another one and other content.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn conflicted(
        &self,
        source: &str,
        event_id: &str,
        digest: &str,
        at: UtcTime,
    ) -> Result<(), StoreError> {
        let known: i64 = reading!(self, pool =>
            sqlx::query_scalar(statement!("notice_conflicts_count")).fetch_one(pool).await?
        );
        if known >= CONFLICTS {
            return Ok(());
        }
        writing!(self, tx => {
            sqlx::query(statement!("notice_conflict"))
                .bind(source).bind(event_id).bind(digest).bind(at.micros())
                .execute(&mut *tx).await?;
        })
    }

    /// Those of `source`, newest first; an empty text does not restrict.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn conflicts(&self, source: &str, limit: i64) -> Result<Vec<Conflicted>, StoreError> {
        let rows: Vec<(String, String, String, i64, i64, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("notice_conflicts"))
                .bind(source).bind(limit).fetch_all(pool).await?
        );
        let read = |(source, event_id, digest, first, last, times)| Conflicted {
            source,
            event_id,
            digest,
            first_at: instant(first),
            last_at: instant(last),
            times,
        };
        Ok(rows.into_iter().map(read).collect())
    }
}
