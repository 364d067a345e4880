//! Finding exceptions: each is a part of the life of its revocation.

use super::model::Evidenced;
use super::revocations::Row;
use super::{Store, StoreError, reading, statement};
use crate::domain::exception::{Exception, ExceptionKind};
use crate::domain::time::UtcTime;

/// Inserts exceptions, or notes whether anything is to come of them still.
macro_rules! put_exceptions {
    ($tx:ident, $rows:expr) => {
        for piece in $crate::store::many::pieces(&$rows) {
            let text = $crate::store::statement!("exception_put");
            let mut query = sqlx::query($crate::store::many::many(text, piece.len()));
            for (one, revocation) in piece {
                query = query.bind(&one.id).bind(*revocation).bind(one.kind.as_str());
                query = query.bind(i64::from(one.is_open())).bind(one.requested_at.micros());
            }
            query.execute(&mut *$tx).await?;
        }
    };
}
pub(super) use put_exceptions;

/// An exception as it is put: with its revocation.
pub(super) type ExceptionPut<'a> = (&'a Exception, &'a str);

/// Revocations of one subject that are read at a time. All of them are, however many there are: what nobody read could not
/// be taken back.
const PAGE: i64 = 1_000;

/// Which exceptions to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excepted {
    /// Only those of which something is to come: an answer, their end, or a review.
    pub open: bool,
    /// Only of this kind.
    pub kind: Option<ExceptionKind>,
    /// Only of this subject, by its exact stable id.
    pub subject: Option<String>,
    /// Only of this revocation.
    pub revocation: Option<String>,
}

/// Where an exception is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceptionRow {
    /// `exc_…`.
    pub id: String,
    /// The revocation whose life has it.
    pub revocation: String,
    /// When it was asked for.
    pub requested_at: UtcTime,
}

impl Store {
    /// The revocation that the exception `id` belongs to.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn exception_of(&self, id: &str) -> Result<Option<String>, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_scalar(statement!("exception_of")).bind(id).fetch_optional(pool).await?
        ))
    }

    /// Revocations with an exception of which something is to come.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn exceptions_open(&self) -> Result<Vec<String>, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_scalar(statement!("exceptions_open")).fetch_all(pool).await?
        ))
    }

    /// Up to `limit` of the selected exceptions, newest first, from the one after `after` on.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn exceptions_page(
        &self,
        selection: &Excepted,
        after: Option<&(UtcTime, String)>,
        limit: i64,
    ) -> Result<Vec<ExceptionRow>, StoreError> {
        let (at, id) = after.map_or((i64::MAX, ""), |(at, id)| (at.micros(), id.as_str()));
        let rows: Vec<(String, String, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("exceptions_page"))
                .bind(i64::from(selection.open))
                .bind(selection.kind.map_or("", ExceptionKind::as_str))
                .bind(selection.subject.as_deref().unwrap_or_default())
                .bind(selection.revocation.as_deref().unwrap_or_default())
                .bind(at).bind(id).bind(limit)
                .fetch_all(pool).await?
        );
        let row = |(id, revocation, at)| {
            let requested_at = UtcTime::from_micros(at)?;
            Some(ExceptionRow { id, revocation, requested_at })
        };
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// Every revocation of `subject` that was not withdrawn, newest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn expected_of(&self, subject: &str) -> Result<Vec<Evidenced>, StoreError> {
        self.all_of(statement!("revocations_expected_of"), subject).await
    }

    /// Every revocation of `subject` that there ever was, newest first.
    ///
    /// # Errors
    /// As [`expected_of`](Self::expected_of).
    pub async fn ever_of(&self, subject: &str) -> Result<Vec<Evidenced>, StoreError> {
        self.all_of(statement!("revocations_ever_of"), subject).await
    }

    async fn all_of(
        &self,
        statement: &'static str,
        subject: &str,
    ) -> Result<Vec<Evidenced>, StoreError> {
        let mut all: Vec<Evidenced> = Vec::new();
        loop {
            let last = all.last().map(|one| &one.revocation);
            let (received_at, id) = last.map_or((i64::MAX, String::new()), |last| {
                (last.received_at.micros(), last.id.clone())
            });
            let rows: Vec<Row> = reading!(self, pool =>
                sqlx::query_as(statement)
                    .bind(subject).bind(received_at).bind(&id).bind(PAGE).fetch_all(pool).await?
            );
            let more = i64::try_from(rows.len()).is_ok_and(|count| count == PAGE);
            for row in rows {
                all.push(row.read()?);
            }
            if !more {
                return Ok(all);
            }
        }
    }
}
