//! The agent's own state: SQLite by default, PostgreSQL by URL. Never a target's evidence.
//!
//! One `migrations/` folder and one text per statement serve both (`docs/adr/0003-one-sql-two-databases.md`).

mod activity;
mod anchors;
mod attestations;
mod before;
mod campaigns;
mod canary;
mod conflicts;
mod erase;
mod evidence;
mod exceptions;
mod filed;
mod gather;
mod known;
mod lineage;
mod many;
mod meta;
mod model;
mod moves;
mod notices;
mod outbox;
mod pages;
mod records;
mod replaced;
mod revocations;
mod roster;
mod settled;

pub use activity::Unseen;
pub use anchors::Anchored;
pub use attestations::{AttestationStanding, Replayed};
pub use campaigns::{AskedSweep, CampaignMove, CampaignRow, ChangedConsumer, KeptConsumer, Swept};
pub use canary::StoredCanary;
pub use conflicts::Conflicted;
pub use erase::Erasure;
pub use evidence::{Evidence, Found, Gist};
pub use exceptions::{Excepted, ExceptionRow};
pub use filed::Page;
pub use gather::Gather;
pub use known::Known;
pub use lineage::Told;
pub use meta::Holder;
pub use model::{
    Acceptance, Evidenced, Move, NewRecord, NewRevocation, NoticeKey, Stored, SubjectRow,
};
pub use notices::{Facts, KeptNotice};
pub use outbox::{Addressee, Delivery, Group, OutboxLevel, Settling, Thread, ToldRecord};
pub use pages::{Place, Selection};
pub use records::{LandedRecord, QueuedRecord};
pub use settled::Settled;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgPool, SqlitePool};
use std::os::unix::fs::OpenOptionsExt as _;
use std::pin::Pin;
use std::str::FromStr as _;
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// What somebody else has locked is waited for this long.
const BUSY: Duration = Duration::from_secs(5);
/// No statement takes longer on a database that works.
const STATEMENT: Duration = Duration::from_secs(30);
/// A database that has not even refused by then is taken for gone: it may be frozen, or the network cut.
const SILENCE: Duration = Duration::from_secs(35);

/// Where state is kept.
#[derive(Clone, Debug)]
pub enum Store {
    /// A file. One connection writes; others read beside it.
    Sqlite {
        /// The one writer.
        write: SqlitePool,
        /// Readers.
        read: SqlitePool,
    },
    /// A database of its own, away from every target.
    Postgres(PgPool),
}

/// What keeps the store from answering.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody moved the revocation first. Reload and judge again.
    #[error("revocation {id}: version {version} is no longer current")]
    Conflict {
        /// Revocation.
        id: String,
        /// Version that was read.
        version: i64,
    },
    /// Too many records wait for the audit log, which takes none.
    #[error("too many records wait for the audit log; this move waits until it takes them")]
    Crowded,
    /// The same event id with other content.
    #[error("event {event_id} of {source_name} was received before with other content")]
    NoticeDiffers {
        /// Sender.
        source_name: String,
        /// Its id.
        event_id: String,
    },
    /// Not a URL of a store.
    #[error("store: {0}")]
    Url(String),
    /// A newer version of this program wrote it.
    #[error(
        "store: its schema is newer than this program (it has migration {0}); run the newer version, or \
         restore a backup made before the upgrade"
    )]
    Newer(i64),
    /// Another agent or another log has it.
    #[error("store: {0}")]
    Held(String),
    /// What was read is not what is written there.
    #[error("store: {what} cannot be read back")]
    Corrupt {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The migrations failed.
    #[error("store: bringing the schema up to date")]
    Migrate(#[source] MigrateError),
    /// What several asked for together failed.
    #[error(transparent)]
    Shared(std::sync::Arc<StoreError>),
    /// The database refused or is away.
    #[error("store: the database does not do what was asked")]
    Database(#[from] sqlx::Error),
    /// The database neither does nor refuses what was asked.
    #[error("store: the database has not answered for {} s", .0.as_secs())]
    Silent(Duration),
}

/// Waits for `work` no longer than for a database that works.
async fn answered<T>(
    // In a box, since every caller's own future would grow by it.
    work: Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + '_>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(SILENCE, work).await.unwrap_or(Err(StoreError::Silent(SILENCE)))
}

/// Runs the same code on the pool that reads, whichever database it is of.
macro_rules! reading {
    ($store:expr, $pool:ident => $body:expr) => {
        match $store {
            $crate::store::Store::Sqlite { read: $pool, .. } => {
                $crate::store::answered(Box::pin(async { Ok($body) })).await?
            }
            $crate::store::Store::Postgres($pool) => {
                $crate::store::answered(Box::pin(async { Ok($body) })).await?
            }
        }
    };
}

/// Runs the same code in one transaction of whichever database it is.
///
/// SQLite's is begun as a writing one: sqlx never nests such a statement, so that nothing can be taken for
/// committed that is still part of an older transaction.
macro_rules! writing {
    ($store:expr, $tx:ident => $body:expr) => {
        match $store {
            $crate::store::Store::Sqlite { write, .. } => {
                $crate::store::answered(Box::pin(async {
                    let mut $tx = write.begin_with("BEGIN IMMEDIATE").await?;
                    let result = $body;
                    $tx.commit().await?;
                    Ok(result)
                }))
                .await
            }
            $crate::store::Store::Postgres(pool) => {
                $crate::store::answered(Box::pin(async {
                    let mut $tx = pool.begin().await?;
                    let result = $body;
                    $tx.commit().await?;
                    Ok(result)
                }))
                .await
            }
        }
    };
}

/// The text of a statement of this module.
macro_rules! statement {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/sql/", $name, ".sql"))
    };
}
pub(crate) use {reading, statement, writing};

impl Store {
    /// Opens the store at `url` (`sqlite:///path` or `postgres://…`) and brings its schema up to date.
    ///
    /// # Errors
    /// When the URL is neither, the database is away, or its schema is newer than this program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = if let Some(path) = url.strip_prefix("sqlite://") {
            Self::open_sqlite(path).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgres(url).await?
        } else {
            return Err(StoreError::Url(
                "it must be sqlite:///path/to/file or a postgres:// URL".to_owned(),
            ));
        };
        let migrated = match &store {
            Self::Sqlite { write, .. } => MIGRATIONS.run(write).await,
            Self::Postgres(pool) => {
                // Rewriting a large table takes what it takes.
                let mut connection = pool.acquire().await?;
                sqlx::raw_sql("SET statement_timeout = 0").execute(&mut *connection).await?;
                let migrated = MIGRATIONS.run(&mut *connection).await;
                sqlx::raw_sql("RESET statement_timeout").execute(&mut *connection).await?;
                migrated
            }
        };
        match migrated {
            Ok(()) => Ok(store),
            Err(MigrateError::VersionMissing(version)) => Err(StoreError::Newer(version)),
            Err(error) => Err(StoreError::Migrate(error)),
        }
    }

    async fn open_sqlite(path: &str) -> Result<Self, StoreError> {
        // SQLite gives its other files the mode of this one. It holds names of people.
        let made = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
        made.map_err(|error| {
            sqlx::Error::Io(std::io::Error::new(error.kind(), format!("{path}: {error}")))
        })?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            // What is erased is overwritten, not only let go.
            .pragma("secure_delete", "ON")
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            // In KiB. It writes few pages at a time, and what it reads again the system has at hand.
            .pragma("cache_size", "-1024");
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .after_release(|connection, _| {
                Box::pin(async move {
                    // A full disk makes SQLite end a transaction by itself. sqlx goes on counting it, and
                    // would make every later one a part of it, never to be committed.
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                })
            })
            .connect_with(options.clone())
            .await?;
        // Each write empties the caches of those who read, so that a large one only holds memory.
        let readers = options.read_only(true).pragma("cache_size", "-512");
        let read = SqlitePoolOptions::new().max_connections(4).connect_lazy_with(readers);
        Ok(Self::Sqlite { write, read })
    }

    async fn open_postgres(url: &str) -> Result<Self, StoreError> {
        let mut options = PgConnectOptions::from_str(url).map_err(|error| {
            let sqlx::Error::Configuration(source) = error else {
                return StoreError::Url("it is not a connection URL".to_owned());
            };
            StoreError::Url(source.to_string())
        })?;
        let socket = options.get_socket().is_some() || options.get_host().starts_with('/');
        if !url.contains("sslmode=")
            && !url.contains("ssl-mode=")
            && !socket
            && std::env::var_os("PGSSLMODE").is_none()
        {
            options = options.ssl_mode(PgSslMode::VerifyFull);
        }
        let options = options.application_name("revoked").options([
            ("statement_timeout", format!("{}ms", STATEMENT.as_millis())),
            ("lock_timeout", format!("{}ms", BUSY.as_millis())),
        ]);
        Ok(Self::Postgres(
            PgPoolOptions::new()
                .max_connections(8)
                .acquire_timeout(BUSY)
                .after_release(|connection, _| {
                    Box::pin(async move {
                        // Given up while the server was silent, it would keep its place in the pool until
                        // the server speaks again, which may be never.
                        let alive = tokio::time::timeout(BUSY, connection.ping()).await;
                        alive.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
                    })
                })
                .connect_with(options)
                .await?,
        ))
    }

    /// `system_identifier` of the cluster the store lies on; `None` for SQLite.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn system_identifier(&self) -> Result<Option<String>, StoreError> {
        match self {
            Self::Sqlite { .. } => Ok(None),
            Self::Postgres(pool) => {
                let asked = sqlx::query_scalar(statement!("system_identifier")).fetch_one(pool);
                answered(Box::pin(async { Ok(Some(asked.await?)) })).await
            }
        }
    }

    /// Closes every connection after the statements in flight.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

fn to_json<T: serde::Serialize>(value: &T, what: &'static str) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|source| StoreError::Corrupt { what, source })
}

fn from_json<T: serde::de::DeserializeOwned>(
    text: &str,
    what: &'static str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|source| StoreError::Corrupt { what, source })
}
