//! `revoked log accept-loss`: going on after a log was damaged or lost, and saying so for ever.

mod damage;

use crate::audit::file::{self, LogError};
use crate::audit::key::LogKey;
use crate::audit::keys::{self, id_of};
use crate::audit::replace::{Plan, Replacement, pending};
use crate::cli::agent::instance;
use crate::cli::exit;
use crate::cli::init::{default_origin, new_key};
use crate::clock;
use crate::config::Config;
use crate::domain::hex::hex;
use crate::store::Store;
use anyhow::{Context as _, Result, anyhow, bail};
use damage::Damage;
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
    #[arg(long)]
    yes: bool,

    /// File to make for the next key of the new log; never in the log's directory. Not needed to finish what was cut off
    #[arg(long, value_name = "FILE")]
    new_next: Option<PathBuf>,
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
    let done = scene.act(arguments.yes, arguments.new_next.as_deref()).await;
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
    async fn act(&self, yes: bool, new_next: Option<&Path>) -> Result<u8> {
        match (pending(&self.config.log_dir)?, new_next) {
            (Some((place, plan)), next) if yes => {
                self.claimed(self.go_on(&place, &plan, next)).await
            }
            (Some((place, _)), _) => Err(anyhow!(
                "accept-loss was begun and not finished ({}); run it again with --yes",
                place.display()
            )),
            (None, Some(next)) if yes => self.claimed(self.begin(next)).await,
            (None, None) if yes => {
                eprintln!(
                    "revoked: --yes makes a new log with new keys: name the file for the next one, --new-next FILE"
                );
                Ok(exit::USAGE)
            }
            (None, _) => self.look().await,
        }
    }

    /// Does the work while the store is ours: if it is somebody else's, nothing is begun.
    async fn claimed(&self, work: impl Future<Output = Result<u8>>) -> Result<u8> {
        let instance = instance(&self.config.log_dir)?;
        self.store.claim(&instance, clock::now()).await?;
        let done = work.await;
        // A claim that stays is over within a minute.
        let _ = self.store.release(&instance, clock::now()).await;
        done
    }

    async fn look(&self) -> Result<u8> {
        self.show(&self.loss().await?).await?;
        println!();
        println!(
            "Nothing was changed. Look for a backup first, of log and store from one moment. If there is none:"
        );
        println!("  revoked log accept-loss --yes --new-next FILE");
        Ok(exit::OK)
    }

    async fn loss(&self) -> Result<Damage> {
        self.damage().await?.context(
            "the log is sound and fits the store: there is no loss to accept; nothing was changed",
        )
    }

    async fn begin(&self, new_next: &Path) -> Result<u8> {
        let damage = self.loss().await?;
        self.show(&damage).await?;
        // Reading a long log takes longer than a claim lasts.
        self.store.claim(&instance(&self.config.log_dir)?, clock::now()).await?;
        let origin = new_origin(self.origin.as_deref())?;
        let next = self.made(new_next, &origin).context("--new-next")?;
        let key = self.made(&staged(&self.config.key_file), &origin)?;
        let old = LogKey::read(&self.config.key_file, &origin, &self.config.log_dir).ok();
        if key.vkey() == next.vkey() || old.is_some_and(|old| old.vkey() == next.vkey()) {
            bail!("--new-next: {} is to be another file", new_next.display());
        }
        let next_file = std::path::absolute(new_next).context("--new-next")?;
        let plan = Plan {
            at: clock::now().to_string(),
            origin,
            key: key.vkey(),
            next: next.vkey(),
            next_file: Some(next_file.to_string_lossy().into_owned()),
            continues: damage.good.map(|good| good.note),
            unrecorded: damage.unrecorded,
            files: self.lock.files()?,
        };
        let place = self.lock.begin(&plan)?;
        self.carry_out(&place, &plan, Some(new_next)).await
    }

    /// Carries out what was begun before.
    async fn go_on(&self, place: &Path, plan: &Plan, new_next: Option<&Path>) -> Result<u8> {
        if let Some(path) = new_next {
            let holds_it = match LogKey::read(path, &plan.origin, &self.config.log_dir) {
                Ok(key) => key.vkey() == plan.next,
                Err(error) if path.exists() => return Err(error).context("--new-next"),
                Err(_) => false,
            };
            if !holds_it {
                let made = plan.next_file.as_ref().map(|file| format!(", made in {file}"));
                bail!(
                    "accept-loss was begun with the next key {}{}, and {} does not hold it. Name the file that does, \
                     or leave --new-next out; nothing was changed",
                    id_of(&plan.next),
                    made.unwrap_or_default(),
                    path.display()
                );
            }
        }
        self.carry_out(place, plan, new_next).await
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

    async fn show(&self, damage: &Damage) -> Result<()> {
        println!("{}", damage.why);
        match &damage.good {
            Some(good) => println!(
                "last good checkpoint: over {} lines, {} line {}{}",
                good.size,
                good.file,
                good.line,
                damage.signed_by.as_ref().map_or(String::new(), |id| format!(
                    ", signed by the key {id}, which log.key_file followed"
                ))
            ),
            None => println!("last good checkpoint: none"),
        }
        if damage.unseen > 0 {
            println!(
                "not looked at: the {} lines before, whose files are not in {}. If you have them elsewhere, keep them, \
                 with their public key: they are part of the old log. To have them looked at, put them back first",
                damage.unseen,
                self.config.log_dir.display()
            );
        }
        let count = damage.unrecorded.map_or("not known".to_owned(), |count| count.to_string());
        println!("records beyond it that the store knows to have been in the log: {count}");
        println!(
            "records that wait for a log: {}; they land in the new one",
            self.store.queued_count().await?
        );
        Ok(())
    }

    async fn carry_out(&self, place: &Path, plan: &Plan, new_next: Option<&Path>) -> Result<u8> {
        let key_file = &self.config.key_file;
        let staged = staged(key_file);
        let read = |path: &Path, origin: &str| LogKey::read(path, origin, &self.config.log_dir);
        let from = if staged.exists() { &staged } else { key_file };
        let key = read(from, &plan.origin)?;
        if key.vkey() != plan.key {
            bail!("{} does not hold the new log's key, {}; put it there", from.display(), plan.key);
        }
        let genesis = self.lock.carry_out(place, plan, &key)?;
        let mut kept = None;
        if staged.exists() {
            // Killed between the next two steps, it is there already.
            let there = read(key_file, &plan.origin).is_ok_and(|there| there.vkey() == plan.key);
            if !there {
                let old = self.origin.as_deref().and_then(|origin| read(key_file, origin).ok());
                let id = old.map_or("unread".to_owned(), |old| id_of(&old.vkey()).to_owned());
                kept = keys::replace(key_file, &id, &key)?;
            }
            std::fs::remove_file(&staged)
                .with_context(|| format!("removing {}", staged.display()))?;
        }
        self.store.move_to_log(&plan.origin, &hex(&genesis.hash)).await?;
        // Told before it is done: cut off in between, it is told again.
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
        println!("{}", warning(plan, new_next));
        self.lock.finish(place)?;
        Ok(exit::OK)
    }
}

/// Where the next key is, and where it belongs.
fn warning(plan: &Plan, given: Option<&Path>) -> String {
    let id = id_of(&plan.next);
    let file = given.map(Path::to_path_buf).or(plan.next_file.as_ref().map(PathBuf::from));
    match file {
        Some(file) if file.exists() => {
            format!("the key after that, {id}, is in {}: MOVE IT AWAY NOW, offline", file.display())
        }
        Some(file) => format!(
            "the key after that, {id}, was made in {}, and is there no more. If it does not lie offline yet, MOVE IT \
             AWAY NOW: without it the key can never be changed",
            file.display()
        ),
        None => format!("the key after that is {id}: MOVE IT AWAY NOW, offline"),
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
