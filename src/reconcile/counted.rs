//! What a judgement adds to the counters.

use super::{Reconciler, moves};
use crate::config::Config;
use crate::domain::observation::{Cause, Gap, Observation};
use crate::domain::residual::ResidualKind;
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
        let mut causes = unseen(target, judged, looks);
        let other_cluster = |look: &&Observation| {
            let cluster = look.server.as_ref().map(|server| server.system_identifier);
            let mut linked = stored.accounts.iter().filter(|account| account.target == target);
            look.target == target
                && cluster.is_some_and(|here| linked.any(|one| one.system_identifier != here))
        };
        if looks.iter().any(other_cluster) {
            causes.insert(Cause::Internal);
        }
        if late && remains {
            causes.insert(Cause::ResidualAccess);
        }
        for cause in causes {
            self.metrics.verification_failed.with_label_values(&[target, cause.as_str()]).inc();
        }
    }
}

/// Why the look at `target` could not see everything. What is open of the question itself, such as whose a role is, no
/// look could tell, and is none of them.
fn unseen(target: &str, judged: &Judgement, looks: &[&Observation]) -> BTreeSet<Cause> {
    let here = || looks.iter().filter(|look| look.target == target);
    let partly =
        |gap: &Gap| here().any(|look| look.partly.values().flatten().any(|one| one == gap));
    // What stays open of the subject's own accounts is no gap of the whole target. A question is of no other class.
    let of_look = |gap: &&Gap| {
        gap.target == target
            && (gap.cause != Cause::Internal || gap.surface == ResidualKind::Probe || partly(gap))
    };
    let whole = here().flat_map(|look| &look.gaps);
    whole.chain(judged.gaps.iter().filter(of_look)).map(|gap| gap.cause).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RoleOid;
    use crate::domain::time::UtcTime;
    use crate::domain::verdict::Verdict;

    fn gap(surface: ResidualKind, cause: Cause) -> Gap {
        Gap {
            surface,
            target: "main".into(),
            database: None,
            reason: "role main/jd fits the subject of rev_2 as well".into(),
            fix: String::new(),
            cause,
        }
    }

    #[test]
    fn a_question_about_a_role_is_no_failure_of_the_look() {
        use ResidualKind as K;
        let mut look = Observation::begun("main", UtcTime::EPOCH);
        let judged = |gap: Gap| Judgement {
            verdict: Verdict::Inconclusive,
            login: Verdict::Inconclusive,
            disabled: false,
            residual: Vec::new(),
            kept: Vec::new(),
            missing: Vec::new(),
            gaps: vec![gap],
            not_covered: Vec::new(),
            no_account: false,
        };
        let question = judged(gap(K::Login, Cause::Internal));
        assert!(unseen("main", &question, &[&look]).is_empty());
        for seen in [gap(K::Probe, Cause::Internal), gap(K::Login, Cause::Timeout)] {
            let cause = seen.cause;
            assert_eq!(unseen("main", &judged(seen), &[&look]), [cause].into());
        }
        let limit = gap(K::Privilege, Cause::Internal);
        look.partly.insert(RoleOid(20), vec![limit.clone()]);
        assert_eq!(unseen("main", &judged(limit), &[&look]), [Cause::Internal].into());
        look.gaps.push(gap(K::Login, Cause::Internal));
        assert_eq!(unseen("main", &question, &[&look]), [Cause::Internal].into(), "the look's own");
    }
}
