//! Changing a revocation: PATCH, DELETE and approve.

use super::App;
use super::auth::Caller;
use super::problem::Problem;
use super::revocations::{id_of, nothing, problem_of, whole};
use crate::domain::request::Request;
use crate::intake::amend::Changed;
use crate::intake::{IntakeError, SubmissionError};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// What became of a change.
#[derive(Debug, Serialize)]
struct Answer {
    /// The revocation.
    id: String,
    /// Something changed at once.
    amended: bool,
    /// What waits for a second person.
    pending: Option<Request>,
}

/// Why a revocation is to be withdrawn.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    why: Option<String>,
}

/// Which request is approved.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Approving {
    request: Option<String>,
}

/// 202 while something waits for a second person, else 200.
fn answer(
    caller: &str,
    changed: Result<Option<Changed>, IntakeError>,
) -> Result<Response, Problem> {
    let changed = changed.map_err(|error| problem_of(caller, error))?.ok_or_else(nothing)?;
    let status = if changed.pending.is_some() { StatusCode::ACCEPTED } else { StatusCode::OK };
    let Changed { id, amended, pending } = changed;
    Ok((status, Json(Answer { id, amended, pending })).into_response())
}

/// An object, or nothing at all.
fn optional<T: Default + serde::de::DeserializeOwned>(
    caller: &str,
    body: &Bytes,
) -> Result<T, Problem> {
    if body.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(body)
        .map_err(|error| problem_of(caller, SubmissionError::Form(error.to_string()).into()))
}

/// Changes a revocation. What tightens it is done; what keeps access waits for a second person.
pub(super) async fn change(
    State(app): State<App>,
    Caller(caller): Caller,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let (id, body) = (id_of(id)?, whole(body)?);
    answer(&caller, app.intake.change(&id, &body, &caller).await)
}

/// Asks that a revocation is withdrawn.
pub(super) async fn withdraw(
    State(app): State<App>,
    Caller(caller): Caller,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let (id, body) = (id_of(id)?, whole(body)?);
    let Withdrawal { why } = optional(&caller, &body)?;
    answer(&caller, app.intake.withdraw(&id, why.as_deref(), &caller).await)
}

/// Approves what waits.
pub(super) async fn approve(
    State(app): State<App>,
    Caller(caller): Caller,
    id: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let (id, body) = (id_of(id)?, whole(body)?);
    let Approving { request } = optional(&caller, &body)?;
    answer(&caller, app.intake.approve(&id, request.as_deref(), &caller).await)
}
