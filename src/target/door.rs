//! Connecting without piling up: a server that is slow to let the agent in is asked once, not at each look.
//!
//! Where a catalog is locked that every login reads, the server's process for a connection waits for that
//! lock also after its client went away, and no time limit reaches it. A connection given up at each look
//! would leave one such process behind each time, until the server had no room for others.

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After this time a connection that is still not made is given up for a new one: the server it was asked of
/// may be no more.
const STALE: Duration = Duration::from_secs(120);

type Answer = Pin<Box<dyn Future<Output = Result<PgConnection, sqlx::Error>> + Send>>;

struct Knock {
    since: Instant,
    answer: Answer,
}

/// Connections asked for and not yet made, by database.
#[derive(Clone, Default)]
pub(super) struct Doors(Arc<Mutex<BTreeMap<String, Knock>>>);

impl Doors {
    fn waiting(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Knock>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection, or `None` if the server did not make one within `patience`: then the next call for this
    /// database goes on waiting for the same one.
    pub(super) async fn knock(
        &self,
        database: &str,
        options: &PgConnectOptions,
        patience: Duration,
    ) -> Option<Result<PgConnection, sqlx::Error>> {
        let before = self.waiting().remove(database).filter(|knock| knock.since.elapsed() < STALE);
        let again = before.is_some();
        let mut knock = before.unwrap_or_else(|| begin(options));
        let begun = Instant::now();
        let mut answer = tokio::time::timeout(patience, &mut knock.answer).await;
        if again && matches!(answer, Ok(Err(_))) {
            // It failed some time ago, as when the server was restarted; what holds now is asked now.
            knock = begin(options);
            let left = patience.saturating_sub(begun.elapsed());
            answer = tokio::time::timeout(left, &mut knock.answer).await;
        }
        if answer.is_err() {
            self.waiting().insert(database.to_owned(), knock);
        }
        answer.ok()
    }
}

fn begin(options: &PgConnectOptions) -> Knock {
    let options = options.clone();
    let answer = Box::pin(async move { PgConnection::connect_with(&options).await });
    Knock { since: Instant::now(), answer }
}
