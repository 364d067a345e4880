//! Accounts that nobody uses: a suspension is expected of each, once for each time that it falls out of use.

use super::register::Own;
use super::submission::{OneOrMany, Submission, SubmissionError};
use super::{Intake, kinds, terms_of};
use crate::config::{Config, Inactivity};
use crate::domain::hex::hex;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::inactivity::{Inactive, written_every};
use crate::domain::observation::Observation;
use crate::domain::revocation::{Kind, Reason, Revocation, State};
use crate::domain::time::UtcTime;
use crate::store::{Facts, NoticeKey, Stored, Unseen};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Who sends these notices: no token and no user can be called so.
pub const SOURCE: &str = "revoked:inactivity";

/// Time between two readings of what was seen.
const EVERY: Duration = Duration::from_secs(10);
/// Most accounts that are gone through in one turn; those that were unseen for longest come first.
const MOST: i64 = 10_000;

impl Intake {
    /// Expects a suspension of each account that nobody uses, again and again until stopped.
    ///
    /// # Errors
    /// None: what cannot be kept now is tried again.
    pub async fn run_inactivity(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let (mut done, mut failed) = (HashSet::new(), false);
        loop {
            let config = self.config.current();
            let mut rest = EVERY;
            if let Some(rules) = &config.inactivity {
                rest = EVERY.min(written_every(rules.after)).max(Duration::from_millis(200));
                let outcome = self.suspend_inactive(&config, rules, &mut done).await;
                if let Err(error) = &outcome
                    && !failed
                {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "accounts that nobody uses were not gone through");
                }
                failed = outcome.is_err();
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    async fn suspend_inactive(
        &self,
        config: &Config,
        rules: &Inactivity,
        done: &mut HashSet<String>,
    ) -> anyhow::Result<()> {
        let least = rules.after.saturating_add(written_every(rules.after));
        let least = u64::try_from(least.as_micros()).unwrap_or(u64::MAX);
        let mut unseen = self.journal.store.unseen(least, MOST).await?;
        unseen.retain(|one| !done.contains(&event_of(one)));
        if unseen.is_empty() {
            return Ok(());
        }
        let watched = self.journal.watched().await?;
        let names = config.targets.iter().map(|target| target.name.as_str());
        let looks: Vec<Arc<Observation>> =
            names.filter_map(|name| self.board.newest(name)).collect();
        for one in unseen {
            let event = event_of(&one);
            let Some((target, role)) = still_unseen(config, rules, &looks, &one) else { continue };
            let Some(inactive) = one.seen.inactive(one.watched_us, rules.after) else { continue };
            if is_expected(&watched, one.cluster, one.seen.oid) {
                continue;
            }
            let notice = notice(target, role, &event);
            let asked = |now| suspension(config, &notice, &inactive, now);
            match self.open_itself(&notice, asked).await? {
                Own::Known => {}
                Own::Opened(revocation) => {
                    tracing::info!(
                        revocation,
                        target,
                        "a suspension is expected of an account that nobody uses"
                    );
                }
            }
            done.insert(event);
        }
        Ok(())
    }
}

/// The same until the account is seen again: what somebody withdrew is not expected anew by the same silence.
fn event_of(one: &Unseen) -> String {
    let last = match one.seen.seen_at {
        Some(at) => at.micros().to_string(),
        None => format!("never-{}", one.seen.known_at.micros()),
    };
    format!("{}/{}/{last}", one.cluster, one.seen.oid)
}

/// Where the account is and how it is called, by looks that saw all who use theirs and not this one; `None` if there
/// is no such look, or the role may stay unused.
fn still_unseen<'a>(
    config: &Config,
    rules: &Inactivity,
    looks: &'a [Arc<Observation>],
    one: &Unseen,
) -> Option<(&'a str, &'a str)> {
    let of_cluster = |look: &&Arc<Observation>| {
        look.server.as_ref().is_some_and(|server| server.system_identifier == one.cluster)
    };
    let looks: Vec<&Arc<Observation>> = looks.iter().filter(of_cluster).collect();
    let mut place = None;
    for look in looks {
        let (activity, role) = (look.activity.as_ref()?, look.role(one.seen.oid)?);
        let used = activity.seen.contains(&one.seen.oid);
        let may_log_in = activity.logins.contains(&one.seen.oid);
        if used || !may_log_in || !activity.whole || is_exempt(config, rules, look, &role.name) {
            return None;
        }
        place = place.or(Some((look.target.as_str(), role.name.as_str())));
    }
    place
}

/// Whether a role may stay unused: one that the configuration names, the agent's own, a canary, and one for emergencies.
fn is_exempt(config: &Config, rules: &Inactivity, look: &Observation, role: &str) -> bool {
    let named = rules.exempt.iter().chain(&config.exceptions.break_glass_roles);
    let canary = config.target(&look.target).and_then(|target| target.canary.as_ref());
    named.into_iter().any(|name| name.role == role && name.applies_to(&look.target))
        || canary.is_some_and(|canary| canary.role == role)
        || look.server.as_ref().is_none_or(|server| server.agent_role == role)
}

/// Whether somebody expects already that this account is suspended or gone.
fn is_expected(watched: &[Arc<Stored>], cluster: SystemIdentifier, oid: RoleOid) -> bool {
    watched.iter().any(|stored| {
        matches!(stored.revocation.kind, Kind::Full | Kind::Suspend)
            && stored.life.state != State::Withdrawn
            && stored
                .accounts
                .iter()
                .any(|account| account.system_identifier == cluster && account.oid == oid)
    })
}

/// The notice, of which the store keeps the bytes. The subject is the account: whose it is, nobody said.
fn notice(target: &str, role: &str, event: &str) -> NoticeKey {
    let account = format!("{target}/{role}");
    let submission = Submission {
        username: account.clone(),
        account: Some(OneOrMany::Many(vec![account])),
        reason: Reason::Inactive.as_str().to_owned(),
        revocation_type: Some(Kind::Suspend.as_str().to_owned()),
        ..Submission::default()
    };
    let body = serde_json::to_string(&submission).unwrap_or_default();
    NoticeKey {
        source: SOURCE.to_owned(),
        event_id: event.to_owned(),
        digest: hex(&Sha256::digest(&body)),
        body,
        facts: Facts::default(),
    }
}

fn suspension(
    config: &Config,
    notice: &NoticeKey,
    inactive: &Inactive,
    now: UtcTime,
) -> Result<Revocation, SubmissionError> {
    let terms = terms_of(config, SOURCE, SOURCE);
    let asked = Submission::parse(notice.body.as_bytes())?.revocation(SOURCE, now, &terms)?;
    let asked = Revocation { inactive: Some(Box::new(inactive.clone())), ..asked };
    Ok(kinds::with_checklist(asked, config))
}

#[cfg(test)]
#[path = "inactive_tests.rs"]
mod tests;
