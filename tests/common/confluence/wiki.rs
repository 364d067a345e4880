//! What it keeps, and what it answers.

use super::server::{Asked, refused};
use super::{ACCOUNT, Act, PARENT, Page, SPACE, SPACE_ID, State, contract};
use crate::common::standin::Reply;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// As servers do when they keep a body: ids are added, and markup is replaced by what they prefer.
fn rewritten(body: &str, id: u64) -> String {
    let macros = format!("<ac:structured-macro ac:schema-version=\"1\" ac:macro-id=\"m-{id}\"");
    body.replace("<ac:structured-macro", &macros).replace("&quot;", "\"")
}

impl State {
    fn not_found(&self) -> Reply {
        refused(self.own, 404, "Not found")
    }

    pub(super) fn act(&mut self, id: &str, act: &Act) {
        let page = self.pages.get_mut(id).unwrap_or_else(|| panic!("no page {id}"));
        match act {
            Act::Edit => {
                page.body.push_str("<p>somebody says otherwise</p>");
                page.version += 1;
                page.message.clear();
            }
            Act::Touch => {
                page.body = page.body.replace("m-", "n-");
                page.version += 1;
                page.message.clear();
            }
            Act::Revert => {
                page.version += 2;
                page.message.clear();
            }
            Act::Trash => page.status = "trashed",
            Act::Archive => page.status = "archived",
            Act::Rename => {
                page.title.push_str(", by hand");
                page.version += 1;
            }
            Act::Detach => drop(page.files.pop_first()),
            Act::Strip => page.properties.clear(),
            Act::Hide => page.readers.extend(["712020:auditor", ACCOUNT].map(str::to_owned)),
            Act::Crowd => page.files.extend(
                (0..300).map(|n| (format!("a-{n:03}.txt"), (format!("crowd{n}"), vec![b'x']))),
            ),
        }
    }

    pub(super) fn foreign(&mut self, title: &str, status: &'static str) -> String {
        let id = self.insert(title, None, "<p>somebody's</p>");
        let page = self.pages.get_mut(&id).unwrap();
        page.status = status;
        page.sent.clear();
        page.hidden = 0;
        id
    }

    fn insert(&mut self, title: &str, parent: Option<String>, body: &str) -> String {
        self.next += 1;
        let id = self.next.to_string();
        let page = Page {
            id: id.clone(),
            title: title.to_owned(),
            parent,
            status: "current",
            body: rewritten(body, self.next),
            sent: body.to_owned(),
            version: 1,
            message: String::new(),
            properties: BTreeMap::new(),
            files: BTreeMap::new(),
            labels: BTreeSet::new(),
            editors: BTreeSet::new(),
            readers: BTreeSet::new(),
            hidden: self.slow,
        };
        self.pages.insert(id.clone(), page);
        id
    }

    fn shown(&self, page: &Page, with_body: bool) -> Value {
        let version = json!({"number": page.version, "message": page.message, "authorId": "a1"});
        let mut shown = json!({
            "id": page.id, "status": page.status, "title": page.title, "version": version,
        });
        if self.own {
            let above: Vec<Value> = page.parent.iter().map(|id| json!({"id": id})).collect();
            shown["ancestors"] = json!(above);
            shown["type"] = "page".into();
        } else {
            shown["parentId"] = json!(page.parent);
            shown["spaceId"] = SPACE_ID.into();
        }
        if with_body {
            shown["body"] = json!({"storage": {"value": page.body, "representation": "storage"}});
        }
        shown
    }

    /// A page that a read shows.
    fn visible(&mut self, id: &str) -> Option<Page> {
        let page = self.pages.get_mut(id).filter(|_| !self.space_hidden)?;
        if page.hidden > 0 {
            page.hidden -= 1;
            return None;
        }
        Some(page.clone())
    }

    pub(super) fn done(&mut self, asked: &Asked) -> Reply {
        match asked.kind {
            "space" => self.space(asked),
            "find" => self.find(asked),
            "page" => {
                let wanted = if self.own { "expand" } else { "body-format" };
                if !asked.query.contains_key(wanted) {
                    return self.violated("a page without its body".to_owned());
                }
                match self.visible(&asked.page) {
                    Some(page) => Reply::Json(200, self.shown(&page, true)),
                    None => self.not_found(),
                }
            }
            "create" => self.create(asked),
            "update" => self.update(asked),
            "property" => self.property(asked),
            "set_property" => self.set_property(asked),
            "attached" => self.attached(asked),
            "attach" => self.attach(asked),
            "label" => self.label(asked),
            "me" => Reply::Json(200, json!({"type": "known", "accountId": ACCOUNT})),
            "restrict" => self.restrict(asked),
            other => self.violated(format!("no such kind: {other}")),
        }
    }

    fn space(&mut self, asked: &Asked) -> Reply {
        let status = self.space_status.unwrap_or("current");
        if self.own {
            if self.space_hidden {
                return self.not_found();
            }
            return Reply::Json(
                200,
                json!({"key": SPACE, "id": 9911, "status": status.to_uppercase()}),
            );
        }
        if asked.query.get("keys").map(String::as_str) != Some(SPACE) || self.space_hidden {
            return Reply::Json(200, json!({"results": []}));
        }
        Reply::Json(200, json!({"results": [{"id": SPACE_ID, "key": SPACE, "status": status}]}))
    }

    fn find(&mut self, asked: &Asked) -> Reply {
        let of = |key: &str| asked.query.get(key).cloned().unwrap_or_default();
        let everywhere = if self.own {
            of("spaceKey") == SPACE && of("type") == "page" && of("status") == "any"
        } else {
            of("space-id") == SPACE_ID && of("status") == "current,archived,trashed"
        };
        if !everywhere || of("title").is_empty() {
            return self.violated(format!("looking for a page by {:?}", asked.query));
        }
        let found: Vec<String> = self
            .pages
            .values()
            .filter(|page| page.title == of("title"))
            .map(|page| page.id.clone())
            .collect();
        let pages: Vec<Page> = found.iter().filter_map(|id| self.visible(id)).collect();
        let pages: Vec<Value> = pages.iter().map(|page| self.shown(page, false)).collect();
        Reply::Json(200, json!({"results": pages}))
    }

    fn create(&mut self, asked: &Asked) -> Reply {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let made = match contract::create(self.own, &body) {
            Ok(made) => made,
            Err(what) => return self.violated(format!("create: {what}: {body:#}")),
        };
        if self.space_hidden || self.space_status.is_some() {
            return self.not_found();
        }
        // Pages in the trash and in the archive keep their titles.
        if self.pages.values().any(|page| page.title == made.title) {
            let title = "A page with this title already exists: A page already exists with the same TITLE in this space";
            return refused(self.own, 400, title);
        }
        if made.parent.as_ref().is_some_and(|id| id != PARENT) {
            return self.not_found();
        }
        let id = self.insert(&made.title, made.parent, &made.body);
        let page = self.pages[&id].clone();
        Reply::Json(200, self.shown(&page, true))
    }

    fn update(&mut self, asked: &Asked) -> Reply {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let made = match contract::update(self.own, &asked.page, &body) {
            Ok(made) => made,
            Err(what) => return self.violated(format!("update: {what}: {body:#}")),
        };
        let number = self.next + 1;
        let own = self.own;
        let Some(page) = self.pages.get_mut(&asked.page).filter(|page| page.status == "current")
        else {
            return self.not_found();
        };
        if made.version != page.version + 1 {
            return refused(own, 409, "Version must be incremented on update");
        }
        self.next = number;
        page.version = made.version;
        page.message = made.message;
        page.title = made.title;
        page.body = rewritten(&made.body, number);
        page.sent = made.body;
        let page = page.clone();
        Reply::Json(200, self.shown(&page, true))
    }

    fn property(&mut self, asked: &Asked) -> Reply {
        let Some(page) = self.visible(&asked.page) else { return self.not_found() };
        let found = page.properties.get("revoked-record");
        let one = |value: &Value| json!({"id": "77", "key": "revoked-record", "value": value, "version": {"number": 1}});
        match (self.own, found) {
            (true, Some(value)) => Reply::Json(200, one(value)),
            (true, None) => self.not_found(),
            (false, found) => {
                let all: Vec<Value> = found.iter().map(|value| one(value)).collect();
                Reply::Json(200, json!({"results": all}))
            }
        }
    }

    fn set_property(&mut self, asked: &Asked) -> Reply {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let value = match contract::property(&body) {
            Ok(value) => value,
            Err(what) => return self.violated(format!("property: {what}: {body:#}")),
        };
        let own = self.own;
        let Some(page) = self.pages.get_mut(&asked.page) else { return self.not_found() };
        if page.properties.contains_key("revoked-record") {
            return refused(own, 409, "A property with this key exists");
        }
        page.properties.insert("revoked-record".to_owned(), value);
        Reply::Json(200, json!({"id": "77", "key": "revoked-record"}))
    }

    fn attach(&mut self, asked: &Asked) -> Reply {
        let (name, bytes) = match contract::file(&asked.content_type, &asked.body) {
            Ok(file) => file,
            Err(what) => return self.violated(format!("attachment: {what}")),
        };
        self.next += 1;
        let (own, id) = (self.own, format!("att{}", self.next));
        let Some(page) = self.pages.get_mut(&asked.page) else { return self.not_found() };
        let there = page.files.get(&name).map(|(id, _)| id.clone());
        if own && there.is_some() && there.as_ref() != Some(&asked.file) {
            return refused(own, 400, "Cannot add a new attachment with same file name");
        }
        page.files.insert(name, (there.unwrap_or(id), bytes));
        Reply::Json(200, json!({"results": [{}]}))
    }

    /// Page by page, as both do: Cloud by a cursor, Data Center by how many came before.
    fn attached(&mut self, asked: &Asked) -> Reply {
        let Some(page) = self.visible(&asked.page) else { return self.not_found() };
        let number = |key: &str| asked.query.get(key).map(|text| text.parse::<usize>());
        let most = if self.own { 25 } else { 50 };
        let (Ok(limit), Ok(start)) = (
            number("limit").unwrap_or(Ok(most)),
            if self.own {
                number("start").unwrap_or(Ok(0))
            } else {
                let cursor = asked.query.get("cursor").map(|text| text.strip_prefix("after/=+"));
                cursor.map_or(Ok(0), |text| text.unwrap_or("?").parse())
            },
        ) else {
            return self.violated(format!("a list of attachments by {:?}", asked.query));
        };
        if !(1..=250).contains(&limit) {
            return self.violated(format!("{limit} attachments at a time"));
        }
        let one = |(name, (id, _)): (&String, &(String, Vec<u8>))| json!({"id": id, "title": name, "status": "current"});
        let all: Vec<Value> = page.files.iter().skip(start).take(limit).map(one).collect();
        let end = start + all.len();
        let mut links = json!({"base": "https://company.example/wiki"});
        if end < page.files.len() {
            let id = &page.id;
            links["next"] = if self.own {
                format!("/rest/api/content/{id}/child/attachment?limit={limit}&start={end}").into()
            } else {
                format!(
                    "/wiki/api/v2/pages/{id}/attachments?limit={limit}&cursor=after%2F%3D%2B{end}"
                )
                .into()
            };
        }
        Reply::Json(200, json!({"results": all, "_links": links}))
    }

    /// It adds to what there was, and leaves alone who may read it.
    fn restrict(&mut self, asked: &Asked) -> Reply {
        let editor = match contract::editor(&asked.query, &asked.body) {
            Ok(editor) => editor,
            Err(what) => return self.violated(format!("restriction: {what}: {:?}", asked.query)),
        };
        let Some(page) = self.pages.get_mut(&asked.page) else { return self.not_found() };
        page.editors.insert(editor);
        Reply::Json(200, json!({}))
    }

    fn label(&mut self, asked: &Asked) -> Reply {
        let body: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let labels = match contract::labels(&body) {
            Ok(labels) => labels,
            Err(what) => return self.violated(format!("label: {what}: {body:#}")),
        };
        let Some(page) = self.pages.get_mut(&asked.page) else { return self.not_found() };
        page.labels.extend(labels);
        Reply::Json(200, json!({"results": []}))
    }
}
