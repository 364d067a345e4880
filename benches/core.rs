//! What looking costs a server of 10,000 tables, 2,000 roles and some 220,000 entries of access lists, as ratios to
//! plain SQL on the same server in the same run. Times of the server are processor times of all its processes.

#[path = "../tests/common/mod.rs"]
mod common;
mod shared;

use common::agent::Agent;
use revoked::domain::observation::Observation;
use revoked::target::{Depth, Pace, Target, Wanted};
use revoked::throwaway::Cluster;
use shared::load::{self, Address};
use shared::scale::{self, DATABASE, ROLES, Shape};
use shared::{Times, process};
use sqlx::{Connection as _, PgConnection};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Names the program whose memory is measured; else it is the one of this build.
const PROGRAM: &str = "REVOKED_PROGRAM";
/// Statements about one database; all others belong to the part that every look reads.
const DEEP: &[&str] =
    &["acl_scan", "owned", "local_dependencies", "policies", "default_lists", "identify"];
/// The default intervals: of looks, of asking the statistics, of reading everything.
const INTERVALS: (f64, f64, f64) = (8.0, 30.0, 300.0);
const HOUR: Duration = Duration::from_secs(3_600);
/// From the last notice until every revocation is verified: a default verification_delay and two looks.
const SETTLING: Duration = Duration::from_secs(90);
const STEADY: Duration = Duration::from_secs(120);

/// Every entry of every access list of one database, counted.
const BARE: &str = "SELECT pg_catalog.count(*) FROM (
    SELECT relacl FROM pg_catalog.pg_class
    UNION ALL SELECT attacl FROM pg_catalog.pg_attribute
    UNION ALL SELECT proacl FROM pg_catalog.pg_proc
    UNION ALL SELECT typacl FROM pg_catalog.pg_type
    UNION ALL SELECT nspacl FROM pg_catalog.pg_namespace
    UNION ALL SELECT lanacl FROM pg_catalog.pg_language
    UNION ALL SELECT lomacl FROM pg_catalog.pg_largeobject_metadata
    UNION ALL SELECT fdwacl FROM pg_catalog.pg_foreign_data_wrapper
    UNION ALL SELECT srvacl FROM pg_catalog.pg_foreign_server
    UNION ALL SELECT defaclacl FROM pg_catalog.pg_default_acl
) AS o (acl), pg_catalog.aclexplode(o.acl)";

/// Whether each of some roles may do anything with each table.
const CROSS_JOIN: &str = "SELECT pg_catalog.count(*) FROM pg_catalog.pg_roles AS r, pg_catalog.pg_class AS c
    WHERE r.rolname = ANY ($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid >= 16384
    AND pg_catalog.has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')";

/// The shape of the views of the extension pg_permissions: each role, object and privilege by itself. They have no
/// memberships, ownership, other databases, sessions or attributes; so this is less than a look does.
const VIEWS: &str = "SELECT
    (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class AS c, pg_catalog.pg_roles AS r,
        pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) AS p (p)
     WHERE c.relkind = 'r' AND c.oid >= 16384 AND NOT r.rolsuper AND r.rolname = ANY ($1)
        AND pg_catalog.has_table_privilege(r.oid, c.oid, p.p))
  + (SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid,
        pg_catalog.pg_roles AS r, pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS p (p)
     WHERE c.relkind = 'r' AND c.oid >= 16384 AND a.attnum > 0 AND NOT a.attisdropped AND NOT r.rolsuper
        AND r.rolname = ANY ($1) AND pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, p.p)
        AND NOT pg_catalog.has_table_privilege(r.oid, c.oid, p.p))";

/// One server, and what asks it.
struct Bench {
    cluster: Cluster,
    runtime: Runtime,
}

/// What one thing cost.
#[derive(Clone, Copy)]
struct Cost {
    wall: Duration,
    /// Of the server, in seconds.
    server: f64,
    /// Of this process, in seconds.
    own: f64,
}

impl Bench {
    /// Costs of `work`: the best time of `rounds` rounds, and the mean of processor times.
    #[expect(clippy::cast_precision_loss, reason = "a few dozen rounds")]
    fn cost(&self, rounds: usize, mut work: impl FnMut(&Runtime)) -> Cost {
        let me = std::process::id();
        let before = (process::server_cpu_seconds(&self.cluster), process::cpu_seconds(me));
        let times = Times::take(rounds, || work(&self.runtime));
        // A server process counts once it has ended and was waited for.
        std::thread::sleep(Duration::from_millis(50));
        let rounds = rounds as f64;
        Cost {
            wall: times.percentile(0),
            server: (process::server_cpu_seconds(&self.cluster) - before.0) / rounds,
            own: (process::cpu_seconds(me) - before.1) / rounds,
        }
    }

    fn look(&self, target: &Target, wanted: &Wanted) -> Observation {
        self.runtime.block_on(target.look(wanted))
    }

    fn target(&self, pace: Pace) -> Target {
        let url = self.cluster.url("revoked_agent", "postgres");
        Target::from_url("bench", &url).unwrap().pace(pace)
    }

    fn connect(&self) -> PgConnection {
        let url = self.cluster.url("revoked_agent", DATABASE);
        self.runtime.block_on(async {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let settings = "SET jit = off; SET max_parallel_workers_per_gather = 0";
            sqlx::raw_sql(settings).execute(&mut connection).await.unwrap();
            connection
        })
    }

    /// Costs of one statement on an open connection, `$1` being the first roles of those that have nothing.
    fn plain(&self, rounds: usize, statement: &'static str, roles: usize) -> Cost {
        let mut connection = self.connect();
        let names: Vec<String> = (0..roles).map(|n| format!("ex{n}")).collect();
        self.cost(rounds, |runtime| {
            runtime.block_on(async {
                let query = sqlx::query_scalar::<_, i64>(statement);
                let query = if roles > 0 { query.bind(&names) } else { query };
                query.fetch_one(&mut connection).await.unwrap();
            });
        })
    }
}

/// A figure beside what it should be at most.
fn aim(what: &str, figure: f64, most: f64, unit: &str) {
    let word = if figure <= most { "met" } else { "MISSED" };
    println!("core, aim: {what:<58} {figure:>8.2} {unit:<14} at most {most:>6.2}   {word}");
}

fn wanted(prefix: &str, count: usize, depth: Depth) -> Wanted {
    let names = (0..count).map(|n| format!("{prefix}{n}")).collect();
    Wanted { names, depth, ..Wanted::default() }
}

fn patient() -> Pace {
    Pace { deep: HOUR, compare: HOUR }
}

/// Time of the statements of a look that are, or are not, about one database.
fn statements(look: &Observation, deep: bool) -> Duration {
    let about_one = |database: &str, name: &str| database == DATABASE && DEEP.contains(&name);
    let all = look.coverage.iter().filter(|read| {
        if deep {
            about_one(&read.database, &read.statement)
        } else {
            !DEEP.contains(&read.statement.as_str())
        }
    });
    Duration::from_micros(all.map(|read| read.elapsed_us).sum())
}

/// The part that every look reads, for roles that have nothing.
fn fast(bench: &Bench) -> Cost {
    let mut all = None;
    for count in [1, 100, ROLES] {
        let target = bench.target(patient());
        let wanted = wanted("ex", count, Depth::Due);
        let first = bench.look(&target, &wanted);
        assert_eq!((first.gaps.len(), first.residual.len()), (0, 0), "{:?}", first.gaps);
        let mut best = Duration::MAX;
        let cost = bench.cost(30, |runtime| {
            let seen = runtime.block_on(target.look(&wanted));
            assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
            best = best.min(statements(&seen, false));
        });
        println!(
            "core, fast, {count:>5} clean roles      statements {:>7.1} ms   look {:>7.1} ms   server's processor \
             {:>6.1} ms   agent's {:>6.1} ms",
            shared::ms(best),
            shared::ms(cost.wall),
            cost.server * 1e3,
            cost.own * 1e3
        );
        all = Some(cost);
    }
    let all = all.unwrap();
    aim("fast pass of 2,000 clean roles, server's processor", all.server * 1e3, 20.0, "ms");
    all
}

/// The same question by asking the server for each role and object.
fn cross_join(bench: &Bench, fast: Cost) {
    const SAMPLE: usize = 4;
    let scaled = |cost: Cost| cost.server * 500.0;
    for (name, statement) in [("cross join", CROSS_JOIN), ("views", VIEWS)] {
        let cost = scaled(bench.plain(1, statement, SAMPLE));
        println!(
            "core, {name:<10} of {SAMPLE} roles × 500   server's processor {cost:>8.1} s   {:>7.0} × the fast pass for \
             {ROLES}",
            cost / fast.server
        );
        aim(&format!("fast pass, of the {name}"), fast.server / cost * 1e3, 1.0, "thousandths");
    }
}

/// Reading the access lists of one database, beside counting their entries in the same rounds: a machine that others
/// use changes its pace within a minute.
fn deep(bench: &Bench, fast: Cost) -> Cost {
    const ROUNDS: usize = 6;
    let mut clean = fast;
    for (state, prefix) in [("clean", "ex"), ("dirty", "r")] {
        for count in [1, 100, ROLES] {
            let target = bench.target(patient());
            let (due, full) =
                (wanted(prefix, count, Depth::Due), wanted(prefix, count, Depth::Full));
            let seen = bench.look(&target, &full);
            let mut rounds = Vec::new();
            let (mut statement, mut bare_wall) = (Duration::MAX, Duration::MAX);
            for _ in 0..ROUNDS {
                let bare = bench.plain(1, BARE, 0);
                let resting = bench.cost(1, |runtime| drop(runtime.block_on(target.look(&due))));
                let whole = bench.cost(1, |runtime| {
                    statement =
                        statement.min(statements(&runtime.block_on(target.look(&full)), true));
                });
                bare_wall = bare_wall.min(bare.wall);
                // Looks that could not be read whole are read again by those that read what is due.
                let resting = if seen.gaps.is_empty() { resting.server } else { 0.0 };
                rounds.push((bare.server, whole.server - resting, whole));
            }
            rounds.sort_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
            let (bare, deep, whole) = rounds[ROUNDS / 2];
            println!(
                "core, deep, {count:>5} {state} roles      statements {:>7.1} ms, {:>5.2} × counting   server's \
                 processor {:>6.1} ms, counting {:>6.1} ms, {:>5.2} ×   {} findings, {} gaps",
                shared::ms(statement),
                shared::ratio(statement, bare_wall),
                deep * 1e3,
                bare * 1e3,
                deep / bare,
                seen.residual.len(),
                seen.gaps.len()
            );
            if state == "clean" {
                aim("all access lists, clean roles, median round", deep / bare, 1.5, "× counting");
                clean = whole;
            }
        }
    }
    clean
}

/// What the default intervals come to, from the costs of each part.
fn computed(bench: &Bench, fast: Cost, full: Cost) {
    let target = bench.target(Pace { deep: HOUR, compare: Duration::ZERO });
    let due = wanted("ex", ROLES, Depth::Due);
    bench.look(&target, &due);
    let compare = bench.cost(10, |runtime| drop(runtime.block_on(target.look(&due))));
    let entered = busy(bench, &target, &due);
    let (look, ask, all) = INTERVALS;
    let share = |of: fn(&Cost) -> f64| {
        of(&fast) / look + (of(&compare) - of(&fast)) / ask + (of(&full) - of(&fast)) / all
    };
    println!(
        "core, computed at default intervals   server {:.2} %, looks of the agent {:.2} % of a processor   (asking the \
         statistics: {:.1} ms of the server, where a database is written to {:.1} ms)",
        share(|cost| cost.server) * 100.0,
        share(|cost| cost.own) * 100.0,
        (compare.server - fast.server) * 1e3,
        (entered.server - fast.server) * 1e3
    );
    aim(
        "computed at default intervals, server's processor",
        share(|cost| cost.server) * 100.0,
        0.5,
        "%",
    );
    let busy = share(|cost| cost.server) + (entered.server - compare.server) / ask;
    aim("the same with a database that is always written to", busy * 100.0, 0.5, "%");
}

/// A look that has to enter a database because something, though no access, was written there.
fn busy(bench: &Bench, target: &Target, due: &Wanted) -> Cost {
    let url = bench.cluster.url("postgres", DATABASE);
    let mut writer = bench.runtime.block_on(PgConnection::connect(&url)).unwrap();
    let mut write = |statement: &'static str| {
        bench.runtime.block_on(sqlx::raw_sql(statement).execute(&mut writer)).unwrap();
    };
    write("CREATE TABLE public.written (n int); SELECT pg_catalog.pg_stat_force_next_flush()");
    bench.look(target, due);
    bench.cost(10, |runtime| {
        write("INSERT INTO public.written VALUES (1)");
        write("SELECT pg_catalog.pg_stat_force_next_flush()");
        drop(runtime.block_on(target.look(due)));
    })
}

/// The agent itself, with its own intervals and 2,000 open revocations of roles that exist.
fn steady(bench: &Bench) {
    let mut agent = Agent::init(&[("main", &bench.cluster.url("revoked_agent", "postgres"))], "");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let default = text.replace("look_interval: 1s\n", "").replace("verification_delay: 1s\n", "");
    assert_ne!(text, default, "the tests' configuration has other intervals");
    std::fs::write(agent.config(), default).unwrap();
    // The one that is handed on is smaller, and half of its memory is its own pages.
    let handed_on = std::env::var_os(PROGRAM);
    if let Some(program) = &handed_on {
        let mut command = Command::new(program);
        command.arg("serve").env("REVOKED_CONFIG", agent.config());
        agent.spawn_as(command);
        agent.until_ready();
    } else {
        agent.start();
    }
    let sent = load::for_accounts(&Address::socket_of(&agent), "core", 4, ROLES, |number| {
        format!("ex{number}")
    });
    assert_eq!(sent.refused, 0);
    std::thread::sleep(SETTLING);
    let used = || (process::server_cpu_seconds(&bench.cluster), process::cpu_seconds(agent.pid()));
    let (before, begun) = (used(), Instant::now());
    std::thread::sleep(STEADY);
    let (after, took) = (used(), begun.elapsed().as_secs_f64());
    let (now, most) = process::memory(agent.pid());
    println!(
        "core, agent, {ROLES} revocations, {took:.0} s   server {:.2} %, agent {:.2} % of a processor   memory {:.1} \
         MiB, at most {:.1}",
        (after.0 - before.0) / took * 100.0,
        (after.1 - before.1) / took * 100.0,
        mib(now),
        mib(most)
    );
    let server = (after.0 - before.0) / took * 100.0;
    aim("the agent at default intervals, server's processor", server, 0.5, "%");
    let which = if handed_on.is_some() { "" } else { ", but not of the build to hand on" };
    aim(&format!("the agent's memory with 2,000 open revocations{which}"), mib(now), 50.0, "MiB");
    assert!(agent.stop().success(), "{}", agent.stderr());
}

#[expect(clippy::cast_precision_loss, reason = "memory of one process")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1_024.0
}

fn main() {
    if !shared::asked() {
        return;
    }
    let short = std::env::args().any(|argument| argument == "short");
    for shape in [Shape::SchemaWide, Shape::AllDifferent] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bench = Bench { cluster: scale::cluster(shape), runtime };
        let cost = fast(&bench);
        cross_join(&bench, cost);
        let full = deep(&bench, cost);
        computed(&bench, cost, full);
        if !short && shape == Shape::SchemaWide {
            steady(&bench);
        }
    }
}
