//! Logs made to order, so that the fuzzer comes past the hashes: a good one verifies, whole, from each file on and up to
//! each checkpoint. One that somebody without the key changed does not, though all links and roots were made anew.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use revoked_fuzz::audit::verify::{
    Disclosures, MaxAge, Options, Outcome, Report, Verifier, Vkey, Witness,
};
use revoked_fuzz::forge::{self, BEGIN, Log, ORIGIN};
use revoked_fuzz::good::anchors;
use revoked_fuzz::is_plain;
use serde_json::json;
use sha2::{Digest, Sha256};

/// What the agent does next.
#[derive(Arbitrary, Debug)]
enum Step {
    Record { kind: Kind, text: String, number: u32 },
    Time(u16),
    Checkpoint,
    Segment,
    Key { compromised: bool },
    Receipt { size: u8, skew: i16 },
    Person { id: u8, is_disclosed: bool },
    Erasure(u8),
    ClockBack { by: u16, is_declared: bool },
}

#[derive(Arbitrary, Debug)]
enum Kind {
    Start,
    Heartbeat,
    Observation,
    Stranger,
    Anchor,
    Subject,
}

/// What somebody without the key does then.
#[derive(Arbitrary, Debug)]
enum Damage {
    Bytes {
        at: u16,
        cut: u8,
        put: Vec<u8>,
    },
    /// Another record in the same form.
    Text {
        line: u8,
        text: String,
    },
    Remove(u8),
    Double(u8),
    Swap(u8, u8),
    Copy {
        from: u8,
        to: u8,
    },
    CutAt(u16),
    Key {
        line: u8,
        seed: u8,
    },
    Sign(u8),
}

#[derive(Arbitrary, Debug)]
struct Program {
    steps: Vec<Step>,
    damage: Vec<Damage>,
    all_signatures: bool,
    has_witness: bool,
    has_disclosures: bool,
    anchor_at: Option<u8>,
    pinned: u8,
    since: u8,
}

/// A log, and what is said of it elsewhere.
struct Made {
    log: Log,
    disclosures: String,
    /// Whether the clock went back: what witnesses say may contradict it then.
    is_bent: bool,
    /// Whether a witness signed.
    has_receipt: bool,
}

fn made(steps: &[Step]) -> Made {
    let mut made = Made {
        log: Log::default(),
        disclosures: String::new(),
        is_bent: false,
        has_receipt: false,
    };
    for step in steps.iter().take(40) {
        made.step(step);
    }
    made.log.checkpoint();
    made
}

impl Made {
    fn step(&mut self, step: &Step) {
        let log = &mut self.log;
        match step {
            Step::Record { kind, text, number } => {
                let kind = match kind {
                    Kind::Start => "start",
                    Kind::Heartbeat => "heartbeat",
                    Kind::Observation => "observation",
                    Kind::Stranger => "not_known",
                    Kind::Anchor => "anchor",
                    Kind::Subject => "subject",
                };
                // As a receipt it names another witness, or none.
                log.record(
                    kind,
                    &json!({ "kind": "witness", "name": text, "receipt": text, "size": number }),
                );
            }
            Step::Time(seconds) => log.now += u64::from(*seconds) * 10_000 + 1,
            Step::Checkpoint => log.checkpoint(),
            Step::Segment => log.segment(),
            Step::Key { compromised } if log.key < 100 => {
                log.change_key(if *compromised { "compromised" } else { "scheduled" });
            }
            Step::Key { .. } => {}
            Step::Receipt { size, skew } => self.receipt(usize::from(*size), i64::from(*skew)),
            Step::Person { id, is_disclosed } => self.person(*id, *is_disclosed),
            Step::Erasure(id) => log.record("erasure", &json!({ "subject": format!("s{id}") })),
            Step::ClockBack { by, is_declared } => {
                self.is_bent = true;
                log.now = log.now.saturating_sub(u64::from(*by) * 1_000_000);
                log.record(if *is_declared { "clock" } else { "heartbeat" }, &json!({}));
            }
        }
    }

    /// A witness saw the first lines now, by a clock that goes wrong by less than it may.
    fn receipt(&mut self, size: usize, skew: i64) {
        let log = &mut self.log;
        let size = 1 + size % log.lines.len();
        let now = i64::try_from(BEGIN + log.now / 1_000_000).expect("a time") + skew % 500;
        let line = forge::cosignature(&log.body(size), now.unsigned_abs());
        let what =
            json!({ "kind": "witness", "name": forge::WITNESS, "receipt": line, "size": size });
        // It may be shown much later only if nothing was written since.
        self.is_bent |= size < log.lines.len();
        log.record("anchor", &what);
        self.has_receipt = true;
    }

    fn person(&mut self, id: u8, is_disclosed: bool) {
        let disclosure = format!("[\"salt\",\"person {id}\"]");
        let commit = URL_SAFE_NO_PAD.encode(Sha256::digest(&disclosure));
        let line = json!({ "subject": format!("s{id}"), "disclosure": disclosure }).to_string();
        if is_disclosed && !self.disclosures.contains(&line) {
            self.disclosures = format!("{}{line}\n", self.disclosures);
        }
        self.log.record("subject", &json!({ "commit": commit, "subject": format!("s{id}") }));
    }
}

/// What is left of the lines after that: as it is, with the links made anew, and with the roots made anew as well.
fn damaged(log: &Log, damage: &[Damage]) -> Vec<Vec<u8>> {
    let mut lines = log.lines.clone();
    let mut cuts = Vec::new();
    for one in damage.iter().take(8) {
        let count = lines.len();
        let at = |index: u8| usize::from(index) % count;
        match one {
            Damage::Remove(line) if count > 1 => drop(lines.remove(at(*line))),
            Damage::Remove(_) => {}
            Damage::Double(line) => lines.insert(at(*line), lines[at(*line)].clone()),
            Damage::Swap(one, other) => lines.swap(at(*one), at(*other)),
            Damage::Copy { from, to } => lines[at(*to)] = lines[at(*from)].clone(),
            Damage::Text { line, text } => edit(&mut lines[at(*line)], text),
            // A key of one's own, in the place of that of the log.
            Damage::Key { line, seed } => {
                let text = String::from_utf8_lossy(&lines[at(*line)]);
                let own = forge::vkey(ORIGIN, 1, seed % 100 + 101);
                lines[at(*line)] = text.replace(&forge::vkey(ORIGIN, 1, 1), &own).into_bytes();
            }
            Damage::Sign(seed) => sign(&mut lines, seed % 100 + 101),
            Damage::Bytes { .. } | Damage::CutAt(_) => cuts.push(one),
        }
    }
    let (mut linked, mut rooted) = (lines.clone(), lines.clone());
    forge::relink(&mut linked, false);
    forge::relink(&mut rooted, true);
    [lines, linked, rooted].iter().map(|lines| cut(forge::join(lines), &cuts)).collect()
}

fn cut(mut bytes: Vec<u8>, cuts: &[&Damage]) -> Vec<u8> {
    for one in cuts {
        if let Damage::Bytes { at, cut, put } = one {
            let at = usize::from(*at) % (bytes.len() + 1);
            let cut = usize::from(*cut).min(bytes.len() - at);
            bytes.splice(at..at + cut, put.iter().copied());
        } else if let Damage::CutAt(at) = one {
            bytes.truncate(usize::from(*at) % (bytes.len() + 1));
        }
    }
    bytes
}

/// Puts a text into what a record says.
fn edit(line: &mut Vec<u8>, text: &str) {
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(line) else { return };
    if value["type"] != "checkpoint" && value["what"].is_object() {
        value["what"]["edited"] = text.into();
        *line = value.to_string().into_bytes();
    }
}

/// Signs the last checkpoint with another key.
fn sign(lines: &mut [Vec<u8>], seed: u8) {
    let Some(last) = lines.last_mut() else { return };
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(last) else { return };
    let Some(note) = value["what"]["note"].as_str() else { return };
    let Some((body, _)) = note.split_once("\n\n") else { return };
    let body = format!("{body}\n");
    value["what"]["note"] = format!("{body}\n{}", forge::signature_line(&body, seed)).into();
    *last = value.to_string().into_bytes();
}

fn report(files: &[(String, Vec<u8>)], options: &Options) -> Report {
    let read = |options: Options| {
        let mut verifier = Verifier::with(options);
        for (name, bytes) in files {
            verifier.begin_file(name);
            verifier.push_bytes(bytes);
        }
        verifier.finish()
    };
    let report = read(options.clone());
    assert!(is_plain(&report));
    let Some(again) = report.again().cloned() else { return report };
    // As the command does it, to name the first bad line.
    let second = read(Options { all_signatures: true, again: Some(again), ..options.clone() });
    assert!(second.fault.is_some(), "{report}\nonce more: {second}");
    second
}

/// The lines of the log from the file `from` on, file by file.
fn files(log: &Log, from: usize) -> Vec<(String, Vec<u8>)> {
    let ends = log.files.iter().copied().skip(1).chain([log.lines.len()]);
    let all = log.files.iter().copied().zip(ends).skip(from);
    all.map(|(from, to)| (format!("revlog-{from:012}.jsonl"), log.bytes(from, to))).collect()
}

/// The present time of the log, in microseconds since 1970.
fn now(log: &Log) -> i64 {
    i64::try_from(BEGIN * 1_000_000 + log.now).expect("a time")
}

fn check(program: &Program) {
    let made = made(&program.steps);
    let log = &made.log;
    let key = |seed: u8| Vkey::parse(&forge::vkey(ORIGIN, 1, seed)).expect("a key");
    let witness = Witness::parse(&forge::witness()).expect("a witness");
    let given = Disclosures::parse("subjects", &made.disclosures).expect("disclosures");
    let sizes = log.sizes();
    let size = program.anchor_at.map(|at| sizes[usize::from(at) % sizes.len()]);
    let note = size.map(|size| String::from_utf8_lossy(&log.lines[size]).into_owned());
    let options = Options {
        key: Some(key(1 + program.pinned % log.key)),
        all_signatures: program.all_signatures,
        anchors: note.iter().flat_map(|note| anchors(note.as_bytes(), ORIGIN)).collect(),
        witnesses: if program.has_witness { vec![witness] } else { Vec::new() },
        require_anchor: note.is_some(),
        max_age: Some(MaxAge { now: now(log), limit: 86_400_000_000 }),
        disclosures: program.has_disclosures.then_some(given),
        ..Options::default()
    };
    let whole = report(&files(log, 0), &options);
    let may_contradict = program.has_witness && made.is_bent;
    let is_silent = |report: &Report| program.has_witness && report.witnesses.is_empty();
    // A witness that is asked for has to have signed something.
    let wanted = |report: &Report| {
        if is_silent(report) { Outcome::NotProved } else { Outcome::Verified }
    };
    assert!(may_contradict || whole.outcome == wanted(&whole), "{program:?}\n{whole}");
    assert!(may_contradict || !is_silent(&whole) || !made.has_receipt, "{program:?}\n{whole}");
    assert_eq!(
        report(&[("a".to_owned(), log.bytes(0, log.lines.len()))], &options).outcome,
        whole.outcome
    );

    // From a file on, with the note that its first line has.
    let from = usize::from(program.since) % log.files.len();
    if from > 0 {
        let begin = log.files[from];
        let since = anchors(&log.lines[begin - 1], ORIGIN).pop();
        let later = Options {
            key: Some(key(log.key)),
            since,
            anchors: Vec::new(),
            require_anchor: false,
            ..options.clone()
        };
        let rest = report(&files(log, from), &later);
        assert!(may_contradict || rest.outcome == wanted(&rest), "{program:?}\n{rest}");
    }

    let alone =
        Options { key: Some(key(1)), all_signatures: program.all_signatures, ..Options::default() };
    let until = sizes[usize::from(program.since) % sizes.len()];
    let short = report(&[("a".to_owned(), log.bytes(0, until + 1))], &alone);
    assert_eq!(short.outcome, Outcome::Verified, "{program:?}\n{short}");

    for bytes in damaged(log, &program.damage) {
        let answer = report(&[("a".to_owned(), bytes.clone())], &alone);
        let is_ours = sizes.iter().any(|size| log.bytes(0, size + 1) == bytes);
        assert_eq!(answer.outcome == Outcome::Verified, is_ours, "{program:?}\n{answer}");
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(program) = Program::arbitrary_take_rest(Unstructured::new(data)) {
        check(&program);
    }
});
