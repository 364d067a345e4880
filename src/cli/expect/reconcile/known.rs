//! Whose a role is, as far as anybody has said. Pure.

use crate::config::Config;
use crate::domain::account::{AccountName, LinkRule};
use crate::domain::ids::RoleOid;
use crate::domain::population::{Login, Person};
use crate::domain::subject::Called;
use crate::http::roster::RosterTarget;
use crate::http::view::View;
use std::collections::BTreeSet;

/// Roles of which somebody knows whose they are.
pub(super) struct Known {
    /// By name: on every target, or on one.
    names: BTreeSet<(Option<String>, String)>,
    /// By their identity.
    linked: BTreeSet<(String, RoleOid)>,
}

fn named(text: &str) -> AccountName {
    let (target, role) = match text.split_once('/') {
        Some((target, role)) => (Some(target.to_owned()), role),
        None => (None, text),
    };
    AccountName { target, role: role.to_owned(), rule: LinkRule::Stated }
}

impl Known {
    pub(super) fn of(
        people: &[Person],
        views: &[View],
        targets: &[RosterTarget],
        config: Option<&Config>,
        given: &[String],
    ) -> Self {
        let mut names: Vec<AccountName> = given.iter().map(|text| named(text)).collect();
        for person in people {
            names.extend(theirs(person, config));
        }
        for view in views {
            names.extend(view.searched.iter().cloned());
        }
        for target in targets {
            let agent = target.agent_role.iter();
            names.extend(agent.map(|role| named(&format!("{}/{role}", target.name))));
        }
        if let Some(config) = config {
            names.extend(configured(config));
        }
        let linked = views.iter().flat_map(|view| &view.accounts);
        Self {
            names: names.into_iter().map(|name| (name.target, name.role)).collect(),
            linked: linked.map(|account| (account.target.clone(), account.oid)).collect(),
        }
    }

    /// Whether somebody knows whose it is.
    pub(super) fn owns(&self, login: &Login) -> bool {
        self.linked.contains(&(login.target.clone(), login.oid))
            || self.names.contains(&(None, login.role.clone()))
            || self.names.contains(&(Some(login.target.clone()), login.role.clone()))
    }
}

/// Roles that a person may have: called like them, declared, or by a convention.
fn theirs(person: &Person, config: Option<&Config>) -> Vec<AccountName> {
    let (id, username) = (person.id.as_deref(), person.username.as_deref());
    let Some(subject) = id.or(username) else { return Vec::new() };
    let called = Called { subject, username: username.filter(|name| *name != subject) };
    let own: Vec<AccountName> = [id, username]
        .into_iter()
        .flatten()
        .map(|role| AccountName { target: None, role: role.to_owned(), rule: LinkRule::Stated })
        .collect();
    match config {
        Some(config) => config.subjects.names(&called, &own),
        None => own,
    }
}

/// Roles that the configuration says something about.
fn configured(config: &Config) -> Vec<AccountName> {
    let mut names: Vec<AccountName> =
        config.subjects.accounts.values().flatten().cloned().collect();
    let vendors = config.vendors.values().flat_map(|vendor| &vendor.accounts);
    let secrets = config.secrets.iter().flat_map(|secret| &secret.accounts);
    names.extend(vendors.chain(secrets).map(|text| named(text)));
    names.extend(config.exceptions.break_glass_roles.iter().cloned());
    for target in &config.targets {
        let canary = target.canary.iter();
        names.extend(canary.map(|canary| named(&format!("{}/{}", target.name, canary.role))));
    }
    names
}
