//! What removes what was found, as typed steps. Printed for a person to run with psql; never run by the agent.
//!
//! Order matters: roll back prepared transactions before anything that needs their locks; then block the
//! login and end the sessions, so that nothing comes back while the rest is taken away; give others their
//! grants anew before a CASCADE would take them; change owners last, since that is what may need a decision.

pub mod bootstrap;
mod grants;
pub mod locks;
mod memberships;
mod objects;
mod owners;
pub mod quote;
pub mod restore;
pub mod script;
pub mod simulate;
mod sql;
pub mod step;

use super::residual::{Residual, ResidualKind as K};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use step::Step;

/// What the plan has to know beside the residual.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// `server_version_num`.
    pub version_num: i32,
    /// Owner of each database: the default new owner of what lies in it.
    pub database_owner: BTreeMap<String, String>,
    /// Databases that take no connections.
    pub closed: BTreeSet<String>,
    /// Roles that may do everything. None of them is ever chosen as a new owner: whoever owns a function, a
    /// view or a trigger lends it their rights.
    pub superusers: BTreeSet<String>,
    /// Every membership of the cluster; empty where it is not known.
    pub memberships: Vec<Membership>,
    /// Locks of prepared transactions.
    pub locks: Vec<locks::Held>,
    /// Names of all who are to lose their access. None of them is given anything.
    pub leavers: BTreeSet<String>,
    /// New owner, when the operator named one.
    pub reassign_to: Option<String>,
    /// Somebody needs what is there as it is: nothing at all is dropped.
    pub preserve_data: bool,
}

/// A row of `pg_auth_members`, by names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::struct_excessive_bools, reason = "pg_auth_members has them")]
pub struct Membership {
    /// The role granted.
    pub role: String,
    /// Who has it.
    pub member: String,
    /// Who granted it.
    pub grantor: String,
    /// The grantor is the role that initdb made: whatever a superuser grants is in its name.
    pub by_bootstrap: bool,
    /// ADMIN option.
    pub admin: bool,
    /// INHERIT option; before PostgreSQL 16 the member's attribute.
    pub inherit: bool,
    /// SET option; before PostgreSQL 16 always.
    pub set: bool,
}

/// Where in the script a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Prepared transactions; each statement by itself, in its database.
    Prepared,
    /// Login and sessions; each statement by itself, since it must hold even if a later one fails.
    Login,
    /// What all databases share, as one transaction.
    Shared,
    /// One transaction per database.
    Database,
    /// New owners of what all databases share, as one transaction.
    SharedOwners,
}

/// A step and its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Placed {
    /// Part of the script.
    pub part: Part,
    /// Database to be connected to; `None`: any.
    pub database: Option<String>,
    /// What is done.
    #[serde(flatten)]
    pub step: Step,
}

/// What the plan cannot remove, and who can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Note {
    /// [`Residual::identity`] of what it is about.
    #[serde(skip)]
    pub about: Vec<String>,
    /// In words.
    pub text: String,
}

/// Steps in the order in which they are to be run, and what is left to people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Ordered by part and database.
    pub steps: Vec<Placed>,
    /// What the steps leave.
    pub by_hand: Vec<Note>,
    /// Steps that would wait for somebody else's prepared transaction.
    pub waits: Vec<(Placed, locks::Wait)>,
}

impl Plan {
    /// Nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.by_hand.is_empty()
    }

    /// What `placed` would wait for.
    pub fn waits_of<'a>(&'a self, placed: &'a Placed) -> impl Iterator<Item = &'a locks::Wait> {
        self.waits.iter().filter(move |(one, _)| one == placed).map(|(_, wait)| wait)
    }

    fn add(&mut self, part: Part, database: Option<&String>, step: Step) {
        self.steps.push(Placed { part, database: database.cloned(), step });
    }

    /// Each step once, where it was first added.
    fn once(&mut self) {
        let steps = std::mem::take(&mut self.steps);
        let mut known = BTreeSet::new();
        let new: Vec<bool> = steps.iter().map(|placed| known.insert(placed)).collect();
        self.steps =
            steps.into_iter().zip(new).filter_map(|(one, new)| new.then_some(one)).collect();
    }

    /// In the transaction of the database, or in that of what all share.
    fn add_at(&mut self, database: Option<&String>, step: Step) {
        let part = if database.is_some() { Part::Database } else { Part::Shared };
        self.add(part, database, step);
    }

    fn leave(&mut self, found: &Residual, way: &str) {
        self.by_hand.push(Note {
            about: vec![found.identity()],
            text: format!("{}: {way}", found.sentence),
        });
    }
}

/// Plans the removal of `residual`.
#[must_use]
pub fn plan(residual: &[Residual], setting: &Setting) -> Plan {
    let mut setting = setting.clone();
    setting.leavers.extend(residual.iter().filter_map(|found| found.account.role.clone()));
    let (residual, notes) = bootstrap::apart(residual, &setting);
    let mut plan = Plan { by_hand: notes, ..Plan::default() };
    let residual = reachable(residual, &setting, &mut plan);
    block_login(&residual, &mut plan);
    end_sessions(&residual, &setting, &mut plan);
    roll_back(&residual, &setting, &mut plan);
    role_settings(&residual, &mut plan);
    memberships::revoke(&residual, &setting, &mut plan);
    grants::revoke(&residual, &setting, &mut plan);
    objects::remove(&residual, &setting, &mut plan);
    owners::replace(&residual, &setting, &mut plan);
    plan.once();
    // Stable: within a part and database the order is that in which the steps were added.
    plan.steps.sort_by(|a, b| (a.part, &a.database).cmp(&(b.part, &b.database)));
    locks::foresee(&mut plan, &residual, &setting);
    plan
}

/// Leaves out what lies where nobody can go, with a note per account and database.
fn reachable(residual: Vec<Residual>, setting: &Setting, plan: &mut Plan) -> Vec<Residual> {
    let shared = |found: &Residual| {
        matches!(found.kind, K::Session | K::VanishedSession | K::Replication | K::RoleSetting)
    };
    let closed = |found: &Residual| {
        found.database.as_ref().is_some_and(|name| setting.closed.contains(name)) && !shared(found)
    };
    let mut stuck: BTreeMap<(String, String), Vec<Residual>> = BTreeMap::new();
    let mut open = Vec::new();
    for found in residual {
        match found.database.clone() {
            Some(name) if closed(&found) => {
                stuck.entry((name, found.account.to_string())).or_default().push(found);
            }
            _ => open.push(found),
        }
    }
    for ((database, account), list) in stuck {
        let allow = format!("ALTER DATABASE {} ALLOW_CONNECTIONS true;", quote::ident(&database));
        plan.by_hand.push(Note {
            about: list.iter().map(Residual::identity).collect(),
            text: format!(
                "{} of {account} in database {database}, which takes no connections: {allow} plan again, \
                 and close it after that",
                counted(&list)
            ),
        });
    }
    open
}

/// How many of which kind, in words.
fn counted(list: &[Residual]) -> String {
    let mut kinds: BTreeMap<K, usize> = BTreeMap::new();
    for found in list {
        *kinds.entry(found.kind).or_default() += 1;
    }
    let words: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    words.join(", ")
}

fn of<'a>(residual: &'a [Residual], kinds: &'a [K]) -> impl Iterator<Item = &'a Residual> {
    residual.iter().filter(|found| kinds.contains(&found.kind))
}

fn block_login(residual: &[Residual], plan: &mut Plan) {
    let mut options: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for found in of(residual, &[K::Login, K::Attribute]).filter(|found| found.basis().is_none()) {
        if let Some(instance) = &found.instance {
            let way = format!(
                "the primary does not let it in any more: let {instance} catch up (SELECT \
                 pg_catalog.pg_wal_replay_resume(); on it, if it is paused), or stop it"
            );
            plan.leave(found, &way);
            continue;
        }
        let Some(role) = found.account.role.as_deref() else {
            plan.leave(found, "the role has no name any more");
            continue;
        };
        // Every attribute is taken away by the same word with NO before it.
        let option = format!("NO{}", found.privilege.as_deref().unwrap_or("LOGIN"));
        options.entry(role).or_default().insert(option);
    }
    for (role, options) in options {
        let options = options.into_iter().collect();
        plan.add(Part::Login, None, Step::AlterRole { role: role.to_owned(), options });
    }
}

/// Also where no session was seen, but a login: one may have begun since.
fn end_sessions(residual: &[Residual], setting: &Setting, plan: &mut Plan) {
    const KINDS: &[K] = &[K::Session, K::VanishedSession, K::Replication, K::Login];
    // Sessions of another instance are ended there.
    let accounts: BTreeSet<_> = of(residual, KINDS)
        .filter(|found| found.instance.is_none())
        .map(|found| &found.account)
        .collect();
    for found in of(residual, KINDS).filter(|found| found.kind != K::Login) {
        if let Some(instance) = &found.instance {
            let way = format!(
                "on {instance}: SELECT pg_terminate_backend(pid) where usesysid = {}",
                found.account.oid
            );
            plan.leave(found, &way);
        }
    }
    for account in accounts {
        let step = Step::Terminate {
            oid: account.oid,
            account: account.to_string(),
            // Before 14 the call returns at once and the backend follows.
            wait: setting.version_num >= 140_000,
        };
        plan.add(Part::Login, None, step);
    }
}

fn roll_back(residual: &[Residual], setting: &Setting, plan: &mut Plan) {
    let own: BTreeSet<&String> = of(residual, &[K::PreparedTransaction])
        .filter(|found| found.owner.is_none())
        .filter_map(|found| found.object.as_ref())
        .collect();
    for found in of(residual, &[K::PreparedTransaction]) {
        match (&found.database, &found.object) {
            _ if setting.preserve_data => plan.leave(
                found,
                "what it did is seen by nobody and would be lost with ROLLBACK PREPARED: whoever keeps the data \
                 decides; its locks may hold up this script",
            ),
            (Some(database), Some(gid)) => {
                let others = |by: &String| !setting.leavers.contains(by) && !own.contains(gid);
                let prepared_by = found.owner.clone().filter(others);
                let step = Step::RollBack { gid: gid.clone(), prepared_by };
                plan.add(Part::Prepared, Some(database), step);
            }
            _ => plan.leave(found, "ROLLBACK PREPARED in its database"),
        }
    }
}

fn role_settings(residual: &[Residual], plan: &mut Plan) {
    for found in of(residual, &[K::RoleSetting]) {
        let Some(role) = found.account.role.clone() else {
            plan.leave(found, "the role has no name any more");
            continue;
        };
        let in_database = found.database.clone();
        plan.add(Part::Shared, None, Step::ResetSettings { role, in_database });
    }
}

#[cfg(test)]
mod tests;
