//! The SQL that removes what was found. Printed for a person to run with psql; never run by the agent.
//!
//! Order matters: roll back prepared transactions before anything that needs their locks; then block the
//! login and end the sessions, so that nothing comes back while the rest is taken away; give others their
//! grants anew before a CASCADE would take them; change owners last, since that is what may need a decision.

pub mod bootstrap;
mod grants;
pub mod quote;

use super::residual::{Residual, ResidualKind};
use grants::{memberships, object_words, privileges};
use quote::{comment, connect, ident, literal};
use std::collections::{BTreeMap, BTreeSet};

/// What the plan has to know beside the residual.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// `server_version_num`.
    pub version_num: i32,
    /// Owner of each database: the default new owner of what lies in it.
    pub database_owner: BTreeMap<String, String>,
    /// Roles that may do everything. None of them is ever chosen as a new owner: whoever owns a function, a
    /// view or a trigger lends it their rights.
    pub superusers: BTreeSet<String>,
    /// New owner, when the operator named one.
    pub reassign_to: Option<String>,
}

/// A script for psql.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Per database, before all else: what holds locks.
    pub first: BTreeMap<String, Vec<String>>,
    /// Steps that apply to the whole cluster, to be run in any database.
    pub cluster: Vec<String>,
    /// Steps per database.
    pub databases: BTreeMap<String, Vec<String>>,
    /// Per database, at the end: new owners.
    pub last: BTreeMap<String, Vec<String>>,
    /// What the script cannot remove, and who can.
    pub by_hand: Vec<String>,
}

impl Plan {
    /// Nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
            && self.cluster.is_empty()
            && self.databases.is_empty()
            && self.last.is_empty()
            && self.by_hand.is_empty()
    }

    /// The script. Stops at the first error; every statement commits by itself, because ending a session
    /// and blocking a login must hold even if a later step fails.
    #[must_use]
    pub fn render(&self, title: &str) -> String {
        if self.is_empty() {
            return format!("-- {}: nothing was found to remove\n", comment(title));
        }
        let mut lines = vec![
            format!("-- {}", comment(title)),
            "-- Read it, then run it with psql as a superuser (or as a role that may do all of this)."
                .to_owned(),
            "\\set ON_ERROR_STOP on".to_owned(),
        ];
        add(&mut lines, &self.first);
        if !self.cluster.is_empty() {
            lines.push(LOCK_TIMEOUT.to_owned());
            lines.extend(self.cluster.iter().cloned());
        }
        add(&mut lines, &self.databases);
        if !self.last.is_empty() {
            lines.push(String::new());
            lines.push(
                "-- New owners. Functions, views and triggers of the leaver run with their owner's rights: \
                 look at them before you go on."
                    .to_owned(),
            );
        }
        add(&mut lines, &self.last);
        if !self.by_hand.is_empty() {
            lines.push(String::new());
            lines.extend(
                self.by_hand
                    .iter()
                    .map(|note| format!("-- NOT REMOVED BY THIS SCRIPT: {}", comment(note))),
            );
        }
        lines.join("\n") + "\n"
    }
}

/// A plan that waits for a lock for ever removes nothing.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '30s';";

fn add(lines: &mut Vec<String>, databases: &BTreeMap<String, Vec<String>>) {
    for (database, steps) in databases {
        lines.push(String::new());
        lines.push(connect(database));
        lines.push(LOCK_TIMEOUT.to_owned());
        lines.extend(steps.iter().cloned());
    }
}

/// Plans the removal of `residual`.
#[must_use]
pub fn plan(residual: &[Residual], setting: &Setting) -> Plan {
    let (residual, notes) = bootstrap::apart(residual, setting);
    let residual = residual.as_slice();
    let mut plan = Plan { by_hand: notes, ..Plan::default() };
    block_login(residual, &mut plan);
    end_sessions(residual, setting, &mut plan);
    roll_back(residual, &mut plan);
    role_settings(residual, &mut plan);
    memberships(residual, setting, &mut plan);
    privileges(residual, &mut plan);
    for found in residual {
        match found.kind {
            ResidualKind::Policy => policy(found, &mut plan),
            ResidualKind::DefaultPrivilege => default_privilege(found, &mut plan),
            ResidualKind::UserMapping => user_mapping(found, &mut plan),
            ResidualKind::DanglingAcl
            | ResidualKind::Job
            | ResidualKind::HbaRule
            | ResidualKind::IdentMap
            | ResidualKind::Credential
            | ResidualKind::Probe => plan.by_hand.push(found.sentence.clone()),
            ResidualKind::Login
            | ResidualKind::Attribute
            | ResidualKind::Membership
            | ResidualKind::AdminOption
            | ResidualKind::Ownership
            | ResidualKind::Subscription
            | ResidualKind::Privilege
            | ResidualKind::Session
            | ResidualKind::VanishedSession
            | ResidualKind::PreparedTransaction
            | ResidualKind::Replication
            | ResidualKind::RoleSetting => {}
        }
    }
    ownership(residual, setting, &mut plan);
    plan
}

fn of<'a>(
    residual: &'a [Residual],
    kinds: &'a [ResidualKind],
) -> impl Iterator<Item = &'a Residual> {
    residual.iter().filter(|found| kinds.contains(&found.kind))
}

fn block_login(residual: &[Residual], plan: &mut Plan) {
    let mut options: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for found in of(residual, &[ResidualKind::Login, ResidualKind::Attribute]) {
        let Some(role) = found.account.role.as_deref() else { continue };
        // Every attribute is taken away by the same word with NO before it.
        let option = format!("NO{}", found.privilege.as_deref().unwrap_or("LOGIN"));
        options.entry(role).or_default().push(option);
    }
    for (role, options) in options {
        plan.cluster.push(format!("ALTER ROLE {} {};", ident(role), options.join(" ")));
    }
}

fn end_sessions(residual: &[Residual], setting: &Setting, plan: &mut Plan) {
    const KINDS: &[ResidualKind] =
        &[ResidualKind::Session, ResidualKind::VanishedSession, ResidualKind::Replication];
    let mut accounts: Vec<_> = of(residual, KINDS).map(|found| &found.account).collect();
    accounts.sort();
    accounts.dedup();
    // Waiting for the end needs 14; before, the call returns at once and the backend follows.
    let wait = if setting.version_num >= 140_000 { ", 5000" } else { "" };
    for account in accounts {
        plan.cluster.push(format!(
            "SELECT pg_catalog.pg_terminate_backend(pid{wait}) FROM pg_catalog.pg_stat_activity \
             WHERE usesysid = {} AND pid <> pg_catalog.pg_backend_pid(); -- {}",
            account.oid,
            comment(&account.to_string()),
        ));
    }
}

fn roll_back(residual: &[Residual], plan: &mut Plan) {
    for found in of(residual, &[ResidualKind::PreparedTransaction]) {
        if let (Some(database), Some(gid)) = (&found.database, &found.object) {
            let step = format!("ROLLBACK PREPARED {};", literal(gid));
            let steps = plan.first.entry(database.clone()).or_default();
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
    }
}

fn role_settings(residual: &[Residual], plan: &mut Plan) {
    let mut steps: Vec<String> = of(residual, &[ResidualKind::RoleSetting])
        .filter_map(|found| {
            let role = ident(found.account.role.as_deref()?);
            Some(match &found.database {
                Some(database) => {
                    format!("ALTER ROLE {role} IN DATABASE {} RESET ALL;", ident(database))
                }
                None => format!("ALTER ROLE {role} RESET ALL;"),
            })
        })
        .collect();
    steps.sort();
    steps.dedup();
    plan.cluster.extend(steps);
}

/// The dependents are the other roles the policy names; a policy that names nobody else serves nobody else.
fn policy(found: &Residual, plan: &mut Plan) {
    let (Some(database), Some(table), Some(name)) =
        (&found.database, &found.object, &found.sub_object)
    else {
        plan.by_hand.push(found.sentence.clone());
        return;
    };
    let others: Vec<String> = found
        .dependents
        .iter()
        .map(|other| other.grantee.as_deref().map_or_else(|| "PUBLIC".to_owned(), ident))
        .collect();
    let step = if others.is_empty() {
        format!("DROP POLICY IF EXISTS {} ON {table}; -- it names nobody else", ident(name))
    } else {
        format!("ALTER POLICY {} ON {table} TO {};", ident(name), others.join(", "))
    };
    plan.databases.entry(database.clone()).or_default().push(step);
}

/// `owner` is whose future objects; `sub_object` the schema, if it is limited to one.
fn default_privilege(found: &Residual, plan: &mut Plan) {
    let (Some(database), Some(owner), Some(kind), Some(role)) =
        (&found.database, &found.owner, &found.object_type, &found.account.role)
    else {
        plan.by_hand.push(found.sentence.clone());
        return;
    };
    let objects = kind.to_uppercase();
    let schema = found
        .sub_object
        .as_ref()
        .map_or(String::new(), |name| format!(" IN SCHEMA {}", ident(name)));
    let alter = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {}{schema}", ident(owner));
    let steps = plan.databases.entry(database.clone()).or_default();
    if let Some(privilege) = &found.privilege {
        steps.push(format!("{alter} REVOKE {privilege} ON {objects} FROM {};", ident(role)));
        return;
    }
    // The role's own entry disappears once it equals what the server would do without it.
    for other in &found.dependents {
        let grantee = other.grantee.as_deref().map_or_else(|| "PUBLIC".to_owned(), ident);
        steps.push(format!("{alter} REVOKE ALL ON {objects} FROM {grantee};"));
    }
    if found.sub_object.is_none() {
        steps.push(format!("{alter} GRANT ALL ON {objects} TO {};", ident(role)));
        if matches!(kind.as_str(), "functions" | "types") {
            steps.push(format!("{alter} GRANT ALL ON {objects} TO PUBLIC;"));
        }
    }
}

fn user_mapping(found: &Residual, plan: &mut Plan) {
    match (&found.database, &found.object, &found.account.role) {
        (Some(database), Some(server), Some(role)) => {
            let step = format!("DROP USER MAPPING FOR {} SERVER {};", ident(role), ident(server));
            plan.databases.entry(database.clone()).or_default().push(step);
        }
        _ => plan.by_hand.push(found.sentence.clone()),
    }
}

/// Catalogs of objects whose owner has to be a superuser: giving them to one is a decision.
const SUPERUSERS_ONLY: &[&str] =
    &["pg_subscription", "pg_event_trigger", "pg_foreign_data_wrapper"];

/// Whether REASSIGN OWNED would fail in a database, because it takes objects along that only a superuser
/// may own.
fn stuck(residual: &[Residual], role: &str, database: &str) -> bool {
    of(residual, &[ResidualKind::Ownership, ResidualKind::Subscription]).any(|other| {
        SUPERUSERS_ONLY.contains(&other.class.as_deref().unwrap_or_default())
            && other.account.role.as_deref() == Some(role)
            && other.database.as_deref().is_none_or(|place| place == database)
    })
}

/// One REASSIGN OWNED per role and database. Nothing is dropped.
fn ownership(residual: &[Residual], setting: &Setting, plan: &mut Plan) {
    let mut done = BTreeSet::new();
    for found in of(residual, &[ResidualKind::Ownership, ResidualKind::Subscription]) {
        let class = found.class.as_deref().unwrap_or_default();
        let superusers_only = SUPERUSERS_ONLY.contains(&class);
        let heir = heir(found, setting);
        let (Some(role), Some(heir), false) = (&found.account.role, heir, superusers_only) else {
            let way = if superusers_only {
                "drop it or alter its owner by hand"
            } else {
                "name a new owner with --reassign-to, who lends it their rights"
            };
            plan.by_hand.push(format!("{}: {way}", found.sentence));
            continue;
        };
        match (&found.database, &found.object) {
            (Some(database), _) => {
                if !done.insert((database.clone(), role.clone())) {
                    continue;
                }
                let step = format!("REASSIGN OWNED BY {} TO {};", ident(role), ident(heir));
                if stuck(residual, role, database) {
                    plan.by_hand.push(format!("after that, in database {database}: {step}"));
                } else {
                    plan.last.entry(database.clone()).or_default().push(step);
                }
            }
            (None, Some(object)) => plan.cluster.push(format!(
                "ALTER {} {object} OWNER TO {};",
                object_words(class, found.object_type.as_deref()),
                ident(heir)
            )),
            (None, None) => plan.by_hand.push(found.sentence.clone()),
        }
    }
}

/// Who gets an object: the one the operator named, else the owner of its database, if that is neither the
/// leaver nor a superuser.
fn heir<'a>(found: &Residual, setting: &'a Setting) -> Option<&'a String> {
    setting.reassign_to.as_ref().or_else(|| {
        let owner = setting.database_owner.get(found.database.as_ref()?)?;
        let leaver = found.account.role.as_ref() == Some(owner);
        (!leaver && !setting.superusers.contains(owner)).then_some(owner)
    })
}
