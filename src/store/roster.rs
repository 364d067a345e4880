//! Every role ever seen on a target.

use super::{Store, StoreError, reading, statement, writing};
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::RosterRole;
use crate::domain::time::UtcTime;

/// Most roles remembered of one cluster.
const ROSTER: i64 = 2_000_000;

impl Store {
    /// Remembers roles of a cluster.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn remember_roles(
        &self,
        cluster: SystemIdentifier,
        roles: &[RosterRole],
        now: UtcTime,
    ) -> Result<(), StoreError> {
        writing!(self, tx => {
            for role in roles {
                sqlx::query(statement!("roster_insert"))
                    .bind(cluster.to_string()).bind(i64::from(role.oid.0)).bind(&role.name)
                    .bind(now.micros()).execute(&mut *tx).await?;
            }
        })
    }

    /// Every role ever seen on a cluster, under every name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn roster(&self, cluster: SystemIdentifier) -> Result<Vec<RosterRole>, StoreError> {
        let rows: Vec<(String, i64, String)> = reading!(self, pool =>
            sqlx::query_as(statement!("roster_of"))
                .bind(cluster.to_string()).bind(ROSTER).fetch_all(pool).await?
        );
        Ok(rows
            .into_iter()
            .filter_map(|(_, oid, name)| {
                Some(RosterRole { oid: RoleOid(u32::try_from(oid).ok()?), name })
            })
            .collect())
    }
}
