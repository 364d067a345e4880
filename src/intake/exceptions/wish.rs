//! What somebody asks for, as it is sent.

use crate::clock;
use crate::config::Config;
use crate::domain::effective::{self, Zones};
use crate::domain::exception::{Exception, ExceptionKind, Phase};
use crate::domain::revocation::{Reason, Revocation};
use crate::domain::time::{UtcTime, parse_duration};
use crate::intake::submission::{OneOrMany, Submission, SubmissionError, object, text_fits, wrong};
use crate::intake::{IntakeError, terms_of};
use serde::{Deserialize, Serialize};

/// Permission that somebody asks for. Who it is for is named by the revocation, or by the subject.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// `grace`, `extension`, `temporary`, `break_glass`, `legal_hold` or `transition`.
    pub kind: String,
    /// The revocation that it is an exception from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation: Option<String>,
    /// Stable id of the person, where the revocation is not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Until when: an instant, a local time or a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Or for how long, from now on, such as 4h or 7d.
    #[serde(skip_serializing_if = "Option::is_none", rename = "for")]
    pub lasts: Option<String>,
    /// Or, for an extension, how much later the end date is than it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extend_by: Option<String>,
    /// Zone in which `until` and `review_at` are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// For a legal hold: when somebody has to look at it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_at: Option<String>,
    /// Why; it stays in the store.
    pub why: String,
    /// User name, where an event names one beside the stable id.
    #[serde(skip)]
    pub username: Option<String>,
    /// Where nothing is expected of the subject yet: its database roles, each as `role` or `target/role`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<OneOrMany>,
    /// Where nothing is expected yet: roles that are given for that time, and have to be gone afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<OneOrMany>,
    /// Where nothing is expected yet: permissions that are given for that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<OneOrMany>,
}

impl Wish {
    /// Reads the object.
    ///
    /// # Errors
    /// When it is none, has a field we do not know, or a text that cannot be used.
    pub fn parse(bytes: &[u8]) -> Result<Self, SubmissionError> {
        let parsed: Self = object(bytes)?;
        parsed.bounded()?;
        Ok(parsed)
    }

    /// Whether its texts can be kept.
    ///
    /// # Errors
    /// Names the field that cannot be used.
    pub fn bounded(&self) -> Result<(), SubmissionError> {
        let texts = [
            ("/why", Some(&self.why)),
            ("/revocation", self.revocation.as_ref()),
            ("/subject", self.subject.as_ref()),
            ("/time_zone", self.time_zone.as_ref()),
        ];
        for (field, text) in texts {
            text_fits(field, text)?;
        }
        if self.revocation.is_some() == self.subject.is_some() {
            return Err(wrong("/subject", "name the revocation or the subject, one of the two"));
        }
        let begins = [&self.account, &self.roles, &self.permissions];
        if self.revocation.is_some() && begins.iter().any(|list| list.is_some()) {
            return Err(wrong(
                "/revocation",
                "what has to be gone is named there already; accounts and roles go with a subject",
            ));
        }
        self.kind().map(drop)
    }

    pub(super) fn kind(&self) -> Result<ExceptionKind, SubmissionError> {
        ExceptionKind::from_word(&self.kind).ok_or_else(|| {
            let known: Vec<_> = ExceptionKind::ALL.iter().map(|kind| kind.as_str()).collect();
            wrong("/kind", format!("one of {}, not `{}`", known.join(", "), self.kind))
        })
    }

    fn zones<'a>(&'a self, zones: Zones<'a>) -> Zones<'a> {
        Zones { subject: self.time_zone.as_deref(), ..zones }
    }

    /// When it would end, if somebody said so.
    pub(in crate::intake) fn end(
        &self,
        zones: &Zones<'_>,
        now: UtcTime,
    ) -> Result<Option<UtcTime>, SubmissionError> {
        match (&self.until, &self.lasts) {
            (Some(_), Some(_)) => Err(wrong("/for", "say until when, or for how long, not both")),
            (None, None) => Ok(None),
            (Some(text), None) => effective::resolve(text, &self.zones(*zones))
                .map(|(at, _)| Some(at))
                .map_err(|error| wrong("/until", error.to_string())),
            (None, Some(text)) => parse_duration(text)
                .map(|lasts| Some(now.plus(lasts)))
                .map_err(|error| wrong("/for", error.to_string())),
        }
    }

    /// The end date that the contract has with `extend_by`: from where it stands, be that extended already.
    fn extended(
        &self,
        kind: ExceptionKind,
        revocation: &Revocation,
        known: &[Exception],
    ) -> Result<Option<UtcTime>, SubmissionError> {
        let Some(text) = &self.extend_by else { return Ok(None) };
        if kind != ExceptionKind::Extension {
            return Err(wrong("/extend_by", "only an extension moves an end date"));
        }
        if self.until.is_some() || self.lasts.is_some() {
            return Err(wrong(
                "/extend_by",
                "say until when, for how long, or by how much: one of them",
            ));
        }
        let by = parse_duration(text).map_err(|error| wrong("/extend_by", error.to_string()))?;
        let running = known.iter().filter(|one| one.kind == kind && one.in_force());
        let end = running.filter_map(|one| one.until).max().unwrap_or(revocation.effective_at);
        Ok(Some(end.plus(by)))
    }

    fn review(
        &self,
        kind: ExceptionKind,
        zones: &Zones<'_>,
    ) -> Result<Option<UtcTime>, SubmissionError> {
        let Some(text) = &self.review_at else { return Ok(None) };
        if kind != ExceptionKind::LegalHold {
            return Err(wrong("/review_at", "only a legal_hold is given one"));
        }
        let resolved = effective::resolve(text, &self.zones(*zones));
        resolved.map(|(at, _)| Some(at)).map_err(|error| wrong("/review_at", error.to_string()))
    }

    /// The exception that is asked of `revocation` by `by`.
    pub(super) fn exception(
        &self,
        revocation: &Revocation,
        in_force: &[Exception],
        by: &str,
        config: &Config,
        now: UtcTime,
    ) -> Result<Exception, IntakeError> {
        let kind = self.kind()?;
        let zones = terms_of(config, by, by).zones;
        let until = match self.extended(kind, revocation, in_force)? {
            Some(at) => Some(at),
            None => self.end(&zones, now)?.or_else(|| kind.usual_end(revocation, now)),
        };
        let id = clock::new_id("exc", now).map_err(|e| IntakeError::Unavailable(e.into()))?;
        Ok(Exception {
            id,
            kind,
            phase: Phase::Requested,
            requested_by: by.to_owned(),
            requested_at: now,
            until,
            opened: false,
            why: Some(self.why.clone()),
            approved_by: None,
            approved_at: None,
            uncovered: None,
            allowed_us: None,
            deadlines: None,
            release: None,
            ended_at: None,
            ended_by: None,
            ending: None,
            review_at: self.review(kind, &zones)?,
            reviewed_by: None,
            reviewed_at: None,
        })
    }

    /// What has to be gone when temporary access is over, where nothing was expected before: it is expected from the
    /// request on, since that removes access, and from its end on it is due.
    pub(in crate::intake) fn submission(&self, subject: &str, until: UtcTime) -> Submission {
        Submission {
            username: self.username.clone().unwrap_or_else(|| subject.to_owned()),
            employee_id: self.username.as_ref().map(|_| subject.to_owned()),
            account: self.account.clone(),
            reason: Reason::Other.as_str().to_owned(),
            roles: self.roles.clone(),
            permissions: self.permissions.clone(),
            effective_at: Some(until.to_string()),
            // Nobody keeps a broken glass for another hour.
            deadline: (self.kind == ExceptionKind::BreakGlass.as_str()).then(|| "0s".to_owned()),
            ..Submission::default()
        }
    }
}
