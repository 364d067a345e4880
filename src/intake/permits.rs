//! Events that ask for exceptions, or end them. Each waits for a second person, as if a person had asked.

use super::door::{Reading, documented};
use super::event::{Asked, Does};
use super::exceptions::{Excused, Wish, waits};
use super::submission::SubmissionError;
use super::webhook::{Case, Decided, Received};
use super::{Intake, IntakeError, terms_of};
use crate::domain::exception::ExceptionKind;
use crate::domain::notice::{Fault, Hold, Unusable};

/// What an event about an exception came to.
#[derive(Default)]
struct Came {
    /// The revocations that it is about.
    revocations: Vec<String>,
    /// What waits for a second person.
    pending: Vec<String>,
}

type About = Result<Came, IntakeError>;

impl Came {
    fn of(excused: Vec<Excused>) -> Self {
        let mut came = Self::default();
        for Excused { stored, exception } in excused {
            came.pending.extend(waits(&exception).then_some(exception.id));
            came.revocations.push(stored.revocation.id);
        }
        came.revocations.sort();
        came.revocations.dedup();
        came
    }
}

impl Intake {
    /// Asks for the exception that an event of `case` is about, or ends it.
    pub(super) async fn except(&self, asked: &Asked, case: Case) -> Decided {
        let about = match asked.kind.does() {
            Does::Ask(kind) => self.ask_for(kind, asked, &case).await,
            Does::Close(kind) => self.close(kind, &case).await,
            Does::Restore => self.give_back(asked, &case).await,
        };
        let about = match about {
            Ok(about) if about.revocations.is_empty() => Err(nothing_expected()),
            Ok(about) => Ok(about),
            Err(error) => Err(unusable(error)?),
        };
        match about {
            Ok(about) => self.followed(about, case).await,
            Err(Unusable { cause, faults }) => {
                let faults = faults.iter().map(|fault| case.reading().theirs(fault)).collect();
                self.hold(case, Unusable { cause, faults }).await
            }
        }
    }

    async fn ask_for(&self, kind: ExceptionKind, asked: &Asked, case: &Case) -> About {
        let wish = asked.wish(kind, &case.notice.facts.subject);
        let excused = Box::pin(self.wish(&wish, &case.notice, &case.sender)).await?;
        Ok(Came::of(excused.into_iter().collect()))
    }

    async fn close(&self, kind: ExceptionKind, case: &Case) -> About {
        let subject = &case.notice.facts.subject;
        let closed = self.close_exceptions(subject, kind, &case.sender).await?;
        if !closed.is_empty() {
            return Ok(Came::of(closed));
        }
        // It is over already: that is what was asked for.
        let known = self.journal.store.expected_of(subject).await?;
        let revocations =
            known.into_iter().take(1).map(|found| found.stored.revocation.id).collect();
        Ok(Came { revocations, pending: Vec::new() })
    }

    async fn give_back(&self, asked: &Asked, case: &Case) -> About {
        let (subject, why) = (&case.notice.facts.subject, asked.why());
        let changed = self.restore(subject, Some(&why), &case.sender).await?;
        let mut about = Came::default();
        for withdrawn in changed {
            about.pending.extend(withdrawn.pending.map(|request| request.id));
            about.revocations.push(withdrawn.id);
        }
        Ok(about)
    }

    /// Answers, with the event kept.
    async fn followed(&self, about: Came, case: Case) -> Decided {
        let Came { revocations, pending } = about;
        let (mut case, outcome) = case.waiting(pending);
        case.notice.facts.outcome = outcome;
        if let Some(kept) = self.before(&case.notice, case.now).await? {
            if kept.key.facts.id != case.notice.facts.id {
                return self.again(&kept).await;
            }
            return Ok((Received::of(&case.notice, revocations, false), Vec::new()));
        }
        let first = revocations.first().cloned();
        let (mut received, records) = self.note(case, outcome, first).await?;
        received.revocations = revocations;
        Ok((received, records))
    }
}

/// What is wrong with an event about `subject`, as far as the configuration tells.
pub(super) fn fits(asked: &Asked, subject: &str, reading: Reading<'_>) -> Result<(), Unusable> {
    let Does::Ask(kind) = asked.kind.does() else { return Ok(()) };
    let (wish, now) = (asked.wish(kind, subject), reading.now);
    let terms = terms_of(reading.config, reading.sender, reading.sender);
    let read = wish.bounded().and_then(|()| {
        let end = wish.end(&terms.zones, now)?;
        // These begin with the request, so that how long they may be depends on nothing else.
        let until = match kind {
            ExceptionKind::Temporary | ExceptionKind::BreakGlass => end.or_else(|| kind.usual(now)),
            ExceptionKind::Grace
            | ExceptionKind::Extension
            | ExceptionKind::LegalHold
            | ExceptionKind::Transition => None,
        };
        let Some(until) = until else { return Ok(None) };
        Ok(Some((until, wish.submission(subject, until).revocation("", now, &terms)?)))
    });
    let wrong = |cause, fault: Fault| Unusable::one(cause, reading.theirs(&fault));
    let begun = read.map_err(|error| {
        let fault = match error {
            SubmissionError::Field { field, reason } => {
                Fault::new(documented(field, false), reason)
            }
            SubmissionError::Form { .. } | SubmissionError::Id(_) => {
                Fault::new("", error.to_string())
            }
        };
        wrong(Hold::Unreadable, fault)
    })?;
    let Some((until, begun)) = begun else { return Ok(()) };
    kind.fits(&begun, Some(until), now)
        .map_err(|unfit| wrong(Hold::NotPossible, Fault::new("/event_type", unfit.to_string())))
}

fn nothing_expected() -> Unusable {
    let why = "nothing is expected of this person, so there is nothing to be an exception from";
    Unusable::one(Hold::NotPossible, Fault::new("/user/employee_id", why))
}

/// Why an event cannot be followed, unless it is to be sent again.
fn unusable(error: IntakeError) -> Result<Unusable, IntakeError> {
    match error {
        IntakeError::Submission(SubmissionError::Field { field, reason }) => {
            Ok(Unusable::one(Hold::Unreadable, Fault::new(documented(field, false), reason)))
        }
        IntakeError::Submission(error @ SubmissionError::Form { .. }) => {
            Ok(Unusable::one(Hold::Unreadable, Fault::new("", error.to_string())))
        }
        IntakeError::Refused(refused) => {
            Ok(Unusable::one(Hold::NotPossible, Fault::new("/event_type", refused.to_string())))
        }
        error @ (IntakeError::Submission(SubmissionError::Id(_))
        | IntakeError::Differs { .. }
        | IntakeError::NotHeld(_)
        | IntakeError::Full(_)
        | IntakeError::Sender(_)
        | IntakeError::Unavailable(_)) => Err(error),
    }
}

impl Asked {
    /// The wish of an event about `subject`.
    fn wish(&self, kind: ExceptionKind, subject: &str) -> Wish {
        Wish {
            kind: kind.as_str().to_owned(),
            subject: Some(subject.to_owned()),
            until: self.until.clone(),
            lasts: self.duration.clone(),
            time_zone: self.time_zone.clone(),
            why: self.why(),
            username: self.username.clone(),
            account: self.accounts.clone(),
            roles: self.roles.clone(),
            permissions: self.permissions.clone(),
            ..Wish::default()
        }
    }

    /// The sender's words.
    fn why(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or("as an event says");
        match &self.ticket {
            Some(ticket) => format!("{reason} ({ticket})"),
            None => reason.to_owned(),
        }
    }
}
