//! Roles, their attributes, memberships and settings.

use super::{Draw, ENDINGS, Role};
use crate::graphs::script::{DATABASES, Phase, ident};

/// Predefined roles; those that the server's version lacks are refused, which is fine.
const PREDEFINED: [&str; 9] = [
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_monitor",
    "pg_read_all_stats",
    "pg_signal_backend",
    "pg_execute_server_program",
    "pg_checkpoint",
    "pg_maintain",
    "pg_read_server_files",
];

const ATTRIBUTES: [(&str, usize); 5] =
    [("SUPERUSER", 3), ("CREATEROLE", 8), ("CREATEDB", 6), ("REPLICATION", 5), ("BYPASSRLS", 5)];

impl Draw {
    pub(super) fn people(&mut self) {
        let count = self.rng.between(6, 10);
        let clean = self.rng.between(1, 2);
        for number in 0..count {
            self.one(number, number + clean >= count);
        }
        for _ in 0..self.rng.between(count / 2, 2 * count) {
            self.membership();
        }
        if self.major >= 16 && self.rng.percent(15) {
            self.ladder();
        }
        for role in 0..count - clean {
            let name = self.name(role);
            if self.rng.percent(12) {
                let held = *self.rng.pick(&PREDEFINED);
                let admin = if self.rng.percent(30) { " WITH ADMIN OPTION" } else { "" };
                self.add(Phase::Roles, 0, format!("GRANT {held} TO {name}{admin};"));
            }
            if self.rng.percent(2) {
                self.add(Phase::Roles, 0, format!("GRANT postgres TO {name};"));
            }
            self.settings(&name);
        }
    }

    fn one(&mut self, number: usize, clean: bool) {
        let ending = *self.rng.pick(&ENDINGS);
        let name = ident(&format!("{}{number}{ending}", self.tag));
        let mut words = vec![format!("CREATE ROLE {name}")];
        let mut superuser = false;
        if clean {
            // What merely blocks or limits gives nothing.
            if self.rng.percent(50) {
                words
                    .push("CONNECTION LIMIT 3 VALID UNTIL 'infinity' PASSWORD 'secret'".to_owned());
            }
        } else {
            if self.rng.percent(50) {
                words.push("LOGIN".to_owned());
            }
            if self.rng.percent(35) {
                words.push("NOINHERIT".to_owned());
            }
            if self.rng.percent(10) {
                words.push("CONNECTION LIMIT 0".to_owned());
            }
            if self.rng.percent(10) {
                words.push("VALID UNTIL '2001-01-01'".to_owned());
            }
            for (attribute, chance) in ATTRIBUTES {
                if self.rng.percent(chance) {
                    superuser |= attribute == "SUPERUSER";
                    words.push(attribute.to_owned());
                }
            }
        }
        self.add(Phase::Roles, 0, format!("{};", words.join(" ")));
        self.roles.push(Role { name, superuser, clean, edited: false });
    }

    /// ADMIN that only SET ROLE, and then what is inherited, leads to: chance seldom makes it.
    fn ladder(&mut self) {
        let dirty = self.roles.iter().filter(|role| !role.clean).count();
        let first = self.rng.below(dirty - 3);
        let options = [
            "ADMIN TRUE, INHERIT FALSE, SET FALSE",
            "INHERIT TRUE, SET FALSE",
            "INHERIT FALSE, SET TRUE",
        ];
        for (step, options) in options.into_iter().enumerate() {
            let (role, member) = (self.name(first + step), self.name(first + step + 1));
            self.add(Phase::Roles, 0, format!("GRANT {role} TO {member} WITH {options};"));
        }
    }

    fn membership(&mut self) {
        let (one, other) = (self.role(), self.role());
        // A loop is refused, so most go one way.
        let (role, member) =
            if self.rng.percent(90) { (one.min(other), one.max(other)) } else { (one, other) };
        let (role, member) = (self.name(role), self.name(member));
        // Without ADMIN on it, a role may not grant another: the grantor gets it first.
        let grantor = self.rng.percent(40).then(|| self.someone());
        if let Some(grantor) = &grantor {
            let own = if self.major >= 16 && self.rng.percent(50) {
                "ADMIN TRUE, INHERIT FALSE, SET FALSE"
            } else {
                "ADMIN OPTION"
            };
            self.add(Phase::Roles, 0, format!("GRANT {role} TO {grantor} WITH {own};"));
            self.add(Phase::Roles, 0, format!("SET ROLE {grantor};"));
        }
        let options = self.options();
        self.add(Phase::Roles, 0, format!("GRANT {role} TO {member}{options};"));
        if grantor.is_some() {
            self.add(Phase::Roles, 0, "RESET ROLE;");
        }
    }

    /// Options of a membership, every combination of them.
    fn options(&mut self) -> String {
        if self.major < 16 {
            return if self.rng.percent(35) { " WITH ADMIN OPTION" } else { "" }.to_owned();
        }
        let mut on = |chance| if self.rng.percent(chance) { "TRUE" } else { "FALSE" };
        format!(" WITH ADMIN {}, INHERIT {}, SET {}", on(35), on(50), on(50))
    }

    fn settings(&mut self, name: &str) {
        if self.rng.percent(7) {
            self.add(Phase::Roles, 0, format!("ALTER ROLE {name} SET work_mem = '1MB';"));
        }
        if self.rng.percent(7) {
            let database = self.rng.pick::<&str>(&DATABASES);
            let database = ident(database);
            self.add(
                Phase::Roles,
                0,
                format!("ALTER ROLE {name} IN DATABASE {database} SET search_path = 'a=b, c';"),
            );
        }
    }
}
