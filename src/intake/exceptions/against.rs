//! What does not hold against an exception, and against what an exception does not hold.

use crate::config::Config;
use crate::domain::exception::{self, Turn, Unfit};
use crate::domain::milestone::Milestone;
use crate::domain::request::{Asked, Refused, Request};
use crate::domain::revocation::Revocation;
use crate::domain::time::UtcTime;
use crate::store::Stored;
use std::sync::Arc;

/// Who withdraws what is under a legal hold would give up what it keeps.
pub(in crate::intake) fn holds_nothing(stored: &Stored, request: &Request) -> Result<(), Refused> {
    let found = stored.life.exceptions.iter().find(|one| one.holds());
    match found.filter(|_| request.asks == Asked::Withdraw) {
        Some(hold) => Err(Unfit::Held(hold.id.clone()).into()),
        None => Ok(()),
    }
}

/// What becomes of the exceptions of `stored` when a notice that asks for `asked` joins it: the revocation as it is
/// then, and whether they do not hold.
pub(in crate::intake) fn against_notice(
    stored: &Stored,
    asked: &Revocation,
    config: &Config,
    now: UtcTime,
) -> (Stored, bool) {
    let (known, life) = (&stored.revocation, &stored.life);
    match exception::overtake(known, life, asked, now, &config.exception_rules()) {
        Some(Turn { revocation, life }) => {
            (Stored { revocation, life: Arc::new(life), ..stored.clone() }, true)
        }
        None => (stored.clone(), false),
    }
}

/// The same for an amendment, which makes `amended` of the revocation: what ended by it is due from now on, unless the
/// amendment says sooner.
pub(in crate::intake) fn against_amendment(
    stored: &Stored,
    mut amended: Revocation,
    config: &Config,
    now: UtcTime,
) -> (Stored, Revocation) {
    let (present, overtaken) = against_notice(stored, &amended, config, now);
    if overtaken {
        for milestone in Milestone::ALL {
            let before = stored.revocation.deadlines.get(*milestone);
            let due = present.revocation.deadlines.get(*milestone);
            if amended.deadlines.get(*milestone) == before {
                amended.deadlines.set(*milestone, due);
            }
        }
    }
    (present, amended)
}
