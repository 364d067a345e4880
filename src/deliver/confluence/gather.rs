//! What a page is about, from what the store and the log hold.

use super::NAME;
use crate::domain::before::BeforeState;
use crate::domain::delivery::Topic;
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::store::{Delivery, Evidenced, Store, StoreError, ToldRecord};
use serde_json::Value;
use std::collections::BTreeSet;

/// Records of a revocation that are read.
const RECORDS: i64 = 5_000;
/// Revocations of a checklist whose proofs are attached: each proof reads the whole log.
const PROVED: usize = 20;
/// What was there before, and what became of it.
pub(super) const DIFF: &str = "before-after.csv";
/// The revocations of a checklist.
pub(super) const MEMBERS: &str = "revocations.csv";

/// One revocation that is at its end.
#[derive(Clone, Debug)]
pub struct Part {
    /// It.
    pub stored: Evidenced,
    /// What the log held of it when it was closed, in its order.
    pub records: Vec<ToldRecord>,
    /// What the log holds of it since.
    pub since: Vec<ToldRecord>,
    /// What was there before.
    pub before: Vec<BeforeState>,
    /// It was verified; else it was withdrawn.
    pub verified: bool,
}

/// A revocation, or all of a vendor's offboarding, at its end.
#[derive(Clone, Debug)]
pub struct Closing {
    /// The revocation or the checklist.
    pub about: String,
    /// It is a checklist.
    pub is_checklist: bool,
    /// The vendor, where the configuration names it.
    pub vendor: Option<String>,
    /// Line of the record by which it was closed.
    pub seq: u64,
    /// When that was.
    pub at: UtcTime,
    /// What it consists of.
    pub parts: Vec<Part>,
    /// The page that was filed for this before, and is to be replaced.
    pub replaces: Option<String>,
    /// An attempt was made before this one: a page of ours may be there.
    pub tried: bool,
}

impl Part {
    /// Id of the revocation.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.stored.revocation.id
    }

    /// The newest of its records of a kind.
    #[must_use]
    pub fn newest(&self, kind: &str) -> Option<&ToldRecord> {
        self.records.iter().rfind(|record| record.kind == kind)
    }

    /// The newest observation with this label.
    #[must_use]
    pub fn observed(&self, label: &str) -> Option<&ToldRecord> {
        let is = |record: &&ToldRecord| {
            record.kind == "observation"
                && record.body.get("label").and_then(Value::as_str) == Some(label)
        };
        self.records.iter().rfind(is)
    }
}

impl Closing {
    /// The title of its page: of ids and a day alone, and no other has it.
    #[must_use]
    pub fn title(&self) -> String {
        let day = self.at.to_string();
        let day = day.get(..10).unwrap_or_default();
        let what =
            if self.is_checklist { "Vendor offboarding closure" } else { "Revocation closure" };
        format!("{what} {}: verified {day} (record {})", self.about, self.seq)
    }

    /// The parts whose proofs are attached: all, or as many of the verified ones as there is room for.
    pub fn proved(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.verified).take(PROVED)
    }

    /// Names of everything that is attached.
    #[must_use]
    pub fn file_names(&self) -> Vec<String> {
        let proofs = self.proved().map(|part| proof_name(part.id()));
        let members = self.is_checklist.then(|| MEMBERS.to_owned());
        proofs.chain([DIFF.to_owned()]).chain(members).collect()
    }

    /// The first line of the log that is about it.
    #[must_use]
    pub fn first_seq(&self) -> u64 {
        let all = self.parts.iter().flat_map(|part| &part.records);
        all.map(|record| record.seq).min().unwrap_or(self.seq)
    }
}

/// Name of the file with the proof of a revocation.
pub(super) fn proof_name(revocation: &str) -> String {
    format!("{revocation}.tlog-proof")
}

/// What a row of the outbox closes; `None`: nothing, since it is not all at its end, or a later record closes it.
pub(super) async fn closing(
    store: &Store,
    row: &Delivery,
    vendors: &BTreeSet<String>,
) -> Result<Option<Closing>, StoreError> {
    if row.topic != Topic::Closure {
        return Ok(None);
    }
    let Some(record) = store.landed_record(&row.record).await? else { return Ok(None) };
    let is_checklist = row.lane.starts_with("chk_");
    // Of many revocations that end one after the other, the last one tells: nothing was filed for this one yet.
    let untried = row.row.attempts == 0;
    if is_checklist && untried && store.files_later(NAME, &row.lane, record.seq).await? {
        return Ok(None);
    }
    let (about, ids) = if is_checklist {
        (row.lane.clone(), store.listed(&row.lane, "").await?)
    } else {
        (row.about.clone(), BTreeSet::from([row.about.clone()]))
    };
    let mut parts = Vec::with_capacity(ids.len());
    for id in &ids {
        let Some(stored) = store.revocation(id).await? else { return Ok(None) };
        let all = store.landed_of(id, RECORDS).await?;
        let (records, since): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|told| told.seq <= record.seq);
        let Some(verified) = closed(&records) else { return Ok(None) };
        // What was asked for since may have opened it again, without a record of that kind.
        let state = stored.landed.as_deref().map(|life| life.state);
        let ended = matches!(state, Some(State::Verified | State::Withdrawn));
        if since.is_empty() && !ended {
            return Ok(None);
        }
        let before = store.before_of(id).await?;
        parts.push(Part { stored, records, since, before, verified });
    }
    if !parts.iter().any(|part| part.verified) {
        return Ok(None);
    }
    let vendor = if is_checklist { store.vendor_of(&about).await? } else { None };
    let at = record.body.get("at").and_then(Value::as_str).and_then(|text| text.parse().ok());
    Ok(Some(Closing {
        about,
        is_checklist,
        vendor: vendor.filter(|vendor| vendors.contains(vendor)),
        seq: record.seq,
        at: at.unwrap_or(row.created_at),
        parts,
        tried: row.first_sent_at.is_some(),
        replaces: store.filed_page(&row.id).await?.map(|page| page.page_id),
    }))
}

/// Whether these records of a revocation end with its end: verified, or withdrawn. `None`: they do not.
fn closed(records: &[ToldRecord]) -> Option<bool> {
    let mut end = None;
    for record in records {
        let has = |key: &str| record.body.get(key).is_some_and(|value| !value.is_null());
        match record.kind.as_str() {
            "verification_completed" => end = Some(true),
            "revocation_withdrawn" => end = Some(false),
            "access_regressed" | "canary_missed" | "revocation_triggered" => end = None,
            // A missed deadline of what is open, or one that a name opened again that became known.
            "verification_inconclusive" | "verification_failed" if !has("milestone") => end = None,
            _ => {}
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_at_its_end_is_closed() {
        let record = |kind: &str| {
            let body = match kind.split_once(' ') {
                Some((_, milestone)) => json!({"milestone": milestone}),
                None => json!({"milestone": null}),
            };
            let kind = kind.split(' ').next().unwrap().to_owned();
            ToldRecord { kind, body: body.as_object().unwrap().clone(), seq: 1 }
        };
        for (kinds, end) in [
            (&["revocation_triggered", "observation"][..], None),
            (&["revocation_triggered", "verification_completed"], Some(true)),
            (&["verification_completed", "observation", "notification_sent"], Some(true)),
            (&["verification_failed login", "verification_completed"], Some(true)),
            (&["verification_completed", "access_regressed"], None),
            (&["verification_completed", "canary_missed"], None),
            (&["verification_completed", "verification_inconclusive"], None),
            (&["access_regressed", "verification_completed"], Some(true)),
            (&["revocation_triggered", "revocation_withdrawn"], Some(false)),
        ] {
            let records: Vec<_> = kinds.iter().map(|kind| record(kind)).collect();
            assert_eq!(closed(&records), end, "{kinds:?}");
        }
    }
}
