//! What is known of a shared password between looks: whether it changed, when, and what old secrets did.
//!
//! A change is seen by a salted digest of the verifier, where the agent may read that. A change proves nothing by
//! itself: the same password set again has another verifier. What proves it is an attempt with the old secret, made
//! by a person, and it proves it of the password as it was then.

use super::account::Account;
use super::ids::{RoleOid, SystemIdentifier};
use super::observation::Observation;
use super::probe::{Answer, Finding, Path, Said, classify};
use super::time::UtcTime;
use super::words::words;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most attempts that are kept of one account: one for each path.
const PATHS: usize = 16;

/// What a look saw of a role's password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whose.
    pub oid: RoleOid,
    /// What tells one verifier from another.
    pub verifier: Verifier,
    /// VALID UNTIL, by the target's clock.
    pub expires_at: Option<UtcTime>,
}

/// What tells one verifier from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verifier {
    /// The agent may not read it.
    Unread,
    /// The role has no password.
    Absent,
    /// Salted digest.
    Digest(String),
}

words! {
    /// Whether the password changed since the first look at it.
    Change {
        /// The agent may not read that.
        Unread = "unread",
        /// The first look could not read it. It is the one that was read first, later: whether it was changed in
        /// between nobody knows.
        Unknown = "unknown",
        /// It is the one of the first look.
        Unchanged = "unchanged",
        /// It is another one.
        Changed = "changed",
    }
}

/// An attempt with an old secret, as somebody attests it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attested {
    /// Who says so: token or uid.
    pub by: String,
    /// When they said it.
    pub at: UtcTime,
    /// What the attempt says of the secret.
    pub finding: Finding,
    /// Where it was made.
    pub path: Path,
    /// The server's answer.
    pub answer: Answer,
    /// Its answer to a random secret, where that was asked for.
    pub control: Option<Answer>,
    /// Which password it was made against: `since` of the credential.
    pub credential: UtcTime,
}

/// An attempt with an old secret, as it is sent. The secret itself is never sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The account, as `role` or `target/role`.
    #[schema(min_length = 1, max_length = 1000)]
    pub account: String,
    /// `since` of the account's credential, read before the attempt: it is void if the password changes meanwhile.
    pub credential: UtcTime,
    /// Where it was made.
    pub path: Path,
    /// The server's answer.
    pub answer: Answer,
    /// Its answer to a random secret, where that was asked for.
    #[serde(default)]
    pub control: Option<Answer>,
}

impl Attestation {
    /// What the answers say of the secret. Nobody's word is taken for that.
    #[must_use]
    pub fn said(&self) -> Said {
        classify(&self.answer, self.control.as_ref())
    }
}

/// Where a shared password stands, as people are shown it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// Target of the account.
    pub target: String,
    /// Its cluster.
    pub system_identifier: SystemIdentifier,
    /// Its role.
    pub oid: RoleOid,
    /// Whether the password changed.
    pub change: Change,
    /// First look that could tell one password from another.
    pub first_read_at: Option<UtcTime>,
    /// End of the first look that saw password and VALID UNTIL as they are. What was tried before that was tried
    /// against another one.
    pub since: UtcTime,
    /// VALID UNTIL, by the target's clock.
    pub expires_at: Option<UtcTime>,
    /// Sessions begun before this were opened with the old secret, or may have been; by the agent's clock.
    pub old_until: Option<UtcTime>,
    /// Of sessions begun before this nobody knows with which secret; by the agent's clock.
    pub unsure_until: Option<UtcTime>,
    /// Attempts with the old secret, newest last.
    pub probes: Vec<Attested>,
}

/// A shared password as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// What people are shown.
    #[serde(flatten)]
    pub standing: Standing,
    /// First verifier that was read.
    baseline: Option<Verifier>,
    /// Newest verifier that was read.
    verifier: Verifier,
    /// Looks before the one that read the baseline could not read it.
    #[serde(default)]
    late: bool,
}

impl Standing {
    /// Whether this is the account's.
    #[must_use]
    pub fn is_of(&self, account: &Account) -> bool {
        (&self.target, self.system_identifier, self.oid)
            == (&account.target, account.system_identifier, account.oid)
    }

    /// Attempts against the password as it is.
    #[must_use]
    pub fn current(&self) -> impl DoubleEndedIterator<Item = &Attested> {
        self.probes.iter().filter(|probe| probe.credential == self.since)
    }

    /// The newest attempt that found the old secret valid still.
    #[must_use]
    pub fn valid(&self) -> Option<&Attested> {
        self.current().rfind(|probe| probe.finding == Finding::Valid)
    }

    /// The newest attempt that was refused, made while passwords of the role counted; `skew_us` is the target's
    /// clock less the agent's.
    #[must_use]
    pub fn dead(&self, skew_us: i64) -> Option<&Attested> {
        self.refused().rfind(|probe| {
            let at = UtcTime::from_micros(probe.at.micros().saturating_add(skew_us));
            self.expires_at.is_none_or(|expires| at.is_some_and(|at| at < expires))
        })
    }

    /// Attempts that were refused, whether or not any password would have been.
    #[must_use]
    pub fn refused(&self) -> impl DoubleEndedIterator<Item = &Attested> {
        self.current().filter(|probe| probe.finding == Finding::Dead)
    }

    fn proved(&self, skew_us: i64) -> bool {
        self.valid().is_none() && self.dead(skew_us).is_some()
    }
}

impl Held {
    /// What `seen` is at first; `at` is the end of the look.
    fn begin(account: &Account, seen: &Seen, at: UtcTime) -> Self {
        let read = seen.verifier != Verifier::Unread;
        Self {
            standing: Standing {
                target: account.target.clone(),
                system_identifier: account.system_identifier,
                oid: account.oid,
                change: if read { Change::Unchanged } else { Change::Unread },
                first_read_at: read.then_some(at),
                since: at,
                expires_at: seen.expires_at,
                old_until: None,
                unsure_until: None,
                probes: Vec::new(),
            },
            baseline: read.then(|| seen.verifier.clone()),
            verifier: seen.verifier.clone(),
            late: false,
        }
    }

    /// What follows from a look that ended at `at`.
    fn see(&mut self, seen: &Seen, at: UtcTime, skew_us: i64) {
        let state = &mut self.standing;
        let read = seen.verifier != Verifier::Unread;
        let changed = read && self.verifier != Verifier::Unread && seen.verifier != self.verifier;
        if changed {
            let first = self.baseline.as_ref() == Some(&self.verifier);
            // With which password a session begun until now was opened, nobody can see. If the old secret was
            // refused before, it was not that one.
            if state.valid().is_some() || (first && !state.proved(skew_us)) {
                state.old_until = Some(at);
            } else if !state.proved(skew_us) {
                state.unsure_until = Some(at);
            }
        }
        if changed || seen.expires_at != state.expires_at {
            state.since = at;
            state.expires_at = seen.expires_at;
        }
        if read {
            self.verifier = seen.verifier.clone();
            self.late |= state.first_read_at.is_none();
            state.first_read_at.get_or_insert(at);
        }
        let baseline = self.baseline.get_or_insert_with(|| seen.verifier.clone());
        if *baseline == Verifier::Unread {
            self.baseline = None;
        }
        state.change = match &self.baseline {
            Some(baseline) if read && *baseline == self.verifier && self.late => Change::Unknown,
            Some(baseline) if read && *baseline == self.verifier => Change::Unchanged,
            Some(_) if read => Change::Changed,
            Some(_) | None => Change::Unread,
        };
    }

    /// Takes an attempt that somebody attests. `false`: too many paths were tried.
    ///
    /// On one path the newest attempt counts. But while the verifier is seen to be the same, a secret that was valid
    /// is valid still, whatever another attempt with perhaps another secret said.
    #[must_use]
    pub fn attest(&mut self, probe: Attested) -> bool {
        let state = &mut self.standing;
        let since = state.since;
        // Until when nobody could see a change that this attempt may rest on.
        let blind = match state.change {
            Change::Unread => Some(probe.at),
            Change::Unknown => state.first_read_at.or(Some(probe.at)),
            Change::Unchanged | Change::Changed => None,
        };
        let proved = state.proved(0);
        let same = |known: &Attested| blind.is_none_or(|blind| known.at >= blind);
        state.probes.retain(|known| {
            known.credential == since
                && (known.path != probe.path || (same(known) && known.finding == Finding::Valid))
        });
        if state.probes.len() >= PATHS {
            return false;
        }
        state.probes.push(probe);
        if !proved && state.proved(0) {
            // When the password was changed nobody saw: it was before this.
            state.unsure_until = state.unsure_until.max(blind);
        }
        true
    }
}

/// What is known of the passwords of `accounts` after `looks`. The same looks again change nothing.
#[must_use]
pub fn follow(before: &[Held], accounts: &[Account], looks: &[&Observation]) -> Vec<Held> {
    let mut after = before.to_vec();
    for account in accounts {
        let same = |look: &&&Observation| {
            look.target == account.target
                && look.server.as_ref().map(|s| s.system_identifier)
                    == Some(account.system_identifier)
        };
        let Some(look) = looks.iter().find(same) else { continue };
        let Some(seen) = look.credentials.iter().find(|seen| seen.oid == account.oid) else {
            continue;
        };
        let skew = look.server.as_ref().map_or(0, |server| server.clock_skew_us);
        match after.iter_mut().find(|held| held.standing.is_of(account)) {
            Some(held) => held.see(seen, look.ended_at, skew),
            None => after.push(Held::begin(account, seen, look.ended_at)),
        }
    }
    after
}

#[cfg(test)]
#[path = "credential_tests.rs"]
pub(crate) mod tests;
