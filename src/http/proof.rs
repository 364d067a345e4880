//! Proofs: that a line is in the log, that the log goes on from where somebody knew it.

use super::App;
use super::auth::Caller;
use super::openapi::{Common, Missing};
use super::problem::Problem;
use super::question::{Id, Nothing, Question};
use crate::journal::{Asked, ProveError};
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use utoipa::IntoParams;

/// Root of the earlier tree.
const OLD_ROOT: HeaderName = HeaderName::from_static("revoked-old-root");

/// Which two trees.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Trees {
    /// Lines of the earlier tree.
    #[param(minimum = 0)]
    old: u64,
    /// Lines of the later one, which has to be that of a checkpoint; without it the newest.
    #[param(minimum = 0)]
    new: Option<u64>,
}

fn unproved(error: ProveError) -> Problem {
    match error {
        ProveError::Beyond { .. } | ProveError::NoCheckpoint { .. } | ProveError::NoRecord(_) => {
            Problem::not_found(&error.to_string())
        }
        ProveError::TooMuch(_) => {
            Problem::new(422, "too-much", "Too much").detail(error.to_string())
        }
        ProveError::Io { .. }
        | ProveError::NoLog(_)
        | ProveError::Damaged(_)
        | ProveError::Gone => {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::error!(error, "nothing can be proved");
            Problem::unavailable("the audit log cannot be read, or is not what was signed")
        }
    }
}

fn text(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// The proof of a line
///
/// That line `seq` of the audit log is under the newest checkpoint, or under the newest that has the signature of a
/// witness: C2SP tlog-proof, with the line in it.
#[utoipa::path(
    get,
    path = "/api/v1/audit/proof/{seq}",
    operation_id = "proof",
    tag = "audit",
    params(("seq" = u64, Path, description = "Place of the line, counted from 0", minimum = 0)),
    responses(
        (status = 200, description = "The proof.", content_type = "text/plain", body = String),
        Missing,
        Common,
    )
)]
pub(super) async fn line(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
    Id(seq): Id,
) -> Result<Response, Problem> {
    let seq = seq.parse().map_err(|_| Problem::not_found("there is no such line"))?;
    let dir = app.config.current().log_dir.clone();
    app.journal.prove(&dir, Asked::Line(seq)).await.map(text).map_err(unproved)
}

/// The proofs of a revocation
///
/// Every record about it, and what it takes to check them, as one text. `docs/audit-log.md` describes it; `revoked
/// verify --proof` checks it without the log.
#[utoipa::path(
    get,
    path = "/api/v1/revocations/{id}/proof",
    operation_id = "bundle",
    tag = "audit",
    params(("id" = String, Path, description = "`rev_…`")),
    responses(
        (status = 200, description = "The bundle.", content_type = "text/plain", body = String),
        (status = 422, description = "Its records are too many for one bundle.", content_type = "application/problem+json", body = Problem),
        Missing,
        Common,
    )
)]
pub(super) async fn bundle(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Response, Problem> {
    let dir = app.config.current().log_dir.clone();
    app.journal.prove(&dir, Asked::Revocation(id)).await.map(text).map_err(unproved)
}

/// That the log goes on from where it was
///
/// A consistency proof (RFC 6962) from the tree of `old` lines to a checkpoint, in the form in which witnesses are
/// asked.
#[utoipa::path(
    get,
    path = "/api/v1/audit/consistency",
    operation_id = "consistency",
    tag = "audit",
    params(Trees),
    responses(
        (
            status = 200,
            description = "The proof, and the note of the later checkpoint.",
            content_type = "text/plain",
            body = String,
            headers(("revoked-old-root" = String, description = "Root of the earlier tree, in base64.")),
        ),
        Missing,
        Common,
    )
)]
pub(super) async fn consistency(
    State(app): State<App>,
    Caller(_): Caller,
    Question(trees): Question<Trees>,
) -> Result<Response, Problem> {
    if trees.new.is_some_and(|new| new < trees.old) {
        return Err(Problem::not_found("the later tree has fewer lines than the earlier one"));
    }
    let dir = app.config.current().log_dir.clone();
    let proof = app.journal.consistency(&dir, trees.old, trees.new).await.map_err(unproved)?;
    let root = [(OLD_ROOT, STANDARD.encode(proof.old_root))];
    Ok((root, text(proof.to_string())).into_response())
}
