//! `revoked init`: keys, the log's first lines, a configuration, and what the agent's role needs.

mod grants;

use super::{Usage, exit, values};
use crate::audit::file;
use crate::audit::key::LogKey;
use crate::audit::verify::Vkey;
use crate::clock;
use crate::domain::hex::hex;
use anyhow::{Context as _, Result, bail};
use secrecy::{ExposeSecret as _, SecretString};
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Make a configuration, the signing keys and the log's first lines
///
/// Prints the public key to give to auditors, and writes a psql script per cluster that makes the agent's role;
/// it fits the server if that answers, else every version. Never overwrites anything.
///
/// Exit status: 0 made, or the script printed; 1 it could not be made, or it is there already.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Directory to make; it will hold revoked.yaml and the agent's state
    #[arg(required_unless_present = "grants_only", conflicts_with = "grants_only")]
    dir: Option<PathBuf>,

    /// A cluster to look at, as NAME=URL; repeatable
    #[arg(long, value_name = "NAME=URL")]
    target: Vec<SecretString>,

    /// Name of the log, the first line that is signed; made from the host's name if not given
    #[arg(long, value_name = "NAME")]
    #[arg(conflicts_with = "grants_only", value_parser = values::origin)]
    origin: Option<String>,

    /// Print the script of grants and make nothing; with one --target for that cluster
    #[arg(long)]
    grants_only: bool,

    #[command(flatten)]
    grants: grants::Options,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    let targets = arguments
        .target
        .iter()
        .map(|text| target(text.expose_secret()))
        .collect::<Result<Vec<_>>>()?;
    let Some(dir) = &arguments.dir else {
        print!("{}", grants::for_one(&targets, &arguments.grants).await?);
        return Ok(exit::OK);
    };
    if dir.join("state/log").exists() || dir.join("revoked.yaml").exists() {
        bail!("{} is set up already; nothing was changed", dir.display());
    }
    let scripts = grants::files(&targets, &arguments.grants).await?;
    let origin = match arguments.origin {
        Some(origin) => origin,
        None => default_origin()?,
    };
    let vkey = make(dir, &targets, &origin)?;
    println!("made {}", dir.display());
    println!("  revoked.yaml          the configuration; name your clusters in it");
    for (name, text) in &scripts {
        write_new(&dir.join(name), 0o644, text)?;
        println!("  {name:<21} run it with psql on each cluster, as a superuser");
    }
    println!(
        "  log.vkey              the public key; give it to your auditors, by another way than the log"
    );
    println!("  state/keys/next.key   the key after the next rotation: MOVE IT AWAY NOW, offline");
    println!("public key: {vkey}");
    let config = dir.join("revoked.yaml");
    let named = if targets.is_empty() { "name your clusters in revoked.yaml, " } else { "" };
    println!("next: {named}run {}, then", ran(&scripts));
    println!("  revoked doctor --config {}    says what is missing", config.display());
    println!("  revoked serve --config {}     begins to look", config.display());
    Ok(exit::OK)
}

/// The scripts in words.
fn ran(scripts: &[(String, String)]) -> String {
    match scripts {
        [(name, _)] => name.clone(),
        _ => "the scripts".to_owned(),
    }
}

/// Makes directories, keys, the log's first lines and the configuration; gives the public key.
fn make(dir: &Path, targets: &[Named], origin: &str) -> Result<String> {
    make_dir(dir, 0o750)?;
    for (part, mode) in [("state", 0o750), ("state/log", 0o750), ("state/keys", 0o700)] {
        make_dir(&dir.join(part), mode)?;
    }
    let (key, next) = (new_key(origin)?, new_key(origin)?);
    Vkey::parse(&key.vkey())
        .with_context(|| format!("--origin: `{origin}` cannot be the name of a log"))?;
    let keys = dir.join("state/keys");
    key.write(&keys.join("log.key"))?;
    next.write(&keys.join("next.key"))?;
    file::create(&dir.join("state/log"), &key, &next.vkey(), clock::now())?;
    write_new(&dir.join("log.vkey"), 0o644, &format!("{}\n", key.vkey()))?;
    write_new(&dir.join("revoked.yaml"), 0o640, &config_text(targets))?;
    Ok(key.vkey())
}

/// A cluster's name and URL.
type Named = (String, SecretString);

fn target(text: &str) -> Result<Named> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let named = |name: &str| !name.is_empty() && name.chars().all(plain);
    // A URL may hold a password, so what was written is not repeated.
    let Some((name, url)) = text.split_once('=').filter(|(name, _)| named(name)) else {
        let how = "write it as NAME=URL, as in orders=postgres://agent@db.example/postgres";
        return Err(Usage(format!("--target: {how}")).into());
    };
    crate::target::Target::from_url(name, url).context("--target")?;
    Ok((name.to_owned(), url.into()))
}

pub(super) fn default_origin() -> Result<String> {
    let host =
        std::fs::read_to_string("/proc/sys/kernel/hostname").context("reading the host's name")?;
    let tail = hex(&clock::random::<8>()?);
    Ok(format!("revoked/{}/{tail}", host.trim()))
}

pub(super) fn new_key(origin: &str) -> Result<LogKey> {
    let seed = Zeroizing::new(clock::random::<32>().context("making a key")?);
    Ok(LogKey::from_seed(origin, &seed))
}

fn make_dir(path: &Path, mode: u32) -> Result<()> {
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        result => result.with_context(|| format!("making the directory {}", path.display())),
    }
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("writing {}", path.display()))
}

fn config_text(targets: &[Named]) -> String {
    let mut text = CONFIG.to_owned();
    if targets.is_empty() {
        text.push_str("  {}\n#  main:\n#    url: postgres://revoked_agent@db.example/postgres\n");
    }
    for (name, url) in targets {
        // JSON strings are YAML strings.
        text =
            format!("{text}  {name}:\n    url: {}\n", serde_json::Value::from(url.expose_secret()));
    }
    text
}

const CONFIG: &str = "\
# Configuration of revoked. Relative paths are relative to this file. Secrets are best kept in files:
# url_file instead of url, token_file for tokens.

# State: store (SQLite), audit log, socket.
state_dir: state

# Metrics and probes have a listener of their own. Both are on this machine only unless you say otherwise.
#listen:
#  metrics: 127.0.0.1:7391
#  api: 127.0.0.1:7390
#  metrics_web_config: web.yml   # TLS and passwords for the metrics

# Who may send revocations over the API. Make a token with: openssl rand -hex 32
#tokens:
#  hr:
#    token_file: hr.token

# Time between looks, between the first clean look and the one that confirms it, and how long a verified
# revocation is watched.
#look_interval: 8s
#deep_interval: 5m
#verification_delay: 60s
#watch: 400d

# Time allowed per reason; these are the defaults of one of them.
#profiles:
#  terminated: {login: 15m, access: 1h, credentials: 4h}

# Clusters to look at. TLS is verified unless the URL says sslmode=disable. For a database of the provider
# that nobody else may enter, list it under shdepend_only. `required: [hba_rule, ident_map]` makes it a gap when
# pg_hba.conf or pg_ident.conf cannot be read.
targets:
";
