//! The verdict rules.

use super::account::{Account, AccountName};
use super::observation::{Cause, Gap, NotCovered, Observation};
use super::residual::{Residual, ResidualKind, Strength};
use super::revocation::{Kind, words};

words! {
    /// The answer of one evaluation.
    Verdict {
        /// Proved: nothing that should be gone is there.
        Revoked = "revoked",
        /// Something that should be gone is there.
        Residual = "residual",
        /// Nothing was seen, but not everything could be looked at.
        Inconclusive = "inconclusive",
    }
}

/// What is asked of one or more looks.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What must be gone.
    pub kind: Kind,
    /// Accounts linked to the subject.
    pub accounts: &'a [Account],
    /// Names searched for.
    pub names: &'a [AccountName],
    /// Roles that must be gone, for [`Kind::Partial`].
    pub roles: &'a [String],
}

/// The answer with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The answer.
    pub verdict: Verdict,
    /// Answer for the login milestone alone: login off and no session.
    pub login: Verdict,
    /// What must go, worst first.
    pub residual: Vec<Residual>,
    /// What is there and may stay.
    pub kept: Vec<Residual>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// What this answer does not speak about.
    pub not_covered: Vec<NotCovered>,
    /// Every role of every target was read, and the subject has none. Not so while a target is down: then
    /// nobody knows.
    pub no_account: bool,
}

/// Residual kinds that decide the login milestone.
const LOGIN: &[ResidualKind] = &[
    ResidualKind::Login,
    ResidualKind::Session,
    ResidualKind::VanishedSession,
    ResidualKind::Replication,
];

/// Answers `question` from the newest look at each target. Pure: same arguments, same answer.
///
/// Worst wins: residual anywhere is [`Verdict::Residual`]; else a gap anywhere is
/// [`Verdict::Inconclusive`]; only looks without gaps and without residual give [`Verdict::Revoked`].
#[must_use]
pub fn judge(question: &Question<'_>, looks: &[&Observation]) -> Judgement {
    let mut found: Vec<Residual> = Vec::new();
    let mut gaps: Vec<Gap> = Vec::new();
    let mut not_covered: Vec<NotCovered> = Vec::new();
    for look in looks {
        gaps.extend(look.gaps.iter().cloned());
        not_covered.extend(look.not_covered.iter().cloned());
        for account in question.accounts.iter().filter(|account| account.target == look.target) {
            match identity_gap(account, look) {
                Some(gap) => gaps.push(gap),
                None => found
                    .extend(look.residual.iter().filter(|r| r.account.oid == account.oid).cloned()),
            }
        }
    }
    let no_account = question.accounts.is_empty() && looks.iter().all(|look| roles_read(look));
    gaps.extend(question_gap(question, looks, no_account));
    found.sort();
    found.dedup();
    not_covered.sort();
    not_covered.dedup();

    let login = answer(
        found.iter().any(|r| LOGIN.contains(&r.kind)),
        gaps.iter().any(|gap| LOGIN.contains(&gap.surface)),
    );
    let (residual, kept): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|residual| must_go(question, residual));
    gaps.retain(|gap| matters(question.kind, gap.surface));
    gaps.sort();
    gaps.dedup();
    Judgement {
        verdict: answer(!residual.is_empty(), !gaps.is_empty()),
        login,
        residual,
        kept,
        gaps,
        not_covered,
        no_account,
    }
}

/// Whether the look knows every role of its target.
fn roles_read(look: &Observation) -> bool {
    !look.roster.is_empty() && !look.gaps.iter().any(|gap| gap.surface == ResidualKind::Login)
}

fn answer(residual: bool, gap: bool) -> Verdict {
    match (residual, gap) {
        (true, _) => Verdict::Residual,
        (false, true) => Verdict::Inconclusive,
        (false, false) => Verdict::Revoked,
    }
}

/// Whether `residual` counts against the expectation, or may stay.
fn must_go(question: &Question<'_>, residual: &Residual) -> bool {
    match question.kind {
        Kind::Full | Kind::Rotation | Kind::Transfer => true,
        Kind::Suspend => {
            matches!(residual.strength, Strength::ActsNow | Strength::CanLogIn)
                || residual.kind == ResidualKind::Job
        }
        Kind::Partial => {
            matches!(residual.kind, ResidualKind::Membership | ResidualKind::AdminOption)
                && residual.privilege.as_ref().is_some_and(|role| question.roles.contains(role))
        }
    }
}

/// Whether not having seen `surface` leaves a revocation of `kind` unproved.
fn matters(kind: Kind, surface: ResidualKind) -> bool {
    use ResidualKind as K;
    match kind {
        Kind::Full | Kind::Rotation | Kind::Transfer => true,
        Kind::Suspend => matches!(
            surface,
            K::Login
                | K::Attribute
                | K::Session
                | K::VanishedSession
                | K::Replication
                | K::Subscription
                | K::PreparedTransaction
                | K::Job
                | K::HbaRule
                | K::IdentMap
                | K::Credential
                | K::Probe
        ),
        Kind::Partial => matches!(surface, K::Login | K::Membership | K::AdminOption),
    }
}

/// An account is known by OID in one cluster. When another cluster answers at that target, or nobody,
/// the OID says nothing.
fn identity_gap(account: &Account, look: &Observation) -> Option<Gap> {
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

/// What the question itself leaves open.
fn question_gap(question: &Question<'_>, looks: &[&Observation], no_account: bool) -> Option<Gap> {
    let gap = |surface, reason: String, fix: &str| {
        Some(Gap {
            surface,
            target: looks.iter().map(|look| look.target.as_str()).collect::<Vec<_>>().join(", "),
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
    if no_account {
        let names: Vec<_> = question.names.iter().map(|name| name.role.as_str()).collect();
        return gap(
            ResidualKind::Login,
            format!(
                "no account: no role is called {}; a role that was renamed or dropped earlier cannot \
                 be told from one that never was",
                names.join(" or ")
            ),
            "expect it again with the role's present name (--account)",
        );
    }
    let unknown = question.roles.iter().find(|role| {
        looks.iter().all(|look| roles_read(look) && look.roster.iter().all(|r| r.name != **role))
    });
    match (question.kind, unknown) {
        (Kind::Partial, Some(role)) => gap(
            ResidualKind::Membership,
            format!("no role is called {role}, so that nobody holds it says nothing"),
            "expect it again with the role's present name (--role)",
        ),
        _ => question_of_kind(question, gap),
    }
}

/// What the kind of revocation leaves open.
fn question_of_kind(
    question: &Question<'_>,
    gap: impl Fn(ResidualKind, String, &str) -> Option<Gap>,
) -> Option<Gap> {
    match question.kind {
        Kind::Partial if question.roles.is_empty() => gap(
            ResidualKind::Membership,
            "a partial revocation that names no role cannot be judged".to_owned(),
            "say which roles must be gone (--role)",
        ),
        Kind::Full | Kind::Suspend | Kind::Partial => None,
        Kind::Rotation | Kind::Transfer => gap(
            ResidualKind::Credential,
            format!("a {} needs evidence about the secret, which no look gives", question.kind),
            "expect a full revocation, or wait for rotation campaigns",
        ),
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
