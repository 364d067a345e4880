//! Taking somebody's word about an item of the checklist. It never decides a verdict.

use super::amend::unchanged;
use super::submission::{SubmissionError, object, text_fits, wrong};
use super::{Intake, IntakeError, notice_of_change};
use crate::audit::record::{self, About};
use crate::domain::checklist::{self, Word};
use crate::domain::request::Refused;
use crate::domain::revocation::State;
use crate::store::NewRecord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody's word about an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ItemAttestation)]
pub struct ItemAttestation {
    /// Name of the item.
    #[schema(min_length = 1, max_length = 1000)]
    pub item: String,
    /// In words; it stays in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 1000)]
    pub note: Option<String>,
}

impl Intake {
    /// Takes `bytes` (an [`ItemAttestation`]) to the revocation `id` as the word of `by`. When this returns, the
    /// record of it is in the log. `None`: there is no such revocation.
    ///
    /// # Errors
    /// When the revocation has no such item, or it cannot be kept now.
    pub async fn attest_item(
        &self,
        id: &str,
        bytes: &[u8],
        by: &str,
    ) -> Result<Option<ItemAttestation>, IntakeError> {
        let word: ItemAttestation = object(bytes)?;
        text_fits("/item", Some(&word.item))?;
        text_fits("/note", word.note.as_ref())?;
        let moved = self.moving(id, |stored, _, now| {
            if stored.life.state == State::Withdrawn {
                return Err(Refused::State(stored.life.state).into());
            }
            let items = &stored.revocation.checklist;
            let item = items.iter().find(|item| item.name == word.item);
            let Some(item) = item else { return Err(unknown(&word.item, items).into()) };
            let mut step = unchanged(stored, now);
            let attested = Word {
                item: item.name.clone(),
                by: by.to_owned(),
                at: now,
                note: word.note.clone(),
            };
            if !checklist::take(&mut step.life.attested, attested.clone()) {
                return Err(Refused::TooManyWords.into());
            }
            let about =
                About { revocation: &stored.revocation, subject: &stored.subject_id, at: now };
            let kind = if item.archive { "data_archived" } else { "item_attested" };
            let body = record::item_attested(&about, item, &attested);
            step.records.push(NewRecord { kind, body });
            step.notice = Some(notice_of_change(bytes, by, now)?);
            Ok(step)
        });
        Ok(moved.await?.map(|_| word))
    }
}

fn unknown(name: &str, items: &[checklist::Item]) -> SubmissionError {
    if items.is_empty() {
        return wrong(
            "/item",
            "this revocation has no checklist (`checklist` of the configuration)",
        );
    }
    let known: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    wrong("/item", format!("`{name}` is none of {}", known.join(", ")))
}
