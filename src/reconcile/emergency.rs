//! Emergencies that nobody approved in time: put on record once each, and counted.

use super::Reconciler;
use super::together::TOGETHER;
use crate::audit::record::{self, About};
use crate::clock;
use crate::domain::emergency::Emergency;
use crate::domain::lifecycle::Life;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::metrics::Levels;
use crate::store::{Move, NewRecord, StoreError, Stored};
use std::sync::Arc;

impl Reconciler {
    /// Puts each emergency on record that nobody approved in time.
    ///
    /// # Errors
    /// When the store does not take it; the next pass says it anew.
    pub(super) async fn note_unapproved(&self, watched: &[Arc<Stored>]) -> Result<(), StoreError> {
        let now = clock::now();
        let moves: Vec<Move> =
            watched.iter().filter_map(|stored| unapproved(stored, now)).collect();
        for some in moves.chunks(TOGETHER) {
            for answer in self.advance(some).await? {
                match answer {
                    // Somebody moved it first; the next pass looks at it again.
                    Ok(_) | Err(StoreError::Conflict { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }
}

fn unapproved(stored: &Stored, now: UtcTime) -> Option<Move> {
    let noted = called(&stored.life)?.unapproved(now)?;
    let about = About { revocation: &stored.revocation, subject: &stored.subject_id, at: now };
    let body = record::emergency_unapproved(&about, &noted);
    Some(Move {
        from: stored.clone(),
        revocation: stored.revocation.clone(),
        accounts: stored.accounts.clone(),
        life: Life { emergency: Some(Box::new(noted)), ..Life::clone(&stored.life) },
        evidence: None,
        before: Vec::new(),
        records: vec![NewRecord { kind: "emergency_unapproved", body }],
        notice: None,
        at: now,
        watch_until: stored.watch_until,
    })
}

/// Two persons agreed that nothing is expected any more, so nobody is asked about the beginning.
fn called(life: &Life) -> Option<&Emergency> {
    life.emergency.as_deref().filter(|_| life.state != State::Withdrawn)
}

/// Adds those that wait for approval, and those that waited too long. That one was approved looks better, so the log
/// has to have it.
pub(super) fn count(levels: &mut Levels, watched: &[Arc<Stored>], now: UtcTime) {
    for stored in watched {
        let either = |so: &dyn Fn(&Emergency) -> bool| {
            let lives = [Some(&*stored.life), stored.landed.as_deref()];
            lives.into_iter().flatten().filter_map(called).any(so)
        };
        levels.emergencies_pending += i64::from(either(&Emergency::waits));
        levels.emergencies_overdue += i64::from(either(&|one| one.overdue(now)));
    }
}
