//! What was said of a subject since the revocation came, where a look is judged.

use super::Reconciler;
use crate::audit::record::{self, About};
use crate::clock;
use crate::domain::account::Account;
use crate::domain::lineage::{Earlier, Lineage, Place, Rehired, Since};
use crate::domain::observation::Observation;
use crate::domain::residual::Residual;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::domain::verdict::{Judgement, Verdict, after_rehire};
use crate::store::{Evidence, Move, NewRecord, StoreError, Stored};
use std::time::Duration;

impl Reconciler {
    /// The judgement of `accounts` by `looks` as it is after what was said, and what is known of that after them.
    ///
    /// `newest` is the revocation with the time of the newest look before these; `met` are probes that found nothing, with
    /// when each was asked.
    pub(super) async fn said(
        &self,
        (stored, newest): (&Stored, &Stored),
        judged: Judgement,
        (accounts, looks): (&[Account], &[&Observation]),
        met: Vec<(String, UtcTime)>,
    ) -> Result<(Judgement, Lineage), StoreError> {
        let mut lineage = stored.life.lineage.clone();
        if lineage.rehired.is_none() {
            return Ok((judged, lineage));
        }
        let evidence = self.journal.store.evidence(&stored.revocation.id).await?;
        let kept = (stored, &evidence);
        let Some(mut rehired) = back(kept, newest.life.last_look_at, looks) else {
            return Ok((judged, lineage));
        };
        rehired.meet(met.into_iter());
        let linked = match &rehired.before {
            Some(before) => self.linked_since(before, accounts).await?,
            None => Vec::new(),
        };
        let (judged, rehired) = since(&evidence, &rehired, judged, looks, &linked);
        lineage.rehired = Some(rehired);
        Ok((judged, lineage))
    }

    /// Accounts of which `before` does not speak, and whether each role was made since.
    async fn linked_since(
        &self,
        before: &Earlier,
        accounts: &[Account],
    ) -> Result<Vec<(Place, bool)>, StoreError> {
        let mut linked = Vec::new();
        for account in before.unknown(accounts) {
            let (cluster, oid) = (account.system_identifier, account.oid);
            let first = self.journal.store.role_first_seen(cluster, oid).await?;
            linked.push((account.place(), before.precedes(cluster, first)));
        }
        Ok(linked)
    }
}

/// The rehire by which `looks` are to be judged, with what was there before, as far as the look of `last_look_at` tells;
/// `None`: there is none, or not yet.
pub(crate) fn back(
    (stored, evidence): (&Stored, &Evidence),
    last_look_at: Option<UtcTime>,
    looks: &[&Observation],
) -> Option<Rehired> {
    let oldest = looks.iter().map(|look| look.started_at).min();
    let due = |rehired: &&Rehired| oldest.is_some_and(|oldest| rehired.at <= oldest);
    let mut rehired = stored.life.lineage.rehired.as_ref().filter(due)?.clone();
    let known = evidence.verdict.is_some() && evidence.gaps.is_empty();
    if rehired.before.is_none() && known && rehired.is_told_by(last_look_at) {
        let servers = looks.iter().filter_map(|look| look.server.as_ref());
        let clusters = servers.map(|server| server.system_identifier).collect();
        let all = evidence.residual.iter().chain(&evidence.kept);
        rehired.before = Some(Earlier::of(all, &stored.accounts, clusters, clock::now()));
    }
    Some(rehired)
}

/// The judgement after the rehire, and what is known of it then. `linked` are accounts of which nobody knew before,
/// with whether their role was made since.
pub(crate) fn since(
    evidence: &Evidence,
    rehired: &Rehired,
    judged: Judgement,
    looks: &[&Observation],
    linked: &[(Place, bool)],
) -> (Judgement, Rehired) {
    let mut rehired = rehired.clone();
    if rehired.before.is_some() {
        let all = evidence.residual.iter().chain(&evidence.kept);
        let covered = |surface: &str| !judged.not_covered.iter().any(|one| one.surface == surface);
        let since = Since {
            found: &all.map(Residual::identity).collect(),
            wider: evidence.not_covered.iter().any(|one| covered(&one.surface)),
            whole: judged.gaps.is_empty()
                && looks.iter().all(|look| look.gaps.is_empty() && look.partly.is_empty()),
            linked,
        };
        rehired = rehired.after(&judged, since);
    }
    let clocks = looks.iter().filter_map(|look| Some(look.server.as_ref()?.clock_skew_us));
    let instances = looks.iter().flat_map(|look| &look.instances).map(|one| one.clock_skew_us);
    let ahead = clocks.chain(instances).max().and_then(|skew| u64::try_from(skew).ok());
    let judged = after_rehire(judged, &rehired, Duration::from_micros(ahead.unwrap_or_default()));
    (judged, rehired)
}

/// Why something is verified no more although no access was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reopened {
    /// A role is named that nobody looked for.
    Named,
    /// It is a question whose a role is that is there.
    Asked,
}

/// The move with what is known after the look; one of its own where nothing else moved. What is not verified any more
/// has a record.
pub(super) fn carried(
    step: Option<Move>,
    (stored, newest): (&Stored, &Stored),
    mut lineage: Lineage,
    reopened: Option<Reopened>,
    now: UtcTime,
) -> Option<Move> {
    let back = step.as_ref().is_some_and(|step| {
        stored.life.state == State::Verified && step.life.state == State::Regressed
    });
    if back {
        let clean = stored.gist.verdict == Some(Verdict::Revoked);
        lineage.clean_until = newest.life.last_look_at.filter(|_| clean);
    }
    if lineage == stored.life.lineage && reopened.is_none() {
        return step;
    }
    let mut step = step.unwrap_or_else(|| Move {
        from: stored.clone(),
        revocation: stored.revocation.clone(),
        accounts: stored.accounts.clone(),
        life: newest.life.as_ref().clone(),
        evidence: None,
        before: Vec::new(),
        records: Vec::new(),
        notice: None,
        at: now,
        watch_until: stored.watch_until,
    });
    step.life.lineage = lineage;
    if let Some(reopened) = reopened {
        let about = About { revocation: &stored.revocation, subject: &stored.subject_id, at: now };
        let asked = reopened == Reopened::Asked;
        let body = record::reopened(&about, asked, stored.life.verified_at);
        step.records.insert(0, NewRecord { kind: "verification_inconclusive", body });
    }
    Some(step)
}
