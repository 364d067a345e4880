//! SQL in the order in which it is run, by psql, across databases.

use std::fmt::Write as _;

/// The three databases of every graph, one of them with a name that needs care.
pub(crate) const DATABASES: [&str; 3] = ["orders", "billing", "odd \"name' =\\ b"];

/// When a statement is run: all graphs of a batch go through these together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Roles and memberships.
    Roles,
    /// Objects, owners and grants.
    Objects,
    /// What people call a revocation.
    Ends,
}

/// Statements with their phase and database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Vec<(Phase, usize, String)>);

impl Script {
    pub(crate) fn add(&mut self, phase: Phase, database: usize, statement: impl Into<String>) {
        self.0.push((phase, database, statement.into()));
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    /// The statements of a phase as text for psql. Those of one database keep their order.
    pub(crate) fn text(&self, phase: Phase) -> String {
        let mut text = String::new();
        for (number, name) in DATABASES.iter().enumerate() {
            let _ = writeln!(text, "\\connect {}", connect(name));
            for (_, _, statement) in self.0.iter().filter(|s| (s.0, s.1) == (phase, number)) {
                let _ = writeln!(text, "{statement}");
            }
        }
        text
    }
}

/// A database name as psql's `\connect` reads it: a connection string, since a name with `=` would be taken for
/// one, in the quotes of psql.
fn connect(name: &str) -> String {
    let value = name.replace('\\', "\\\\").replace('\'', "\\'");
    format!("-reuse-previous=on \"dbname='{}'\"", value.replace('"', "\"\""))
}

/// An identifier as SQL reads it.
pub(crate) fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL reads it.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
