//! What is asked about a campaign: its list of consumers, and whose sessions a look saw.

use super::super::{Reconciler, target_of};
use crate::config::{Campaign, Chaser, Config, ConsumerList};
use crate::domain::campaign::{Listed, MOST, read_list};
use crate::domain::time::UtcTime;
use serde_json::Value;
use std::collections::BTreeSet;

/// The consumers of a campaign, or why they cannot be told.
///
/// # Errors
/// In words that quote no value.
pub(crate) async fn listed(
    config: &Config,
    chaser: &Chaser,
    campaign: &Campaign,
) -> Result<Vec<Listed>, String> {
    let (name, query) = match &campaign.consumers {
        ConsumerList::File(listed) => return listed.clone(),
        ConsumerList::Query { target, query } => (target, query),
    };
    let configured = config.target(name).ok_or_else(|| ["there is no target ", name].concat())?;
    let target = target_of(configured).map_err(|error| error.to_string())?;
    let rows = target.rows_of(query, MOST).await?;
    if let Some(row) = rows.first() {
        let given = || row.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        for column in ["consumer", "team"] {
            if !row.contains_key(column) {
                return Err(format!("the query gives no column {column}; it gives {}", given()));
            }
        }
    }
    let texts = rows.iter().map(|row| |column: &str| text(row.get(column)?));
    read_list(texts, Some(&chaser.schedule.zone)).map_err(|wrong| wrong.to_string())
}

impl Reconciler {
    /// Names of roles that had a session in the newest look at the campaign's target, and when that began; `None` where
    /// there is none after `after`.
    pub(super) fn used_at(
        &self,
        campaign: &Campaign,
        after: UtcTime,
    ) -> Option<(UtcTime, BTreeSet<String>)> {
        let look = self.board.newest(campaign.target.as_ref()?)?;
        let activity = look.activity.as_ref().filter(|_| look.started_at > after)?;
        let used = look.roster.iter().filter(|role| activity.seen.contains(&role.oid));
        Some((look.started_at, used.map(|role| role.name.clone()).collect()))
    }
}

/// A cell as a text; what is neither text nor number is none, which the list refuses where it needs one.
fn text(cell: &Value) -> Option<String> {
    match cell {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
