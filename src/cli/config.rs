//! `revoked config`: is the file right, and what may stand in it.

use super::client::ConfigFile;
use super::exit;
use super::output::shown;
use crate::clock;
use crate::config::{Campaign, Config, ConsumerList};
use anyhow::{Result, bail};
use std::collections::BTreeSet;

/// The configuration file: check it, or print its JSON schema
///
/// Exit status: 0 it can be used, or the schema was printed; 1 it cannot be used.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Check(Check),
    Schema(Schema),
}

/// Check the configuration file and the files it names
///
/// Keys of witnesses are checked for their form, and the repository for checkpoints for being there. Connects to nothing
/// (`revoked doctor` does) and changes nothing. Exit status: 0 it can be used; 1 it cannot,
/// and the key and the reason are said.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    #[command(flatten)]
    file: ConfigFile,
}

/// Print the JSON schema of the configuration file, for editors and for checks before roll-out
///
/// Exit status: 0 printed.
#[derive(Debug, clap::Args)]
pub(super) struct Schema {}

/// Runs the command.
pub(super) fn run(command: &Command) -> Result<u8> {
    match command {
        Command::Check(check) => {
            let config = Config::read(&check.file.config)?;
            super::serve::usable(&config)?;
            repository(&config)?;
            let mapped = config.subjects.accounts.values().map(Vec::len).sum::<usize>();
            println!("{}: can be used", shown(&config.path.display().to_string()));
            println!("  targets        {}", names(config.targets.iter().map(|t| t.name.as_str())));
            println!("  tokens         {}", names(config.tokens.iter().map(|t| t.id.as_str())));
            println!("  sources        {}", names(config.sources.keys().map(String::as_str)));
            println!("  vendors        {}", names(config.vendors.keys().map(String::as_str)));
            println!("  accounts       {mapped} declared");
            let anchors = config.anchors.names();
            let anchors =
                anchors.map(
                    |(kind, name)| {
                        if kind == name { kind.to_owned() } else { format!("{kind} {name}") }
                    },
                );
            println!(
                "  anchors        {}",
                names(anchors.collect::<Vec<_>>().iter().map(String::as_str))
            );
            if !config.ssf.issuers.is_empty() {
                println!(
                    "  signals        {}",
                    names(config.ssf.issuers.iter().map(|i| i.name.as_str()))
                );
            }
            if let Some(inbox) = &config.inbox {
                println!("  inbox          {}", shown(&inbox.dir.display().to_string()));
            }
            if let Some(slack) = &config.slack {
                let channels = std::iter::once(&slack.channel).chain(slack.channels.values());
                let channels: BTreeSet<&str> = channels.map(String::as_str).collect();
                println!("  slack          {}", names(channels.into_iter()));
                if let Some(button) = &slack.acknowledge {
                    let hours = button.pause.as_secs_f64() / 3_600.0;
                    println!("  acknowledge    a button: no reminders for {hours:.1} h");
                }
            }
            if let Some(pages) = &config.confluence {
                println!("  confluence     {} at {}", shown(&pages.space), shown(&pages.base_url));
            }
            for campaign in config.chaser.iter().flat_map(|chaser| &chaser.campaigns) {
                println!("  campaign       {}", shown(&in_words(campaign)));
            }
            for one in &config.attestations {
                let due = one.schedule.next(clock::now());
                let due = due.map_or_else(|| "never".to_owned(), |at| at.to_string());
                println!("  attestation    {}: next due {due}", one.name);
            }
            println!("  sha256         {}", config.sha256);
            for note in &config.notes {
                println!("  note           {}", shown(note));
            }
        }
        Command::Schema(Schema {}) => {
            println!("{}", serde_json::to_string_pretty(&Config::schema())?);
        }
    }
    Ok(exit::OK)
}

/// The repository for checkpoints has to be there: nobody makes it later.
fn repository(config: &Config) -> Result<()> {
    let Some(git) = &config.anchors.git else { return Ok(()) };
    if git.dir.join(".git").exists() {
        return Ok(());
    }
    bail!(
        "{}: log.git.dir: {} is not the working tree of a repository (make it: git init, as the agent's user)",
        config.path.display(),
        git.dir.display()
    )
}

/// What a campaign would use. What is said is of the configuration: nobody was asked.
fn in_words(campaign: &Campaign) -> String {
    let list = match &campaign.consumers {
        ConsumerList::File(Ok(listed)) => format!("a file of {} consumers", listed.len()),
        ConsumerList::File(Err(error)) => format!("a file that cannot be used: {error}"),
        ConsumerList::Query { target, query } => {
            format!("a query at {target}, database {}", query.database)
        }
    };
    let seen = campaign.target.as_ref();
    let seen =
        seen.map_or_else(|| "no sessions are seen".to_owned(), |t| format!("sessions at {t}"));
    let tracker = campaign.tracker.as_ref();
    let tracker = tracker
        .map_or_else(|| "no tracker".to_owned(), |told| format!("tracker at {}", told.leads_to));
    format!("{}: {list}; {seen}; {tracker}", campaign.name)
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
