//! Prepared transactions that nobody's removal is about, and the statements that would wait for their locks.
//!
//! psql gives up after the script's lock timeout, half-way: whoever runs the script has to know before.

use super::step::{Object, Step};
use super::{Placed, Plan, Setting};
use crate::domain::residual::{Residual, ResidualKind as K};
use serde::Serialize;
use std::collections::BTreeSet;

/// A lock of a prepared transaction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The transaction's global identifier.
    pub gid: String,
    /// Who prepared it, if that role still exists.
    pub owner: Option<String>,
    /// Database it belongs to.
    pub database: String,
    /// Table or catalog, quoted as SQL needs it.
    pub relation: String,
    /// As `pg_locks.mode` has it.
    pub mode: String,
}

/// What a statement would wait for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Wait {
    /// The transaction's global identifier.
    pub gid: String,
    /// Database it belongs to.
    pub database: String,
    /// It waits in any case, not only if that transaction changed the same row of a catalog.
    pub certain: bool,
    /// In words.
    pub text: String,
}

/// Finds for each step what it would wait for.
pub(super) fn foresee(plan: &mut Plan, residual: &[Residual], setting: &Setting) {
    plan.waits = waits(&plan.steps, residual, setting);
}

/// What each of `steps` would wait for.
pub(super) fn waits(
    steps: &[Placed],
    residual: &[Residual],
    setting: &Setting,
) -> Vec<(Placed, Wait)> {
    let ends = |gid: &String| {
        steps.iter().any(
            |placed| matches!(&placed.step, Step::RollBack { gid: rolled, .. } if rolled == gid),
        )
    };
    let foreign: Vec<&Held> = setting.locks.iter().filter(|held| !ends(&held.gid)).collect();
    let mut waits = Vec::new();
    for placed in steps {
        let mut told = BTreeSet::new();
        // What is certain first: of one transaction the first lock that is in the way is enough.
        for certain in [true, false] {
            for held in &foreign {
                if in_the_way(held, placed, residual) == Some(certain) && told.insert(&held.gid) {
                    waits.push((placed.clone(), wait(held, certain)));
                }
            }
        }
    }
    waits
}

fn wait(held: &Held, certain: bool) -> Wait {
    let Held { gid, database, relation, mode, .. } = held;
    let by = held.owner.as_deref().unwrap_or("a role that is gone");
    let how = if certain { "waits" } else { "may wait" };
    let text = format!(
        "{how} for prepared transaction {gid} of {by} in database {database}, which holds {mode} on {relation}: have \
         it committed or rolled back first, or this gives up after the lock timeout"
    );
    Wait { gid: gid.clone(), database: database.clone(), certain, text }
}

/// Whether a lock is in the way of a step: always (`true`), or if both change the same row (`false`).
fn in_the_way(held: &Held, placed: &Placed, residual: &[Residual]) -> Option<bool> {
    let here = placed.database.as_ref().is_none_or(|name| *name == held.database);
    let changes = |catalog: &str| {
        held.mode == "RowExclusiveLock" && held.relation == format!("pg_catalog.{catalog}")
    };
    // Needs the table for itself alone.
    let alone = |table: &str| (here && same(table, &held.relation)).then_some(true);
    let same_row = |catalog: &str| (here && changes(catalog)).then_some(false);
    match &placed.step {
        Step::RollBack { .. } | Step::Terminate { .. } | Step::Unschedule { .. } => None,
        Step::AlterRole { .. } => same_row("pg_authid"),
        Step::ResetSettings { .. } => same_row("pg_db_role_setting"),
        Step::GrantMembership { .. } | Step::RevokeMembership { .. } => same_row("pg_auth_members"),
        Step::GrantPrivilege { on, .. } | Step::RevokePrivilege { on, .. } => {
            let locked = here && is(on, held) && held.mode == "AccessExclusiveLock";
            if locked { Some(true) } else { same_row(&on.class) }
        }
        Step::AlterPolicy { table, .. } => alone(table),
        Step::RevokeDefault { .. } | Step::ResetDefaults { .. } => same_row("pg_default_acl"),
        Step::DropUserMapping { .. } => same_row("pg_user_mapping"),
        Step::AlterOwner { on, .. } => {
            if here && is(on, held) {
                Some(true)
            } else {
                same_row(&on.class)
            }
        }
        Step::ReassignOwned { from, .. } => {
            let owned = |found: &&Residual| {
                found.kind == K::Ownership
                    && found.account.role.as_ref() == Some(from)
                    && found.database.as_ref() == Some(&held.database)
                    && found.object.as_ref().is_some_and(|name| same(name, &held.relation))
            };
            let theirs = here && residual.iter().any(|found| owned(&found));
            if theirs { Some(true) } else { same_row("pg_class") }
        }
    }
}

fn is(on: &Object, held: &Held) -> bool {
    on.class == "pg_class" && same(&on.name, &held.relation)
}

/// Whether two names mean one table: some quote only where SQL needs it, some always.
fn same(one: &str, other: &str) -> bool {
    one.replace('"', "") == other.replace('"', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RoleOid;
    use crate::domain::plan::plan;
    use crate::domain::plan::script::render;
    use crate::domain::plan::simulate::simulate;
    use crate::domain::residual::{AccountRef, Strength};

    fn held(relation: &str, mode: &str) -> Held {
        Held {
            gid: "stock".into(),
            owner: Some("app".into()),
            database: "orders".into(),
            relation: relation.into(),
            mode: mode.into(),
        }
    }

    fn owned() -> Residual {
        let x = AccountRef { target: "main".into(), oid: RoleOid(16_401), role: Some("x".into()) };
        let mut found = Residual::new(K::Ownership, Strength::Latent, x);
        found.database = Some("orders".into());
        found.class = Some("pg_class".into());
        found.object_type = Some("table".into());
        found.object = Some("sales.orders".into());
        found.described()
    }

    fn setting(locks: Vec<Held>) -> Setting {
        Setting {
            version_num: 180_000,
            database_owner: [("orders".to_owned(), "app".to_owned())].into(),
            locks,
            ..Setting::default()
        }
    }

    #[test]
    fn a_statement_that_would_wait_is_named_before_it_and_stops_the_simulation() {
        let setting = setting(vec![held("sales.orders", "RowExclusiveLock")]);
        let plan = plan(&[owned()], &setting);
        let script = render(&plan, "t", None);
        let (before, _) = script.split_once("REASSIGN OWNED").unwrap();
        assert!(before.contains("-- This waits for prepared transaction stock of app"), "{script}");
        let tried = simulate(&plan.steps, &[owned()], &setting);
        assert!(tried.stops.unwrap().reason.contains("prepared transaction stock"));
        assert_eq!(tried.would_remain.len(), 1, "the transaction of that database is not done");
    }

    #[test]
    fn what_only_may_wait_is_said_and_stops_nothing() {
        let setting = setting(vec![held("pg_catalog.pg_class", "RowExclusiveLock")]);
        let plan = plan(&[owned()], &setting);
        assert!(
            render(&plan, "t", None).contains("-- This may wait for prepared transaction stock")
        );
        let tried = simulate(&plan.steps, &[owned()], &setting);
        assert!(tried.stops.is_none() && tried.would_remain.is_empty(), "{tried:?}");
        assert_eq!(tried.may_wait.len(), 1);
    }

    #[test]
    fn another_database_and_another_table_hold_nothing_up() {
        let mut elsewhere = held("sales.orders", "AccessExclusiveLock");
        elsewhere.database = "billing".into();
        let setting = setting(vec![elsewhere, held("sales.items", "AccessExclusiveLock")]);
        assert!(plan(&[owned()], &setting).waits.is_empty());
    }
}
