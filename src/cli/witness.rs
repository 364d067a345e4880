//! `revoked witness`: keep an eye on somebody else's log.

use super::{exit, serve, values};
use crate::audit::cosign::{Cosigner, cosigner};
use crate::audit::key::LogKey;
use crate::audit::verify::Vkey;
use crate::clock;
use crate::http;
use crate::supervise::Supervisor;
use crate::witness::{self, Witness};
use anyhow::{Context as _, Result, bail};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

/// Answers in flight get as long.
const GRACE: Duration = Duration::from_secs(10);

/// Witness the logs of others: sign only what continues what was seen (C2SP tlog-witness)
///
/// For another team on another host: it keeps size and root of each log, so that whoever has a log's key and disk cannot
/// cut or rewrite it unseen. Make it once with --init, which prints its public key for log.witnesses of the agent. It
/// speaks plain HTTP, POST /add-checkpoint; put a reverse proxy with TLS before it. Requests need no password: the log's
/// signature is one.
///
/// Exit status: 0 stopped in order; 1 something failed, the last line on stderr says what.
#[derive(Debug, clap::Args)]
#[command(override_usage = "revoked witness --init --name NAME --key FILE --state DIR\n       \
                      revoked witness --name NAME --key FILE --state DIR --log VKEY… [OPTIONS]")]
pub(super) struct Arguments {
    /// Make the key and an empty state, print the public key, and stop
    #[arg(long)]
    init: bool,

    /// Name of this witness, such as witness.example/audit-team
    #[arg(long, value_name = "NAME", value_parser = values::origin)]
    name: String,

    /// Its signing key: a file of its own, mode 0600, outside the state
    #[arg(long, value_name = "FILE")]
    key: PathBuf,

    /// What it remembers. Never restore it from a backup: an older copy has forgotten what it signed
    #[arg(long, value_name = "DIR")]
    state: PathBuf,

    /// Public key of a log to witness, as text or as a file that holds it; repeatable. Two of one log while it
    /// changes its key
    #[arg(long, value_name = "VKEY", required_unless_present = "init")]
    log: Vec<String>,

    /// Address to listen at
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7392")]
    listen: SocketAddr,

    #[command(flatten)]
    logging: super::log::LogArguments,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    if arguments.init {
        return init(&arguments);
    }
    super::log::start(&arguments.logging);
    let logs = arguments.log.iter().map(|text| vkey(text)).collect::<Result<Vec<_>>>()?;
    let key = LogKey::read(&arguments.key, &arguments.name, &arguments.state)?;
    let own = cosigner(&key);
    let origins = logs.iter().map(Vkey::origin).collect::<Vec<_>>().join(", ");
    let witness = Arc::new(Witness::open(&arguments.state, key, logs)?);
    let terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let interrupt = signal(SignalKind::interrupt()).context("waiting for SIGINT")?;
    let listener = serve::bind("--listen", arguments.listen)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = arguments.listen.to_string(),
        vkey = own,
        origins,
        "the witness runs"
    );
    let mut supervisor = Supervisor::default();
    let stop = supervisor.stop_token();
    let router = witness::router(witness);
    let limits = http::Limits::default();
    supervisor.spawn("serving", http::serve(listener, router, limits, stop.clone(), Arc::new(())));
    supervisor.spawn("waiting for signals", serve::wait_for_signals(terminate, interrupt, stop));
    supervisor.run(GRACE).await?;
    tracing::info!("stopped");
    Ok(exit::OK)
}

fn init(arguments: &Arguments) -> Result<u8> {
    let seed = Zeroizing::new(clock::random::<32>().context("making a key")?);
    let key = LogKey::from_seed(&arguments.name, &seed);
    Cosigner::parse(&cosigner(&key))
        .with_context(|| format!("--name: `{}` cannot be the name of a witness", arguments.name))?;
    key.write(&arguments.key)?;
    witness::create(&arguments.state, &key)?;
    // Refused now rather than at the first start.
    LogKey::read(&arguments.key, &arguments.name, &arguments.state)?;
    println!("{}", cosigner(&key));
    Ok(exit::OK)
}

fn vkey(text: &str) -> Result<Vkey> {
    let path = Path::new(text);
    let read = if path.is_file() {
        std::fs::read_to_string(path).with_context(|| format!("--log: reading {text}"))?
    } else {
        text.to_owned()
    };
    match Vkey::parse(read.trim()) {
        Ok(key) => Ok(key),
        Err(error) => bail!("--log: {text} is neither a file with a public key nor one: {error}"),
    }
}
