//! `/api/v1/notices`: what came in and what became of it.

use super::App;
use super::auth::Caller;
use super::openapi::{Common, Missing};
use super::paging::{PageError, Window, wrong};
use super::problem::Problem;
use super::question::{Id, Nothing, Question};
use super::revocations::store_away;
use crate::domain::notice::{Fault, Hold, Outcome};
use crate::domain::time::UtcTime;
use crate::metrics::Metrics;
use crate::store::{KeptNotice, Place, Store, StoreError};
use axum::Json;
use axum::extract::State;
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

/// A notice. What it said is not shown, but for whom it names.
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
    /// Stable id of whom it names, else their user name; empty once that was erased.
    pub subject: String,
    /// User name of whom it names, beside the stable id; empty where it names none.
    pub username: String,
    /// When the sender says that it was made.
    pub event_at: Option<UtcTime>,
    /// When it came.
    pub received_at: UtcTime,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it is held.
    pub cause: Option<Hold>,
    /// What is wrong with it, field by field.
    pub errors: Vec<Fault>,
    /// The revocation that it made or joined, or that makes it void.
    pub revocation: Option<String>,
    /// The checklist that it opened.
    pub checklist: Option<String>,
    /// What it asked for that waits, or waited, for a second person: ids of requests and of exceptions.
    #[serde(default)]
    pub pending: Vec<String>,
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
            subject: facts.subject,
            username: facts.username,
            event_at: facts.event_at,
            received_at: kept.received_at,
            outcome: facts.outcome,
            cause: facts.cause,
            errors: facts.faults,
            revocation: kept.revocation,
            checklist: some(facts.checklist),
            pending: facts.pending,
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

/// What the agent has refused since it started, unless `filter` asks for an outcome of what is kept.
#[must_use]
pub fn refused(metrics: &Metrics, filter: &Filter) -> Vec<Turned> {
    let counted = metrics.intake.counted().into_iter().filter(|_| filter.outcome.is_none());
    counted
        .filter(|(_, outcome, count)| *count > 0 && REFUSED.contains(&outcome.as_str()))
        .filter(|(source, _, _)| filter.source.as_ref().is_none_or(|asked| asked == source))
        .map(|(source, outcome, count)| Turned { source, outcome, count })
        .collect()
}

/// The page that `filter` asks for.
///
/// # Errors
/// When the filter has a word nobody knows, or the store is away.
pub async fn page(store: &Store, filter: &Filter) -> Result<NoticePage, PageError> {
    let outcome = filter.outcome.as_deref().map(|text| {
        let known: Vec<_> = Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect();
        Outcome::from_word(text)
            .map_or_else(|| wrong(format!("outcome: one of {}", known.join(", "))), Ok)
    });
    let outcome = outcome.transpose()?;
    let source = filter.source.as_deref().unwrap_or_default();
    let usable =
        |text: &String| !text.is_empty() && text.chars().count() <= 1_000 && !text.contains('\0');
    if !filter.source.as_ref().is_none_or(usable) {
        return wrong("source: 1 to 1000 characters, none of them NUL");
    }
    let window = Window::of(filter.limit, filter.cursor.as_deref(), MOST)?;
    let mut kept = store.notices(outcome, source, window.after.as_ref(), window.rows()).await?;
    let next = window.cut(&mut kept, |kept| Place {
        received_at: kept.received_at,
        id: kept.key.facts.id.clone(),
    });
    // They are no outcome of a notice that is kept.
    let conflicts =
        if outcome.is_none() { store.conflicts(source, CONFLICTS).await? } else { Vec::new() };
    let conflicts = conflicts.into_iter();
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
    let page = page(&app.journal.store, &filter).await?;
    let refused = refused(&app.metrics, &filter);
    Ok(Json(NoticePage { refused, ..page }))
}

pub(super) fn nothing() -> Problem {
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
