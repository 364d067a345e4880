//! Opening the agent's parts in the right order: lock and log first, then the store, then both together.

use crate::audit::file::{self, Limits, LogFile};
use crate::audit::key::LogKey;
use crate::audit::replace;
use crate::board::Board;
use crate::clock;
use crate::config::{Config, Live};
use crate::domain::campaign::Tone;
use crate::domain::exception::ExceptionKind;
use crate::domain::expectation::milestones;
use crate::domain::observation::Cause;
use crate::domain::relapse::RelapseCause;
use crate::domain::request::Asked;
use crate::domain::residual::ResidualKind;
use crate::domain::revocation::{Kind, Reason};
use crate::domain::uses::UseClass;
use crate::intake::Intake;
use crate::journal::{Journal, Settings};
use crate::metrics::{Metrics, Vocabulary};
use crate::reconcile;
use crate::store::Store;
use crate::target::statements::{CLUSTER_SURFACES, FILES};
use anyhow::{Context as _, Result, bail};
use secrecy::ExposeSecret as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Everything but the loops.
pub(super) struct Agent {
    pub(super) journal: Arc<Journal>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) intake: Arc<Intake>,
    pub(super) board: Arc<Board>,
    /// Which log directory this process holds.
    pub(super) instance: String,
}

impl Agent {
    /// Takes the log's lock and opens log and store.
    pub(super) async fn open(live: &Live) -> Result<Self> {
        let config = live.current();
        if let Ok(Some((place, _))) = replace::pending(&config.log_dir) {
            bail!(
                "`revoked log accept-loss` was begun and not finished ({}); run it again, with --yes",
                place.display()
            );
        }
        let metrics = Arc::new(metrics(&config).context("declaring the metrics")?);
        let origin = file::origin(&config.log_dir)?;
        let key = LogKey::read(&config.key_file, &origin, &config.log_dir)?;
        refuse_sudden_end()?;
        let lock = file::lock(&config.log_dir)?;
        let instance = instance(&config.log_dir)?;
        let store = Store::open(config.store.expose_secret()).await?;
        store.bind_to_log(&origin).await?;
        store.claim(&instance, clock::now()).await?;
        let told = store.landed_mark().await?.map_or(0, |(seq, _)| seq);
        // Reading a long log is work for a thread of its own.
        let opened = tokio::task::spawn_blocking(move || {
            LogFile::open_known(lock, key, Some(told), clock::now())
        });
        let log = opened
            .await
            .context("opening the audit log")??
            .with_limits(Limits { bytes: config.log.segment_bytes, age: config.log.segment_age });
        let settings = Settings { heartbeat: config.log.heartbeat, ..Settings::default() };
        let journal = Arc::new(Journal::open(store, log, metrics.clone(), settings).await?);
        let board = Arc::new(Board::default());
        let intake = Arc::new(Intake::new(journal.clone(), live.clone(), board.clone()));
        Ok(Self { journal, metrics, intake, board, instance })
    }

    /// Gives the store up as it is.
    pub(super) async fn abandon(self) -> Result<()> {
        self.journal.store.release(&self.instance, clock::now()).await?;
        self.journal.store.close().await;
        Ok(())
    }

    /// Lands what is queued, gives the store up and closes it.
    pub(super) async fn leave(self) -> Result<()> {
        self.journal.drain().await?;
        self.abandon().await
    }
}

/// A file that may not become larger ends the process by a signal, unless somebody handles that: then the write fails,
/// and the log goes on in another file.
fn refuse_sudden_end() -> Result<()> {
    /// `SIGXFSZ` of Linux.
    const SIGXFSZ: i32 = 25;
    // The handler stays for the life of the process.
    signal(SignalKind::from_raw(SIGXFSZ)).context("handling SIGXFSZ").map(drop)
}

pub(super) fn instance(log_dir: &Path) -> Result<String> {
    let host =
        std::fs::read_to_string("/proc/sys/kernel/hostname").context("reading the host's name")?;
    let meta = std::fs::metadata(log_dir).context("looking at the log's directory")?;
    Ok(format!("{}:{}:{}", host.trim(), meta.dev(), meta.ino()))
}

fn metrics(config: &Config) -> prometheus::Result<Metrics> {
    let mut cells = Vec::new();
    for kind in Kind::ACCEPTED {
        for reason in Reason::ALL {
            for milestone in milestones(*kind, *reason) {
                cells.push((kind.as_str(), reason.as_str(), milestone.as_str()));
            }
        }
    }
    let vocabulary = Vocabulary {
        reasons: Reason::ALL.iter().map(|word| word.as_str()).collect(),
        milestones: cells,
        causes: Cause::ALL.iter().map(|word| word.as_str()).collect(),
        relapses: RelapseCause::ALL.iter().map(|word| word.as_str()).collect(),
        uses: vec![UseClass::AfterEnd.as_str(), "no_open_break_glass"],
        asks: Asked::ALL.iter().map(|word| word.as_str()).collect(),
        exceptions: ExceptionKind::ALL.iter().map(|word| word.as_str()).collect(),
        tones: Tone::ALL.iter().map(|word| word.as_str()).collect(),
        surfaces: CLUSTER_SURFACES
            .iter()
            .chain(FILES)
            .chain(&[ResidualKind::Probe])
            .map(|word| word.as_str())
            .collect(),
        targets: config.targets.iter().map(|target| target.name.clone()).collect(),
    };
    let build = [
        env!("CARGO_PKG_VERSION"),
        option_env!("REVOKED_REVISION").unwrap_or("unknown"),
        env!("REVOKED_RUSTC"),
    ];
    let metrics = Metrics::new(vocabulary, build)?;
    reconcile::show_settings(&metrics, config);
    Ok(metrics)
}
