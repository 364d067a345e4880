//! The further instances of a cluster: what each has for itself, sessions above all.

use super::cluster::Cluster;
use super::session::Session;
use super::statements as sql;
use super::trouble::Trouble;
use super::{Wanted, activity, hba, ident, selftest, server, sessions};
use crate::domain::observation::{Cause, Instance};
use crate::domain::residual::ResidualKind;
use std::collections::BTreeSet;

/// What is asked of an instance.
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    pub(super) wanted: &'a Wanted,
    pub(super) required: &'a BTreeSet<ResidualKind>,
}

/// Reads one instance that is not the one whose catalogs were read.
pub(super) async fn read(session: &mut Session<'_>, cluster: &Cluster, asked: &Asked<'_>) {
    let name = asked.name;
    if let Some(trouble) = session.broken().cloned() {
        let target = session.observation.target.clone();
        let fix = if trouble.fix.is_empty() {
            "check that its server is up and its URL right".to_owned()
        } else {
            trouble.fix
        };
        let trouble = Trouble {
            cause: trouble.cause,
            reason: format!("instance {name}: {}", trouble.reason),
            fix: format!("instance {name} (targets.{target}.instances.{name}): {fix}"),
        };
        let files = sql::FILES.iter().filter(|surface| asked.required.contains(surface));
        for surface in sql::INSTANCE_SURFACES.iter().chain(files) {
            session.trouble_at(*surface, &trouble, "sessions");
        }
        return;
    }
    session.begin().await;
    let this = server::ask(session, &sql::INSTANCE).await;
    session.end().await;
    let Some(this) = this else {
        let files = sql::FILES.iter().filter(|surface| asked.required.contains(surface));
        for surface in files {
            let reason = format!("instance {name} did not say who it is");
            session.gap_at(*surface, Cause::Internal, &reason, "server");
        }
        return;
    };
    let cluster_of_look =
        session.observation.server.as_ref().map(|server| server.system_identifier);
    if cluster_of_look.is_some_and(|known| known != this.system_identifier) {
        let reason = format!("instance {name} is of another cluster ({})", this.system_identifier);
        let files = sql::FILES.iter().filter(|surface| asked.required.contains(surface));
        for surface in sql::INSTANCE_SURFACES.iter().chain(files) {
            session.gap_at(*surface, Cause::Internal, &reason, "server");
        }
        return;
    }
    let writable = session.observation.server.as_ref().is_some_and(|server| !server.in_recovery);
    if writable && !this.in_recovery {
        // Each goes its own way, and only one of them was read: an old primary that came back, or a copy.
        let reason = format!("instance {name} takes writes too: the cluster has two primaries");
        for surface in sql::CLUSTER_SURFACES {
            session.gap_at(*surface, Cause::Internal, &reason, "server");
        }
    }
    session.observation.instances.push(Instance {
        name: name.to_owned(),
        version: this.version,
        in_recovery: this.in_recovery,
        clock_skew_us: this.clock_skew_us,
    });
    session.begin().await;
    sessions::read(session, cluster, Some(name)).await;
    selftest::sessions(session).await;
    activity::read(session, asked.wanted).await;
    session.end().await;
    hba::read(session, cluster, asked.wanted, asked.required.contains(&ResidualKind::HbaRule))
        .await;
    ident::read(session, cluster, asked.wanted, asked.required.contains(&ResidualKind::IdentMap))
        .await;
}
