//! Going over to another log, when the one that the store belonged to was damaged.

use super::{Store, StoreError, reading, statement, writing};

impl Store {
    /// How many records are marked as being in the log at line `seq` or after it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn landed_from(&self, seq: u64) -> Result<u64, StoreError> {
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        let count: i64 = reading!(self, pool =>
            sqlx::query_scalar(statement!("records_landed_from")).bind(seq).fetch_one(pool).await?
        );
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Binds the store to the log `origin`, whose first line has the hash `hash`: what is queued lands there, and the
    /// `subject` records of those who can be disclosed land there again.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn move_to_log(&self, origin: &str, hash: &str) -> Result<(), StoreError> {
        writing!(self, tx => {
            sqlx::query(statement!("records_unplace")).execute(&mut *tx).await?;
            sqlx::query(statement!("records_subjects_again")).execute(&mut *tx).await?;
            for (key, value) in [("origin", origin.to_owned()), ("landed", format!("0 {hash}"))] {
                sqlx::query(statement!("meta_put")).bind(key).bind(value).execute(&mut *tx).await?;
            }
        })
    }
}
