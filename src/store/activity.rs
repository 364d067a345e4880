//! Who uses their accounts, and how long that was watched.

use super::many::{many, pieces};
use super::{Store, StoreError, reading, statement, writing};
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::inactivity::{Changes, Seen, Watch};
use crate::domain::time::UtcTime;

/// Most accounts of one cluster.
const ACCOUNTS: i64 = 2_000_000;

/// An account that was not seen for long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// The cluster.
    pub cluster: SystemIdentifier,
    /// How long was watched there, in microseconds.
    pub watched_us: u64,
    /// The account.
    pub seen: Seen,
}

type SeenRow = (i64, String, i64, Option<i64>, i64);

#[derive(sqlx::FromRow)]
struct UnseenRow {
    system_identifier: String,
    watched_us: i64,
    oid: i64,
    role: String,
    known_at: i64,
    seen_at: Option<i64>,
    mark_us: i64,
}

fn read((oid, role, known_at, seen_at, mark_us): SeenRow) -> Option<Seen> {
    Some(Seen {
        oid: RoleOid(u32::try_from(oid).ok()?),
        role,
        known_at: UtcTime::from_micros(known_at)?,
        seen_at: seen_at.and_then(UtcTime::from_micros),
        mark_us: u64::try_from(mark_us).unwrap_or_default(),
    })
}

fn signed(us: u64) -> i64 {
    i64::try_from(us).unwrap_or(i64::MAX)
}

impl Store {
    /// What is known of the use of accounts of a cluster. Nobody watches it yet.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn activity(&self, cluster: SystemIdentifier) -> Result<Watch, StoreError> {
        let cluster = cluster.to_string();
        let watched: Option<i64> = reading!(self, pool =>
            sqlx::query_scalar(statement!("activity_watch_get")).bind(&cluster).fetch_optional(pool).await?
        );
        let rows: Vec<SeenRow> = reading!(self, pool =>
            sqlx::query_as(statement!("activity_seen_of"))
                .bind(&cluster).bind(ACCOUNTS).fetch_all(pool).await?
        );
        let watched_us = watched.and_then(|us| u64::try_from(us).ok()).unwrap_or_default();
        let accounts = rows.into_iter().filter_map(read).map(|seen| (seen.oid, seen)).collect();
        Ok(Watch { watched_us, written_us: watched_us, last: None, accounts })
    }

    /// Keeps what a look told of a cluster, of which `watched_us` were watched.
    ///
    /// # Errors
    /// When the database is away. Then nothing of it is kept.
    pub async fn keep_activity(
        &self,
        cluster: SystemIdentifier,
        watched_us: u64,
        changes: &Changes,
    ) -> Result<(), StoreError> {
        let cluster = cluster.to_string();
        writing!(self, tx => {
            sqlx::query(statement!("activity_watch_put"))
                .bind(&cluster).bind(signed(watched_us)).execute(&mut *tx).await?;
            for piece in pieces(&changes.put) {
                let mut query = sqlx::query(many(statement!("activity_seen_put"), piece.len()));
                for seen in piece {
                    query = query
                        .bind(&cluster).bind(i64::from(seen.oid.0)).bind(&seen.role)
                        .bind(seen.known_at.micros()).bind(seen.seen_at.map(UtcTime::micros))
                        .bind(signed(seen.mark_us));
                }
                query.execute(&mut *tx).await?;
            }
            for oid in &changes.gone {
                sqlx::query(statement!("activity_seen_delete"))
                    .bind(&cluster).bind(i64::from(oid.0)).execute(&mut *tx).await?;
            }
        })
    }

    /// Up to `limit` accounts that were not seen for `unseen_us` of watching, the longest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unseen(&self, unseen_us: u64, limit: i64) -> Result<Vec<Unseen>, StoreError> {
        let rows: Vec<UnseenRow> = reading!(self, pool =>
            sqlx::query_as(statement!("activity_unseen"))
                .bind(signed(unseen_us)).bind(limit).fetch_all(pool).await?
        );
        let row = |row: UnseenRow| {
            Some(Unseen {
                cluster: SystemIdentifier::try_from(row.system_identifier).ok()?,
                watched_us: u64::try_from(row.watched_us).ok()?,
                seen: read((row.oid, row.role, row.known_at, row.seen_at, row.mark_us))?,
            })
        };
        Ok(rows.into_iter().filter_map(row).collect())
    }
}
