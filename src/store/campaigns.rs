//! Rotation campaigns: what is known of each and of its consumers, moved with the records that say so.

use super::outbox::{fresh, insert_fresh, insert_note, noted};
use super::{
    NewRecord, Store, StoreError, from_json, many::many, reading, statement, to_json, writing,
};
use crate::domain::acknowledged::Acknowledged;
use crate::domain::campaign::{Consumer, Kept, Standing};
use crate::domain::time::UtcTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A sweep that somebody asked for, rather than the schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedSweep {
    /// When.
    pub at: UtcTime,
    /// Who.
    pub by: String,
}

/// What the newest sweep of a campaign found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// The time at which that sweep was due; `None` before the first.
    pub slot: Option<UtcTime>,
    /// When it was made.
    pub at: Option<UtcTime>,
    /// When the list of consumers was last read whole.
    pub read_at: Option<UtcTime>,
    /// Why it was not read by the newest sweep; empty where it was.
    pub error: String,
    /// The sweep in which each team was last reminded, or had nothing to be reminded of.
    pub teams: BTreeMap<String, UtcTime>,
    /// One that was asked for and is not made yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<AskedSweep>,
    /// Teams that are not reminded for a while, since somebody has it in hand.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub acknowledged: BTreeMap<String, Acknowledged>,
}

/// A campaign as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CampaignRow {
    /// Its name.
    pub name: String,
    /// What its newest sweep found.
    pub swept: Swept,
    /// It changes with everything that changes in the campaign.
    pub version: i64,
}

/// A consumer, and whether the log has the newest change of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptConsumer {
    /// It, and its id.
    pub kept: Kept,
    /// The record of the newest change is in the log.
    pub landed: bool,
}

impl KeptConsumer {
    /// Where it is shown to stand: what nobody has to act upon any more only once the log has that.
    #[must_use]
    pub fn shown(&self) -> Standing {
        let consumer = &self.kept.consumer;
        if self.landed || consumer.standing.is_outstanding() {
            consumer.standing
        } else {
            consumer.stood
        }
    }
}

/// A consumer after a change, and the id of the record that says so, if one does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedConsumer {
    /// It.
    pub kept: Kept,
    /// The record.
    pub record: Option<String>,
}

/// What changes in a campaign at once.
#[derive(Clone, Debug)]
pub struct CampaignMove<'a> {
    /// The campaign as it was read.
    pub from: &'a CampaignRow,
    /// What its newest sweep found now.
    pub swept: &'a Swept,
    /// Consumers that changed.
    pub consumers: &'a [ChangedConsumer],
    /// Records of it, by id, in their order.
    pub notes: &'a [(String, NewRecord)],
    /// When.
    pub at: UtcTime,
}

impl Store {
    /// Every campaign that was ever swept.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn campaigns(&self) -> Result<Vec<CampaignRow>, StoreError> {
        let rows: Vec<(String, String, i64)> = reading!(self, pool =>
            sqlx::query_as(statement!("campaigns_all")).fetch_all(pool).await?
        );
        rows.into_iter()
            .map(|(name, body, version)| {
                Ok(CampaignRow { name, swept: from_json(&body, "a campaign")?, version })
            })
            .collect()
    }

    /// Makes sure that there is a campaign of this name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn begin_campaign(&self, name: &str) -> Result<(), StoreError> {
        let body = to_json(&Swept::default(), "a campaign")?;
        writing!(self, tx => {
            sqlx::query(statement!("campaign_insert")).bind(name).bind(&body).execute(&mut *tx).await?;
        })
    }

    /// Consumers of a campaign, by name.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn consumers(&self, campaign: &str) -> Result<Vec<KeptConsumer>, StoreError> {
        let rows: Vec<(String, String, String)> = reading!(self, pool =>
            sqlx::query_as(statement!("campaign_consumers")).bind(campaign).fetch_all(pool).await?
        );
        rows.into_iter()
            .map(|(id, body, state)| {
                let consumer: Consumer = from_json(&body, "a consumer")?;
                Ok(KeptConsumer { kept: Kept { id, consumer }, landed: state == "landed" })
            })
            .collect()
    }

    /// Changes a campaign with the records that say so and what is told of them, in one transaction. False: somebody else
    /// changed it meanwhile, and nothing was done.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn move_campaign(&self, step: &CampaignMove<'_>) -> Result<bool, StoreError> {
        let body = to_json(step.swept, "a campaign")?;
        let mut rows = Vec::with_capacity(step.consumers.len());
        for one in step.consumers {
            let consumer = &one.kept.consumer;
            rows.push((
                &one.kept.id,
                &consumer.name,
                to_json(consumer, "a consumer")?,
                &one.record,
            ));
        }
        let (mut notes, mut told) = (Vec::new(), Vec::new());
        for (id, note) in step.notes {
            notes.push(noted(Some((id, note)))?);
            told.extend(fresh(id, id, note.kind, &note.body, step.at.micros()));
        }
        let (name, version) = (&step.from.name, step.from.version);
        let done: Result<u64, StoreError> = writing!(self, tx => {
            let done = sqlx::query(statement!("campaign_put"))
                .bind(name).bind(version).bind(&body)
                .execute(&mut *tx).await?.rows_affected();
            if done == 1 {
                for note in &notes {
                    insert_note!(tx, note, step.at);
                }
                insert_fresh!(tx, told);
                for (id, consumer, body, record) in &rows {
                    sqlx::query(statement!("campaign_consumer_put"))
                        .bind(*id).bind(name).bind(*consumer).bind(body).bind(record.as_deref())
                        .execute(&mut *tx).await?;
                }
            }
            done
        });
        Ok(done? == 1)
    }
}
