//! The answer after the person came back.

use super::{Judgement, LOGIN, SESSIONS, answer, of_login};
use crate::domain::ids::RoleOid;
use crate::domain::lineage::Rehired;
use crate::domain::residual::{Residual, ResidualKind};
use std::time::Duration;

/// The same answer where what was granted since the rehire is kept, and decides nothing.
///
/// The server does not say when a right was granted. So only what was there before, and was not seen to be gone
/// since, is what the end was about; a session that began before the rehire is too, and so is what a probe finds that
/// was not seen to find nothing, and what an account has of which nobody knows what it had. What could not be seen stays a gap, and until it is known
/// what was there before, everything is. `ahead` is how far a target's clock is before the agent's at most.
#[must_use]
pub fn after_rehire(mut judged: Judgement, rehired: &Rehired, ahead: Duration) -> Judgement {
    let Some(before) = &rehired.before else { return judged };
    let known = |found: &Residual| {
        let account = &found.account;
        before
            .accounts
            .iter()
            .any(|(target, _, oid)| (target, *oid) == (&account.target, account.oid))
    };
    let begun_before = |found: &Residual| {
        SESSIONS.contains(&found.kind)
            && found.since.is_none_or(|since| since < rehired.at.plus(ahead))
    };
    let old = |found: &Residual| {
        // What a probe finds is no account's.
        if found.kind == ResidualKind::Probe {
            return !before.met.contains(&found.identity());
        }
        // Nor is a line about a user of the system, where no role is called so.
        let nobody = found.account.oid == RoleOid(0);
        !(known(found) || nobody) || begun_before(found) || before.found.contains(&found.identity())
    };
    let (residual, kept): (Vec<_>, Vec<_>) = judged.residual.into_iter().partition(old);
    judged.residual = residual;
    judged.kept.extend(kept);
    judged.kept.sort();
    judged.kept.dedup();
    let remains = !judged.residual.is_empty() || !judged.missing.is_empty();
    judged.verdict = answer(remains, !judged.gaps.is_empty());
    if !judged.residual.iter().any(|found| LOGIN.contains(&found.kind)) {
        judged.login = answer(false, judged.gaps.iter().any(of_login));
    }
    judged
}

/// What remains after [`after_rehire`] and a script may not take away: it could have been granted since. That is
/// everything until it is known what was there before, and what an account has of which nobody knew then. All sessions of
/// a role are ended together, and all that it owns in a database may change hands together, so those stay too.
#[must_use]
pub fn not_to_be_taken(judged: &Judgement, rehired: &Rehired) -> Vec<Residual> {
    let Some(before) = &rehired.before else { return judged.residual.clone() };
    let owned = |found: &Residual| {
        found.kind == ResidualKind::Ownership
            && judged
                .kept
                .iter()
                .any(|kept| kept.kind == ResidualKind::Ownership && kept.account == found.account)
    };
    let unsure = |found: &&Residual| {
        let known = before
            .accounts
            .iter()
            .any(|(target, _, oid)| (target, *oid) == (&found.account.target, found.account.oid));
        !known || SESSIONS.contains(&found.kind) || owned(found)
    };
    judged.residual.iter().filter(unsure).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{RoleOid, SystemIdentifier};
    use crate::domain::lineage::{Earlier, Place, Since};
    use crate::domain::observation::{Cause, Gap};
    use crate::domain::residual::{AccountRef, ResidualKind, Strength};
    use crate::domain::time::UtcTime;
    use crate::domain::verdict::Verdict;
    use std::collections::BTreeSet;

    fn at(second: i64) -> UtcTime {
        UtcTime::from_micros(second * 1_000_000).unwrap()
    }

    fn found(kind: ResidualKind, oid: u32) -> Residual {
        let account =
            AccountRef { target: "main".into(), oid: RoleOid(oid), role: Some("r".into()) };
        Residual::new(kind, Strength::Latent, account)
    }

    fn judged(residual: Vec<Residual>, gaps: Vec<Gap>) -> Judgement {
        Judgement {
            verdict: answer(!residual.is_empty(), !gaps.is_empty()),
            login: Verdict::Residual,
            disabled: false,
            residual,
            kept: Vec::new(),
            missing: Vec::new(),
            gaps,
            not_covered: Vec::new(),
            no_account: false,
        }
    }

    fn rehired(before: Option<&[&Residual]>) -> Rehired {
        let earlier = |list: &[&Residual]| Earlier {
            known_at: at(100),
            clusters: [CLUSTER].into(),
            accounts: [place(7)].into(),
            found: list.iter().map(|one| one.identity()).collect(),
            met: BTreeSet::new(),
        };
        Rehired { at: at(100), made_at: at(100), by: "hr".into(), before: before.map(earlier) }
    }

    const NONE: Duration = Duration::ZERO;
    const CLUSTER: SystemIdentifier = SystemIdentifier(1);

    fn place(oid: u32) -> Place {
        ("main".into(), CLUSTER, RoleOid(oid))
    }

    /// What is left of `known` after a look found `found`, and the one before it `earlier`.
    fn left(
        known: &Rehired,
        found: Vec<Residual>,
        earlier: &[&Residual],
        change: impl FnOnce(&mut Since<'_>),
    ) -> BTreeSet<String> {
        let earlier = earlier.iter().map(|one| one.identity()).collect();
        let mut since = Since { found: &earlier, wider: false, whole: true, linked: &[] };
        change(&mut since);
        known.after(&judged(found, Vec::new()), since).before.unwrap().found
    }

    fn named(kind: ResidualKind, object: &str) -> Residual {
        let mut one = found(kind, 7);
        one.object = Some(object.into());
        one
    }

    fn gap() -> Gap {
        Gap {
            surface: ResidualKind::Login,
            target: "main".into(),
            database: None,
            reason: "unread".into(),
            fix: "read".into(),
            cause: Cause::Internal,
        }
    }

    #[test]
    fn what_was_there_before_remains_and_what_is_new_stays() {
        let (login, owned) = (found(ResidualKind::Login, 7), found(ResidualKind::Ownership, 7));
        let both = vec![login.clone(), owned.clone()];
        let told = after_rehire(judged(both.clone(), Vec::new()), &rehired(Some(&[&owned])), NONE);
        assert_eq!((told.verdict, told.login), (Verdict::Residual, Verdict::Revoked));
        assert_eq!((told.residual, told.kept), (vec![owned], vec![login]));
        let new = after_rehire(judged(both.clone(), Vec::new()), &rehired(Some(&[])), NONE);
        assert_eq!(new.verdict, Verdict::Revoked);
        let unknown = after_rehire(judged(both.clone(), Vec::new()), &rehired(None), NONE);
        assert_eq!(unknown.residual, both, "nobody knows what was there before");
        let blind = after_rehire(judged(both, vec![gap()]), &rehired(Some(&[])), NONE);
        assert_eq!((blind.verdict, blind.login), (Verdict::Inconclusive, Verdict::Inconclusive));
    }

    #[test]
    fn a_session_from_before_is_no_new_access() {
        let mut session = found(ResidualKind::Session, 7);
        session.since = Some(at(50));
        let told =
            after_rehire(judged(vec![session.clone()], Vec::new()), &rehired(Some(&[])), NONE);
        assert_eq!(told.verdict, Verdict::Residual);
        session.since = Some(at(150));
        let clock = Duration::from_secs(60);
        let told =
            after_rehire(judged(vec![session.clone()], Vec::new()), &rehired(Some(&[])), clock);
        assert_eq!(told.verdict, Verdict::Residual, "by a clock that is ahead");
        let told = after_rehire(judged(vec![session], Vec::new()), &rehired(Some(&[])), NONE);
        assert_eq!(told.verdict, Verdict::Revoked);
    }

    #[test]
    fn a_script_takes_only_what_was_surely_there_before() {
        let (login, owned) = (found(ResidualKind::Login, 7), found(ResidualKind::Ownership, 7));
        let (session, other) = (found(ResidualKind::Session, 7), found(ResidualKind::Login, 8));
        let all = vec![login.clone(), owned.clone(), session.clone(), other.clone()];
        let known = rehired(Some(&[&login, &owned]));
        let told = after_rehire(judged(all.clone(), Vec::new()), &known, NONE);
        assert_eq!(not_to_be_taken(&told, &known), [session.clone(), other.clone()]);
        let mut together = told.clone();
        together.kept.push(owned.clone());
        assert_eq!(not_to_be_taken(&together, &known), [owned, session, other]);
        assert_eq!(not_to_be_taken(&told, &rehired(None)), told.residual);
    }

    #[test]
    fn a_session_whose_beginning_is_hidden_and_what_a_probe_finds_are_old() {
        for kind in [ResidualKind::Session, ResidualKind::Probe] {
            let told =
                after_rehire(judged(vec![found(kind, 7)], Vec::new()), &rehired(Some(&[])), NONE);
            assert_eq!(told.verdict, Verdict::Residual, "{kind}");
        }
    }

    #[test]
    fn what_a_probe_finds_is_new_once_it_found_nothing() {
        let row = found(ResidualKind::Probe, 0);
        for (asked_at, verdict) in [(100, Verdict::Revoked), (-600, Verdict::Residual)] {
            let mut known = rehired(Some(&[]));
            known.meet([(row.identity(), at(asked_at))].into_iter());
            let told = after_rehire(judged(vec![row.clone()], Vec::new()), &known, NONE);
            assert_eq!(told.verdict, verdict, "asked at {asked_at}");
        }
    }

    #[test]
    fn what_is_gone_once_and_comes_back_is_new() {
        let (login, owned) = (found(ResidualKind::Login, 7), found(ResidualKind::Ownership, 7));
        let known = rehired(Some(&[&login, &owned]));
        let both = [&login, &owned];
        let blind = left(&known, vec![owned.clone()], &both, |since| since.whole = false);
        assert_eq!(blind.len(), 2, "not having seen it does not take it away");
        let seen = left(&known, vec![owned.clone()], &both, |_| {});
        assert_eq!(seen, [owned.identity()].into());
    }

    #[test]
    fn what_was_there_by_another_name_stays_old() {
        let kind = ResidualKind::Privilege;
        let (was, is) = (named(kind, "public.t"), named(kind, "public.t2"));
        let known = rehired(Some(&[&was]));
        assert_eq!(left(&known, vec![is.clone()], &[&was], |_| {}), [is.identity()].into());
        // Nothing of its kind went: it was granted.
        let member = named(ResidualKind::Membership, "app");
        let found = vec![was.clone(), member.clone()];
        assert_eq!(left(&known, found, &[&was], |_| {}), [was.identity()].into());
        // It was there at the look before as well.
        let two = [&was, &is];
        assert!(left(&known, vec![is.clone()], &two, |_| {}).is_empty());
    }

    #[test]
    fn what_a_wider_look_finds_first_is_old() {
        let (login, rule) = (found(ResidualKind::Login, 7), found(ResidualKind::HbaRule, 7));
        let known = rehired(Some(&[]));
        let both = vec![login.clone(), rule.clone()];
        let found = left(&known, both, &[&login], |since| since.wider = true);
        assert_eq!(found, [rule.identity()].into());
    }

    #[test]
    fn what_an_account_had_that_is_linked_later_is_old_and_a_role_made_since_is_new() {
        let login = found(ResidualKind::Login, 8);
        let known = rehired(Some(&[]));
        let told = after_rehire(judged(vec![login.clone()], Vec::new()), &known, NONE);
        assert_eq!(told.verdict, Verdict::Residual, "nobody knows what it had");
        for (made_since, verdict) in [(false, Verdict::Residual), (true, Verdict::Revoked)] {
            let linked = [(place(8), made_since)];
            let none = BTreeSet::new();
            let since = Since { found: &none, wider: false, whole: true, linked: &linked };
            let judged = judged(vec![login.clone()], Vec::new());
            let after = known.after(&judged, since);
            assert!(after.before.as_ref().unwrap().accounts.contains(&place(8)));
            assert_eq!(after_rehire(judged, &after, NONE).verdict, verdict);
        }
        let earlier = known.before.unwrap();
        for (cluster, first, newer) in
            [(1, Some(101), true), (1, Some(100), false), (1, None, false), (2, Some(101), false)]
        {
            let newer_is = earlier.precedes(SystemIdentifier(cluster), first.map(at));
            assert_eq!(newer_is, newer, "{cluster} {first:?}");
        }
    }
}
