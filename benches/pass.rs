//! What a whole pass costs: look, judge, commit, and wait until the records are in the log. The first pass
//! moves every revocation; a steady one finds what the last one found and writes nothing.

#[path = "../tests/common/mod.rs"]
mod common;
mod shared;

use common::agent::Agent;
use common::{logbook, sql};
use revoked::audit::file::{self, LogFile};
use revoked::audit::key::LogKey;
use revoked::board::Board;
use revoked::clock;
use revoked::config::{Config, Live};
use revoked::intake::Intake;
use revoked::journal::{Journal, Settings};
use revoked::reconcile::Reconciler;
use revoked::store::Store;
use revoked::supervise::Pulses;
use revoked::target::{Target, Wanted};
use revoked::throwaway::{Binaries, Cluster, Template};
use secrecy::ExposeSecret as _;
use shared::{Times, ms, ratio};
use sqlx::{Connection as _, PgConnection};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

const TABLES: usize = 5_000;
const ROUNDS: usize = 7;
/// Agents that begin anew, for what each of them does only once.
const BEGINNINGS: usize = 3;

/// The parts of an agent, without the loops that would look when they like.
struct Parts {
    journal: Arc<Journal>,
    reconciler: Reconciler,
    intake: Intake,
    target: Target,
    _home: Agent,
}

impl Parts {
    async fn open(cluster: &Cluster) -> Self {
        let url = cluster.url("revoked_agent", "postgres");
        let home = Agent::init(&[("main", &url)], "");
        let (live, _) = Live::new(Config::read(&home.config()).unwrap());
        let config = live.current();
        let origin = file::origin(&config.log_dir).unwrap();
        let key = LogKey::read(&config.key_file, &origin, &config.log_dir).unwrap();
        let log = LogFile::open(&config.log_dir, key, clock::now()).unwrap();
        let store = Store::open(config.store.expose_secret()).await.unwrap();
        let metrics = logbook::metrics();
        let journal = Journal::open(store, log, metrics.clone(), Settings::default()).await;
        let journal = Arc::new(journal.unwrap());
        let target = Target::from_url("main", &url).unwrap();
        let board = Arc::new(Board::default());
        let reconciler =
            Reconciler::new(journal.clone(), board.clone(), live.clone(), metrics).await.unwrap();
        let intake = Intake::new(journal.clone(), live, board);
        Self { journal, reconciler, intake, target, _home: home }
    }

    /// Expects `count` revocations, of a role each.
    async fn expect(&self, count: usize) {
        let stop = CancellationToken::new();
        let pulse = Pulses::default().watch("the journal", Duration::from_secs(3_600));
        let running = self.journal.run("bench", stop.clone(), Weak::new(), &pulse);
        let sending = async {
            for number in 0..count {
                let notice = serde_json::json!({
                    "username": format!("u{number}"), "account": format!("r{number}"),
                    "reason": "terminated",
                });
                self.intake.submit(notice.to_string().as_bytes(), "bench", None).await.unwrap();
            }
            stop.cancel();
        };
        tokio::join!(running, sending).0.unwrap();
    }

    async fn pass(&self) {
        self.reconciler.pass(&self.target).await.unwrap();
        self.journal.drain().await.unwrap();
    }
}

async fn timed(work: impl Future<Output = ()>) -> Duration {
    let begun = Instant::now();
    work.await;
    begun.elapsed()
}

struct Figures {
    first: Duration,
    steady: Duration,
    look: Duration,
}

async fn figures(cluster: &Cluster, count: usize) -> Figures {
    let mut first = Vec::new();
    let (mut steady, mut look) = (Vec::new(), Vec::new());
    for _ in 0..BEGINNINGS {
        let parts = Parts::open(cluster).await;
        parts.expect(count).await;
        first.push(timed(parts.pass()).await);
        // The second pass searches also for the OIDs that the first one linked.
        parts.pass().await;
        let wanted =
            Wanted { names: (0..count).map(|n| format!("r{n}")).collect(), ..Wanted::default() };
        for _ in 0..ROUNDS {
            steady.push(timed(parts.pass()).await);
            look.push(timed(async { drop(parts.target.look(&wanted).await) }).await);
        }
    }
    let median = |times| Times::of(times).median();
    Figures { first: median(first), steady: median(steady), look: median(look) }
}

/// Counting what the access lists of all tables hold, in each database.
async fn bare(cluster: &Cluster) -> Duration {
    let mut times = Vec::new();
    let mut connections = Vec::new();
    for database in ["a", "b"] {
        let url = cluster.url("revoked_agent", database);
        connections.push(PgConnection::connect(&url).await.unwrap());
    }
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for connection in &mut connections {
            let count: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl)",
            )
            .fetch_one(connection)
            .await
            .unwrap();
            assert!(count > 0);
        }
        times.push(begun.elapsed());
    }
    Times::of(times).median()
}

fn print(name: &str, figures: &Figures, bare: Duration, one: &Figures) {
    for (pass, time, base) in [
        ("first", figures.first, one.first),
        ("steady", figures.steady, one.steady),
        ("look alone", figures.look, one.look),
    ] {
        println!(
            "pass, {name} open, {pass:<10} {:>8.1} ms   {:>6.1} × counting the access lists   \
             {:>5.2} × with 1 open",
            ms(time),
            ratio(time, bare),
            ratio(time, base),
        );
    }
}

fn main() {
    if !shared::asked() {
        return;
    }
    let cluster = Cluster::start(&Template::create(&Binaries::find().unwrap()).unwrap(), &[]);
    let cluster = cluster.unwrap();
    sql(&cluster, "postgres", "postgres", &shared::roles_and_tables(TABLES));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bare = bare(&cluster).await;
        println!("counting the access lists of {TABLES} tables   {:>6.1} ms", ms(bare));
        let one = figures(&cluster, 1).await;
        print("    1", &one, bare, &one);
        print("1,000", &figures(&cluster, 1_000).await, bare, &one);
    });
}
