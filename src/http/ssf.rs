//! `/api/v1/ssf/events`: security event tokens, pushed as RFC 8935 says.

use super::openapi::Pushed;
use super::problem::Problem;
use super::{App, notices};
use crate::intake::ssf::{Declined, Fault, Refusal};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a token is refused (RFC 8935 section 2.3). The same token again is no use.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenRefused {
    /// The code.
    err: Fault,
    /// What is wrong with it.
    description: String,
}

impl From<Refusal> for TokenRefused {
    fn from(Refusal { err, description }: Refusal) -> Self {
        Self { err, description }
    }
}

impl IntoResponse for TokenRefused {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_LANGUAGE, "en"), (header::CACHE_CONTROL, "no-store")];
        (StatusCode::BAD_REQUEST, headers, Json(self)).into_response()
    }
}

fn malformed(description: &str) -> Response {
    let description = description.to_owned();
    TokenRefused { err: Fault::InvalidRequest, description }.into_response()
}

/// Push a security event token
///
/// For identity providers (RFC 8417, RFC 8935). The token says by its signature who sends it; no bearer token is
/// needed unless the configuration asks for one of this issuer's transmitter. Answered once the records of what it
/// opened are in the signed log.
#[utoipa::path(
    post,
    path = "/api/v1/ssf/events",
    operation_id = "receive",
    tag = "signals",
    security(()),
    request_body(
        content = String,
        content_type = "application/secevent+jwt",
        description = "The token in compact form, signed with RS256 or ES256.",
    ),
    responses(
        (status = 202, description = "Taken. Nothing is in the body."),
        (status = 400, description = "Refused.", body = TokenRefused, content_type = "application/json"),
        Pushed,
    )
)]
pub(super) async fn receive(
    State(app): State<App>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if uri.query().is_some_and(|query| !query.is_empty()) {
        return malformed("there are no parameters");
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/secevent+jwt")) {
        return malformed("send Content-Type: application/secevent+jwt");
    }
    let Ok(body) = body else {
        return malformed("the body did not arrive whole, or has more than 64 KiB");
    };
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim());
    match app.signals.receive(&body, bearer).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(Declined::Refused(refusal)) => {
            notices::show_held(&app).await;
            TokenRefused::from(refusal).into_response()
        }
        Err(Declined::Unavailable(_)) => {
            Problem::unavailable("the token was not taken; send it again, it will not count twice")
                .into_response()
        }
    }
}
