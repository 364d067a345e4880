//! Asking a server elsewhere, of which nothing is expected but an answer of bounded size in bounded time.

use anyhow::{Context as _, Result, bail};
use reqwest::{Client, Response, Url, redirect::Policy};
use std::time::Duration;

/// Until a connection stands.
const CONNECT: Duration = Duration::from_secs(5);
/// Until the whole answer is there.
const WHOLE: Duration = Duration::from_secs(15);

/// A client with the system's certificates, and what `HTTPS_PROXY` says.
pub(super) fn client() -> Result<Client> {
    Client::builder()
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .redirect(Policy::none())
        .user_agent(concat!("revoked/", env!("CARGO_PKG_VERSION")))
        .build()
        .context("setting up HTTP")
}

/// An address, which is named in messages and so may hold no secret.
pub(super) fn address(text: &str) -> Result<Url> {
    let url = Url::parse(text).context("url: it is not an address")?;
    if !url.username().is_empty() || url.password().is_some() || !url.has_host() {
        bail!("url: write it as https://host/path, without a password");
    }
    Ok(url)
}

/// The body of an answer of at most `most` bytes.
pub(super) async fn body(mut response: Response, most: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.context("reading the answer")? {
        if bytes.len() + chunk.len() > most {
            bail!("the answer has more than {most} bytes");
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The first line of an answer that says why not, as far as it can be shown.
pub(super) async fn why(response: Response) -> String {
    let status = response.status();
    let text = body(response, 4096).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line: String = text
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    format!("it answered {status}: {line}")
}
