//! Shared Signals: security event tokens (RFC 8417) that identity providers push (RFC 8935), and what they open here.
//!
//! A token is believed for one reason only: a key that the configuration names for its issuer signed it.

mod act;
mod answer;
mod claims;
mod event;
mod jwks;
mod keys;
mod subject;
mod token;

pub use answer::{Declined, Fault, Outcome, Refusal};
pub use event::Event;
pub use keys::count_keys;

use super::{Intake, IntakeError};
use crate::clock;
use crate::config::{Config, Live, Ssf, SsfIssuer, SsfKeys};
use crate::domain::hex::hex;
use crate::metrics::Metrics;
use crate::store::{Facts, NoticeKey};
use answer::{outcomes, refuse};
use anyhow::{Context as _, Result};
use claims::Stated;
use jwks::JwkSet;
use keys::Keyring;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use token::Token;

/// What the form of the configuration does not show: that keys which are given can be used.
///
/// # Errors
/// Names the key of the configuration.
pub fn usable(ssf: &Ssf) -> Result<()> {
    for issuer in &ssf.issuers {
        let key = || format!("ssf.issuers.{}", issuer.name);
        match &issuer.keys {
            SsfKeys::Given(text) => {
                let read = JwkSet::read(text.as_bytes()).map_err(anyhow::Error::msg);
                read.with_context(|| format!("{}.jwks_file", key()))?;
            }
            SsfKeys::Url(url) => {
                let parsed = reqwest::Url::parse(url);
                parsed.with_context(|| format!("{}.jwks_url: it is not an address", key()))?;
            }
        }
    }
    Ok(())
}

/// Where tokens come in, in the list of notices.
pub(super) const DOOR: &str = "ssf";

/// Takes tokens.
pub struct Receiver {
    intake: Arc<Intake>,
    config: Live,
    keys: Keyring,
    metrics: Arc<Metrics>,
}

impl Receiver {
    /// A receiver for the configured issuers; what tokens ask for goes to `intake`.
    ///
    /// # Errors
    /// When there is no TLS.
    pub fn new(intake: Arc<Intake>, config: Live, metrics: Arc<Metrics>) -> Result<Self> {
        let receiver = Self { intake, config, keys: Keyring::new(metrics.clone())?, metrics };
        receiver.expect_all();
        Ok(receiver)
    }

    /// What can be counted is there before the first of it.
    fn expect_all(&self) {
        let faults: Vec<_> = Fault::ALL.iter().map(|fault| fault.as_str()).collect();
        let mut events = Vec::new();
        for event in Event::ALL {
            for outcome in outcomes(*event) {
                events.push((event.as_str(), outcome.as_str()));
            }
        }
        let issuers = &self.config.current().ssf.issuers;
        for issuer in issuers {
            self.metrics.signals.expect_issuer(&issuer.name, &faults, &events);
        }
        if !issuers.is_empty() {
            self.metrics.signals.expect_issuer("unknown", &faults, &[]);
        }
    }

    /// Takes the token `body`, which came with the bearer token `bearer`. When this returns, the records of what it
    /// opened are in the log.
    ///
    /// # Errors
    /// When it is refused, or cannot be kept now. Sent again it is taken once.
    pub async fn receive(&self, body: &[u8], bearer: Option<&str>) -> Result<(), Declined> {
        let config = self.config.current();
        let mut from = None;
        let taken = self.take(&config, body, bearer, &mut from).await;
        let issuer = from.as_deref().unwrap_or("unknown");
        match &taken {
            Ok(()) => {}
            // What is wrong with it may quote the token: that is for its sender only.
            Err(Declined::Refused(refusal)) => {
                let err = refusal.err.as_str();
                self.metrics.signals.refused(issuer, err);
                tracing::warn!(issuer, err, "a security event token was refused");
            }
            Err(Declined::Unavailable(error)) => {
                let error = format!("{error:#}");
                tracing::warn!(issuer, error, "a security event token was not acknowledged");
            }
        }
        taken
    }

    async fn take(
        &self,
        config: &Config,
        body: &[u8],
        bearer: Option<&str>,
        from: &mut Option<String>,
    ) -> Result<(), Declined> {
        let token = Token::read(body)?;
        let stated = Stated::read(&token.payload)?;
        let named = config.ssf.issuers.iter().find(|issuer| issuer.issuer == stated.iss);
        let issuer = named.ok_or_else(|| {
            refuse(Fault::InvalidIssuer, "its iss is none that is configured here")
        })?;
        *from = Some(issuer.name.clone());
        authenticate(issuer, bearer)?;
        self.keys.check(issuer, &token).await?;
        let now = clock::now();
        let claims = stated.check(issuer, now)?;
        self.metrics.signals.heard(&issuer.name, now.seconds());
        let notice = NoticeKey {
            source: format!("ssf:{}", issuer.name),
            event_id: claims.jti.clone(),
            // Of the claims: what is sent again may be signed anew.
            digest: hex(&Sha256::digest(&token.payload)),
            body: String::from_utf8_lossy(body).into_owned(),
            facts: facts()?,
        };
        let acted = self.act(config, issuer, &claims, notice.clone()).await;
        if let Err(Declined::Refused(refusal)) = &acted {
            // One that is put right may come with the same jti.
            let event_id = format!("{}/{:.16}", notice.event_id, notice.digest);
            self.hold(NoticeKey { event_id, ..notice }, &refusal.description).await?;
        }
        acted
    }

    /// Keeps for a person what is signed and cannot be used: its issuer may never send it again.
    async fn hold(&self, notice: NoticeKey, why: &str) -> Result<(), Declined> {
        match self.intake.hold_token(notice, why).await {
            // A token of this jti is kept already, and stays what it was.
            Ok(()) | Err(IntakeError::Differs { .. }) => Ok(()),
            Err(
                error @ (IntakeError::Submission(_)
                | IntakeError::Refused(_)
                | IntakeError::NotHeld(_)
                | IntakeError::Full(_)
                | IntakeError::Sender(_)
                | IntakeError::Unavailable(_)),
            ) => Err(Declined::Unavailable(error.into())),
        }
    }
}

/// A transmitter that has to say who it is, beside the signature.
fn authenticate(issuer: &SsfIssuer, bearer: Option<&str>) -> Result<(), Refusal> {
    let Some(known) = &issuer.token else { return Ok(()) };
    let given: [u8; 32] = Sha256::digest(bearer.unwrap_or_default()).into();
    if bool::from(known.ct_eq(&given)) {
        return Ok(());
    }
    let why = "send the transmitter's token: Authorization: Bearer …";
    Err(refuse(Fault::AuthenticationFailed, why))
}

/// What is listed of a notice that came in here.
fn facts() -> Result<Facts, Declined> {
    let id = clock::new_id("ntc", clock::now()).map_err(|e| Declined::Unavailable(e.into()))?;
    Ok(Facts { id, door: DOOR.to_owned(), ..Facts::default() })
}

/// An issuer of nobody in particular.
#[cfg(test)]
pub(crate) mod sample {
    use super::*;
    use crate::config::SubjectForm;
    use crate::domain::revocation::Reason;
    use std::time::Duration;

    pub(crate) fn issuer() -> SsfIssuer {
        SsfIssuer {
            name: "idp".to_owned(),
            issuer: "https://idp.example.com/".to_owned(),
            audience: vec!["636C69656E745F6964".to_owned()],
            keys: SsfKeys::Given("{}".to_owned()),
            token: None,
            subject: SubjectForm::Sub,
            subject_issuers: ["https://idp.example.com/".to_owned()].into(),
            reason: Reason::Other,
            refresh: Duration::from_secs(3600),
        }
    }
}
