//! One login attempt with a secret that somebody brings. Not part of any look, and never the agent's work.

use super::statements::BACKEND_PID;
use super::trouble::Trouble;
use super::{Target, transport_of};
use crate::clock;
use crate::domain::hex::hex;
use crate::domain::probe::{Answer, Path};
use sqlx::postgres::{PgConnectOptions, PgDatabaseError};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use std::time::Duration;
use zeroize::Zeroizing;

/// Time to the server's answer. `auth_delay` makes servers wait on purpose.
const PATIENCE: Duration = Duration::from_secs(15);

/// What the server's log and `pg_stat_activity` show of a probe.
const NAME: &str = "revoked probe login";

/// A login to try.
#[derive(Clone)]
pub struct Login {
    options: PgConnectOptions,
    /// A real database, if one was asked for.
    database: Option<String>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How the server answered.
    pub answer: Answer,
    /// The server's process, when a session began.
    pub pid: Option<i32>,
}

/// The question could not be put.
#[derive(Debug, thiserror::Error)]
pub enum NotAsked {
    /// No randomness.
    #[error("making a random name")]
    Random(#[source] std::io::Error),
    /// No server, no TLS, or nothing that can be understood.
    #[error("the server gave no answer to a login: {0}")]
    Unreachable(String),
    /// The server looks at no login now.
    #[error("the server looks at no login now (SQLSTATE {0}); try again")]
    NotReady(String),
    /// It took too long.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Silent,
}

impl std::fmt::Debug for Login {
    /// Nothing: connection options hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").finish_non_exhaustive()
    }
}

impl Login {
    /// A login as `role` at the address of `target`. Without `database`, one that does not exist is asked for: then
    /// no session ever begins, and a right secret is answered otherwise than a wrong one.
    #[must_use]
    pub fn new(target: &Target, role: &str, database: Option<&str>) -> Self {
        let options = target.options.clone().username(role).application_name(NAME);
        Self { options: options.disable_statement_logging(), database: database.map(str::to_owned) }
    }

    /// Which way the attempt takes.
    #[must_use]
    pub fn path(&self) -> Path {
        let socket = self.options.get_socket().map(|dir| dir.display().to_string());
        Path {
            host: socket.unwrap_or_else(|| self.options.get_host().to_owned()),
            port: self.options.get_port(),
            transport: transport_of(&self.options).1.to_owned(),
            database: self.database.clone(),
        }
    }

    /// Tries a random secret.
    ///
    /// # Errors
    /// When the question could not be put.
    pub async fn control(&self) -> Result<Attempt, NotAsked> {
        let secret = Zeroizing::new(hex(&clock::random::<24>().map_err(NotAsked::Random)?));
        self.attempt(&secret).await
    }

    /// Tries `secret`. A session that begins is ended at once.
    ///
    /// # Errors
    /// When the question could not be put.
    pub async fn attempt(&self, secret: &str) -> Result<Attempt, NotAsked> {
        let database = match &self.database {
            Some(database) => database.clone(),
            None => {
                format!("revoked_probe_{}", hex(&clock::random::<12>().map_err(NotAsked::Random)?))
            }
        };
        let options = self.options.clone().password(secret).database(&database);
        let connected = tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options));
        match connected.await {
            Ok(Ok(connection)) => {
                let pid = tokio::time::timeout(PATIENCE, end(connection)).await;
                Ok(Attempt { answer: Answer::session(), pid: pid.unwrap_or_default() })
            }
            Ok(Err(error)) => refusal(&error, &options).map(|answer| Attempt { answer, pid: None }),
            Err(_) => Err(NotAsked::Silent),
        }
    }
}

/// Ends a session, and says which it was.
async fn end(mut connection: PgConnection) -> Option<i32> {
    let pid = sqlx::query_scalar(BACKEND_PID.sql).fetch_one(&mut connection).await.ok();
    let _ = connection.close().await;
    pid
}

/// The server's refusal by its fields. Its text is localised, and of no use here.
fn refusal(error: &sqlx::Error, options: &PgConnectOptions) -> Result<Answer, NotAsked> {
    let refusal = error.as_database_error().and_then(|e| e.try_downcast_ref::<PgDatabaseError>());
    let Some(refusal) = refusal else {
        let Trouble { reason, fix, .. } = Trouble::connecting(error, options);
        return Err(NotAsked::Unreachable(format!("{reason}; {fix}")));
    };
    let answer = Answer::refused(refusal.code(), refusal.routine());
    if answer.is_none() { Err(NotAsked::NotReady(answer.sqlstate)) } else { Ok(answer) }
}
