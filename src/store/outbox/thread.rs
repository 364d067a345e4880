//! Threads: where the first message of a lane is.

use super::row::instant;
use crate::domain::time::UtcTime;
use crate::store::{Store, StoreError, reading, statement, writing};

/// What is known of the thread of a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// The message that it began with; `None`: the next message begins it.
    pub remote: Option<String>,
    /// The lane in which it goes on.
    pub joined: Option<String>,
    /// When something was last told in it.
    pub told_at: Option<UtcTime>,
}

impl Store {
    /// The thread of a lane.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn thread(&self, receiver: &str, lane: &str) -> Result<Thread, StoreError> {
        let row: Option<(Option<String>, Option<String>, Option<i64>)> = reading!(self, pool =>
            sqlx::query_as(statement!("thread_get"))
                .bind(receiver).bind(lane).fetch_optional(pool).await?
        );
        let (remote, joined, told_at) = row.unwrap_or_default();
        Ok(Thread { remote, joined, told_at: told_at.map(instant) })
    }

    /// Something was told in a lane. The first message that its receiver has begins the thread.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn thread_told(
        &self,
        receiver: &str,
        lane: &str,
        remote: &str,
        now: UtcTime,
    ) -> Result<(), StoreError> {
        writing!(self, tx => {
            sqlx::query(statement!("thread_put"))
                .bind(receiver).bind(lane).bind(remote).bind(now.micros())
                .execute(&mut *tx).await?;
        })
    }

    /// The message that a thread began with is gone or closed: the next one begins it anew.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn thread_cut(&self, receiver: &str, lane: &str) -> Result<(), StoreError> {
        writing!(self, tx => {
            sqlx::query(statement!("thread_cut"))
                .bind(receiver).bind(lane).execute(&mut *tx).await?;
        })
    }
}
