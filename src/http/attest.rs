//! `/api/v1/revocations/{id}/attest`: what people say of the checklist.

use super::App;
use super::auth::Caller;
use super::openapi::{Common, Missing, Notices};
use super::problem::Problem;
use super::question::{Id, Nothing, Question, json, nothing};
use super::revocations::problem_of;
use crate::intake::attest::ItemAttestation;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was attested.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ItemTaken)]
pub struct Taken {
    /// The revocation.
    pub id: String,
    /// Name of the item.
    pub item: String,
}

/// Attest an item of the checklist
///
/// Kept as the caller's word, apart from what was verified: it never decides a verdict. The note stays in the store.
#[utoipa::path(
    post,
    path = "/api/v1/revocations/{id}/attest",
    operation_id = "attest_item",
    tag = "revocations",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body(content = ItemAttestation, content_type = "application/json"),
    responses(
        (status = 200, description = "Taken, and in the log.", body = Taken),
        Missing,
        Notices,
        Common,
    )
)]
pub(super) async fn attest_item(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Taken>, Problem> {
    let body = json(&headers, body)?;
    let taken = app.intake.attest_item(&id, &body, &caller).await;
    let word = taken.map_err(|error| problem_of(&caller, error))?.ok_or_else(nothing)?;
    tracing::info!(caller, revocation = id, item = word.item, "an item was attested");
    Ok(Json(Taken { id, item: word.item }))
}
