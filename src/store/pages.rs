//! Reading revocations page by page, newest first.

use super::model::{Evidenced, Stored};
use super::revocations::Row;
use super::{Store, StoreError, reading, statement};
use crate::domain::revocation::{Kind, State};
use crate::domain::time::UtcTime;

/// Which revocations to read; what the log does not hold yet is never read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// States as the log holds them; empty means every state.
    pub states: Vec<State>,
    /// What must be gone.
    pub kind: Option<Kind>,
    /// Exact stable id of the subject.
    pub subject: Option<String>,
    /// Received then or later.
    pub received_after: Option<UtcTime>,
    /// Received before then.
    pub received_before: Option<UtcTime>,
}

/// Where a page ended: the next one begins after it, also if revocations came in meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// When its last revocation was received.
    pub received_at: UtcTime,
    /// Id of that revocation.
    pub id: String,
}

impl Place {
    /// The place of a revocation.
    #[must_use]
    pub fn of(stored: &Stored) -> Self {
        let asked = &stored.revocation;
        Self { received_at: asked.received_at, id: asked.id.clone() }
    }
}

impl Store {
    /// Up to `limit` of the selected revocations, newest first, from the one after `after` on.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn page(
        &self,
        selection: &Selection,
        after: Option<&Place>,
        limit: i64,
    ) -> Result<Vec<Evidenced>, StoreError> {
        // One text for every question: an empty text or the end of time does not restrict.
        let mut states = String::new();
        for state in &selection.states {
            states.push(',');
            states.push_str(state.as_str());
        }
        if !states.is_empty() {
            states.push(',');
        }
        let since = selection.received_after.map_or(i64::MIN, UtcTime::micros);
        let before = selection.received_before.map_or(i64::MAX, |time| time.micros() - 1);
        let (received_at, id) =
            after.map_or((i64::MAX, ""), |place| (place.received_at.micros(), place.id.as_str()));
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_page"))
                .bind(&states)
                .bind(selection.kind.map_or("", Kind::as_str))
                .bind(selection.subject.as_deref().unwrap_or_default())
                // The cursor bounds the range too: without that the index would be read from its beginning.
                .bind(since).bind(before.min(received_at))
                .bind(received_at).bind(id).bind(limit)
                .fetch_all(pool).await?
        );
        rows.into_iter().map(Row::read).collect()
    }
}
