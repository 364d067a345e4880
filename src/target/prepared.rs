//! Prepared transactions: whose they are and whom they are about.

use super::cluster::Cluster;
use super::files::moment;
use super::rows::{PreparedLockRow, PreparedRow};
use super::session::Session;
use super::statements as sql;
use super::trouble::Trouble;
use crate::domain::observation::Cause;
use crate::domain::plan::locks::Held;
use crate::domain::plan::quote::literal;
use crate::domain::residual::{AccountRef, Residual, ResidualKind as K, Strength as S};
use crate::domain::time::UtcTime;
use sqlx::postgres::PgArguments;
use std::collections::BTreeSet;

/// A prepared transaction belongs to the role that prepared it and to every role it is about.
pub(super) fn judge(session: &mut Session<'_>, cluster: &Cluster, rows: &[PreparedRow]) {
    for row in rows {
        let mut roles: BTreeSet<u32> = row.locked_roles.iter().map(|oid| oid.0).collect();
        roles.insert(row.role.0);
        for role in roles.iter().filter(|role| cluster.tracked.contains(role)) {
            session.observation.residual.push(prepared_by(row, *role, cluster));
        }
        if row.changes_roles && !is_theirs(session, cluster, &roles) {
            let trouble = changes_roles(row, &cluster.account(row.role.0));
            session.trouble_at(K::PreparedTransaction, &trouble, "prepared");
        }
        let vanished = cluster.knows_roles() && cluster.role_name(row.role.0).is_none();
        if vanished && !cluster.tracked.contains(&row.role.0) {
            session.observation.vanished.push(prepared_by(row, row.role.0, cluster));
        }
    }
}

/// Those of two readings, each once.
pub(super) fn both(mut first: Vec<PreparedRow>, second: Vec<PreparedRow>) -> Vec<PreparedRow> {
    let known: BTreeSet<(String, i64)> =
        first.iter().map(|row| (row.gid.clone(), row.prepared_us)).collect();
    let new = |row: &PreparedRow| !known.contains(&(row.gid.clone(), row.prepared_us));
    first.extend(second.into_iter().filter(new));
    first
}

/// The locks that the prepared transactions of one database hold there.
pub(super) async fn locks(session: &mut Session<'_>, cluster: &Cluster) -> Vec<Held> {
    session.begin().await;
    let rows: Option<Vec<PreparedLockRow>> =
        session.rows(&sql::PREPARED_LOCKS, PgArguments::default()).await;
    session.end().await;
    let held = |row: PreparedLockRow| Held {
        gid: row.gid,
        owner: cluster.role_name(row.role.0).map(str::to_owned),
        database: row.database,
        relation: row.relation,
        mode: row.mode,
    };
    rows.unwrap_or_default().into_iter().map(held).collect()
}

/// Whether nobody is searched for but `roles`, whose residual it is. Otherwise it may be about any of the others, also one who
/// has no role here yet: a row that was changed is not locked.
fn is_theirs(session: &Session<'_>, cluster: &Cluster, roles: &BTreeSet<u32>) -> bool {
    let bears =
        |name: &String| cluster.tracked.iter().any(|role| cluster.role_name(*role) == Some(name));
    !cluster.tracked.is_empty()
        && cluster.tracked.is_subset(roles)
        && session.observation.searched.iter().all(bears)
}

/// What it did is seen by nobody before it is committed, so that whoever prepared it has to be asked.
fn changes_roles(row: &PreparedRow, by: &AccountRef) -> Trouble {
    let PreparedRow { gid, database, prepared_us, .. } = row;
    let database = database.as_deref().unwrap_or("that is gone");
    let at = moment(*prepared_us);
    let sql = literal(gid);
    Trouble {
        cause: Cause::Internal,
        reason: format!(
            "prepared transaction {gid}, prepared by {by} in database {database} at {at}, has changed roles; nobody \
             can see which"
        ),
        fix: format!(
            "ask {by} what it is for and have it ended, in database {database}: ROLLBACK PREPARED {sql}; undoes it, \
             after COMMIT PREPARED {sql}; the next look sees what it did"
        ),
    }
}

fn prepared_by(row: &PreparedRow, role: u32, cluster: &Cluster) -> Residual {
    let mut found = Residual::new(K::PreparedTransaction, S::CanRegain, cluster.account(role));
    found.owner = (row.role.0 != role).then(|| cluster.account(row.role.0).to_string());
    found.database.clone_from(&row.database);
    found.object = Some(row.gid.clone());
    found.since = UtcTime::from_micros(row.prepared_us);
    found.described()
}
