//! When a period ends: the record that says so is queued, and with it what is filed of it.

use super::attest::Wanted;
use super::confluence;
use crate::audit::record::attestation_due;
use crate::clock;
use crate::config::{AttestationConfig, Live};
use crate::domain::attestation::{LeftOut, Period, due_periods};
use crate::domain::time::UtcTime;
use crate::journal::Journal;
use crate::metrics::{AttestationLevel, Metrics};
use crate::store::{NewRecord, Store, StoreError, ToldRecord};
use crate::supervise::Trouble;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Longest time between two turns.
const EVERY: Duration = Duration::from_secs(20);
/// What happened at the end of a period may be queued a little later: a statement takes no longer.
const SETTLE: Duration = Duration::from_secs(60);
/// Most missed periods that are attested one by one.
const MISSED: usize = 12;

/// Ends periods until stopped.
pub(super) async fn run(
    journal: &Arc<Journal>,
    config: &Live,
    metrics: &Metrics,
    stop: &CancellationToken,
) {
    let (mut config, trouble) = (config.clone(), Trouble::default());
    while !stop.is_cancelled() {
        let now = config.current();
        let mut rest = EVERY;
        let turn = async {
            let mut levels = BTreeMap::new();
            for one in &now.attestations {
                match turn(journal, one, clock::now()).await {
                    Ok((level, wait)) => {
                        rest = rest.min(wait);
                        levels.insert(one.name.clone(), level);
                        if trouble.is_over(&one.name) {
                            tracing::info!(attestation = one.name, "its periods are ended again");
                        }
                    }
                    Err(error) => {
                        let error = format!("{:#}", anyhow::Error::new(error));
                        if trouble.is(&one.name, error.as_str()) {
                            tracing::warn!(
                                attestation = one.name,
                                error,
                                "whether a period of it ended is not known"
                            );
                        }
                    }
                }
            }
            metrics.set_attestations(levels);
            tokio::time::sleep(rest.max(Duration::from_millis(100))).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            _ = config.changed() => {}
            () = turn => {}
        }
    }
}

/// How long after its end a period is counted.
fn settle(period: &Period) -> Duration {
    SETTLE.min(period.to.since(period.from) / 10)
}

/// The lane of an attestation in the outbox.
pub(super) fn lane(name: &str) -> String {
    format!("attestation:{name}")
}

/// Id of the record by which the period of an attestation ended at `to`.
fn record_of(name: &str, to: UtcTime) -> String {
    format!("atd.{name}.{}", to.micros())
}

/// A period that ended, as its record says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// Name of the attestation.
    pub(super) name: String,
    pub(super) period: Period,
    /// Periods before it that are not attested.
    pub(super) left_out: Option<LeftOut>,
    /// Space and parent of its page; records of earlier versions have none.
    pub(super) place: Option<(String, Option<String>)>,
    /// When it was said.
    pub(super) at: Option<UtcTime>,
    /// Line of the record: what is before that is counted.
    pub(super) seq: u64,
}

impl Ended {
    pub(super) fn of(record: &ToldRecord) -> Option<Self> {
        let of = |key: &str| record.body.get(key);
        let word = |key: &str| of(key).and_then(Value::as_str);
        let time = |key: &str| word(key)?.parse::<UtcTime>().ok();
        let left_out = of("left_out").cloned().and_then(|left| serde_json::from_value(left).ok());
        Some(Self {
            name: word("attestation")?.to_owned(),
            period: Period { from: time("from")?, to: time("to")? },
            left_out,
            place: word("space").map(|space| (space.to_owned(), word("parent").map(str::to_owned))),
            at: time("at"),
            seq: record.seq,
        })
    }
}

/// The newest period of an attestation that ended: as it is filed, or is about to be. `None`: none has ended since it was
/// configured.
///
/// # Errors
/// When the store is away.
pub async fn newest(
    store: &Store,
    one: &AttestationConfig,
    now: UtcTime,
) -> Result<Option<Wanted>, StoreError> {
    let name = one.name.as_str();
    let Some(upto) = store.attested_up_to(name).await? else { return Ok(None) };
    let (_, due) = due_periods(&one.schedule, upto, now, 1);
    let wanted = |period, up_to, left_out| {
        Some(Wanted { name: Some(name.to_owned()), period, up_to, left_out })
    };
    if let Some(period) = due.first() {
        return Ok(wanted(*period, None, None));
    }
    let record = store.landed_record(&record_of(name, upto)).await?;
    let ended = record.as_ref().and_then(Ended::of);
    Ok(ended.and_then(|ended| wanted(ended.period, Some(ended.seq), ended.left_out)))
}

/// Ends the periods of an attestation that are over. Gives how it stands, and how soon to look again.
async fn turn(
    journal: &Journal,
    one: &AttestationConfig,
    now: UtcTime,
) -> Result<(AttestationLevel, Duration), StoreError> {
    let store = &journal.store;
    let name = one.name.as_str();
    let upto = if let Some(upto) = store.attested_up_to(name).await? {
        upto
    } else {
        // The first period is the one that runs.
        let begin = one.schedule.previous(now).unwrap_or(now);
        store.begin_attestation(name, begin).await?;
        store.attested_up_to(name).await?.unwrap_or(begin)
    };
    let (left_out, periods) = due_periods(&one.schedule, upto, now, MISSED);
    let over = |period: &&Period| period.to.plus(settle(period)) <= now;
    let over: Vec<&Period> = periods.iter().filter(over).collect();
    let mut missing = u64::try_from(over.len()).unwrap_or(u64::MAX);
    // While the log takes nothing, nothing is attested: it is once it does.
    if !journal.blocked() {
        for (n, period) in over.iter().enumerate() {
            let left_out = left_out.as_ref().filter(|_| n == 0);
            if !end(journal, one, period, left_out, now).await? {
                break;
            }
            missing = missing.saturating_sub(1);
        }
    }
    let standing = store.attestation_standing(confluence::NAME, &lane(name)).await?;
    let waiting = u64::try_from(standing.waiting).unwrap_or(0);
    let level = AttestationLevel {
        filed: standing.filed_at.map_or(0.0, UtcTime::seconds),
        overdue: waiting.saturating_add(missing),
    };
    let next = periods.first().filter(|_| missing > 0).map(|period| period.to.plus(settle(period)));
    let next = next.or_else(|| one.schedule.next(now));
    let wait = next.map_or(EVERY, |at| at.since(now).max(Duration::from_millis(200)));
    Ok((level, wait.min(EVERY)))
}

/// Queues that a period ended. False: somebody else has done so.
async fn end(
    journal: &Journal,
    one: &AttestationConfig,
    period: &Period,
    left_out: Option<&LeftOut>,
    now: UtcTime,
) -> Result<bool, StoreError> {
    let id = record_of(&one.name, period.to);
    let place = (one.space.as_str(), one.parent.as_deref());
    let body = attestation_due(&one.name, &one.schedule, period, left_out, place, now);
    let note = NewRecord { kind: "attestation_due", body };
    // What is left out is passed over together with the first that is not.
    let from = left_out.map_or(period.from, |left| left.from);
    let done = journal.store.end_period(&one.name, from, period.to, (&id, &note), now).await?;
    if done {
        tracing::info!(attestation = one.name, from = %period.from, to = %period.to, "a period ended");
        journal.wake();
    }
    Ok(done)
}
