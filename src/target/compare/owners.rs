//! What a role owns by either path, and what it lends by that.

use super::{Key, View};
use crate::domain::powers;
use crate::domain::residual::{Dependent, Residual, ResidualKind as K, Strength as S};
use crate::domain::strength::Known;
use crate::target::catalog;
use crate::target::rows::OwnedRow;
use std::collections::BTreeSet;

impl View<'_> {
    pub(super) fn ownership(&self) -> Vec<Residual> {
        let column = |row: &OwnedRow| (row.role.0, (row.class.0, row.object.0, 0));
        let columns: BTreeSet<(u32, Key)> = self.evidence.owned.iter().map(column).collect();
        let recorded = self.evidence.dependencies.iter().filter(|row| row.kind == "o");
        let mut keys: BTreeSet<(u32, Key)> =
            recorded.map(|row| (row.role.0, (row.class.0, row.object.0, 0))).collect();
        keys.extend(&columns);
        keys.into_iter()
            .map(|(role, key)| {
                let catalog = self.names.get(key).map_or("", |row| row.catalog.as_str());
                let kind = match catalog {
                    "pg_user_mapping" => K::UserMapping,
                    "pg_subscription" => K::Subscription,
                    "pg_default_acl" => K::DefaultPrivilege,
                    _ => K::Ownership,
                };
                let strength = S::of(kind, Known::runs(self.enabled(key)));
                let mut found = self.about(kind, strength, role, key);
                found.detail = self.lends(role, key);
                found.rows = self.owner_rows(role, key, columns.contains(&(role, key)));
                found.tampered = self.unrecorded(role, key, "o");
                match catalog {
                    "pg_user_mapping" => self.mapped_server(&mut found, key),
                    "pg_default_acl" => {
                        self.default_scope(&mut found, key);
                        found.dependents = self.favoured(key);
                    }
                    _ => {}
                }
                found.described()
            })
            .collect()
    }

    /// A subscription that is switched on, or of which that is not known.
    fn enabled(&self, key: Key) -> bool {
        let identity = self.names.get(key).and_then(|row| row.identity.as_ref());
        let known = self.evidence.subscriptions.iter().find(|row| Some(&row.identity) == identity);
        known.is_none_or(|row| row.enabled)
    }

    /// What an object does in its owner's name, or for its owner, without anybody logged in as that.
    fn lends(&self, role: u32, key: Key) -> Option<String> {
        let row = self.names.get(key)?;
        let who = self.cluster.account(role);
        match row.catalog.as_str() {
            "pg_proc" if row.security_definer == Some(true) => Some(format!(
                "SECURITY DEFINER: whoever may execute it acts with the rights of {who}"
            )),
            "pg_event_trigger" => Some(match &row.fires_on {
                Some(event) => format!("it still fires on every {event}"),
                None => "it is disabled".to_owned(),
            }),
            "pg_publication" => Some("whoever subscribes to it goes on receiving".to_owned()),
            "pg_subscription" if self.enabled(key) => {
                Some("it is enabled and goes on writing what it receives".to_owned())
            }
            "pg_subscription" => Some("it is disabled; its owner can enable it".to_owned()),
            "pg_database" if self.cluster.version_num >= 140_000 => Some(format!(
                "{who} is {} there, and may grant on it and drop it",
                powers::DATABASE_OWNER
            )),
            "pg_database" => Some(format!("{who} may grant on it and drop it")),
            _ => None,
        }
    }

    /// The owner column, where it was read, and what pg_shdepend says of it.
    fn owner_rows(&self, role: u32, key: Key, seen: bool) -> Vec<String> {
        let catalog = self.names.get(key).map_or("owner", |row| row.catalog.as_str());
        let column = seen.then(|| catalog::owner(catalog, key.1, role));
        column.into_iter().chain(self.dependency_rows(role, key, "o")).collect()
    }

    fn mapped_server(&self, found: &mut Residual, key: Key) {
        let server = self.names.get(key).and_then(|row| row.args.as_ref()?.first().cloned());
        found.object_type = Some("server".to_owned());
        found.object = server.or_else(|| found.object.take());
    }

    fn favoured(&self, key: Key) -> Vec<Dependent> {
        self.evidence
            .default_lists
            .iter()
            .filter(|row| row.list.0 == key.1 && (row.to_public || row.grantee.is_some()))
            .map(|row| Dependent {
                grantee: row.grantee.clone(),
                grantable: false,
                inherit: None,
                set: None,
            })
            .collect()
    }
}
