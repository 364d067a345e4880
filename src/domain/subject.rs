//! Which roles a subject may have: declared ones, and those that a naming convention suggests.

use super::account::{AccountName, LinkRule};
use super::inactivity::SeenQuery;
use super::revocation::Revocation;
use super::time::UtcTime;
use std::collections::BTreeMap;

/// Most bytes of a name: the server cuts longer ones (`NAMEDATALEN` less one; "Identifiers and Key Words").
const NAME: usize = 63;

/// How a notice calls a subject.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// Stable id, the subject's own.
    pub subject: &'a str,
    /// User name, where the id is another.
    pub username: Option<&'a str>,
}

/// Declared accounts, and templates for names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Names that a convention suggests, in addition to those a notice gives.
    pub templates: Vec<Template>,
    /// Accounts by subject or user name.
    pub accounts: BTreeMap<String, Vec<AccountName>>,
    /// Whoever is not listed has no account anywhere.
    pub complete: bool,
    /// Roles that are declared more than once, with the target and for whom.
    pub doubled: BTreeMap<String, Vec<(Option<String>, String)>>,
    /// A query that tells more of them, and where it is asked.
    pub query: Option<MappingQuery>,
    /// What it told is among `accounts`, and was asked at that time.
    pub answered_at: Option<UtcTime>,
}

/// A query that tells whose roles are whose: columns `subject`, `account` and, where there is one, `target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingQuery {
    /// Target that it is asked at.
    pub target: String,
    /// The query.
    pub query: SeenQuery,
}

/// What a mapping query tells: subjects and their roles.
pub type Listed = Vec<(String, AccountName)>;

impl Mapping {
    /// Accounts declared for a subject.
    pub fn declared<'a>(&'a self, called: &Called<'a>) -> impl Iterator<Item = &'a AccountName> {
        let keys = [Some(called.subject), called.username];
        keys.into_iter().flatten().filter_map(|key| self.accounts.get(key)).flatten()
    }

    /// Somebody is listed under a name that differs in case or blanks only: a slip of the pen, perhaps.
    fn nearly_declared(&self, called: &Called<'_>) -> bool {
        let folded = |key: &str| key.trim().to_lowercase();
        let keys: Vec<String> =
            [Some(called.subject), called.username].into_iter().flatten().map(folded).collect();
        self.accounts.keys().any(|key| keys.contains(&folded(key)))
    }

    /// What to search for: what the notice gave, what is declared, and what the templates suggest. A suggested
    /// name that is declared for somebody else is theirs.
    #[must_use]
    pub fn names(&self, called: &Called<'_>, given: &[AccountName]) -> Vec<AccountName> {
        let mut names: Vec<AccountName> = Vec::new();
        let suggested: Vec<AccountName> =
            self.templates.iter().filter_map(|template| template.fill(called)).collect();
        for name in given.iter().chain(self.declared(called)).chain(&suggested) {
            let same = |n: &AccountName| (&n.target, &n.role) == (&name.target, &name.role);
            let theirs = name.suggested() && self.of_another(called, name);
            if !theirs && !names.iter().any(same) {
                names.push(name.clone());
            }
        }
        names
    }

    /// The same of what was asked for, by every user name that came for its subject.
    #[must_use]
    pub fn names_of(&self, asked: &Revocation) -> Vec<AccountName> {
        let mut names = self.names(&asked.called(), &asked.accounts);
        for called in asked.otherwise_called() {
            for name in self.names(&called, &[]) {
                let same = |known: &AccountName| {
                    (&known.target, &known.role) == (&name.target, &name.role)
                };
                if !names.iter().any(same) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// Names of roles that are suggested by what the subject of `asked` is called first, and by nothing else that is known
    /// of it.
    #[must_use]
    pub fn suggested_by_name(&self, asked: &Revocation) -> Vec<AccountName> {
        let called = asked.username.as_ref().unwrap_or(&asked.subject);
        let plain = asked.accounts.iter().filter(|name| name.role == *called);
        let plain: Vec<AccountName> = plain.cloned().collect();
        let mut names = self.names(&asked.called(), &plain);
        names.retain(AccountName::suggested);
        names
    }

    /// Suggested names that are declared for somebody else, and so are not searched for.
    #[must_use]
    pub fn withheld(&self, called: &Called<'_>, given: &[AccountName]) -> Vec<Withheld> {
        let mut withheld: Vec<Withheld> = Vec::new();
        let templates = self.templates.iter().filter_map(|template| template.fill(called));
        let given = given.iter().filter(|name| name.suggested()).cloned();
        for name in given.chain(templates).filter(|name| self.of_another(called, name)) {
            let declared = self
                .accounts
                .iter()
                .flat_map(|(subject, names)| names.iter().map(move |declared| (subject, declared)));
            let theirs = declared.filter(|(_, declared)| same_role(declared, &name));
            for (subject, declared) in theirs {
                let (name, rule) = (name.clone(), declared.rule);
                let one = Withheld { name, subject: subject.clone(), rule };
                if !withheld.contains(&one) {
                    withheld.push(one);
                }
            }
        }
        withheld
    }

    /// Which part of the configuration says that `role` on `target` is the subject's, `by` such a rule.
    #[must_use]
    pub fn source(&self, called: &Called<'_>, by: LinkRule, target: &str, role: &str) -> String {
        let suggests = |template: &&Template| {
            let name = template.fill(called);
            name.is_some_and(|name| name.role == role && name.applies_to(target))
        };
        match by {
            LinkRule::Mapping => "subjects.accounts".to_owned(),
            LinkRule::MappingFile => "subjects.mapping_file".to_owned(),
            LinkRule::MappingQuery => "subjects.mapping_query".to_owned(),
            // Without a template of its own, that a role is called like the user.
            LinkRule::Template => self
                .templates
                .iter()
                .find(suggests)
                .map_or_else(|| "{username}".to_owned(), |template| template.text.clone()),
            LinkRule::Person | LinkRule::Stated | LinkRule::SameName => String::new(),
        }
    }

    /// How many others than the subject `role` on `target` is declared for.
    #[must_use]
    pub fn declared_for_others(&self, called: &Called<'_>, target: &str, role: &str) -> usize {
        let subjects = self.doubled.get(role).into_iter().flatten();
        let other = |(on, subject): &&(Option<String>, String)| {
            on.as_deref().is_none_or(|on| on == target)
                && subject != called.subject
                && Some(subject.as_str()) != called.username
        };
        subjects.filter(other).count()
    }

    /// With what the query told when it was asked `at`; `fresh`: it answers still.
    #[must_use]
    pub fn with(&self, listed: &Listed, at: UtcTime, fresh: bool) -> Self {
        let mut all =
            Self { answered_at: Some(at), complete: self.complete && fresh, ..self.clone() };
        for (subject, name) in listed {
            all.accounts.entry(subject.clone()).or_default().push(name.clone());
        }
        all.index();
        all
    }

    /// Finds the roles that are declared for several. To be called once all are known.
    pub fn index(&mut self) {
        let mut by_role: BTreeMap<&str, Vec<(&Option<String>, &String)>> = BTreeMap::new();
        for (subject, names) in &self.accounts {
            for name in names {
                by_role.entry(&name.role).or_default().push((&name.target, subject));
            }
        }
        let several = by_role.into_iter().filter(|(_, subjects)| subjects.len() > 1);
        let owned = |(on, subject): (&Option<String>, &String)| (on.clone(), subject.clone());
        self.doubled = several
            .map(|(role, subjects)| (role.to_owned(), subjects.into_iter().map(owned).collect()))
            .collect();
    }

    /// It is known that the subject has no account: the mapping says that it is complete, and lists none, also
    /// under no name that only looks different.
    #[must_use]
    pub fn knows_of_none(&self, called: &Called<'_>) -> bool {
        let told = self.query.is_none() || self.answered_at.is_some();
        self.complete && told && !self.nearly_declared(called)
    }

    fn of_another(&self, called: &Called<'_>, suggested: &AccountName) -> bool {
        // Without an id of its own, the user name is all that tells who is meant: then the role of that name may
        // well be theirs. And what is somebody else's on one target says nothing of another.
        let same = |declared: &AccountName| same_role(declared, suggested);
        called.username.is_some()
            && !self.declared(called).any(same)
            && self.accounts.values().flatten().any(same)
    }
}

/// A name that a convention suggests for one, and that is declared for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// The name.
    pub name: AccountName,
    /// Whose it is said to be.
    pub subject: String,
    /// What says so.
    pub rule: LinkRule,
}

fn same_role(declared: &AccountName, suggested: &AccountName) -> bool {
    declared.role == suggested.role
        && (declared.target.is_none() || declared.target == suggested.target)
}

/// A naming convention, such as `{username|lower}_ro` or `orders/{employee_id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    target: Option<String>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field { username: bool, filters: Vec<Filter> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    Lower,
    Upper,
    Underscore,
    Local,
}

impl Filter {
    fn apply(self, text: &str) -> String {
        match self {
            Self::Lower => text.to_lowercase(),
            Self::Upper => text.to_uppercase(),
            Self::Underscore => {
                text.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
            }
            Self::Local => text.split('@').next().unwrap_or_default().to_owned(),
        }
    }
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; a template has {{username}} or {{employee_id}} in it, with filters as in \
     {{username|local|lower|underscore}}, and may begin with a target, as in orders/{{username}}"
)]
pub struct BadTemplate(String);

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// Says how to write one.
    pub fn parse(text: &str) -> Result<Self, BadTemplate> {
        let wrong = |why: String| Err(BadTemplate(why));
        let (target, mut rest) = match text.split_once('/') {
            Some((target, rest)) if !target.contains('{') => (Some(target.to_owned()), rest),
            _ => (None, text),
        };
        let mut parts = Vec::new();
        while let Some((before, after)) = rest.split_once('{') {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let Some((inside, behind)) = after.split_once('}') else {
                return wrong(format!("`{text}` has a `{{` without its `}}`"));
            };
            parts.push(
                field(inside).ok_or_else(|| BadTemplate(format!("`{{{inside}}}` is unknown")))?,
            );
            rest = behind;
        }
        if parts.iter().all(|part| matches!(part, Part::Text(_))) {
            return wrong(format!("`{text}` has no field, so it would be everybody's"));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { text: text.to_owned(), target, parts })
    }

    /// The target it is about, if it is about one.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// The name it suggests, as the server cuts it; `None` where the notice lacks a field.
    fn fill(&self, called: &Called<'_>) -> Option<AccountName> {
        let mut role = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => role.push_str(text),
                Part::Field { username, filters } => {
                    let value = match (username, called.username) {
                        (true, Some(username)) => username,
                        // Without a user name of its own the id is the only name there is; it is one of
                        // employee ids only where both were given.
                        (true, None) | (false, Some(_)) => called.subject,
                        (false, None) => return None,
                    };
                    let filled =
                        filters.iter().fold(value.to_owned(), |text, filter| filter.apply(&text));
                    role.push_str(&filled);
                }
            }
        }
        role.truncate(role.floor_char_boundary(NAME));
        Some(AccountName { target: self.target.clone(), role, rule: LinkRule::Template })
    }
}

fn field(inside: &str) -> Option<Part> {
    let mut words = inside.split('|').map(str::trim);
    let username = match words.next()? {
        "username" => true,
        "employee_id" => false,
        _ => return None,
    };
    let filters = words.map(|word| match word {
        "lower" => Some(Filter::Lower),
        "upper" => Some(Filter::Upper),
        "underscore" => Some(Filter::Underscore),
        "local" => Some(Filter::Local),
        _ => None,
    });
    Some(Part::Field { username, filters: filters.collect::<Option<_>>()? })
}

#[cfg(test)]
#[path = "subject_tests.rs"]
mod tests;
