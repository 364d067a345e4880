//! `revoked log accept-loss`: going on after a log was damaged or lost, and saying so for ever.

use crate::audit::file::{self, LogError};
use crate::audit::key::LogKey;
use crate::audit::keys::{self, id_of};
use crate::audit::replace::{Plan, Replacement, pending};
use crate::audit::verify::{GoodCheckpoint, Options, Outcome, Vkey};
use crate::cli::agent::instance;
use crate::cli::exit;
use crate::cli::init::{default_origin, new_key};
use crate::cli::verify::check;
use crate::clock;
use crate::config::Config;
use crate::domain::hex::hex;
use crate::journal::{self, JournalError};
use crate::store::Store;
use anyhow::{Context as _, Result, anyhow, bail};
use secrecy::ExposeSecret as _;
use std::path::{Path, PathBuf};

/// Begin a new log after the old one was damaged or lost
///
/// Only when no backup has what is missing. Shows what would be lost, and with --yes begins a new log, with a new name and
/// new keys, that says from which checkpoint it goes on and how many records are missing. The old files are kept,
/// read-only. With the agent stopped; cut off at any point, the same command again finishes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    file: crate::cli::client::ConfigFile,

    /// Do it
    #[arg(long, requires = "new_next")]
    yes: bool,

    /// File to make for the next key of the new log; never in the log's directory
    #[arg(long, value_name = "FILE")]
    new_next: Option<PathBuf>,
}

/// What is wrong, and what of the log is good.
struct Damage {
    why: String,
    good: Option<GoodCheckpoint>,
    /// Records of which the store knows that they were in the log, and which are not below the good checkpoint.
    unrecorded: Option<u64>,
}

/// What the command works with, once it is alone.
struct Scene<'a> {
    config: &'a Config,
    lock: Replacement,
    store: Store,
    /// Name of the old log.
    origin: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let config = Config::read(&arguments.file.config)?;
    let dir = &config.log_dir;
    if !dir.exists() {
        bail!(
            "the log's directory {} is not there; make it, empty, then run this again",
            dir.display()
        );
    }
    let lock = Replacement::lock(dir).map_err(locked)?;
    let store = Store::open(config.store.expose_secret()).await?;
    let origin = match store.meta("origin").await? {
        Some(origin) => Some(origin),
        None => file::origin(dir).ok(),
    };
    let scene = Scene { config: &config, lock, store, origin };
    let done = match (pending(dir)?, arguments.new_next.filter(|_| arguments.yes)) {
        (Some((place, plan)), Some(_)) => scene.carry_out(&place, &plan).await,
        (Some((place, _)), None) => Err(anyhow!(
            "accept-loss was begun and not finished ({}); run it again with --yes",
            place.display()
        )),
        (None, next) => scene.begin(next.as_deref()).await,
    };
    scene.store.close().await;
    done
}

fn locked(error: LogError) -> anyhow::Error {
    if matches!(error, LogError::Locked { .. }) {
        return anyhow!(
            "the agent is running, and what it writes is good. Stop it (systemctl stop revoked) if it has to be; \
             nothing was changed"
        );
    }
    error.into()
}

impl Scene<'_> {
    async fn begin(&self, new_next: Option<&Path>) -> Result<u8> {
        let Some(damage) = self.damage().await? else {
            bail!(
                "the log is sound and fits the store: there is no loss to accept; nothing was changed"
            );
        };
        self.show(&damage).await?;
        let Some(new_next) = new_next else {
            println!();
            println!(
                "Nothing was changed. Look for a backup first, of log and store from one moment. If there is none:"
            );
            println!("  revoked log accept-loss --yes --new-next FILE");
            return Ok(exit::OK);
        };
        let origin = new_origin(self.origin.as_deref())?;
        let key = self.made(&staged(&self.config.key_file), &origin)?;
        let next = self.made(new_next, &origin).context("--new-next")?;
        if key.vkey() == next.vkey() {
            bail!("--new-next: {} is to be another file", new_next.display());
        }
        let plan = Plan {
            at: clock::now().to_string(),
            origin,
            key: key.vkey(),
            next: next.vkey(),
            continues: damage.good.map(|good| good.note),
            unrecorded: damage.unrecorded,
            files: self.lock.files()?,
        };
        let place = self.lock.begin(&plan)?;
        let done = self.carry_out(&place, &plan).await?;
        println!("the key after that is in {}: MOVE IT AWAY NOW, offline", new_next.display());
        Ok(done)
    }

    /// A new key, or the one that an attempt before this made.
    fn made(&self, path: &Path, origin: &str) -> Result<LogKey> {
        if path.exists() {
            return Ok(LogKey::read(path, origin, &self.config.log_dir)?);
        }
        let key = new_key(origin)?;
        keys::place(&key, path, &self.config.log_dir)?;
        Ok(key)
    }

    /// What is wrong with the log, if anything is.
    async fn damage(&self) -> Result<Option<Damage>> {
        let dir = &self.config.log_dir;
        let names = self.lock.files()?;
        if names.is_empty() {
            if self.store.landed_mark().await?.is_none() {
                bail!("there is no log, and the store knows of none: `revoked init` makes one");
            }
            let why = format!("no file of the log is left in {}", dir.display());
            return Ok(Some(self.measured(why, None, true).await?));
        }
        let key = self.origin.as_deref().and_then(|origin| {
            let key = LogKey::read(&self.config.key_file, origin, dir).ok()?;
            Vkey::parse(&key.vkey()).ok()
        });
        let pinned = key.is_some();
        let files: Vec<PathBuf> = names.iter().map(|name| dir.join(name)).collect();
        let report = check(&files, &Options { key, ..Options::default() })?;
        let good = report.last_checkpoint.clone().filter(|_| report.key_pinned || !pinned);
        let sound = match report.outcome {
            Outcome::Verified | Outcome::NotProved | Outcome::Incomplete => good.as_ref(),
            Outcome::Error | Outcome::Tampered | Outcome::HistoryDiffers => None,
        };
        let Some(newest) = sound else {
            let said = report
                .fault
                .map(|fault| format!("{}, line {}: {}", fault.file, fault.line, fault.sentence));
            let why = said.unwrap_or_else(|| "nothing in it is sealed".to_owned());
            return Ok(Some(self.measured(format!("it is damaged: {why}"), good, true).await?));
        };
        if report.origin != self.origin {
            let why = format!(
                "it is the log {}, but the store belongs to {}",
                report.origin.unwrap_or_default(),
                self.origin.as_deref().unwrap_or("no log")
            );
            return Ok(Some(self.measured(why, None, false).await?));
        }
        match journal::fits(&self.store, dir, newest.size).await {
            Ok(()) => Ok(None),
            Err(JournalError::Misfit(why)) => {
                let behind =
                    self.store.landed_mark().await?.is_some_and(|(seq, _)| seq > newest.size);
                Ok(Some(
                    self.measured(format!("store and log do not fit: {why}"), good, behind).await?,
                ))
            }
            Err(JournalError::Log(error)) => {
                Ok(Some(self.measured(error.to_string(), good, true).await?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// With the number of records that are missing, where it `is_known`.
    async fn measured(
        &self,
        why: String,
        good: Option<GoodCheckpoint>,
        is_known: bool,
    ) -> Result<Damage> {
        let from = good.as_ref().map_or(0, |good| good.size);
        let count = self.store.landed_from(from).await?;
        Ok(Damage { why, good, unrecorded: is_known.then_some(count) })
    }

    async fn show(&self, damage: &Damage) -> Result<()> {
        println!("{}", damage.why);
        match &damage.good {
            Some(good) => println!(
                "last good checkpoint: over {} lines, {} line {}",
                good.size, good.file, good.line
            ),
            None => println!("last good checkpoint: none"),
        }
        let count = damage.unrecorded.map_or("not known".to_owned(), |count| count.to_string());
        println!("records beyond it that the store knows to have been in the log: {count}");
        println!(
            "records that wait for a log: {}; they land in the new one",
            self.store.queued_count().await?
        );
        Ok(())
    }

    async fn carry_out(&self, place: &Path, plan: &Plan) -> Result<u8> {
        let instance = instance(&self.config.log_dir)?;
        self.store.claim(&instance, clock::now()).await?;
        let (path, staged) = (&self.config.key_file, staged(&self.config.key_file));
        let read = |path: &Path, origin: &str| LogKey::read(path, origin, &self.config.log_dir);
        let from = if staged.exists() { &staged } else { path };
        let key = read(from, &plan.origin)?;
        if key.vkey() != plan.key {
            bail!("{} does not hold the new log's key, {}; put it there", from.display(), plan.key);
        }
        let genesis = self.lock.carry_out(place, plan, &key)?;
        let mut kept = None;
        if staged.exists() {
            // Killed between the next two steps, it is there already.
            let there = read(path, &plan.origin).is_ok_and(|there| there.vkey() == plan.key);
            if !there {
                let old = self.origin.as_deref().and_then(|origin| read(path, origin).ok());
                let id = old.map_or("unread".to_owned(), |old| id_of(&old.vkey()).to_owned());
                kept = keys::replace(path, &id, &key)?;
            }
            std::fs::remove_file(&staged)
                .with_context(|| format!("removing {}", staged.display()))?;
        }
        self.store.move_to_log(&plan.origin, &genesis.hash).await?;
        self.store.release(&instance, clock::now()).await?;
        self.lock.finish(place)?;
        println!();
        println!("the new log {} goes on in {}", plan.origin, self.config.log_dir.display());
        println!("the old files are in {}, read-only: keep them as evidence", place.display());
        if let Some(kept) = kept {
            println!("the old key is in {}", kept.display());
        }
        println!("public key: {}", plan.key);
        println!(
            "Give it to your auditors, by another way than the log: the old key does not prove the new log."
        );
        Ok(exit::OK)
    }
}

/// Where the new log's key is until it comes into force.
fn staged(key_file: &Path) -> PathBuf {
    let name = key_file.file_name().unwrap_or_default().to_string_lossy();
    key_file.with_file_name(format!("{name}.new-log"))
}

/// As the old one, with another end.
fn new_origin(old: Option<&str>) -> Result<String> {
    let is_tail = |tail: &str| tail.len() == 16 && tail.bytes().all(|b| b.is_ascii_hexdigit());
    match old.and_then(|old| old.rsplit_once('/')) {
        Some((name, tail)) if is_tail(tail) => {
            Ok(format!("{name}/{}", hex(&clock::random::<8>()?)))
        }
        _ => default_origin(),
    }
}
