//! A second opinion: where `REVOKED_SPECS` names a directory with `slack-blocks.schema.json`, made from Slack's own types,
//! every request that was taken is held against it too. Needs python3 with jsonschema.

use std::collections::BTreeSet;
use std::io::{Seek as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

const PROGRAM: &str = r##"
import json, sys
from jsonschema import Draft7Validator
known = json.load(open(sys.argv[1]))["definitions"]
bad = 0
for line in sys.stdin:
    name, body = json.loads(line)
    body = json.loads(body)
    validator = Draft7Validator({"$ref": f"#/definitions/{name}", "definitions": known})
    for error in validator.iter_errors(body):
        bad += 1
        best = min(error.context, key=lambda one: -len(one.absolute_path)) if error.context else error
        print(f"{name}: {list(error.absolute_path)}: {best.message[:400]}")
sys.exit(1 if bad else 0)
"##;

/// What is wrong with requests, each with the name of its definition; empty where nobody is to look.
pub(super) fn faults(requests: &BTreeSet<(&'static str, String)>) -> Option<String> {
    let file = PathBuf::from(std::env::var_os("REVOKED_SPECS")?).join("slack-blocks.schema.json");
    assert!(file.is_file(), "{} is not there", file.display());
    let mut lines = tempfile::tempfile().unwrap();
    for request in requests {
        writeln!(lines, "{}", serde_json::to_string(request).unwrap()).unwrap();
    }
    lines.rewind().unwrap();
    let mut command = Command::new("python3");
    let output = command.args(["-c", PROGRAM]).arg(file).stdin(Stdio::from(lines)).output();
    let output = output.expect("python3 is missing");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (!output.status.success()).then(|| if said.is_empty() { "it failed".to_owned() } else { said })
}
