//! One residual with everything that people ask about it. Pure.

use crate::domain::ids::RoleOid;
use crate::domain::observation::Coverage;
use crate::domain::plan::bootstrap::BOOTSTRAP;
use crate::domain::plan::{Setting, plan};
use crate::domain::residual::{Basis, Residual, ResidualKind as K, Strength as S};
use serde::Serialize;
use std::slice;

/// A residual and the rows behind it.
#[derive(Debug, Serialize)]
pub(super) struct Finding<'a> {
    #[serde(flatten)]
    pub(super) residual: &'a Residual,
    /// From the account to what it reaches, nearest first.
    pub(super) path: Vec<String>,
    /// What the strength means.
    pub(super) meaning: &'static str,
    /// Where the server keeps it.
    pub(super) catalogs: Vec<String>,
    /// The rows themselves as they were seen.
    #[serde(rename = "seen")]
    pub(super) rows: Vec<String>,
    /// What read it.
    pub(super) evidence: Vec<Read<'a>>,
    /// SQL that removes it.
    pub(super) remove: Vec<Step>,
    /// What SQL cannot do about it.
    pub(super) by_hand: Vec<String>,
}

/// A statement that was run.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Read<'a> {
    pub(super) statement: &'a str,
    pub(super) sha256: &'a str,
}

/// One statement of a plan, and the database to run it in.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Step {
    pub(super) database: Option<String>,
    pub(super) sql: String,
}

impl<'a> Finding<'a> {
    pub(super) fn new(residual: &'a Residual, coverage: &'a [Coverage], setting: &Setting) -> Self {
        let (remove, by_hand) = removal(residual, setting);
        Self {
            residual,
            path: path(residual),
            meaning: meaning(residual.strength),
            catalogs: catalogs(residual),
            rows: rows(residual),
            evidence: evidence(residual, coverage),
            remove,
            by_hand,
        }
    }
}

fn path(found: &Residual) -> Vec<String> {
    let object = found.object_in_words();
    if found.kind == K::Probe {
        // It is the subject's, whatever roles there are.
        return vec!["the subject".to_owned(), format!("probe {object}")];
    }
    if found.account.oid == RoleOid(0) {
        return vec!["the subject".to_owned(), object];
    }
    let end = match (&found.privilege, found.kind) {
        (_, K::Login) => "a login".to_owned(),
        (_, K::Session | K::VanishedSession | K::Replication) => format!("session {object}"),
        (Some(role), K::Membership) => role.clone(),
        (Some(role), K::AdminOption) => format!("admin option for {role}"),
        (Some(setting), K::RoleSetting) => format!("setting {setting}"),
        (Some(attribute), K::Attribute) => attribute.clone(),
        (Some(privilege), K::DefaultPrivilege) => format!("{privilege} on new {object}"),
        (Some(privilege), _) => format!("{privilege} on {object}"),
        (None, _) => object,
    };
    let end = match (&found.database, found.kind) {
        (Some(database), K::Membership) => format!("{end} in {database}"),
        _ => end,
    };
    let mut path = vec![found.account.to_string()];
    path.extend(found.via.iter().cloned());
    path.push(end);
    path
}

/// The rows that were carried, else those that the fields are.
fn rows(found: &Residual) -> Vec<String> {
    if !found.rows.is_empty() {
        return found.rows.clone();
    }
    let oid = found.account.oid;
    let text = |field: &Option<String>| field.clone().unwrap_or_else(|| "null".to_owned());
    let row = match found.kind {
        K::Session | K::VanishedSession | K::Replication => {
            let object = text(&found.object);
            let pid = object.split_whitespace().nth(1).unwrap_or("null");
            let since = found.since.map_or_else(|| "null".to_owned(), |since| since.to_string());
            let database = text(&found.database);
            format!(
                "pg_stat_activity: pid={pid} usesysid={oid} datname={database} backend_start={since}"
            )
        }
        K::PreparedTransaction => {
            let since = found.since.map_or_else(|| "null".to_owned(), |since| since.to_string());
            let (gid, database) = (text(&found.object), text(&found.database));
            let owner = found.owner.clone().unwrap_or_else(|| found.account.to_string());
            format!(
                "pg_prepared_xacts: gid={gid} owner={owner} database={database} prepared={since}"
            )
        }
        K::RoleSetting => {
            let (setting, database) = (text(&found.privilege), text(&found.database));
            format!(
                "pg_db_role_setting: setrole={oid} database={database} setconfig has {setting}=…"
            )
        }
        K::Login
        | K::Attribute
        | K::Membership
        | K::AdminOption
        | K::Ownership
        | K::Privilege
        | K::DefaultPrivilege
        | K::Policy
        | K::UserMapping
        | K::Subscription
        | K::Job
        | K::HbaRule
        | K::IdentMap
        | K::DanglingAcl
        | K::Credential
        | K::Probe => return Vec::new(),
    };
    vec![row]
}

/// What a strength means, in one clause.
pub(super) fn meaning(strength: S) -> &'static str {
    match strength {
        S::ActsNow => "somebody may be using it at this moment",
        S::CanLogIn => "a new session can be opened",
        S::CanRegain => "whoever has it can give itself more",
        S::Latent => "of use only after a login, or not at once",
        S::ViaPublic => "anybody who can log in has it",
    }
}

fn catalogs(found: &Residual) -> Vec<String> {
    let class = found.class.as_deref();
    let names = |rows: &[String]| {
        let mut once: Vec<String> = Vec::new();
        for (name, _) in rows.iter().filter_map(|row| row.split_once(':')) {
            if !once.iter().any(|known| known == name) {
                once.push(name.to_owned());
            }
        }
        once
    };
    let one = |name: &str| vec![name.to_owned()];
    match found.kind {
        K::Attribute | K::Membership | K::AdminOption if !found.rows.is_empty() => {
            names(&found.rows)
        }
        K::Login | K::Attribute => one("pg_roles"),
        K::Membership | K::AdminOption => one("pg_auth_members"),
        K::Session | K::VanishedSession | K::Replication => one("pg_stat_activity"),
        K::PreparedTransaction => vec!["pg_prepared_xact()".to_owned(), "pg_locks".to_owned()],
        K::RoleSetting => one("pg_db_role_setting"),
        K::Job => one("cron.job"),
        K::HbaRule => one("pg_hba_file_rules"),
        K::IdentMap => one("pg_ident_file_mappings"),
        K::Credential | K::Probe => Vec::new(),
        K::Ownership
        | K::Privilege
        | K::DefaultPrivilege
        | K::Policy
        | K::UserMapping
        | K::Subscription
        | K::DanglingAcl => {
            // By a direct edit of the catalog the dependency is what is missing.
            let dependency = (!found.tampered).then_some("pg_shdepend");
            class.into_iter().chain(dependency).map(str::to_owned).collect()
        }
    }
}

/// Statements that read a kind of residual; of `shared_acl_13` and its like the part before the version.
fn statements(kind: K) -> &'static [&'static str] {
    match kind {
        K::Login | K::Attribute => &["roles"],
        K::Membership | K::AdminOption => &["memberships"],
        K::Session | K::VanishedSession | K::Replication => &["sessions"],
        K::PreparedTransaction => &["prepared"],
        K::RoleSetting => &["role_settings"],
        K::Ownership | K::UserMapping | K::Subscription => {
            &["owned", "shared_owned", "local_dependencies"]
        }
        K::Privilege | K::DanglingAcl => &["acl_scan", "shared_acl", "local_dependencies"],
        K::DefaultPrivilege => &["acl_scan", "shared_acl", "default_lists", "local_dependencies"],
        K::Policy => &["policies", "local_dependencies"],
        K::Job | K::HbaRule | K::IdentMap | K::Credential | K::Probe => &[],
    }
}

fn evidence<'a>(found: &Residual, coverage: &'a [Coverage]) -> Vec<Read<'a>> {
    let mut wanted = statements(found.kind).to_vec();
    if !found.via.is_empty() {
        wanted.push("memberships");
    }
    if found.kind == K::Membership && found.database.is_some() {
        wanted.push("databases");
    }
    let reads = |covered: &Coverage| {
        let name = covered.statement.trim_end_matches(|c: char| c.is_ascii_digit());
        let known = wanted.contains(&name.trim_end_matches('_'));
        if found.kind == K::Probe {
            return covered.statement.strip_prefix("probe ") == found.object.as_deref();
        }
        known || (wanted.is_empty() && covered.surface == found.kind)
    };
    let mut evidence: Vec<Read<'_>> = Vec::new();
    // Shared catalogs are read over a connection to whichever database.
    let local = coverage.iter().any(|covered| Some(&covered.database) == found.database.as_ref());
    for covered in coverage.iter().filter(|covered| covered.target == found.account.target) {
        let shared = matches!(
            found.kind,
            K::Login
                | K::Attribute
                | K::Membership
                | K::AdminOption
                | K::RoleSetting
                | K::Session
                | K::VanishedSession
                | K::Replication
                | K::PreparedTransaction
        );
        let here = shared || !local || Some(&covered.database) == found.database.as_ref();
        let read = Read { statement: &covered.statement, sha256: &covered.sha256 };
        if reads(covered) && here && !evidence.contains(&read) {
            evidence.push(read);
        }
    }
    evidence
}

/// The fragment of the plan that is about this residual alone.
fn removal(found: &Residual, setting: &Setting) -> (Vec<Step>, Vec<String>) {
    if let Some(what) = goes_with(found) {
        return (Vec::new(), vec![format!("goes with {what}")]);
    }
    let plan = plan(slice::from_ref(found), setting);
    let steps: Vec<Step> = plan
        .steps
        .iter()
        .flat_map(|placed| {
            let database = &placed.database;
            let sql = placed.step.sql_for_people().into_iter();
            sql.map(|sql| Step { database: database.clone(), sql })
        })
        .collect();
    let mut by_hand: Vec<String> = plan.by_hand.into_iter().map(|note| note.text).collect();
    if found.account.oid == BOOTSTRAP && steps.is_empty() {
        by_hand = vec!["the server needs it: this is the bootstrap superuser".to_owned()];
    }
    (steps, by_hand)
}

/// What takes this along, where nothing has to be done about it by itself.
fn goes_with(found: &Residual) -> Option<String> {
    Some(match found.basis()? {
        Basis::Membership(role) => format!("the membership in {role}"),
        Basis::CreateRole => "CREATEROLE".to_owned(),
        Basis::Ownership(database) => format!("the ownership of database {database}"),
    })
}

#[cfg(test)]
#[path = "finding_tests.rs"]
mod tests;
