//! Revocations: accepted once, moved by compare-and-swap, each move with its records in one transaction.

use super::model::{
    Acceptance, Evidence, Move, NewRecord, NewRevocation, NoticeKey, Stored, SubjectRow,
};
use super::{Store, StoreError, from_json, reading, statement, to_json, writing};
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::RosterRole;
use crate::domain::revocation::{Kind, Revocation};
use crate::domain::time::UtcTime;
use serde_json::Value;

/// Most revocations watched at once. More is an error, never silence.
const WATCHED: i64 = 200_000;
/// Most roles remembered of one cluster.
const ROSTER: i64 = 2_000_000;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    subject_id: String,
    subject: String,
    request: String,
    accounts: String,
    life: String,
    landed_life: Option<String>,
    landed_request: Option<String>,
    evidence: String,
    version: i64,
    records: i64,
    queued_at: i64,
    watch_until: i64,
}

impl Row {
    pub(super) fn read(self) -> Result<Stored, StoreError> {
        let read = |text: &str| -> Result<Revocation, StoreError> {
            let request: Revocation = from_json(text, "a revocation's request")?;
            Ok(Revocation { subject: self.subject.clone(), ..request })
        };
        let revocation = read(&self.request)?;
        let instant = |micros| UtcTime::from_micros(micros).unwrap_or(revocation.received_at);
        Ok(Stored {
            landed_revocation: self.landed_request.as_deref().map(read).transpose()?,
            subject_id: self.subject_id,
            accounts: from_json(&self.accounts, "a revocation's accounts")?,
            life: from_json(&self.life, "a revocation's life")?,
            landed: self
                .landed_life
                .as_deref()
                .map(|text| from_json(text, "a revocation's landed life"))
                .transpose()?,
            evidence: from_json(&self.evidence, "a revocation's evidence")?,
            version: self.version,
            records: self.records,
            queued_at: instant(self.queued_at),
            watch_until: instant(self.watch_until),
            revocation,
        })
    }
}

/// The request as it is kept: without the subject's name, which has a row of its own that can be erased.
fn request_text(revocation: &Revocation) -> Result<String, StoreError> {
    let nameless = Revocation { subject: String::new(), ..revocation.clone() };
    to_json(&nameless, "a revocation")
}

/// A record as it is inserted.
struct RecordRow {
    id: String,
    ordinal: i64,
    kind: &'static str,
    body: String,
    life: Option<String>,
    request: Option<String>,
}

/// Numbers the records of a revocation after `before` and puts each one's id into its body. The last one
/// carries the life: a move is shown once all of it is in the log.
fn numbered(
    id: &str,
    before: i64,
    records: &[NewRecord],
    life: &str,
    request: Option<&str>,
) -> Result<Vec<RecordRow>, StoreError> {
    let mut ordinal = before;
    let mut left = records.len();
    records
        .iter()
        .map(|record| {
            ordinal += 1;
            left -= 1;
            let record_id = format!("{id}.{ordinal}");
            let mut body = record.body.clone();
            body.insert("id".to_owned(), Value::String(record_id.clone()));
            Ok(RecordRow {
                id: record_id,
                ordinal,
                kind: record.kind,
                body: to_json(&body, "a record")?,
                life: (left == 0).then(|| life.to_owned()),
                request: request.filter(|_| left == 0).map(str::to_owned),
            })
        })
        .collect()
}

/// Inserts records and, with the last of them, what to deliver.
macro_rules! insert_records {
    ($tx:ident, $revocation:expr, $rows:expr, $deliveries:expr, $at:expr) => {
        for row in &$rows {
            sqlx::query(statement!("record_insert"))
                .bind(&row.id)
                .bind($revocation)
                .bind(row.ordinal)
                .bind(row.kind)
                .bind(&row.body)
                .bind(&row.life)
                .bind(&row.request)
                .bind($at)
                .execute(&mut *$tx)
                .await?;
        }
        if let Some(last) = $rows.last() {
            for (n, delivery) in $deliveries.iter().enumerate() {
                sqlx::query(statement!("outbox_insert"))
                    .bind(format!("{}/{n}", last.id))
                    .bind(&last.id)
                    .bind(&delivery.receiver)
                    .bind(&delivery.kind)
                    .bind($at)
                    .execute(&mut *$tx)
                    .await?;
            }
        }
    };
}

/// Inserts a notice.
macro_rules! insert_notice {
    ($tx:ident, $notice:expr, $revocation:expr, $at:expr) => {
        sqlx::query(statement!("notice_insert"))
            .bind(&$notice.source)
            .bind(&$notice.event_id)
            .bind(&$notice.digest)
            .bind(&$notice.body)
            .bind($at)
            .bind($revocation)
            .execute(&mut *$tx)
            .await?
    };
}

impl Store {
    /// What became of an earlier notice with this key.
    ///
    /// # Errors
    /// [`StoreError::NoticeDiffers`] when its content was another.
    pub async fn repeated(&self, notice: &NoticeKey) -> Result<Option<String>, StoreError> {
        let row: Option<(String, String)> = reading!(self, pool =>
            sqlx::query_as(statement!("notice_get"))
                .bind(&notice.source).bind(&notice.event_id).fetch_optional(pool).await?
        );
        match row {
            Some((digest, id)) if digest == notice.digest => Ok(Some(id)),
            Some(_) => Err(StoreError::NoticeDiffers {
                source_name: notice.source.clone(),
                event_id: notice.event_id.clone(),
            }),
            None => Ok(None),
        }
    }

    /// The subject called `name`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn subject(&self, name: &str) -> Result<Option<SubjectRow>, StoreError> {
        reading!(self, pool => Ok(
            sqlx::query_as(statement!("subject_by_name")).bind(name).fetch_optional(pool).await?
        ))
    }

    /// Accepts a revocation: subject, revocation, notice, records and deliveries in one transaction.
    ///
    /// # Errors
    /// When the database is away, or refuses because the same notice came in at the same moment.
    pub async fn accept(&self, new: &NewRevocation) -> Result<Acceptance, StoreError> {
        let id = new.revocation.id.as_str();
        let life = to_json(&new.life, "a life")?;
        let (request, accounts) =
            (request_text(&new.revocation)?, to_json(&new.accounts, "accounts")?);
        let rows = numbered(id, 0, &new.records, &life, Some(&request))?;
        let record = rows.last().map(|row| row.id.clone()).unwrap_or_default();
        let evidence = to_json(&Evidence::default(), "evidence")?;
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let at = new.at.micros();
        writing!(self, tx => {
            if new.new_subject {
                sqlx::query(statement!("subject_insert"))
                    .bind(&new.subject.id).bind(&new.subject.name).bind(&new.subject.disclosure)
                    .bind(&new.subject.commitment).execute(&mut *tx).await?;
            }
            sqlx::query(statement!("revocation_insert"))
                .bind(id).bind(&new.subject.id).bind(new.revocation.kind.as_str()).bind(&request)
                .bind(&accounts).bind(new.life.state.as_str()).bind(&life).bind(&evidence)
                .bind(count).bind(at).bind(new.revocation.received_at.micros())
                .bind(new.watch_until.micros()).execute(&mut *tx).await?;
            insert_notice!(tx, new.notice, id, at);
            insert_records!(tx, id, rows, new.deliveries, at);
            Acceptance::New { id: id.to_owned(), record }
        })
    }

    /// Moves a revocation if nobody moved it since it was read. Gives the id of the last record queued.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody did.
    pub async fn advance(&self, step: &Move) -> Result<Option<String>, StoreError> {
        let id = step.from.revocation.id.as_str();
        let life = to_json(&step.life, "a life")?;
        let request = request_text(&step.revocation)?;
        let changed = (step.revocation != step.from.revocation).then_some(request.as_str());
        let rows = numbered(id, step.from.records, &step.records, &life, changed)?;
        let last = rows.last().map(|row| row.id.clone());
        let count = step.from.records + i64::try_from(rows.len()).unwrap_or(0);
        let (accounts, evidence) =
            (to_json(&step.accounts, "accounts")?, to_json(&step.evidence, "evidence")?);
        let at = step.at.max(step.from.queued_at).micros();
        let conflict = || StoreError::Conflict { id: id.to_owned(), version: step.from.version };
        writing!(self, tx => {
            let moved = sqlx::query(statement!("revocation_advance"))
                .bind(id).bind(step.from.version).bind(&request).bind(&accounts)
                .bind(step.life.state.as_str()).bind(&life).bind(&evidence).bind(count).bind(at)
                .bind(step.watch_until.micros()).execute(&mut *tx).await?.rows_affected();
            if moved != 1 {
                return Err(conflict());
            }
            if let Some(notice) = &step.notice {
                insert_notice!(tx, notice, id, at);
            }
            insert_records!(tx, id, rows, step.deliveries, at);
            last
        })
    }

    /// One revocation.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn revocation(&self, id: &str) -> Result<Option<Stored>, StoreError> {
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocation_get")).bind(id).fetch_optional(pool).await?
        );
        row.map(Row::read).transpose()
    }

    /// The revocation of this subject and kind that is not finished.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unfinished(
        &self,
        subject: &str,
        kind: Kind,
    ) -> Result<Option<Stored>, StoreError> {
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_unfinished"))
                .bind(subject).bind(kind.as_str()).fetch_optional(pool).await?
        );
        row.map(Row::read).transpose()
    }

    /// Every revocation that is to be looked at, oldest first.
    ///
    /// # Errors
    /// When the database is away, or there are more than can be watched.
    pub async fn watched(&self, now: UtcTime) -> Result<Vec<Stored>, StoreError> {
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_watched"))
                .bind(now.micros()).bind(WATCHED + 1).fetch_all(pool).await?
        );
        if i64::try_from(rows.len()).is_ok_and(|count| count > WATCHED) {
            return Err(StoreError::Held(format!("more than {WATCHED} revocations are watched")));
        }
        rows.into_iter().map(Row::read).collect()
    }

    /// The newest revocations that people may be shown.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list(&self, limit: i64) -> Result<Vec<Stored>, StoreError> {
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_list")).bind(limit).fetch_all(pool).await?
        );
        rows.into_iter().map(Row::read).collect()
    }

    /// Revocations that people may be shown and that are scheduled, open or regressed, oldest first; what
    /// the log does not hold as finished is not finished.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn list_open(&self, limit: i64) -> Result<Vec<Stored>, StoreError> {
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_open")).bind(limit).fetch_all(pool).await?
        );
        rows.into_iter().map(Row::read).collect()
    }

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
