//! Facts about the whole store.

use super::{Store, StoreError, from_json, reading, statement, to_json, writing};
use crate::domain::time::UtcTime;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// After this time without a sign of life another agent may take the store over.
const CLAIM: Duration = Duration::from_secs(60);

/// The process that holds the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Which log directory it writes: host, device and inode. Whoever holds that directory's lock is the
    /// only process of this instance.
    pub instance: String,
    /// Its last sign of life.
    pub renewed_at: UtcTime,
}

impl Store {
    /// A fact by its key.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn meta(&self, key: &str) -> Result<Option<String>, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_scalar(statement!("meta_get")).bind(key).fetch_optional(pool).await?
        ))
    }

    /// The fact `key`: `value`, unless it was said before.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn meta_once(&self, key: &str, value: &str) -> Result<String, StoreError> {
        let inserted: Result<u64, StoreError> = writing!(self, tx =>
            sqlx::query(statement!("meta_insert"))
                .bind(key).bind(value).execute(&mut *tx).await?.rows_affected()
        );
        inserted?;
        Ok(self.meta(key).await?.unwrap_or_else(|| value.to_owned()))
    }

    /// Binds the store to the log `origin`: the first log is remembered, another one is refused.
    ///
    /// # Errors
    /// [`StoreError::Held`] when it belongs to another log.
    pub async fn bind_to_log(&self, origin: &str) -> Result<(), StoreError> {
        let inserted: Result<u64, StoreError> = writing!(self, tx =>
            sqlx::query(statement!("meta_insert"))
                .bind("origin").bind(origin).execute(&mut *tx).await?.rows_affected()
        );
        inserted?;
        let bound = self.meta("origin").await?.unwrap_or_default();
        if bound == origin {
            return Ok(());
        }
        Err(StoreError::Held(format!(
            "it belongs to the log {bound}, but the configured log is {origin}. Use that log, or a new store"
        )))
    }

    /// Claims the store for `instance`, or renews the claim.
    ///
    /// # Errors
    /// [`StoreError::Held`] when another instance showed a sign of life within the last minute.
    pub async fn claim(&self, instance: &str, now: UtcTime) -> Result<(), StoreError> {
        let mine = Holder { instance: instance.to_owned(), renewed_at: now };
        let mine = to_json(&mine, "holder")?;
        let Some(before) = self.meta("holder").await? else {
            let inserted: Result<u64, StoreError> = writing!(self, tx =>
                sqlx::query(statement!("meta_insert"))
                    .bind("holder").bind(&mine).execute(&mut *tx).await?.rows_affected()
            );
            return if inserted? == 1 { Ok(()) } else { Err(lost_race()) };
        };
        let holder: Holder = from_json(&before, "holder")?;
        if holder.instance != instance && now.since(holder.renewed_at) < CLAIM {
            return Err(StoreError::Held(format!(
                "another agent holds it ({}, last seen {} s ago). Stop that one first, or give this one a \
                 store of its own",
                holder.instance,
                now.since(holder.renewed_at).as_secs()
            )));
        }
        let swapped: Result<u64, StoreError> = writing!(self, tx =>
            sqlx::query(statement!("meta_swap"))
                .bind("holder").bind(&before).bind(&mine).execute(&mut *tx).await?.rows_affected()
        );
        if swapped? == 1 {
            return Ok(());
        }
        // A renewal of our own that a killed process had sent may have come in between.
        let now_held = self.meta("holder").await?.map(|text| from_json::<Holder>(&text, "holder"));
        match now_held.transpose()? {
            Some(holder) if holder.instance == instance => Ok(()),
            _ => Err(lost_race()),
        }
    }

    /// Gives the claim up, so that another instance need not wait.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn release(&self, instance: &str, now: UtcTime) -> Result<(), StoreError> {
        let Some(before) = self.meta("holder").await? else { return Ok(()) };
        let holder: Holder = from_json(&before, "holder")?;
        if holder.instance != instance {
            return Ok(());
        }
        let long_ago = UtcTime::from_micros(0).unwrap_or(now);
        let gone = to_json(&Holder { renewed_at: long_ago, ..holder }, "holder")?;
        let swapped: Result<u64, StoreError> = writing!(self, tx =>
            sqlx::query(statement!("meta_swap"))
                .bind("holder").bind(&before).bind(&gone).execute(&mut *tx).await?.rows_affected()
        );
        swapped.map(|_| ())
    }
}

fn lost_race() -> StoreError {
    StoreError::Held("another agent claimed it at the same moment. Start again".to_owned())
}
