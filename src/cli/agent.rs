//! Opening the agent's parts in the right order: lock and log first, then the store, then both together.

use crate::audit::file::{self, LogFile};
use crate::audit::key::LogKey;
use crate::clock;
use crate::config::Config;
use crate::domain::expectation::milestones;
use crate::domain::milestone::Milestone;
use crate::domain::observation::Cause;
use crate::domain::revocation::{Kind, Reason};
use crate::intake::Intake;
use crate::journal::Journal;
use crate::metrics::{Metrics, Vocabulary};
use crate::store::Store;
use crate::target::statements::CLUSTER_SURFACES;
use anyhow::{Context as _, Result};
use secrecy::ExposeSecret as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// Everything but the loops.
pub(super) struct Agent {
    pub(super) journal: Arc<Journal>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) intake: Arc<Intake>,
    pub(super) arrivals: watch::Receiver<u64>,
    /// Which log directory this process holds.
    pub(super) instance: String,
}

impl Agent {
    /// Takes the log's lock and opens log and store.
    pub(super) async fn open(config: Arc<Config>) -> Result<Self> {
        let metrics = Arc::new(metrics(&config).context("declaring the metrics")?);
        let origin = file::origin(&config.log_dir)?;
        let key = LogKey::read(&config.key_file, &origin, &config.log_dir)?;
        let dir = config.log_dir.clone();
        // Reading a long log is work for a thread of its own.
        let opened = tokio::task::spawn_blocking(move || {
            LogFile::open(&dir, key, &clock::now().to_string())
        });
        let (log, found) = opened.await.context("opening the audit log")??;
        let instance = instance(&config.log_dir)?;
        let store = Store::open(config.store.expose_secret()).await?;
        store.bind_to_log(&origin).await?;
        store.claim(&instance, clock::now()).await?;
        let journal = Arc::new(Journal::open(store, log, &found, metrics.clone()).await?);
        let (arrived, arrivals) = watch::channel(0);
        let intake = Arc::new(Intake::new(journal.clone(), config, arrived));
        Ok(Self { journal, metrics, intake, arrivals, instance })
    }

    /// Lands what is queued, gives the store up and closes it.
    pub(super) async fn leave(self) -> Result<()> {
        self.journal.drain().await?;
        self.journal.store.release(&self.instance, clock::now()).await?;
        self.journal.store.close().await;
        Ok(())
    }
}

fn instance(log_dir: &Path) -> Result<String> {
    let host =
        std::fs::read_to_string("/proc/sys/kernel/hostname").context("reading the host's name")?;
    let meta = std::fs::metadata(log_dir).context("looking at the log's directory")?;
    Ok(format!("{}:{}:{}", host.trim(), meta.dev(), meta.ino()))
}

/// Kinds that this version takes and proves; others have no series.
const ACCEPTED: &[Kind] = &[Kind::Full, Kind::Suspend, Kind::Partial];

fn metrics(config: &Config) -> prometheus::Result<Metrics> {
    let mut cells = Vec::new();
    for kind in ACCEPTED {
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
        surfaces: CLUSTER_SURFACES.iter().map(|word| word.as_str()).collect(),
        targets: config.targets.iter().map(|target| target.name.clone()).collect(),
    };
    let build = (env!("CARGO_PKG_VERSION"), option_env!("REVOKED_REVISION").unwrap_or("unknown"));
    let metrics = Metrics::new(vocabulary, build, config.look_interval.as_secs_f64())?;
    for reason in Reason::ALL {
        for milestone in Milestone::ALL {
            // A role change has no login milestone, so it has no time allowed for one either.
            let has = ACCEPTED.iter().any(|kind| milestones(*kind, *reason).contains(milestone));
            if let (true, Some(allowed)) = (has, config.profiles.allowance(*reason).get(*milestone))
            {
                metrics.set_sla(reason.as_str(), milestone.as_str(), allowed.as_secs_f64());
            }
        }
    }
    Ok(metrics)
}
