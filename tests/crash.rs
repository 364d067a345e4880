//! Killed at random moments under a stream of new expectations: what was acknowledged is in the store and
//! in the log, exactly once, and the log verifies each time. `benches/crash.rs` does it more often.

mod common;

use common::kills::{kill, kill_until};
use common::place::Place;

/// How often it is killed on each kind of store.
const KILLS: u32 = 15;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_lands_twice_on_sqlite() {
    kill(&Place::sqlite(), KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_lands_twice_on_postgres() {
    kill(&Place::postgres(), KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_while_files_follow_one_another() {
    let figures = kill_until(&Place::sqlite(), KILLS, "log: {segment_bytes: 64KiB}", 4).await;
    assert!(figures.files > 3, "{figures:?}");
}
