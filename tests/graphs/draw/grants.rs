//! Grants: by owner, by others, in chains, on columns, to PUBLIC, and on what is no graph's own.

use super::Draw;
use super::kinds::{Grantable, Object};
use crate::graphs::script::{DATABASES, Phase, ident, literal};

/// What every server has: words of GRANT, name, privileges, first version.
const SYSTEM: &[(&str, &str, &[&str], u32)] = &[
    ("FUNCTION", "pg_catalog.pg_ls_dir(text)", &["EXECUTE"], 13),
    ("TABLE", "pg_catalog.pg_authid", &["SELECT", "UPDATE"], 13),
    ("TYPE", "pg_catalog.int4", &["USAGE"], 13),
    ("LANGUAGE", "plpgsql", &["USAGE"], 13),
    ("SCHEMA", "public", &["USAGE", "CREATE"], 13),
    ("PARAMETER", "log_duration", &["SET", "ALTER SYSTEM"], 15),
    ("PARAMETER", "log_statement", &["SET", "ALTER SYSTEM"], 15),
    ("PARAMETER", "own.\"Setting\"", &["SET", "ALTER SYSTEM"], 15),
];

impl Draw {
    /// Up to three grants on an object.
    pub(super) fn grants_on(&mut self, database: usize, object: &Object) {
        let Some(grantable) = object.grantable else { return };
        for _ in 0..self.rng.between(0, 2) {
            self.chain(database, grantable, &object.name);
        }
        let relation = grantable.on == "TABLE";
        if relation && self.rng.percent(35) {
            self.columns(database, &object.name);
        }
        if self.rng.percent(8) {
            let privilege = self.privilege(grantable);
            let (on, name) = (grantable.on, &object.name);
            self.add(
                Phase::Objects,
                database,
                format!("GRANT {privilege} ON {on} {name} TO PUBLIC;"),
            );
        }
        if object.kind == "partitioned" && self.rng.percent(50) {
            let (schema, to) = (self.schema_name(), self.someone());
            self.add(Phase::Objects, database, format!("GRANT SELECT ON {schema}.part TO {to};"));
        }
    }

    /// A privilege, or all of them. MAINTAIN exists since 17.
    fn privilege(&mut self, grantable: Grantable) -> &'static str {
        if self.rng.percent(15) {
            return "ALL";
        }
        match *self.rng.pick(grantable.privileges) {
            "MAINTAIN" if self.major < 17 => "SELECT",
            privilege => privilege,
        }
    }

    /// A grant, then perhaps one by its grantee, and one by the grantee of that.
    fn chain(&mut self, database: usize, grantable: Grantable, name: &str) {
        let privilege = self.privilege(grantable);
        let on = grantable.on;
        let mut by: Option<String> = None;
        for _ in 0..3 {
            let to = self.someone();
            let further = self.rng.percent(40);
            let option = if further { " WITH GRANT OPTION" } else { "" };
            if let Some(by) = &by {
                self.add(Phase::Objects, database, format!("SET ROLE {by};"));
            }
            self.add(
                Phase::Objects,
                database,
                format!("GRANT {privilege} ON {on} {name} TO {to}{option};"),
            );
            if by.is_some() {
                self.add(Phase::Objects, database, "RESET ROLE;");
            }
            if !further {
                break;
            }
            by = Some(to);
        }
    }

    fn columns(&mut self, database: usize, table: &str) {
        let to = self.someone();
        let privilege = *self.rng.pick(&["SELECT", "INSERT", "UPDATE", "REFERENCES"]);
        let columns = *self.rng.pick(&["a", "b", "a, b"]);
        let option = if self.rng.percent(30) { " WITH GRANT OPTION" } else { "" };
        self.add(
            Phase::Objects,
            database,
            format!("GRANT {privilege} ({columns}) ON {table} TO {to}{option};"),
        );
        if self.rng.percent(8) {
            // Up to 16 the list of a dropped column stays, and names roles that have nothing of it.
            self.add(Phase::Objects, database, format!("ALTER TABLE {table} DROP COLUMN b;"));
        }
    }

    /// Grants on what all graphs share, and its owners.
    pub(super) fn shared(&mut self, database: usize) {
        let name = ident(DATABASES[database]);
        if self.rng.percent(25) {
            let everything = &["CREATE", "CONNECT", "TEMPORARY"];
            self.chain(database, Grantable { on: "DATABASE", privileges: everything }, &name);
        }
        if self.rng.percent(5) {
            let to = self.someone();
            self.add(Phase::Objects, database, format!("ALTER DATABASE {name} OWNER TO {to};"));
            if self.major >= 16 && self.rng.percent(60) {
                let member = self.someone();
                let options = "INHERIT FALSE, SET TRUE";
                let grant = format!("GRANT {to} TO {member} WITH {options};");
                self.add(Phase::Objects, database, grant);
            }
        }
        if self.rng.percent(15) {
            let space = *self.rng.pick(&["oracle_space", "\"Other Space\""]);
            self.chain(database, Grantable { on: "TABLESPACE", privileges: &["CREATE"] }, space);
            if self.rng.percent(30) {
                let to = self.someone();
                self.add(
                    Phase::Objects,
                    database,
                    format!("ALTER TABLESPACE {space} OWNER TO {to};"),
                );
            }
        }
        if self.rng.percent(30) {
            let (on, name, privileges, since) = *self.rng.pick(SYSTEM);
            if self.major >= since {
                self.chain(database, Grantable { on, privileges }, name);
            }
        }
        if self.rng.percent(6) {
            // Only the first one of a database gets it.
            let role = self.role();
            let (name, superuser) = (self.name(role), self.roles[role].superuser);
            let back = if superuser { "SUPERUSER" } else { "NOSUPERUSER" };
            self.add(
                Phase::Objects,
                database,
                format!(
                    "ALTER ROLE {name} SUPERUSER; SET ROLE {name}; CREATE EXTENSION IF NOT EXISTS tcn; \
                     RESET ROLE; ALTER ROLE {name} {back};"
                ),
            );
        }
    }

    /// An access list edited by hand: `pg_shdepend` does not hear of it.
    pub(super) fn edits(&mut self, database: usize, objects: &[Object]) {
        let table = objects.iter().find(|object| object.kind == "table");
        let Some(table) = table.filter(|_| self.rng.percent(15)) else { return };
        let edited = self.role();
        self.roles[edited].edited = true;
        let (table, role) = (literal(&table.name), literal(&self.name(edited)));
        self.add(
            Phase::Objects,
            database,
            format!(
                "SET allow_system_table_mods = on; \
                 UPDATE pg_class SET relacl = coalesce(relacl, acldefault('r', relowner)) \
                 || makeaclitem({role}::regrole, relowner, 'SELECT', false) WHERE oid = {table}::regclass; \
                 RESET allow_system_table_mods;"
            ),
        );
    }

    /// A prepared transaction of somebody, or one that grants something to somebody. On a schema of its own:
    /// its locks would stop what comes after.
    pub(super) fn prepared(&mut self, database: usize) {
        if !self.rng.percent(4) {
            return;
        }
        let (schema, role) = (self.own("waiting"), self.someone());
        let gid = literal(&format!("{}'{database}", self.tag));
        self.add(Phase::Objects, database, format!("CREATE SCHEMA {schema};"));
        let work = if self.rng.percent(50) {
            format!("SET LOCAL SESSION AUTHORIZATION {role}; SELECT pg_catalog.txid_current();")
        } else {
            format!("GRANT USAGE ON SCHEMA {schema} TO {role};")
        };
        self.add(Phase::Objects, database, format!("BEGIN; {work} PREPARE TRANSACTION {gid};"));
    }
}
