//! The test vectors of docs/audit-log.md, as `tests/vectors/make.py` made them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where the files of the cases lie.
pub(crate) fn place() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// What is checked, and what must come of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) what: String,
    pub(crate) files: Vec<Input>,
    pub(crate) key: Option<String>,
    pub(crate) options: Options,
    pub(crate) outcome: String,
    pub(crate) exit: i32,
    pub(crate) fault: Option<Fault>,
    pub(crate) warnings: Option<usize>,
    pub(crate) grade: Option<String>,
}

/// Options of `revoked verify`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Options {
    pub(crate) anchors: Vec<String>,
    pub(crate) witnesses: Vec<String>,
    pub(crate) since: Option<String>,
    pub(crate) subjects: Option<String>,
    pub(crate) proof: Option<String>,
    pub(crate) max_age: Option<String>,
    /// The instant of the check, where it can be chosen; it comes out the same at any later one.
    pub(crate) max_age_at: Option<String>,
    pub(crate) require_anchor: bool,
    pub(crate) all_signatures: bool,
}

/// A file beside the cases, or one too large to be kept.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Input {
    Kept(String),
    Made { name: String, parts: Vec<Part> },
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Part {
    File { file: String },
    Text { text: String, times: usize },
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) kind: String,
    pub(crate) file: String,
    pub(crate) line: u64,
}

/// All cases.
pub(crate) fn cases() -> Vec<Case> {
    let cases: Vec<Case> =
        serde_json::from_slice(&std::fs::read(place().join("cases.json")).unwrap()).unwrap();
    assert!(cases.len() > 300, "{}", cases.len());
    cases
}

/// The cases in which one of the eight keys of small order is given for that of a log, or of a witness.
pub(crate) fn small(of: &str) -> Vec<Case> {
    let prefix = format!("argument-{of}-small-");
    let small: Vec<Case> =
        cases().into_iter().filter(|case| case.name.starts_with(&prefix)).collect();
    assert_eq!(small.len(), 8);
    small
}

/// The eight points of small order, under each of which one signature fits many texts.
pub(crate) fn small_order() -> Vec<[u8; 32]> {
    let public = |case: Case| {
        let text = case.key.as_deref().and_then(|key| key.splitn(3, '+').nth(2)).unwrap();
        let bytes = STANDARD.decode(text).unwrap();
        bytes[1..].try_into().unwrap()
    };
    small("key").into_iter().map(public).collect()
}

impl Input {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Kept(name) | Self::Made { name, .. } => name,
        }
    }

    /// Where the file is; one that has to be made is made in `dir`.
    pub(crate) fn path(&self, dir: &Path) -> PathBuf {
        match self {
            Self::Kept(name) => place().join(name),
            Self::Made { name, parts } => {
                let bytes: Vec<u8> = parts.iter().flat_map(Part::bytes).collect();
                std::fs::write(dir.join(name), bytes).unwrap();
                dir.join(name)
            }
        }
    }
}

impl Part {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::File { file } => std::fs::read(place().join(file)).unwrap(),
            Self::Text { text, times } => text.repeat(*times).into_bytes(),
        }
    }
}

/// A note or the name of a file with one: an argument as it stands in a case.
pub(crate) fn is_text(argument: &str) -> bool {
    argument.starts_with("cp1.") || argument.contains('\n')
}

impl Case {
    /// What a report, as JSON, says otherwise than this case; nothing if it is right.
    pub(crate) fn wrong(&self, report: &Value) -> Option<String> {
        let found = &report["fault"];
        let file = found["file"].as_str().and_then(|file| {
            let inputs = self.files.iter().map(Input::name);
            let all = inputs.chain(self.options.proof.as_deref());
            let mut all = all.chain(self.options.subjects.as_deref());
            all.find(|name| file == *name || file.ends_with(&format!("/{name}")))
        });
        let fault = found["kind"].as_str().map(|kind| Fault {
            kind: kind.to_owned(),
            file: file.unwrap_or("a file that nobody gave").to_owned(),
            line: found["line"].as_u64().unwrap_or(0),
        });
        let right = report["outcome"] == self.outcome.as_str()
            && report["exit_code"] == self.exit
            && fault == self.fault
            && self.warnings.is_none_or(|wanted| {
                report["warnings"].as_array().is_some_and(|warnings| warnings.len() == wanted)
            })
            && self.grade.as_ref().is_none_or(|grade| report["independence"] == grade.as_str());
        (!right).then(|| {
            format!(
                "{} ({})\n  wanted {} {:?} {:?} {:?}\n  found  {} {fault:?} {} {}",
                self.name,
                self.what,
                self.outcome,
                self.fault,
                self.grade,
                self.warnings,
                report["outcome"],
                report["independence"],
                report["warnings"],
            )
        })
    }
}
