//! What a token that is believed opens here, event by event.

use super::answer::{Declined, Fault, Outcome, refuse};
use super::claims::{Claims, Told};
use super::event::{Event, Meaning, meaning};
use super::subject::{self, Name};
use super::{Receiver, facts};
use crate::clock;
use crate::config::{Config, Ssf, SsfIssuer};
use crate::domain::notice::Outcome as Became;
use crate::domain::revocation::{Kind, Reason};
use crate::domain::time::UtcTime;
use crate::intake::submission::{OneOrMany, Submission};
use crate::intake::{Accepted, IntakeError};
use crate::store::{Facts, NoticeKey};

/// One notice that a token comes to.
struct Ask {
    event: Event,
    kind: Kind,
    reason: Reason,
    at: UtcTime,
    name: Name,
}

impl Receiver {
    /// Does what the events of a token ask for, each once.
    ///
    /// # Errors
    /// When one cannot be used, or cannot be kept now.
    pub(super) async fn act(
        &self,
        config: &Config,
        issuer: &SsfIssuer,
        claims: &Claims,
        notice: NoticeKey,
    ) -> Result<(), Declined> {
        let (mut asks, mut rechecks, mut recycled) = (Vec::new(), Vec::new(), Vec::new());
        for told in &claims.told {
            // Before the standard, each event named its subject itself.
            let sub_id = claims.sub_id.as_ref().or_else(|| told.body.get("subject"));
            let names = || {
                let named = subject::names(sub_id.unwrap_or(&serde_json::Value::Null), issuer);
                named.inspect_err(|_| self.count(issuer, told.event, Outcome::Unusable))
            };
            match meaning(told.event, &told.body) {
                Meaning::Expect(kind, reason) => {
                    let reason = reason.unwrap_or(issuer.reason);
                    let (event, at) = (told.event, told.at);
                    let ask = |name| Ask { event, kind, reason, at, name };
                    asks.extend(names()?.into_iter().map(ask));
                }
                Meaning::Compromised => {
                    let (event, at) = (told.event, told.at);
                    asks.extend(names()?.into_iter().map(|name| {
                        let kind = compromised(&config.ssf, &name);
                        Ask { event, kind, reason: Reason::PolicyViolation, at, name }
                    }));
                }
                Meaning::Recheck => rechecks.push((told.event, names()?)),
                Meaning::Recycled => recycled.extend(names()?.into_iter().map(|name| (told, name))),
                Meaning::Nothing => self.nothing(issuer, told, claims),
            }
        }
        for (number, (told, name)) in recycled.into_iter().enumerate() {
            let event_id = format!("{}#recycled{number}", notice.event_id);
            self.recycle(issuer, (told, name), NoticeKey { event_id, ..notice.clone() }).await?;
        }
        if asks.is_empty() {
            return self.recheck(issuer, rechecks, &notice).await;
        }
        for (event, _) in rechecks {
            self.count(issuer, event, Outcome::Ignored);
        }
        for (number, ask) in asks.into_iter().enumerate() {
            let event_id = match number {
                0 => notice.event_id.clone(),
                more => format!("{}#{more}", notice.event_id),
            };
            self.expect(issuer, ask, NoticeKey { event_id, ..notice.clone() }).await?;
        }
        Ok(())
    }

    async fn expect(
        &self,
        issuer: &SsfIssuer,
        ask: Ask,
        notice: NoticeKey,
    ) -> Result<(), Declined> {
        let (event, sender) = (ask.event, notice.source.clone());
        let facts = Facts {
            event_type: event.as_str().to_owned(),
            subject: ask.name.id.clone(),
            username: ask.name.username.clone().unwrap_or_default(),
            ..facts()?
        };
        let notice = NoticeKey { facts, ..notice };
        let kept = self.intake.submit_as(&submission(ask)?, notice, &sender).await;
        let accepted = kept.map_err(|error| self.declined(issuer, event, error))?;
        self.told(issuer, event, &accepted, Outcome::Accepted);
        Ok(())
    }

    /// What is expected of the subjects is looked at now: no revocation says what an ended session asks for, and
    /// one that is open finds a session that is left by itself.
    async fn recheck(
        &self,
        issuer: &SsfIssuer,
        events: Vec<(Event, Vec<Name>)>,
        notice: &NoticeKey,
    ) -> Result<(), Declined> {
        for (event, names) in events {
            let names: Vec<String> = names
                .into_iter()
                .flat_map(|name| [Some(name.id), name.username])
                .flatten()
                .collect();
            let noted = self.intake.note_with(&names, notice).await;
            match noted.map_err(|error| self.declined(issuer, event, error))? {
                Some(accepted) => self.told(issuer, event, &accepted, Outcome::Noted),
                None => self.count(issuer, event, Outcome::Ignored),
            }
        }
        Ok(())
    }

    /// A name that is somebody else's now.
    async fn recycle(
        &self,
        issuer: &SsfIssuer,
        (told, name): (&Told, Name),
        notice: NoticeKey,
    ) -> Result<(), Declined> {
        let facts = Facts {
            event_type: told.event.as_str().to_owned(),
            event_at: Some(told.at),
            subject: name.id,
            username: name.username.unwrap_or_default(),
            ..facts()?
        };
        let notice = NoticeKey { facts, ..notice };
        let taken = self.intake.recycle_of(notice, self.config.current()).await;
        let received = taken.map_err(|error| self.declined(issuer, told.event, error))?;
        let outcome = match (received.as_ref().map(|one| one.outcome), &received) {
            (_, Some(one)) if one.duplicate => Outcome::Known,
            (Some(Became::Quarantined), _) => Outcome::Unusable,
            (Some(_), _) => Outcome::Accepted,
            (None, _) => Outcome::Ignored,
        };
        if outcome == Outcome::Ignored {
            tracing::warn!(
                issuer = issuer.name,
                "an identifier was recycled, and nothing is expected of it"
            );
        }
        self.count(issuer, told.event, outcome);
        Ok(())
    }

    fn nothing(&self, issuer: &SsfIssuer, told: &Told, claims: &Claims) {
        let status = told.body.get("status").and_then(serde_json::Value::as_str);
        match told.event {
            Event::Verification => {
                self.metrics.signals.verified(&issuer.name, clock::now().seconds());
                tracing::info!(issuer = issuer.name, jti = claims.jti, "the stream was tried");
            }
            Event::StreamUpdated if status != Some("enabled") => {
                let status = status.unwrap_or("unknown");
                tracing::warn!(issuer = issuer.name, status, "the issuer stops its stream");
            }
            Event::AccountDisabled
            | Event::AccountPurged
            | Event::CredentialCompromise
            | Event::IdentifierRecycled
            | Event::SessionRevoked
            | Event::CredentialChange
            | Event::Deactivated
            | Event::Deleted
            | Event::StreamUpdated
            | Event::Other => {}
        }
        self.count(issuer, told.event, Outcome::Ignored);
    }

    fn told(&self, issuer: &SsfIssuer, event: Event, accepted: &Accepted, new: Outcome) {
        let outcome = match (accepted.known, accepted.amended) {
            (true, _) => Outcome::Known,
            (false, true) => Outcome::Tightened,
            (false, false) => new,
        };
        self.count(issuer, event, outcome);
        tracing::info!(
            issuer = issuer.name,
            event = event.as_str(),
            outcome = outcome.as_str(),
            revocation = accepted.id,
            "a security event was taken"
        );
    }

    fn declined(&self, issuer: &SsfIssuer, event: Event, error: IntakeError) -> Declined {
        let (outcome, refusal) = match &error {
            IntakeError::Unavailable(_) => return Declined::Unavailable(error.into()),
            IntakeError::Differs { .. } => {
                (Outcome::Conflict, "a token of this jti came before with other claims".to_owned())
            }
            IntakeError::Submission(_)
            | IntakeError::Refused(_)
            | IntakeError::NotHeld(_)
            | IntakeError::Full(_)
            | IntakeError::Sender(_) => (Outcome::Unusable, error.to_string()),
        };
        self.count(issuer, event, outcome);
        Declined::Refused(refuse(Fault::InvalidRequest, refusal))
    }

    fn count(&self, issuer: &SsfIssuer, event: Event, outcome: Outcome) {
        self.metrics.signals.event(&issuer.name, event.as_str(), outcome.as_str());
    }
}

/// Whoever shares a credential goes on with a new one; of everybody else the account is suspended.
fn compromised(ssf: &Ssf, name: &Name) -> Kind {
    let shared = |name: &String| ssf.shared.contains(name);
    if shared(&name.id) || name.username.as_ref().is_some_and(shared) {
        Kind::Rotation
    } else {
        Kind::Suspend
    }
}

/// As a plain notice would say it; read like one, so that the same limits hold.
fn submission(ask: Ask) -> Result<Submission, Declined> {
    let (username, employee_id) = match ask.name.username {
        None => (ask.name.id, None),
        Some(username) => (username, Some(ask.name.id)),
    };
    let plain = Submission {
        username,
        employee_id,
        reason: ask.reason.as_str().to_owned(),
        revocation_type: Some(ask.kind.as_str().to_owned()),
        effective_at: Some(ask.at.to_string()),
        email: ask.name.email.map(OneOrMany::One),
        ..Submission::default()
    };
    let bytes = serde_json::to_vec(&plain).map_err(anyhow::Error::new)?;
    let read = Submission::parse(&bytes);
    Ok(read.map_err(|wrong| refuse(Fault::InvalidRequest, wrong.to_string()))?)
}
