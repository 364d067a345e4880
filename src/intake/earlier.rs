//! What is known of a subject from before: a revocation that begins anew searches for that as well.
//!
//! What earlier revocations search for that are in force is the subject's as much as what the notice says. What only
//! finished or withdrawn ones searched for may be somebody else's by now, so that its roles are asked about.

use super::joining::Asking;
use super::{Intake, IntakeError, merge};
use crate::config::Config;
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::identity::folded;
use crate::domain::lineage::Lineage;
use crate::domain::revocation::{Revocation, State};
use crate::domain::time::UtcTime;
use crate::store::{Evidenced, StoreError, Stored};
use std::collections::BTreeSet;

impl Intake {
    /// Adds to `asking`, which begins anew at `now`, what is known of its subject from before: user names, addresses and
    /// roles. Gives what was said of whose its roles are, and holds for what it expects.
    pub(super) async fn known_before(
        &self,
        asking: &mut Asking,
        now: UtcTime,
    ) -> Result<Lineage, IntakeError> {
        let (config, mut lineage) = (self.config.current(), Lineage::default());
        let asked = &mut asking.revocation;
        if let Some(doubted) = &asking.doubted {
            lineage.ask(&doubted.unsure);
            let doubtful = merge::doubtful_beside(&doubted.known, asked, &config.subjects);
            lineage.doubtful.extend(doubtful);
        }
        if asked.kind.is_about_a_secret() {
            return Ok(lineage);
        }
        let mut known = match self.journal.store.ever_of(&asked.subject).await {
            // What cannot be read may have named what nothing searches for now.
            Err(StoreError::Held(_)) => {
                lineage.more_unsure = true;
                Vec::new()
            }
            known => known?,
        };
        known.retain(|known| !known.revocation.kind.is_about_a_secret());
        for known in &known {
            lineage.take_over(&known.life.lineage);
        }
        let called = self.journal.store.names_of(&asked.subject).await?;
        let earlier = Earlier { called: &called, known: &known, config: &config, now };
        earlier.add_to(asked, &mut lineage);
        Ok(lineage)
    }
}

/// It is judged, or will be, by what it searches for, and the person has not come back since.
pub(super) fn is_in_force(stored: &Stored, now: UtcTime) -> bool {
    let watched = match stored.life.state {
        State::Scheduled | State::Open | State::Regressed | State::Excepted => true,
        State::Verified => stored.watch_until > now,
        State::Withdrawn => false,
    };
    watched && stored.life.lineage.rehired.is_none()
}

/// What is known of a subject.
struct Earlier<'a> {
    /// User names and e-mail addresses that accepted notices gave.
    called: &'a [(String, String)],
    /// Its revocations, also those that were withdrawn.
    known: &'a [Evidenced],
    config: &'a Config,
    now: UtcTime,
}

impl Earlier<'_> {
    fn add_to(&self, asked: &mut Revocation, lineage: &mut Lineage) {
        let mapping = &self.config.subjects;
        let mut certain: BTreeSet<String> = merge::suggested(asked, mapping).into_iter().collect();
        for stored in self.known.iter().filter(|stored| is_in_force(stored, self.now)) {
            let said = &stored.life.lineage;
            let names = mapping.names_of(&stored.revocation).into_iter().map(|name| name.role);
            certain.extend(names.filter(|name| !said.asks_about(name)));
        }
        for stored in self.known.iter().filter(|stored| is_in_force(stored, self.now)) {
            let asked = stored.life.lineage.doubtful.iter();
            lineage.doubtful.extend(asked.filter(|name| !certain.contains(*name)).cloned());
        }
        let named = asked.accounts.iter().any(|name| !name.suggested());
        self.call(asked);
        for linked in &lineage.linked {
            let (target, role) = (linked.target.clone(), linked.role.clone());
            self.search(asked, AccountName { target, role, rule: LinkRule::Stated });
        }
        for role in asked.also_called.clone().into_iter().filter(|_| !named) {
            self.search(asked, AccountName { target: None, role, rule: LinkRule::Template });
        }
        for stored in self.known {
            // Whoever took a name back while nobody had it said nothing of who gets it later.
            let slips = stored.life.lineage.taken_back.iter();
            lineage.taken_back.extend(slips.filter(|name| !certain.contains(*name)).cloned());
            for name in &stored.revocation.accounts {
                self.search(asked, AccountName { rule: LinkRule::Template, ..name.clone() });
            }
        }
        let guessed = mapping.names_of(asked).into_iter().filter(AccountName::suggested);
        let former = guessed.map(|name| name.role).filter(|name| !certain.contains(name));
        let former: Vec<String> = former.filter(|name| !lineage.asks_about(name)).collect();
        lineage.former.extend(former);
    }

    /// Adds every user name and address that is known.
    fn call(&self, asked: &mut Revocation) {
        for (name, email) in self.called {
            let same = |known: &str| folded(known) == folded(name);
            let known =
                asked.usernames().any(same) || (asked.username.is_none() && same(&asked.subject));
            if !name.is_empty() && !known {
                asked.also_called.push(name.clone());
            }
            let same = |known: &String| folded(known) == folded(email);
            if !email.is_empty() && !asked.emails.iter().any(same) {
                asked.emails.push(email.clone());
            }
        }
    }

    /// Adds a role name, unless it is there, or is of a target that there is no more.
    fn search(&self, asked: &mut Revocation, name: AccountName) {
        let gone = |target: &str| self.config.target(target).is_none();
        let same = |known: &AccountName| (&known.target, &known.role) == (&name.target, &name.role);
        if name.target.as_deref().is_some_and(gone) {
            return;
        }
        match asked.accounts.iter_mut().find(|known| same(known)) {
            Some(known) => known.rule = known.rule.min(name.rule),
            None => asked.accounts.push(name),
        }
    }
}
