//! What a sweep that is made now would say. Nothing is made, counted or told.

use super::chase::Chase;
use super::list::listed;
use crate::config::{Campaign, Chaser, Config};
use crate::domain::campaign::{Hand, Kept, Nudge, Tally, nudges, tally};
use crate::domain::time::UtcTime;
use crate::store::{CampaignRow, Store, Swept};

/// What it would say.
pub(crate) struct Preview {
    /// Why the list cannot be read: nobody is reminded then.
    pub(crate) list_error: Option<String>,
    /// The consumers, as they would stand.
    pub(crate) consumers: Vec<Kept>,
    /// The reminders, and whether the team is not to be disturbed now and would hear it later.
    pub(crate) nudges: Vec<(Nudge, bool)>,
    /// How many would stand where.
    pub(crate) tally: Tally,
}

/// Reads the list as a sweep does, and decides on it in memory.
///
/// # Errors
/// When the store is away.
pub(crate) async fn preview(
    store: &Store,
    config: &Config,
    (chaser, campaign): (&Chaser, &Campaign),
    now: UtcTime,
) -> anyhow::Result<Preview> {
    let name = campaign.name.clone();
    let row = store.campaigns().await?.into_iter().find(|row| row.name == name);
    let row = row.unwrap_or(CampaignRow { name, swept: Swept::default(), version: 0 });
    let known = store.consumers(&campaign.name).await?;
    let listed = listed(config, chaser, campaign).await;
    let list_error = listed.as_ref().err().cloned();
    let mut chase = Chase::begin(chaser, campaign, &row, &known, now);
    chase.sweep(listed)?;
    chase.settle()?;
    let consumers: Vec<Kept> = chase.end().known.into_iter().map(|one| one.kept).collect();
    let hand = |team: &str| {
        let known = row.swept.acknowledged.get(team).filter(|known| known.rests(now))?;
        Some(Hand { at: known.at, asked_in: known.up_to() })
    };
    let told = nudges(&consumers, chaser.bounds, now, |_| list_error.is_none(), hand);
    let told = told.into_iter().map(|nudge| {
        let quiet = chaser.is_quiet(&nudge.team, now);
        (nudge, quiet)
    });
    let nudges = told.collect();
    let shown = consumers.iter().map(|one| (&one.consumer, one.consumer.standing));
    let tally = tally(shown, chaser.bounds, now);
    Ok(Preview { list_error, consumers, nudges, tally })
}
