//! `revoked key rotate`: the next key comes into force.

use crate::audit::file::{self, LogError, LogFile};
use crate::audit::key::{KeyError, LogKey, commitment};
use crate::audit::keys::{self, InForce, Reason, id_of, in_force};
use crate::cli::doctor::store::existing;
use crate::cli::exit;
use crate::cli::init::new_key;
use crate::cli::output::print_wrapped;
use crate::clock;
use crate::config::Config;
use crate::journal;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// Change the key that signs the log to the next one
///
/// With the agent stopped. The next key is the one that `init` or the last change made, brought back from where it was
/// kept; the log takes no other. One record, signed by both keys, says so; then log.key_file is replaced, and the old
/// key stays beside it. Cut off at any point, the same command again finishes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    file: crate::cli::client::ConfigFile,

    /// The next key, to which the log has committed
    #[arg(long, value_name = "FILE")]
    next_key: PathBuf,

    /// File to make for the key after that; never in the log's directory, and best on a medium that is taken away
    #[arg(long, value_name = "FILE")]
    new_next: PathBuf,

    /// Why; with `compromised` the log says that somebody else may have had the old key
    #[arg(long, value_enum, default_value_t)]
    reason: Why,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Why {
    /// As planned
    #[default]
    Scheduled,
    /// Somebody else may have the key
    Compromised,
}

pub(super) async fn run(arguments: &Arguments) -> Result<u8> {
    let config = Config::read(&arguments.file.config)?;
    let log = in_force(&config.log_dir)?;
    let read = |path: &Path| LogKey::read(path, &log.origin, &config.log_dir);
    let next = read(&arguments.next_key).context("--next-key")?;
    let old = read(&config.key_file)?;
    if next.vkey() == log.vkey {
        return finish(arguments, &config, &log, &old, &next).await;
    }
    if commitment(&next.vkey()) != log.next {
        bail!(
            "--next-key: {} holds {}, but the log has committed to the key whose text has the SHA-256 {}. \
             `revoked key show --file` tells of each file which key it is; nothing was changed",
            arguments.next_key.display(),
            next.vkey(),
            log.next
        );
    }
    let reason = match arguments.reason {
        Why::Scheduled => Reason::Scheduled,
        Why::Compromised => Reason::Compromised,
    };
    let mut file = open(&config, old).await?;
    let after = after(arguments, &config, &log)?;
    let landed = file.change_key(next, &after.vkey(), reason, clock::now())?;
    println!("the log is signed by the new key since line {}", landed.seq);
    let (next, old) = (read(&arguments.next_key)?, read(&config.key_file)?);
    swap(&config, &old, &next)?;
    drop(file);
    tell(arguments, &config, &next);
    Ok(exit::OK)
}

/// Opens the log, once the store was asked what is known to be in it: nothing is moved away, and nothing signed, where some
/// of that is not.
async fn open(config: &Config, key: LogKey) -> Result<LogFile> {
    let lock = file::lock(&config.log_dir).map_err(locked)?;
    // Before the lock was there, the agent may have written on.
    let log = in_force(&config.log_dir)?;
    let told = told(config, &log).await.context("nothing was changed")?;
    Ok(LogFile::open_known(lock, key, told, clock::now())?)
}

/// The newest line that somebody may have been told of, if there is a store that knows.
async fn told(config: &Config, log: &InForce) -> Result<Option<u64>> {
    let store = existing(config).await.context("asking the store what is in the log")?;
    let Some(store) = store else { return Ok(None) };
    let read = async {
        journal::fits(&store, &config.log_dir, log.lines.saturating_sub(1)).await?;
        anyhow::Ok(store.landed_mark().await?.map_or(0, |(seq, _)| seq))
    };
    let told = read.await;
    store.close().await;
    told.map(Some)
}

/// The log names the new key already.
async fn finish(
    arguments: &Arguments,
    config: &Config,
    log: &InForce,
    old: &LogKey,
    next: &LogKey,
) -> Result<u8> {
    if old.vkey() == next.vkey() {
        println!("nothing to do: the log is signed by this key since line {}", log.since);
        return Ok(exit::OK);
    }
    // Whoever has the lock is alone with the key file, too.
    let copy = LogKey::read(&arguments.next_key, &log.origin, &config.log_dir)?;
    let file = open(config, copy).await?;
    println!("the log is signed by the new key since line {}", log.since);
    swap(config, old, next)?;
    drop(file);
    let made = LogKey::read(&arguments.new_next, &log.origin, &config.log_dir);
    if made.is_ok_and(|key| commitment(&key.vkey()) == log.next) {
        tell(arguments, config, next);
        return Ok(exit::OK);
    }
    println!("public key: {}", next.vkey());
    tell_others(config);
    println!(
        "{} does not hold the next key that the log has committed to (SHA-256 {}): look for it where this command \
         was told to put it first",
        arguments.new_next.display(),
        log.next
    );
    Ok(exit::OK)
}

fn locked(error: LogError) -> anyhow::Error {
    if matches!(error, LogError::Locked { .. }) {
        return anyhow::anyhow!(
            "the agent is running, and it alone writes the log. Stop it (systemctl stop revoked), run this again, \
             then start it. Nothing was changed"
        );
    }
    error.into()
}

/// The key after the next one: a new one, or the one that an attempt before this made.
fn after(arguments: &Arguments, config: &Config, log: &InForce) -> Result<LogKey> {
    let path = &arguments.new_next;
    if path.exists() {
        let made = LogKey::read(path, &log.origin, &config.log_dir).context("--new-next")?;
        let known = keys::named(&config.log_dir)?;
        if known.contains(&made.vkey()) || commitment(&made.vkey()) == log.next {
            bail!(
                "--new-next: {} holds a key that the log has already; name a file to make",
                path.display()
            );
        }
        return Ok(made);
    }
    let key = new_key(&log.origin)?;
    keys::place(&key, path, &config.log_dir).context("--new-next")?;
    Ok(key)
}

fn swap(config: &Config, old: &LogKey, new: &LogKey) -> Result<(), KeyError> {
    let kept = keys::replace(&config.key_file, id_of(&old.vkey()), new)?;
    println!("{} holds the new key", config.key_file.display());
    if let Some(kept) = kept {
        println!("the old key is in {}: archive it offline, or destroy it", kept.display());
    }
    Ok(())
}

fn tell(arguments: &Arguments, config: &Config, new: &LogKey) {
    println!(
        "the key after it is in {}: MOVE IT AWAY NOW, offline. {} is not needed any more",
        arguments.new_next.display(),
        arguments.next_key.display()
    );
    println!("public key: {}", new.vkey());
    tell_others(config);
}

/// What others have to do, and what they need not.
fn tell_others(config: &Config) {
    let names: Vec<&str> = config.anchors.witnesses.iter().map(|one| one.name.as_str()).collect();
    let whose = if names.is_empty() {
        "each witness, if there are any".to_owned()
    } else {
        names.join(", ")
    };
    print_wrapped(
        "witnesses:  ",
        &format!(
            "give this key to the operators of {whose}, before you start the agent: they add it as a second --log and \
             keep the first. Until then a witness answers 403, and no checkpoint is cosigned."
        ),
    );
    print_wrapped(
        "log.vkey:   ",
        "the file that `revoked init` made has the first key. Auditors may go on with the key they have: it vouches \
         for this one. To whom you give the log from now on you may give either, but a new witness needs this one.",
    );
}
