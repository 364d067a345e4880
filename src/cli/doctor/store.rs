//! The store, opened so that nothing in it can be changed.

use super::section::{Level, Section};
use crate::config::Config;
use crate::store::{Anchored, Holder, Store};
use anyhow::{Context as _, Result};
use secrecy::ExposeSecret as _;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

/// What this program knows, to compare with what the store has.
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

const PATIENCE: Duration = Duration::from_secs(5);

/// The store as found, and the cluster that it lies on.
pub(super) struct Found {
    pub(super) section: Section,
    pub(super) system_identifier: Option<String>,
    /// Sequence of the last record that the store knows to be in the log.
    pub(super) landed: Option<u64>,
    /// The newest receipt of each configured anchor, by kind and name; without a store nothing is known.
    pub(super) anchored: Option<Receipts>,
}

/// Newest receipts, by kind and name; `None`: there was none yet.
pub(super) type Receipts = BTreeMap<(String, String), Option<Anchored>>;

/// Looks at the store. `origin` is the name of the configured log.
pub(super) async fn section(config: &Config, origin: Option<&str>) -> Found {
    let url = config.store.expose_secret();
    let kind = if url.starts_with("sqlite://") { "SQLite" } else { "PostgreSQL" };
    let mut section = Section::new("store", kind);
    section.fact("kind", kind);
    let mut found = Found { section, system_identifier: None, landed: None, anchored: None };
    if let Err(error) = look(config, origin, &mut found).await {
        let text = format!("it cannot be read: {error:#}");
        if denied(&error) {
            let fix = "run doctor as the agent's user, or as root";
            found.section.advise(Level::Unchecked, text, fix);
        } else {
            found.section.advise(Level::Broken, text, "make it answer; the agent cannot start");
        }
    }
    found
}

async fn look(config: &Config, origin: Option<&str>, found: &mut Found) -> Result<()> {
    let url = config.store.expose_secret();
    let section = &mut found.section;
    if let Some(path) = url.strip_prefix("sqlite://") {
        let path = Path::new(path);
        section.fact("path", path.display().to_string());
        match std::fs::File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                section.say(Level::Note, "not there yet: the first start of the agent makes it");
                return Ok(());
            }
            opened => opened.map(drop).with_context(|| path.display().to_string())?,
        }
    }
    let store = open_read_only(url).await?;
    let read = async {
        read(&store, origin, found).await?;
        let mut anchored = Receipts::new();
        for (kind, name) in config.anchors.names() {
            let known = store.last_anchored(kind, name).await?;
            anchored.insert((kind.to_owned(), name.to_owned()), known);
        }
        found.anchored = Some(anchored);
        anyhow::Ok(())
    };
    let read = read.await;
    store.close().await;
    read
}

/// While somebody writes there is a journal beside it, and SQLite knows how to read both. Without one the file is read as it stands: no lock, no file beside it.
pub(in crate::cli) async fn open_read_only(url: &str) -> Result<Store> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        let quiet = !Path::new(&format!("{path}-wal")).exists();
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .read_only(true)
            .immutable(quiet)
            .busy_timeout(PATIENCE);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        return Ok(Store::Sqlite { write: pool.clone(), read: pool });
    }
    // What sqlx says of a wrong URL may repeat it.
    let mut options = PgConnectOptions::from_str(url)
        .map_err(|_| anyhow::anyhow!("its URL is not one of PostgreSQL"))?;
    let socket = options.get_socket().is_some() || options.get_host().starts_with('/');
    let told = url.contains("sslmode=") || url.contains("ssl-mode=");
    if !told && !socket && std::env::var_os("PGSSLMODE").is_none() {
        options = options.ssl_mode(PgSslMode::VerifyFull);
    }
    let options = options
        .application_name("revoked doctor")
        .options([("default_transaction_read_only", "on"), ("statement_timeout", "5s")]);
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
    Ok(Store::Postgres(pool.connect_with(options).await?))
}

/// The store, to be read, if it was ever used.
pub(in crate::cli) async fn existing(config: &Config) -> Result<Option<Store>> {
    let url = config.store.expose_secret();
    if let Some(path) = url.strip_prefix("sqlite://")
        && !Path::new(path).try_exists().with_context(|| path.to_owned())?
    {
        return Ok(None);
    }
    let store = open_read_only(url).await?;
    let read = match version(&store).await {
        // What begins a store makes this table first.
        Err(sqlx::Error::Database(error)) if is_no_table(error.as_ref()) => Ok(None),
        read => read,
    };
    if read.context("reading its schema's version")?.is_none() {
        store.close().await;
        return Ok(None);
    }
    Ok(Some(store))
}

/// Whether a table is not there: `undefined_table`, or what SQLite says.
fn is_no_table(error: &dyn sqlx::error::DatabaseError) -> bool {
    error.code().as_deref() == Some("42P01") || error.message().starts_with("no such table")
}

/// Newest migration that was applied.
async fn version(store: &Store) -> Result<Option<i64>, sqlx::Error> {
    const NEWEST: &str = "SELECT MAX(version) FROM _sqlx_migrations";
    match store {
        Store::Sqlite { read, .. } => sqlx::query_scalar(NEWEST).fetch_one(read).await,
        Store::Postgres(pool) => sqlx::query_scalar(NEWEST).fetch_one(pool).await,
    }
}

async fn read(store: &Store, origin: Option<&str>, found: &mut Found) -> Result<()> {
    found.system_identifier = store.system_identifier().await?;
    let section = &mut found.section;
    let has = version(store).await.context("reading its schema's version")?;
    let knows = MIGRATIONS.iter().map(|migration| migration.version).max();
    section.fact("schema", has);
    section.fact("schema_known", knows);
    let number = has.map_or("none".to_owned(), |version| version.to_string());
    match has.cmp(&knows) {
        Ordering::Equal => {
            section.say(Level::Ok, format!("it answers; schema version {number}"));
        }
        Ordering::Less => section.say(
            Level::Note,
            format!("its schema has version {number}; the next start brings it up to date"),
        ),
        Ordering::Greater => section.advise(
            Level::Broken,
            format!("its schema has version {number}, which is newer than this program"),
            "run the newer program, or restore a backup made before the upgrade",
        ),
    }
    let bound = store.meta("origin").await?;
    section.fact("bound_to", bound.clone());
    match (bound.as_deref(), origin) {
        (Some(bound), Some(origin)) if bound != origin => section.advise(
            Level::Broken,
            format!("it is bound to the log {bound}, but the configured log is {origin}"),
            "use that log, or a new store",
        ),
        (Some(bound), _) => section.say(Level::Ok, format!("bound to the log {bound}")),
        (None, _) => section.say(Level::Note, "bound to no log yet"),
    }
    if let Some(text) = store.meta("holder").await? {
        let holder: Holder = serde_json::from_str(&text).context("reading who holds it")?;
        section.fact("holder", holder.instance.as_str());
        section.fact("holder_seen_at", holder.renewed_at.to_string());
    }
    let queued = store.queued_count().await?;
    section.fact("queued", queued);
    if queued == 0 {
        section.say(Level::Ok, "no record waits for the log");
    } else {
        section.say(Level::Note, format!("{queued} records wait for the log"));
    }
    found.landed = store.landed_mark().await?.map(|(seq, _)| seq);
    found.section.fact("landed", found.landed);
    Ok(())
}

/// Whether this user is not allowed to, rather than that it does not work.
fn denied(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == ErrorKind::PermissionDenied)
    })
}
