//! Notices: what is known of each beside its bytes, and those that made no revocation.

use super::many::many;
use super::model::{NewRecord, NoticeKey};
use super::moves::bind_facts;
use super::outbox::{fresh, insert_fresh};
use super::{Place, Store, StoreError, from_json, reading, statement, to_json, writing};
use crate::domain::identity::{Unsure, is_another, known_names};
use crate::domain::notice::{Fault, Hold, Outcome};
use crate::domain::time::UtcTime;
use serde_json::Value;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Void changes of role that are taken up at a time.
const VOID: i64 = 100;

/// What is listed of a notice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// `ntc_…`, ours; empty for what no door took.
    pub id: String,
    /// Where it came in: the last part of the address, or empty.
    pub door: String,
    /// Type of event.
    pub event_type: String,
    /// When the sender says that it was made.
    pub event_at: Option<UtcTime>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why it is held.
    pub cause: Option<Hold>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// Stable id of whom it names.
    pub subject: String,
    /// User name of whom it names.
    pub username: String,
    /// E-mail address of whom it names.
    pub email: String,
    /// Vendor it is about.
    pub vendor: String,
    /// Checklist that it opened.
    pub checklist: String,
    /// The record that its answer waits for, where that is of no revocation.
    pub record: Option<String>,
    /// What it asked for and waits, or waited, for a second person: ids of requests and exceptions.
    pub pending: Vec<String>,
}

impl Facts {
    pub(super) fn faults_text(&self) -> String {
        serde_json::to_string(&self.faults).unwrap_or_else(|_| "[]".to_owned())
    }
}

/// A notice as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptNotice {
    /// What makes it the same notice.
    pub key: NoticeKey,
    /// When it came.
    pub received_at: UtcTime,
    /// The revocation that it made or joined.
    pub revocation: Option<String>,
    /// Who decided about it, if it was held.
    pub settled_by: String,
    /// Why they decided so.
    pub settled_why: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    source: String,
    event_id: String,
    digest: String,
    body: String,
    received_at: i64,
    revocation_id: Option<String>,
    id: String,
    door: String,
    event_type: String,
    event_at: Option<i64>,
    outcome: String,
    cause: String,
    faults: String,
    subject: String,
    username: String,
    email: String,
    vendor: String,
    checklist: String,
    settled_by: String,
    settled_why: String,
    record_id: Option<String>,
    pending: String,
}

pub(super) fn instant(micros: i64) -> UtcTime {
    // Every instant in the store was one of ours when it was written.
    UtcTime::from_micros(micros).unwrap_or(UtcTime::EPOCH)
}

impl Row {
    fn read(self) -> Result<KeptNotice, StoreError> {
        Ok(KeptNotice {
            received_at: instant(self.received_at),
            revocation: self.revocation_id,
            settled_by: self.settled_by,
            settled_why: self.settled_why,
            key: NoticeKey {
                source: self.source,
                event_id: self.event_id,
                digest: self.digest,
                body: self.body,
                facts: Facts {
                    id: self.id,
                    door: self.door,
                    event_type: self.event_type,
                    event_at: self.event_at.and_then(UtcTime::from_micros),
                    outcome: Outcome::from_word(&self.outcome).unwrap_or_default(),
                    cause: Hold::from_word(&self.cause),
                    faults: from_json(&self.faults, "what is wrong with a notice")?,
                    subject: self.subject,
                    username: self.username,
                    email: self.email,
                    vendor: self.vendor,
                    checklist: self.checklist,
                    record: self.record_id,
                    pending: self.pending.split_whitespace().map(str::to_owned).collect(),
                },
            },
        })
    }
}

pub(super) fn with_id(id: &str, note: &NewRecord) -> Result<String, StoreError> {
    let mut body = note.body.clone();
    body.insert("id".to_owned(), Value::String(id.to_owned()));
    to_json(&body, "a record")
}

impl Store {
    /// The notice that `source` called `event_id`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn notice_called(
        &self,
        source: &str,
        event_id: &str,
    ) -> Result<Option<KeptNotice>, StoreError> {
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("notice_by_key"))
                .bind(source).bind(event_id).fetch_optional(pool).await?
        );
        row.map(Row::read).transpose()
    }

    /// The notice with our `id`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn notice(&self, id: &str) -> Result<Option<KeptNotice>, StoreError> {
        if id.is_empty() {
            return Ok(None);
        }
        let row: Option<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("notice_by_id")).bind(id).fetch_optional(pool).await?
        );
        row.map(Row::read).transpose()
    }

    /// Keeps a notice that made no revocation by itself, and queues the record that says so, whose id stands in its
    /// facts. False: the same event was kept a moment ago, and nothing was done.
    ///
    /// # Errors
    /// When the database is away; then neither is kept.
    pub async fn keep_notice(
        &self,
        notice: &NoticeKey,
        revocation: Option<&str>,
        note: &NewRecord,
        at: UtcTime,
    ) -> Result<bool, StoreError> {
        let id = notice.facts.record.as_deref().unwrap_or_default();
        let body = with_id(id, note)?;
        let told = fresh(id, id, note.kind, &note.body, at.micros());
        let kept: Result<u64, StoreError> = writing!(self, tx => {
            sqlx::query(many(statement!("record_insert"), 1))
                .bind(id).bind(None::<&str>).bind(0_i64).bind(note.kind).bind(&body)
                .bind(None::<&str>).bind(None::<&str>).bind(at.micros())
                .execute(&mut *tx).await?;
            let query = sqlx::query(many(statement!("notice_keep"), 1))
                .bind(&notice.source).bind(&notice.event_id).bind(&notice.digest)
                .bind(&notice.body).bind(at.micros()).bind(revocation);
            let kept = bind_facts!(query, notice.facts).execute(&mut *tx).await?.rows_affected();
            insert_fresh!(tx, told);
            if kept == 0 {
                // Dropped, the transaction is rolled back, and the record with it.
                return Err(StoreError::NoticeDiffers {
                    source_name: notice.source.clone(),
                    event_id: notice.event_id.clone(),
                });
            }
            kept
        });
        match kept {
            Ok(_) => Ok(true),
            Err(StoreError::NoticeDiffers { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Up to `limit` notices, newest first, from the one after `after` on: of one outcome or all, of one source or all.
    /// Their bytes are left out.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn notices(
        &self,
        outcome: Option<Outcome>,
        source: &str,
        after: Option<&Place>,
        limit: i64,
    ) -> Result<Vec<KeptNotice>, StoreError> {
        let (received_at, id) =
            after.map_or((i64::MAX, ""), |place| (place.received_at.micros(), place.id.as_str()));
        let rows: Vec<Row> = reading!(self, pool =>
            sqlx::query_as(statement!("notices_page"))
                .bind(outcome.map_or("", Outcome::as_str)).bind(source)
                .bind(received_at).bind(id).bind(limit)
                .fetch_all(pool).await?
        );
        rows.into_iter().map(Row::read).collect()
    }

    /// How many notices have this outcome.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn notices_of(&self, outcome: Outcome) -> Result<i64, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_scalar(statement!("notices_count"))
                .bind(outcome.as_str()).fetch_one(pool).await?
        ))
    }

    /// When each source was last heard.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn last_heard(&self) -> Result<BTreeMap<String, UtcTime>, StoreError> {
        let rows: Vec<(String, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("notices_last")).fetch_all(pool).await?
        );
        Ok(rows.into_iter().map(|(source, at)| (source, instant(at))).collect())
    }

    /// User names and e-mail addresses under which accepted notices named the subject `name`; either may be empty.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn names_of(&self, name: &str) -> Result<Vec<(String, String)>, StoreError> {
        let rows: Vec<(String, String, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("notice_names")).bind(name).fetch_all(pool).await?
        );
        let given = rows.into_iter().map(|(name, email, valid)| (name, email, valid == 0));
        Ok(known_names(given.collect()))
    }

    /// Notices that are held and ask of the revocation `id` whom they mean, oldest first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn unsure_of(&self, id: &str, limit: i64) -> Result<Vec<Unsure>, StoreError> {
        let rows: Vec<(String, String, String, String)> = reading!(self, pool =>
            sqlx::query_as(statement!("notices_unsure")).bind(id).bind(limit).fetch_all(pool).await?
        );
        let mut all = Vec::with_capacity(rows.len());
        let mut known: HashMap<String, Vec<(String, String)>> = HashMap::new();
        for (notice, digest, subject, username) in rows {
            let names = match known.entry(subject) {
                Entry::Occupied(names) => names.into_mut(),
                Entry::Vacant(unread) => {
                    let names = self.names_of(unread.key()).await?;
                    unread.insert(names)
                }
            };
            // Of one that differs in its e-mail address alone, the user name is no question.
            let known = names.iter().map(|(name, _)| name.as_str());
            let username = Some(username).filter(|name| is_another(name, known));
            all.push(Unsure { notice, digest, username, plain: false });
        }
        Ok(all)
    }

    /// Every notice that is held and asks of a revocation whom it means, with that revocation's id.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn asking(&self) -> Result<Vec<(String, String)>, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_as(statement!("notices_asking")).fetch_all(pool).await?
        ))
    }

    /// The revocation by which everything ended for the subject `name`, and when its newest notice was made.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn ended(&self, name: &str) -> Result<Option<(String, UtcTime)>, StoreError> {
        let row: Option<(String, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("notice_ended")).bind(name).fetch_optional(pool).await?
        );
        Ok(row.map(|(id, at)| (id, instant(at))))
    }

    /// Ids of notices that an end made void which was withdrawn after `since`, with `more` than can be taken up at a time.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn void_changes(
        &self,
        since: UtcTime,
        more: usize,
    ) -> Result<Vec<String>, StoreError> {
        let most = VOID.saturating_add(i64::try_from(more).unwrap_or(i64::MAX));
        Ok(reading!(self, pool =>
            sqlx::query_scalar(statement!("notices_void"))
                .bind(most).bind(since.micros()).fetch_all(pool).await?
        ))
    }

    /// Revocations of a checklist, or of all checklists of a vendor; an empty text does not restrict.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn listed(
        &self,
        checklist: &str,
        vendor: &str,
    ) -> Result<BTreeSet<String>, StoreError> {
        let rows: Vec<String> = reading!(self, pool =>
            sqlx::query_scalar(statement!("notice_checklist"))
                .bind(checklist).bind(vendor).fetch_all(pool).await?
        );
        Ok(rows.into_iter().collect())
    }
}
