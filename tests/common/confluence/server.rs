//! Connections, and which request is which.

use super::{EMAIL, Fault, SPACE, State, TOKEN};
use crate::common::standin::{Reply, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

/// What the path of a request ends with that names who may edit a page.
const EDITORS: &[&str] = &["byOperation", "update", "user"];

/// A request that was taken apart.
pub(super) struct Asked {
    pub(super) kind: &'static str,
    /// Page, if it is about one.
    pub(super) page: String,
    /// Attachment, if it is about one.
    pub(super) file: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
    pub(super) content_type: String,
}

/// An error in the form of Cloud; Data Center has another.
pub(super) fn refused(own: bool, status: u16, title: &str) -> Reply {
    let body = if own {
        json!({"statusCode": status, "data": {}, "message": title, "reason": "Bad Request"})
    } else {
        json!({"errors": [{"status": status, "code": "X", "title": title, "detail": null}]})
    };
    Reply::Json(status, body)
}

/// Verb and path as a kind of request, and the ids in it.
fn route(own: bool, verb: &str, path: &str) -> Option<(&'static str, String, String)> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let kind = |kind, page: &str| Some((kind, page.to_owned(), String::new()));
    if !own {
        let parts = parts.strip_prefix(&["wiki"])?;
        match (verb, parts) {
            ("GET", ["api", "v2", "spaces"]) => return kind("space", ""),
            ("GET", ["api", "v2", "pages"]) => return kind("find", ""),
            ("POST", ["api", "v2", "pages"]) => return kind("create", ""),
            ("GET", ["api", "v2", "pages", id]) => return kind("page", id),
            ("PUT", ["api", "v2", "pages", id]) => return kind("update", id),
            ("GET", ["api", "v2", "pages", id, "properties"]) => return kind("property", id),
            ("POST", ["api", "v2", "pages", id, "properties"]) => return kind("set_property", id),
            ("GET", ["api", "v2", "pages", id, "attachments"]) => return kind("attached", id),
            ("PUT", ["rest", "api", "content", id, "child", "attachment"]) => {
                return kind("attach", id);
            }
            ("POST", ["rest", "api", "content", id, "label"]) => return kind("label", id),
            ("PUT", ["rest", "api", "content", id, "restriction", of @ ..]) if of == EDITORS => {
                return kind("restrict", id);
            }
            ("GET", ["rest", "api", "user", "current"]) => return kind("me", ""),
            _ => return None,
        }
    }
    match (verb, parts.as_slice()) {
        ("GET", ["rest", "api", "space", key]) if *key == SPACE => kind("space", ""),
        ("GET", ["rest", "api", "content"]) => kind("find", ""),
        ("POST", ["rest", "api", "content"]) => kind("create", ""),
        ("GET", ["rest", "api", "content", id]) => kind("page", id),
        ("PUT", ["rest", "api", "content", id]) => kind("update", id),
        ("GET", ["rest", "api", "content", id, "property", "revoked-record"]) => {
            kind("property", id)
        }
        ("POST", ["rest", "api", "content", id, "property"]) => kind("set_property", id),
        ("GET", ["rest", "api", "content", id, "child", "attachment"]) => kind("attached", id),
        ("POST", ["rest", "api", "content", id, "child", "attachment"]) => kind("attach", id),
        ("POST", ["rest", "api", "content", id, "child", "attachment", file, "data"]) => {
            Some(("attach", (*id).to_owned(), (*file).to_owned()))
        }
        ("POST", ["rest", "api", "content", id, "label"]) => kind("label", id),
        _ => None,
    }
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = hex.and_then(|two| u8::from_str_radix(two, 16).ok());
        if let (b'%', Some(byte)) = (first, byte) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

impl State {
    pub(super) fn violated(&mut self, what: String) -> Reply {
        self.violations.push(what);
        refused(self.own, 400, "the contract is broken")
    }

    fn is_known(&self, credential: Option<&str>) -> bool {
        let basic = format!("Basic {}", STANDARD.encode(format!("{EMAIL}:{TOKEN}")));
        let wanted = if self.own { format!("Bearer {TOKEN}") } else { basic };
        credential == Some(&wanted)
    }

    pub(super) fn answer(&mut self, head: &str, body: Vec<u8>) -> Reply {
        let line = head.lines().next().unwrap_or_default().to_owned();
        let mut words = line.split(' ');
        let (verb, target) = (words.next().unwrap_or(""), words.next().unwrap_or("").to_owned());
        self.heard.push_str(&target);
        self.heard.push_str(&String::from_utf8_lossy(&body));
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let Some((kind, page, file)) = route(self.own, verb, path) else {
            return self.violated(format!("no such request: {verb} {path}"));
        };
        self.requests.push((kind, Instant::now()));
        if !self.is_known(header(head, "authorization")) {
            return Reply::Raw(401, Vec::new(), "<html>401</html>".to_owned());
        }
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let query = pairs.map(|(key, value)| (key.to_owned(), decoded(value))).collect();
        let content_type = header(head, "content-type").unwrap_or_default().to_owned();
        let writes = ["create", "update", "set_property", "label"].contains(&kind);
        if writes && content_type != "application/json" {
            return self.violated(format!("{kind} without its content type"));
        }
        if let Some(act) = self.before.get_mut(kind).and_then(VecDeque::pop_front) {
            let newest = self.pages.keys().next_back().unwrap().clone();
            self.act(&newest, &act);
        }
        let fault = self.faults.get_mut(kind).and_then(VecDeque::pop_front);
        let fault = fault.or_else(|| self.always.get(kind).cloned());
        match &fault {
            Some(Fault::Status(status, headers)) => {
                return Reply::Raw(*status, headers.clone(), "<html>busy</html>".to_owned());
            }
            Some(Fault::Error(status, title)) => return refused(self.own, *status, title),
            Some(Fault::Reset) => return Reply::Reset,
            Some(Fault::Login) => {
                return Reply::Raw(200, Vec::new(), "<html>log in</html>".to_owned());
            }
            Some(Fault::ResetAfter | Fault::HangAfter | Fault::CutAfter | Fault::ConflictAfter)
            | None => {}
        }
        if kind == "attach" && header(head, "x-atlassian-token") != Some("nocheck") {
            return Reply::Raw(403, Vec::new(), "XSRF check failed".to_owned());
        }
        let reply = self.done(&Asked { kind, page, file, query, body, content_type });
        match (fault, reply) {
            (Some(Fault::ResetAfter), _) => Reply::Reset,
            (Some(Fault::HangAfter), _) => Reply::Hang,
            (Some(Fault::ConflictAfter), _) => {
                refused(self.own, 409, "Version must be incremented")
            }
            (Some(Fault::CutAfter), Reply::Json(200, value)) => Reply::Cut(value),
            (_, reply) => reply,
        }
    }
}
