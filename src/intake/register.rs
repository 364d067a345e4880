//! The register of shared secrets: a leaver who knew one opens a rotation of it.
//!
//! It is opened once the leaver's revocation has taken effect, not before: until then the leaver learns whatever the
//! secret is changed to, and a change would prove nothing. Each leaver has a rotation of its own for each secret,
//! since a change that came before the second one left is none for that one.

use super::submission::{OneOrMany, Submission, SubmissionError};
use super::{Asking, Intake, IntakeError, PATIENCE, kinds, known_targets, terms_of};
use crate::clock;
use crate::config::{Config, SecretConfig};
use crate::domain::credential::{Change, Standing};
use crate::domain::expectation::milestones;
use crate::domain::hex::hex;
use crate::domain::identity::folded;
use crate::domain::milestone::Milestone;
use crate::domain::revocation::{Kind, Reason, Revocation, State};
use crate::domain::time::UtcTime;
use crate::store::{Facts, NoticeKey, StoreError, Stored};
use crate::supervise::Trouble;
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Who sends these notices: no token and no user can be called so.
pub const SOURCE: &str = "revoked:register";

/// Time between two looks at who left, whatever is heard of.
const EVERY: Duration = Duration::from_secs(10);
/// Time after records landed until the next look: they come in numbers.
const BREATH: Duration = Duration::from_secs(1);

impl Intake {
    /// Opens a rotation for each secret that a leaver knew, again and again until stopped.
    ///
    /// # Errors
    /// None: what cannot be kept now is tried again.
    pub async fn run_register(&self, stop: CancellationToken) -> anyhow::Result<()> {
        let (mut done, mut given_up) = (HashSet::new(), HashSet::new());
        let (mut failed, mut landings) = (false, self.journal.landings());
        let trouble = Trouble::default();
        loop {
            let config = self.config.current();
            self.take_up(&mut given_up).await;
            for (what, done) in [
                ("questions of notices that are held are asked", self.ask_what_is_held().await),
                (
                    "what was learnt of a subject is carried to all that is expected of it",
                    self.carry_names().await,
                ),
            ] {
                match done {
                    Ok(()) if trouble.is_over(what) => tracing::info!(what, "this is done again"),
                    Ok(()) => {}
                    Err(error) => {
                        let error = format!("{:#}", anyhow::Error::new(error));
                        if trouble.is(what, "not done") {
                            tracing::warn!(error, what, "this is not done now, and is tried again");
                        } else {
                            tracing::debug!(error, what, "this is done later");
                        }
                    }
                }
            }
            if !config.secrets.is_empty() {
                let outcome = self.open_rotations(&config, &mut done).await;
                if let Err(error) = &outcome
                    && !failed
                {
                    let error = format!("{error:#}");
                    tracing::warn!(error, "the register of shared secrets was not gone through");
                }
                failed = outcome.is_err();
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
                _ = landings.changed() => tokio::time::sleep(BREATH).await,
            }
        }
    }

    async fn open_rotations(
        &self,
        config: &Config,
        done: &mut HashSet<String>,
    ) -> anyhow::Result<()> {
        let watched = self.journal.watched().await?;
        let known =
            |secret: &SecretConfig| secret.known_by.iter().map(|name| folded(name)).collect();
        let known_by: Vec<HashSet<String>> = config.secrets.iter().map(known).collect();
        for leaver in watched.iter().filter(|stored| has_left(stored)) {
            let names: Vec<String> = names_of(leaver).map(folded).collect();
            let secrets = config.secrets.iter().zip(&known_by);
            let knew = secrets.filter(|(_, known)| names.iter().any(|name| known.contains(name)));
            for (secret, _) in knew {
                let event = format!("{}/{}", leaver.revocation.id, secret.name);
                if done.contains(&event) {
                    continue;
                }
                let rotated =
                    locked_out_at(leaver).is_some_and(|left| rotated_since(left, secret, &watched));
                if !rotated {
                    self.open_rotation(config, leaver, secret, &event).await?;
                }
                done.insert(event);
            }
        }
        Ok(())
    }

    async fn open_rotation(
        &self,
        config: &Config,
        leaver: &Stored,
        secret: &SecretConfig,
        event: &str,
    ) -> Result<(), IntakeError> {
        let body = serde_json::to_string(&notice(leaver, secret)).unwrap_or_default();
        let notice = NoticeKey {
            source: SOURCE.to_owned(),
            event_id: event.to_owned(),
            digest: hex(&Sha256::digest(&body)),
            body,
            facts: Facts::default(),
        };
        match self.open_itself(&notice, |now| rotation(config, leaver, &notice, now)).await? {
            // The secret's accounts are others by now: it was opened all the same.
            Own::Known => {}
            Own::Opened(revocation) => tracing::info!(
                revocation,
                because = leaver.revocation.id,
                secret = secret.name,
                "a rotation was opened, since a leaver knew the secret"
            ),
        }
        Ok(())
    }

    /// Opens a revocation that nobody sent a notice of, once for each of our own notices. When this returns, the
    /// record of it is in the log.
    pub(super) async fn open_itself(
        &self,
        notice: &NoticeKey,
        asked: impl FnOnce(UtcTime) -> Result<Revocation, SubmissionError>,
    ) -> Result<Own, IntakeError> {
        match self.journal.store.repeated(notice).await {
            Ok(None) => {}
            Ok(Some(_)) | Err(StoreError::NoticeDiffers { .. }) => return Ok(Own::Known),
            Err(error) => return Err(error.into()),
        }
        if self.journal.blocked() {
            return Err(IntakeError::Unavailable(anyhow::anyhow!("the audit log refuses records")));
        }
        let now = clock::now();
        let asked = asked(now)?;
        let turns = (
            self.copies.of((&notice.source, &notice.event_id)).await,
            self.subjects.of(&asked.subject).await,
        );
        let (accepted, record) = self.accept(Asking::of(asked), notice, now, turns).await?;
        if let Some(record) = record {
            self.journal.landed(&record, PATIENCE).await?;
        }
        self.board.ask();
        Ok(Own::Opened(accepted.id))
    }
}

/// What became of one of our own notices.
pub(super) enum Own {
    /// It made a revocation earlier.
    Known,
    /// It made this one.
    Opened(String),
}

/// Whether somebody left by this revocation, and it has taken effect.
fn has_left(stored: &Stored) -> bool {
    matches!(stored.revocation.kind, Kind::Full | Kind::Suspend)
        && stored.landed.is_some()
        && matches!(stored.life.state, State::Open | State::Verified | State::Regressed)
}

/// Names by which a leaver may be among those who know a secret: those of which nobody asks whether they are theirs.
fn names_of(leaver: &Stored) -> impl Iterator<Item = &str> {
    let asked = &leaver.revocation;
    std::iter::once(asked.subject.as_str()).chain(asked.usernames())
}

/// Since when the leaver learns nothing that is new: the end was in effect, we were told of it, and the login was seen to
/// be gone. `None`: whatever the secret was changed to, they may know it.
fn locked_out_at(leaver: &Stored) -> Option<UtcTime> {
    let asked = &leaver.revocation;
    let told = asked.effective_at.max(asked.received_at);
    if milestones(asked.kind, asked.reason).contains(&Milestone::Login) {
        return leaver.life.met.login.map(|met| met.max(told));
    }
    Some(told)
}

/// Whether a rotation that is verified saw the secret change after `left`: each of its accounts.
fn rotated_since(left: UtcTime, secret: &SecretConfig, watched: &[Arc<Stored>]) -> bool {
    let rotations = watched.iter().filter(|stored| {
        stored.revocation.kind == Kind::Rotation && stored.life.state == State::Verified
    });
    let changed = |standing: &Standing| {
        standing.change == Change::Changed && standing.first_read_at.is_some_and(|at| at >= left)
    };
    rotations.into_iter().any(|rotation| {
        secret.accounts.iter().all(|named| {
            let account = rotation
                .accounts
                .iter()
                .find(|account| format!("{}/{}", account.target, account.role) == *named);
            account.is_some_and(|account| {
                let mut held = rotation.life.credentials.iter();
                held.any(|held| held.standing.is_of(account) && changed(&held.standing))
            })
        })
    })
}

/// The notice, of which the store keeps the bytes. It names the leaver's revocation, and nobody.
fn notice(leaver: &Stored, secret: &SecretConfig) -> Submission {
    let asked = &leaver.revocation;
    Submission {
        username: format!("{} ({})", secret.name, asked.id),
        account: Some(OneOrMany::Many(secret.accounts.clone())),
        reason: Reason::CredentialRotation.as_str().to_owned(),
        revocation_type: Some(Kind::Rotation.as_str().to_owned()),
        effective_at: Some(asked.effective_at.to_string()),
        ..Submission::default()
    }
}

fn rotation(
    config: &Config,
    leaver: &Stored,
    notice: &NoticeKey,
    now: UtcTime,
) -> Result<Revocation, SubmissionError> {
    let terms = terms_of(config, SOURCE, SOURCE);
    let asked = Submission::parse(notice.body.as_bytes())?.revocation(SOURCE, now, &terms)?;
    known_targets(config, &asked)?;
    let asked = Revocation { because: Some(leaver.revocation.id.clone()), ..asked };
    Ok(kinds::with_checklist(asked, config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lifecycle::Life;
    use crate::domain::revocation::sample;
    use crate::store::Gist;

    fn at(second: i64) -> UtcTime {
        UtcTime::from_micros(second * 1_000_000).unwrap()
    }

    /// The end was at 100, and we were told at 200.
    #[test]
    fn a_change_counts_once_the_leaver_can_learn_nothing_more() {
        let revocation = Revocation { received_at: at(200), ..sample(at(100)) };
        let mut leaver = Stored {
            life: Arc::new(Life::begin(revocation.effective_at, revocation.received_at)),
            revocation,
            landed_revocation: None,
            subject_id: "s_1".to_owned(),
            accounts: Vec::new(),
            landed: None,
            gist: Gist::default(),
            version: 1,
            records: 0,
            queued_at: at(200),
            watch_until: at(200),
        };
        assert_eq!(locked_out_at(&leaver), None, "who can log in learns what it was changed to");
        for (gone, counts_from) in [(150, 200), (300, 300)] {
            Arc::make_mut(&mut leaver.life).met.login = Some(at(gone));
            assert_eq!(locked_out_at(&leaver), Some(at(counts_from)), "{gone}");
        }
        Arc::make_mut(&mut leaver.life).met.login = None;
        leaver.revocation.reason = Reason::RoleChange;
        assert_eq!(locked_out_at(&leaver), Some(at(200)), "there is no such milestone");
    }
}
