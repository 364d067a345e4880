//! `/api/v1/audit`: the signed log, for whoever wants to check it.

use super::App;
use super::auth::Caller;
use super::openapi::{Common, Missing};
use super::problem::Problem;
use super::question::{Nothing, Question};
use crate::journal::{self, ReadError};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The line to go on with.
const NEXT: HeaderName = HeaderName::from_static("revoked-next");

/// The newest signed tree head of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Checkpoint {
    /// Name of the log.
    origin: String,
    /// Lines it covers.
    size: u64,
    /// Root of the Merkle tree over them (RFC 6962), in base64.
    root: String,
    /// The C2SP signed note, byte for byte.
    note: String,
    /// Public key that signed it. Pin one that came to you another way.
    vkey: String,
    /// Time of the newest line it covers.
    #[schema(format = DateTime)]
    time: String,
}

/// Which lines to read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Range {
    /// First line, counted from 0.
    #[serde(default)]
    #[param(default = 0, minimum = 0)]
    from: u64,
    /// Most lines; an answer has 4 MiB at most, too.
    #[serde(default = "most")]
    #[param(default = 1000, minimum = 1, maximum = 1000)]
    limit: usize,
}

fn most() -> usize {
    journal::MOST
}

fn unread(error: ReadError) -> Problem {
    match error {
        ReadError::Beyond { .. } => Problem::not_found(&error.to_string()),
        ReadError::Io(_) | ReadError::Damaged(_) | ReadError::Gone => {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::error!(error, "the audit log does not answer a question");
            Problem::unavailable("the audit log cannot be read")
        }
    }
}

/// Whether the caller wants the note and nothing around it.
fn wants_text(headers: &HeaderMap) -> bool {
    let accepted: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next().map(str::trim))
        .collect();
    let has = |kind: &str| accepted.iter().any(|range| range.eq_ignore_ascii_case(kind));
    has("text/plain") && !has("application/json")
}

/// The newest checkpoint of the audit log
///
/// Keep it somewhere else: with it, a log that was cut or rewritten afterwards is found out. With
/// `Accept: text/plain` the answer is the signed note alone.
#[utoipa::path(
    get,
    path = "/api/v1/audit/checkpoint",
    operation_id = "checkpoint",
    tag = "audit",
    responses(
        (
            status = 200,
            description = "The newest checkpoint that is on disk.",
            content((Checkpoint = "application/json"), (String = "text/plain")),
        ),
        Common,
    )
)]
pub(super) async fn checkpoint(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let newest = app.journal.checkpoint().await.map_err(unread)?;
    let vary = [(header::VARY, "accept")];
    if wants_text(&headers) {
        return Ok((vary, newest.note).into_response());
    }
    let answer = Checkpoint {
        origin: newest.origin,
        size: newest.size,
        root: newest.root,
        note: newest.note,
        vkey: app.journal.vkey().to_owned(),
        time: newest.time,
    };
    Ok((vary, Json(answer)).into_response())
}

/// Lines of the audit log
///
/// The bytes as they are, up to the newest checkpoint. While there are more, `revoked-next` says which line to
/// go on with; the pages one after the other are a file that `revoked verify` reads.
#[utoipa::path(
    get,
    path = "/api/v1/audit/records",
    operation_id = "records",
    tag = "audit",
    params(Range),
    responses(
        (
            status = 200,
            description = "Lines, each with its line feed; none when there are no newer ones.",
            content_type = "application/x-ndjson",
            body = String,
            headers(("revoked-next" = u64, description = "The line to go on with, if there are more.")),
        ),
        Missing,
        Common,
    )
)]
pub(super) async fn records(
    State(app): State<App>,
    Caller(_): Caller,
    Question(range): Question<Range>,
) -> Result<Response, Problem> {
    if !(1..=journal::MOST).contains(&range.limit) {
        return Err(Problem::malformed(format!("limit: 1 to {}", journal::MOST)));
    }
    let lines = app.journal.lines(range.from, range.limit).await.map_err(unread)?;
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok(match lines.next {
        Some(next) => (kind, [(NEXT, next.to_string())], lines.bytes).into_response(),
        None => (kind, lines.bytes).into_response(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_alone_only_for_those_who_ask() {
        for (accept, text) in [
            ("", false),
            ("*/*", false),
            ("text/plain", true),
            ("Text/Plain; charset=utf-8", true),
            ("text/plain;q=0.5, application/json", false),
            ("text/html, text/plain;q=0.9, */*;q=0.1", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(wants_text(&headers), text, "{accept}");
        }
    }
}
