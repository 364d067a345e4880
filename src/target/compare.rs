//! Two evidence paths of one database, or of what all databases share, compared. Pure.
//!
//! An access list entry without its dependency is a residual that somebody put there by editing a catalog;
//! a dependency without its entry is a gap, because then we do not understand what we see.

mod owners;

use super::catalog;
use super::cluster::Cluster;
use super::rows::{
    AclRow, DefaultListRow, DependencyRow, IdentityRow, OwnedRow, PolicyRow, SubscriptionRow,
};
use crate::domain::powers;
use crate::domain::residual::{Dependent, Residual, ResidualKind as K, Strength as S};
use crate::domain::strength::Known;
use std::collections::{BTreeMap, BTreeSet};

/// Roles below this OID are made by initdb and pinned: `pg_shdepend` never lists them.
const FIRST_NORMAL_OID: u32 = 16_384;

/// OID of `pg_catalog.pg_policy`, the same on every server.
pub(super) const PG_POLICY: u32 = 3256;
/// OID of `pg_catalog.pg_default_acl`, the same on every server.
pub(super) const PG_DEFAULT_ACL: u32 = 826;

/// What was read of one database, or of what all share.
#[derive(Default)]
pub(super) struct Evidence {
    pub(super) acl: Vec<AclRow>,
    pub(super) owned: Vec<OwnedRow>,
    pub(super) dependencies: Vec<DependencyRow>,
    pub(super) policies: Vec<PolicyRow>,
    pub(super) default_lists: Vec<DefaultListRow>,
    pub(super) identities: Vec<IdentityRow>,
    pub(super) subscriptions: Vec<SubscriptionRow>,
    /// Roles of which some path has more than was read: what one shows and the other does not says nothing.
    pub(super) cut: BTreeSet<u32>,
}

/// What it comes to.
pub(super) struct Compared {
    pub(super) residual: Vec<Residual>,
    pub(super) unexplained: Vec<String>,
}

type Key = (u32, u32, i32);

struct Names<'a>(BTreeMap<Key, &'a IdentityRow>);

impl Names<'_> {
    fn get(&self, key: Key) -> Option<&IdentityRow> {
        self.0.get(&key).copied()
    }

    /// Columns that were dropped keep their dependency up to PostgreSQL 16; nobody can use them.
    fn dropped_column(&self, key: Key) -> bool {
        self.get(key)
            .and_then(|row| row.column_name.as_deref())
            .is_some_and(|name| name.starts_with("........pg.dropped."))
    }
}

/// Compares both paths. `database` is `None` for what all databases share.
pub(super) fn compare<'a>(
    cluster: &'a Cluster,
    database: Option<&'a str>,
    evidence: &'a Evidence,
) -> Compared {
    let names = Names(
        evidence
            .identities
            .iter()
            .map(|row| ((row.class.0, row.object.0, row.sub_object), row))
            .collect(),
    );
    let dependency = |row: &'a DependencyRow| {
        let key = (row.class.0, row.object.0, row.sub_object);
        ((row.role.0, key, row.kind.as_str()), row)
    };
    let dependencies = evidence.dependencies.iter().map(dependency).collect();
    let mut granted: BTreeMap<(u32, Key), Vec<&AclRow>> = BTreeMap::new();
    for row in &evidence.acl {
        let key = (row.class.0, row.object.0, row.sub_object);
        granted.entry((row.grantor.0, key)).or_default().push(row);
    }
    let tracked_names = cluster.tracked.iter().filter_map(|oid| cluster.role_name(*oid)).collect();
    let view =
        View { cluster, database, evidence, dependencies, granted, tracked_names, names: &names };
    let mut residual = Vec::new();
    for row in &evidence.acl {
        if cluster.tracked.contains(&row.grantee.0) && row.grantee != row.owner {
            residual.push(view.entry(row));
        }
    }
    residual.extend(view.ownership());
    residual.extend(view.policies());
    Compared { residual, unexplained: view.unexplained() }
}

struct View<'a> {
    cluster: &'a Cluster,
    database: Option<&'a str>,
    evidence: &'a Evidence,
    /// Role, object and kind of each dependency.
    dependencies: BTreeMap<(u32, Key, &'a str), &'a DependencyRow>,
    /// Entries by who granted them on which object.
    granted: BTreeMap<(u32, Key), Vec<&'a AclRow>>,
    /// Present names of the accounts.
    tracked_names: BTreeSet<&'a str>,
    names: &'a Names<'a>,
}

impl View<'_> {
    /// A residual about an object, with its names filled in.
    fn about(&self, kind: K, strength: S, role: u32, key: Key) -> Residual {
        let mut found = Residual::new(kind, strength, self.cluster.account(role));
        let identity = self.names.get(key);
        found.class = identity.map(|row| row.catalog.clone());
        found.object_type = identity.and_then(|row| row.kind.clone());
        found.object = Some(
            identity
                .and_then(|row| row.identity.clone())
                .unwrap_or_else(|| catalog::unnamed(key.0, key.1)),
        );
        found.sub_object = identity.and_then(|row| row.column_name.clone());
        found.database = self.database.map(str::to_owned);
        found
    }

    /// Whether `pg_shdepend` was read whole for the role and has no such row, as it must.
    fn unrecorded(&self, role: u32, key: Key, kind: &str) -> bool {
        role >= FIRST_NORMAL_OID
            && !self.evidence.cut.contains(&role)
            && !self.dependencies.contains_key(&(role, key, kind))
    }

    fn entry(&self, row: &AclRow) -> Residual {
        let key = (row.class.0, row.object.0, row.sub_object);
        let is_default =
            self.names.get(key).is_some_and(|identity| identity.catalog == "pg_default_acl");
        let kind = if self.cluster.role_name(row.grantee.0).is_none() {
            K::DanglingAcl
        } else if is_default {
            K::DefaultPrivilege
        } else {
            K::Privilege
        };
        let strength = S::of(kind, Known::gives(row.grantable));
        let mut found = self.about(kind, strength, row.grantee.0, key);
        found.privilege = Some(row.privilege.clone());
        found.detail = powers::privilege(&row.privilege).map(str::to_owned);
        found.rows = self.entry_rows(row, key);
        found.grantable = row.grantable;
        found.grantor = self.cluster.role_name(row.grantor.0).map(str::to_owned);
        found.owner = self.cluster.role_name(row.owner.0).map(str::to_owned);
        found.tampered = self.unrecorded(row.grantee.0, key, "a");
        if is_default {
            self.default_scope(&mut found, key);
        } else if row.grantable {
            found.cascade = self.granted_on(row).next().is_some();
            found.dependents = self.dependents(row);
        }
        found.described()
    }

    /// Entries that hold the same privilege because the grantee of `row` granted it.
    fn granted_on<'s>(&'s self, row: &'s AclRow) -> impl Iterator<Item = &'s AclRow> {
        let key = (row.class.0, row.object.0, row.sub_object);
        let by_grantee = self.granted.get(&(row.grantee.0, key)).into_iter().flatten().copied();
        by_grantee.filter(move |other| other.privilege == row.privilege)
    }

    /// Others who hold this privilege only because the account granted it.
    fn dependents(&self, row: &AclRow) -> Vec<Dependent> {
        self.granted_on(row)
            .filter(|other| !self.cluster.tracked.contains(&other.grantee.0))
            .map(|other| Dependent {
                grantee: self.cluster.role_name(other.grantee.0).map(str::to_owned),
                grantable: other.grantable,
                inherit: None,
                set: None,
            })
            .collect()
    }

    /// Whose future objects, of which kind, in which schema: `pg_identify_object_as_address` gives
    /// `{role[,schema]}` and `{objtype}`.
    fn default_scope(&self, found: &mut Residual, key: Key) {
        let Some(identity) = self.names.get(key) else { return };
        let names = identity.names.as_deref().unwrap_or_default();
        found.owner = names.first().cloned();
        found.sub_object = names.get(1).cloned();
        let objects = match identity.args.as_deref().and_then(<[String]>::first).map(String::as_str)
        {
            Some("r") => "tables",
            Some("S") => "sequences",
            Some("f") => "functions",
            Some("T") => "types",
            Some("n") => "schemas",
            Some("L") => "large objects",
            _ => return,
        };
        found.object_type = Some(objects.to_owned());
        found.object = Some(format!(
            "of {}{}",
            found.owner.as_deref().unwrap_or("somebody"),
            found
                .sub_object
                .as_deref()
                .map_or(String::new(), |schema| format!(" in schema {schema}"))
        ));
    }

    /// The item of the access list, and what pg_shdepend says of it.
    fn entry_rows(&self, row: &AclRow, key: Key) -> Vec<String> {
        let catalog = self.names.get(key).map_or("access list", |row| row.catalog.as_str());
        let name = |oid| self.cluster.role_name(oid).map_or_else(|| oid.to_string(), str::to_owned);
        let list = self.granted.get(&(row.grantor.0, key)).map_or(&[][..], Vec::as_slice);
        let mut rows = vec![catalog::entry(row, list, catalog, name)];
        rows.extend(self.dependency_rows(row.grantee.0, key, "a"));
        rows
    }

    fn dependency_rows(&self, role: u32, key: Key, kind: &str) -> Option<String> {
        self.dependencies.get(&(role, key, kind)).copied().map(catalog::dependency)
    }

    fn policies(&self) -> Vec<Residual> {
        let named =
            self.evidence.policies.iter().map(|row| (row.role.0, (PG_POLICY, row.policy.0, 0)));
        let depend = self.evidence.dependencies.iter().filter(|row| row.kind == "r");
        let depend = depend.map(|row| (row.role.0, (row.class.0, row.object.0, row.sub_object)));
        let keys: BTreeSet<(u32, Key)> = named.chain(depend).collect();
        keys.into_iter()
            .map(|(role, key)| {
                let strength = S::of(K::Policy, Known::NOTHING);
                let mut found = self.about(K::Policy, strength, role, key);
                found.tampered = self.unrecorded(role, key, "r");
                found.rows = self.dependency_rows(role, key, "r").into_iter().collect();
                let address = self.names.get(key).and_then(|identity| identity.names.clone());
                if let Some([schema, table, name]) = address.as_deref() {
                    use crate::domain::plan::quote::ident;
                    found.object = Some(format!("{}.{}", ident(schema), ident(table)));
                    found.sub_object = Some(name.clone());
                    found.object_type = Some("policy".to_owned());
                }
                found.dependents = self
                    .evidence
                    .policies
                    .iter()
                    .filter(|other| (other.policy.0, other.role.0) == (key.1, role) && other.shared)
                    .filter(|other| !self.tracked_name(other.other.as_deref()))
                    .map(|other| Dependent {
                        grantee: other.other.clone(),
                        grantable: false,
                        inherit: None,
                        set: None,
                    })
                    .collect();
                found.described()
            })
            .collect()
    }

    /// Whether a name is that of an account which is to lose its access as well.
    fn tracked_name(&self, name: Option<&str>) -> bool {
        name.is_some_and(|name| self.tracked_names.contains(name))
    }

    /// Dependencies that no access list entry explains.
    fn unexplained(&self) -> Vec<String> {
        let explained: BTreeSet<(u32, Key)> = self
            .evidence
            .acl
            .iter()
            .flat_map(|row| {
                let key = (row.class.0, row.object.0, row.sub_object);
                [(row.grantee.0, key), (row.grantor.0, key)]
            })
            .collect();
        // What an owner grants itself or others is not read: it may do everything anyway.
        let owned: BTreeSet<(u32, u32, u32)> =
            self.evidence.owned.iter().map(|row| (row.role.0, row.class.0, row.object.0)).collect();
        self.evidence
            .dependencies
            .iter()
            .filter(|row| row.kind == "a" && !self.evidence.cut.contains(&row.role.0))
            .filter(|row| !owned.contains(&(row.role.0, row.class.0, row.object.0)))
            .filter(|row| {
                let key = (row.class.0, row.object.0, row.sub_object);
                // Since 16 a membership depends on its grantor. It is the member's, not the grantor's.
                let membership =
                    self.names.get(key).is_some_and(|identity| identity.catalog == "pg_auth_members");
                !explained.contains(&(row.role.0, key))
                    && !self.names.dropped_column(key)
                    && !membership
            })
            .map(|row| {
                let key = (row.class.0, row.object.0, row.sub_object);
                let object = self
                    .names
                    .get(key)
                    .and_then(|identity| identity.identity.clone())
                    .unwrap_or_else(|| catalog::unnamed(key.0, key.1));
                format!(
                    "pg_shdepend says that {} is in the access list of {object}, but the list does not \
                     show it",
                    self.cluster.account(row.role.0)
                )
            })
            .collect()
    }
}
