//! Who is told, as the agent writes it down from its configuration: rows are made for them alone.

use crate::domain::delivery::Topic;
use crate::store::{Store, StoreError, statement, writing};
use std::time::Duration;

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// Their name in rows and metrics.
    pub name: String,
    /// A message waits so long for others.
    pub gather: Duration,
    /// A message is worth sending for so long; `None`: as long as its topic says.
    pub keep: Option<Duration>,
    /// What they are told of.
    pub topics: Vec<Topic>,
}

impl Store {
    /// From now on exactly these are told.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn set_receivers(&self, told: &[Addressee]) -> Result<(), StoreError> {
        let micros = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        writing!(self, tx => {
            sqlx::query(statement!("receiver_topics_delete")).execute(&mut *tx).await?;
            sqlx::query(statement!("receivers_delete")).execute(&mut *tx).await?;
            for one in told {
                sqlx::query(statement!("receiver_insert"))
                    .bind(&one.name).bind(micros(one.gather)).bind(one.keep.map(micros))
                    .execute(&mut *tx).await?;
                for topic in &one.topics {
                    sqlx::query(statement!("receiver_topic_insert"))
                        .bind(&one.name).bind(topic.as_str()).execute(&mut *tx).await?;
                }
            }
        })
    }
}
