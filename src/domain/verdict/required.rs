//! What must be there: roles and permissions of a partial revocation, the login of an account that changes hands.

use super::{Further, Question, identity_gap, roles_read};
use crate::domain::account::Account;
use crate::domain::graph::Can;
use crate::domain::observation::{Cause, Gap, Observation};
use crate::domain::probes::{Lacks, Missing, Outcome};
use crate::domain::residual::{Residual, ResidualKind as K};
use crate::domain::revocation::Kind;

/// A role or permission that must be held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Required {
    /// As the notice names it.
    pub name: String,
    /// It is a permission, not a role.
    pub permission: bool,
    /// Every name that a role bears or bore which is it, or gives it.
    pub roles: Vec<String>,
}

/// What must be there and is not, and what of it nobody can tell.
pub(super) fn judge(
    question: &Question<'_>,
    further: &Further<'_>,
    looks: &[&Observation],
    found: &[Residual],
) -> (Vec<Missing>, Vec<Gap>) {
    match question.kind {
        // Without an account that is a question already.
        Kind::Partial if !question.accounts.is_empty() => {
            let items = further.required.iter().filter(|item| !held(item, found));
            let (mut missing, mut gaps) = (Vec::new(), Vec::new());
            for item in items {
                match shown(item, further, looks) {
                    Shown::Yes => {}
                    Shown::Unmapped => gaps.push(unmapped(item, looks)),
                    Shown::Unknown(gap) => gaps.push(*gap),
                    // What could not be read may give it: that is a gap already.
                    Shown::No if unread(looks, question) => {}
                    Shown::No => missing.push(lacking(item)),
                }
            }
            (missing, gaps)
        }
        Kind::Transfer => (logins(question, looks, found), Vec::new()),
        Kind::Full | Kind::Suspend | Kind::Partial | Kind::Rotation => (Vec::new(), Vec::new()),
    }
}

/// Whether an account holds one of the roles, so that it can use it.
fn held(item: &Required, found: &[Residual]) -> bool {
    let usable = |r: &Residual| {
        let uses = |can: Can| match can {
            Can::UsesNow | Can::SetRole | Can::AfterSetRole => true,
            Can::SelfGrant | Can::CreateRole | Can::Listed => false,
        };
        r.ways.iter().any(|way| uses(way.can))
    };
    found.iter().any(|r| {
        r.kind == K::Membership
            && r.privilege.as_ref().is_some_and(|role| item.roles.contains(role))
            && usable(r)
    })
}

enum Shown {
    Yes,
    No,
    /// A probe that would show it told nothing.
    Unknown(Box<Gap>),
    /// Neither a role nor a probe shows it.
    Unmapped,
}

/// Whether a probe shows the permission.
fn shown(item: &Required, further: &Further<'_>, looks: &[&Observation]) -> Shown {
    let Some(person) = further.person.filter(|_| item.permission) else { return Shown::No };
    let mut state = if item.roles.is_empty() { Shown::Unmapped } else { Shown::No };
    for look in looks.iter().chain(further.external) {
        for probe in &look.probing.declared {
            if !probe.permissions.contains(&item.name) {
                continue;
            }
            match probe.outcome(person, look.probing.answer(&probe.name, &person.key)) {
                Outcome::Residual(_) => return Shown::Yes,
                Outcome::Unknown(gap) => state = Shown::Unknown(Box::new(gap)),
                Outcome::Met | Outcome::Missing(_) if matches!(state, Shown::Unmapped) => {
                    state = Shown::No;
                }
                Outcome::Met | Outcome::Missing(_) => {}
            }
        }
    }
    state
}

/// Whether memberships of the subject's accounts could not all be read.
fn unread(looks: &[&Observation], question: &Question<'_>) -> bool {
    question.accounts.iter().any(|account| {
        let look = looks.iter().find(|look| look.target == account.target);
        look.is_none_or(|look| {
            let unread = |gap: &Gap| matches!(gap.surface, K::Membership | K::Login);
            !roles_read(look)
                || identity_gap(account, look).is_some()
                || look.gaps.iter().any(unread)
        })
    })
}

fn lacking(item: &Required) -> Missing {
    let (what, sentence) = if item.permission {
        (Lacks::Permission, format!("the permission {} is not there any more", item.name))
    } else {
        (Lacks::Role, format!("no account of the subject holds the role {} any more", item.name))
    };
    Missing { what, name: item.name.clone(), target: None, sentence }
}

fn unmapped(item: &Required, looks: &[&Observation]) -> Gap {
    let targets: Vec<&str> = looks.iter().map(|look| look.target.as_str()).collect();
    Gap {
        surface: K::Membership,
        target: targets.join(", "),
        database: None,
        reason: format!(
            "nobody said which roles or probes give {}, which must be there",
            item.name
        ),
        fix: format!(
            "name them in the configuration, as in permissions: {{{}: [app_reader]}}",
            item.name
        ),
        cause: Cause::Internal,
    }
}

/// Accounts that only change hands and can log in no more.
fn logins(question: &Question<'_>, looks: &[&Observation], found: &[Residual]) -> Vec<Missing> {
    let theirs = |r: &&Residual, account: &Account| {
        (&r.account.target, r.account.oid) == (&account.target, account.oid)
    };
    let gone = |account: &&Account| {
        let look = looks.iter().find(|look| look.target == account.target);
        let read = look.is_some_and(|look| {
            let server = look.server.as_ref().map(|server| server.system_identifier);
            roles_read(look)
                && server == Some(account.system_identifier)
                && look.tracked.contains(&account.oid)
        });
        read && !found.iter().any(|r| r.kind == K::Login && theirs(&r, account))
    };
    let lost = question.accounts.iter().filter(gone);
    lost.map(|account| Missing {
        what: Lacks::Login,
        name: account.role.clone(),
        target: Some(account.target.clone()),
        sentence: format!("{} cannot log in any more, and was to change hands only", account.role),
    })
    .collect()
}
