//! `/api/v1/revocations`.

use super::App;
use super::auth::Caller;
use super::problem::Problem;
use super::view::View;
use crate::domain::request::Refused;
use crate::intake::IntakeError;
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};

/// Most revocations in one answer.
const PAGE: i64 = 10_000;

#[derive(Debug, Serialize)]
struct Answer {
    id: String,
    known: bool,
    amended: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct List {
    revocations: Vec<View>,
    truncated: bool,
}

fn store_away(error: crate::store::StoreError) -> Problem {
    let error = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(error, "the store does not answer a question");
    Problem::unavailable("the state store does not answer")
}

/// The body, or why it could not be read.
pub(super) fn whole(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(413, "too-large", "Body too large").detail("a notice has up to 64 KiB")
        }
        _ => Problem::new(400, "malformed", "Malformed request"),
    })
}

/// Accepts a revocation. 202, once its record is in the log.
pub(super) async fn submit(
    State(app): State<App>,
    Caller(caller): Caller,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, Problem> {
    let body = whole(body)?;
    let key = match headers.get("idempotency-key") {
        None => None,
        Some(value) => {
            Some(value.to_str().ok().filter(|key| !key.is_empty() && key.len() <= 255).ok_or_else(
                || {
                    Problem::new(400, "malformed", "Malformed request")
                        .detail("Idempotency-Key: 1 to 255 characters")
                },
            )?)
        }
    };
    let accepted =
        app.intake.submit(&body, &caller, key).await.map_err(|error| problem_of(&caller, error))?;
    tracing::info!(
        caller,
        revocation = accepted.id,
        known = accepted.known,
        amended = accepted.amended,
        "a notice was accepted"
    );
    let location = format!("/api/v1/revocations/{}", accepted.id);
    let answer = Answer { id: accepted.id, known: accepted.known, amended: accepted.amended };
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(answer)))
}

pub(super) fn problem_of(caller: &str, error: IntakeError) -> Problem {
    match error {
        // What is wrong with it quotes the notice: that is for its sender only.
        IntakeError::Submission(wrong) => {
            tracing::warn!(caller, "a notice was refused: it cannot be used");
            Problem::new(422, "unusable", "Unusable notice").detail(wrong.to_string())
        }
        IntakeError::Refused(refused) => refused_as(&refused),
        IntakeError::Differs { .. } => {
            tracing::warn!(caller, "a notice was refused: its id came before with other content");
            Problem::new(409, "differs", "Received before with other content")
                .detail(error.to_string())
        }
        IntakeError::Unavailable(_) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::warn!(caller, error, "a notice was not acknowledged");
            Problem::unavailable(
                "the notice is not in the audit log yet; send it again, it will not count twice",
            )
        }
    }
}

fn refused_as(refused: &Refused) -> Problem {
    let detail = refused.to_string();
    match refused {
        Refused::SamePerson(_) => {
            Problem::new(403, "second-person", "A second person has to approve").detail(detail)
        }
        Refused::NothingWaits
        | Refused::Another(_)
        | Refused::Expired
        | Refused::State(_)
        | Refused::HasAccount(_) => {
            Problem::new(409, "not-possible", "Not possible as it stands").detail(detail)
        }
    }
}

/// What to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    /// Only what is scheduled, open or regressed, oldest first.
    #[serde(default)]
    open: bool,
}

/// The newest revocations, or those that are open.
pub(super) async fn list(
    State(app): State<App>,
    Caller(_): Caller,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<List>, Problem> {
    let Query(filter) = filter.map_err(|rejection| {
        Problem::new(400, "malformed", "Malformed request").detail(rejection.body_text())
    })?;
    let store = &app.journal.store;
    let found =
        if filter.open { store.list_open(PAGE + 1).await } else { store.list(PAGE + 1).await };
    let mut stored = found.map_err(store_away)?;
    let truncated = i64::try_from(stored.len()).is_ok_and(|count| count > PAGE);
    stored.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    Ok(Json(List { revocations: stored.into_iter().filter_map(View::of).collect(), truncated }))
}

/// One revocation.
pub(super) async fn show(
    State(app): State<App>,
    Caller(_): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<View>, Problem> {
    let id = id_of(id)?;
    let stored = app.journal.store.revocation(&id).await.map_err(store_away)?;
    stored.and_then(View::of).map(Json).ok_or_else(nothing)
}

pub(super) fn nothing() -> Problem {
    Problem::not_found("there is no such revocation")
}

/// The id in the path. What is no text, or no text that every database takes, is no id of ours.
pub(super) fn id_of(id: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    id.ok().map(|Path(id)| id).filter(|id| !id.contains('\0')).ok_or_else(nothing)
}
