//! Links as they are judged: what made each, and which of them nobody can be sure of.

use super::question::names_of;
use crate::config::Config;
use crate::domain::account::{Account, AccountName, LinkRule};
use crate::domain::claims::{
    Claimant, Claims, Doubt, called_in_question, called_yet_barred, declared_yet_barred,
    withheld_from,
};
use crate::domain::lineage::{Barred, Unlinked};
use crate::domain::observation::{Cause, Gap, NotCovered, Observation};
use crate::domain::residual::ResidualKind;
use crate::domain::revocation::{Kind, State};
use crate::domain::subject::{MappingQuery, Withheld};
use crate::domain::time::UtcTime;
use crate::domain::verdict::Judgement;
use crate::store::Stored;
use std::sync::Arc;

fn claimant(stored: &Stored) -> Claimant<'_> {
    let due = match stored.life.state {
        State::Open | State::Regressed | State::Verified => true,
        State::Scheduled | State::Excepted | State::Withdrawn => false,
    };
    Claimant {
        revocation: &stored.revocation.id,
        called: stored.revocation.called(),
        also_called: &stored.revocation.also_called,
        received_at: stored.revocation.received_at,
        all_goes: due
            && stored.revocation.kind == Kind::Full
            && stored.life.lineage.rehired.is_none(),
        lineage: &stored.life.lineage,
    }
}

/// Which roles everything that is watched claims. A shared secret is nobody's own.
pub(crate) fn claims<'a>(watched: &'a [Arc<Stored>], config: &Config) -> Claims<'a> {
    let mut claims = Claims::default();
    // What the agent suspends for silence is a role, and nobody's claim to it.
    let claim = |one: &Stored| {
        !one.revocation.kind.is_about_a_secret() && one.revocation.inactive.is_none()
    };
    for stored in watched.iter().filter(|one| claim(one)) {
        let (mut names, said) = (names_of(stored, config), &stored.life.lineage);
        // A name that was theirs once is a question to them, and none to whoever bears it by now.
        let once = |role: &String| said.former.contains(role) || said.taken_back.contains(role);
        names.retain(|name| !name.suggested() || !once(&name.role));
        claims.add(claimant(stored), names);
    }
    claims
}

/// What is judged: accounts that are the subject's beyond doubt, the names that they answer for, and what is open of
/// the others.
#[derive(Default)]
pub(crate) struct Certain {
    pub(crate) accounts: Vec<Account>,
    pub(crate) names: Vec<AccountName>,
    pub(crate) open: Vec<Gap>,
    /// Accounts that are judged although somebody else may have them: no script may touch these.
    pub(crate) doubted: Vec<Account>,
    /// What is said of roles that are not judged, and is no question.
    pub(crate) notes: Vec<NotCovered>,
    /// It is a question whom it is about, or whose a role is that a look saw: what was proved before is proved no more.
    pub(crate) asked: bool,
}

/// Takes what is open out of what is judged.
pub(crate) fn certain(
    stored: &Stored,
    accounts: &[Account],
    names: &[AccountName],
    claims: &Claims<'_>,
    (looks, config): (&[&Observation], &Config),
) -> Certain {
    if stored.revocation.kind.is_about_a_secret() {
        let (accounts, names) = (accounts.to_vec(), names.to_vec());
        return Certain { accounts, names, ..Certain::default() };
    }
    let me = claimant(stored);
    let (mut certain, mut doubted) = (Certain::default(), Vec::new());
    for account in accounts {
        let former = me.lineage.former_gap(account, names, me.revocation);
        let former = former.map(|gap| Doubt::Open { gap, known: false });
        let doubt = former.or_else(|| claims.doubt(&me, account, &config.subjects));
        match doubt.filter(|doubt| !proved(stored, account, doubt)) {
            None => certain.accounts.push(account.clone()),
            // Whoever had it: nothing of it is left that could be anybody's.
            Some(Doubt::Open { known, .. }) if is_gone(account, looks) => {
                if known || seen(stored, account) {
                    certain.accounts.push(account.clone());
                } else {
                    doubted.push((account, true));
                }
            }
            Some(Doubt::Open { gap, known }) => {
                certain.asked |= is_there(account, looks);
                certain.open.push(gap);
                if known || seen(stored, account) {
                    certain.accounts.push(account.clone());
                    certain.doubted.push(account.clone());
                } else {
                    doubted.push((account, false));
                }
            }
            Some(Doubt::Answered { .. }) if seen(stored, account) => {
                certain.accounts.push(account.clone());
            }
            Some(Doubt::Answered { note, .. }) => {
                certain.notes.push(note);
                doubted.push((account, false));
            }
        }
    }
    let targets: Vec<&str> = looks.iter().map(|look| look.target.as_str()).collect();
    let unsure = stored.life.lineage.unsure_gaps(&targets.join(", "));
    certain.asked |= !unsure.is_empty();
    certain.open.extend(unsure);
    let told = config.subjects.answered_at.is_some_and(|at| at >= stored.revocation.received_at);
    if let Some(query) = config.subjects.query.as_ref().filter(|_| !told) {
        certain.open.push(unanswered(query));
    }
    let withheld = withheld(stored, config);
    let own = config.subjects.suggested_by_name(&stored.revocation);
    for look in looks {
        let (mut gaps, notes) = withheld_from(&me, &withheld, accounts, look);
        gaps.extend(declared_yet_barred(&me, (accounts, names), look));
        gaps.extend(called_yet_barred(&me, (accounts, &own), look));
        let asked = (&stored.revocation, &config.subjects);
        gaps.extend(called_in_question(&me, asked, (accounts, names), look));
        certain.asked |= !gaps.is_empty();
        certain.open.extend(gaps);
        certain.notes.extend(notes);
    }
    answer_for(&mut certain, stored, names, &doubted, looks);
    certain
}

/// Takes up which of `names` are answered for. Who bears one and is `doubted` is a question, or was one, already: each
/// with whether it is gone.
fn answer_for(
    certain: &mut Certain,
    stored: &Stored,
    names: &[AccountName],
    doubted: &[(&Account, bool)],
    looks: &[&Observation],
) {
    for name in names {
        // A role of another target answers nothing of this one.
        let so = |account: &Account| {
            name.applies_to(&account.target) && account.called().any(|called| *called == name.role)
        };
        let asked = doubted.iter().any(|(account, gone)| !gone && so(account));
        // Of a name that was given for several, a role that is gone answers for its own target.
        let gone = |look: &&Observation| {
            let there = |account: &Account| account.target == look.target && so(account);
            doubted.iter().any(|(account, gone)| *gone && there(account))
        };
        let there = looks.iter().copied().filter(|look| name.applies_to(&look.target));
        let (gone, left): (Vec<&Observation>, Vec<&Observation>) = there.partition(gone);
        let parted = parted(stored, name, looks).filter(|_| !certain.accounts.iter().any(so));
        match parted {
            _ if asked || (left.is_empty() && !gone.is_empty()) => {}
            // One that is the subject's beyond doubt answers for all.
            None if gone.is_empty() || certain.accounts.iter().any(so) => {
                certain.names.push(name.clone());
            }
            None => certain.names.extend(
                left.iter()
                    .map(|look| AccountName { target: Some(look.target.clone()), ..name.clone() }),
            ),
            Some(barred) if answers(barred, name) => {}
            Some(barred) => {
                certain.open.push(never_seen(&claimant(stored), name, barred, looks));
            }
        }
    }
}

/// The look at the account's own cluster, if that was searched for the account and every role of it was read.
fn look_at<'a>(account: &Account, looks: &[&'a Observation]) -> Option<&'a Observation> {
    let tells = |look: &&&Observation| {
        let cluster = look.server.as_ref().map(|server| server.system_identifier);
        look.target == account.target
            && cluster == Some(account.system_identifier)
            && look.tracked.contains(&account.oid)
            && look.roles_read()
    };
    looks.iter().find(tells).copied()
}

/// Whether the cluster has the role no more, and nothing that it left behind was found. What a look could not read is a
/// gap of its own.
fn is_gone(account: &Account, looks: &[&Observation]) -> bool {
    look_at(account, looks).is_some_and(|look| {
        let left = look.residual.iter().any(|found| found.account.oid == account.oid);
        look.role(account.oid).is_none() && !left && !look.partly.contains_key(&account.oid)
    })
}

/// Whether a look saw the role.
fn is_there(account: &Account, looks: &[&Observation]) -> bool {
    look_at(account, looks).is_some_and(|look| look.role(account.oid).is_some())
}

/// What was proved of a role goes on being watched, whoever is said to fit it later.
fn proved(stored: &Stored, account: &Account, doubt: &Doubt) -> bool {
    stored.life.verified_at.is_some_and(|verified| {
        let judged = match doubt {
            Doubt::Open { .. } => true,
            // It was not judged then.
            Doubt::Answered { at, .. } => *at > verified,
        };
        judged && account.linked_at.is_none_or(|linked| linked <= verified)
    })
}

/// Whether something of the account was called the subject's before, and was not seen to be gone.
fn seen(stored: &Stored, account: &Account) -> bool {
    let theirs = |(target, oid): &(Arc<str>, _)| **target == *account.target && *oid == account.oid;
    stored.gist.whose.iter().any(theirs)
}

/// Names that are suggested by any of the subject's names, and are declared for somebody else.
fn withheld(stored: &Stored, config: &Config) -> Vec<Withheld> {
    let asked = &stored.revocation;
    let mut withheld = config.subjects.withheld(&asked.called(), &asked.accounts);
    for called in asked.otherwise_called() {
        withheld.extend(config.subjects.withheld(&called, &[]));
    }
    withheld
}

/// What was said last of a role of this name, where that is not the subject's. What is barred on one cluster says nothing
/// of a target that is another.
fn parted<'a>(
    stored: &'a Stored,
    name: &AccountName,
    looks: &[&Observation],
) -> Option<&'a Barred> {
    let lineage = &stored.life.lineage;
    let so = |barred: &&Barred| {
        let there = |look: &&Observation| {
            let cluster = look.server.as_ref().map(|server| server.system_identifier);
            name.applies_to(&look.target) && cluster == Some(barred.system_identifier)
        };
        barred.role == name.role && looks.iter().any(there) && !lineage.is_named_since(name, barred)
    };
    let all: Vec<&Barred> = lineage.barred.iter().filter(so).collect();
    all.iter().find(|barred| answers(barred, name)).or(all.first()).copied()
}

/// Whether that no role called so is the subject's is answered by it: two people said so. That the name is another's by now,
/// as one source says, tells nothing of the role that a notice named.
fn answers(barred: &Barred, name: &AccountName) -> bool {
    match barred.because {
        Unlinked::Person => true,
        Unlinked::Recycled => name.suggested(),
    }
}

fn never_seen(
    me: &Claimant<'_>,
    name: &AccountName,
    barred: &Barred,
    looks: &[&Observation],
) -> Gap {
    let targets = looks.iter().filter(|look| name.applies_to(&look.target));
    let targets: Vec<&str> = targets.map(|look| look.target.as_str()).collect();
    let Barred { role, since, by, .. } = barred;
    Gap {
        surface: ResidualKind::Login,
        target: targets.join(", "),
        database: None,
        reason: format!(
            "{role} is somebody else's name since {since}, says {by}, and no role is known that was the subject's under it"
        ),
        fix: format!("say which role it is: revoked expect link {} ROLE", me.revocation),
        cause: Cause::Internal,
    }
}

/// Whoever has accounts that only the query knows is not looked at whole before it answered: what it told earlier may be
/// older than the account.
fn unanswered(query: &MappingQuery) -> Gap {
    Gap {
        surface: ResidualKind::Login,
        target: query.target.clone(),
        database: Some(query.query.database.clone()),
        reason: "subjects.mapping_query has not answered since this was received: which roles are the subject's is not known"
            .to_owned(),
        fix: "see the agent's log for what is wrong with it, or take it out of the configuration".to_owned(),
        cause: Cause::Internal,
    }
}

/// The accounts with what made each link, where that is new.
pub(crate) fn with_sources(
    mut accounts: Vec<Account>,
    stored: &Stored,
    config: &Config,
    looked_at: UtcTime,
) -> Vec<Account> {
    let called = stored.revocation.called();
    for account in &mut accounts {
        let same = |known: &&Account| known.is(account) && known.rule == account.rule;
        if let Some(known) = stored.accounts.iter().find(same) {
            account.source.clone_from(&known.source);
            account.linked_at = known.linked_at;
            continue;
        }
        account.linked_at = Some(looked_at);
        account.source = match account.rule {
            LinkRule::Person => {
                stored.life.lineage.linked_by(account).unwrap_or_default().to_owned()
            }
            LinkRule::Stated => {
                let later = stored.life.lineage.linked_by(account);
                later.unwrap_or(&stored.revocation.source).to_owned()
            }
            rule @ (LinkRule::Mapping
            | LinkRule::MappingFile
            | LinkRule::MappingQuery
            | LinkRule::Template
            | LinkRule::SameName) => {
                config.subjects.source(&called, rule, &account.target, &account.role)
            }
        };
    }
    accounts
}

/// Whether something was verified without a role that is named now, on a target that nobody can look at: nobody looked
/// for that one.
pub(super) fn unlooked_for(
    stored: &Stored,
    judged: &Judgement,
    names: &[AccountName],
    looks: &[&Observation],
) -> bool {
    let blind = |look: &&&Observation| look.server.is_none() && !look.gaps.is_empty();
    let linked = |name: &AccountName, target: &str| {
        stored.accounts.iter().any(|account| {
            account.target == target && account.called().any(|called| *called == name.role)
        })
    };
    let elsewhere = |name: &AccountName| {
        stored.accounts.iter().any(|account| account.called().any(|called| *called == name.role))
    };
    stored.life.state == State::Verified
        && !judged.gaps.is_empty()
        && looks.iter().filter(blind).any(|look| {
            names.iter().any(|name| {
                !name.suggested()
                    && name.applies_to(&look.target)
                    && !linked(name, &look.target)
                    // A name that goes for every target was answered for by one that has it.
                    && (name.target.is_some() || !elsewhere(name))
            })
        })
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
