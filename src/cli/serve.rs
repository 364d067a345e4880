//! `revoked serve`: the agent.

use super::agent::Agent;
use super::exit;
use crate::anchor::Anchors;
use crate::audit::format;
use crate::clock;
use crate::config::{Config, Live};
use crate::deliver::Deliverer;
use crate::http::{self, App, Listener};
use crate::inbox::Inbox;
use crate::intake::ssf::{self, Receiver};
use crate::reconcile::{Reconciler, target_of};
use crate::reload::Reloader;
use crate::supervise::{Stopped, Supervisor};
use crate::systemd;
use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Everything has to end within this time after a stop.
const GRACE: Duration = Duration::from_secs(10);

/// Run the agent: look, judge, record, and answer
///
/// Stops on SIGTERM or SIGINT within ten seconds and loses nothing. Never makes a log: `revoked init` does.
///
/// Exit status: 0 stopped in order; 1 something failed, the last line on stderr says what; 5 a witness holds another
/// history of the log, so it did not start.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    file: super::client::ConfigFile,

    #[command(flatten)]
    log: super::log::LogArguments,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> Result<u8> {
    super::log::start(&arguments.log);
    let (live, replacer) = Live::new(Config::read(&arguments.file.config)?);
    let config = live.current();
    usable(&config)?;
    let agent = Agent::open(&live).await?;
    let (journal, metrics) = (agent.journal.clone(), agent.metrics.clone());
    let (reloader, asker) = Reloader::new(replacer, journal.clone(), metrics.clone(), usable)?;
    let reconciler =
        Reconciler::new(journal.clone(), agent.board.clone(), live.clone(), metrics.clone());
    let reconciler = Arc::new(reconciler.await?);
    let (intake, seen) = (agent.intake.clone(), agent.metrics.clone());
    let app = App {
        signals: Arc::new(Receiver::new(intake, live.clone(), seen)?),
        intake: agent.intake.clone(),
        board: agent.board.clone(),
        config: live,
        reload: asker,
        journal,
        metrics,
        rates: Arc::default(),
    };
    http::notices::show_levels(&app).await.context("reading when the sources were last heard")?;
    let anchors = Anchors::new(agent.journal.clone(), app.config.clone(), app.metrics.clone())?;
    if let Err(contradiction) = anchors.begin().await {
        eprintln!("revoked: HISTORY DIFFERS: {contradiction}");
        // Nothing more is written: what is queued would be another history, too.
        agent.abandon().await?;
        return Ok(exit::DIFFERS);
    }
    let listeners = listen(&config, &app)?;
    agent.journal.note(format::START, &started(&config)?).await?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        targets = config.targets.len(),
        api = config.api_listen.to_string(),
        metrics = config.metrics_listen.to_string(),
        vkey = agent.journal.vkey(),
        "the agent runs"
    );
    let inbox = Inbox::new(agent.intake.clone(), app.config.clone(), agent.metrics.clone());
    let deliverer =
        Deliverer::new(agent.journal.clone(), app.config.clone(), agent.metrics.clone());
    deliverer.begin().await.context("writing down who is told")?;
    let beside = (reloader, anchors, inbox, deliverer);
    let result = work(&agent, reconciler, beside, listeners, status(&config)).await;
    let _ = std::fs::remove_file(&config.socket);
    // After a task was cut off in the middle nobody knows what it had appended; the next start finds out.
    if !matches!(
        result.as_ref().map_err(anyhow::Error::downcast_ref),
        Err(Some(Stopped::Stuck { .. }))
    ) {
        let left = agent.journal.drain().await;
        let stopped = agent.journal.note(format::STOP, &Map::new()).await;
        if result.is_ok() {
            left.and(stopped).context("writing the last records")?;
        }
    }
    result?;
    agent.leave().await?;
    tracing::info!("stopped");
    Ok(exit::OK)
}

/// Work that queues records: the journal ends after all of it.
type Part = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

async fn work(
    agent: &Agent,
    reconciler: Arc<Reconciler>,
    (reloader, anchors, inbox, deliverer): (Reloader, Anchors, Inbox, Deliverer),
    listeners: Vec<(&'static str, Listener, axum::Router)>,
    status: String,
) -> Result<()> {
    // Before anybody can be told that the agent is ready: until then a signal ends it on the spot.
    let terminate = signal(SignalKind::terminate()).context("waiting for SIGTERM")?;
    let interrupt = signal(SignalKind::interrupt()).context("waiting for SIGINT")?;
    let mut supervisor = Supervisor::default();
    let (stop, pulses) = (supervisor.stop_token(), supervisor.pulses());
    let producer = Arc::new(());
    let (levels, last) = (reconciler.clone(), stop.clone());
    supervisor.spawn("showing the levels", async move { levels.run_levels(last).await });
    let (part, last) = (reconciler.clone(), stop.clone());
    let mut produce = |name: &str, part: Part| {
        let held = producer.clone();
        supervisor.spawn(name, async move {
            let result = part.await;
            drop(held);
            result
        });
    };
    produce("ending exceptions", Box::pin(async move { part.run_exceptions(last).await }));
    let (part, last) = (reconciler.clone(), stop.clone());
    produce("chasing consumers", Box::pin(async move { part.run_campaigns(last).await }));
    let (part, last) = (reconciler.clone(), stop.clone());
    let pulse = pulses.watch("asking external systems", systemd::LOOK);
    produce(
        "asking external systems",
        Box::pin(async move { part.run_external(last, pulse).await }),
    );
    let (last, watched) = (stop.clone(), pulses.clone());
    let looking = async move { reconciler.run_targets(last, watched, systemd::LOOK).await };
    produce("looking at the targets", Box::pin(looking));
    let (intake, last) = (agent.intake.clone(), stop.clone());
    let opening = async move { intake.run_register(last).await };
    produce("going through the register of secrets", Box::pin(opening));
    let (intake, last) = (agent.intake.clone(), stop.clone());
    let suspending = async move { intake.run_inactivity(last).await };
    produce("going through accounts that nobody uses", Box::pin(suspending));
    produce("reloading the configuration", Box::pin(reloader.run(stop.clone())));
    produce("giving checkpoints away", Box::pin(anchors.run(stop.clone())));
    produce("reading the inbox", Box::pin(inbox.run(stop.clone())));
    produce("telling people", Box::pin(deliverer.run(stop.clone())));
    for (task, listener, router) in listeners {
        let limits = http::Limits::default();
        supervisor
            .spawn(task, http::serve(listener, router, limits, stop.clone(), producer.clone()));
    }
    let (journal, last) = (agent.journal.clone(), stop.clone());
    supervisor.spawn("checking the audit log", async move { journal.run_check(last).await });
    let (journal, last) = (agent.journal.clone(), stop.clone());
    supervisor.spawn("watching the store", async move { journal.run_store_watch(last).await });
    let (journal, instance) = (agent.journal.clone(), agent.instance.clone());
    let (producers, last) = (Arc::downgrade(&producer), stop.clone());
    let pulse = pulses.watch("the journal", systemd::JOURNAL);
    supervisor
        .spawn("the journal", async move { journal.run(&instance, last, producers, &pulse).await });
    drop(producer);
    supervisor.spawn("waiting for signals", wait_for_signals(terminate, interrupt, stop.clone()));
    supervisor.spawn("telling systemd", systemd::keep_told(status, pulses, stop));
    Ok(supervisor.run(GRACE).await?)
}

/// What the form of the file does not show: that every URL is one of Postgres, and every key one of a witness.
pub(super) fn usable(config: &Config) -> Result<()> {
    for target in &config.targets {
        target_of(target)
            .with_context(|| format!("{}: targets.{}.url", config.path.display(), target.name))?;
    }
    crate::anchor::usable(&config.anchors).with_context(|| config.path.display().to_string())?;
    crate::deliver::usable(config).with_context(|| config.path.display().to_string())?;
    http::usable(config).with_context(|| config.path.display().to_string())?;
    ssf::usable(&config.ssf).with_context(|| config.path.display().to_string())
}

fn listen(config: &Config, app: &App) -> Result<Vec<(&'static str, Listener, axum::Router)>> {
    let web = Arc::new(http::Web::new(app.config.clone())?);
    let telemetry = http::telemetry(app.clone(), web.clone());
    let metrics = bind("listen.metrics", config.metrics_listen)?.guarded(web);
    let api = http::api(app.clone());
    Ok(vec![
        ("serving metrics", metrics, telemetry),
        ("serving the API", bind("listen.api", config.api_listen)?, api.clone()),
        ("serving the socket", bind_socket(&config.socket)?, api),
    ])
}

pub(super) fn bind(key: &str, address: SocketAddr) -> Result<Listener> {
    Listener::tcp(address).with_context(|| {
        format!(
            "{key}: listening on {address} (is another agent running? give this one another port)"
        )
    })
}

/// We hold the log's lock, so a socket file that is there is a dead agent's.
fn bind_socket(path: &Path) -> Result<Listener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error)
                .with_context(|| format!("removing the old socket {}", path.display()));
        }
        _ => {}
    }
    let listener = UnixListener::bind(path)
        .with_context(|| format!("making the socket {}", path.display()))?;
    if let Some(group) = group_id("revoked") {
        std::os::unix::fs::chown(path, None, Some(group))
            .with_context(|| format!("giving the socket {} to group revoked", path.display()))?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))
        .with_context(|| format!("setting the mode of the socket {}", path.display()))?;
    Ok(Listener::Unix(listener))
}

/// Id of a group of this machine (`/etc/group`).
fn group_id(name: &str) -> Option<u32> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

fn started(config: &Config) -> Result<Map<String, Value>> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .context("reading the boot id")?;
    let what = json!({
        "agent": concat!("revoked ", env!("CARGO_PKG_VERSION")),
        "at": clock::now(),
        "boot_id": boot.trim(),
        "config_sha256": config.sha256,
        "heartbeat_us": u64::try_from(config.log.heartbeat.as_micros())?,
        "monotonic_us": clock::since_boot().map(|us| us.to_string()),
    });
    Ok(what.as_object().cloned().unwrap_or_default())
}

/// What `systemctl status` shows.
fn status(config: &Config) -> String {
    let names: Vec<&str> = config.targets.iter().map(|target| target.name.as_str()).collect();
    format!("looking at {}; API on {}", names.join(", "), config.api_listen)
}

pub(super) async fn wait_for_signals(
    mut terminate: Signal,
    mut interrupt: Signal,
    stop: CancellationToken,
) -> Result<()> {
    tokio::select! {
        _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "stopping"),
        _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "stopping"),
        () = stop.cancelled() => {}
    }
    stop.cancel();
    Ok(())
}
