//! What is shown of a target after each look, and said of it when that changes.

use super::Reconciler;
use crate::domain::observation::Observation;
use crate::domain::residual::ResidualKind;
use crate::metrics::TargetLevel;
use crate::store::StoreError;
use crate::target::statements::FILES;
use std::collections::BTreeSet;

impl Reconciler {
    pub(super) fn show_target(&self, look: &Observation) {
        // Not required and not read is no gap, and nobody saw it all the same.
        let unread = FILES.iter().filter(|file| !look.coverage.iter().any(|c| c.surface == **file));
        let gaps = look.gaps.iter().map(|gap| gap.surface);
        let gaps = gaps.chain(look.probing.is_blind().then_some(ResidualKind::Probe));
        let unverifiable: BTreeSet<String> =
            gaps.chain(unread.copied()).map(|surface| surface.as_str().to_owned()).collect();
        #[expect(clippy::cast_precision_loss, reason = "a skew in microseconds fits 53 bits")]
        let skew = look.server.as_ref().map(|server| server.clock_skew_us as f64 / 1e6);
        // While nobody answers, what was read last is what is known.
        let before = self.metrics.target(&look.target).unwrap_or_default();
        let (success, excess, deep) = if look.server.is_some() {
            let excess = i64::try_from(look.excess.len()).unwrap_or(i64::MAX);
            (Some(look.ended_at.seconds()), Some(excess), Some(look.deep_at.seconds()))
        } else {
            (before.success, before.excess, before.deep)
        };
        self.say_looked(look);
        self.metrics.set_target(
            &look.target,
            TargetLevel {
                up: look.server.is_some(),
                attempt: look.started_at.seconds(),
                deep,
                success,
                skew,
                unverifiable: unverifiable.into_iter().collect(),
                excess,
            },
        );
    }

    fn say_looked(&self, look: &Observation) {
        let target = look.target.as_str();
        tracing::debug!(
            target,
            elapsed_s = look.ended_at.since(look.started_at).as_secs_f64(),
            residual = look.residual.len(),
            gaps = look.gaps.len(),
            "looked"
        );
        let silent = format!("{target} is silent");
        let (cause, error) =
            look.gaps.first().map_or(("", ""), |gap| (gap.cause.as_str(), gap.reason.as_str()));
        if look.server.is_none() {
            if self.trouble.is(&silent, error) {
                tracing::warn!(target, cause, error, "the target does not answer");
            }
            return;
        }
        if self.trouble.is_over(&silent) {
            tracing::info!(target, "the target answers again");
        }
        let blind = format!("{target} is not seen whole");
        if look.gaps.is_empty() {
            if self.trouble.is_over(&blind) {
                tracing::info!(target, "the target is seen whole again");
            }
        } else if self.trouble.is(&blind, error) {
            let gaps = look.gaps.len();
            tracing::warn!(target, cause, error, gaps, "not everything of the target was seen");
        }
        let excess = format!("{target} grants too much");
        if look.excess.is_empty() {
            self.trouble.is_over(&excess);
        } else if self.trouble.is(&excess, look.excess.join("; ")) {
            let excess = look.excess.join("; ");
            tracing::warn!(target, excess, "the agent's role has more than it needs");
        }
    }

    pub(super) fn say_judged(&self, target: &str, passed: Result<(), StoreError>) {
        let thing = format!("{target} is not judged");
        match passed {
            Ok(()) if self.trouble.is_over(&thing) => {
                tracing::info!(target, "looks are judged again");
            }
            Ok(()) => {}
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::new(error));
                if self.trouble.is(&thing, error.as_str()) {
                    tracing::warn!(target, error, "the look could not be judged");
                }
            }
        }
    }

    pub(super) fn say_vanished(&self, target: &str, vanished: usize) {
        let thing = format!("{target} has vanished roles");
        if vanished == 0 {
            self.trouble.is_over(&thing);
        } else if self.trouble.is(&thing, vanished.to_string()) {
            tracing::warn!(
                target,
                vanished,
                "sessions or prepared transactions of roles that exist no more"
            );
        }
    }
}
