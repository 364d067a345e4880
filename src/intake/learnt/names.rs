//! What is taken over of what another revocation of the subject searches for. Pure.

use crate::config::Config;
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::lineage::Lineage;
use crate::domain::revocation::Revocation;
use crate::domain::subject::Mapping;
use crate::intake::earlier;
use crate::store::Stored;
use std::collections::BTreeSet;

/// Adds what `other` searches for to `asked`: as a convention would suggest it, so that no role by such a name is no gap.
pub(super) fn take_names(asked: &mut Revocation, other: &Revocation, config: &Config) {
    for name in other.usernames() {
        earlier::call(asked, name);
    }
    for email in &other.emails {
        earlier::write_to(asked, email);
    }
    for name in &other.accounts {
        let name = AccountName { rule: LinkRule::Template, ..name.clone() };
        earlier::search(asked, name, config);
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
        // By which name somebody is meant is a question to all that search for a person's names.
        for unsure in said.unsure.iter().filter(|unsure| unsure.username.is_some()) {
            lineage.ask(unsure);
        }
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
