//! Connecting without piling up: a server that is slow to let the agent in is asked once, not at each look.
//!
//! Where a catalog is locked that every login reads, the server's process for a connection waits for that
//! lock also after its client went away, and no time limit reaches it. A connection given up at each look
//! would leave one such process behind each time, until the server had no room for others.
//!
//! The connection that each look begins with is kept for the next one: making it, and planning its statements
//! anew, costs the server more than they do. Not for long: an idle connection is in the way of who drops or
//! renames that database, or waits for clients to leave; and of changed rules for letting the agent in.

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After this time a connection that is still not made is given up for a new one: the server it was asked of
/// may be no more.
const STALE: Duration = Duration::from_secs(120);

/// Age at which a connection is not used again.
const OLD: Duration = Duration::from_secs(60);
/// Time for a connection that was idle to show that it still works.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

type Answer = Pin<Box<dyn Future<Output = Result<PgConnection, sqlx::Error>> + Send>>;

struct Knock {
    since: Instant,
    answer: Answer,
}

/// A connection and when it was made.
pub(super) struct Made {
    pub(super) connection: PgConnection,
    since: Instant,
}

impl Made {
    pub(super) fn now(connection: PgConnection) -> Self {
        Self { connection, since: Instant::now() }
    }
}

#[derive(Default)]
struct State {
    /// Connections asked for and not yet made, by database.
    waiting: BTreeMap<String, Knock>,
    /// The connection that the last look began with.
    idle: Option<Made>,
}

/// The ways in to one instance.
#[derive(Clone, Default)]
pub(super) struct Doors(Arc<Mutex<State>>);

impl Doors {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection of the last look, if it is not old and answers.
    pub(super) async fn idle(&self) -> Option<Made> {
        let mut made = self.state().idle.take().filter(|made| made.since.elapsed() < OLD)?;
        let answer = tokio::time::timeout(SIGN_OF_LIFE, made.connection.ping()).await;
        matches!(answer, Ok(Ok(()))).then_some(made)
    }

    /// Keeps a connection for the next look. Gives it back if it is too old for that.
    pub(super) fn keep(&self, made: Made) -> Option<PgConnection> {
        if made.since.elapsed() >= OLD {
            return Some(made.connection);
        }
        self.state().idle.replace(made).map(|before| before.connection)
    }

    /// A connection, or `None` if the server did not make one within `patience`: then the next call for this
    /// database goes on waiting for the same one.
    pub(super) async fn knock(
        &self,
        database: &str,
        options: &PgConnectOptions,
        patience: Duration,
    ) -> Option<Result<PgConnection, sqlx::Error>> {
        let before =
            self.state().waiting.remove(database).filter(|knock| knock.since.elapsed() < STALE);
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
            self.state().waiting.insert(database.to_owned(), knock);
        }
        answer.ok()
    }
}

fn begin(options: &PgConnectOptions) -> Knock {
    let options = options.clone();
    let answer = Box::pin(async move { PgConnection::connect_with(&options).await });
    Knock { since: Instant::now(), answer }
}
