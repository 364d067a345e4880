//! `revoked check`: what remains of a role, now. Writes nothing, needs no state.

use super::output::{self, Format};
use crate::domain::account::{Account, AccountName, LinkRule};
use crate::domain::link;
use crate::domain::observation::{Coverage, Gap, NotCovered, Observation};
use crate::domain::residual::Residual;
use crate::domain::revocation::Kind;
use crate::domain::time::UtcTime;
use crate::domain::verdict::{Judgement, Question, Verdict, judge};
use crate::target::{Facts, Target, Wanted};
use anyhow::{Context as _, Result};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use std::collections::BTreeSet;

/// Look now: what remains of a role, why, and what could not be seen
///
/// Needs no configuration and no state, and writes nothing. All databases of the cluster are looked at.
///
/// Exit status: 0 nothing remains; 2 something remains; 3 not everything could be seen, or no such role;
/// 1 the question could not be put (bad URL). Over several roles 2 beats 3 beats 0.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) at: At,

    /// Suspend: only what acts now or can log in must be gone
    #[arg(long)]
    suspend: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Where to look and for whom.
#[derive(Debug, clap::Args)]
pub(super) struct At {
    /// The cluster, as postgres://agent@db.example/postgres. TLS is verified unless sslmode says otherwise;
    /// a password is best given in REVOKED_TARGET or PGPASSWORD or ~/.pgpass
    #[arg(long, value_name = "URL", env = "REVOKED_TARGET", hide_env_values = true)]
    pub(super) target: SecretString,

    /// Database of the provider that nobody else may enter: judged by pg_shdepend alone (repeatable)
    #[arg(long, value_name = "DB")]
    shdepend_only: Vec<String>,

    /// Role names, exactly as in pg_roles
    #[arg(required = true, value_name = "ROLE")]
    pub(super) roles: Vec<String>,
}

/// What was looked at for one role.
pub(super) struct Looked {
    pub(super) observation: Observation,
    pub(super) facts: Facts,
    pub(super) subjects: Vec<(String, Vec<Account>, Judgement)>,
}

impl At {
    /// Looks once for all roles and judges each.
    pub(super) async fn look(&self, kind: Kind) -> Result<Looked> {
        let target = Target::from_url("target", self.target.expose_secret())
            .context("--target is not a usable connection URL")?
            .shdepend_only(self.shdepend_only.iter().cloned());
        let wanted = Wanted { names: self.roles.iter().cloned().collect(), ..Wanted::default() };
        let (observation, facts) = target.look_with_facts(&wanted).await;
        let subjects = self
            .roles
            .iter()
            .map(|role| {
                let names =
                    [AccountName { target: None, role: role.clone(), rule: LinkRule::Stated }];
                let accounts = link::resolve(&[], &names, &observation, &[]);
                let question = Question {
                    kind,
                    accounts: &accounts,
                    names: &names,
                    roles: &[],
                    unmapped: &[],
                    no_account: false,
                    not_required: &BTreeSet::new(),
                    effective_at: observation.started_at,
                };
                let judged = judge(&question, &[&observation]);
                (role.clone(), accounts, judged)
            })
            .collect();
        Ok(Looked { observation, facts, subjects })
    }
}

/// The contract of `check -o json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    verdict: Verdict,
    as_of: UtcTime,
    subjects: Vec<SubjectReport<'a>>,
    targets: Vec<TargetReport<'a>>,
    residual: Vec<&'a Residual>,
    possibly: &'a [Residual],
    ambient: &'a [String],
    kept: Vec<&'a Residual>,
    missing: [&'a str; 0],
    gaps: Vec<&'a Gap>,
    not_covered: &'a [NotCovered],
    coverage: &'a [Coverage],
    over_privileged: &'a [String],
}

#[derive(Debug, Serialize)]
struct SubjectReport<'a> {
    subject: &'a str,
    kind: Kind,
    verdict: Verdict,
    accounts: Vec<AccountReport<'a>>,
}

#[derive(Debug, Serialize)]
struct AccountReport<'a> {
    target: &'a str,
    oid: u32,
    role: &'a str,
    exists: bool,
}

#[derive(Debug, Serialize)]
struct TargetReport<'a> {
    name: &'a str,
    system_identifier: Option<String>,
    server_version: Option<&'a str>,
    in_recovery: Option<bool>,
}

impl<'a> Report<'a> {
    fn new(looked: &'a Looked, kind: Kind) -> Self {
        let observation = &looked.observation;
        let judged = || looked.subjects.iter().map(|(_, _, judged)| judged);
        let server = observation.server.as_ref();
        let mut gaps: Vec<&Gap> = judged().flat_map(|j| &j.gaps).collect();
        gaps.sort();
        gaps.dedup();
        Self {
            verdict: output::worst(judged().map(|judged| judged.verdict)),
            as_of: observation.started_at,
            subjects: looked
                .subjects
                .iter()
                .map(|(subject, accounts, judged)| SubjectReport {
                    subject,
                    kind,
                    verdict: judged.verdict,
                    accounts: accounts
                        .iter()
                        .map(|account| AccountReport {
                            target: &account.target,
                            oid: account.oid.0,
                            role: &account.role,
                            exists: observation.role(account.oid).is_some(),
                        })
                        .collect(),
                })
                .collect(),
            targets: vec![TargetReport {
                name: &observation.target,
                system_identifier: server.map(|s| s.system_identifier.to_string()),
                server_version: server.map(|s| s.version.as_str()),
                in_recovery: server.map(|s| s.in_recovery),
            }],
            residual: judged().flat_map(|j| &j.residual).collect(),
            possibly: &observation.vanished,
            ambient: &observation.ambient,
            kept: judged().flat_map(|j| &j.kept).collect(),
            missing: [],
            gaps,
            not_covered: &observation.not_covered,
            coverage: &observation.coverage,
            over_privileged: &observation.excess,
        }
    }
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let kind = if arguments.suspend { Kind::Suspend } else { Kind::Full };
    let looked = arguments.at.look(kind).await?;
    let report = Report::new(&looked, kind);
    match arguments.output {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => print(&looked, &report),
    }
    Ok(output::exit_code(report.verdict))
}

fn print(looked: &Looked, report: &Report<'_>) {
    let server = looked.observation.server.as_ref().map_or_else(
        || "no answer from the target".to_owned(),
        |s| format!("PostgreSQL {}, system identifier {}", s.version, s.system_identifier),
    );
    for (role, accounts, judged) in &looked.subjects {
        let oids: Vec<String> = accounts.iter().map(|a| format!("OID {}", a.oid)).collect();
        let oids = if oids.is_empty() { String::new() } else { format!(" ({})", oids.join(", ")) };
        println!(
            "{}  {}{oids}  as of {}, {server}",
            output::headline(judged.verdict),
            output::shown(role),
            report.as_of
        );
        output::print_residual(&judged.residual);
        output::print_gaps(&judged.gaps);
        if !judged.kept.is_empty() {
            println!("  kept, as a suspension leaves it: {} more", judged.kept.len());
        }
    }
    if !report.possibly.is_empty() {
        println!("possibly theirs, since its role is gone:");
        output::print_residual(report.possibly);
    }
    if !report.over_privileged.is_empty() {
        println!(
            "the agent's role has more than it needs: {}",
            output::shown(&report.over_privileged.join("; "))
        );
    }
    let databases: BTreeSet<_> =
        report.coverage.iter().map(|covered| covered.database.as_str()).collect();
    let names: Vec<_> = databases.into_iter().map(output::shown).collect();
    println!("looked at {} databases: {}", names.len(), names.join(", "));
    for skipped in report.not_covered {
        println!(
            "not covered: {}: {}",
            output::shown(&skipped.surface),
            output::shown(&skipped.reason)
        );
    }
}
