//! The test vectors of docs/audit-log.md, held against `revoked verify`. Somebody else made them, from the document.

mod common;

use common::vectors::{Case, Input, cases, is_text, place};
use serde_json::Value;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// The command line of a case.
fn arguments(case: &Case, dir: &Path) -> Vec<OsString> {
    let mut all: Vec<OsString> = vec!["verify".into(), "--json".into()];
    all.extend(case.files.iter().map(|input| input.path(dir).into()));
    let mut option = |name: &str, value: OsString| all.extend([name.into(), value]);
    let file = |name: &str| OsString::from(place().join(name));
    // A note of several lines lies in a file, as anybody would have it.
    let note = |text: &String| match (is_text(text), text.starts_with("cp1.")) {
        (false, _) => file(text),
        (true, true) => text.into(),
        (true, false) => {
            std::fs::write(dir.join("note"), text).unwrap();
            dir.join("note").into()
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

/// What is wrong with the answer to a case, if anything.
fn wrong(case: &Case) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_revoked"))
        .args(arguments(case, dir.path()))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    if output.status.code() != Some(case.exit) {
        return Some(format!("{}: {}, not {}\n{told}", case.name, output.status, case.exit));
    }
    // What could not be asked is told on stderr, without a report.
    if case.exit == 1 && case.fault.is_none() {
        return told.is_empty().then(|| format!("{}: no word on stderr", case.name));
    }
    match serde_json::from_slice::<Value>(&output.stdout) {
        Ok(report) => case.wrong(&report),
        Err(error) => Some(format!("{}: {error}\n{told}", case.name)),
    }
}

fn hold(cases: &[Case]) {
    let wrong: Vec<String> = cases.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn every_vector_gives_what_the_document_says() {
    hold(&cases());
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
