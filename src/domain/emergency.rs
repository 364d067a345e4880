//! Access that somebody had taken away at once, in an emergency: nobody is waited for, and a second person approves it
//! afterwards. Pure.

use super::request::Refused;
use super::time::UtcTime;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Somebody else approves an emergency within so long when the configuration does not say.
pub const APPROVAL: Duration = Duration::from_secs(4 * 3_600);

/// An emergency, and what a second person said of it afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emergency {
    /// `req_…`: what the second person names.
    pub id: String,
    /// Who called it: token or uid, never a typed name.
    pub requested_by: String,
    /// When.
    pub requested_at: UtcTime,
    /// By when somebody else has to approve.
    pub approval_due_at: UtcTime,
    /// Who approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<UtcTime>,
    /// It is on record that nobody approved in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub noted: bool,
}

/// An emergency as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Emergency)]
pub struct Standing {
    /// `req_…`: what the second person names.
    pub id: String,
    /// Who called it.
    pub requested_by: String,
    /// When.
    pub requested_at: UtcTime,
    /// By when somebody else has to approve.
    pub approval_due_at: UtcTime,
    /// Who approved.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<UtcTime>,
    /// Nobody approved, and the time for it is over.
    pub overdue: bool,
}

impl Emergency {
    /// One that `by` calls at `now`, to be approved `within` that time; at once where one person is enough.
    #[must_use]
    pub fn called(id: String, by: &str, now: UtcTime, within: Duration, single: bool) -> Self {
        Self {
            id,
            requested_by: by.to_owned(),
            requested_at: now,
            approval_due_at: now.plus(within),
            approved_by: single.then(|| by.to_owned()),
            approved_at: single.then_some(now),
            noted: false,
        }
    }

    /// Whether nobody has approved it.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.approved_at.is_none()
    }

    /// Whether somebody should have approved it by `now`, and nobody has.
    #[must_use]
    pub fn overdue(&self, now: UtcTime) -> bool {
        self.waits() && self.approval_due_at <= now
    }

    /// With the word of `by`, also where it comes late.
    ///
    /// # Errors
    /// When somebody approved before, or `by` called it.
    pub fn approved(&self, by: &str, now: UtcTime, single: bool) -> Result<Self, Refused> {
        if !self.waits() {
            return Err(Refused::NothingWaits);
        }
        if self.requested_by == by && !single {
            return Err(Refused::SamePerson(by.to_owned()));
        }
        Ok(Self { approved_by: Some(by.to_owned()), approved_at: Some(now), ..self.clone() })
    }

    /// With the note that nobody approved in time; `None` where that is not so, or is on record.
    #[must_use]
    pub fn unapproved(&self, now: UtcTime) -> Option<Self> {
        (self.overdue(now) && !self.noted).then(|| Self { noted: true, ..self.clone() })
    }

    /// As it stands at `now`.
    #[must_use]
    pub fn standing(&self, now: UtcTime) -> Standing {
        Standing {
            id: self.id.clone(),
            requested_by: self.requested_by.clone(),
            requested_at: self.requested_at,
            approval_due_at: self.approval_due_at,
            approved_by: self.approved_by.clone(),
            approved_at: self.approved_at,
            overdue: self.overdue(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> UtcTime {
        UtcTime::from_micros(minute * 60_000_000).unwrap()
    }

    fn called(single: bool) -> Emergency {
        Emergency::called("req_1".into(), "hr", at(0), APPROVAL, single)
    }

    #[test]
    fn somebody_else_approves_in_time_or_late_and_once() {
        let waits = called(false);
        assert_eq!(waits.approved("hr", at(1), false), Err(Refused::SamePerson("hr".into())));
        let approved = waits.approved("it", at(1), false).unwrap();
        assert_eq!(
            (approved.approved_by.as_deref(), approved.overdue(at(999))),
            (Some("it"), false)
        );
        assert_eq!(approved.approved("boss", at(2), false), Err(Refused::NothingWaits));
        assert!(waits.approved("it", at(9_999), false).is_ok());
        assert!(!called(true).waits(), "one person is enough where that is said");
    }

    #[test]
    fn that_nobody_approved_is_noted_once_and_at_the_instant() {
        let waits = called(false);
        assert_eq!((waits.overdue(at(239)), waits.overdue(at(240))), (false, true));
        assert_eq!(waits.unapproved(at(239)), None);
        let noted = waits.unapproved(at(240)).unwrap();
        assert!(noted.overdue(at(241)) && noted.unapproved(at(500)).is_none());
        let late = noted.approved("it", at(600), false).unwrap();
        assert!(!late.overdue(at(601)) && late.noted);
    }
}
