//! `/api/v1/revocations/{id}/before`: what was there before, and the SQL that would give it back.

use super::App;
use super::auth::Caller;
use super::hide;
use super::openapi::{Common, Missing};
use super::problem::Problem;
use super::question::{Id, Nothing, Question, nothing};
use super::revocations::store_away;
use crate::domain::before::BeforeState;
use crate::domain::plan::restore;
use crate::store::{Store, StoreError};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Said where there is nothing to show.
pub const NONE: &str = "nothing is kept of what was there before: no look has found anything of it before it was \
    verified, or it was erased";

/// What was there before access was taken away.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Before {
    /// The revocation.
    pub id: String,
    /// What each account had, as the first look saw it that found anything of it.
    pub accounts: Vec<BeforeState>,
    /// A script for psql that gives it back: evidence, and no advice.
    pub script: String,
}

/// What was there before
///
/// Kept from the first look that found anything of an account, and never changed. Access that is given back without
/// an approved withdrawal is a regression.
#[utoipa::path(
    get,
    path = "/api/v1/revocations/{id}/before",
    operation_id = "before",
    tag = "revocations",
    params(("id" = String, Path, description = "`rev_…`")),
    responses(
        (status = 200, description = "What was there, and a script that gives it back.", body = Before),
        Missing,
        Common,
    )
)]
pub(super) async fn before(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Json<Before>, Problem> {
    let store = &app.journal.store;
    let stored = store.revocation(&id).await.map_err(store_away)?;
    if stored.is_none_or(|stored| stored.landed.is_none()) {
        return Err(nothing());
    }
    let before = of(store, &id).await.map_err(store_away)?;
    before.map(Json).ok_or_else(|| Problem::not_found(NONE))
}

/// What was there before the revocation `id`; `None` where nothing is kept of that.
///
/// # Errors
/// When the store is away.
pub async fn of(store: &Store, id: &str) -> Result<Option<Before>, StoreError> {
    let mut accounts = store.before_of(id).await?;
    if accounts.is_empty() {
        return Ok(None);
    }
    for state in &mut accounts {
        state.gaps = std::mem::take(&mut state.gaps).into_iter().map(hide::names).collect();
    }
    let script = restore::script(id, &accounts);
    Ok(Some(Before { id: id.to_owned(), accounts, script }))
}
