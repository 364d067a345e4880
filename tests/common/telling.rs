//! An agent that tells people and looks at nothing: a journal and a deliverer.

use super::agent::{Agent, PATIENCE};
use super::logbook::{Logbook, metrics};
use revoked::clock;
use revoked::config::{Config, Live, Replacer};
use revoked::deliver::Deliverer;
use revoked::journal::Journal;
use revoked::metrics::Metrics;
use revoked::store::Delivery;
use revoked::supervise::Pulses;
use serde_json::Value;
use std::process::Stdio;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub(crate) struct Running {
    pub(crate) journal: Arc<Journal>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) live: Live,
    pub(crate) replacer: Replacer,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Running {
    /// With the store and the log of `logbook`.
    pub(crate) async fn start(logbook: &Logbook, config: Config) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let metrics = metrics();
        let journal = Arc::new(logbook.start_with(metrics.clone()).await.unwrap());
        let (live, replacer) = Live::new(config);
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let deliverer = Deliverer::new(journal.clone(), live.clone(), metrics.clone());
        deliverer.begin().await.unwrap();
        let (part, last) = (journal.clone(), stop.clone());
        tasks.spawn(async move {
            let pulse = Pulses::default().watch("the journal", PATIENCE);
            part.run("host:1:1", last, Weak::new(), &pulse).await.unwrap();
        });
        let last = stop.clone();
        tasks.spawn(async move { deliverer.run(last).await.unwrap() });
        Self { journal, metrics, live, replacer, stop, tasks }
    }

    /// Everything in the outbox.
    pub(crate) async fn rows(&self) -> Vec<Delivery> {
        self.journal.store.deliveries(None, None, 100_000).await.unwrap()
    }

    /// Waits until those rows that are `kept` are as wanted, and gives them.
    pub(crate) async fn until_rows(
        &self,
        what: &str,
        kept: impl Fn(&Delivery) -> bool,
        wanted: impl Fn(&[Delivery]) -> bool,
    ) -> Vec<Delivery> {
        let begun = Instant::now();
        loop {
            let mut rows = self.rows().await;
            rows.retain(&kept);
            // And the log has what followed.
            if wanted(&rows) && self.journal.store.queued_count().await.unwrap() == 0 {
                return rows;
            }
            assert!(begun.elapsed() < PATIENCE, "not yet: {what}: {rows:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn page(&self) -> String {
        String::from_utf8(self.metrics.render(clock::now().seconds()).unwrap()).unwrap()
    }

    /// A number of the metrics page, where it is there by now: some are absent before the outbox was read.
    fn metric_if_there(&self, series: &str) -> Option<f64> {
        let page = self.page();
        let number = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
        Some(number.parse().unwrap())
    }

    /// A number of the metrics page.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        self.metric_if_there(series)
            .unwrap_or_else(|| panic!("{series} is not in\n{}", self.page()))
    }

    /// Waits until a number of the metrics page is this.
    pub(crate) async fn until_metric(&self, series: &str, wanted: f64) {
        let begun = Instant::now();
        while self.metric_if_there(series).is_none_or(|found| (found - wanted).abs() > 0.001) {
            assert!(begun.elapsed() < PATIENCE, "{series} is {}", self.metric(series));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends in order.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(done) = self.tasks.join_next().await {
            done.unwrap();
        }
        self.journal.store.close().await;
    }

    /// Ends without a word to anybody, as a kill does.
    pub(crate) async fn kill(mut self) {
        self.tasks.abort_all();
        while self.tasks.join_next().await.is_some() {}
        self.journal.store.close().await;
    }
}

/// A command of a real agent beside a stand-in, which goes on answering.
pub(crate) async fn ran(agent: &Agent, arguments: &[&str]) -> (i32, String, String) {
    let mut command = tokio::process::Command::from(agent.command(arguments));
    let output = command.stdin(Stdio::null()).output().await.unwrap();
    (
        output.status.code().unwrap_or(-1),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// Waits for a row of a real agent's outbox that stands like this because of `error`.
pub(crate) async fn until_state(agent: &Agent, state: &str, error: &str) -> Value {
    let begun = Instant::now();
    loop {
        let (_, out, err) = ran(agent, &["outbox", "list", "-o", "json", "--state", state]).await;
        let all: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
        let found = all.as_array().unwrap().iter().find(|one| one["error"] == error);
        if let Some(found) = found {
            return found.clone();
        }
        assert!(begun.elapsed() < PATIENCE, "nothing is {state} by {error}: {all:#}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
