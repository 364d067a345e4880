//! Taking the word of who pressed a button that they have in hand what is late. People are not reminded for a while; what is
//! overdue stays so, and nothing is proved.

use super::amend::unchanged;
use super::campaign::busy;
use super::{Intake, IntakeError, PATIENCE, TRIES};
use crate::audit::record::{self, About};
use crate::clock;
use crate::domain::acknowledged::{Acknowledged, Presser};
use crate::domain::campaign::Hearer;
use crate::domain::request::Refused;
use crate::domain::time::UtcTime;
use crate::store::{CampaignMove, NewRecord};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Who is told of a campaign beside a team, and what the ids of their lanes end with.
const BESIDE: [(&str, &str); 2] = [("lead", ":lead"), ("security", ":security")];

/// Somebody pressed the button.
#[derive(Clone, Copy, Debug)]
pub struct Press<'a> {
    /// What the message was about: a revocation, or a team in a campaign.
    pub about: &'a str,
    /// Id of the Slack user.
    pub user: &'a str,
    /// When, by Slack's clock.
    pub at: UtcTime,
    /// People are not reminded for so long.
    pub pause: Duration,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pressed {
    /// It is in the log.
    Taken,
    /// Somebody did before; nothing changed.
    Known,
}

impl Press<'_> {
    fn taken(&self, now: UtcTime) -> Result<Acknowledged, IntakeError> {
        let salt = clock::random::<16>().map_err(|e| IntakeError::Unavailable(e.into()))?;
        let salt = URL_SAFE_NO_PAD.encode(salt);
        let array = serde_json::json!([salt, "slack_user", self.user]).to_string();
        let disclosure = URL_SAFE_NO_PAD.encode(array);
        let commitment = URL_SAFE_NO_PAD.encode(Sha256::digest(&disclosure));
        let by = Presser { user: self.user.to_owned(), disclosure, commitment };
        Ok(Acknowledged::taken(by, self.at, now, self.pause))
    }
}

/// The team in `campaign` that `about` is of, and who was told.
fn team_of<'a>(about: &'a str, campaign: &str) -> Option<(&'a str, &'static str)> {
    let rest = about.strip_prefix("campaign:")?.strip_prefix(campaign)?.strip_prefix('/')?;
    let beside = BESIDE.iter().find_map(|(who, end)| Some((rest.strip_suffix(end)?, *who)));
    Some(beside.unwrap_or((rest, "team")))
}

impl Intake {
    /// Takes a press of the button. When this returns, the record of it is in the log. `None`: there is nothing of that id,
    /// or its campaign is not in the configuration any more.
    ///
    /// # Errors
    /// When nothing is late, or it cannot be kept now.
    pub async fn acknowledge(&self, press: &Press<'_>) -> Result<Option<Pressed>, IntakeError> {
        if press.about.starts_with("campaign:") {
            return self.acknowledge_team(press).await;
        }
        let known = AtomicBool::new(false);
        let moved = self.moving(press.about, |stored, _, now| {
            let late = stored.life.late();
            if late.is_empty() || stored.evidence.no_account {
                return Err(Refused::NothingLate.into());
            }
            let mut step = unchanged(stored, now);
            let rests = stored.life.acknowledged.as_ref().is_some_and(|known| known.rests(now));
            known.store(rests, Ordering::Relaxed);
            if rests {
                return Ok(step);
            }
            let taken = press.taken(now)?;
            if !taken.rests(now) {
                return Err(Refused::NothingLate.into());
            }
            let about =
                About { revocation: &stored.revocation, subject: &stored.subject_id, at: now };
            let body = record::acknowledged(&about, &taken, &late);
            step.records.push(NewRecord { kind: "overdue_acknowledged", body });
            step.life.acknowledged = Some(Box::new(taken));
            Ok(step)
        });
        Ok(moved.await?.map(|_| outcome(known.load(Ordering::Relaxed))))
    }

    async fn acknowledge_team(&self, press: &Press<'_>) -> Result<Option<Pressed>, IntakeError> {
        if self.journal.blocked() {
            return Err(IntakeError::Unavailable(anyhow::anyhow!("the audit log refuses records")));
        }
        let store = &self.journal.store;
        for _ in 0..TRIES {
            let all = store.campaigns().await?;
            let found = all.iter().find_map(|row| Some((row, team_of(press.about, &row.name)?)));
            let found = found.filter(|(row, _)| self.chases(&row.name));
            let Some((row, (team, asked_in))) = found else { return Ok(None) };
            let (now, who) = (clock::now(), Hearer::from_word(asked_in));
            // Where somebody pressed who is told before them, they are reminded all the same, and may press too.
            let rests = |known: &&Acknowledged| {
                known.rests(now) && who.is_none_or(|who| who <= known.up_to())
            };
            if let Some(known) = row.swept.acknowledged.get(team).filter(rests) {
                self.journal.landed(&known.record, PATIENCE).await?;
                return Ok(Some(Pressed::Known));
            }
            let consumers = store.consumers(&row.name).await?;
            let late = |one: &&crate::store::KeptConsumer| {
                one.kept.consumer.team == team && one.kept.consumer.overdue(now).is_some()
            };
            if !consumers.iter().any(|one| late(&one)) {
                return Err(Refused::NothingLate.into());
            }
            let id = clock::new_id("ack", now).map_err(|e| IntakeError::Unavailable(e.into()))?;
            let asked_of = who.filter(|who| *who != Hearer::Team);
            let taken =
                Acknowledged { record: id.clone(), asked_in: asked_of, ..press.taken(now)? };
            let body = record::team_acknowledged((&row.name, team), asked_in, &taken, now);
            let notes = [(id.clone(), NewRecord { kind: "overdue_acknowledged", body })];
            let mut swept = row.swept.clone();
            swept.acknowledged.insert(team.to_owned(), taken);
            let step =
                CampaignMove { from: row, swept: &swept, consumers: &[], notes: &notes, at: now };
            if store.move_campaign(&step).await? {
                self.journal.landed(&id, PATIENCE).await?;
                return Ok(Some(Pressed::Taken));
            }
        }
        Err(busy())
    }

    /// Whether anybody is reminded of this campaign: the store knows those as well that were taken out of the configuration.
    fn chases(&self, campaign: &str) -> bool {
        let config = self.config.current();
        config.chaser.as_ref().is_some_and(|chaser| chaser.campaign(campaign).is_some())
    }
}

fn outcome(known: bool) -> Pressed {
    if known { Pressed::Known } else { Pressed::Taken }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_of_a_campaign_names_the_team_and_who_was_told() {
        for (about, found) in [
            ("campaign:app/pay", Some(("pay", "team"))),
            ("campaign:app/pay:lead", Some(("pay", "lead"))),
            ("campaign:app/pay:security", Some(("pay", "security"))),
            ("campaign:application/pay", None),
            ("campaign:app", None),
            ("rev_1", None),
        ] {
            assert_eq!(team_of(about, "app"), found, "{about}");
        }
    }
}
