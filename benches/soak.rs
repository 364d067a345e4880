//! Memory and processor of the agent while nothing changes: `cargo bench --bench soak -- 10` for ten minutes.
//!
//! 100 open revocations, a target with 1,000 roles, a look every 10 s. Without minutes it does nothing, so
//! that the other figures need not wait for it.

#[path = "../tests/common/mod.rs"]
mod common;
mod shared;

use common::agent::Agent;
use common::sql;
use revoked::throwaway::{Binaries, Cluster, Template};
use shared::load::{self, Address};
use shared::process;
use std::path::Path;
use std::time::Duration;

const OPEN: usize = 100;
/// From the last notice until every revocation has been looked at, and memory has its usual size.
const SETTLING: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_secs(60);

fn minutes() -> Option<u32> {
    std::env::args().skip(1).find_map(|argument| argument.parse().ok())
}

/// Bytes of the files in a directory whose names begin like this.
fn bytes(dir: &Path, beginning: &str) -> u64 {
    std::fs::read_dir(dir)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(beginning))
        .map(|entry| entry.metadata().unwrap().len())
        .sum()
}

struct Use {
    memory: u64,
    most: u64,
    cpu: f64,
    store: u64,
    log: u64,
}

impl Use {
    fn of(agent: &Agent) -> Self {
        let state = agent.dir().join("state");
        let (memory, most) = process::memory(agent.pid());
        Self {
            memory,
            most,
            cpu: process::cpu_seconds(agent.pid()),
            store: bytes(&state, "revoked.db"),
            log: bytes(&state.join("log"), "revlog"),
        }
    }

    fn print(&self, minute: u32) {
        println!(
            "soak, minute {minute:>3}   memory {:>7} KiB, at most {:>7}   processor {:>6.2} s   \
             store {:>9} bytes   log {:>8} bytes",
            self.memory, self.most, self.cpu, self.store, self.log
        );
    }
}

fn started(cluster: &Cluster) -> Agent {
    let mut agent = Agent::init(&[("main", &cluster.url("revoked_agent", "postgres"))], "");
    let text = std::fs::read_to_string(agent.config()).unwrap();
    let slower = text.replace("look_interval: 1s", "look_interval: 10s");
    assert_ne!(text, slower, "the tests' configuration has another interval");
    std::fs::write(agent.config(), slower).unwrap();
    agent.start();
    agent
}

fn main() {
    let Some(minutes) = minutes().filter(|_| shared::asked()) else { return };
    let cluster = Cluster::start(&Template::create(&Binaries::find().unwrap()).unwrap(), &[]);
    let cluster = cluster.unwrap();
    sql(&cluster, "postgres", "postgres", &shared::roles_and_tables(2_000));
    let mut agent = started(&cluster);
    load::one_after_the_other(&Address::socket_of(&agent), "soak", 4, OPEN);
    std::thread::sleep(SETTLING);
    let first = Use::of(&agent);
    first.print(0);
    let mut last = Use::of(&agent);
    for minute in 1..=minutes {
        std::thread::sleep(MINUTE);
        last = Use::of(&agent);
        last.print(minute);
    }
    println!(
        "soak, {minutes} minutes   memory {:+} KiB   processor {:.2} s, {:.2} % of one   store {:+} bytes   \
         log {:+} bytes",
        i128::from(last.memory) - i128::from(first.memory),
        last.cpu - first.cpu,
        (last.cpu - first.cpu) / f64::from(minutes) / 0.6,
        i128::from(last.store) - i128::from(first.store),
        i128::from(last.log) - i128::from(first.log),
    );
    assert!(agent.stop().success(), "{}", agent.stderr());
}
