//! Alert rules: promtool's verdict; and that rules, dashboards and documents speak of metrics that exist, all of them.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below `dir` whose name ends so, in order.
fn files(dir: &str, end: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = below(&root().join(dir));
    found.retain(|path| path.to_string_lossy().ends_with(end));
    found.sort();
    assert!(!found.is_empty(), "no {end} in {dir}");
    found
}

fn below(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn promtool(command: &str, files: &[PathBuf]) {
    let output = Command::new("promtool")
        .args([command, "rules"])
        .args(files)
        .current_dir(root())
        .output()
        .expect("promtool is missing; run scripts/setup test");
    assert!(
        output.status.success(),
        "promtool {command} rules:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn rules_are_valid_and_fire_and_resolve_as_told() {
    promtool("check", &files("alerts", ".rules.yml"));
    promtool("test", &files("alerts/tests", "_test.yml"));
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | ':' | '…')
}

/// Words that begin with one of `beginnings`.
fn names(text: &str, beginnings: &[&str]) -> BTreeSet<String> {
    let words = text.split(|character| !is_word(character));
    let begins = |word: &&str| beginnings.iter().any(|beginning| word.starts_with(beginning));
    words.filter(begins).map(str::to_owned).collect()
}

/// What is declared, histograms with their series.
fn declared() -> (BTreeSet<String>, BTreeSet<String>) {
    let metrics = common::logbook::metrics();
    let families: Vec<_> =
        metrics.declared().iter().map(|one| (one.family.name, one.kind)).collect();
    let mut series = BTreeSet::new();
    for (name, kind) in &families {
        series.insert((*name).to_owned());
        if *kind == "histogram" {
            series.extend(["bucket", "sum", "count"].map(|end| format!("{name}_{end}")));
        }
    }
    (families.iter().map(|(name, _)| (*name).to_owned()).collect(), series)
}

/// The value of each rule's key, such as `alert`.
fn rules(text: &str, key: &str) -> BTreeSet<String> {
    let key = format!("- {key}: ");
    text.lines().filter_map(|line| line.trim().strip_prefix(&key)).map(str::to_owned).collect()
}

/// Names in `text` that are neither declared nor recorded.
fn strangers(text: &str, known: &BTreeSet<String>) -> Vec<String> {
    let mut unknown = Vec::new();
    for name in names(text, &["access_revocation", "process_", "job:", "job_reason:", "…_"]) {
        // The documents leave out how all names begin, or how several end.
        let core = name.trim_matches('…');
        let is_end = name.starts_with('…');
        let is_beginning = name.ends_with(['…', '_', ':']);
        let is_known = known.iter().any(|known| match (is_end, is_beginning) {
            (false, false) => known == core,
            (true, false) => known.ends_with(core),
            (false, true) => known.starts_with(core),
            (true, true) => known.contains(core),
        });
        if !is_known {
            unknown.push(name);
        }
    }
    unknown
}

#[test]
fn every_metric_that_is_named_is_declared() {
    let (_, mut known) = declared();
    let mut texts = BTreeMap::new();
    for (dir, end) in
        [("alerts", ".yml"), ("dashboards", ".json"), ("docs", ".md"), ("examples", "")]
    {
        texts.extend(files(dir, end).into_iter().map(|path| (path.clone(), text(&path))));
    }
    for file in ["README.md", "ARCHITECTURE.md", "SECURITY.md"] {
        texts.insert(root().join(file), text(&root().join(file)));
    }
    for whole in texts.values() {
        known.extend(rules(whole, "record"));
    }
    let mut faults = String::new();
    for (path, whole) in &texts {
        for name in strangers(whole, &known) {
            let _ = writeln!(faults, "{}: {name}", path.display());
        }
    }
    assert!(faults.is_empty(), "named, and declared nowhere:\n{faults}");
}

#[test]
fn a_metric_that_does_not_exist_is_found() {
    let known = ["access_revocation_a_total".to_owned(), "job:x:ratio5m".to_owned()].into();
    let good = "rate(access_revocation_a_total[5m]) `…_a_total` job:x:ratio5m access_revocation_*";
    assert_eq!(strangers(good, &known), [""; 0]);
    let bad = "access_revocation_a, …_b_total{x=\"y\"} job:y:ratio5m process_open_fds";
    assert_eq!(
        strangers(bad, &known),
        ["access_revocation_a", "job:y:ratio5m", "process_open_fds", "…_b_total"]
    );
}

#[test]
fn every_family_is_documented_and_of_use() {
    let (families, _) = declared();
    let page = text(&root().join("docs/metrics.md"));
    let mut used = String::new();
    for path in files("alerts", ".rules.yml").iter().chain(&files("dashboards", ".json")) {
        used += &text(path);
    }
    let used = names(&used, &["access_revocation", "process_"]);
    for family in families {
        assert!(page.contains(&format!("| `{family}` |")), "{family} is not in docs/metrics.md");
        let ends = ["", "_bucket", "_sum", "_count"];
        let is_used = ends.iter().any(|end| used.contains(&format!("{family}{end}")));
        assert!(is_used, "{family} is in no rule and no panel");
    }
}

#[test]
fn every_alert_has_a_page_a_row_and_a_test_and_nothing_else_has() {
    let (mut alerts, mut rules_text) = (BTreeSet::new(), String::new());
    for path in files("alerts", ".rules.yml") {
        let whole = text(&path);
        alerts.extend(rules(&whole, "alert"));
        rules_text += &whole;
    }
    assert!(alerts.len() > 30, "{alerts:?}");
    let tests: String = files("alerts/tests", ".yml").iter().map(|path| text(path)).collect();
    let table = text(&root().join("docs/metrics.md"));
    for alert in &alerts {
        let page = format!("docs/alerts/{alert}.md");
        assert!(root().join(&page).is_file(), "{page} is missing");
        assert!(rules_text.contains(&format!("/{page}\n")), "{alert} does not link {page}");
        assert!(table.contains(&format!("| [{alert}](alerts/{alert}.md) |")), "no row: {alert}");
        assert!(tests.contains(&format!("alertname: {alert}\n")), "no test: {alert}");
    }
    for path in files("docs/alerts", ".md") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert!(alerts.contains(&name), "{} is about no alert", path.display());
        let head = format!("# {name}\n");
        assert!(text(&path).starts_with(&head), "{} has another title", path.display());
    }
}
