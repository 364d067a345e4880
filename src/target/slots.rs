//! Replication slots: whose connection uses one, and which wait for anybody.

use super::rows::SlotRow;
use super::session::Session;
use super::statements as sql;
use crate::domain::residual::Residual;
use sqlx::postgres::PgArguments;

/// Adds slots in use to the finding of the session that uses them. A slot belongs to nobody, so those that
/// are not in use are only shown.
pub(super) async fn read(session: &mut Session<'_>) {
    let rows: Option<Vec<SlotRow>> = session.rows(&sql::SLOTS, PgArguments::default()).await;
    let mut idle: Vec<String> = Vec::new();
    for slot in rows.unwrap_or_default() {
        let Some(pid) = slot.pid else {
            let database = slot.database.map_or(String::new(), |name| format!(" of {name}"));
            idle.push(format!("{} ({}{database})", slot.name, slot.kind));
            continue;
        };
        let observation = &mut *session.observation;
        let found = observation.residual.iter_mut().chain(&mut observation.vanished);
        for found in found.filter(|found| is_of(found, pid)) {
            let detail = found.detail.take().unwrap_or_default();
            found.detail = Some(format!("{detail}, uses the {} slot {}", slot.kind, slot.name));
            *found = found.clone().described();
        }
    }
    if !idle.is_empty() {
        session.observation.ambient.push(format!(
            "replication slots that nobody uses and that belong to nobody (unattributed): {}",
            idle.join(", ")
        ));
    }
}

/// Whether `found` is the session of the process `pid`; see `sessions`, which names it.
fn is_of(found: &Residual, pid: i32) -> bool {
    let words = found.object.as_deref().map(|object| object.split(' '));
    words.is_some_and(|mut words| {
        words.next() == Some("pid") && words.next() == Some(pid.to_string().as_str())
    })
}
