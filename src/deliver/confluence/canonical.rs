//! The text of a page as it was meant, whatever a server made of its form when it kept it.

use crate::domain::hex::hex;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use sha2::{Digest as _, Sha256};

/// What Confluence adds to what it keeps, and changes as it likes.
const OWN: &[&str] = &["ac:macro-id", "ac:local-id", "ac:schema-version", "local-id"];

/// SHA-256, in hex, of what a body says: without ids that the server gives, with attributes in order, entities
/// resolved, and spaces as one. A body that is no XML counts as it stands.
#[must_use]
pub(super) fn digest(body: &str) -> String {
    let said = text(body).unwrap_or_else(|| body.to_owned());
    hex(&Sha256::digest(said))
}

/// The text of a body; `None`: it is no XML.
pub(super) fn text(body: &str) -> Option<String> {
    let wrapped = format!("<page>{body}</page>");
    let mut reader = Reader::from_str(&wrapped);
    let (mut said, mut text) = (String::new(), String::new());
    loop {
        match reader.read_event().ok()? {
            Event::Eof => return Some(said),
            Event::Start(tag) => {
                settle(&mut said, &mut text);
                said.push_str(&opened(&tag)?);
            }
            Event::Empty(tag) => {
                settle(&mut said, &mut text);
                said.push_str(&opened(&tag)?);
                said.push_str("</>");
            }
            Event::End(_) => {
                settle(&mut said, &mut text);
                said.push_str("</>");
            }
            Event::Text(part) => text.push_str(&part),
            Event::CData(part) => text.push_str(&part),
            Event::GeneralRef(name) => text.push_str(&meant(&name)?),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// Text between two tags, with its spaces as one.
fn settle(said: &mut String, text: &mut String) {
    let words: Vec<&str> = text.split_whitespace().collect();
    said.push_str(&words.join(" "));
    text.clear();
}

fn opened(tag: &BytesStart<'_>) -> Option<String> {
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        let name: &str = attribute.key.as_ref();
        if !OWN.contains(&name) {
            attributes.push(format!(" {name}={:?}", attribute.value));
        }
    }
    attributes.sort();
    Some(format!("<{}{}>", tag.name().as_ref(), attributes.concat()))
}

/// The character of `&amp;`, `&#38;` or `&#x26;`; a name that XML does not know stands for itself.
fn meant(name: &BytesRef<'_>) -> Option<String> {
    if let Some(c) = name.resolve_char_ref().ok()? {
        return Some(c.to_string());
    }
    let name: &str = name;
    Some(match name {
        "amp" => "&".to_owned(),
        "lt" => "<".to_owned(),
        "gt" => ">".to_owned(),
        "quot" => "\"".to_owned(),
        "apos" => "'".to_owned(),
        "nbsp" => "\u{a0}".to_owned(),
        other => format!("&{other};"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<h2>Times &amp; dates</h2><ac:structured-macro ac:name=\"code\"><ac:plain-text-body>\
        <![CDATA[a < b]]></ac:plain-text-body></ac:structured-macro><p>one <code>two</code></p><hr/>";

    #[test]
    fn what_a_server_does_by_itself_changes_nothing() {
        for kept in [
            PAGE.to_owned(),
            PAGE.replace(
                " ac:name=\"code\"",
                " ac:macro-id=\"4-2\" ac:schema-version=\"1\" ac:name=\"code\"",
            ),
            PAGE.replace("&amp;", "&#38;").replace("&#38;", "&#x26;"),
            PAGE.replace("<p>one ", "\n<p>one\n  "),
            PAGE.replace("<![CDATA[a < b]]>", "a &lt; b"),
            PAGE.replace("<hr/>", "<hr></hr>"),
        ] {
            assert_eq!(digest(&kept), digest(PAGE), "{kept}");
        }
    }

    #[test]
    fn what_a_person_does_is_seen() {
        for kept in [
            PAGE.replace("two", "three"),
            PAGE.replace("code", "strong"),
            PAGE.replace("ac:name=\"code\"", "ac:name=\"info\""),
            PAGE.replace("a < b", "a > b"),
            format!("{PAGE}<p>and more</p>"),
            PAGE.replace("<hr/>", ""),
            "<p>not closed".to_owned(),
        ] {
            assert_ne!(digest(&kept), digest(PAGE), "{kept}");
        }
    }
}
