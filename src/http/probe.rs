//! `/api/v1/revocations/{id}/probe`: what somebody found out about an old secret.

use super::App;
use super::auth::Caller;
use super::openapi::{Common, Missing, Notices};
use super::problem::Problem;
use super::question::{Id, Nothing, Question, json, nothing};
use super::revocations::problem_of;
use crate::domain::credential::Attestation;
use crate::domain::probe::{Finding, Why};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the attempt says of the old secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ProbeTaken)]
pub struct Taken {
    /// The revocation.
    pub id: String,
    /// What the attempt says of the old secret.
    pub finding: Finding,
    /// What that rests on.
    pub why: Why,
}

/// Attest an attempt with an old secret
///
/// For a rotation: how a server answered somebody who tried the old secret, never the secret itself. It is kept as
/// the caller's word. `revoked probe login --revocation ID` makes the attempt and sends this.
#[utoipa::path(
    post,
    path = "/api/v1/revocations/{id}/probe",
    operation_id = "attest",
    tag = "revocations",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body(content = Attestation, content_type = "application/json"),
    responses(
        (status = 200, description = "Taken, and in the log.", body = Taken),
        Missing,
        Notices,
        Common,
    )
)]
pub(super) async fn attest(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Taken>, Problem> {
    let body = json(&headers, body)?;
    let taken = app.intake.attest(&id, &body, &caller).await;
    let taken = taken.map_err(|error| problem_of(&caller, error))?.ok_or_else(nothing)?;
    tracing::info!(
        caller,
        revocation = id,
        finding = taken.finding.as_str(),
        "an attempt with an old secret was attested"
    );
    Ok(Json(Taken { id, finding: taken.finding, why: taken.why }))
}
