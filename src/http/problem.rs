//! Errors as RFC 9457 problem details.

use crate::domain::notice::Fault;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// The title of what cannot be used.
pub const UNUSABLE: &str = "Unusable request";

/// A problem: a stable type, a title, and what is particular about this one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of problem, the same each time.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    kind: String,
    /// The kind in words.
    #[schema(value_type = String)]
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is particular about this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What is wrong with what was sent, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<Fault>,
    /// The notice that is held for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    notice: Option<String>,
    /// Seconds to wait before the next attempt.
    #[serde(skip)]
    retry: Option<u16>,
}

impl Problem {
    /// A problem of a type of ours.
    #[must_use]
    pub fn new(status: u16, kind: &str, title: &'static str) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title,
            status,
            detail: None,
            errors: Vec::new(),
            notice: None,
            retry: None,
        }
    }

    /// Says what is particular.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what is wrong with each field.
    #[must_use]
    pub fn errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors;
        self
    }

    /// Says which notice is held.
    #[must_use]
    pub fn held(mut self, notice: String) -> Self {
        self.notice = Some(notice);
        self
    }

    /// Says after how many seconds the same may be tried again.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry = Some(u16::try_from(seconds).unwrap_or(u16::MAX));
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A request that cannot be read.
    #[must_use]
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(400, "malformed", "Malformed request").detail(detail)
    }

    /// Nothing there.
    #[must_use]
    pub fn not_found(detail: &str) -> Self {
        Self::new(404, "not-found", "Not found").detail(detail)
    }

    /// It cannot be done now; the sender should try again.
    #[must_use]
    pub fn unavailable(detail: &str) -> Self {
        Self::new(503, "unavailable", "Not available at the moment").after(5).detail(detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
