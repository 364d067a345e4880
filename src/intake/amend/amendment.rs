//! What somebody wants to be changed, and what that comes to: at once where it tightens, else a request. Pure but for
//! the id of that.

use crate::clock;
use crate::config::Config;
use crate::domain::effective::{self, Zones};
use crate::domain::expectation::deadlines;
use crate::domain::milestone::{Deadlines, Milestone};
use crate::domain::request::{Asked, Request};
use crate::domain::revocation::{Kind, Revocation};
use crate::domain::time::UtcTime;
use crate::intake::links::Unlinking;
use crate::intake::submission::{
    OneOrMany, SubmissionError, account_names, deadline_of, names_fit, object, text_fits, wrong,
};
use crate::intake::{IntakeError, known_targets, merge, terms_of};
use serde::{Deserialize, Serialize};

/// What is to change. Accounts, roles and permissions are added to those there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Amendment {
    /// When access has to end. A later time waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<String>,
    /// Zone in which that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// By when everything has to be gone. A later time waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// More accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<OneOrMany>,
    /// More roles that must be gone, for a partial revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<OneOrMany>,
    /// More permissions that must be gone, for a partial revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<OneOrMany>,
    /// Another ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The subject has no account anywhere. Waits for a second person.
    #[serde(default)]
    pub no_account: bool,
    /// A role that is the subject's, as a person says who was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// A linked role that is not the subject's. Waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlink: Option<Unlinking>,
    /// Why; it stays in the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What a change comes to.
pub(super) struct Decision {
    pub(super) revocation: Revocation,
    pub(super) pending: Option<Request>,
}

impl Amendment {
    /// Reads the object.
    ///
    /// # Errors
    /// When it is none, or has a field we do not know.
    pub fn parse(bytes: &[u8]) -> Result<Self, SubmissionError> {
        let parsed: Self = object(bytes)?;
        parsed.bounded()?;
        Ok(parsed)
    }

    pub(super) fn bounded(&self) -> Result<(), SubmissionError> {
        for (field, text) in
            [("/ticket", &self.ticket), ("/why", &self.why), ("/time_zone", &self.time_zone)]
        {
            text_fits(field, text.as_ref())?;
        }
        names_fit("/roles", self.roles.as_ref())?;
        names_fit("/permissions", self.permissions.as_ref())
    }

    /// Only a partial revocation names what must be gone.
    fn fits(&self, known: &Revocation) -> Result<(), SubmissionError> {
        for (field, list) in [("/roles", &self.roles), ("/permissions", &self.permissions)] {
            if known.kind != Kind::Partial && !OneOrMany::list(list.as_ref()).is_empty() {
                let kind = known.kind;
                return Err(wrong(field, format!("a {kind} revocation names none; partial does")));
            }
        }
        Ok(())
    }

    /// Nothing else is asked for beside the unlinking: what is done at once would leave it out.
    pub(super) fn only_unlinks(&self) -> Result<(), SubmissionError> {
        let alone = Self { unlink: self.unlink.clone(), why: self.why.clone(), ..Self::default() };
        if *self == alone {
            return Ok(());
        }
        Err(wrong("/unlink", "ask for this and for what else is to change one by one"))
    }

    fn zones<'a>(&'a self, zones: Zones<'a>) -> Zones<'a> {
        Zones { subject: self.time_zone.as_deref(), ..zones }
    }

    /// The revocation with what is added and what comes sooner, and what would come later.
    pub(super) fn decide(
        &self,
        known: &Revocation,
        by: &str,
        config: &Config,
        now: UtcTime,
    ) -> Result<Decision, IntakeError> {
        self.fits(known)?;
        let terms = terms_of(config, by, by);
        let zones = self.zones(terms.zones);
        let mut asked = known.clone();
        asked.accounts = account_names(self.account.as_ref())?;
        asked.accounts.extend(self.linked()?);
        asked.roles = OneOrMany::list(self.roles.as_ref());
        asked.permissions = OneOrMany::list(self.permissions.as_ref());
        known_targets(config, &asked)?;
        let later = |deadline: Option<UtcTime>, effective_at: UtcTime, from: UtcTime| {
            let allowance = terms.profiles.allowance(known.reason);
            deadlines(known.kind, known.reason, &allowance, effective_at, from, deadline)
        };
        if let Some(text) = &self.effective_at {
            let (at, how) = effective::resolve(text, &zones)
                .map_err(|error| wrong("/effective_at", error.to_string()))?;
            asked.effective_at = at;
            asked.effective = Some(how);
            // Sooner: as if told now. Later: from the later effect.
            asked.deadlines = later(None, at, now);
        }
        if let Some(text) = &self.deadline {
            let stated = deadline_of(text, asked.effective_at.max(now), &zones)?;
            asked.deadlines = later(Some(stated), asked.effective_at, now);
        }
        let mut revocation = merge::tighten(known, &asked).unwrap_or_else(|| known.clone());
        if let Some(ticket) = &self.ticket {
            revocation.retitle(ticket);
        }
        let keeps = asked.effective_at > known.effective_at
            || (self.deadline.is_some() && any_later(&asked.deadlines, &known.deadlines));
        if self.unlink.is_some() && (keeps || self.no_account) {
            return Err(wrong("/unlink", "ask for this and for what else waits one by one").into());
        }
        if keeps && self.no_account {
            return Err(wrong("/no_account", "ask for this and for a later time one by one").into());
        }
        let pending = if keeps {
            Some(Request {
                effective_at: Some(asked.effective_at),
                effective: asked.effective,
                deadlines: Some(asked.deadlines),
                ..self.request(Asked::Postpone, by, now)?
            })
        } else if self.no_account {
            Some(self.request(Asked::NoAccount, by, now)?)
        } else {
            None
        };
        Ok(Decision { revocation, pending })
    }

    pub(in crate::intake) fn request(
        &self,
        asks: Asked,
        by: &str,
        now: UtcTime,
    ) -> Result<Request, IntakeError> {
        let id = clock::new_id("req", now).map_err(|e| IntakeError::Unavailable(e.into()))?;
        Ok(Request {
            id,
            asks,
            requested_by: by.to_owned(),
            requested_at: now,
            effective_at: None,
            effective: None,
            deadlines: None,
            erroneous: false,
            unlink: None,
            why: self.why.clone(),
        })
    }
}

fn any_later(asked: &Deadlines, known: &Deadlines) -> bool {
    Milestone::ALL.iter().any(|milestone| {
        matches!((asked.get(*milestone), known.get(*milestone)), (Some(a), Some(k)) if a > k)
    })
}
