//! What tells whose word a revocation rests on, and since when roles are known.

use super::notices::instant;
use super::revocations::Row;
use super::{Store, StoreError, reading, statement};
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::revocation::Kind;
use crate::domain::time::UtcTime;
use crate::store::Evidenced;
use std::collections::BTreeMap;

/// Notices of one revocation that are read at a time.
const PAGE: i64 = 1_000;

/// A notice that made a revocation or joined it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Told {
    /// Who sent it.
    pub source: String,
    /// The sender's id of it.
    pub event_id: String,
    /// Type of event; empty for one in our own form.
    pub event_type: String,
    /// Its bytes, if it changes what was asked for in our own form; empty once they were erased.
    pub body: String,
    received_at: i64,
    made_at: i64,
}

impl Told {
    /// When the sender made it; where that is not known, when it came.
    #[must_use]
    pub fn made_at(&self) -> UtcTime {
        instant(self.made_at)
    }

    /// One that was made at the beginning of time.
    #[cfg(test)]
    pub(crate) fn sample(source: &str, event_type: &str, event_id: &str, body: &str) -> Self {
        let [source, event_type, event_id, body] =
            [source, event_type, event_id, body].map(str::to_owned);
        Self { source, event_id, event_type, body, received_at: 0, made_at: 0 }
    }
}

fn cluster_of(text: &str) -> Option<SystemIdentifier> {
    SystemIdentifier::try_from(text.to_owned()).ok()
}

impl Store {
    /// What made a revocation or joined it, oldest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn told_of(&self, revocation: &str) -> Result<Vec<Told>, StoreError> {
        let mut all: Vec<Told> = Vec::new();
        loop {
            let (received_at, event_id, source) = all.last().map_or((i64::MIN, "", ""), |last| {
                (last.received_at, last.event_id.as_str(), last.source.as_str())
            });
            let rows: Vec<Told> = reading!(self, pool =>
                sqlx::query_as(statement!("notices_told"))
                    .bind(revocation).bind(received_at).bind(event_id).bind(source).bind(PAGE)
                    .fetch_all(pool).await?
            );
            let more = i64::try_from(rows.len()).is_ok_and(|count| count == PAGE);
            all.extend(rows);
            if !more {
                return Ok(all);
            }
        }
    }

    /// The revocation of a subject and kind that came last, also a withdrawn one.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn newest_of(
        &self,
        subject: &str,
        kind: Kind,
    ) -> Result<Option<Evidenced>, StoreError> {
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_newest_of"))
                .bind(subject).bind(kind.as_str()).fetch_optional(pool).await?
        );
        row.map(Row::read).transpose()
    }

    /// When a role of a cluster was first seen, under whatever name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn role_first_seen(
        &self,
        cluster: SystemIdentifier,
        oid: RoleOid,
    ) -> Result<Option<UtcTime>, StoreError> {
        let at: Option<i64> = reading!(self, pool =>
            sqlx::query_scalar(statement!("roster_first_seen"))
                .bind(cluster.to_string()).bind(i64::from(oid.0)).fetch_one(pool).await?
        );
        Ok(at.map(instant))
    }

    /// Roles that bore a name, and when each was first seen under it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn roles_called(
        &self,
        name: &str,
    ) -> Result<Vec<(SystemIdentifier, RoleOid, UtcTime)>, StoreError> {
        let rows: Vec<(String, i64, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("roster_called")).bind(name).fetch_all(pool).await?
        );
        let read = |(cluster, oid, at): (String, i64, i64)| {
            Some((cluster_of(&cluster)?, RoleOid(u32::try_from(oid).ok()?), instant(at)))
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Since when the roles of each cluster are known.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn known_since(&self) -> Result<BTreeMap<SystemIdentifier, UtcTime>, StoreError> {
        let rows: Vec<(String, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("roster_since")).fetch_all(pool).await?
        );
        let read = |(cluster, at): (String, i64)| Some((cluster_of(&cluster)?, instant(at)));
        Ok(rows.into_iter().filter_map(read).collect())
    }
}
