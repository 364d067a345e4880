//! The further instances of a cluster: what each has for itself, sessions above all.

use super::arriving::{self, HeldUp};
use super::cluster::Cluster;
use super::rows::Answering;
use super::session::Session;
use super::statements as sql;
use super::trouble::Trouble;
use super::{Wanted, activity, hba, ident, selftest, server, sessions, standby};
use crate::domain::observation::{Cause, Instance};
use crate::domain::residual::ResidualKind;
use std::collections::BTreeSet;

/// What is asked of an instance.
pub(super) struct Asked<'a> {
    pub(super) name: &'a str,
    pub(super) wanted: &'a Wanted,
    pub(super) required: &'a BTreeSet<ResidualKind>,
    /// Instances that were reached before, and who answered there.
    pub(super) before: &'a [(&'a str, Answering)],
}

/// Reads one instance that is not the one whose catalogs were read.
pub(super) async fn read(session: &mut Session<'_>, cluster: &mut Cluster, asked: &Asked<'_>) {
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
    if reached_before(session, asked) {
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
        version: this.version.clone(),
        in_recovery: this.in_recovery,
        clock_skew_us: this.clock_skew_us,
    });
    // Before its sessions: whoever it lets in until it has caught up has one.
    standby::compare(session, cluster, asked.wanted, name, &this).await;
    arriving::begin(session, &mut HeldUp::default(), Some(name)).await;
    let rows = sessions::of_instance(session, cluster).await.unwrap_or_default();
    sessions::report(session, cluster, Some(name), rows);
    selftest::sessions(session).await;
    cluster.streams.count(session).await;
    activity::read(session, asked.wanted).await;
    session.end().await;
    hba::read(session, cluster, asked.wanted, asked.required.contains(&ResidualKind::HbaRule))
        .await;
    ident::read(session, cluster, asked.wanted, asked.required.contains(&ResidualKind::IdentMap))
        .await;
}

/// Whether the server that answers did so under another name already: then the one that this name was meant for is not
/// looked at.
fn reached_before(session: &mut Session<'_>, asked: &Asked<'_>) -> bool {
    let Some(answering) = session.answering() else { return false };
    let Some((other, _)) = asked.before.iter().find(|(_, known)| *known == answering) else {
        return false;
    };
    let target = session.observation.target.clone();
    let name = asked.name;
    let trouble = Trouble {
        cause: Cause::Internal,
        reason: format!("instance {name} leads to the same server as {other}"),
        fix: format!(
            "give targets.{target}.instances.{name} the URL of a server of its own, or take it out; the primary is \
             found among them, so an address that moves with it needs no entry"
        ),
    };
    for surface in sql::INSTANCE_SURFACES {
        session.trouble_at(*surface, &trouble, "server");
    }
    true
}
