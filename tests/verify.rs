//! `revoked verify` as an auditor types it: every case of tests/vectors, which another program made from
//! docs/audit-log.md alone, and input that is made to exhaust it.

mod common;

use common::revoked;
use common::vectors::{Case, Input, cases, is_text, place, small};
use serde_json::Value;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn verify(arguments: &[OsString]) -> Output {
    revoked().arg("verify").args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// The command line of a case.
fn arguments(case: &Case, dir: &Path) -> Vec<OsString> {
    let mut all: Vec<OsString> = case.files.iter().map(|input| input.path(dir).into()).collect();
    let mut option = |name: &str, value: OsString| all.extend([name.into(), value]);
    let file = |name: &str| OsString::from(place().join(name));
    // A note of several lines lies in a file, as anybody would have it.
    let mut notes = 0;
    let mut note = |text: &String| match (is_text(text), text.starts_with("cp1.")) {
        (false, _) => file(text),
        (true, true) => text.into(),
        (true, false) => {
            notes += 1;
            let path = dir.join(format!("note-{notes}"));
            std::fs::write(&path, text).unwrap();
            path.into()
        }
    };
    let options = &case.options;
    case.key.iter().for_each(|key| option("--key", key.into()));
    options.anchors.iter().for_each(|text| option("--anchor", note(text)));
    options.since.iter().for_each(|text| option("--since", note(text)));
    options.witnesses.iter().for_each(|key| option("--witness", key.into()));
    options.subjects.iter().for_each(|name| option("--subjects", file(name)));
    options.proof.iter().for_each(|name| option("--proof", file(name)));
    options.max_age.iter().for_each(|age| option("--max-age", age.into()));
    for (wanted, name) in
        [(options.require_anchor, "--require-anchor"), (options.all_signatures, "--all-signatures")]
    {
        all.extend(wanted.then(|| name.into()));
    }
    all
}

/// What is wrong with the answers to a case, if anything: for people and for programs.
fn wrong(case: &Case) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut arguments = arguments(case, dir.path());
    let for_people = verify(&arguments);
    arguments.push("--json".into());
    let for_programs = verify(&arguments);
    let said = String::from_utf8_lossy(&for_people.stdout).into_owned()
        + &String::from_utf8_lossy(&for_people.stderr);
    for output in [&for_people, &for_programs] {
        if output.status.code() != Some(case.exit) {
            let status = output.status;
            return Some(format!("{}: {status}, not {}\n{said}", case.name, case.exit));
        }
    }
    match serde_json::from_slice::<Value>(&for_programs.stdout) {
        Ok(report) => case.wrong(&report).or_else(|| {
            (!said.contains("PROVED  ")).then(|| format!("{}: no word\n{said}", case.name))
        }),
        // A key that cannot be used, a file that cannot be read: there is no report.
        Err(error) => {
            let is_told = case.exit == 1
                && case.fault.is_none()
                && [&for_people, &for_programs].iter().all(|output| !output.stderr.is_empty());
            (!is_told).then(|| format!("{}: {error}\n{said}", case.name))
        }
    }
}

#[test]
fn every_vector_gives_what_the_document_says() {
    let cases = cases();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut all = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            all.extend(wrong(case));
        }
        all
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn a_vector_that_says_otherwise_is_noticed() {
    let named = |name: &str| cases().into_iter().find(|case| case.name == name).unwrap();
    let mut case = named("edited");
    assert_eq!(wrong(&case), None);
    case.fault.as_mut().unwrap().line += 1;
    assert!(wrong(&case).is_some(), "the line");
    let mut case = named("one");
    case.files = vec![Input::Kept("edited.jsonl".to_owned())];
    assert!(wrong(&case).is_some(), "the exit status");
}

#[test]
fn the_vectors_are_those_that_the_generator_makes() {
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(place().join("make.py"), copy.path().join("make.py")).unwrap();
    let run = Command::new("python3").arg(copy.path().join("make.py")).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let differ =
        Command::new("diff").arg("-rq").args([place(), copy.path().to_owned()]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&differ.stdout), "");
    assert!(differ.status.success());
}

/// Case 60: a line of 2 GiB takes neither the memory nor the time that reading it would.
#[test]
fn a_line_of_two_gibibytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.jsonl");
    let mut file = std::fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut file, &vec![b'x'; 4 << 20]).unwrap();
    file.set_len(2 << 30).unwrap();
    let begun = Instant::now();
    let output = verify(&[path.into()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("longer than the format allows"), "{text}");
}

/// A log is read more than once, which a pipe does not bear: it is refused before anything is read from it, so that
/// nobody waits for a writer.
#[test]
fn a_pipe_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let good = place().join("one/revlog-000000000000.jsonl");
    for files in [vec![&pipe], vec![&good, &pipe]] {
        // What is opened for reading and writing has a writer for as long as it is open.
        for has_writer in [false, true] {
            let writer = has_writer
                .then(|| std::fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap());
            let mut child = revoked()
                .arg("verify")
                .args(&files)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let begun = Instant::now();
            while child.try_wait().unwrap().is_none() && begun.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(Duration::from_millis(20));
            }
            // Without effect on one that has ended.
            let _ = child.kill();
            let output = child.wait_with_output().unwrap();
            drop(writer);
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{files:?}, a writer: {has_writer}: {told}");
            let wanted = format!("{} is not a file: save what comes from it", pipe.display());
            assert!(told.contains(&wanted), "{told}");
            assert!(output.stdout.is_empty());
        }
    }
}

#[test]
fn wrong_arguments() {
    for (arguments, code) in [
        (vec![], 64),
        (vec!["--key", "x"], 64),
        (vec!["one", "--proof", "bundle.tlog-proof"], 64),
        (vec!["one", "--key", "x"], 1),
        (vec!["no-such-file"], 1),
        (vec!["one", "--max-age", "soon"], 64),
        (vec!["one", "--anchor", "no-such-file"], 1),
    ] {
        let output =
            revoked().arg("verify").args(&arguments).current_dir(place()).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

/// Under a key of small order one signature fits many texts: no command takes one, whoever's key it is to be.
#[test]
fn a_weak_key_is_refused_wherever_one_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().to_str().unwrap();
    let refused = |arguments: &[&str]| {
        let output = revoked().args(arguments).current_dir(place()).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(told.contains("the key is weak"), "{arguments:?}: {told}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    };
    for case in small("key") {
        let key = case.key.as_deref().unwrap();
        refused(&["verify", "one", "--key", key]);
        refused(&["verify", "--proof", "bundle.tlog-proof", "--key", key]);
        refused(&["witness", "--name", "w", "--key", "w.key", "--state", state, "--log", key]);
    }
    for case in small("witness") {
        let key = case.options.witnesses[0].as_str();
        refused(&["verify", "one", "--witness", key]);
        refused(&["verify", "--proof", "bundle.tlog-proof", "--witness", key]);
        let config = dir.path().join("revoked.yaml");
        let witness = format!("{{name: audit, url: 'http://127.0.0.1:1/', key: '{key}'}}");
        let targets = "targets: {main: {url: 'postgres://a@127.0.0.1:1/x'}}";
        let text = format!("state_dir: {state}\n{targets}\nlog: {{witnesses: [{witness}]}}\n");
        std::fs::write(&config, text).unwrap();
        refused(&["config", "check", "--config", config.to_str().unwrap()]);
    }
}

/// Checking many signatures at once accepts others than checking each, so nothing here may do it.
#[test]
fn signatures_are_checked_one_by_one_and_strictly() {
    fn sources(dir: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else {
                found.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut texts = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
    let batch = ["verify", "batch"].join("_");
    assert!(texts.iter().all(|text| !text.contains(&batch)));
    let strict = texts.iter().filter(|text| text.contains(".verify_strict("));
    assert!(strict.count() >= 1);
    let manifest = include_str!("../Cargo.toml");
    let line = manifest.lines().find(|line| line.starts_with("ed25519-dalek")).unwrap();
    assert!(!line.contains("batch") && !line.contains("legacy"), "{line}");
}
