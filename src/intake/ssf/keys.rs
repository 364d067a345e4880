//! The issuers' keys: fetched from where the configuration says and from nowhere else, kept, and fetched anew.

use super::jwks::{JwkSet, NotSigned};
use super::token::Token;
use super::{Declined, Fault, refuse};
use crate::clock;
use crate::config::{SsfIssuer, SsfKeys};
use crate::metrics::Metrics;
use crate::supervise::Trouble;
use anyhow::{Context as _, Result, bail};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// Until the whole answer is there; less than a transmitter waits.
const WHOLE: Duration = Duration::from_secs(8);
/// Largest JWK set.
const LARGEST: usize = 256 * 1024;
/// An issuer is asked for its keys no more often than this, whoever sends tokens.
const PAUSE: Duration = Duration::from_secs(5);

/// The keys of one issuer.
#[derive(Debug)]
struct Held {
    url: String,
    state: Mutex<State>,
    /// One asks at a time.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Arc<JwkSet>>,
    /// When they came.
    fetched: Option<Instant>,
    /// When they were asked for last.
    asked: Option<Instant>,
}

impl Held {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its keys say of `token`, and whether they are younger than `refresh`.
    fn check(&self, token: &Token<'_>, refresh: Duration) -> (Option<Result<(), NotSigned>>, bool) {
        let state = self.state();
        let young = state.fetched.is_some_and(|at| at.elapsed() < refresh);
        let keys = state.keys.clone();
        drop(state);
        (keys.map(|keys| token.check(&keys)), young)
    }

    /// Whether they may be asked for now.
    fn may_ask(&self) -> bool {
        let mut state = self.state();
        let may = state.asked.is_none_or(|at| at.elapsed() >= PAUSE);
        if may {
            state.asked = Some(Instant::now());
        }
        may
    }
}

/// The keys of all issuers.
pub(super) struct Keyring {
    client: Client,
    held: Mutex<HashMap<String, Arc<Held>>>,
    trouble: Trouble,
    metrics: Arc<Metrics>,
}

impl Keyring {
    /// A keyring without keys.
    ///
    /// # Errors
    /// When there is no TLS.
    pub(super) fn new(metrics: Arc<Metrics>) -> Result<Self> {
        let (held, trouble) = (Mutex::default(), Trouble::default());
        Ok(Self { client: client()?, held, trouble, metrics })
    }

    /// Whether a key of `issuer` signed `token`.
    pub(super) async fn check(
        &self,
        issuer: &SsfIssuer,
        token: &Token<'_>,
    ) -> Result<(), Declined> {
        match &issuer.keys {
            SsfKeys::Given(text) => {
                let keys = JwkSet::read(text.as_bytes()).map_err(anyhow::Error::msg);
                answer(token.check(&keys.context("its jwks_file")?))
            }
            SsfKeys::Url(url) => self.check_fetched(issuer, url, token).await,
        }
    }

    async fn check_fetched(
        &self,
        issuer: &SsfIssuer,
        url: &str,
        token: &Token<'_>,
    ) -> Result<(), Declined> {
        let held = self.of(issuer, url);
        let known = |said: &Option<Result<(), NotSigned>>| {
            matches!(said, Some(Ok(()) | Err(NotSigned::Wrong)))
        };
        if let (Some(said), true) = held.check(token, issuer.refresh)
            && known(&Some(said))
        {
            return answer(said);
        }
        let turn = held.asking.lock().await;
        let (said, young) = held.check(token, issuer.refresh);
        if let Some(said) = said.filter(|_| young && known(&said)) {
            return answer(said);
        }
        let asked = held.may_ask();
        let fetched = if asked { self.fetch(issuer, &held).await } else { Ok(()) };
        drop(turn);
        let (said, _) = held.check(token, issuer.refresh);
        match (said, fetched) {
            // Old keys are used as long as there are no newer ones.
            (Some(said), _) if known(&Some(said)) => answer(said),
            (Some(said), Ok(())) if asked => answer(said),
            (_, Ok(())) => Err(Declined::Unavailable(anyhow::anyhow!(
                "the keys of {} were asked for a moment ago",
                issuer.name
            ))),
            (_, Err(error)) => Err(Declined::Unavailable(error)),
        }
    }

    fn of(&self, issuer: &SsfIssuer, url: &str) -> Arc<Held> {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(&issuer.name) {
            Some(held) if held.url == url => held.clone(),
            _ => {
                let (state, asking) = (Mutex::default(), tokio::sync::Mutex::default());
                let held = Arc::new(Held { url: url.to_owned(), state, asking });
                all.insert(issuer.name.clone(), held.clone());
                held
            }
        }
    }

    /// Asks for the keys once. What came before stays if nothing comes.
    async fn fetch(&self, issuer: &SsfIssuer, held: &Held) -> Result<()> {
        let fetched = fetch(&self.client, &held.url).await;
        let name = issuer.name.as_str();
        match fetched {
            Ok(keys) => {
                let mut state = held.state();
                state.keys = Some(Arc::new(keys));
                state.fetched = Some(Instant::now());
                drop(state);
                self.metrics.signals.keys_fetched(name, clock::now().seconds());
                if self.trouble.is_over(name) {
                    tracing::info!(issuer = name, "the issuer's keys are read again");
                }
                Ok(())
            }
            Err(error) => {
                self.metrics.signals.keys_failed(name);
                let said = format!("{error:#}");
                if self.trouble.is(name, said.as_str()) {
                    tracing::warn!(
                        issuer = name,
                        error = said,
                        "the issuer's keys cannot be read; those that are known are kept"
                    );
                }
                Err(error.context(format!("the keys of {name}")))
            }
        }
    }
}

fn answer(said: Result<(), NotSigned>) -> Result<(), Declined> {
    said.map_err(|why| {
        Declined::Refused(match why {
            NotSigned::NoKey => refuse(
                Fault::InvalidKey,
                "no key of the issuer has this kid, for this algorithm and for signatures",
            ),
            NotSigned::Wrong => {
                refuse(Fault::AuthenticationFailed, "the signature is not by the issuer's key")
            }
        })
    })
}

/// With the system's certificates, and what `HTTPS_PROXY` says.
fn client() -> Result<Client> {
    Client::builder()
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .redirect(Policy::none())
        .user_agent(concat!("revoked/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("setting up HTTP")
}

async fn fetch(client: &Client, url: &str) -> Result<JwkSet> {
    let mut response = client.get(url).send().await.context("asking for them")?;
    if response.status() != StatusCode::OK {
        bail!("the answer was {}", response.status());
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.context("reading the answer")? {
        if bytes.len() + chunk.len() > LARGEST {
            bail!("the answer has more than {} KiB", LARGEST / 1024);
        }
        bytes.extend_from_slice(&chunk);
    }
    JwkSet::read(&bytes).map_err(anyhow::Error::msg)
}

/// How many keys of `issuer` can be used now, asked anew.
///
/// # Errors
/// When they cannot be read.
pub async fn count_keys(issuer: &SsfIssuer) -> Result<usize> {
    let keys = match &issuer.keys {
        SsfKeys::Given(text) => JwkSet::read(text.as_bytes()).map_err(anyhow::Error::msg)?,
        SsfKeys::Url(url) => fetch(&client()?, url).await?,
    };
    Ok(keys.len())
}
