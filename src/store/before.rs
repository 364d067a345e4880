//! What accounts had before their access was taken away.

use super::model::Move;
use super::{Store, StoreError, from_json, reading, statement, to_json};
use crate::domain::before::BeforeState;
use crate::domain::revocation::State;

/// Inserts what was there before, where nothing is kept of the account yet.
macro_rules! insert_before {
    ($tx:ident, $rows:expr) => {
        for piece in $crate::store::many::pieces(&$rows) {
            let text = $crate::store::statement!("before_insert");
            let mut query = sqlx::query($crate::store::many::many(text, piece.len()));
            for row in piece {
                query = query.bind(row.revocation).bind(row.target).bind(row.oid).bind(&row.state);
            }
            query.execute(&mut *$tx).await?;
        }
    };
}
pub(super) use insert_before;

/// What an account had, as it is inserted.
pub(super) struct BeforeRow<'a> {
    pub(super) revocation: &'a str,
    pub(super) target: &'a str,
    pub(super) oid: i64,
    pub(super) state: String,
}

impl<'a> BeforeRow<'a> {
    /// The rows of a move.
    pub(super) fn of(step: &'a Move) -> Result<Vec<Self>, StoreError> {
        let mut rows = Vec::new();
        for state in &step.before {
            rows.push(Self {
                revocation: &step.from.revocation.id,
                target: &state.target,
                oid: state.oid.0.into(),
                state: to_json(state, "what was there before")?,
            });
        }
        Ok(rows)
    }
}

/// Whether the person leaves again: what they had when they left before is not what they have now.
pub(super) fn begins_anew(step: &Move) -> bool {
    let (from, to) = (&step.from.life, &step.life);
    let again = from.lineage.rehired.is_some() && to.lineage.rehired.is_none();
    again && to.state != State::Regressed
}

impl Store {
    /// What the accounts of the revocation `id` had, by target and OID; none where no look has found anything, or it
    /// was erased.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn before_of(&self, id: &str) -> Result<Vec<BeforeState>, StoreError> {
        let rows: Vec<String> = reading!(self, pool =>
            sqlx::query_scalar(statement!("before_of")).bind(id).fetch_all(pool).await?
        );
        rows.iter().map(|text| from_json(text, "what was there before")).collect()
    }
}
