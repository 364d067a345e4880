//! Forgetting a person: names, disclosure, and what the notices said, in one transaction with its record.

use super::evidence::Evidence;
use super::many::many;
use super::model::{NewRecord, SubjectRow};
use super::{Store, StoreError, from_json, reading, statement, to_json, writing};
use crate::domain::account::Account;
use crate::domain::checklist::Word;
use crate::domain::exception::Exception;
use crate::domain::lifecycle::Life;
use crate::domain::request::Request;
use crate::domain::revocation::{Revocation, State};
use crate::domain::time::UtcTime;
use serde_json::Value;
use std::collections::BTreeSet;

/// Disclosures in one page.
const PAGE: i64 = 1_000;

/// What became of an erasure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// Done; of so many revocations.
    Done(usize),
    /// This revocation of the subject is not finished, or this notice about them is held.
    Unfinished(String),
    /// This revocation of the subject is under a legal hold, or somebody asks for one.
    Held(String),
    /// Something moves at this moment: it can be tried again.
    Busy,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    state: String,
    version: i64,
    request: String,
    landed_request: Option<String>,
    accounts: String,
    life: String,
    landed_life: Option<String>,
    evidence: Option<String>,
    queued: i64,
}

/// A revocation as it is after the erasure.
struct Nameless {
    id: String,
    version: i64,
    request: String,
    landed_request: Option<String>,
    life: String,
    landed_life: Option<String>,
    /// Where what is kept names somebody.
    evidence: Option<String>,
}

/// What tells who the subject is, in small letters.
struct Names(Vec<String>);

impl Names {
    fn of(subject: &SubjectRow, rows: &[Row]) -> Result<Self, StoreError> {
        let mut names = vec![subject.name.to_lowercase()];
        for row in rows {
            for text in std::iter::once(&row.request).chain(&row.landed_request) {
                let asked: Revocation = from_json(text, "a revocation's request")?;
                let called = asked.username.iter().chain(&asked.also_called);
                names.extend(called.map(|name| name.to_lowercase()));
                names.extend(asked.emails.iter().map(|email| email.to_lowercase()));
            }
        }
        Ok(Self(names))
    }

    fn are_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        // As JSON spells it, too.
        let spelt =
            |name: &String| Value::from(name.as_str()).to_string().trim_matches('"').to_owned();
        self.0.iter().any(|name| text.contains(name) || text.contains(&spelt(name)))
    }
}

impl Row {
    fn is_finished(&self) -> bool {
        match State::from_word(&self.state) {
            Some(State::Verified | State::Withdrawn) => true,
            Some(State::Scheduled | State::Open | State::Regressed | State::Excepted) | None => {
                false
            }
        }
    }

    fn nameless(&self, names: &Names) -> Result<Nameless, StoreError> {
        let request = |text: &str| -> Result<String, StoreError> {
            let asked: Revocation = from_json(text, "a revocation's request")?;
            let accounts =
                asked.accounts.iter().filter(|name| !name.suggested()).cloned().collect();
            let emails = Vec::new();
            let (also_called, earlier_tickets) = (Vec::new(), Vec::new());
            let asked = Revocation {
                username: None,
                also_called,
                ticket: None,
                earlier_tickets,
                accounts,
                emails,
                ..asked
            };
            to_json(&asked, "a revocation")
        };
        let accounts: Vec<Account> = from_json(&self.accounts, "a revocation's accounts")?;
        let linked: BTreeSet<&String> = accounts.iter().flat_map(Account::called).collect();
        let life = |text: &str| -> Result<String, StoreError> {
            let life: Life = from_json(text, "a revocation's life")?;
            let pending = life.pending.map(|request| Request { why: None, ..request });
            let exceptions = life.exceptions.into_iter();
            let exceptions = exceptions.map(|one| Exception { why: None, ..one }).collect();
            let attested = life.attested.into_iter().map(|word| Word { note: None, ..word });
            let attested = attested.collect();
            // What follows from a user name. Of a role that is linked its name is known all the same, and whose it is stays
            // a question.
            let mut lineage = life.lineage;
            for asked in [&mut lineage.doubtful, &mut lineage.former, &mut lineage.taken_back] {
                asked.retain(|name| linked.contains(name));
            }
            for unsure in &mut lineage.unsure {
                (unsure.username, unsure.plain) = (None, false);
            }
            let acknowledged = None;
            let life = Life { attested, pending, exceptions, lineage, acknowledged, ..life };
            to_json(&life, "a life")
        };
        let evidence = self.evidence.as_deref().map(|text| blank(text, names)).transpose()?;
        Ok(Nameless {
            id: self.id.clone(),
            version: self.version,
            request: request(&self.request)?,
            landed_request: self.landed_request.as_deref().map(request).transpose()?,
            life: life(&self.life)?,
            landed_life: self.landed_life.as_deref().map(life).transpose()?,
            evidence: evidence.flatten(),
        })
    }
}

/// What is kept of evidence whose sentences name somebody: the next look tells all of it anew. `None`: they name nobody.
fn blank(text: &str, names: &Names) -> Result<Option<String>, StoreError> {
    let evidence = Evidence::read(Some(text))?;
    // What is kept once for several targets does not stand there as it reads.
    let surfaces = evidence.not_covered.iter().map(|one| one.surface.as_str());
    let is_named = surfaces.chain([text]).any(|said| names.are_in(said));
    let Evidence { verdict, as_of, .. } = evidence;
    let left = Evidence { verdict, as_of, ..Evidence::default() };
    is_named.then(|| left.text()).transpose()
}

/// What keeps a subject with these revocations from being erased now.
fn in_the_way(rows: &[Row]) -> Result<Option<Erasure>, StoreError> {
    for row in rows {
        // Also one that only waits for its approval: what is erased does not come back.
        let life: Life = from_json(&row.life, "a revocation's life")?;
        if life.exceptions.iter().any(Exception::holds) {
            return Ok(Some(Erasure::Held(row.id.clone())));
        }
    }
    if let Some(open) = rows.iter().find(|row| !row.is_finished()) {
        return Ok(Some(Erasure::Unfinished(open.id.clone())));
    }
    // What is on its way into the log would come back with what it says.
    Ok(rows.iter().any(|row| row.queued > 0).then_some(Erasure::Busy))
}

impl Store {
    /// The subject whose id in the log is `id`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn subject_by_id(&self, id: &str) -> Result<Option<SubjectRow>, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_as(statement!("subject_by_id")).bind(id).fetch_optional(pool).await?
        ))
    }

    /// Ids and disclosures of people whom the log knows, from the one after `after` on; none when there are no more.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn disclosures(&self, after: &str) -> Result<Vec<(String, String)>, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_as(statement!("subjects_disclosed"))
                .bind(after).bind(PAGE).fetch_all(pool).await?
        ))
    }

    /// Deletes all that tells who `subject` is, and queues the record `id` that says so.
    ///
    /// # Errors
    /// When the database is away; then nothing was deleted.
    pub async fn erase(
        &self,
        subject: &SubjectRow,
        id: &str,
        note: &NewRecord,
        at: UtcTime,
    ) -> Result<Erasure, StoreError> {
        let held: Option<String> = reading!(self, pool =>
            sqlx::query_scalar(statement!("notices_held"))
                .bind(&subject.name).fetch_optional(pool).await?
        );
        if let Some(held) = held {
            return Ok(Erasure::Unfinished(held));
        }
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocations_of")).bind(&subject.id).fetch_all(pool).await?
        );
        if let Some(kept) = in_the_way(&rows)? {
            return Ok(kept);
        }
        let names = Names::of(subject, &rows)?;
        let nameless =
            rows.iter().map(|row| row.nameless(&names)).collect::<Result<Vec<_>, _>>()?;
        let notices = self.notices_renamed(&rows, &names).await?;
        let before = self.before_named(&rows, &names).await?;
        let mut body = note.body.clone();
        body.insert("id".to_owned(), Value::String(id.to_owned()));
        let body = to_json(&body, "a record")?;
        let written: Result<(), StoreError> = writing!(self, tx => {
            for row in &nameless {
                let changed = sqlx::query(statement!("revocation_erase"))
                    .bind(&row.id).bind(row.version).bind(&row.request).bind(&row.landed_request)
                    .bind(&row.life).bind(&row.landed_life)
                    .execute(&mut *tx).await?.rows_affected();
                if changed != 1 {
                    // Dropped, the transaction is rolled back.
                    return Err(StoreError::Conflict { id: row.id.clone(), version: row.version });
                }
                if let Some(evidence) = &row.evidence {
                    sqlx::query(many(statement!("evidence_put"), 1))
                        .bind(&row.id).bind(evidence).execute(&mut *tx).await?;
                }
                sqlx::query(statement!("records_erase")).bind(&row.id).execute(&mut *tx).await?;
            }
            for id in &before {
                sqlx::query(statement!("before_erase")).bind(*id).execute(&mut *tx).await?;
            }
            for (source, event, kept) in &notices {
                sqlx::query(statement!("notice_erase"))
                    .bind(source).bind(event).bind(kept).execute(&mut *tx).await?;
            }
            sqlx::query(statement!("notices_erase"))
                .bind(&subject.name).execute(&mut *tx).await?;
            sqlx::query(statement!("subject_erase")).bind(&subject.id).execute(&mut *tx).await?;
            sqlx::query(many(statement!("record_insert"), 1))
                .bind(id).bind(None::<&str>).bind(0_i64).bind(note.kind).bind(&body)
                .bind(None::<&str>).bind(None::<&str>).bind(at.micros())
                .execute(&mut *tx).await?;
        });
        match written {
            Ok(()) => {
                self.forget_pages().await;
                Ok(Erasure::Done(rows.len()))
            }
            Err(StoreError::Conflict { .. }) => Ok(Erasure::Busy),
            Err(error) => Err(error),
        }
    }

    /// Notices about these revocations: sender, id of the event, and what that id becomes.
    async fn notices_renamed(
        &self,
        rows: &[Row],
        names: &Names,
    ) -> Result<Vec<(String, String, String)>, StoreError> {
        let mut notices = Vec::new();
        for row in rows {
            let found: Vec<(String, String)> = reading!(self, pool =>
                sqlx::query_as(statement!("notices_of")).bind(&row.id).fetch_all(pool).await?
            );
            for (n, (source, event)) in found.into_iter().enumerate() {
                // A sender may have made the id of an event from a name.
                let kept =
                    if names.are_in(&event) { format!("{}/{n}", row.id) } else { event.clone() };
                notices.push((source, event, kept));
            }
        }
        Ok(notices)
    }

    /// Those of them of which what was there before says who it was. As with the evidence, what speaks of roles
    /// alone may stay.
    async fn before_named<'a>(
        &self,
        rows: &'a [Row],
        names: &Names,
    ) -> Result<Vec<&'a str>, StoreError> {
        let mut known = Vec::new();
        for row in rows {
            let texts: Vec<String> = reading!(self, pool =>
                sqlx::query_scalar(statement!("before_of")).bind(&row.id).fetch_all(pool).await?
            );
            if texts.iter().any(|text| names.are_in(text)) {
                known.push(row.id.as_str());
            }
        }
        Ok(known)
    }

    /// What was deleted stands in SQLite's journal until that is written back. That may be put off by a reader; the
    /// next time does it.
    async fn forget_pages(&self) {
        if let Self::Sqlite { write, .. } = self {
            let done = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(write).await;
            if let Err(error) = done {
                tracing::warn!(
                    error = error.to_string(),
                    "the store's journal was not written back"
                );
            }
        }
    }
}
