//! How long each kind of exception may be, and for what.

use super::{
    BREAK_GLASS, BREAK_GLASS_USUAL, EXTENSION, ExceptionKind, GRACE, TEMPORARY, TEMPORARY_MOST,
    TRANSITION, Unfit,
};
use crate::domain::revocation::{Reason, Revocation};
use crate::domain::time::UtcTime;

impl ExceptionKind {
    /// When it ends if nobody says when.
    #[must_use]
    pub fn usual_end(self, revocation: &Revocation, now: UtcTime) -> Option<UtcTime> {
        match self {
            Self::Temporary | Self::BreakGlass => self.usual(now),
            Self::Transition => Some(begin(revocation).plus(TRANSITION)),
            Self::Grace | Self::Extension | Self::LegalHold => None,
        }
    }

    /// The same of those that need no revocation for it.
    #[must_use]
    pub fn usual(self, now: UtcTime) -> Option<UtcTime> {
        match self {
            Self::Temporary => Some(now.plus(TEMPORARY)),
            Self::BreakGlass => Some(now.plus(BREAK_GLASS_USUAL)),
            Self::Grace | Self::Extension | Self::LegalHold | Self::Transition => None,
        }
    }

    /// The latest end it may have, and the rule that says so.
    fn latest(self, revocation: &Revocation, now: UtcTime) -> Option<(&'static str, UtcTime)> {
        let end = revocation.effective_at;
        match self {
            Self::Grace => Some(("a grace is over 7 days after the end date", end.plus(GRACE))),
            Self::Extension => Some((
                "an extension moves an end date by 366 days at the most",
                end.max(now).plus(EXTENSION),
            )),
            Self::Temporary => {
                Some(("temporary access lasts 30 days at the most", now.plus(TEMPORARY_MOST)))
            }
            Self::BreakGlass => {
                Some(("a break_glass lasts 24 hours at the most", now.plus(BREAK_GLASS)))
            }
            Self::Transition => Some((
                "old and new access overlap for 4 hours at the most",
                begin(revocation).plus(TRANSITION),
            )),
            Self::LegalHold => None,
        }
    }

    /// Whether the revocation's reason goes with it.
    fn goes_with(self, reason: Reason) -> Result<(), Unfit> {
        let wanted = match (self, reason) {
            (Self::LegalHold, _)
            | (Self::Grace, Reason::ContractExpired)
            | (Self::Extension, Reason::ContractExpired | Reason::VendorOffboarded)
            | (Self::Transition, Reason::RoleChange) => return Ok(()),
            (_, Reason::PolicyViolation) => return Err(Unfit::Violation),
            (Self::Temporary | Self::BreakGlass, _) => return Ok(()),
            (Self::Grace, _) => "contract_expired",
            (Self::Extension, _) => "contract_expired and vendor_offboarded",
            (Self::Transition, _) => "role_change",
        };
        Err(Unfit::Reason { kind: self, wanted, reason })
    }

    /// Whether an exception of this kind that ends at `until` may be asked for, or granted, at `now`.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn fits(
        self,
        revocation: &Revocation,
        until: Option<UtcTime>,
        now: UtcTime,
    ) -> Result<(), Unfit> {
        self.goes_with(revocation.reason)?;
        let Some(until) = until else {
            return if self == Self::LegalHold { Ok(()) } else { Err(Unfit::NoEnd(self)) };
        };
        // What ends before access has to end keeps nothing.
        let ends_late = match self {
            Self::Grace | Self::Extension => until > revocation.effective_at,
            Self::Temporary | Self::BreakGlass | Self::LegalHold | Self::Transition => true,
        };
        if until <= now {
            return Err(Unfit::Past(until));
        }
        if !ends_late {
            return Err(Unfit::KeepsNothing(until));
        }
        match self.latest(revocation, now) {
            Some((what, latest)) if until > latest => Err(Unfit::TooLong { what, latest, until }),
            Some(_) | None => Ok(()),
        }
    }
}

/// From when deadlines count.
fn begin(revocation: &Revocation) -> UtcTime {
    revocation.effective_at.max(revocation.received_at)
}
