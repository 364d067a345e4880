//! Taking somebody's word that a consumer uses the new credential. It stops the reminders and proves nothing.

use super::submission::{object, text_fits};
use super::{Intake, IntakeError, PATIENCE, TRIES};
use crate::audit::record;
use crate::clock;
use crate::domain::campaign::Standing;
use crate::store::{CampaignMove, ChangedConsumer, KeptConsumer, NewRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// That a consumer uses the new credential of its campaign, as somebody says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConsumerClaim)]
pub struct Claim {
    /// The consumer, as the list of the campaign calls it.
    #[schema(min_length = 1, max_length = 1000)]
    pub consumer: String,
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
            let all = store.campaigns().await?;
            let Some(row) = all.into_iter().find(|row| row.name == campaign) else {
                return Ok(None);
            };
            let Some(found) = self.consumer(campaign, &claim.consumer).await? else {
                return Ok(None);
            };
            if matches!(found.kept.consumer.standing, Standing::Claimed | Standing::Closed) {
                return Ok(Some(found));
            }
            let now = clock::now();
            let mut kept = found.kept.clone();
            kept.consumer.claim(now);
            kept.consumer.step(now);
            let id = clock::new_id("cmp", now)
                .map_err(|error| IntakeError::Unavailable(error.into()))?;
            let body = record::consumer_claimed(campaign, &kept.id, by, now);
            let notes = [(id.clone(), NewRecord { kind: "consumer_claimed", body })];
            let consumers = [ChangedConsumer { kept, record: Some(id.clone()) }];
            let swept = &row.swept;
            let step =
                CampaignMove { from: &row, swept, consumers: &consumers, notes: &notes, at: now };
            if store.move_campaign(&step).await? {
                self.journal.landed(&id, PATIENCE).await?;
                return self.consumer(campaign, &claim.consumer).await;
            }
        }
        let why = "the campaign changes all the time";
        Err(IntakeError::Unavailable(anyhow::anyhow!("{why}")))
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
