//! What no row says by itself, against what follows from the rows: nothing less, nothing more, and every way
//! leads where it says.

use super::Differences;
use super::roles::OWNER;
use crate::graphs::answer::Answer;
use crate::graphs::claim::Derived;
use crate::graphs::rows::{Closure, Row};
use crate::graphs::truth::Truth;
use revoked::domain::graph::Can;
use revoked::domain::residual::{ResidualKind as K, Way};
use std::collections::BTreeSet;

pub(super) fn derived(truth: &Truth, answer: &Answer, found: &mut Differences) {
    for (role, known) in &truth.roles {
        let Some(name) = &known.name else { continue };
        let closure = truth.rows.closure(name);
        memberships(answer, *role, &closure, found);
        let given = answer.derived_of(*role, K::AdminOption).map(|d| d.held.as_str());
        let own = answer.claims_of(*role).filter(|c| c.kind == "admin_option" && c.grantable);
        let listed = given.chain(own.map(|claim| claim.privilege.as_str())).collect();
        differ("ADMIN", *role, &closure.admins, &listed, found);
        let listed = answer.derived_of(*role, K::Attribute).map(|d| d.held.as_str()).collect();
        let attributes = truth.rows.attributes(&closure, truth.major);
        differ("attribute", *role, &attributes, &listed, found);
        let databases = answer.derived_of(*role, K::Membership).map(|d| d.database.as_str());
        let listed = databases.filter(|database| !database.is_empty()).collect();
        differ("database", *role, &truth.rows.owned(&closure, truth.major), &listed, found);
    }
    let mut before: Vec<(i64, K, &str, &str)> = Vec::new();
    for finding in &answer.derived {
        let identity = (finding.role, finding.kind, &*finding.held, &*finding.database);
        if before.contains(&identity) {
            found.add(finding.role, format!("twice: {finding:?}"));
        }
        before.push(identity);
        for wrong in judged(truth, finding) {
            found.add(finding.role, format!("{wrong}: {finding:?}"));
        }
    }
}

fn differ(
    what: &str,
    role: i64,
    follows: &BTreeSet<&str>,
    listed: &BTreeSet<&str>,
    found: &mut Differences,
) {
    for missing in follows.difference(listed) {
        found.add(role, format!("{what} follows from the rows, and is not listed: {missing}"));
    }
    for invented in listed.difference(follows) {
        found.add(role, format!("{what} does not follow from the rows, and is listed: {invented}"));
    }
}

/// Everything that it reaches by rows is listed, with what it can do by that.
fn memberships(answer: &Answer, role: i64, closure: &Closure<'_>, found: &mut Differences) {
    for held in closure.listed.iter().filter(|held| **held != closure.start) {
        for can in closure.cans(held) {
            // That it may grant itself a role is what ADMIN on it says.
            let by_admin = can == Can::SelfGrant && answer.may_give(role, held);
            if !answer.can(role, held, can) && !by_admin {
                found.add(role, format!("reaches {held} by rows ({can}), which is not listed"));
            }
        }
    }
    for finding in answer.derived_of(role, K::Membership).filter(|d| d.database.is_empty()) {
        let cans = closure.cans(&finding.held);
        for way in finding.ways.iter().filter(|way| !cans.contains(&way.can)) {
            found.add(role, format!("by rows it is {cans:?} and not {}: {finding:?}", way.can));
        }
    }
}

/// What is wrong with the ways of a finding.
fn judged(truth: &Truth, finding: &Derived) -> Vec<String> {
    let start = truth.name(finding.role);
    let mut wrong = Vec::new();
    if finding.ways.first().map(|way| &way.via) != Some(&finding.via) && !finding.via.is_empty() {
        wrong.push("its first way is not the one that it shows".to_owned());
    }
    for way in &finding.ways {
        let mut roles: Vec<&str> = way.via.iter().map(String::as_str).collect();
        if finding.kind == K::Membership && finding.database.is_empty() {
            roles.push(&finding.held);
        }
        let leads = if as_owner(finding, way) {
            leads_to_owner(truth, start, &roles, way)
        } else {
            truth.rows.leads(start, &roles, way, truth.major)
        };
        if !leads {
            wrong.push(format!("no memberships lead {way:?}"));
        }
        if !ends(truth, finding, roles.last().copied().unwrap_or(start)) {
            wrong.push(format!("its end has nothing of it, {way:?}"));
        }
        wrong.extend(blame(truth, start, finding, way, roles.first()));
        wrong.extend(further(truth, start, finding, way));
    }
    if finding.ways.is_empty() {
        if !ends(truth, finding, start) {
            wrong.push("without a way, and not its own".to_owned());
        }
        if finding.held == OWNER && truth.rows.reserved.contains(start) {
            wrong.push("without INHERIT an owner takes SET ROLE".to_owned());
        }
    }
    wrong
}

/// As the member of `pg_database_owner` that the owner of a database is, without a row.
fn as_owner(finding: &Derived, way: &Way) -> bool {
    !finding.database.is_empty() && way.at.as_deref() == Some(OWNER)
}

/// An owner without INHERIT, or one who has or takes its rights, and then SET ROLE.
fn leads_to_owner(truth: &Truth, start: &str, roles: &[&str], way: &Way) -> bool {
    let owner = roles.last().copied().unwrap_or(start);
    let along = |can| {
        let way = Way { can, at: None, ..way.clone() };
        truth.rows.leads(start, roles, &way, truth.major)
    };
    way.can == Can::SetRole
        && truth.rows.reserved.contains(owner)
        && (roles.is_empty() || along(Can::UsesNow) || along(Can::SetRole))
}

/// Whether the role at the end of a way has what was found.
fn ends(truth: &Truth, finding: &Derived, end: &str) -> bool {
    let rows = &truth.rows;
    let shared = finding.database.is_empty();
    if finding.kind == K::Attribute {
        return shared && rows.has(end, &finding.held);
    }
    if finding.kind == K::AdminOption {
        let gives = |row: &Row| row.admin && row.member == end && row.held == finding.held;
        return shared && rows.all.iter().any(gives);
    }
    if shared {
        return end == finding.held;
    }
    finding.held == OWNER && rows.databases.contains(&(finding.database.clone(), end.to_owned()))
}

/// A grantor is named if and only if a plain REVOKE would not remove the first step.
fn blame(
    truth: &Truth,
    start: &str,
    finding: &Derived,
    way: &Way,
    first: Option<&&str>,
) -> Option<String> {
    let first = *first?;
    let others = |row: &&Row| row.member == start && row.held == first && row.grantor != "postgres";
    let needed = truth.major >= 16 && truth.rows.all.iter().any(|row| others(&row));
    let asked = matches!(finding.kind, K::Membership | K::AdminOption)
        && finding.database.is_empty()
        && way.via == finding.via
        && finding.ways.first() == Some(way);
    match &way.granted_by {
        Some(by) if !needed || !truth.rows.blamed(start, first, by) => {
            Some(format!("{by} did not grant its first step"))
        }
        None if needed && asked => Some("its first step was granted by another".to_owned()),
        Some(_) | None => None,
    }
}

/// Whether something nearer follows from the rows than what is listed.
fn further(truth: &Truth, start: &str, finding: &Derived, way: &Way) -> Option<String> {
    let closure = truth.rows.closure(start);
    let rows = &truth.rows;
    let nearest = if finding.kind == K::Attribute {
        let any = |of: &BTreeSet<&str>| of.iter().any(|role| rows.has(role, &finding.held));
        match (any(&closure.sets), any(&closure.regained)) {
            (true, _) => Can::SetRole,
            (false, true) => Can::SelfGrant,
            (false, false) => Can::CreateRole,
        }
    } else if finding.kind == K::AdminOption {
        // It is exercised as it is: shortest first, whatever the way.
        let other = matches!(way.can, Can::SelfGrant | Can::CreateRole | Can::Listed);
        return other.then(|| format!("ADMIN is not exercised by {}", way.can));
    } else {
        let (_, owner) = rows.databases.iter().find(|(name, _)| *name == finding.database)?;
        let can = *closure.cans(owner).first()?;
        if can == Can::UsesNow && rows.reserved.contains(owner) { Can::SetRole } else { can }
    };
    (way.can != nearest).then(|| format!("{nearest} is nearer"))
}
