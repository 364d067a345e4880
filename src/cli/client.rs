//! How a command reaches the state: through the running agent, or alone when there is none.

use super::agent::Agent;
use crate::audit::file::LogError;
use crate::config::Config;
use crate::domain::milestone::Milestone;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::http::view::View;
use crate::store::Stored;
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Most revocations in one answer, as in the API.
const PAGE: i64 = 10_000;

/// The configuration file.
#[derive(Debug, clap::Args)]
pub(super) struct ConfigFile {
    /// Configuration file of the agent on this machine
    #[arg(
        long,
        value_name = "FILE",
        env = "REVOKED_CONFIG",
        default_value = "/etc/revoked/revoked.yaml"
    )]
    pub(super) config: PathBuf,
}

/// Where the agent is.
#[derive(Debug, clap::Args)]
pub(super) struct Where {
    #[command(flatten)]
    pub(super) file: ConfigFile,

    /// API of an agent elsewhere; needs REVOKED_TOKEN or REVOKED_TOKEN_FILE
    #[arg(long, value_name = "URL", env = "REVOKED_URL")]
    url: Option<String>,
}

/// A way to the state.
pub(super) enum Reach {
    /// The running agent.
    Http { client: reqwest::Client, base: String, token: Option<String> },
    /// Nobody else holds the log.
    Alone(Box<Agent>),
}

/// What became of a notice.
#[derive(Debug, Deserialize)]
pub(super) struct Submitted {
    pub(super) id: String,
    pub(super) known: bool,
    pub(super) amended: bool,
}

#[derive(Debug, Deserialize)]
struct Listed {
    revocations: Vec<View>,
    truncated: bool,
}

#[derive(Debug, Deserialize)]
struct ProblemText {
    title: String,
    detail: Option<String>,
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder().timeout(Duration::from_secs(30)).no_proxy()
}

impl Where {
    /// Finds the agent, or takes its place for one command.
    pub(super) async fn reach(&self) -> Result<Reach> {
        let reach = self.find().await?;
        if matches!(reach, Reach::Alone(_)) {
            eprintln!("revoked: no agent is running here, so nothing is looked at meanwhile");
        }
        Ok(reach)
    }

    /// As [`reach`](Self::reach), for a command that looks by itself.
    pub(super) async fn find(&self) -> Result<Reach> {
        if let Some(url) = &self.url {
            let client = builder().build().context("setting up HTTP")?;
            let base = url.trim_end_matches('/').to_owned();
            return Ok(Reach::Http { client, base, token: Some(token()?) });
        }
        let config = Arc::new(Config::read(&self.file.config)?);
        if tokio::net::UnixStream::connect(&config.socket).await.is_ok() {
            let client = builder()
                .unix_socket(config.socket.clone())
                .tls_certs_only(std::iter::empty())
                .build()
                .context("setting up HTTP")?;
            return Ok(Reach::Http { client, base: "http://agent".to_owned(), token: None });
        }
        match Agent::open(config.clone()).await {
            Ok(agent) => Ok(Reach::Alone(Box::new(agent))),
            Err(error) => {
                if matches!(error.downcast_ref(), Some(LogError::Locked { .. })) {
                    bail!(
                        "the agent holds the log, but its socket {} does not answer: are you in group revoked? \
                         Otherwise use REVOKED_URL with a token",
                        config.socket.display()
                    );
                }
                Err(error).context("no agent is running; running the command alone")
            }
        }
    }
}

fn token() -> Result<String> {
    if let Some(path) = std::env::var_os("REVOKED_TOKEN_FILE") {
        let path = PathBuf::from(path);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("REVOKED_TOKEN_FILE: reading {}", path.display()))?;
        return Ok(text.trim().to_owned());
    }
    std::env::var("REVOKED_TOKEN")
        .context("REVOKED_URL needs a token in REVOKED_TOKEN_FILE or REVOKED_TOKEN")
}

impl Reach {
    /// Sends a notice. `source` says who sends it when nothing else does.
    pub(super) async fn submit(&self, body: Vec<u8>, event_id: Option<&str>) -> Result<Submitted> {
        match self {
            Self::Http { client, base, .. } => {
                let mut request = client.post(format!("{base}/api/v1/revocations")).body(body);
                request = request.header("content-type", "application/json");
                if let Some(event_id) = event_id {
                    request = request.header("idempotency-key", event_id);
                }
                self.send(request).await
            }
            Self::Alone(agent) => {
                let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self")?);
                // Nobody else lands the record, so this does while the answer waits for it. Both go on side by
                // side: each may hold the store's one writing connection while the other waits for it.
                let sender = format!("uid:{uid}");
                let submit = agent.intake.submit(&body, &sender, event_id);
                let land = async {
                    loop {
                        if let Err(error) = agent.journal.drain().await {
                            return error;
                        }
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                };
                let accepted = tokio::select! {
                    accepted = submit => accepted?,
                    error = land => return Err(error.into()),
                };
                Ok(Submitted { id: accepted.id, known: accepted.known, amended: accepted.amended })
            }
        }
    }

    /// As [`list`](Self::list). Alone, what has passed its deadline is overdue although nobody has looked.
    pub(super) async fn list_at(&self, open: bool, now: UtcTime) -> Result<(Vec<View>, bool)> {
        let (mut views, truncated) = self.list(open).await?;
        if let Self::Alone(agent) = self {
            for view in &mut views {
                if let Some(stored) = agent.journal.store.revocation(&view.id).await? {
                    view.overdue = overdue_at(&stored, now);
                }
            }
        }
        Ok((views, truncated))
    }

    /// The newest revocations, or the open ones, and whether there are more.
    pub(super) async fn list(&self, open: bool) -> Result<(Vec<View>, bool)> {
        match self {
            Self::Http { client, base, .. } => {
                let query = if open { "?open=true" } else { "" };
                let request = client.get(format!("{base}/api/v1/revocations{query}"));
                let listed: Listed = self.send(request).await?;
                Ok((listed.revocations, listed.truncated))
            }
            Self::Alone(agent) => {
                let store = &agent.journal.store;
                let mut stored = if open {
                    store.list_open(PAGE + 1).await?
                } else {
                    store.list(PAGE + 1).await?
                };
                let truncated = i64::try_from(stored.len()).is_ok_and(|count| count > PAGE);
                stored.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
                Ok((stored.into_iter().filter_map(View::of).collect(), truncated))
            }
        }
    }

    /// One revocation.
    pub(super) async fn show(&self, id: &str) -> Result<Option<View>> {
        match self {
            Self::Http { client, base, .. } => {
                if !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                    return Ok(None);
                }
                let request = client.get(format!("{base}/api/v1/revocations/{id}"));
                let response = self.answer(request).await?;
                if response.status() == reqwest::StatusCode::NOT_FOUND {
                    return Ok(None);
                }
                Ok(Some(read(response).await?))
            }
            Self::Alone(agent) => Ok(agent.journal.store.revocation(id).await?.and_then(View::of)),
        }
    }

    /// Leaves the state as it was found: unlocked, with nothing queued.
    pub(super) async fn leave(self) -> Result<()> {
        match self {
            Self::Http { .. } => Ok(()),
            Self::Alone(agent) => agent.leave().await,
        }
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response> {
        let Self::Http { base, token, .. } = self else { bail!("there is no agent to ask") };
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        request.send().await.with_context(|| format!("asking the agent at {base}"))
    }

    async fn send<T: serde::de::DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<T> {
        read(self.answer(request).await?).await
    }
}

/// Milestones whose deadline has passed unmet. A subject known to have no account has nothing to be late with.
fn overdue_at(stored: &Stored, now: UtcTime) -> Vec<Milestone> {
    let Some(life) = &stored.landed else { return Vec::new() };
    let asked = &stored.revocation;
    let due = match life.state {
        State::Open | State::Regressed => true,
        State::Scheduled => asked.effective_at <= now,
        State::Verified | State::Excepted | State::Withdrawn => false,
    };
    let passed = |milestone: Milestone| {
        let missed = life.missed.get(milestone).is_some();
        (missed || asked.deadlines.get(milestone).is_some_and(|at| at <= now))
            && life.met.get(milestone).is_none()
    };
    let open = due && !stored.evidence.no_account;
    Milestone::ALL.iter().copied().filter(|milestone| open && passed(*milestone)).collect()
}

async fn read<T: serde::de::DeserializeOwned>(response: reqwest::Response) -> Result<T> {
    let status = response.status();
    if status.is_success() {
        return response.json().await.context("reading the agent's answer");
    }
    let problem: ProblemText = response
        .json()
        .await
        .with_context(|| format!("the agent answered {status} without saying why"))?;
    match problem.detail {
        Some(detail) => bail!("{}: {detail}", problem.title),
        None => bail!("{}", problem.title),
    }
}
