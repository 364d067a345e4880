//! Statements that the configuration brings: run like any other, and what goes wrong is given to who asked, since it
//! concerns one probe and nobody else.

use super::{Made, PATIENCE, Session};
use crate::domain::observation::{Cause, Coverage, Gap, NotCovered};
use crate::domain::probes::Silent;
use crate::domain::residual::ResidualKind;
use crate::target::rows::Answering;
use crate::target::statements::PROBE_GUARD;
use crate::target::trouble::{Trouble, explain};
use sqlx::postgres::{PgArguments, PgRow, PgTypeInfo};
use sqlx::{AssertSqlSafe, Either, Executor as _, SqlSafeStr as _, Statement as _};
use std::time::{Duration, Instant};
use tokio::time::error::Elapsed;

/// Why a configured statement gave nothing. The transaction is over.
pub(in crate::target) struct Refusal {
    pub(in crate::target) trouble: Trouble,
    /// What the server called it, if it was the server.
    pub(in crate::target) sqlstate: Option<String>,
}

impl Session<'_> {
    /// Begins a transaction for configured statements; unqualified names in them are looked up by `search_path`.
    pub(in crate::target) async fn guard(&mut self, search_path: &str) -> Result<(), Refusal> {
        self.begin().await;
        let limit = self.way.limits.statement + PATIENCE;
        let made = self.ready()?;
        let begun = Instant::now();
        let work = sqlx::query(PROBE_GUARD.sql).bind(search_path).execute(&mut made.connection);
        let outcome = tokio::time::timeout(limit, work).await;
        self.settle(begun, outcome).await.map(|_| ())
    }

    /// Lets the server read `sql`, which it does without running it, and gives the types of its parameters.
    pub(in crate::target) async fn read(&mut self, sql: &str) -> Result<Vec<PgTypeInfo>, Refusal> {
        let limit = self.way.limits.statement + PATIENCE;
        let made = self.ready()?;
        let begun = Instant::now();
        let sql = AssertSqlSafe(sql.to_owned()).into_sql_str();
        let outcome = tokio::time::timeout(limit, made.connection.prepare(sql)).await;
        let statement = self.settle(begun, outcome).await?;
        Ok(match statement.parameters() {
            Some(Either::Left(types)) => types.to_vec(),
            Some(Either::Right(_)) | None => Vec::new(),
        })
    }

    /// Runs `sql`, whose text the server was shown before.
    pub(in crate::target) async fn run(
        &mut self,
        sql: &str,
        arguments: PgArguments,
    ) -> Result<Vec<PgRow>, Refusal> {
        let limit = self.way.limits.statement + PATIENCE;
        let made = self.ready()?;
        let begun = Instant::now();
        let query = sqlx::query_with(AssertSqlSafe(sql.to_owned()), arguments);
        let outcome = tokio::time::timeout(limit, query.fetch_all(&mut made.connection)).await;
        self.settle(begun, outcome).await
    }

    fn ready(&mut self) -> Result<&mut Made, Refusal> {
        self.stop_waiting();
        let unknown = || Trouble::new(Cause::Internal, "not connected");
        let broken = self.broken.clone();
        self.connection
            .as_mut()
            .ok_or_else(|| Refusal { trouble: broken.unwrap_or_else(unknown), sqlstate: None })
    }

    async fn settle<T>(
        &mut self,
        begun: Instant,
        outcome: Result<Result<T, sqlx::Error>, Elapsed>,
    ) -> Result<T, Refusal> {
        let error = match outcome {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(_) => {
                self.way.lost(begun.elapsed());
                let trouble = Trouble::new(Cause::Timeout, "the server does not answer");
                self.give_up_for(trouble.clone());
                return Err(Refusal { trouble, sqlstate: None });
            }
        };
        let (cause, reason) = explain(&error);
        if cause == Cause::Timeout {
            self.way.lost(begun.elapsed());
        }
        let trouble = Trouble::new(cause, reason);
        let sqlstate = error
            .as_database_error()
            .map(|refusal| refusal.code().unwrap_or_default().into_owned());
        if sqlstate.is_some() {
            self.end().await;
        } else {
            self.give_up_for(trouble.clone());
        }
        Err(Refusal { trouble, sqlstate })
    }

    /// Who answers all of this look.
    pub(in crate::target) fn answering(&self) -> Option<Answering> {
        self.way.answering()
    }

    /// Notes that a probe cannot be asked: a gap where it has to be.
    pub(in crate::target) fn probe_gap(&mut self, silent: Silent, required: bool) {
        let target = self.observation.target.clone();
        if required {
            self.observation.gaps.push(Gap {
                surface: ResidualKind::Probe,
                target,
                database: Some(self.database.clone()),
                reason: silent.reason,
                fix: silent.fix,
                cause: silent.cause,
            });
        } else {
            let surface = ["probes of ", &target].concat();
            self.observation.not_covered.push(NotCovered { surface, reason: silent.reason });
        }
    }

    /// Notes that a configured statement was run.
    pub(in crate::target) fn cover_probe(
        &mut self,
        name: &str,
        sha256: &str,
        rows: u64,
        elapsed: Duration,
    ) {
        self.observation.coverage.push(Coverage {
            surface: ResidualKind::Probe,
            target: self.observation.target.clone(),
            database: self.database.clone(),
            statement: ["probe ", name].concat(),
            sha256: sha256.to_owned(),
            rows,
            elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        });
    }
}
