//! Where a store can lie: each test of the store runs on both kinds.

use revoked::store::Store;
use revoked::throwaway::Cluster;
use sqlx::{AssertSqlSafe, Executor as _};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tempfile::TempDir;

/// One cluster for the tests that run at the same time; the last of them ends it.
fn shared() -> Arc<Cluster> {
    static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = shared.upgrade() {
        return running;
    }
    let started = Arc::new(super::cluster());
    *shared = Arc::downgrade(&started);
    started
}

/// A place of its own for one test.
pub(crate) enum Place {
    /// A file.
    Sqlite(TempDir),
    /// A database.
    Postgres(Arc<Cluster>, String),
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let cluster = shared();
        let name = format!("state_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        super::sql(&cluster, "postgres", "postgres", &format!("CREATE DATABASE {name};"));
        Self::Postgres(cluster, name)
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(dir) => format!("sqlite://{}/revoked.db", dir.path().display()),
            Self::Postgres(cluster, name) => cluster.url("postgres", name),
        }
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.url()).await.unwrap()
    }
}

/// Runs `text` as nobody but a test does: behind the store's back.
pub(crate) async fn execute(store: &Store, text: &str) {
    let text = AssertSqlSafe(text.to_owned());
    match store {
        Store::Sqlite { write, .. } => drop(write.execute(text).await.unwrap()),
        Store::Postgres(pool) => drop(pool.execute(text).await.unwrap()),
    }
}

/// How many rows a table has.
pub(crate) async fn count(store: &Store, table: &str) -> i64 {
    let text = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    match store {
        Store::Sqlite { write, .. } => sqlx::query_scalar(text).fetch_one(write).await.unwrap(),
        Store::Postgres(pool) => sqlx::query_scalar(text).fetch_one(pool).await.unwrap(),
    }
}
