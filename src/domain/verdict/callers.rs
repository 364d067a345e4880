//! Users of the system whom `pg_ident.conf` lets in, and who are called as the subject is.
//!
//! Such a line does not go with the role of that name: the user of the system stays who they are when the role is dropped
//! or renamed.

use super::{Further, Question};
use crate::domain::ids::RoleOid;
use crate::domain::observation::{Caller, Observation};
use crate::domain::residual::{AccountRef, Residual, ResidualKind as K, SYSTEM_USER, Strength};

/// Lines about the subject, beside those in `found`, which are about a role that is still called so.
pub(super) fn judge(
    question: &Question<'_>,
    further: &Further<'_>,
    looks: &[&Observation],
    found: &[Residual],
) -> Vec<Residual> {
    let mut all: Vec<Residual> = Vec::new();
    for look in looks {
        for caller in &look.callers {
            let Some(line) = of(question, further, look, caller) else { continue };
            let is_known = |known: &Residual| {
                known.kind == K::IdentMap
                    && known.account.target == look.target
                    && known.object.as_deref() == Some(caller.line.as_str())
            };
            if !found.iter().chain(&all).any(is_known) {
                all.push(line);
            }
        }
    }
    all
}

/// The line as the subject's, if it is about them.
fn of(
    question: &Question<'_>,
    further: &Further<'_>,
    look: &Observation,
    caller: &Caller,
) -> Option<Residual> {
    let is_called = |name: &str| name.to_lowercase() == caller.name.to_lowercase();
    let bore = question.accounts.iter().find(|account| {
        account.target == look.target && account.called().any(|name| is_called(name))
    });
    if let Some(account) = bore {
        return Some(line(look, account.oid, Some(caller.name.clone()), caller));
    }
    let is_searched =
        question.names.iter().any(|name| name.applies_to(&look.target) && is_called(&name.role));
    if is_searched {
        return Some(line(look, RoleOid(0), Some(caller.name.clone()), caller));
    }
    let person = further.person.filter(|person| person.nobody.is_none())?;
    let mut names = person.usernames.iter().chain(&person.emails).chain([&person.subject]);
    if !names.any(|name| is_called(name)) {
        return None;
    }
    // A name of a person is told to nobody: the line is found by its place.
    let mut found = line(look, RoleOid(0), None, caller);
    found.object = Some(caller.place.clone());
    found.detail = None;
    found.sentence = format!(
        "pg_ident.conf lets a user of the system who is called as the subject in as some role ({})",
        caller.place
    );
    Some(found)
}

fn line(look: &Observation, oid: RoleOid, role: Option<String>, caller: &Caller) -> Residual {
    let account = AccountRef { target: look.target.clone(), oid, role };
    let mut found = Residual::new(K::IdentMap, Strength::CanLogIn, account);
    found.object = Some(caller.line.clone());
    found.object_type = Some(SYSTEM_USER.to_owned());
    found.detail = Some(caller.place.clone());
    found.described()
}
