//! What is no grant on an object: default privileges, policies, credentials for other servers.

use super::Draw;
use super::kinds::{Object, SCHEMA, SEQUENCE, TABLE};
use crate::graphs::script::Phase;

/// What new objects can be given for: words, privileges, whether a schema may limit it, first version.
const FUTURE: &[(&str, &[&str], bool, u32)] = &[
    ("TABLES", TABLE, true, 13),
    ("TABLES", TABLE, true, 13),
    ("SEQUENCES", SEQUENCE, true, 13),
    ("FUNCTIONS", &["EXECUTE"], true, 13),
    ("TYPES", &["USAGE"], true, 13),
    ("SCHEMAS", SCHEMA, false, 13),
    ("LARGE OBJECTS", &["SELECT", "UPDATE"], false, 18),
];

impl Draw {
    pub(super) fn defaults(&mut self, database: usize) {
        for _ in 0..self.rng.between(0, 2) {
            let (objects, privileges, limited, since) = *self.rng.pick(FUTURE);
            let privilege = *self.rng.pick(privileges);
            if self.major < since || (privilege == "MAINTAIN" && self.major < 17) {
                continue;
            }
            let (maker, to) = (self.someone(), self.someone());
            let schema = if limited && self.rng.percent(60) {
                format!(" IN SCHEMA {}", self.schema_name())
            } else {
                String::new()
            };
            let option = if self.rng.percent(30) { " WITH GRANT OPTION" } else { "" };
            let change = match self.rng.below(10) {
                0 => format!("REVOKE ALL ON {objects} FROM PUBLIC"),
                1 => format!("GRANT {privilege} ON {objects} TO PUBLIC"),
                _ => format!("GRANT {privilege} ON {objects} TO {to}{option}"),
            };
            self.add(
                Phase::Objects,
                database,
                format!("ALTER DEFAULT PRIVILEGES FOR ROLE {maker}{schema} {change};"),
            );
        }
    }

    pub(super) fn policies(&mut self, database: usize, objects: &[Object]) {
        for table in objects.iter().filter(|o| matches!(o.kind, "table" | "partitioned")) {
            if self.rng.percent(85) {
                continue;
            }
            let mut to = self.someone();
            if self.rng.percent(50) {
                to = format!("{to}, {}", self.someone());
            }
            let name = &table.name;
            self.add(
                Phase::Objects,
                database,
                format!("CREATE POLICY \"Some policy\" ON {name} TO {to} USING (true);"),
            );
        }
    }

    pub(super) fn mappings(&mut self, database: usize, objects: &[Object]) {
        for server in objects.iter().filter(|object| object.kind == "server") {
            let (name, who) = (&server.name, self.someone());
            self.add(
                Phase::Objects,
                database,
                format!("CREATE USER MAPPING FOR {who} SERVER {name} OPTIONS (password 'secret');"),
            );
        }
    }
}
