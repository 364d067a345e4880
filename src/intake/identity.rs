//! Events that name a person otherwise than those before them: one id with two names is a question, never a guess.
//!
//! What only removes access is expected at once for the id and for what is certain, so that a question delays nobody's
//! end. The notice is held with its question all the same, and nothing is proved while that is open.

use super::event::Action;
use super::submission::Submission;
use super::webhook::{Case, Decided, Early};
use super::{Intake, IntakeError};
use crate::clock;
use crate::domain::account::AccountName;
use crate::domain::identity::{Unsure, is_another};
use crate::domain::notice::{Fault, Hold, Outcome, Unusable};
use crate::store::{Facts, NoticeKey};

/// Before the sender's name, of what is expected while the notice that asks for it is held.
pub(super) const DOUBTED: &str = "doubted:";

/// What is not certain of an event.
pub(super) struct Doubt {
    unusable: Unusable,
    /// It has another user name.
    name: bool,
    /// It has another e-mail address.
    email: bool,
}

impl Intake {
    /// Whether the event names a person by another name or address than those before it did.
    pub(super) async fn another_person(&self, case: &Case) -> Result<Option<Doubt>, IntakeError> {
        let facts = &case.notice.facts;
        if case.said.same_person || (facts.username.is_empty() && facts.email.is_empty()) {
            return Ok(None);
        }
        let known = self.journal.store.names_of(&facts.subject).await?;
        let names = known.iter().map(|(name, _)| name.as_str());
        let emails = known.iter().map(|(_, email)| email.as_str());
        let (name, email) = (is_another(&facts.username, names), is_another(&facts.email, emails));
        let mut faults = Vec::new();
        for (pointer, what, another) in
            [("/user/username", "user name", name), ("/user/email", "e-mail address", email)]
        {
            if another {
                let why = format!(
                    "earlier notices about this employee_id had another {what}: is it the same person? (if so, retry it with \
                     same_person)"
                );
                faults.push(case.reading().theirs(&Fault::new(pointer, why)));
            }
        }
        let unusable = Unusable { cause: Hold::Identity, faults };
        Ok((name || email).then_some(Doubt { unusable, name, email }))
    }

    /// Holds an event whose person is a question; what it removes is expected meanwhile.
    pub(super) async fn hold_doubted(&self, action: Action, case: Case, doubt: Doubt) -> Decided {
        match action {
            // What was held before, a person has asked about already.
            Action::Revoke(asked) if !case.said.released => {
                self.expect_doubted(*asked, case, doubt).await
            }
            Action::Revoke(_)
            | Action::Offboard(_)
            | Action::Exception(_)
            | Action::Rescind
            | Action::Rehire { .. }
            | Action::Recycle { .. }
            | Action::Test
            | Action::Ignore => self.hold(case, doubt.unusable).await,
        }
    }

    async fn expect_doubted(&self, asked: Submission, mut case: Case, doubt: Doubt) -> Decided {
        // Only of what the id stands for it is certain that it is theirs.
        let email = asked.email.clone().filter(|_| !doubt.email);
        let asked = Submission { email, ..asked };
        let revocation = match case.reading().revocation(&asked, false) {
            Ok(revocation) => revocation,
            Err(unusable) => return self.hold(case, unusable).await,
        };
        if revocation.kind.is_about_a_secret() {
            return self.hold(case, doubt.unusable).await;
        }
        match self.early(&revocation, &case).await? {
            None => {}
            Some(Early::Superseded(id)) => {
                // Nobody said that this is a name of the person: it stays in the bytes alone.
                let facts = &mut case.notice.facts;
                (facts.username, facts.email) = (String::new(), String::new());
                return self.note(case, Outcome::Superseded, Some(id)).await;
            }
            Some(Early::Unsure(unusable)) => return self.hold(case, unusable).await,
        }
        // One copy at a time, so that the question is about the notice that is kept.
        let _copy = self.doubted.of((&case.notice.source, &case.notice.event_id)).await;
        if let Some(kept) = self.before(&case.notice, case.now).await? {
            return self.again(&kept).await;
        }
        let random = |error: std::io::Error| IntakeError::Unavailable(error.into());
        let facts = Facts {
            id: clock::new_id("ntc", case.now).map_err(random)?,
            outcome: Outcome::Part,
            // Nobody said that this is a name of the person.
            username: String::new(),
            email: String::new(),
            ..case.notice.facts.clone()
        };
        let source = format!("{DOUBTED}{}", case.notice.source);
        let part = NoticeKey { source, facts, ..case.notice.clone() };
        let (notice, digest) = (case.notice.facts.id.clone(), case.notice.digest.clone());
        let username = doubt.name.then(|| asked.username.clone());
        let plain = doubt.name && revocation.accounts.iter().any(AccountName::suggested);
        let unsure = Unsure { notice, digest, username, plain };
        let (accepted, record) = self.decide(&asked, &part, &case.sender, Some(unsure)).await?;
        if accepted.known
            && let Some(stored) = self.journal.store.revocation(&accepted.id).await?
        {
            // Broken off before the notice was kept: the question has an id already.
            let mut unsure = stored.life.lineage.unsure.iter();
            if let Some(known) = unsure.find(|known| known.digest == case.notice.digest) {
                case.notice.facts.id.clone_from(&known.notice);
            }
        }
        let (received, mut records) =
            self.hold_with(case, Some(accepted.id), doubt.unusable).await?;
        records.extend(record);
        Ok((received, records))
    }
}
