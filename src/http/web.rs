//! TLS and basic authentication of the metrics listener, as `listen.metrics_web_config` says at this moment.

use super::problem::Problem;
use crate::config::{ClientAuth, Config, Live, WebConfig, WebTls};
use anyhow::{Context as _, Result, ensure};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// Passwords that were found right and are remembered. More than there are users, in any case that is meant.
const REMEMBERED: usize = 256;
/// Salt and hash of a password that nobody has, without version and cost.
const NOBODYS: &str = "PEkhUoPRGWEHxwXIoUe4P.y0cQdsyt.I8mNM0gPh9ZPYX5JgXe3rG";

/// Guards the metrics listener.
pub struct Web {
    config: Live,
    tls: Mutex<Option<(WebTls, TlsAcceptor)>>,
    /// Digests of user, hash and password that were found to fit: bcrypt is slow on purpose, and scrapes are many.
    known: Mutex<BTreeSet<[u8; 32]>>,
    salt: [u8; 32],
    /// One password is checked at a time, so that guessing takes one processor at most.
    turn: tokio::sync::Mutex<()>,
}

/// What the form of the file does not show: that certificates and key can be used together.
///
/// # Errors
/// Says which cannot.
pub fn usable(config: &Config) -> Result<()> {
    let tls = config.metrics_web.as_ref().and_then(|web| web.tls.as_ref());
    tls.map_or(Ok(()), |tls| acceptor(tls).map(drop))
        .context("listen.metrics_web_config: tls_server_config")
}

impl Web {
    /// A guard that goes by the configuration in force.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn new(config: Live) -> Result<Self> {
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).context("no randomness")?;
        let (tls, known, turn) =
            (Mutex::default(), Mutex::default(), tokio::sync::Mutex::default());
        Ok(Self { config, tls, known, salt, turn })
    }

    /// What TLS a new connection gets; `None` for none.
    ///
    /// # Errors
    /// When it cannot be used. Then there is no connection either.
    pub(super) fn tls(&self) -> Result<Option<TlsAcceptor>> {
        let config = self.config.current();
        let Some(wanted) = config.metrics_web.as_ref().and_then(|web| web.tls.as_ref()) else {
            return Ok(None);
        };
        let mut made = locked(&self.tls);
        if let Some((of, acceptor)) = made.as_ref()
            && of == wanted
        {
            return Ok(Some(acceptor.clone()));
        }
        let new = acceptor(wanted)?;
        *made = Some((wanted.clone(), new.clone()));
        Ok(Some(new))
    }

    async fn allows(&self, headers: &HeaderMap) -> bool {
        let config = self.config.current();
        let guarded = config.metrics_web.as_ref().filter(|web| !web.users.is_empty());
        let Some(web) = guarded else { return true };
        let Some((user, password)) = basic(headers) else { return false };
        let hash = web.users.get(&user).map(|hash| Zeroizing::new(hash.expose_secret().to_owned()));
        let is_known = hash.is_some();
        // Whether there is such a user cannot be told from the time.
        let hash = hash.unwrap_or_else(|| nobody(web));
        let digest = self.digest(&user, &hash, &password);
        if locked(&self.known).contains(&digest) {
            return true;
        }
        let _turn = self.turn.lock().await;
        if locked(&self.known).contains(&digest) {
            return true;
        }
        let fits = move || bcrypt::verify(password.as_bytes(), &hash).unwrap_or(false);
        let fits = tokio::task::spawn_blocking(fits).await.unwrap_or(false);
        if fits && is_known {
            let mut known = locked(&self.known);
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(digest);
        }
        fits && is_known
    }

    fn digest(&self, user: &str, hash: &str, password: &str) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(self.salt);
        for part in [user, hash, password] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }
}

/// Lets those through who may.
pub(super) async fn guard(State(web): State<Arc<Web>>, request: Request, next: Next) -> Response {
    if web.allows(request.headers()).await {
        return next.run(request).await;
    }
    let problem = Problem::new(401, "unauthorized", "Not authenticated")
        .detail("send user and password: Authorization: Basic …");
    let mut response = problem.into_response();
    let basic = HeaderValue::from_static("Basic realm=\"revoked\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    response
}

/// A hash that takes as long as the slowest of those configured.
fn nobody(web: &WebConfig) -> Zeroizing<String> {
    let cost = web.cost;
    Zeroizing::new(format!("$2y${cost:02}${NOBODYS}"))
}

/// User and password.
fn basic(headers: &HeaderMap) -> Option<(String, Zeroizing<String>)> {
    let (scheme, text) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
    let text = std::str::from_utf8(&bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), Zeroizing::new(password.to_owned())))
}

fn acceptor(tls: &WebTls) -> Result<TlsAcceptor> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: &[_] = if tls.only_tls13 { &[&TLS13] } else { &[&TLS13, &TLS12] };
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .context("min_version")?;
    let builder = match &tls.client_auth {
        ClientAuth::Nobody => builder.with_no_client_auth(),
        ClientAuth::IfGiven(ca) => builder
            .with_client_cert_verifier(clients(ca, provider)?.allow_unauthenticated().build()?),
        ClientAuth::Everybody(ca) => {
            builder.with_client_cert_verifier(clients(ca, provider)?.build()?)
        }
    };
    let cert = certificates(&tls.cert).context("cert_file")?;
    let key = PrivateKeyDer::from_pem_slice(tls.key.expose_secret().as_bytes())
        .context("key_file: there is no key in it (PEM)")?;
    let mut config =
        builder.with_single_cert(cert, key).context("cert_file and key_file do not fit")?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn clients(
    ca: &str,
    provider: Arc<CryptoProvider>,
) -> Result<rustls::server::ClientCertVerifierBuilder> {
    let mut roots = RootCertStore::empty();
    for cert in certificates(ca).context("client_ca_file")? {
        roots.add(cert).context("client_ca_file")?;
    }
    Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider))
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>> {
    let certs: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .context("it is not PEM")?;
    ensure!(!certs.is_empty(), "there is no certificate in it (PEM)");
    Ok(certs)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
