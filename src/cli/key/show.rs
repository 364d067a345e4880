//! `revoked key show`: public halves only.

use crate::audit::file;
use crate::audit::key::{LogKey, commitment};
use crate::audit::keys::{InForce, in_force};
use crate::cli::exit;
use crate::cli::output::Format;
use crate::cli::values;
use crate::config::Config;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Show the public key in force, and the commitment to the next one
///
/// Reads the log's directory, beside a running agent too. Never prints a secret.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    file: crate::cli::client::ConfigFile,

    /// Show the public half of this key file instead
    #[arg(long = "file", value_name = "FILE")]
    key: Option<PathBuf>,

    /// The log that the key file is for; that of the configuration if not given
    #[arg(long, value_name = "NAME", requires = "key", value_parser = values::origin)]
    origin: Option<String>,

    /// Output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<u8> {
    let config = Config::read(&arguments.file.config);
    let found = match (&arguments.key, &arguments.origin) {
        (Some(path), Some(origin)) => {
            let log_dir = config.as_ref().map_or(Path::new("/nonexistent"), |c| &c.log_dir);
            let log = config.as_ref().ok().and_then(|config| in_force(&config.log_dir).ok());
            of_file(path, origin, log_dir, log.as_ref())?
        }
        (Some(path), None) => {
            let config = config.context("which log is it for? Name it with --origin")?;
            let origin = file::origin(&config.log_dir)?;
            let log = in_force(&config.log_dir).ok();
            of_file(path, &origin, &config.log_dir, log.as_ref())?
        }
        (None, _) => of_log(&config?)?,
    };
    if arguments.output == Format::Json {
        println!("{}", serde_json::to_string_pretty(&found)?);
    } else {
        print(&found);
    }
    Ok(exit::OK)
}

fn of_file(path: &Path, origin: &str, log_dir: &Path, log: Option<&InForce>) -> Result<Value> {
    let key = LogKey::read(path, origin, log_dir)?;
    let (vkey, commitment) = (key.vkey(), commitment(&key.vkey()));
    let is = log.map(|log| role(&vkey, &commitment, log));
    Ok(json!({"file": path, "vkey": vkey, "commitment": commitment, "is": is}))
}

/// What a key is to a log.
fn role(vkey: &str, commitment: &str, log: &InForce) -> &'static str {
    if vkey == log.vkey {
        "in_force"
    } else if commitment == log.next {
        "next"
    } else {
        "other"
    }
}

fn of_log(config: &Config) -> Result<Value> {
    let log = in_force(&config.log_dir)?;
    let held = LogKey::read(&config.key_file, &log.origin, &config.log_dir);
    let (is, why) = match &held {
        Ok(key) => (Some(role(&key.vkey(), &commitment(&key.vkey()), &log)), None),
        Err(error) => (None, Some(error.to_string())),
    };
    Ok(json!({
        "origin": log.origin,
        "vkey": log.vkey,
        "since_seq": log.since,
        "next": log.next,
        "key_file": {"path": config.key_file, "is": is, "error": why},
    }))
}

fn print(found: &Value) {
    let text = |key: &str| found[key].as_str().unwrap_or_default();
    if found.get("file").is_some() {
        println!("public key: {}", text("vkey"));
        println!("commitment: {}", text("commitment"));
        match text("is") {
            "in_force" => println!("It is the key that signs the log now."),
            "next" => println!("It is the next key: the log has committed to it."),
            "other" => println!("It neither signs the log now, nor is it the next key."),
            _ => {}
        }
        return;
    }
    println!("log:      {}", text("origin"));
    println!("key:      {}", text("vkey"));
    println!("          in force since line {}", found["since_seq"]);
    println!("next key: {}", text("next"));
    println!("          the SHA-256 of its text, by which the log committed to it");
    let file = &found["key_file"];
    let path = file["path"].as_str().unwrap_or_default();
    match file["is"].as_str() {
        Some("in_force") => println!("log.key_file {path} holds the key in force."),
        Some("next") => println!(
            "log.key_file {path} holds the next key, to which the log has not changed: put the key in force back, \
             then run `revoked key rotate`"
        ),
        Some(_) => println!(
            "log.key_file {path} holds another key; after a change of key that was cut off, run that `revoked key \
             rotate` again"
        ),
        None => println!("log.key_file was not read: {}", file["error"].as_str().unwrap_or(path)),
    }
    println!();
    println!("For auditors, by another way than the log; they check with");
    println!("  revoked verify LOG --key '{}'", text("vkey"));
}
