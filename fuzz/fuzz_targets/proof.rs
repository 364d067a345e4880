//! Any bytes as a proof file, and proofs made to order: a good one verifies, and what verifies proves nothing but lines
//! of the log at their own places, or one checkpoint after another.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use revoked_fuzz::audit::verify::proof::{self, ProofKind, ProofReport};
use revoked_fuzz::audit::verify::{FaultKind, Options, Outcome, Verifier, Vkey, Witness};
use revoked_fuzz::forge::{self, BEGIN, Log, ORIGIN};
use revoked_fuzz::good::{LINES, LOG, WITNESSES, anchors};
use revoked_fuzz::is_plain;
use serde_json::json;

/// What is proved of which log, and what somebody changes in the file.
#[derive(Arbitrary, Debug)]
struct Program {
    /// Lines of each commit; the key changes after those that are marked; and by how many minutes the clock is set.
    commits: Vec<(u8, bool, i8)>,
    /// When a witness signs, in minutes after the begin; and which lines are left out of what it speaks for.
    seen: i8,
    left_out: u16,
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
fn log(commits: &[(u8, bool, i8)]) -> (Log, Vec<usize>) {
    let (mut log, mut changes) = (Log::default(), Vec::new());
    log.checkpoint();
    for (lines, changes_key, minutes) in commits.iter().take(6) {
        for _ in 0..lines % 8 {
            log.now += 1_000_000;
            log.record("heartbeat", &json!({}));
        }
        if *minutes != 0 {
            let old = log.time();
            log.now = log.now.saturating_add_signed(i64::from(*minutes) * 60_000_000);
            log.record("clock", &json!({ "monotonic_us": "0", "new": log.time(), "old": old }));
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

/// What the times of a witness refute in the whole log, no file of some of its lines proves.
fn timed(program: &Program, log: &Log, changes: &[usize], options: &Options) {
    let size = log.lines.len() - 1;
    let seen = BEGIN.saturating_add_signed(i64::from(program.seen) * 60);
    let signed = forge::cosignature(&log.body(size), seen);
    let chain: Vec<usize> =
        [0].into_iter().chain(changes.iter().flat_map(|change| [*change, change + 1])).collect();
    let is_wanted = |seq: &usize| !chain.contains(seq) && program.left_out >> (seq % 16) & 1 == 0;
    let wanted: Vec<usize> = chain.iter().copied().chain((0..size).filter(is_wanted)).collect();
    let text: String =
        wanted.iter().map(|seq| log.proof(*seq, size, &[log.key]) + &signed).collect();
    let witness = Witness::parse(&forge::witness()).expect("a witness");
    let options = Options { witnesses: vec![witness], ..options.clone() };
    let proved = checked(text.as_bytes(), &options);
    let note = log.note(size, &[log.key]) + &signed;
    let options = Options { anchors: anchors(note.as_bytes(), ORIGIN), ..options };
    let read = |again| {
        let mut verifier = Verifier::with(Options { all_signatures: true, again, ..options.clone() });
        verifier.push_bytes(&log.bytes(0, size + 1));
        verifier.finish()
    };
    let whole = read(None);
    let whole = whole.again().cloned().map_or(whole, |again| read(Some(again)));
    let late = whole.fault.as_ref().filter(|fault| fault.kind == FaultKind::Time);
    let late = late.and_then(|fault| usize::try_from(fault.line).ok()?.checked_sub(1));
    let has_late = late.is_some_and(|seq| wanted.contains(&seq));
    assert!(!has_late || proved.outcome != Outcome::Verified, "{program:?}\n{proved}\n{whole}");
    let is_whole = wanted.len() == size;
    let is_explained = whole.fault.is_none() && !whole.warnings.is_empty();
    assert!(!is_whole || whole.fault.is_some() || proved.fault.is_none(), "{proved}\n{whole}");
    assert!(!is_whole || is_explained || proved.warnings.is_empty(), "{proved}\n{whole}");
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
        timed(&program, &log, &changes, &options);
    }
});
