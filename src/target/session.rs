//! One read-only connection to one database: every statement gives rows or a gap.

mod asking;

pub(super) use asking::Refusal;

use super::door::{Doors, Made};
use super::rows::{Answering, SightRow};
use super::selftest;
use super::statements::{BEGIN, SIGHT, Statement};
use super::trouble::{Trouble, explain, fix_for};
use crate::domain::hex::hex;
use crate::domain::observation::{Cause, Coverage, Gap, NotCovered, Observation};
use crate::domain::residual::ResidualKind;
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::{ConnectOptions, Connection, Executor, FromRow};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What the agent waits for the server beyond the server's own `statement_timeout`.
const PATIENCE: Duration = Duration::from_secs(2);

/// Limits of a session.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time to a connection that is ready for statements.
    pub connect: Duration,
    /// `statement_timeout` of each statement.
    pub statement: Duration,
    /// Time that one look may wait in vain; what is left to read then is not tried.
    pub vain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(5), statement: seconds(10), vain: seconds(30) }
    }
}

/// How one look gets to its server, who answered there first, and how long it waited there in vain.
pub(super) struct Way<'a> {
    options: &'a PgConnectOptions,
    doors: &'a Doors,
    limits: Limits,
    lost_ms: AtomicU64,
    answering: OnceLock<Answering>,
}

impl<'a> Way<'a> {
    pub(super) fn new(options: &'a PgConnectOptions, doors: &'a Doors, limits: Limits) -> Self {
        Self { options, doors, limits, lost_ms: AtomicU64::new(0), answering: OnceLock::new() }
    }

    /// The server that answers all of this look; `None` as long as none did.
    pub(super) fn answering(&self) -> Option<Answering> {
        self.answering.get().copied()
    }

    fn lost(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.lost_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Why nothing more is tried, if so. Without this, a server with a thousand databases that fell silent
    /// would hold up a look for hours.
    fn given_up(&self) -> Option<String> {
        let lost = Duration::from_millis(self.lost_ms.load(Ordering::Relaxed));
        let over = lost >= self.limits.vain;
        over.then(|| format!("not tried: this look waited {} s in vain", lost.as_secs()))
    }
}

/// A connection in use. What goes wrong is written into the observation as gaps.
pub(super) struct Session<'a> {
    connection: Option<Made>,
    /// The connection is for the next look as well.
    keep: bool,
    in_transaction: bool,
    database: String,
    way: &'a Way<'a>,
    pub(super) observation: &'a mut Observation,
    /// Why the connection can no longer be used.
    broken: Option<Trouble>,
    /// Troubles so far. The observation holds equal ones once.
    troubles: usize,
}

impl<'a> Session<'a> {
    /// Connects, or remembers why not: then every statement is a gap.
    pub(super) async fn open(
        way: &'a Way<'a>,
        database: Option<&str>,
        observation: &'a mut Observation,
    ) -> Self {
        let options = match database {
            Some(database) => way.options.clone().database(database),
            None => way.options.clone(),
        };
        let name = options.get_database().unwrap_or_else(|| options.get_username()).to_owned();
        let time = format!("{}ms", way.limits.statement.as_millis());
        let options = options.application_name("revoked").disable_statement_logging().options([
            ("statement_timeout", time.clone()),
            ("lock_timeout", time),
            ("idle_in_transaction_session_timeout", "60s".to_owned()),
            ("default_transaction_read_only", "on".to_owned()),
            ("jit", "off".to_owned()),
            // The scan of access lists holds each distinct list once; beyond this it goes to disk.
            ("work_mem", "32MB".to_owned()),
            // One processor of a server that is not ours is enough.
            ("max_parallel_workers_per_gather", "0".to_owned()),
            ("search_path", String::new()),
        ]);
        let mut session = Self {
            connection: None,
            keep: database.is_none(),
            in_transaction: false,
            database: name,
            way,
            observation,
            broken: None,
            troubles: 0,
        };
        if let Some(reason) = way.given_up() {
            session.broken = Some(Trouble::new(Cause::Timeout, reason));
            return session;
        }
        if session.keep {
            session.connection = way.doors.idle().await;
            if session.connection.is_some() {
                return session;
            }
        }
        // The first connection is one of its own, though it may be to a database that is read later.
        let door = database.unwrap_or_default();
        match way.doors.knock(door, &options, way.limits.connect).await {
            Some(Ok(connection)) => session.connection = Some(Made::now(connection)),
            Some(Err(error)) => session.broken = Some(Trouble::connecting(&error, &options)),
            None => {
                way.lost(way.limits.connect);
                session.broken = Some(Trouble::silence(way.limits.connect.as_secs()));
            }
        }
        session
    }

    /// Why no statement can be run, if so.
    pub(super) fn broken(&self) -> Option<&Trouble> {
        self.broken.as_ref()
    }

    /// Begins a transaction that cannot write, and runs a first query in it: after that the server
    /// refuses to make the transaction writable again. The query tells who answers: behind a proxy, or after a
    /// failover, it may be another server than the look began with, and what that one shows proves nothing.
    pub(super) async fn begin(&mut self) {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.stop_waiting();
        let Some(Made { connection, .. }) = &mut self.connection else { return };
        self.in_transaction = true;
        let limit = self.way.limits.statement + PATIENCE;
        let work = async {
            connection.execute(begin).await?;
            sqlx::query_as::<_, Answering>(BEGIN.sql).fetch_one(&mut *connection).await
        };
        match tokio::time::timeout(limit, work).await {
            Ok(Ok(now)) if !now.read_only => self.give_up(
                Cause::Internal,
                "the server did not begin a read-only transaction".to_owned(),
            ),
            Ok(Ok(now)) => {
                if *self.way.answering.get_or_init(|| now) != now {
                    self.give_up_for(Trouble::elsewhere());
                }
            }
            Ok(Err(error)) => {
                let options = self.way.options;
                self.give_up_for(Trouble::beginning(&error, options, &self.database));
            }
            Err(_) => {
                self.way.lost(limit);
                self.give_up(Cause::Timeout, "the server does not answer".to_owned());
            }
        }
    }

    /// Ends the transaction. It wrote nothing, so there is nothing to lose.
    pub(super) async fn end(&mut self) {
        let Some(Made { connection, .. }) = &mut self.connection else { return };
        let ended = tokio::time::timeout(PATIENCE, connection.execute("ROLLBACK")).await;
        if !matches!(ended, Ok(Ok(_))) {
            self.give_up(Cause::Unreachable, "the connection broke".to_owned());
        }
        self.in_transaction = false;
    }

    /// Closes the connection politely, if it is still there and not for the next look as well.
    pub(super) async fn close(mut self) {
        let Some(made) = self.connection.take() else { return };
        let keep = self.keep && !self.in_transaction;
        let left = if keep { self.way.doors.keep(made) } else { Some(made.connection) };
        if let Some(connection) = left {
            let _ = tokio::time::timeout(PATIENCE, connection.close()).await;
        }
    }

    /// The next look has to begin with a connection of its own.
    pub(super) fn keep_no_more(&mut self) {
        self.keep = false;
    }

    /// Leaves the server alone if this look has waited for it long enough.
    fn stop_waiting(&mut self) {
        if self.connection.is_some()
            && let Some(reason) = self.way.given_up()
        {
            self.give_up(Cause::Timeout, reason);
        }
    }

    fn give_up(&mut self, cause: Cause, reason: String) {
        self.give_up_for(Trouble::new(cause, reason));
    }

    fn give_up_for(&mut self, trouble: Trouble) {
        self.connection = None;
        self.broken = Some(trouble);
    }

    /// Runs `statement`; its last parameter, the row limit, is bound here. `None` means a gap was noted.
    pub(super) async fn rows<T>(
        &mut self,
        statement: &Statement,
        mut arguments: PgArguments,
    ) -> Option<Vec<T>>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        use sqlx::Arguments as _;
        if takes_limit(statement) && arguments.add(statement.limit + 1).is_err() {
            self.gap(statement, Cause::Internal, "the row limit could not be bound");
            return None;
        }
        self.stop_waiting();
        let Some(Made { connection, .. }) = &mut self.connection else {
            let unknown = || Trouble::new(Cause::Internal, "not connected");
            let trouble = self.broken.clone().unwrap_or_else(unknown);
            self.gap_of(statement, &trouble);
            return None;
        };
        let begun = Instant::now();
        let query = sqlx::query_as_with::<_, T, _>(statement.sql, arguments).fetch_all(connection);
        match tokio::time::timeout(self.way.limits.statement + PATIENCE, query).await {
            Ok(Ok(rows)) => {
                self.cover(statement, rows.len(), begun.elapsed());
                if i64::try_from(rows.len()).is_ok_and(|count| count > statement.limit) {
                    let reason = format!("more than {} rows", statement.limit);
                    self.gap(statement, Cause::Internal, &reason);
                }
                Some(rows)
            }
            Ok(Err(error)) => {
                let (cause, reason) = explain(&error);
                if cause == Cause::Timeout {
                    self.way.lost(begun.elapsed());
                }
                if !matches!(error, sqlx::Error::Database(_)) {
                    self.gap(statement, cause, &reason);
                    self.give_up(cause, reason);
                    return None;
                }
                // The transaction is lost, the connection is not. What follows sees a newer snapshot, which is fine:
                // whoever is asked about this surface has a gap, and nothing that decides for others follows.
                self.end().await;
                self.begin().await;
                let mut trouble = Trouble::new(cause, reason);
                if cause == Cause::PermissionDenied {
                    trouble.fix = self.missing(statement).await.unwrap_or_default();
                }
                self.gap_of(statement, &trouble);
                None
            }
            Err(_) => {
                self.way.lost(begun.elapsed());
                let reason = "the server does not answer".to_owned();
                self.gap(statement, Cause::Timeout, &reason);
                self.give_up(Cause::Timeout, reason);
                None
            }
        }
    }

    /// The GRANTs that `statement` was refused for, if they can be told.
    async fn missing(&mut self, statement: &Statement) -> Option<String> {
        let made = self.connection.as_mut()?;
        let query = sqlx::query_as_with(SIGHT.sql, selftest::needs_of(statement)?);
        let asked = query.fetch_all(&mut made.connection);
        let rows = tokio::time::timeout(self.way.limits.statement + PATIENCE, asked).await.ok()?;
        let grants: Vec<String> = rows.ok()?.into_iter().map(|row: SightRow| row.fix).collect();
        (!grants.is_empty()).then(|| format!("in database {}: {}", self.database, grants.join(" ")))
    }

    /// Notes that the surfaces of `statement` stay unread.
    pub(super) fn gap(&mut self, statement: &Statement, cause: Cause, reason: &str) {
        self.gap_of(statement, &Trouble::new(cause, reason));
    }

    fn gap_of(&mut self, statement: &Statement, trouble: &Trouble) {
        if statement.surfaces.is_empty() {
            let mut reason = trouble.reason.clone();
            if !trouble.fix.is_empty() {
                reason = format!("{reason}; to read it: {}", trouble.fix);
            }
            self.observation.not_covered.push(NotCovered {
                surface: statement.name.to_owned(),
                reason: format!(
                    "{} in database {}: {reason}",
                    self.observation.target, self.database
                ),
            });
        }
        for surface in statement.surfaces {
            self.note(*surface, trouble, statement.name);
        }
    }

    /// Notes what is in the way of `surface`, here in this database.
    pub(super) fn trouble_at(&mut self, surface: ResidualKind, trouble: &Trouble, name: &str) {
        self.note(surface, trouble, name);
    }

    /// How often anything was in the way so far: if it is more than before, what was read since is not whole.
    pub(super) fn troubles(&self) -> usize {
        self.troubles
    }

    /// Database that this connection is to.
    pub(super) fn database(&self) -> &str {
        &self.database
    }

    /// Notes one gap in this database.
    pub(super) fn gap_at(&mut self, surface: ResidualKind, cause: Cause, reason: &str, name: &str) {
        self.note(surface, &Trouble::new(cause, reason), name);
    }

    fn note(&mut self, surface: ResidualKind, trouble: &Trouble, name: &str) {
        self.troubles += 1;
        let target = self.observation.target.clone();
        let fix = if trouble.fix.is_empty() {
            fix_for(trouble.cause, &target, name)
        } else {
            trouble.fix.clone()
        };
        let gap = Gap {
            surface,
            target,
            database: Some(self.database.clone()),
            reason: trouble.reason.clone(),
            fix,
            cause: trouble.cause,
        };
        if !self.observation.gaps.contains(&gap) {
            self.observation.gaps.push(gap);
        }
    }

    fn cover(&mut self, statement: &Statement, rows: usize, elapsed: Duration) {
        let Some(surface) = statement.surfaces.first() else { return };
        self.observation.coverage.push(Coverage {
            surface: *surface,
            target: self.observation.target.clone(),
            database: self.database.clone(),
            statement: statement.name.to_owned(),
            sha256: hex(&Sha256::digest(statement.sql)),
            rows: rows as u64,
            elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
        });
    }
}

/// All but the one-row statement about the server end in a row limit.
fn takes_limit(statement: &Statement) -> bool {
    statement.sql.trim_end().rsplit_once("LIMIT $").is_some()
}
