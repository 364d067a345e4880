//! Any bytes as a proof file, and proofs made to order: a good one verifies, and what verifies proves nothing but lines
//! of the log at their own places, or one checkpoint after another.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use revoked_fuzz::audit::verify::proof::{self, ProofKind, ProofReport};
use revoked_fuzz::audit::verify::{Options, Outcome, Vkey};
use revoked_fuzz::forge::{self, Log, ORIGIN};
use revoked_fuzz::good::{LINES, LOG, WITNESSES, anchors};
use revoked_fuzz::is_plain;
use serde_json::json;

/// What is proved of which log, and what somebody changes in the file.
#[derive(Arbitrary, Debug)]
struct Program {
    /// Lines of each commit; the key changes after those that are marked.
    commits: Vec<(u8, bool)>,
    indexes: Vec<u8>,
    size: u8,
    old: u8,
    is_consistency: bool,
    edits: Vec<(u16, u8, Vec<u8>)>,
    has_key: bool,
}

fn checked(bytes: &[u8], options: &Options) -> ProofReport {
    let report = proof::check(bytes, "fuzz", options);
    assert!(is_plain(&report));
    assert!(report.outcome != Outcome::Verified || options.key.is_some(), "{report}");
    report
}

/// The log, and for each change of key the line of its record.
fn log(commits: &[(u8, bool)]) -> (Log, Vec<usize>) {
    let (mut log, mut changes) = (Log::default(), Vec::new());
    log.checkpoint();
    for (lines, changes_key) in commits.iter().take(6) {
        for _ in 0..lines % 8 {
            log.now += 1_000_000;
            log.record("heartbeat", &json!({}));
        }
        log.checkpoint();
        if *changes_key {
            changes.push(log.lines.len());
            log.change_key("scheduled");
        }
    }
    log.checkpoint();
    (log, changes)
}

fn edited(good: &str, edits: &[(u16, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = good.as_bytes().to_vec();
    for (at, cut, put) in edits.iter().take(4) {
        let at = usize::from(*at) % (bytes.len() + 1);
        let cut = usize::from(*cut).min(bytes.len() - at);
        bytes.splice(at..at + cut, put.iter().copied());
    }
    bytes
}

fn inclusion(program: &Program, log: &Log, changes: &[usize], options: &Options) {
    let size = log.lines.len() - 1;
    let prove = |index: usize| log.proof(index, size, &[log.key]);
    let mut text = prove(0);
    for change in changes {
        text += &prove(*change);
        text += &prove(change + 1);
    }
    for index in program.indexes.iter().take(4) {
        text += &prove(1 + usize::from(*index) % (size - 1));
    }
    let good = checked(text.as_bytes(), options);
    // A change of key does not stand among the other lines.
    let again = good.fault.is_some() && !changes.is_empty();
    let wanted = if options.key.is_some() { Outcome::Verified } else { Outcome::NotProved };
    assert!(again || good.outcome == wanted, "{program:?}\n{good}\n{text}");
    let report = checked(&edited(&text, &program.edits), options);
    if report.outcome == Outcome::Verified && report.proof == ProofKind::Lines {
        for line in &report.lines {
            let own = usize::try_from(line.seq).ok().and_then(|seq| log.lines.get(seq));
            assert_eq!(own.map(Vec::as_slice), Some(line.line.as_bytes()), "{program:?}\n{report}");
        }
    }
}

fn consistency(program: &Program, log: &Log, options: &Options) {
    let sizes = log.sizes();
    let newest = usize::from(program.size) % sizes.len();
    let (old, size) = (sizes[usize::from(program.old) % (newest + 1)], sizes[newest]);
    // The key that was in force is not asked for: both notes have to be signed by that which is pinned.
    let kept = log.note(old, &[1]);
    let options = Options { anchors: anchors(kept.as_bytes(), ORIGIN), ..options.clone() };
    let text = log.consistency(old, size, &[1]);
    let good = checked(text.as_bytes(), &options);
    let wanted = if options.key.is_some() { Outcome::Verified } else { Outcome::NotProved };
    assert_eq!(good.outcome, wanted, "{program:?}\n{good}\n{text}");
    let report = checked(&edited(&text, &program.edits), &options);
    if report.outcome == Outcome::Verified && report.proof == ProofKind::Consistency {
        let note = report.note.as_deref().unwrap_or_default();
        assert!(note.starts_with(&log.body(size)), "{program:?}\n{report}");
        assert_eq!(report.old_size, Some(old as u64), "{program:?}\n{report}");
    }
    // A root that the log never had, under a good signature.
    let other = Log::default();
    let forked = forge::note_of(&other.body(1).replace("\n1\n", &format!("\n{old}\n")), &[1]);
    let fork = Options { anchors: anchors(forked.as_bytes(), ORIGIN), ..options };
    let answer = checked(text.as_bytes(), &fork);
    assert!(old == 1 || answer.outcome != Outcome::Verified, "{program:?}\n{answer}");
}

fuzz_target!(|data: &[u8]| {
    let options = Options {
        key: Some(LOG.1.clone()),
        witnesses: WITNESSES.clone(),
        anchors: anchors(data, LOG.1.origin()),
        ..Options::default()
    };
    for options in [&options, &Options { key: options.key.clone(), ..Options::default() }] {
        let report = checked(data, options);
        if report.outcome == Outcome::Verified && report.proof == ProofKind::Lines {
            assert!(report.lines.iter().all(|line| LINES.contains(&line.line)), "{report}");
        }
    }
    let Ok(program) = Program::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let key = Vkey::parse(&forge::vkey(ORIGIN, 1, 1)).expect("a key");
    let options = Options { key: program.has_key.then_some(key), ..Options::default() };
    let (log, changes) = log(&program.commits);
    if program.is_consistency {
        consistency(&program, &log, &options);
    } else {
        inclusion(&program, &log, &changes, &options);
    }
});
