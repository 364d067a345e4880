//! Taking privileges away, per grantor, without taking from others what is theirs.

use super::step::{Acting, Object, Right, Step};
use super::{Plan, Setting, of};
use crate::domain::residual::{Residual, ResidualKind as K};
use std::collections::BTreeMap;

/// What one statement can take away together. Columns come before the table: a REVOKE on the table takes those
/// of its columns along, and fails where somebody depends on them.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Together {
    /// Steps as the same role stand next to each other.
    acting: Option<Acting>,
    on: Object,
    whole: bool,
    grantee: String,
    cascade: bool,
    tampered: bool,
}

/// Revokes per object and grantor. A superuser's REVOKE acts for the owner, so a grant by another is revoked as
/// that other.
pub(super) fn revoke(residual: &[Residual], setting: &Setting, plan: &mut Plan) {
    let all: Vec<&Residual> = of(residual, &[K::Privilege]).collect();
    for found in &all {
        regrant(found, plan);
    }
    let mut statements: BTreeMap<(Option<String>, Together), Vec<Right>> = BTreeMap::new();
    for found in &all {
        let Some((on, right)) = about(found) else {
            plan.leave(found, UNREAD);
            continue;
        };
        if goes_with_its_grantor(found, &all, setting) {
            continue;
        }
        match together(found, on, right.column.is_none(), setting) {
            Ok(together) => {
                let key = (found.database.clone(), together);
                let rights = statements.entry(key).or_default();
                if !rights.contains(&right) {
                    rights.push(right);
                }
            }
            Err(why) => plan.leave(found, why),
        }
    }
    for ((database, together), mut rights) in statements {
        rights.sort_by(|a, b| (&a.column, &a.privilege).cmp(&(&b.column, &b.privilege)));
        let Together { acting, on, grantee, cascade, tampered, .. } = together;
        let step = Step::RevokePrivilege { on, rights, grantee, acting, cascade, tampered };
        plan.add_at(database.as_ref(), step);
    }
}

const UNREAD: &str =
    "its access list was not read; make that possible (`revoked check` says how), and plan again";

fn about(found: &Residual) -> Option<(Object, Right)> {
    let on = Object {
        class: found.class.clone()?,
        kind: found.object_type.clone(),
        name: found.object.clone()?,
    };
    Some((on, Right { privilege: found.privilege.clone()?, column: found.sub_object.clone() }))
}

fn together(
    found: &Residual,
    on: Object,
    whole: bool,
    setting: &Setting,
) -> Result<Together, &'static str> {
    let Some(grantee) = found.account.role.clone() else {
        return Err("no statement names a role that exists no more");
    };
    let acting = match (&found.grantor, &found.owner) {
        (Some(grantor), owner) if owner.as_ref() != Some(grantor) => {
            if found.tampered {
                return Err(
                    "whoever edited the catalog made it look granted by a role that may have no grant option, so \
                     that no REVOKE takes it: look at the entry, and edit it back",
                );
            }
            let demoted =
                setting.superusers.contains(grantor) && !setting.leavers.contains(grantor);
            Some(Acting { role: grantor.clone(), demoted })
        }
        (None, Some(_)) => return Err("its grantor exists no more, so no REVOKE acts for it"),
        (Some(_) | None, _) => None,
    };
    let (cascade, tampered) = (found.cascade, found.tampered);
    Ok(Together { acting, on, whole, grantee, cascade, tampered })
}

/// What others hold through the leaver, granted for the owner before anything is revoked.
fn regrant(found: &Residual, plan: &mut Plan) {
    let Some((on, right)) = about(found) else { return };
    for other in &found.dependents {
        // As few statements as there are grantees: a second privilege joins the first.
        let same = |step: &&mut Step| {
            matches!(step, Step::GrantPrivilege { on: object, grantee, grantable, .. }
                if *object == on && *grantee == other.grantee && *grantable == other.grantable)
        };
        let place = plan.steps.iter_mut().filter(|placed| placed.database == found.database);
        if let Some(Step::GrantPrivilege { rights, .. }) =
            place.map(|placed| &mut placed.step).find(same)
        {
            if !rights.contains(&right) {
                rights.push(right.clone());
            }
            continue;
        }
        let step = Step::GrantPrivilege {
            on: on.clone(),
            rights: vec![right.clone()],
            grantee: other.grantee.clone(),
            grantable: other.grantable,
        };
        plan.add_at(found.database.as_ref(), step);
    }
}

/// Whether a leaver granted it, by a grant option that is revoked with CASCADE. An option that no statement takes
/// takes nothing along, and an entry of an edited catalog may name itself as where it comes from.
fn goes_with_its_grantor(found: &Residual, all: &[&Residual], setting: &Setting) -> bool {
    all.iter().any(|other| {
        let revoked = || {
            about(other).is_some_and(|(on, right)| {
                together(other, on, right.column.is_none(), setting).is_ok()
            })
        };
        other.grantable
            && other.identity() != found.identity()
            && other.account.role.is_some()
            && other.account.role == found.grantor
            && (&other.database, &other.class, &other.object, &other.sub_object, &other.privilege)
                == (
                    &found.database,
                    &found.class,
                    &found.object,
                    &found.sub_object,
                    &found.privilege,
                )
            && revoked()
    })
}
