//! The canaries' watches: kept with the record that says so.

use super::many::many;
use super::outbox::{fresh, insert_fresh};
use super::{NewRecord, Store, StoreError, from_json, reading, statement, to_json, writing};
use crate::domain::canary::Watch;
use crate::domain::time::UtcTime;
use serde_json::Value;

/// A target's canary as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCanary {
    /// Configured name of the cluster.
    pub target: String,
    /// What is remembered.
    pub watch: Watch,
    /// The newest record about it, if there is one.
    pub record: Option<String>,
    /// That record is in the log, so that it may be shown.
    pub landed: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    target: String,
    watch: String,
    record_id: Option<String>,
    record_state: Option<String>,
}

impl Row {
    fn read(self) -> Result<StoredCanary, StoreError> {
        Ok(StoredCanary {
            watch: from_json(&self.watch, "a canary's watch")?,
            target: self.target,
            record: self.record_id,
            landed: self.record_state.as_deref() == Some("landed"),
        })
    }
}

impl Store {
    /// Every canary that was ever searched for and is configured still.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn canaries(&self) -> Result<Vec<StoredCanary>, StoreError> {
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("canaries")).fetch_all(pool).await?
        );
        rows.into_iter().map(Row::read).collect()
    }

    /// Remembers `watch`, and queues the record that says so: its id and content.
    ///
    /// # Errors
    /// When the database is away; then neither is kept.
    pub async fn keep_canary(
        &self,
        target: &str,
        watch: &Watch,
        note: Option<(&str, &NewRecord)>,
        at: UtcTime,
    ) -> Result<(), StoreError> {
        let watch = to_json(watch, "a canary's watch")?;
        let record = note
            .map(|(id, note)| {
                let mut body = note.body.clone();
                body.insert("id".to_owned(), Value::String(id.to_owned()));
                Ok::<_, StoreError>((id, note.kind, to_json(&body, "a record")?))
            })
            .transpose()?;
        let told: Vec<_> = note
            .into_iter()
            .flat_map(|(id, note)| fresh(id, id, note.kind, &note.body, at.micros()))
            .collect();
        writing!(self, tx => {
            if let Some((id, kind, body)) = &record {
                sqlx::query(many(statement!("record_insert"), 1))
                    .bind(*id).bind(None::<&str>).bind(0_i64).bind(*kind).bind(body)
                    .bind(None::<&str>).bind(None::<&str>).bind(at.micros())
                    .execute(&mut *tx).await?;
                insert_fresh!(tx, told);
            }
            sqlx::query(statement!("canary_put"))
                .bind(target).bind(&watch).bind(record.as_ref().map(|(id, _, _)| *id))
                .execute(&mut *tx).await?;
        })
    }

    /// Forgets the canary of a target that has none any more.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn forget_canary(&self, target: &str) -> Result<(), StoreError> {
        writing!(self, tx => {
            sqlx::query(statement!("canary_delete")).bind(target).execute(&mut *tx).await?;
        })
    }
}
