//! A notice as the description has it. It is read by `intake::submission`; a test holds both together.

use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// Longest name, and most of them in one notice.
const LONGEST: usize = 1_000;

/// One name or several.
#[derive(Serialize)]
pub(super) struct OneOrMany;

impl PartialSchema for OneOrMany {
    fn schema() -> RefOr<Schema> {
        let one = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(LONGEST))
            .build();
        let many = ArrayBuilder::new().items(one.clone()).max_items(Some(LONGEST)).build();
        RefOr::T(Schema::OneOf(OneOfBuilder::new().item(one).item(many).build()))
    }
}

impl ToSchema for OneOrMany {}

/// Says that access ends.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"username": "john.doe", "reason": "User terminated", "ticket": "HR-1042"}))]
pub(super) struct Notice {
    /// User account identifier: the subject, unless there is an `employee_id`; the role, unless `account` names one.
    #[schema(min_length = 1, max_length = 1000)]
    username: String,
    /// Stable id of the person.
    #[schema(min_length = 1, max_length = 1000)]
    employee_id: Option<String>,
    /// Role names, each as `role` or `target/role`.
    account: Option<OneOrMany>,
    /// Why; free text is mapped to a class.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
    /// `full` (default), `suspend`, `partial`, `rotation` or `transfer`.
    #[schema(value_type = Option<AcceptedKind>)]
    revocation_type: Option<String>,
    /// For a partial revocation: roles that must be gone.
    roles: Option<OneOrMany>,
    /// For a partial revocation: permissions that must be gone, as the configuration maps them to roles.
    permissions: Option<OneOrMany>,
    /// For a partial revocation: roles that must be held.
    required_roles: Option<OneOrMany>,
    /// For a partial revocation: permissions that must be held, as the configuration maps them.
    required_permissions: Option<OneOrMany>,
    /// For a transfer: stable id of who owns the account from now on.
    #[schema(min_length = 1, max_length = 1000)]
    new_owner: Option<String>,
    /// E-mail addresses of the subject, for probes that ask by them.
    email: Option<OneOrMany>,
    /// When access has to end: an instant, a local time or a date; now, if not said.
    effective_at: Option<String>,
    /// Last day of the contract; the earliest of the times given governs.
    termination_date: Option<String>,
    /// Last day at work; the earliest of the times given governs.
    last_working_day: Option<String>,
    /// Where the subject works, as an IANA name: in that zone local times and dates are meant.
    #[schema(min_length = 1, max_length = 1000)]
    time_zone: Option<String>,
    /// By when everything has to be gone: a time, or a duration after the effect such as `15m`.
    deadline: Option<String>,
    /// Keep the subject's data. Never weakens a verdict.
    #[schema(default = false)]
    #[serde(default)]
    preserve_data: bool,
    /// At once, whatever time is given; another caller approves it afterwards.
    #[schema(default = false)]
    #[serde(default)]
    emergency: bool,
    /// Ticket.
    #[schema(min_length = 1, max_length = 1000)]
    ticket: Option<String>,
    /// Which system sends this.
    #[schema(min_length = 1, max_length = 1000)]
    source: Option<String>,
    /// What that system calls the event.
    #[schema(min_length = 1, max_length = 1000)]
    event_id: Option<String>,
}

/// What this version takes and proves.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum AcceptedKind {
    /// Nothing remains.
    Full,
    /// Nothing that acts now or can log in.
    Suspend,
    /// The named roles and privileges are gone.
    Partial,
    /// The account's password was changed, the old one is dead, and no session of it is left.
    Rotation,
    /// A service account has a new owner and a new secret, and keeps its access.
    Transfer,
}

#[cfg(test)]
mod tests {
    use super::Notice;
    use crate::intake::submission::{OneOrMany, Submission};
    use std::collections::BTreeSet;
    use utoipa::PartialSchema as _;

    #[test]
    fn every_field_that_is_read_is_described() {
        let text = || Some("x".to_owned());
        let many = || Some(OneOrMany::One("x".to_owned()));
        let full = Submission {
            username: "x".to_owned(),
            employee_id: text(),
            account: many(),
            reason: "x".to_owned(),
            revocation_type: text(),
            roles: many(),
            permissions: many(),
            required_roles: many(),
            required_permissions: many(),
            new_owner: text(),
            email: many(),
            effective_at: text(),
            termination_date: text(),
            last_working_day: text(),
            time_zone: text(),
            deadline: text(),
            preserve_data: true,
            emergency: true,
            ticket: text(),
            source: text(),
            event_id: text(),
        };
        let keys = |value: &serde_json::Value| -> BTreeSet<String> {
            value.as_object().unwrap().keys().cloned().collect()
        };
        let read = keys(&serde_json::to_value(full).unwrap());
        let schema = serde_json::to_value(Notice::schema()).unwrap();
        assert_eq!(keys(&schema["properties"]), read);
        assert_eq!(schema["required"], serde_json::json!(["username", "reason"]));
        assert_eq!(schema["additionalProperties"], false);
    }
}
