//! `/api/v1/campaigns`: rotation campaigns and their consumers.

use super::App;
use super::auth::Caller;
use super::openapi::{Common, Missing, Notices};
use super::problem::Problem;
use super::question::{Id, Nothing, Question, json};
use super::revocations::{problem_of, store_away};
use crate::clock;
use crate::config::Config;
use crate::domain::acknowledged;
use crate::domain::campaign::{Standing, Tone};
use crate::domain::time::UtcTime;
use crate::store::{CampaignRow, KeptConsumer, Store, StoreError};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;

/// Longest time that an answer waits for a sweep. Clients and the listener wait longer than this.
const PATIENCE: Duration = Duration::from_secs(15);
/// Whether it was made is asked this often.
const PAUSE: Duration = Duration::from_millis(200);

/// A sweep was asked for, and was not made yet.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SweepAskedFor)]
pub struct Asked {
    /// The campaign.
    pub campaign: String,
    /// When it was asked for: once `swept_at` is not before this, it was made.
    pub asked_at: UtcTime,
}

/// A rotation campaign: how its consumers stand.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Campaign)]
pub struct CampaignView {
    /// Its name.
    pub name: String,
    /// Name of the old credential.
    pub old: String,
    /// Name of the new credential.
    pub new: String,
    /// Until when consumers have to use the new one.
    pub deadline: UtcTime,
    /// When it was last swept.
    pub swept_at: Option<UtcTime>,
    /// When its list of consumers was last read whole.
    pub list_read_at: Option<UtcTime>,
    /// Why the newest sweep could not read that; empty where it could.
    pub list_error: String,
    /// How many consumers stand where.
    pub consumers: BTreeMap<String, u64>,
    /// How many have to act and are late.
    #[schema(minimum = 0)]
    pub overdue: u64,
    /// Teams of whose consumers somebody has in hand what is late: they are not reminded for a while.
    #[serde(default)]
    pub acknowledged: BTreeMap<String, acknowledged::Standing>,
}

/// A consumer of a campaign's old credential.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Consumer)]
pub struct ConsumerView {
    /// As the list calls it.
    pub consumer: String,
    /// Its id in the log.
    pub id: String,
    /// The team that owns it.
    pub team: String,
    /// Until when it has to use the new credential.
    pub deadline: UtcTime,
    /// Where it stands.
    pub state: Standing,
    /// Bucket of how late it is; `null` while nobody has to act.
    pub bucket: Option<Tone>,
    /// How often its team was reminded.
    #[schema(minimum = 0)]
    pub nudges: u32,
    /// When last.
    pub nudged_at: Option<UtcTime>,
    /// When somebody last said that it uses the new credential.
    pub claimed_at: Option<UtcTime>,
    /// When it was last closed.
    pub closed_at: Option<UtcTime>,
    /// Newest known use of the old credential.
    pub old_used_at: Option<UtcTime>,
    /// Newest known use of the new credential.
    pub new_used_at: Option<UtcTime>,
}

/// A campaign with all of its consumers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CampaignDetail {
    /// The campaign.
    pub campaign: CampaignView,
    /// Its consumers, by name.
    pub consumers: Vec<ConsumerView>,
}

/// Every configured campaign.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct CampaignList {
    /// They, by name.
    pub campaigns: Vec<CampaignView>,
}

impl ConsumerView {
    fn of(one: &KeptConsumer, bounds: [Duration; 3], now: UtcTime) -> Self {
        let (consumer, state) = (&one.kept.consumer, one.shown());
        let late = state.is_outstanding() && now > consumer.deadline;
        Self {
            consumer: consumer.name.clone(),
            id: one.kept.id.clone(),
            team: consumer.team.clone(),
            deadline: consumer.deadline,
            state,
            bucket: late.then(|| Tone::of(now.since(consumer.deadline), bounds)),
            nudges: consumer.nudges,
            nudged_at: consumer.nudged_at,
            claimed_at: consumer.claimed_at,
            closed_at: consumer.closed_at.filter(|_| one.landed),
            old_used_at: consumer.old_used_at,
            new_used_at: consumer.new_used_at,
        }
    }
}

/// Every configured campaign with its consumers, as they are shown at `now`; only `name`, where one is given.
///
/// # Errors
/// When the store is away.
pub async fn all(
    store: &Store,
    config: &Config,
    name: Option<&str>,
    now: UtcTime,
) -> Result<Vec<CampaignDetail>, StoreError> {
    let Some(chaser) = &config.chaser else { return Ok(Vec::new()) };
    let rows = store.campaigns().await?;
    let mut all = Vec::new();
    for campaign in chaser.campaigns.iter().filter(|one| name.is_none_or(|name| one.name == name)) {
        let row = rows.iter().find(|row| row.name == campaign.name);
        let swept = row.map(|row| row.swept.clone()).unwrap_or_default();
        let kept = store.consumers(&campaign.name).await?;
        let consumers: Vec<ConsumerView> =
            kept.iter().map(|one| ConsumerView::of(one, chaser.bounds, now)).collect();
        let mut counts: BTreeMap<String, u64> =
            Standing::ALL.iter().map(|state| (state.to_string(), 0)).collect();
        for one in &consumers {
            *counts.entry(one.state.to_string()).or_default() += 1;
        }
        let overdue = consumers.iter().filter(|one| one.bucket.is_some()).count() as u64;
        let mut acknowledged = BTreeMap::new();
        for (team, known) in swept.acknowledged.iter().filter(|(_, known)| known.rests(now)) {
            if store.landed(&known.record).await? == Some(true) {
                acknowledged.insert(team.clone(), known.standing());
            }
        }
        let view = CampaignView {
            name: campaign.name.clone(),
            old: campaign.old.clone(),
            new: campaign.new.clone(),
            deadline: campaign.deadline,
            swept_at: swept.at,
            list_read_at: swept.read_at,
            list_error: swept.error,
            consumers: counts,
            overdue,
            acknowledged,
        };
        all.push(CampaignDetail { campaign: view, consumers });
    }
    Ok(all)
}

fn none() -> Problem {
    Problem::not_found("there is no such campaign or consumer")
}

/// List campaigns
///
/// Every rotation campaign of the configuration, and how its consumers stand.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns",
    operation_id = "listCampaigns",
    tag = "campaigns",
    responses((status = 200, description = "All of them.", body = CampaignList), Common)
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
) -> Result<Json<CampaignList>, Problem> {
    let config = app.config.current();
    let all = all(&app.journal.store, &config, None, clock::now()).await.map_err(store_away)?;
    Ok(Json(CampaignList { campaigns: all.into_iter().map(|one| one.campaign).collect() }))
}

/// Show a campaign
///
/// With all of its consumers, and when each was seen to use what.
#[utoipa::path(
    get,
    path = "/api/v1/campaigns/{id}",
    operation_id = "showCampaign",
    tag = "campaigns",
    params(("id" = String, Path, description = "Name of the campaign.")),
    responses(
        (status = 200, description = "The campaign.", body = CampaignDetail),
        Missing,
        Common,
    )
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Json<CampaignDetail>, Problem> {
    let config = app.config.current();
    let found = all(&app.journal.store, &config, Some(&id), clock::now()).await;
    found.map_err(store_away)?.pop().map(Json).ok_or_else(none)
}

/// Confirm a consumer
///
/// Somebody says that it uses the new credential: it is not chased any more, until it is seen to use the old one. Only
/// observed use of the new one closes it. With `withdraw` that is taken back, and it is chased again. Either is in the log when
/// this is answered.
#[utoipa::path(
    post,
    path = "/api/v1/campaigns/{id}/confirm",
    operation_id = "confirmConsumer",
    tag = "campaigns",
    params(("id" = String, Path, description = "Name of the campaign.")),
    request_body = crate::intake::campaign::Claim,
    responses(
        (status = 200, description = "As it stands now.", body = ConsumerView),
        Missing,
        Notices,
        Common,
    )
)]
pub(super) async fn confirm(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<ConsumerView>, Problem> {
    let bytes = json(&headers, body)?;
    let config = app.config.current();
    let Some(chaser) = &config.chaser else { return Err(none()) };
    let done = app.intake.confirm_consumer(&id, &bytes, &caller).await;
    let found = done.map_err(|error| problem_of(&caller, error))?.ok_or_else(none)?;
    Ok(Json(ConsumerView::of(&found, chaser.bounds, clock::now())))
}

/// Sweep a campaign now
///
/// Rather than at its next time. Like any sweep it reads the list, moves consumers and reminds teams that are late; who has
/// quiet hours is reminded when they are over. Waits up to 15 s for it.
#[utoipa::path(
    post,
    path = "/api/v1/campaigns/{id}/sweep",
    operation_id = "sweepCampaign",
    tag = "campaigns",
    params(("id" = String, Path, description = "Name of the campaign.")),
    responses(
        (status = 200, description = "Swept.", body = CampaignView),
        (status = 202, description = "Asked for; ask for the campaign a little later.", body = Asked),
        Missing,
        Common,
    )
)]
pub(super) async fn sweep(
    State(app): State<App>,
    Caller(caller): Caller,
    _: Question<Nothing>,
    Id(id): Id,
) -> Result<Response, Problem> {
    let config = app.config.current();
    if config.chaser.as_ref().and_then(|chaser| chaser.campaign(&id)).is_none() {
        return Err(none());
    }
    let asked_at = app.intake.ask_sweep(&id, &caller).await;
    let asked_at = asked_at.map_err(|error| problem_of(&caller, error))?;
    let made = swept(&app.journal.store, &id, asked_at);
    let Ok(made) = tokio::time::timeout(PATIENCE, made).await else {
        let asked = Asked { campaign: id, asked_at };
        return Ok((StatusCode::ACCEPTED, Json(asked)).into_response());
    };
    made.map_err(store_away)?;
    let found = all(&app.journal.store, &config, Some(&id), clock::now()).await;
    let found = found.map_err(store_away)?.pop().ok_or_else(none)?;
    Ok(Json(found.campaign).into_response())
}

/// Returns once a sweep was made that was asked for at `asked_at` or later.
async fn swept(store: &Store, name: &str, asked_at: UtcTime) -> Result<(), StoreError> {
    loop {
        let made = |row: &CampaignRow| row.name == name && row.swept.slot >= Some(asked_at);
        if store.campaigns().await?.iter().any(made) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The consumer as it is shown to a command that runs alone.
#[must_use]
pub fn shown(found: &KeptConsumer, config: &Config) -> Option<ConsumerView> {
    let chaser = config.chaser.as_ref()?;
    Some(ConsumerView::of(found, chaser.bounds, clock::now()))
}
