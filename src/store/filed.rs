//! Pages that were filed: where each is, and what was found of it since.

use super::many::many;
use super::outbox::{fresh, insert_fresh, insert_note, noted};
use super::{
    NewRecord, Store, StoreError, ToldRecord, from_json, reading, statement, to_json, writing,
};
use crate::domain::page::Finding;
use crate::domain::time::UtcTime;

/// A page that was filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The row of the outbox that it was filed for.
    pub delivery: String,
    /// Its id at the receiver.
    pub page_id: String,
    /// Its title.
    pub title: String,
    /// Id of the page that it is under; empty at the top.
    pub parent: String,
    /// Its version after the last write of ours.
    pub version: u64,
    /// SHA-256 of its body as it was read back then, in hex.
    pub sha256: String,
    /// Names of what is attached.
    pub attachments: Vec<String>,
    /// When that was.
    pub filed_at: UtcTime,
    /// When it was last looked at.
    pub looked_at: UtcTime,
    /// What was found then.
    pub finding: Finding,
    /// The version that was found then.
    pub seen_version: u64,
}

#[derive(sqlx::FromRow)]
struct Line {
    delivery: String,
    page_id: String,
    title: String,
    parent: String,
    version: i64,
    sha256: String,
    attachments: String,
    filed_at: i64,
    looked_at: i64,
    finding: String,
    seen_version: i64,
}

fn finding(word: &str) -> Result<Finding, StoreError> {
    Finding::from_word(word).ok_or_else(|| StoreError::Corrupt {
        what: "what was found of a page",
        source: serde::de::Error::custom("it is none of the known words"),
    })
}

fn instant(micros: i64) -> UtcTime {
    UtcTime::from_micros(micros).unwrap_or(UtcTime::EPOCH)
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Line {
    fn read(self) -> Result<Page, StoreError> {
        Ok(Page {
            finding: finding(&self.finding)?,
            attachments: from_json(&self.attachments, "what is attached to a page")?,
            delivery: self.delivery,
            page_id: self.page_id,
            title: self.title,
            parent: self.parent,
            version: u64::try_from(self.version).unwrap_or(0),
            sha256: self.sha256,
            filed_at: instant(self.filed_at),
            looked_at: instant(self.looked_at),
            seen_version: u64::try_from(self.seen_version).unwrap_or(0),
        })
    }
}

impl Store {
    /// Notes that a page was filed, with the record that says so, in one transaction.
    ///
    /// # Errors
    /// When the database is away, or the record is there already.
    pub async fn page_filed(
        &self,
        receiver: &str,
        page: &Page,
        note: (&str, &NewRecord),
    ) -> Result<(), StoreError> {
        let (id, record) = note;
        let told = fresh(id, id, record.kind, &record.body, page.filed_at.micros());
        let note = noted(Some(note))?;
        let attachments = to_json(&page.attachments, "what is attached to a page")?;
        writing!(self, tx => {
            sqlx::query(statement!("page_put"))
                .bind(&page.delivery).bind(receiver).bind(&page.page_id).bind(&page.title)
                .bind(&page.parent).bind(count(page.version)).bind(&page.sha256)
                .bind(&attachments).bind(page.filed_at.micros())
                .execute(&mut *tx).await?;
            insert_note!(tx, note, page.filed_at);
            insert_fresh!(tx, told);
        })
    }

    /// The page of a row of the outbox.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn filed_page(&self, delivery: &str) -> Result<Option<Page>, StoreError> {
        let line: Option<Line> = reading!(self, pool =>
            sqlx::query_as(statement!("page_get")).bind(delivery).fetch_optional(pool).await?
        );
        line.map(Line::read).transpose()
    }

    /// Pages that were filed after `since` and not looked at after `before`, the longest ago first.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn pages_due(
        &self,
        receiver: &str,
        before: UtcTime,
        since: UtcTime,
        limit: i64,
    ) -> Result<Vec<Page>, StoreError> {
        let lines: Vec<Line> = reading!(self, pool =>
            sqlx::query_as(statement!("page_due"))
                .bind(receiver).bind(before.micros()).bind(since.micros()).bind(limit)
                .fetch_all(pool).await?
        );
        lines.into_iter().map(Line::read).collect()
    }

    /// Notes what a look at a page found, with the record that says so. False: it was filed anew or looked at
    /// meanwhile, and nothing was noted.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn page_looked(
        &self,
        page: &Page,
        (found, version): (Finding, u64),
        note: Option<(&str, &NewRecord)>,
        now: UtcTime,
    ) -> Result<bool, StoreError> {
        let note = noted(note)?;
        let done: Result<u64, StoreError> = writing!(self, tx => {
            let done = sqlx::query(statement!("page_looked"))
                .bind(&page.delivery).bind(&page.page_id).bind(page.looked_at.micros())
                .bind(now.micros()).bind(found.as_str()).bind(count(version))
                .execute(&mut *tx).await?.rows_affected();
            if done == 1 {
                insert_note!(tx, note, now);
            }
            done
        });
        Ok(done? == 1)
    }

    /// How many pages stand how.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn page_levels(&self, receiver: &str) -> Result<Vec<(Finding, i64)>, StoreError> {
        let rows: Vec<(String, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("page_levels")).bind(receiver).fetch_all(pool).await?
        );
        rows.into_iter().map(|(word, count)| Ok((finding(&word)?, count))).collect()
    }

    /// Whether a later page of a lane, after line `seq` of the log, waits to be filed.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn files_later(
        &self,
        receiver: &str,
        lane: &str,
        seq: u64,
    ) -> Result<bool, StoreError> {
        let later: i64 = reading!(self, pool =>
            sqlx::query_scalar(statement!("outbox_later"))
                .bind(receiver).bind(lane).bind(count(seq)).fetch_one(pool).await?
        );
        Ok(later > 0)
    }

    /// What the log holds of a revocation, in its order; at most `limit` records.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn landed_of(
        &self,
        revocation: &str,
        limit: i64,
    ) -> Result<Vec<ToldRecord>, StoreError> {
        let rows: Vec<(String, String, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("records_told"))
                .bind(revocation).bind(limit).fetch_all(pool).await?
        );
        rows.into_iter()
            .map(|(kind, body, seq)| {
                let seq = u64::try_from(seq).unwrap_or(0);
                Ok(ToldRecord { kind, body: from_json(&body, "a record")?, seq })
            })
            .collect()
    }

    /// The vendor and the checklist of the offboarding that a revocation is of, where it is of one.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn offboarding_of(
        &self,
        revocation: &str,
    ) -> Result<(Option<String>, Option<String>), StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_as(statement!("notice_offboarding")).bind(revocation).fetch_one(pool).await?
        ))
    }

    /// The vendor whose offboarding a checklist is, by its id in notices.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn vendor_of(&self, checklist: &str) -> Result<Option<String>, StoreError> {
        Ok(reading!(self, pool =>
            sqlx::query_scalar(statement!("notice_vendor")).bind(checklist).fetch_one(pool).await?
        ))
    }
}
