//! What a request asks, or a problem that says what is wrong with it.

use super::App;
use super::problem::Problem;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::{HeaderMap, StatusCode, header, request::Parts};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The query. Parameters that nobody knows are refused: a misspelt filter must not show everything.
pub(super) struct Question<T>(pub(super) T);

/// A question without parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

impl<T: DeserializeOwned> FromRequestParts<App> for Question<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        Query::<T>::try_from_uri(&parts.uri).map(|Query(asked)| Self(asked)).map_err(|rejection| {
            let said = rejection.body_text();
            let why = said.strip_prefix("Failed to deserialize query string: ");
            Problem::malformed(why.unwrap_or(&said))
        })
    }
}

/// The id in a path. What is no text, or no text that every database takes, is no id of ours.
pub(super) struct Id(pub(super) String);

impl FromRequestParts<App> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let id = Path::<String>::from_request_parts(parts, app).await.ok();
        id.filter(|Path(id)| !id.contains('\0')).map(|Path(id)| Self(id)).ok_or_else(nothing)
    }
}

/// There is no such revocation, or people may not be shown it yet.
pub(super) fn nothing() -> Problem {
    Problem::not_found("there is no such revocation")
}

/// The bytes of a JSON body. Whoever does not say what they are is taken to send JSON.
pub(super) fn json(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Bytes, Problem> {
    let said = headers.get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
    let kind = said.and_then(|said| said.split(';').next()).map(str::trim);
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("application/json")) {
        return Err(Problem::new(415, "unsupported-media-type", "Unsupported media type")
            .detail("send Content-Type: application/json"));
    }
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(413, "too-large", "Body too large").detail("a body has up to 64 KiB")
        }
        _ => Problem::malformed("the body did not arrive whole"),
    })
}
