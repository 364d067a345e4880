//! Open sessions, by the OID of the role they began as.

use super::cluster::{Cluster, with_tracked};
use super::rows::SessionRow;
use super::session::Session;
use super::statements as sql;
use crate::domain::residual::{Residual, ResidualKind as K, Strength as S};
use crate::domain::time::UtcTime;

/// Sessions of tracked roles, and of roles that exist no more.
pub(super) async fn read(session: &mut Session<'_>, cluster: &Cluster) {
    let rows: Option<Vec<SessionRow>> = with_tracked(session, cluster, &sql::SESSIONS).await;
    for row in rows.unwrap_or_default() {
        let kind = if row.vanished {
            K::VanishedSession
        } else if row.backend_type.as_deref() == Some("walsender") {
            K::Replication
        } else {
            K::Session
        };
        let mut found = Residual::new(kind, S::ActsNow, cluster.account(row.role.0));
        found.since = row.started_us.and_then(UtcTime::from_micros);
        // A pid alone may be used again; with the start it is one session.
        found.object = Some(match found.since {
            Some(since) => format!("pid {} since {since}", row.pid),
            None => format!("pid {}", row.pid),
        });
        found.database = row.database;
        found.detail = Some(session_detail(row.pid, row.client, row.application, found.since));
        let found = found.described();
        if cluster.tracked.contains(&row.role.0) {
            session.observation.residual.push(found);
        } else {
            session.observation.vanished.push(found);
        }
    }
}

fn session_detail(
    pid: i32,
    client: Option<String>,
    application: Option<String>,
    since: Option<UtcTime>,
) -> String {
    let mut parts = vec![format!("pid {pid}")];
    parts.extend(client.map(|address| format!("from {address}")));
    parts.extend(application.filter(|name| !name.is_empty()).map(|name| format!("program {name}")));
    parts.extend(since.map(|since| format!("since {since}")));
    parts.join(", ")
}
