//! 200 kills on each kind of store, or as many as an argument says: `cargo bench --bench crash -- 50`.
//!
//! Prints what came of it. Anything acknowledged and lost, or landed twice, is a panic, and the status is not 0.

#[path = "../tests/common/mod.rs"]
mod common;

use common::kills::{Figures, kill};
use common::place::Place;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let told = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let kills: u32 = told.unwrap_or(200);
    for (name, place) in [("sqlite", Place::sqlite()), ("postgres", Place::postgres())] {
        let Figures { kills, restarts, acknowledged, unsealed, records, files, verified } =
            kill(&place, kills).await;
        println!(
            "{name}: {kills} kills, {restarts} restarts, {acknowledged} acknowledged, 0 lost, 0 twice, \
             {unsealed} commits cut, {records} records in {files} files; {verified}"
        );
    }
}
