//! Digests: one message that tells several rows.

use super::Delivery;
use super::row::{Line, read};
use crate::domain::delivery::Standing;
use crate::domain::time::UtcTime;
use crate::store::{Store, StoreError, reading, statement, writing};

/// Rows that become one message.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// Id of the digest, where one has to be made.
    pub id: &'a str,
    /// Its lane.
    pub lane: &'a str,
    /// Its reason, which says where it goes; empty: where everything goes.
    pub reason: &'a str,
    /// What it tells. There is one at least.
    pub rows: &'a [Delivery],
    /// How these stand then: carried or expired.
    pub standing: Standing,
    /// What follows of their lanes is told in the lane of the digest.
    pub joins: bool,
    /// A new digest is not sent before.
    pub due_at: UtcTime,
}

impl Store {
    /// Makes one message of several rows: a new one, or the one of its lane that nobody saw yet. False: one of the rows
    /// was changed meanwhile, and nothing was done.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_group(
        &self,
        receiver: &str,
        group: Group<'_>,
        now: UtcTime,
    ) -> Result<bool, StoreError> {
        let Some(last) = group.rows.iter().max_by_key(|row| row.seq) else { return Ok(true) };
        // What follows of any of them comes after the digest, also where it landed before the last of them.
        let first = group.rows.iter().filter_map(|row| row.seq).min();
        let seq = first.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(0);
        let urgency = group.rows.iter().map(|row| row.topic.rank()).min().unwrap_or(0);
        let open: Option<Line> = reading!(self, pool =>
            sqlx::query_as(statement!("outbox_digest_open"))
                .bind(receiver).bind(group.lane).fetch_optional(pool).await?
        );
        let open = open.map(Line::read).transpose()?;
        let changed = || StoreError::Conflict { id: group.lane.to_owned(), version: 0 };
        let done: Result<(), StoreError> = writing!(self, tx => {
            let carrier = if let Some(open) = &open {
                let grown = sqlx::query(statement!("outbox_digest_grow"))
                    .bind(&open.id).bind(open.version).bind(seq).bind(urgency)
                    .execute(&mut *tx).await?.rows_affected();
                if grown != 1 {
                    // Dropped, the transaction is rolled back.
                    return Err(changed());
                }
                open.id.as_str()
            } else {
                sqlx::query(statement!("outbox_digest"))
                    .bind(group.id).bind(&last.record).bind(receiver).bind(group.reason)
                    .bind(urgency).bind(group.lane).bind(now.micros()).bind(seq)
                    .bind(group.due_at.micros())
                    .execute(&mut *tx).await?;
                group.id
            };
            for row in group.rows {
                let taken = sqlx::query(statement!("outbox_carry"))
                    .bind(&row.id).bind(row.version).bind(group.standing.as_str())
                    .bind(carrier).bind(now.micros())
                    .execute(&mut *tx).await?.rows_affected();
                if taken != 1 {
                    return Err(changed());
                }
                if group.joins {
                    sqlx::query(statement!("thread_join"))
                        .bind(receiver).bind(&row.lane).bind(group.lane)
                        .execute(&mut *tx).await?;
                }
            }
        });
        match done {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What follows of lanes that joined another one goes there, and edits that a newer one makes needless are left out.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_tidy(&self, receiver: &str, now: UtcTime) -> Result<(), StoreError> {
        writing!(self, tx => {
            sqlx::query(statement!("outbox_join")).bind(receiver).execute(&mut *tx).await?;
            sqlx::query(statement!("outbox_supersede"))
                .bind(receiver).bind(now.micros()).execute(&mut *tx).await?;
        })
    }

    /// What was not sent while it was worth sending, and no digest tells yet.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_expired(
        &self,
        receiver: &str,
        now: UtcTime,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        read(reading!(self, pool =>
            sqlx::query_as(statement!("outbox_expired"))
                .bind(receiver).bind(now.micros()).bind(limit).fetch_all(pool).await?
        ))
    }

    /// The first rows that a digest tells, what is to be read first before the rest.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_carried(
        &self,
        digest: &str,
        limit: i64,
    ) -> Result<Vec<Delivery>, StoreError> {
        read(reading!(self, pool =>
            sqlx::query_as(statement!("outbox_carried"))
                .bind(digest).bind(limit).fetch_all(pool).await?
        ))
    }

    /// How many rows a digest tells, by topic and reason, and the newest line of the log among them.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn outbox_counts(
        &self,
        digest: &str,
    ) -> Result<Vec<(String, String, i64, i64)>, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_as(statement!("outbox_counts")).bind(digest).fetch_all(pool).await?
        ))
    }
}
