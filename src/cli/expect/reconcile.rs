//! `revoked expect reconcile`: is the list of what should be gone complete?

mod known;

use super::super::client::{Reach, Where};
use super::super::exit;
use super::super::output::{Format, print_line, shown};
use super::super::values;
use super::import;
use crate::clock;
use crate::config::Config;
use crate::domain::population::{self, Differences, Expected, Leaver, Login, Person};
use crate::domain::time::UtcTime;
use crate::http::roster::{RosterEntry, RosterTarget};
use crate::http::view::View;
use crate::intake::csv;
use anyhow::{Context as _, Result};
use known::Known;
use serde::Serialize;
use std::path::PathBuf;

/// Compare everybody whom HR knows with what is expected, and with the roles that can log in
///
/// The CSV file has a line for each person, with the columns employee_id or username, and status or end_date (also
/// termination_date, last_working_day; the earliest governs); time_zone where dates are not meant in that of the
/// configuration. Other columns are not read. A status is active, employed, on_leave or suspended; or left, terminated,
/// inactive, departed, former, ended, resigned or retired. A line that cannot be used stops the comparison.
///
/// Told is who has left there and of whom nothing is expected here; whose access is expected to be gone, and HR has
/// them as active, or does not know them; and roles that can log in, and neither knows whose they are: by the name that
/// HR has, `subjects`, `vendors` and `secrets` of the configuration, or a revocation. Who came back (`user_rehired`) is
/// active, and leaves by an end after that. Nothing is changed.
///
/// Exit status: 0 nothing differs; 2 something does; 3 nothing is known to, but the roles of a target could not be
/// read; 1 the file cannot be used, or the agent's state not be read.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// The CSV file, or - for standard input
    #[arg(long, value_name = "FILE")]
    population: PathBuf,

    /// Role of nobody whom HR knows, such as that of a program, as ROLE or TARGET/ROLE; repeatable
    #[arg(long, value_name = "ROLE", value_parser = values::name)]
    known: Vec<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// The contract of `-o json`.
#[derive(Debug, Serialize)]
struct Report {
    as_of: UtcTime,
    file: String,
    people: usize,
    left: usize,
    #[serde(flatten)]
    differences: Differences,
    /// Targets whose roles could not be read.
    unread: Vec<String>,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let Arguments { at, population: file, known, output } = arguments;
    let name = file.display().to_string();
    // Whoever asks an agent elsewhere need not have its configuration.
    let config = Config::read(&at.file.config);
    if let Err(error) = &config {
        eprintln!("revoked: note: only names that HR and revocations have are known: {error}");
    }
    let config = config.ok();
    let now = clock::now();
    let bytes = import::read_file(&file).with_context(|| shown(&name))?;
    let zone = config.as_ref().and_then(|config| config.time_zone.as_deref());
    let people = csv::population(&bytes, zone, now).with_context(|| shown(&name))?;
    let reach = at.reach().await?;
    let asked = asked(&reach, config.as_ref()).await;
    reach.leave().await?;
    let (views, targets, roles) = asked?;
    let report = compare(name, &people, &views, (&targets, &roles), config.as_ref(), &known);
    match output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => print(&report),
    }
    Ok(match (report.differences.count(), report.unread.is_empty()) {
        (0, true) => exit::OK,
        (0, false) => exit::INCONCLUSIVE,
        _ => exit::RESIDUAL,
    })
}

async fn asked(
    reach: &Reach,
    config: Option<&Config>,
) -> Result<(Vec<View>, Vec<RosterTarget>, Vec<RosterEntry>)> {
    let views = reach.list(false).await?;
    let (targets, roles) = reach.logins(config).await?;
    Ok((views, targets, roles))
}

fn compare(
    file: String,
    people: &[Person],
    views: &[View],
    (targets, roles): (&[RosterTarget], &[RosterEntry]),
    config: Option<&Config>,
    named: &[String],
) -> Report {
    let expected: Vec<Expected> = views
        .iter()
        .map(|view| Expected {
            revocation: view.id.clone(),
            subject: view.subject.clone(),
            username: view.username.clone(),
            kind: view.kind,
            reason: view.reason,
            state: view.state,
            rehired_at: view.rehired_at,
        })
        .collect();
    let logins: Vec<Login> = roles
        .iter()
        .map(|role| Login { target: role.target.clone(), oid: role.oid, role: role.role.clone() })
        .collect();
    let known = Known::of(people, views, targets, config, named);
    let unread = targets.iter().filter(|target| !target.read).map(|target| target.name.clone());
    Report {
        as_of: clock::now(),
        file,
        people: people.len(),
        left: people.iter().filter(|person| person.left.is_some()).count(),
        differences: population::compare(people, &expected, &logins, |login| known.owns(login)),
        unread: unread.collect(),
    }
}

fn print(report: &Report) {
    let Report { differences: found, .. } = report;
    println!(
        "{}: {} people, of whom {} have left",
        shown(&report.file),
        report.people,
        report.left
    );
    section("left there, and nothing is expected here", &found.not_expected, leaver);
    section("expected to be gone here, and active there", &found.active_there, expected);
    section("expected to be gone here, and unknown there", &found.unknown_there, expected);
    section("can log in, and neither knows whose it is", &found.unknown_to_both, |login| {
        format!("{}/{} (OID {})", login.target, login.role, login.oid)
    });
    if !report.unread.is_empty() {
        let names = report.unread.join(", ");
        print_line(
            "",
            &format!(
                "the roles of these could not be read, and are not compared: {}",
                shown(&names)
            ),
        );
    }
    match found.count() {
        0 => println!("nothing differs"),
        1 => println!("1 difference"),
        many => println!("{many} differences"),
    }
}

fn section<T>(heading: &str, found: &[T], line: impl Fn(&T) -> String) {
    if !found.is_empty() {
        println!("{heading} ({}):", found.len());
    }
    for one in found {
        print_line("  ", &shown(&line(one)));
    }
}

fn leaver(leaver: &Leaver) -> String {
    let names: Vec<&str> =
        [&leaver.id, &leaver.username].into_iter().flatten().map(String::as_str).collect();
    let since = leaver.left_at.map_or(String::new(), |at| format!(", left {at}"));
    format!("{}{since}, line {}", names.join(" "), leaver.line)
}

fn expected(one: &Expected) -> String {
    let called = one.username.as_ref().map_or(String::new(), |name| format!(" ({name})"));
    format!("{}  {}{called}, {}, {}", one.revocation, one.subject, one.reason, one.state)
}
