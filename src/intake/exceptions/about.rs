//! What a wish is about: a revocation that is there, or one that it opens for when it is over.

use super::Wish;
use crate::clock;
use crate::domain::exception::{Exception, ExceptionKind, Unfit};
use crate::domain::request::Refused;
use crate::domain::revocation::{Revocation, State};
use crate::intake::submission::wrong;
use crate::intake::{Intake, IntakeError, terms_of};
use crate::store::{Excepted, NoticeKey, Stored};
use std::sync::Arc;

/// Exceptions of one subject that are read to tell whether a break-glass follows another.
pub(super) const EARLIER: i64 = 100;

/// What a wish is about.
pub(super) struct For {
    /// The revocation.
    pub(super) revocation: String,
    /// It was opened for this wish.
    pub(super) opened: bool,
    /// Break-glasses of the subject's other revocations.
    pub(super) earlier: Vec<Exception>,
}

impl Intake {
    /// The revocation that a wish is about, and the subject's break-glasses of others. Where nothing is expected of the
    /// subject, temporary access and a break-glass open one.
    pub(super) async fn revocation_for(
        &self,
        wish: &Wish,
        notice: &NoticeKey,
        by: &str,
    ) -> Result<Option<For>, IntakeError> {
        if let Some(id) = &wish.revocation {
            let Some(stored) = self.journal.store.revocation(id).await? else { return Ok(None) };
            let earlier = self.earlier(&stored.revocation.subject, id).await?;
            return Ok(Some(For { revocation: id.clone(), opened: false, earlier }));
        }
        let subject = wish.subject.as_deref().unwrap_or_default();
        let known = self.journal.store.expected_of(subject).await?;
        let kind = wish.kind()?;
        let opens = matches!(kind, ExceptionKind::Temporary | ExceptionKind::BreakGlass);
        let begins = [&wish.account, &wish.roles, &wish.permissions];
        let finished = |stored: &&Stored| stored.life.state == State::Verified;
        let known: Vec<&Stored> = known.iter().map(|found| &found.stored).collect();
        let open: Vec<&Stored> = known.iter().copied().filter(|stored| !finished(stored)).collect();
        let (revocation, opened) = if begins.iter().any(|list| list.is_some()) {
            if !opens {
                return Err(wrong(
                    "/account",
                    format!("a {kind} is an exception from what is expected"),
                )
                .into());
            }
            (self.open_for(wish, subject, &open, notice, by).await?, true)
        } else {
            match (open.as_slice(), known.first()) {
                ([one], _) => (one.revocation.id.clone(), false),
                ([], Some(newest)) => (newest.revocation.id.clone(), false),
                ([], None) if opens => {
                    (self.open_for(wish, subject, &open, notice, by).await?, true)
                }
                ([], None) => return Ok(None),
                ([_, _, ..], _) => {
                    let ids: Vec<_> = open.iter().map(|one| one.revocation.id.as_str()).collect();
                    let said = format!("it has several revocations, name one: {}", ids.join(", "));
                    return Err(wrong("/subject", said).into());
                }
            }
        };
        let earlier = self.earlier(subject, &revocation).await?;
        Ok(Some(For { revocation, opened, earlier }))
    }

    /// Expects that access is gone when the temporary one is over.
    async fn open_for(
        &self,
        wish: &Wish,
        subject: &str,
        open: &[&Stored],
        notice: &NoticeKey,
        by: &str,
    ) -> Result<String, IntakeError> {
        let (config, now) = (self.config.current(), clock::now());
        let kind = wish.kind()?;
        let zones = terms_of(&config, by, by).zones;
        let sample = |at| -> Result<Revocation, IntakeError> {
            let terms = terms_of(&config, by, by);
            Ok(wish.submission(subject, at).revocation(by, now, &terms)?)
        };
        let usual = kind.usual_end(&sample(now)?, now);
        let until = wish.end(&zones, now)?.or(usual).ok_or(Unfit::NoEnd(kind));
        let until = until.map_err(Refused::from)?;
        // Nothing is expected for a wish that nobody could grant.
        let asked = sample(until)?;
        kind.fits(&asked, Some(until), now).map_err(Refused::from)?;
        // What is approved for one thing must not cover another.
        if let Some(same) = open.iter().find(|one| one.revocation.kind == asked.kind) {
            let id = &same.revocation.id;
            let said = format!("{id} expects already what has to be gone: name that revocation");
            return Err(wrong("/subject", said).into());
        }
        let bytes = serde_json::to_vec(&wish.submission(subject, until))
            .map_err(|error| IntakeError::Unavailable(error.into()))?;
        let event = format!("{}/{until}", notice.event_id);
        let accepted = Box::pin(self.submit(&bytes, by, Some(&event))).await?;
        Ok(accepted.id)
    }

    /// Break-glasses of the subject's other revocations.
    pub(super) async fn earlier(
        &self,
        subject: &str,
        but: &str,
    ) -> Result<Vec<Exception>, IntakeError> {
        let selection = Excepted {
            kind: Some(ExceptionKind::BreakGlass),
            subject: Some(subject.to_owned()),
            ..Excepted::default()
        };
        let rows = self.journal.store.exceptions_page(&selection, None, EARLIER).await?;
        let mut revocations: Vec<String> = rows.into_iter().map(|row| row.revocation).collect();
        revocations.sort();
        revocations.dedup();
        let mut earlier = Vec::new();
        for id in revocations.iter().filter(|id| *id != but) {
            let stored = self.journal.store.revocation(id).await?;
            earlier.extend(
                stored
                    .into_iter()
                    .flat_map(|found| Arc::unwrap_or_clone(found.stored.life).exceptions),
            );
        }
        Ok(earlier)
    }
}
