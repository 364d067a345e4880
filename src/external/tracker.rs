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

async fn written(tracker: &Tracker, rows: &[Tracked]) -> Result<(), String> {
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
    let mut connection =
        PgConnection::connect_with(&options).await.map_err(|error| said(&error))?;
    let done = write(&mut connection, tracker, rows).await;
    let _ = connection.close().await;
    done
}

async fn write(
    connection: &mut PgConnection,
    tracker: &Tracker,
    rows: &[Tracked],
) -> Result<(), String> {
    let mut work = connection.begin().await.map_err(|error| said(&error))?;
    for row in rows {
        let query = sqlx::query(AssertSqlSafe(tracker.sql.clone()))
            .bind(&row.consumer)
            .bind(&row.nudges)
            .bind(&row.at);
        let changed = work.execute(query).await.map_err(|error| said(&error))?.rows_affected();
        if changed != 1 {
            return Err(format!(
                "for one consumer it changed {changed} rows, and has to change one; nothing was written"
            ));
        }
    }
    work.commit().await.map_err(|error| said(&error))
}

/// What went wrong, in words of ours.
fn said(error: &sqlx::Error) -> String {
    let code =
        error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
    match code.as_deref() {
        Some("42501") => "its role may not change that table: GRANT it".to_owned(),
        Some("42804" | "42883") => {
            "its parameters are texts: write $2::integer and $3::timestamptz".to_owned()
        }
        Some(code) => {
            format!("the server refuses it with SQLSTATE {code}: run the statement by hand")
        }
        None => "its server cannot be reached, or the connection broke".to_owned(),
    }
}
