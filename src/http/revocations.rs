//! `/api/v1/revocations`.

use super::App;
use super::auth::Caller;
use super::list::{self, Filter, ListError, Page};
use super::problem::Problem;
use super::view::View;
use crate::intake::IntakeError;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Answer {
    id: String,
    known: bool,
    amended: bool,
}

pub(super) fn store_away(error: crate::store::StoreError) -> Problem {
    tracing::error!("answering from the store: {:#}", anyhow::Error::new(error));
    Problem::unavailable("the state store does not answer")
}

/// Accepts a revocation. 202, once its record is in the log.
pub(super) async fn submit(
    State(app): State<App>,
    Caller(caller): Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, Problem> {
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(413, "too-large", "Body too large").detail("a notice has up to 64 KiB")
        }
        _ => Problem::malformed("the body did not arrive whole"),
    })?;
    let key = match headers.get("idempotency-key") {
        None => None,
        Some(value) => Some(
            value
                .to_str()
                .ok()
                .filter(|key| !key.is_empty() && key.len() <= 255)
                .ok_or_else(|| Problem::malformed("Idempotency-Key: 1 to 255 characters"))?,
        ),
    };
    let accepted =
        app.intake.submit(&body, &caller, key).await.map_err(|error| problem_of(&caller, error))?;
    let location = format!("/api/v1/revocations/{}", accepted.id);
    let answer = Answer { id: accepted.id, known: accepted.known, amended: accepted.amended };
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(answer)))
}

fn problem_of(caller: &str, error: IntakeError) -> Problem {
    match error {
        IntakeError::Submission(wrong) => {
            Problem::new(422, "unusable", "Unusable notice").detail(wrong.to_string())
        }
        IntakeError::Differs { .. } => {
            tracing::warn!(caller, "{error}");
            Problem::new(409, "differs", "Received before with other content")
                .detail(error.to_string())
        }
        IntakeError::Unavailable(_) => {
            tracing::error!(caller, "{:#}", anyhow::Error::new(error));
            Problem::unavailable(
                "the notice is not in the audit log yet; send it again, it will not count twice",
            )
        }
    }
}

/// Revocations, newest first.
pub(super) async fn list(
    State(app): State<App>,
    Caller(_): Caller,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(filter) = filter.map_err(|rejection| Problem::malformed(rejection.body_text()))?;
    let page = list::page(&app.journal.store, &app.board, &filter).await;
    page.map(Json).map_err(|error| match error {
        ListError::Filter(what) => Problem::malformed(what),
        ListError::Store(error) => store_away(error),
    })
}

/// One revocation.
pub(super) async fn show(
    State(app): State<App>,
    Caller(_): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<View>, Problem> {
    let nothing = || Problem::not_found("there is no such revocation");
    // What is no text, or no text that every database takes, is no id of ours.
    let Some(Path(id)) = id.ok().filter(|Path(id)| !id.contains('\0')) else {
        return Err(nothing());
    };
    let stored = app.journal.store.revocation(&id).await.map_err(store_away)?;
    stored.and_then(|stored| View::of(stored, &app.board)).map(Json).ok_or_else(nothing)
}
