//! Revocations: accepted once, moved by compare-and-swap, each move with its records in one transaction.
//! Several that come together share a transaction: what a commit costs is paid once.

use super::before::{BeforeRow, begins_anew, insert_before};
use super::evidence::Evidence;
use super::exceptions::{ExceptionPut, put_exceptions};
use super::many::{many, pieces};
use super::model::{Acceptance, Move, NewRecord, NewRevocation, NoticeKey, SubjectRow};
use super::outbox::{Fresh, fresh, insert_fresh};
use super::settled::{Settling, settle};
use super::{Store, StoreError, statement, to_json, writing};
use crate::domain::exception::Exception;
use crate::domain::lifecycle::Life;
use crate::domain::revocation::Revocation;
use serde_json::Value;

/// The request as it is kept: without the subject's name, which has a row of its own that can be erased.
fn request_text(revocation: &Revocation) -> Result<String, StoreError> {
    let nameless = Revocation { subject: String::new(), ..revocation.clone() };
    to_json(&nameless, "a revocation")
}

/// The life as a record has it, where that is not the same. Who pressed a button is forgotten once that is over, and the rows
/// of records stay as they are.
fn unnamed(life: &Life) -> Result<Option<String>, StoreError> {
    let Some(known) = life.acknowledged.as_deref() else { return Ok(None) };
    let acknowledged = Some(Box::new(known.unnamed()));
    to_json(&Life { acknowledged, ..life.clone() }, "a life").map(Some)
}

/// A record as it is inserted.
struct RecordRow {
    id: String,
    revocation: String,
    at: i64,
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
    at: i64,
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
                revocation: id.to_owned(),
                at,
                ordinal,
                kind: record.kind,
                body: to_json(&body, "a record")?,
                life: (left == 0).then(|| life.to_owned()),
                request: request.filter(|_| left == 0).map(str::to_owned),
            })
        })
        .collect()
}

/// What is to be told of records that were numbered.
fn told_of(rows: &[RecordRow], records: &[NewRecord]) -> Vec<Fresh> {
    let Some(last) = rows.last() else { return Vec::new() };
    let told = |(row, record): (&RecordRow, &NewRecord)| {
        fresh(&row.id, &last.id, record.kind, &record.body, row.at)
    };
    rows.iter().zip(records).flat_map(told).collect()
}

/// A notice as it is inserted: with the revocation that it made or joined.
type NoticeRow<'a> = (&'a NoticeKey, &'a str, i64);

/// Inserts records.
macro_rules! insert_records {
    ($tx:ident, $rows:expr) => {
        for piece in pieces(&$rows) {
            let mut query = sqlx::query(many(statement!("record_insert"), piece.len()));
            for row in piece {
                query = query.bind(&row.id).bind(&row.revocation).bind(row.ordinal);
                query = query.bind(row.kind).bind(&row.body).bind(&row.life);
                query = query.bind(&row.request).bind(row.at);
            }
            query.execute(&mut *$tx).await?;
        }
    };
}

/// Binds what is listed of a notice.
macro_rules! bind_facts {
    ($query:expr, $facts:expr) => {
        $query
            .bind(&$facts.id)
            .bind(&$facts.door)
            .bind(&$facts.event_type)
            .bind($facts.event_at.map($crate::domain::time::UtcTime::micros))
            .bind($facts.outcome.as_str())
            .bind($facts.cause.map_or("", $crate::domain::notice::Hold::as_str))
            .bind($facts.faults_text())
            .bind(&$facts.subject)
            .bind(&$facts.username)
            .bind(&$facts.email)
            .bind(&$facts.vendor)
            .bind(&$facts.checklist)
            .bind(&$facts.record)
            .bind($facts.pending.join(" "))
    };
}
pub(super) use bind_facts;

/// Inserts notices.
macro_rules! insert_notices {
    ($tx:ident, $rows:expr) => {
        for piece in pieces(&$rows) {
            let mut query = sqlx::query(many(statement!("notice_insert"), piece.len()));
            for (notice, revocation, at) in piece {
                query = query.bind(&notice.source).bind(&notice.event_id).bind(&notice.digest);
                query = query.bind(&notice.body).bind(*at).bind(Some(*revocation));
                query = bind_facts!(query, notice.facts);
            }
            query.execute(&mut *$tx).await?;
        }
    };
}

/// A move as it is written.
struct Moving<'a> {
    step: &'a Move,
    request: String,
    accounts: String,
    life: String,
    evidence: Option<String>,
    before: Vec<BeforeRow<'a>>,
    rows: Vec<RecordRow>,
    told: Vec<Fresh>,
    count: i64,
    at: i64,
}

impl<'a> Moving<'a> {
    fn of(step: &'a Move) -> Result<Self, StoreError> {
        let life = to_json(&step.life, "a life")?;
        let id = step.from.revocation.id.as_str();
        let request = request_text(&step.revocation)?;
        let changed = (step.revocation != step.from.revocation).then_some(request.as_str());
        let at = step.at.max(step.from.queued_at).micros();
        let unnamed = unnamed(&step.life)?;
        let told = unnamed.as_deref().unwrap_or(&life);
        let rows = numbered(id, step.from.records, &step.records, told, changed, at)?;
        Ok(Self {
            accounts: to_json(&step.accounts, "accounts")?,
            evidence: step.evidence.as_ref().map(Evidence::text).transpose()?,
            before: BeforeRow::of(step)?,
            count: step.from.records + i64::try_from(rows.len()).unwrap_or(0),
            told: told_of(&rows, &step.records),
            at,
            step,
            request,
            life,
            rows,
        })
    }

    fn id(&self) -> &str {
        &self.step.from.revocation.id
    }

    /// Exceptions that are new, or of which nothing is to come any more.
    fn exceptions(&self) -> impl Iterator<Item = ExceptionPut<'_>> {
        let before = &self.step.from.life.exceptions;
        let known = move |one: &&Exception| {
            before.iter().any(|known| known.id == one.id && known.is_open() == one.is_open())
        };
        let changed = self.step.life.exceptions.iter().filter(move |one| !known(one));
        changed.map(|one| (one, self.id()))
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
    rows: Vec<RecordRow>,
    told: Vec<Fresh>,
    count: i64,
    at: i64,
}

impl<'a> Beginning<'a> {
    fn of(new: &'a NewRevocation) -> Result<Self, StoreError> {
        let life = to_json(&new.life, "a life")?;
        let request = request_text(&new.revocation)?;
        let at = new.at.micros();
        let rows = numbered(&new.revocation.id, 0, &new.records, &life, Some(&request), at)?;
        Ok(Self {
            accounts: to_json(&new.accounts, "accounts")?,
            count: i64::try_from(rows.len()).unwrap_or(i64::MAX),
            told: told_of(&rows, &new.records),
            at,
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
        let beginning = [Beginning::of(new)?];
        self.begin(&beginning).await?;
        let [beginning] = beginning;
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

    async fn begin(&self, all: &[Beginning<'_>]) -> Result<(), StoreError> {
        let subjects: Vec<&SubjectRow> =
            all.iter().filter(|one| one.new.new_subject).map(|one| &one.new.subject).collect();
        let notices: Vec<NoticeRow<'_>> = all
            .iter()
            .map(|one| (&one.new.notice, one.new.revocation.id.as_str(), one.at))
            .collect();
        let records: Vec<&RecordRow> = all.iter().flat_map(|one| &one.rows).collect();
        let outbox: Vec<&Fresh> = all.iter().flat_map(|one| &one.told).collect();
        writing!(self, tx => {
            for piece in pieces(&subjects) {
                let mut query = sqlx::query(many(statement!("subject_insert"), piece.len()));
                for subject in piece {
                    query = query.bind(&subject.id).bind(&subject.name);
                    query = query.bind(&subject.disclosure).bind(&subject.commitment);
                }
                query.execute(&mut *tx).await?;
            }
            for piece in pieces(all) {
                let mut query = sqlx::query(many(statement!("revocation_insert"), piece.len()));
                for one in piece {
                    let (new, asked) = (one.new, &one.new.revocation);
                    query = query.bind(&asked.id).bind(&new.subject.id).bind(asked.kind.as_str());
                    query = query.bind(&one.request).bind(&one.accounts);
                    query = query.bind(new.life.state.as_str()).bind(&one.life);
                    query = query.bind(one.count).bind(one.at).bind(asked.received_at.micros());
                    query = query.bind(new.watch_until.micros());
                }
                query.execute(&mut *tx).await?;
            }
            insert_notices!(tx, notices);
            insert_records!(tx, records);
            insert_fresh!(tx, outbox);
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
        self.moved(steps, None, false).await
    }

    /// Moves several revocations in one transaction, all or none: each of the moves holds only together with the others.
    /// Gives the id of the last record queued of each.
    ///
    /// # Errors
    /// As [`Store::advance`], when somebody moved any of them.
    pub async fn advance_as_one(&self, steps: &[Move]) -> Result<Vec<Option<String>>, StoreError> {
        self.moved(steps, None, true).await?.into_iter().collect()
    }

    /// The same, in one transaction with a decision; `as_one` makes a conflict of a move that of all.
    pub(super) async fn moved(
        &self,
        steps: &[Move],
        settling: Option<&Settling<'_>>,
        as_one: bool,
    ) -> Result<Vec<Result<Option<String>, StoreError>>, StoreError> {
        let moving = steps.iter().map(Moving::of).collect::<Result<Vec<_>, _>>()?;
        let mut moving: Vec<_> = moving.into_iter().enumerate().collect();
        // Rows are always locked in this order, here and in `land`: nobody waits in a circle.
        moving.sort_by(|(_, one), (_, other)| one.id().cmp(other.id()));
        let moved: Result<Vec<_>, StoreError> = writing!(self, tx => {
            let mut answers = Vec::with_capacity(moving.len());
            let (mut notices, mut records, mut outbox) = (Vec::new(), Vec::new(), Vec::new());
            let (mut exceptions, mut before) = (Vec::new(), Vec::new());
            let mut evidence = Vec::new();
            settle!(tx, settling);
            for (place, one) in &moving {
                let moved = sqlx::query(statement!("revocation_advance"))
                    .bind(one.id()).bind(one.step.from.version).bind(&one.request)
                    .bind(&one.accounts).bind(one.step.life.state.as_str()).bind(&one.life)
                    .bind(one.count).bind(one.at).bind(one.step.watch_until.micros())
                    .bind(one.step.revocation.kind.as_str())
                    .execute(&mut *tx).await?.rows_affected();
                if moved != 1 && as_one {
                    return Err(one.conflict());
                }
                if moved != 1 {
                    answers.push((*place, Err(one.conflict())));
                    continue;
                }
                notices.extend(one.step.notice.iter().map(|notice| (notice, one.id(), one.at)));
                records.extend(&one.rows);
                evidence.extend(one.evidence.as_ref().map(|text| (one.id(), text)));
                exceptions.extend(one.exceptions());
                outbox.extend(&one.told);
                before.extend(&one.before);
                if begins_anew(one.step) {
                    sqlx::query(statement!("before_erase")).bind(one.id()).execute(&mut *tx).await?;
                }
                answers.push((*place, Ok(one.rows.last().map(|row| row.id.clone()))));
            }
            for piece in pieces(&evidence) {
                let mut query = sqlx::query(many(statement!("evidence_put"), piece.len()));
                for (id, text) in piece {
                    query = query.bind(*id).bind(*text);
                }
                query.execute(&mut *tx).await?;
            }
            insert_notices!(tx, notices);
            insert_records!(tx, records);
            put_exceptions!(tx, exceptions);
            insert_before!(tx, before);
            insert_fresh!(tx, outbox);
            answers
        });
        let mut answers = moved?;
        answers.sort_by_key(|(place, _)| *place);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }
}
