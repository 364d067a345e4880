//! Where Cloud and Data Center differ: addresses, and the form of what is sent and read.
//!
//! Sources: Confluence Cloud REST API v2, and of v1 what has no v2 yet (labels, attachments); Confluence Data Center
//! REST API.

use super::client::{Call, File};
use crate::config::Edition;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a property of ours is called.
pub(super) const PROPERTY: &str = "revoked-record";

/// A page as it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) parent: Option<String>,
    /// Neither in the trash nor in the archive.
    pub(super) is_current: bool,
    pub(super) version: u64,
    /// What who wrote that version said of it.
    pub(super) message: String,
    /// In the storage format, if it was asked for.
    pub(super) body: Option<String>,
}

/// The space, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Space {
    pub(super) key: String,
    /// Its number; Data Center has none for this.
    pub(super) id: String,
    pub(super) is_current: bool,
}

/// What is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft<'a> {
    pub(super) title: &'a str,
    pub(super) body: &'a str,
    /// What is said of this version.
    pub(super) message: &'a str,
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    match value.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn storage(body: &str) -> Value {
    json!({"representation": "storage", "value": body})
}

impl Edition {
    fn is_cloud(self) -> bool {
        match self {
            Self::Cloud => true,
            Self::DataCenter => false,
        }
    }

    /// The space.
    pub(super) fn space(self, key: &str) -> Call {
        if self.is_cloud() {
            Call::get("/api/v2/spaces".to_owned(), vec![("keys", key.to_owned())])
        } else {
            Call::get(format!("/rest/api/space/{key}"), Vec::new())
        }
    }

    pub(super) fn read_space(self, key: &str, body: &Value) -> Option<Space> {
        let (id, status) = if self.is_cloud() {
            (text(body, "/results/0/id")?, text(body, "/results/0/status"))
        } else {
            (text(body, "/key")?, text(body, "/status"))
        };
        let is_current = status.is_none_or(|status| status.eq_ignore_ascii_case("current"));
        Some(Space { key: key.to_owned(), id, is_current })
    }

    /// Whatever has this title, in the trash and in the archive too: nothing else can have it then.
    pub(super) fn find(self, space: &Space, title: &str) -> Call {
        if self.is_cloud() {
            let query = vec![
                ("space-id", space.id.clone()),
                ("title", title.to_owned()),
                ("status", "current,archived,trashed".to_owned()),
            ];
            return Call::get("/api/v2/pages".to_owned(), query);
        }
        let query = vec![
            ("spaceKey", space.key.clone()),
            ("title", title.to_owned()),
            ("type", "page".to_owned()),
            ("status", "any".to_owned()),
            ("expand", "version,ancestors".to_owned()),
        ];
        Call::get("/rest/api/content".to_owned(), query)
    }

    pub(super) fn read_found(self, title: &str, body: &Value) -> Option<Remote> {
        let found = body.get("results")?.as_array()?.iter().filter_map(|one| self.read_page(one));
        // A search may take a title for another.
        found.into_iter().find(|page| page.title == title)
    }

    /// A page with its body, wherever it lies.
    pub(super) fn page(self, id: &str) -> Call {
        if self.is_cloud() {
            let query = vec![("body-format", "storage".to_owned())];
            return Call::get(format!("/api/v2/pages/{id}"), query);
        }
        let query = vec![
            ("status", "any".to_owned()),
            ("expand", "version,ancestors,body.storage".to_owned()),
        ];
        Call::get(format!("/rest/api/content/{id}"), query)
    }

    pub(super) fn read_page(self, body: &Value) -> Option<Remote> {
        let parent = if self.is_cloud() {
            text(body, "/parentId")
        } else {
            let above = body.get("ancestors").and_then(Value::as_array).and_then(|all| all.last());
            above.and_then(|page| text(page, "/id"))
        };
        Some(Remote {
            id: text(body, "/id")?,
            title: text(body, "/title")?,
            parent,
            is_current: text(body, "/status")? == "current",
            version: body.pointer("/version/number")?.as_u64()?,
            message: text(body, "/version/message").unwrap_or_default(),
            body: text(body, "/body/storage/value"),
        })
    }

    pub(super) fn create(self, space: &Space, parent: Option<&str>, draft: &Draft<'_>) -> Call {
        if self.is_cloud() {
            let mut body = json!({
                "spaceId": space.id, "status": "current", "title": draft.title,
                "body": storage(draft.body),
            });
            if let (Some(parent), Value::Object(body)) = (parent, &mut body) {
                body.insert("parentId".to_owned(), json!(parent));
            }
            return Call::json(Method::POST, "/api/v2/pages".to_owned(), body);
        }
        let above: Vec<Value> = parent.iter().map(|id| json!({"id": id})).collect();
        let body = json!({
            "type": "page", "title": draft.title, "space": {"key": space.key}, "ancestors": above,
            "body": {"storage": storage(draft.body)},
        });
        Call::json(Method::POST, "/rest/api/content".to_owned(), body)
    }

    pub(super) fn update(self, page: &Remote, draft: &Draft<'_>) -> Call {
        let version = json!({"number": page.version + 1, "message": draft.message});
        if self.is_cloud() {
            let body = json!({
                "id": page.id, "status": "current", "title": draft.title,
                "body": storage(draft.body), "version": version,
            });
            return Call::json(Method::PUT, format!("/api/v2/pages/{}", page.id), body);
        }
        let body = json!({
            "type": "page", "title": draft.title, "body": {"storage": storage(draft.body)},
            "version": version,
        });
        Call::json(Method::PUT, format!("/rest/api/content/{}", page.id), body)
    }

    /// The property of ours.
    pub(super) fn property(self, page: &str) -> Call {
        if self.is_cloud() {
            let query = vec![("key", PROPERTY.to_owned())];
            return Call::get(format!("/api/v2/pages/{page}/properties"), query);
        }
        Call::get(format!("/rest/api/content/{page}/property/{PROPERTY}"), Vec::new())
    }

    pub(super) fn read_property(self, body: &Value) -> Option<Value> {
        let one = if self.is_cloud() { body.pointer("/results/0")? } else { body };
        (one.get("key")?.as_str()? == PROPERTY).then(|| one.get("value").cloned()).flatten()
    }

    pub(super) fn set_property(self, page: &str, value: &Value) -> Call {
        let body = json!({"key": PROPERTY, "value": value});
        let path = if self.is_cloud() {
            format!("/api/v2/pages/{page}/properties")
        } else {
            format!("/rest/api/content/{page}/property")
        };
        Call::json(Method::POST, path, body)
    }

    /// Attaches a file, or replaces the one of its name, whose id is `there`.
    pub(super) fn attach(self, page: &str, file: File, there: Option<&str>) -> Call {
        let path = format!("/rest/api/content/{page}/child/attachment");
        // Cloud has this in version 1 alone, and does both by PUT. Data Center refuses to create a name that is there.
        match (self.is_cloud(), there) {
            (true, _) => Call::file(Method::PUT, path, file),
            (false, None) => Call::file(Method::POST, path, file),
            (false, Some(id)) => Call::file(Method::POST, format!("{path}/{id}/data"), file),
        }
    }

    /// What is attached: 250 at a time, and from `place` on, which the answer before named.
    pub(super) fn attached(self, page: &str, place: Option<String>) -> Call {
        let mut query = vec![("limit", "250".to_owned())];
        query.extend(place.map(|place| (if self.is_cloud() { "cursor" } else { "start" }, place)));
        if self.is_cloud() {
            return Call::get(format!("/api/v2/pages/{page}/attachments"), query);
        }
        Call::get(format!("/rest/api/content/{page}/child/attachment"), query)
    }

    /// Where the list of what is attached goes on, of which `read` came so far; `None`: it has ended. Of the address that is
    /// named no more than that is taken: the credential goes to the configured one.
    pub(super) fn further(self, body: &Value, read: usize) -> Option<String> {
        let next = body.pointer("/_links/next")?.as_str()?;
        if !self.is_cloud() {
            return Some(read.to_string());
        }
        let next = Url::parse("https://confluence.invalid/").ok()?.join(next).ok()?;
        next.query_pairs().find(|(key, _)| key == "cursor").map(|(_, cursor)| cursor.into_owned())
    }
}

/// Who the account of the token is. Cloud has this in version 1 alone.
pub(super) fn me() -> Call {
    Call::get("/rest/api/user/current".to_owned(), Vec::new())
}

/// Lets nobody but one account edit a page, and whoever was named for that before; who may read it is left as it is. Naming all
/// restrictions at once would replace those of reading too. Cloud has this in version 1 alone.
pub(super) fn restrict(page: &str, account: &str) -> Call {
    let path = format!("/rest/api/content/{page}/restriction/byOperation/update/user");
    Call::put(path, vec![("accountId", account.to_owned())])
}

/// Names and ids of what is attached.
pub(super) fn read_attached(body: &Value) -> Option<BTreeMap<String, String>> {
    let all = body.get("results")?.as_array()?;
    Some(all.iter().filter_map(|one| Some((text(one, "/title")?, text(one, "/id")?))).collect())
}

pub(super) fn label(page: &str, labels: &[&str]) -> Call {
    let labels = labels.iter().map(|name| json!({"prefix": "global", "name": name})).collect();
    let path = format!("/rest/api/content/{page}/label");
    Call::json(Method::POST, path, Value::Array(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_goes_on_where_the_answer_says_and_nowhere_else() {
        let next = |address: &str| json!({"results": [], "_links": {"next": address}});
        for (address, cursor) in [
            (
                "/wiki/api/v2/pages/7/attachments?limit=250&cursor=eyJpZCI6MX0%3D",
                Some("eyJpZCI6MX0="),
            ),
            ("https://evil.example/steal?cursor=x", Some("x")),
            ("/wiki/api/v2/pages/7/attachments?limit=250", None),
        ] {
            assert_eq!(Edition::Cloud.further(&next(address), 250).as_deref(), cursor, "{address}");
        }
        let more = next("/rest/api/content/7/child/attachment?limit=250&start=250");
        assert_eq!(Edition::DataCenter.further(&more, 250).as_deref(), Some("250"));
        for edition in [Edition::Cloud, Edition::DataCenter] {
            assert_eq!(edition.further(&json!({"results": [], "_links": {}}), 3), None);
        }
        let call = Edition::Cloud.attached("7", Some("eyJpZCI6MX0=".to_owned()));
        assert_eq!(call.query[1], ("cursor", "eyJpZCI6MX0=".to_owned()));
        assert_eq!(Edition::DataCenter.attached("7", Some("250".to_owned())).query[1].0, "start");
    }
}
