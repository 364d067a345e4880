//! The further instances of a cluster: what each has for itself, sessions above all.

use super::cluster::Cluster;
use super::session::Session;
use super::statements as sql;
use super::{server, sessions};
use crate::domain::observation::{Cause, Instance};

/// Reads one instance that is not the one whose catalogs were read.
pub(super) async fn read(session: &mut Session<'_>, cluster: &Cluster, name: &str) {
    if let Some(trouble) = session.broken().cloned() {
        let reason = format!("instance {name}: {}", trouble.reason);
        for surface in sql::INSTANCE_SURFACES {
            session.gap_at(*surface, trouble.cause, &reason, "sessions");
        }
        return;
    }
    session.begin().await;
    let this = server::ask(session, &sql::INSTANCE).await;
    session.end().await;
    let Some(this) = this else { return };
    let cluster_of_look =
        session.observation.server.as_ref().map(|server| server.system_identifier);
    if cluster_of_look.is_some_and(|known| known != this.system_identifier) {
        let reason = format!("instance {name} is of another cluster ({})", this.system_identifier);
        for surface in sql::INSTANCE_SURFACES {
            session.gap_at(*surface, Cause::Internal, &reason, "server");
        }
        return;
    }
    session.observation.instances.push(Instance {
        name: name.to_owned(),
        version: this.version,
        in_recovery: this.in_recovery,
    });
    session.begin().await;
    sessions::read(session, cluster, Some(name)).await;
    session.end().await;
}
