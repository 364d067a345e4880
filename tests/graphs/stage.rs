//! A cluster with a batch of graphs on it.

use super::answer::Answer;
use super::draw::Graph;
use super::script::{DATABASES, Phase, Script, ident};
use super::truth::for_version;
use crate::common::{LiveSession, sql};
use revoked::target::{Target, Wanted};
use revoked::throwaway::{Binaries, Cluster, Template};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, SqlSafeStr as _};
use std::fmt::Write as _;
use std::io::Write as _;
use std::str::FromStr as _;

/// A role of the batch as it was made. It may be renamed or gone since.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Made {
    pub(crate) oid: i64,
    pub(crate) tag: String,
    pub(crate) name: String,
}

pub(crate) struct Stage {
    cluster: Cluster,
    pub(super) made: Vec<Made>,
    refused: usize,
    /// Sessions that outlive what is called a revocation.
    sessions: Vec<LiveSession>,
}

const SETTINGS: &[&str] = &[
    "max_prepared_transactions=64",
    "autovacuum=off",
    // No connection may wait for the lock of a prepared transaction.
    "lock_timeout=100ms",
];

impl Stage {
    pub(crate) async fn build(binaries: &Binaries, graphs: &[Graph]) -> Self {
        let cluster = Cluster::start(&Template::shared(binaries).unwrap(), SETTINGS).unwrap();
        let names = DATABASES.map(ident);
        let mut before = String::from("CREATE ROLE agent LOGIN; CREATE ROLE oracle_nobody;\n");
        for name in &names {
            let _ = writeln!(before, "CREATE DATABASE {name};");
        }
        // What PUBLIC has, has_database_privilege cannot tell from what was granted.
        let _ = write!(
            before,
            "REVOKE ALL ON DATABASE {0} FROM PUBLIC; GRANT CONNECT ON DATABASE {0} TO agent;\n\
             SET allow_in_place_tablespaces = on; CREATE TABLESPACE oracle_space LOCATION ''; \
             CREATE TABLESPACE \"Other Space\" LOCATION '';",
            names[1]
        );
        sql(&cluster, "postgres", "postgres", &before);
        let mut stage = Self { cluster, made: Vec::new(), refused: 0, sessions: Vec::new() };
        let mut script = Script::default();
        for graph in graphs {
            script.extend(&graph.script);
        }
        for database in DATABASES {
            let mut connection = stage.connect(database).await;
            run(&mut connection, &for_version(include_str!("sql/setup.sql"), binaries.major)).await;
        }
        stage.play(&script.text(Phase::Roles));
        stage.remember().await;
        stage.play(&script.text(Phase::Objects));
        stage.leave_sessions().await;
        stage.play(&script.text(Phase::Ends));
        stage
    }

    /// Statements that the server refused so far: those that nobody may run, and those for other versions.
    pub(crate) fn refused(&self) -> usize {
        self.refused
    }

    /// Runs a script with psql, which goes on after an error: what is there in the end is read, not assumed.
    fn play(&mut self, script: &str) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(script.as_bytes()).unwrap();
        let output = self
            .cluster
            .psql("postgres", "postgres")
            .args(["-A", "-t", "-v", "ON_ERROR_STOP=0", "-f"])
            .arg(file.path())
            .env("PGOPTIONS", "-c client_min_messages=error")
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "psql gave up: {errors}");
        if std::env::var_os("REVOKED_GRAPH_ERRORS").is_some() {
            eprintln!("{errors}");
        }
        self.refused += errors.lines().filter(|line| line.contains("ERROR:")).count();
    }

    pub(super) async fn connect(&self, database: &str) -> PgConnection {
        PgConnectOptions::from_str(&self.cluster.url("postgres", "postgres"))
            .unwrap()
            .database(database)
            .connect()
            .await
            .unwrap()
    }

    pub(super) fn major(&self) -> u32 {
        self.cluster.major()
    }

    /// Writes down which roles there are, before anything drops or renames one.
    async fn remember(&mut self) {
        for database in DATABASES {
            let mut connection = self.connect(database).await;
            run(
                &mut connection,
                "INSERT INTO oracle.roles SELECT oid, oracle.tag(rolname), rolname FROM pg_roles \
                 WHERE oracle.tag(rolname) IS NOT NULL",
            )
            .await;
            let made = "SELECT oid::int8 AS oid, tag, name FROM oracle.roles ORDER BY oid";
            self.made = sqlx::query_as(made).fetch_all(&mut connection).await.unwrap();
        }
    }

    /// Four of those who may log in stay where they are.
    async fn leave_sessions(&mut self) {
        let mut connection = self.connect(DATABASES[0]).await;
        let names: Vec<String> = sqlx::query_scalar(
            "SELECT rolname::text FROM pg_roles JOIN oracle.roles USING (oid) \
             WHERE rolcanlogin AND rolconnlimit <> 0 ORDER BY oid::int8 % 7, oid LIMIT 4",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        for name in names {
            let session =
                LiveSession::try_open(&self.cluster, &name, DATABASES[0], "SELECT 1 \\g /dev/null");
            self.sessions.extend(session);
        }
    }

    /// Asks the agent, as a role that may nothing.
    pub(crate) async fn answer(&self) -> Answer {
        let target = Target::from_url("graphs", &self.cluster.url("agent", "postgres")).unwrap();
        let oids = self.made.iter().map(|role| u32::try_from(role.oid).unwrap());
        let wanted =
            Wanted { oids: oids.map(revoked::domain::ids::RoleOid).collect(), ..Wanted::default() };
        let (look, _) = target.look_with_facts(&wanted).await;
        Answer::read(&look, &self.made)
    }

    /// Whether each of these may open a session now, by trying.
    pub(super) fn logs_in(&self, name: &str) -> bool {
        LiveSession::try_open(&self.cluster, name, "postgres", "SELECT 1 \\g /dev/null").is_some()
    }
}

/// Runs SQL that the tests wrote.
pub(super) async fn run(connection: &mut PgConnection, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text).into_sql_str()).execute(connection).await.unwrap();
}
