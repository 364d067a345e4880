//! The plain notice: one JSON object with the fields of the CSV.

mod form;

use form::without_control;
pub(super) use form::{LISTED, TEXT, names_fit, text_fits, wrong};
pub use form::{SubmissionError, is_name, object, unfit};

use crate::clock;
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::effective::{self, Effective, Zones};
use crate::domain::expectation::deadlines;
use crate::domain::profile::Profiles;
use crate::domain::revocation::{Reason, Revocation};
use crate::domain::time::{UtcTime, parse_duration};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One value or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged, expecting = "a text, or a list of texts")]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn list(this: Option<&Self>) -> Vec<String> {
        match this {
            None => Vec::new(),
            Some(Self::One(one)) => vec![one.clone()],
            Some(Self::Many(many)) => many.clone(),
        }
    }
}

/// The fields of a notice.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Submission {
    /// User account identifier: the subject, unless there is an employee id; the role, unless one is named.
    pub username: String,
    /// Stable id of the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// Role names, each as `role` or `target/role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<OneOrMany>,
    /// Why; free text is mapped to a class.
    pub reason: String,
    /// `full` (default), `suspend`, `partial`, `rotation` or `transfer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_type: Option<String>,
    /// For a partial revocation: roles that must be gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<OneOrMany>,
    /// For a partial revocation: permissions that must be gone, as the configuration maps them to roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<OneOrMany>,
    /// For a partial revocation: roles that must be held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_roles: Option<OneOrMany>,
    /// For a partial revocation: permissions that must be held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_permissions: Option<OneOrMany>,
    /// For a transfer: stable id of who owns the account from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_owner: Option<String>,
    /// E-mail addresses of the subject, for probes that ask by them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<OneOrMany>,
    /// When access has to end: an instant, a local time or a date; now, if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<String>,
    /// Last day of the contract; the earliest of the times given governs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub termination_date: Option<String>,
    /// Last day at work; the earliest of the times given governs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_working_day: Option<String>,
    /// Where the subject works, as an IANA name: in that zone local times and dates are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// By when everything has to be gone: an instant, or a time after the effect such as `15m`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<String>,
    /// Keep the subject's data. Never weakens a verdict.
    #[serde(default)]
    pub preserve_data: bool,
    /// At once, whatever time is given; somebody else approves it afterwards.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub emergency: bool,
    /// Ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Which system sends this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What that system calls the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
}

/// What the configuration says about notices of one source.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Time allowed per reason.
    pub profiles: &'a Profiles,
    /// Zones in which the source's dates are meant.
    pub zones: Zones<'a>,
    /// No notice allows more time than this after the effect: one sender's word keeps access for no longer.
    pub longest_deadline: Duration,
}

/// When everything has to be gone: a time, or a duration after `start`.
pub(super) fn deadline_of(
    text: &str,
    start: UtcTime,
    zones: &Zones<'_>,
) -> Result<UtcTime, SubmissionError> {
    if let Ok(duration) = parse_duration(text) {
        return Ok(start.plus(duration));
    }
    let resolved = effective::resolve(text, zones).map_err(|_| {
        wrong("/deadline", format!("a time, or a duration such as 15m, not `{text}`"))
    })?;
    Ok(resolved.0)
}

/// The accounts that a notice names.
pub(super) fn account_names(
    named: Option<&OneOrMany>,
) -> Result<Vec<AccountName>, SubmissionError> {
    names_fit("/account", named)?;
    Ok(OneOrMany::list(named).iter().map(|name| account_name(name)).collect())
}

impl Submission {
    /// Reads the object.
    ///
    /// # Errors
    /// When it is none, or has a field we do not know: a misspelt field must not be ignored.
    pub fn parse(bytes: &[u8]) -> Result<Self, SubmissionError> {
        let parsed: Self = object(bytes)?;
        parsed.bounded()?;
        Ok(parsed)
    }

    /// Sender's name for itself.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Sender's id for the event.
    #[must_use]
    pub fn event_id(&self) -> Option<&str> {
        self.event_id.as_deref()
    }

    fn bounded(&self) -> Result<(), SubmissionError> {
        let texts = [
            ("/username", Some(&self.username)),
            ("/employee_id", self.employee_id.as_ref()),
            ("/reason", Some(&self.reason)),
            ("/ticket", self.ticket.as_ref()),
            ("/source", self.source.as_ref()),
            ("/event_id", self.event_id.as_ref()),
            ("/time_zone", self.time_zone.as_ref()),
            ("/new_owner", self.new_owner.as_ref()),
        ];
        for (field, text) in texts {
            text_fits(field, text)?;
            // A person's own words may have lines. Whatever else tells things apart is shown as it is.
            if field != "/reason" {
                without_control(field, text)?;
            }
        }
        for (field, text) in [
            ("/revocation_type", &self.revocation_type),
            ("/effective_at", &self.effective_at),
            ("/termination_date", &self.termination_date),
            ("/last_working_day", &self.last_working_day),
            ("/deadline", &self.deadline),
        ] {
            // What is no time is quoted in the answer.
            without_control(field, text.as_ref())?;
        }
        for address in OneOrMany::list(self.email.as_ref()) {
            without_control("/email", Some(&address))?;
        }
        for (field, list) in [
            ("/account", &self.account),
            ("/roles", &self.roles),
            ("/permissions", &self.permissions),
            ("/required_roles", &self.required_roles),
            ("/required_permissions", &self.required_permissions),
            ("/email", &self.email),
        ] {
            names_fit(field, list.as_ref())?;
        }
        Ok(())
    }

    /// The revocation this asks for, received `now` from `source`.
    ///
    /// # Errors
    /// Names the field that cannot be used.
    pub fn revocation(
        &self,
        source: &str,
        now: UtcTime,
        terms: &Terms<'_>,
    ) -> Result<Revocation, SubmissionError> {
        let roles = OneOrMany::list(self.roles.as_ref());
        let permissions = OneOrMany::list(self.permissions.as_ref());
        let kind = self.kind()?;
        let reason = Reason::classify(&self.reason);
        let (stated, effective) = match self.effective(terms)? {
            None => (now, None),
            Some((at, effective)) => (at, Some(effective)),
        };
        // An involuntary end is not announced: it takes effect at once.
        let at_once = reason == Reason::PolicyViolation || self.emergency;
        let effective_at = if at_once { stated.min(now) } else { stated };
        let deadline = self.deadline(effective_at.max(now), terms)?;
        let mut accounts = account_names(self.account.as_ref())?;
        if accounts.is_empty() {
            let role = self.username.clone();
            accounts.push(AccountName { target: None, role, rule: LinkRule::Template });
        }
        Ok(Revocation {
            id: clock::new_id("rev", now).map_err(SubmissionError::Id)?,
            subject: self.employee_id.clone().unwrap_or_else(|| self.username.clone()),
            username: self.employee_id.as_ref().map(|_| self.username.clone()),
            kind,
            reason,
            effective_at,
            effective,
            received_at: now,
            deadlines: deadlines(
                kind,
                reason,
                &terms.profiles.allowance(reason),
                effective_at,
                now,
                deadline,
            ),
            accounts,
            roles,
            permissions,
            also_called: Vec::new(),
            emails: OneOrMany::list(self.email.as_ref()),
            required_roles: OneOrMany::list(self.required_roles.as_ref()),
            required_permissions: OneOrMany::list(self.required_permissions.as_ref()),
            new_owner: self.new_owner.clone(),
            because: None,
            inactive: None,
            checklist: Vec::new(),
            no_account: false,
            preserve_data: self.preserve_data,
            ticket: self.ticket.clone(),
            earlier_tickets: Vec::new(),
            source: source.to_owned(),
        })
    }

    /// The earliest of the times given, and how it came about.
    fn effective(
        &self,
        terms: &Terms<'_>,
    ) -> Result<Option<(UtcTime, Effective)>, SubmissionError> {
        let zones = self.zones(terms);
        if let Some(name) = zones.subject {
            effective::zone(name).map_err(|error| wrong("/time_zone", error.to_string()))?;
        }
        let given = [
            ("/effective_at", &self.effective_at),
            ("/termination_date", &self.termination_date),
            ("/last_working_day", &self.last_working_day),
        ];
        let mut earliest: Option<(UtcTime, Effective)> = None;
        for (field, text) in given {
            let Some(text) = text else { continue };
            let resolved = effective::resolve(text, &zones)
                .map_err(|error| wrong(field, error.to_string()))?;
            if earliest.as_ref().is_none_or(|(at, _)| resolved.0 < *at) {
                earliest = Some(resolved);
            }
        }
        Ok(earliest)
    }

    fn zones<'a>(&'a self, terms: &Terms<'a>) -> Zones<'a> {
        Zones { subject: self.time_zone.as_deref(), ..terms.zones }
    }

    fn deadline(
        &self,
        start: UtcTime,
        terms: &Terms<'_>,
    ) -> Result<Option<UtcTime>, SubmissionError> {
        let Some(text) = &self.deadline else { return Ok(None) };
        let at = deadline_of(text, start, &self.zones(terms))?;
        let latest = start.plus(terms.longest_deadline);
        if at > latest {
            let why = format!(
                "at the latest {latest} (longest_deadline of the configuration), not {at}: one sender alone does not keep \
                 access for longer. Leave it out, or have it postponed afterwards, which a second person approves"
            );
            return Err(wrong("/deadline", why));
        }
        Ok(Some(at))
    }
}

/// `role`, or `target/role` where the first part looks like a target's name. A role name may have a slash
/// itself; then write it with its target.
pub(super) fn account_name(text: &str) -> AccountName {
    match text.split_once('/') {
        Some((target, role)) if !target.is_empty() && !role.is_empty() => AccountName {
            target: Some(target.to_owned()),
            role: role.to_owned(),
            rule: LinkRule::Stated,
        },
        _ => AccountName { target: None, role: text.to_owned(), rule: LinkRule::Stated },
    }
}

#[cfg(test)]
#[path = "submission_tests.rs"]
mod tests;
