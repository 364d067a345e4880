//! `revoked key`: the keys that sign the audit log.

mod rotate;
mod show;

use super::exit;
use super::init::new_key;
use super::values;
use crate::audit::file;
use crate::audit::key::commitment;
use crate::audit::keys;
use crate::audit::verify::Vkey;
use crate::config::Config;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// Keys of the audit log: make, show, change
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Generate(Generate),
    Show(show::Arguments),
    Rotate(rotate::Arguments),
}

/// Make a new key pair
///
/// The file holds the secret half (PKCS#8, mode 0600); what is printed is public. `key rotate` and `log accept-loss`
/// make the keys they need by themselves.
#[derive(Debug, clap::Args)]
pub(super) struct Generate {
    #[command(flatten)]
    file: super::client::ConfigFile,

    /// The log it is for; that of the configuration if not given
    #[arg(long, value_name = "NAME", value_parser = values::origin)]
    origin: Option<String>,

    /// File to make
    path: PathBuf,
}

/// Runs the command.
pub(super) async fn run(command: Command) -> Result<u8> {
    match command {
        Command::Generate(arguments) => generate(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Rotate(arguments) => rotate::run(&arguments).await,
    }
}

fn generate(arguments: &Generate) -> Result<u8> {
    let config = Config::read(&arguments.file.config);
    let origin = match (&arguments.origin, &config) {
        (Some(origin), _) => origin.clone(),
        (None, Ok(config)) => file::origin(&config.log_dir)?,
        (None, Err(_)) => {
            bail!(
                "which log is it for? Name it with --origin, or the agent's configuration with --config"
            )
        }
    };
    let key = new_key(&origin)?;
    Vkey::parse(&key.vkey())
        .with_context(|| format!("--origin: `{origin}` cannot be the name of a log"))?;
    let log_dir = config.as_ref().map_or(Path::new("/nonexistent"), |config| &config.log_dir);
    keys::place(&key, &arguments.path, log_dir)?;
    println!("made {}", arguments.path.display());
    println!("public key: {}", key.vkey());
    println!("commitment: {}", commitment(&key.vkey()));
    Ok(exit::OK)
}
