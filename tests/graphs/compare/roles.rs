//! Memberships: what is listed against `pg_has_role`, and taking and giving roles.

use super::{DONE, Differences};
use crate::graphs::answer::Answer;
use crate::graphs::claim::Derived;
use crate::graphs::truth::{Reaches, Truth};
use revoked::domain::graph::Can;
use revoked::domain::residual::ResidualKind;
use std::collections::BTreeMap;

/// Whose only member is the owner of the database.
pub(super) const OWNER: &str = "pg_database_owner";

pub(super) fn memberships(truth: &Truth, answer: &Answer, found: &mut Differences) {
    let mut from: BTreeMap<(&str, i64), Vec<&Reaches>> = BTreeMap::new();
    for row in &truth.reaches {
        from.entry((&row.database, row.role)).or_default().push(row);
    }
    for row in &truth.reaches {
        if row.held == OWNER {
            owner(truth, answer, row, found);
            continue;
        }
        member(truth, answer, row, found);
        // Taken with SET ROLE, or granted to oneself first, the next role's memberships follow.
        let next = from.get(&(row.database.as_str(), row.held_oid)).into_iter().flatten();
        let may = row.set || answer.may_give(row.role, &row.held);
        for further in next.filter(|next| may && (next.usage || next.set)) {
            if !has(truth, answer, row.role, further) {
                found.add(row.role, format!("{row:?} and then {further:?}, which is not listed"));
            }
        }
    }
    for claim in answer.claims.iter().filter(|claim| claim.kind == "membership") {
        let member =
            truth.reaches.iter().any(|row| row.role == claim.role && row.held == claim.privilege);
        if !member && truth.roles.get(&claim.role).is_some_and(|role| !role.superuser) {
            found.add(claim.role, format!("denied by pg_has_role: {claim:?}"));
        }
    }
}

/// Whether it is listed that a role may have what another has.
fn has(truth: &Truth, answer: &Answer, role: i64, further: &Reaches) -> bool {
    if further.held == OWNER {
        return answer.owner_of(role, &further.database).is_some()
            || everything(truth, answer, role, &further.database);
    }
    let cans = answer.cans(role).get(&further.held);
    cans.is_some_and(|cans| cans.iter().any(|can| can != Can::Listed.as_str()))
        || answer.may_give(role, &further.held)
        || truth.name(role) == further.held
}

/// Whether a superuser owns the database, and it is listed that the role can become one: more than owner.
fn everything(truth: &Truth, answer: &Answer, role: i64, database: &str) -> bool {
    let owner = truth.rows.databases.iter().find(|(name, _)| name == database);
    owner.is_some_and(|(_, owner)| truth.rows.superuser(owner))
        && answer.derived_of(role, ResidualKind::Attribute).any(|found| found.held == "SUPERUSER")
}

/// It has no rows: whoever owns a database is a member there.
fn owner(truth: &Truth, answer: &Answer, row: &Reaches, found: &mut Differences) {
    let listed = answer.owner_of(row.role, &row.database);
    // Before 16 an owner with NOINHERIT has to take it with SET ROLE, and so has who has the owner's rights.
    let now = listed.is_some_and(Derived::now);
    let denied = if truth.major < 16 { !row.set } else { !row.usage };
    if (row.usage && !now) || (now && denied) {
        found.add(row.role, format!("pg_has_role and what is listed differ: {row:?} {listed:?}"));
    }
    if row.set && listed.is_none() && !everything(truth, answer, row.role, &row.database) {
        found.add(row.role, format!("may take it, and it is not listed: {row:?}"));
    }
}

fn member(truth: &Truth, answer: &Answer, row: &Reaches, found: &mut Differences) {
    for (says, can) in [(row.usage, Can::UsesNow), (row.set, Can::SetRole)] {
        match (says, answer.can(row.role, &row.held, can)) {
            (true, false) => {
                found.add(row.role, format!("pg_has_role says, {can} is not listed: {row:?}"));
            }
            (false, true) => {
                found.add(row.role, format!("pg_has_role denies, {can} is listed: {row:?}"));
            }
            (true, true) | (false, false) => {}
        }
    }
    if row.member && !answer.cans(row.role).contains_key(&row.held) {
        let by_admin = answer.may_give(row.role, &row.held);
        if !by_admin {
            found.add(row.role, format!("no membership is listed: {row:?}"));
        }
    }
    let listed = answer.may_give(row.role, &row.held);
    if listed && !row.admin {
        found.add(row.role, format!("may not give it away, and ADMIN is listed: {row:?}"));
    }
    // Since 16 pg_has_role follows memberships by which nobody can grant: the rows tell those.
    if row.admin && !listed && truth.major < 16 && !truth.rows.superuser(&row.held) {
        found.add(row.role, format!("may give it away, which is not listed: {row:?}"));
    }
}

/// `SET ROLE` and `GRANT`, tried.
pub(super) fn taken(truth: &Truth, answer: &Answer, found: &mut Differences) {
    for take in &truth.takes {
        let (took, gave) = (take.taken == DONE, take.given == DONE);
        let listed = answer.can(take.role, &take.held, Can::SetRole);
        if took && !listed {
            found.add(take.role, format!("took a role that is not listed: {take:?}"));
        }
        if listed && !took {
            found.add(take.role, format!("could not take it, and SET ROLE is listed: {take:?}"));
        }
        // Before 16 CREATEROLE may give away every role but superusers; the attribute is listed.
        let creates =
            truth.major < 16 && truth.roles.get(&take.role).is_some_and(|r| r.creates_roles);
        let may = answer.may_give(take.role, &take.held);
        if gave && !may && !creates {
            found.add(take.role, format!("gave a role away, which is not listed: {take:?}"));
        }
        if !gave && at_once(truth, answer, take.role, &take.held) {
            found.add(take.role, format!("could not give it away, and ADMIN is listed: {take:?}"));
        }
    }
}

/// Whether ADMIN is listed that needs no SET ROLE. Before 16 none does.
fn at_once(truth: &Truth, answer: &Answer, role: i64, held: &str) -> bool {
    let now = |found: &Derived| truth.major < 16 || found.now();
    let mut through = answer.derived_of(role, ResidualKind::AdminOption);
    answer.has_admin(role, held) || through.any(|found| found.held == held && now(found))
}
