//! `revoked verify` on a log of 1,000,000 records, beside others who only hash the same bytes.

use super::{entry, file_name, key, open};
use revoked::audit::file::Entry;
use revoked::audit::verify::{Verifier, Vkey};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RECORDS: usize = 1_000_000;
/// As many share a checkpoint.
const COMMIT: usize = 500;
const ROUNDS: usize = 3;

/// What a program took.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall: Duration,
    /// Processor time, of the program and of the kernel for it.
    cpu: Duration,
}

/// The least that each of some rounds took: others who use the machine only ever add to it.
fn least(program: &str, arguments: &[&str]) -> Cost {
    let rounds = (0..ROUNDS).map(|_| once(program, arguments));
    rounds
        .reduce(|a, b| Cost { wall: a.wall.min(b.wall), cpu: a.cpu.min(b.cpu) })
        .unwrap_or_default()
}

fn once(program: &str, arguments: &[&str]) -> Cost {
    // The shell knows what its children took.
    let script = "\"$@\" >/dev/null || exit 1; times";
    let begun = Instant::now();
    let output =
        Command::new("sh").args(["-c", script, "sh", program]).args(arguments).output().unwrap();
    let wall = begun.elapsed();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let cpu = text.lines().nth(1).unwrap().split_whitespace().map(seconds).sum();
    Cost { wall, cpu }
}

/// `0m1.230s`, as `times` has it.
fn seconds(text: &str) -> Duration {
    let (minutes, seconds) = text.trim_end_matches('s').split_once('m').unwrap();
    let minutes: u64 = minutes.parse().unwrap();
    Duration::from_secs(minutes * 60) + Duration::from_secs_f64(seconds.parse().unwrap())
}

/// Most memory that a program had, in bytes.
fn peak(program: &str, arguments: &[&str]) -> u64 {
    let mut child = Command::new(program).args(arguments).stdout(Stdio::null()).spawn().unwrap();
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0) * 1024);
        std::thread::sleep(Duration::from_millis(1));
    }
    peak
}

/// A log in `dir`, with its file.
fn write(dir: &Path, records: usize) -> String {
    let mut log = open(dir);
    for commit in 0..records / COMMIT {
        let batch: Vec<Entry> = (0..COMMIT).map(|at| entry(commit * COMMIT + at)).collect();
        log.append(&batch, super::NOW).unwrap();
    }
    dir.join(file_name()).display().to_string()
}

/// Prints time and memory of verifying, as ratios.
pub(crate) fn verify() {
    let revoked = env!("CARGO_BIN_EXE_revoked");
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let small = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (log, short) = (write(dir.path(), RECORDS), write(small.path(), COMMIT));
    let bytes = std::fs::metadata(&log).unwrap().len();
    let vkey = key().vkey();
    let ours = least(revoked, &["verify", &log, "--key", &vkey]);
    let sha256sum = least("sha256sum", &[&log]);
    let openssl = least("openssl", &["dgst", "-sha256", &log]);
    let all = once(revoked, &["verify", &log, "--key", &vkey, "--all-signatures"]);
    let ratio = |a: Duration, b: Duration| a.as_secs_f64() / b.as_secs_f64();
    println!(
        "verify, {RECORDS} records     {:>5.2} s wall, {:>5.2} s CPU, {} MB",
        ours.wall.as_secs_f64(),
        ours.cpu.as_secs_f64(),
        bytes / 1_000_000
    );
    println!("  CPU                         {:>5.2} × sha256sum", ratio(ours.cpu, sha256sum.cpu));
    println!("  wall                        {:>5.2} × sha256sum", ratio(ours.wall, sha256sum.wall));
    println!(
        "  CPU                         {:>5.2} × openssl dgst -sha256",
        ratio(ours.cpu, openssl.cpu)
    );
    println!(
        "  wall                        {:>5.2} × openssl dgst -sha256",
        ratio(ours.wall, openssl.wall)
    );
    println!("  all roots and signatures    {:>5.2} × the CPU without", ratio(all.cpu, ours.cpu));
    let base = peak(revoked, &["verify", &short, "--key", &vkey]);
    let most = peak(revoked, &["verify", &log, "--key", &vkey]);
    println!(
        "  memory                      {} MiB over the {} MiB that a short log takes",
        mib(most.saturating_sub(base)),
        mib(base)
    );
}

/// Mebibytes with one digit after the point.
fn mib(bytes: u64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Random edits of the log that docs/audit-log.md publishes: no edit verifies, but a cut after a checkpoint.
pub(crate) fn mutants() {
    const MUTANTS: u32 = 100_000;
    let document = include_str!("../../docs/audit-log.md");
    let block = |fence: &str| {
        let (_, rest) = document.split_once(&format!("\n```{fence}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let (good, key) = (block("jsonl").as_bytes(), block("text").lines().next().unwrap());
    let key = Vkey::parse(key).unwrap();
    let ends = good.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let ends: Vec<usize> = ends.collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        // xorshift: the same mutants in each run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let begun = Instant::now();
    let mut exits = [0_u64; 7];
    for _ in 0..MUTANTS {
        let mut bytes = good.to_vec();
        for _ in 0..=random(3) {
            let at = random(bytes.len().max(1));
            let end = (at + random(40)).min(bytes.len());
            match random(6) {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(at.min(end)..end)),
                2 => bytes.insert(at.min(bytes.len()), u8::try_from(random(256)).unwrap()),
                3 => {
                    let copy = bytes.get(at..end).unwrap_or_default().to_vec();
                    let to = random(bytes.len() + 1);
                    bytes.splice(to..to, copy);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << random(8);
                    }
                }
            }
        }
        let mut verifier = Verifier::new(Some(key.clone()));
        verifier.push_bytes(&bytes);
        let report = verifier.finish();
        let is_cut = good.starts_with(&bytes) && [ends[1], ends[4]].contains(&bytes.len());
        assert!(report.exit_code != 0 || is_cut, "{}", String::from_utf8_lossy(&bytes));
        exits[usize::from(report.exit_code)] += 1;
    }
    println!(
        "mutants, {MUTANTS}           {:>8.1} µs each; tampered {}, incomplete {}, cut at a checkpoint or unchanged {}",
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(MUTANTS),
        exits[4],
        exits[3],
        exits[0]
    );
}
