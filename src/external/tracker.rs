//! The operator's own table of a rotation campaign: told of each reminder, with a credential of its own. It is no target:
//! nothing that is judged is read from here.

use crate::config::Tracker;
use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use std::str::FromStr as _;
use std::time::Duration;

/// Time for all of it.
const WHOLE: Duration = Duration::from_secs(15);

const NO_TLS: &str = "TLS with its server fails: name the CA (sslrootcert=FILE), and the host as the certificate names it";

/// What the table is told of a consumer. Numbers and times are absolute, so that told twice is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Its name.
    pub consumer: String,
    /// How often it was reminded in all.
    pub nudges: String,
    /// When last.
    pub at: String,
}

/// Writes `rows` in one transaction. No error repeats a URL, a value or a server's text, which may quote one.
///
/// # Errors
/// Says what went wrong and what to do; nothing was written then.
pub async fn track(tracker: &Tracker, rows: &[Tracked]) -> Result<(), String> {
    match tokio::time::timeout(WHOLE, written(tracker, rows)).await {
        Ok(done) => done,
        Err(_) => Err(format!("no answer within {} s", WHOLE.as_secs())),
    }
}

/// Lets the server plan the statement, in a transaction that may only read: nothing is executed. Gives what is to be
/// mended all the same, if anything is.
///
/// # Errors
/// Why the table could not be told.
pub async fn rehearse(tracker: &Tracker) -> Result<Option<String>, String> {
    match tokio::time::timeout(WHOLE, rehearsed(tracker)).await {
        Ok(done) => done,
        Err(_) => Err(format!("no answer within {} s", WHOLE.as_secs())),
    }
}

async fn rehearsed(tracker: &Tracker) -> Result<Option<String>, String> {
    let mut connection = connect(tracker).await?;
    let done = plan(&mut connection, &tracker.sql).await;
    let _ = connection.close().await;
    let (standby, superuser) = done.map_err(|error| said(&error, &tracker.sql))?;
    if standby {
        return Err("its server is a standby, where nothing can be written".to_owned());
    }
    let much = "its role is a superuser: make one that may change that table and nothing else";
    Ok(superuser.then(|| much.to_owned()))
}

/// Has the statement planned, which tests names, types and privileges; gives whether the server is a standby, and the role
/// a superuser.
async fn plan(connection: &mut PgConnection, sql: &str) -> sqlx::Result<(bool, bool)> {
    connection.execute("BEGIN TRANSACTION READ ONLY").await?;
    // Each goes as one statement with no parameters, beside which the protocol takes no other.
    let prepare = ["PREPARE revoked_tracker (text, text, text) AS\n", sql].concat();
    let prepare = sqlx::query(AssertSqlSafe(prepare)).persistent(false);
    connection.execute(prepare).await?;
    let explain = "EXPLAIN EXECUTE revoked_tracker ('revoked', '1', '2026-03-05T17:00:00Z')";
    connection.execute(sqlx::query(explain).persistent(false)).await?;
    let of = "SELECT pg_catalog.pg_is_in_recovery(), rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
    let found = sqlx::query_as(of).persistent(false).fetch_one(&mut *connection).await?;
    connection.execute("ROLLBACK").await?;
    Ok(found)
}

async fn connect(tracker: &Tracker) -> Result<PgConnection, String> {
    let url = tracker.url.expose_secret();
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| "tracker.url_file holds no connection URL".to_owned())?;
    let local = options.get_socket().is_some()
        || options.get_host().starts_with('/')
        || matches!(options.get_host(), "127.0.0.1" | "::1" | "localhost");
    let options = if local || url.contains("sslmode=") || url.contains("ssl-mode=") {
        options
    } else {
        options.ssl_mode(PgSslMode::VerifyFull)
    };
    let options = options
        .application_name("revoked tracker")
        .disable_statement_logging()
        .options([("statement_timeout", "10s"), ("lock_timeout", "5s")]);
    PgConnection::connect_with(&options).await.map_err(|error| said(&error, &tracker.sql))
}

async fn written(tracker: &Tracker, rows: &[Tracked]) -> Result<(), String> {
    let mut connection = connect(tracker).await?;
    let done = write(&mut connection, tracker, rows).await;
    let _ = connection.close().await;
    done
}

async fn write(
    connection: &mut PgConnection,
    tracker: &Tracker,
    rows: &[Tracked],
) -> Result<(), String> {
    let mut work = connection.begin().await.map_err(|error| said(&error, &tracker.sql))?;
    for row in rows {
        let query = sqlx::query(AssertSqlSafe(tracker.sql.clone()))
            .bind(&row.consumer)
            .bind(&row.nudges)
            .bind(&row.at);
        let changed =
            work.execute(query).await.map_err(|error| said(&error, &tracker.sql))?.rows_affected();
        if changed != 1 {
            return Err(format!(
                "for one consumer it changed {changed} rows, and has to change one; nothing was written"
            ));
        }
    }
    work.commit().await.map_err(|error| said(&error, &tracker.sql))
}

/// What went wrong, in words of ours. A name that the server quotes is repeated where the statement has it: whatever else
/// it quotes may be a value.
fn said(error: &sqlx::Error, sql: &str) -> String {
    let Some(refusal) = error.as_database_error() else {
        let tls = matches!(error, sqlx::Error::Tls(_));
        let why =
            if tls { NO_TLS } else { "its server cannot be reached, or the connection broke" };
        return why.to_owned();
    };
    let (message, code) = (refusal.message(), refusal.code().unwrap_or_default());
    let mut quoted = message.split('"').nth(1);
    if code == "42501" {
        // What may not be done with an object ends with its name, without quotes.
        quoted = quoted.or_else(|| message.split_whitespace().last());
    }
    let named = quoted.filter(|name| sql.contains(name));
    let named = named.map_or_else(String::new, |name| format!(" ({name})"));
    match code.as_ref() {
        "28P01" | "28000" => {
            "its server does not let its role in: look at the role and password in its URL, and at \
                              pg_hba.conf"
                .to_owned()
        }
        "3D000" => "its URL names a database that is not there".to_owned(),
        "42501" => {
            format!("its role may not change that table{named}, or read what it compares: GRANT it")
        }
        "42P01" | "3F000" => format!(
            "the statement names a table that is not there{named}: write it with its schema"
        ),
        "42703" => format!("the statement names a column that is not there{named}"),
        "42804" | "42883" => {
            format!("its parameters are texts{named}: write $2::integer and $3::timestamptz")
        }
        "42601" => {
            format!("the statement is not one UPDATE or INSERT as the server reads it{named}")
        }
        code => {
            format!("the server refuses it with SQLSTATE {code}{named}: run the statement by hand")
        }
    }
}
