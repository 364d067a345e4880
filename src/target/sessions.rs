//! Open sessions, by the OID of the role they began as.

use super::cluster::Cluster;
use super::rows::SessionRow;
use super::session::Session;
use super::statements as sql;
use crate::domain::observation::Cause;
use crate::domain::residual::{Residual, ResidualKind as K, Strength as S};
use crate::domain::time::UtcTime;
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;

/// Notes these sessions: those of tracked roles, and of roles that exist no more; of `instance`, if not of the
/// primary.
pub(super) fn report(
    session: &mut Session<'_>,
    cluster: &Cluster,
    instance: Option<&str>,
    rows: Vec<SessionRow>,
) {
    for row in rows {
        let tracked = cluster.tracked.contains(&row.role.0);
        if !tracked && !row.vanished {
            // It was searched for under a name that this role bears no more.
            continue;
        }
        let kind = if row.vanished {
            K::VanishedSession
        } else if row.backend_type.as_deref() == Some("walsender") {
            K::Replication
        } else {
            K::Session
        };
        let mut found = Residual::new(kind, S::ActsNow, cluster.account(row.role.0));
        // Nobody logged in for it: its leader, or the server itself, began it.
        let begun = ["client backend", "walsender"];
        found.background = row.backend_type.as_deref().is_some_and(|kind| !begun.contains(&kind));
        found.since = row.started_us.and_then(UtcTime::from_micros);
        // A pid alone may be used again; with the start it is one session.
        let mut object = format!("pid {}", row.pid);
        if let Some(since) = found.since {
            object = format!("{object} since {since}");
        }
        if let Some(instance) = instance {
            object = format!("{object} on {instance}");
        }
        found.object = Some(object);
        found.instance = instance.map(str::to_owned);
        let detail = session_detail(row.pid, row.client, row.application, found.since);
        found.detail = Some(match instance {
            Some(instance) => format!("on instance {instance}, {detail}"),
            None => detail,
        });
        found.database = row.database;
        let found = found.described();
        if tracked {
            session.observation.residual.push(found);
        } else {
            session.observation.vanished.push(found);
        }
    }
}

/// Sessions of an instance other than the primary.
pub(super) async fn of_instance(
    session: &mut Session<'_>,
    cluster: &Cluster,
) -> Option<Vec<SessionRow>> {
    let statement = &sql::INSTANCE_SESSIONS;
    if !cluster.knows_roles() {
        session.gap(statement, Cause::Internal, "the primary's roles were not read");
        return None;
    }
    let mut arguments = PgArguments::default();
    let bound =
        arguments.add(cluster.tracked_oids()).and_then(|()| arguments.add(cluster.known_oids()));
    if bound.is_err() {
        session.gap(statement, Cause::Internal, "the OIDs could not be bound");
        return None;
    }
    session.rows(statement, arguments).await
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
