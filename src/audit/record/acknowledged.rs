//! Records of somebody having in hand what is late. Who it is stands in them as a commitment; the store has the disclosure for
//! as long as reminders rest.

use super::{About, Body, object, with};
use crate::domain::acknowledged::{Acknowledged, End};
use crate::domain::milestone::Milestone;
use crate::domain::time::UtcTime;
use serde_json::json;

fn pressed(known: &Acknowledged) -> serde_json::Value {
    json!({"by": "slack", "commit": known.by.commitment, "until": known.until})
}

/// `overdue_acknowledged` of a revocation, with the milestones that are `late`.
#[must_use]
pub fn acknowledged(about: &About<'_>, known: &Acknowledged, late: &[Milestone]) -> Body {
    with(with(about.body(), pressed(known)), json!({"overdue": late}))
}

/// `overdue_acknowledged` of a team's consumers in a campaign. `asked_in`: who was told where the button was pressed, `team`,
/// `lead` or `security`.
#[must_use]
pub fn team_acknowledged(
    (campaign, team): (&str, &str),
    asked_in: &str,
    known: &Acknowledged,
    at: UtcTime,
) -> Body {
    let body = object(json!({"asked_in": asked_in, "at": at, "campaign": campaign, "team": team}));
    with(body, pressed(known))
}

/// `acknowledgement_ended`: the time is over and milestones are `late` still, or nothing is due any more.
#[must_use]
pub fn acknowledgement_ended(
    about: &About<'_>,
    known: &Acknowledged,
    end: End,
    late: &[Milestone],
) -> Body {
    with(
        about.body(),
        json!({
            "acknowledged_at": known.at, "ended": end.as_str(), "overdue": late, "until": known.until,
        }),
    )
}
