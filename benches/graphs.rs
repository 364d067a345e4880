//! Random graphs against the server's own answers, by the thousand: `cargo bench --bench graphs -- 500`. Without a
//! number 10,000 on each version found; a second number is the first seed, so that runs add up. Progress goes to stderr; its
//! figures are counts.
//!
//! A difference is a panic with its seed, and `REVOKED_GRAPH_SEED` runs that one alone.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/graphs/mod.rs"]
mod graphs;

use indicatif::{ProgressBar, ProgressStyle};

/// The graphs of `cargo test` begin at 1: these are others.
const FIRST: u64 = 1_000;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test` builds benches too, and runs them with arguments of its own.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let mut told = arguments.iter().filter_map(|argument| argument.parse().ok());
    let (count, first) = (told.next().unwrap_or(10_000), told.next().unwrap_or(FIRST));
    let seeds: Vec<u64> = match graphs::seed_alone() {
        Some(seed) => vec![seed],
        None => (first..first + count).collect(),
    };
    for binaries in common::versions() {
        let style =
            ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} graphs, {eta} left");
        let bar = ProgressBar::new(seeds.len().try_into().unwrap());
        bar.set_style(style.unwrap());
        bar.set_prefix(format!("PostgreSQL {}", binaries.version));
        let coverage = graphs::run(&binaries, &seeds, |_| bar.inc(graphs::BATCH as u64)).await;
        bar.finish_and_clear();
        let count = seeds.len();
        println!("PostgreSQL {}, {count} graphs from {first}: {coverage}", binaries.version);
    }
}
