//! Changing a revocation: PATCH, DELETE and approve.

use super::App;
use super::auth::Caller;
use super::notice::OneOrMany;
use super::openapi::{Common, Missing, Notices};
use super::problem::Problem;
use super::question::{Id, Nothing, Question, json, nothing};
use super::revocations::problem_of;
use crate::domain::request::Request;
use crate::intake::IntakeError;
use crate::intake::amend::{self, Changed};
use crate::intake::submission::object;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChangeMade)]
pub(super) struct Outcome {
    /// The revocation.
    id: String,
    /// Something changed at once.
    amended: bool,
    /// What waits for a second person.
    pending: Option<Request>,
}

/// What is to change, as the description has it. It is read by `intake::amend`; a test holds both together.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"effective_at": "2026-03-05", "time_zone": "Europe/Berlin"}))]
pub(super) struct Amendment {
    /// When access has to end. A later time waits for a second person.
    effective_at: Option<String>,
    /// Zone in which that is meant, as an IANA name.
    #[schema(min_length = 1, max_length = 1000)]
    time_zone: Option<String>,
    /// By when everything has to be gone. A later time waits for a second person.
    deadline: Option<String>,
    /// More accounts, each as `role` or `target/role`.
    account: Option<OneOrMany>,
    /// More roles that must be gone, for a partial revocation.
    roles: Option<OneOrMany>,
    /// More permissions that must be gone, for a partial revocation.
    permissions: Option<OneOrMany>,
    /// Another ticket.
    #[schema(min_length = 1, max_length = 1000)]
    ticket: Option<String>,
    /// The subject has no account anywhere. Waits for a second person.
    #[schema(default = false)]
    #[serde(default)]
    no_account: bool,
    /// A role that is the subject's, as `role` or `target/role`: the answer to the question whose it is.
    link: Option<String>,
    /// A linked role that is not the subject's. Waits for a second person.
    unlink: Option<Unlinking>,
    /// Why; it stays in the store.
    #[schema(min_length = 1, max_length = 1000)]
    why: Option<String>,
}

/// Which link is to be removed.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Unlinking {
    /// The role, as `role` or `target/role`.
    account: String,
    /// Its OID, where several roles bear or bore the name.
    oid: Option<u32>,
    /// The system identifier of its cluster, where several clusters were at the target.
    cluster: Option<String>,
}

/// Why a revocation is to be withdrawn.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Withdrawal {
    /// Why; it stays in the store.
    #[schema(min_length = 1, max_length = 1000)]
    why: Option<String>,
    /// It should never have been expected: access was taken away by mistake, and is given back.
    #[schema(default = false)]
    #[serde(default)]
    erroneous: bool,
}

/// Which request is approved: the one that was looked at, and no other that took its place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approving {
    /// `req_…`, as `pending` or `emergency` has it.
    request: String,
}

/// 202 while something waits for a second person, else 200.
fn answer(
    caller: &str,
    changed: Result<Option<Changed>, IntakeError>,
) -> Result<Response, Problem> {
    let changed = changed.map_err(|error| problem_of(caller, error))?.ok_or_else(nothing)?;
    let status = if changed.pending.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    let Changed { id, amended, pending } = changed;
    Ok((status, Json(Outcome { id, amended, pending })).into_response())
}

/// An object, or nothing at all.
fn optional<T: Default + serde::de::DeserializeOwned>(
    caller: &str,
    body: &Bytes,
) -> Result<T, Problem> {
    if body.is_empty() {
        return Ok(T::default());
    }
    object::<Option<T>>(body)
        .map(Option::unwrap_or_default)
        .map_err(|wrong| problem_of(caller, wrong.into()))
}

/// Amend a revocation
///
/// What asks for more, or earlier, is done at once. A later time, a later deadline, and that there is no account
/// keep access: they wait until another caller approves.
#[utoipa::path(
    patch,
    path = "/api/v1/revocations/{id}",
    operation_id = "amend",
    tag = "revocations",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body(content = Amendment, content_type = "application/json"),
    responses(
        (status = 200, description = "Done, and in the log.", body = Outcome),
        (status = 202, description = "Something waits for a second person.", body = Outcome),
        Missing,
        Notices,
        Common,
    )
)]
pub(super) async fn change(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = json(&headers, body)?;
    answer(&caller, Box::pin(app.intake.change(&id, &body, &caller)).await)
}

/// Withdraw a revocation
///
/// Asks that nothing is expected any more; waits until another caller approves.
#[utoipa::path(
    delete,
    path = "/api/v1/revocations/{id}",
    operation_id = "withdraw",
    tag = "revocations",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body(content = Option<Withdrawal>, content_type = "application/json"),
    responses(
        (status = 200, description = "Withdrawn: here one person is enough.", body = Outcome),
        (status = 202, description = "Waits for a second person.", body = Outcome),
        Missing,
        Notices,
        Common,
    )
)]
pub(super) async fn withdraw(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = json(&headers, body)?;
    let Withdrawal { why, erroneous } = optional(&caller, &body)?;
    let withdrawal = amend::Withdrawal { why: why.as_deref(), erroneous };
    answer(&caller, app.intake.withdraw(&id, withdrawal, &caller).await)
}

/// Approve what waits
///
/// By another caller than the one who asked for it: a request (`pending.id`), or an emergency (`emergency.id`), which
/// was acted on at once and is approved afterwards.
#[utoipa::path(
    post,
    path = "/api/v1/revocations/{id}/approve",
    operation_id = "approve",
    tag = "revocations",
    params(("id" = String, Path, description = "`rev_…`")),
    request_body(content = Approving, content_type = "application/json"),
    responses(
        (status = 200, description = "Done, and in the log.", body = Outcome),
        (
            status = 403,
            description = "The caller asked for it.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        Missing,
        Notices,
        Common,
    )
)]
pub(super) async fn approve(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = json(&headers, body)?;
    let Approving { request } = object(&body).map_err(|wrong| problem_of(&caller, wrong.into()))?;
    answer(&caller, app.intake.approve(&id, &request, &caller).await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::submission::OneOrMany;
    use std::collections::BTreeSet;
    use utoipa::PartialSchema as _;

    #[test]
    fn every_field_that_is_read_is_described() {
        let text = || Some("x".to_owned());
        let many = || Some(OneOrMany::One("x".to_owned()));
        let full = amend::Amendment {
            effective_at: text(),
            time_zone: text(),
            deadline: text(),
            account: many(),
            roles: many(),
            permissions: many(),
            ticket: text(),
            no_account: true,
            link: text(),
            unlink: Some(crate::intake::links::Unlinking::default()),
            why: text(),
        };
        let keys = |value: &serde_json::Value| -> BTreeSet<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let schema = serde_json::to_value(Amendment::schema()).unwrap();
        assert_eq!(keys(&schema["properties"]), keys(&serde_json::to_value(full).unwrap()));
        assert_eq!(schema["additionalProperties"], false);
    }
}
