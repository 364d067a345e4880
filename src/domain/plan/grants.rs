//! Taking privileges away, per grantor, without taking from others what is theirs.

use super::step::{Acting, Object, Right, Step};
use super::{Plan, Setting, of};
use crate::domain::residual::{Dependent, Residual, ResidualKind as K};
use std::collections::{BTreeMap, BTreeSet};

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
    regrant(&all, plan);
    let options = Options::of(&all, setting);
    let mut statements: BTreeMap<(Option<String>, Together), Vec<Right>> = BTreeMap::new();
    for found in &all {
        let Some((on, right)) = about(found) else {
            plan.leave(found, UNREAD);
            continue;
        };
        if options.take_along(found) {
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

/// What others hold through the leaver, granted for the owner before anything is revoked. As few statements as there are
/// grantees: a second privilege joins the first.
fn regrant(all: &[&Residual], plan: &mut Plan) {
    let mut places = BTreeMap::new();
    let mut grants: Vec<(Option<&String>, Object, &Dependent, Vec<Right>)> = Vec::new();
    for found in all.iter().filter(|found| !found.dependents.is_empty()) {
        let Some((on, right)) = about(found) else { continue };
        for other in &found.dependents {
            let key = (&found.database, on.clone(), &other.grantee, other.grantable);
            let place = *places.entry(key).or_insert(grants.len());
            match grants.get_mut(place) {
                Some((.., rights)) if rights.contains(&right) => {}
                Some((.., rights)) => rights.push(right.clone()),
                None => {
                    let database = found.database.as_ref();
                    grants.push((database, on.clone(), other, vec![right.clone()]));
                }
            }
        }
    }
    for (database, on, other, rights) in grants {
        let (grantee, grantable) = (other.grantee.clone(), other.grantable);
        plan.add_at(database, Step::GrantPrivilege { on, rights, grantee, grantable });
    }
}

/// Where a privilege is from: who holds it, in which database, on what.
type Held<'a> = (&'a str, [&'a Option<String>; 5]);

fn held<'a>(who: &'a str, found: &'a Residual) -> Held<'a> {
    let Residual { database, class, object, sub_object, privilege, .. } = found;
    (who, [database, class, object, sub_object, privilege])
}

/// Grant options of leavers that are revoked with CASCADE, by whose they are; each with its identity.
struct Options<'a>(BTreeMap<Held<'a>, BTreeSet<String>>);

impl<'a> Options<'a> {
    /// An option that no statement takes takes nothing along.
    fn of(all: &[&'a Residual], setting: &Setting) -> Self {
        let mut options: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for found in all.iter().filter(|found| found.grantable) {
            let revoked = about(found).is_some_and(|(on, right)| {
                together(found, on, right.column.is_none(), setting).is_ok()
            });
            if let Some(role) = found.account.role.as_deref().filter(|_| revoked) {
                options.entry(held(role, found)).or_default().insert(found.identity());
            }
        }
        Self(options)
    }

    /// Whether a leaver granted it by such an option. An entry of an edited catalog may name itself as where it comes
    /// from.
    fn take_along(&self, found: &Residual) -> bool {
        let Some(grantor) = found.grantor.as_deref() else { return false };
        let from = self.0.get(&held(grantor, found));
        from.is_some_and(|from| from.iter().any(|option| *option != found.identity()))
    }
}
