//! Which server answers a connection.

use super::rows::ServerRow;
use super::session::Session;
use super::statements as sql;
use crate::clock;
use crate::domain::ids::SystemIdentifier;
use crate::domain::observation::{Cause, Server};
use sqlx::postgres::PgArguments;

/// Asks the server who it is. `None`: there is a gap.
pub(super) async fn ask(session: &mut Session<'_>, statement: &sql::Statement) -> Option<Server> {
    let asked = clock::now();
    let rows: Option<Vec<ServerRow>> = session.rows(statement, PgArguments::default()).await;
    let answered = clock::now();
    let row = rows.and_then(|mut rows| rows.pop())?;
    let Ok(system_identifier) = row.system_identifier.parse() else {
        session.gap(statement, Cause::Internal, "system_identifier is not a number");
        return None;
    };
    // Half the round trip is the best guess at when the server read its clock.
    let middle = i64::midpoint(asked.micros(), answered.micros());
    Some(Server {
        system_identifier: SystemIdentifier(system_identifier),
        version: row.version,
        version_num: row.version_num,
        in_recovery: row.in_recovery,
        timeline: row.timeline,
        clock_skew_us: row.clock_us - middle,
        agent_role: row.agent_role,
    })
}

/// Takes the server that answers for the look's own.
pub(super) async fn begin_with(session: &mut Session<'_>) {
    let Some(server) = ask(session, &sql::SERVER).await else { return };
    if server.in_recovery {
        // Its catalogs lag and it shows neither prepared transactions nor the primary's sessions: what it
        // shows is there, what it does not show may be there all the same.
        for surface in sql::CLUSTER_SURFACES {
            session.gap_at(*surface, Cause::Internal, "the server is a standby", "server");
        }
    }
    session.observation.server = Some(server);
}
