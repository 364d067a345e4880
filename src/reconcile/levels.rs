//! The levels that metrics show, from the rows of the store. Pure.
//!
//! What looks worse is shown once it is committed, what looks better once it is in the log: a revocation
//! counts as open if it is so in either.

use super::moves::terms;
use crate::config::Config;
use crate::domain::expectation::milestones;
use crate::domain::lifecycle::Life;
use crate::domain::milestone::Milestone;
use crate::domain::revocation::{Kind, Reason, State};
use crate::domain::time::UtcTime;
use crate::domain::uses::{Use, UseClass};
use crate::metrics::{Levels, Metrics};
use crate::store::Stored;
use std::sync::Arc;

/// Shows what is configured: time between looks, and time allowed.
pub fn show_settings(metrics: &Metrics, config: &Config) {
    metrics.set_intervals(config.look_interval.as_secs_f64(), config.deep_interval.as_secs_f64());
    metrics.set_heartbeat(config.log.heartbeat.as_secs_f64());
    metrics.intake.expect(config.senders(), config.tokens.iter().map(|token| token.id.as_str()));
    metrics.intake.expect_every(config.sources.iter().filter_map(|(name, source)| {
        source.expect_every.map(|every| (name.as_str(), every.as_secs_f64()))
    }));
    for target in config.targets.iter().filter(|target| target.canary.is_some()) {
        metrics.expect_canary(&target.name);
    }
    for reason in Reason::ALL {
        for milestone in Milestone::ALL {
            // A role change has no login milestone, so it has no time allowed for one either.
            let has =
                Kind::ACCEPTED.iter().any(|kind| milestones(*kind, *reason).contains(milestone));
            if let (true, Some(allowed)) = (has, config.profiles.allowance(*reason).get(*milestone))
            {
                metrics.set_sla(reason.as_str(), milestone.as_str(), allowed.as_secs_f64());
            }
        }
    }
}

fn due(life: &Life) -> bool {
    matches!(life.state, State::Open | State::Regressed)
}

/// Levels of everything that is watched.
pub(super) fn levels(watched: &[Arc<Stored>], config: &Config) -> Levels {
    let mut levels = Levels::default();
    let (mut verified, mut bad) = (0_u32, 0_u32);
    for stored in watched {
        if let Some(request) = &stored.life.pending {
            *levels.pending.entry(request.asks.as_str()).or_default() += 1;
        }
        let open = due(&stored.life) || stored.landed.as_deref().is_some_and(due);
        if !open {
            verified += u32::from(stored.life.state == State::Verified);
            continue;
        }
        let overdue = add_open(&mut levels, stored, config);
        let regressed = stored.life.state == State::Regressed
            || stored.landed.as_deref().is_some_and(|life| life.state == State::Regressed);
        if regressed {
            *levels.regressed.entry(stored.revocation.reason.to_string()).or_default() += 1;
        }
        bad += u32::from(overdue || regressed);
    }
    levels.success_rate =
        if verified + bad == 0 { 1.0 } else { f64::from(verified) / f64::from(verified + bad) };
    levels
}

/// Adds one that is due; gives whether it is overdue.
fn add_open(levels: &mut Levels, stored: &Stored, config: &Config) -> bool {
    let asked = &stored.revocation;
    let pair = (asked.kind.to_string(), asked.reason.to_string());
    *levels.in_progress.entry(pair.clone()).or_default() += 1;
    for late in late_notices(stored) {
        *levels.late_notices.entry(late.begun.target.clone()).or_default() += 1;
    }
    for found in stored.gist.found.iter() {
        let cell = (found.target.to_string(), found.surface.to_string());
        *levels.residual.entry(cell).or_default() += found.count;
    }
    // Nobody can hurry up an account that was never found: it is counted, and asked about.
    if stored.gist.no_account {
        levels.without_account += 1;
        return false;
    }
    let terms = terms(stored, config);
    let start = stored.life.counts_from(asked).seconds();
    let mut overdue = false;
    for milestone in milestones(asked.kind, asked.reason) {
        let cell = (pair.0.clone(), pair.1.clone(), milestone.to_string());
        let unmet = |life: &Life| due(life) && life.met.get(*milestone).is_none();
        if !unmet(&stored.life) && !stored.landed.as_deref().is_some_and(unmet) {
            continue;
        }
        let oldest = levels.oldest.entry(cell.clone()).or_insert(start);
        *oldest = oldest.min(start);
        let late = stored.life.overdue(&terms).any(|m| m == *milestone)
            || stored
                .landed
                .as_deref()
                .is_some_and(|life| life.overdue(&terms).any(|m| m == *milestone));
        if late {
            overdue = true;
            let deadline = asked.deadlines.get(*milestone).map_or(start, UtcTime::seconds);
            let since = levels.overdue_since.entry(cell.clone()).or_insert(deadline);
            *since = since.min(deadline);
            *levels.overdue.entry(cell).or_default() += 1;
        }
    }
    overdue
}

/// Sessions of late notices that are open, as far as is known.
fn late_notices(stored: &Stored) -> impl Iterator<Item = &Use> {
    let open = |one: &&Use| {
        let begun = &one.begun;
        let is = |(target, oid, session): &(String, _, String)| {
            (target, *oid, session) == (&begun.target, begun.oid, &begun.session)
        };
        stored.gist.sessions.iter().any(is)
    };
    let late = stored.life.uses.listed.iter().filter(|one| one.class == UseClass::LateNotice);
    late.filter(open)
}
