//! A random graph: roles, memberships, objects, grants, and what people call a revocation.

mod defaults;
mod ends;
mod grants;
mod kinds;
mod people;

use super::rng::Rng;
use super::script::{DATABASES, Phase, Script, ident};

/// Endings of role names. Every one of them has been an injection or a wrong quote somewhere.
const ENDINGS: [&str; 12] = [
    "",
    "",
    "",
    "",
    "",
    " With Space",
    "\"; DROP TABLE x; --",
    "'q'\\",
    "Ünïcode",
    "=r/x",
    "\nnew line",
    ",{}%I$1:a",
];

/// One graph, a function of its seed and the server's major version alone.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    pub(crate) seed: u64,
    pub(crate) script: Script,
}

/// A role while the graph is drawn.
pub(crate) struct Role {
    /// Quoted.
    name: String,
    /// It got SUPERUSER, and keeps it when an object needs a superuser as its owner.
    superuser: bool,
    /// Gets nothing, ever: what the agent says of it must be `Revoked`.
    clean: bool,
    /// Stands in a list that was edited by hand.
    edited: bool,
}

/// What the parts of the drawing share.
pub(crate) struct Draw {
    rng: Rng,
    major: u32,
    /// Begins every name of this graph.
    tag: String,
    seed: u64,
    roles: Vec<Role>,
    script: Script,
}

/// What every name of a graph begins with.
pub(crate) fn tag(seed: u64) -> String {
    format!("g{seed}_")
}

impl Graph {
    pub(crate) fn draw(seed: u64, major: u32) -> Self {
        let mut draw = Draw {
            rng: Rng::new(seed),
            major,
            tag: tag(seed),
            seed,
            roles: Vec::new(),
            script: Script::default(),
        };
        draw.people();
        for database in 0..DATABASES.len() {
            draw.database(database);
        }
        draw.ends();
        Self { seed, script: draw.script }
    }
}

impl Draw {
    /// Any role but the clean ones.
    fn role(&mut self) -> usize {
        let dirty = self.roles.iter().filter(|role| !role.clean).count();
        self.rng.below(dirty)
    }

    fn name(&self, role: usize) -> String {
        self.roles[role].name.clone()
    }

    /// The quoted name of any role but the clean ones.
    fn someone(&mut self) -> String {
        let role = self.role();
        self.name(role)
    }

    fn add(&mut self, phase: Phase, database: usize, statement: impl Into<String>) {
        self.script.add(phase, database, statement);
    }

    /// A name of this graph, quoted.
    fn own(&self, word: &str) -> String {
        ident(&format!("{}{word}", self.tag))
    }

    /// The graph's part of one database.
    fn database(&mut self, database: usize) {
        if self.rng.percent(25) {
            return;
        }
        self.schema(database);
        let objects = self.objects(database);
        for object in &objects {
            // Grants before and after the owner changes: the server rewrites the grantor of the former.
            if self.rng.percent(50) {
                self.grants_on(database, object);
            }
            self.owner_of(database, object);
            self.grants_on(database, object);
        }
        self.shared(database);
        self.defaults(database);
        self.policies(database, &objects);
        self.mappings(database, &objects);
        self.edits(database, &objects);
        self.prepared(database);
    }
}
