//! `revoked verify` as an auditor types it: every case of tests/vectors, which another program made from
//! docs/audit-log.md alone.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn verify(arguments: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_revoked"));
    command.arg("verify").args(arguments).current_dir(vectors()).output().unwrap()
}

/// Files of a case as arguments. What is described by its parts is put together in `dir`.
fn files(case: &Value, dir: &Path) -> Vec<String> {
    let part = |part: &Value| {
        if let Some(name) = part["file"].as_str() {
            return std::fs::read(vectors().join(name)).unwrap();
        }
        let times = usize::try_from(part["times"].as_u64().unwrap_or(1)).unwrap();
        part["text"].as_str().unwrap().repeat(times).into_bytes()
    };
    let file = |file: &Value| {
        if let Some(name) = file.as_str() {
            return name.to_owned();
        }
        let bytes: Vec<u8> = file["parts"].as_array().unwrap().iter().flat_map(part).collect();
        let path = dir.join(file["name"].as_str().unwrap());
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    case["files"].as_array().unwrap().iter().map(file).collect()
}

/// A note as an argument: a file of the vectors, one line, or text that is put into a file.
fn note(text: &Value, dir: &Path, number: usize) -> String {
    let text = text.as_str().unwrap();
    if text.starts_with("cp1.") || vectors().join(text).is_file() {
        return text.to_owned();
    }
    let path = dir.join(format!("note-{number}"));
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn arguments(case: &Value, dir: &Path) -> Vec<String> {
    let mut all = files(case, dir);
    let mut option = |name: &str, value: String| all.extend([format!("--{name}"), value]);
    if let Some(key) = case["key"].as_str() {
        option("key", key.to_owned());
    }
    let options = &case["options"];
    for (number, anchor) in options["anchors"].as_array().into_iter().flatten().enumerate() {
        option("anchor", note(anchor, dir, number));
    }
    if !options["since"].is_null() {
        option("since", note(&options["since"], dir, 1000));
    }
    for witness in options["witnesses"].as_array().into_iter().flatten() {
        option("witness", witness.as_str().unwrap().to_owned());
    }
    for name in ["proof", "subjects", "max_age"] {
        if let Some(value) = options[name].as_str() {
            option(&name.replace('_', "-"), value.to_owned());
        }
    }
    for name in ["require_anchor", "all_signatures"] {
        if options[name] == true {
            all.push(format!("--{}", name.replace('_', "-")));
        }
    }
    all
}

/// What is wrong with the answer to `case`.
fn complaint(case: &Value) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let mut arguments = arguments(case, dir.path());
    let text = verify(&arguments);
    arguments.push("--json".to_owned());
    let output = verify(&arguments);
    let said =
        String::from_utf8_lossy(&text.stdout).into_owned() + &String::from_utf8_lossy(&text.stderr);
    let code = output.status.code().unwrap_or(-1);
    if Some(i64::from(code)) != case["exit"].as_i64() || text.status.code() != Some(code) {
        return Some(format!("exit {code}, not {}: {said}", case["exit"]));
    }
    let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else {
        // A key that cannot be used, a file that cannot be read: there is no report.
        return (code != 1 || text.stderr.is_empty()).then(|| format!("no JSON: {said}"));
    };
    let fault = &report["fault"];
    let same_file = || {
        let found = fault["file"].as_str().unwrap_or_default();
        found.ends_with(case["fault"]["file"].as_str().unwrap_or_default())
    };
    let checks = [
        ("outcome", report["outcome"] == case["outcome"]),
        ("kind", fault["kind"] == case["fault"]["kind"]),
        ("line", fault["line"] == case["fault"]["line"]),
        ("file", fault.is_null() || same_file()),
        ("grade", case["grade"].is_null() || report["independence"] == case["grade"]),
        (
            "warnings",
            case["warnings"].is_null()
                || report["warnings"].as_array().map(Vec::len).map(|count| count as u64)
                    == case["warnings"].as_u64(),
        ),
        ("words", said.contains("PROVED  ")),
    ];
    let wrong: Vec<&str> =
        checks.iter().filter(|(_, is_good)| !is_good).map(|(name, _)| *name).collect();
    (!wrong.is_empty()).then(|| format!("{wrong:?}, expected {}: {said}", case["fault"]))
}

#[test]
fn every_case_has_the_answer_that_the_document_gives() {
    let text = std::fs::read_to_string(vectors().join("cases.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    assert!(cases.len() > 200, "{}", cases.len());
    let next = AtomicUsize::new(0);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let what = complaint(case);
            wrong.extend(what.map(|what| format!("{}: {} {what}", case["name"], case["what"])));
        }
        wrong
    };
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// Case 60: a line of 2 GiB takes neither the memory nor the time that reading it would.
#[test]
fn a_line_of_two_gibibytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("long.jsonl");
    let mut file = std::fs::File::create(&path).unwrap();
    std::io::Write::write_all(&mut file, &vec![b'x'; 4 << 20]).unwrap();
    file.set_len(2 << 30).unwrap();
    let begun = std::time::Instant::now();
    let output = verify(&[path.display().to_string()]);
    assert_eq!(output.status.code(), Some(4));
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("longer than the format allows"), "{text}");
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
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let output = verify(&arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

/// Checking many signatures at once accepts others than checking each, so nothing here may do it.
#[test]
fn signatures_are_checked_one_by_one_and_strictly() {
    fn sources(dir: &std::path::Path, found: &mut Vec<String>) {
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
    sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
    let batch = ["verify", "batch"].join("_");
    assert!(texts.iter().all(|text| !text.contains(&batch)));
    let strict = texts.iter().filter(|text| text.contains(".verify_strict("));
    assert!(strict.count() >= 1);
    let manifest = include_str!("../Cargo.toml");
    let line = manifest.lines().find(|line| line.starts_with("ed25519-dalek")).unwrap();
    assert!(!line.contains("batch") && !line.contains("legacy"), "{line}");
}
