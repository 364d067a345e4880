//! Whether something listed gives what an oracle says that a role has.

use crate::graphs::answer::Answer;
use crate::graphs::claim::{Claim, Derived};
use crate::graphs::truth::{Act, Held, Truth};
use std::collections::BTreeSet;

/// What has to be explained.
pub(super) struct Asked<'a> {
    role: i64,
    database: &'a str,
    class: &'a str,
    object: &'a str,
    /// Column; `None` where any column does.
    sub: Option<&'a str>,
    privilege: &'a str,
    option: bool,
}

impl<'a> Asked<'a> {
    pub(super) fn of(held: &'a Held) -> Self {
        let Held { role, database, class, object, sub, privilege, option } = held;
        Self { role: *role, database, class, object, sub: Some(sub), privilege, option: *option }
    }

    pub(super) fn of_act(act: &'a Act) -> Self {
        let Act { role, database, class, object, privilege, .. } = act;
        Self { role: *role, database, class, object, sub: None, privilege, option: false }
    }

    fn given_by(&self, claim: &Claim) -> bool {
        if !claim.same_object(self.class, self.database, self.object) {
            return false;
        }
        let privilege = claim.privilege == self.privilege
            // nextval takes either.
            || (self.sub.is_none() && self.privilege == "USAGE" && claim.privilege == "UPDATE")
            // Writing a large object takes reading it too: one of them may be the role's, the other PUBLIC's.
            || (self.sub.is_none()
                && (self.class, self.privilege) == ("pg_largeobject", "UPDATE")
                && claim.privilege == "SELECT");
        let column = claim.sub.is_empty() || self.sub.is_none_or(|sub| sub == claim.sub);
        claim.kind == "ownership"
            || (claim.kind == "privilege"
                && privilege
                && column
                && (claim.grantable || !self.option))
    }
}

/// By what it has at once: it was asked, and tried, without SET ROLE.
pub(super) fn explained(truth: &Truth, answer: &Answer, asked: &Asked<'_>) -> bool {
    let mut holders: BTreeSet<i64> =
        answer.uses(asked.role).filter_map(|name| truth.oid(name)).collect();
    holders.insert(asked.role);
    holders.iter().any(|holder| answer.claims_of(*holder).any(|claim| asked.given_by(claim)))
        || answer.uses(asked.role).any(|name| given_by_the_server(name, asked))
        || owner_of_the_database(truth, answer, asked)
}

/// What a predefined role gives, without any access list.
fn given_by_the_server(held: &str, asked: &Asked<'_>) -> bool {
    let objects = matches!(asked.class, "pg_class" | "pg_largeobject");
    let schema = asked.class == "pg_namespace" && asked.privilege == "USAGE";
    if asked.option {
        return held == "postgres";
    }
    match held {
        "postgres" => true,
        "pg_read_all_data" => (objects && asked.privilege == "SELECT") || schema,
        "pg_write_all_data" => {
            // nextval takes UPDATE as well as USAGE.
            let sequence = asked.sub.is_none() && asked.privilege == "USAGE";
            let written = matches!(asked.privilege, "INSERT" | "UPDATE" | "DELETE") || sequence;
            (objects && written) || schema
        }
        "pg_maintain" => asked.privilege == "MAINTAIN",
        // initdb lets these run some functions and read some settings.
        _ => held.starts_with("pg_") && asked.object.starts_with("pg_catalog."),
    }
}

/// The owner of a database is a member of `pg_database_owner` in it, which owns schema public since 15.
fn owner_of_the_database(truth: &Truth, answer: &Answer, asked: &Asked<'_>) -> bool {
    truth.major >= 15
        && (asked.class, asked.object) == ("pg_namespace", "public")
        && answer.owner_of(asked.role, asked.database).is_some_and(Derived::now)
}
