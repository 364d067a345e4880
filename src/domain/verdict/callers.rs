//! Users of the system whom `pg_ident.conf` lets in, and who are called as a role of the subject is or was.
//!
//! Such a line does not go with the role: the user of the system stays who they are when the role is dropped or renamed.

use super::{Further, Question};
use crate::domain::ids::RoleOid;
use crate::domain::observation::{Caller, Observation};
use crate::domain::residual::{AccountRef, Residual, ResidualKind as K, SYSTEM_USER};

/// Lines about the subject, beside those in `found`, which are about a role that is still called so.
pub(super) fn judge(
    question: &Question<'_>,
    further: &Further<'_>,
    looks: &[&Observation],
    found: &[Residual],
) -> Vec<Residual> {
    let mut all: Vec<Residual> = Vec::new();
    for look in looks.iter().filter(|look| !look.callers.is_empty()) {
        let theirs = names(question, further, look);
        for caller in &look.callers {
            // What they do as another role of theirs is judged by that role.
            let led = look.roster.iter().find(|role| role.name == caller.leads);
            let is_own = led.is_some_and(|led| {
                let mut linked = question.accounts.iter();
                linked.any(|account| account.target == look.target && account.oid == led.oid)
            });
            let called = |(name, _): &&(&str, RoleOid)| is_same(name, &caller.name);
            let Some((_, oid)) = theirs.iter().find(called).filter(|_| !is_own) else { continue };
            let line = line(look, *oid, caller);
            let identity = line.identity();
            if found.iter().any(|known| known.identity() == identity) {
                continue;
            }
            // Lines that differ only in what they call the user are one finding.
            match all.iter_mut().find(|known| known.identity() == identity) {
                None => all.push(line),
                Some(known) => {
                    let before = known.sentence.trim_end_matches(')');
                    known.sentence = format!("{before}; {})", caller.place);
                }
            }
        }
    }
    all
}

/// The names of their roles on the target, with whose they are if that is known. Of those that are searched for some may be
/// somebody else's by now.
fn names<'a>(
    question: &Question<'a>,
    further: &Further<'a>,
    look: &Observation,
) -> Vec<(&'a str, RoleOid)> {
    let once = |name: &str| {
        further
            .lineage
            .is_some_and(|said| said.former.contains(name) || said.taken_back.contains(name))
    };
    let linked = question.accounts.iter().filter(|account| account.target == look.target);
    let bore = linked.flat_map(|account| account.called().map(|name| (name.as_str(), account.oid)));
    let searched = question.names.iter().filter(|name| name.applies_to(&look.target));
    let searched = searched.map(|name| (name.role.as_str(), RoleOid(0)));
    bore.chain(searched.filter(|(name, _)| !once(name))).collect()
}

/// As `krb_caseins_users` may have it, without case.
fn is_same(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

fn line(look: &Observation, oid: RoleOid, caller: &Caller) -> Residual {
    // A name that no role bore may be a person's, and is told to nobody.
    let role = (oid != RoleOid(0)).then(|| caller.name.clone());
    let account = AccountRef { target: look.target.clone(), oid, role };
    let mut found = Residual::new(K::IdentMap, caller.strength, account);
    found.object = Some(caller.line.clone());
    found.object_type = Some(SYSTEM_USER.to_owned());
    if oid == RoleOid(0) {
        found.sentence = format!(
            "pg_ident.conf lets a user of the system who is called as the subject in as another role: {} ({})",
            caller.line, caller.place
        );
        return found;
    }
    found.detail = Some(format!("{}, by {}", caller.place, caller.word));
    found.described()
}
