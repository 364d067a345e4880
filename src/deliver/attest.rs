//! Working out an attestation, from the store's records and the log's lines.

use crate::audit::prove::{Head, ProveError};
use crate::clock;
use crate::domain::attestation::{
    Attestation, Entry, LeftOut, LineFacts, LinesTally, LogPart, Period, Replay, Setting, attest,
};
use crate::domain::revocation::State;
use crate::domain::time::UtcTime;
use crate::journal::{Journal, MOST, ReadError};
use crate::store::StoreError;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use tokio::sync::Semaphore;

/// Records that are read at once.
const RECORDS: i64 = 500;
/// Lines that are read to find one with a time: between two of these there are checkpoints at most.
const NEAR: usize = 8;
/// Made at the same time: each reads all records and the lines of its period.
static TURNS: Semaphore = Semaphore::const_new(1);

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name in the configuration.
    pub name: Option<String>,
    /// What it is about.
    pub period: Period,
    /// Lines of the log before this one count; all that there are without it.
    pub up_to: Option<u64>,
    /// Periods before it that are not attested.
    pub left_out: Option<LeftOut>,
}

/// It could not be worked out.
#[derive(Debug, thiserror::Error)]
pub enum AttestError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The lines of the log.
    #[error(transparent)]
    Lines(#[from] ReadError),
    /// The newest checkpoint.
    #[error(transparent)]
    Head(#[from] ProveError),
}

/// A line, as far as it is counted.
#[derive(Deserialize)]
struct Read<'a> {
    seq: u64,
    #[serde(borrow, default)]
    time: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    what: &'a RawValue,
}

impl Read<'_> {
    fn at(&self) -> Option<UtcTime> {
        self.time.as_ref()?.parse().ok()
    }

    /// What it says, of the types of which that counts.
    fn what(&self) -> Map<String, Value> {
        match self.kind.as_ref() {
            "start" | "key" | "loss" | "anchor" => {
                serde_json::from_str(self.what.get()).unwrap_or_default()
            }
            _ => Map::new(),
        }
    }
}

/// Works out an attestation; `head` is the checkpoint that it bears.
///
/// # Errors
/// When store or log cannot be read.
pub async fn make(
    journal: &Journal,
    wanted: &Wanted,
    head: &Head,
) -> Result<Attestation, AttestError> {
    let _turn = TURNS.acquire().await;
    let up_to = wanted.up_to.unwrap_or(head.size);
    let mut replay = Replay::new(wanted.period);
    let mut after = None;
    loop {
        let rows = journal.store.replayed(after, up_to, RECORDS).await?;
        for row in &rows {
            let record = &row.record;
            let (kind, body, seq) = (record.kind.as_str(), &record.body, record.seq);
            replay.push(&Entry { kind, body, seq, stood: row.stood.as_ref() });
            after = Some(seq);
        }
        if i64::try_from(rows.len()).unwrap_or(0) < RECORDS {
            break;
        }
    }
    let blind = |state: State, since: Option<UtcTime>| {
        matches!(state, State::Open | State::Regressed) && since.is_some()
    };
    let watched = journal.watched().await?;
    let open_blind = watched.iter().filter(|one| blind(one.life.state, one.life.blind_since));
    let setting = Setting {
        name: wanted.name.clone(),
        made_at: clock::now(),
        up_to,
        left_out: wanted.left_out.clone(),
        open_blind: u64::try_from(open_blind.count()).unwrap_or(u64::MAX),
        of_another_log: journal.store.of_another_log().await?,
        log: log_part(journal, wanted.period, head).await?,
    };
    Ok(attest(replay, setting))
}

/// How complete the log is in a period.
async fn log_part(journal: &Journal, period: Period, head: &Head) -> Result<LogPart, AttestError> {
    let oldest = journal.oldest_line().await?;
    let begun = stamp(journal, oldest, head.size).await?;
    // The last line of which it is known that it lies before the period, or the oldest.
    let (mut low, mut high) = (oldest, head.size);
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        match stamp(journal, middle, head.size).await? {
            Some(at) if at < period.from => low = middle,
            Some(_) | None => high = middle,
        }
    }
    let mut tally = LinesTally::new(period, journal.promised_us());
    let mut next = Some(low);
    while let Some(from) = next.filter(|from| *from < head.size) {
        let page = journal.lines(from, MOST).await?;
        let lines = page.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        next = page.next;
        for line in lines {
            let Ok(read) = serde_json::from_slice::<Read<'_>>(line) else { continue };
            let Some(at) = read.at().filter(|_| read.seq < head.size) else { continue };
            let what = read.what();
            tally.push(&LineFacts { seq: read.seq, kind: &read.kind, at, what: &what });
            if at >= period.to {
                next = None;
                break;
            }
        }
    }
    Ok(LogPart {
        origin: head.origin.clone(),
        key: journal.vkey().to_owned(),
        begun_at: begun.filter(|_| oldest == 0),
        oldest: Some(oldest),
        whole: oldest == 0 || begun.is_some_and(|at| at <= period.from),
        checkpoint: head.note.clone(),
        size: head.size,
        ..tally.finish()
    })
}

/// Time of the first line from `from` on that has one; `None`: there is none before `end`.
async fn stamp(journal: &Journal, from: u64, end: u64) -> Result<Option<UtcTime>, ReadError> {
    if from >= end {
        return Ok(None);
    }
    let page = journal.lines(from, NEAR).await?;
    let mut lines = page.bytes.split(|byte| *byte == b'\n');
    Ok(lines.find_map(|line| serde_json::from_slice::<Read<'_>>(line).ok()?.at()))
}
