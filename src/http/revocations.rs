//! `/api/v1/revocations`.

use super::auth::Caller;
use super::list::{self, Filter, Page};
use super::notice::Notice;
use super::openapi::{Common, Missing, Notices};
use super::problem::{Problem, UNUSABLE};
use super::question::{self, Id, Nothing, Question, nothing};
use super::view::{self, View};
use super::{App, notices};
use crate::clock;
use crate::domain::exception::Unfit;
use crate::domain::notice::Fault;
use crate::domain::request::Refused;
use crate::intake::{self, IntakeError, SubmissionError};
use crate::store::StoreError;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// What became of a notice.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// The revocation it made or joined.
    id: String,
    /// Nothing new was asked.
    known: bool,
    /// A revocation that was not finished was tightened.
    amended: bool,
}

pub(super) fn store_away(error: StoreError) -> Problem {
    let error = format!("{:#}", anyhow::Error::new(error));
    tracing::warn!(error, "the store does not answer a question");
    Problem::unavailable("the state store does not answer")
}

/// Expect a revocation
///
/// Answered once the record of it is in the signed log. The same notice again changes nothing; another one about
/// the same subject and kind joins the revocation that is not finished, and only ever tightens it.
#[utoipa::path(
    post,
    path = "/api/v1/revocations",
    operation_id = "submit",
    tag = "revocations",
    params((
        "Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, nullable = false,
        description = "The sender's id of the event; takes precedence over `event_id`.",
    )),
    request_body(content = Notice, content_type = "application/json"),
    responses(
        (
            status = 202,
            description = "Accepted, and in the log.",
            body = Accepted,
            headers(("Location" = String, description = "The revocation.")),
        ),
        Notices,
        Common,
    )
)]
pub(super) async fn submit(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<impl IntoResponse, Problem> {
    let body = question::json(&headers, body)?;
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
        app.intake.submit(&body, &caller, key).await.map_err(|error| problem_of(&caller, error));
    count(&app, &caller, &accepted);
    let accepted = accepted?;
    tracing::info!(
        caller,
        revocation = accepted.id,
        known = accepted.known,
        amended = accepted.amended,
        "a notice was accepted"
    );
    let location = format!("/api/v1/revocations/{}", accepted.id);
    let answer = Accepted { id: accepted.id, known: accepted.known, amended: accepted.amended };
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(answer)))
}

/// Counts what became of a plain notice.
fn count(app: &App, caller: &str, accepted: &Result<intake::Accepted, Problem>) {
    let config = app.config.current();
    let sender = config.sender(caller);
    let outcome = match accepted {
        Ok(accepted) if accepted.known => "duplicate",
        Ok(_) => "accepted",
        Err(problem) => notices::word_of(problem.status()),
    };
    app.metrics.intake.came(sender, outcome);
    if accepted.is_ok() {
        app.metrics.intake.heard(sender, clock::now().seconds());
    }
}

/// What was sent cannot be used, be it a notice or what is said of one.
pub(super) fn unusable(wrong: &SubmissionError) -> Problem {
    let fault = match wrong {
        SubmissionError::Field { field, reason } => Fault::new(*field, reason.clone()),
        SubmissionError::Form { pointer, reason } => Fault::new(pointer.clone(), reason.clone()),
        SubmissionError::Id(_) => Fault::new("", wrong.to_string()),
    };
    Problem::new(422, "unusable", UNUSABLE).detail(wrong.to_string()).errors(vec![fault])
}

pub(super) fn problem_of(caller: &str, error: IntakeError) -> Problem {
    match error {
        // What is wrong with it quotes the notice: that is for its sender only.
        IntakeError::Submission(wrong) => {
            tracing::warn!(caller, "a request was refused: it cannot be used");
            unusable(&wrong)
        }
        IntakeError::Refused(refused) => refused_as(&refused),
        IntakeError::Differs { .. } => {
            tracing::warn!(caller, "a request was refused: its id came before with other content");
            Problem::new(409, "differs", "Received before with other content")
                .detail(error.to_string())
        }
        IntakeError::NotHeld(why) => {
            Problem::new(409, "not-held", "Nothing waits for a decision").detail(why)
        }
        IntakeError::Sender(_) => {
            Problem::new(403, "second-person", "A second person has to decide")
                .detail(error.to_string())
        }
        IntakeError::Full(_) => {
            tracing::warn!(caller, "a request was refused: too many notices are held");
            Problem::unavailable(&error.to_string())
        }
        IntakeError::Unavailable(_) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::warn!(caller, error, "a request was not acknowledged");
            Problem::unavailable(
                "what was sent is not in the audit log yet; send it again, it will not count twice",
            )
        }
    }
}

fn refused_as(refused: &Refused) -> Problem {
    let detail = refused.to_string();
    match refused {
        Refused::SamePerson(_)
        | Refused::Exception(Unfit::SameApprover(_) | Unfit::OwnReview(_)) => {
            Problem::new(403, "second-person", "A second person has to approve").detail(detail)
        }
        Refused::Exception(
            Unfit::TooLong { .. } | Unfit::NoEnd(_) | Unfit::Past(_) | Unfit::KeepsNothing(_),
        ) => Problem::new(422, "unusable", UNUSABLE).detail(detail),
        Refused::NothingWaits
        | Refused::Another(_)
        | Refused::Expired
        | Refused::State(_)
        | Refused::NotARotation(_)
        | Refused::Outdated
        | Refused::OtherServer { .. }
        | Refused::TooManyPaths
        | Refused::TooManyWords
        | Refused::NothingLate
        | Refused::HasAccount(_)
        | Refused::Exception(
            Unfit::Reason { .. }
            | Unfit::Violation
            | Unfit::Crowded
            | Unfit::Asked(_)
            | Unfit::NoReview(_)
            | Unfit::Over
            | Unfit::Held(_),
        )
        | Refused::Held(_)
        | Refused::Unfinished(_) => {
            Problem::new(409, "not-possible", "Not possible as it stands").detail(detail)
        }
    }
}

/// List revocations
///
/// Newest first. Go on with `cursor` set to `next` until that is `null`.
#[utoipa::path(
    get,
    path = "/api/v1/revocations",
    operation_id = "list",
    tag = "revocations",
    params(Filter),
    responses((status = 200, description = "One page.", body = Page), Common)
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(_): Caller,
    Question(filter): Question<Filter>,
) -> Result<Json<Page>, Problem> {
    Ok(Json(list::page(&app.journal.store, &app.board, &filter).await?))
}

/// Show a revocation
#[utoipa::path(
    get,
    path = "/api/v1/revocations/{id}",
    operation_id = "show",
    tag = "revocations",
    params(("id" = String, Path, description = "`rev_…`")),
    responses(
        (status = 200, description = "As the log holds it.", body = View),
        Missing,
        Common,
    )
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Json<View>, Problem> {
    let view = view::whole(&app.journal.store, &app.board, &id).await.map_err(store_away)?;
    view.map(Json).ok_or_else(nothing)
}
