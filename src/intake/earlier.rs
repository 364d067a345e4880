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
use crate::store::{Evidenced, Stored};
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
        if let Some(unsure) = &asking.doubted {
            lineage.ask(unsure);
        }
        if asked.kind.is_about_a_secret() {
            return Ok(lineage);
        }
        let mut known = self.journal.store.ever_of(&asked.subject).await?;
        known.retain(|known| !known.revocation.kind.is_about_a_secret());
        for known in &known {
            lineage.take_over(&known.life.lineage);
            take_questions(&mut lineage, known);
        }
        let called = self.journal.store.names_of(&asked.subject).await?;
        let earlier = Earlier { called: &called, known: &known, config: &config, now };
        earlier.add_to(asked, &mut lineage);
        let is_called = asking.doubted.as_ref().is_some_and(|unsure| unsure.username.is_some());
        if is_called && asked.username.is_none() {
            // Whose name is asked about is called as they were last. Where the address alone is asked about, the id goes on
            // standing for the name.
            asked.username = asked.also_called.pop();
        }
        Ok(lineage)
    }
}

/// Takes over the questions whom a notice means that are open at `known`: the answer is as much about what begins anew.
fn take_questions(lineage: &mut Lineage, known: &Stored) {
    let asked = &known.life.lineage;
    if asked.rehired.is_some() {
        return;
    }
    for unsure in &asked.unsure {
        lineage.ask(unsure);
    }
    lineage.more_unsure |= asked.more_unsure;
}

/// Adds a user name to those of the subject of `asked`, unless it is known.
pub(super) fn call(asked: &mut Revocation, name: &str) {
    let same = |known: &str| folded(known) == folded(name);
    let known = asked.usernames().any(same) || (asked.username.is_none() && same(&asked.subject));
    if !name.is_empty() && !known {
        asked.also_called.push(name.to_owned());
    }
}

/// Adds an e-mail address, unless it is known.
pub(super) fn write_to(asked: &mut Revocation, email: &str) {
    let same = |known: &String| folded(known) == folded(email);
    if !email.is_empty() && !asked.emails.iter().any(same) {
        asked.emails.push(email.to_owned());
    }
}

/// Adds the name of a role, unless it is there, or is of a target that there is no more.
pub(super) fn search(asked: &mut Revocation, name: AccountName, config: &Config) {
    let gone = |target: &str| config.target(target).is_none();
    let same = |known: &AccountName| (&known.target, &known.role) == (&name.target, &name.role);
    if name.target.as_deref().is_some_and(gone) {
        return;
    }
    match asked.accounts.iter_mut().find(|known| same(known)) {
        Some(known) => known.rule = known.rule.min(name.rule),
        None => asked.accounts.push(name),
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
        for (name, email) in self.called {
            call(asked, name);
            write_to(asked, email);
        }
        for linked in &lineage.linked {
            let (target, role) = (linked.target.clone(), linked.role.clone());
            search(asked, AccountName { target, role, rule: LinkRule::Stated }, self.config);
        }
        for role in asked.also_called.clone().into_iter().filter(|_| !named) {
            let name = AccountName { target: None, role, rule: LinkRule::Template };
            search(asked, name, self.config);
        }
        for stored in self.known {
            // Whoever took a name back while nobody had it said nothing of who gets it later.
            let slips = stored.life.lineage.taken_back.iter();
            lineage.taken_back.extend(slips.filter(|name| !certain.contains(*name)).cloned());
            for name in &stored.revocation.accounts {
                let name = AccountName { rule: LinkRule::Template, ..name.clone() };
                search(asked, name, self.config);
            }
        }
        let guessed = mapping.names_of(asked).into_iter().filter(AccountName::suggested);
        let former = guessed.map(|name| name.role).filter(|name| !certain.contains(name));
        let former: Vec<String> = former.filter(|name| !lineage.asks_about(name)).collect();
        lineage.former.extend(former);
    }
}
