//! `docs/metrics.md` says of each family what its declaration says.

mod common;

use revoked::metrics::Declared;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

/// What the documentation says above each table.
const HEAD: &str =
    "| name | type | labels | unit | meaning | absent |\n|---|---|---|---|---|---|\n";

fn cell(text: &str) -> String {
    if text.is_empty() { " ".to_owned() } else { format!(" {text} ") }
}

fn row(declared: &Declared) -> String {
    let family = &declared.family;
    let meaning = [family.help, family.more].join(" ");
    format!(
        "| `{}` |{}|{}|{}|{}|{}|\n",
        family.name,
        cell(declared.kind),
        cell(&family.labels.join(", ")),
        cell(family.unit()),
        cell(meaning.trim_end()),
        cell(family.absent)
    )
}

/// `text` with the table of each section as `declared` has it.
fn with_tables(text: &str, declared: &[Declared]) -> String {
    let sections: BTreeSet<&str> = declared.iter().map(|one| one.section).collect();
    let (mut whole, mut section, mut in_table) = (String::new(), "", false);
    let mut made = BTreeSet::new();
    for line in text.lines() {
        section = line.strip_prefix("## ").unwrap_or(section);
        let begins = line.starts_with("| name |") && sections.contains(section);
        if begins && made.insert(section) {
            whole.push_str(HEAD);
            declared.iter().filter(|one| one.section == section).for_each(|one| {
                whole.push_str(&row(one));
            });
            in_table = true;
        }
        in_table &= line.starts_with('|');
        if !in_table {
            let _ = writeln!(whole, "{line}");
        }
    }
    assert_eq!(made, sections, "each section has a heading, and a table that begins `| name |`");
    whole
}

/// Set `REVOKED_BLESS` to write the tables instead of comparing them.
#[test]
fn the_tables_are_what_is_declared() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let metrics = common::logbook::metrics();
    let wanted = with_tables(&text, metrics.declared());
    if std::env::var_os("REVOKED_BLESS").is_some() {
        std::fs::write(&path, wanted).unwrap();
        return;
    }
    let (is, should): (BTreeSet<&str>, BTreeSet<&str>) =
        (text.lines().collect(), wanted.lines().collect());
    let mut differences = String::new();
    is.difference(&should).for_each(|line| _ = writeln!(differences, "- {line}"));
    should.difference(&is).for_each(|line| _ = writeln!(differences, "+ {line}"));
    assert!(
        text == wanted,
        "docs/metrics.md is not what src/metrics declares; REVOKED_BLESS=1 cargo test --test metrics writes it\n\
         {differences}"
    );
}

#[test]
fn every_family_says_what_it_is_in_a_sentence() {
    let metrics = common::logbook::metrics();
    let mut names = BTreeSet::new();
    for Declared { section, kind, family } in metrics.declared() {
        let name = family.name;
        assert!(names.insert(name), "{name} is declared twice");
        assert!(name.starts_with("access_revocation") || name.starts_with("process_"), "{name}");
        assert!(!section.is_empty(), "{name}: no section");
        assert_eq!(*kind == "counter", name.ends_with("_total"), "{name} is a {kind}");
        let plain = !family.help.contains(['`', '[', '|', '\n']);
        assert!(plain && family.help.ends_with('.'), "{name}: {}", family.help);
        let whole = family.more.is_empty() || family.more.ends_with(['.', ')']);
        assert!(whole && !family.more.contains('|'), "{name}: {}", family.more);
        for personal in ["user", "subject", "role", "account", "table", "id", "revocation"] {
            assert!(!family.labels.contains(&personal), "{name} has the label {personal}");
        }
    }
}
