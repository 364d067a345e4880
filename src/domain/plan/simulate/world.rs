//! What is there, as far as it was captured, and what a step does to it.

use super::rights::held;
use super::roles::complete;
use super::{BTreeMap, BTreeSet, K, Membership, Placed, Residual, RoleOid, Setting, Step};
use crate::domain::plan::bootstrap::BOOTSTRAP;
use crate::domain::plan::step::Object;

/// A privilege that somebody else holds because a leaver granted it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    pub(super) database: Option<String>,
    pub(super) class: Option<String>,
    pub(super) object: Option<String>,
    pub(super) column: Option<String>,
    pub(super) privilege: String,
    /// `None` is PUBLIC.
    pub(super) grantee: Option<String>,
    pub(super) grantor: String,
    pub(super) grantable: bool,
}

/// The captured graph.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) version_num: i32,
    pub(super) superusers: BTreeSet<String>,
    pub(super) leavers: BTreeSet<String>,
    bootstrap: Option<String>,
    /// What is still there, but for memberships and their consequences, which `edges` tell of.
    pub(super) items: Vec<Residual>,
    memberships: Vec<Residual>,
    pub(super) edges: Vec<Membership>,
    pub(super) held: BTreeSet<Held>,
    /// What others lose beside memberships and privileges.
    pub(super) notes: Vec<String>,
    /// Database, old and new owner; how many objects.
    owners: BTreeMap<(Option<String>, String, String), usize>,
}

impl World {
    pub(super) fn captured(residual: &[Residual], setting: &Setting) -> Self {
        let (memberships, items): (Vec<Residual>, Vec<Residual>) =
            residual.iter().cloned().partition(|found| {
                matches!(found.kind, K::Membership | K::AdminOption) || found.basis().is_some()
            });
        let mut leavers = setting.leavers.clone();
        leavers.extend(residual.iter().filter_map(|found| found.account.role.clone()));
        let of_bootstrap = |found: &&Residual| found.account.oid == BOOTSTRAP;
        let bootstrap =
            residual.iter().find(of_bootstrap).and_then(|found| found.account.role.clone());
        let mut world = Self {
            version_num: setting.version_num,
            superusers: setting.superusers.clone(),
            leavers,
            bootstrap,
            held: items.iter().flat_map(held).collect(),
            items,
            edges: setting.memberships.clone(),
            memberships,
            notes: Vec::new(),
            owners: BTreeMap::new(),
        };
        for found in world.memberships.iter().filter(|found| found.basis().is_none()) {
            complete(&mut world.edges, found, world.version_num);
        }
        world
    }

    /// Everything that is left, memberships as far as the edges still give them.
    pub(super) fn remaining(&self) -> Vec<Residual> {
        let still = self.memberships.iter().filter(|found| self.still_member(found));
        let mut all: Vec<Residual> = self.items.iter().chain(still).cloned().collect();
        all.sort();
        all
    }

    /// In words, per database.
    pub(super) fn new_owners(&self) -> Vec<String> {
        let words = |((database, from, to), count): (&(Option<String>, String, String), &usize)| {
            let place = database.as_ref().map_or_else(
                || "shared by all databases".to_owned(),
                |name| format!("in database {name}"),
            );
            let objects = if *count == 1 { "object" } else { "objects" };
            format!("{count} {objects} {place}: from {from} to {to}")
        };
        self.owners.iter().map(words).collect()
    }

    /// Takes away what `gone` says; gives how many there were.
    fn take(&mut self, gone: impl Fn(&Residual) -> bool) -> usize {
        let before = self.items.len();
        self.items.retain(|found| !gone(found));
        before - self.items.len()
    }

    /// What the server would do. `Err` has its answer.
    pub(super) fn apply(&mut self, placed: &Placed) -> Result<(), String> {
        let database = placed.database.as_ref();
        match &placed.step {
            Step::RollBack { gid, prepared_by } => {
                self.notes.extend(
                    prepared_by.as_ref().map(|by| format!("{by} loses prepared transaction {gid}")),
                );
                self.roll_back(database, gid)
            }
            Step::AlterRole { role, options } => self.alter_role(role, options),
            Step::Terminate { oid, .. } => {
                self.terminate(*oid);
                Ok(())
            }
            Step::ResetSettings { role, in_database } => {
                self.take(|found| {
                    found.kind == K::RoleSetting
                        && is_of(found, role)
                        && found.database == *in_database
                });
                Ok(())
            }
            Step::GrantMembership { group, member, options } => {
                self.grant_role(group, member, options);
                Ok(())
            }
            Step::RevokeMembership { group, member, grantor, cascade } => {
                self.revoke_role(group, member, grantor.as_deref(), *cascade)
            }
            Step::GrantPrivilege { on, rights, grantee, grantable } => {
                self.grant_rights(database, on, rights, grantee.as_ref(), *grantable);
                Ok(())
            }
            Step::RevokePrivilege { on, rights, grantee, acting, cascade, .. } => {
                self.revoke_rights(database, on, rights, grantee, acting.as_ref(), *cascade)
            }
            Step::AlterPolicy { table, policy, to, .. } => {
                self.alter_policy(database, table, policy, to);
                Ok(())
            }
            Step::RevokeDefault { owner, schema, objects, privileges, grantee } => {
                self.take(|found| {
                    found.kind == K::DefaultPrivilege
                        && is_of(found, grantee)
                        && same_list(found, database, owner, schema.as_ref(), objects)
                        && found.privilege.as_ref().is_some_and(|one| privileges.contains(one))
                });
                Ok(())
            }
            Step::ResetDefaults { role, schema, objects, grantees } => {
                self.reset_defaults(database, role, schema.as_ref(), objects, grantees);
                Ok(())
            }
            Step::DropUserMapping { role, server } => self.drop_mapping(database, role, server),
            Step::Unschedule { job, .. } => {
                self.unschedule(*job);
                Ok(())
            }
            Step::ReassignOwned { from, to } => self.reassign(database, from, to),
            Step::AlterOwner { on, from, to } => self.alter_owner(database, on, from, to),
        }
    }

    fn roll_back(&mut self, database: Option<&String>, gid: &str) -> Result<(), String> {
        let gone = self.take(|found| {
            found.kind == K::PreparedTransaction
                && found.object.as_deref() == Some(gid)
                && found.database.as_ref() == database
        });
        if gone == 0 {
            return Err(format!("prepared transaction {gid} does not exist"));
        }
        Ok(())
    }

    fn drop_mapping(
        &mut self,
        database: Option<&String>,
        role: &str,
        server: &str,
    ) -> Result<(), String> {
        let gone = self.take(|found| {
            found.kind == K::UserMapping
                && is_of(found, role)
                && found.database.as_ref() == database
                && found.object.as_deref() == Some(server)
        });
        if gone == 0 {
            return Err(format!("user mapping for {role} does not exist for server {server}"));
        }
        Ok(())
    }

    fn unschedule(&mut self, job: i64) {
        let name = format!("job {job}");
        let same = |object: &String| {
            let rest = object.strip_prefix(&name);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        self.take(|found| found.kind == K::Job && found.object.as_ref().is_some_and(same));
    }

    /// The bootstrap superuser has to stay one from 16 on.
    fn alter_role(&mut self, role: &str, options: &[String]) -> Result<(), String> {
        for option in options {
            let Some(taken) = option.strip_prefix("NO") else { continue };
            let bootstrap = self.bootstrap.as_deref() == Some(role);
            if taken == "SUPERUSER" {
                if bootstrap && self.version_num >= 160_000 {
                    return Err(
                        "the bootstrap superuser must have the SUPERUSER attribute".to_owned()
                    );
                }
                self.superusers.remove(role);
            }
            self.take(|found| {
                // An instance that does not follow goes on with what held earlier.
                let login = found.kind == K::Login && found.instance.is_none() && taken == "LOGIN";
                let attribute =
                    found.kind == K::Attribute && found.privilege.as_deref() == Some(taken);
                is_of(found, role) && (login || attribute)
            });
        }
        Ok(())
    }

    fn terminate(&mut self, oid: RoleOid) {
        self.take(|found| {
            found.account.oid == oid
                && found.instance.is_none()
                && matches!(found.kind, K::Session | K::VanishedSession | K::Replication)
        });
    }

    fn alter_policy(
        &mut self,
        database: Option<&String>,
        table: &str,
        policy: &str,
        to: &[Option<String>],
    ) {
        let same = |found: &Residual| {
            found.kind == K::Policy
                && found.database.as_ref() == database
                && found.object.as_deref() == Some(table)
                && found.sub_object.as_deref() == Some(policy)
        };
        let named: BTreeSet<Option<String>> = self
            .items
            .iter()
            .filter(|found| same(found))
            .flat_map(|found| found.dependents.iter().map(|other| other.grantee.clone()))
            .filter(|name| !to.contains(name))
            .filter(|name| name.as_ref().is_none_or(|name| !self.leavers.contains(name)))
            .collect();
        for name in named {
            let name = name.unwrap_or_else(|| "PUBLIC".to_owned());
            self.notes.push(format!("policy {policy} on {table} names {name} no more"));
        }
        self.take(|found| same(found) && !to.contains(&found.account.role));
    }

    /// A list goes once it says what the server would do without it.
    fn reset_defaults(
        &mut self,
        database: Option<&String>,
        role: &str,
        schema: Option<&String>,
        objects: &str,
        grantees: &[Option<String>],
    ) {
        self.take(|found| {
            found.kind == K::DefaultPrivilege
                && found.privilege.is_none()
                && is_of(found, role)
                && same_list(found, database, role, schema, objects)
                && found.dependents.iter().all(|other| grantees.contains(&other.grantee))
        });
    }

    /// All of one database, and what all databases share. One thing that the new owner may not own stops it.
    fn reassign(&mut self, database: Option<&String>, from: &str, to: &str) -> Result<(), String> {
        if self.bootstrap.as_deref() == Some(from) {
            return Err(format!("cannot reassign ownership of objects owned by role {from}"));
        }
        let here = |found: &Residual| {
            matches!(found.kind, K::Ownership | K::Subscription)
                && is_of(found, from)
                && (found.database.is_none() || found.database.as_ref() == database)
        };
        let owned: Vec<Residual> = self.items.iter().filter(|found| here(found)).cloned().collect();
        for found in &owned {
            self.may_own(found.class.as_deref(), to)?;
        }
        self.hand_over(&owned, from, to);
        Ok(())
    }

    fn alter_owner(
        &mut self,
        database: Option<&String>,
        on: &Object,
        from: &str,
        to: &str,
    ) -> Result<(), String> {
        self.may_own(Some(&on.class), to)?;
        let same = |found: &&Residual| {
            matches!(found.kind, K::Ownership | K::Subscription)
                && is_of(found, from)
                && found.database.as_ref() == database
                && found.class.as_ref() == Some(&on.class)
                && found.object.as_ref() == Some(&on.name)
        };
        let owned: Vec<Residual> = self.items.iter().filter(same).cloned().collect();
        self.hand_over(&owned, from, to);
        Ok(())
    }

    fn may_own(&self, class: Option<&str>, heir: &str) -> Result<(), String> {
        let kind = match class {
            Some("pg_event_trigger") => "event trigger",
            Some("pg_foreign_data_wrapper") => "foreign-data wrapper",
            Some("pg_subscription") if self.version_num < 160_000 => "subscription",
            _ => return Ok(()),
        };
        if self.superusers.contains(heir) {
            return Ok(());
        }
        Err(format!("permission denied to change owner of {kind}: {heir} is no superuser"))
    }

    /// Grants by and to the old owner become those of the new one. Given to another leaver, it remains.
    fn hand_over(&mut self, owned: &[Residual], from: &str, to: &str) {
        for found in owned {
            let key = (found.database.clone(), from.to_owned(), to.to_owned());
            *self.owners.entry(key).or_default() += 1;
        }
        if self.leavers.contains(to) {
            return;
        }
        let object =
            |found: &Residual| (found.database.clone(), found.class.clone(), found.object.clone());
        let objects: BTreeSet<_> = owned.iter().map(object).collect();
        for item in &mut self.items {
            if item.kind == K::Privilege && objects.contains(&object(item)) {
                for name in [&mut item.owner, &mut item.grantor] {
                    if name.as_deref() == Some(from) {
                        *name = Some(to.to_owned());
                    }
                }
            }
        }
        self.items.retain(|found| !owned.contains(found));
    }
}

pub(super) fn is_of(found: &Residual, role: &str) -> bool {
    found.account.role.as_deref() == Some(role)
}

fn same_list(
    found: &Residual,
    database: Option<&String>,
    owner: &str,
    schema: Option<&String>,
    objects: &str,
) -> bool {
    found.database.as_ref() == database
        && found.owner.as_deref() == Some(owner)
        && found.sub_object.as_ref() == schema
        && found.object_type.as_ref().is_some_and(|kind| kind.to_uppercase() == objects)
}
