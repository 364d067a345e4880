//! Where events come in, and what one comes to by the configuration alone. Pure.

use super::event::{Action, Event, not_yet};
use super::submission::{Submission, SubmissionError};
use super::vendor::Offboarding;
use super::{known_targets, mapping, permits, terms_of};
use crate::config::{Config, PayloadMapping};
use crate::domain::notice::{Fault, Hold, Unusable};
use crate::domain::revocation::Revocation;
use crate::domain::time::UtcTime;
use serde_json::Value;

/// Where an event came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door<'a> {
    /// The documented address for events of people.
    HrEvents,
    /// That for events of vendors.
    Vendor,
    /// The address of a configured source.
    Source(&'a str),
}

impl<'a> Door<'a> {
    /// The last part of the address.
    #[must_use]
    pub fn name(self) -> &'a str {
        match self {
            Self::HrEvents => "hr-events",
            Self::Vendor => "vendor-offboarding",
            Self::Source(name) => name,
        }
    }

    /// The door with this name.
    #[must_use]
    pub fn called(name: &'a str) -> Self {
        match name {
            "hr-events" => Self::HrEvents,
            "vendor-offboarding" => Self::Vendor,
            name => Self::Source(name),
        }
    }

    /// How payloads are read here, if not in the documented form.
    #[must_use]
    pub fn mapping(self, config: &Config) -> Option<&PayloadMapping> {
        match self {
            Self::HrEvents | Self::Vendor => None,
            Self::Source(name) => config.sources.get(name)?.mapping.as_ref(),
        }
    }

    /// Reads an event, with faults in the sender's own words.
    #[must_use]
    pub fn read(self, config: &Config, bytes: &[u8], now: UtcTime) -> Event {
        let value: Value = match serde_json::from_slice(bytes) {
            Ok(value) => value,
            Err(error) => {
                let why = format!("no JSON: {}", position(&error));
                return Event::unreadable(Fault::new("", why));
            }
        };
        let Some(mapping) = self.mapping(config) else {
            return match self {
                Self::Vendor => Offboarding::event(&value, now),
                Self::HrEvents | Self::Source(_) => Event::read(&value, now),
            };
        };
        let mut event = Event::read(&mapping::canonical(mapping, &value), now);
        if let Err(unusable) = &mut event.asks {
            for fault in &mut unusable.faults {
                *fault = mapping::in_theirs(mapping, fault);
            }
        }
        event
    }
}

/// Where it stops being JSON. The reader's own words may quote the text.
fn position(error: &serde_json::Error) -> String {
    format!("line {} column {}", error.line(), error.column())
}

/// By what an event is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) config: &'a Config,
    pub(super) door: Door<'a>,
    pub(super) sender: &'a str,
    pub(super) now: UtcTime,
}

impl Reading<'_> {
    /// `fault` in the sender's own words.
    pub(super) fn theirs(self, fault: &Fault) -> Fault {
        let mapping = self.door.mapping(self.config);
        mapping.map_or_else(|| fault.clone(), |mapping| mapping::in_theirs(mapping, fault))
    }

    /// The revocation that `asked` comes to, or what is wrong with it.
    pub(super) fn revocation(
        self,
        asked: &Submission,
        vendor: bool,
    ) -> Result<Revocation, Unusable> {
        let terms = terms_of(self.config, self.sender, self.sender);
        let read = asked.revocation(self.sender, self.now, &terms).and_then(|asked| {
            known_targets(self.config, &asked)?;
            Ok(asked)
        });
        read.map_err(|error| {
            let fault = match error {
                SubmissionError::Field { field, reason } => {
                    self.theirs(&Fault::new(documented(field, vendor), reason))
                }
                SubmissionError::Form(_) | SubmissionError::Id(_) => {
                    Fault::new("", error.to_string())
                }
            };
            Unusable::one(Hold::Unreadable, fault)
        })
    }
}

/// The revocations that an event of `source` would make, by the configuration alone.
///
/// # Errors
/// Why it would be held.
pub fn would_be(
    config: &Config,
    source: &str,
    event: &Event,
    now: UtcTime,
) -> Result<Vec<Revocation>, Unusable> {
    let mapped = config.sources.get(source).is_some_and(|source| source.mapping.is_some());
    let door = if mapped { Door::Source(source) } else { Door::HrEvents };
    let reading = Reading { config, door, sender: source, now };
    match &event.asks {
        Err(unusable) => Err(unusable.clone()),
        Ok(Action::Revoke(asked)) => Ok(vec![reading.revocation(asked, false)?]),
        Ok(Action::Offboard(asked)) => {
            let items = asked.items(config.vendors.get(&asked.vendor)).into_iter();
            items.map(|item| reading.revocation(&item.submission, true)).collect()
        }
        Ok(Action::Rescind | Action::Rehire | Action::Recycle) => Err(not_yet(NOTHING_BACK)),
        // Only the state tells what it is an exception from.
        Ok(Action::Exception(asked)) => {
            let subject = event.who.subject().unwrap_or_default();
            permits::fits(asked, subject, reading).map(|()| Vec::new())
        }
        Ok(Action::Test | Action::Ignore) => Ok(Vec::new()),
    }
}

pub(super) const NOTHING_BACK: &str = "this version takes nothing back by an event: withdraw the revocation, which a second \
                            person approves";

/// Where the documented payload has a field of our own form.
fn documented(field: &str, vendor: bool) -> &str {
    match field {
        "/account" if vendor => "/accounts",
        "/username" if vendor => "/vendor_id",
        "/time_zone" if vendor => field,
        "/account" => "/user/accounts",
        "/username" => "/user/username",
        "/employee_id" => "/user/employee_id",
        "/time_zone" => "/user/time_zone",
        "/termination_date" => "/user/termination_date",
        "/last_working_day" => "/metadata/last_working_day",
        "/roles" => "/revoke/roles",
        "/permissions" => "/revoke/permissions",
        "/required_roles" => "/keep/roles",
        "/required_permissions" => "/keep/permissions",
        "/email" => "/user/email",
        field => field,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_called_by_the_last_part_of_their_address() {
        for door in [Door::HrEvents, Door::Vendor, Door::Source("workday")] {
            assert_eq!(Door::called(door.name()), door);
        }
    }
}
