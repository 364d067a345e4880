//! The answer while the subject's data are under a legal hold.

use super::{Judgement, answer};
use crate::domain::residual::{Residual, ResidualKind};

/// The same answer where what is owned has to stay: it is kept, and decides nothing.
///
/// Only ownership that both paths of evidence show: one that somebody wrote into a catalog by hand is no data that
/// anybody wanted to keep. Everything else has to go as before, and what could not be seen stays a gap.
#[must_use]
pub fn under_hold(mut judged: Judgement) -> Judgement {
    let held = |found: &Residual| found.kind == ResidualKind::Ownership && !found.tampered;
    let (kept, residual): (Vec<_>, Vec<_>) = judged.residual.into_iter().partition(held);
    judged.residual = residual;
    judged.kept.extend(kept);
    judged.kept.sort();
    judged.kept.dedup();
    let residual = !judged.residual.is_empty() || !judged.missing.is_empty();
    judged.verdict = answer(residual, !judged.gaps.is_empty());
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RoleOid;
    use crate::domain::observation::{Cause, Gap};
    use crate::domain::probes::{Lacks, Missing};
    use crate::domain::residual::{AccountRef, Strength};
    use crate::domain::verdict::Verdict;

    fn found(kind: ResidualKind, tampered: bool) -> Residual {
        let account = AccountRef { target: "main".into(), oid: RoleOid(7), role: Some("r".into()) };
        let mut residual = Residual::new(kind, Strength::Latent, account);
        residual.tampered = tampered;
        residual
    }

    fn judged(residual: Vec<Residual>, gaps: Vec<Gap>) -> Judgement {
        Judgement {
            verdict: answer(!residual.is_empty(), !gaps.is_empty()),
            login: Verdict::Revoked,
            disabled: true,
            residual,
            kept: Vec::new(),
            missing: Vec::new(),
            gaps,
            not_covered: Vec::new(),
            no_account: false,
        }
    }

    #[test]
    fn what_is_owned_stays_and_all_else_goes() {
        let owned = found(ResidualKind::Ownership, false);
        let alone = under_hold(judged(vec![owned.clone()], Vec::new()));
        assert_eq!((alone.verdict, &alone.kept), (Verdict::Revoked, &vec![owned.clone()]));
        for kind in ResidualKind::ALL.iter().filter(|kind| **kind != ResidualKind::Ownership) {
            let other = found(*kind, false);
            let both = under_hold(judged(vec![owned.clone(), other.clone()], Vec::new()));
            assert_eq!(both.verdict, Verdict::Residual, "{kind}");
            assert_eq!(both.residual, vec![other], "{kind}");
        }
    }

    #[test]
    fn a_hold_does_not_replace_what_is_missing() {
        let missing = Missing {
            what: Lacks::Role,
            name: "app".into(),
            target: None,
            sentence: "role app is missing".into(),
        };
        let mut both = judged(vec![found(ResidualKind::Ownership, false)], Vec::new());
        both.missing.push(missing);
        assert_eq!(under_hold(both).verdict, Verdict::Residual);
    }

    #[test]
    fn a_hold_hides_neither_a_gap_nor_an_edited_catalog() {
        let gap = Gap {
            surface: ResidualKind::Ownership,
            target: "main".into(),
            database: None,
            reason: "unread".into(),
            fix: "read".into(),
            cause: Cause::Internal,
        };
        let unseen = under_hold(judged(vec![found(ResidualKind::Ownership, false)], vec![gap]));
        assert_eq!(unseen.verdict, Verdict::Inconclusive);
        let edited = under_hold(judged(vec![found(ResidualKind::Ownership, true)], Vec::new()));
        assert_eq!((edited.verdict, edited.kept.len()), (Verdict::Residual, 0));
    }
}
