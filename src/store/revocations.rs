//! Reading revocations.

use super::model::{NoticeKey, Stored, SubjectRow};
use super::{Store, StoreError, from_json, reading, statement};
use crate::domain::observation::NotCovered;
use crate::domain::revocation::{Kind, Revocation, State};
use crate::domain::time::UtcTime;
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Most revocations watched at once. More is an error, never silence.
const WATCHED: i64 = 200_000;
/// Most events that are told of one revocation.
const EVENTS: i64 = 1_000;
/// Rows made into revocations before others have their turn.
const TURN: usize = 64;
/// If one of so many has changed, all are read together.
const MANY: usize = 8;

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    id: String,
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

/// Revocations as they were last read. Most do not change between two looks, and reading them whole is most
/// of what watching costs.
#[derive(Debug, Default)]
pub struct Known(tokio::sync::Mutex<HashMap<String, (Mark, Arc<Stored>)>>);

/// What is the same in many revocations, so that each holds only a reference to it.
#[derive(Default)]
struct Alike(BTreeSet<Arc<[NotCovered]>>);

impl Alike {
    /// What those have that were read before.
    fn of<'a>(known: impl Iterator<Item = &'a (Mark, Arc<Stored>)>) -> Self {
        let mut seen = HashSet::new();
        let lists = known
            .map(|(_, stored)| &stored.evidence.not_covered)
            // Comparing what is one by its text would take longer than reading what changed.
            .filter(|list| seen.insert(Arc::as_ptr(list)));
        Self(lists.cloned().collect())
    }

    fn share(&mut self, mut stored: Stored) -> Arc<Stored> {
        match self.0.get(&stored.evidence.not_covered) {
            Some(same) => stored.evidence.not_covered = Arc::clone(same),
            None => drop(self.0.insert(Arc::clone(&stored.evidence.not_covered))),
        }
        Arc::new(stored)
    }
}

/// What differs whenever a revocation differs. A move changes the version, landing the landed life, and
/// erasing a name the subject.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    id: String,
    version: i64,
    subject: String,
    /// Its SHA-256: the texts would be most of what is kept.
    landed_life: Option<[u8; 32]>,
}

#[derive(sqlx::FromRow)]
struct MarkRow {
    id: String,
    version: i64,
    subject: String,
    landed_life: Option<String>,
}

impl From<MarkRow> for Mark {
    fn from(row: MarkRow) -> Self {
        let landed_life = row.landed_life.as_deref().map(digest);
        Self { id: row.id, version: row.version, subject: row.subject, landed_life }
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

impl Row {
    fn mark(&self) -> Mark {
        Mark {
            id: self.id.clone(),
            version: self.version,
            subject: self.subject.clone(),
            landed_life: self.landed_life.as_deref().map(digest),
        }
    }

    pub(super) fn read(self) -> Result<Stored, StoreError> {
        let read = |text: &str| -> Result<Revocation, StoreError> {
            let request: Revocation = from_json(text, "a revocation's request")?;
            Ok(Revocation { subject: self.subject.clone(), ..request })
        };
        let revocation = read(&self.request)?;
        let instant = |micros| UtcTime::from_micros(micros).unwrap_or(revocation.received_at);
        Ok(Stored {
            landed_revocation: self
                .landed_request
                .as_deref()
                .filter(|landed| *landed != self.request)
                .map(read)
                .transpose()?,
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

fn within_limit(count: usize) -> Result<(), StoreError> {
    if i64::try_from(count).is_ok_and(|count| count > WATCHED) {
        return Err(StoreError::Held(format!("more than {WATCHED} revocations are watched")));
    }
    Ok(())
}

impl Store {
    /// What became of an earlier notice with this key.
    ///
    /// # Errors
    /// [`StoreError::NoticeDiffers`] when its content was another.
    pub async fn repeated(&self, notice: &NoticeKey) -> Result<Option<String>, StoreError> {
        let row: Option<(String, Option<String>)> = reading!(self, pool =>
            sqlx::query_as(statement!("notice_get"))
                .bind(&notice.source).bind(&notice.event_id).fetch_optional(pool).await?
        );
        match row {
            Some((digest, Some(id))) if digest == notice.digest => Ok(Some(id)),
            // With other content, or by another door, where it made no revocation.
            Some(_) => Err(StoreError::NoticeDiffers {
                source_name: notice.source.clone(),
                event_id: notice.event_id.clone(),
            }),
            None => Ok(None),
        }
    }

    /// Events of `source` whose ids begin with `prefix`, and the revocations that they made or joined.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn events_of(
        &self,
        source: &str,
        prefix: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let like = format!("{prefix}%");
        let rows: Vec<(String, String)> = reading!(self, pool =>
            sqlx::query_as(statement!("notices_like"))
                .bind(source).bind(like).bind(EVENTS).fetch_all(pool).await?
        );
        // A `_` in the prefix is like any character.
        Ok(rows.into_iter().filter(|(event, _)| event.starts_with(prefix)).collect())
    }

    /// The subject called `name`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn subject(&self, name: &str) -> Result<Option<SubjectRow>, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_as(statement!("subject_by_name")).bind(name).fetch_optional(pool).await?
        ))
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
        let mut watched = Vec::new();
        self.each_watched(now, |row| {
            watched.push(row.read()?);
            Ok(())
        })
        .await?;
        Ok(watched)
    }

    /// The same; what is as it was when it was last read for `known` is not read again.
    ///
    /// # Errors
    /// As [`Store::watched`].
    pub async fn watched_since(
        &self,
        known: &Known,
        now: UtcTime,
    ) -> Result<Vec<Arc<Stored>>, StoreError> {
        let mut before = known.0.lock().await;
        let statement = statement!("revocations_versions");
        let marks: Vec<Mark> = reading!(self, pool =>
            sqlx::query_as::<_, MarkRow>(statement)
                .bind(now.micros()).bind(WATCHED + 1)
                .fetch(pool).map_ok(Mark::from).try_collect().await?
        );
        within_limit(marks.len())?;
        let same = |mark: &Mark| before.get(&mark.id).is_some_and(|(known, _)| known == mark);
        let changed = marks.iter().filter(|mark| !same(mark)).count();
        let mut after = HashMap::with_capacity(marks.len());
        let mut alike = Alike::of(before.values());
        if changed > marks.len() / MANY {
            // One statement for all is then the shorter way.
            self.each_watched(now, |row| {
                let (id, mark) = (row.id.clone(), row.mark());
                let read = match before.remove(&id).filter(|(known, _)| *known == mark) {
                    Some(known) => known,
                    None => (mark, alike.share(row.read()?)),
                };
                after.insert(id, read);
                Ok(())
            })
            .await?;
        }
        let mut watched = Vec::with_capacity(marks.len());
        for mark in marks {
            let id = mark.id.clone();
            let read = match (after.remove(&id), before.remove(&id)) {
                (Some(read), _) => Some(read),
                (None, Some(known)) if known.0 == mark => Some(known),
                (None, _) => {
                    self.marked(&id).await?.map(|(mark, stored)| (mark, alike.share(stored)))
                }
            };
            // What ended since the marks were read is not watched any more.
            let ended = |stored: &Stored| {
                stored.life.state == State::Withdrawn && stored.version != mark.version
            };
            let Some(read) = read.filter(|(_, stored)| !ended(stored)) else { continue };
            watched.push(read.1.clone());
            after.insert(id, read);
        }
        *before = after;
        Ok(watched)
    }

    async fn marked(&self, id: &str) -> Result<Option<(Mark, Stored)>, StoreError> {
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocation_get")).bind(id).fetch_optional(pool).await?
        );
        row.map(|row| Ok((row.mark(), row.read()?))).transpose()
    }

    /// Calls `take` with each row. One at a time: all of them as text are as much again as what is made of them.
    async fn each_watched(
        &self,
        now: UtcTime,
        mut take: impl FnMut(Row) -> Result<(), StoreError> + Send,
    ) -> Result<(), StoreError> {
        let statement = statement!("revocations_watched");
        let mut count = 0_usize;
        reading!(self, pool => {
            let query = sqlx::query_as::<_, Row>(statement).bind(now.micros()).bind(WATCHED + 1);
            let mut rows = query.fetch(pool);
            while let Some(row) = rows.try_next().await? {
                count += 1;
                if count.is_multiple_of(TURN) {
                    tokio::task::yield_now().await;
                }
                take(row)?;
            }
        });
        within_limit(count)
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

    /// Revocations that people may be shown and that are scheduled, open, regressed or excepted, oldest first; what
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
}
