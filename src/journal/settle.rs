//! Store and log are compared when the agent starts.

use super::JournalError;
use crate::audit::file::{Found, LogFile, own_type};
use crate::store::{LandedRecord, Store};

/// Records that are marked in one transaction.
const TOGETHER: usize = 500;

/// Compares store and log from the line on that the store knows to be the newest, and marks records that landed before
/// a crash could be noted.
pub(super) async fn settle(store: &Store, log: &LogFile) -> Result<(), JournalError> {
    let mark = store.landed_mark().await?;
    let from = mark.as_ref().map_or(0, |(seq, _)| *seq);
    let ends = || {
        let why = format!("the log ends before line {from}, which the store knows to be in it");
        JournalError::Misfit(why)
    };
    if mark.is_some() && from > log.head() {
        return Err(ends());
    }
    let mut lines = log.since(from)?;
    if let Some((seq, hash)) = &mark {
        let line = lines.next(1)?.pop().filter(|line| line.landed.seq == *seq);
        if line.ok_or_else(ends)?.landed.hash != *hash {
            let why = format!("line {seq} of the log is not the one that the store knows");
            return Err(JournalError::Misfit(why));
        }
    }
    loop {
        let found = lines.next(TOGETHER)?;
        if found.is_empty() {
            return Ok(());
        }
        store.land(&known(store, &found).await?).await?;
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
        landed.push(LandedRecord { record, seq: line.landed.seq, hash: line.landed.hash.clone() });
    }
    Ok(landed)
}
