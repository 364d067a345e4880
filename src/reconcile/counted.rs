//! What a judgement adds to the counters.

use super::{Reconciler, moves};
use crate::config::Config;
use crate::domain::observation::{Cause, Observation};
use crate::domain::revocation::State;
use crate::domain::verdict::Judgement;
use crate::store::Stored;
use std::collections::BTreeSet;

impl Reconciler {
    /// Counts the attempt, and why it failed if it did.
    pub(super) fn count(
        &self,
        target: &str,
        stored: &Stored,
        judged: &Judgement,
        looks: &[&Observation],
        config: &Config,
    ) {
        self.metrics.verifications.with_label_values(&[target]).inc();
        let terms = moves::terms(stored, config);
        let late =
            stored.life.overdue(&terms).next().is_some() || stored.life.state == State::Regressed;
        let remains = judged.residual.iter().any(|r| r.account.target == target);
        let mut causes: BTreeSet<Cause> = looks
            .iter()
            .filter(|look| look.target == target)
            .flat_map(|look| look.gaps.iter().map(|gap| gap.cause))
            .collect();
        // What stays open of the subject's own accounts is no gap of the whole target.
        causes.extend(judged.gaps.iter().filter(|gap| gap.target == target).map(|gap| gap.cause));
        if late && remains {
            causes.insert(Cause::ResidualAccess);
        }
        for cause in causes {
            self.metrics.verification_failed.with_label_values(&[target, cause.as_str()]).inc();
        }
    }
}
