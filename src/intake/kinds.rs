//! Which kind of revocation a notice asks for, and whether what it names fits that.

use super::submission::{OneOrMany, Submission, SubmissionError, wrong};
use crate::config::Config;
use crate::domain::revocation::{Kind, Revocation};

impl Submission {
    /// It names roles or permissions, so that it is partial if it does not say what it is.
    pub(super) fn names_a_part(&self) -> bool {
        let lists =
            [&self.roles, &self.permissions, &self.required_roles, &self.required_permissions];
        lists.iter().any(|list| !OneOrMany::list(list.as_ref()).is_empty())
    }

    /// The kind.
    ///
    /// # Errors
    /// When there is none of that name, or it does not fit the rest.
    pub fn kind(&self) -> Result<Kind, SubmissionError> {
        let kind = match &self.revocation_type {
            None if self.names_a_part() => Kind::Partial,
            None => Kind::Full,
            Some(word) => Kind::from_word(word).ok_or_else(|| {
                let known: Vec<&str> = Kind::ACCEPTED.iter().map(|kind| kind.as_str()).collect();
                wrong("/revocation_type", format!("one of {}, not `{word}`", known.join(", ")))
            })?,
        };
        self.parts_fit(kind)?;
        self.owner_fits(kind)?;
        Ok(kind)
    }

    fn parts_fit(&self, kind: Kind) -> Result<(), SubmissionError> {
        let lists = [
            ("/roles", "roles", &self.roles),
            ("/permissions", "permissions", &self.permissions),
            ("/required_roles", "roles", &self.required_roles),
            ("/required_permissions", "permissions", &self.required_permissions),
        ];
        for (field, what, list) in lists {
            if kind != Kind::Partial && !OneOrMany::list(list.as_ref()).is_empty() {
                let why = format!("a {kind} revocation names no {what}; partial does");
                return Err(wrong(field, why));
            }
        }
        for (field, gone, required) in [
            ("/required_roles", &self.roles, &self.required_roles),
            ("/required_permissions", &self.permissions, &self.required_permissions),
        ] {
            let gone = OneOrMany::list(gone.as_ref());
            let both =
                OneOrMany::list(required.as_ref()).into_iter().find(|one| gone.contains(one));
            if let Some(both) = both {
                return Err(wrong(field, format!("{both} cannot be gone and be there")));
            }
        }
        Ok(())
    }

    fn owner_fits(&self, kind: Kind) -> Result<(), SubmissionError> {
        let leaver = [Some(&self.username), self.employee_id.as_ref()];
        match (kind, &self.new_owner) {
            (Kind::Transfer, _) if OneOrMany::list(self.account.as_ref()).is_empty() => Err(wrong(
                "/account",
                "a transfer names the service account that gets another owner",
            )),
            (Kind::Transfer, Some(owner)) if leaver.contains(&Some(owner)) => {
                Err(wrong("/new_owner", "somebody else than who gives the account away"))
            }
            (Kind::Transfer, _) | (_, None) => Ok(()),
            (Kind::Full | Kind::Suspend | Kind::Partial | Kind::Rotation, Some(_)) => Err(wrong(
                "/new_owner",
                format!("a {kind} revocation has no new owner; transfer does"),
            )),
        }
    }
}

/// `asked` with what people have to attest of it, as the configuration says now.
pub(super) fn with_checklist(asked: Revocation, config: &Config) -> Revocation {
    let start = asked.effective_at.max(asked.received_at);
    let of = |item: &crate::config::ItemConfig| item.of(asked.kind, asked.reason, start);
    let checklist = config.checklist.iter().filter_map(of).collect();
    Revocation { checklist, ..asked }
}
