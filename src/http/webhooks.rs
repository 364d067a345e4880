//! `/api/v1/webhooks/…`: events of other systems.

use super::App;
use super::auth::{self, Caller};
use super::events::{HrEvent, VendorEvent};
use super::openapi::{Common, Events, Missing};
use super::problem::Problem;
use super::question::{self, Nothing, Question};
use super::revocations::problem_of;
use super::{notices, signature};
use crate::clock;
use crate::config::{Config, Scheme, Signing};
use crate::domain::notice::{Fault, Outcome};
use crate::intake::door::Door;
use crate::intake::webhook::{Delivery, Received};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of an event.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = EventAccepted)]
pub struct Taken {
    /// The sender's id of the event; without one, `sha256:` and the hash of its bytes.
    pub event_id: String,
    /// Ours, `ntc_…`.
    pub notice: String,
    /// What became of it.
    pub outcome: Outcome,
    /// It had come before, with the same bytes.
    pub duplicate: bool,
    /// The revocation that it made or joined; the one that makes it void where it is superseded.
    pub revocation_id: Option<String>,
    /// All of them, where there are several.
    pub revocations: Vec<String>,
    /// The checklist that holds them together.
    pub checklist: Option<String>,
    /// What waits for a second person: ids of requests (`req_…`) and of exceptions (`exc_…`).
    #[serde(default)]
    pub pending: Vec<String>,
    /// What is to be answered by a person, where the notice is held and what is certain of it is expected.
    #[serde(default)]
    pub errors: Vec<Fault>,
}

impl From<Received> for Taken {
    fn from(received: Received) -> Self {
        Self {
            event_id: received.event_id,
            notice: received.notice,
            outcome: received.outcome,
            duplicate: received.duplicate,
            revocation_id: received.revocations.first().cloned(),
            revocations: received.revocations,
            checklist: received.checklist,
            pending: received.pending,
            errors: received.faults,
        }
    }
}

impl Taken {
    /// Where the answer is found again.
    fn location(&self) -> String {
        match (&self.checklist, &self.revocation_id) {
            (Some(checklist), _) => format!("/api/v1/revocations?checklist={checklist}"),
            (None, Some(id)) => format!("/api/v1/revocations/{id}"),
            (None, None) => format!("/api/v1/notices/{}", self.notice),
        }
    }
}

/// Take an event about a person
///
/// Answered once the record of it is in the signed log. The same event again changes nothing. An event that cannot be
/// used is held for a person, and answered 422.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/hr-events",
    operation_id = "takeHrEvent",
    tag = "webhooks",
    request_body(content = HrEvent, content_type = "application/json"),
    responses(
        (
            status = 202,
            description = "Taken, and in the log.",
            body = Taken,
            headers(("Location" = String, description = "The revocation, or the notice.")),
        ),
        Events,
        Common,
    )
)]
pub(super) async fn hr_events(
    State(app): State<App>,
    caller: Result<Caller, Problem>,
    _: Question<Nothing>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    take(&app, caller, Door::HrEvents, &headers, body).await
}

/// Take an event about a person
///
/// Another address of `/api/v1/webhooks/hr-events`.
#[utoipa::path(
    post,
    path = "/webhooks/hr-events",
    operation_id = "takeHrEventShort",
    tag = "webhooks",
    request_body(content = HrEvent, content_type = "application/json"),
    responses(
        (
            status = 202,
            description = "Taken, and in the log.",
            body = Taken,
            headers(("Location" = String, description = "The revocation, or the notice.")),
        ),
        Events,
        Common,
    )
)]
pub(super) async fn hr_events_short(
    State(app): State<App>,
    caller: Result<Caller, Problem>,
    _: Question<Nothing>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    take(&app, caller, Door::HrEvents, &headers, body).await
}

/// Take the end of a vendor's engagement
///
/// Opens one revocation for each account of the vendor, and for each subject that it owns; together they are a
/// checklist. A vendor of whom nothing is known is one revocation that stays inconclusive.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/vendor-offboarding",
    operation_id = "takeVendorEvent",
    tag = "webhooks",
    request_body(content = VendorEvent, content_type = "application/json"),
    responses(
        (
            status = 202,
            description = "Taken, and in the log.",
            body = Taken,
            headers(("Location" = String, description = "The checklist.")),
        ),
        Events,
        Common,
    )
)]
pub(super) async fn vendor_offboarding(
    State(app): State<App>,
    caller: Result<Caller, Problem>,
    _: Question<Nothing>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    take(&app, caller, Door::Vendor, &headers, body).await
}

/// Take an event of a configured source
///
/// Read as `sources.NAME.mapping` says. It is signed, where the source has a secret; else the token has the name of the
/// source.
#[utoipa::path(
    post,
    path = "/api/v1/webhooks/{source}",
    operation_id = "takeEvent",
    tag = "webhooks",
    params(("source" = String, Path, description = "Name of the source in the configuration")),
    request_body(content = Object, content_type = "application/json"),
    responses(
        (
            status = 202,
            description = "Taken, and in the log.",
            body = Taken,
            headers(("Location" = String, description = "The revocation, or the notice.")),
        ),
        Missing,
        Events,
        Common,
    )
)]
pub(super) async fn source(
    State(app): State<App>,
    caller: Result<Caller, Problem>,
    _: Question<Nothing>,
    name: Result<Path<String>, axum::extract::rejection::PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Ok(Path(name)) = name else { return Err(caller.err().unwrap_or_else(no_source)) };
    take(&app, caller, Door::Source(&name), &headers, body).await
}

fn no_source() -> Problem {
    Problem::not_found("no source of this name is configured")
}

/// Takes an event, and counts what became of it.
async fn take(
    app: &App,
    caller: Result<Caller, Problem>,
    door: Door<'_>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let config = app.config.current();
    let named = match (&caller, door) {
        (_, Door::Source(name)) => config.sender(name).to_owned(),
        (Ok(Caller(caller)), Door::HrEvents | Door::Vendor) => config.sender(caller).to_owned(),
        (Err(_), Door::HrEvents | Door::Vendor) => config.sender("").to_owned(),
    };
    let taken = taken(app, &config, caller, door, headers, body).await;
    app.metrics.intake.came(&named, outcome(&taken));
    let received = taken?;
    if !received.0.duplicate {
        app.metrics.intake.heard(&named, clock::now().seconds());
    }
    answer(app, received, door).await
}

/// The word of a metric for what became of an event.
fn outcome(taken: &Result<(Received, bool), Problem>) -> &'static str {
    match taken {
        Ok((received, _)) if received.outcome == Outcome::Quarantined => "quarantined",
        Ok((received, _)) if received.duplicate => "duplicate",
        Ok((received, _)) => match received.outcome {
            Outcome::Test => "test",
            Outcome::Ignored => "ignored",
            Outcome::Superseded => "superseded",
            Outcome::Accepted
            | Outcome::Pending
            | Outcome::Part
            | Outcome::Quarantined
            | Outcome::Released
            | Outcome::Dismissed => "accepted",
        },
        Err(problem) => notices::word_of(problem.status()),
    }
}

/// Authenticates and takes an event. Also tells whether it is JSON at all.
async fn taken(
    app: &App,
    config: &Config,
    caller: Result<Caller, Problem>,
    door: Door<'_>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(Received, bool), Problem> {
    let tried = headers.contains_key(header::AUTHORIZATION);
    let signs = |name: &str| config.sources.get(name).and_then(|source| source.signing.as_ref());
    // What is signed needs no token; a token that is sent all the same has to be good.
    let caller = match (caller, door) {
        (Err(_), Door::Source(name)) if !tried && signs(name).is_some() => None,
        (caller, _) => Some(caller?.0),
    };
    let (sender, signing) = match door {
        Door::HrEvents | Door::Vendor => {
            let sender = caller.clone().unwrap_or_default();
            (sender.clone(), signs(&sender))
        }
        Door::Source(name) => {
            let source = config.sources.get(name).ok_or_else(no_source)?;
            if caller.is_none() {
                auth::allowed(app, &format!("source:{name}"), source.per_minute)?;
            }
            if source.signing.is_none() && caller.as_deref() != Some(name) {
                let why = "send it with the token that has the name of the source, or let the source sign";
                return Err(Problem::new(403, "forbidden", "Not allowed").detail(why));
            }
            (name.to_owned(), source.signing.as_ref())
        }
    };
    let body = question::json(headers, body)?;
    if let Some(signing) = signing {
        signature::check(signing, headers, &body, clock::now()).map_err(|why| {
            tracing::warn!(sender, why, "an event was refused: its signature");
            auth::unauthorized(why)
        })?;
    }
    let id = id_of(config, door, signing, headers)?;
    let delivery = Delivery { door, sender: &sender, bytes: &body, id };
    let received =
        app.intake.receive(&delivery).await.map_err(|error| problem_of(&sender, error))?;
    tracing::info!(
        sender,
        notice = received.notice,
        outcome = received.outcome.as_str(),
        duplicate = received.duplicate,
        revocations = received.revocations.len(),
        "an event was taken"
    );
    let json = std::str::from_utf8(&body)
        .is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    Ok((received, json))
}

/// The sender's id of an event in a header. Where only the body is signed, anybody could have written the header: then
/// it is asked for by the configuration, or not at all.
fn id_of<'a>(
    config: &Config,
    door: Door<'_>,
    signing: Option<&Signing>,
    headers: &'a HeaderMap,
) -> Result<Option<&'a str>, Problem> {
    let configured = door.mapping(config).and_then(|mapping| mapping.id_header());
    let usual = match signing.map(|signing| signing.scheme) {
        Some(Scheme::Standard) => ["webhook-id"].as_slice(),
        Some(Scheme::Github) => &[],
        None => &["idempotency-key", "webhook-id"],
    };
    let found = configured.iter().chain(usual).find_map(|name| headers.get(*name));
    let Some(found) = found else { return Ok(None) };
    let id = found.to_str().ok().filter(|id| !id.is_empty() && id.len() <= 255);
    id.map(Some)
        .ok_or_else(|| Problem::malformed("the id of the event in a header: 1 to 255 characters"))
}

async fn answer(
    app: &App,
    (received, json): (Received, bool),
    door: Door<'_>,
) -> Result<Response, Problem> {
    if received.outcome == Outcome::Quarantined {
        notices::show_held(app).await;
        // What only removes is expected while somebody is asked who is meant.
        if received.revocations.is_empty() {
            return Err(held(received, json, door));
        }
        tracing::warn!(
            notice = received.notice,
            door = door.name(),
            "an event is held, and what is certain of it is expected"
        );
    }
    let taken = Taken::from(received);
    let location = [(header::LOCATION, taken.location())];
    Ok((StatusCode::ACCEPTED, location, Json(taken)).into_response())
}

/// An event that is held is answered with what is wrong with it.
fn held(received: Received, json: bool, door: Door<'_>) -> Problem {
    let said = received.faults.first().map(ToString::to_string).unwrap_or_default();
    let detail = format!("{said} (held as {}, for a person to decide)", received.notice);
    let problem = if json {
        Problem::new(422, "quarantined", "Held for a person")
    } else {
        Problem::malformed("")
    };
    tracing::warn!(
        notice = received.notice,
        door = door.name(),
        cause = received.cause.map(crate::domain::notice::Hold::as_str),
        "an event is held"
    );
    problem.detail(detail).errors(received.faults).held(received.notice)
}
