//! New owners. Nothing is dropped.

use super::step::{Object, Step};
use super::{Note, Part, Plan, Setting, of, sql};
use crate::domain::residual::{Residual, ResidualKind as K};
use std::collections::{BTreeMap, BTreeSet};

/// What a leaver owns in one database, or what the cluster shares.
#[derive(Default)]
struct Estate<'a> {
    /// Per database.
    local: BTreeMap<&'a str, Vec<&'a Residual>>,
    /// Databases, tablespaces, subscriptions. REASSIGN OWNED takes them along from whichever database.
    shared: Vec<&'a Residual>,
}

/// One REASSIGN OWNED per role and database where that does what is meant, else one ALTER per object.
pub(super) fn replace(residual: &[Residual], setting: &Setting, plan: &mut Plan) {
    let mut estates: BTreeMap<&str, Estate<'_>> = BTreeMap::new();
    for found in of(residual, &[K::Ownership, K::Subscription]) {
        let Some(role) = found.account.role.as_deref() else {
            plan.leave(found, "its owner exists no more: ALTER … OWNER TO somebody");
            continue;
        };
        let estate = estates.entry(role).or_default();
        match found.database.as_deref() {
            Some(database) => estate.local.entry(database).or_default().push(found),
            None => estate.shared.push(found),
        }
    }
    for (role, estate) in estates {
        one(role, &estate, setting, plan);
    }
}

fn one(role: &str, estate: &Estate<'_>, setting: &Setting, plan: &mut Plan) {
    let mut along = false;
    for (database, list) in &estate.local {
        let Some(heir) = heir(database, setting) else {
            homeless(list, plan);
            continue;
        };
        let whole = list.iter().all(|found| may_own(found, heir, setting))
            && estate
                .shared
                .iter()
                .all(|found| setting.reassign_to.is_some() && may_own(found, heir, setting));
        let place = (*database).to_owned();
        if whole {
            let step = Step::ReassignOwned { from: role.to_owned(), to: heir.clone() };
            plan.add(Part::Database, Some(&place), step);
            along = true;
        } else {
            each(role, list, heir, setting, plan);
        }
    }
    shared(role, estate, along, setting, plan);
}

/// What to do about things that nobody but a superuser could be given to.
const WAY: &str = "the owner of the database leaves too or is a superuser, so say who gets it: `revoked plan … --reassign-to ROLE`";

fn homeless(list: &[&Residual], plan: &mut Plan) {
    if let [found] = list {
        return plan.leave(found, WAY);
    }
    let Some(first) = list.first() else { return };
    plan.by_hand.push(Note {
        about: list.iter().map(|found| found.identity()).collect(),
        text: format!("{}, and {} other objects there: {WAY}", first.sentence, list.len() - 1),
    });
}

/// One by one, tables first: sequences of their columns go with them.
fn each(role: &str, list: &[&Residual], heir: &str, setting: &Setting, plan: &mut Plan) {
    let mut seen = BTreeSet::new();
    let mut gifts = Vec::new();
    for found in list {
        if !may_own(found, heir, setting) {
            plan.leave(found, "drop it or alter its owner by hand: only a superuser may own it");
            continue;
        }
        let on = object(found).filter(|on| sql::owner_words(on).is_some());
        let Some(on) = on else {
            plan.leave(
                found,
                "only REASSIGN OWNED gives it to somebody, and that fails as long as there are \
                               other things of the leaver that it may not give away",
            );
            continue;
        };
        if seen.insert(on.clone()) {
            let sequence = on.kind.as_deref() == Some("sequence");
            let give = Step::AlterOwner { on, from: role.to_owned(), to: heir.to_owned() };
            gifts.push((sequence, found.database.clone(), give));
        }
    }
    gifts.sort_by_key(|(sequence, _, _)| *sequence);
    for (_, database, give) in gifts {
        plan.add(Part::Database, database.as_ref(), give);
    }
}

fn shared(role: &str, estate: &Estate<'_>, along: bool, setting: &Setting, plan: &mut Plan) {
    for found in &estate.shared {
        let named = setting.reassign_to.as_ref();
        let Some(heir) = named.filter(|heir| may_own(found, heir, setting)) else {
            let way = match (found.kind, named) {
                (K::Subscription, _) => {
                    "drop it or alter its owner by hand: it replicates with its owner's rights"
                }
                (_, None) => WAY,
                (_, Some(_)) => "drop it or alter its owner by hand: only a superuser may own it",
            };
            plan.leave(found, way);
            continue;
        };
        // ALTER SUBSCRIPTION works in its own database only; REASSIGN OWNED takes it along from any.
        let step = match object(found).filter(|on| sql::owner_words(on).is_some()) {
            Some(on) => Step::AlterOwner { on, from: role.to_owned(), to: heir.clone() },
            None if along => continue,
            None => Step::ReassignOwned { from: role.to_owned(), to: heir.clone() },
        };
        plan.add(Part::SharedOwners, None, step);
    }
}

fn object(found: &Residual) -> Option<Object> {
    Some(Object {
        class: found.class.clone()?,
        kind: found.object_type.clone(),
        name: found.object.clone()?,
    })
}

/// Some objects have to belong to a superuser: event triggers, foreign data wrappers, and up to PostgreSQL 15
/// subscriptions. A later subscription is given to nobody who was not named.
fn may_own(found: &Residual, heir: &str, setting: &Setting) -> bool {
    let superuser = setting.superusers.contains(heir);
    match found.class.as_deref() {
        Some("pg_event_trigger" | "pg_foreign_data_wrapper") => superuser,
        Some("pg_subscription") => {
            superuser || (setting.version_num >= 160_000 && setting.reassign_to.is_some())
        }
        _ => true,
    }
}

/// Who gets what lies in a database: the one the operator named, else the owner of the database, if that is
/// neither one who leaves nor a superuser.
fn heir<'a>(database: &str, setting: &'a Setting) -> Option<&'a String> {
    setting.reassign_to.as_ref().or_else(|| {
        let owner = setting.database_owner.get(database)?;
        let fit = !setting.leavers.contains(owner) && !setting.superusers.contains(owner);
        fit.then_some(owner)
    })
}
