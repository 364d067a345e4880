//! Permissions to keep access: `/api/v1/exceptions`.

mod view;

pub use view::{ExceptionPage, ExceptionView};

use super::App;
use super::auth::Caller;
use super::notice::OneOrMany;
use super::openapi::{Common, Missing, Notices};
use super::paging::{PageError, Window, wrong};
use super::problem::Problem;
use super::question::{Id, Nothing, Question, json};
use super::revocations::{problem_of, store_away};
use crate::clock;
use crate::domain::exception::{ExceptionKind, Phase};
use crate::domain::time::UtcTime;
use crate::intake::IntakeError;
use crate::intake::exceptions::Excused;
use crate::store::{Excepted, Place, Store};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Most exceptions on one page.
pub const MOST: u16 = 1_000;
/// Longest text to look for.
const TEXT: usize = 1_000;

/// Permission that is asked for, as the description has it. It is read by `intake::exceptions`; a test holds both
/// together.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "grace", "subject": "EMP-4711", "until": "2026-03-12", "time_zone": "Europe/Berlin",
    "why": "hands over until Thursday"
}))]
pub(super) struct Wish {
    /// What is to be kept, and for how long it may be.
    #[schema(value_type = ExceptionKind)]
    kind: String,
    /// The revocation that it is an exception from; this, or `subject`.
    #[schema(min_length = 1, max_length = 1000)]
    revocation: Option<String>,
    /// Exact stable id of the person; this, or `revocation`.
    #[schema(min_length = 1, max_length = 1000)]
    subject: Option<String>,
    /// Until when: an instant, a local time or a date.
    until: Option<String>,
    /// Or for how long, from now on, such as `4h` or `7d`.
    #[serde(rename = "for")]
    lasts: Option<String>,
    /// Or, for an extension, by how much the end date moves from where it stands, such as `30d`.
    extend_by: Option<String>,
    /// Zone in which `until` and `review_at` are meant, as an IANA name.
    #[schema(min_length = 1, max_length = 1000)]
    time_zone: Option<String>,
    /// For a legal hold: when somebody has to look at it again; 90 days from its approval, if not said.
    review_at: Option<String>,
    /// Why; it stays in the store.
    #[schema(min_length = 1, max_length = 1000)]
    why: String,
    /// For `temporary` and `break_glass` of a subject of whom nothing is expected yet: database roles, each as `role`
    /// or `target/role`.
    account: Option<OneOrMany>,
    /// The same: roles that are given for that time, and have to be gone afterwards.
    roles: Option<OneOrMany>,
    /// The same: permissions, as the configuration maps them to roles.
    permissions: Option<OneOrMany>,
}

/// Which exceptions to list. Everything given has to hold.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// `true`: only those that wait, are in force, or want a review.
    #[param(nullable = false)]
    pub open: Option<bool>,
    /// What is kept.
    #[param(value_type = Option<ExceptionKind>)]
    pub kind: Option<String>,
    /// Exact stable id of the person.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub subject: Option<String>,
    /// Exact id of the revocation.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub revocation: Option<String>,
    /// Most exceptions on the page.
    #[param(default = 100, minimum = 1, maximum = 1000, nullable = false)]
    pub limit: Option<u16>,
    /// Where to go on: `next` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]{2,120}$", nullable = false)]
    pub cursor: Option<String>,
}

impl Filter {
    fn selection(&self) -> Result<Excepted, PageError> {
        for (name, text) in [("subject", &self.subject), ("revocation", &self.revocation)] {
            let usable = |text: &String| {
                !text.is_empty() && text.chars().count() <= TEXT && !text.contains('\0')
            };
            if !text.as_ref().is_none_or(usable) {
                return wrong(format!("{name}: 1 to {TEXT} characters, none of them NUL"));
            }
        }
        let kind = match &self.kind {
            None => None,
            Some(word) => {
                let Some(kind) = ExceptionKind::from_word(word) else {
                    let known: Vec<_> = ExceptionKind::ALL.iter().map(|k| k.as_str()).collect();
                    return wrong(format!("kind: one of {}", known.join(", ")));
                };
                Some(kind)
            }
        };
        Ok(Excepted {
            open: self.open == Some(true),
            kind,
            subject: self.subject.clone(),
            revocation: self.revocation.clone(),
        })
    }
}

/// The page that `filter` asks for: what the log holds, newest first.
///
/// # Errors
/// When the filter has a word nobody knows, or the store is away.
pub async fn page(
    store: &Store,
    filter: &Filter,
    now: UtcTime,
) -> Result<ExceptionPage, PageError> {
    let selection = filter.selection()?;
    let window = Window::of(filter.limit, filter.cursor.as_deref(), MOST)?;
    let after = window.after.as_ref().map(|place| (place.received_at, place.id.clone()));
    let mut rows = store.exceptions_page(&selection, after.as_ref(), window.rows()).await?;
    let next =
        window.cut(&mut rows, |row| Place { received_at: row.requested_at, id: row.id.clone() });
    let mut exceptions = Vec::with_capacity(rows.len());
    for row in rows {
        let stored = store.revocation(&row.revocation).await?;
        let found =
            stored.and_then(|found| crate::intake::exceptions::excused(found.stored, &row.id));
        exceptions
            .extend(found.map(|found| ExceptionView::of(&found.stored, &found.exception, now)));
    }
    Ok(ExceptionPage { exceptions, next })
}

fn none() -> Problem {
    Problem::not_found("there is no such revocation or exception")
}

/// 202 while it waits for a second person, else 200.
fn answer(
    caller: &str,
    excused: Result<Option<Excused>, IntakeError>,
) -> Result<Response, Problem> {
    let Excused { stored, exception } =
        excused.map_err(|error| problem_of(caller, error))?.ok_or_else(none)?;
    let waits = exception.phase == Phase::Requested || exception.release.is_some();
    let status = if waits { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok((status, Json(ExceptionView::of(&stored, &exception, clock::now()))).into_response())
}

/// List exceptions
///
/// Newest first. Go on with `cursor` set to `next` until that is `null`.
#[utoipa::path(
    get,
    path = "/api/v1/exceptions",
    operation_id = "list_exceptions",
    tag = "exceptions",
    params(Filter),
    responses((status = 200, description = "One page.", body = ExceptionPage), Common)
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(_): Caller,
    Question(filter): Question<Filter>,
) -> Result<Json<ExceptionPage>, Problem> {
    let page = page(&app.journal.store, &filter, clock::now()).await;
    page.map(Json).map_err(|error| match error {
        PageError::Filter(what) => Problem::malformed(what),
        PageError::Store(error) => store_away(error),
    })
}

/// Ask for an exception
///
/// Waits until another caller approves. Where nothing is expected of the subject yet, `temporary` and `break_glass`
/// open a revocation that is due at their end.
#[utoipa::path(
    post,
    path = "/api/v1/exceptions",
    operation_id = "request_exception",
    tag = "exceptions",
    request_body(content = Wish, content_type = "application/json"),
    responses(
        (status = 200, description = "In force: here one person is enough.", body = ExceptionView),
        (status = 202, description = "Waits for a second person.", body = ExceptionView),
        (
            status = 403,
            description = "Another person has to approve, and here the caller would.",
            content_type = "application/problem+json",
            body = Problem,
        ),
        Missing,
        Notices,
        Common,
    )
)]
pub(super) async fn request(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = json(&headers, body)?;
    answer(&caller, app.intake.request_exception(&body, &caller).await)
}

/// Approve an exception
///
/// By another caller than the one who asked for it. Of a legal hold in force of which somebody asks that it ends: that
/// it does.
#[utoipa::path(
    post,
    path = "/api/v1/exceptions/{id}/approve",
    operation_id = "approve_exception",
    tag = "exceptions",
    params(("id" = String, Path, description = "`exc_…`")),
    responses(
        (status = 200, description = "Done, and in the log.", body = ExceptionView),
        (
            status = 403,
            description = "The caller asked for it, or approved the break-glass before this one.",
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
) -> Result<Response, Problem> {
    answer(&caller, app.intake.approve_exception(&id, &caller).await)
}

/// Take an exception back
///
/// Done at once, since it removes access; only a legal hold in force waits for a second person.
#[utoipa::path(
    post,
    path = "/api/v1/exceptions/{id}/revoke",
    operation_id = "revoke_exception",
    tag = "exceptions",
    params(("id" = String, Path, description = "`exc_…`")),
    responses(
        (status = 200, description = "Done, and in the log.", body = ExceptionView),
        (status = 202, description = "Waits for a second person.", body = ExceptionView),
        Missing,
        Notices,
        Common,
    )
)]
pub(super) async fn revoke(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Response, Problem> {
    answer(&caller, app.intake.revoke_exception(&id, &caller).await)
}

/// Review an exception
///
/// Of a break-glass that is over, or a legal hold in force: somebody other than who asked for it looked at what it was
/// used for.
#[utoipa::path(
    post,
    path = "/api/v1/exceptions/{id}/review",
    operation_id = "review_exception",
    tag = "exceptions",
    params(("id" = String, Path, description = "`exc_…`")),
    responses(
        (status = 200, description = "Done, and in the log.", body = ExceptionView),
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
pub(super) async fn review(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Response, Problem> {
    answer(&caller, app.intake.review_exception(&id, &caller).await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::exceptions;
    use crate::intake::submission::OneOrMany;
    use std::collections::BTreeSet;
    use utoipa::PartialSchema as _;

    #[test]
    fn every_field_that_is_read_is_described() {
        let text = || Some("x".to_owned());
        let many = || Some(OneOrMany::One("x".to_owned()));
        let full = exceptions::Wish {
            kind: String::new(),
            revocation: text(),
            subject: text(),
            until: text(),
            lasts: text(),
            extend_by: text(),
            time_zone: text(),
            review_at: text(),
            why: String::new(),
            username: None,
            account: many(),
            roles: many(),
            permissions: many(),
        };
        let keys = |value: &serde_json::Value| -> BTreeSet<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let schema = serde_json::to_value(Wish::schema()).unwrap();
        assert_eq!(keys(&schema["properties"]), keys(&serde_json::to_value(full).unwrap()));
        assert_eq!(schema["additionalProperties"], false);
    }
}
