//! What Confluence takes, as far as the agent may use it: any other field, form or element is a violation.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A page that is made or changed.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) title: String,
    pub(crate) parent: Option<String>,
    pub(crate) body: String,
    pub(crate) version: u64,
    pub(crate) message: String,
}

/// Elements that may be emitted, and what may stand in each: `-` is text.
const INSIDE: &[(&str, &[&str])] = &[
    ("page", &["h2", "h3", "p", "ul", "table", "ac:structured-macro"]),
    ("h2", &["-"]),
    ("h3", &["-"]),
    ("p", &["-", "strong", "code", "ac:structured-macro"]),
    ("strong", &["-"]),
    ("code", &["-"]),
    ("ul", &["li"]),
    ("li", &["-", "strong", "code"]),
    ("table", &["tbody"]),
    ("tbody", &["tr"]),
    ("tr", &["th", "td"]),
    ("th", &["p"]),
    ("td", &["p"]),
    ("ac:structured-macro", &["ac:parameter", "ac:rich-text-body", "ac:plain-text-body"]),
    ("ac:parameter", &["-"]),
    ("ac:plain-text-body", &["-"]),
    ("ac:rich-text-body", &["h2", "h3", "p", "ul", "table", "ac:structured-macro"]),
];
const MACROS: &[&str] = &["status", "code", "expand", "info", "note", "warning"];
const PARAMETERS: &[&str] = &["title", "colour", "language"];

fn demand(good: bool, what: &str) -> Result<(), String> {
    if good { Ok(()) } else { Err(what.to_owned()) }
}

fn object<'a>(
    body: &'a Value,
    keys: &[&str],
    what: &str,
) -> Result<&'a Map<String, Value>, String> {
    let object = body.as_object().ok_or_else(|| format!("{what} is no object"))?;
    for key in object.keys() {
        demand(keys.contains(&key.as_str()), &format!("{what} has {key}"))?;
    }
    Ok(object)
}

fn text(object: &Map<String, Value>, key: &str) -> Result<String, String> {
    object.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("no {key}"))
}

fn title(object: &Map<String, Value>) -> Result<String, String> {
    let title = text(object, "title")?;
    let long = title.chars().count();
    demand((1..=255).contains(&long), "a title of 1 to 255 characters")?;
    // Ids, days and words of ours: nobody's name.
    let known = |c: char| c.is_ascii_alphanumeric() || " _:.,()-".contains(c);
    demand(title.chars().all(known), "a title with something of others")?;
    Ok(title)
}

fn storage(value: Option<&Value>) -> Result<String, String> {
    let value = value.ok_or("no body")?;
    let inside = object(value, &["representation", "value"], "the body")?;
    demand(text(inside, "representation")? == "storage", "another form than storage")?;
    let body = text(inside, "value")?;
    markup(&body)?;
    Ok(body)
}

pub(crate) fn create(own: bool, body: &Value) -> Result<Made, String> {
    let made = if own {
        let keys = ["type", "title", "space", "ancestors", "body"];
        let all = object(body, &keys, "a page")?;
        demand(all.get("type") == Some(&json!("page")), "no page")?;
        demand(all.get("space") == Some(&json!({"key": super::SPACE})), "another space")?;
        let above = all.get("ancestors").and_then(Value::as_array).ok_or("no ancestors")?;
        let parent = above.first().and_then(|one| one["id"].as_str()).map(str::to_owned);
        let inside = object(all.get("body").ok_or("no body")?, &["storage"], "the body")?;
        (title(all)?, parent, storage(inside.get("storage"))?)
    } else {
        let all = object(body, &["spaceId", "status", "title", "parentId", "body"], "a page")?;
        demand(text(all, "spaceId")? == super::SPACE_ID, "another space")?;
        demand(text(all, "status")? == "current", "another status")?;
        let parent = all.get("parentId").map(|id| id.as_str().unwrap_or("?").to_owned());
        (title(all)?, parent, storage(all.get("body"))?)
    };
    let (title, parent, body) = made;
    Ok(Made { title, parent, body, version: 1, message: String::new() })
}

pub(crate) fn update(own: bool, id: &str, body: &Value) -> Result<Made, String> {
    let (all, body) = if own {
        let all = object(body, &["type", "title", "body", "version"], "a page")?;
        let inside = object(all.get("body").ok_or("no body")?, &["storage"], "the body")?;
        (all, storage(inside.get("storage"))?)
    } else {
        let all = object(body, &["id", "status", "title", "body", "version"], "a page")?;
        demand(text(all, "id")? == id, "another page")?;
        (all, storage(all.get("body"))?)
    };
    let version = object(all.get("version").ok_or("no version")?, &["number", "message"], "it")?;
    let number = version.get("number").and_then(Value::as_u64).ok_or("no number")?;
    let message = text(version, "message")?;
    demand(message.starts_with("revoked:"), "a version that says nothing of whose it is")?;
    Ok(Made { title: title(all)?, parent: None, body, version: number, message })
}

/// Readable by everybody who sees the page: ids and hashes, and nothing else.
pub(crate) fn property(body: &Value) -> Result<Value, String> {
    let all = object(body, &["key", "value"], "a property")?;
    demand(text(all, "key")? == "revoked-record", "another key")?;
    let value = all.get("value").ok_or("no value")?;
    demand(value.to_string().len() <= 32 * 1024, "more than 32 KB")?;
    let keys = ["delivery", "note_sha256", "record", "root", "schema", "seq", "size"];
    let inside = object(value, &keys, "the value")?;
    demand(inside.len() == keys.len(), "a value without all its members")?;
    let known = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    for value in inside.values().filter_map(Value::as_str) {
        demand(!value.is_empty() && value.chars().all(known), "a value that is no id")?;
    }
    Ok(value.clone())
}

pub(crate) fn labels(body: &Value) -> Result<Vec<String>, String> {
    let all = body.as_array().ok_or("no list")?;
    let one = |label: &Value| {
        let inside = object(label, &["prefix", "name"], "a label")?;
        demand(text(inside, "prefix")? == "global", "another prefix")?;
        let name = text(inside, "name")?;
        demand(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "a label")?;
        Ok(name)
    };
    all.iter().map(one).collect()
}

/// Who is let edit a page, by the address alone. Of reading it nothing is said.
pub(crate) fn editor(query: &BTreeMap<String, String>, body: &[u8]) -> Result<String, String> {
    demand(body.is_empty(), "a body")?;
    let known = query.keys().all(|key| key == "accountId");
    demand(known, "another member than the account")?;
    let account = query.get("accountId").filter(|account| !account.is_empty());
    account.cloned().ok_or_else(|| "nobody".to_owned())
}

/// Name and bytes of the file in a form.
pub(crate) fn file(content_type: &str, body: &[u8]) -> Result<(String, Vec<u8>), String> {
    let edge = content_type.strip_prefix("multipart/form-data; boundary=").ok_or("no form")?;
    demand(edge.len() <= 70, "a boundary of more than 70 characters")?;
    let text = String::from_utf8_lossy(body);
    let parts: Vec<&str> = text.split(&format!("--{edge}")).collect();
    demand(parts.first() == Some(&"") && parts.last() == Some(&"--\r\n"), "the form's edges")?;
    let mut found = None;
    for part in &parts[1..parts.len() - 1] {
        let part = part.strip_prefix("\r\n").and_then(|part| part.strip_suffix("\r\n"));
        let (head, value) = part.and_then(|part| part.split_once("\r\n\r\n")).ok_or("a part")?;
        if head.contains("name=\"file\"") {
            let name = head.split("filename=\"").nth(1).and_then(|rest| rest.split('"').next());
            let name = name.ok_or("no name")?;
            let known = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
            demand(!name.is_empty() && name.chars().all(known), "a name of a file")?;
            demand(value.len() <= 5_242_880, "more than 5 MB")?;
            found = Some((name.to_owned(), value.as_bytes().to_vec()));
        } else {
            demand(head.ends_with("name=\"minorEdit\"") && value == "true", "another field")?;
        }
    }
    found.ok_or_else(|| "no file".to_owned())
}

fn checked(tag: &BytesStart<'_>, above: &str) -> Result<String, String> {
    let name = tag.name().as_ref().to_owned();
    let inside = INSIDE.iter().find(|(known, _)| *known == above).map(|(_, inside)| *inside);
    let fits = inside.is_some_and(|inside| inside.contains(&name.as_str()));
    demand(fits, &format!("<{name}> in <{above}>"))?;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let (key, value): (&str, &str) = (attribute.key.as_ref(), &attribute.value);
        let known = match name.as_str() {
            "ac:structured-macro" => MACROS.contains(&value),
            "ac:parameter" => PARAMETERS.contains(&value),
            _ => false,
        };
        demand(key == "ac:name" && known, &format!("<{name} {key}={value:?}>"))?;
    }
    Ok(name)
}

/// Whether a body is well-formed, and only of what we may emit.
pub(crate) fn markup(body: &str) -> Result<(), String> {
    demand(body.len() <= 5_242_880, "more than 5 MB")?;
    let wrapped = format!("<page>{body}</page>");
    let mut reader = Reader::from_str(&wrapped);
    let mut open: Vec<String> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|error| format!("{error}: {body}"))?;
        let above = open.last().cloned().unwrap_or_default();
        let takes_text = |above: &str| {
            INSIDE.iter().any(|(known, inside)| *known == above && inside.contains(&"-"))
        };
        match event {
            Event::Eof => break,
            Event::Start(tag) if open.is_empty() => open.push(tag.name().as_ref().to_owned()),
            Event::Start(tag) => open.push(checked(&tag, &above)?),
            Event::Empty(tag) => drop(checked(&tag, &above)?),
            Event::End(_) => drop(open.pop()),
            Event::Text(words) => {
                let legal = words.chars().all(|c| !c.is_control() || "\t\n".contains(c));
                demand(legal, "a control character")?;
                let words: &str = &words;
                demand(
                    takes_text(&above) || words.trim().is_empty(),
                    &format!("text in <{above}>"),
                )?;
            }
            Event::CData(_) => demand(above == "ac:plain-text-body", "CDATA")?,
            Event::GeneralRef(name) => {
                let name: &str = &name;
                demand(["amp", "lt", "gt", "quot"].contains(&name), &format!("&{name};"))?;
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {
                return Err("a comment, a declaration or the like".to_owned());
            }
        }
    }
    demand(open.is_empty(), "something is not closed")?;
    by_schema(body)
}

/// The same by xmllint and a schema, where `REVOKED_SPECS` names the directory that has one.
fn by_schema(body: &str) -> Result<(), String> {
    let Some(specs) = std::env::var_os("REVOKED_SPECS") else { return Ok(()) };
    let schema = std::path::Path::new(&specs).join("confluence-storage-subset.rng");
    let page = format!(
        "<ac:confluence xmlns:ac=\"http://www.atlassian.com/schema/confluence/4/ac/\" \
         xmlns:ri=\"http://www.atlassian.com/schema/confluence/4/ri/\" \
         xmlns=\"http://www.atlassian.com/schema/confluence/4/\">{body}</ac:confluence>"
    );
    let mut child = Command::new("xmllint")
        .args(["--nonet", "--noout", "--relaxng"])
        .arg(schema)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("xmllint is missing; install libxml2-utils");
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let says = String::from_utf8_lossy(&output.stderr).into_owned();
    demand(output.status.success(), &format!("xmllint: {says}"))
}

/// What people read of a body: its text, with a line for each block, cells beside each other.
pub(crate) fn readable(body: &str) -> String {
    let wrapped = format!("<page>{body}</page>");
    let mut reader = Reader::from_str(&wrapped);
    let (mut said, mut skip, mut in_cell) = (String::new(), false, false);
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return said,
            Event::Start(tag) => match tag.name().as_ref() {
                "h2" => said.push_str("\n## "),
                "h3" => said.push_str("\n### "),
                "li" => said.push_str("- "),
                "th" | "td" => in_cell = true,
                "ac:parameter" => {
                    let title = tag.attributes().flatten().any(|one| &*one.value == "title");
                    skip = !title;
                    if title {
                        said.push('[');
                    }
                }
                _ => {}
            },
            Event::End(tag) => match tag.name().as_ref() {
                "h2" | "h3" | "li" | "tr" | "ac:plain-text-body" => said.push('\n'),
                "th" | "td" => {
                    in_cell = false;
                    said.push_str(" | ");
                }
                "p" if !in_cell => said.push('\n'),
                "ac:parameter" => {
                    if !skip {
                        said.push(']');
                    }
                    skip = false;
                }
                _ => {}
            },
            Event::Text(words) if !skip => said.push_str(&words),
            Event::CData(words) => said.push_str(&words),
            Event::GeneralRef(name) => said.push_str(match &*name {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                _ => "\"",
            }),
            Event::Text(_)
            | Event::Empty(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_) => {}
        }
    }
}
