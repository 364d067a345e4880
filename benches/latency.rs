//! From a change that gives access to the metric that shows it, at the default intervals. Each kind of change has a
//! cluster and an agent of its own, as one kind would make the others be found sooner. Takes ten minutes.

#[path = "../tests/common/mod.rs"]
mod common;
mod shared;

use common::agent::Agent;
use common::{LiveSession, sql};
use revoked::throwaway::{Binaries, Cluster, Template};
use shared::Times;
use std::time::{Duration, Instant};

const SAMPLES: usize = 24;
/// What is not found by then is lost.
const PATIENCE: Duration = Duration::from_secs(400);

/// One kind of change.
struct Change {
    name: &'static str,
    /// Label of the metric.
    surface: &'static str,
    /// How many accounts are offboarded.
    accounts: usize,
    prepare: &'static str,
    /// What sample number `n` does; `None` opens a session.
    grant: Option<fn(usize) -> String>,
    aim: Duration,
}

const CHANGES: &[Change] = &[
    Change {
        name: "ALTER ROLE … LOGIN",
        surface: "login",
        accounts: SAMPLES,
        prepare: "",
        grant: Some(|n| format!("ALTER ROLE x{n} LOGIN")),
        aim: Duration::from_secs(10),
    },
    Change {
        name: "GRANT of a role",
        surface: "membership",
        accounts: 1,
        prepare: "SELECT format('CREATE ROLE g%s', n) FROM generate_series(0, 23) AS n \\gexec",
        grant: Some(|n| format!("GRANT g{n} TO x0")),
        aim: Duration::from_secs(10),
    },
    Change {
        name: "a new session",
        surface: "session",
        accounts: 1,
        prepare: "ALTER ROLE x0 LOGIN",
        grant: None,
        aim: Duration::from_secs(10),
    },
    Change {
        name: "GRANT on an object",
        surface: "privilege",
        accounts: 1,
        prepare: "SELECT format('CREATE TABLE t%s (a int)', n) FROM generate_series(0, 23) AS n \\gexec",
        grant: Some(|n| format!("GRANT SELECT ON t{n} TO x0")),
        aim: Duration::from_secs(60),
    },
    Change {
        // pg_shdepend has one row for each object and role, whatever the privileges.
        name: "GRANT of more on an object",
        surface: "privilege",
        accounts: 1,
        prepare: "SELECT format('CREATE TABLE t%s (a int); GRANT SELECT ON t%s TO x0', n, n) \
                  FROM generate_series(0, 3) AS n \\gexec",
        grant: Some(|n| {
            let more = ["INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];
            format!("GRANT {} ON t{} TO x0", more[n / 4], n % 4)
        }),
        aim: Duration::from_secs(60),
    },
];

/// Findings on `surface` as the agent's metrics have them.
fn shown(agent: &Agent, surface: &str) -> usize {
    let metrics = agent.get("/metrics").unwrap();
    let label = format!("surface=\"{surface}\"");
    metrics
        .lines()
        .filter(|line| line.starts_with("access_revocation_residual_findings{"))
        .find(|line| line.contains(&label))
        .and_then(|line| line.rsplit_once(' ')?.1.parse().ok())
        .unwrap_or_default()
}

fn until(agent: &Agent, surface: &str, more_than: usize) {
    let begun = Instant::now();
    while shown(agent, surface) <= more_than {
        assert!(begun.elapsed() < PATIENCE, "{surface}: {}", agent.stderr());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A time that has nothing to do with the agent's intervals.
fn pause(sample: usize) -> Duration {
    let nanos = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    let spread = (u64::from(nanos / 1_000) * 7_919 + sample as u64 * 3_571) % 9_000;
    Duration::from_millis(spread)
}

fn measure(change: &Change, template: &Template) -> Times {
    let cluster = Cluster::start(template, &[]).unwrap();
    let roles = "CREATE ROLE revoked_agent LOGIN;
        SELECT format('CREATE ROLE x%s', n) FROM generate_series(0, 23) AS n \\gexec\n";
    sql(&cluster, "postgres", "postgres", &format!("{roles}{}", change.prepare));
    let mut agent = Agent::init(&[("main", &cluster.url("revoked_agent", "postgres"))], "");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    std::fs::write(agent.config(), text.replace("look_interval: 1s\n", "")).unwrap();
    agent.start();
    let clean = shown(&agent, change.surface) == 0 && change.prepare.is_empty();
    for n in 0..change.accounts {
        let role = format!("x{n}");
        let id = agent.expect(&role, &["--account", &role]);
        // With nothing there it is verified first; what comes back is a regression.
        agent.until(&id, |view| {
            view["state"] == "verified" || (!clean && view["verdict"] == "residual")
        });
    }
    let mut sessions = Vec::new();
    let times = (0..SAMPLES).map(|sample| {
        std::thread::sleep(pause(sample));
        let before = shown(&agent, change.surface);
        let begun = Instant::now();
        match change.grant {
            Some(grant) => {
                sql(&cluster, "postgres", "postgres", &grant(sample));
            }
            None => sessions.push(LiveSession::open(&cluster, "x0", "postgres", "SELECT 1;")),
        }
        until(&agent, change.surface, before);
        begun.elapsed()
    });
    let times = Times::of(times.collect());
    assert!(agent.stop().success(), "{}", agent.stderr());
    times
}

fn main() {
    if !shared::asked() {
        return;
    }
    let template = Template::create(&Binaries::find().unwrap()).unwrap();
    std::thread::scope(|scope| {
        for change in CHANGES {
            let template = &template;
            scope.spawn(move || {
                let times = measure(change, template);
                println!(
                    "latency, {:<28} {} samples   p50 {:>5.1} s   p99 {:>5.1} s   aim {} s",
                    change.name,
                    times.count(),
                    times.median().as_secs_f64(),
                    times.percentile(99).as_secs_f64(),
                    change.aim.as_secs()
                );
            });
        }
    });
}
