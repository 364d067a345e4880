//! What an event is made of, from what the store and the log hold now.

use super::super::render::{Cite, Event, Late, Missed, event, late};
use crate::audit::tree::leaf_hash;
use crate::domain::delivery::{Audience, Topic};
use crate::domain::hex::hex;
use crate::journal::Journal;
use crate::store::{Delivery, StoreError};
use serde_json::Value;

/// Events that one which tells of others lists.
const LISTED: i64 = 100;

/// The body of a row's request; `None`: its record is not in the log.
pub(super) async fn body(
    journal: &Journal,
    row: &Delivery,
    audience: Audience,
    cite: &Cite,
) -> Result<Option<Value>, StoreError> {
    let store = &journal.store;
    if row.topic == Topic::Digest {
        return missed(journal, row, cite).await.map(Some);
    }
    let Some(record) = store.landed_record(&row.record).await? else { return Ok(None) };
    let stored = store.revocation(&row.about).await?;
    let (vendor, checklist) = if row.about.starts_with("chk_") {
        (store.vendor_of(&row.about).await?, Some(row.about.clone()))
    } else {
        store.offboarding_of(&row.about).await?
    };
    let hash = hash(journal, record.seq).await;
    Ok(Some(event(&Event {
        delivery: &row.id,
        topic: row.topic,
        about: &row.about,
        audience,
        id: &row.record,
        record: &record,
        sha256: hash.as_deref(),
        stored: stored.as_ref(),
        offboarding: (vendor.as_deref(), checklist.as_deref()),
        cite,
    })))
}

/// What its line hashes to in the log.
async fn hash(journal: &Journal, seq: u64) -> Option<String> {
    match journal.lines(seq, 1).await {
        Ok(lines) => {
            let line = lines.bytes.strip_suffix(b"\n").unwrap_or(&lines.bytes);
            Some(hex(&leaf_hash(line)))
        }
        Err(error) => {
            tracing::debug!(error = error.to_string(), seq, "the line of a record cannot be read");
            None
        }
    }
}

async fn missed(journal: &Journal, row: &Delivery, cite: &Cite) -> Result<Value, StoreError> {
    let store = &journal.store;
    let counts = store.outbox_counts(&row.id).await?;
    let total = counts.iter().map(|(_, _, count, _)| u64::try_from(*count).unwrap_or(0)).sum();
    let carried = store.outbox_carried(&row.id, LISTED).await?;
    let one = carried.iter().map(|one| Missed {
        topic: one.topic,
        about: &one.about,
        record: &one.record,
        seq: one.seq,
    });
    let missed: Vec<Missed<'_>> = one.collect();
    let at = row.created_at;
    Ok(late(&Late { delivery: &row.id, missed: &missed, total, at, cite }))
}
