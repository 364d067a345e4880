//! Whom a token is about (RFC 9493, and the complex subjects of SSF 1.0 section 3). Pure.

use super::{Fault, Refusal, refuse};
use crate::config::{SsfIssuer, SubjectForm};
use serde_json::{Map, Value};

/// Most names of one subject.
const NAMES: usize = 8;

/// A subject as it goes into a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// Its stable id.
    pub(super) id: String,
    /// What people would call it, where that is another.
    pub(super) username: Option<String>,
    /// Its e-mail address, where the token has one.
    pub(super) email: Option<String>,
}

/// Identifiers, in the order in which the token has them.
type Found = Vec<(SubjectForm, String)>;

/// The names of the subject `sub_id`, by what is configured for `issuer`. Several mean one subject that has several:
/// each is a name of its own, since which of them roles are called by is not ours to guess.
///
/// # Errors
/// When it names no user, or one of whom this issuer may not speak.
pub(super) fn names(sub_id: &Value, issuer: &SsfIssuer) -> Result<Vec<Name>, Refusal> {
    let mut found = Found::new();
    let mut foreign = None;
    collect(sub_id, issuer, &mut found, &mut foreign, true);
    let of = |form: SubjectForm| {
        let mut values: Vec<&String> = Vec::new();
        for (_, value) in found.iter().filter(|(known, _)| *known == form) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
        values
    };
    // What is configured; else the most stable of what there is, as it stands.
    let forms = [
        issuer.subject,
        SubjectForm::Sub,
        SubjectForm::ScimExternalId,
        SubjectForm::Email,
        SubjectForm::Account,
        SubjectForm::Opaque,
        SubjectForm::Scim,
    ];
    let ids = forms.into_iter().map(of).find(|ids| !ids.is_empty());
    let Some(ids) = ids else {
        return Err(match foreign {
            Some(issuer) => refuse(
                Fault::AccessDenied,
                format!(
                    "its subject is one of the issuer {issuer}, of whom this one may not speak"
                ),
            ),
            None => refuse(
                Fault::InvalidRequest,
                "sub_id names no user by email, iss_sub, opaque, account or scim",
            ),
        });
    };
    if ids.len() > NAMES {
        return Err(refuse(Fault::InvalidRequest, format!("sub_id has more than {NAMES} names")));
    }
    let called = [SubjectForm::Email, SubjectForm::Account].into_iter().map(of);
    let username = called.into_iter().find_map(|values| match values.as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    });
    let email = match of(SubjectForm::Email).as_slice() {
        [only] => Some((*only).clone()),
        _ => None,
    };
    Ok(ids
        .into_iter()
        .map(|id| Name {
            id: id.clone(),
            username: username.clone().filter(|username| username != id),
            email: email.clone(),
        })
        .collect())
}

/// Adds the identifiers of `value`. `whole`: it may consist of others, which those may not.
fn collect(
    value: &Value,
    issuer: &SsfIssuer,
    found: &mut Found,
    foreign: &mut Option<String>,
    whole: bool,
) {
    let Some(subject) = value.as_object() else { return };
    match format_of(subject).as_deref() {
        Some("complex") if whole => {
            if let Some(user) = subject.get("user") {
                collect(user, issuer, found, foreign, true);
            }
        }
        Some("aliases") if whole => {
            let several = subject.get("identifiers").and_then(Value::as_array);
            for one in several.into_iter().flatten() {
                collect(one, issuer, found, foreign, false);
            }
        }
        Some("iss_sub") => {
            let of = text(subject, "iss").unwrap_or_default();
            if issuer.subject_issuers.contains(&of) {
                found.extend(text(subject, "sub").map(|sub| (SubjectForm::Sub, sub)));
            } else {
                *foreign = Some(of);
            }
        }
        Some("email") => found.extend(text(subject, "email").map(|to| (SubjectForm::Email, to))),
        Some("opaque") => found.extend(text(subject, "id").map(|id| (SubjectForm::Opaque, id))),
        Some("account") => {
            let uri =
                text(subject, "uri").and_then(|uri| Some(uri.strip_prefix("acct:")?.to_owned()));
            found.extend(uri.map(|uri| (SubjectForm::Account, uri)));
        }
        Some("scim") => {
            let external = text(subject, "externalId");
            found.extend(external.map(|id| (SubjectForm::ScimExternalId, id)));
            let uri = text(subject, "uri");
            let last = uri.and_then(|uri| Some(uri.rsplit('/').next()?.to_owned()));
            found.extend(last.filter(|id| !id.is_empty()).map(|id| (SubjectForm::Scim, id)));
        }
        _ => {}
    }
}

/// Its format. Google's transmitter, older than the standard, says `subject_type` and `iss-sub`.
fn format_of(subject: &Map<String, Value>) -> Option<String> {
    text(subject, "format").or_else(|| Some(text(subject, "subject_type")?.replace('-', "_")))
}

fn text(subject: &Map<String, Value>, key: &str) -> Option<String> {
    let text = subject.get(key)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::sample::issuer;
    use super::*;
    use serde_json::json;

    fn read(subject: SubjectForm, sub_id: &Value) -> Result<Vec<String>, Refusal> {
        let issuer = SsfIssuer { subject, ..issuer() };
        let names = names(sub_id, &issuer)?;
        Ok(names
            .into_iter()
            .map(|name| match name.username {
                Some(username) => format!("{}={username}", name.id),
                None => name.id,
            })
            .collect())
    }

    #[test]
    fn each_format_names_somebody() {
        let own = json!({"format": "iss_sub", "iss": "https://idp.example.com/", "sub": "7375626A656374"});
        let scim = json!({"format": "scim", "uri": "/Users/2b2f880af6674ac284bae9381673d462",
            "externalId": "EMP-7"});
        for (form, sub_id, name) in [
            (SubjectForm::Sub, own.clone(), "7375626A656374"),
            (
                SubjectForm::Email,
                json!({"format": "email", "email": "foo@example.com"}),
                "foo@example.com",
            ),
            (SubjectForm::Opaque, json!({"format": "opaque", "id": "11112222"}), "11112222"),
            (
                SubjectForm::Account,
                json!({"format": "account", "uri": "acct:a@example.com"}),
                "a@example.com",
            ),
            (SubjectForm::Scim, scim.clone(), "2b2f880af6674ac284bae9381673d462"),
            (SubjectForm::ScimExternalId, scim, "EMP-7"),
            (
                SubjectForm::Sub,
                json!({"format": "complex", "user": own, "device": {"format": "opaque",
                "id": "d"}, "tenant": {"format": "opaque", "id": "t"}}),
                "7375626A656374",
            ),
            (
                SubjectForm::Sub,
                json!({"subject_type": "iss-sub", "iss": "https://idp.example.com/",
                "sub": "g"}),
                "g",
            ),
        ] {
            assert_eq!(read(form, &sub_id).unwrap(), [name], "{sub_id}");
        }
    }

    #[test]
    fn aliases_give_the_configured_id_and_a_name() {
        let aliases = json!({"format": "aliases", "identifiers": [
            {"format": "email", "email": "user@example.com"},
            {"format": "iss_sub", "iss": "https://idp.example.com/", "sub": "EMP-1"},
            {"format": "phone_number", "phone_number": "+12065550100"}]});
        assert_eq!(read(SubjectForm::Sub, &aliases).unwrap(), ["EMP-1=user@example.com"]);
        assert_eq!(read(SubjectForm::Email, &aliases).unwrap(), ["user@example.com"]);
        assert_eq!(
            read(SubjectForm::Opaque, &aliases).unwrap(),
            ["EMP-1=user@example.com"],
            "the most stable"
        );
        let two = json!({"format": "aliases", "identifiers": [
            {"format": "email", "email": "a@example.com"}, {"format": "email", "email": "b@example.com"},
            {"format": "email", "email": "a@example.com"}]});
        assert_eq!(read(SubjectForm::Email, &two).unwrap(), ["a@example.com", "b@example.com"]);
    }

    #[test]
    fn an_address_is_one_also_where_it_is_the_id() {
        let address = json!({"format": "email", "email": "foo@example.com"});
        let both =
            json!({"format": "aliases", "identifiers": [address, {"format": "opaque", "id": "7"}]});
        for (form, sub_id, email) in [
            (SubjectForm::Email, &address, Some("foo@example.com")),
            (SubjectForm::Opaque, &both, Some("foo@example.com")),
            (SubjectForm::Opaque, &json!({"format": "opaque", "id": "7"}), None),
        ] {
            let issuer = SsfIssuer { subject: form, ..issuer() };
            assert_eq!(names(sub_id, &issuer).unwrap()[0].email.as_deref(), email, "{sub_id}");
        }
    }

    #[test]
    fn whom_it_does_not_name_is_not_guessed() {
        let nested = json!({"format": "aliases", "identifiers": [{"format": "aliases", "identifiers": [
            {"format": "email", "email": "a@example.com"}]}]});
        for sub_id in [
            json!(null),
            json!("a@example.com"),
            json!({"format": "phone_number", "phone_number": "+1"}),
            json!({"format": "complex", "device": {"format": "opaque", "id": "d"}}),
            json!({"format": "email", "email": " "}),
            json!({"format": "account", "uri": "https://example.com/a"}),
            nested,
        ] {
            let refusal = read(SubjectForm::Sub, &sub_id).unwrap_err();
            assert_eq!(refusal.err, Fault::InvalidRequest, "{sub_id}");
        }
        let other = json!({"format": "iss_sub", "iss": "https://other.example/", "sub": "1"});
        assert_eq!(read(SubjectForm::Sub, &other).unwrap_err().err, Fault::AccessDenied);
        let many: Vec<_> =
            (0..9).map(|n| json!({"format": "email", "email": format!("{n}@e")})).collect();
        let many = json!({"format": "aliases", "identifiers": many});
        assert!(read(SubjectForm::Email, &many).unwrap_err().description.contains("more than 8"));
    }
}
