//! What the stand-in answers.

use super::{BOT, CHANNEL, Fault, HOOK, LEAD, Message, OTHER, State, contract};
use crate::common::standin::{Reply, header};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

fn refused(error: &str) -> Reply {
    let mut body = json!({"ok": false, "error": error});
    if error == "missing_scope" {
        body["needed"] = "chat:write".into();
        body["provided"] = "users:read".into();
    }
    Reply::Json(200, body)
}

impl State {
    fn violated(&mut self, what: String) -> Reply {
        self.violations.push(what);
        refused("invalid_arguments")
    }

    pub(super) fn answer(&mut self, head: &str, body: &[u8]) -> Reply {
        let line = head.lines().next().unwrap_or_default().to_owned();
        let mut words = line.split(' ');
        let (verb, target) = (words.next().unwrap_or(""), words.next().unwrap_or("").to_owned());
        let text = String::from_utf8_lossy(body).into_owned();
        self.heard.push_str(&target.replace(HOOK, "(hook)"));
        self.heard.push_str(&text);
        if let Some(to) = &self.redirect {
            return Reply::Raw(
                302,
                vec![("location", to.clone())],
                "<html>login</html>".to_owned(),
            );
        }
        if target == HOOK {
            return self.alarm(&text);
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let Some(method) = path.strip_prefix("/api/") else {
            return self.violated(format!("no such address: {path}"));
        };
        self.requests.push((method.to_owned(), Instant::now()));
        if header(head, "authorization") != Some(&format!("Bearer {BOT}")) {
            return refused("invalid_auth");
        }
        let fault = self.faults.get_mut(method).and_then(VecDeque::pop_front);
        let fault = fault.or_else(|| self.always.get(method).cloned());
        let fault = fault.or_else(|| self.dice.as_mut().and_then(|dice| dice.fault(method)));
        match &fault {
            Some(Fault::Status(status, headers)) => {
                return Reply::Raw(*status, headers.clone(), "<html>busy</html>".to_owned());
            }
            Some(Fault::Error(error)) => return refused(error),
            Some(Fault::Reset) => return Reply::Reset,
            Some(Fault::Garbage) => return Reply::Raw(200, vec![], "<html>ok</html>".to_owned()),
            Some(Fault::ResetAfter | Fault::HangAfter | Fault::CutAfter) | None => {}
        }
        let json_body = header(head, "content-type") == Some("application/json; charset=utf-8");
        if verb == "POST" && !json_body {
            return self.violated(format!("{method} without its content type"));
        }
        let reply = match (verb, method) {
            ("POST", "auth.test") => Reply::Json(200, json!({"ok": true})),
            ("POST", "chat.postMessage") => self.post(&text),
            ("POST", "chat.update") => self.update(&text),
            ("GET", "conversations.history") => self.history(query, false),
            ("GET", "conversations.replies") => self.history(query, true),
            _ => self.violated(format!("no such method: {verb} {method}")),
        };
        match (fault, reply) {
            (Some(Fault::ResetAfter), _) => Reply::Reset,
            (Some(Fault::HangAfter), _) => Reply::Hang,
            (Some(Fault::CutAfter), Reply::Json(200, value)) => Reply::Cut(value),
            (_, reply) => reply,
        }
    }

    /// The timestamp of a new message.
    pub(super) fn stamp(&mut self) -> String {
        self.next += 1;
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        format!("{now:010}.{:06}", self.next)
    }

    fn alarm(&mut self, text: &str) -> Reply {
        if let Some(Fault::Status(status, _)) = self.always.get("hook") {
            return Reply::Raw(*status, Vec::new(), "no_service".to_owned());
        }
        match serde_json::from_str::<contract::Hook>(text) {
            Ok(hook) => {
                self.taken.insert(("IncomingWebhook", text.to_owned()));
                self.alarms.push(hook.text);
                Reply::Raw(200, Vec::new(), "ok".to_owned())
            }
            Err(error) => self.violated(format!("the webhook: {error}")),
        }
    }

    /// That what is told is in the log, at the line that it names.
    fn in_the_log(&mut self, post: &contract::Post) -> Result<(), String> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let record = &post.metadata.event_payload.record;
        let line = log.line_of(record).ok_or(format!("{record} is told and not in the log"))?;
        let cited = format!("Log record {line}, ");
        if post.text.contains(&cited) {
            Ok(())
        } else {
            Err(format!("{record} is line {line}, and the message says otherwise: {}", post.text))
        }
    }

    fn post(&mut self, text: &str) -> Reply {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let post = match contract::post(&body) {
            Ok(post) => post,
            Err(what) => return self.violated(format!("chat.postMessage: {what}: {body:#}")),
        };
        self.taken.insert(("ChatPostMessage", text.to_owned()));
        if let Err(what) = self.in_the_log(&post) {
            return self.violated(what);
        }
        if let Some(error) = self.closed.get(&post.channel) {
            return refused(error);
        }
        if ![CHANNEL, OTHER, LEAD].contains(&post.channel.as_str()) {
            return refused("channel_not_found");
        }
        if let Some(parent) = &post.thread_ts {
            let known = self.messages.iter().find(|one| one.ts == *parent);
            if known.is_none_or(|one| one.thread.is_some() || one.channel != post.channel) {
                return self.violated(format!("a reply to what is no first message: {body:#}"));
            }
            if self.gone.contains(parent) {
                return refused("message_not_found");
            }
        }
        let ts = self.stamp();
        self.messages.push(Message {
            channel: post.channel.clone(),
            ts: ts.clone(),
            thread: post.thread_ts,
            broadcast: post.reply_broadcast == Some(true),
            text: post.text,
            blocks: body["blocks"].clone(),
            delivery: post.metadata.event_payload.delivery_id,
            edits: 0,
            at: Instant::now(),
        });
        Reply::Json(200, json!({"ok": true, "channel": post.channel, "ts": ts, "message": {}}))
    }

    fn update(&mut self, text: &str) -> Reply {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let update = match contract::update(&body) {
            Ok(update) => update,
            Err(what) => return self.violated(format!("chat.update: {what}: {body:#}")),
        };
        self.taken.insert(("ChatUpdate", text.to_owned()));
        if self.gone.contains(&update.ts) {
            return refused("message_not_found");
        }
        let found = self.messages.iter_mut().find(|one| one.ts == update.ts);
        let Some(one) = found.filter(|one| one.channel == update.channel) else {
            return refused("message_not_found");
        };
        one.text = update.text;
        // Text alone takes the blocks away.
        one.blocks = body["blocks"].clone();
        one.edits += 1;
        Reply::Json(
            200,
            json!({"ok": true, "channel": update.channel, "ts": update.ts, "text": ""}),
        )
    }

    /// A channel without replies, or a thread with what it began with.
    fn history(&mut self, query: &str, replies: bool) -> Reply {
        let asked: BTreeMap<&str, &str> =
            query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let known = ["channel", "oldest", "limit", "include_all_metadata", "cursor", "ts"];
        if let Some(odd) = asked.keys().find(|key| !known.contains(key)) {
            return self.violated(format!("the history by {odd}"));
        }
        let (Some(channel), Some(limit)) = (asked.get("channel"), asked.get("limit")) else {
            return self.violated("the history of what".to_owned());
        };
        let oldest: f64 = asked.get("oldest").and_then(|text| text.parse().ok()).unwrap_or(0.0);
        let all = asked.get("include_all_metadata") == Some(&"true");
        let ts = asked.get("ts").copied();
        let within = |one: &&Message| {
            let place = if replies {
                Some(one.ts.as_str()) == ts || one.thread.as_deref() == ts
            } else {
                one.thread.is_none() || one.broadcast
            };
            one.channel == *channel
                && place
                && !self.gone.contains(&one.ts)
                && one.ts.parse::<f64>().unwrap() > oldest
        };
        let mut found: Vec<&Message> = self.messages.iter().filter(within).collect();
        // Newest first, but a thread from its beginning.
        if !replies {
            found.reverse();
        }
        let from: usize = asked.get("cursor").and_then(|text| text.parse().ok()).unwrap_or(0);
        let limit: usize = limit.parse().unwrap_or(100);
        let page: Vec<Value> = found
            .iter()
            .skip(from)
            .take(limit)
            .map(|one| {
                let mut message = json!({"type": "message", "ts": one.ts, "text": one.text});
                if all {
                    message["metadata"] = json!({"event_type": "revoked_delivery",
                        "event_payload": {"delivery_id": one.delivery}});
                }
                message
            })
            .collect();
        let more = found.len() > from + limit;
        let next = if more { (from + limit).to_string() } else { String::new() };
        Reply::Json(
            200,
            json!({"ok": true, "messages": page, "has_more": more,
            "response_metadata": {"next_cursor": next}}),
        )
    }
}
