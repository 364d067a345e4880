//! Taking somebody's word that a consumer uses the new credential, and taking it back; and asking for a sweep. A word stops the
//! reminders and proves nothing.

use super::submission::{object, text_fits};
use super::{Intake, IntakeError, PATIENCE, TRIES};
use crate::audit::record;
use crate::clock;
use crate::domain::campaign::{Consumer, Standing};
use crate::domain::time::UtcTime;
use crate::store::{
    AskedSweep, CampaignMove, CampaignRow, ChangedConsumer, KeptConsumer, NewRecord, StoreError,
    Swept,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// That a consumer uses the new credential of its campaign, as somebody says; or that this is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConsumerClaim)]
pub struct Claim {
    /// The consumer, as the list of the campaign calls it.
    #[schema(min_length = 1, max_length = 1000)]
    pub consumer: String,
    /// The claim is taken back, whoever made it: the consumer is chased again.
    #[schema(default = false)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdraw: bool,
}

impl Claim {
    /// Whether there is something to say or to take back. What was seen is neither.
    fn changes(&self, consumer: &Consumer) -> bool {
        use Standing as S;
        match (self.withdraw, consumer.standing) {
            (false, S::Claimed | S::Closed) | (true, S::Pending | S::Reopened | S::Closed) => false,
            (false, S::Pending | S::Reopened | S::Unlisted) | (true, S::Claimed) => true,
            (true, S::Unlisted) => consumer.claimed_at.is_some(),
        }
    }
}

impl Intake {
    /// Takes `bytes` (a [`Claim`]) about a consumer of `campaign` as the word of `by`. When this returns, the record of it is
    /// in the log. `None`: there is no such campaign or consumer.
    ///
    /// # Errors
    /// When it cannot be kept now.
    pub async fn confirm_consumer(
        &self,
        campaign: &str,
        bytes: &[u8],
        by: &str,
    ) -> Result<Option<KeptConsumer>, IntakeError> {
        let claim: Claim = object(bytes)?;
        text_fits("/consumer", Some(&claim.consumer))?;
        let store = &self.journal.store;
        for _ in 0..TRIES {
            let Some(row) = self.campaign(campaign).await? else { return Ok(None) };
            let Some(found) = self.consumer(campaign, &claim.consumer).await? else {
                return Ok(None);
            };
            if !claim.changes(&found.kept.consumer) {
                return Ok(Some(found));
            }
            let now = clock::now();
            let mut kept = found.kept.clone();
            let about = (campaign, kept.id.as_str());
            let note = if claim.withdraw {
                kept.consumer.withdraw();
                let body = record::consumer_claim_withdrawn(about.0, about.1, by, now);
                NewRecord { kind: "consumer_claim_withdrawn", body }
            } else {
                kept.consumer.claim(now);
                let body = record::consumer_claimed(about.0, about.1, by, now);
                NewRecord { kind: "consumer_claimed", body }
            };
            kept.consumer.step(now);
            let id = clock::new_id("cmp", now)
                .map_err(|error| IntakeError::Unavailable(error.into()))?;
            let notes = [(id.clone(), note)];
            let consumers = [ChangedConsumer { kept, record: Some(id.clone()) }];
            let swept = &row.swept;
            let step =
                CampaignMove { from: &row, swept, consumers: &consumers, notes: &notes, at: now };
            if store.move_campaign(&step).await? {
                self.journal.landed(&id, PATIENCE).await?;
                return self.consumer(campaign, &claim.consumer).await;
            }
        }
        Err(busy())
    }

    /// Asks that `campaign` is swept now, on behalf of `by`; gives when that was asked. The record of the sweep says who did.
    ///
    /// # Errors
    /// When it cannot be kept now.
    pub async fn ask_sweep(&self, campaign: &str, by: &str) -> Result<UtcTime, IntakeError> {
        let store = &self.journal.store;
        for _ in 0..TRIES {
            let Some(row) = self.campaign(campaign).await? else {
                store.begin_campaign(campaign).await?;
                continue;
            };
            let at = clock::now();
            let asked = Some(AskedSweep { at, by: by.to_owned() });
            let swept = Swept { asked, ..row.swept.clone() };
            let step = CampaignMove { from: &row, swept: &swept, consumers: &[], notes: &[], at };
            if store.move_campaign(&step).await? {
                return Ok(at);
            }
        }
        Err(busy())
    }

    async fn campaign(&self, name: &str) -> Result<Option<CampaignRow>, StoreError> {
        let all = self.journal.store.campaigns().await?;
        Ok(all.into_iter().find(|row| row.name == name))
    }

    async fn consumer(
        &self,
        campaign: &str,
        name: &str,
    ) -> Result<Option<KeptConsumer>, IntakeError> {
        let all = self.journal.store.consumers(campaign).await?;
        Ok(all.into_iter().find(|one| one.kept.consumer.name == name))
    }
}

pub(super) fn busy() -> IntakeError {
    IntakeError::Unavailable(anyhow::anyhow!("the campaign changes all the time"))
}
