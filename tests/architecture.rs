//! The architecture as a test: which module may name which, and what a pure module may not contain.

use std::path::{Path, PathBuf};

/// Module, and the modules of this crate that it may name. What is not listed here may not exist.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("lib", &[]),
    ("domain", &[]),
    ("clock", &["domain"]),
    ("config", &["domain"]),
    ("board", &["domain"]),
    ("metrics", &[]),
    ("supervise", &[]),
    ("throwaway", &[]),
    ("audit", &["domain"]),
    ("witness", &["audit", "clock", "domain"]),
    ("anchor", &["audit", "store", "journal", "config", "metrics", "supervise", "clock", "domain"]),
    ("store", &["domain"]),
    ("target", &["domain", "clock"]),
    ("journal", &["audit", "store", "metrics", "supervise", "clock", "domain"]),
    (
        "intake",
        &[
            "audit",
            "store",
            "journal",
            "board",
            "config",
            "metrics",
            "supervise",
            "clock",
            "domain",
        ],
    ),
    ("inbox", &["intake", "config", "metrics", "supervise", "clock", "domain"]),
    (
        "reconcile",
        &[
            "audit",
            "store",
            "target",
            "journal",
            "board",
            "config",
            "external",
            "metrics",
            "supervise",
            "clock",
            "domain",
        ],
    ),
    ("external", &["config", "clock", "domain"]),
    (
        "deliver",
        &["audit", "store", "journal", "config", "metrics", "supervise", "clock", "domain"],
    ),
    ("systemd", &["supervise"]),
    ("reload", &["audit", "store", "journal", "config", "metrics", "systemd", "clock", "domain"]),
    (
        "http",
        &[
            "deliver",
            "reload",
            "intake",
            "journal",
            "store",
            "board",
            "config",
            "metrics",
            "supervise",
            "clock",
            "domain",
        ],
    ),
    (
        "cli",
        &[
            "anchor",
            "audit",
            "board",
            "clock",
            "config",
            "deliver",
            "domain",
            "external",
            "http",
            "inbox",
            "intake",
            "journal",
            "metrics",
            "reconcile",
            "reload",
            "store",
            "supervise",
            "systemd",
            "target",
            "throwaway",
            "witness",
        ],
    ),
];

/// Parts of `src/` that are pure, and words that may not stand in them.
const PURE: &[(&str, &[&str])] = &[
    (
        "domain",
        &[
            "sqlx", "tokio", "reqwest", "axum", "std::fs", "std::net", "async fn", "::now()",
            "std::env",
        ],
    ),
    ("audit/record.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("audit/verify", &["sqlx", "tokio", "std::fs", "std::net", "async fn", "::now()"]),
    ("intake/json.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("intake/ssf/token.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("intake/ssf/claims.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("intake/ssf/event.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("intake/ssf/jwks.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("intake/ssf/subject.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("inbox/content.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("intake/csv", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("intake/event.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("intake/fields.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("intake/mapping.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("intake/vendor.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("http/signature.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("reconcile/moves.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("reconcile/levels.rs", &["sqlx", "tokio", "std::fs", "async fn", "::now()"]),
    ("target/compare.rs", &["tokio", "async fn", "::now()"]),
    ("target/catalog.rs", &["tokio", "async fn", "::now()"]),
];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Files of `src/`: path within it, and text up to the tests.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
            (path.strip_prefix(&root).unwrap().display().to_string(), text)
        })
        .collect()
}

fn without_comments(text: &str) -> String {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// Names of this crate's modules that follow `crate::` in `text`, comments left out.
fn named(text: &str) -> Vec<String> {
    let code = without_comments(text);
    let mut names = Vec::new();
    for start in ["crate::", "revoked::"] {
        for (at, _) in code.match_indices(start) {
            let rest = &code[at + start.len()..];
            if let Some(group) = rest.strip_prefix('{') {
                names.extend(group.split(['{', '}', ',']).map(str::trim).map(first_word));
            } else {
                names.push(first_word(rest));
            }
        }
    }
    names
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn modules_name_only_what_they_may() {
    let modules: Vec<&str> = MAY_NAME.iter().map(|(module, _)| *module).collect();
    let mut wrong = Vec::new();
    for (path, text) in files() {
        let module = path.split(['/', '.']).next().unwrap();
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("src/{path}: module {module} is not in the table"));
            continue;
        };
        for name in named(&text) {
            let foreign = modules.contains(&name.as_str()) && name != module;
            if foreign && !allowed.contains(&name.as_str()) {
                wrong.push(format!("src/{path} names crate::{name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_verifier_shares_only_constants_with_the_writer() {
    for (path, text) in files().into_iter().filter(|(path, _)| path.starts_with("audit/verify")) {
        // The folder's modules say `super::` of each other; two levels up is the writer's side.
        let up = if path == "audit/verify.rs" { "super::" } else { "super::super::" };
        for (at, _) in text.match_indices(up).filter(|(at, _)| !text[..*at].ends_with("super::")) {
            let name = first_word(&text[at + up.len()..]);
            assert!(
                matches!(name.as_str(), "format" | "super" | "verify"),
                "src/{path} names {name}"
            );
        }
        assert!(!text.contains("crate::domain"), "src/{path} names crate::domain");
        for (at, _) in text.match_indices("crate::audit::") {
            let name = first_word(&text[at + "crate::audit::".len()..]);
            assert!(matches!(name.as_str(), "format" | "verify"), "src/{path} names {name}");
        }
    }
}

#[test]
fn pure_modules_are_pure() {
    let files = files();
    for (place, words) in PURE {
        let here: Vec<_> = files.iter().filter(|(path, _)| path.starts_with(place)).collect();
        assert!(!here.is_empty(), "nothing lies at src/{place}");
        for (path, text) in here {
            for (number, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap();
                for word in *words {
                    assert!(
                        !code.contains(word),
                        "src/{path}:{}: `{word}` in a pure module",
                        number + 1
                    );
                }
            }
        }
    }
}

#[test]
fn the_table_is_the_one_in_the_document() {
    let document =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md"))
            .unwrap();
    for (module, _) in MAY_NAME {
        assert!(
            document.contains(&format!("`{module}")),
            "ARCHITECTURE.md does not name `{module}`"
        );
    }
}

#[test]
fn the_table_finds_what_is_forbidden() {
    assert_eq!(named("use crate::store::Store;"), ["store"]);
    assert_eq!(named("use crate::{clock, target::Target};"), ["clock", "target", ""]);
    assert_eq!(named("// use crate::store;\nlet x = crate::clock::now();"), ["clock"]);
}

/// What `fuzz/src/lib.rs` takes in.
const FUZZED: &[&str] = &["domain", "clock", "audit/verify", "intake/csv", "intake/submission"];

/// Nobody builds the targets of the fuzzer day by day: what they take in must not need what they do not have.
#[test]
fn the_fuzzer_has_what_its_targets_take_in() {
    let manifest = |path: &str| std::fs::read_to_string(path).unwrap();
    let (ours, fuzz) = (manifest("Cargo.toml"), manifest("fuzz/Cargo.toml"));
    let (_, needed) = ours.split_once("\n[dependencies]\n").unwrap();
    let (needed, _) = needed.split_once("\n\n").unwrap();
    let taken: Vec<String> = files()
        .into_iter()
        .filter(|(name, _)| {
            !name.ends_with("tests.rs") && FUZZED.iter().any(|room| name.starts_with(room))
        })
        .map(|(_, text)| without_comments(&text))
        .collect();
    let mut compared = 0;
    for line in needed.lines() {
        let Some((name, _)) = line.split_once(" = ") else { continue };
        let path = format!("{}::", name.replace('-', "_"));
        let uses = |text: &String| {
            text.match_indices(&path).any(|(at, _)| {
                !text[..at]
                    .ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before))
            })
        };
        if taken.iter().any(uses) {
            compared += 1;
            assert!(fuzz.lines().any(|known| known == line), "fuzz/Cargo.toml lacks: {line}");
        }
    }
    assert!(compared > 8, "{compared} crates are used: {} files", taken.len());
}
