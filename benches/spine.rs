//! What the spine costs, as ratios within one run: seconds depend on the machine, ratios much less.
//!
//! `make bench` builds this optimised. Each figure is the median of several rounds.

#[path = "../tests/common/mod.rs"]
mod common;
mod shared;
#[path = "spine/verifying.rs"]
mod verifying;

use common::sql;
use revoked::audit::file::{self, Entry, LogFile};
use revoked::audit::key::LogKey;
use revoked::target::{Target, Wanted};
use revoked::throwaway::{Binaries, Cluster, Template};
use shared::Times;
use std::io::Write as _;
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
    Entry { kind: "observation".to_owned(), what: what.as_object().cloned().unwrap_or_default() }
}

fn open(dir: &Path) -> LogFile {
    file::create(dir, &key(), "next", NOW).unwrap();
    LogFile::open(dir, key(), NOW).unwrap().0
}

/// Appending one record durably, beside writing and syncing as many bytes without any of the rest.
fn append() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut log = open(dir.path());
    let ours = median(|| {
        for number in 0..50 {
            log.append(&[entry(number)], NOW).unwrap();
        }
    });
    let mut bare = std::fs::File::create(dir.path().join("bare")).unwrap();
    let bytes = vec![b'x'; 1_000];
    let floor = median(|| {
        for _ in 0..50 {
            bare.write_all(&bytes).unwrap();
            bare.sync_data().unwrap();
        }
    });
    let batch: Vec<Entry> = (0..512).map(entry).collect();
    let grouped = median(|| {
        log.append(&batch, NOW).unwrap();
    });
    println!(
        "append, 1 record a commit   {:>8.1} µs   {:.2} × write + fdatasync of as many bytes",
        ours.as_secs_f64() * 1e6 / 50.0,
        ours.as_secs_f64() / floor.as_secs_f64()
    );
    println!(
        "append, 512 records         {:>8.1} µs a record   {:.3} × one record a commit",
        grouped.as_secs_f64() * 1e6 / 512.0,
        grouped.as_secs_f64() / 512.0 / (ours.as_secs_f64() / 50.0)
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
    append();
    verifying::verify();
    verifying::mutants();
    look();
}
