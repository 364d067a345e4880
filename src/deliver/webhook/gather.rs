//! What an event is made of, from what the store and the log hold now.

use super::super::render::{Cite, Event, Late, Missed, event, late};
use crate::audit::tree::leaf_hash;
use crate::config::WebhookOut;
use crate::domain::delivery::Topic;
use crate::domain::hex::hex;
use crate::journal::Journal;
use crate::store::{Delivery, StoreError};
use serde_json::Value;

/// Events that one which tells of others lists.
const LISTED: i64 = 100;

/// The body of a row's request; `None`: its record is not in the log, or the endpoint is told of such things no more.
pub(super) async fn body(
    journal: &Journal,
    row: &Delivery,
    hook: &WebhookOut,
    cite: &Cite,
) -> Result<Option<Value>, StoreError> {
    let store = &journal.store;
    if row.topic == Topic::Digest {
        return missed(journal, row, hook, cite).await;
    }
    if !hook.events.contains(&row.topic) {
        return Ok(None);
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
        audience: hook.audience,
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

/// What could not be sent in time, of what the endpoint is told of by now; `None`: nothing of that.
async fn missed(
    journal: &Journal,
    row: &Delivery,
    hook: &WebhookOut,
    cite: &Cite,
) -> Result<Option<Value>, StoreError> {
    let store = &journal.store;
    let counts = store.outbox_counts(&row.id).await?;
    let (audience, events) = (hook.audience, &hook.events);
    let told = |topic: &str| Topic::from_word(topic).is_some_and(|topic| events.contains(&topic));
    let counted = counts.iter().filter(|(topic, _, _, _)| told(topic));
    let total = counted.map(|(_, _, count, _)| *count).sum::<i64>();
    if total == 0 {
        return Ok(None);
    }
    let all = counts.iter().map(|(_, _, count, _)| *count).sum::<i64>();
    // What it is told of may stand behind what it is not.
    let carried = store.outbox_carried(&row.id, if total == all { LISTED } else { all }).await?;
    let of_these = carried.iter().filter(|one| events.contains(&one.topic));
    let one = of_these.map(|one| Missed {
        topic: one.topic,
        about: &one.about,
        record: &one.record,
        seq: one.seq,
    });
    let missed: Vec<Missed<'_>> = one.take(usize::try_from(LISTED).unwrap_or(0)).collect();
    let (at, total) = (row.created_at, u64::try_from(total).unwrap_or(0));
    Ok(Some(late(&Late { delivery: &row.id, audience, missed: &missed, total, at, cite })))
}
