//! Erasing a person: DELETE.

use super::App;
use super::auth::Caller;
use super::openapi::{Common, Missing};
use super::problem::Problem;
use super::question::{Id, Nothing, Question, json};
use super::revocations::problem_of;
use crate::domain::erasure::Basis;
use crate::intake::erase::Erased;
use crate::intake::submission::object;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a person is erased.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Erasing {
    /// On what ground.
    basis: Basis,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Forgotten {
    /// Id of the subject in the log, which stays.
    subject: String,
    /// Revocations about them, which stay without a name.
    revocations: usize,
    /// False: it was done before.
    erased: bool,
}

/// Erase a person
///
/// Deletes from the store who a subject is: names, the disclosure, and what the notices about them said. Their
/// revocations stay, under the id that the log has. Refused while one of them is not finished.
#[utoipa::path(
    delete,
    path = "/api/v1/subjects/{id}",
    operation_id = "erase",
    tag = "subjects",
    params(("id" = String, Path, description = "`s_…`, or the stable id of the person as the notices gave it")),
    request_body(content = Erasing, content_type = "application/json"),
    responses(
        (status = 200, description = "Done, and in the log.", body = Forgotten),
        (
            status = 409,
            description = "A revocation of the subject is not finished.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        (
            status = 413,
            description = "More than 64 KiB.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        (
            status = 415,
            description = "Not JSON.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        (
            status = 422,
            description = "No object with a known `basis`.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        Missing,
        Common,
    )
)]
pub(super) async fn erase(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Forgotten>, Problem> {
    let body = json(&headers, body)?;
    let Erasing { basis } = object(&body).map_err(|wrong| problem_of(&caller, wrong.into()))?;
    let done = app.intake.erase(&id, basis, &caller).await;
    let Erased { subject, revocations, erased } = done
        .map_err(|error| problem_of(&caller, error))?
        .ok_or_else(|| Problem::not_found("there is no such subject"))?;
    if erased {
        tracing::info!(caller, subject, basis = basis.as_str(), "a person was erased");
    }
    Ok(Json(Forgotten { subject, revocations, erased }))
}
