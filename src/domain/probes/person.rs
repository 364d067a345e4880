//! What is known of a subject, as probes are asked about it.

use crate::domain::account::AccountName;
use crate::domain::revocation::Kind;
use crate::domain::words::words;
use std::collections::BTreeSet;

words! {
    /// What is known of a subject, as probes are asked about it.
    Parameter {
        /// Stable id.
        Subject = "subject",
        /// User name; the stable id where there is no other.
        Username = "username",
        /// Stable id, where a user name was given beside it.
        EmployeeId = "employee_id",
        /// Every e-mail address that a notice gave.
        Email = "email",
        /// Every role name, linked or searched for.
        Account = "account",
        /// Ticket of the revocation.
        Ticket = "ticket",
    }
}

/// Whom probes are asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// What tells this question from others: the revocation's id, or the name asked about.
    pub key: String,
    /// Stable id.
    pub subject: String,
    /// User names, the first one first; none where the subject's id is the only name.
    pub usernames: Vec<String>,
    /// Why the subject is nobody in particular, so that only accounts can be asked about; `None`: it is somebody.
    pub nobody: Option<&'static str>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// Role names, on one target or on any.
    pub accounts: Vec<AccountName>,
    /// Tickets that were ever named.
    pub tickets: Vec<String>,
    /// What must be gone; `None` asks as for everything.
    pub kind: Option<Kind>,
    /// Permissions that must be gone.
    pub permissions: Vec<String>,
    /// Permissions that must be there.
    pub required: Vec<String>,
}

impl Person {
    /// What `parameter` can be on `target`; outside of targets without one.
    pub(super) fn values_of(&self, parameter: Parameter, target: Option<&str>) -> Vec<String> {
        let one = |text: Option<&String>| text.cloned().into_iter().collect();
        match parameter {
            // What takes the name's place would be found nowhere, and prove nothing.
            Parameter::Subject | Parameter::Username | Parameter::EmployeeId
                if self.nobody.is_some() =>
            {
                Vec::new()
            }
            Parameter::Subject => vec![self.subject.clone()],
            Parameter::Username => {
                if self.usernames.is_empty() {
                    vec![self.subject.clone()]
                } else {
                    self.usernames.clone()
                }
            }
            Parameter::EmployeeId => one(self.usernames.first().map(|_| &self.subject)),
            Parameter::Email => self.emails.clone(),
            Parameter::Ticket => self.tickets.clone(),
            Parameter::Account => {
                let here =
                    |name: &&AccountName| target.is_none_or(|target| name.applies_to(target));
                let here = self.accounts.iter().filter(here);
                let names: BTreeSet<String> = here.map(|name| name.role.clone()).collect();
                names.into_iter().collect()
            }
        }
    }
}

/// What to do where `parameter` of a subject is not known.
pub(super) fn unknown(parameter: Parameter) -> (&'static str, &'static str) {
    match parameter {
        Parameter::Subject | Parameter::Username => {
            ("no name of the subject is known", "expect it again with the subject's name")
        }
        Parameter::EmployeeId => (
            "no employee id of the subject is known",
            "send it with the notice (employee_id, or expect add --employee-id)",
        ),
        Parameter::Email => (
            "no e-mail address of the subject is known",
            "send the same notice again with it (email, or expect add --email)",
        ),
        Parameter::Ticket => {
            ("no ticket of the revocation is known", "name it (ticket, or expect amend --ticket)")
        }
        Parameter::Account => (
            "no account of the subject is known here",
            "name it (account, or expect amend --account)",
        ),
    }
}
