//! Tables for people, JSON for programs.

use super::exit;
use crate::domain::observation::Gap;
use crate::domain::residual::Residual;
use crate::domain::verdict::Verdict;
use clap::ValueEnum;
use std::collections::BTreeMap;

/// `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Table,
    /// The contract.
    Json,
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
        println!("  {:<13} {:<21} {}", found.strength, found.kind, shown(&found.sentence));
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
        println!("  not seen in {}: {}", shown(&place), surfaces.join(", "));
        println!("    because {}", shown(reason));
        println!("    to fix  {}", shown(fix));
    }
}
