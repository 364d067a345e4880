//! One look: which instance is asked, what is read of it, and what is taken from memory.

use super::cluster::{self, Cluster};
use super::database;
use super::memory::{Due, Remembered};
use super::rows::DatabaseRow;
use super::session::{Session, Way};
use super::statements::{self as sql, CLUSTER_SURFACES, DATABASE_SURFACES, FILES};
use super::trouble::Trouble;
use super::{
    Depth, Facts, Target, Wanted, activity, instance, jobs, mapping, prepared, probes, server,
};
use crate::clock;
use crate::domain::observation::{Cause, Gap, NotCovered, Observation};
use crate::domain::plan::locks::Held;
use crate::domain::plan::quote::ident;
use crate::domain::residual::ResidualKind;
use std::collections::BTreeMap;

/// What no look reads: the surface it would be, its name, why, and what to do about it.
const UNREAD: &[(Option<ResidualKind>, &str, &str, &str)] = &[
    (
        Some(ResidualKind::Credential),
        "passwords and other credentials",
        "no look tries whether a secret still works",
        "change the secret, and try the old one with revoked probe login",
    ),
    (
        Some(ResidualKind::Probe),
        "poolers and applications",
        "accounts outside Postgres are not looked at",
        "end the accounts and connections there",
    ),
];

/// Of what its probes ask of.
const BEYOND_PROBES: &str =
    "beyond what its probes ask, accounts outside Postgres are not looked at";

/// Databases per look of which only the statistics are asked: each costs a connection.
const COMPARED: usize = 4;

impl Target {
    /// Looks for what `wanted` has. Always gives an observation: what failed is a gap in it.
    pub async fn look(&self, wanted: &Wanted) -> Observation {
        self.look_with_facts(wanted).await.0
    }

    /// As [`look`](Self::look), with what a plan needs.
    pub async fn look_with_facts(&self, wanted: &Wanted) -> (Observation, Facts) {
        let mut observation = Observation::begun(&self.name, clock::now());
        observation.searched.clone_from(&wanted.names);
        observation.probing.declared =
            self.probes.iter().map(|probe| probe.declared.clone()).collect();
        let mut facts = Facts::default();
        let ways = self.every_way();
        let first = primary(&ways).await;
        let Some((_, way)) = ways.get(first) else { return (observation, facts) };
        let mut session = Session::open(way, None, &mut observation).await;
        if let Some(trouble) = session.broken().cloned() {
            session.close().await;
            observation.gaps.extend(self.nobody_answers(&trouble));
        } else {
            let follow = ways.len() > 1;
            let mut cluster = cluster::read(&mut session, wanted, &self.required, follow).await;
            if !self.shdepend_only.is_empty() {
                cluster.cron = jobs::home(&mut session).await;
            }
            session.close().await;
            self.look_at_instances(&ways, first, wanted, &mut cluster, &mut observation).await;
            facts.database_owner =
                cluster.databases.iter().map(|d| (d.name.clone(), d.owner.clone())).collect();
            let closed = cluster.databases.iter().filter(|d| !d.allows_connections);
            facts.closed = closed.map(|d| d.name.clone()).collect();
            facts.superusers.clone_from(&cluster.superusers);
            facts.memberships.clone_from(&cluster.memberships);
            self.look_into_databases(way, &cluster, wanted.depth, &mut observation).await;
            let asking = probes::Asking {
                probes: &self.probes,
                memory: &self.told,
                pace: self.pace,
                wanted,
            };
            probes::ask(way, &asking, &mut observation).await;
            activity::finish(way, wanted, ways.len(), &mut observation).await;
            mapping::ask(way, wanted, &mut observation).await;
            if wanted.depth == Depth::Full {
                facts.locks = locks(way, &cluster, &mut observation).await;
            }
        }
        self.unread(&mut observation);
        observation.residual.sort();
        observation.residual.dedup_by(|a, b| a.identity() == b.identity());
        // It is kept until the next one.
        observation.compact();
        observation.ended_at = clock::now();
        (observation, facts)
    }

    /// Looks at each instance but the one whose catalogs were read.
    async fn look_at_instances(
        &self,
        ways: &[(&str, Way<'_>)],
        first: usize,
        wanted: &Wanted,
        cluster: &mut Cluster,
        observation: &mut Observation,
    ) {
        let mut before = Vec::new();
        if let Some((name, way)) = ways.get(first) {
            before.extend(way.answering().map(|who| (*name, who)));
        }
        for (_, one) in ways.iter().enumerate().filter(|(index, _)| *index != first) {
            let (name, way) = one;
            let mut session = Session::open(way, None, observation).await;
            let required = &self.required;
            let asked = instance::Asked { name, wanted, required, before: &before };
            instance::read(&mut session, cluster, &asked).await;
            session.close().await;
            before.extend(way.answering().map(move |who| (*name, who)));
        }
        observation.not_covered.extend(cluster.streams.strangers(&self.name));
    }

    /// The ways to all instances; the first is that of the target's own URL, and bears its name.
    fn every_way(&self) -> Vec<(&str, Way<'_>)> {
        let others = self.instances.iter().map(|other| {
            (other.name.as_str(), Way::new(&other.options, &other.doors, self.limits))
        });
        let own = (self.name.as_str(), Way::new(&self.options, &self.doors, self.limits));
        std::iter::once(own).chain(others).collect()
    }

    /// What no look reads: said with every answer, or a gap where it has to be seen.
    fn unread(&self, observation: &mut Observation) {
        for (kind, surface, reason, fix) in UNREAD {
            // A probe that has to be asked is what is required of them.
            let asked = *kind == Some(ResidualKind::Probe)
                && self.probes.iter().any(|probe| probe.declared.required);
            if !asked && kind.is_some_and(|kind| self.required.contains(&kind)) {
                let gaps = kind.map(|surface| Gap {
                    surface,
                    target: self.name.clone(),
                    database: None,
                    reason: (*reason).to_owned(),
                    fix: format!("{fix}; then take {surface} out of `required`"),
                    cause: Cause::Internal,
                });
                observation.gaps.extend(gaps);
            } else {
                let beyond = *kind == Some(ResidualKind::Probe) && !self.probes.is_empty();
                let reason = if beyond { BEYOND_PROBES } else { reason };
                observation.not_covered.push(NotCovered {
                    surface: format!("{surface} of {}", self.name),
                    reason: reason.to_owned(),
                });
            }
        }
    }

    fn nobody_answers(&self, trouble: &Trouble) -> Vec<Gap> {
        CLUSTER_SURFACES
            .iter()
            .chain(FILES.iter().filter(|surface| self.required.contains(surface)))
            .map(|surface| Gap {
                surface: *surface,
                target: self.name.clone(),
                database: None,
                reason: trouble.reason.clone(),
                fix: trouble.fix.clone(),
                cause: trouble.cause,
            })
            .collect()
    }

    async fn look_into_databases(
        &self,
        way: &Way<'_>,
        cluster: &Cluster,
        depth: Depth,
        observation: &mut Observation,
    ) {
        let mut known = self.memory.take(observation, way.answering());
        let mut kept = BTreeMap::new();
        let mut compared = 0;
        for database in &cluster.databases {
            if let Some(why) = self.judged_by_dependency_alone(database) {
                observation.not_covered.push(NotCovered {
                    surface: format!("access lists of {}/{}", self.name, database.name),
                    reason: format!("judged by pg_shdepend alone: {} {why}", database.name),
                });
                observation.residual.extend(cluster.by_dependency_alone(database));
                let agent = observation.server.as_ref().map(|server| server.agent_role.as_str());
                let jobs = jobs::unread(&self.name, database, cluster, agent);
                observation.gaps.extend(jobs);
                continue;
            }
            if !database.may_connect {
                observation.residual.extend(cluster.by_dependency_alone(database));
                observation.gaps.extend(self.may_not_connect(&database.name, observation));
                continue;
            }
            let mut remembered = known.remove(&database.oid.0);
            let due = match (&mut remembered, depth) {
                (Some(remembered), Depth::Due) => remembered.due(cluster, database, &self.pace),
                (None, _) | (_, Depth::Full) => Due::Read,
            };
            let due = if due == Due::Compare && compared == COMPARED { Due::Rest } else { due };
            compared += usize::from(due == Due::Compare);
            if due != Due::Rest {
                remembered = read_anew(way, cluster, database, remembered, due, observation).await;
            }
            // What could not be read whole is in the look with its gaps, and is read again by the next.
            if let Some(remembered) = remembered {
                if remembered.read_at < observation.started_at {
                    observation.deep_at = observation.deep_at.min(remembered.read_at);
                    observation.recalled.insert(database.name.clone());
                    observation.coverage.extend(remembered.found.coverage.iter().cloned());
                }
                remembered.recall(cluster).tell(observation);
                kept.insert(database.oid.0, remembered);
            }
        }
        self.memory.keep(observation, way.answering(), kept);
    }

    /// Why nobody enters a database, if so.
    fn judged_by_dependency_alone(&self, database: &DatabaseRow) -> Option<&'static str> {
        if self.shdepend_only.contains(&database.name) {
            Some("is listed under shdepend_only")
        } else if !database.allows_connections {
            Some("does not accept connections")
        } else {
            None
        }
    }

    fn may_not_connect(&self, database: &str, observation: &Observation) -> Vec<Gap> {
        let agent =
            observation.server.as_ref().map_or("the agent's role", |s| s.agent_role.as_str());
        DATABASE_SURFACES
            .iter()
            .map(|surface| Gap {
                surface: *surface,
                target: self.name.clone(),
                database: Some(database.to_owned()),
                reason: format!("{agent} may not connect to database {database}"),
                fix: format!("GRANT CONNECT ON DATABASE {} TO {};", ident(database), ident(agent)),
                cause: Cause::PermissionDenied,
            })
            .collect()
    }
}

/// Index of the instance that is the primary. Without one it is the first that answers, without that the first.
async fn primary(ways: &[(&str, Way<'_>)]) -> usize {
    if ways.len() == 1 {
        return 0;
    }
    let mut answers = None;
    for (index, (name, way)) in ways.iter().enumerate() {
        // What is wrong with an instance is told when it is read.
        let mut asking = Observation::begun(name, clock::now());
        let mut session = Session::open(way, None, &mut asking).await;
        session.begin().await;
        let seen = server::ask(&mut session, &sql::SERVER).await;
        session.end().await;
        session.close().await;
        match seen {
            Some(server) if !server.in_recovery => return index,
            Some(_) => answers = answers.or(Some(index)),
            None => {}
        }
    }
    answers.unwrap_or(0)
}

/// The locks of prepared transactions, for a plan.
async fn locks(way: &Way<'_>, cluster: &Cluster, observation: &mut Observation) -> Vec<Held> {
    let mut all = Vec::new();
    let open = cluster.databases.iter().filter(|d| d.allows_connections && d.may_connect);
    for database in open.filter(|d| cluster.prepared_in.contains(&d.name)) {
        let mut session = Session::open(way, Some(&database.name), observation).await;
        all.extend(prepared::locks(&mut session, cluster).await);
        session.close().await;
    }
    all
}

/// Reads a database, or finds that what is remembered of it still holds. `None`: it could not be read whole, and
/// what was found is in the look.
async fn read_anew(
    way: &Way<'_>,
    cluster: &Cluster,
    database: &DatabaseRow,
    remembered: Option<Remembered>,
    due: Due,
    observation: &mut Observation,
) -> Option<Remembered> {
    let begun = observation.started_at;
    let mut session = Session::open(way, Some(&database.name), observation).await;
    let changes = database::changes(&mut session).await;
    if let (Due::Compare, Some(mut remembered)) = (due, remembered)
        && remembered.unchanged(database, changes.as_deref())
    {
        session.close().await;
        return Some(remembered);
    }
    let read = database::read(&mut session, cluster, database).await;
    session.close().await;
    if read.whole {
        return Some(Remembered::new(cluster, database, begun, changes, read.found));
    }
    read.found.tell(observation);
    None
}
