//! Rotation campaigns: who still uses an old credential, who says not to, and who was seen not to. Pure.
//!
//! A claim stops the reminders and proves nothing. Only observed use of the new credential, later than any use of the old
//! one, closes a consumer; use of the old one after a claim or a closing opens it again.

mod hand;
mod list;
mod schedule;
mod sweep;

pub use hand::{Hand, Hearer};
pub use list::{COLUMNS, Listed, MOST, WrongList, read as read_list};
pub use schedule::{Day, Quiet, Schedule};
pub use sweep::{Kept, Nudge, Tally, nudges, tally};

use super::time::UtcTime;
use super::words::words;
use serde::{Deserialize, Serialize};
use std::time::Duration;

words! {
    /// Where a consumer of an old credential stands.
    Standing {
        /// Nobody said or saw that it uses the new credential.
        Pending = "pending",
        /// It used the old credential after it was claimed or closed.
        Reopened = "reopened",
        /// Somebody says that it uses the new credential; nobody saw it.
        Claimed = "claimed",
        /// It was seen to use the new credential, and not the old one since.
        Closed = "closed",
        /// It is in the list no more, and nobody saw it use the new credential.
        Unlisted = "unlisted",
    }
}

impl Standing {
    /// Somebody has to act, and is reminded once the deadline is over.
    #[must_use]
    pub fn is_outstanding(self) -> bool {
        match self {
            Self::Pending | Self::Reopened => true,
            Self::Claimed | Self::Closed | Self::Unlisted => false,
        }
    }
}

words! {
    /// How a reminder is said, and who hears it: one for each bucket of how overdue a consumer is.
    Tone {
        /// A reminder for the team.
        Polite = "polite",
        /// The team is told that it is late.
        Firm = "firm",
        /// The team's lead is told too.
        Lead = "lead",
        /// Security is told too.
        Security = "security",
    }
}

impl Tone {
    /// The bucket of what is overdue by so much; `bounds` are where the second, third and fourth begin.
    #[must_use]
    pub fn of(overdue: Duration, bounds: [Duration; 3]) -> Self {
        let passed = bounds.iter().filter(|bound| overdue >= **bound).count();
        Self::ALL.get(passed).copied().unwrap_or(Self::Security)
    }

    /// The tone after `nudges` reminders: whatever the bucket, the first is polite, and each may be one step firmer.
    #[must_use]
    pub fn after(self, nudges: u32) -> Self {
        let most = usize::try_from(nudges).unwrap_or(usize::MAX);
        self.min(Self::ALL.get(most).copied().unwrap_or(Self::Security))
    }
}

/// A consumer of a campaign's old credential, and all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consumer {
    /// As the list calls it.
    pub name: String,
    /// The team that owns it, as the list calls that.
    pub team: String,
    /// Until when it has to use the new credential.
    pub deadline: UtcTime,
    /// Database role by which it uses the old credential, where that is its own.
    pub old_role: Option<String>,
    /// The same of the new one.
    pub new_role: Option<String>,
    /// The list that was read last names it.
    pub listed: bool,
    /// That list says that it is confirmed.
    pub listed_confirmed: bool,
    /// When somebody last claimed that it uses the new credential.
    pub claimed_at: Option<UtcTime>,
    /// When it was last closed.
    pub closed_at: Option<UtcTime>,
    /// Newest known use of the old credential.
    pub old_used_at: Option<UtcTime>,
    /// Newest known use of the new one.
    pub new_used_at: Option<UtcTime>,
    /// Where it stands.
    pub standing: Standing,
    /// Where it stood before the newest change, which is shown until the log has that.
    pub stood: Standing,
    /// How often its team was reminded.
    pub nudges: u32,
    /// When last.
    pub nudged_at: Option<UtcTime>,
    /// So many of these the campaign's own table knows of.
    pub tracked: u32,
    /// Since when its team has to act; `None`: an earlier version did not write that down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outstanding_since: Option<UtcTime>,
}

impl Consumer {
    /// One that a list names for the first time.
    #[must_use]
    pub fn new(listed: &Listed, deadline: UtcTime, now: UtcTime) -> Self {
        let mut new = Self {
            name: listed.name.clone(),
            team: listed.team.clone(),
            deadline,
            old_role: None,
            new_role: None,
            listed: true,
            listed_confirmed: false,
            claimed_at: None,
            closed_at: None,
            old_used_at: None,
            new_used_at: None,
            standing: Standing::Pending,
            stood: Standing::Pending,
            nudges: 0,
            nudged_at: None,
            tracked: 0,
            outstanding_since: Some(now),
        };
        new.list(listed, deadline, now);
        new
    }

    /// Takes over what a list says of it. A status counts as a claim once, when it begins to say so: while it stays, it
    /// says nothing new.
    pub fn list(&mut self, listed: &Listed, deadline: UtcTime, now: UtcTime) {
        if self.team != listed.team {
            self.team.clone_from(&listed.team);
            self.outstanding_since = Some(now);
        }
        self.deadline = listed.deadline.unwrap_or(deadline);
        self.old_role.clone_from(&listed.old_role);
        self.new_role.clone_from(&listed.new_role);
        self.listed = true;
        if listed.confirmed && !self.listed_confirmed {
            let at = listed.confirmed_at.unwrap_or(now).min(now);
            self.claimed_at = self.claimed_at.max(Some(at));
        }
        self.listed_confirmed = listed.confirmed;
        // A clock that is ahead would outdo every later use.
        let known = |at: Option<UtcTime>| at.map(|at| at.min(now));
        self.old_used_at = self.old_used_at.max(known(listed.old_used_at));
        self.new_used_at = self.new_used_at.max(known(listed.new_used_at));
    }

    /// A look at `at` saw sessions of its roles.
    pub fn see(&mut self, old: bool, new: bool, at: UtcTime) {
        if old {
            self.old_used_at = self.old_used_at.max(Some(at));
        }
        if new {
            self.new_used_at = self.new_used_at.max(Some(at));
        }
    }

    /// Somebody says that it uses the new credential.
    pub fn claim(&mut self, now: UtcTime) {
        self.claimed_at = self.claimed_at.max(Some(now));
    }

    /// Somebody takes the newest claim back. A status of the list is no claim again until it begins anew to say so.
    pub fn withdraw(&mut self) {
        self.claimed_at = None;
    }

    /// Moves it to where it stands by what is known; gives where it stood, if that is another place.
    pub fn step(&mut self, now: UtcTime) -> Option<Standing> {
        let standing = self.judged();
        if standing == self.standing {
            return None;
        }
        if standing == Standing::Closed {
            self.closed_at = Some(now);
        }
        if standing.is_outstanding() && !self.standing.is_outstanding() {
            self.outstanding_since = Some(now);
        }
        self.stood = self.standing;
        self.standing = standing;
        Some(self.stood)
    }

    fn judged(&self) -> Standing {
        let newer = |at: UtcTime| self.old_used_at.is_none_or(|old| old < at);
        if self.new_used_at.is_some_and(newer) {
            return Standing::Closed;
        }
        let not_since = |at: UtcTime| self.old_used_at.is_none_or(|old| old <= at);
        if !self.listed {
            Standing::Unlisted
        } else if self.claimed_at.is_some_and(not_since) {
            Standing::Claimed
        } else if self.claimed_at.is_some() || self.closed_at.is_some() {
            Standing::Reopened
        } else {
            Standing::Pending
        }
    }

    /// By how much it is late; `None` while nobody has to act, or has time.
    #[must_use]
    pub fn overdue(&self, now: UtcTime) -> Option<Duration> {
        (self.standing.is_outstanding() && now > self.deadline).then(|| now.since(self.deadline))
    }

    /// Whether it is late since before `at`: not by what was missed, or opened again, later.
    #[must_use]
    pub fn was_overdue(&self, at: UtcTime) -> bool {
        self.overdue(at).is_some() && self.outstanding_since.is_none_or(|since| since <= at)
    }
}

#[cfg(test)]
#[path = "campaign/tests.rs"]
mod tests;
