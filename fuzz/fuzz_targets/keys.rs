//! Any text as a public key, as a note and as the line of a witness: each key has one text, no weak one is taken, and the
//! agent and the verifier, who share no code, agree about who saw a checkpoint and when.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use base64::{Engine, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use revoked_fuzz::audit::cosign::Cosigner;
use revoked_fuzz::audit::signed::{Note, Signed, cp1, of_cp1};
use revoked_fuzz::audit::verify::{AnchorResult, Options, Verifier, Vkey, Witness};
use revoked_fuzz::forge::{self, Log, ORIGIN};
use revoked_fuzz::good::anchors;
use revoked_fuzz::is_plain;

#[derive(Arbitrary, Debug)]
enum Line {
    Log,
    OtherKey(u8),
    Witness(u64),
    /// A time like that of a clock.
    WitnessAbout(i32),
    Other(String),
    /// A good line with a byte of its blob turned.
    Turned {
        at: u8,
        by: u8,
        time: u32,
    },
}

#[derive(Arbitrary, Debug)]
struct Program {
    name: String,
    algorithm: u8,
    key: [u8; 32],
    lines: Vec<Line>,
}

fn texts(text: &str) {
    let key = Vkey::parse(text);
    if let Ok(key) = &key {
        assert_eq!(key.as_str(), text);
        assert!(is_plain(key));
    }
    let (witness, cosigner) = (Witness::parse(text), Cosigner::parse(text));
    assert_eq!(witness.is_ok(), cosigner.is_ok(), "{text:?}: {witness:?}, {cosigner:?}");
    if let (Ok(witness), Ok(cosigner)) = (&witness, &cosigner) {
        assert_eq!((witness.to_string().as_str(), witness.name()), (text, cosigner.name()));
        assert!(key.is_err(), "one text is two kinds of key");
    }
    if let Some(note) = Note::parse(text) {
        assert!(text.starts_with(note.body));
        assert_eq!(of_cp1(&cp1(text)).as_deref(), Some(text));
    }
    let _ = of_cp1(text);
}

/// The key with the id that belongs to it, so that the key itself is looked at.
fn key(program: &Program) {
    let algorithm =
        if program.algorithm > 8 { 1 + 3 * (program.algorithm % 2) } else { program.algorithm };
    let data = [&[algorithm][..], &program.key].concat();
    let id = u32::from_be_bytes(forge::key_id(&program.name, &data));
    let text = format!("{}+{id:08x}+{}", program.name, STANDARD.encode(&data));
    texts(&text);
    if let Ok(key) = Vkey::parse(&text) {
        // One signature under a key of small order would fit many texts: R the neutral element, S zero.
        let mut neutral = [0; 64];
        neutral[0] = 1;
        assert!(!key.verifies(b"any", &neutral) && !key.verifies(b"other", &neutral));
    }
}

fn line(line: &Line, body: &str) -> String {
    let about = |by: i64| forge::BEGIN.saturating_add_signed(by);
    match line {
        Line::Log => forge::signature_line(body, 1),
        Line::OtherKey(seed) => forge::signature_line(body, 2 + seed % 9),
        Line::Witness(time) => forge::cosignature(body, *time),
        Line::WitnessAbout(by) => forge::cosignature(body, about(i64::from(*by))),
        Line::Other(text) => format!("{text}\n"),
        Line::Turned { at, by, time } => {
            let good = forge::cosignature(body, u64::from(*time));
            let (name, blob) = good.trim_end().rsplit_once(' ').expect("a line");
            let mut blob = STANDARD.decode(blob).expect("base64");
            let at = usize::from(*at) % blob.len();
            blob[at] ^= by;
            format!("{name} {}\n", STANDARD.encode(blob))
        }
    }
}

/// Agent and verifier read the same note.
fn seen(program: &Program) {
    let mut log = Log::default();
    log.checkpoint();
    let body = log.body(1);
    let lines: String = program.lines.iter().take(6).map(|one| line(one, &body)).collect();
    // What both have to understand is what a line may be at all.
    let is_line = |line: &str| {
        line.strip_prefix("\u{2014} ").and_then(|line| line.split_once(' ')).is_some_and(
            |(name, blob)| {
                !name.is_empty()
                    && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
                    && STANDARD.decode(blob).is_ok_and(|blob| blob.len() > 4)
            },
        )
    };
    let is_note = lines.split_terminator('\n').all(is_line) && !lines.is_empty();
    let text = format!("{body}\n{lines}");
    let cosigner = Cosigner::parse(&forge::witness()).expect("a witness");
    let saw = cosigner.saw(&body, &lines);
    let key = Vkey::parse(&forge::vkey(ORIGIN, 1, 1)).expect("a key");
    let signed = Note::parse(&text).map(|note| note.signed_by(&key));
    let options = Options {
        key: Some(key),
        anchors: anchors(text.as_bytes(), ORIGIN),
        witnesses: vec![Witness::parse(&forge::witness()).expect("a witness")],
        ..Options::default()
    };
    let mut verifier = Verifier::with(options);
    verifier.push_bytes(&log.bytes(0, log.lines.len()));
    let report = verifier.finish();
    assert!(is_plain(&report));
    let fits = report.anchors.iter().any(|anchor| anchor.result == AnchorResult::Matches);
    if is_note && signed == Some(Signed::Good) {
        // Later than any year that a line can name, the verifier calls it no time.
        let is_time = saw.is_some_and(|time| time < 253_402_300_800);
        assert_eq!(fits && !report.witnesses.is_empty(), fits && is_time, "{program:?}\n{report}");
    }
    if is_note && signed == Some(Signed::Absent) {
        assert!(!fits, "{program:?}\n{report}");
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        texts(text);
    }
    if let Ok(program) = Program::arbitrary_take_rest(Unstructured::new(data)) {
        key(&program);
        seen(&program);
    }
});
