//! What a row says, from what the store and the log hold now.

use super::group::LATE;
use super::message::Message;
use super::render::{Brief, Chased, Cite, Digested, Sample, campaign, digest, one, outline};
use crate::clock;
use crate::domain::delivery::{Audience, Topic};
use crate::domain::notice::Outcome;
use crate::journal::Journal;
use crate::store::{Delivery, Evidenced, Store, StoreError, ToldRecord};
use serde_json::{Map, Value};

/// Rows of a digest that are listed.
const LISTED: i64 = 20;

/// The newest checkpoint.
pub(super) async fn cite(journal: &Journal) -> Cite {
    match journal.head().await {
        Ok(head) => Cite::from(&head),
        Err(error) => {
            tracing::debug!(error = error.to_string(), "no checkpoint to cite");
            Cite::default()
        }
    }
}

/// The message of a row; `None`: there is nothing to tell any more, or not to this audience.
pub(super) async fn message(
    store: &Store,
    row: &Delivery,
    audience: Audience,
    cite: &Cite,
) -> Result<Option<Message>, StoreError> {
    if row.topic == Topic::Digest {
        return all(store, row, audience, cite).await;
    }
    if !audience.is_told(row.topic) {
        return Ok(None);
    }
    let Some(record) = store.landed_record(&row.record).await? else { return Ok(None) };
    if record.body.contains_key("campaign") {
        return of_campaign(store, row, &record, cite).await;
    }
    if row.topic == Topic::Held && !is_held(store, &row.about).await? {
        return Ok(None);
    }
    let stored = store.revocation(&row.about).await?;
    let after = match row.topic {
        Topic::Verified => before(store, &row.record).await?,
        Topic::Used
        | Topic::Regressed
        | Topic::Blind
        | Topic::Unapproved
        | Topic::Overdue
        | Topic::Reminder
        | Topic::Acknowledged
        | Topic::NudgeSecurity
        | Topic::NudgeLead
        | Topic::Nudge
        | Topic::Reopened
        | Topic::Residual
        | Topic::Resumed
        | Topic::Held
        | Topic::Asked
        | Topic::Opened
        | Topic::Changed
        | Topic::Digest
        | Topic::Sweep
        | Topic::Excepted
        | Topic::Withdrawn
        | Topic::Sighted
        | Topic::Filed
        | Topic::Status
        | Topic::Closure
        | Topic::Attestation => None,
    };
    let (topic, stored, after) = (row.topic, stored.as_ref(), after.as_ref());
    let rests = stored.and_then(|stored| stored.in_hand());
    let rests = rests.filter(|known| known.rests(clock::now()));
    let brief = Brief { topic, record: &record, stored, after, rests, cite };
    Ok(if audience.sees_details() { one(&brief) } else { outline(&brief) })
}

/// The message of a campaign's record, of the consumers as they stand now.
async fn of_campaign(
    store: &Store,
    row: &Delivery,
    record: &ToldRecord,
    cite: &Cite,
) -> Result<Option<Message>, StoreError> {
    let word = |key: &str| record.body.get(key).and_then(Value::as_str).unwrap_or_default();
    let (name, team) = (word("campaign"), word("team"));
    let all = store.consumers(name).await?;
    let swept = store.campaigns().await?.into_iter().find(|known| known.name == name);
    let swept = swept.map(|known| known.swept).unwrap_or_default();
    let rests = swept.acknowledged.get(team).filter(|known| known.rests(clock::now()));
    let (topic, about, slot) = (row.topic, row.about.as_str(), swept.slot);
    Ok(campaign(&Chased { topic, about, record, consumers: &all, slot, rests, cite }))
}

/// Whether a notice still waits for a person.
async fn is_held(store: &Store, notice: &str) -> Result<bool, StoreError> {
    let notice = store.notice(notice).await?;
    Ok(notice.is_some_and(|kept| kept.key.facts.outcome == Outcome::Quarantined))
}

/// The observation that was queued just before a record, in the same move.
async fn before(store: &Store, record: &str) -> Result<Option<Map<String, Value>>, StoreError> {
    let Some((revocation, number)) = record.rsplit_once('.') else { return Ok(None) };
    let Some(number) = number.parse::<u64>().ok().and_then(|n| n.checked_sub(1)) else {
        return Ok(None);
    };
    let found = store.landed_record(&format!("{revocation}.{number}")).await?;
    let is_after =
        |body: &Map<String, Value>| body.get("label").and_then(Value::as_str) == Some("after");
    Ok(found.filter(|found| found.kind == "observation" && is_after(&found.body)).map(|f| f.body))
}

/// What is told together; `None`: nothing of that is told to this audience by now.
async fn all(
    store: &Store,
    row: &Delivery,
    audience: Audience,
    cite: &Cite,
) -> Result<Option<Message>, StoreError> {
    let counted = store.outbox_counts(&row.id).await?;
    let rows = counted.iter().map(|(_, _, count, _)| *count).sum::<i64>();
    let told = counted.into_iter().filter_map(|(topic, reason, count, seq)| {
        let topic = Topic::from_word(&topic).filter(|topic| audience.is_told(*topic))?;
        Some((topic, reason, count, seq))
    });
    let told: Vec<_> = told.collect();
    let Some(newest) = told.iter().map(|(_, _, _, seq)| *seq).max() else { return Ok(None) };
    let is_all = told.iter().map(|(_, _, count, _)| *count).sum::<i64>() == rows;
    let counts = told.into_iter();
    let counts = counts.map(|(topic, reason, n, _)| (topic, reason, u64::try_from(n).unwrap_or(0)));
    let counts: Vec<_> = counts.collect();
    // What it is told of may stand behind what it is not.
    let mut carried = store.outbox_carried(&row.id, if is_all { LISTED } else { rows }).await?;
    carried.retain(|one| audience.is_told(one.topic));
    carried.truncate(usize::try_from(LISTED).unwrap_or(0));
    let mut known: Vec<Option<Evidenced>> = Vec::with_capacity(carried.len());
    for one in &carried {
        known.push(store.revocation(&one.about).await?);
    }
    let samples: Vec<Sample<'_>> = carried
        .iter()
        .zip(&known)
        .map(|(one, stored)| Sample {
            topic: one.topic,
            about: &one.about,
            stored: stored.as_deref(),
        })
        .collect();
    let oldest = carried.iter().map(|one| one.created_at).min();
    Ok(Some(digest(&Digested {
        counts: &counts,
        samples: &samples,
        late_since: oldest.filter(|_| row.lane == LATE),
        checklist: row.lane.starts_with("chk_").then_some(row.lane.as_str()),
        details: audience.sees_details(),
        seq: u64::try_from(newest).unwrap_or(0),
        cite,
    })))
}
