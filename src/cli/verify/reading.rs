//! Reads the files of a log: one thread reads and binds lines to each other, others hash lines and check their form.

use crate::audit::format::MAX_LINE;
use crate::audit::verify::{Chunk, Options, Report, Verifier};
use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{IsTerminal as _, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

/// Bytes that are given to a thread at once.
const CHUNK: usize = 256 << 10;
/// Threads that hash; more would only wait for the one that reads.
const MAX_THREADS: usize = 4;
/// What takes longer than this has a progress bar.
const QUICK: Duration = Duration::from_secs(1);

/// The files as they lie there: a log that is written while it is read looks different afterwards.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Files(Vec<(u64, u64, i64, i64)>);

impl Files {
    pub(super) fn measure(paths: &[PathBuf]) -> Result<Self> {
        let one = |path: &PathBuf| {
            let meta =
                std::fs::metadata(path).with_context(|| format!("reading {}", path.display()))?;
            if !meta.is_file() {
                // It is read more than once, and a pipe gives its bytes only once.
                bail!("{} is not a file: save what comes from it to one first", path.display());
            }
            Ok((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
        };
        paths.iter().map(one).collect::<Result<_>>().map(Self)
    }

    fn bytes(&self) -> u64 {
        self.0.iter().map(|(_, length, _, _)| length).sum()
    }
}

/// The first line of a log, without its line feed; `None` if it does not end.
pub(super) fn first_line(paths: &[PathBuf]) -> Result<Option<Vec<u8>>> {
    let Some(path) = paths.first() else { return Ok(None) };
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| format!("reading {}", path.display()))?;
    file.take(MAX_LINE as u64 + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("reading {}", path.display()))?;
    let end = bytes.iter().position(|byte| *byte == b'\n');
    Ok(end.map(|end| {
        bytes.truncate(end);
        bytes
    }))
}

/// Verifies all of `paths`, one after the other.
pub(super) fn whole(paths: &[PathBuf], files: &Files, options: &Options) -> Result<Report> {
    let mut verifier = Verifier::with(options.clone());
    let mut progress = Progress::of(files.bytes());
    thread::scope(|scope| {
        let mut pipeline = Pipeline::start(scope)?;
        for path in paths {
            let name = path.display().to_string();
            let file = File::open(path).with_context(|| format!("reading {name}"))?;
            pipeline.finish(&mut verifier);
            verifier.begin_file(&name);
            pipeline
                .file(file, &mut verifier, &mut progress)
                .with_context(|| format!("reading {name}"))?;
            if verifier.has_fault() {
                break;
            }
        }
        pipeline.finish(&mut verifier);
        anyhow::Ok(())
    })?;
    progress.end();
    Ok(verifier.finish())
}

/// A chunk on its way to a thread, and where its lines are to go.
type Job = (Vec<u8>, SyncSender<Chunk>);

/// Chunks on their way, in order.
struct Pipeline {
    jobs: SyncSender<Job>,
    waiting: VecDeque<Receiver<Chunk>>,
    /// As many chunks may be on their way.
    width: usize,
    /// Memory to be used again.
    spare: Vec<Vec<u8>>,
}

impl Pipeline {
    /// Starts the threads. They end when the pipeline is dropped.
    fn start<'scope>(scope: &'scope Scope<'scope, '_>) -> Result<Self> {
        let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        let width = threads + 2;
        let (jobs, queue) = sync_channel::<Job>(width);
        let queue = std::sync::Arc::new(Mutex::new(queue));
        for number in 0..threads {
            let queue = queue.clone();
            thread::Builder::new()
                .name(format!("lines-{number}"))
                .spawn_scoped(scope, move || work(&queue))
                .context("starting a thread")?;
        }
        Ok(Self { jobs, waiting: VecDeque::new(), width, spare: Vec::new() })
    }

    /// Reads one file to its end. The last lines may still be on their way then.
    fn file(
        &mut self,
        mut file: impl Read,
        verifier: &mut Verifier,
        progress: &mut Progress,
    ) -> std::io::Result<()> {
        let mut carried = 0;
        let mut bytes = self.memory();
        loop {
            let count = fill(&mut file, bytes.get_mut(carried..).unwrap_or_default())?;
            progress.add(count);
            let length = carried + count;
            if count == 0 {
                self.finish(verifier);
                verifier.push_bytes(bytes.get(..length).unwrap_or_default());
                self.spare.push(bytes);
                return Ok(());
            }
            let read = bytes.get(..length).unwrap_or_default();
            let Some(end) = read.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1) else {
                // A line longer than a chunk is put together by the verifier, which knows the limit.
                self.finish(verifier);
                verifier.push_bytes(read);
                carried = 0;
                if verifier.has_fault() {
                    return Ok(());
                }
                continue;
            };
            let mut next = self.memory();
            carried = length - end;
            let rest = bytes.get(end..length).unwrap_or_default();
            next.get_mut(..carried).unwrap_or_default().copy_from_slice(rest);
            bytes.truncate(end);
            self.send(std::mem::replace(&mut bytes, next), verifier);
            if verifier.has_fault() {
                return Ok(());
            }
        }
    }

    /// A buffer of the full length.
    fn memory(&mut self) -> Vec<u8> {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.resize(CHUNK, 0);
        bytes
    }

    fn send(&mut self, bytes: Vec<u8>, verifier: &mut Verifier) {
        if self.waiting.len() == self.width {
            self.receive(verifier);
        }
        let (answer, chunk) = sync_channel(1);
        if let Err(refused) = self.jobs.send((bytes, answer)) {
            // No thread is left to do it.
            let (bytes, answer) = refused.0;
            let _ = answer.send(Chunk::read(bytes));
        }
        self.waiting.push_back(chunk);
    }

    fn receive(&mut self, verifier: &mut Verifier) {
        let Some(Ok(chunk)) = self.waiting.pop_front().map(|chunk| chunk.recv()) else { return };
        verifier.push_chunk(&chunk);
        self.spare.push(chunk.into_bytes());
    }

    /// Waits for all that is on its way.
    fn finish(&mut self, verifier: &mut Verifier) {
        while !self.waiting.is_empty() {
            self.receive(verifier);
        }
    }
}

fn work(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((bytes, answer)) = job else { return };
        // Who asked may have stopped at a fault.
        let _ = answer.send(Chunk::read(bytes));
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// A bar on stderr, if a person is waiting.
struct Progress {
    begun: Instant,
    bytes: u64,
    done: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    fn of(bytes: u64) -> Self {
        Self { begun: Instant::now(), bytes, done: 0, bar: None }
    }

    fn add(&mut self, count: usize) {
        self.done += count as u64;
        if self.bar.is_none() && self.begun.elapsed() > QUICK && std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(Some(self.bytes), ProgressDrawTarget::stderr());
            let form = "{bar:40} {bytes} of {total_bytes}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style);
            }
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
