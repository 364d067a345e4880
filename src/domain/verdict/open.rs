//! What a question leaves open, whatever the looks could read: whom it is about, and what nobody can see from outside.

use super::{Further, Question, SESSIONS, roles_read};
use crate::domain::account::{Account, AccountName};
use crate::domain::observation::{Cause, Gap, Observation};
use crate::domain::residual::{Residual, ResidualKind};
use crate::domain::revocation::Kind;
use crate::domain::time::UtcTime;
use std::collections::BTreeSet;

/// What a rotation is about.
const ROTATED: &[ResidualKind] = &[
    ResidualKind::Credential,
    ResidualKind::Session,
    ResidualKind::VanishedSession,
    ResidualKind::Replication,
];

/// An account is known by OID in one cluster. When another cluster answers at that target, or nobody,
/// the OID says nothing.
pub(super) fn identity_gap(account: &Account, look: &Observation) -> Option<Gap> {
    let server = look.server.as_ref()?;
    let gap = |reason: String, fix: &str| Gap {
        surface: ResidualKind::Login,
        target: look.target.clone(),
        database: None,
        reason,
        fix: fix.to_owned(),
        cause: Cause::Internal,
    };
    if server.system_identifier != account.system_identifier {
        return Some(gap(
            format!(
                "{} was linked as OID {} in cluster {}, but cluster {} answers now",
                account.role, account.oid, account.system_identifier, server.system_identifier
            ),
            "point the target at the cluster it was configured for, or expect the revocation anew",
        ));
    }
    (!look.tracked.contains(&account.oid)).then(|| {
        gap(
            format!("the newest look did not search for {} (OID {})", account.role, account.oid),
            "wait for the next look",
        )
    })
}

/// A role that the notice named and that nobody has ever seen: misspelt, perhaps, and then the right one
/// is not looked at.
pub(super) fn names_without_account(question: &Question<'_>, looks: &[&Observation]) -> Vec<Gap> {
    let unseen = |name: &&AccountName| {
        !name.suggested()
            && !looks
                .iter()
                .filter(|look| name.applies_to(&look.target))
                .any(|look| seen_under(question, look, &name.role))
    };
    if question.accounts.is_empty() {
        return Vec::new();
    }
    question
        .names
        .iter()
        .filter(unseen)
        .map(|name| Gap {
            surface: ResidualKind::Login,
            target: name.target.clone().unwrap_or_else(|| targets(looks)),
            database: None,
            reason: format!("no role is called {}, and none was when the notice came", name.role),
            fix: "expect it again with the role's present name (--account)".to_owned(),
            cause: Cause::Internal,
        })
        .collect()
}

/// Whether a linked account of the look's target was found under this name, now or earlier.
fn seen_under(question: &Question<'_>, look: &Observation, role: &str) -> bool {
    question
        .accounts
        .iter()
        .any(|account| account.target == look.target && account.names.iter().any(|n| n == role))
}

fn targets(looks: &[&Observation]) -> String {
    looks.iter().map(|look| look.target.as_str()).collect::<Vec<_>>().join(", ")
}

/// A session whose role is gone and was never seen may be that of an earlier role of the subject's name.
pub(super) fn vanished_sessions(looks: &[&Observation]) -> Vec<Gap> {
    let gap = |look: &Observation, residual: &Residual| Gap {
        surface: ResidualKind::VanishedSession,
        target: look.target.clone(),
        database: residual.database.clone(),
        reason: format!("{}; whose it was is not known", residual.sentence),
        fix: "end that session, or find out whose it is".to_owned(),
        cause: Cause::Internal,
    };
    looks.iter().flat_map(|look| look.vanished.iter().map(|found| gap(look, found))).collect()
}

/// A session keeps a role that it took with SET ROLE before the role was revoked, and nobody can see that
/// from outside. The first look that misses the role cannot tell when it went, so every session that it sees may
/// have begun before.
pub(super) fn sessions_begun_before(
    question: &Question<'_>,
    looks: &[&Observation],
    found: &[Residual],
) -> Vec<Gap> {
    let before = |residual: &&Residual| {
        let (since, gone) = (residual.since, gone_at(question, looks, residual));
        since.zip(gone).is_none_or(|(since, gone)| since < gone)
    };
    found
        .iter()
        .filter(|residual| SESSIONS.contains(&residual.kind))
        .filter(before)
        .map(|residual| Gap {
            surface: residual.kind,
            target: residual.account.target.clone(),
            database: residual.database.clone(),
            reason: format!("{}; it may still act as a revoked role", residual.sentence),
            fix: "end that session; a new one has the roles that are left".to_owned(),
            cause: Cause::Internal,
        })
        .collect()
}

/// When the roles went, as the clock has it by which the start of the session is told.
fn gone_at(
    question: &Question<'_>,
    looks: &[&Observation],
    residual: &Residual,
) -> Option<UtcTime> {
    let look = looks.iter().find(|look| look.target == residual.account.target)?;
    let skew = look.clock_skew_of(residual)?;
    let gone = question.gone_since.unwrap_or(look.ended_at);
    UtcTime::from_micros(gone.micros().saturating_add(skew))
}

/// Sessions that are known to have begun before the roles went, of a revocation that was proved since: no look that
/// proved it saw them. Says so, and gives which. One whose beginning is hidden is none of them: the looks that proved it
/// saw every session, so that this one began later.
pub(super) fn came_to_light(
    question: &Question<'_>,
    looks: &[&Observation],
    found: &mut [Residual],
) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for session in found.iter_mut().filter(|residual| SESSIONS.contains(&residual.kind)) {
        let gone = question.gone_since.and_then(|_| gone_at(question, looks, session));
        if session.since.zip(gone).is_some_and(|(since, gone)| since < gone) {
            session.sentence.push_str(
                "; it began before the roles were revoked, no look saw it then, and it may still act as one of them",
            );
            all.insert(session.identity());
        }
    }
    all
}

/// No role was found. Of a name whose role was a question on one target, and is gone there, the others are asked for.
fn nobody(question: &Question<'_>, looks: &[&Observation]) -> Gap {
    let names: BTreeSet<&str> = question.names.iter().map(|name| name.role.as_str()).collect();
    let none = if names.is_empty() {
        "no role that is known is the subject's".to_owned()
    } else {
        format!("no role is called {}", names.into_iter().collect::<Vec<_>>().join(" or "))
    };
    let is_asked =
        |look: &&Observation| question.names.iter().any(|name| name.applies_to(&look.target));
    let asked: Vec<&Observation> = looks.iter().copied().filter(is_asked).collect();
    Gap {
        surface: ResidualKind::Login,
        target: targets(if asked.is_empty() { looks } else { &asked }),
        database: None,
        reason: format!(
            "no account: {none}; a role that was renamed or dropped earlier cannot be told from one that never was"
        ),
        fix: "expect it again with the role's present name (--account), or have a second person confirm that \
              there is none (expect amend --no-account)"
            .to_owned(),
        cause: Cause::Internal,
    }
}

/// What the question itself leaves open.
pub(super) fn question_gap(
    question: &Question<'_>,
    further: &Further<'_>,
    looks: &[&Observation],
    no_account: bool,
) -> Option<Gap> {
    let gap = |surface, reason: String, fix: &str| {
        Some(Gap {
            surface,
            target: targets(looks),
            database: None,
            reason,
            fix: fix.to_owned(),
            cause: Cause::Internal,
        })
    };
    if looks.is_empty() {
        return gap(
            ResidualKind::Login,
            "no target was looked at".to_owned(),
            "name at least one target",
        );
    }
    if no_account && question.no_account {
        return None;
    }
    if question.accounts.is_empty() && !further.open.is_empty() {
        // Whose the roles are that were found is a gap already.
        return None;
    }
    if no_account {
        return Some(nobody(question, looks));
    }
    if question.accounts.is_empty() {
        // Whatever kept the roles from being read is a gap already. This holds even if it were not.
        return gap(
            ResidualKind::Login,
            "no account could be searched for, because not every role was read".to_owned(),
            "make every target answer",
        );
    }
    let unknown = question.roles.iter().find(|role| {
        // What another cluster has under that name is not what the subject held.
        let theirs = |look: &&&Observation| {
            question.accounts.iter().any(|account| account.target == look.target)
        };
        let missing = |look: &Observation| {
            roles_read(look) && look.roster.iter().all(|known| known.name != **role)
        };
        let was_there = |look: &&Observation| {
            let on = look.server.as_ref().map(|server| server.system_identifier);
            question.seen.iter().any(|(cluster, name)| Some(*cluster) == on && name == *role)
        };
        let mut theirs = looks.iter().filter(theirs);
        // A name that nobody bears may be a slip, or that of a role that another one replaced. One that was renamed is known.
        theirs.clone().all(|look| missing(look)) && !theirs.any(was_there)
    });
    match (question.kind, unknown) {
        (Kind::Partial, Some(role)) => gap(
            ResidualKind::Membership,
            format!("no role is called {role}, so that nobody holds it says nothing"),
            "expect it again with the role's present name (--role)",
        ),
        _ => question_of_kind(question, further, gap),
    }
}

/// What the kind of revocation leaves open.
fn question_of_kind(
    question: &Question<'_>,
    further: &Further<'_>,
    gap: impl Fn(ResidualKind, String, &str) -> Option<Gap>,
) -> Option<Gap> {
    // One of which nobody said what shows it is a question already.
    let permissions = further.person.is_some_and(|person| !person.permissions.is_empty());
    match question.kind {
        Kind::Partial if question.not_required.contains(&ResidualKind::Membership) => gap(
            ResidualKind::Login,
            "memberships are switched off in the configuration, and a partial revocation is about them"
                .to_owned(),
            "take rights_revocation.actions.remove_groups: false out of the configuration",
        ),
        Kind::Partial if !question.unmapped.is_empty() => gap(
            ResidualKind::Membership,
            format!("nobody said which roles give {}", question.unmapped.join(", ")),
            "name them in the configuration, as in permissions: {db.write: [app_writer]}, or the permission in a \
             probe that is not switched off",
        ),
        Kind::Partial if question.roles.is_empty() && !permissions => gap(
            ResidualKind::Membership,
            "a partial revocation that names no role cannot be judged".to_owned(),
            "say which roles must be gone (--role)",
        ),
        Kind::Rotation | Kind::Transfer if ROTATED.iter().any(|kind| question.not_required.contains(kind)) => gap(
            ResidualKind::Login,
            format!("secrets or sessions are switched off in the configuration, and a {} is about them", question.kind),
            "take revoke_tokens and terminate_sessions: false out of rights_revocation.actions",
        ),
        Kind::Rotation | Kind::Transfer if question.rotation.is_none() => gap(
            ResidualKind::Credential,
            "whether a password was changed is known to the agent only".to_owned(),
            "ask about its revocation: rev_…",
        ),
        Kind::Full | Kind::Suspend | Kind::Partial | Kind::Rotation | Kind::Transfer => None,
    }
}
