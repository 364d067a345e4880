//! Memberships: what is listed against `pg_has_role`, the rows, and taking and giving roles.

use super::{DONE, Differences};
use crate::graphs::answer::Answer;
use crate::graphs::claim::Claim;
use crate::graphs::truth::{Reaches, Truth};
use std::collections::BTreeMap;

pub(super) fn memberships(truth: &Truth, answer: &Answer, found: &mut Differences) {
    ways(truth, answer, found);
    let mut from: BTreeMap<i64, Vec<&Reaches>> = BTreeMap::new();
    for row in &truth.reaches {
        from.entry(row.role).or_default().push(row);
    }
    for row in &truth.reaches {
        let reached = answer.reached(row.role);
        let has = |name: &str| reached.contains(name) || truth.name(row.role) == name;
        // It has no rows: whoever owns a database is a member there.
        let implicit =
            |name: &str| name == "pg_database_owner" && owns_a_database(truth, answer, row.role);
        let everything = reached.contains("postgres");
        // pg_has_role follows memberships without any option too. Nobody can grant by them: the server finds
        // "no possible grantors", which the roles that are really given away show.
        let admin = row.admin && by_options(truth, row);
        if (row.usage || row.set) && !has(&row.held) && !implicit(&row.held) && !everything {
            found.add(row.role, format!("pg_has_role says, and it is not listed: {row:?}"));
        }
        if row.member && reached.is_empty() && !implicit(&row.held) {
            found.add(row.role, format!("no membership is listed: {row:?}"));
        }
        let listed = may_give(truth, answer, row.role, &row.held);
        if admin && !listed && !everything {
            found.add(row.role, format!("may give it away, which is not listed: {row:?}"));
        }
        if listed && !row.admin {
            found.add(row.role, format!("may not give it away, and ADMIN is listed: {row:?}"));
        }
        // Taken with SET ROLE, or granted to oneself first, the next role's memberships follow.
        let next = from.get(&row.held_oid).into_iter().flatten();
        for further in next.filter(|next| (row.set || admin) && (next.usage || next.set)) {
            if !has(&further.held) && !implicit(&further.held) && !everything {
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

/// What is reached through others, hop by hop, and no less than that.
fn ways(truth: &Truth, answer: &Answer, found: &mut Differences) {
    for (role, end, via) in &answer.ways {
        let mut at = truth.name(*role);
        for next in via.iter().chain([end]) {
            if !truth.hops.contains(&(at.to_owned(), next.clone())) {
                found.add(*role, format!("no membership for a hop to {next}: {via:?} {end}"));
            }
            at = next;
        }
    }
    for role in truth.roles.keys() {
        let reached = answer.reached(*role);
        for held in truth.led_to(*role).into_iter().filter(|held| !reached.contains(*held)) {
            found.add(*role, format!("reaches {held} by rows, which is not listed"));
        }
    }
}

/// Whether memberships with any option lead to ADMIN on the role.
fn by_options(truth: &Truth, row: &Reaches) -> bool {
    let mut holders = truth.led_to(row.role);
    holders.insert(truth.name(row.role));
    truth
        .claims
        .iter()
        .filter(|claim| claim.kind == "admin_option" && claim.privilege == row.held)
        .any(|claim| holders.contains(truth.name(claim.role)))
}

/// ADMIN on a role, its own or that of a role which it reaches.
fn may_give(truth: &Truth, answer: &Answer, role: i64, held: &str) -> bool {
    anyone(truth, answer, role, |claim| claim.kind == "admin_option" && claim.privilege == held)
}

fn owns_a_database(truth: &Truth, answer: &Answer, role: i64) -> bool {
    anyone(truth, answer, role, |claim| claim.kind == "ownership" && claim.class == "pg_database")
}

/// Whether such a finding is the role's own or that of one which it reaches.
fn anyone(truth: &Truth, answer: &Answer, role: i64, such: impl Fn(&Claim) -> bool) -> bool {
    let reached = answer.reached(role).iter().filter_map(|name| truth.oid(name));
    reached.chain([role]).any(|holder| answer.claims_of(holder).any(&such))
}

/// `SET ROLE` and `GRANT`, tried.
pub(super) fn taken(truth: &Truth, answer: &Answer, found: &mut Differences) {
    for take in &truth.takes {
        let reached = answer.reached(take.role);
        let all = reached.contains("postgres");
        if take.taken == DONE && !reached.contains(&take.held) && !all {
            found.add(take.role, format!("took a role that is not listed: {take:?}"));
        }
        // Before 16 CREATEROLE may give away every role but superusers; the attribute is listed.
        let creates =
            truth.major < 16 && truth.roles.get(&take.role).is_some_and(|r| r.creates_roles);
        let may = may_give(truth, answer, take.role, &take.held);
        if take.given == DONE && !may && !creates && !all {
            found.add(take.role, format!("gave a role away, which is not listed: {take:?}"));
        }
        let superuser = truth
            .oid(&take.held)
            .and_then(|oid| truth.roles.get(&oid))
            .is_some_and(|r| r.superuser);
        let own = answer
            .claims_of(take.role)
            .any(|claim| claim.kind == "admin_option" && claim.privilege == take.held);
        if own && take.given != DONE && !superuser {
            found.add(take.role, format!("could not give it away, and ADMIN is listed: {take:?}"));
        }
    }
}
