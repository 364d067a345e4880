//! `/api/v1/notices/{id}/retry` and `…/dismiss`: deciding about a notice that is held.

use super::App;
use super::auth::Caller;
use super::notices::{NoticeView, nothing, show_held};
use super::openapi::{Common, Conflicts, Missing};
use super::problem::Problem;
use super::question::{Id, Nothing, Question, json};
use super::revocations::problem_of;
use super::webhooks::Taken;
use crate::domain::notice::Outcome;
use crate::intake::submission::object;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

/// What a person says of a notice that is held.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Retry {
    /// It is about the same person, though it calls them otherwise.
    #[serde(default)]
    #[schema(default = false)]
    same_person: bool,
}

/// Why nothing follows from a notice.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Dismissal {
    /// Why. It stays in the store.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
}

fn read<T: serde::de::DeserializeOwned>(caller: &str, body: &[u8]) -> Result<T, Problem> {
    object(body).map_err(|wrong| problem_of(caller, wrong.into()))
}

/// Try a held notice once more
///
/// After the configuration was put right, or because somebody says that it is about the same person. A notice that a
/// newer one superseded can be had accepted all the same.
#[utoipa::path(
    post,
    path = "/api/v1/notices/{id}/retry",
    operation_id = "retryNotice",
    tag = "notices",
    params(("id" = String, Path, description = "`ntc_…`")),
    request_body(content = Retry, content_type = "application/json"),
    responses(
        (status = 200, description = "Accepted now, and in the log.", body = Taken),
        (
            status = 413,
            description = "More than 64 KiB.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        (
            status = 415,
            description = "The body is not `application/json`.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        (
            status = 422,
            description = "It cannot be used still; `errors` names the fields.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        Missing,
        Conflicts,
        Common,
    )
)]
pub(super) async fn retry(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Taken>, Problem> {
    let Retry { same_person } = read(&caller, &json(&headers, body)?)?;
    let done = app.intake.retry(&id, &caller, same_person).await;
    let received = done.map_err(|error| problem_of(&caller, error))?.ok_or_else(nothing)?;
    show_held(&app).await;
    if received.outcome == Outcome::Quarantined {
        let said = received.faults.first().map(ToString::to_string).unwrap_or_default();
        return Err(Problem::new(422, "quarantined", "Held for a person")
            .detail(said)
            .errors(received.faults)
            .held(received.notice));
    }
    tracing::info!(caller, notice = id, "a notice that was held is accepted");
    Ok(Json(received.into()))
}

/// Decide that nothing follows from a held notice
///
/// Who sent it cannot. Its bytes are deleted; that it came, and who decided, stays.
#[utoipa::path(
    post,
    path = "/api/v1/notices/{id}/dismiss",
    operation_id = "dismissNotice",
    tag = "notices",
    params(("id" = String, Path, description = "`ntc_…`")),
    request_body(content = Dismissal, content_type = "application/json"),
    responses(
        (status = 200, description = "Done, and in the log.", body = NoticeView),
        (
            status = 413,
            description = "More than 64 KiB.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        (
            status = 415,
            description = "The body is not `application/json`.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        (
            status = 422,
            description = "No object with a `reason`.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        Missing,
        Conflicts,
        Common,
    )
)]
pub(super) async fn dismiss(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<NoticeView>, Problem> {
    let Dismissal { reason } = read(&caller, &json(&headers, body)?)?;
    let done = app.intake.dismiss(&id, &reason, &caller).await;
    let kept = done.map_err(|error| problem_of(&caller, error))?.ok_or_else(nothing)?;
    show_held(&app).await;
    tracing::info!(caller, notice = id, "a notice that was held was dismissed");
    Ok(Json(kept.into()))
}
