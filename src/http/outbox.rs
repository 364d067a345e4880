//! `/api/v1/outbox`: what people are told, and what could not be told.

use super::App;
use super::auth::Caller;
use super::openapi::{Common, Conflicts, Missing};
use super::paging::{PageError, Window, wrong};
use super::problem::Problem;
use super::question::{Id, Nothing, Question};
use super::revocations::store_away;
use crate::deliver::{ChangeError, change, preview};
use crate::domain::delivery::{Standing, Topic};
use crate::domain::time::UtcTime;
use crate::store::{Delivery, Place, Store};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Most messages on a page.
pub const MOST: u16 = 1_000;

/// Which messages to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Those that stand like this.
    #[param(value_type = Option<Standing>)]
    pub state: Option<String>,
    /// Most messages on the page.
    #[param(default = 100, minimum = 1, maximum = 1000, nullable = false)]
    pub limit: Option<u16>,
    /// Where to go on: `next` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]{2,120}$", nullable = false)]
    pub cursor: Option<String>,
}

/// A message. What it says is made when it is sent, of what the log holds then.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = OutboxMessage)]
pub struct MessageView {
    /// Its id, which the receiver keeps beside it.
    pub id: String,
    /// Who is told.
    pub receiver: String,
    /// What about.
    pub topic: Topic,
    /// How it stands.
    pub state: Standing,
    /// The revocation, or `target:NAME`; empty for a digest.
    pub about: String,
    /// The record that it tells; of a digest the newest of them.
    pub record: String,
    /// Line of that record in the log.
    #[schema(minimum = 0)]
    pub seq: Option<u64>,
    /// When that record was queued.
    pub created_at: UtcTime,
    /// Not sent before.
    pub due_at: UtcTime,
    /// Not sent later by itself.
    pub expires_at: Option<UtcTime>,
    /// How often it was sent or looked up.
    pub attempts: u32,
    /// Why it is not sent, in a word of the receiver; empty where nothing is wrong.
    pub error: String,
    /// It may be at the receiver twice.
    pub possible_duplicate: bool,
    /// When it came to its end.
    pub settled_at: Option<UtcTime>,
    /// Where the receiver has it.
    pub remote: Option<String>,
    /// The digest that tells it.
    pub digest: Option<String>,
}

/// A page of the outbox, newest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct OutboxPage {
    /// Those on this page.
    pub messages: Vec<MessageView>,
    /// `cursor` of the next page; `null` on the last one.
    pub next: Option<String>,
}

impl From<Delivery> for MessageView {
    fn from(row: Delivery) -> Self {
        Self {
            id: row.id,
            receiver: row.receiver,
            topic: row.topic,
            state: row.row.standing,
            about: row.about,
            record: row.record,
            seq: row.seq,
            created_at: row.created_at,
            due_at: row.row.due_at,
            expires_at: row.row.expires_at,
            attempts: row.row.attempts,
            error: row.error,
            possible_duplicate: row.row.doubled,
            settled_at: row.settled_at,
            remote: row.remote,
            digest: row.carrier,
        }
    }
}

/// The page that `filter` asks for.
///
/// # Errors
/// When the filter has a word nobody knows, or the store is away.
pub async fn page(store: &Store, filter: &Filter) -> Result<OutboxPage, PageError> {
    let state = filter.state.as_deref().map(|text| {
        let known: Vec<_> = Standing::ALL.iter().map(|one| one.as_str()).collect();
        Standing::from_word(text)
            .map_or_else(|| wrong(format!("state: one of {}", known.join(", "))), Ok)
    });
    let state = state.transpose()?;
    let window = Window::of(filter.limit, filter.cursor.as_deref(), MOST)?;
    let mut rows = store.deliveries(state, window.after.as_ref(), window.rows()).await?;
    let next =
        window.cut(&mut rows, |row| Place { received_at: row.created_at, id: row.id.clone() });
    Ok(OutboxPage { messages: rows.into_iter().map(Into::into).collect(), next })
}

/// List messages
///
/// Newest first: what people were told, are to be told, and could not be told. Go on with `cursor` set to `next` until
/// that is `null`.
#[utoipa::path(
    get,
    path = "/api/v1/outbox",
    operation_id = "listOutbox",
    tag = "outbox",
    params(Filter),
    responses((status = 200, description = "One page.", body = OutboxPage), Common)
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(_): Caller,
    Question(filter): Question<Filter>,
) -> Result<Json<OutboxPage>, Problem> {
    let page = page(&app.journal.store, &filter).await?;
    Ok(Json(page))
}

fn nothing() -> Problem {
    Problem::not_found("there is no such message")
}

fn problem_of(error: ChangeError) -> Problem {
    match error {
        ChangeError::Store(error) => store_away(error),
        ChangeError::Journal(error) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::warn!(error, "the log took no record of a change of the outbox");
            Problem::unavailable("the log does not take the record")
        }
        ChangeError::Standing(..)
        | ChangeError::Nobody(_)
        | ChangeError::Nothing
        | ChangeError::Refused(_)
        | ChangeError::Setup(_) => {
            Problem::new(409, "not-deliverable", "Not deliverable").detail(error.to_string())
        }
    }
}

/// Render a message
///
/// What would be sent now, checked against the receiver's limits; nothing is sent.
#[utoipa::path(
    get,
    path = "/api/v1/outbox/{id}/message",
    operation_id = "renderMessage",
    tag = "outbox",
    params(("id" = String, Path, description = "Id of the message.")),
    responses(
        (status = 200, description = "The request that would be sent.", body = Object),
        Missing,
        Conflicts,
        Common,
    )
)]
pub(super) async fn message(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Json<Value>, Problem> {
    let config = app.config.current();
    let rendered = preview(&app.journal, &config, &id).await.map_err(problem_of)?;
    rendered.map(Json).ok_or_else(nothing)
}

/// Send a message again
///
/// One that is dead, expired or was dropped. That somebody wanted it is in the log when this is answered.
#[utoipa::path(
    post,
    path = "/api/v1/outbox/{id}/retry",
    operation_id = "retryMessage",
    tag = "outbox",
    params(("id" = String, Path, description = "Id of the message.")),
    responses(
        (status = 200, description = "It is due, and that is in the log.", body = MessageView),
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
) -> Result<Json<MessageView>, Problem> {
    changed(&app, &id, true, &caller).await
}

/// Drop a message
///
/// It is never sent. Who decided that is in the log when this is answered.
#[utoipa::path(
    post,
    path = "/api/v1/outbox/{id}/drop",
    operation_id = "dropMessage",
    tag = "outbox",
    params(("id" = String, Path, description = "Id of the message.")),
    responses(
        (status = 200, description = "Dropped, and that is in the log.", body = MessageView),
        Missing,
        Conflicts,
        Common,
    )
)]
pub(super) async fn drop_it(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Json<MessageView>, Problem> {
    changed(&app, &id, false, &caller).await
}

async fn changed(
    app: &App,
    id: &str,
    retry: bool,
    caller: &str,
) -> Result<Json<MessageView>, Problem> {
    let row = change(&app.journal, id, retry, caller).await.map_err(problem_of)?;
    let row = row.ok_or_else(nothing)?;
    let what = if retry { "sent again" } else { "dropped" };
    tracing::info!(caller, delivery = id, what, "somebody changed the outbox");
    Ok(Json(row.into()))
}
