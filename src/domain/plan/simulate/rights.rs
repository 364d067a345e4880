//! Access lists: a REVOKE takes the entries of one grantor only, and what hangs on them only with CASCADE.

use super::world::{Held, World};
use super::{BTreeSet, K, Residual};
use crate::domain::plan::step::{Acting, Object, Right};

/// What others hold through this.
pub(super) fn held(found: &Residual) -> Vec<Held> {
    let (K::Privilege, Some(grantor), Some(privilege)) =
        (found.kind, &found.account.role, &found.privilege)
    else {
        return Vec::new();
    };
    let others = found.dependents.iter();
    others
        .map(|other| Held {
            database: found.database.clone(),
            class: found.class.clone(),
            object: found.object.clone(),
            column: found.sub_object.clone(),
            privilege: privilege.clone(),
            grantee: other.grantee.clone(),
            grantor: grantor.clone(),
            grantable: other.grantable,
        })
        .collect()
}

impl Held {
    /// An entry of the same access list for the same privilege.
    fn beside(&self, found: &Residual) -> bool {
        found.kind == K::Privilege
            && self.database == found.database
            && self.class == found.class
            && self.object == found.object
            && self.column == found.sub_object
            && found.privilege.as_ref() == Some(&self.privilege)
    }

    fn in_words(&self) -> (String, String) {
        let who = self.grantee.clone().unwrap_or_else(|| "PUBLIC".to_owned());
        let column = self.column.as_ref().map_or(String::new(), |name| format!(" ({name})"));
        let object = self.object.as_deref().unwrap_or("an object");
        let place =
            self.database.as_ref().map_or(String::new(), |name| format!(" in database {name}"));
        (who, format!("{}{column} on {object}{place}", self.privilege))
    }
}

impl World {
    /// Granted by a superuser, so for the owner.
    pub(super) fn grant_rights(
        &mut self,
        database: Option<&String>,
        on: &Object,
        rights: &[Right],
        grantee: Option<&String>,
        grantable: bool,
    ) {
        let same = |found: &&Residual| is_on(found, database, on);
        let owner = self.items.iter().find(same).and_then(|found| found.owner.clone());
        for right in rights {
            let mut held = Held {
                database: database.cloned(),
                class: Some(on.class.clone()),
                object: Some(on.name.clone()),
                column: right.column.clone(),
                privilege: right.privilege.clone(),
                grantee: grantee.cloned(),
                grantor: owner.clone().unwrap_or_else(|| "the owner".to_owned()),
                grantable,
            };
            let better = Held { grantable: true, ..held.clone() };
            held.grantable |= self.held.contains(&better);
            self.held.insert(held);
        }
    }

    pub(super) fn revoke_rights(
        &mut self,
        database: Option<&String>,
        on: &Object,
        rights: &[Right],
        grantee: &str,
        acting: Option<&Acting>,
        cascade: bool,
    ) -> Result<(), String> {
        // A superuser acts for the owner, whoever it is.
        let own = |acting: &&Acting| acting.demoted || !self.superusers.contains(&acting.role);
        let grantor = acting.filter(own).map(|acting| acting.role.clone());
        for right in rights {
            let hit = |found: &&Residual| {
                let by_owner = found.grantor == found.owner;
                is_on(found, database, on)
                    && found.account.role.as_deref() == Some(grantee)
                    && found.privilege.as_ref() == Some(&right.privilege)
                    // On the table it takes those of the columns along.
                    && (right.column.is_none() || found.sub_object == right.column)
                    && grantor.as_ref().map_or(by_owner, |by| found.grantor.as_ref() == Some(by))
            };
            let gone: Vec<Residual> = self.items.iter().filter(hit).cloned().collect();
            if let (Some(by), Some(_)) = (&grantor, gone.iter().find(|found| found.tampered)) {
                return Err(format!("permission denied: {by} may have no grant option"));
            }
            self.items.retain(|found| !gone.contains(found));
            for found in gone.iter().filter(|found| found.grantable) {
                self.fall_with(found, cascade)?;
            }
        }
        Ok(())
    }

    /// What hangs on a grant option falls with the last entry that gives it.
    fn fall_with(&mut self, lost: &Residual, cascade: bool) -> Result<(), String> {
        let Some(role) = &lost.account.role else { return Ok(()) };
        let same = |found: &Residual| {
            found.kind == K::Privilege
                && (&found.database, &found.class, &found.object)
                    == (&lost.database, &lost.class, &lost.object)
                && (&found.sub_object, &found.privilege) == (&lost.sub_object, &lost.privilege)
        };
        let still = |found: &Residual| {
            same(found) && found.grantable && found.account.role.as_ref() == Some(role)
        };
        if self.items.iter().any(still) {
            return Ok(());
        }
        let hangs = |held: &Held| held.grantor == *role && held.beside(lost);
        let falls = |found: &Residual| same(found) && found.grantor.as_ref() == Some(role);
        let fallen: Vec<Residual> =
            self.items.iter().filter(|found| falls(found)).cloned().collect();
        if !cascade && (!fallen.is_empty() || self.held.iter().any(hangs)) {
            return Err("dependent privileges exist".to_owned());
        }
        self.held.retain(|held| !hangs(held));
        self.items.retain(|found| !fallen.contains(found));
        for found in fallen.iter().filter(|found| found.grantable) {
            self.fall_with(found, cascade)?;
        }
        Ok(())
    }

    /// What others lose and keep, in words.
    pub(super) fn others_since(&self, before: &Self) -> (Vec<String>, Vec<String>) {
        let (mut lose, mut keep) = (self.notes.clone(), Vec::new());
        let others = before
            .held
            .iter()
            .filter(|held| held.grantee.as_ref().is_none_or(|name| !self.leavers.contains(name)));
        for had in others {
            let same = |held: &&Held| {
                (&held.database, &held.class, &held.object)
                    == (&had.database, &had.class, &had.object)
                    && (&held.column, &held.privilege, &held.grantee)
                        == (&had.column, &had.privilege, &had.grantee)
                    && held.grantable >= had.grantable
            };
            let has: BTreeSet<&str> =
                self.held.iter().filter(same).map(|held| held.grantor.as_str()).collect();
            let (who, what) = had.in_words();
            if has.is_empty() {
                lose.push(format!("{who} loses {what}"));
            } else if !has.contains(had.grantor.as_str()) {
                let by: Vec<_> = has.into_iter().collect();
                keep.push(format!("{who} keeps {what}, granted by {}", by.join(", ")));
            }
        }
        self.roles_since(before, &mut lose, &mut keep);
        for list in [&mut lose, &mut keep] {
            list.sort();
            list.dedup();
        }
        (lose, keep)
    }
}

fn is_on(found: &Residual, database: Option<&String>, on: &Object) -> bool {
    found.kind == K::Privilege
        && found.database.as_ref() == database
        && found.class.as_ref() == Some(&on.class)
        && found.object.as_ref() == Some(&on.name)
}
