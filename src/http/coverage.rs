//! `/api/v1/coverage`: what the newest looks saw, and what they could not see.

use super::App;
use super::auth::Caller;
use super::hide;
use super::openapi::Common;
use super::problem::Problem;
use super::question::{Nothing, Question};
use crate::domain::ids::SystemIdentifier;
use crate::domain::observation::{self, Gap, Instance, NotCovered, Observation};
use crate::domain::probes::{Declared, Probing};
use crate::domain::residual::ResidualKind;
use crate::domain::time::UtcTime;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// What is seen of every configured target, and what not.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Coverage {
    /// One a configured cluster, in the order of the configuration.
    targets: Vec<TargetCoverage>,
    /// One a configured external system.
    external: Vec<ExternalCoverage>,
    /// Surfaces that the configuration does not ask for: they never decide.
    not_required: Vec<ResidualKind>,
}

/// The newest look at one target.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TargetCoverage {
    /// Configured name.
    name: String,
    /// It answered.
    up: bool,
    /// When the look began; `null` before the first one.
    looked_at: Option<UtcTime>,
    /// When the look began that read the oldest access list in use.
    deep_at: Option<UtcTime>,
    /// Who answered.
    server: Option<Server>,
    /// Further instances that answered.
    instances: Vec<Instance>,
    /// What could not be seen, with what makes it visible.
    gaps: Vec<Gap>,
    /// What nobody tried to see.
    not_covered: Vec<NotCovered>,
    /// What was read.
    coverage: Vec<SurfaceRead>,
    /// Rights of the agent's own role beyond reading, in words.
    over_privileged: Vec<String>,
    /// Configured probes.
    probes: Vec<ProbeCoverage>,
}

/// The newest pass over one external system.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ExternalCoverage {
    /// Configured name.
    name: String,
    /// When the pass began; `null` before the first one.
    looked_at: Option<UtcTime>,
    /// When the oldest answer in use was asked for.
    deep_at: Option<UtcTime>,
    /// What is asked there.
    probes: Vec<ProbeCoverage>,
}

/// What one probe told.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProbeCoverage {
    /// Configured name.
    name: String,
    /// SHA-256 of what it asks.
    sha256: String,
    /// Without its answer nothing is proved.
    required: bool,
    /// Revocations that it was asked about.
    asked: usize,
    /// Of how many of them it told nothing.
    silent: usize,
}

/// A server that answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Server {
    /// `server_version`, such as `15.18`.
    version: String,
    /// Made by `initdb`, shared by a primary and its standbys.
    system_identifier: SystemIdentifier,
    /// A standby.
    in_recovery: bool,
    /// `pg_control_checkpoint().timeline_id`: for some time after a promotion the old one.
    timeline: i32,
    /// Its clock less the agent's, in microseconds.
    clock_skew_us: i64,
    /// Role the agent is connected as.
    agent_role: String,
}

/// One statement that was run: the evidence that a surface was read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SurfaceRead {
    /// What it reads.
    surface: ResidualKind,
    /// Database connected to.
    database: String,
    /// Name of the statement.
    statement: String,
    /// SHA-256 of its text.
    sha256: String,
    /// Rows it gave.
    rows: u64,
    /// Time it took, in microseconds.
    elapsed_us: u64,
}

impl From<&observation::Server> for Server {
    fn from(server: &observation::Server) -> Self {
        Self {
            version: server.version.clone(),
            system_identifier: server.system_identifier,
            in_recovery: server.in_recovery,
            timeline: server.timeline,
            clock_skew_us: server.clock_skew_us,
            agent_role: server.agent_role.clone(),
        }
    }
}

impl From<&observation::Coverage> for SurfaceRead {
    fn from(read: &observation::Coverage) -> Self {
        Self {
            surface: read.surface,
            database: read.database.clone(),
            statement: read.statement.clone(),
            sha256: read.sha256.clone(),
            rows: read.rows,
            elapsed_us: read.elapsed_us,
        }
    }
}

impl TargetCoverage {
    fn of(name: &str, look: Option<&Observation>) -> Self {
        let gaps = look.iter().flat_map(|look| look.gaps.iter().cloned());
        let coverage = look.iter().flat_map(|look| &look.coverage);
        let server = look.and_then(|look| look.server.as_ref());
        Self {
            name: name.to_owned(),
            up: server.is_some(),
            looked_at: look.map(|look| look.started_at),
            deep_at: look.map(|look| look.deep_at),
            server: server.map(Server::from),
            instances: look.map(|look| look.instances.clone()).unwrap_or_default(),
            gaps: gaps.map(hide::names).collect(),
            not_covered: look.map(|look| look.not_covered.clone()).unwrap_or_default(),
            coverage: coverage.map(SurfaceRead::from).collect(),
            over_privileged: look.map(|look| look.excess.clone()).unwrap_or_default(),
            probes: look.map(|look| probes(&look.probing)).unwrap_or_default(),
        }
    }
}

impl ExternalCoverage {
    fn of(name: &str, look: Option<&Observation>) -> Self {
        Self {
            name: name.to_owned(),
            looked_at: look.map(|look| look.started_at),
            deep_at: look.map(|look| look.deep_at),
            probes: look.map(|look| probes(&look.probing)).unwrap_or_default(),
        }
    }
}

fn probes(probing: &Probing) -> Vec<ProbeCoverage> {
    let of = |declared: &Arc<Declared>| {
        let theirs = || probing.answers.iter().filter(|((name, _), _)| *name == declared.name);
        ProbeCoverage {
            name: declared.name.clone(),
            sha256: declared.sha256.clone(),
            required: declared.required,
            asked: theirs().count(),
            silent: theirs().filter(|(_, answered)| answered.answer.is_err()).count(),
        }
    };
    probing.declared.iter().map(of).collect()
}

/// What the newest looks saw
///
/// Absence is proved only by a look without gaps; here stands which gaps there are, and what closes them.
#[utoipa::path(
    get,
    path = "/api/v1/coverage",
    operation_id = "coverage",
    tag = "coverage",
    responses((status = 200, description = "One entry a configured target.", body = Coverage), Common)
)]
pub(super) async fn coverage(
    State(app): State<App>,
    Caller(_): Caller,
    _: Question<Nothing>,
) -> Result<Json<Coverage>, Problem> {
    let config = app.config.current();
    let targets = config
        .targets
        .iter()
        .map(|target| TargetCoverage::of(&target.name, app.board.newest(&target.name).as_deref()));
    let external = config.external.iter().map(|system| {
        ExternalCoverage::of(&system.name, app.board.newest(&system.name).as_deref())
    });
    Ok(Json(Coverage {
        targets: targets.collect(),
        external: external.collect(),
        not_required: config.not_required.iter().copied().collect(),
    }))
}
