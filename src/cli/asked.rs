//! Who a command asks about: a role, a subject, or a revocation.

mod earlier;
mod known;

use super::client::Where;
use super::output::shown;
use crate::config::Config;
use crate::domain::account::{Account, AccountName, LinkRule};
use crate::domain::credential::Standing;
use crate::domain::ids::SystemIdentifier;
use crate::domain::observation::{NotCovered, Observation};
use crate::domain::probes::Person;
use crate::domain::residual::ResidualKind;
use crate::domain::revocation::{Kind, State};
use crate::domain::subject::Called;
use crate::domain::time::UtcTime;
use crate::domain::verdict::Required;
use crate::http::called::Bearer;
use crate::http::exceptions::ExceptionView;
use crate::http::view::View;
use crate::reconcile::{has_no_account, names_of, person_of, roles_of};
use crate::store::{Evidenced, Stored};
use anyhow::{Result, bail};
use earlier::Earlier;
use known::{Known, stored};
use std::collections::BTreeSet;
use std::sync::Arc;

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
    /// Roles that bear or bore one of these names, each with that.
    pub(super) meant: Vec<(String, Bearer)>,
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
    /// Targets whose probes are asked about that person, whether or not a role is searched for there.
    pub(super) probed: BTreeSet<String>,
    /// For a partial revocation: what must be there.
    pub(super) required: Vec<Required>,
    /// For a transfer: who owns the account from now on.
    pub(super) new_owner: Option<String>,
    /// For a rotation: what the agent knows of the passwords.
    pub(super) credentials: Vec<Standing>,
    /// The revocation as the agent keeps it; `None` where a role is asked about.
    pub(super) expected: Option<Arc<Evidenced>>,
    /// Why nobody can tell which roles are the subject's: then none is judged.
    pub(super) unjudged: Option<String>,
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
    /// Roles that bear or bore one of the names, where no revocation says whose they are.
    earlier: Vec<Earlier>,
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
            meant: Vec::new(),
            unmapped: Vec::new(),
            no_account: false,
            not_required: BTreeSet::new(),
            gone_since: None,
            person: None,
            probed: BTreeSet::new(),
            required: Vec::new(),
            new_owner: None,
            credentials: Vec::new(),
            expected: None,
            unjudged: None,
            unread: None,
            first_seen: None,
            preserve_data: false,
            held: false,
            exceptions: Vec::new(),
            earlier: Vec::new(),
        }
    }

    /// What a revocation expects, as it is shown.
    pub(super) fn as_shown(view: &View) -> Self {
        let unjudged = view.lineage.is_none().then(|| EARLIER.to_owned());
        Self {
            unjudged,
            revocation: Some(view.id.clone()),
            kind: view.kind,
            accounts: view.accounts.clone(),
            roles: view.roles.clone(),
            no_account: view.no_account_confirmed,
            gone_since: view.gone_since,
            credentials: view.credentials.clone(),
            first_seen: view.first_residual_at,
            preserve_data: view.preserve_data,
            held: view.held && view.state != State::Verified,
            exceptions: view.exceptions.clone(),
            expected: Some(Arc::new(stored(view))),
            ..Self::names(&view.subject, view.searched.clone())
        }
    }

    /// What a revocation expects, as the configuration says what that means: by the rules by which the agent judges.
    pub(super) fn of(view: &View, config: &Config) -> Self {
        let mut asked = Self::as_shown(view);
        let expected = stored(view);
        (asked.roles, asked.unmapped) = roles_of(&expected, config);
        asked.no_account = has_no_account(&expected, config);
        asked.not_required.clone_from(&config.not_required);
        asked.names = names_of(&expected, config);
        asked.required = required(view, config);
        asked.new_owner.clone_from(&view.new_owner);
        asked.person = Some(person_of(&expected, config));
        asked
    }

    /// Every name that the roles that must be gone bear now, after these looks, and those by which they were named.
    pub(super) fn known_as(&self, looks: &[&Observation]) -> Vec<String> {
        let mut names: BTreeSet<String> = self.roles.iter().cloned().collect();
        for (_, role) in &self.meant {
            let there = looks.iter().filter(|look| {
                let server = look.server.as_ref();
                server.is_some_and(|server| server.system_identifier == role.system_identifier)
            });
            names.extend(there.filter_map(|look| look.role(role.oid)).map(|one| one.name.clone()));
        }
        names.into_iter().collect()
    }

    /// Where a role is, after these looks, that ever bore the name of one that must be gone.
    pub(super) fn seen(&self, looks: &[&Observation]) -> Vec<(SystemIdentifier, String)> {
        let is_there = |role: &Bearer| {
            let mut looks = looks.iter().filter(|look| {
                let server = look.server.as_ref();
                server.is_some_and(|server| server.system_identifier == role.system_identifier)
            });
            looks.any(|look| look.role(role.oid).is_some())
        };
        let there = self.meant.iter().filter(|(_, role)| is_there(role));
        there.map(|(name, role)| (role.system_identifier, name.clone())).collect()
    }

    /// Whether it is not due yet at `now`, and then when it will be.
    pub(super) fn begins(&self, now: UtcTime) -> Option<UtcTime> {
        let stored = self.expected.as_ref().filter(|one| one.life.state == State::Scheduled)?;
        Some(stored.revocation.effective_at).filter(|at| *at > now)
    }

    /// Since when the person works here again.
    pub(super) fn rehired(&self) -> Option<UtcTime> {
        Some(self.expected.as_ref()?.life.lineage.rehired.as_ref()?.at)
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

    /// The same question, and about the role that is called as the subject is. Whose that is, nobody said.
    fn with_role(mut self, role: &Self, config: &Config) -> Self {
        let called = self.expected.as_ref().map(|one| one.revocation.called());
        for name in &role.names {
            let guess = AccountName { rule: LinkRule::Template, ..name.clone() };
            let same =
                |known: &AccountName| (&known.target, &known.role) == (&name.target, &name.role);
            // What is declared for somebody else is theirs.
            let theirs = called.as_ref().is_some_and(|called| {
                !config.subjects.names(called, std::slice::from_ref(&guess)).iter().any(same)
            });
            if !theirs && !self.names.iter().any(same) {
                self.names.push(guess);
            }
        }
        let lineage = self.expected.as_ref().map(|one| &one.life.lineage);
        let barred = |account: &Account| {
            let (cluster, oid) = (account.system_identifier, account.oid);
            lineage.is_some_and(|said| {
                account.called().any(|name| said.bars(&account.target, cluster, oid, name))
            })
        };
        for account in role.accounts.iter().filter(|account| !barred(account)) {
            if !self.accounts.iter().any(|known| known.is(account)) {
                self.accounts.push(Account { rule: LinkRule::SameName, ..account.clone() });
            }
        }
        self
    }
}

/// Why nothing is judged of what an agent tells that is older than this program.
const EARLIER: &str = "the agent is of an earlier version, and does not tell which roles are somebody else's, what is a \
                       question, and what was there before a rehire";

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
fn names_for(subject: &str, config: &Config) -> Vec<AccountName> {
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
    let mapped = names_for(text, config).iter().any(|name| name.role != text);
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

/// What is asked, and what was not considered.
pub(super) struct Questions {
    /// One for each role, and for each revocation of a subject.
    pub(super) asked: Vec<Asked>,
    /// What could not be read.
    pub(super) unread: Vec<NotCovered>,
    /// Everything that the agent watches: others may fit the same roles.
    pub(super) watched: Vec<Arc<Stored>>,
}

/// The questions behind `texts`, and what was not considered.
///
/// What the agent knows of a subject is asked for, but a role can be looked at without it.
pub(super) async fn questions(
    texts: &[String],
    config: &Config,
    place: &Where,
) -> Result<Questions> {
    let known = Known::of(texts, config, place).await;
    let mut unread = Vec::new();
    let mut asked = Vec::new();
    for text in texts {
        if let Some(name) = on_target(text, config) {
            if let Err(error) = &known {
                let reason = format!("the agent's state could not be read ({error:#})");
                unread.push(NotCovered {
                    surface: format!("roles that were once called {text}"),
                    reason,
                });
            }
            let earlier =
                known.as_ref().map(|known| known.earlier(std::slice::from_ref(&name), true));
            let asking = Asked::names(text, vec![name]);
            asked.push(Asked { earlier: earlier.unwrap_or_default(), ..asking });
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
                let names = Asked::names(text, names_for(text, config));
                asked.push(Asked { unread: Some(reason.clone()), ..names });
                unread.push(NotCovered { surface: format!("revocations of {text}"), reason });
            }
        }
    }
    let watched = known.map(|known| known.watched).unwrap_or_default();
    Ok(Questions { asked, unread, watched })
}

/// Whether anything but single roles is asked about.
pub(super) fn are_subjects(texts: &[String], config: &Config) -> bool {
    texts.iter().any(|text| on_target(text, config).is_none())
}
