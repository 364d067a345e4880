//! `revoked doctor`: what can be seen and what cannot.

mod agent;
mod anchors;
mod attestations;
mod campaigns;
mod canary;
mod confluence;
mod hooks;
mod log;
mod section;
mod slack;
pub(super) mod store;
mod targets;
mod ways;

use super::client::ConfigFile;
use super::look;
use super::output::{Format, print_wrapped};
use crate::audit::file;
use crate::clock;
use crate::config::{Config, ConfigError};
use crate::domain::canary::Canary;
use crate::domain::observation::Observation;
use crate::domain::time::UtcTime;
use crate::target::{AskedActivity, Target, Wanted};
use anyhow::{Context as _, Result, bail};
use section::{Level, Section, conclusion};
use serde::Serialize;
use tokio::task::JoinSet;

/// What can be seen and what not: targets, store, log, agent
///
/// Looks at every configured target as the agent does, and says per surface whether it can be read, with
/// the fix where it cannot. Then at the store, the log and its key, who holds its checkpoints, the agent, the room on
/// disk, and, where they are configured, the keys of those who push security event tokens, the inbox, and the lists and
/// trackers of rotation campaigns. Witnesses are asked where they stand, and are not moved; a tracker's statement is planned, and
/// not run. Changes nothing and writes nothing; works whether the agent runs or not.
/// What this user may not look at is said.
///
/// Exit status: 0 everything required can be seen; 3 something required cannot be seen, a target is down,
/// or this user may not look; 1 configuration, store or log are unusable; 5 a witness holds another history of
/// the log.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: ConfigFile,

    /// Only these configured targets, and nothing else
    #[arg(long, value_name = "NAME", num_args = 1..)]
    target: Vec<String>,

    /// Only the targets
    #[arg(long, visible_alias = "check-permissions", overrides_with = "check_db")]
    check_db: bool,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Arguments {
    /// The targets alone, as `expect add --check-db` means it.
    pub(super) fn of_targets(file: ConfigFile, output: Format) -> Self {
        Self { file, target: Vec::new(), check_db: true, output }
    }
}

/// The contract of `doctor -o json`.
#[derive(Debug, Serialize)]
struct Report {
    as_of: UtcTime,
    exit_status: u8,
    sentence: String,
    sections: Vec<Section>,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let now = clock::now();
    let sections = examine(&arguments, now).await?;
    let (sentence, exit_status) = conclusion(&sections);
    if arguments.output == Format::Json {
        let report = Report { as_of: now, exit_status, sentence, sections };
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(exit_status);
    }
    for section in &sections {
        section.print();
        println!();
    }
    print_wrapped("", &sentence);
    Ok(exit_status)
}

async fn examine(arguments: &Arguments, now: UtcTime) -> Result<Vec<Section>> {
    let path = &arguments.file.config;
    let mut sections = Vec::new();
    let mut about = Section::new("configuration", path.display().to_string());
    let config = match Config::read(path) {
        Ok(config) => config,
        Err(error) => {
            about.say(unreadable(&error), format!("{:#}", anyhow::Error::new(error)));
            return Ok(vec![about]);
        }
    };
    about.fact("sha256", config.sha256.as_str());
    about.say(Level::Ok, format!("read, SHA-256 {:.16}…", config.sha256));
    sections.push(about);
    let targets = wanted(arguments, &config)?;
    let only_targets = arguments.check_db || !arguments.target.is_empty();
    let origin = file::origin(&config.log_dir).ok();
    let store = store::section(&config, origin.as_deref()).await;
    let mut rosters = campaigns::Rosters::new();
    for (target, seen) in look(targets, &config).await? {
        campaigns::keep(&mut rosters, &seen);
        let allowed = config.target(&seen.target).is_some_and(|target| target.store_on_target);
        let on = store.system_identifier.as_deref();
        let mut section = targets::section(&target, &seen, on, allowed);
        if let Some(canary) = canary_of(&config, target.name()) {
            canary::say(&mut section, canary, &seen);
        }
        sections.push(section);
    }
    if only_targets {
        return Ok(sections);
    }
    sections.push(store.section);
    sections.push(log::section(&config, store.landed, now));
    sections.extend(anchors::section(&config, store.anchored.as_ref(), now).await);
    sections.extend(slack::section(&config).await);
    sections.extend(confluence::section(&config, now).await);
    sections.extend(hooks::sections(&config).await);
    sections.extend(campaigns::section(&config, &rosters).await);
    sections.extend(attestations::section(&config, now));
    sections.push(agent::section(&config).await);
    sections.push(agent::disk(&config));
    sections.extend(ways::sections(&config).await);
    Ok(sections)
}

/// A file that this user may not read may be in order for the agent.
fn unreadable(error: &ConfigError) -> Level {
    match error {
        ConfigError::Read { source, .. }
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            Level::Unchecked
        }
        ConfigError::Read { .. } | ConfigError::Yaml { .. } | ConfigError::Value { .. } => {
            Level::Broken
        }
    }
}

fn wanted(arguments: &Arguments, config: &Config) -> Result<Vec<Target>> {
    for name in &arguments.target {
        if config.target(name).is_none() {
            let known: Vec<_> = config.targets.iter().map(|target| target.name.as_str()).collect();
            bail!("--target: {name} is not configured; there are: {}", known.join(", "));
        }
    }
    let mut targets = look::targets(config)?;
    let all = arguments.target.is_empty();
    targets.retain(|target| all || arguments.target.iter().any(|name| name == target.name()));
    Ok(targets)
}

fn canary_of<'a>(config: &'a Config, target: &str) -> Option<&'a Canary> {
    config.target(target)?.canary.as_ref()
}

/// All at the same time, searching for nobody but their canaries.
async fn look(targets: Vec<Target>, config: &Config) -> Result<Vec<(Target, Observation)>> {
    let mut looking = JoinSet::new();
    for target in targets {
        let mut wanted = Wanted { rehearse: true, ..Wanted::default() };
        wanted.names.extend(canary_of(config, target.name()).map(|canary| canary.role.clone()));
        let query = config.inactivity.as_ref().and_then(|one| one.last_seen.get(target.name()));
        wanted.activity = query.map(|query| AskedActivity { query: Some(query.clone()) });
        looking.spawn(async move {
            let seen = target.look(&wanted).await;
            (target, seen)
        });
    }
    let mut looks = Vec::new();
    while let Some(done) = looking.join_next().await {
        looks.push(done.context("looking at a target")?);
    }
    looks.sort_by(|(a, _), (b, _)| a.name().cmp(b.name()));
    Ok(looks)
}
