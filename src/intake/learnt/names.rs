//! What is taken over of what another revocation of the subject searches for. Pure.

use crate::config::Config;
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::identity::folded;
use crate::domain::lineage::Lineage;
use crate::domain::revocation::Revocation;
use crate::domain::subject::Mapping;
use crate::store::Stored;
use std::collections::BTreeSet;

/// Adds what `other` searches for to `asked`: as a convention would suggest it, so that no role by such a name is no gap.
pub(super) fn take_names(asked: &mut Revocation, other: &Revocation, config: &Config) {
    for name in other.usernames() {
        let same = |known: &str| folded(known) == folded(name);
        let known =
            asked.usernames().any(same) || (asked.username.is_none() && same(&asked.subject));
        if !known {
            asked.also_called.push(name.to_owned());
        }
    }
    for email in &other.emails {
        if !asked.emails.iter().any(|known| folded(known) == folded(email)) {
            asked.emails.push(email.clone());
        }
    }
    for name in &other.accounts {
        let there = name.target.as_deref().is_none_or(|target| config.target(target).is_some());
        let same = |known: &AccountName| (&known.target, &known.role) == (&name.target, &name.role);
        if there && !asked.accounts.iter().any(same) {
            asked.accounts.push(AccountName { rule: LinkRule::Template, ..name.clone() });
        }
    }
}

/// What is said of whose the roles are that `asked` searches for, as `others` know it: of those that are new the same, and
/// of those that are a question no question where a name that is certain fits.
pub(super) fn said(
    stored: &Stored,
    asked: &Revocation,
    others: &[&Stored],
    mapping: &Mapping,
) -> Lineage {
    let roles = |asked: &Revocation| -> BTreeSet<String> {
        mapping.names_of(asked).into_iter().map(|name| name.role).collect()
    };
    let (before, now) = (roles(&stored.revocation), roles(asked));
    let mut certain = BTreeSet::new();
    for other in others {
        let said = &other.life.lineage;
        certain.extend(roles(&other.revocation).into_iter().filter(|role| !said.asks_about(role)));
    }
    let mut lineage = stored.life.lineage.clone();
    for asked in [&mut lineage.doubtful, &mut lineage.former] {
        asked.retain(|role| !certain.contains(role));
    }
    let new = |role: &String| now.contains(role) && !before.contains(role);
    for said in others.iter().map(|other| &other.life.lineage) {
        for (asked, theirs) in [
            (&mut lineage.doubtful, &said.doubtful),
            (&mut lineage.former, &said.former),
            (&mut lineage.taken_back, &said.taken_back),
        ] {
            let open = theirs.iter().filter(|role| new(role) && !certain.contains(*role));
            asked.extend(open.cloned());
        }
        let barred = said.barred.iter().filter(|barred| new(&barred.role));
        for barred in barred.cloned().collect::<Vec<_>>() {
            if !lineage.barred.contains(&barred) {
                lineage.barred.push(barred);
            }
        }
        let linked = said.linked.iter().filter(|linked| new(&linked.role));
        for linked in linked.cloned().collect::<Vec<_>>() {
            if !lineage.linked.contains(&linked) {
                lineage.linked.push(linked);
            }
        }
    }
    lineage
}
