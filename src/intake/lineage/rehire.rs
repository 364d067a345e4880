//! A person who works here again: what was there before is told from what was granted since.

use super::{Back, same};
use crate::audit::record::{self, About};
use crate::domain::ids::SystemIdentifier;
use crate::domain::lineage::{Earlier, Rehired};
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::intake::IntakeError;
use crate::intake::amend::unchanged;
use crate::store::{Evidenced, Move, NewRecord};
use std::collections::BTreeSet;

/// What the newest looks tell beside what is stored.
pub(super) struct Known {
    /// When the newest look began that the revocation was judged by.
    pub(super) looked_at: Option<UtcTime>,
    /// Clusters that answered.
    pub(super) clusters: BTreeSet<SystemIdentifier>,
}

/// The move that keeps what is granted since the rehire out of the revocation.
pub(super) fn back_again(
    read: &Evidenced,
    stored: &Evidenced,
    (back, known): (&Back<'_>, Known),
    now: UtcTime,
) -> Result<Move, IntakeError> {
    same(read, stored)?;
    let mut step = unchanged(stored, now);
    let told = stored.life.lineage.rehired.as_ref();
    if told.is_some_and(|told| told.by == back.sender && told.made_at >= back.made_at) {
        return Ok(step);
    }
    // Nobody comes back before they left.
    let at = back.at.max(stored.revocation.effective_at);
    let (made_at, by) = (back.made_at, back.sender.to_owned());
    let mut rehired = Rehired { at, made_at, by, before: None };
    rehired = match told {
        Some(told) => told.told_again(rehired, now),
        None => rehired,
    };
    if rehired.before.is_none() {
        rehired.before = before(stored, &rehired, known, now);
    }
    let about = About { revocation: &step.revocation, subject: &stored.subject_id, at: now };
    let residual = rehired.before.as_ref().map(|before| before.found.len());
    let body = record::rehired(&about, back.sender, at, residual);
    step.records.push(NewRecord { kind: "revocation_amended", body });
    step.life.lineage.rehired = Some(rehired);
    Ok(step)
}

/// What was there at the rehire, as far as that is known now. The newest evidence says it, unless a look proved that
/// nothing was, and it came back later.
fn before(stored: &Evidenced, rehired: &Rehired, known: Known, now: UtcTime) -> Option<Earlier> {
    if rehired.at > now {
        return None;
    }
    let life = &stored.life;
    let clean = life.lineage.clean_until.filter(|clean| *clean >= rehired.at);
    if let Some(clean) = clean.filter(|_| life.state == State::Regressed) {
        // What was linked later was not looked at then. What may stay was there.
        let mut accounts = stored.accounts.clone();
        accounts.retain(|account| account.linked_at.is_none_or(|linked| linked <= clean));
        let kept = stored.evidence.kept.iter();
        return Some(Earlier::of(kept, &accounts, known.clusters, clean));
    }
    let evidence = &stored.evidence;
    let told = rehired.is_told_by(life.last_look_at.max(known.looked_at))
        && evidence.verdict.is_some()
        && evidence.gaps.is_empty();
    let all = evidence.residual.iter().chain(&evidence.kept);
    told.then(|| Earlier::of(all, &stored.accounts, known.clusters, now))
}
