//! `revoked attest`: what is attested of a period.

use super::client::Where;
use super::exit;
use super::output::shown;
use crate::deliver::document::{html, text};
use crate::deliver::render::attestation::{Around, attestation, attested, title};
use crate::domain::attestation::Attestation;
use crate::domain::effective::zone;
use crate::domain::time::UtcTime;
use crate::http::attestation::Filter;
use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use std::io::Write as _;
use std::path::PathBuf;

/// What it is printed as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    #[default]
    Text,
    /// A page of its own, for a browser and for printing.
    Html,
    /// All of it, for programs.
    Json,
    /// One line per revocation, for spreadsheets.
    Csv,
}

/// Attest a period: what the log tells of its revocations
///
/// How many there were and from whom, what was in time, what is overdue, what came back, what was permitted to stay, what
/// nobody could tell, and how complete the log is. It is what the agent files at the end of each period (attestations in
/// the configuration); nothing is filed by this command, and no Confluence is needed.
///
/// Exit status: 0 printed, whatever it says; 1 there is no such attestation, no period of it has ended, or store or log
/// cannot be read; 64 no period was named.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    at: Where,

    /// Name of a configured attestation: its newest period that ended, as it is filed or about to be
    #[arg(long, value_name = "NAME", required_unless_present = "from")]
    name: Option<String>,

    /// First instant of the period, such as 2026-07-01T00:00:00Z or 2026-07-01T00:00:00+02:00
    #[arg(long, value_name = "TIME")]
    from: Option<UtcTime>,

    /// First instant after it [default: now]
    #[arg(long, value_name = "TIME", requires = "from")]
    to: Option<UtcTime>,

    /// Form
    #[arg(long, value_enum, default_value_t)]
    format: Form,

    /// Zone in which times are told beside UTC, such as Europe/Berlin; in text and html
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,

    /// Write it to this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let zone = arguments.time_zone.as_deref();
    let zone = zone.map(|name| anyhow::Ok((name, zone_of(name)?))).transpose()?;
    let filter = Filter { name: arguments.name.clone(), from: arguments.from, to: arguments.to };
    let reach = arguments.at.reach().await?;
    let found = reach.attestation(&filter).await;
    reach.leave().await?;
    let Some(made) = found? else {
        let name = arguments.name.as_deref().unwrap_or_default();
        bail!("the configuration has no attestation {}", shown(name));
    };
    let around = Around { zone, ..Around::default() };
    let bytes = printed(&made, &around, arguments.format)?;
    match &arguments.output {
        Some(path) => std::fs::write(path, bytes)
            .with_context(|| format!("--output: writing {}", path.display()))?,
        None => std::io::stdout().write_all(&bytes).context("printing the attestation")?,
    }
    Ok(exit::OK)
}

fn zone_of(name: &str) -> Result<jiff::tz::TimeZone> {
    zone(name).map_err(|error| anyhow::anyhow!("--time-zone: {error}"))
}

fn printed(made: &Attestation, around: &Around<'_>, form: Form) -> Result<Vec<u8>> {
    let title = title(made.name.as_deref(), &made.period, made.up_to);
    Ok(match form {
        Form::Text => text(&title, &attestation(made, around)).into_bytes(),
        Form::Html => html(&title, &attestation(made, around)).into_bytes(),
        Form::Json => {
            let mut bytes = serde_json::to_vec_pretty(made)?;
            bytes.push(b'\n');
            bytes
        }
        Form::Csv => attested(made),
    })
}
