//! Revocations: accepted once, moved by compare-and-swap, each move with its records in one transaction.
//! Several that come together share a transaction: what a commit costs is paid once.

use super::model::{Acceptance, Evidence, Move, NewRecord, NewRevocation};
use super::{Store, StoreError, statement, to_json, writing};
use crate::domain::revocation::Revocation;
use serde_json::Value;

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
/// carries the life, and the request if that changed: a move is shown once all of it is in the log.
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

/// A move as it is written.
struct Moving<'a> {
    step: &'a Move,
    request: String,
    accounts: String,
    life: String,
    evidence: String,
    rows: Vec<RecordRow>,
    count: i64,
    at: i64,
}

impl<'a> Moving<'a> {
    fn of(step: &'a Move) -> Result<Self, StoreError> {
        let life = to_json(&step.life, "a life")?;
        let id = step.from.revocation.id.as_str();
        let request = request_text(&step.revocation)?;
        let changed = (step.revocation != step.from.revocation).then_some(request.as_str());
        let rows = numbered(id, step.from.records, &step.records, &life, changed)?;
        Ok(Self {
            accounts: to_json(&step.accounts, "accounts")?,
            evidence: to_json(&step.evidence, "evidence")?,
            count: step.from.records + i64::try_from(rows.len()).unwrap_or(0),
            at: step.at.max(step.from.queued_at).micros(),
            step,
            request,
            life,
            rows,
        })
    }

    fn id(&self) -> &str {
        &self.step.from.revocation.id
    }

    fn conflict(&self) -> StoreError {
        StoreError::Conflict { id: self.id().to_owned(), version: self.step.from.version }
    }
}

/// A new revocation as it is written.
struct Beginning<'a> {
    new: &'a NewRevocation,
    request: String,
    accounts: String,
    life: String,
    evidence: String,
    rows: Vec<RecordRow>,
    count: i64,
}

impl<'a> Beginning<'a> {
    fn of(new: &'a NewRevocation) -> Result<Self, StoreError> {
        let life = to_json(&new.life, "a life")?;
        let request = request_text(&new.revocation)?;
        let rows = numbered(&new.revocation.id, 0, &new.records, &life, Some(&request))?;
        Ok(Self {
            accounts: to_json(&new.accounts, "accounts")?,
            evidence: to_json(&Evidence::default(), "evidence")?,
            count: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            new,
            request,
            life,
            rows,
        })
    }

    fn acceptance(&self) -> Acceptance {
        Acceptance::New {
            id: self.new.revocation.id.clone(),
            record: self.rows.last().map(|row| row.id.clone()).unwrap_or_default(),
        }
    }
}

impl Store {
    /// Accepts a revocation: subject, revocation, notice, records and deliveries in one transaction.
    ///
    /// # Errors
    /// When the database is away, or refuses because the same notice came in at the same moment.
    pub async fn accept(&self, new: &NewRevocation) -> Result<Acceptance, StoreError> {
        let beginning = Beginning::of(new)?;
        self.begin(std::slice::from_ref(&beginning)).await?;
        Ok(beginning.acceptance())
    }

    /// Accepts revocations that came together, in one transaction. If the database refuses one of them,
    /// each gets a transaction of its own, and its own answer.
    ///
    /// # Errors
    /// When the database is away; then none is accepted.
    pub async fn accept_all(
        &self,
        all: &[NewRevocation],
    ) -> Result<Vec<Result<Acceptance, StoreError>>, StoreError> {
        let beginnings = all.iter().map(Beginning::of).collect::<Result<Vec<_>, _>>()?;
        match self.begin(&beginnings).await {
            Ok(()) => Ok(beginnings.iter().map(|one| Ok(one.acceptance())).collect()),
            Err(StoreError::Database(sqlx::Error::Database(_))) => {
                let mut answers = Vec::with_capacity(all.len());
                for new in all {
                    answers.push(self.accept_once(new).await);
                }
                Ok(answers)
            }
            Err(error) => Err(error),
        }
    }

    /// It may be there already, if it was committed and nobody could be told.
    async fn accept_once(&self, new: &NewRevocation) -> Result<Acceptance, StoreError> {
        match self.repeated(&new.notice).await? {
            Some(id) => Ok(Acceptance::Repeated { id }),
            None => self.accept(new).await,
        }
    }

    async fn begin(&self, beginnings: &[Beginning<'_>]) -> Result<(), StoreError> {
        writing!(self, tx => {
            for one in beginnings {
                let (new, at) = (one.new, one.new.at.micros());
                let id = new.revocation.id.as_str();
                if new.new_subject {
                    sqlx::query(statement!("subject_insert"))
                        .bind(&new.subject.id).bind(&new.subject.name)
                        .bind(&new.subject.disclosure).bind(&new.subject.commitment)
                        .execute(&mut *tx).await?;
                }
                sqlx::query(statement!("revocation_insert"))
                    .bind(id).bind(&new.subject.id).bind(new.revocation.kind.as_str())
                    .bind(&one.request).bind(&one.accounts).bind(new.life.state.as_str())
                    .bind(&one.life).bind(&one.evidence).bind(one.count).bind(at)
                    .bind(new.revocation.received_at.micros()).bind(new.watch_until.micros())
                    .execute(&mut *tx).await?;
                insert_notice!(tx, new.notice, id, at);
                insert_records!(tx, id, one.rows, new.deliveries, at);
            }
        })
    }

    /// Moves a revocation if nobody moved it since it was read. Gives the id of the last record queued.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody did.
    pub async fn advance(&self, step: &Move) -> Result<Option<String>, StoreError> {
        let moved = self.advance_all(std::slice::from_ref(step)).await?;
        moved.into_iter().next().unwrap_or(Ok(None))
    }

    /// Moves several revocations in one transaction: each as [`Store::advance`] would, with its own answer.
    ///
    /// # Errors
    /// When the database is away or refuses; then none is moved. A conflict is the answer of its move only.
    pub async fn advance_all(
        &self,
        steps: &[Move],
    ) -> Result<Vec<Result<Option<String>, StoreError>>, StoreError> {
        let moving = steps.iter().map(Moving::of).collect::<Result<Vec<_>, _>>()?;
        writing!(self, tx => {
            let mut answers = Vec::with_capacity(moving.len());
            for one in &moving {
                let moved = sqlx::query(statement!("revocation_advance"))
                    .bind(one.id()).bind(one.step.from.version).bind(&one.request)
                    .bind(&one.accounts).bind(one.step.life.state.as_str()).bind(&one.life)
                    .bind(&one.evidence).bind(one.count).bind(one.at)
                    .bind(one.step.watch_until.micros()).execute(&mut *tx).await?.rows_affected();
                if moved != 1 {
                    answers.push(Err(one.conflict()));
                    continue;
                }
                if let Some(notice) = &one.step.notice {
                    insert_notice!(tx, notice, one.id(), one.at);
                }
                insert_records!(tx, one.id(), one.rows, one.step.deliveries, one.at);
                answers.push(Ok(one.rows.last().map(|row| row.id.clone())));
            }
            answers
        })
    }
}
