//! What would keep access: it waits for a second person.

use super::effective::Effective;
use super::exception::{self, Unfit};
use super::lifecycle::Life;
use super::lineage::Unlink;
use super::milestone::{Deadlines, Milestone, PerMilestone};
use super::revocation::{Kind, Revocation, State};
use super::time::UtcTime;
use super::words::words;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// A request that nobody approved within this time is void: it may be about a state long gone.
pub const LIFETIME: Duration = Duration::from_secs(7 * 86_400);

words! {
    /// What is asked for.
    Asked {
        /// A later effect or a later deadline.
        Postpone = "postpone",
        /// Nothing is expected any more.
        Withdraw = "withdraw",
        /// The subject has no account anywhere.
        NoAccount = "no_account",
        /// A role is not the subject's.
        Unlink = "unlink",
    }
}

/// A request that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Request {
    /// `req_…`.
    pub id: String,
    /// What is asked for.
    pub asks: Asked,
    /// Who asks: token or uid, never a typed name.
    pub requested_by: String,
    /// When.
    pub requested_at: UtcTime,
    /// For a postponement: when access would have to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<UtcTime>,
    /// How that came about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,
    /// For a postponement: by when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadlines: Option<Deadlines>,
    /// For a withdrawal: it should never have been expected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erroneous: bool,
    /// The link that is to be removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlink: Option<Unlink>,
    /// Why, in the asker's words. Stays in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Nothing is expected any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Withdrawn {
    /// Who asked for it: token or uid, never a typed name.
    pub by: String,
    /// When it was withdrawn.
    pub at: UtcTime,
    /// Who approved that; nobody where the only sender took the word back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

/// Why a request cannot be made or approved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing waits.
    #[error("nothing waits for approval here")]
    NothingWaits,
    /// Another request waits than the one that was meant.
    #[error("another request waits: {0}; look at it first")]
    Another(String),
    /// It waited too long.
    #[error("the request is older than {} days; it has to be made again", LIFETIME.as_secs() / 86_400)]
    Expired,
    /// Asker and approver are one.
    #[error(
        "{0} asked for it, so somebody else has to approve: another token, or another user of this machine"
    )]
    SamePerson(String),
    /// The state does not allow it.
    #[error("a revocation that is {0} cannot be changed like this")]
    State(State),
    /// Only a rotation or a transfer is about a secret.
    #[error("a {0} revocation is not about a secret; only a rotation is, or a transfer")]
    NotARotation(Kind),
    /// The attempt was made against another password than there is now.
    #[error(
        "the password, or its VALID UNTIL, was seen to change since the attempt began; try the old secret again"
    )]
    Outdated,
    /// The attempt was made at another server.
    #[error(
        "the old secret was tried at {tried}, and the servers of {target} are {known}: what another one answers says \
         nothing of it. Try it there; if {tried} is a server of {target}, name it in `instances`"
    )]
    OtherServer {
        /// The target.
        target: String,
        /// Where it was tried.
        tried: String,
        /// Where it has to be tried.
        known: String,
    },
    /// Enough was tried.
    #[error("too many paths were tried already")]
    TooManyPaths,
    /// Enough was attested.
    #[error("too much was attested of its checklist already")]
    TooManyWords,
    /// Nobody is to be reminded of anything.
    #[error("nothing of it is late, so that there is nothing to acknowledge")]
    NothingLate,
    /// There is an account.
    #[error("it has an account: {0}")]
    HasAccount(String),
    /// An exception that cannot be.
    #[error(transparent)]
    Exception(#[from] Unfit),
    /// Nothing about the person may be destroyed.
    #[error(
        "{0} is under a legal hold, or somebody asks for one: nothing about this person is erased before it is released"
    )]
    Held(String),
    /// Who it is about is needed still.
    #[error(
        "{0} is about this person and not finished, so the name is needed still: wait until it is verified, or have \
         it withdrawn, then erase"
    )]
    Unfinished(String),
}

impl Request {
    /// Whether this asks for the same as `other`, by the same person.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        let unlink = |request: &Self| {
            let account = request.unlink.as_ref().map(|unlink| &unlink.account);
            account.map(|account| (account.target.clone(), account.system_identifier, account.oid))
        };
        (self.asks, &self.requested_by, self.effective_at, self.deadlines, self.erroneous)
            == (
                other.asks,
                &other.requested_by,
                other.effective_at,
                other.deadlines,
                other.erroneous,
            )
            && unlink(self) == unlink(other)
    }

    /// Whether a revocation in `state` can be asked for this.
    ///
    /// # Errors
    /// When not.
    pub fn possible(&self, state: State) -> Result<(), Refused> {
        match (self.asks, state) {
            (_, State::Withdrawn)
            | (Asked::Postpone | Asked::NoAccount, State::Verified | State::Excepted) => {
                Err(Refused::State(state))
            }
            (Asked::Withdraw | Asked::Unlink, _)
            | (_, State::Scheduled | State::Open | State::Regressed) => Ok(()),
        }
    }

    /// Whether `approver` may approve it at `now`.
    ///
    /// # Errors
    /// When not.
    pub fn approvable(&self, approver: &str, now: UtcTime) -> Result<(), Refused> {
        if now.since(self.requested_at) > LIFETIME {
            return Err(Refused::Expired);
        }
        if approver == self.requested_by {
            return Err(Refused::SamePerson(approver.to_owned()));
        }
        Ok(())
    }

    /// Revocation and life once it is approved at `now`.
    #[must_use]
    pub fn granted(
        &self,
        revocation: &Revocation,
        life: &Life,
        now: UtcTime,
    ) -> (Revocation, Life) {
        let (mut revocation, mut life) = (revocation.clone(), life.clone());
        life.pending = None;
        match self.asks {
            Asked::Withdraw => {
                life = exception::withdraw(&revocation, &life, &self.requested_by, now);
                life.erroneous = self.erroneous;
                let by = self.requested_by.clone();
                life.withdrawn = Some(Withdrawn { by, at: now, approved_by: None });
            }
            Asked::NoAccount => revocation.no_account = true,
            Asked::Unlink => {
                if let Some(unlink) = &self.unlink {
                    life.lineage.unlink(unlink, &self.requested_by, now);
                }
            }
            Asked::Postpone => {
                if let Some(effective_at) = self.effective_at {
                    revocation.effective_at = effective_at;
                    revocation.effective.clone_from(&self.effective);
                }
                revocation.deadlines = self.deadlines.unwrap_or(revocation.deadlines);
                postponed(&revocation, &mut life, now);
            }
        }
        (revocation, life)
    }
}

/// What was missed is missed no more where the deadline lies ahead now; before the effect nothing is proved.
fn postponed(revocation: &Revocation, life: &mut Life, now: UtcTime) {
    for milestone in Milestone::ALL {
        if revocation.deadlines.get(*milestone).is_some_and(|deadline| deadline > now) {
            life.missed.set(*milestone, None);
        }
    }
    if revocation.effective_at > now {
        life.state = State::Scheduled;
        life.met = PerMilestone::default();
        life.first_clean_at = None;
        life.confirm_from = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> UtcTime {
        UtcTime::from_micros(second * 1_000_000).unwrap()
    }

    fn request(asks: Asked) -> Request {
        Request {
            id: "req_1".into(),
            asks,
            requested_by: "hr".into(),
            requested_at: at(0),
            effective_at: None,
            effective: None,
            deadlines: None,
            erroneous: false,
            unlink: None,
            why: None,
        }
    }

    #[test]
    fn a_second_person_approves_in_time() {
        let request = request(Asked::Withdraw);
        assert_eq!(request.approvable("it", at(60)), Ok(()));
        assert_eq!(request.approvable("hr", at(60)), Err(Refused::SamePerson("hr".into())));
        assert_eq!(request.approvable("it", at(8 * 86_400)), Err(Refused::Expired));
    }

    #[test]
    fn what_is_over_cannot_be_postponed() {
        assert_eq!(
            request(Asked::Postpone).possible(State::Verified),
            Err(Refused::State(State::Verified))
        );
        assert_eq!(request(Asked::Withdraw).possible(State::Verified), Ok(()));
        assert!(request(Asked::Withdraw).possible(State::Withdrawn).is_err());
    }

    #[test]
    fn a_postponed_revocation_is_scheduled_and_late_no_more() {
        let mut life = Life::begin(at(0), at(0));
        life.missed.login = Some(at(900));
        life.first_clean_at = Some(at(950));
        let mut revocation = crate::domain::revocation::sample(at(0));
        revocation.deadlines.login = Some(at(900));
        let mut request = request(Asked::Postpone);
        request.effective_at = Some(at(5_000));
        request.deadlines = Some(Deadlines { login: Some(at(5_900)), ..Deadlines::default() });
        let (revocation, life) = request.granted(&revocation, &life, at(1_000));
        assert_eq!(
            (life.state, life.missed.login, life.first_clean_at),
            (State::Scheduled, None, None)
        );
        assert_eq!(revocation.deadlines.login, Some(at(5_900)));
    }
}
