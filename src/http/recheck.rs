//! `/api/v1/revocations/{id}/recheck`: look now, rather than at the next turn.

use super::App;
use super::auth::Caller;
use super::openapi::{Common, Conflicts, Missing};
use super::problem::Problem;
use super::question::{Id, Nothing, Question, nothing};
use super::revocations::store_away;
use super::view::View;
use crate::clock;
use crate::domain::time::UtcTime;
use crate::store::{Evidenced, StoreError};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Longest time that an answer waits for a look. Clients and the listener wait longer than this.
const PATIENCE: Duration = Duration::from_secs(15);

/// A look was asked for, and has not been judged yet.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = LookAskedFor)]
pub struct Asked {
    /// The revocation.
    pub id: String,
    /// When the look was asked for: once `looked_at` is not before this, it has been judged.
    pub asked_at: UtcTime,
}

/// Look now
///
/// Waits up to 15 s for a look that begins after the request, and for the log to hold what followed from it.
#[utoipa::path(
    post,
    path = "/api/v1/revocations/{id}/recheck",
    operation_id = "recheck",
    tag = "revocations",
    params(("id" = String, Path, description = "`rev_…`")),
    responses(
        (status = 200, description = "Judged by a look begun after the request.", body = View),
        (status = 202, description = "Asked for; ask for the revocation a little later.", body = Asked),
        Missing,
        Conflicts,
        Common,
    )
)]
pub(super) async fn recheck(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Response, Problem> {
    let stored = app.journal.store.revocation(&id).await.map_err(store_away)?;
    let stored = stored.filter(|stored| stored.landed.is_some()).ok_or_else(nothing)?;
    let asked_at = clock::now();
    if !stored.is_watched(asked_at) {
        return Err(Problem::new(409, "not-watched", "Not looked at any more")
            .detail("a revocation is looked at until it is withdrawn, or was verified long ago"));
    }
    for target in &app.config.current().targets {
        app.board.ask_whole(&target.name);
    }
    for system in &app.config.current().external {
        app.board.ask_whole(&system.name);
    }
    match tokio::time::timeout(PATIENCE, judged(&app, &id, asked_at)).await {
        Ok(Ok(Some(stored))) => {
            View::of(stored, &app.board).map(|view| Json(view).into_response()).ok_or_else(nothing)
        }
        Ok(Err(error)) => Err(store_away(error)),
        Ok(Ok(None)) | Err(_) => {
            Ok((StatusCode::ACCEPTED, Json(Asked { id, asked_at })).into_response())
        }
    }
}

/// The revocation after a look begun at or after `since`, once the log holds what followed from it.
async fn judged(app: &App, id: &str, since: UtcTime) -> Result<Option<Evidenced>, StoreError> {
    let mut landings = app.journal.landings();
    if app.board.judged_since(id, since, PATIENCE).await.is_none() {
        return Ok(None);
    }
    while app.journal.store.queued_of(id).await? > 0 {
        if landings.changed().await.is_err() {
            return Ok(None);
        }
    }
    app.journal.store.revocation(id).await
}
