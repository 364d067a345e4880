//! The witness over HTTP.

use super::{Answer, Witness};
use crate::clock;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use std::sync::Arc;
use std::time::Duration;

/// Largest request: 63 hashes and a note.
const BODY: usize = 32 * 1024;
/// A request has to arrive whole within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The routes of a witness: `POST /add-checkpoint`, and `GET /-/healthy`.
pub fn router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add))
        .route("/-/healthy", get(async || "healthy\n"))
        .with_state(witness)
}

async fn add(State(witness): State<Arc<Witness>>, request: Request<Body>) -> Response {
    let body = axum::body::to_bytes(request.into_body(), BODY);
    let body = match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return (StatusCode::PAYLOAD_TOO_LARGE, "at most 32 KiB\n").into_response(),
        Err(_) => return StatusCode::REQUEST_TIMEOUT.into_response(),
    };
    let now = u64::try_from(clock::now().micros() / 1_000_000).unwrap_or_default();
    // It waits for the disk, and for who is before it.
    let work = tokio::task::spawn_blocking(move || witness.add(&body, now));
    let plain = |status, text: String| {
        (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
    };
    match work.await {
        Ok(Answer::Cosigned(line)) => plain(StatusCode::OK, line),
        Ok(Answer::Malformed(why)) => plain(StatusCode::BAD_REQUEST, format!("{why}\n")),
        Ok(Answer::NotSigned) => {
            plain(StatusCode::FORBIDDEN, "no key trusted for this log signed it\n".to_owned())
        }
        Ok(Answer::Unknown) => {
            plain(StatusCode::NOT_FOUND, "not a log of this witness\n".to_owned())
        }
        Ok(Answer::Conflict(size)) => {
            let kind = [(header::CONTENT_TYPE, "text/x.tlog.size")];
            (StatusCode::CONFLICT, kind, format!("{size}\n")).into_response()
        }
        Ok(Answer::Inconsistent) => plain(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the proof does not lead from the tree that is held to this one\n".to_owned(),
        ),
        Ok(Answer::NotKept) | Err(_) => {
            plain(StatusCode::INTERNAL_SERVER_ERROR, "it could not be kept\n".to_owned())
        }
    }
}
