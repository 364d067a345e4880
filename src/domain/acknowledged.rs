//! Somebody saw that something is late and has it in hand: reminders rest for a while. It is evidence of nothing, and moves
//! no state. Pure.

use super::campaign::Hearer;
use super::lifecycle::Life;
use super::time::UtcTime;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Reminders rest so long when the configuration does not say.
pub const PAUSE: Duration = Duration::from_secs(24 * 3_600);

/// Who pressed a button. Kept in the store as long as reminders rest; the log has a commitment to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presser {
    /// Id of the Slack user.
    pub user: String,
    /// Salt, name and value, as RFC 9901 encodes them.
    pub disclosure: String,
    /// Hash of the disclosure.
    pub commitment: String,
}

/// That somebody has it in hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// When.
    pub at: UtcTime,
    /// Reminders rest until then.
    pub until: UtcTime,
    /// Who.
    pub by: Presser,
    /// The record that says so, where it is of a team and not of a revocation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub record: String,
    /// Who was told where it was pressed, if that was not the team itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_in: Option<Hearer>,
}

/// The same as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Acknowledgement)]
pub struct Standing {
    /// Id of the Slack user who pressed the button.
    pub slack_user: String,
    /// When.
    pub at: UtcTime,
    /// Reminders rest until then.
    pub until: UtcTime,
}

impl Acknowledged {
    /// Pressed at `pressed` by `by`, and taken at `now`. The time counts from the press: the same request once more cannot
    /// prolong it.
    #[must_use]
    pub fn taken(by: Presser, pressed: UtcTime, now: UtcTime, pause: Duration) -> Self {
        let until = pressed.min(now).plus(pause);
        Self { at: now, until, by, record: String::new(), asked_in: None }
    }

    /// Up to whom reminders rest, where it is of a team: whoever is told later said nothing.
    #[must_use]
    pub fn up_to(&self) -> Hearer {
        self.asked_in.unwrap_or(Hearer::Team)
    }

    /// Whether reminders rest at `now`.
    #[must_use]
    pub fn rests(&self, now: UtcTime) -> bool {
        now < self.until
    }

    /// As it is shown.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing { slack_user: self.by.user.clone(), at: self.at, until: self.until }
    }
}

impl Standing {
    /// In a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let Self { slack_user, at, until } = self;
        format!(
            "Slack user {slack_user} has it in hand since {at}; no reminders until {until}; that proves nothing"
        )
    }
}

/// How an acknowledgement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The time is over, and it is late still: people are reminded.
    Over,
    /// Nothing is late any more.
    Settled,
}

impl End {
    /// As records have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Over => "over",
            Self::Settled => "settled",
        }
    }
}

/// How the acknowledgement of `life` ends at `now`, if it has one that does. Who pressed is forgotten with it.
#[must_use]
pub fn end(life: &Life, now: UtcTime) -> Option<End> {
    let known = life.acknowledged.as_ref()?;
    match (life.late().is_empty(), known.rests(now)) {
        (true, _) => Some(End::Settled),
        (false, false) => Some(End::Over),
        (false, true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::revocation::State;

    fn at(minute: i64) -> UtcTime {
        UtcTime::from_micros(minute * 60_000_000).unwrap()
    }

    fn by() -> Presser {
        Presser {
            user: "U012".to_owned(),
            disclosure: "WyJzYWx0Il0".to_owned(),
            commitment: "hash".to_owned(),
        }
    }

    fn late() -> Life {
        let mut life = Life::begin(at(0), at(0));
        life.missed.login = Some(at(15));
        life.acknowledged =
            Some(Box::new(Acknowledged::taken(by(), at(20), at(20), Duration::from_secs(3_600))));
        life
    }

    #[test]
    fn the_time_counts_from_the_press() {
        let taken = |pressed, now| Acknowledged::taken(by(), at(pressed), at(now), PAUSE).until;
        assert_eq!(taken(20, 20), at(20 + 24 * 60));
        // The same request again, five minutes later.
        assert_eq!(taken(20, 25), at(20 + 24 * 60));
        // Slack's clock is ahead of ours.
        assert_eq!(taken(24, 20), at(20 + 24 * 60));
    }

    #[test]
    fn it_ends_when_the_time_is_over_or_nothing_is_late() {
        let life = late();
        assert_eq!(end(&life, at(79)), None);
        assert_eq!(end(&life, at(80)), Some(End::Over));
        let met = Life {
            met: crate::domain::milestone::PerMilestone { login: Some(at(30)), ..life.met },
            ..life.clone()
        };
        assert_eq!(end(&met, at(31)), Some(End::Settled));
        let verified = Life { state: State::Verified, ..life.clone() };
        assert_eq!(end(&verified, at(31)), Some(End::Settled));
        assert_eq!(end(&Life { acknowledged: None, ..life }, at(999)), None);
    }
}
