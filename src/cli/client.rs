//! How a command reaches the state: through the running agent, or alone when there is none.

use super::agent::Agent;
use crate::audit::file::LogError;
use crate::config::{Config, Live};
use crate::http::list::{self, Filter, Page};
use crate::http::view::View;
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

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
        if let Some(url) = &self.url {
            let client = builder().build().context("setting up HTTP")?;
            let base = url.trim_end_matches('/').to_owned();
            return Ok(Reach::Http { client, base, token: Some(token()?) });
        }
        let (live, _) = Live::new(Config::read(&self.file.config)?);
        let config = live.current();
        if tokio::net::UnixStream::connect(&config.socket).await.is_ok() {
            let client = builder()
                .unix_socket(config.socket.clone())
                .tls_certs_only(std::iter::empty())
                .build()
                .context("setting up HTTP")?;
            return Ok(Reach::Http { client, base: "http://agent".to_owned(), token: None });
        }
        match Agent::open(&live).await {
            Ok(agent) => {
                eprintln!("revoked: no agent is running here, so nothing is looked at meanwhile");
                Ok(Reach::Alone(Box::new(agent)))
            }
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

    /// Every revocation, or every open one, newest first.
    pub(super) async fn list(&self, open: bool) -> Result<Vec<View>> {
        let mut filter =
            Filter { open: open.then_some(true), limit: Some(list::MOST), ..Filter::default() };
        let mut views = Vec::new();
        loop {
            let page: Page = match self {
                Self::Http { client, base, .. } => {
                    let mut address = format!("{base}/api/v1/revocations?limit={}", list::MOST);
                    if open {
                        address.push_str("&open=true");
                    }
                    if let Some(cursor) = &filter.cursor {
                        address.push_str("&cursor=");
                        address.push_str(cursor);
                    }
                    self.send(client.get(address)).await?
                }
                Self::Alone(agent) => {
                    list::page(&agent.journal.store, &agent.board, &filter).await?
                }
            };
            views.extend(page.revocations);
            filter.cursor = page.next;
            if filter.cursor.is_none() {
                return Ok(views);
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
            Self::Alone(agent) => {
                let stored = agent.journal.store.revocation(id).await?;
                Ok(stored.and_then(|stored| View::of(stored, &agent.board)))
            }
        }
    }

    /// Leaves the state as it was found: unlocked, with nothing queued.
    pub(super) async fn leave(self) -> Result<()> {
        match self {
            Self::Http { .. } => Ok(()),
            Self::Alone(agent) => agent.leave().await,
        }
    }

    pub(super) async fn answer(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response> {
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

pub(super) async fn read<T: serde::de::DeserializeOwned>(response: reqwest::Response) -> Result<T> {
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
