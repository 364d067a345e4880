//! Somebody saw that something is late and has it in hand: reminders rest for a while. It is evidence of nothing, and moves
//! no state. Pure.

use super::campaign::Hearer;
use super::lifecycle::Life;
use super::revocation::State;
use super::time::UtcTime;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Reminders rest so long when the configuration does not say.
pub const PAUSE: Duration = Duration::from_secs(24 * 3_600);

/// Who pressed a button. Kept in the store until the acknowledgement ends; the log has a commitment to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presser {
    /// Id of the Slack user. Records have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Salt, name and value, as RFC 9901 encodes them. Records have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
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

    /// The same without who pressed: what stays after the end has the commitment alone.
    #[must_use]
    pub fn unnamed(&self) -> Self {
        let commitment = self.by.commitment.clone();
        let by = Presser { user: String::new(), disclosure: String::new(), commitment };
        Self { by, ..self.clone() }
    }

    /// Reminders rest no more from `now` on: something is asked for that was not when the button was pressed.
    pub fn cut(&mut self, now: UtcTime) {
        self.until = self.until.min(now);
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
    /// Nothing can be late any more: it is verified, or not due.
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
///
/// One clean look settles nothing: access may come back before the next one, and a deadline that passed meanwhile was
/// told to nobody. So it stays while anything is due, also beyond its time, for as long as nothing is late.
#[must_use]
pub fn end(life: &Life, now: UtcTime) -> Option<End> {
    let known = life.acknowledged.as_ref()?;
    match life.state {
        State::Open | State::Regressed => {
            (!known.rests(now) && !life.late().is_empty()).then_some(End::Over)
        }
        State::Scheduled | State::Verified | State::Excepted | State::Withdrawn => {
            Some(End::Settled)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::milestone::PerMilestone;

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
    fn what_is_asked_for_anew_cuts_it_and_never_prolongs_it() {
        let mut life = late();
        let known = life.acknowledged.as_mut().unwrap();
        known.cut(at(30));
        assert!(!known.rests(at(30)));
        known.cut(at(70));
        assert_eq!(known.until, at(30));
        assert_eq!(end(&life, at(31)), Some(End::Over));
    }

    #[test]
    fn it_ends_when_the_time_is_over_or_nothing_is_due() {
        let life = late();
        assert_eq!(end(&life, at(79)), None);
        assert_eq!(end(&life, at(80)), Some(End::Over));
        let moved = |state| end(&Life { state, ..life.clone() }, at(31));
        assert_eq!(moved(State::Regressed), None);
        for state in [State::Scheduled, State::Verified, State::Excepted, State::Withdrawn] {
            assert_eq!(moved(state), Some(End::Settled), "{state:?}");
        }
        assert_eq!(end(&Life { acknowledged: None, ..life }, at(999)), None);
    }

    #[test]
    fn one_clean_look_settles_nothing() {
        let life = late();
        let met = PerMilestone { login: Some(at(30)), ..life.met };
        let mut clean = Life { met, ..life };
        assert_eq!(end(&clean, at(31)), None);
        assert_eq!(end(&clean, at(80)), None, "its time is over, and nothing is late");
        // Access came back; what was missed meanwhile is told now.
        clean.met.login = None;
        assert_eq!(end(&clean, at(81)), Some(End::Over));
    }
}
