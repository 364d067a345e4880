//! Where events come in, and what one comes to by the configuration alone. Pure.

use super::event::{self, Action, Event};
use super::submission::{Submission, SubmissionError};
use super::vendor::{self, Offboarding};
use super::{known_targets, mapping, permits, strict, terms_of};
use crate::config::{Config, PayloadMapping};
use crate::domain::notice::{Fault, Hold, Unusable};
use crate::domain::revocation::Revocation;
use crate::domain::time::UtcTime;

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
        let value = match strict::read(bytes) {
            Ok(value) => value,
            Err(why) => return Event::unreadable(Fault::new("", why)),
        };
        let Some(mapping) = self.mapping(config) else {
            let mut event = match self {
                Self::Vendor => Offboarding::event(&value, now),
                Self::HrEvents | Self::Source(_) => Event::read(&value, now),
            };
            self.advise(&mut event);
            return event;
        };
        let mut event = Event::read(&mapping::canonical(mapping, &value), now);
        if let Err(unusable) = &mut event.asks {
            for fault in &mut unusable.faults {
                *fault = mapping::in_theirs(mapping, fault);
            }
        }
        self.advise(&mut event);
        event
    }

    /// Says where a type of event that nobody knows can be made known.
    fn advise(self, event: &mut Event) {
        let Err(Unusable { faults, .. }) = &mut event.asks else { return };
        let advice = match self {
            Self::Source(name) => {
                format!("map it in sources.{name}.mapping.events, or to `ignored`")
            }
            Self::HrEvents | Self::Vendor => {
                "send it as a source of its own, whose mapping knows it (sources)".to_owned()
            }
        };
        for fault in faults.iter_mut().filter(|fault| fault.detail.starts_with(event::UNKNOWN)) {
            fault.detail = format!("{}; {advice}", fault.detail);
        }
    }
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
                SubmissionError::Form { .. } | SubmissionError::Id(_) => {
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
            vendor::spelled(&asked.vendor, &config.vendors)?;
            let items = asked.items(config.vendors.get(&asked.vendor)).into_iter();
            items.map(|item| reading.revocation(&item.submission, true)).collect()
        }
        // Only the state tells what it is an exception from.
        Ok(Action::Exception(asked)) => {
            let subject = event.who.subject().unwrap_or_default();
            permits::fits(asked, subject, reading).map(|()| Vec::new())
        }
        // What there is to take back, only the state tells.
        Ok(
            Action::Rescind
            | Action::Rehire { .. }
            | Action::Recycle { .. }
            | Action::Test
            | Action::Ignore,
        ) => Ok(Vec::new()),
    }
}

/// Where the documented payload has a field of our own forms, a notice and a wish for an exception.
pub(super) fn documented(field: &str, vendor: bool) -> &str {
    match field {
        "/account" if vendor => "/accounts",
        "/username" if vendor => "/vendor_id",
        "/time_zone" if vendor => field,
        "/for" => "/duration",
        "/why" => "/reason",
        "/account" => "/user/accounts",
        "/username" => "/user/username",
        "/employee_id" | "/subject" | "/revocation" => "/user/employee_id",
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

    #[test]
    fn a_field_is_named_where_its_sender_has_it() {
        for (field, vendor, theirs) in [
            ("/account", false, "/user/accounts"),
            ("/account", true, "/accounts"),
            ("/username", true, "/vendor_id"),
            ("/time_zone", true, "/time_zone"),
            ("/required_roles", false, "/keep/roles"),
            // Of a wish for an exception.
            ("/for", false, "/duration"),
            ("/subject", false, "/user/employee_id"),
            ("/until", false, "/until"),
        ] {
            assert_eq!(documented(field, vendor), theirs);
        }
    }
}
