//! Appending to the log, beside writing and syncing as many bytes.

use super::{NOW, entry, file_name, open};
use revoked::audit::file::{Entry, Moment};
use revoked::audit::writer::LogWriter;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

/// Of so many rounds the middle one counts: the disk has moods.
const ROUNDS: usize = 25;
/// Commits of a round.
const COMMITS: u32 = 16;

/// Appending commits of so many records durably, beside writing and syncing as many bytes to a growing file of the same
/// directory, without any of the rest: as many commits, one after the other, by turns. Rates are of what waits for the log,
/// as the writer's queue allows. It joins some of that: so many are in one sync. Beside that, each is sent when the one
/// before it is durable, and none is joined.
pub(crate) fn append() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for records in [1, 8, 64, 512] {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let bytes = bytes_of(dir.path(), records);
        let log = LogWriter::start(open(dir.path())).unwrap();
        let bare = File::options().create(true).append(true).open(dir.path().join("bare")).unwrap();
        let batches = || -> Vec<_> { (0..COMMITS).map(|_| batch(records)).collect() };
        let (mut ours, mut alone, mut floor) = (Vec::new(), Vec::new(), Vec::new());
        let mut syncs = Vec::new();
        for _ in 0..ROUNDS {
            let batch = batches();
            let mut lines = 0;
            ours.push(timed(|| lines = runtime.block_on(waiting(&log, batch))));
            // Beside the records, each commit has the line of a checkpoint.
            syncs.push(f64::from(lines) - f64::from(COMMITS) * count(records));
            floor.push(timed(|| write_and_sync(&bare, &bytes)));
            let batch = batches();
            alone.push(timed(|| runtime.block_on(in_turn(&log, batch))));
        }
        let [ours, alone, floor, syncs] = [ours, alone, floor, syncs].map(middle);
        println!(
            "append, {records:>3} a commit        {:>8.1} µs   {:.2} × write + fdatasync of as many bytes, {:.1} in one sync \
             ({:.2} × where each waits for the one before)   {:>9.0} records/s",
            ours * 1e6,
            ours / floor,
            f64::from(COMMITS) / syncs,
            alone / floor,
            count(records) / ours
        );
    }
}

fn count(records: usize) -> f64 {
    f64::from(u32::try_from(records).unwrap())
}

/// Seconds that each commit took.
fn timed(commits: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    commits();
    begun.elapsed().as_secs_f64() / f64::from(COMMITS)
}

fn batch(records: usize) -> Vec<Entry> {
    (0..records).map(entry).collect()
}

fn write_and_sync(mut file: &File, bytes: &[u8]) {
    for _ in 0..COMMITS {
        file.write_all(bytes).unwrap();
        file.sync_data().unwrap();
    }
}

/// What a commit of so many records adds to the log.
fn bytes_of(dir: &Path, records: usize) -> Vec<u8> {
    let dir = dir.join("one");
    std::fs::create_dir(&dir).unwrap();
    let mut log = open(&dir);
    let length = || std::fs::metadata(dir.join(file_name())).unwrap().len();
    let before = length();
    log.append(&batch(records), NOW).unwrap();
    vec![b'x'; usize::try_from(length() - before).unwrap()]
}

/// Gives how many lines that added to the log, with the last checkpoint.
async fn waiting(log: &LogWriter, batches: Vec<Vec<Entry>>) -> u32 {
    let mut sent = Vec::new();
    for batch in batches {
        sent.push(log.send(batch, Moment::from(NOW)).await.unwrap());
    }
    let mut places = Vec::new();
    for mut sent in sent {
        places.extend(sent.answer().await.unwrap().iter().map(|line| line.seq));
    }
    let last = places.last().map_or(0, |last| last + 1);
    u32::try_from(last - places[0] + 1).unwrap()
}

async fn in_turn(log: &LogWriter, batches: Vec<Vec<Entry>>) {
    for batch in batches {
        log.append(batch, Moment::from(NOW)).await.unwrap();
    }
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}
