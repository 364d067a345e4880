//! Events as the description has them. They are read by `intake::event` and `intake::vendor`; tests hold both together.

use serde::Serialize;
use utoipa::ToSchema;

/// The person that an event is about. Other members are not read.
#[derive(Serialize, ToSchema)]
pub(super) struct HrUser {
    /// User name: the role that is searched for.
    #[schema(min_length = 1, max_length = 1000)]
    username: Option<String>,
    /// Stable id of the person; one of the two is needed.
    #[schema(min_length = 1, max_length = 1000)]
    employee_id: Option<String>,
    /// E-mail address. It stays in the store.
    #[schema(min_length = 1, max_length = 1000)]
    email: Option<String>,
    /// Last day of the contract.
    #[schema(min_length = 1, max_length = 1000)]
    termination_date: Option<String>,
    /// Why, in words. It stays in the store.
    #[schema(min_length = 1, max_length = 1000)]
    termination_reason: Option<String>,
    /// Where the person works, as an IANA name.
    #[schema(min_length = 1, max_length = 1000)]
    time_zone: Option<String>,
    /// Database roles, each as `role` or `target/role`; without it, those that the configuration and `username` give.
    #[schema(max_items = 1000)]
    accounts: Option<Vec<String>>,
}

/// What belongs to it. Other members are not read.
#[derive(Serialize, ToSchema)]
pub(super) struct HrMetadata {
    /// Last day at work. The earlier of this and `termination_date` governs.
    #[schema(min_length = 1, max_length = 1000)]
    last_working_day: Option<String>,
}

/// For a change of role: what must be gone.
#[derive(Serialize, ToSchema)]
pub(super) struct HrRevoke {
    /// Roles.
    #[schema(max_items = 1000)]
    roles: Option<Vec<String>>,
    /// Permissions, as the configuration maps them to roles.
    #[schema(max_items = 1000)]
    permissions: Option<Vec<String>>,
}

/// For a change of role: what must stay.
#[derive(Serialize, ToSchema)]
pub(super) struct HrKeep {
    /// Roles.
    #[schema(max_items = 1000)]
    roles: Option<Vec<String>>,
    /// Permissions, as the configuration maps them to roles and probes.
    #[schema(max_items = 1000)]
    permissions: Option<Vec<String>>,
}

/// An event about a person. Other members are not read.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "event_type": "user_terminated", "event_id": "evt_123456", "timestamp": "2026-02-03T14:30:00Z",
    "user": {"username": "john.doe", "employee_id": "EMP-12345", "termination_date": "2026-02-03"}
}))]
pub(super) struct HrEvent {
    /// What happened, such as `user_terminated`; docs/intake.md has the list.
    #[schema(min_length = 1, max_length = 1000)]
    event_type: String,
    /// The sender's id of the event.
    #[schema(min_length = 1, max_length = 255)]
    event_id: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    timestamp: Option<String>,
    /// Whom it is about.
    user: Option<HrUser>,
    /// What belongs to it.
    metadata: Option<HrMetadata>,
    /// For a change of role.
    revoke: Option<HrRevoke>,
    /// For a change of role.
    keep: Option<HrKeep>,
    /// When access has to end, where the dates do not say it.
    #[schema(min_length = 1, max_length = 1000)]
    effective_at: Option<String>,
    /// By when everything has to be gone: a time, or a duration after the effect.
    #[schema(min_length = 1, max_length = 1000)]
    deadline: Option<String>,
    /// Ticket.
    #[schema(min_length = 1, max_length = 1000)]
    ticket: Option<String>,
    /// For an exception: until when access is kept.
    #[schema(min_length = 1, max_length = 1000)]
    until: Option<String>,
    /// For an exception: for how long, such as 4h or 7d.
    #[schema(min_length = 1, max_length = 1000)]
    duration: Option<String>,
    /// For an exception: why, in words. It stays in the store.
    #[schema(min_length = 1, max_length = 1000)]
    reason: Option<String>,
}

/// The end of a vendor's engagement. Other members are not read.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({
    "event_id": "vnd_17", "vendor_id": "ACME", "effective_at": "2026-02-28", "accounts": ["svc_acme"]
}))]
pub(super) struct VendorEvent {
    /// The sender's id of the event.
    #[schema(min_length = 1, max_length = 255)]
    event_id: Option<String>,
    /// The vendor, as the configuration calls it.
    #[schema(min_length = 1, max_length = 1000)]
    vendor_id: String,
    /// When it was made.
    #[schema(format = DateTime)]
    timestamp: Option<String>,
    /// When access has to end; now, if not said.
    #[schema(min_length = 1, max_length = 1000)]
    effective_at: Option<String>,
    /// The same under another name.
    #[schema(min_length = 1, max_length = 1000)]
    effective_date: Option<String>,
    /// Database roles of the vendor, beside those that the configuration has.
    #[schema(max_items = 1000)]
    accounts: Option<Vec<String>>,
    /// By when everything has to be gone.
    #[schema(min_length = 1, max_length = 1000)]
    deadline: Option<String>,
    /// Where dates are meant, as an IANA name.
    #[schema(min_length = 1, max_length = 1000)]
    time_zone: Option<String>,
    /// Ticket.
    #[schema(min_length = 1, max_length = 1000)]
    ticket: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::{HrEvent, VendorEvent};
    use crate::config::Field;
    use serde_json::{Value, json};
    use utoipa::{OpenApi as _, PartialSchema as _};

    #[derive(utoipa::OpenApi)]
    #[openapi(components(schemas(
        HrEvent,
        super::HrUser,
        super::HrMetadata,
        super::HrRevoke,
        super::HrKeep
    )))]
    struct Described;

    /// Whether the described form has a member at `pointer`.
    fn described(schemas: &Value, pointer: &str) -> bool {
        let mut place = schemas["HrEvent"].clone();
        for part in pointer.split('/').skip(1) {
            let member = place["properties"][part].clone();
            let text = member.to_string();
            let named =
                text.split("#/components/schemas/").nth(1).and_then(|rest| rest.split('"').next());
            place = named.map_or(member, |name| schemas[name].clone());
        }
        !place.is_null()
    }

    #[test]
    fn every_field_of_the_form_is_described() {
        let all = serde_json::to_value(Described::openapi()).unwrap();
        let schemas = &all["components"]["schemas"];
        for field in Field::ALL {
            // A vendor has a form of its own.
            let elsewhere = *field == Field::VendorId;
            assert_eq!(described(schemas, field.pointer()), !elsewhere, "{field:?}");
        }
        let vendor = serde_json::to_value(VendorEvent::schema()).unwrap();
        assert_eq!(vendor["required"], json!(["vendor_id"]));
    }
}
