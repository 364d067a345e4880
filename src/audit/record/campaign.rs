//! Records of rotation campaigns. Consumers stand in them by their ids of the log; teams and credentials by the names that
//! the configuration and the list of the campaign give them.

use super::{Body, fitting, object, with};
use crate::domain::campaign::{Consumer, Nudge, Tally};
use crate::domain::time::UtcTime;
use serde_json::json;

/// Which campaign, and which sweep, a record speaks of.
#[derive(Clone, Copy, Debug)]
pub struct AboutCampaign<'a> {
    /// Its name.
    pub campaign: &'a str,
    /// Name of the old credential.
    pub old: &'a str,
    /// Name of the new one.
    pub new: &'a str,
    /// The time at which the sweep was due.
    pub slot: UtcTime,
    /// The instant of the move.
    pub at: UtcTime,
    /// Who asked for the sweep, where the schedule did not.
    pub asked_by: Option<&'a str>,
}

impl AboutCampaign<'_> {
    fn body(&self) -> Body {
        object(json!({
            "at": self.at, "campaign": self.campaign, "new": self.new, "old": self.old, "slot": self.slot,
        }))
    }
}

/// `campaign_swept`: how many stand where. `read_at` is when the list of consumers was last read whole, `read` whether this
/// sweep did; `before` the slot of the sweep before.
#[must_use]
pub fn campaign_swept(
    about: &AboutCampaign<'_>,
    deadline: UtcTime,
    before: Option<UtcTime>,
    (read, read_at): (bool, Option<UtcTime>),
    tally: &Tally,
) -> Body {
    with(
        about.body(),
        json!({
            "asked_by": about.asked_by, "deadline": deadline, "late": tally.late, "list_read": read, "list_read_at": read_at,
            "slot_before": before, "standing": tally.standing, "total": tally.total,
        }),
    )
}

/// `nudge_sent`: a team is reminded, of all of its consumers that are late; or only those who are told later than whoever has
/// them `in_hand`. `zone` is the team's.
#[must_use]
pub fn nudge_sent(about: &AboutCampaign<'_>, nudge: &Nudge, zone: &str) -> Body {
    let body = with(
        about.body(),
        json!({
            "consumers": fitting(nudge.consumers.iter().map(|id| json!(id))),
            "consumers_total": nudge.consumers.len(),
            "team": nudge.team, "time_zone": zone, "tone": nudge.tone,
        }),
    );
    match nudge.in_hand {
        Some(who) => with(body, json!({"in_hand": who})),
        None => body,
    }
}

/// `consumer_claimed`: somebody says that a consumer uses the new credential. `by` is the caller, `list` the list of the
/// campaign.
#[must_use]
pub fn consumer_claimed(campaign: &str, consumer: &str, by: &str, at: UtcTime) -> Body {
    object(json!({"at": at, "by": by, "campaign": campaign, "consumer": consumer}))
}

/// `consumer_claim_withdrawn`: `by` takes back that a consumer uses the new credential, whoever said so.
#[must_use]
pub fn consumer_claim_withdrawn(campaign: &str, consumer: &str, by: &str, at: UtcTime) -> Body {
    consumer_claimed(campaign, consumer, by, at)
}

/// `consumer_observed`: a consumer stands elsewhere, by what was seen or listed of it.
#[must_use]
pub fn consumer_observed(campaign: &str, id: &str, consumer: &Consumer, at: UtcTime) -> Body {
    object(json!({
        "at": at, "before": consumer.stood, "campaign": campaign, "consumer": id,
        "new_used_at": consumer.new_used_at, "old_used_at": consumer.old_used_at,
        "standing": consumer.standing,
    }))
}
