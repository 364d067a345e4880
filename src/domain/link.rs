//! Which accounts belong to a subject.

use super::account::{Account, AccountName, LinkRule};
use super::ids::RoleOid;
use super::lineage::Lineage;
use super::observation::{Observation, RosterRole};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Roles of one target, as they are and as they were, to be asked for by name or OID. Made once for a look
/// that many subjects are judged by.
///
/// There is one for each target, and a target has thousands of roles: places instead of maps of texts.
#[derive(Debug, Default)]
pub struct Roles {
    /// Past ones first.
    all: Vec<RosterRole>,
    /// Places in `all`, in the order of the names.
    by_name: Vec<u32>,
    /// Places in `all`, in the order of the OIDs.
    by_oid: Vec<u32>,
    /// Where in `all` the present ones begin.
    present: usize,
}

impl Roles {
    /// What `past` and `look` know.
    #[must_use]
    pub fn of<'a>(past: impl IntoIterator<Item = &'a RosterRole>, look: &'a Observation) -> Self {
        let mut all: Vec<RosterRole> = past.into_iter().cloned().collect();
        let present = all.len();
        all.extend_from_slice(&look.roster);
        all.shrink_to_fit();
        let ordered = |before: fn(&RosterRole, &RosterRole) -> Ordering| {
            let mut places: Vec<(u32, &RosterRole)> = (0..).zip(&all).collect();
            // Equal ones stay in the order of their places.
            places.sort_by(|(_, one), (_, other)| before(one, other));
            places.into_iter().map(|(place, _)| place).collect()
        };
        let by_name = ordered(|one, other| one.name.cmp(&other.name));
        let by_oid = ordered(|one, other| one.oid.cmp(&other.oid));
        Self { all, by_name, by_oid, present }
    }

    fn at(&self, place: u32) -> Option<&RosterRole> {
        self.all.get(usize::try_from(place).ok()?)
    }

    /// Those of `places` that compare as equal.
    fn equal<'a>(&self, places: &'a [u32], to: impl Fn(&RosterRole) -> Ordering) -> &'a [u32] {
        let compared = |place: &u32| self.at(*place).map_or(Ordering::Greater, &to);
        let begin = places.partition_point(|place| compared(place) == Ordering::Less);
        let rest = places.get(begin..).unwrap_or_default();
        let end = rest.partition_point(|place| compared(place) == Ordering::Equal);
        rest.get(..end).unwrap_or_default()
    }

    fn places_of(&self, oid: RoleOid) -> &[u32] {
        self.equal(&self.by_oid, |role| role.oid.cmp(&oid))
    }

    /// What a role is called now.
    fn now(&self, oid: RoleOid) -> Option<&String> {
        let place = *self.places_of(oid).last()?;
        let present = usize::try_from(place).is_ok_and(|place| place >= self.present);
        self.at(place).filter(|_| present).map(|role| &role.name)
    }

    /// Roles that bear or bore one of `names`, in order.
    fn called<'a>(&self, names: impl Iterator<Item = &'a String>) -> Vec<&RosterRole> {
        let places: BTreeSet<u32> = names
            .flat_map(|name| self.equal(&self.by_name, |role| role.name.cmp(name)))
            .copied()
            .collect();
        places.into_iter().filter_map(|place| self.at(place)).collect()
    }

    /// Every name of a role, in order.
    fn names(&self, oid: RoleOid) -> impl Iterator<Item = &String> {
        self.places_of(oid).iter().filter_map(|place| self.at(*place)).map(|role| &role.name)
    }
}

/// Accounts of a subject after `look`: those known before, with their present names, and every role
/// that bears, or in `past` is known to have borne, a name that was searched for; and every role that now
/// bears the name of a linked account.
///
/// Only ever adds: an OID that matched once stays linked, whatever it is called later. A cluster other
/// than the linked one adds nothing and renames nothing.
#[must_use]
pub fn resolve(
    known: &[Account],
    names: &[AccountName],
    look: &Observation,
    past: &[RosterRole],
) -> Vec<Account> {
    resolve_among(known, names, look, &Roles::of(past, look), &Lineage::default())
}

/// As [`resolve`], with the roles of `look` and of the past made ready before, and without those that `lineage` says
/// are not the subject's.
#[must_use]
pub fn resolve_among(
    known: &[Account],
    names: &[AccountName],
    look: &Observation,
    roles: &Roles,
    lineage: &Lineage,
) -> Vec<Account> {
    let mut accounts = known.to_vec();
    let Some(server) = &look.server else { return accounts };
    let here = |account: &Account| {
        account.target == look.target && account.system_identifier == server.system_identifier
    };
    let linked_names: Vec<String> =
        known.iter().filter(|a| here(a)).map(|account| account.role.clone()).collect();
    for account in accounts.iter_mut().filter(|account| here(account)) {
        if let Some(name) = roles.now(account.oid) {
            account.role.clone_from(name);
        }
    }
    let given: Vec<&AccountName> = names.iter().filter(|n| n.applies_to(&look.target)).collect();
    for role in roles.called(given.iter().map(|name| &name.role).chain(&linked_names)) {
        if accounts.iter().any(|account| here(account) && account.oid == role.oid) {
            continue;
        }
        if lineage.bars(&look.target, server.system_identifier, role.oid, &role.name) {
            continue;
        }
        let rule = given.iter().filter(|name| name.role == role.name).map(|name| name.rule).min();
        accounts.push(Account {
            target: look.target.clone(),
            system_identifier: server.system_identifier,
            oid: role.oid,
            role: roles.now(role.oid).unwrap_or(&role.name).clone(),
            names: Vec::new(),
            rule: rule.unwrap_or(LinkRule::SameName),
            source: String::new(),
            linked_at: None,
        });
    }
    for account in accounts.iter_mut().filter(|account| here(account)) {
        // What was a guess may be declared by now.
        let said = given.iter().filter(|name| account.called().any(|called| *called == name.role));
        account.rule =
            said.map(|name| name.rule).min().map_or(account.rule, |rule| rule.min(account.rule));
        for name in roles.names(account.oid) {
            if !account.names.contains(name) {
                account.names.push(name.clone());
            }
        }
    }
    accounts.sort();
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SystemIdentifier;
    use crate::domain::observation::Server;
    use crate::domain::time::UtcTime;

    fn look(cluster: u64, roles: &[(u32, &str)]) -> Observation {
        let mut look = Observation::begun("orders", UtcTime::from_micros(0).unwrap());
        look.server = Some(Server {
            system_identifier: SystemIdentifier(cluster),
            version: "15".into(),
            version_num: 150_000,
            in_recovery: false,
            timeline: 1,
            clock_skew_us: 0,
            agent_role: "agent".into(),
        });
        look.roster = roles
            .iter()
            .map(|(oid, name)| RosterRole { oid: RoleOid(*oid), name: (*name).to_owned() })
            .collect();
        look
    }

    fn names(name: &str) -> Vec<AccountName> {
        vec![AccountName { target: None, role: name.to_owned(), rule: LinkRule::Stated }]
    }

    fn shown(accounts: &[Account]) -> Vec<(u32, &str)> {
        accounts.iter().map(|a| (a.oid.0, a.role.as_str())).collect()
    }

    #[test]
    fn a_renamed_role_stays_linked_under_its_new_name() {
        let before = resolve(&[], &names("john"), &look(7, &[(10, "postgres"), (20, "john")]), &[]);
        let after = resolve(&before, &names("john"), &look(7, &[(20, "john_old")]), &[]);
        assert_eq!(shown(&after), [(20, "john_old")]);
    }

    #[test]
    fn a_new_role_under_the_old_name_is_linked_at_once() {
        let before = resolve(&[], &names("john"), &look(7, &[(20, "john")]), &[]);
        let after = resolve(&before, &names("john"), &look(7, &[(30, "john")]), &[]);
        assert_eq!(shown(&after), [(20, "john"), (30, "john")]);
    }

    #[test]
    fn a_name_taken_by_rename_is_watched_as_well() {
        let before = resolve(&[], &names("john"), &look(7, &[(20, "john")]), &[]);
        let renamed = resolve(&before, &names("john"), &look(7, &[(20, "jo")]), &[]);
        let again = resolve(&renamed, &[], &look(7, &[(30, "jo")]), &[]);
        assert_eq!(shown(&again), [(20, "jo"), (30, "jo")]);
        assert!(again.iter().any(|account| account.rule == LinkRule::SameName));
    }

    #[test]
    fn a_role_dropped_or_renamed_before_the_notice_is_found_in_the_roster() {
        let past = [
            RosterRole { oid: RoleOid(20), name: "john".into() },
            RosterRole { oid: RoleOid(21), name: "john".into() },
        ];
        let found = resolve(&[], &names("john"), &look(7, &[(21, "jo")]), &past);
        assert_eq!(shown(&found), [(20, "john"), (21, "jo")]);
    }

    #[test]
    fn a_dropped_role_stays_linked() {
        let before = resolve(&[], &names("john"), &look(7, &[(20, "john")]), &[]);
        assert_eq!(resolve(&before, &names("john"), &look(7, &[]), &[]), before);
    }

    #[test]
    fn another_cluster_neither_renames_nor_hides() {
        let before = resolve(&[], &names("john"), &look(7, &[(20, "john")]), &[]);
        let after =
            resolve(&before, &names("john"), &look(8, &[(20, "somebody"), (31, "john")]), &[]);
        assert_eq!(shown(&after), [(20, "john"), (31, "john")]);
    }
}
