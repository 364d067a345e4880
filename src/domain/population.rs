//! Whom HR knows, whose access should be gone, and which roles are there: what of one has no counterpart in the others.
//! Pure.

use super::ids::RoleOid;
use super::revocation::{Kind, Reason, State};
use super::time::UtcTime;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Somebody whom HR knows. At least one of the two names is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Line of the file.
    pub line: usize,
    /// Stable id.
    pub id: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// Whether they have left; `Some` with the end date, where HR gives one.
    pub left: Option<Option<UtcTime>>,
}

impl Person {
    fn names(&self) -> impl Iterator<Item = &str> {
        [&self.id, &self.username].into_iter().flatten().map(String::as_str)
    }
}

/// What is expected of somebody here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// `rev_…`.
    pub revocation: String,
    /// Stable id of who lost access.
    pub subject: String,
    /// User name, where the id is another.
    pub username: Option<String>,
    /// What must be gone.
    pub kind: Kind,
    /// Why.
    pub reason: Reason,
    /// Where it stands.
    pub state: State,
    /// Since when the person works here again, where that was told.
    pub rehired_at: Option<UtcTime>,
}

impl Expected {
    /// Whether this is about the end that HR tells of: nobody who came back leaves by the end before that.
    fn answers_for(&self, left_at: Option<UtcTime>) -> bool {
        self.rehired_at.is_none_or(|back| left_at.is_some_and(|left| left <= back))
    }
}

/// A role that can log in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Login {
    /// Configured name of the cluster.
    pub target: String,
    /// Its identity there.
    pub oid: RoleOid,
    /// Its name.
    pub role: String,
}

/// Somebody who has left and of whom nothing is expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leaver {
    /// Line of the file.
    pub line: usize,
    /// Stable id.
    pub id: Option<String>,
    /// User name.
    pub username: Option<String>,
    /// End date, where HR gives one.
    pub left_at: Option<UtcTime>,
}

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Left there, and nothing is expected here.
    pub not_expected: Vec<Leaver>,
    /// Everything is expected to be gone here, and HR has them as active.
    pub active_there: Vec<Expected>,
    /// Everything is expected to be gone here and is not yet, and HR does not know them.
    pub unknown_there: Vec<Expected>,
    /// Can log in, and neither knows whose it is.
    pub unknown_to_both: Vec<Login>,
}

impl Differences {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.not_expected.len()
            + self.active_there.len()
            + self.unknown_there.len()
            + self.unknown_to_both.len()
    }
}

/// Compares them. `owned` tells whether somebody knows whose a role is: HR by its names, or this side by its accounts.
#[must_use]
pub fn compare(
    people: &[Person],
    expected: &[Expected],
    logins: &[Login],
    owned: impl Fn(&Login) -> bool,
) -> Differences {
    let mut known: BTreeMap<&str, &Person> = BTreeMap::new();
    for person in people {
        for name in person.names() {
            known.entry(name).or_insert(person);
        }
    }
    let full =
        || expected.iter().filter(|one| one.kind == Kind::Full && one.state != State::Withdrawn);
    let mut leaving: BTreeMap<&str, Vec<&Expected>> = BTreeMap::new();
    for one in full() {
        for name in names(one) {
            leaving.entry(name).or_default().push(one);
        }
    }
    let mut found = Differences::default();
    for person in people {
        let Some(left_at) = person.left else { continue };
        let mut theirs = person.names().filter_map(|name| leaving.get(name)).flatten();
        if !theirs.any(|one| one.answers_for(left_at)) {
            let (id, username) = (person.id.clone(), person.username.clone());
            found.not_expected.push(Leaver { line: person.line, id, username, left_at });
        }
    }
    for one in full() {
        let person = names(one).find_map(|name| known.get(name));
        match (person, one.state) {
            (Some(person), State::Open | State::Regressed | State::Verified) => {
                // Who came back is active, and nobody says otherwise.
                if person.left.is_none() && one.rehired_at.is_none() {
                    found.active_there.push(one.clone());
                }
            }
            (None, State::Open | State::Regressed) if one.reason != Reason::VendorOffboarded => {
                found.unknown_there.push(one.clone());
            }
            // HR forgets whoever left long ago, and never knew a vendor. What begins later, and what somebody
            // permitted, contradicts nobody.
            (None, State::Open | State::Regressed | State::Verified)
            | (_, State::Scheduled | State::Excepted | State::Withdrawn) => {}
        }
    }
    found.unknown_to_both = logins.iter().filter(|login| !owned(login)).cloned().collect();
    found.unknown_to_both.sort();
    found
}

fn names(expected: &Expected) -> impl Iterator<Item = &str> {
    std::iter::once(expected.subject.as_str()).chain(expected.username.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(line: usize, id: &str, left: bool) -> Person {
        Person { line, id: Some(id.to_owned()), username: None, left: left.then_some(None) }
    }

    fn expected(subject: &str, state: State, reason: Reason) -> Expected {
        Expected {
            revocation: format!("rev_{subject}"),
            subject: subject.to_owned(),
            username: None,
            kind: Kind::Full,
            reason,
            state,
            rehired_at: None,
        }
    }

    #[test]
    fn each_kind_of_difference_and_nothing_else() {
        let people = [person(2, "left", true), person(3, "gone", true), person(4, "here", false)];
        let ours = [
            expected("gone", State::Verified, Reason::Terminated),
            expected("here", State::Verified, Reason::Terminated),
            expected("later", State::Scheduled, Reason::Terminated),
            expected("stranger", State::Open, Reason::Terminated),
            expected("ACME", State::Open, Reason::VendorOffboarded),
            expected("long-ago", State::Verified, Reason::Terminated),
            Expected { kind: Kind::Partial, ..expected("here", State::Open, Reason::RoleChange) },
        ];
        let login = |role: &str| Login { target: "a".into(), oid: RoleOid(7), role: role.into() };
        let found = compare(&people, &ours, &[login("x"), login("left")], |one| one.role == "left");
        let subjects = |of: &[Expected]| of.iter().map(|o| o.subject.clone()).collect::<Vec<_>>();
        assert_eq!(found.not_expected.iter().map(|l| l.line).collect::<Vec<_>>(), [2]);
        assert_eq!(subjects(&found.active_there), ["here"]);
        assert_eq!(subjects(&found.unknown_there), ["stranger"]);
        assert_eq!(found.unknown_to_both, [login("x")]);
        assert_eq!(found.count(), 4);
    }

    #[test]
    fn who_came_back_is_active_and_a_second_leave_is_another() {
        let at = |second: i64| UtcTime::from_micros(second * 1_000_000).unwrap();
        let back = Expected {
            rehired_at: Some(at(100)),
            ..expected("a", State::Verified, Reason::Terminated)
        };
        let left = |when: Option<i64>| Person { left: Some(when.map(at)), ..person(2, "a", true) };
        let told = |person: Person, ours: &[Expected]| {
            let found = compare(&[person], ours, &[], |_| true);
            (found.not_expected.len(), found.active_there.len())
        };
        let once = std::slice::from_ref(&back);
        assert_eq!(told(person(2, "a", false), once), (0, 0));
        assert_eq!(told(left(Some(90)), once), (0, 0), "the first leave");
        assert_eq!(told(left(Some(200)), once), (1, 0));
        assert_eq!(told(left(None), once), (1, 0), "HR does not say which");
        let again = [back, expected("a", State::Open, Reason::Terminated)];
        assert_eq!(told(left(Some(200)), &again), (0, 0));
    }

    #[test]
    fn who_was_expected_by_mistake_or_only_in_part_is_not_expected() {
        let people = [person(2, "a", true)];
        let withdrawn = [expected("a", State::Withdrawn, Reason::Terminated)];
        assert_eq!(compare(&people, &withdrawn, &[], |_| true).not_expected.len(), 1);
        let part =
            [Expected { kind: Kind::Partial, ..expected("a", State::Open, Reason::RoleChange) }];
        assert_eq!(compare(&people, &part, &[], |_| true).not_expected.len(), 1);
        let called =
            Expected { username: Some("a".into()), ..expected("E1", State::Open, Reason::Other) };
        assert_eq!(compare(&people, &[called], &[], |_| true).count(), 0);
    }
}
