//! Where the agent's answer and the server's differ. Pure, so that a test can feed it a wrong answer.

mod derived;
mod explain;
mod roles;

use super::answer::Answer;
use super::truth::{Act, Truth};
use explain::{Asked, explained};
use revoked::domain::verdict::Verdict;
use std::collections::BTreeMap;

/// Something that one side says and the other does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// About whom; `None` when it is about the look.
    pub(crate) role: Option<i64>,
    pub(crate) what: String,
}

/// Kinds that `pg_shdepend` knows, so that they stop `DROP ROLE`.
const DEPENDENCIES: [&str; 6] =
    ["ownership", "privilege", "default_privilege", "policy", "user_mapping", "subscription"];

/// SQLSTATE of a refusal for want of a privilege.
const REFUSED: &str = "42501";
const DONE: &str = "00000";
const DEPENDENT_OBJECTS: &str = "2BP01";

pub(super) struct Differences(Vec<Difference>);

impl Differences {
    fn add(&mut self, role: i64, what: impl Into<String>) {
        self.0.push(Difference { role: Some(role), what: what.into() });
    }
}

/// Everything on which the two differ: no false `Revoked`, nothing missing, nothing invented.
pub(crate) fn compare(truth: &Truth, answer: &Answer) -> Vec<Difference> {
    let mut found = Differences(Vec::new());
    for gap in &answer.gaps {
        found.0.push(Difference { role: None, what: format!("a gap where all is open: {gap}") });
    }
    for claim in truth.claims.difference(&answer.claims) {
        found.add(claim.role, format!("not listed: {claim:?}"));
    }
    for claim in answer.claims.difference(&truth.claims) {
        found.add(claim.role, format!("denied by the catalogs: {claim:?}"));
    }
    for held in truth.held.iter().filter(|held| !explained(truth, answer, &Asked::of(held))) {
        found
            .add(held.role, format!("has_*_privilege says, and nothing listed gives it: {held:?}"));
    }
    derived::derived(truth, answer, &mut found);
    roles::memberships(truth, answer, &mut found);
    roles::taken(truth, answer, &mut found);
    drops(truth, answer, &mut found);
    owners(truth, answer, &mut found);
    acts(truth, answer, &mut found);
    verdicts(truth, answer, &mut found);
    found.0
}

/// `DROP ROLE` is refused for dependent objects if and only if something listed is one.
fn drops(truth: &Truth, answer: &Answer, found: &mut Differences) {
    for (role, code) in &truth.drops {
        let listed = answer
            .claims_of(*role)
            .any(|claim| !claim.tampered && DEPENDENCIES.contains(&claim.kind.as_str()));
        // What it granted to others depends on it too, and is no access of its own: memberships since 16, and
        // the server leaves an entry whose grantor lost the privilege while a member of the grantee.
        let granted = truth.grantors.contains(role);
        match (code.as_str(), listed) {
            (DONE, true) => found.add(*role, "DROP ROLE succeeds, and something is listed"),
            (DEPENDENT_OBJECTS, false) if !granted => {
                found.add(*role, "DROP ROLE is refused for dependent objects, and none is listed");
            }
            _ => {}
        }
    }
}

/// Whoever stands in an owner column has something listed that is owned.
fn owners(truth: &Truth, answer: &Answer, found: &mut Differences) {
    const OWNED: [&str; 4] = ["ownership", "default_privilege", "user_mapping", "subscription"];
    for (role, catalog, objects) in &truth.owns {
        let listed = answer.claims_of(*role).any(|claim| OWNED.contains(&claim.kind.as_str()));
        if !listed {
            found.add(*role, format!("owns {objects} objects of {catalog}, and none is listed"));
        }
    }
}

/// More than a role may that has nothing.
fn beyond_public(act: &Act) -> bool {
    act.code != REFUSED && act.nobodys_code == REFUSED
}

/// What was tried as the role against what is listed.
fn acts(truth: &Truth, answer: &Answer, found: &mut Differences) {
    for act in &truth.acts {
        if beyond_public(act) && !explained(truth, answer, &Asked::of_act(act)) {
            found.add(act.role, format!("could do it, and nothing listed gives it: {act:?}"));
        }
        let listed = answer.claims_of(act.role).find(|claim| {
            claim.kind == "privilege"
                && claim.privilege == act.privilege
                && claim.same_object(&act.class, &act.database, &act.object)
                // To write a large object one has to read it too.
                && (&*act.class, &*act.privilege) != ("pg_largeobject", "UPDATE")
                // UPDATE was tried on the first column, of which the whole table may do.
                && (act.privilege != "UPDATE" || matches!(claim.sub.as_str(), "" | "a"))
        });
        if let (Some(claim), REFUSED) = (listed, act.code.as_str()) {
            found.add(act.role, format!("was refused {act:?}, and this is listed: {claim:?}"));
        }
    }
    for (role, came_in) in &truth.logins {
        let listed = answer.claims_of(*role).any(|c| c.kind == "login");
        if *came_in && !listed {
            found.add(*role, "logged in, and no login is listed");
        }
    }
}

/// Why a role is not clean, by any oracle.
fn dirt(truth: &Truth) -> BTreeMap<i64, String> {
    let mut dirt = BTreeMap::new();
    let mut add = |role: i64, why: String| {
        dirt.entry(role).or_insert(why);
    };
    for claim in &truth.claims {
        add(claim.role, format!("{claim:?}"));
    }
    for held in &truth.held {
        add(held.role, format!("{held:?}"));
    }
    for reaches in &truth.reaches {
        add(reaches.role, format!("{reaches:?}"));
    }
    for (role, known) in &truth.roles {
        let Some(name) = &known.name else { continue };
        let closure = truth.rows.closure(name);
        if closure.listed.len() > 1 || !truth.rows.attributes(&closure, truth.major).is_empty() {
            add(*role, "it is a member of others by rows".to_owned());
        }
        if !truth.rows.owned(&closure, truth.major).is_empty() {
            add(*role, "it owns a database".to_owned());
        }
    }
    for (role, catalog, _) in &truth.owns {
        add(*role, format!("owns objects of {catalog}"));
    }
    for act in truth.acts.iter().filter(|act| beyond_public(act)) {
        add(act.role, format!("{act:?}"));
    }
    for (role, _) in truth.logins.iter().filter(|(_, came_in)| **came_in) {
        add(*role, "logged in".to_owned());
    }
    for (role, code) in &truth.drops {
        if code == DEPENDENT_OBJECTS && !truth.grantors.contains(role) {
            add(*role, "cannot be dropped".to_owned());
        }
    }
    dirt
}

fn verdicts(truth: &Truth, answer: &Answer, found: &mut Differences) {
    let dirt = dirt(truth);
    for role in truth.roles.keys() {
        match (answer.verdicts.get(role), dirt.get(role)) {
            (Some(Verdict::Revoked), Some(why)) => {
                found.add(*role, format!("FALSE REVOKED: {why}"));
            }
            (Some(Verdict::Residual), None) => {
                found.add(*role, "residual, and every oracle says that the role is clean");
            }
            (Some(Verdict::Inconclusive), _) => found.add(*role, "inconclusive, with all open"),
            (None, _) => found.add(*role, "no verdict"),
            (Some(Verdict::Revoked), None) | (Some(Verdict::Residual), Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests;
