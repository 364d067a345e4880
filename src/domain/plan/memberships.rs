//! Taking roles away, per grantor, without taking from others what is theirs.

use super::step::{MemberOption, Step};
use super::{Part, Plan, Setting, of};
use crate::domain::residual::{Basis, Dependent, Residual, ResidualKind as K};
use std::collections::BTreeMap;

/// Options of a membership: ADMIN, INHERIT, SET.
type Options = (bool, bool, bool);

/// Direct memberships only: what is reached through them goes with them. Everybody else gets anew what
/// depends on a leaver before the first is revoked: since 16 a CASCADE goes through a whole chain of them.
pub(super) fn revoke(residual: &[Residual], setting: &Setting, plan: &mut Plan) {
    let direct: Vec<&Residual> = of(residual, &[K::Membership, K::AdminOption])
        .filter(|found| found.basis().is_none())
        .collect();
    stays_reached(residual, &direct, plan);
    let per_grantor = setting.version_num >= 160_000;
    if per_grantor {
        let mut rows = BTreeMap::new();
        for found in &direct {
            let Some(group) = &found.privilege else { continue };
            for other in &found.dependents {
                regrant(group, other, setting, &mut rows, plan);
            }
        }
    }
    for found in &direct {
        let (Some(member), Some(group)) = (&found.account.role, &found.privilege) else {
            plan.leave(found, "the role has no name any more");
            continue;
        };
        if per_grantor && goes_with_its_grantor(found, &direct) {
            continue;
        }
        let step = Step::RevokeMembership {
            group: group.clone(),
            member: member.clone(),
            // Before 16 there is one row per member, whoever granted it.
            grantor: found.grantor.clone().filter(|_| per_grantor),
            cascade: found.cascade && per_grantor,
        };
        plan.add(Part::Shared, None, step);
    }
}

/// What is reached through a membership that is not to be revoked, as in a partial revocation.
fn stays_reached(residual: &[Residual], direct: &[&Residual], plan: &mut Plan) {
    for found in of(residual, &[K::Membership, K::AdminOption, K::Attribute]) {
        let Some(Basis::Membership(first)) = found.basis() else { continue };
        let goes = direct.iter().any(|other| {
            other.account == found.account && other.privilege.as_deref() == Some(first)
        });
        if !goes {
            let way =
                format!("the membership in {first} is not to go; decide which of the two it is");
            plan.leave(found, &way);
        }
    }
}

/// Whether a leaver granted it, by an ADMIN option that is revoked with CASCADE.
fn goes_with_its_grantor(found: &Residual, direct: &[&Residual]) -> bool {
    direct.iter().any(|other| {
        other.kind == K::AdminOption
            && other.account.role.is_some()
            && other.account.role == found.grantor
            && other.privilege == found.privilege
    })
}

/// A superuser grants in the name of the bootstrap superuser. Where it has granted this membership before, only what
/// that row lacks is added: an option that is named as FALSE would be taken away.
fn regrant(
    group: &str,
    other: &Dependent,
    setting: &Setting,
    rows: &mut BTreeMap<(String, String), Options>,
    plan: &mut Plan,
) {
    let Some(member) = other.grantee.clone() else { return };
    let key = (group.to_owned(), member.clone());
    let known = || {
        let row = setting
            .memberships
            .iter()
            .find(|row| row.by_bootstrap && row.role == group && row.member == member)?;
        Some((row.admin, row.inherit, row.set))
    };
    let before = rows.get(&key).copied().or_else(known);
    let wanted = (other.grantable, other.inherit.unwrap_or(true), other.set.unwrap_or(true));
    let has = before.unwrap_or_default();
    let all = [
        (MemberOption::Admin, wanted.0, has.0),
        (MemberOption::Inherit, wanted.1, has.1),
        (MemberOption::Set, wanted.2, has.2),
    ];
    let options: Vec<(MemberOption, bool)> = all
        .into_iter()
        .filter(|(_, wanted, has)| before.is_none() || (*wanted && !has))
        .map(|(option, wanted, _)| (option, wanted))
        .collect();
    rows.insert(key, (wanted.0 || has.0, wanted.1 || has.1, wanted.2 || has.2));
    if !options.is_empty() {
        let step = Step::GrantMembership { group: group.to_owned(), member, options };
        plan.add(Part::Shared, None, step);
    }
}
