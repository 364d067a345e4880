//! What an event asks for. Pure: JSON in, an [`Event`] out; no clock but the argument.

use super::dates::Dates;
use super::fields::Fields;
use super::submission::{OneOrMany, Submission};
use super::vendor::Offboarding;
use crate::domain::exception::ExceptionKind;
use crate::domain::notice::{Fault, Hold, Unusable};
use crate::domain::revocation::Kind;
use crate::domain::time::UtcTime;
use serde_json::Value;
use std::time::Duration;

/// A sender's clock may be wrong by this much.
const AHEAD: Duration = Duration::from_secs(24 * 3_600);

/// What is said of a type of event that nobody knows.
pub(super) const UNKNOWN: &str = "no such type of event";
/// Types of events that something follows from.
const TYPES: &[&str] = &[
    "user_terminated",
    "contractor_expired",
    "user_role_changed",
    "iam_policy_changed",
    "user_suspended",
    "policy_violation",
    "inactivity_detected",
    "secret_superseded",
    "secret_revoked",
    "vendor_offboarded",
    "contractor_extended",
    "access_restored",
    "temporary_access_granted",
    "break_glass_opened",
    "break_glass_closed",
    "legal_hold_set",
    "legal_hold_released",
    "termination_rescinded",
    "user_rehired",
    "identifier_recycled",
    "test",
    "ignored",
];

/// Whom an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// Stable id of the person.
    pub employee_id: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// E-mail address. It stays in the store.
    pub email: Option<String>,
}

impl Who {
    /// The stable id, else the user name.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.employee_id.as_deref().or(self.username.as_deref())
    }
}

/// What keeps access for a time, or ends that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// A contract goes on: the end moves.
    Extension,
    /// Access was given back.
    Restored,
    /// Access for some days.
    Temporary,
    /// Access in an emergency.
    BreakGlassOpened,
    /// The emergency is over.
    BreakGlassClosed,
    /// What is the person's must stay.
    LegalHoldSet,
    /// That is over.
    LegalHoldReleased,
}

/// What follows from an event about an exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// Somebody may keep access.
    Ask(ExceptionKind),
    /// Nobody may any more.
    Close(ExceptionKind),
    /// Nothing is expected any more.
    Restore,
}

impl Permit {
    /// What follows from it.
    #[must_use]
    pub fn does(self) -> Does {
        match self {
            Self::Extension => Does::Ask(ExceptionKind::Extension),
            Self::Temporary => Does::Ask(ExceptionKind::Temporary),
            Self::BreakGlassOpened => Does::Ask(ExceptionKind::BreakGlass),
            Self::BreakGlassClosed => Does::Close(ExceptionKind::BreakGlass),
            Self::LegalHoldSet => Does::Ask(ExceptionKind::LegalHold),
            Self::LegalHoldReleased => Does::Close(ExceptionKind::LegalHold),
            Self::Restored => Does::Restore,
        }
    }
}

/// An exception, as an event asks for it.
#[derive(Debug)]
pub struct Asked {
    /// What the event is.
    pub kind: Permit,
    /// Until when, as the sender wrote it.
    pub until: Option<String>,
    /// For how long, as the sender wrote it.
    pub duration: Option<String>,
    /// Why, in the sender's words.
    pub reason: Option<String>,
    /// Ticket.
    pub ticket: Option<String>,
    /// Where the person works.
    pub time_zone: Option<String>,
    /// User name, beside the stable id.
    pub username: Option<String>,
    /// Database roles of the person, where access begins.
    pub accounts: Option<OneOrMany>,
    /// Roles that are given for that time.
    pub roles: Option<OneOrMany>,
    /// Permissions that are given for that time.
    pub permissions: Option<OneOrMany>,
}

/// What an event asks for.
#[derive(Debug)]
pub enum Action {
    /// That access ends.
    Revoke(Box<Submission>),
    /// That the access of a vendor ends.
    Offboard(Box<Offboarding>),
    /// That access is kept, or not kept any more. It waits for a second person.
    Exception(Box<Asked>),
    /// The end was taken back before it came.
    Rescind,
    /// The person works here again.
    Rehire {
        /// From when on, as the sender wrote it.
        effective_at: Option<String>,
    },
    /// The identifier belongs to somebody else now.
    Recycle {
        /// From when on, as the sender wrote it.
        effective_at: Option<String>,
    },
    /// Nothing: somebody tries whether events arrive.
    Test,
    /// Nothing: the configuration says that it is none of ours.
    Ignore,
}

/// An event, as far as it could be read.
#[derive(Debug)]
pub struct Event {
    /// The sender's id.
    pub id: Option<String>,
    /// Its type, as sent.
    pub kind: String,
    /// When it was made.
    pub at: Option<UtcTime>,
    /// Whom it is about.
    pub who: Who,
    /// What it asks for.
    pub asks: Result<Action, Unusable>,
}

impl Event {
    /// Reads an event in the documented form, received `now`.
    #[must_use]
    pub fn read(value: &Value, now: UtcTime) -> Self {
        let mut fields = Fields::of(value);
        if !value.is_object() {
            return Self::unreadable(Fault::new("", "an event is a JSON object"));
        }
        for pointer in ["/user", "/metadata", "/revoke", "/keep"] {
            fields.object(pointer);
        }
        let kind = fields.needed("/event_type").unwrap_or_default();
        let id = event_id(&mut fields);
        let at = fields.instant("/timestamp");
        let who = Who {
            employee_id: fields.text("/user/employee_id"),
            username: fields.text("/user/username"),
            email: fields.text("/user/email"),
        };
        let asked = action(&kind, &mut fields, value, &who, (at, now));
        let mut faults = fields.faults();
        let ahead = at.is_some_and(|at| at > now.plus(AHEAD)).then(ahead);
        // Whoever mends one thing should not be told of the next only then.
        let asks = match (asked, ahead) {
            (asked, None) if faults.is_empty() => asked,
            (Ok(_), Some(ahead)) if faults.is_empty() => Err(ahead),
            (asked, ahead) => {
                let more = [asked.err(), ahead].into_iter().flatten();
                faults.extend(more.flat_map(|unusable| unusable.faults));
                Err(Unusable { cause: Hold::Unreadable, faults })
            }
        };
        Self { id, kind, at, who, asks }
    }

    /// An event of which nothing could be read.
    #[must_use]
    pub fn unreadable(fault: Fault) -> Self {
        Self {
            id: None,
            kind: String::new(),
            at: None,
            who: Who::default(),
            asks: Err(Unusable::one(Hold::Unreadable, fault)),
        }
    }
}

/// What is made more than a day from now was made by a wrong clock, or by nobody whom to believe.
pub(super) fn ahead() -> Unusable {
    let why = "more than 24 h from now; a date on which access ends belongs in termination_date, \
               last_working_day or effective_at";
    Unusable::one(Hold::Future, Fault::new("/timestamp", why))
}

/// Longest id of an event.
const ID: usize = 255;

pub(super) fn event_id(fields: &mut Fields<'_>) -> Option<String> {
    let id = fields.text("/event_id")?;
    if id.len() > ID {
        fields.wrong("/event_id", format!("has to have 1 to {ID} bytes of text"));
        return None;
    }
    Some(id)
}

/// What an event of the type `kind` asks for.
fn action(
    kind: &str,
    fields: &mut Fields<'_>,
    value: &Value,
    who: &Who,
    (at, now): (Option<UtcTime>, UtcTime),
) -> Result<Action, Unusable> {
    let mut revoke = |kind, reason: &str| {
        let asked = revocation(fields, who, kind, reason, at.map(|at| at.min(now)));
        Ok(Action::Revoke(Box::new(asked)))
    };
    match kind {
        "user_terminated" => revoke(Kind::Full, "terminated"),
        "contractor_expired" => revoke(Kind::Full, "contract_expired"),
        "user_role_changed" | "iam_policy_changed" => revoke(Kind::Partial, "role_change"),
        "user_suspended" => revoke(Kind::Suspend, "suspended"),
        "policy_violation" => revoke(Kind::Suspend, "policy_violation"),
        "inactivity_detected" => revoke(Kind::Suspend, "inactive"),
        "secret_superseded" | "secret_revoked" => revoke(Kind::Rotation, "credential_rotation"),
        "vendor_offboarded" => Ok(Action::Offboard(Box::new(Offboarding::read(
            value,
            fields,
            at.map(|at| at.min(now)),
        )))),
        "contractor_extended" => Ok(exception(fields, who, Permit::Extension)),
        "access_restored" => Ok(exception(fields, who, Permit::Restored)),
        "temporary_access_granted" => Ok(exception(fields, who, Permit::Temporary)),
        "break_glass_opened" => Ok(exception(fields, who, Permit::BreakGlassOpened)),
        "break_glass_closed" => Ok(exception(fields, who, Permit::BreakGlassClosed)),
        "legal_hold_set" => Ok(exception(fields, who, Permit::LegalHoldSet)),
        "legal_hold_released" => Ok(exception(fields, who, Permit::LegalHoldReleased)),
        "termination_rescinded" => Ok(named(fields, who, Action::Rescind)),
        "user_rehired" => {
            let effective_at = fields.text("/effective_at");
            Ok(named(fields, who, Action::Rehire { effective_at }))
        }
        "identifier_recycled" => {
            let effective_at = fields.text("/effective_at");
            Ok(named(fields, who, Action::Recycle { effective_at }))
        }
        "test" => Ok(Action::Test),
        "ignored" => Ok(Action::Ignore),
        "consumer_claimed" => Err(not_yet("this version does not follow consumers of a secret")),
        "" => Err(Unusable { cause: Hold::Unreadable, faults: Vec::new() }),
        _ => {
            let like = kind.trim().to_lowercase().replace(['-', '.', ' '], "_");
            let why = match TYPES.iter().find(|known| **known == like) {
                Some(known) => format!("{UNKNOWN}: {known} is one"),
                None => UNKNOWN.to_owned(),
            };
            Err(Unusable::one(Hold::UnknownType, Fault::new("/event_type", why)))
        }
    }
}

/// A type of event that is known and that nothing can follow from yet.
pub(super) fn not_yet(why: &str) -> Unusable {
    Unusable::one(Hold::NotYet, Fault::new("/event_type", why))
}

/// `asked`, about somebody who has to be named.
fn named<T>(fields: &mut Fields<'_>, who: &Who, asked: T) -> T {
    let told = ["/user/employee_id", "/user/username"];
    if who.subject().is_none() && !told.iter().any(|pointer| fields.is_wrong(pointer)) {
        fields.wrong("/user/employee_id", "name whom it is about: employee_id, username or both");
    }
    asked
}

fn exception(fields: &mut Fields<'_>, who: &Who, kind: Permit) -> Action {
    let end = fields.text("/until");
    // Whose contract goes on has another last day.
    let day = fields.text("/user/termination_date").filter(|_| kind == Permit::Extension);
    let begins = matches!(kind, Permit::Temporary | Permit::BreakGlassOpened);
    let mut list = |pointer| fields.list(pointer).filter(|_| begins);
    let (accounts, roles, permissions) =
        (list("/user/accounts"), list("/revoke/roles"), list("/revoke/permissions"));
    let duration = fields.text("/duration");
    let asked = Asked {
        kind,
        until: end.or_else(|| day.filter(|_| duration.is_none())),
        duration,
        reason: fields.text("/reason"),
        ticket: fields.text("/ticket"),
        time_zone: fields.text("/user/time_zone"),
        username: who.employee_id.as_ref().and(who.username.clone()),
        accounts,
        roles,
        permissions,
    };
    named(fields, who, Action::Exception(Box::new(asked)))
}

/// The notice in our own form. `at` is when the event was made, which is when access ends if no date says it.
fn revocation(
    fields: &mut Fields<'_>,
    who: &Who,
    kind: Kind,
    reason: &str,
    at: Option<UtcTime>,
) -> Submission {
    named(fields, who, ());
    // A person's words stay in what was received; only the class of the reason goes on.
    let _ = fields.text("/user/termination_reason");
    let dates = Dates::read(fields);
    let partial = kind == Kind::Partial;
    let (roles, permissions) = (fields.list("/revoke/roles"), fields.list("/revoke/permissions"));
    let keep = (fields.list("/keep/roles"), fields.list("/keep/permissions"));
    if !partial && (roles.is_some() || permissions.is_some()) {
        fields.wrong("/revoke", "only a change of role says what must be gone");
    }
    if !partial && (keep.0.is_some() || keep.1.is_some()) {
        fields.wrong("/keep", "only a change of role says what must stay");
    }
    Submission {
        username: who.username.clone().or_else(|| who.employee_id.clone()).unwrap_or_default(),
        employee_id: who.username.as_ref().and(who.employee_id.clone()),
        account: fields.list("/user/accounts"),
        reason: reason.to_owned(),
        revocation_type: Some(kind.as_str().to_owned()),
        roles: roles.filter(|_| partial),
        permissions: permissions.filter(|_| partial),
        required_roles: keep.0.filter(|_| partial),
        required_permissions: keep.1.filter(|_| partial),
        email: who.email.clone().map(OneOrMany::One),
        time_zone: fields.text("/user/time_zone"),
        deadline: fields.text("/deadline"),
        ticket: fields.text("/ticket"),
        effective_at: dates.effective(at),
        termination_date: dates.termination_date,
        last_working_day: dates.last_working_day,
        ..Submission::default()
    }
}

/// The names in a list of one or several.
pub(super) fn names(list: Option<&OneOrMany>) -> Vec<String> {
    OneOrMany::list(list)
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
