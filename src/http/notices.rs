//! `/api/v1/notices`: what came in and what became of it; and deciding about what is held.

use super::App;
use super::auth::Caller;
use super::cursor;
use super::openapi::{Common, Conflicts, Missing};
use super::problem::Problem;
use super::question::{Id, Nothing, Question, json};
use super::revocations::{problem_of, store_away};
use super::webhooks::Taken;
use crate::domain::notice::{Cause, Fault, Outcome};
use crate::domain::time::UtcTime;
use crate::intake::SubmissionError;
use crate::metrics::Metrics;
use crate::store::{KeptNotice, Place, Store, StoreError};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Most notices on a page.
pub const MOST: u16 = 1_000;
/// Conflicts that are shown.
const CONFLICTS: i64 = 100;

/// Which notices to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Those with this outcome.
    #[param(value_type = Option<Outcome>)]
    pub outcome: Option<String>,
    /// Those of this sender.
    #[param(min_length = 1, max_length = 1000, nullable = false)]
    pub source: Option<String>,
    /// Most notices on the page.
    #[param(default = 100, minimum = 1, maximum = 1000, nullable = false)]
    pub limit: Option<u16>,
    /// Where to go on: `next` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]{2,120}$", nullable = false)]
    pub cursor: Option<String>,
}

/// A notice. What it said is not shown.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = KeptNotice)]
pub struct NoticeView {
    /// `ntc_…`.
    pub id: String,
    /// Who sent it.
    pub source: String,
    /// The sender's id of the event.
    pub event_id: String,
    /// Where it came in.
    pub door: String,
    /// Type of the event; empty for a plain notice.
    pub event_type: String,
    /// When the sender says that it was made.
    pub event_at: Option<UtcTime>,
    /// When it came.
    pub received_at: UtcTime,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it is held.
    pub cause: Option<Cause>,
    /// What is wrong with it, field by field.
    pub errors: Vec<Fault>,
    /// The revocation that it made or joined, or that makes it void.
    pub revocation: Option<String>,
    /// The checklist that it opened.
    pub checklist: Option<String>,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Who decided about it.
    pub settled_by: Option<String>,
    /// Why they decided so.
    pub settled_why: Option<String>,
}

/// A notice that came with the id of another one and other content.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Conflict {
    /// Who sent it.
    pub source: String,
    /// The id.
    pub event_id: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// First time.
    pub first_at: UtcTime,
    /// Last time.
    pub last_at: UtcTime,
    /// How often.
    pub times: i64,
}

/// Notices that were refused and not kept, since the agent started.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Turned {
    /// Who sent them, as far as that is known.
    pub source: String,
    /// Why.
    pub outcome: String,
    /// How many.
    pub count: u64,
}

/// A page of the journal of notices, newest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct NoticePage {
    /// Those on this page.
    pub notices: Vec<NoticeView>,
    /// The newest that came with the id of another one and other content.
    pub conflicts: Vec<Conflict>,
    /// What was refused and not kept.
    pub refused: Vec<Turned>,
    /// `cursor` of the next page; `null` on the last one.
    pub next: Option<String>,
}

/// No page.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// What was asked for does not exist.
    #[error("{0}")]
    Filter(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl From<KeptNotice> for NoticeView {
    fn from(kept: KeptNotice) -> Self {
        let facts = kept.key.facts;
        Self {
            id: facts.id,
            source: kept.key.source,
            event_id: kept.key.event_id,
            door: facts.door,
            event_type: facts.event_type,
            event_at: facts.event_at,
            received_at: kept.received_at,
            outcome: facts.outcome,
            cause: facts.cause,
            errors: facts.faults,
            revocation: kept.revocation,
            checklist: some(facts.checklist),
            sha256: kept.key.digest,
            settled_by: some(kept.settled_by),
            settled_why: some(kept.settled_why),
        }
    }
}

/// The word of a metric for a refusal of this status.
pub(super) fn word_of(status: u16) -> &'static str {
    match status {
        401 => "unauthorized",
        403 => "forbidden",
        409 => "conflict",
        429 => "limited",
        500.. => "unavailable",
        _ => "malformed",
    }
}

/// Outcomes that nothing is kept of.
const REFUSED: &[&str] = &["unauthorized", "forbidden", "limited", "malformed", "unavailable"];

/// What the agent has refused since it started.
#[must_use]
pub fn refused(metrics: &Metrics) -> Vec<Turned> {
    let counted = metrics.intake.counted().into_iter();
    counted
        .filter(|(_, outcome, count)| *count > 0 && REFUSED.contains(&outcome.as_str()))
        .map(|(source, outcome, count)| Turned { source, outcome, count })
        .collect()
}

/// The page that `filter` asks for.
///
/// # Errors
/// When the filter has a word nobody knows, or the store is away.
pub async fn page(store: &Store, filter: &Filter) -> Result<NoticePage, JournalError> {
    let wrong = |what: String| JournalError::Filter(what);
    let outcome = filter.outcome.as_deref().map(|text| {
        let known: Vec<_> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
        Outcome::from_word(text)
            .ok_or_else(|| wrong(format!("outcome: one of {}", known.join(", "))))
    });
    let outcome = outcome.transpose()?;
    let source = filter.source.as_deref().unwrap_or_default();
    if filter.source.is_some()
        && (source.is_empty() || source.len() > 4_000 || source.contains('\0'))
    {
        return Err(wrong("source: 1 to 1000 characters, none of them NUL".to_owned()));
    }
    let limit = filter.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong(format!("limit: 1 to {MOST}")));
    }
    let after = filter.cursor.as_deref().map(|text| {
        cursor::read(text).ok_or_else(|| wrong("cursor: `next` of an earlier page".to_owned()))
    });
    let after = after.transpose()?;
    // One more than is shown tells whether there is a next page.
    let mut kept = store.notices(outcome, source, after.as_ref(), i64::from(limit) + 1).await?;
    let more = kept.len() > usize::from(limit);
    kept.truncate(usize::from(limit));
    let last = kept.last().filter(|_| more);
    let next = last.map(|kept| {
        cursor::write(&Place { received_at: kept.received_at, id: kept.key.facts.id.clone() })
    });
    let conflicts = store.conflicts(CONFLICTS).await?.into_iter();
    let conflicts = conflicts.map(|one| Conflict {
        source: one.source,
        event_id: one.event_id,
        sha256: one.digest,
        first_at: one.first_at,
        last_at: one.last_at,
        times: one.times,
    });
    Ok(NoticePage {
        notices: kept.into_iter().map(Into::into).collect(),
        conflicts: conflicts.collect(),
        refused: Vec::new(),
        next,
    })
}

/// List notices
///
/// Newest first: what came in and what became of it, accepted and refused. What notices said is not shown. Go on with
/// `cursor` set to `next` until that is `null`.
#[utoipa::path(
    get,
    path = "/api/v1/notices",
    operation_id = "listNotices",
    tag = "notices",
    params(Filter),
    responses((status = 200, description = "One page.", body = NoticePage), Common)
)]
pub(super) async fn journal(
    State(app): State<App>,
    Caller(_): Caller,
    Question(filter): Question<Filter>,
) -> Result<Json<NoticePage>, Problem> {
    let page = page(&app.journal.store, &filter).await.map_err(|error| match error {
        JournalError::Filter(what) => Problem::malformed(what),
        JournalError::Store(error) => store_away(error),
    })?;
    Ok(Json(NoticePage { refused: refused(&app.metrics), ..page }))
}

fn nothing() -> Problem {
    Problem::not_found("there is no such notice")
}

/// Show a notice
#[utoipa::path(
    get,
    path = "/api/v1/notices/{id}",
    operation_id = "showNotice",
    tag = "notices",
    params(("id" = String, Path, description = "`ntc_…`")),
    responses((status = 200, description = "What became of it.", body = NoticeView), Missing, Common)
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Json<NoticeView>, Problem> {
    let store = &app.journal.store;
    let kept = store.notice(&id).await.map_err(store_away)?.ok_or_else(nothing)?;
    // As everywhere, it is shown once its record is in the log.
    if let Some(record) = &kept.key.facts.record
        && store.landed(record).await.map_err(store_away)? != Some(true)
    {
        return Err(nothing());
    }
    Ok(Json(kept.into()))
}

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
    serde_json::from_slice(body)
        .map_err(|error| problem_of(caller, SubmissionError::Form(error.to_string()).into()))
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

/// Shows how many notices are held.
pub(super) async fn show_held(app: &App) {
    match app.journal.store.notices_of(Outcome::Quarantined).await {
        Ok(count) => app.metrics.intake.set_quarantined(count),
        Err(error) => tracing::warn!(error = error.to_string(), "held notices were not counted"),
    }
}

/// Shows, when the agent starts, what the store knows: how many notices are held, and when each source was last heard.
///
/// # Errors
/// When the store is away.
pub async fn show_levels(app: &App) -> Result<(), StoreError> {
    let config = app.config.current();
    for (source, at) in app.journal.store.last_heard().await? {
        app.metrics.intake.heard(config.sender(&source), at.seconds());
    }
    let held = app.journal.store.notices_of(Outcome::Quarantined).await?;
    app.metrics.intake.set_quarantined(held);
    Ok(())
}
