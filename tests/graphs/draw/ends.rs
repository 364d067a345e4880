//! What people call a revocation, from nothing at all to everything that there is.

use super::Draw;
use crate::graphs::script::{DATABASES, Phase, ident, literal};

const TAKE_ALL: &str = "REVOKE ALL ON ALL TABLES IN SCHEMA # FROM @ CASCADE; \
     REVOKE ALL ON ALL SEQUENCES IN SCHEMA # FROM @ CASCADE; \
     REVOKE ALL ON ALL FUNCTIONS IN SCHEMA # FROM @ CASCADE; REVOKE ALL ON SCHEMA # FROM @ CASCADE;";

impl Draw {
    pub(super) fn ends(&mut self) {
        for role in 0..self.roles.len() {
            if self.roles[role].clean {
                continue;
            }
            if self.roles[role].edited && self.rng.percent(50) {
                // Nothing keeps it from being dropped, and its entry stays.
                self.thorough(role, true);
                continue;
            }
            match self.rng.below(12) {
                0 | 1 => {}
                2 => self.no_login(role),
                3 => self.take_all(role),
                4 => self.one_database(role),
                5 => self.one_membership(role),
                6 => self.options_only(role),
                7 => self.rename(role),
                8 | 9 => self.thorough(role, true),
                _ => self.thorough(role, false),
            }
        }
    }

    fn end(&mut self, database: usize, role: usize, statement: &str) {
        let name = self.name(role);
        let schema = self.schema_name();
        let statement = statement.replace('#', &schema).replace('@', &name);
        self.add(Phase::Ends, database, statement);
    }

    fn no_login(&mut self, role: usize) {
        self.end(0, role, "ALTER ROLE @ NOLOGIN PASSWORD NULL;");
    }

    fn take_all(&mut self, role: usize) {
        self.no_login(role);
        for database in 0..DATABASES.len() {
            self.end(database, role, TAKE_ALL);
        }
    }

    fn one_database(&mut self, role: usize) {
        self.no_login(role);
        let database = self.rng.below(DATABASES.len());
        if self.rng.percent(50) {
            self.end(database, role, "REASSIGN OWNED BY @ TO postgres;");
        }
        self.end(database, role, "DROP OWNED BY @ CASCADE;");
    }

    /// As the one who granted it would: other grantors' rows stay, since 16.
    fn one_membership(&mut self, role: usize) {
        self.no_login(role);
        let group = self.someone();
        let grantor = self.someone();
        self.end(0, role, &format!("REVOKE {group} FROM @ CASCADE;"));
        let by = format!("SET ROLE {grantor}; REVOKE {group} FROM @ CASCADE; RESET ROLE;");
        self.end(0, role, &by);
    }

    fn options_only(&mut self, role: usize) {
        let group = self.someone();
        self.end(0, role, &format!("REVOKE ADMIN OPTION FOR {group} FROM @ CASCADE;"));
        for database in 0..DATABASES.len() {
            self.end(
                database,
                role,
                "REVOKE GRANT OPTION FOR ALL ON ALL TABLES IN SCHEMA # FROM @ CASCADE;",
            );
        }
    }

    fn rename(&mut self, role: usize) {
        self.no_login(role);
        let renamed = ident(&format!("{}renamed {role}", self.tag));
        self.end(DATABASES.len() - 1, role, &format!("ALTER ROLE @ RENAME TO {renamed};"));
    }

    /// Everything; prepared transactions, sessions and edited lists survive even this.
    fn thorough(&mut self, role: usize, drop: bool) {
        let keep = self.rng.percent(50);
        for database in 0..DATABASES.len() {
            if keep {
                self.end(database, role, "REASSIGN OWNED BY @ TO postgres;");
            }
            self.end(database, role, "DROP OWNED BY @ CASCADE;");
            // A database or a tablespace is nobody's to drop here.
            self.end(database, role, "REASSIGN OWNED BY @ TO postgres;");
        }
        let name = literal(&self.name(role));
        let by = if self.major >= 16 { " GRANTED BY %s" } else { "" };
        self.end(
            0,
            role,
            &format!(
                "ALTER ROLE @ NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS;\n\
                 ALTER ROLE @ RESET ALL;\n\
                 SELECT format('ALTER ROLE %s IN DATABASE %I RESET ALL', setrole::regrole, datname) \
                 FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase \
                 WHERE setrole = {name}::regrole \\gexec\n\
                 SELECT format('REVOKE %s FROM %s{by} CASCADE', roleid::regrole, member::regrole, \
                 grantor::regrole) FROM pg_auth_members WHERE member = {name}::regrole \\gexec"
            ),
        );
        if drop {
            self.end(DATABASES.len() - 1, role, "DROP ROLE @;");
        }
    }
}
