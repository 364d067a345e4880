//! `revoked explain`: why each residual is there, what proves it, and what removes it.

mod finding;

use super::check::{headline, kept_by, print_scope, print_standing, report::Report};
use super::look::{Answered, At, Looked};
use super::output::{self, Output, print_wrapped, shown};
use crate::domain::plan::Setting;
use crate::domain::residual::ResidualKind;
use crate::domain::verdict::{Judgement, Verdict};
use anyhow::Result;
use finding::{Finding, meaning};
use serde::Serialize;
use std::collections::BTreeMap;

/// Findings shown in full, unless all are asked for.
const SHOWN: usize = 20;

/// Why each thing that remains is there, what proves it, and what removes it
///
/// Worst first, each as a sentence with its path from the account and the rows behind it. A rev_… is
/// explained as the agent last found it; --now looks again. Everything else is looked at now.
///
/// Exit status: 0 nothing remains; 2 something remains; 3 not everything could be seen; 1 the question could
/// not be put.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    at: At,

    /// Look again, also for a rev_…
    #[arg(long)]
    now: bool,

    /// Explain every finding, not only the worst 20
    #[arg(long)]
    all: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// The contract of `check -o json` with findings in the place of residual.
#[derive(Serialize)]
struct Explained<'a> {
    findings: Vec<Finding<'a>>,
    #[serde(flatten)]
    report: &'a Report<'a>,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let ids = arguments.at.names.iter().all(|name| name.starts_with("rev_"));
    let looked = if ids && !arguments.now && arguments.at.target.is_none() {
        as_found(&arguments.at).await?
    } else {
        arguments.at.look(None).await?
    };
    let coverage: Vec<_> =
        looked.looks.iter().flat_map(|look| look.observation.coverage.iter().cloned()).collect();
    let report = Report::new(&looked);
    let findings = looked.subjects.iter().map(|one| {
        let each = one.judged.residual.iter();
        each.map(|found| {
            let setting = setting(&looked, &found.account.target);
            Finding::new(found, &coverage, &setting)
        })
    });
    let findings: Vec<Vec<Finding<'_>>> = findings.map(Iterator::collect).collect();
    if arguments.output == Output::Table {
        for (one, findings) in looked.subjects.iter().zip(&findings) {
            print_subject(&looked, one, findings, arguments.all);
        }
        print_rest(&looked, &report);
    } else {
        let explained =
            Explained { findings: findings.into_iter().flatten().collect(), report: &report };
        arguments.output.print(&explained, || report.rows(), || {})?;
    }
    Ok(output::exit_code(report.verdict()))
}

/// What the agent last found, as it keeps it.
async fn as_found(at: &At) -> Result<Looked> {
    let reach = at.state.reach().await?;
    let mut subjects = Vec::new();
    let mut as_of = None;
    for id in at.once() {
        let Some(view) = reach.show(&id).await? else {
            return Err(super::expect::unknown(&id));
        };
        as_of = [as_of, view.as_of].into_iter().flatten().min();
        let verdict = view.verdict.unwrap_or(Verdict::Inconclusive);
        subjects.push(Answered {
            asked: super::asked::Asked::as_shown(&view),
            accounts: view.accounts,
            open: Vec::new(),
            spared: Vec::new(),
            judged: Judgement {
                disabled: false,
                verdict,
                login: verdict,
                residual: view.residual,
                kept: view.kept,
                missing: view.missing,
                gaps: view.gaps,
                not_covered: view.not_covered,
                no_account: false,
            },
        });
    }
    reach.leave().await?;
    Ok(Looked::remembered(subjects, as_of))
}

/// The version decides how a membership is revoked. Where it is not known, the grantor is named, which every
/// version understands.
fn setting(looked: &Looked, target: &str) -> Setting {
    let look = looked.looks.iter().find(|look| look.observation.target == target);
    let known = look.map(|look| super::plan::setting(look, None));
    known.unwrap_or_else(|| Setting { version_num: 160_000, ..Setting::default() })
}

fn print_subject(looked: &Looked, one: &Answered, findings: &[Finding<'_>], all: bool) {
    println!("{}", headline(looked, one));
    if !looked.fresh() {
        println!("as the agent last found it; --now looks again");
    }
    print_standing(looked, one);
    if let Some(first) = one.asked.first_seen {
        println!("something was first found at {first}");
    }
    let shown_here = if all { findings.len() } else { SHOWN };
    for (number, finding) in findings.iter().take(shown_here).enumerate() {
        println!();
        print_finding(number + 1, finding, looked.several());
    }
    let rest = findings.iter().skip(shown_here);
    let mut kinds: BTreeMap<ResidualKind, usize> = BTreeMap::new();
    rest.for_each(|finding| *kinds.entry(finding.residual.kind).or_default() += 1);
    if !kinds.is_empty() {
        let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        println!();
        let text = format!("more findings (--all explains them): {}", kinds.join(", "));
        print_wrapped("and ", &text);
    }
    if !one.judged.gaps.is_empty() {
        println!("\nnot seen:");
        output::print_gaps(&one.judged.gaps);
    }
    if !one.judged.kept.is_empty() {
        println!("\nkept, {}:", kept_by(one.asked.kind, one.asked.held, one.asked.rehired()));
        output::print_residual(&one.judged.kept);
    }
    println!();
}

fn print_finding(number: usize, finding: &Finding<'_>, several: bool) {
    let found = finding.residual;
    let line = |label: &str, text: &str| {
        if !text.is_empty() {
            print_wrapped(&format!("    {label:<11} "), &shown(text));
        }
    };
    let place = if several { format!("{}: ", found.account.target) } else { String::new() };
    print_wrapped(&format!("{number:>2}. "), &shown(&format!("{place}{}", found.sentence)));
    line("path", &finding.path.join(" > "));
    line("strength", &format!("{}: {}", found.strength, meaning(found.strength)));
    line("kind", found.kind.as_str());
    line("database", found.database.as_deref().unwrap_or_default());
    let object = found.object.as_ref().map_or(String::new(), |_| found.object_in_words());
    line("object", &object);
    line("privilege", found.privilege.as_deref().unwrap_or_default());
    line("granted by", found.grantor.as_deref().unwrap_or_default());
    let statements: Vec<_> = finding
        .evidence
        .iter()
        .map(|read| format!("{} (sha256 {:.16}…)", read.statement, read.sha256))
        .collect();
    for (number, row) in finding.rows.iter().enumerate() {
        line(if number == 0 { "row" } else { "" }, row);
    }
    if finding.rows.is_empty() {
        line("catalog", &finding.catalogs.join(", "));
    }
    line("read by", &statements.join(", "));
    for step in &finding.remove {
        let place = step.database.as_ref();
        let place = place.map_or(String::new(), |name| format!("  -- in database {name}"));
        // Not wrapped: it is there to be copied.
        println!("    {:<11} {}{}", "remove", shown(&step.sql), shown(&place));
    }
    for note in &finding.by_hand {
        line(
            "by hand",
            note.strip_prefix(&found.sentence).unwrap_or(note).trim_start_matches(": "),
        );
    }
}

fn print_rest(looked: &Looked, report: &Report<'_>) {
    print_scope(looked);
    for text in report.ambient() {
        print_wrapped("decides nothing: ", &shown(text));
    }
    for text in report.not_covered() {
        print_wrapped("not covered: ", &shown(&text));
    }
}
