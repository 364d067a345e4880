//! What was read of each database by earlier looks, and what makes it outdated. Reading all access lists is dear
//! and `pg_shdepend`, which each look reads for all databases, tells of nearly every change; so they are read
//! anew only when something tells of a change, or when the last time is too long ago.

use super::Pace;
use super::cluster::Cluster;
use super::rows::{Answering, DatabaseRow, DependencyRow};
use super::share::Partly;
use crate::domain::ids::SystemIdentifier;
use crate::domain::observation::{Coverage, Observation};
use crate::domain::residual::Residual;
use crate::domain::time::UtcTime;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What one database holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) residual: Vec<Residual>,
    /// Of whom there is more.
    pub(super) partly: Partly,
    pub(super) ambient: Vec<String>,
    pub(super) excess: Vec<String>,
    pub(super) coverage: Vec<Coverage>,
}

impl Found {
    /// Writes it into the look.
    pub(super) fn tell(self, observation: &mut Observation) {
        observation.residual.extend(self.residual);
        self.partly.tell(observation);
        observation.ambient.extend(self.ambient);
        observation.excess.extend(self.excess);
    }
}

type Dependency = (u32, u32, u32, i32, String);

/// A database that was read whole.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    name: String,
    /// When the look began that read it.
    pub(super) read_at: UtcTime,
    since: Instant,
    /// When `changes` was last found the same.
    compared: Instant,
    changes: Option<String>,
    /// What the server's statistics counted in the whole database before `changes` was asked.
    written: String,
    tracked: BTreeSet<u32>,
    dependencies: BTreeSet<Dependency>,
    pub(super) found: Found,
}

/// Whether a database has to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Yes, whatever the server's statistics say.
    Read,
    /// Only if the server's statistics tell of a change.
    Compare,
    /// Not in this look.
    Rest,
}

fn dependencies(cluster: &Cluster, database: &DatabaseRow) -> BTreeSet<Dependency> {
    let key = |row: &DependencyRow| {
        (row.role.0, row.class.0, row.object.0, row.sub_object, row.kind.clone())
    };
    cluster.dependencies.iter().filter(|row| row.database == database.oid).map(key).collect()
}

impl Remembered {
    pub(super) fn new(
        cluster: &Cluster,
        database: &DatabaseRow,
        read_at: UtcTime,
        changes: Option<String>,
        found: Found,
    ) -> Self {
        Self {
            name: database.name.clone(),
            read_at,
            since: Instant::now(),
            compared: Instant::now(),
            changes,
            written: database.written.clone(),
            tracked: cluster.tracked.clone(),
            dependencies: dependencies(cluster, database),
            found,
        }
    }

    /// What the newest snapshot of the cluster says about it.
    pub(super) fn due(&mut self, cluster: &Cluster, database: &DatabaseRow, pace: &Pace) -> Due {
        let tracked = &cluster.tracked;
        let mut known = self.dependencies.clone();
        known.retain(|(role, ..)| tracked.contains(role));
        let changed = self.name != database.name
            || !tracked.is_subset(&self.tracked)
            || known != dependencies(cluster, database)
            || self.names_changed(cluster);
        if changed || self.since.elapsed() >= pace.deep {
            Due::Read
        } else if self.compared.elapsed() < pace.compare {
            Due::Rest
        } else if self.changes.is_some() && self.written == database.written {
            // Nothing was written there at all, access or other. That is known without a connection to it.
            self.compared = Instant::now();
            Due::Rest
        } else {
            Due::Compare
        }
    }

    /// Whether a role that a finding names is called otherwise now, or is gone.
    fn names_changed(&self, cluster: &Cluster) -> bool {
        self.found.residual.iter().any(|found| {
            let others = [&found.grantor, &found.owner];
            cluster.role_name(found.account.oid.0) != found.account.role.as_deref()
                || others.into_iter().flatten().any(|name| !cluster.has_role_called(name))
        })
    }

    /// Whether the server's statistics are as they were. Without them nobody can say so. The whole `database`'s
    /// were read before: whatever those have, these have too.
    pub(super) fn unchanged(&mut self, database: &DatabaseRow, changes: Option<&str>) -> bool {
        let same = changes.is_some() && self.changes.as_deref() == changes;
        if same {
            self.compared = Instant::now();
            self.written.clone_from(&database.written);
        }
        same
    }

    /// What it holds of the accounts that are searched for now.
    pub(super) fn recall(&self, cluster: &Cluster) -> Found {
        let mut found = self.found.clone();
        found.residual.retain(|residual| cluster.tracked.contains(&residual.account.oid.0));
        found.partly.retain(&cluster.tracked);
        found
    }
}

/// The databases of one cluster, by OID.
#[derive(Debug, Default)]
struct State {
    cluster: Option<(SystemIdentifier, Answering)>,
    databases: BTreeMap<u32, Remembered>,
}

/// What a target's looks remember of each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Arc<Mutex<State>>);

impl Memory {
    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what is known of the databases of this server out; another one's is forgotten, and that of this one
    /// from before it was restarted or promoted.
    pub(super) fn take(
        &self,
        look: &Observation,
        answering: Option<Answering>,
    ) -> BTreeMap<u32, Remembered> {
        let mut state = self.locked();
        let now = server(look, answering);
        let mut known = std::mem::take(&mut *state);
        // From before the clock was set back: it would pass for read by this look.
        known.databases.retain(|_, remembered| remembered.read_at <= look.started_at);
        if now.is_some() && known.cluster == now { known.databases } else { BTreeMap::new() }
    }

    /// Keeps what is known now.
    pub(super) fn keep(
        &self,
        look: &Observation,
        answering: Option<Answering>,
        databases: BTreeMap<u32, Remembered>,
    ) {
        *self.locked() = State { cluster: server(look, answering), databases };
    }
}

fn server(
    look: &Observation,
    answering: Option<Answering>,
) -> Option<(SystemIdentifier, Answering)> {
    look.server.as_ref().map(|server| server.system_identifier).zip(answering)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RoleOid;
    use crate::domain::observation::Server;
    use crate::domain::residual::{AccountRef, ResidualKind, Strength};
    use sqlx::postgres::types::Oid;

    fn look(at: i64) -> Observation {
        let mut look = Observation::begun("orders", UtcTime::from_micros(at).unwrap());
        look.server = Some(Server {
            system_identifier: SystemIdentifier(7),
            version: "15.18".into(),
            version_num: 150_018,
            in_recovery: false,
            timeline: 1,
            clock_skew_us: 0,
            agent_role: "agent".into(),
        });
        look
    }

    #[expect(clippy::unnecessary_wraps, reason = "a server may not have said who it is")]
    fn answers(started_us: i64, in_recovery: bool) -> Option<Answering> {
        Some(Answering { read_only: true, started_us, in_recovery })
    }

    /// A database in which a look at 100 found this.
    fn remembered(found: Found) -> Remembered {
        let database = DatabaseRow {
            oid: Oid(5),
            name: "d".into(),
            allows_connections: true,
            may_connect: true,
            owner: "app".into(),
            written: String::new(),
        };
        Remembered::new(&Cluster::default(), &database, look(100).started_at, None, found)
    }

    /// What a look at `at` knows by heart if one at 100 read a database.
    fn known(at: i64, answering: Option<Answering>) -> usize {
        let memory = Memory::default();
        let (read, remembered) = (look(100), remembered(Found::default()));
        memory.keep(&read, answers(1, false), [(5, remembered)].into());
        memory.take(&look(at), answering).len()
    }

    #[test]
    fn what_was_read_before_the_clock_was_set_back_is_forgotten() {
        assert_eq!(known(101, answers(1, false)), 1);
        assert_eq!(known(99, answers(1, false)), 0, "it would pass for read by this look");
    }

    /// Nobody asks about the others any more, and what is said of them is as old as the look that read it.
    #[test]
    fn only_what_is_known_of_those_who_are_searched_for_is_recalled() {
        let residual = |role: u32| {
            let account = AccountRef { target: "orders".into(), oid: RoleOid(role), role: None };
            Residual::new(ResidualKind::Privilege, Strength::Latent, account)
        };
        let found = Found {
            residual: [7, 8, 9].map(residual).into(),
            partly: Partly::of("d", &[7, 8, 9]),
            ..Found::default()
        };
        let mut cluster = Cluster::default();
        cluster.tracked = [8, 10].into();
        let recalled = remembered(found).recall(&cluster);
        let roles: Vec<u32> = recalled.residual.iter().map(|found| found.account.oid.0).collect();
        assert_eq!((roles, recalled.partly.roles()), (vec![8], [8].into()));
    }

    #[test]
    fn what_another_server_showed_is_forgotten() {
        assert_eq!(known(101, answers(2, false)), 0, "a copy, or restarted");
        assert_eq!(known(101, answers(1, true)), 0, "a standby");
        assert_eq!(known(101, None), 0);
    }
}
