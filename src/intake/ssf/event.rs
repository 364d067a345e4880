//! What events say, and what follows from them here. Pure.

use crate::domain::revocation::{Kind, Reason};
use crate::domain::words::words;
use serde_json::{Map, Value};

words! {
    /// An event that is known here; the word of the metric label `event`.
    Event {
        /// RISC: the account is disabled.
        AccountDisabled = "account_disabled",
        /// RISC: the account is deleted for good.
        AccountPurged = "account_purged",
        /// RISC: a credential is known to others.
        CredentialCompromise = "credential_compromise",
        /// RISC: an identifier belongs to somebody else now.
        IdentifierRecycled = "identifier_recycled",
        /// CAEP: a session was ended.
        SessionRevoked = "session_revoked",
        /// CAEP: a credential was made, changed, revoked or deleted.
        CredentialChange = "credential_change",
        /// SCIM: the resource is deactivated.
        Deactivated = "deactivated",
        /// SCIM: the resource is deleted.
        Deleted = "deleted",
        /// SSF: the stream is tried.
        Verification = "verification",
        /// SSF: the stream is paused, ended or goes on.
        StreamUpdated = "stream_updated",
        /// Any other.
        Other = "other",
    }
}

const RISC: &str = "https://schemas.openid.net/secevent/risc/event-type/";
const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";
const SCIM: &str = "urn:ietf:params:scim:event:prov:";

impl Event {
    /// The event of a type's URI. Drafts of RFC 9967 wrote `SCIM` in capitals.
    pub(super) fn of(uri: &str) -> Self {
        if let Some(name) = uri.strip_prefix(RISC) {
            return match name {
                "account-disabled" => Self::AccountDisabled,
                "account-purged" => Self::AccountPurged,
                "credential-compromise" => Self::CredentialCompromise,
                "identifier-recycled" => Self::IdentifierRecycled,
                // Deprecated there in favour of CAEP's.
                "sessions-revoked" => Self::SessionRevoked,
                _ => Self::Other,
            };
        }
        if let Some(name) = uri.strip_prefix(CAEP) {
            return match name {
                "session-revoked" => Self::SessionRevoked,
                "credential-change" => Self::CredentialChange,
                _ => Self::Other,
            };
        }
        if let Some(name) = uri.strip_prefix(SSF) {
            return match name {
                "verification" => Self::Verification,
                "stream-updated" => Self::StreamUpdated,
                _ => Self::Other,
            };
        }
        match uri.to_ascii_lowercase().strip_prefix(SCIM) {
            Some("deactivate") => Self::Deactivated,
            Some("delete") => Self::Deleted,
            _ => Self::Other,
        }
    }
}

/// What follows from an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A revocation of this kind is expected; with the reason, where the event gives one.
    Expect(Kind, Option<Reason>),
    /// A credential is known to others: the subject is suspended, or a shared credential rotated.
    Compromised,
    /// What is expected of the subject is looked at now.
    Recheck,
    /// The identifier is somebody else's: roles that get it are not linked by it any more.
    Recycled,
    /// Nothing.
    Nothing,
}

/// What `event` means, with its `body`.
pub(super) fn meaning(event: Event, body: &Map<String, Value>) -> Meaning {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    match event {
        Event::AccountDisabled => {
            let stolen = matches!(text("reason"), Some("hijacking" | "bulk-account"));
            Meaning::Expect(Kind::Suspend, stolen.then_some(Reason::PolicyViolation))
        }
        Event::AccountPurged | Event::Deactivated | Event::Deleted => {
            Meaning::Expect(Kind::Full, None)
        }
        Event::CredentialCompromise => Meaning::Compromised,
        Event::SessionRevoked => Meaning::Recheck,
        Event::CredentialChange => match text("change_type") {
            Some("revoke" | "delete") => Meaning::Recheck,
            _ => Meaning::Nothing,
        },
        Event::IdentifierRecycled => Meaning::Recycled,
        Event::Verification | Event::StreamUpdated | Event::Other => Meaning::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_their_uri() {
        for (uri, event) in [
            (format!("{RISC}account-disabled"), Event::AccountDisabled),
            (format!("{RISC}account-enabled"), Event::Other),
            (format!("{RISC}sessions-revoked"), Event::SessionRevoked),
            (format!("{CAEP}session-revoked"), Event::SessionRevoked),
            (format!("{CAEP}account-disabled"), Event::Other),
            (format!("{SSF}verification"), Event::Verification),
            (format!("{SCIM}deactivate"), Event::Deactivated),
            ("urn:ietf:params:SCIM:event:prov:delete".to_owned(), Event::Deleted),
            ("urn:ietf:params:scim:event:prov:delete:full".to_owned(), Event::Other),
            ("http://schemas.openid.net/event/backchannel-logout".to_owned(), Event::Other),
        ] {
            assert_eq!(Event::of(&uri), event, "{uri}");
        }
    }

    #[test]
    fn what_follows() {
        let means = |event, body: Value| meaning(event, body.as_object().unwrap());
        let none = || serde_json::json!({});
        let stolen = serde_json::json!({"reason": "hijacking"});
        assert_eq!(means(Event::AccountDisabled, none()), Meaning::Expect(Kind::Suspend, None));
        assert_eq!(
            means(Event::AccountDisabled, stolen),
            Meaning::Expect(Kind::Suspend, Some(Reason::PolicyViolation))
        );
        assert_eq!(means(Event::Deactivated, none()), Meaning::Expect(Kind::Full, None));
        for (change, meaning) in [
            ("revoke", Meaning::Recheck),
            ("delete", Meaning::Recheck),
            ("create", Meaning::Nothing),
            ("update", Meaning::Nothing),
        ] {
            let body = serde_json::json!({"change_type": change, "credential_type": "password"});
            assert_eq!(means(Event::CredentialChange, body), meaning, "{change}");
        }
        assert_eq!(means(Event::IdentifierRecycled, none()), Meaning::Recycled);
        assert_eq!(means(Event::Verification, none()), Meaning::Nothing);
    }
}
