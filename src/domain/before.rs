//! What an account had before its access was taken away: what a restore is made from.

use super::ids::{RoleOid, SystemIdentifier};
use super::lifecycle::{Effect, Label};
use super::observation::{Gap, Observation};
use super::residual::Residual;
use super::revocation::State;
use super::time::UtcTime;
use super::verdict::Judgement;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What one account had, as the first look saw it that found anything of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BeforeState {
    /// Configured name of the cluster, or of the other system.
    pub target: String,
    /// The role's identity.
    pub oid: RoleOid,
    /// When that look began.
    pub seen_at: UtcTime,
    /// The cluster; `null` for a system that is none.
    pub system_identifier: Option<SystemIdentifier>,
    /// `server_version_num`, such as 150018; `null` for a system that is no cluster.
    pub version_num: Option<i32>,
    /// What was there, worst first.
    pub residual: Vec<Residual>,
    /// What that look could not see on this target: there may have been more.
    pub gaps: Vec<Gap>,
}

impl BeforeState {
    /// The name that the role had.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.residual.iter().find_map(|found| found.account.role.as_deref())
    }
}

/// Whether a move with these effects, of a revocation in this state, tells what was there before: a look that found
/// something new. What is found once it was verified came back.
#[must_use]
pub fn is_told_by(effects: &[Effect], state: State) -> bool {
    let tells =
        |effect: &Effect| matches!(effect, Effect::Observed(Label::Before | Label::Changed));
    match state {
        State::Scheduled | State::Open | State::Excepted => effects.iter().any(tells),
        State::Verified | State::Regressed | State::Withdrawn => false,
    }
}

/// What each account has by this judgement. What only a legal hold keeps for now is to go as well, one day.
#[must_use]
pub fn states(judged: &Judgement, held: bool, looks: &[&Observation]) -> Vec<BeforeState> {
    let mut accounts: BTreeMap<(&str, RoleOid), Vec<&Residual>> = BTreeMap::new();
    let kept = judged.kept.iter().filter(|_| held);
    for found in judged.residual.iter().chain(kept) {
        let account = (found.account.target.as_str(), found.account.oid);
        accounts.entry(account).or_default().push(found);
    }
    let state = |((target, oid), found): ((&str, RoleOid), Vec<&Residual>)| {
        let look = looks.iter().find(|look| look.target == target)?;
        let server = look.server.as_ref();
        let mut residual: Vec<Residual> = found.into_iter().cloned().collect();
        residual.sort();
        Some(BeforeState {
            target: target.to_owned(),
            oid,
            seen_at: look.started_at,
            system_identifier: server.map(|server| server.system_identifier),
            version_num: server.map(|server| server.version_num),
            residual,
            gaps: judged.gaps.iter().filter(|gap| gap.target == target).cloned().collect(),
        })
    };
    accounts.into_iter().filter_map(state).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::residual::{AccountRef, ResidualKind as K, Strength};
    use crate::domain::verdict::Verdict;

    fn found(target: &str, oid: u32, kind: K) -> Residual {
        let account =
            AccountRef { target: target.into(), oid: RoleOid(oid), role: Some("x".into()) };
        Residual::new(kind, Strength::Latent, account)
    }

    fn judged(residual: Vec<Residual>, kept: Vec<Residual>) -> Judgement {
        Judgement {
            verdict: Verdict::Residual,
            login: Verdict::Residual,
            disabled: false,
            residual,
            kept,
            missing: Vec::new(),
            gaps: Vec::new(),
            not_covered: Vec::new(),
            no_account: false,
        }
    }

    #[test]
    fn each_account_has_its_own_and_a_hold_hides_nothing() {
        let look = Observation::begun("main", UtcTime::EPOCH);
        let of_two = judged(
            vec![
                found("main", 1, K::Login),
                found("main", 2, K::Login),
                found("away", 3, K::Login),
            ],
            vec![found("main", 1, K::Ownership)],
        );
        let kinds = |held| -> Vec<(u32, Vec<K>)> {
            let states = states(&of_two, held, &[&look]);
            let kinds = |state: &BeforeState| state.residual.iter().map(|one| one.kind).collect();
            states.iter().map(|state| (state.oid.0, kinds(state))).collect()
        };
        assert_eq!(kinds(false), [(1, vec![K::Login]), (2, vec![K::Login])]);
        assert_eq!(kinds(true), [(1, vec![K::Login, K::Ownership]), (2, vec![K::Login])]);
    }

    #[test]
    fn what_comes_back_is_not_what_was_there_before() {
        let first = [Effect::Observed(Label::Before)];
        assert!(is_told_by(&first, State::Scheduled));
        assert!(is_told_by(&[Effect::Observed(Label::Changed)], State::Open));
        for state in [State::Verified, State::Regressed] {
            assert!(!is_told_by(&[Effect::Observed(Label::Changed), Effect::Regressed], state));
        }
        let verified = [Effect::AccessRevoked, Effect::Observed(Label::After)];
        assert!(!is_told_by(&verified, State::Open));
    }
}
