//! A residual as one sentence, for somebody who is woken by it. It says what the account can do, through
//! what, and what would not remove it. Never the value of a setting, a secret, or the text of a command.

use super::{Residual, ResidualKind as K, SYSTEM_USER, Way};
use crate::domain::graph::Can;
use crate::domain::powers::DATABASE_OWNER;

impl Residual {
    /// Writes the sentence from the other fields. Call it last.
    #[must_use]
    pub fn described(mut self) -> Self {
        self.sentence = self.describe();
        self
    }

    fn describe(&self) -> String {
        let mut sentence = self.what();
        let place = self.database.as_deref().filter(|_| self.names_its_place());
        if let Some(database) = place {
            sentence = format!("{sentence} in database {database}");
        }
        if self.grantable && self.kind == K::Privilege {
            sentence.push_str(", with grant option");
        }
        if let Some(detail) = &self.detail {
            sentence = if matches!(self.kind, K::Attribute | K::Membership | K::AdminOption) {
                format!("{sentence}: {detail}")
            } else {
                format!("{sentence} ({detail})")
            };
        }
        sentence.push_str(&self.by_whom());
        if self.tampered {
            sentence.push_str(
                "; pg_shdepend does not know it, so somebody has edited a system catalog directly",
            );
        }
        sentence
    }

    /// Whether the database is still to be named after [`what`](Self::what).
    fn names_its_place(&self) -> bool {
        !matches!(self.kind, K::Login | K::Attribute | K::Membership | K::AdminOption)
    }

    fn what(&self) -> String {
        let who = &self.account;
        let object = self.object_in_words();
        let privilege = self.privilege.as_deref().unwrap_or("a right");
        match self.kind {
            K::Login => format!("{who} can log in"),
            K::Attribute => self.attribute(privilege),
            K::Membership if self.database.is_some() => self.database_owner(),
            K::Membership if self.via.is_empty() => self.member(privilege),
            K::Membership => self.reached(privilege),
            K::AdminOption => self.admin(privilege),
            K::Ownership | K::Subscription => format!("{who} owns {object}"),
            K::Privilege => format!("{who} has {privilege} on {object}"),
            K::DefaultPrivilege => match &self.privilege {
                Some(privilege) => format!("{who} will get {privilege} on new {object}"),
                None => format!("{who} has default privileges of its own for new {object}"),
            },
            K::Policy => format!("{object} names {who}"),
            K::UserMapping => {
                format!("{who} has a user mapping, which may hold a password, for {object}")
            }
            K::Session => format!("{who} has an open session"),
            K::VanishedSession => {
                format!("a session of {who} is open although the role no longer exists")
            }
            K::PreparedTransaction => match &self.owner {
                Some(owner) => format!(
                    "prepared transaction {object}, prepared by {owner}, is about {who} and takes effect when it is \
                     committed"
                ),
                None => format!(
                    "prepared transaction {object}, prepared by {who}, takes effect when it is committed"
                ),
            },
            K::Replication => format!("{who} has an open replication connection"),
            K::RoleSetting => format!("{who} has a value of its own for the setting {privilege}"),
            K::DanglingAcl => {
                format!("{object} still lists {who}, which no longer exists, for {privilege}")
            }
            K::Job => format!("{who} has {object}"),
            K::HbaRule => format!("pg_hba.conf has a rule for {who}: {object}"),
            K::IdentMap if self.object_type.as_deref() == Some(SYSTEM_USER) => {
                let line = self.object.as_deref().unwrap_or_default();
                format!(
                    "pg_ident.conf lets the user {who} of the system in as another role: {line}"
                )
            }
            K::IdentMap => format!("pg_ident.conf lets others in as {who}: {object}"),
            K::Credential | K::Probe => format!("{who}: {object}"),
        }
    }

    /// A row of `pg_auth_members` that names the account.
    fn member(&self, role: &str) -> String {
        let who = &self.account;
        let can: Vec<Can> = self.ways.iter().map(|way| way.can).collect();
        let member = format!("{who} is a member of {role}");
        match (can.contains(&Can::UsesNow), can.contains(&Can::SetRole)) {
            (true, false) => format!("{member} and has its rights, but cannot SET ROLE {role}"),
            (false, true) => format!("{member}, with its rights only after SET ROLE {role}"),
            (false, false) if can.contains(&Can::SelfGrant) => {
                format!("{member} without its rights, but can grant them to itself")
            }
            (false, false) if can.contains(&Can::Listed) => {
                format!("{member} without its rights; only {} would match it", hba(role))
            }
            // Rights and SET ROLE is what everybody understands by it.
            (true, true) | (false, false) => member,
        }
    }

    /// A role that the account reaches through others.
    fn reached(&self, role: &str) -> String {
        let who = &self.account;
        let parts: Vec<String> = self.ways.iter().map(|way| reached(way, role)).collect();
        match (self.ways.as_slice(), parts.as_slice()) {
            ([first, second], [_, _]) if first.via == second.via => format!(
                "{who} has the rights of {role}, and can SET ROLE to it, through {}",
                list(&first.via)
            ),
            (_, []) => format!("{who} reaches {role} through {}", list(&self.via)),
            _ => format!("{who} {}", parts.join(", and ")),
        }
    }

    /// The membership that nobody granted.
    fn database_owner(&self) -> String {
        let who = &self.account;
        let database = self.database.as_deref().unwrap_or_default();
        let is = format!("{DATABASE_OWNER} in database {database}");
        let Some(owner) = self.via.last() else {
            let how = if self.ways.is_empty() {
                String::new()
            } else {
                format!(" after SET ROLE {DATABASE_OWNER}")
            };
            return format!("{who} is {is}{how}, because it owns the database");
        };
        let at = |way: &Way| way.at.clone().unwrap_or_else(|| owner.clone());
        match self.ways.first() {
            Some(way) if matches!(way.can, Can::SetRole | Can::AfterSetRole) => {
                format!("{who} is {is} after SET ROLE {}; {owner} owns the database", at(way))
            }
            Some(way) if way.can == Can::SelfGrant => format!(
                "{who} is {is} once it grants itself {}; {owner} owns the database",
                at(way)
            ),
            Some(_) | None => {
                format!("{who} is {is} through {}, which owns the database", list(&self.via))
            }
        }
    }

    fn admin(&self, role: &str) -> String {
        let who = &self.account;
        let useless = self.via.is_empty() && !self.grantable;
        if useless {
            return format!(
                "{who} has ADMIN on {role}, which is a superuser, so only a superuser can use it"
            );
        }
        let may = format!("{who} may grant {role} to anyone, also to itself");
        if self.via.is_empty() { may } else { format!("{may}, through {}", list(&self.via)) }
    }

    fn attribute(&self, attribute: &str) -> String {
        let who = &self.account;
        let (Some(way), Some(holder)) = (self.ways.first(), self.via.last()) else {
            return format!("{who} has {attribute}");
        };
        let at = way.at.as_deref().unwrap_or(holder);
        let before = way.via.split_last().map(|(_, before)| before).unwrap_or_default();
        match way.can {
            Can::CreateRole => {
                let of = if before.len() > 1 {
                    format!(" of {}", list(before.split_last().map_or(&[], |(_, first)| first)))
                } else {
                    String::new()
                };
                format!(
                    "{who} can grant itself {at} by CREATEROLE{of} and then SET ROLE {holder}, which has \
                     {attribute}"
                )
            }
            Can::SelfGrant => {
                format!(
                    "{who} can grant itself {at} and then SET ROLE {holder}, which has {attribute}"
                )
            }
            Can::SetRole | Can::UsesNow | Can::AfterSetRole | Can::Listed => {
                let through = if before.is_empty() {
                    String::new()
                } else {
                    format!(" through {}", list(before))
                };
                format!("{who} can SET ROLE {holder}{through}, and {holder} has {attribute}")
            }
        }
    }

    /// Who granted it, and whose REVOKE would not remove it.
    fn by_whom(&self) -> String {
        let Some(grantor) = &self.grantor else {
            let by = self.ways.first().and_then(|way| way.granted_by.as_ref());
            let (Some(first), Some(inferred), Some(by)) =
                (self.via.first(), &self.inferred_grantor, by)
            else {
                return String::new();
            };
            return format!(
                "; {first} was granted by {by}, so a REVOKE by {inferred} will not remove it"
            );
        };
        let owner = self.owner.as_ref().filter(|owner| *owner != grantor);
        match (owner, &self.inferred_grantor) {
            (Some(owner), _) => format!(
                "; granted by {grantor}, so a REVOKE by the owner {owner} does not remove it"
            ),
            (None, Some(inferred)) => format!(
                "; granted by {grantor}, so a REVOKE by {inferred} will not remove it without GRANTED BY \
                 {grantor}"
            ),
            (None, None) => format!("; granted by {grantor}"),
        }
    }

    /// The object as people call it: with its kind, the column of a table, the table of a policy.
    #[must_use]
    pub fn object_in_words(&self) -> String {
        let object = self.object.as_deref().unwrap_or("an object");
        let Some(kind) = &self.object_type else { return object.to_owned() };
        // As the server calls the row that holds the list; people call it a parameter.
        let kind = if kind == "parameter ACL" { "parameter" } else { kind };
        match (self.kind, &self.sub_object) {
            (K::Policy, Some(policy)) => format!("policy {policy} on {object}"),
            // The schema it is limited to stands in the object's words already.
            (K::DefaultPrivilege, Some(_)) | (_, None) => format!("{kind} {object}"),
            (_, Some(column)) => format!("column {column} of {kind} {object}"),
        }
    }
}

/// What one way to `role` lets the account do.
fn reached(way: &Way, role: &str) -> String {
    let through = list(&way.via);
    let at = way.at.as_deref().unwrap_or(role);
    match way.can {
        Can::UsesNow => format!("has the rights of {role} through {through}"),
        Can::SetRole => format!("can SET ROLE {role} through {through}"),
        Can::AfterSetRole if way.via == [at] => {
            format!("has the rights of {role} after SET ROLE {at}")
        }
        Can::AfterSetRole => {
            format!("has the rights of {role} after SET ROLE {at}, through {through}")
        }
        Can::SelfGrant | Can::CreateRole if at == role => {
            format!("can grant itself {role}, through {through}")
        }
        Can::SelfGrant | Can::CreateRole if way.via == [at] => {
            format!("has the rights of {role} once it grants itself {at}, which it can")
        }
        Can::SelfGrant | Can::CreateRole => format!(
            "has the rights of {role} once it grants itself {at}, which it can, through {through}"
        ),
        Can::Listed => format!(
            "counts as a member of {role} through {through}, without its rights; only {} would match it",
            hba(role)
        ),
    }
}

/// The line of `pg_hba.conf` that matches members whatever their options.
fn hba(role: &str) -> String {
    format!("a line for +{role} in pg_hba.conf")
}

fn list(roles: &[String]) -> String {
    roles.join(" and then ")
}

#[cfg(test)]
#[path = "sentence_tests.rs"]
mod tests;
