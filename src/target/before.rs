//! What is read before the snapshot of the catalogs. Whoever has a session sees what the agent does, and could act
//! after the snapshot and be gone before sessions are read. So they are read on both sides of it.

use super::arriving::{self, HeldUp};
use super::cluster::{Cluster, with_tracked};
use super::rows::{AdmittedRow, PreparedRow, RoleRow, SessionRow};
use super::session::Session;
use super::statements as sql;
use super::{Wanted, sessions};
use crate::domain::ids::RoleOid;
use crate::domain::observation::{Cause, Gap};
use crate::domain::residual::ResidualKind;
use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use std::collections::{BTreeMap, BTreeSet};

/// What was there before the snapshot.
pub(super) struct Before {
    /// Whether each role searched for could log in; `None` where it could not be read, which is a gap.
    admitted: Option<BTreeMap<u32, bool>>,
    sessions: Vec<SessionRow>,
    pub(super) prepared: Vec<PreparedRow>,
    pub(super) held_up: HeldUp,
}

/// Who may log in, in the transaction that is open.
pub(super) async fn admitted(
    session: &mut Session<'_>,
    wanted: &Wanted,
) -> Option<BTreeMap<u32, bool>> {
    let oids: Vec<sqlx::postgres::types::Oid> =
        wanted.oids.iter().map(|oid| sqlx::postgres::types::Oid(oid.0)).collect();
    let names: Vec<String> = wanted.names.iter().cloned().collect();
    let mut arguments = PgArguments::default();
    if arguments.add(oids).and_then(|()| arguments.add(names)).is_err() {
        session.gap(&sql::ADMITTED, Cause::Internal, "the roles could not be bound");
        return None;
    }
    let rows: Vec<AdmittedRow> = session.rows(&sql::ADMITTED, arguments).await?;
    Some(rows.into_iter().map(|row| (row.oid.0, row.login)).collect())
}

/// Sessions and prepared transactions, in a transaction of their own.
pub(super) async fn read(
    session: &mut Session<'_>,
    cluster: &mut Cluster,
    wanted: &Wanted,
    admitted: Option<BTreeMap<u32, bool>>,
) -> Before {
    cluster.tracked = wanted.oids.iter().map(|oid| oid.0).collect();
    cluster.tracked.extend(admitted.iter().flat_map(BTreeMap::keys));
    let mut held_up = HeldUp::default();
    arriving::begin(session, &mut held_up, None).await;
    let sessions = with_tracked(session, cluster, &sql::SESSIONS).await.unwrap_or_default();
    // After the sessions: what one of them prepared is there. Before the snapshot: see sql/prepared.sql.
    let prepared = session.rows(&sql::PREPARED, PgArguments::default()).await.unwrap_or_default();
    session.end().await;
    Before { admitted, sessions, prepared, held_up }
}

impl Before {
    /// Those of its sessions that are over by now. What they did before they ended may be in no snapshot.
    pub(super) fn ended(&mut self, now: &[SessionRow]) -> Vec<SessionRow> {
        let mut rows = std::mem::take(&mut self.sessions);
        let there: BTreeSet<_> = now.iter().map(SessionRow::identity).collect();
        rows.retain(|row| !there.contains(&row.identity()));
        rows
    }

    /// Of whom a session may have begun after the first look at sessions, and ended before the second.
    pub(super) fn doubt(&self, session: &mut Session<'_>, cluster: &Cluster, roles: &[RoleRow]) {
        let Some(admitted) = &self.admitted else { return };
        for role in &cluster.tracked {
            let now = roles.iter().find(|row| row.oid.0 == *role);
            let login = now.is_some_and(|row| row.has(RoleRow::LOGIN));
            let changed = match admitted.get(role) {
                Some(before) => *before && !login,
                None => now.is_some(),
            };
            if !changed {
                continue;
            }
            let target = session.observation.target.clone();
            let gap = Gap {
                surface: ResidualKind::Session,
                target,
                database: None,
                reason: format!(
                    "{} changed while this look was made: a session may have begun and ended meanwhile",
                    cluster.account(*role)
                ),
                fix: "wait for the next look".to_owned(),
                cause: Cause::Internal,
            };
            session.observation.partly.entry(RoleOid(*role)).or_default().push(gap);
        }
    }
}

/// Reads sessions after the snapshot, and tells of all.
pub(super) async fn sessions(session: &mut Session<'_>, cluster: &Cluster, before: &mut Before) {
    arriving::begin(session, &mut before.held_up, None).await;
    let rows: Vec<SessionRow> =
        with_tracked(session, cluster, &sql::SESSIONS).await.unwrap_or_default();
    let ended = before.ended(&rows);
    sessions::report(session, cluster, None, rows);
    sessions::report(session, cluster, None, ended);
}
