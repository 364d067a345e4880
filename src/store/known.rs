//! Revocations that are watched, in memory as they were last read. Most do not change between two looks, and reading
//! them whole is most of what watching costs.
//!
//! There are thousands of them, each with accounts on every target: what a judgement needs alone stays in the store,
//! and what is the same in many is there once.

use super::evidence::Found;
use super::model::Stored;
use super::revocations::Row;
use super::{Store, StoreError, reading, statement};
use crate::domain::relapse::Before;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use futures_util::TryStreamExt as _;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// Most revocations watched at once. More is an error, never silence.
const WATCHED: i64 = 200_000;
/// Rows made into revocations before others have their turn.
const TURN: usize = 64;
/// If one of so many has changed, all are read together.
const MANY: usize = 8;

/// Revocations as they were last read.
#[derive(Debug, Default)]
pub struct Known(tokio::sync::Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    read: HashMap<String, (Mark, Arc<Stored>)>,
    targets: Alike<str>,
    found: Alike<[Found]>,
    before: Alike<Before>,
}

impl Inner {
    /// `stored`, with what others have as well held together with them.
    fn share(&mut self, mut stored: Stored) -> Arc<Stored> {
        let gist = &mut stored.gist;
        // Just read, and nobody else's yet.
        for one in Arc::get_mut(&mut gist.found).into_iter().flatten() {
            self.targets.share(&mut one.target);
        }
        for (target, _) in &mut gist.whose {
            self.targets.share(target);
        }
        self.found.share(&mut gist.found);
        let is_same = stored.landed.take_if(|landed| Arc::ptr_eq(landed, &stored.life)).is_some();
        for life in [Some(&mut stored.life), stored.landed.as_mut()].into_iter().flatten() {
            if let Some(life) = Arc::get_mut(life) {
                self.before.share(&mut life.before);
            }
        }
        if is_same {
            stored.landed = Some(Arc::clone(&stored.life));
        }
        stored.accounts.shrink_to_fit();
        for account in &mut stored.accounts {
            account.names.shrink_to_fit();
        }
        Arc::new(stored)
    }
}

/// What is the same in many revocations, so that each holds only a reference to it.
#[derive(Debug)]
struct Alike<T: ?Sized>(BTreeSet<Arc<T>>);

impl<T: ?Sized + Ord> Default for Alike<T> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<T: ?Sized + Ord> Alike<T> {
    fn share(&mut self, one: &mut Arc<T>) {
        match self.0.get(one) {
            Some(same) => *one = Arc::clone(same),
            None => drop(self.0.insert(Arc::clone(one))),
        }
    }

    /// Lets go what nobody else holds any more.
    fn prune(&mut self) {
        self.0.retain(|one| Arc::strong_count(one) > 1);
    }
}

/// What differs whenever a revocation differs: a move or the erasing of a name changes the version, landing the number
/// of landings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) version: i64,
    pub(super) landings: i64,
}

fn within_limit(count: usize) -> Result<(), StoreError> {
    if i64::try_from(count).is_ok_and(|count| count > WATCHED) {
        return Err(StoreError::Held(format!("more than {WATCHED} revocations are watched")));
    }
    Ok(())
}

impl Store {
    /// Every revocation that is to be looked at, oldest first.
    ///
    /// # Errors
    /// When the database is away, or there are more than can be watched.
    pub async fn watched(&self, now: UtcTime) -> Result<Vec<Stored>, StoreError> {
        let mut watched = Vec::new();
        self.each_watched(now, |row| {
            watched.push(row.read()?.stored);
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
        let mut inner = known.0.lock().await;
        let marks = self.marks(now).await?;
        let known = |(id, mark): &&(String, Mark)| {
            inner.read.get(id).is_some_and(|(known, _)| known == mark)
        };
        let changed = marks.len() - marks.iter().filter(known).count();
        if changed > marks.len() / MANY {
            // One statement for all is then the shorter way.
            let inner = &mut *inner;
            self.each_watched(now, |row| {
                let (id, mark) = (row.id.clone(), row.mark());
                if inner.read.get(&id).is_none_or(|(known, _)| *known != mark) {
                    let stored = inner.share(row.read()?.stored);
                    inner.read.insert(id, (mark, stored));
                }
                Ok(())
            })
            .await?;
        }
        let mut before = std::mem::take(&mut inner.read);
        let mut after = HashMap::with_capacity(marks.len());
        let mut watched = Vec::with_capacity(marks.len());
        for (id, mark) in marks {
            let read = match before.remove(&id) {
                // Another one, newer or older: a store that was put back must not be judged by what it had.
                Some(known) if known.0 == mark => Some(known),
                _ => self.marked(&id, &mut inner).await?,
            };
            // What ended since the marks were read is not watched any more.
            let ended = |stored: &Stored| {
                stored.life.state == State::Withdrawn && stored.version != mark.version
            };
            let Some(read) = read.filter(|(_, stored)| !ended(stored)) else { continue };
            watched.push(read.1.clone());
            after.insert(id, read);
        }
        drop(before);
        inner.read = after;
        if changed > 0 {
            inner.found.prune();
            inner.targets.prune();
            inner.before.prune();
        }
        Ok(watched)
    }

    async fn marks(&self, now: UtcTime) -> Result<Vec<(String, Mark)>, StoreError> {
        let statement = statement!("revocations_versions");
        let rows: Vec<(String, i64, i64)> = reading!(self, pool =>
            sqlx::query_as(statement)
                .bind(now.micros()).bind(WATCHED + 1).fetch_all(pool).await?
        );
        within_limit(rows.len())?;
        let mark = |(id, version, landings)| (id, Mark { version, landings });
        Ok(rows.into_iter().map(mark).collect())
    }

    async fn marked(
        &self,
        id: &str,
        inner: &mut Inner,
    ) -> Result<Option<(Mark, Arc<Stored>)>, StoreError> {
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("revocation_get")).bind(id).fetch_optional(pool).await?
        );
        row.map(|row| Ok((row.mark(), inner.share(row.read()?.stored)))).transpose()
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
}
