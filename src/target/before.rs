//! What is read before the snapshot of the catalogs. Whoever has a session sees what the agent does, and could act
//! after the snapshot and be gone before sessions are read. So they are read on both sides of it.

use super::arriving::{self, HeldUp};
use super::cluster::{Cluster, with_tracked};
use super::rows::{AdmittedRow, PreparedRow, RoleRow, SessionRow};
use super::session::Session;
use super::sessions;
use super::statements as sql;
use crate::domain::ids::RoleOid;
use crate::domain::observation::{Cause, Gap};
use crate::domain::residual::ResidualKind;
use sqlx::postgres::PgArguments;
use std::collections::BTreeSet;

/// What was there before the snapshot.
pub(super) struct Before {
    /// Who could log in; `None` where it could not be read, which is a gap.
    admitted: Option<BTreeSet<u32>>,
    sessions: Vec<SessionRow>,
    pub(super) prepared: Vec<PreparedRow>,
    held_up: HeldUp,
}

/// Who may log in, in the transaction that is open.
pub(super) async fn admitted(session: &mut Session<'_>) -> Option<BTreeSet<u32>> {
    let rows: Vec<AdmittedRow> = session.rows(&sql::ADMITTED, PgArguments::default()).await?;
    Some(rows.into_iter().map(|row| row.oid.0).collect())
}

/// Sessions and prepared transactions, in a transaction of their own.
pub(super) async fn read(session: &mut Session<'_>, admitted: Option<BTreeSet<u32>>) -> Before {
    let mut held_up = HeldUp::default();
    arriving::begin(session, &mut held_up, None).await;
    let sessions = session.rows(&sql::CONNECTED, PgArguments::default()).await.unwrap_or_default();
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
            let now = roles.iter().any(|row| row.oid.0 == *role && row.has(RoleRow::LOGIN));
            if now || !admitted.contains(role) {
                continue;
            }
            let target = session.observation.target.clone();
            let gap = Gap {
                surface: ResidualKind::Session,
                target,
                database: None,
                reason: format!(
                    "the login of {} was switched off while this look was made: a session may have begun and ended \
                     meanwhile",
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
