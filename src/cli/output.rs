//! Tables for people; JSON, YAML and CSV for programs.

use super::exit;
use crate::domain::observation::Gap;
use crate::domain::probes::Missing;
use crate::domain::residual::Residual;
use crate::domain::verdict::Verdict;
use anyhow::{Context as _, Result};
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use std::collections::BTreeMap;

/// Width of what is printed for people: a terminal's, before anybody widened it.
pub(super) const WIDTH: usize = 80;

/// `-o`, for what makes no rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// The contract.
    Json,
}

/// `-o`, for what also makes rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    #[default]
    Table,
    /// The contract.
    Json,
    /// The same as JSON, in YAML.
    Yaml,
    /// One line per finding, for spreadsheets.
    Csv,
}

/// What CSV is made of.
pub(super) struct Rows {
    /// Names of the columns.
    pub(super) header: &'static [&'static str],
    /// As many cells in each.
    pub(super) rows: Vec<Vec<String>>,
}

impl Output {
    /// Prints `value`, as rows or as `people` does.
    pub(super) fn print<T: Serialize>(
        self,
        value: &T,
        rows: impl FnOnce() -> Rows,
        people: impl FnOnce(),
    ) -> Result<()> {
        match self {
            Self::Table => people(),
            Self::Json => println!("{}", serde_json::to_string_pretty(value)?),
            Self::Yaml => {
                print!("{}", serde_saphyr::to_string(value).context("writing YAML")?);
            }
            Self::Csv => print!("{}", csv(&rows())?),
        }
        Ok(())
    }
}

fn csv(rows: &Rows) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(rows.header)?;
    for row in &rows.rows {
        writer.write_record(row.iter().map(|cell| harmless(cell)))?;
    }
    let bytes = writer.into_inner().context("writing CSV")?;
    String::from_utf8(bytes).context("writing CSV")
}

/// A spreadsheet runs a cell that begins like a formula, and these texts come from others.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

/// `text` in lines of at most `width` columns. A word that is longer is not cut.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthStr as _;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Columns to print in: those of the terminal, or what `COLUMNS` says. `None`: nobody reads it on a screen, and a
/// line that is found by grep is worth more than one that fits.
pub(super) fn columns() -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse::<usize>().ok());
    let width = told.or_else(|| {
        let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
        Some(usize::from(width.0))
    });
    width.map(|width| width.max(NARROW))
}

/// A table of words, as wide as the terminal; where it goes elsewhere, as wide as what is in it: a word that is broken is
/// found by no grep.
pub(super) fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    match columns() {
        Some(columns) => {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(u16::try_from(columns).unwrap_or(u16::MAX));
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    table
}

/// Prints it without blanks at the ends of lines.
pub(super) fn print_table(table: &Table) {
    println!("{}", table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n"));
}

/// Fewer columns than this hold no sentence.
const NARROW: usize = 40;

/// Prints `text` after `label`, wrapped where it goes to a terminal, with every line under the first.
pub(super) fn print_line(label: &str, text: &str) {
    let Some(columns) = columns() else {
        println!("{label}{text}");
        return;
    };
    for line in hung(label, text, columns) {
        println!("{line}");
    }
}

/// Lines of `columns` columns, all under the first. A label too wide for that leaves the rest a small indent.
fn hung(label: &str, text: &str, columns: usize) -> Vec<String> {
    use unicode_width::UnicodeWidthStr as _;
    let first = label.width();
    if first + NARROW / 2 <= columns {
        let lines = wrapped(text, columns - first);
        let indent = " ".repeat(first);
        let lead = |number| if number == 0 { label } else { &indent };
        return lines.iter().enumerate().map(|(n, line)| format!("{}{line}", lead(n))).collect();
    }
    let indent = "      ";
    let rest = wrapped(text, columns.saturating_sub(indent.len()));
    let first = std::iter::once(label.trim_end().to_owned());
    first.chain(rest.iter().map(|line| format!("{indent}{line}"))).collect()
}

/// Prints `text` after `label`, wrapped, with every line under the first.
pub(super) fn print_wrapped(label: &str, text: &str) {
    use unicode_width::UnicodeWidthStr as _;
    let indent = " ".repeat(label.width());
    let width = columns().unwrap_or(WIDTH);
    for (number, line) in wrapped(text, width.saturating_sub(indent.len())).iter().enumerate() {
        println!("{}{line}", if number == 0 { label } else { &indent });
    }
}

/// The fields of a notice, and the options that set them.
const OPTIONS: &[(&str, &str)] = &[
    ("/username", "--user"),
    ("/account", "--account"),
    ("/reason", "--reason"),
    ("/revocation_type", "--kind"),
    ("/roles", "--role"),
    ("/effective_at", "--effective"),
    ("/deadline", "--deadline"),
    ("/employee_id", "--employee-id"),
    ("/permissions", "--permissions"),
    ("/time_zone", "--time-zone"),
    ("/ticket", "--ticket"),
    ("/required_roles", "--require"),
    ("/required_permissions", "--require-permissions"),
    ("/new_owner", "--new-owner"),
    ("/email", "--email"),
    ("/item", "ITEM"),
    ("/note", "--note"),
    ("/why", "--why"),
    ("/event_id", "--event-id"),
    ("/until", "--until"),
    ("/for", "--for"),
    ("/extend_by", "--extend"),
    ("/review_at", "--review-at"),
    ("/subject", "SUBJECT"),
    ("/revocation", "SUBJECT|rev_ID"),
    ("/link", "ROLE"),
    ("/unlink", "ROLE"),
];

/// An error about a notice that was made of options: it names the option, not the field.
pub(super) fn in_options(error: anyhow::Error) -> anyhow::Error {
    let text = format!("{error:#}");
    for (field, option) in OPTIONS {
        if let Some((_, reason)) = text.split_once(&format!("{field}: ")) {
            return anyhow::anyhow!("{option}: {reason}");
        }
    }
    error
}

/// The exit code of a verdict.
pub(super) fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Revoked => exit::OK,
        Verdict::Residual => exit::RESIDUAL,
        Verdict::Inconclusive => exit::INCONCLUSIVE,
    }
}

/// Over several subjects residual beats inconclusive beats revoked.
pub(super) fn worst(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
    let mut worst = Verdict::Revoked;
    for verdict in verdicts {
        worst = match (worst, verdict) {
            (Verdict::Residual, _) | (_, Verdict::Residual) => Verdict::Residual,
            (Verdict::Inconclusive, _) | (_, Verdict::Inconclusive) => Verdict::Inconclusive,
            (Verdict::Revoked, Verdict::Revoked) => Verdict::Revoked,
        };
    }
    worst
}

/// Text from a server or a sender for a terminal: what could move the cursor is shown as `\u{…}`.
pub(super) fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let unsafe_here =
                c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            if unsafe_here { c.escape_unicode().collect::<Vec<_>>() } else { vec![c] }
        })
        .collect()
}

/// A verdict in capitals, coloured on a terminal.
pub(super) fn headline(verdict: Verdict) -> String {
    let word = verdict.as_str().to_uppercase();
    if !super::colour() {
        return word;
    }
    let colour = match verdict {
        Verdict::Revoked => 32,
        Verdict::Residual => 31,
        Verdict::Inconclusive => 33,
    };
    format!("\x1b[1;{colour}m{word}\x1b[0m")
}

/// Residual, worst first, one line each.
pub(super) fn print_residual(residual: &[Residual]) {
    for found in residual {
        let label = format!("  {:<13} {:<21} ", found.strength, found.kind);
        print_line(&label, &shown(&found.sentence));
    }
}

/// Residual of several targets: each line says which.
pub(super) fn print_residual_of_targets(residual: &[Residual]) {
    for found in residual {
        let sentence = format!("{}: {}", found.account.target, found.sentence);
        let label = format!("  {:<13} {:<21} ", found.strength, found.kind);
        print_line(&label, &shown(&sentence));
    }
}

/// What must be there and is not.
pub(super) fn print_missing(missing: &[Missing]) {
    for lacks in missing {
        print_line(&format!("  missing       {:<21} ", lacks.what), &shown(&lacks.sentence));
    }
}

/// Gaps, those with one cause together: a server that is down leaves every surface unread.
pub(super) fn print_gaps(gaps: &[Gap]) {
    let mut together: BTreeMap<(&str, Option<&str>, &str, &str), Vec<&str>> = BTreeMap::new();
    for gap in gaps {
        together
            .entry((&gap.target, gap.database.as_deref(), &gap.reason, &gap.fix))
            .or_default()
            .push(gap.surface.as_str());
    }
    for ((target, database, reason, fix), mut surfaces) in together {
        surfaces.dedup();
        let place = database.map_or_else(|| target.to_owned(), |name| format!("{target}/{name}"));
        print_line("  not seen in ", &format!("{}: {}", shown(&place), surfaces.join(", ")));
        print_line("    because ", &shown(reason));
        print_line("    to fix  ", &shown(fix));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_quotes_and_runs_nothing() {
        let rows = Rows {
            header: &["a", "b"],
            rows: vec![vec!["x, \"y\"\n".to_owned(), "=cmd()".to_owned()]],
        };
        assert_eq!(csv(&rows).unwrap(), "a,b\n\"x, \"\"y\"\"\n\",'=cmd()\n");
    }

    #[test]
    fn yaml_reads_back_as_the_same() {
        let value = serde_json::json!({
            "subject": "no", "at": "2026-03-05T09:00:00.000000Z", "id": "0123", "gone": null,
            "text": "a: b # c\n- d", "list": [], "deep": [{"x": ["~", "", "- y", "\u{1b}[2J"]}],
        });
        let text = serde_saphyr::to_string(&value).unwrap();
        let read: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(read, value, "{text}");
    }

    #[test]
    fn long_text_is_wrapped_at_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable x", 4), ["unbreakable", "x"]);
        assert_eq!(wrapped("日本 日本", 6), ["日本", "日本"], "wide characters take two columns");
    }

    #[test]
    fn lines_hang_under_the_first() {
        assert_eq!(hung("  kept: ", "one two three four five six", 40).len(), 1);
        let lines = hung("  kept: ", "one two three four five six seven eight nine ten", 40);
        assert_eq!(lines, ["  kept: one two three four five six", "        seven eight nine ten"]);
        let wide = hung("  a label that takes most of the line ", "one two", 40);
        assert_eq!(wide, ["  a label that takes most of the line", "      one two"]);
    }

    #[test]
    fn errors_speak_of_options() {
        let said = |text: &'static str| in_options(anyhow::anyhow!(text)).to_string();
        assert_eq!(said("Unusable request: /deadline: it is past"), "--deadline: it is past");
        assert_eq!(said("/revocation_type: full, not `x`"), "--kind: full, not `x`");
        assert_eq!(said("the agent is away"), "the agent is away");
    }
}
