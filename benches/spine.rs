//! What the spine costs, as ratios within one run: seconds depend on the machine, ratios much less.
//!
//! `make bench` builds this optimised. Each figure is the median of several rounds.

#[path = "spine/appending.rs"]
mod appending;
#[path = "../tests/common/mod.rs"]
mod common;
mod shared;
#[path = "spine/verifying.rs"]
mod verifying;

use common::sql;
use revoked::audit::file::{self, Entry, Limits, LogFile};
use revoked::audit::key::LogKey;
use revoked::target::{Target, Wanted};
use revoked::throwaway::{Binaries, Cluster, Template};
use shared::Times;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

const NOW: &str = "2026-03-05T09:00:00.000000Z";
const ROUNDS: usize = 7;

fn median(work: impl FnMut()) -> Duration {
    Times::take(ROUNDS, work).median()
}

fn key() -> LogKey {
    LogKey::from_seed("bench/log", &Zeroizing::new([7; 32]))
}

fn entry(number: usize) -> Entry {
    let what = serde_json::json!({
        "id": format!("rev_{number:014x}.1"), "kind": "full", "reason": "terminated", "number": number,
        "filler": "x".repeat(380),
    });
    Entry::new("observation", what.as_object().unwrap())
}

fn open(dir: &Path) -> LogFile {
    file::create(dir, &key(), "next", NOW).unwrap();
    LogFile::open(dir, key(), NOW).unwrap()
}

/// Starting with a long history, beside starting with the newest file alone.
fn start() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let limits = Limits { bytes: 4 << 20, age: Duration::MAX };
    let mut log = open(dir.path()).with_limits(limits);
    let batch: Vec<Entry> = (0..512).map(entry).collect();
    let files = || std::fs::read_dir(dir.path()).unwrap().count();
    while files() < 52 {
        log.append(&batch, NOW).unwrap();
    }
    let head = log.head();
    drop(log);
    let opened = || drop(LogFile::open(dir.path(), key(), NOW).unwrap());
    let with_all = median(opened);
    let mut names: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    names.sort();
    names.pop();
    for path in &names {
        std::fs::remove_file(path).unwrap();
    }
    let short = median(opened);
    println!(
        "start, {head} lines in {} files {:>8.1} ms   {:.2} × with the newest file alone",
        names.len() + 1,
        with_all.as_secs_f64() * 1e3,
        with_all.as_secs_f64() / short.as_secs_f64()
    );
}

fn file_name() -> &'static str {
    revoked::audit::format::FIRST_SEGMENT
}

/// A look at a cluster with 1,000 roles and 2,000 tables in 3 databases, beside a look at an empty one.
fn look() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let template = Template::create(&Binaries::find().unwrap()).unwrap();
    let (empty, full) =
        (Cluster::start(&template, &[]).unwrap(), Cluster::start(&template, &[]).unwrap());
    sql(&empty, "postgres", "postgres", "CREATE ROLE revoked_agent LOGIN;");
    sql(&full, "postgres", "postgres", &shared::roles_and_tables(2_000));
    let look = |cluster: &Cluster, roles: usize| {
        let target = Target::from_url("bench", &cluster.url("revoked_agent", "postgres")).unwrap();
        let names = (0..roles).map(|n| format!("r{n}")).collect();
        let wanted = Wanted { names, ..Wanted::default() };
        median(|| {
            let seen = runtime.block_on(target.look(&wanted));
            assert!(seen.gaps.is_empty(), "{:?}", seen.gaps);
        })
    };
    let base = look(&empty, 1);
    println!("look, empty cluster         {:>8.1} ms", base.as_secs_f64() * 1e3);
    for roles in [1, 1_000] {
        let time = look(&full, roles);
        println!(
            "look, {roles:>4} of 1,000 roles     {:>8.1} ms   {:.1} × the empty cluster",
            time.as_secs_f64() * 1e3,
            time.as_secs_f64() / base.as_secs_f64()
        );
    }
}

fn main() {
    if !shared::asked() {
        return;
    }
    appending::append();
    start();
    verifying::verify();
    verifying::mutants();
    look();
}
