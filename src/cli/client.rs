//! How a command reaches the state: through the running agent, or alone when there is none.

mod answers;
mod attest;
mod attestation;
mod before;
mod campaigns;
mod erase;
mod exceptions;
mod lists;
mod notices;
mod outbox;
mod proof;
mod roster;
mod token;

pub(super) use answers::SubmitError;
pub(super) use campaigns::Sweep;
pub(super) use exceptions::Doing;
pub(super) use lists::Found;

use super::agent::Agent;
use crate::audit::file::LogError;
use crate::config::{Config, Live};
use crate::domain::request::Request;
use crate::http::probe::Taken;
use crate::http::view::{self, View};
use crate::intake::amend;
use answers::{ProblemText, taken};
use anyhow::{Context as _, Result, bail};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use token::{address, token};

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
    #[arg(long, value_name = "URL", env = "REVOKED_URL", hide_env_values = true)]
    url: Option<SecretString>,
}

/// A way to the state.
pub(super) enum Reach {
    /// The running agent.
    Http { client: reqwest::Client, base: String, token: Option<SecretString> },
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

/// What became of a change.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Changed {
    pub(super) id: String,
    pub(super) amended: bool,
    pub(super) pending: Option<Request>,
}

impl From<amend::Changed> for Changed {
    fn from(amend::Changed { id, amended, pending }: amend::Changed) -> Self {
        Self { id, amended, pending }
    }
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

    /// The running agent, if there is one.
    pub(super) async fn running(&self) -> Result<Option<Reach>> {
        if let Some(url) = &self.url {
            let base = address(url.expose_secret())?;
            let client = builder().build().context("setting up HTTP")?;
            return Ok(Some(Reach::Http { client, base, token: Some(token()?) }));
        }
        // Only where the socket is: whoever may use it need not be able to read the secrets that the file names,
        // and the agent may run by an older file than this one.
        let socket = Config::socket_of(&self.file.config)?;
        match tokio::net::UnixStream::connect(&socket).await {
            Ok(_) => {
                let client = builder()
                    .unix_socket(socket)
                    .tls_certs_only(std::iter::empty())
                    .build()
                    .context("setting up HTTP")?;
                let base = "http://agent".to_owned();
                Ok(Some(Reach::Http { client, base, token: None }))
            }
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => bail!(
                "this user may not use the agent's socket {}: join its group, or use REVOKED_URL with a token",
                socket.display()
            ),
            // Nobody is there.
            Err(_) => Ok(None),
        }
    }

    /// As [`reach`](Self::reach), for a command that looks by itself.
    pub(super) async fn find(&self) -> Result<Reach> {
        if let Some(agent) = self.running().await? {
            return Ok(agent);
        }
        // The command takes the agent's place.
        let (live, _) = Live::new(Config::read(&self.file.config)?);
        let config = live.current();
        match Agent::open(&live).await {
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

impl Reach {
    /// Sends a notice, and returns when its record is in the log. Where nobody else lands it, `landing` has to
    /// go on meanwhile.
    pub(super) async fn submit(
        &self,
        body: Vec<u8>,
        event_id: Option<&str>,
    ) -> Result<Submitted, SubmitError> {
        match self {
            Self::Http { client, base, .. } => {
                let mut request = client.post(format!("{base}/api/v1/revocations")).body(body);
                request = request.header("content-type", "application/json");
                if let Some(event_id) = event_id {
                    request = request.header("idempotency-key", event_id);
                }
                // Who does not answer may have taken it: the same again tells.
                let later = |why| SubmitError::Unavailable { why, wait: None };
                taken(self.answer(request).await.map_err(later)?).await
            }
            Self::Alone(agent) => {
                let sender = myself().map_err(SubmitError::Failed)?;
                let accepted = Box::pin(agent.intake.submit(&body, &sender, event_id)).await?;
                Ok(Submitted { id: accepted.id, known: accepted.known, amended: accepted.amended })
            }
        }
    }

    /// Changes a revocation; `None`: there is none.
    pub(super) async fn change(&self, id: &str, body: Vec<u8>) -> Result<Option<Changed>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(id) else { return Ok(None) };
                self.changed(client.patch(format!("{base}{path}")).body(body)).await
            }
            Self::Alone(agent) => {
                let changed =
                    self.landing(Box::pin(agent.intake.change(id, &body, &myself()?))).await??;
                Ok(changed.map(Into::into))
            }
        }
    }

    /// Asks that a revocation is withdrawn; `None`: there is none.
    pub(super) async fn withdraw(
        &self,
        id: &str,
        withdrawal: amend::Withdrawal<'_>,
    ) -> Result<Option<Changed>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(id) else { return Ok(None) };
                let amend::Withdrawal { why, erroneous } = withdrawal;
                let body = serde_json::json!({ "why": why, "erroneous": erroneous });
                let body = serde_json::to_vec(&body)?;
                self.changed(client.delete(format!("{base}{path}")).body(body)).await
            }
            Self::Alone(agent) => {
                let changed = self
                    .landing(Box::pin(agent.intake.withdraw(id, withdrawal, &myself()?)))
                    .await??;
                Ok(changed.map(Into::into))
            }
        }
    }

    /// Approves what waits; `None`: there is no such revocation.
    pub(super) async fn approve(&self, id: &str, request: &str) -> Result<Option<Changed>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(id) else { return Ok(None) };
                let body = serde_json::to_vec(&serde_json::json!({ "request": request }))?;
                self.changed(client.post(format!("{base}{path}/approve")).body(body)).await
            }
            Self::Alone(agent) => {
                let changed =
                    self.landing(Box::pin(agent.intake.approve(id, request, &myself()?))).await??;
                Ok(changed.map(Into::into))
            }
        }
    }

    /// Attests an attempt with an old secret; `None`: there is no such revocation.
    pub(super) async fn attest(&self, id: &str, body: Vec<u8>) -> Result<Option<Taken>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(id) else { return Ok(None) };
                let request = client.post(format!("{base}{path}/probe")).body(body);
                let request = request.header("content-type", "application/json");
                let response = self.answer(request).await?;
                if response.status() == reqwest::StatusCode::NOT_FOUND {
                    return Ok(None);
                }
                Ok(Some(read(response).await?))
            }
            Self::Alone(agent) => {
                let taken =
                    self.landing(Box::pin(agent.intake.attest(id, &body, &myself()?))).await??;
                Ok(taken.map(|taken| Taken {
                    id: id.to_owned(),
                    finding: taken.finding,
                    why: taken.why,
                }))
            }
        }
    }

    async fn changed(&self, request: reqwest::RequestBuilder) -> Result<Option<Changed>> {
        let request = request.header("content-type", "application/json");
        let response = self.answer(request).await?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(read(response).await?))
    }

    /// Lands records while `work` waits for them. Both go on side by side: each may hold the store's one writing
    /// connection while the other waits for it.
    pub(super) async fn landing<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let land = async {
            let Self::Alone(agent) = self else { return std::future::pending().await };
            loop {
                if let Err(error) = agent.journal.drain().await {
                    return error;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            done = work => Ok(done),
            error = land => Err(error.into()),
        }
    }

    /// One revocation.
    pub(super) async fn show(&self, id: &str) -> Result<Option<View>> {
        match self {
            Self::Http { client, base, .. } => {
                let Some(path) = path_of(id) else { return Ok(None) };
                let request = client.get(format!("{base}{path}"));
                let response = self.answer(request).await?;
                if response.status() == reqwest::StatusCode::NOT_FOUND {
                    return Ok(None);
                }
                Ok(Some(read(response).await?))
            }
            Self::Alone(agent) => Ok(view::whole(&agent.journal.store, &agent.board, id).await?),
        }
    }

    /// Leaves the state as it was found: unlocked, with nothing queued.
    pub(super) async fn leave(self) -> Result<()> {
        match self {
            Self::Http { .. } => Ok(()),
            Self::Alone(agent) => agent.leave().await,
        }
    }

    /// A question to the agent.
    pub(super) fn get(&self, path: &str) -> Result<reqwest::RequestBuilder> {
        let Self::Http { client, base, .. } = self else { bail!("there is no agent to ask") };
        Ok(client.get(format!("{base}{path}")))
    }

    pub(super) async fn answer(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<reqwest::Response> {
        let Self::Http { base, token, .. } = self else { bail!("there is no agent to ask") };
        let request = match token {
            Some(token) => request.bearer_auth(token.expose_secret()),
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

/// Where a revocation is; what cannot be an id is nowhere.
pub(super) fn path_of(id: &str) -> Option<String> {
    let good = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    good.then(|| format!("/api/v1/revocations/{id}"))
}

/// Who runs this command, as the agent's socket would say.
fn myself() -> Result<String> {
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self")?);
    Ok(format!("uid:{uid}"))
}

pub(super) async fn read<T: serde::de::DeserializeOwned>(response: reqwest::Response) -> Result<T> {
    good(response).await?.json().await.context("reading the agent's answer")
}

/// An answer that is text.
pub(super) async fn text(response: reqwest::Response) -> Result<String> {
    good(response).await?.text().await.context("reading the agent's answer")
}

async fn good(response: reqwest::Response) -> Result<reqwest::Response> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let problem: ProblemText = response
        .json()
        .await
        .with_context(|| format!("the agent answered {status} without saying why"))?;
    Err(problem.error())
}
