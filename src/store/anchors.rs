//! Which checkpoints were given to whom.

use super::many::many;
use super::{NewRecord, Store, StoreError, statement, to_json, writing};
use crate::domain::time::UtcTime;
use serde_json::Value;

/// The newest receipt of an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchored {
    /// Size of the tree whose note it is about; 0 before the first.
    pub size: u64,
    /// When it came. Before the first: since when it is waited for.
    pub at: UtcTime,
}

fn key(kind: &str, name: &str) -> String {
    format!("anchor/{kind}/{name}")
}

fn read(text: &str) -> Option<Anchored> {
    let (size, at) = text.split_once(' ')?;
    let at = UtcTime::from_micros(at.parse().ok()?)?;
    Some(Anchored { size: size.parse().ok()?, at })
}

impl Store {
    /// The newest receipt of an anchor. Who asks for the first time, at `now`, is remembered.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn anchored(
        &self,
        kind: &str,
        name: &str,
        now: UtcTime,
    ) -> Result<Anchored, StoreError> {
        let none = format!("0 {}", now.micros());
        let text = self.meta_once(&key(kind, name), &none).await?;
        Ok(read(&text).unwrap_or(Anchored { size: 0, at: now }))
    }

    /// The newest receipt of an anchor, if there was one. Writes nothing.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn last_anchored(
        &self,
        kind: &str,
        name: &str,
    ) -> Result<Option<Anchored>, StoreError> {
        let text = self.meta(&key(kind, name)).await?;
        Ok(text.and_then(|text| read(&text)).filter(|known| known.size > 0))
    }

    /// Queues the record of a receipt and remembers it, in one transaction.
    ///
    /// # Errors
    /// When the database is away, or the record is there already: no checkpoint is recorded twice for one place.
    pub async fn queue_anchor(
        &self,
        id: &str,
        record: &NewRecord,
        place: (&str, &str),
        anchored: Anchored,
    ) -> Result<(), StoreError> {
        let mut body = record.body.clone();
        body.insert("id".to_owned(), Value::String(id.to_owned()));
        let body = to_json(&body, "a record")?;
        let (size, at) = (anchored.size, anchored.at.micros());
        writing!(self, tx => {
            sqlx::query(many(statement!("record_insert"), 1))
                .bind(id).bind(None::<&str>).bind(0_i64).bind(record.kind).bind(&body)
                .bind(None::<&str>).bind(None::<&str>).bind(at)
                .execute(&mut *tx).await?;
            sqlx::query(statement!("meta_put"))
                .bind(key(place.0, place.1)).bind(format!("{size} {at}"))
                .execute(&mut *tx).await?;
        })
    }
}
