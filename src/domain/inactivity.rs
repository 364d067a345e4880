//! Who has not used an account for long: time in which somebody looked, and what was seen in it. Pure.
//!
//! What counts is time of watching. Its clock stands still while nobody looks or not everything that has sessions can
//! be looked at, so that no silence of ours is taken for theirs.

use super::ids::RoleOid;
use super::probes::Statement;
use super::time::UtcTime;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use utoipa::ToSchema;

/// An account that is used is written at most this often.
const WRITTEN: Duration = Duration::from_secs(3_600);

/// Parts of the time of inactivity at which what is used is written at the latest.
const PARTS: u32 = 24;

/// A configured query that tells when roles were last seen: two columns, role name and instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenQuery {
    /// Database.
    pub database: String,
    /// The query.
    pub statement: Statement,
    /// Schemas in which unqualified names are looked up; none: `pg_catalog` alone.
    pub search_path: Vec<String>,
}

/// How seldom what is seen of an account is written, where one is inactive `after` that time.
#[must_use]
pub fn written_every(after: Duration) -> Duration {
    WRITTEN.min(after / PARTS)
}

/// What one look tells of who uses their accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Roles that may log in.
    pub logins: BTreeSet<RoleOid>,
    /// Roles that had a session on an instance that was read.
    pub seen: BTreeSet<RoleOid>,
    /// Instances whose sessions were read.
    pub instances: usize,
    /// The sessions of every instance were read.
    pub whole: bool,
    /// What the configured query told, by role name and by the agent's clock, or why it told nothing; `None` where it
    /// was not asked.
    pub told: Option<Result<BTreeMap<String, UtcTime>, String>>,
}

/// What is known of the use of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The role.
    pub oid: RoleOid,
    /// Its name.
    pub role: String,
    /// Since when it is watched: it was seen to be one that may log in.
    pub known_at: UtcTime,
    /// When it was last seen in use, within the time between two writings.
    pub seen_at: Option<UtcTime>,
    /// How long was watched until then, in microseconds.
    pub mark_us: u64,
}

/// The watch over one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// How long was watched, in microseconds.
    pub watched_us: u64,
    /// As it was last written.
    pub written_us: u64,
    /// Start of the newest look of the present row of whole ones.
    pub last: Option<UtcTime>,
    /// Accounts.
    pub accounts: BTreeMap<RoleOid, Seen>,
}

/// What is to be written after a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Accounts that are new or were seen.
    pub put: Vec<Seen>,
    /// Roles that are gone, or may not log in any more.
    pub gone: Vec<RoleOid>,
    /// How long was watched is to be written too.
    pub time: bool,
}

/// One look, as it matters here.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// Its start.
    pub at: UtcTime,
    /// What it tells.
    pub activity: &'a Activity,
    /// Everything that tells of use was read by it, or lately enough.
    pub whole: bool,
    /// Longest time between two looks in which somebody still watched.
    pub most: Duration,
    /// What is seen of an account is written this often.
    pub every: Duration,
}

/// Why an account is taken for inactive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Inactive {
    /// When it was last seen in use; `null`: never since `watched_since`.
    pub last_seen_at: Option<UtcTime>,
    /// Since when it is watched.
    pub watched_since: UtcTime,
    /// How long it was watched and not seen, in seconds.
    pub watched_seconds: u64,
}

impl Watch {
    /// Takes in a look; `name` gives the names of roles.
    pub fn follow(&mut self, look: &Look<'_>, name: impl Fn(RoleOid) -> Option<String>) -> Changes {
        let mut changes = Changes::default();
        if let (true, Some(last)) = (look.whole, self.last) {
            let passed = look.at.since(last);
            if passed <= look.most {
                self.watched_us = self.watched_us.saturating_add(micros(passed));
            }
        }
        self.last = look.whole.then_some(look.at);
        let activity = look.activity;
        for oid in &activity.logins {
            let Some(role) = name(*oid) else { continue };
            let known = self.accounts.get(oid).cloned();
            let mut seen = known.clone().unwrap_or_else(|| Seen {
                oid: *oid,
                role: role.clone(),
                known_at: look.at,
                seen_at: None,
                mark_us: self.watched_us,
            });
            let told = activity.told.as_ref().and_then(|told| told.as_ref().ok()?.get(&role));
            let now = activity.seen.contains(oid).then_some(look.at);
            let newest = now.max(told.map(|at| (*at).min(look.at)));
            if let Some(at) = newest
                && seen.seen_at.is_none_or(|before| at > before && at.since(before) >= look.every)
            {
                let ago = micros(look.at.since(at));
                seen.mark_us = seen.mark_us.max(self.watched_us.saturating_sub(ago));
                seen.seen_at = Some(at);
            }
            seen.role = role;
            if known.as_ref() != Some(&seen) {
                self.accounts.insert(*oid, seen.clone());
                changes.put.push(seen);
            }
        }
        // A look that could not read the roles tells of none.
        if !activity.logins.is_empty() {
            let gone = self.accounts.keys().filter(|oid| !activity.logins.contains(oid));
            changes.gone = gone.copied().collect();
            self.accounts.retain(|oid, _| activity.logins.contains(oid));
        }
        let unwritten = Duration::from_micros(self.watched_us.saturating_sub(self.written_us));
        changes.time = unwritten >= look.every || !changes.put.is_empty();
        if changes.time {
            self.written_us = self.watched_us;
        }
        changes
    }
}

impl Changes {
    /// Nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Seen {
    /// Whether it was not seen in use for `after` of `watched_us`, and what is said of it. What was seen since it was
    /// last written counts against it.
    #[must_use]
    pub fn inactive(&self, watched_us: u64, after: Duration) -> Option<Inactive> {
        let unseen = watched_us.saturating_sub(self.mark_us);
        (unseen >= micros(after.saturating_add(written_every(after)))).then_some(Inactive {
            last_seen_at: self.seen_at,
            watched_since: self.known_at,
            watched_seconds: unseen / 1_000_000,
        })
    }
}

impl Inactive {
    /// The reason as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let days = self.watched_seconds / 86_400;
        let time =
            if days > 0 { format!("{days} days") } else { format!("{} s", self.watched_seconds) };
        match self.last_seen_at {
            Some(at) => format!("last seen in use at {at}, and not in {time} of watching since"),
            None => format!(
                "never seen in use since watching began at {}, in {time} of watching",
                self.watched_since
            ),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "inactivity_tests.rs"]
mod tests;
