//! Which roles a subject may have: declared ones, and those that a naming convention suggests.

use super::account::{AccountName, LinkRule};
use std::collections::BTreeMap;

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
}

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

    /// It is known that the subject has no account: the mapping says that it is complete, and lists none, also
    /// under no name that only looks different.
    #[must_use]
    pub fn knows_of_none(&self, called: &Called<'_>) -> bool {
        self.complete && !self.nearly_declared(called)
    }

    fn of_another(&self, called: &Called<'_>, suggested: &AccountName) -> bool {
        // Without an id of its own, the user name is all that tells who is meant: then the role of that name may
        // well be theirs. And what is somebody else's on one target says nothing of another.
        let same = |declared: &AccountName| {
            declared.role == suggested.role
                && (declared.target.is_none() || declared.target == suggested.target)
        };
        called.username.is_some()
            && !self.declared(called).any(same)
            && self.accounts.values().flatten().any(same)
    }
}

/// A naming convention, such as `{username|lower}_ro` or `orders/{employee_id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
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
        Ok(Self { target, parts })
    }

    /// The target it is about, if it is about one.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }

    /// The name it suggests; `None` where the notice lacks a field.
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
mod tests {
    use super::*;

    fn name(text: &str, rule: LinkRule) -> AccountName {
        AccountName { target: None, role: text.to_owned(), rule }
    }

    fn roles(names: &[AccountName]) -> Vec<&str> {
        names.iter().map(|name| name.role.as_str()).collect()
    }

    const JOHN: Called<'_> = Called { subject: "EMP-1", username: Some("John.Doe@example.com") };

    #[test]
    fn templates_and_declared_accounts_add_to_what_is_given() {
        let template = |text| Template::parse(text).unwrap();
        let mapping = Mapping {
            templates: vec![
                template("{username|local|lower|underscore}"),
                template("orders/ro_{employee_id|lower}"),
            ],
            accounts: [("EMP-1".to_owned(), vec![name("jd", LinkRule::Mapping)])].into(),
            complete: false,
        };
        let names = mapping.names(&JOHN, &[name("given", LinkRule::Stated)]);
        assert_eq!(roles(&names), ["given", "jd", "john_doe", "ro_emp-1"]);
        assert_eq!(names[3].target.as_deref(), Some("orders"));
        // No employee id was given, so nothing is suggested that needs one.
        let plain = Called { subject: "bob", username: None };
        assert_eq!(roles(&mapping.names(&plain, &[])), ["bob"]);
    }

    #[test]
    fn a_suggested_name_that_is_declared_for_somebody_else_is_theirs() {
        let mapping = Mapping {
            templates: Vec::new(),
            accounts: [("EMP-2".to_owned(), vec![name("john", LinkRule::Mapping)])].into(),
            complete: true,
        };
        let called = Called { subject: "EMP-1", username: Some("john") };
        let guess = [name("john", LinkRule::Template)];
        assert!(mapping.names(&called, &guess).is_empty());
        assert_eq!(roles(&mapping.names(&called, &[name("john", LinkRule::Stated)])), ["john"]);
        assert!(mapping.knows_of_none(&called));
        let other = Called { subject: "EMP-2", username: Some("john") };
        assert_eq!(roles(&mapping.names(&other, &guess)), ["john"]);
        assert!(!mapping.knows_of_none(&other));
        let slip = Called { subject: "emp-2 ", username: Some("jane") };
        assert!(!mapping.knows_of_none(&slip));
        // Without an id, the role of that name may be theirs.
        let nameless = Called { subject: "john", username: None };
        assert_eq!(roles(&mapping.names(&nameless, &guess)), ["john"]);
    }

    #[test]
    fn what_is_somebody_else_s_on_one_target_says_nothing_of_another() {
        let on = |target: &str| AccountName {
            target: Some(target.to_owned()),
            ..name("john", LinkRule::Mapping)
        };
        let mapping = Mapping {
            accounts: [("EMP-9".to_owned(), vec![on("orders")])].into(),
            ..Mapping::default()
        };
        let called = Called { subject: "EMP-1", username: Some("john") };
        let guess = [name("john", LinkRule::Template)];
        assert_eq!(roles(&mapping.names(&called, &guess)), ["john"]);
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said() {
        for (text, why) in [
            ("everybody", "has no field"),
            ("{name}", "`{name}` is unknown"),
            ("{username|reverse}", "is unknown"),
            ("{username", "without its"),
        ] {
            assert!(Template::parse(text).unwrap_err().to_string().contains(why), "{text}");
        }
    }
}
