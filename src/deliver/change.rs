//! What a person does with the outbox: send again, never send, and see what would be sent.

use super::confluence::{self, Confluence, Filing};
use super::group::is_shared;
use super::receiver::{Receiver, Sending};
use super::slack::{self, Slack};
use super::tend::tells;
use super::text;
use super::webhook::{self, Endpoint, Webhook};
use crate::audit::record;
use crate::clock;
use crate::config::Config;
use crate::domain::delivery::{Standing, Topic};
use crate::journal::{Journal, JournalError};
use crate::store::{Delivery, NewRecord, StoreError};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The log takes a record within so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// It is not in a state in which this can be done.
    #[error("it is {0}; {1}")]
    Standing(Standing, &'static str),
    /// Nobody is told there.
    #[error("nobody is told: the configuration has no section for {0}")]
    Nobody(String),
    /// There is nothing to tell.
    #[error("there is nothing to tell any more, so that it would be left out")]
    Nothing,
    /// It would be refused.
    #[error("it would be refused: {0}")]
    Refused(String),
    /// There is no TLS.
    #[error("{0}")]
    Setup(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Whether a row may be sent again, or dropped.
fn allowed(standing: Standing, retry: bool) -> Result<(), ChangeError> {
    use Standing as S;
    let why = match (standing, retry) {
        (S::Dead | S::Expired | S::Dropped, true) | (S::Due | S::Ambiguous | S::Dead, false) => {
            return Ok(());
        }
        (S::Due | S::Ambiguous, true) => "it is tried by itself",
        (S::Sending, _) => "wait until it is sent",
        (S::Waiting, _) => "its record is not in the log yet",
        (S::Sent, _) => "people have it",
        (S::Carried, _) => "a digest tells it",
        (S::Superseded, _) => "something newer says more",
        (S::Expired | S::Dropped, false) => "it is not sent anyway",
    };
    Err(ChangeError::Standing(standing, why))
}

/// Sends a row again, or never, because `by` says so; returns once that is in the log. `None`: there is none.
///
/// # Errors
/// When it is not in a state for that, or store or log do not take it.
pub async fn change(
    journal: &Journal,
    id: &str,
    retry: bool,
    by: &str,
) -> Result<Option<Delivery>, ChangeError> {
    let store = &journal.store;
    let Some(row) = store.delivery(id).await? else { return Ok(None) };
    allowed(row.row.standing, retry)?;
    let now = clock::now();
    let (to, word) = if retry { (Standing::Due, "retry") } else { (Standing::Dropped, "drop") };
    let body = record::outbox_changed(&row.id, word, Some(by), &row.error, now);
    let note = NewRecord { kind: "outbox_changed", body };
    let record = format!("obx.{}.{}", row.id.replace(':', "."), row.version);
    if !store.outbox_change(&row, to, (&record, &note), now).await? {
        return Err(ChangeError::Standing(row.row.standing, "it has just changed; look again"));
    }
    journal.landed(&record, PATIENCE).await?;
    Ok(store.delivery(id).await?)
}

/// What would be sent for a row, rendered and checked without sending it. `None`: there is none.
///
/// # Errors
/// When there is nothing to tell, nobody to tell it, or it would be refused.
pub async fn preview(
    journal: &Arc<Journal>,
    config: &Config,
    id: &str,
) -> Result<Option<Value>, ChangeError> {
    let Some(row) = journal.store.delivery(id).await? else { return Ok(None) };
    let setup = |error: anyhow::Error| ChangeError::Setup(format!("{error:#}"));
    let name = row.receiver.as_str();
    let nobody = || ChangeError::Nobody(name.to_owned());
    let rendered = if let Some(hook) = name.strip_prefix(webhook::PREFIX) {
        let endpoint = Endpoint::of(config, hook).ok_or_else(nobody)?;
        rendered(journal, &row, &Webhook::new(endpoint).map_err(setup)?).await?
    } else if let Some(audience) = slack::audience_of(name) {
        let slack = config.slack.as_ref().filter(|slack| tells(slack, audience));
        let receiver = Slack::new(slack.ok_or_else(nobody)?, audience).map_err(setup)?;
        rendered(journal, &row, &receiver).await?
    } else {
        let filing = Filing::of(config).filter(|_| name == confluence::NAME);
        let receiver = Confluence::new(journal.clone(), filing.ok_or_else(nobody)?);
        rendered(journal, &row, &receiver.map_err(setup)?).await?
    };
    Ok(Some(rendered))
}

async fn rendered<R: Receiver>(
    journal: &Journal,
    row: &Delivery,
    receiver: &R,
) -> Result<Value, ChangeError> {
    let cite = text::cite(journal).await;
    let message = receiver.content(journal, row, &cite).await?.ok_or(ChangeError::Nothing)?;
    let thread = journal.store.thread(&row.receiver, &row.lane).await?;
    let edit = row.topic == Topic::Status;
    if edit && (thread.remote.is_none() || is_shared(&row.lane)) {
        return Err(ChangeError::Nothing);
    }
    let sending = Sending {
        id: &row.id,
        record: &row.record,
        message: &message,
        plain: row.row.plain,
        destination: &receiver.destination(journal, row).await?,
        thread: thread.remote.as_deref(),
        edit,
        first_sent_at: row.first_sent_at.unwrap_or(row.created_at),
    };
    receiver.preview(&sending).await.map_err(ChangeError::Refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_have_is_not_sent_again_and_what_may_be_there_is_looked_up_first() {
        let may = |retry| -> Vec<&str> {
            let all = Standing::ALL.iter().filter(|one| allowed(**one, retry).is_ok());
            all.map(|one| one.as_str()).collect()
        };
        assert_eq!(may(true), ["expired", "dead", "dropped"]);
        assert_eq!(may(false), ["due", "ambiguous", "dead"]);
    }
}
