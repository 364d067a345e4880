//! What the script of grants needs to know of a server.

use super::Target;
use super::rows::SurveyRow;
use super::session::{Session, Way};
use super::statements::SURVEY;
use crate::clock;
use crate::domain::observation::Observation;
use sqlx::postgres::PgArguments;

/// A server as the script of grants needs to know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// `server_version_num`, such as 150018.
    pub version_num: i32,
    /// Role of the connection; `None` for a superuser, who is not the agent's.
    pub agent_role: Option<String>,
    /// Database of the connection, from which the agent reads what the cluster shares.
    pub database: String,
    /// Database in which pg_cron may be installed, where that can be told.
    pub cron_database: Option<String>,
    /// Databases that PUBLIC may not enter.
    pub closed: Vec<String>,
}

impl Target {
    /// Asks the server. `None` when it does not answer, or not whoever the URL names.
    pub async fn survey(&self) -> Option<Survey> {
        let mut observation = Observation::begun(&self.name, clock::now());
        let way = Way::new(&self.options, &self.doors, self.limits);
        let mut session = Session::open(&way, None, &mut observation).await;
        session.begin().await;
        let rows: Option<Vec<SurveyRow>> = session.rows(&SURVEY, PgArguments::default()).await;
        session.end().await;
        session.close().await;
        rows?.pop().map(|row| Survey {
            version_num: row.version_num,
            agent_role: (!row.superuser).then_some(row.agent_role),
            database: row.database,
            cron_database: row.cron_database,
            closed: row.closed,
        })
    }

    /// Role and database that the URL names.
    #[must_use]
    pub fn named(&self) -> (&str, &str) {
        let role = self.options.get_username();
        (role, self.options.get_database().unwrap_or(role))
    }
}
