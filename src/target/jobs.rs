//! Jobs that run by themselves in a role's name. No new login is needed, and nobody has to be there.

use super::cluster::{Cluster, with_tracked};
use super::rows::{CronRow, DatabaseRow, ExtensionRow, JobRow};
use super::session::Session;
use super::statements as sql;
use super::trouble::Trouble;
use crate::domain::observation::{Cause, Gap};
use crate::domain::plan::quote::ident;
use crate::domain::residual::{Residual, ResidualKind, Strength};
use sqlx::postgres::PgArguments;

/// In which database pg_cron keeps its jobs.
#[derive(Default)]
pub(super) enum Home {
    /// In none that the server says, or nobody asked.
    #[default]
    Nowhere,
    /// In this one.
    In(String),
    /// The server has pg_cron, and hides from the agent's role where.
    Hidden,
}

/// Asks where pg_cron keeps its jobs, for databases that nobody enters. What cannot be read is a gap, and hidden.
pub(super) async fn home(session: &mut Session<'_>) -> Home {
    session.begin().await;
    let rows: Option<Vec<CronRow>> = session.rows(&sql::CRON_HOME, PgArguments::default()).await;
    session.end().await;
    match rows.and_then(|mut rows| rows.pop()) {
        Some(CronRow { database: Some(database), .. }) => Home::In(database),
        Some(CronRow { hidden: true, .. }) => Home::Hidden,
        Some(_) | None => Home::Nowhere,
    }
}

/// Jobs that may be in a database that is judged by `pg_shdepend` alone, which does not tell of them. One that takes
/// no connections lets pg_cron in as little as anybody.
pub(super) fn unread(
    target: &str,
    database: &DatabaseRow,
    cluster: &Cluster,
    agent: Option<&str>,
) -> Option<Gap> {
    let name = &database.name;
    let (reason, fix, cause) = match &cluster.cron {
        Home::In(home) if home == name => (
            format!(
                "pg_cron keeps its jobs in database {name}, which shdepend_only keeps from being read"
            ),
            format!("take {name} out of shdepend_only"),
            Cause::Internal,
        ),
        Home::Hidden => (
            format!(
                "pg_cron may keep its jobs in database {name}, which shdepend_only keeps from being read: \
                 cron.database_name is hidden"
            ),
            format!(
                "GRANT pg_read_all_settings TO {}; or take {name} out of shdepend_only",
                ident(agent.unwrap_or("the agent's role"))
            ),
            Cause::PermissionDenied,
        ),
        Home::In(_) | Home::Nowhere => return None,
    };
    database.allows_connections.then(|| Gap {
        surface: ResidualKind::Job,
        target: target.to_owned(),
        database: Some(name.clone()),
        reason,
        fix,
        cause,
    })
}

/// Reads the jobs of the database that `session` is connected to, in the transaction that is open.
pub(super) async fn read(session: &mut Session<'_>, cluster: &Cluster) {
    let rows: Option<Vec<ExtensionRow>> =
        session.rows(&sql::EXTENSIONS, PgArguments::default()).await;
    for extension in rows.unwrap_or_default() {
        if extension.name == "pg_cron" {
            cron(session, cluster, &extension).await;
        } else {
            let trouble = Trouble {
                cause: Cause::Internal,
                reason: format!(
                    "extension {} is installed, and as whom its jobs run stands in no table",
                    extension.name
                ),
                fix: PGAGENT.to_owned(),
            };
            session.trouble_at(ResidualKind::Job, &trouble, "extensions");
        }
    }
}

const PGAGENT: &str = "look at pgagent.pga_jobstep (jstconnstr) and at the connection of the pgagent daemon by hand; \
                       DROP EXTENSION pgagent; where it is not used";

async fn cron(session: &mut Session<'_>, cluster: &Cluster, extension: &ExtensionRow) {
    let agent = &extension.agent;
    let missing = [
        (extension.may_enter, format!("GRANT USAGE ON SCHEMA cron TO {agent};")),
        (extension.may_select, format!("GRANT SELECT ON cron.job TO {agent};")),
        (
            extension.sees_all,
            format!("CREATE POLICY revoked_reads ON cron.job FOR SELECT TO {agent} USING (true);"),
        ),
    ];
    let grants: Vec<String> =
        missing.into_iter().filter_map(|(held, grant)| (!held).then_some(grant)).collect();
    let may_read = extension.may_enter && extension.may_select;
    if !grants.is_empty() {
        let reason = if may_read {
            "row security hides jobs of other roles in cron.job from the agent's role"
        } else {
            "the agent's role may not read cron.job"
        };
        let trouble = Trouble {
            cause: Cause::PermissionDenied,
            reason: reason.to_owned(),
            fix: format!("in database {}: {}", session.database(), grants.join(" ")),
        };
        session.trouble_at(ResidualKind::Job, &trouble, "jobs");
    }
    // What is seen is there, whatever else is hidden.
    if !may_read {
        return;
    }
    let rows: Option<Vec<JobRow>> = with_tracked(session, cluster, &sql::JOBS).await;
    let here = session.database().to_owned();
    for job in rows.unwrap_or_default() {
        let state = if job.active { "active" } else { "inactive" };
        let Some(role) = job.role else {
            session.observation.ambient.push(format!(
                "pg_cron job {} in database {here} ({state}) runs as {}, which no role is called: whoever makes \
                 one of that name gives it the job",
                job.job, job.name
            ));
            continue;
        };
        let strength = if job.active { Strength::ActsNow } else { Strength::Latent };
        let mut found = Residual::new(ResidualKind::Job, strength, cluster.account(role.0));
        found.database = Some(here.clone());
        found.class = Some("cron.job".to_owned());
        found.object = Some(format!("job {} of pg_cron", job.job));
        found.detail = Some(format!("{state}, connects to database {}", job.database));
        session.observation.residual.push(found.described());
    }
}
