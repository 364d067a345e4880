//! Store and log are compared when the agent starts.

use super::JournalError;
use crate::audit::file::{self, Found, LogError, LogFile, Since, own_type};
use crate::domain::hex::hex;
use crate::store::{LandedRecord, Store};
use std::path::Path;

/// Records that are marked in one transaction.
const TOGETHER: usize = 500;

/// Compares store and log from the line on that the store knows to be the newest, and marks records that landed before
/// a crash could be noted.
pub(super) async fn settle(store: &Store, log: &LogFile) -> Result<(), JournalError> {
    compare(store, log.head(), |from| log.since(from), true).await
}

/// Whether the store fits the log in `dir`, whose newest checkpoint is line `head`. Nothing is marked.
///
/// # Errors
/// [`JournalError::Misfit`] when it does not.
pub async fn fits(store: &Store, dir: &Path, head: u64) -> Result<(), JournalError> {
    compare(store, head, |from| file::since(dir, from, head + 1), false).await
}

async fn compare(
    store: &Store,
    head: u64,
    since: impl Fn(u64) -> Result<Since, LogError>,
    mark_them: bool,
) -> Result<(), JournalError> {
    let mark = store.landed_mark().await?;
    let from = mark.as_ref().map_or(0, |(seq, _)| *seq);
    let ends = || {
        let why = format!("the log ends before line {from}, which the store knows to be in it");
        JournalError::Misfit(why)
    };
    if mark.is_some() && from > head {
        return Err(ends());
    }
    let mut lines = since(from)?;
    if let Some((seq, hash)) = &mark {
        let line = lines.next(1)?.pop().filter(|line| line.landed.seq == *seq);
        if hex(&line.ok_or_else(ends)?.landed.hash) != *hash {
            let why = format!("line {seq} of the log is not the one that the store knows");
            return Err(JournalError::Misfit(why));
        }
    }
    loop {
        let found = lines.next(TOGETHER)?;
        if found.is_empty() {
            return Ok(());
        }
        let landed = known(store, &found).await?;
        if mark_them {
            store.land(&landed).await?;
        }
    }
}

/// The records that these lines are.
async fn known(store: &Store, found: &[Found]) -> Result<Vec<LandedRecord>, JournalError> {
    let mut landed = Vec::new();
    for line in found.iter().filter(|line| !own_type(&line.kind)) {
        let id = line.id.as_deref().unwrap_or_default();
        let Some(record) = store.record(id).await? else {
            return Err(JournalError::Misfit(format!(
                "line {} of the log has record `{id}`, which the store does not know",
                line.landed.seq
            )));
        };
        landed.push(LandedRecord { record, seq: line.landed.seq, hash: hex(&line.landed.hash) });
    }
    Ok(landed)
}
