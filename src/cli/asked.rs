//! Who a command asks about: a role, a subject, or a revocation.

use super::client::Where;
use super::output::shown;
use crate::config::Config;
use crate::domain::account::{Account, AccountName, LinkRule};
use crate::domain::credential::Standing;
use crate::domain::observation::NotCovered;
use crate::domain::probes::Person;
use crate::domain::residual::ResidualKind;
use crate::domain::revocation::{Kind, State};
use crate::domain::subject::Called;
use crate::domain::time::UtcTime;
use crate::domain::verdict::Required;
use crate::http::exceptions::ExceptionView;
use crate::http::view::View;
use anyhow::{Result, bail};
use std::collections::BTreeSet;

/// What every id of a revocation begins with.
pub(super) const REVOCATION: &str = "rev_";

/// One question: who, and what must be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// As it was written, or the subject of the revocation.
    pub(super) subject: String,
    /// The revocation it is about.
    pub(super) revocation: Option<String>,
    /// What must be gone.
    pub(super) kind: Kind,
    /// Role names to search for.
    pub(super) names: Vec<AccountName>,
    /// Accounts linked already.
    pub(super) accounts: Vec<Account>,
    /// For a partial revocation: roles that must be gone.
    pub(super) roles: Vec<String>,
    /// Permissions that must be gone and of which nobody said which roles give them.
    pub(super) unmapped: Vec<String>,
    /// It is known that there is no account.
    pub(super) no_account: bool,
    /// Surfaces that the configuration does not ask for.
    pub(super) not_required: BTreeSet<ResidualKind>,
    /// For a partial revocation: since when its roles are known to be gone.
    pub(super) gone_since: Option<UtcTime>,
    /// Whom probes are asked about; `None` where a role is asked about.
    pub(super) person: Option<Person>,
    /// For a partial revocation: what must be there.
    pub(super) required: Vec<Required>,
    /// For a transfer: who owns the account from now on.
    pub(super) new_owner: Option<String>,
    /// For a rotation: what the agent knows of the passwords.
    pub(super) credentials: Vec<Standing>,
    /// Why the agent could not be asked for accounts.
    pub(super) unread: Option<String>,
    /// First look of the agent that found something.
    pub(super) first_seen: Option<UtcTime>,
    /// Data are to be preserved: nothing may be dropped.
    pub(super) preserve_data: bool,
    /// The subject's data are under a legal hold: what is owned decides nothing.
    pub(super) held: bool,
    /// Permissions to keep access.
    pub(super) exceptions: Vec<ExceptionView>,
}

impl Asked {
    /// A role by its name, with nothing known of it.
    pub(super) fn role(name: &str) -> Self {
        Self::names(name, vec![named(None, name)])
    }

    fn names(subject: &str, names: Vec<AccountName>) -> Self {
        Self {
            subject: subject.to_owned(),
            revocation: None,
            kind: Kind::Full,
            names,
            accounts: Vec::new(),
            roles: Vec::new(),
            unmapped: Vec::new(),
            no_account: false,
            not_required: BTreeSet::new(),
            gone_since: None,
            person: None,
            required: Vec::new(),
            new_owner: None,
            credentials: Vec::new(),
            unread: None,
            first_seen: None,
            preserve_data: false,
            held: false,
            exceptions: Vec::new(),
        }
    }

    /// What a revocation expects, as it is shown.
    pub(super) fn as_shown(view: &View) -> Self {
        Self {
            revocation: Some(view.id.clone()),
            kind: view.kind,
            accounts: view.accounts.clone(),
            roles: view.roles.clone(),
            no_account: view.no_account_confirmed,
            gone_since: view.first_clean_at,
            credentials: view.credentials.clone(),
            first_seen: view.first_residual_at,
            preserve_data: view.preserve_data,
            held: view.held && view.state != State::Verified,
            exceptions: view.exceptions.clone(),
            ..Self::names(&view.subject, view.searched.clone())
        }
    }

    /// What a revocation expects, as the configuration says what that means.
    pub(super) fn of(view: &View, config: &Config) -> Self {
        let called = Called { subject: &view.subject, username: view.username.as_deref() };
        let mut asked = Self::as_shown(view);
        for permission in &view.permissions {
            match config.permissions.get(permission) {
                Some(giving) if !giving.is_empty() => asked.roles.extend(giving.iter().cloned()),
                _ if config.probes_show(permission) => {}
                _ => asked.unmapped.push(permission.clone()),
            }
        }
        let named = view.searched.iter().any(|name| !name.suggested());
        asked.no_account |= !named && config.subjects.knows_of_none(&called);
        asked.not_required.clone_from(&config.not_required);
        asked.names = config.subjects.names(&called, &view.searched);
        asked.required = required(view, config);
        asked.new_owner.clone_from(&view.new_owner);
        asked.person = Some(person(view, &asked.names));
        asked
    }

    /// A subject that nobody expects anything of is asked about by its name alone.
    fn with_probes(mut self, config: &Config) -> Self {
        let probes = config.targets.iter().any(|target| !target.probes.is_empty());
        if probes || !config.external.is_empty() {
            self.person = Some(Person {
                key: self.subject.clone(),
                subject: self.subject.clone(),
                accounts: self.names.clone(),
                ..Person::default()
            });
        }
        self
    }

    /// The same question with the accounts of a further revocation of the same kind.
    fn join(&mut self, other: Self) {
        for name in other.names {
            if !self
                .names
                .iter()
                .any(|known| known.target == name.target && known.role == name.role)
            {
                self.names.push(name);
            }
        }
        for account in other.accounts {
            let same = |known: &Account| {
                (&known.target, known.system_identifier, known.oid)
                    == (&account.target, account.system_identifier, account.oid)
            };
            if !self.accounts.iter().any(same) {
                self.accounts.push(account);
            }
        }
        for permission in other.unmapped {
            if !self.unmapped.contains(&permission) {
                self.unmapped.push(permission);
            }
        }
        if let (Some(person), Some(more)) = (&mut self.person, other.person) {
            person.emails.extend(more.emails);
            person.emails.sort();
            person.emails.dedup();
            person.accounts.extend(more.accounts);
            person.ticket = person.ticket.take().or(more.ticket);
        }
        self.credentials.extend(other.credentials);
        self.no_account &= other.no_account;
        self.preserve_data |= other.preserve_data;
        self.held |= other.held;
        self.exceptions.extend(other.exceptions);
        self.gone_since = self.gone_since.max(other.gone_since);
        self.first_seen = [self.first_seen, other.first_seen].into_iter().flatten().min();
    }
}

/// Whom probes are asked about, as the agent asks them.
fn person(view: &View, names: &[AccountName]) -> Person {
    let mut accounts = names.to_vec();
    for account in &view.accounts {
        let roles = account.names.iter().chain([&account.role]);
        accounts.extend(roles.map(|role| named(Some(&account.target), role)));
    }
    Person {
        key: view.id.clone(),
        subject: view.subject.clone(),
        username: view.username.clone(),
        emails: view.emails.clone(),
        accounts,
        ticket: view.ticket.clone(),
        kind: Some(view.kind),
        permissions: view.permissions.clone(),
        required: view.required_permissions.clone(),
    }
}

/// What must be there, by the names that roles have now.
fn required(view: &View, config: &Config) -> Vec<Required> {
    let role = |name: &String| Required {
        name: name.clone(),
        permission: false,
        roles: vec![name.clone()],
    };
    let permission = |name: &String| Required {
        name: name.clone(),
        permission: true,
        roles: config.permissions.get(name).cloned().unwrap_or_default(),
    };
    let roles = view.required_roles.iter().map(role);
    roles.chain(view.required_permissions.iter().map(permission)).collect()
}

fn named(target: Option<&str>, role: &str) -> AccountName {
    AccountName { target: target.map(str::to_owned), role: role.to_owned(), rule: LinkRule::Stated }
}

/// The role names to search for when somebody names `subject`. Whatever else the configuration knows of a
/// subject's accounts is added here.
fn names_of(subject: &str, config: &Config) -> Vec<AccountName> {
    let called = Called { subject, username: None };
    config.subjects.names(&called, &[named(None, subject)])
}

/// `TARGET/ROLE`, if there is such a target. A role name may hold a slash, too.
fn on_target(text: &str, config: &Config) -> Option<AccountName> {
    let (target, role) = text.split_once('/')?;
    (config.target(target).is_some() && !role.is_empty()).then(|| named(Some(target), role))
}

/// What looks like `TARGET/ROLE` with a target that nobody configured, and that nobody knows as a subject.
fn unknown_target(text: &str, config: &Config) -> Result<()> {
    let Some((target, role)) = text.split_once('/') else { return Ok(()) };
    let known: Vec<_> = config.targets.iter().map(|target| target.name.as_str()).collect();
    let mapped = names_of(text, config).iter().any(|name| name.role != text);
    if mapped || target.is_empty() || role.is_empty() || config.target(target).is_some() {
        return Ok(());
    }
    bail!(
        "{}: no target is called {}; there are: {}. A role with a slash in its name is asked for as TARGET/{}",
        shown(text),
        shown(target),
        known.join(", "),
        shown(text)
    )
}

/// The questions behind `texts`, and what was not considered.
///
/// What the agent knows of a subject is asked for, but a role can be looked at without it.
pub(super) async fn questions(
    texts: &[String],
    config: &Config,
    place: &Where,
) -> Result<(Vec<Asked>, Vec<NotCovered>)> {
    let subjects = texts.iter().any(|text| on_target(text, config).is_none());
    let known = if subjects { known(texts, place).await } else { Ok(Known::default()) };
    let mut unread = Vec::new();
    let mut asked = Vec::new();
    for text in texts {
        if let Some(name) = on_target(text, config) {
            asked.push(Asked::names(text, vec![name]));
            continue;
        }
        if !known.as_ref().is_ok_and(|known| known.has(text)) {
            unknown_target(text, config)?;
        }
        match &known {
            Ok(known) => asked.extend(known.questions(text, config)?),
            Err(error) if text.starts_with(REVOCATION) => {
                bail!("{} cannot be looked up: {error:#}", shown(text))
            }
            Err(error) => {
                let reason = format!(
                    "the agent's state could not be read ({error:#}); only roles of that name \
                     were searched for"
                );
                let names = Asked::names(text, names_of(text, config));
                asked.push(Asked { unread: Some(reason.clone()), ..names });
                unread.push(NotCovered { surface: format!("revocations of {text}"), reason });
            }
        }
    }
    Ok((asked, unread))
}

/// What the agent knows of those asked about.
#[derive(Default)]
struct Known {
    views: Vec<View>,
}

async fn known(texts: &[String], place: &Where) -> Result<Known> {
    let reach = place.find().await?;
    let by_id = texts.iter().all(|text| text.starts_with(REVOCATION));
    let mut known = Known::default();
    if !by_id {
        known.views = reach.list(false).await?;
        let named = |name: &String| texts.contains(name);
        known.views.retain(|view| {
            let mut roles = view.accounts.iter().flat_map(|account| &account.names);
            named(&view.subject)
                || view.username.as_ref().is_some_and(named)
                || roles.any(|role| texts.contains(role))
        });
    }
    for id in texts.iter().filter(|text| text.starts_with(REVOCATION)) {
        known.views.extend(reach.show(id).await?);
    }
    reach.leave().await?;
    known.views.sort_by(|a, b| a.id.cmp(&b.id));
    known.views.dedup_by(|a, b| a.id == b.id);
    Ok(known)
}

impl Known {
    /// Whether somebody of that name has a revocation.
    fn has(&self, text: &str) -> bool {
        self.views.iter().any(|view| {
            view.subject == text || view.username.as_deref() == Some(text) || view.id == text
        })
    }

    /// Accounts of anybody whose role bears, or once bore, this name: another role of that name must not hide one
    /// that was renamed.
    fn bore(&self, text: &str) -> Vec<Account> {
        let accounts = self.views.iter().flat_map(|view| &view.accounts);
        let bore = |account: &&Account| account.names.iter().any(|name| name == text);
        let mut found: Vec<Account> = Vec::new();
        for account in accounts.filter(bore) {
            let same = |known: &Account| {
                (&known.target, known.system_identifier, known.oid)
                    == (&account.target, account.system_identifier, account.oid)
            };
            if !found.iter().any(same) {
                found.push(account.clone());
            }
        }
        found
    }

    /// One question per kind of revocation that `text` has; the name itself where it has none.
    fn questions(&self, text: &str, config: &Config) -> Result<Vec<Asked>> {
        if text.starts_with(REVOCATION) {
            let view = self.views.iter().find(|view| view.id == text);
            let Some(view) = view else { bail!("there is no revocation {}", shown(text)) };
            return Ok(vec![Asked::of(view, config)]);
        }
        let mut asked: Vec<Asked> = Vec::new();
        let expected = |view: &&View| {
            (view.subject == text || view.username.as_deref() == Some(text))
                && view.state != State::Withdrawn
        };
        for view in self.views.iter().rev().filter(expected) {
            let next = Asked::of(view, config);
            match asked.iter_mut().find(|one| one.kind == next.kind && one.roles == next.roles) {
                Some(one) => one.join(next),
                None => asked.push(next),
            }
        }
        // Whoever writes a subject's name may mean a role of that name as well.
        let mut names = Asked::names(text, names_of(text, config));
        names.accounts = self.bore(text);
        if asked.is_empty() {
            return Ok(vec![names.with_probes(config)]);
        }
        names.names.iter_mut().for_each(|name| name.rule = LinkRule::Template);
        for one in &mut asked {
            one.join(names.clone());
        }
        Ok(asked)
    }
}
