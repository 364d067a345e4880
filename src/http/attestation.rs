//! `/api/v1/attestation`: what is attested of a period, without filing it.

use super::App;
use super::auth::Caller;
use super::openapi::{Common, Missing};
use super::problem::Problem;
use super::question::Question;
use super::revocations::store_away;
use crate::clock;
use crate::config::{AttestationConfig, Config};
use crate::deliver::attest::{AttestError, Wanted, make};
use crate::deliver::newest;
use crate::domain::attestation::{Attestation, Period};
use crate::domain::time::UtcTime;
use crate::journal::Journal;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

/// Which period.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Name of a configured attestation: its newest period that ended, as it is filed, unless `from` says otherwise.
    #[param(min_length = 1, max_length = 40, nullable = false)]
    pub name: Option<String>,
    /// The first instant of the period. Needed without `name`.
    pub from: Option<UtcTime>,
    /// The first instant after it; now without it.
    pub to: Option<UtcTime>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum NotAttested {
    /// The question.
    #[error("{0}")]
    Wrong(String),
    /// There is no attestation of this name.
    #[error("the configuration has no attestation {0}")]
    Unknown(String),
    /// Store or log.
    #[error(transparent)]
    Made(#[from] AttestError),
}

impl Filter {
    /// The attestation that is named.
    fn named<'a>(&self, config: &'a Config) -> Result<Option<&'a AttestationConfig>, NotAttested> {
        let Some(name) = &self.name else { return Ok(None) };
        let found = config.attestations.iter().find(|one| one.name == *name);
        found.map(Some).ok_or_else(|| NotAttested::Unknown(name.clone()))
    }

    /// The period between the times that are asked for.
    fn between(&self, now: UtcTime) -> Result<Period, NotAttested> {
        let wrong = |why: &str| Err(NotAttested::Wrong(why.to_owned()));
        let Some(from) = self.from else {
            return wrong("from: say when the period begins, or name an attestation");
        };
        let period = Period { from, to: self.to.unwrap_or(now) };
        if period.to > now {
            return wrong("to: it lies in the future");
        }
        if period.from >= period.to {
            return wrong("from: it is not before the end of the period");
        }
        Ok(period)
    }
}

/// The newest period of an attestation, as it is filed.
async fn of_name(
    journal: &Journal,
    one: &AttestationConfig,
    now: UtcTime,
) -> Result<Wanted, NotAttested> {
    let found = newest(&journal.store, one, now).await.map_err(AttestError::from)?;
    found.ok_or_else(|| {
        let why = "name: no period of it has ended since it was configured, so that none is filed: give the times, from \
                   and to";
        NotAttested::Wrong(why.to_owned())
    })
}

/// What is attested of the period that `filter` asks for.
///
/// # Errors
/// When the question is wrong, or store or log cannot be read.
pub async fn made(
    journal: &Journal,
    config: &Config,
    filter: &Filter,
    now: UtcTime,
) -> Result<Attestation, NotAttested> {
    let wanted = match filter.named(config)? {
        Some(one) if filter.from.is_none() && filter.to.is_none() => {
            of_name(journal, one, now).await?
        }
        Some(_) | None => Wanted {
            name: filter.name.clone(),
            period: filter.between(now)?,
            up_to: None,
            left_out: None,
        },
    };
    let head = journal.head().await.map_err(AttestError::from)?;
    Ok(make(journal, &wanted, &head).await?)
}

/// Attest a period
///
/// What the log tells of the revocations of a period: how many, from whom, in time or not, what came back, what was
/// permitted, what nobody could tell, and how complete the log is. Nothing is filed by that, and nobody is named.
#[utoipa::path(
    get,
    path = "/api/v1/attestation",
    operation_id = "attestPeriod",
    tag = "audit",
    params(Filter),
    responses(
        (status = 200, description = "What is attested.", body = Attestation),
        Missing,
        Common,
    )
)]
pub(super) async fn attest(
    State(app): State<App>,
    Caller(_): Caller,
    Question(filter): Question<Filter>,
) -> Result<Json<Attestation>, Problem> {
    let config = app.config.current();
    match made(&app.journal, &config, &filter, clock::now()).await {
        Ok(made) => Ok(Json(made)),
        Err(NotAttested::Wrong(why)) => Err(Problem::malformed(why)),
        Err(NotAttested::Unknown(_)) => {
            Err(Problem::not_found("the configuration has no attestation of this name"))
        }
        Err(NotAttested::Made(AttestError::Store(error))) => Err(store_away(error)),
        Err(NotAttested::Made(error @ (AttestError::Lines(_) | AttestError::Head(_)))) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::error!(error, "a period cannot be attested");
            Err(Problem::unavailable("the audit log cannot be read"))
        }
    }
}
